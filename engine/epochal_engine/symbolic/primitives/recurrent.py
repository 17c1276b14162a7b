"""A recurrence is one primitive for all time steps of a sequence; another computes its gradient.

Written out step by step, the formulas of a cell are thousands of symbols and thousands of small
calls. Here, everything that does not depend on the previous state is computed for all time steps at
once, above all the factors of each gate's gradient. A single time step then needs a product with
the recurrent weights and a few calls.

The part of the gates from the sequence is `(length, gates · units, n)`, the recurrent weights are
`(gates · units, units)`, and the states `(length, units, n)`. The initial state is zero. Each array
may have one more leading axis, for several networks.

All gates are computed as σ(x) = ½ + ½·tanh(x/2), so that one call to tanh serves a whole time
step; their inputs and weights are halved beforehand.

Source: Werbos, "Backpropagation through time" (1990); of the cells, see the layers.
"""

from __future__ import annotations

from typing import NoReturn

import numpy as np

from ..trace import Array, Call, Primitive, Shape, Symbol, apply, constant, define
from .shapes import concatenate


def rnn(inflow: Symbol, recurrent: Symbol) -> Symbol:
    """The states h ← tanh(x + R·h)."""
    return apply("rnn", inflow.shape, inflow, recurrent)


def lstm(inflow: Symbol, recurrent: Symbol) -> Symbol:
    """The states h ← o·tanh(c), with c ← f·c + i·g; the gates are in the order i, f, o, g."""
    return _rows(_taped("lstm", inflow, recurrent, 7), 6, 7, 7)


def gru(inflow: Symbol, recurrent: Symbol) -> Symbol:
    """The states h ← g + z·(h - g), with R·(r·h) in g; the gates are in the order z, r, g."""
    return _rows(_taped("gru", inflow, recurrent, 5), 4, 5, 5)


# ---------------------------------------------------------------- symbols


def _taped(name: str, inflow: Symbol, recurrent: Symbol, blocks: int) -> Symbol:
    """All that a cell leaves behind, `(length, blocks · units, n)`; the last block is its state.

    A gradient comes back through the state alone: nobody else sees the rest.
    """
    length, _, n = inflow.shape
    return apply(name, (length, blocks * recurrent.shape[1], n), inflow, recurrent)


def _rows(x: Symbol, first: int, last: int, blocks: int) -> Symbol:
    """The blocks of rows from `first` up to, not including, `last`."""
    units = x.shape[1] // blocks
    return x.cut(1, first * units, last * units)


def _but_first(x: Symbol) -> Symbol:
    return x.cut(0, 1, x.shape[0])


def _but_last(x: Symbol) -> Symbol:
    return x.cut(0, 0, x.shape[0] - 1)


def _products(a: Symbol, b: Symbol) -> Symbol:
    """Σ a·bᵀ over the length, as one product of matrices."""
    rows = (x.permute((1, 0, 2)).reshape((x.shape[1], -1)) for x in (a, b))
    return next(rows) @ next(rows).T


def _gradients(y: Symbol, g: Symbol) -> list[Symbol]:
    """dL/d(inflow), and dL/d(recurrent), to which the first time step adds nothing."""
    assert y.primitive is not None
    inflow, recurrent = y.inputs
    blocks = y.shape[1] // recurrent.shape[1]
    state = _rows(y, blocks - 1, blocks, blocks)
    through = _rows(g, blocks - 1, blocks, blocks)
    gradients = apply(f"{y.primitive.name}_gradients", inflow.shape, through, y, recurrent)
    if inflow.shape[0] == 1:
        return [gradients, constant(0.0, recurrent.shape)]
    after, before = _but_first(gradients), _but_last(state)
    if y.primitive.name != "gru":
        return [gradients, _products(after, before)]
    gates = _products(_rows(after, 0, 2, 3), before)
    candidate = _products(_rows(after, 2, 3, 3), _but_first(_rows(y, 3, 4, 5)))
    return [gradients, concatenate([gates, candidate], 0)]


def _no_gradients(y: Symbol, g: Symbol) -> NoReturn:
    raise NotImplementedError("a recurrence can be differentiated once")


