"""A CSV file becomes an equal table, or a list of errors."""

import csv
import io
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from epochal_service.datasets import Dataset, DatasetError, parse_csv
from epochal_service.datasets.dataset import MAX_CLASSES

Kind = Literal["auto", "classification", "regression"]


def outcome(data: bytes | str, **options: Any) -> Dataset | DatasetError:
    try:
        return parse_csv(data, **options)
    except DatasetError as error:
        return error


def errors(data: bytes | str, **options: Any) -> list[tuple[str, str]]:
    error = outcome(data, **options)
    assert isinstance(error, DatasetError)
    return error.errors


# ------------------------------------------------------------------ what is read


def test_numbers_are_unchanged_and_texts_become_columns_of_zeros_and_ones() -> None:
    dataset = parse_csv("size,color,price\n1,red,0.5\n2,blue,1.5\n3,red,-2e1\n", name="toys")
    assert dataset.feature_names == ("size", "color=blue", "color=red")
    assert dataset.inputs.tolist() == [[1, 0, 1], [2, 1, 0], [3, 0, 1]]
    assert dataset.task == "regression"
    assert dataset.targets.tolist() == [[0.5], [1.5], [-20.0]]
    assert (dataset.name, dataset.target_names, dataset.class_names) == ("toys", ("price",), ())


def test_the_target_may_be_any_column_and_the_others_keep_their_order() -> None:
    dataset = parse_csv("a,kind,b\n1,x,2\n3,y,4\n", target="kind")
    assert dataset.feature_names == ("a", "b")
    assert dataset.inputs.tolist() == [[1, 2], [3, 4]]
    assert dataset.target_names == ("kind",)


@pytest.mark.parametrize(
    ("targets", "task", "expected", "labels", "class_names"),
    [
        (["yes", "no", "yes"], "auto", "binary", [1, 0, 1], ("no", "yes")),
        (["c", "a", "b"], "auto", "multiclass", [2, 0, 1], ("a", "b", "c")),
        (["10", "9", "10.0", "9"], "auto", "binary", [1, 0, 1, 0], ("9", "10")),
        (["0.5", "1", "0.5"], "classification", "binary", [0, 1, 0], ("0.5", "1")),
        (["1", "x", "1"], "classification", "binary", [0, 1, 0], ("1", "x")),
        (["-0.0", "1", "0"], "auto", "binary", [0, 1, 0], ("0", "1")),
    ],
)
def test_classes_are_sorted_and_counted_from_zero(
    targets: list[str], task: Kind, expected: str, labels: list[int], class_names: tuple[str, ...]
) -> None:
    rows = "".join(f"{number},{target}\n" for number, target in enumerate(targets))
    dataset = parse_csv(f"x,t\n{rows}", task=task)
    assert dataset.task == expected
    assert dataset.targets.tolist() == labels
    assert dataset.targets.dtype == np.int64
    assert dataset.class_names == class_names


def test_twenty_distinct_whole_numbers_are_classes_and_twenty_one_are_quantities() -> None:
    def whole_numbers(count: int) -> str:
        return "x,t\n" + "".join(f"0,{number}\n" for number in [*range(count), *range(count)])

    assert parse_csv(whole_numbers(20)).task == "multiclass"
    assert parse_csv(whole_numbers(21)).task == "regression"
    assert parse_csv(whole_numbers(21), task="classification").task == "multiclass"
    assert parse_csv(whole_numbers(3), task="regression").task == "regression"


def test_whole_numbers_that_hardly_repeat_are_quantities() -> None:
    prices = [100, 114, 128, 142, 156, 170, 184, 198, 212, 212]
    table = "area,price\n" + "".join(f"{50 + row},{price}\n" for row, price in enumerate(prices))
    assert parse_csv(table).task == "regression"
    assert parse_csv(table, task="classification").task == "multiclass"
    assert parse_csv("x,t\n5,0\n6,1\n").task == "binary"


def test_blank_lines_and_space_around_values_do_not_count() -> None:
    dataset = parse_csv("\n \nx , t\n\n 1 ,\ta\n   \n2,b \n\n")
    assert dataset.feature_names == ("x",)
    assert dataset.inputs.tolist() == [[1], [2]]
    assert dataset.class_names == ("a", "b")


def test_a_separator_inside_of_quotes_is_not_counted_as_one() -> None:
    dataset = parse_csv('"a,b,c";"d ""e"", f"\n1;x\n2;y\n')
    assert dataset.feature_names == ("a,b,c",)
    assert dataset.target_names == ('d "e", f',)


