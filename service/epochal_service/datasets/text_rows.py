"""Rows of tokens from a text: windows of a stream, lines, or prompts with their answers.

bytes -> text -> tokens -> rows, whose targets are the next tokens
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import BinaryIO, Literal

import numpy as np

from epochal_service.datasets.cells import shown
from epochal_service.datasets.dataset import (
    IGNORED,
    MAX_CLASSES,
    MAX_LOGITS,
    Dataset,
    DatasetError,
    Labels,
    Problems,
)
from epochal_service.datasets.tokens import encode, merged_tokens

__all__ = ["LINE_END", "MAX_ROW", "TextRows", "parse_text", "per_step", "rows_of_texts", "windows"]

TextRows = Literal["windows", "lines", "pairs"]

LINE_END = "\n"
"""The token before a line or after a prompt, and at their ends."""
MAX_ROW = 512
"""Tokens in a row."""
USUAL_WINDOW = 64


def parse_text(
    file: BinaryIO,
    rows: TextRows,
    *,
    length: int | None = None,
    merges: int = 0,
    name: str = "text",
    max_rows: int = 1_000_000,
) -> Dataset:
    """Return a data set of a text in UTF-8, whose network predicts the next token of each step.

    windows   the text divided into windows of `length` tokens, 64 by default
    lines     each line that is not empty; it begins and ends with `LINE_END`
    pairs     JSON Lines of `{"prompt": …, "answer": …}`; the tokens of the answer count alone

    Lines and pairs are filled up to `length` tokens, by default those of the longest. The tokens
    are the characters of the text, and up to `merges` pairs of neighbors (byte-pair encoding).

    Raises `DatasetError` on `data` (the whole file), `length`, or `lines[3]`, counted from 1.
    """
    text = _decoded(file.read())
    if rows == "pairs":
        texts, numbers = _pairs(text)
    else:
        texts = [("", line) for line in text.split("\n") if line] if rows == "lines" else []
        numbers = [n for n, line in enumerate(text.split("\n"), start=1) if line]
    whole = text if rows == "windows" else "\n".join(f"{a}\n{b}" for a, b in texts)
    tokens = _vocabulary(whole, merges)
    if rows == "windows":
        return windows(name, whole, tokens, length or USUAL_WINDOW, max_rows=max_rows)
    return _filled(name, texts, numbers, tokens, length, max_rows)


def _decoded(data: bytes) -> str:
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise DatasetError(
            ("data", f"Byte {error.start} is not UTF-8: save the text with this encoding.")
        ) from None
    if (position := text.find("\0")) >= 0:
        raise DatasetError(("data", f"Character {position} is NUL: the file is no text."))
    text = text.replace("\r\n", "\n").replace("\r", "\n")
    if not text.strip():
        raise DatasetError(("data", "The file is empty."))
    return text


def _pairs(text: str) -> tuple[list[tuple[str, str]], list[int]]:
    """Return prompts and answers, and the lines on which they stand."""
    problems = Problems()
    pairs, numbers = [], []
    for number, line in enumerate(text.split("\n"), start=1):
        if not line.strip():
            continue
        try:
            entry = json.loads(line)
        except (ValueError, RecursionError):
            problems.add(f"lines[{number}]", f"Line {number} is not JSON.")
            continue
        fields = entry if isinstance(entry, dict) else {}
        prompt, answer = fields.get("prompt"), fields.get("answer")
        if not (isinstance(prompt, str) and prompt and isinstance(answer, str) and answer):
            problems.add(
                f"lines[{number}]",
                f'Line {number} must be {{"prompt": "…", "answer": "…"}} with two texts.',
            )
            continue
        if LINE_END in prompt + answer:
            problems.add(f"lines[{number}]", f"Line {number} has a line break in a text.")
            continue
        pairs.append((prompt, answer))
        numbers.append(number)
    problems.raise_any()
    return pairs, numbers


def _vocabulary(text: str, merges: int) -> tuple[str, ...]:
    characters = len(set(text))
    if characters > MAX_CLASSES:
        raise DatasetError(
            (
                "data",
                f"The text has {characters:,} different characters; the limit is {MAX_CLASSES}.",
            )
        )
    if characters < 2:
        raise DatasetError(
            ("data", f"The text has one character alone, {shown(text[0])}: nothing can be learned.")
        )
    return merged_tokens(text, merges)


def windows(
    name: str,
    text: str,
    tokens: tuple[str, ...],
    length: int,
    *,
    feature: str = "token",
    max_rows: int = 1_000_000,
) -> Dataset:
    """Return windows of a text and the next token of each step: both `(windows, length)`.

    Windows do not overlap, so that the validation part is not in the training part.
    """
    encoded = encode(text, tokens)
    count = (len(encoded) - 1) // length
    if count == 0:
        raise DatasetError(
            (
                "length",
                f"The text has {len(encoded):,} tokens, but a window of {length:,} and the token "
                f"after it need {length + 1:,}: choose a smaller length.",
            )
        )
    _check_size(count, length, tokens, max_rows)
    inputs, targets = encoded[: count * length], encoded[1 : count * length + 1]
    return _dataset(
        name,
        f"{len(text):,} characters in windows of {length} tokens.",
        inputs.reshape(count, length),
        targets.reshape(count, length),
        tokens,
        feature,
    )


def _filled(
    name: str,
    texts: Sequence[tuple[str, str]],
    numbers: Sequence[int],
    tokens: tuple[str, ...],
    length: int | None,
    max_rows: int,
) -> Dataset:
    limit, problems = length or MAX_ROW, Problems()
    encoded = [tuple(encode(part, tokens) for part in pair) for pair in texts]
    longest = 0
    for number, pair in zip(numbers, encoded, strict=True):
        steps = _steps(*pair)
        longest = max(longest, steps)
        if steps > limit:
            problems.add(
                f"lines[{number}]",
                f"Line {number} takes {steps:,} tokens with its end; the limit is {limit:,}.",
            )
    problems.raise_any()
    _check_size(len(encoded), length or longest, tokens, max_rows)
    inputs, targets = rows_of_texts(encoded, length or longest, tokens.index(LINE_END))
    answers = any(prompt for prompt, _ in texts)
    return _dataset(
        name,
        f"{len(texts):,} {'prompts with their answers' if answers else 'lines of text'}.",
        inputs,
        targets,
        tokens,
    )


def _steps(prompt: Labels, answer: Labels) -> int:
    """Return the time steps of a row: its tokens with the two ends, but the last is no input."""
    return len(prompt) + len(answer) + 1


def rows_of_texts(
    texts: Sequence[tuple[Labels, ...]], length: int, end: int
) -> tuple[Labels, Labels]:
    """Return inputs and targets of prompts and answers, `(texts, length)` each.

    A row is the prompt, the token `end`, the answer, and `end`, which fills it up. The targets are
    the next tokens of the answer with its end, and `IGNORED` before and behind it.
    """
    inputs = np.full((len(texts), length), end, np.int64)
    targets = np.full((len(texts), length), IGNORED, np.int64)
    for row, (prompt, answer) in enumerate(texts):
        start, stop = len(prompt), len(prompt) + len(answer)
        inputs[row, :start] = prompt
        inputs[row, start + 1 : stop + 1] = answer
        targets[row, start:stop] = answer
        targets[row, stop] = end
    return inputs, targets


def _check_size(rows: int, length: int, tokens: Sequence[str], max_rows: int) -> None:
    if rows > max_rows:
        raise DatasetError(
            ("data", f"The text has {rows:,} rows; the limit is {max_rows:,}: use a part of it.")
        )
    if rows * length * len(tokens) > MAX_LOGITS:
        raise DatasetError(
            (
                "data",
                f"{rows:,} rows of {length:,} tokens, each one of {len(tokens):,}, need more than "
                f"{MAX_LOGITS:,} probabilities: use fewer merges, or a shorter text.",
            )
        )


def _dataset(
    name: str,
    description: str,
    inputs: Labels,
    targets: Labels,
    tokens: tuple[str, ...],
    feature: str = "token",
) -> Dataset:
    length = inputs.shape[1]
    return Dataset(
        name=name,
        description=description,
        task="sequence",
        inputs=inputs.astype(np.float64),
        targets=targets,
        feature_names=per_step((feature,), length),
        class_names=tokens,
        target_names=per_step(("next",), length),
        source="uploaded",
        token_names=tokens,
    )


def per_step(names: tuple[str, ...], columns: int) -> tuple[str, ...]:
    """Return one name per column; names of a sequence are repeated with the number of the step."""
    if len(names) == columns:
        return names
    if not names:
        return tuple(f"x{i + 1}" for i in range(columns))
    steps = range(1, columns // len(names) + 1)
    return tuple(f"{name}_{step}" for step in steps for name in names)
