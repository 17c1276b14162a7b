"""Rows of calls as the table that `walk.c` walks."""

from __future__ import annotations

import ctypes
from collections.abc import Sequence

import numpy as np

from ..symbolic.trace import Call
from .native import address
from .rows import Kind, Row


class Table:
    """Calls in C, to be run again and again, and all that they need in memory.

    `ctypes` hands it to the library as the address of its fields.
    """

    def __init__(self, calls: Sequence[Call], rows: Sequence[Row]) -> None:
        distinct = {id(row): row for row in rows}
        numbers = {key: number for number, key in enumerate(distinct)}
        self._in_memory = calls, [*distinct.values()]
        self._more = np.array([n for row in distinct.values() for n in row.more or ()], np.intp)
        columns: list[int] = []
        more = address(self._more)
        for row in distinct.values():
            columns += row.columns(0 if row.more is None else more)
            more += len(row.more or ()) * self._more.itemsize
        self._rows = np.array(columns, np.intp)
        self._order = np.array([numbers[id(row)] for row in rows], np.int32)
        self._fields = np.array([address(self._rows), address(self._order), len(rows)], np.intp)
        self.address = address(self._fields)
        self._as_parameter_ = ctypes.c_void_p(self.address)

    def __len__(self) -> int:
        """Return the number of rows that are walked."""
        return len(self._order)

    def as_row(self) -> Row:
        """Return a row of another table that walks this one."""
        return Row(Kind.WALK, operands=[self.address], keeps=self)