def _flops(y: Symbol) -> int:
    """The gradient of the products with the recurrent weights, at all time steps but the first."""
    rows, units = y.inputs[1].shape
    return 2 * (y.shape[0] - 1) * rows * units * y.shape[2]


# ---------------------------------------------------------------- calls


def _dot(a: Array, b: Array, out: Array) -> Call:
    return (a.dot, (b, out)) if out.ndim == 2 else (np.matmul, (a, b, out))


def _blocks(x: Array, count: int) -> list[Array]:
    """`(…, count · units, n)` as its blocks, each `(…, units, n)`."""
    units = x.shape[-2] // count
    return [x[..., k * units : (k + 1) * units, :] for k in range(count)]


def _step(x: Array, t: int) -> Array:
    return x[..., t, :, :]


def _half_of_gates(rows: int, gates: int, x: Array) -> Array:
    """½ for the rows of the gates, and 1 for the others, as a column."""
    return np.where(np.arange(rows) < gates, 0.5, 1.0).astype(x.dtype)[:, None]


def _to_gates(sigmoids: Array, half: Array) -> list[Call]:
    """½ + ½·t of the results t of tanh."""
    return [(np.multiply, (sigmoids, half, sigmoids)), (np.add, (sigmoids, half, sigmoids))]


def _rnn_calls(inflow: Array, recurrent: Array, states: Array) -> list[Call]:
    calls: list[Call] = []
    for t in range(inflow.shape[-3]):
        x, h = _step(inflow, t), _step(states, t)
        if t == 0:
            calls.append((np.tanh, (x, h)))
            continue
        calls += [_dot(recurrent, _step(states, t - 1), h), (np.add, (h, x, h)), (np.tanh, (h, h))]
    return calls


def _rnn_gradients_calls(
    g: Array, states: Array, recurrent: Array, out: Array, factor: Array
) -> list[Call]:
    unit, back = np.ones((), g.dtype), recurrent.swapaxes(-1, -2)
    calls: list[Call] = [
        (np.square, (states, factor)),
        (np.subtract, (unit, factor, factor)),
    ]
    last = g.shape[-3] - 1
    for t in range(last, -1, -1):
        gradient, incoming = _step(out, t), _step(g, t)
        if t < last:
            calls += [
                _dot(back, _step(out, t + 1), gradient),
                (np.add, (gradient, incoming, gradient)),
            ]
            incoming = gradient
        calls.append((np.multiply, (incoming, _step(factor, t), gradient)))
    return calls


def _lstm_calls(
    inflow: Array, recurrent: Array, tape: Array, halved: Array, product: Array
) -> list[Call]:
    rows, units = recurrent.shape[-2:]
    halves, half = _half_of_gates(rows, 3 * units, tape), np.array(0.5, tape.dtype)
    calls: list[Call] = [
        (np.multiply, (inflow, halves, tape[..., :rows, :])),
        (np.multiply, (recurrent, halves, halved)),
    ]
    for t in range(inflow.shape[-3]):
        now = _step(tape, t)
        gates, sigmoids = now[..., :rows, :], now[..., : 3 * units, :]
        i, f, o, candidate, cell, squashed, state = _blocks(now, 7)
        if t > 0:
            before = _blocks(_step(tape, t - 1), 7)
            calls += [_dot(halved, before[6], product), (np.add, (gates, product, gates))]
        calls += [(np.tanh, (gates, gates)), *_to_gates(sigmoids, half)]
        calls.append((np.multiply, (i, candidate, cell)))
        if t > 0:
            calls += [(np.multiply, (f, before[4], squashed)), (np.add, (cell, squashed, cell))]
        calls += [(np.tanh, (cell, squashed)), (np.multiply, (o, squashed, state))]
    return calls