def test_a_column_of_years_or_pixel_numbers_is_no_missing_header() -> None:
    assert parse_csv("0,1,label\n5,6,a\n7,8,b\n").feature_names == ("0", "1")


def test_a_number_with_an_underscore_is_a_text() -> None:
    assert parse_csv("x,t\n1_0,1\n2_0,2\n").feature_names == ("x=1_0", "x=2_0")


@pytest.mark.parametrize(
    "data",
    [
        "x;y;kind\n1,5;-2,0;a\n1;0,125;b\n",
        "x\ty\tkind\n1,5\t-2,0\ta\n1\t0,125\tb\n",
        'x,y,kind\n"1,5","-2,0",a\n1,"0,125",b\n',
        # A comma before three digits could group thousands, if another one did not tell.
        "x;y;kind\n1,500;-2e0;a\n1;0,125;b\n",
        "x;y;kind\n1.5;-2;a\n1;0,125;b\n",
    ],
)
def test_decimal_commas_are_read_where_they_are_clearly_that(data: str) -> None:
    dataset = parse_csv(data)
    np.testing.assert_array_equal(dataset.inputs, [[1.5, -2.0], [1.0, 0.125]])
    assert dataset.class_names == ("a", "b")


def test_a_text_keeps_its_commas_beside_decimal_ones() -> None:
    dataset = parse_csv("place;x;y\nBonn, Rhein;0,5;1,5\nUlm;1,5;2,25\n")
    assert dataset.feature_names == ("place=Bonn, Rhein", "place=Ulm", "x")
    assert dataset.targets.tolist() == [[1.5], [2.25]]
    assert parse_csv("x;t\n0,5;1,5\n1;2\n", task="classification").class_names == ("1.5", "2")


# ------------------------------------------------------------------ what is refused


@pytest.mark.parametrize(
    ("data", "field", "sentence"),
    [
        ("", "data", "The file is empty"),
        (" \n\n", "data", "The file is empty"),
        ("x,t\n1,a\n", "data", "at least two rows after its header; this one has 1."),
        (
            "x\n1\n2\n",
            "lines[1]",
            "names one column, 'x': there must be at least a feature and a target",
        ),
        ("x,,t\n1,2,a\n3,4,b\n", "lines[1]", "column 2 has no name"),
        ("\n1,2\n3,4\n5,6\n", "lines[2]", "add a header row"),
        ("5.1,3.5,setosa\n4.9,3.0,virginica\n", "lines[1]", "add a header row"),
        ("x,t\n1,a\n2\n3,b\n", "lines[3]", "must have 2 values, one per name"),
        ("x,t\n1,a\n\n2,b,c\n3,b\n", "lines[4]", "it has 3."),
        ("x,t\n1,a\n,b\n", "lines[3].x", "Line 3, column 'x': the value is missing"),
        ("x,t\n1,a\n2,\n", "lines[3].t", "or set `missing` to `auto`, which drops such rows."),
        ("x,t\n1,a\nNA,b\n", "lines[3].x", "or set `missing` to `auto`, which fills gaps."),
        ("x,t\nred,a\n,b\n", "lines[3].x", "the value is missing"),
        ("x,t\n1,a\nNaN,b\n", "lines[3].x", "'NaN' is not a finite number"),
        ("x,t\n1,a\n-inf,b\n", "lines[3].x", "'-inf' is not a finite number"),
        ("x,t\n1,a\n1e999,b\n", "lines[3].x", "'1e999' is not a finite number"),
        ("x,t\n1,2.5\n2,nan\n", "lines[3].t", "'nan' is not a finite number"),
        ("x;t\n1,5;a\n2.5;b\n", "lines[2].x", "'1,5' has a decimal comma; write a decimal point"),
        ("x;t\n1,234;a\n2;b\n", "lines[2].x", "'1,234' may be '1.234' or '1234'; write one"),
        ("x;y;t\n1,5;0.5;a\n2.5;1;b\n", "lines[2].x", "'1,5' has a decimal comma; write a"),
        ("x,t\n1,5,2,0\n1,3\n1,4\n", "lines[2]", "decimal, separate the values by semicolons."),
        ("1,5;2,0\n2,5;3,0\n3,5;1,0\n", "lines[1]", "add a header row"),
        ("x,t\n1,a\n2,a\n", "columns.t", "has only one class, 'a'; there must be at least two"),
        ('x,t\n1,a\n"2\n,3",b\n4,\n', "lines[5].t", "Line 5, column 't': the value is missing"),
        ('x,t\n1,a\n2,"b\n3,c\n', "lines[3]", "is not closed"),
        ('x,t\n1,a\n"2"2,b\n', "lines[3]", "double the quotes in it"),
        ("x,t\n1,a\n2,\0\n", "lines[3]", "NUL character"),
        (b"x,t\n1,a\n2,\x81\n", "lines[3]", "byte 0x81 is not UTF-8"),
        ("x,t\n1,a\n2,\ud800\n", "lines[3]", "is not UTF-8"),
        ("a,a=1 b,t\n1 b,1,x\n2 b,2,y\n", "data", "rename it"),
        (f"x,t\n{'y' * 101},1\nz,2\n", "data", "holds text of up to 101 characters and is ignored"),
        (f"x,t\n1,{'y' * 101}\n2,z\n", "lines[2].t", "too long for a class of at most 100"),
        (f"{'y' * 101},t\n1,a\n2,b\n", "lines[1]", "has more than 100 characters"),
        (f"x,t\n1,{'9' * 140_000}\n2,b\n", "lines[2]", "longer than 131072 characters"),
    ],
)
def test_an_error_names_its_line_and_what_would_be_right(
    data: bytes | str, field: str, sentence: str
) -> None:
    actual = errors(data)
    assert [name for name, _ in actual] == [field]
    assert sentence in actual[0][1]


