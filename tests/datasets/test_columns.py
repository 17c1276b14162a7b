"""The columns of a table become features, in the file and in later rows alike."""

import json
from typing import Any

import numpy as np
import pytest

from epochal_service.datasets import Dataset, DatasetError, encode_rows, parse_csv, read_csv
from epochal_service.datasets.columns import MAX_CATEGORIES, Choice, Column

HOUSES = """size,rooms,garage,city,sold,price
120,4,yes,Ulm,2021-03-29,300
80,3,no,Bonn,2021-04-03,210.5
100,3,yes,Ulm,2022-04-05,260
"""
LIMITS: Any = {"max_rows": 1000, "max_columns": 100, "max_bytes": 2**20}


def table(rows: list[str], header: str = "x,t") -> str:
    return "\n".join([header, *rows]) + "\n"


def column_of(dataset: Dataset, name: str) -> Column:
    """Return the column, after a round trip through JSON as in the store."""
    (column,) = (column for column in dataset.columns if column.name == name)
    return Column.from_json(json.loads(json.dumps(column.to_json())))


def reasons(dataset: Dataset) -> list[tuple[str, str]]:
    return [(warning.column, warning.reason) for warning in dataset.warnings]


def refused(data: str, **options: Any) -> list[tuple[str, str]]:
    with pytest.raises(DatasetError) as error:
        parse_csv(data, **options)
    return error.value.errors


def test_each_kind_of_column_becomes_its_features() -> None:
    dataset = parse_csv(HOUSES)
    assert [(column.name, column.kind) for column in dataset.columns] == [
        ("size", "number"),
        ("rooms", "number"),
        ("garage", "boolean"),
        ("city", "category"),
        ("sold", "date"),
    ]
    assert dataset.feature_names == (
        "size", "rooms", "garage", "city=Bonn", "city=Ulm",
        "sold year", "sold month", "sold day", "sold weekday",
    )  # fmt: skip
    assert dataset.inputs.tolist() == [
        [120, 4, 1, 0, 1, 2021, 3, 29, 0],
        [80, 3, 0, 1, 0, 2021, 4, 3, 5],
        [100, 3, 1, 0, 1, 2022, 4, 5, 1],
    ]


def test_the_file_itself_and_its_rows_are_encoded_as_when_it_was_uploaded() -> None:
    dataset = parse_csv(HOUSES)
    columns = [column_of(dataset, column.name) for column in dataset.columns]
    np.testing.assert_array_equal(read_csv(HOUSES, columns, **LIMITS), dataset.inputs)
    # Separated by semicolons, in another order, without the target.
    other = "sold;garage;city;size;rooms\n2021-04-03;no;Bonn;80;3\n"
    np.testing.assert_array_equal(read_csv(other, columns, **LIMITS), dataset.inputs[1:2])
    rows: Any = [
        {"size": 80, "rooms": "3", "garage": False, "city": "Bonn", "sold": "3 April 2021"},
        {
            "size": 120.0,
            "rooms": 4,
            "garage": "yes",
            "city": " Ulm",
            "sold": "29.3.2021",
            "price": None,
        },
    ]
    np.testing.assert_array_equal(encode_rows(rows, columns), dataset.inputs[[1, 0]])


def test_a_row_that_does_not_fit_is_refused_by_row_and_column() -> None:
    columns = parse_csv(HOUSES).columns
    good: Any = {"size": 1, "rooms": 2, "garage": True, "city": "Ulm", "sold": "2021-04-03"}
    for change, field, words in (
        ({"size": None}, "rows[1].size", "the value is missing"),
        ({"size": "big"}, "rows[1].size", "'big' is not a number"),
        ({"garage": "maybe"}, "rows[1].garage", "'maybe' is neither no nor yes"),
        ({"city": "Köln"}, "rows[1].city", "'Köln' is not one of the categories 'Bonn', 'Ulm'"),
        ({"sold": "soon"}, "rows[1].sold", "'soon' is not a date; write it as 2021-04-03"),
    ):
        with pytest.raises(DatasetError) as error:
            encode_rows([good, good | change], columns)
        assert error.value.field == field
        assert words in str(error.value)
    with pytest.raises(DatasetError) as error:
        encode_rows([{"size": 1}], columns)
    assert [name for name, _ in error.value.errors] == [
        "rows[0].rooms", "rows[0].garage", "rows[0].city", "rows[0].sold"
    ]  # fmt: skip
    with pytest.raises(DatasetError, match="There is no column 'city'; there are size, rooms"):
        read_csv("size,rooms,garage,sold\n1,2,yes,2021-04-03\n", columns, **LIMITS)
    with pytest.raises(DatasetError, match=r"Line 3, column 'size': 'x' is not a number"):
        read_csv(
            HOUSES.replace("80,", "x,"),
            columns,
            **LIMITS,
        )


