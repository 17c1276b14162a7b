"""Neighboring calls that one loop in C does at once.

A step of Adam goes through five arrays ten times, with weight decay through seven arrays fourteen
times. `fused.c` goes through them once: for every element the same sums, products, quotients and
roots in the same order, each rounded as NumPy rounds it. So every bit is equal, and there is
nothing to choose.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from itertools import pairwise
from typing import TypeAlias

import numpy as np

from .native import inner_loop
from .rows import Kind, Row

# Small letters are arrays, capital letters are numbers; the last of a line is the result.
_ADAM = """
multiply m B m
add m g m
multiply v C v
square g s
add v s v
sqrt v s
add s E s
divide m s s
multiply s R s
subtract p s p
"""
_ADAMW = f"""
multiply p f d
multiply d L d
subtract p d p{_ADAM}add s d s
"""
_OPERANDS, _MORE = "pmv", "gsBCERLfd"
"""The constants of a row; the last three are 0 without weight decay."""
Lines: TypeAlias = tuple[tuple[str, ...], ...]
_PATTERNS: tuple[Lines, ...] = tuple(
    tuple(tuple(line.split()) for line in text.split("\n")[1:-1]) for text in (_ADAMW, _ADAM)
)


class Fusion:
    """Fuses rows, and the same rows into the same one."""

    def __init__(self) -> None:
        self._known: dict[tuple[int, ...], Row | None] = {}

    def fused(self, rows: Sequence[Row]) -> list[Row]:
        """Return the rows with one in place of all that are a step of Adam."""
        firsts = {_loops(lines, char)[0] for lines in _PATTERNS for char in "fd"}
        result: list[Row] = []
        start = 0
        while start < len(rows):
            row, length = rows[start], 1
            for lines in _PATTERNS if row.function in firsts else ():
                together = rows[start : start + len(lines)]
                key = (len(lines), *map(id, together))
                if key not in self._known:
                    self._known[key] = _adam(together, lines)
                if (step := self._known[key]) is not None:
                    row, length = step, len(lines)
                    break
            result.append(row)
            start += length
        return result


@cache
def _loops(lines: Lines, char: str) -> tuple[int, ...]:
    """Return the addresses of the loops of the lines, for float32 or float64."""
    functions = (getattr(np, name) for name, *_ in lines)
    return tuple((inner_loop(f, char * f.nargs) or (0,))[0] for f in functions)


def _adam(rows: Sequence[Row], lines: Lines) -> Row | None:
    functions = tuple(row.function for row in rows)
    char = next((char for char in "fd" if _loops(lines, char) == functions), None)
    if char is None or any(row.more or row.kind != Kind.LOOP for row in rows):
        return None
    count, width = rows[0].count, np.dtype(char).itemsize
    operands: dict[str, int] = {}
    for row, (_, *letters) in zip(rows, lines, strict=True):
        steps = [0 if letter.isupper() else width for letter in letters]
        if row.count != count or [*row.steps] != steps:
            return None
        for letter, operand in zip(letters, row.operands, strict=True):
            if operands.setdefault(letter, operand) != operand:
                return None
    starts = sorted(operand for letter, operand in operands.items() if letter.islower())
    if any(b - a < count * width for a, b in pairwise(starts)):
        return None
    kind = Kind.ADAM_STEP + (char == "d")
    arrays, more = ([operands.get(name, 0) for name in names] for names in (_OPERANDS, _MORE))
    return Row(kind, 0, 0, arrays, count, (), more, keeps=rows)
