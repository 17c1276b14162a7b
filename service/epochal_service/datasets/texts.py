"""The texts of a column in little memory, and the numbers that they are.

A Python text of nine characters takes 58 bytes, and a large file has ten million of them. Rows are
read in blocks; the texts of a block are one text, which is split when it is needed.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import cached_property
from itertools import chain
from typing import overload

import numpy as np

from epochal_service.datasets.cells import number_of
from epochal_service.datasets.dataset import Floats, Labels

# A file that contains it is refused.
SEPARATOR = "\0"


class Texts(Sequence[str]):
    """Texts without NUL characters, in blocks."""

    def __init__(self, blocks: Iterable[Sequence[str]] = ()) -> None:
        self._blocks: list[str] = []
        self._ends: list[int] = []
        for block in blocks:
            self.append(block)

    def append(self, block: Sequence[str]) -> None:
        """Append the texts of a block, at least one."""
        self._blocks.append(SEPARATOR.join(block))
        self._ends.append(len(self) + len(block))

    def __len__(self) -> int:
        return self._ends[-1] if self._ends else 0

    def __iter__(self) -> Iterator[str]:
        return chain.from_iterable(self._split())

    @overload
    def __getitem__(self, index: int) -> str: ...
    @overload
    def __getitem__(self, index: slice) -> list[str]: ...
    def __getitem__(self, index: int | slice) -> str | list[str]:
        rows = np.arange(len(self))[index]
        return self.at(rows) if isinstance(index, slice) else self.at(np.atleast_1d(rows))[0]

    def at(self, rows: Labels) -> list[str]:
        """Return the texts of some rows `(n,)`."""
        block_of = np.searchsorted(self._ends, rows, side="right")
        texts, at, split = [], -1, list[str]()
        for block, row in zip(block_of.tolist(), rows.tolist(), strict=True):
            if block != at:
                at, split = block, self._blocks[block].split(SEPARATOR)
            texts.append(split[row - self._ends[block]])
        return texts

    def mapped(self, change: Callable[[str], str]) -> Texts:
        """Return the result of a function for each text."""
        return Texts([*map(change, block)] for block in self._split())

    def without(self, rows: set[int]) -> Texts:
        """Return the texts of the other rows."""
        texts = Texts()
        for block, end in zip(self._split(), self._ends, strict=True):
            first = end - len(block)
            others = [text for row, text in enumerate(block, start=first) if row not in rows]
            if others:
                texts.append(others)
        return texts

    @cached_property
    def numbers(self) -> Floats:
        """The texts as numbers `(n,)`; NaN where a text is not a finite number."""
        numbers = np.empty(len(self))
        for block, texts, end in zip(self._blocks, self._split(), self._ends, strict=True):
            numbers[end - len(texts) : end] = _numbers(texts, "_" in block)
        return numbers

    def _split(self) -> Iterator[list[str]]:
        for block in self._blocks:
            yield block.split(SEPARATOR)


def numbers_of(texts: Sequence[str]) -> Floats:
    """Return texts as numbers `(n,)`; NaN where a text is not a finite number."""
    if isinstance(texts, Texts):
        return texts.numbers
    return _numbers(texts, any("_" in text for text in texts))


def _numbers(texts: Sequence[str], has_underscores: bool) -> Floats:
    try:
        # float() accepts 1_000, as `number_of` does not.
        numbers = None if has_underscores else np.array([*map(float, texts)], np.float64)
    except ValueError:
        numbers = None
    if numbers is None:
        numbers = np.array([number_of(text) for text in texts], np.float64)
    return np.where(np.isfinite(numbers), numbers, np.nan)


def texts_at(texts: Sequence[str], rows: Labels) -> list[str]:
    """Return the texts of some rows `(n,)`."""
    return texts.at(rows) if isinstance(texts, Texts) else [texts[row] for row in rows.tolist()]
