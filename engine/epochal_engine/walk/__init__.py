"""The walk through the calls of a plan: by Python, or by a small library in C, with equal bits.

    calls ── rows ── table ── walk.c

A training step of a small network is dozens of calls on a few numbers each, and most of its time
goes into what Python does between them. The compiled walk does the same calls without Python: the
inner loops of NumPy's functions, and its BLAS. Calls that it does not know are left to Python.
"""

from __future__ import annotations

import ctypes
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Literal, TypeAlias, cast

import numpy as np

from ..symbolic.plan import calls_of, run_calls
from ..symbolic.trace import Array, Call
from .chains import Chains
from .fused import Fusion
from .native import address, library
from .rows import Row, row_of
from .states import GeneratorStates
from .table import Table

if TYPE_CHECKING:
    from .recording import Recorder

Engine: TypeAlias = Literal["python", "compiled"]

_choice: Engine | None = None


def choose_engine(engine: Engine | None) -> None:
    """Choose which engine walks through the calls of the runs that this process creates.

    By default it is the compiled one where there is one. Raises RuntimeError if it is chosen and
    there is none.
    """
    global _choice
    if engine == "compiled" and (reason := why_python()) is not None:
        raise RuntimeError(f"the compiled engine is not available: {reason}")
    _choice = engine


def chosen_engine() -> Engine:
    """Return the engine of the runs that this process creates."""
    if _choice is not None:
        return _choice
    return "compiled" if why_python() is None else "python"


def why_python() -> str | None:
    """Return why the compiled engine is not available; None if it is."""
    reason = library()
    return reason if isinstance(reason, str) else None


def compiled(lists: Sequence[list[Call]]) -> list[list[Call]]:
    """Return lists of calls with all that C can call in tables; as they are for `python`.

    A call that comes again, in whichever list, is compiled once.
    """
    walk = library()
    if chosen_engine() == "python" or isinstance(walk, str):
        return [*lists]
    compiler = _Compiler(walk)
    return [compiler.in_tables(calls) for calls in lists]


class _Compiler:
    """Compiles lists of calls, and repeated lists only once."""

    def __init__(self, walk: ctypes.CDLL) -> None:
        self._walk = walk
        self._fusion, self._chains = Fusion(), Chains()
        self._known: dict[int, Row | Call] = {}
        """By the identity of a call its row, or the call that Python makes."""

    def in_tables(self, calls: Sequence[Call]) -> list[Call]:
        """Return the calls with a table in place of all neighbors that have a row."""
        result: list[Call] = []
        block: list[tuple[Call, Row]] = []

        def close() -> None:
            if block:
                bound, rows = zip(*block, strict=True)
                table = Table(bound, self._chains.chained(self._fusion.fused(rows)))
                result.append((self._walk.epochal_walk, (table,)))
                block.clear()

        for call in calls:
            known = self._known.get(id(call))
            if known is None:
                known = self._known[id(call)] = self._row_or_call(call)
            if isinstance(known, Row):
                block.append((call, known))
            else:
                close()
                result.append(known)
        close()
        return result

    def _row_or_call(self, call: Call) -> Row | Call:
        if call[0] is not run_calls:
            return row_of(call) or call
        calls = self.in_tables(calls_of(call))
        table = table_of(calls)
        return (run_calls, (calls,)) if table is None else table.as_row()


def python_calls(calls: Sequence[Call]) -> int:
    """Return how many of the calls Python makes, besides starting the tables."""
    return sum(
        python_calls(calls_of(call)) if call[0] is run_calls else not _is_table(call)
        for call in calls
    )


def _is_table(call: Call) -> bool:
    return bool(call[1]) and isinstance(call[1][0], Table)


def table_of(calls: Sequence[Call]) -> Table | None:
    """Return the table that the calls are; None if Python makes some of them."""
    if len(calls) != 1 or not _is_table(calls[0]):
        return None
    table: Any = calls[0][1][0]
    return cast("Table", table)


def record_epochs(
    calls: Sequence[Call],
    rates: Array,
    rate: Array,
    numbers: Array,
    records: Array,
    states: GeneratorStates | None = None,
    recorder: Recorder | None = None,
    first: int = 0,
) -> int:
    """Run the calls once with each of the rates in `rate`; record the numbers after each time.

    `rates` is `(epochs, *rate.shape)`, `records` `(epochs, *numbers.shape)`; all are contiguous and
    of one type. The states are recorded in the slots from 1 on. A `recorder` computes the results
    of the epochs, numbered from `first`; an epoch that diverged is then the
    last. Return the number of epochs.
    """
    parts, slots = (None, None) if states is None else (states.parts, states.slots[1:])
    table = table_of(calls)
    if table is not None and (states is None or parts is not None):
        walk = library()
        assert not isinstance(walk, str)
        arrays = (rates, rate, numbers, records, parts, slots)
        pointers = [ctypes.c_void_p(None if x is None else address(x)) for x in arrays]
        walk.epochal_epochs.restype = ctypes.c_ssize_t
        epochs: int = walk.epochal_epochs(
            table,
            ctypes.c_ssize_t(len(rates)),
            *pointers[:2],
            ctypes.c_ssize_t(rate.nbytes),
            *pointers[2:4],
            ctypes.c_ssize_t(numbers.nbytes),
            ctypes.c_ssize_t(0 if parts is None else len(parts)),
            *pointers[4:],
            ctypes.c_void_p(None if recorder is None else recorder.address),
            ctypes.c_ssize_t(first),
        )
        return epochs
    for slot, (now, record) in enumerate(zip(rates, records, strict=True), 1):
        np.copyto(rate, now)
        for function, arguments in calls:
            function(*arguments)
        np.copyto(record, numbers)
        if states is not None:
            states.record(slot)
    return len(rates)