def test_an_unknown_target_is_refused_with_the_names_of_the_columns() -> None:
    assert errors("x,t\n1,a\n2,b\n", target="price") == [
        ("target", "There is no column 'price'; the columns are x, t.")
    ]


def test_a_regression_on_a_text_is_refused() -> None:
    [(field, sentence)] = errors("x,t\n1,a\n2,b\n", task="regression")
    assert field == "task"
    assert "a regression needs numbers: choose classification" in sentence


def test_one_text_among_nine_numbers_is_an_error_and_never_a_category() -> None:
    cells = ["1"] * 4 + ["one"] + ["1"] * 5
    data = "x,t\n" + "".join(f"{cell},{row % 2}\n" for row, cell in enumerate(cells))
    assert errors(data) == [
        (
            "lines[6].x",
            "Line 6, column 'x': 'one' is not a number, as the other values of the column are; "
            "correct it or delete the row, or choose the kind `category` for the column.",
        )
    ]


def test_two_texts_among_eight_numbers_make_the_column_a_category() -> None:
    cells = ["1"] * 8 + ["one"] * 2
    data = "x,t\n" + "".join(f"{cell},{row % 2}\n" for row, cell in enumerate(cells))
    assert parse_csv(data).feature_names == ("x=1", "x=one")


def test_classes_have_a_limit() -> None:
    data = "x,t\n" + "".join(f"0,class {n}\n" for n in range(MAX_CLASSES + 1))
    [(field, sentence)] = errors(data)
    assert field == "columns.t"
    assert f"{MAX_CLASSES + 1} classes; the limit is {MAX_CLASSES}" in sentence


def test_up_to_twenty_problems_are_reported_together() -> None:
    two = errors("x,y,t\n1,,a\n2,inf,b\n")
    assert [field for field, _ in two] == ["lines[2].y", "lines[3].y"]
    assert len(errors("x,t\n" + "1\n" * 100)) == 20


@pytest.mark.parametrize(
    ("options", "field", "sentence"),
    [
        ({"max_bytes": 17}, "data", "The file has 18 bytes; the limit is 17."),
        ({"max_rows": 2}, "data", "There are more than 2 rows"),
        ({"max_columns": 1}, "lines[1]", "names 2 columns; the limit is 1."),
        ({"max_columns": 2}, "data", "become 3 features; the limit is 2"),
    ],
)
def test_a_table_beyond_its_limits_is_refused(
    options: dict[str, int], field: str, sentence: str
) -> None:
    data = "x,t\na,1\nb,2\nc,3\n\n\n"
    assert len(data) == 18
    assert parse_csv(data, max_bytes=18, max_rows=3, max_columns=3).samples == 3
    [(actual, description)] = errors(data, **options)
    assert actual == field
    assert sentence in description


def test_blank_lines_have_the_limit_of_rows() -> None:
    data = "x,t\na,1\n" + "\n" * 3 + "b,2\n"
    assert parse_csv(data, max_rows=3).samples == 2
    [(field, sentence)] = errors(data, max_rows=2)
    assert (field, sentence) == ("data", "There are more than 2 blank lines: remove some.")


# ------------------------------------------------------------------ what holds for any table


