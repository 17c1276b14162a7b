"""A plan lays a trace out in memory: which array each symbol lives in, and who takes it over.

Walking the trace in order, a symbol's memory is free again after its last use, and the next symbol
that fits moves in; an element-wise result moves straight into an operand that dies with it. The
layout is made once. Binding it to the arrays of one batch then gives a flat list of NumPy calls,
and running these is all that a training step does: no look-up, no slicing, no allocation.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from copy import copy as copy_of
from functools import cache, cached_property
from typing import Any, cast

import numpy as np
from numpy.typing import DTypeLike

from .memory import vectors_of_zeros
from .primitives import copy
from .threads import one_thread
from .trace import Array, Call, Shape, Symbol, in_order, is_computed, is_contiguous


def perform(calls: Iterable[Call]) -> None:
    """Run the calls in order, with one thread for BLAS."""
    with one_thread():
        run_calls(calls)


def run_calls(calls: Iterable[Call]) -> None:
    """Run the calls in order. As a call itself, it stands for calls that come many times."""
    for function, arguments in calls:
        function(*arguments)


def calls_of(call: Call) -> Sequence[Call]:
    """Return the calls that a call of `run_calls` stands for."""
    calls: Any = call[1][0]
    return cast("Sequence[Call]", calls)


class Plan:
    """The layout in memory of everything that `outputs` are made from.

    Its memory is allocated when it is first bound.
    """

    def __init__(self, outputs: Sequence[Symbol], dtype: DTypeLike) -> None:
        self.outputs = _in_memory_of_their_own(outputs)
        self.order = in_order(self.outputs)
        self.dtype = np.dtype(dtype)
        self._layout = _lay_out(self.order, set(self.outputs))
        self.bytes = sum(self._layout.sizes) * self.dtype.itemsize
        """The memory that is allocated for intermediate results."""
        self._made: dict[Symbol, tuple[list[Array], Array, list[Call]]] = {}

    @cached_property
    def _constants(self) -> dict[Symbol, Array]:
        return {x: np.full(x.shape, x.value, self.dtype) for x in self.order if x.value is not None}

    @cached_property
    def _memory(self) -> tuple[dict[Symbol, Array], dict[Symbol, list[Array]]]:
        """The array of each symbol that is computed, and the arrays that its calls work in."""
        layout = self._layout
        # The system gives memory for zeros when they are first used: a plan that is only bound, to
        # count its calls, takes none.
        buffers = vectors_of_zeros(layout.sizes, self.dtype)

        # One and the same array for all that live there: to work in place on two views of the same
        # memory takes NumPy twice as long, as it then has to find out how they overlap.
        @cache
        def array(number: int, shape: Shape) -> Array:
            return buffers[number][: math.prod(shape)].reshape(shape)

        home = {y: array(number, y.shape) for y, number in layout.home.items()}
        for y, whole in _extended(self.order).items():
            home[y] = array(layout.home[y], whole.shape)[..., :-1, :]
            array(layout.home[y], whole.shape)[..., -1:, :] = 1
        scratch = {y: [array(*place) for place in shapes] for y, shapes in layout.scratch.items()}
        return home, scratch

    def unbound(self) -> Plan:
        """A plan with the same layout and separate memory."""
        plan = copy_of(self)
        plan._made = {}
        for name in ("_memory", "_constants"):
            plan.__dict__.pop(name, None)
        return plan

    def bind(self, leaves: Mapping[Symbol, Array], results: Sequence[Array]) -> list[Call]:
        """The calls that compute `outputs` from the leaves' arrays, each into its result.

        Leaves and results are C-contiguous arrays of the plan's type and the symbols' shapes. All
        lists bound from one plan share its memory: run them one after the other. They also share
        the calls on arrays that are the same in both, which are most of them.
        """
        array = {**self._memory[0], **self._constants, **leaves}
        array.update(zip(self.outputs, results, strict=True))
        calls: list[Call] = []
        for y in self.order:
            if y.primitive is None:
                continue
            inputs = [array[x] for x in y.inputs]
            arrays = [*inputs, array[y]] if is_computed(y) else inputs
            before = self._made.get(y)
            if before is None or any(a is not b for a, b in zip(arrays, before[0], strict=True)):
                before = self._made[y] = (arrays, *self._make(y, arrays))
            _, array[y], computing = before
            calls += computing
        return calls

    def evaluate(self, leaves: Mapping[Symbol, Array]) -> list[Array]:
        """The arrays of `outputs`, computed once, in memory that no other thread uses."""
        given = {x: np.asarray(array, self.dtype, order="C") for x, array in leaves.items()}
        results = [np.empty(y.shape, self.dtype) for y in self.outputs]
        with np.errstate(all="ignore"):
            perform(self.unbound().bind(given, results))
        return results

    def _make(self, y: Symbol, arrays: list[Array]) -> tuple[Array, list[Call]]:
        """The array of y and the calls that fill it: the calls of its inputs, then its own."""
        assert y.primitive is not None
        if y.primitive.view is not None:
            return y.primitive.view(*y.details, arrays[0], y.shape), []
        scratch = self._memory[1].get(y, ())
        return arrays[-1], y.primitive.calls(*y.details, *arrays, *scratch)


def evaluate(
    outputs: Sequence[Symbol], leaves: Mapping[Symbol, Array], dtype: DTypeLike = np.float64
) -> list[Array]:
    """The arrays of `outputs`, computed once."""
    return Plan(outputs, dtype).evaluate(leaves)


def _in_memory_of_their_own(outputs: Sequence[Symbol]) -> list[Symbol]:
    """The outputs; a copy stands for one that cannot be computed where its result is wanted."""
    extended = _extended(in_order(outputs))
    copies: list[Symbol] = []
    for y in outputs:
        copies.append(y if is_computed(y) and y not in extended and y not in copies else copy(y))
    return copies


def _extended(order: Sequence[Symbol]) -> dict[Symbol, Symbol]:
    """The symbol with ones behind it in memory, and the symbol of both together."""
    return {y.inputs[0]: y for y in order if y.primitive is not None and y.primitive.extends}


class _Layout:
    """The number of the buffer in which each symbol lives, and the buffers' sizes in elements."""

    def __init__(self) -> None:
        self.home: dict[Symbol, int] = {}
        self.scratch: dict[Symbol, list[tuple[int, Shape]]] = {}
        self.sizes: list[int] = []
        self.free: list[int] = []

    def keep(self, size: int) -> int:
        """A buffer that is never free again: the ones in it stay ones."""
        self.sizes.append(size)
        return len(self.sizes) - 1

    def take(self, size: int) -> int:
        """The smallest free buffer that is large enough; else the largest one, enlarged.

        If there are several, take the last used one, which is still in the cache.
        """
        if not self.free:
            return self.keep(size)
        fitting = [k for k in reversed(self.free) if self.sizes[k] >= size]
        number = (
            min(fitting, key=lambda k: self.sizes[k])
            if fitting
            else max(self.free, key=lambda k: self.sizes[k])
        )
        self.sizes[number] = max(self.sizes[number], size)
        self.free.remove(number)
        return number