def _lstm_gradients_calls(
    g: Array,
    tape: Array,
    recurrent: Array,
    out: Array,
    factors: Array,
    through: Array,
    to_state: Array,
    to_cell: Array,
    product: Array,
) -> list[Call]:
    unit, back = np.ones((), g.dtype), recurrent.swapaxes(-1, -2)
    rows, units = recurrent.shape[-2:]
    i, f, o, candidate, cell, squashed, _ = _blocks(tape, 7)
    for_i, for_f, for_o, for_candidate = _blocks(factors, 4)
    gates, for_gates = tape[..., : 3 * units, :], factors[..., : 3 * units, :]
    calls: list[Call] = [
        # With s and d the gradients of the cell and of the state, the gradients of the four sums
        # are
        # s·g·i·(1 - i),  s·c₋₁·f·(1 - f),  d·tanh(c)·o·(1 - o)  and  s·i·(1 - g²).
        (np.square, (tape[..., :rows, :], factors)),
        (np.subtract, (gates, for_gates, for_gates)),
        (np.subtract, (unit, for_candidate, for_candidate)),
        (np.multiply, (for_i, candidate, for_i)),
        (np.multiply, (for_f[..., 1:, :, :], cell[..., :-1, :, :], for_f[..., 1:, :, :])),
        (_step(for_f, 0).fill, (0,)),
        (np.multiply, (for_o, squashed, for_o)),
        (np.multiply, (for_candidate, i, for_candidate)),
        # From the state to the cell: o·(1 - tanh(c)²).
        (np.square, (squashed, through)),
        (np.subtract, (unit, through, through)),
        (np.multiply, (through, o, through)),
    ]
    last = g.shape[-3] - 1
    for t in range(last, -1, -1):
        gradients, factor, incoming = _step(out, t), _step(factors, t), _step(g, t)
        if t == last:
            calls += [
                (np.copyto, (to_state, incoming)),
                (np.multiply, (to_state, _step(through, t), to_cell)),
            ]
        else:
            calls += [
                _dot(back, _step(out, t + 1), to_state),
                (np.add, (to_state, incoming, to_state)),
                (np.multiply, (to_cell, _step(f, t + 1), to_cell)),
                (np.multiply, (to_state, _step(through, t), product)),
                (np.add, (to_cell, product, to_cell)),
            ]
        four = (*gradients.shape[:-2], 4, units, gradients.shape[-1])
        by, on = (np.reshape(x, four, copy=False) for x in (factor, gradients))
        calls += [
            (np.multiply, (by, to_cell[..., None, :, :], on)),
            (np.multiply, (_blocks(factor, 4)[2], to_state, _blocks(gradients, 4)[2])),
        ]
    return calls


def _gru_calls(
    inflow: Array, recurrent: Array, tape: Array, halved: Array, product: Array
) -> list[Call]:
    rows, units = recurrent.shape[-2:]
    halves, half = _half_of_gates(rows, 2 * units, tape), np.array(0.5, tape.dtype)
    to_gates, to_candidate = halved[..., : 2 * units, :], halved[..., 2 * units :, :]
    for_gates, for_candidate = product[..., : 2 * units, :], product[..., 2 * units :, :]
    calls: list[Call] = [
        (np.multiply, (inflow, halves, tape[..., :rows, :])),
        (np.multiply, (recurrent, halves, halved)),
    ]
    for t in range(inflow.shape[-3]):
        now = _step(tape, t)
        gates = now[..., : 2 * units, :]
        keep, reset, candidate, reset_state, state = _blocks(now, 5)
        before = _blocks(_step(tape, t - 1), 5)[4] if t > 0 else None
        if before is not None:
            calls += [_dot(to_gates, before, for_gates), (np.add, (gates, for_gates, gates))]
        calls += [(np.tanh, (gates, gates)), *_to_gates(gates, half)]
        if before is None:
            calls += [
                (np.tanh, (candidate, candidate)),
                (np.multiply, (keep, candidate, state)),
                (np.subtract, (candidate, state, state)),
            ]
            continue
        calls += [
            (np.multiply, (reset, before, reset_state)),
            _dot(to_candidate, reset_state, for_candidate),
            (np.add, (candidate, for_candidate, candidate)),
            (np.tanh, (candidate, candidate)),
            (np.subtract, (before, candidate, state)),
            (np.multiply, (state, keep, state)),
            (np.add, (state, candidate, state)),
        ]
    return calls


