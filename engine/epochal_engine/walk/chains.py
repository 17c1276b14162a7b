"""Neighboring rows on long arrays, a piece of the arrays after the other.

    square ── multiply ── exp           of a million numbers each: three times through the memory
    square ── multiply ── exp  · 256    of a few thousand each: what one writes, the next one finds
                                        in the nearest cache

The same functions of NumPy work on the same numbers, so that every bit is equal.
"""

from __future__ import annotations

from collections.abc import Sequence

from .rows import Kind, Row
from .table import Table

FEWEST = 262_144
"""Numbers in arrays that do not fit the second cache together."""
PIECE = 2_048
"""Numbers in a piece: whole vectors, so that no function finds a remainder but at the end."""
_OF_NORMAL = (Kind.SHARE, Kind.DENSITY)
_OF_ELEMENTS = (Kind.LOOP, Kind.COMPARE, Kind.COMPARE + 1, *_OF_NORMAL)


class Chains:
    """Makes chains of rows, and of the same rows the same one."""

    def __init__(self) -> None:
        self._known: dict[tuple[int, ...], Row] = {}

    def chained(self, rows: Sequence[Row]) -> list[Row]:
        """Return the rows with one in place of all neighbors that go through arrays alike."""
        result: list[Row] = []
        chain: list[Row] = []
        for row in rows:
            if not _continues(row, chain):
                result += self._in_one(chain)
                chain = []
            (chain if _is_long(row) else result).append(row)
        return [*result, *self._in_one(chain)]

    def _in_one(self, chain: list[Row]) -> list[Row]:
        if len(chain) < 2:
            return chain
        key = tuple(map(id, chain))
        if key not in self._known:
            table = Table([], chain)
            operands = table.as_row().operands
            self._known[key] = Row(Kind.CHAIN, 0, PIECE, operands, chain[0].count, keeps=table)
        return [self._known[key]]


def _is_long(row: Row) -> bool:
    return row.kind in _OF_ELEMENTS and row.more is None and row.count >= FEWEST


def _continues(row: Row, chain: Sequence[Row]) -> bool:
    """Return whether no piece of the row uses what another piece of the chain writes, or the other
    way around: an array that is written is the same as another one, or apart from it."""
    if not _is_long(row) or any(row.count != other.count for other in chain):
        return False
    pairs = [(row, other) for other in chain] + [(other, row) for other in chain]
    return all(
        written == used or written[1] < used[0] or used[1] < written[0]
        for writer, user in pairs
        for used in _ranges(user)
        for written in [_ranges(writer)[1 if writer.kind in _OF_NORMAL else -1]]
    )


def _ranges(row: Row) -> list[tuple[int, int]]:
    """Return the addresses of the first and the last number of each operand."""
    return [
        (first, first + (row.count - 1) * step)
        for first, step in zip(row.operands, row.steps, strict=True)
    ]
