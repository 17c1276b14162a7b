"""Autoregressive decoding: after each token, the network is computed for one more position.

    tokens so far ── t ──→ one position ──→ outputs at t
                              ↑   │
           keys and values of attention, states of recurrent layers

The results of earlier positions stay in memory, so that a token costs one position: a key-value
cache. A network with a layer that needs all positions at once is computed for the whole window at
each token instead.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import lru_cache, partial
from itertools import chain
from typing import Protocol

import numpy as np
from numpy.typing import DTypeLike

from ..symbolic.plan import Plan, perform, run_calls
from ..symbolic.trace import Array, Call, Symbol, leaf
from .layers.layer import Scope, Step
from .network import INPUT, Network, parameter_leaves
from .predict import checked_parameters, forward_passes, itself


class Decoder(Protocol):
    """Computes the outputs of a network at the last position of a growing row."""

    def outputs_after(self, row: Sequence[float]) -> Array:
        """Return the outputs at the last position of the row, `(outputs,)`.

        The row has at least one number, and at most as many as the network has inputs.
        """
        ...


PARTS = 8
"""Parts of the window: a pass computes with as many of them as have a token."""
SMALLEST_PART = 64
"""Positions that cost nearly nothing more than one."""


class Steps:
    """Passes over one position of several rows after another, from the first one on.

    Raises ValueError for a network that has an `uncached_layer`.
    """

    def __init__(
        self,
        network: Network,
        weights: Mapping[str, Array],
        rows: int = 1,
        read: Callable[[Symbol], Symbol] = itself,
    ) -> None:
        layer = uncached_layer(network)
        if layer is not None:
            raise ValueError(f"{layer} needs all positions at once")
        self._parameters = checked_parameters(network, weights)
        dtype = next(iter(self._parameters.values())).dtype
        (self._window,) = network.input_shape
        self._traced = partial(_traced, network, rows, read, dtype)
        plan, _, _, step = self._traced(self._window)
        self._input = np.zeros((rows, 1), dtype)
        self._position = np.zeros((1, 1), dtype)
        self._mask = np.empty((self._window, 1), dtype)
        self._output = np.empty(plan.outputs[0].shape, dtype)
        self.outputs: Array = self._output[:, 0]
        """The outputs at the last position `(rows, outputs)`, or the intermediate result that
        `read` finds."""
        # A growing array is written in place. Others are read from one of two sets and written into
        # the other, in turn.
        self._growing: dict[str, Array] = {}
        self._turns: list[dict[str, Array]] = [{}, {}]
        for name, symbol in step.before.items():
            for arrays in [self._growing] if name in step.growing else self._turns:
                arrays[name] = np.zeros(symbol.shape, dtype)
        parts = PARTS if step.growing else 1
        self._part = min(max(SMALLEST_PART, -(-self._window // parts)), self._window)
        self._passes: dict[int, list[Call]] = {}

    def passes(self) -> list[Call]:
        """Return all passes: over each number of parts of the window, in both turns."""
        return [*chain(*map(self._passes_at, range(0, self._window, self._part)))]

    def calls(self, position: int, numbers: Array) -> list[Call]:
        """Return the calls of the pass over a position, with the numbers of the rows there
        `(rows,)`; it comes after the pass over the position before.
        """
        return [(self._move, (position, numbers)), self._passes_at(position)[position % 2]]

    def _passes_at(self, position: int) -> list[Call]:
        """Return the passes over the part of the window with a position, and all before it."""
        length = min((position // self._part + 1) * self._part, self._window)
        if length not in self._passes:
            traced, x, leaves, step = self._traced(length)
            plan = traced.unbound()
            given = {x: self._input, step.position: self._position, step.mask: self._mask[:length]}
            given |= {leaves[name]: array for name, array in self._parameters.items()}
            growing = {name: array[:, :length] for name, array in self._growing.items()}
            before, after = ({**turn, **growing} for turn in self._turns)
            self._passes[length] = [
                (
                    run_calls,
                    (
                        plan.bind(
                            given | {symbol: old[name] for name, symbol in step.before.items()},
                            [self._output, *(new[name] for name in step.after)],
                        ),
                    ),
                )
                for old, new in ((before, after), (after, before))
            ]
        return self._passes[length]

    def _move(self, position: int, numbers: Array) -> None:
        if position == 0:
            self._mask.fill(-np.inf)
            for array in (*self._growing.values(), *self._turns[0].values()):
                array.fill(0)
        self._position.fill(position)
        self._mask[position] = 0
        self._input[:, 0] = numbers


# Texts that follow each other are often of the same network.
@lru_cache(maxsize=64)
def _traced(
    network: Network, rows: int, read: Callable[[Symbol], Symbol], dtype: DTypeLike, length: int
) -> tuple[Plan, Symbol, dict[str, Symbol], Step]:
    """Return the plan of a pass over one position of the first ones, and what it is bound to."""
    step, x, leaves = (
        Step(network.input_shape[0], length),
        leaf((rows, 1)),
        parameter_leaves(network),
    )
    output = read(network.forward(x, leaves, step=step)[-1])
    return Plan([output, *step.after.values()], dtype), x, leaves, step


class CachedDecoder:
    """A decoder that computes each position once, as long as each row continues the previous one.

    Raises ValueError for a network that has an `uncached_layer`.
    """

    def __init__(self, network: Network, weights: Mapping[str, Array]) -> None:
        self._steps = Steps(network, weights)
        self._row: list[float] = []

    def outputs_after(self, row: Sequence[float]) -> Array:
        """Return the outputs at the last position of the row, `(outputs,)`."""
        read = len(self._row)
        if not 0 < read < len(row) or list(row[:read]) != self._row:
            self._row.clear()
        for number in row[len(self._row) :]:
            with np.errstate(all="ignore"):
                perform(self._steps.calls(len(self._row), np.array([number])))
            self._row.append(number)
        return np.array(self._steps.outputs[0])


class WindowDecoder:
    """A decoder that computes all positions of the row for each of them.

    The network has fewer positions of outputs than inputs where the first inputs are only read, as
    by an encoder: its outputs belong to the last ones.
    """

    def __init__(self, network: Network, weights: Mapping[str, Array]) -> None:
        parameters = checked_parameters(network, weights)
        dtype = next(iter(parameters.values())).dtype
        self._first = network.input_shape[0] - network.output_shape[0]
        self._input = np.zeros((1, *network.input_shape), dtype)
        self._output = np.empty((1, *network.output_shape), dtype)
        (self._calls,) = forward_passes(network, parameters, self._input, self._output)

    def outputs_after(self, row: Sequence[float]) -> Array:
        """Return the outputs at the last position of the row, `(outputs,)`."""
        return np.array(self._outputs(row)[len(row) - 1 - self._first])

    def reads_ahead(self, row: Sequence[float], other: Sequence[float]) -> bool:
        """Return whether outputs depend on later inputs, by two rows that differ at the end alone.

        Compared are the outputs at the positions where both are the same.
        """
        same = next(i for i, pair in enumerate(zip(row, other, strict=True)) if len(set(pair)) > 1)
        compared = slice(0, max(same - self._first, 0))
        outputs, others = self._outputs(row)[compared], self._outputs(other)[compared]
        return not np.allclose(outputs, others, rtol=1e-4, atol=1e-6, equal_nan=True)

    def _outputs(self, row: Sequence[float]) -> Array:
        """Return the outputs at all positions `(positions, outputs)`; zeros follow the row."""
        self._input.fill(0)
        self._input[0, : len(row)] = row
        with np.errstate(all="ignore"):
            perform(self._calls)
        return np.array(self._output[0])


def uncached_layer(network: Network) -> str | None:
    """Return the name of the first layer that needs all positions of a row at once, or None.

    It is "input" for a network with inputs other than rows of tokens.
    """
    if len(network.input_shape) != 1:
        return "input"
    window, leaves = network.input_shape[0], parameter_leaves(network)
    step, outputs = Step(window), {INPUT: leaf((1, 1))}
    parts = zip(network.names, network.layers, network.inputs, network.shapes[1:], strict=True)
    for name, layer, inputs, shape in parts:
        scope = Scope(name, lambda parameter, *_: leaves[parameter], None, {}, step)
        try:
            output = layer.forward(scope, *(outputs[other] for other in inputs))
        except ValueError:
            return name
        if not layer.steps or (window, *output.shape[2:]) != shape:
            return name
        outputs[name] = output
    return None


def decoder_of(network: Network, weights: Mapping[str, Array]) -> Decoder:
    """Return a decoder, with a cache if the network allows it."""
    cached = uncached_layer(network) is None
    return CachedDecoder(network, weights) if cached else WindowDecoder(network, weights)
