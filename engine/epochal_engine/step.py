"""One training step, compiled: forward, loss, backward, update, as one flat list of NumPy calls."""

from __future__ import annotations

import math
from collections.abc import Mapping

import numpy as np

from .differentiate import differentiate
from .losses import LOSSES
from .network import Network, parameter_leaves, parameter_views
from .plan import Plan
from .trace import Array, Call, Shape, Symbol, leaf
from .training import Training


class Gradient:
    """Forward, loss and backward for batches of one size."""

    def __init__(self, network: Network, loss: str, samples: int, dtype: str) -> None:
        self._inputs = leaf((samples, *network.input_shape))
        self._targets = leaf((samples, *network.output_shape))
        self._parameters = parameter_leaves(network)
        self._rates: dict[Symbol, float] = {}

        def noise(shape: Shape, rate: float) -> Symbol:
            mask = leaf(shape)
            self._rates[mask] = rate
            return mask

        # ------------------------------------------------------------ the lesson, in four lines
        output = network.forward(self._inputs, self._parameters, noise)[-1]
        scores = LOSSES[loss].scores(output)
        value = LOSSES[loss].traced(scores, self._targets)
        slopes = differentiate(value, list(self._parameters.values()))
        # -------------------------------------------------------------------------------------

        # From the last layer to the first: each slope is then taken as soon as it can be.
        self._plan = Plan([scores, *reversed(slopes)], dtype)
        self._masks = {mask: np.empty(mask.shape, dtype) for mask in self._rates}

    def bind(
        self,
        inputs: Array,
        targets: Array,
        scores: Array,
        parameters: Mapping[str, Array],
        gradient: Mapping[str, Array],
        rng: np.random.Generator,
    ) -> list[Call]:
        """The calls that fill `scores` and `gradient` for one batch; dropout draws from `rng`."""
        given = {leaf: parameters[name] for name, leaf in self._parameters.items()}
        given |= {self._inputs: inputs, self._targets: targets, **self._masks}
        draws = [
            call for m, rate in self._rates.items() for call in _draw(rng, self._masks[m], rate)
        ]
        slopes = [gradient[name] for name in self._parameters]
        return draws + self._plan.bind(given, [scores, *reversed(slopes)])


def _draw(rng: np.random.Generator, mask: Array, rate: float) -> list[Call]:
    """Fill the mask with 0 (with probability `rate`) and 1 / (1 - rate)."""
    return [
        (rng.random, (None, mask.dtype, mask)),
        (np.greater_equal, (mask, np.array(rate, mask.dtype), mask)),
        (np.multiply, (mask, np.array(1.0 / (1.0 - rate), mask.dtype), mask)),
    ]


def update(
    network: Network, training: Training, now: Mapping[str, Array], rate: Array, steps: int
) -> list[Call]:
    """The calls that take one step along the gradient, clipped, with the l2 penalty's slope added.

    `now` has the flat arrays parameters, gradient, step `(size,)` and moments `(moments, size)`;
    for `rate` and `steps` see `Sgd.calls`.
    """
    parameter, gradient, step = now["parameters"], now["gradient"], now["step"]
    calls: list[Call] = []
    if training.l2 > 0.0:
        decay = np.zeros_like(parameter)
        for name, view in parameter_views(network, decay).items():
            view[...] = training.l2 if name.endswith(".weight") else 0.0
        calls += [(np.multiply, (parameter, decay, step)), (np.add, (gradient, step, gradient))]
    if training.clip_value is not None or training.clip_norm is not None:
        clipped = np.empty_like(gradient)
        calls.append((np.copyto, (clipped, gradient)))
        if training.clip_value is not None:
            calls.append((_clip_value, (clipped, training.clip_value)))
        if training.clip_norm is not None:
            calls.append((_clip_norm, (clipped, training.clip_norm, np.empty(clipped.shape))))
        gradient = clipped
    return calls + training.optimizer.calls(parameter, gradient, step, now["moments"], rate, steps)


def _clip_value(gradient: Array, limit: float) -> None:
    np.clip(gradient, -limit, limit, out=gradient)


def _clip_norm(gradient: Array, limit: float, wide: Array) -> None:
    # In float64: the square of a gradient that needs clipping may be too much for float32.
    np.copyto(wide, gradient)
    norm = math.sqrt(wide.dot(wide))
    if norm > limit:
        np.multiply(gradient, limit / norm, out=gradient)