@dataclass(frozen=True)
class Table:
    """Columns that were written, the last one the target, and the bytes that they became."""

    columns: dict[str, list[float] | list[str]]
    data: bytes


def is_number(text: str) -> bool:
    try:
        return float(text.replace(",", ".")) is not None
    except ValueError:
        return False


@st.composite
def tables(draw: st.DrawFn) -> Table:
    """Any table of numbers and texts, in any dialect that a spreadsheet may write."""
    quoting: Any = draw(st.sampled_from([csv.QUOTE_MINIMAL, csv.QUOTE_ALL, csv.QUOTE_NONNUMERIC]))
    # Without quotes a name that holds another separator cannot be distinguished from two names, and
    # Python 3.11 writes a lone line break as it is.
    plain = quoting == csv.QUOTE_MINIMAL
    characters = st.characters(
        codec="utf-8",
        exclude_characters="\0=_" + (",;\t\r\n" if plain else ""),
    )
    words = (
        st.text(characters, min_size=1, max_size=8)
        .map(str.strip)
        .filter(
            lambda text: (
                text and not is_number(text) and text.lower() not in {"-", "?", "na", "n/a"}
            )
        )
    )
    names = draw(st.lists(words, min_size=2, max_size=4, unique=True))
    rows = draw(st.integers(2, 8))
    numbers = st.lists(
        st.floats(allow_nan=False, allow_infinity=False), min_size=rows, max_size=rows
    )
    texts = st.lists(words, min_size=rows, max_size=rows)
    columns: dict[str, list[float] | list[str]] = {}
    for name in names[:-1]:
        columns[name] = draw(texts | numbers)
    columns[names[-1]] = draw(texts.filter(lambda cells: len(set(cells)) > 1) | numbers)
    out = io.StringIO(newline="")
    writer = csv.writer(
        out,
        delimiter=draw(st.sampled_from(",;\t")),
        quoting=quoting,
        lineterminator=draw(st.sampled_from(["\n", "\r\n", "\r"])),
    )
    writer.writerow(names)
    writer.writerows(zip(*columns.values(), strict=True))
    return Table(columns, out.getvalue().encode(draw(st.sampled_from(["utf-8", "utf-8-sig"]))))


@settings(max_examples=200)
@given(tables())
def test_any_table_in_any_dialect_comes_back_equal(table: Table) -> None:
    *features, target = table.columns
    kind: Kind = "auto" if isinstance(table.columns[target][0], str) else "regression"
    dataset = parse_csv(table.data, task=kind)
    place = {name: column for column, name in enumerate(dataset.feature_names)}
    for name in features:
        written = table.columns[name]
        if isinstance(written[0], str):
            hot = np.array([dataset.inputs[:, place[f"{name}={text}"]] for text in written])
            assert (np.diag(hot) == 1).all()
            others = [column for key, column in place.items() if key.startswith(f"{name}=")]
            assert (dataset.inputs[:, others].sum(axis=1) == 1).all()
        else:
            assert dataset.inputs[:, place[name]].tolist() == written
    if kind == "auto":
        read = [dataset.class_names[label] for label in dataset.targets]
    else:
        read = dataset.targets[:, 0].tolist()
    assert read == table.columns[target]
    assert dataset.target_names == (target,)


@settings(max_examples=300)
@given(
    data=st.binary(max_size=200)
    | st.text(max_size=100)
    | st.text(alphabet='ab1.9-,;\t" \r\n\0\ufeff_einf', max_size=120)
    | st.lists(
        st.lists(st.sampled_from(["1", "-2.5", "red", "", "nan", "1,5", '"q"', "1e999"])).map(
            ",".join
        )
    ).map(lambda lines: "x,t\n" + "\n".join(lines)),
    target=st.none() | st.just("x") | st.text(max_size=3),
    task=st.sampled_from(["auto", "classification", "regression"]),
)
@example(data=b"\xff\xfeh\x00i\x00", target=None, task="auto")
@example(data='"' * 999, target=None, task="auto")
def test_any_text_gives_a_finite_data_set_or_a_data_set_error(
    data: bytes | str, target: str | None, task: Kind
) -> None:
    read = outcome(data, target=target, task=task)
    if isinstance(read, DatasetError):
        assert 1 <= len(read.errors) <= 20
        assert all(field and sentence.endswith((".", ").")) for field, sentence in read.errors)
    else:
        assert read.samples >= 2
        assert np.isfinite(read.inputs).all()
        loss = "mse" if read.task == "regression" else "cross_entropy"
        assert np.isfinite(read.encoded_targets(loss)).all()