def _owner(x: Symbol) -> Symbol:
    """The symbol that owns the memory of x."""
    while x.primitive is not None and x.primitive.view is not None:
        x = x.inputs[0]
    return x


def _is_whole(x: Symbol) -> bool:
    """Whether x is all of its owner, in the same order."""
    return is_contiguous(x) and math.prod(x.shape) == math.prod(_owner(x).shape)


def _lay_out(order: Sequence[Symbol], outputs: set[Symbol]) -> _Layout:
    computed = [y for y in order if is_computed(y)]
    uses_left = Counter(_owner(x) for y in computed for x in y.inputs)
    layout = _Layout()
    extended = _extended(order)
    for y in computed:
        assert y.primitive is not None
        uses_here = Counter(_owner(x) for x in y.inputs)
        uses_left.subtract(uses_here)
        dying = [
            x for x in uses_here if x in layout.home and uses_left[x] == 0 and x not in extended
        ]
        if y in extended:
            layout.home[y] = layout.keep(math.prod(extended[y].shape))
        elif y not in outputs:
            heir_of = next(
                (
                    _owner(x)
                    for x in (y.inputs[i] for i in y.primitive.overwrites)
                    if _owner(x) in dying and x.shape == y.shape and _is_whole(x)
                ),
                None,
            )
            if heir_of is None:
                layout.home[y] = layout.take(math.prod(y.shape))
            else:
                layout.home[y] = layout.home[heir_of]
                dying.remove(heir_of)
        working = [(layout.take(math.prod(s)), s) for s in y.primitive.scratch(y)]
        if working:
            layout.scratch[y] = working
        layout.free += [layout.home[x] for x in dying] + [number for number, _ in working]
    return layout
