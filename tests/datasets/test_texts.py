"""The texts of a column are read in blocks, and the size of a block changes nothing."""

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from epochal_service.datasets import DatasetError, parse_csv, upload
from epochal_service.datasets.cells import Kind
from epochal_service.datasets.columns import Choice
from epochal_service.datasets.texts import Texts, numbers_of, texts_at

LETTERS = ["a", "b", "c", "", "d", "e", "f"]


def packed(texts: list[str], size: int) -> Texts:
    return Texts(texts[first : first + size] for first in range(0, len(texts), size))


@pytest.mark.parametrize("size", [1, 2, 3, 7, 9])
def test_texts_come_back_from_blocks_of_any_size(size: int) -> None:
    texts = packed(LETTERS, size)
    assert len(texts) == 7
    assert [*texts] == LETTERS
    assert [texts[row] for row in range(-7, 7)] == LETTERS + LETTERS
    assert texts[1:6:2] == LETTERS[1:6:2]
    assert texts.at(np.array([6, 0, 3, 3])) == ["f", "a", "", ""]
    assert [*texts.without({0, 1, 4})] == ["c", "", "e", "f"]
    assert [*texts.mapped(str.upper)] == ["A", "B", "C", "", "D", "E", "F"]
    with pytest.raises(IndexError):
        texts[7]


@pytest.mark.parametrize("size", [1, 2, 100])
def test_numbers_are_nan_where_a_text_is_no_finite_number(size: int) -> None:
    cells = ["1", "-2.5e3", "", "NA", "1_000", "inf", "nan", "1e999", "+.5", "1,5", "٣"]
    expected = [1.0, -2500.0, *[np.nan] * 6, 0.5, np.nan, 3.0]
    np.testing.assert_array_equal(packed(cells, size).numbers, expected)
    np.testing.assert_array_equal(numbers_of(cells), expected)


def test_texts_of_a_list_may_contain_any_character() -> None:
    assert texts_at(["a\0b", "c"], np.array([1, 0])) == ["c", "a\0b"]
    assert np.isnan(numbers_of(["1\0"])).all()


POOLS = (
    ["1", "2", "3.5", "-1e3", "0", "1.0", "+2"],
    ["1", "2", "NA", "", "?", "-", "nan", "inf", "1_000"],
    ["1,5", "2,25", "3", "1,000", "NA"],
    ["yes", "no", ""],
    ["a", "b", "NA", "none", ""],
    ["2021-01-02", "2021-02-03", "3/4/2021", "13/5/2021", ""],
    ['"q,1"', '"two\nlines"', "z", " spaced "],
    [str(number) for number in range(60)],
    [f"t{number}" for number in range(60)],
)


@st.composite
def files(draw: st.DrawFn) -> tuple[str, dict[str, Any]]:
    """Return a file with columns of awkward cells, and options of `parse_csv`."""
    rows = draw(st.integers(0, 30))
    pools = draw(st.lists(st.sampled_from(POOLS), min_size=1, max_size=4))
    columns = [
        draw(st.lists(st.sampled_from(pool), min_size=rows, max_size=rows)) for pool in pools
    ]
    header = ["x", "id", "y", "z"][: len(columns)]
    lines = [";".join(cells) for cells in zip(*columns, strict=True)]
    kinds: list[Kind | None] = [None, "number", "category", "ignore", "group", "weight"]
    options = {
        "fills": draw(st.booleans()),
        "task": draw(st.sampled_from(["auto", "classification", "regression"])),
        "choices": {"x": Choice(draw(st.sampled_from(kinds)))} if len(columns) > 1 else {},
    }
    return draw(st.sampled_from(["\n", "\r\n", "\r"])).join([";".join(header), *lines]), options


def result(text: str, options: dict[str, Any]) -> Any:
    try:
        dataset = parse_csv(text, **options)
    except DatasetError as error:
        return error.errors
    arrays = [dataset.inputs, dataset.targets, *dataset.groups.values(), dataset.weights]
    return (
        dataset.columns,
        dataset.warnings,
        dataset.class_names,
        [None if array is None else array.tolist() for array in arrays],
    )


@settings(max_examples=200)
@given(files(), st.integers(1, 7))
def test_the_size_of_a_block_changes_nothing(file: tuple[str, dict[str, Any]], rows: int) -> None:
    expected = result(*file)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(upload, "BLOCK_ROWS", rows)
        assert result(*file) == expected
