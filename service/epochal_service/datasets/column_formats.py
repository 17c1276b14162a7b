"""Decide how the numbers of each column of a file are written, and read them.

    cells of a column -> formats that read them all -> decimal mark of the other columns -> format

1,234 may be 1.234 or 1234. The other cells of the column decide, else the other columns of the
file; else a file with commas between columns has decimal points, and others are refused.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property

from epochal_service.datasets.cells import Kind, name_of, shown
from epochal_service.datasets.columns import Cells, ColumnWarning, Report
from epochal_service.datasets.dataset import Problems
from epochal_service.datasets.number_formats import (
    MARKS,
    Affixed,
    NumberFormat,
    affixed,
    ambiguous,
    matches,
)
from epochal_service.datasets.texts import Texts

Marks = tuple[str, str]
"""A decimal mark and a thousands separator."""


@dataclass(frozen=True)
class _Numbers:
    """The numbers of a column that are not plain integers, by their cells."""

    cells: Cells

    @cached_property
    def formatted(self) -> dict[str, Affixed]:
        """Numbers that Python does not read."""
        distinct = dict.fromkeys(cell for _, cell in self.cells.others)
        return {cell: number for cell in distinct if (number := affixed(cell)) is not None}

    @cached_property
    def marked(self) -> dict[str, Affixed]:
        """Numbers with a decimal mark or a thousands separator."""
        points = dict.fromkeys(cell for cell in self.cells.cells if "." in cell)
        numbers = {cell: affixed(cell) for cell in points if cell not in self.formatted}
        return {
            cell: number
            for cell, number in {**self.formatted, **numbers}.items()
            if number is not None and any(mark in number.digits for mark in ".,' ")
        }

    @cached_property
    def possible(self) -> list[Marks]:
        """The marks that read all numbers, else the most numbers."""
        marks: Sequence[Marks] = MARKS
        for number in self.marked.values():
            marks = [pair for pair in marks if matches(number.digits, *pair)]
        return [*marks] or [max(MARKS, key=self._count)]

    def _count(self, marks: Marks) -> int:
        readable = {cell for cell, number in self.marked.items() if matches(number.digits, *marks)}
        return sum(cell in readable for cell in self.cells.cells)

    @property
    def decimals(self) -> set[str]:
        """The decimal marks that the column may have; both if no cell tells."""
        return {decimal for decimal, _ in self.possible}

    @property
    def unit(self) -> str:
        """The most frequent unit."""
        units = {cell: number.unit for cell, number in self.formatted.items() if number.unit}
        counts = Counter(units[cell] for _, cell in self.cells.others if cell in units)
        return max(counts, key=lambda unit: counts[unit], default="")


def read_numbers(
    table: Sequence[Cells], kinds: Mapping[str, Kind | None], delimiter: str, problems: Problems
) -> tuple[list[Cells], list[ColumnWarning]]:
    """Return the table with all numbers as Python writes them, and notes on how they are read.

    `kinds` are the user's choices: columns of other kinds than numbers keep their cells.
    Reports numbers that are not in the format of their column, and a format that cannot be known.
    """
    numeric = {
        cells.name: _Numbers(cells)
        for cells in table
        if kinds.get(cells.name) in (None, "number", "weight") and cells.holds_numbers
    }
    if not any(numbers.formatted for numbers in numeric.values()):
        return [*table], []
    clear = {mark for n in numeric.values() if len(n.decimals) == 1 for mark in n.decimals}
    read, notes = list[Cells](), list[ColumnWarning]()
    for cells in table:
        if (numbers := numeric.get(cells.name)) is not None:
            report = cells.report(problems)
            number_format = _format_of(numbers, clear, delimiter, report)
            notes += _note(numbers, number_format, clear)
            plain = _plain_cells(cells, number_format, report)
            cells = replace(cells, cells=plain, number_format=number_format)
        read.append(cells)
    problems.raise_any()
    return read, notes


def _format_of(numbers: _Numbers, clear: set[str], delimiter: str, report: Report) -> NumberFormat:
    """Return the format of a column. `clear` are the decimal marks of columns that show theirs."""
    decimals = numbers.decimals
    if len(decimals) == 2:
        commas = [cell for cell, number in numbers.marked.items() if "," in number.digits]
        if len(clear) == 1:
            decimals = clear
        elif not commas or delimiter == ",":
            decimals = {"."}
        else:
            row = next(row for row, cell in numbers.cells.others if cell == commas[0])
            report(row, f"{ambiguous(commas[0])}; write one of them in each row")
    marks = next(pair for pair in numbers.possible if pair[0] in decimals)
    return NumberFormat(*marks, numbers.unit)


def _plain_cells(cells: Cells, number_format: NumberFormat, report: Report) -> Texts:
    """Return the cells with their numbers as Python writes them."""
    plain = {cell: number_format.plain(cell) for cell in dict.fromkeys(cells.cells)}
    wrong = {
        cell: number_format.why_not(cell)
        for cell, text in plain.items()
        if text is None and affixed(cell) is not None
    }
    for row, cell in enumerate(cells.cells) if wrong else ():
        if cell in wrong:
            report(row, wrong[cell])
    return cells.cells.mapped(lambda cell: plain[cell] or cell)


def _note(numbers: _Numbers, number_format: NumberFormat, clear: set[str]) -> list[ColumnWarning]:
    """Return a note if the numbers have a unit or a thousands separator."""
    separator, unit, name = number_format.thousands, number_format.unit, numbers.cells.name
    grouped = [
        cell for cell, number in numbers.marked.items() if separator and separator in number.digits
    ]
    noted = grouped or [cell for cell, number in numbers.formatted.items() if number.unit]
    if not noted:
        return []
    cell, plain = " ".join(noted[0].split()), number_format.plain(noted[0])
    text = f"Column {name!r}: {shown(cell)} is read as {name_of(plain or cell)}"
    if unit:
        text += f", with the unit {unit}"
    if grouped and len(numbers.decimals) == 2:
        if len(clear) == 1:
            text += f", as other columns have decimal {'commas' if ',' in clear else 'points'}"
        elif separator == ",":
            text += "; if the comma is decimal, write a point"
    return [ColumnWarning(name, "format", f"{text}.")]