def _gru_gradients_calls(
    g: Array,
    tape: Array,
    recurrent: Array,
    out: Array,
    factors: Array,
    to_state: Array,
    to_kept: Array,
) -> list[Call]:
    unit = np.ones((), g.dtype)
    units = recurrent.shape[-1]
    to_gates = recurrent[..., : 2 * units, :].swapaxes(-1, -2)
    to_candidate = recurrent[..., 2 * units :, :].swapaxes(-1, -2)
    keep, reset, candidate, _, state = _blocks(tape, 5)
    for_keep, for_reset, for_candidate = _blocks(factors, 3)
    two, two_for = tape[..., : 2 * units, :], factors[..., : 2 * units, :]
    keep_rest = out[..., :units, :]
    before, later = state[..., :-1, :, :], (..., slice(1, None), slice(None), slice(None))
    calls: list[Call] = [
        # With d and k the gradients of the state and of r·h₋₁, the gradients of the three sums are
        # d·(h₋₁ - g)·z·(1 - z),  k·h₋₁·r·(1 - r)  and  d·(1 - z)·(1 - g²).
        (np.square, (candidate, for_candidate)),
        (np.subtract, (unit, for_candidate, for_candidate)),
        (np.subtract, (unit, keep, for_keep)),
        (np.multiply, (for_candidate, for_keep, for_candidate)),
        (np.square, (two, two_for)),
        (np.subtract, (two, two_for, two_for)),
        (np.negative, (_step(candidate, 0), _step(keep_rest, 0))),
        (np.subtract, (before, candidate[later], keep_rest[later])),
        (np.multiply, (for_keep, keep_rest, for_keep)),
        (np.multiply, (for_reset[later], before, for_reset[later])),
    ]
    last = g.shape[-3] - 1
    for t in range(last, -1, -1):
        gradients, factor, incoming = _step(out, t), _step(factors, t), _step(g, t)
        if t == last:
            calls.append((np.copyto, (to_state, incoming)))
        else:
            calls.append((np.add, (to_state, incoming, to_state)))
        on_keep, on_reset, on_candidate = _blocks(gradients, 3)
        by_keep, by_reset, by_candidate = _blocks(factor, 3)
        calls += [
            (np.multiply, (to_state, by_keep, on_keep)),
            (np.multiply, (to_state, by_candidate, on_candidate)),
        ]
        if t == 0:
            calls.append((on_reset.fill, (0,)))
            continue
        calls += [
            _dot(to_candidate, on_candidate, to_kept),
            (np.multiply, (to_kept, by_reset, on_reset)),
            (np.multiply, (to_state, _step(keep, t), to_state)),
            (np.multiply, (to_kept, _step(reset, t), to_kept)),
            (np.add, (to_state, to_kept, to_state)),
            _dot(to_gates, gradients[..., : 2 * units, :], to_kept),
            (np.add, (to_state, to_kept, to_state)),
        ]
    return calls


def _states(y: Symbol) -> Shape:
    """Return the shape of the states, given the gradients y `(…, length, gates · units, n)`."""
    units = y.inputs[2].shape[-1]
    return (*y.shape[:-2], units, y.shape[-1])


def _state(y: Symbol) -> Shape:
    states = _states(y)
    return (*states[:-3], *states[-2:])


def _halved_and_product(y: Symbol) -> tuple[Shape, Shape]:
    inflow, recurrent = y.inputs
    return recurrent.shape, (*inflow.shape[:-3], *inflow.shape[-2:])


define(Primitive("rnn", _gradients, _rnn_calls, flops=_flops))
define(
    Primitive("rnn_gradients", _no_gradients, _rnn_gradients_calls, scratch=lambda y: (y.shape,))
)
define(Primitive("lstm", _gradients, _lstm_calls, scratch=_halved_and_product, flops=_flops))
define(
    Primitive(
        "lstm_gradients",
        _no_gradients,
        _lstm_gradients_calls,
        scratch=lambda y: (y.shape, _states(y), *(_state(y),) * 3),
    )
)
define(Primitive("gru", _gradients, _gru_calls, scratch=_halved_and_product, flops=_flops))
define(
    Primitive(
        "gru_gradients",
        _no_gradients,
        _gru_gradients_calls,
        scratch=lambda y: (y.shape, *(_state(y),) * 2),
    )
)
