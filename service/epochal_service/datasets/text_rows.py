"""Rows of tokens from a text: windows of a stream, lines, or prompts with their answers.

bytes -> text -> tokens -> rows with the next tokens as targets
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from itertools import chain
from typing import BinaryIO, Literal

import numpy as np

from epochal_service.datasets.cells import shown
from epochal_service.datasets.dataset import (
    IGNORED,
    MAX_CLASSES,
    MAX_LOGITS,
    PAIR,
    Dataset,
    DatasetError,
    Labels,
    Problems,
)
from epochal_service.datasets.tokens import encode, encode_each, merged_tokens

__all__ = [
    "LINE_END",
    "MAX_ROW",
    "TextRows",
    "Vocabulary",
    "parse_text",
    "per_step",
    "rows_of_texts",
    "windows",
]

TextRows = Literal["windows", "lines", "pairs", "preferences"]

LINE_END = "\n"
"""The token before a line or after a prompt, and at their ends."""
MAX_ROW = 512
"""Tokens in a row."""
USUAL_WINDOW = 64
FIELDS: dict[TextRows, tuple[str, ...]] = {
    "pairs": ("prompt", "answer"),
    "preferences": ("prompt", "chosen", "rejected"),
}
"""The fields of an entry of JSON Lines."""


@dataclass(frozen=True)
class Vocabulary:
    """The tokens of a text, and the tokens that frame a row.

        start | prompt | ask | answer | end

    names   of the tokens; writable tokens come first
    written  how many of them can be written
    start, ask, end  tokens of the frame; None without one
    length  of a row by default; None for the longest row
    """

    names: tuple[str, ...]
    written: int
    start: int | None
    ask: int | None
    end: int | None
    length: int | None = None

    @property
    def tokens(self) -> tuple[str, ...]:
        """The tokens that can be written."""
        return self.names[: self.written]

    def framed(self, prompt: Labels, answer: Labels) -> tuple[Labels, int]:
        """Return the tokens of a row, and how many come before the answer."""
        start, ask, end = self._frame
        before = np.concatenate([start, prompt, ask])
        return np.concatenate([before, answer, end]), len(before)

    @cached_property
    def _frame(self) -> list[Labels]:
        frame = self.start, self.ask, self.end
        return [np.array([] if token is None else [token], np.int64) for token in frame]


def parse_text(
    file: BinaryIO,
    rows: TextRows | None = None,
    *,
    length: int | None = None,
    merges: int = 0,
    vocabulary: Vocabulary | None = None,
    name: str = "text",
    max_rows: int = 1_000_000,
) -> Dataset:
    """Return a data set of a text in UTF-8, for the prediction of the next token at each step.

    windows   the text divided into windows of `length` tokens, 64 by default
    lines     each line that is not empty; it begins and ends with `LINE_END`
    pairs     JSON Lines of `{"prompt": …, "answer": …}`; the tokens of the answer count alone
    preferences  JSON Lines of `{"prompt": …, "chosen": …, "rejected": …}`: two rows each, the
              chosen answer and then the rejected one; the prompt may be empty

    By default, the first entry of JSON Lines says whether they are pairs or preferences.

    Rows other than windows are filled up to `length` tokens, by default the length of the longest.
    The tokens come from the `vocabulary`, by default the characters of the text, and up to `merges`
    pairs of neighbors (byte-pair encoding).

    Raises `DatasetError` on `data` (the whole file), `length`, or `lines[3]`, counted from 1.
    """
    text = _decoded(file.read())
    if rows is None:
        rows = "preferences" if '"chosen"' in text.partition("\n")[0] else "pairs"
    if rows in FIELDS:
        texts, numbers = _entries(text, rows)
    else:
        texts = [("", line) for line in text.split("\n") if line] if rows == "lines" else []
        numbers = [n for n, line in enumerate(text.split("\n"), start=1) if line]
    whole = text if rows == "windows" else "\n".join(f"{a}\n{b}" for a, b in texts)
    if vocabulary is None:
        tokens = _vocabulary(whole, merges)
        end = tokens.index(LINE_END) if LINE_END in tokens else None
        vocabulary = Vocabulary(tokens, len(tokens), None, end, end)
    elif merges:
        raise DatasetError(("merges", "must be 0 with a vocabulary, whose tokens are given"))
    else:
        _check_known(texts or [("", whole)], numbers or [1], vocabulary)
    if rows == "windows":
        return windows(name, whole, vocabulary.tokens, length or USUAL_WINDOW, max_rows=max_rows)
    return _filled(name, rows, texts, numbers, vocabulary, length, max_rows)


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


def _entries(text: str, rows: TextRows) -> tuple[list[tuple[str, str]], list[int]]:
    """Return prompts and answers, and the lines on which they stand."""
    names = FIELDS[rows]
    form = ", ".join(f'"{name}": "…"' for name in names)
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
        given = [value for name in names if isinstance(value := fields.get(name), str)]
        prompt, *answers = given or [""]
        if len(given) < len(names) or "" in answers or not (prompt or rows == "preferences"):
            count = "two" if len(names) == 2 else "three"
            problems.add(
                f"lines[{number}]", f"Line {number} must be {{{form}}} with {count} texts."
            )
            continue
        if LINE_END in "".join([prompt, *answers]):
            problems.add(f"lines[{number}]", f"Line {number} has a line break in a text.")
            continue
        if len(set(answers)) < len(answers):
            problems.add(f"lines[{number}]", f"Line {number} prefers a text to itself.")
            continue
        pairs += [(prompt, answer) for answer in answers]
        numbers += [number] * len(answers)
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


def _check_known(
    texts: Sequence[tuple[str, str]], numbers: Sequence[int], vocabulary: Vocabulary
) -> None:
    """Raise `DatasetError` for characters that are not tokens of the vocabulary."""
    known, problems = set(vocabulary.tokens), Problems()
    if not all(character in known for token in known for character in token):
        raise DatasetError(
            ("vocabulary", "must have tokens that are characters, or parts of words")
        )
    for number, pair in zip(numbers, texts, strict=True):
        unknown = sorted(set("".join(pair)) - known)
        if unknown:
            shown_ = ", ".join(map(shown, unknown[:10])) + (" …" if len(unknown) > 10 else "")
            problems.add(
                f"lines[{number}]",
                f"Line {number} has characters that the vocabulary does not have: {shown_}.",
            )
    problems.raise_any()


def windows(
    name: str,
    text: str,
    tokens: tuple[str, ...],
    length: int,
    *,
    feature: str = "token",
    limit: int | None = None,
    max_rows: int = 1_000_000,
) -> Dataset:
    """Return windows of a text and the next token of each step: both `(windows, length)`.

    Windows do not overlap, so that the validation part is not in the training part. With a `limit`,
    only the first ones are returned.
    """
    encoded = encode(text, tokens, None if limit is None else limit * length + 1)
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
    rows: TextRows,
    texts: Sequence[tuple[str, str]],
    numbers: Sequence[int],
    vocabulary: Vocabulary,
    length: int | None,
    max_rows: int,
) -> Dataset:
    length = length or vocabulary.length
    limit, problems = length or MAX_ROW, Problems()
    encoded = encode_each(chain.from_iterable(texts), vocabulary.tokens)
    framed = [vocabulary.framed(*pair) for pair in zip(encoded, encoded, strict=True)]
    longest = 0
    for number, (row, before) in zip(numbers, framed, strict=True):
        steps = len(row) - 1  # The last token is not an input.
        longest = max(longest, steps)
        if steps > limit:
            problems.add(
                f"lines[{number}]",
                f"Line {number} takes {steps:,} tokens with its end; the limit is {limit:,}.",
            )
        elif before == 0:
            problems.add(
                f"lines[{number}]",
                f"Line {number} needs a prompt: the vocabulary has no token that starts a row.",
            )
    problems.raise_any()
    _check_size(len(framed), length or longest, vocabulary.tokens, max_rows)
    inputs, targets = _framed_rows(framed, length or longest, vocabulary.end or 0)
    count = len(texts)
    dataset = _dataset(
        name,
        f"{count:,} {'prompts with their answers' if rows == 'pairs' else 'lines of text'}.",
        inputs,
        targets,
        vocabulary.tokens,
        names=vocabulary.names,
    )
    if rows != "preferences":
        return dataset
    return replace(
        dataset,
        description=f"{count // 2:,} pairs of texts, each the chosen one and the rejected one.",
        groups={PAIR: np.repeat(np.arange(count // 2), 2)},
    )


def _framed_rows(
    framed: Sequence[tuple[Labels, int]], length: int, fill: int
) -> tuple[Labels, Labels]:
    """Return inputs and targets `(rows, length)` of rows of tokens; the first ones come before the
    answer, and `fill` fills rows up.
    """
    inputs = np.full((len(framed), length), fill, np.int64)
    targets = np.full((len(framed), length), IGNORED, np.int64)
    for row, (tokens, before) in enumerate(framed):
        inputs[row, : len(tokens) - 1] = tokens[:-1]
        targets[row, before - 1 : len(tokens) - 1] = tokens[before:]
    return inputs, targets


def rows_of_texts(
    texts: Sequence[tuple[Labels, ...]], length: int, end: int
) -> tuple[Labels, Labels]:
    """Return inputs and targets of prompts and answers, `(texts, length)` each.

    A row is the prompt, the token `end`, the answer, and `end`, which fills it up. The targets are
    the next tokens of the answer with its end, and `IGNORED` before and behind it.
    """
    frame = Vocabulary((), 0, None, end, end)
    return _framed_rows([frame.framed(*text) for text in texts], length, end)


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
    names: tuple[str, ...] = (),
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
        token_names=names or tokens,
    )


def per_step(names: tuple[str, ...], columns: int) -> tuple[str, ...]:
    """Return one name per column; names of a sequence are repeated with the number of the step."""
    if len(names) == columns:
        return names
    if not names:
        return tuple(f"x{i + 1}" for i in range(columns))
    steps = range(1, columns // len(names) + 1)
    return tuple(f"{name}_{step}" for step in steps for name in names)
