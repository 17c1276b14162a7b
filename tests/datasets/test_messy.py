"""Messy files are read right, or refused with the line, the column and the remedy."""

import json
import math
from collections.abc import Mapping
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from epochal_engine import Dense, Network
from epochal_engine.export import Scaling, numpy_script
from epochal_service.answers.sources import table_of
from epochal_service.datasets import Dataset, DatasetError, encode_rows, parse_csv, read_csv
from epochal_service.datasets.columns import Choice, Column
from epochal_service.datasets.number_formats import MARKS, PERCENT, NumberFormat
from epochal_service.resources.datasets import Schema

FOLDER = Path(__file__).parent / "messy"
# The page's preview is tested with the same file.
EXPECTED: Mapping[str, Any] = json.loads((FOLDER / "expected.json").read_text("utf-8"))
LIMITS: Any = {"max_rows": 1000, "max_columns": 100, "max_bytes": 2**20}


def targets_of(dataset: Dataset) -> list[Any]:
    if not dataset.class_names:
        return [float(value) for value in dataset.targets.ravel()]
    return [dataset.class_names[label] for label in dataset.targets]


def test_each_messy_file_has_an_expected_outcome() -> None:
    assert {file.name for file in FOLDER.glob("*.csv")} == {*EXPECTED}
    assert len(EXPECTED) == 20


@pytest.mark.parametrize("name", EXPECTED)
def test_a_messy_file_is_read_right_or_refused_with_a_remedy(name: str) -> None:
    data, expected = (FOLDER / name).read_bytes(), EXPECTED[name]
    if "errors" in expected:
        with pytest.raises(DatasetError) as refused:
            parse_csv(data, fills=True)
        errors = dict(refused.value.errors)
        assert [*errors] == [*expected["errors"]]
        for field, words in expected["errors"].items():
            assert words in errors[field]
        return
    dataset = parse_csv(data, fills=True)
    assert [*(c.name for c in dataset.columns), *dataset.target_names] == expected["header"]
    for feature, values in expected["inputs"].items():
        inputs = dataset.inputs[:, dataset.feature_names.index(feature)].tolist()
        assert inputs[: len(values)] == values, feature
    assert targets_of(dataset)[: len(expected["targets"])] == expected["targets"]
    notes = {warning.column: warning.description for warning in dataset.warnings}
    assert notes.keys() == expected.get("notes", {}).keys()
    for column, words in expected.get("notes", {}).items():
        assert words in notes[column]


@pytest.mark.parametrize("name", [name for name in EXPECTED if "errors" not in EXPECTED[name]])
def test_new_rows_are_read_in_the_formats_of_the_file(name: str) -> None:
    data = (FOLDER / name).read_bytes()
    dataset = parse_csv(data, fills=True)
    columns = [Column.from_json(json.loads(json.dumps(c.to_json()))) for c in dataset.columns]
    np.testing.assert_array_equal(read_csv(data, columns, **LIMITS), dataset.inputs)


# ------------------------------------------------------------------------------------ new rows


def test_json_numbers_and_written_numbers_are_the_same_in_new_rows() -> None:
    columns = parse_csv("x;share;t\n1,5;12 %;0,5\n1.512;8,5 %;1\n", fills=True).columns
    for row in ({"x": 1.512, "share": 8.5}, {"x": "1,512", "share": "8,5%"}):
        assert encode_rows([row], columns).tolist() == [[1.512, 8.5]]
    assert encode_rows([{"x": "1.512", "share": "0 %"}], columns).tolist() == [[1512, 0]]
    for cell, why in (("2.5", "has a decimal point; write a decimal comma"), ("$1", r"is in \$")):
        with pytest.raises(DatasetError, match=why):
            encode_rows([{"x": cell, "share": "1 %"}], columns)
    with pytest.raises(DatasetError, match=r"'0,5' has no percent sign"):
        encode_rows([{"x": "1", "share": "0,5"}], columns)


@pytest.mark.parametrize(
    ("others", "cells", "expected"),
    [
        (("1,5", "2,5"), ("1.512", "2.500"), [1512, 2500]),
        (("1.5", "2.5"), ("1,512", "2,500"), [1512, 2500]),
        (("1,5", "2,5"), ("1,512", "2,500"), [1.512, 2.5]),
        (("1,5", "2,5"), ("1.512", "2.5"), [1.512, 2.5]),
    ],
)
def test_other_columns_decide_a_number_that_may_be_two(
    others: tuple[str, str], cells: tuple[str, str], expected: list[float]
) -> None:
    rows = "".join(f"{a};{b};{n}\n" for n, (a, b) in enumerate(zip(others, cells, strict=True)))
    dataset = parse_csv(f"x;y;t\n{rows}")
    assert dataset.inputs[:, 1].tolist() == expected
    notes = [warning.description for warning in dataset.warnings]
    assert any("as other columns have decimal" in note for note in notes) == (expected[0] == 1512)


def test_a_gap_is_filled_with_a_plain_number_in_any_format() -> None:
    dataset = parse_csv("x;t\n1,5;1\n2.000,25;2,5\n;3\n1,512;4\n", fills=True)
    assert dataset.columns[0].fill_value == "1.512"
    assert dataset.inputs[:, 0].tolist() == [1.5, 2000.25, 1.512, 1.512]
    assert encode_rows([{"x": None}, {"x": ""}], dataset.columns).tolist() == [[1.512], [1.512]]