GAPS = """size,garage,city,sold,price
120,yes,Ulm,2021-03-29,300
,no,Bonn,2021-04-03,210
100,,Ulm,,260
90,yes,,2021-05-01,230
95,yes,Ulm,2021-04-02,
"""


def test_rows_without_a_class_are_dropped_if_gaps_are_filled() -> None:
    rows = ["1,yes", "2,NA", "3,no", "4,?", "5,", "6,none", "7,n/a"]
    table = "x,vote\n" + "\n".join(rows)
    dataset = parse_csv(table, fills=True)
    assert dataset.class_names == ("no", "none", "yes")
    assert dataset.inputs[:, 0].tolist() == [1, 3, 6]
    assert dataset.warnings[0].reason == "rows"
    assert dataset.warnings[0].description == (
        "4 rows have no value of the target 'vote' and are dropped: lines 3, 5, 6, 8."
    )
    given = parse_csv(table.replace("5,\n", ""))
    assert given.class_names == ("?", "NA", "n/a", "no", "none", "yes")


def test_gaps_are_errors_unless_they_are_filled() -> None:
    fields = {field for field, _ in refused(GAPS, task="regression")}
    assert fields == {
        "lines[6].price",
        "lines[3].size",
        "lines[4].garage",
        "lines[5].city",
        "lines[4].sold",
    }
    dataset = parse_csv(GAPS, fills=True, task="regression")
    assert dataset.samples == 4
    assert reasons(dataset) == [("price", "rows")]
    assert "1 row has no value of the target 'price' and is dropped: line 6." in str(
        dataset.warnings[0].description
    )
    filled = {
        column.name: (column.fill_value, column.filled, column.filled_lines)
        for column in dataset.columns
    }
    assert filled == {
        "size": ("100", 1, [3]),
        "garage": ("yes", 1, [4]),
        "city": ("Ulm", 1, [5]),
        "sold": ("2021-04-03", 1, [4]),
    }
    assert dataset.inputs[:, 0].tolist() == [120, 100, 100, 90]
    # A later gap is filled with the same value, computed from the file.
    row: Any = {"size": None, "garage": "", "city": None, "sold": None}
    encoded = encode_rows([row], dataset.columns)[0]
    assert encoded[:4].tolist() == [100, 1, 0, 1]


@pytest.mark.parametrize(
    ("policy", "fill"), [("median", "2"), ("mean", "3"), ("zero", "0"), ("most_frequent", "1")]
)
def test_a_policy_chooses_the_value_of_a_gap(policy: Any, fill: str) -> None:
    data = table(["1,0", "1,1", "3,0", "7,1", "NA,0"])
    dataset = parse_csv(data, choices={"x": Choice(missing=policy)})
    assert column_of(dataset, "x").fill_value == fill
    assert dataset.inputs[-1].tolist() == [float(fill)]


def test_a_missing_category_may_be_one_of_its_own() -> None:
    data = table(["red,0", "blue,1", ",0"])
    dataset = parse_csv(data, choices={"x": Choice(missing="category")})
    assert dataset.feature_names == ("x=blue", "x=red", "x=missing")
    assert dataset.inputs[-1].tolist() == [0, 0, 1]


def test_an_unknown_category_is_an_error_or_counts_as_other() -> None:
    data = table([f"{'abc'[n % 3]},{n % 2}" for n in range(6)])
    strict = parse_csv(data)
    with pytest.raises(DatasetError, match="'d' is not one of the categories"):
        encode_rows([{"x": "d"}], strict.columns)
    lenient = parse_csv(data, choices={"x": Choice(unknown="other")})
    assert encode_rows([{"x": "d"}], lenient.columns).tolist() == [[0, 0, 0]]


def test_texts_among_numbers_are_named_in_a_warning() -> None:
    dataset = parse_csv("area,price\n10,100\n12,x\n16,160\n")
    assert dataset.class_names == ("100", "160", "x")
    assert [(w.column, w.reason, w.description) for w in dataset.warnings] == [
        (
            "price",
            "mixed",
            "Column 'price' is not read as numbers, although 2 of its 3 values are numbers: line 3 "
            "has 'x'. If it holds numbers, correct these cells or empty them, and send the file "
            "again.",
        )
    ]
    assert parse_csv("area,price\n10,100\n12,x\n16,160\n", task="classification").warnings == ()
    # Emptied, the cell is a gap.
    corrected = parse_csv("area,price\n10,100\n12,\n16,160.5\n", fills=True)
    assert (corrected.class_names, reasons(corrected)) == ((), [("price", "rows")])


