"""Neighboring calls that one loop in C does at once.

A step of Adam goes through five arrays ten times. `fused.c` goes through them once: for every
element the same sums, products, quotients and roots in the same order, each rounded as NumPy rounds
it. So every bit is equal, and there is nothing to choose.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from itertools import pairwise

import numpy as np

from .native import inner_loop
from .rows import Kind, Row

# Letters are arrays, capital letters are numbers; the last of a line is the result.
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
_ARRAYS, _NUMBERS = "pmvgs", "BCER"
_LINES = tuple((name, *letters) for name, *letters in map(str.split, _ADAM.split("\n")[1:-1]))


class Fusion:
    """Fuses rows, and the same rows into the same one."""

    def __init__(self) -> None:
        self._known: dict[tuple[int, ...], Row | None] = {}

    def fused(self, rows: Sequence[Row]) -> list[Row]:
        """Return the rows with one in place of all that are a step of Adam."""
        firsts = {_loops(char)[0] for char in "fd"}
        result: list[Row] = []
        start = 0
        while start < len(rows):
            row = None
            if rows[start].function in firsts:
                together = rows[start : start + len(_LINES)]
                key = tuple(map(id, together))
                if key not in self._known:
                    self._known[key] = _adam(together)
                row = self._known[key]
            result.append(row or rows[start])
            start += len(_LINES) if row else 1
        return result


@cache
def _loops(char: str) -> tuple[int, ...]:
    """Return the addresses of the loops of the lines, for float32 or float64."""
    functions = (getattr(np, name) for name, *_ in _LINES)
    return tuple((inner_loop(f, char * f.nargs) or (0,))[0] for f in functions)


def _adam(rows: Sequence[Row]) -> Row | None:
    functions = tuple(row.function for row in rows)
    char = next((char for char in "fd" if _loops(char) == functions), None)
    if char is None or any(row.more or row.kind != Kind.LOOP for row in rows):
        return None
    count, width = rows[0].count, np.dtype(char).itemsize
    operands: dict[str, int] = {}
    for row, (_, *letters) in zip(rows, _LINES, strict=True):
        steps = [0 if letter.isupper() else width for letter in letters]
        if row.count != count or [*row.steps] != steps:
            return None
        for letter, operand in zip(letters, row.operands, strict=True):
            if operands.setdefault(letter, operand) != operand:
                return None
    starts = sorted(operands[letter] for letter in _ARRAYS)
    if any(b - a < count * width for a, b in pairwise(starts)):
        return None
    arrays, numbers = ([operands[letter] for letter in part] for part in (_ARRAYS, _NUMBERS))
    kind = Kind.ADAM_STEP + (char == "d")
    return Row(kind, 0, 0, arrays[:3], count, (), [*arrays[3:], *numbers], keeps=rows)
