"""A text becomes rows of tokens with the next tokens as targets, and a wrong one is explained."""

import io
import json
from typing import Any

import numpy as np
import pytest

from epochal_service.datasets import Dataset, DatasetError, parse_text
from epochal_service.datasets.text_rows import TextRows


def parse(text: str | bytes, rows: TextRows, **options: Any) -> Dataset:
    data = text if isinstance(text, bytes) else text.encode()
    return parse_text(io.BytesIO(data), rows, **options)


def read(dataset: Dataset, row: int) -> tuple[str, str]:
    """The inputs of a row, and its targets, with · for positions that do not count."""
    names = dataset.token_names
    inputs = "".join(names[int(token)] for token in dataset.inputs[row])
    targets = "".join("·" if label < 0 else names[label] for label in dataset.targets[row])
    return inputs, targets


def test_windows_stand_one_after_another_and_targets_are_the_next_characters() -> None:
    dataset = parse("to be or not to be", "windows", length=5)
    assert dataset.task == "sequence"
    assert [read(dataset, row) for row in range(3)] == [
        ("to be", "o be "),
        (" or n", "or no"),
        ("ot to", "t to "),
    ]
    assert dataset.samples == 3
    assert dataset.class_names == dataset.token_names == tuple(sorted(set("to be or not to be")))


def test_a_line_begins_and_ends_with_a_line_break_and_is_filled_up() -> None:
    dataset = parse("ab\r\n\r\nabc\n", "lines")
    assert read(dataset, 0) == ("\nab\n", "ab\n·")
    assert read(dataset, 1) == ("\nabc", "abc\n")


def test_the_answer_to_a_prompt_counts_alone() -> None:
    entries = [{"prompt": "1+1", "answer": "2"}, {"prompt": "5+5", "answer": "10"}]
    dataset = parse("\n".join(map(json.dumps, entries)), "pairs", length=8)
    assert read(dataset, 0) == ("1+1\n2\n\n\n", "···2\n···")
    assert read(dataset, 1) == ("5+5\n10\n\n", "···10\n··")


def test_merged_pairs_are_tokens_of_the_rows() -> None:
    line = "the dog sees the dog\n"
    dataset = parse(line * 20, "lines", merges=30)
    assert " dog" in dataset.token_names
    assert dataset.features < len(line) / 2
    assert read(dataset, 0)[0].startswith("\nthe dog sees")


def test_a_byte_order_mark_is_no_character() -> None:
    assert "\ufeff" not in parse("\ufeffhello".encode(), "lines").token_names


@pytest.mark.parametrize(
    ("text", "rows", "options", "field", "why"),
    [
        (b"", "windows", {}, "data", "empty"),
        (b" \n\n", "lines", {}, "data", "empty"),
        (b"aaaa", "windows", {}, "data", "one character alone"),
        (b"ab\0c", "windows", {}, "data", "Character 2 is NUL"),
        (b"abc\xff", "windows", {}, "data", "Byte 3 is not UTF-8"),
        ("".join(map(chr, range(300, 700))), "windows", {}, "data", "400 different characters"),
        ("hello", "windows", {}, "length", "5 tokens"),
        ("hi\n" + 600 * "x", "lines", {}, "lines[2]", "601 tokens"),
        ("ab\nabc", "lines", {"length": 3}, "lines[2]", "the limit is 3"),
        ("ab\nba\nab", "lines", {"max_rows": 2}, "data", "3 rows"),
        ("nope", "pairs", {}, "lines[1]", "not JSON"),
        ('{"prompt": "a", "answer": "b"}\n[1]', "pairs", {}, "lines[2]", "must be"),
        ('{"prompt": "a", "answer": ""}', "pairs", {}, "lines[1]", "must be"),
        ('{"prompt": "a\\n", "answer": "b"}', "pairs", {}, "lines[1]", "line break"),
    ],
)
def test_what_is_wrong_with_a_text_is_reported_with_its_position(
    text: str | bytes, rows: TextRows, options: dict[str, Any], field: str, why: str
) -> None:
    with pytest.raises(DatasetError) as caught:
        parse(text, rows, **options)
    ((wrong, description),) = caught.value.errors
    assert wrong == field
    assert why in description


def test_more_probabilities_than_the_limit_are_refused() -> None:
    rng = np.random.default_rng(0)
    words = [f" w{number}" for number in range(1_000)]
    text = "".join(words[index] for index in rng.integers(1_000, size=150_000))
    with pytest.raises(DatasetError, match="fewer merges"):
        parse(text, "windows", merges=900)