def test_an_input_of_numbers_and_a_few_texts_has_a_warning_and_names_of_numbers_have_none() -> None:
    cells = [str(n) for n in range(8)] + ["n.n.", "n.n.", "-", "?", "none"]
    dataset = parse_csv(table([f"{cell},{n % 2}" for n, cell in enumerate(cells)]), fills=True)
    assert ("x", "mixed") in reasons(dataset)
    [warning] = [warning for warning in dataset.warnings if warning.reason == "mixed"]
    assert "line 10 has 'n.n.', line 11 has 'n.n.'" in warning.description
    few = parse_csv(table([f"{cell},{n % 2}" for n, cell in enumerate(["1", "a", "b", "2"] * 3)]))
    assert reasons(few) == []


def test_rare_categories_beyond_the_limit_count_as_other() -> None:
    rows = [f"city {n % 60},{n % 2}" for n in range(540)] + ["city 0,1"] * 5
    dataset = parse_csv(table(rows))
    assert dataset.features == MAX_CATEGORIES
    assert dataset.feature_names[-1] == "x=other"
    assert reasons(dataset) == [("x", "rare")]
    assert (dataset.inputs.sum(1) == 1).all()
    assert encode_rows([{"x": "new"}], dataset.columns)[0].argmax() == MAX_CATEGORIES - 1


def test_categories_in_ten_rows_keep_a_feature_each_beyond_the_limit() -> None:
    dataset = parse_csv(table([f"city {n % 60},{n % 2}" for n in range(600)]))
    assert dataset.features == 60
    assert reasons(dataset) == []
    assert encode_rows([{"x": "new"}], dataset.columns).sum() == 0
    names = [f"city {n % 300}" for n in range(5_000)]
    assert parse_csv(table([f"{name},{n % 2}" for n, name in enumerate(names)])).features == 201


def test_numbers_may_be_categories_however_they_are_written() -> None:
    data = table(["10,0", "9,1", "10.0,0"])
    dataset = parse_csv(data, choices={"x": Choice("category")})
    assert dataset.feature_names == ("x=9", "x=10")
    rows: Any = [{"x": 10}, {"x": "9.0"}]
    assert encode_rows(rows, dataset.columns).tolist() == [[0, 1], [1, 0]]


@pytest.mark.parametrize(
    ("cells", "expected"),
    [
        (["2021-04-03", "2022/5/4"], [(2021, 4, 3), (2022, 5, 4)]),
        (["3.4.2021", "04.05.2022"], [(2021, 4, 3), (2022, 5, 4)]),
        (["3/4/2021", "25/5/2022"], [(2021, 4, 3), (2022, 5, 25)]),
        (["4/3/2021", "5/25/2022"], [(2021, 4, 3), (2022, 5, 25)]),
        (["3 Apr 2021", "May 4 2022"], [(2021, 4, 3), (2022, 5, 4)]),
        (["2021-04-03T10:30:00Z", "2022-05-04 11:00"], [(2021, 4, 3, 10), (2022, 5, 4, 11)]),
    ],
)
def test_dates_are_read_in_their_usual_forms(cells: list[str], expected: list[Any]) -> None:
    parts: Any = ("year", "month", "day", "hour")[: len(expected[0])]
    dataset = parse_csv(
        table([f"{cell},{n}" for n, cell in enumerate(cells)]), choices={"x": Choice(parts=parts)}
    )
    assert [tuple(row) for row in dataset.inputs.tolist()] == expected


def test_an_ambiguous_date_is_an_error_that_says_so() -> None:
    data = table(["3/4/2021,0", "5/6/2022,1"])
    [(field, text)] = refused(data)
    assert field == "columns.x"
    assert "'3/4/2021' may be day 3 of month 4 or day 4 of month 3" in text
    dataset = parse_csv(data, choices={"x": Choice(day_first=True, parts=["month"])})
    assert dataset.inputs.tolist() == [[4], [6]]
    assert encode_rows([{"x": "1/2/2023"}], dataset.columns).tolist() == [[2]]