def test_that_a_value_is_missing_is_an_input_if_many_are() -> None:
    rows = "".join(f"{'' if n % 4 == 0 else n},{n % 2}\n" for n in range(40))
    columns = parse_csv(f"x,t\n{rows}", fills=True).columns
    assert columns[0].features == ["x", "x missing"]
    assert encode_rows([{"x": None}, {"x": 3}], columns).tolist() == [[20, 1], [3, 0]]
    few = "".join(f"{'' if n < 9 else n},{n % 2}\n" for n in range(40))
    assert parse_csv(f"x,t\n{few}", fills=True).feature_names == ("x",)
    chosen = parse_csv(f"x,t\n{rows}", choices={"x": Choice(missing="mean")})
    assert chosen.feature_names == ("x",)


def test_a_column_that_numbers_the_rows_can_be_chosen_or_be_the_only_one() -> None:
    rows = "".join(f"{n},{n % 5}.5,{n}.25\n" for n in range(30))
    assert parse_csv(f"n,x,t\n{rows}").feature_names == ("x",)
    assert parse_csv(f"n,x,t\n{rows}", choices={"n": Choice("number")}).feature_names == ("n", "x")
    alone = parse_csv("n,t\n" + "".join(f"{n},{n}.25\n" for n in range(30)))
    assert alone.feature_names == ("n",)
    # Rows without a target are dropped, and the others keep their numbers.
    gaps = "".join(f"{n},{n % 5}.5,{'' if n in (0, 7) else n}\n" for n in range(30))
    assert parse_csv(f"n,x,t\n{gaps}", fills=True).feature_names == ("x",)


# ------------------------------------------------------------------------------------- formats


def formatted(number: Fraction, number_format: NumberFormat) -> str:
    """Write a number that has at most four decimals, as a spreadsheet would."""
    whole, rest = divmod(abs(number), 1)
    digits = f"{whole:,}".replace(",", number_format.thousands)
    decimals = f"{int(rest * 10_000):04}".rstrip("0")
    text = f"{'-' if number < 0 else ''}{digits}"
    text += f"{number_format.decimal}{decimals}" if decimals else ""
    if not number_format.unit:
        return text
    return f"{text} %" if number_format.unit == PERCENT else f"{number_format.unit} {text}"


formats = st.builds(
    lambda marks, unit: NumberFormat(marks[0], marks[1], unit),
    st.sampled_from(MARKS),
    st.sampled_from(["", "$", "€", "CHF", PERCENT]),
)
numbers = st.integers(-(10**11), 10**11).map(lambda n: Fraction(n, 10_000))


@given(formats, st.lists(numbers, min_size=2, max_size=8))
def test_a_number_is_read_as_it_was_written(
    number_format: NumberFormat, written: list[Fraction]
) -> None:
    # Two cells that show the format, whatever the others are.
    shown = [Fraction(1234567, 1), Fraction(1, 2), *written]
    rows = "".join(
        f'"{formatted(number, number_format)}",{row}.5\n' for row, number in enumerate(shown)
    )
    dataset = parse_csv(f"x,t\n{rows}")
    expected = [float(number) for number in shown]
    assert dataset.inputs[:, 0].tolist() == expected
    columns = dataset.columns
    cells: Any = [{"x": formatted(number, number_format)} for number in shown]
    assert encode_rows(cells, columns)[:, 0].tolist() == expected
    values: Any = [{"x": number} for number in expected]
    assert encode_rows(values, columns)[:, 0].tolist() == expected


cells = st.lists(
    st.tuples(
        st.sampled_from(["", "$", "€ "]),
        st.from_regex(r"[1-9]\d{0,3}([.,' ]\d{1,3}){0,2}", fullmatch=True),
        st.sampled_from(["", " %"]),
    ).map("".join),
    min_size=2,
    max_size=6,
)


@given(cells, st.sampled_from(",;"))
def test_no_mark_has_two_meanings_in_one_column(texts: list[str], delimiter: str) -> None:
    rows = "".join(f'"{text}"{delimiter}{row % 2}\n' for row, text in enumerate(texts))
    try:
        dataset = parse_csv(f"x{delimiter}t\n{rows}")
    except DatasetError:
        return
    [column] = dataset.columns
    if column.kind != "number":
        return
    new: Any = [{"x": text} for text in texts]
    np.testing.assert_array_equal(encode_rows(new, [column]), dataset.inputs)
    decimal, grouping = set[str](), set[str]()
    for text, value in zip(texts, dataset.inputs[:, 0].tolist(), strict=True):
        number = "".join(sign for sign in text if sign.isdigit() or sign in ".,' ").strip()
        whole = int("".join(filter(str.isdigit, number)))
        decimals = round(math.log10(whole / value))
        assert value == float(Fraction(whole, 10**decimals))
        for place, mark in enumerate(number[::-1]):
            if not mark.isdigit():
                (decimal if place == decimals else grouping).add(mark)
    assert not decimal & grouping
    assert len(decimal) <= 1 >= len(grouping)


# ------------------------------------------------------------------------------------- programs


@pytest.mark.parametrize("name", [name for name in EXPECTED if "errors" not in EXPECTED[name]])
def test_an_exported_program_reads_the_file_as_the_service_does(name: str) -> None:
    data = (FOLDER / name).read_bytes()
    encodings = {"latin1.csv": "cp1252", "utf16.csv": "utf-16"}
    dataset = parse_csv(data, fills=True)
    network = Network((dataset.features,), (Dense(1, "linear"),))
    weights = {
        "dense_1.weight": np.zeros((dataset.features, 1), "f4"),
        "dense_1.bias": np.zeros(1, "f4"),
    }
    table = table_of(Schema.of(dataset), 0.5)
    program: dict[str, Any] = {"__name__": "network"}
    exec(numpy_script(network, weights, Scaling(), table), program)
    rows = program["read"](data.decode(encodings.get(name, "utf-8")))
    np.testing.assert_array_equal(program["encode"](rows), dataset.inputs)