def test_texts_identifiers_and_empty_columns_are_ignored_with_a_warning() -> None:
    rows = [f"{n * 7},name {n},{'word ' * 30},{n % 5},,{n % 2}" for n in range(30)]
    data = table(rows, "id,person,comment,x,nothing,t")
    dataset = parse_csv(data, fills=True)
    assert dataset.feature_names == ("x",)
    assert reasons(dataset) == [
        ("id", "identifier"),
        ("person", "identifier"),
        ("comment", "text"),
        ("nothing", "empty"),
    ]
    chosen = parse_csv(data, fills=True, choices={"id": Choice("number")})
    assert chosen.feature_names == ("id", "x")


def test_labels_such_as_207_and_207a_are_texts_and_no_wrong_numbers() -> None:
    rows = [f"{n},{n // 4},{n % 3}" for n in range(201, 240)]
    rooms = parse_csv(table([*rows, "207a,51,1"], "room,x,t"))
    assert rooms.feature_names == ("x",)
    assert reasons(rooms)[0] == ("room", "mixed")
    assert "line 41 has '207a'" in rooms.warnings[0].description
    assert reasons(rooms)[1] == ("room", "identifier")
    # In a column of ids every text is a label, even if numbers repeat.
    bus = [f"{n % 9},{n},{n % 3}" for n in range(30)]
    assert "bus id=3b" in parse_csv(table([*bus, "3b,31,1"], "bus id,x,t")).feature_names


@pytest.mark.parametrize("text", ["3O", "12m", "207.5a", "about 207", "207ab", "-207a"])
@pytest.mark.parametrize("numbers", ["{n}", "{n}.5", "{m}"])
def test_a_slip_among_numbers_is_refused_with_its_line_and_what_to_do(
    text: str, numbers: str
) -> None:
    rows = [f"{numbers.format(n=n, m=n % 9)},{n % 3}" for n in range(201, 240)]
    assert refused(table([*rows, f"{text},1"])) == [
        (
            "lines[41].x",
            f"Line 41, column 'x': '{text}' is not a number, as the other values of the column "
            "are; correct it or delete the row, or choose the kind `category` for the column.",
        )
    ]


def test_a_first_column_without_a_name_numbers_the_rows() -> None:
    dataset = parse_csv(",x,t\n1,5,a\n2,6,b\n3,5,a\n")
    assert dataset.feature_names == ("x",)
    assert reasons(dataset) == [("column 1", "identifier")]


def test_constant_and_leaking_columns_are_inputs_with_a_warning() -> None:
    rows = [f"{n * n % 7},1,{2 * n + 1},{n}.5" for n in range(30)]
    dataset = parse_csv(table(rows, "x,one,double,price"))
    assert dataset.feature_names == ("x", "one", "double")
    assert reasons(dataset) == [("one", "constant"), ("double", "leakage")]
    rows = [f"{'ab'[n % 2]},{n % 3},{'xy'[n % 2]}" for n in range(30)]
    assert reasons(parse_csv(table(rows, "copy,n,t"))) == [("copy", "leakage")]


def test_groups_and_weights_are_stored_beside_the_inputs() -> None:
    data = table(["a,1,0.5,0", "b,2,2,1", "a,3,1,0"], "patient,x,w,t")
    choices = {"patient": Choice("group"), "w": Choice("weight")}
    dataset = parse_csv(data, choices=choices)
    assert dataset.feature_names == ("x",)
    assert dataset.groups["patient"].tolist() == [0, 1, 0]
    assert dataset.weights is not None
    assert dataset.weights.tolist() == [0.5, 2, 1]
    [(field, text)] = refused(data.replace("0.5", "-1"), choices=choices)
    assert (field, "at least 0" in text) == ("lines[2].w", True)


def test_decimal_commas_are_read_in_later_rows_too() -> None:
    columns = parse_csv("x;t\n1,5;0,5\n2,25;1\n").columns
    rows: Any = [{"x": "1,5"}, {"x": 2.25}, {"x": "1,500"}]
    assert encode_rows(rows, columns).tolist() == [[1.5], [2.25], [1.5]]


def test_a_choice_that_cannot_be_is_refused() -> None:
    data = table(["1,0", "2,1", "3,0"])
    assert refused(data, choices={"y": Choice("number")})[0][0] == "columns.y"
    assert refused(data, choices={"t": Choice("number")})[0][0] == "columns.t"
    assert "two words such as yes and no" in refused(data, choices={"x": Choice("boolean")})[0][1]
    assert "No column is left as an input." in refused(data, choices={"x": Choice("ignore")})[0][1]
