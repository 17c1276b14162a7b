"""One training step, compiled: forward, loss, backward, update, as one flat list of NumPy calls."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache, partial

import numpy as np

from ..model.losses import Loss, find_loss
from ..model.network import Network, in_turn, learned_leaves, merged_leaves
from ..optimize.optimizers import weight_mask, without_denormals
from ..symbolic.differentiate import differentiate
from ..symbolic.plan import Plan
from ..symbolic.primitives import contiguous, without_ones
from ..symbolic.trace import Array, Call, Shape, Symbol, leaf
from .training import Training


class Gradient:
    """Forward, loss and backward for batches of one size; `weighted` if samples have weights."""

    def __init__(
        self,
        network: Network,
        loss: str | Loss,
        samples: int,
        dtype: str,
        *,
        weighted: bool = False,
    ) -> None:
        traced = _traced(network, loss, samples, dtype, weighted)
        self.inputs, self.targets, self.weights = traced.inputs, traced.targets, traced.weights
        self.leaves, self.rates = traced.leaves, traced.rates
        self.plan = traced.plan.unbound()
        self._learned = len(learned_leaves(network, self.leaves))
        self._updated = traced.updated
        self._masks = {mask: np.empty(mask.shape, dtype) for mask in self.rates}

    def bind(
        self,
        inputs: Array,
        targets: Array,
        logits: Array,
        parameters: Sequence[Array],
        gradient: Sequence[Array],
        rng: np.random.Generator,
        weights: Array | None = None,
    ) -> list[Call]:
        """Return the calls that fill `logits` and `gradient` for one batch. Dropout uses `rng`.

        `inputs` come from `with_column`, `parameters` and `gradient` from `parts`, and
        `weights`, needed if it is `weighted`, one of each prediction, `(samples, …, 1)`. The calls
        also update the running arrays among the parameters; their part of the gradient is not
        written.
        """
        given, results = self.arrays(inputs, targets, logits, parameters, gradient, weights)
        draws = [call for m, rate in self.rates.items() for call in draw(rng, self._masks[m], rate)]
        return draws + self.plan.bind({**given, **self._masks}, results)

    def parts(self, vectors: Array) -> list[Array]:
        """Return views of flat parameter vectors, `(…, size)`, in the form that `bind` takes.

        Gradients end before the frozen layers, see `Network.changing_size`.
        """
        return in_turn([leaf.shape for leaf in self.leaves], vectors)

    def arrays(
        self,
        inputs: Array,
        targets: Array,
        logits: Array,
        parameters: Sequence[Array],
        gradient: Sequence[Array],
        weights: Array | None,
    ) -> tuple[dict[Symbol, Array], list[Array]]:
        """Return leaves and results of the plan; several networks have a leading axis."""
        given = dict(zip(self.leaves, parameters, strict=True))
        gradients = gradient[: self._learned]
        # An update is the last to read the running array that it replaces.
        updated = [given[leaf] for leaf in self._updated]
        given |= {self.inputs: inputs, self.targets: targets}
        if self.weights is not None:
            assert weights is not None
            given[self.weights] = weights
        return given, [logits, *reversed(gradients), *updated]


@dataclass(frozen=True, eq=False)
class _Traced:
    """The symbols of a step, and the layout of the results."""

    inputs: Symbol
    targets: Symbol
    weights: Symbol | None
    leaves: list[Symbol]
    rates: dict[Symbol, float]
    updated: list[Symbol]
    plan: Plan


# Jobs that follow each other often have the same network.
@lru_cache(maxsize=64)
def _traced(
    network: Network, loss: str | Loss, samples: int, dtype: str, weighted: bool
) -> _Traced:
    inputs, x = input_leaf(network, samples)
    targets = leaf((samples, *network.output_shape))
    weights = leaf((samples, *network.output_shape[:-1], 1)) if weighted else None
    leaves, parameters = merged_leaves(network)
    updates: dict[str, Symbol] = {}
    rates: dict[Symbol, float] = {}

    def noise(shape: Shape, rate: float) -> Symbol:
        mask = leaf(shape)
        rates[mask] = rate
        return mask

    # ------------------------------------------------------------ the lesson, in four lines
    output = network.forward(x, parameters, noise, updates)[-1]
    logits = contiguous(find_loss(loss).logits(output))
    value = find_loss(loss).traced(logits, targets, weights)
    gradients = differentiate(value, learned_leaves(network, leaves))
    # -------------------------------------------------------------------------------------

    # From the last layer to the first, so that each gradient is computed as soon as possible.
    plan = Plan([logits, *reversed(gradients), *updates.values()], dtype)
    updated = [parameters[name] for name in updates]
    return _Traced(inputs, targets, weights, leaves, rates, updated, plan)


def input_leaf(network: Network, samples: int) -> tuple[Symbol, Symbol]:
    """Return a leaf for the inputs in the form of `with_column`, and the network's inputs in it."""
    if not _takes_ones(network):
        x = leaf((samples, *network.input_shape))
        return x, x
    inputs = leaf((samples, network.input_shape[0] + 1))
    return inputs, without_ones(inputs.T).T


def _takes_ones(network: Network) -> bool:
    return network.names[0] in network.affine


def with_column(network: Network, inputs: Array) -> Array:
    """Return inputs `(n, *input_shape)` in the form that `Gradient` takes.

    If the network begins with a dense layer, they get a column of ones for its biases,
    `(n, fan_in + 1)`.
    """
    if not _takes_ones(network):
        return inputs
    return np.append(inputs, np.ones((len(inputs), 1), inputs.dtype), axis=1)


def draw(rng: np.random.Generator, mask: Array, rate: float) -> list[Call]:
    """Return the calls that fill a mask with 0, with probability `rate`, and 1 / (1 - rate)."""
    return [
        (rng.random, (None, mask.dtype, mask)),
        (np.greater_equal, (mask, np.array(rate, mask.dtype), mask)),
        (np.multiply, (mask, np.array(1.0 / (1.0 - rate), mask.dtype), mask)),
    ]


def update(
    network: Network, training: Training, now: Mapping[str, Array], rate: Array, steps: int
) -> list[Call]:
    """Return the calls of one update: penalties, gradient clipping, and the optimizer's step.

    `now` has the flat arrays of `record_shapes`; for `rate` and `steps` see `Optimizer.calls`. The
    arrays behind the learned ones, of the frozen layers, are not changed.
    """
    gradient, step = now["gradient"], now["step"]
    parameter = now["parameters"][: len(step)]
    mask = weight_mask(network.changing).astype(parameter.dtype)
    calls = penalties(parameter, gradient, step, training.l1 * mask, training.l2 * mask)
    if training.clip_value is not None or training.clip_norm is not None:
        clipped = np.empty_like(gradient)
        calls.append((np.copyto, (clipped, gradient)))
        if training.clip_value is not None:
            least, most = (np.array(x * training.clip_value, clipped.dtype) for x in (-1, 1))
            calls += [
                (partial(np.maximum, out=clipped), (clipped, least)),
                (partial(np.minimum, out=clipped), (clipped, most)),
            ]
        if training.clip_norm is not None:
            calls.append((_clip_norm, (clipped, training.clip_norm, np.empty(clipped.shape))))
        gradient = clipped
    moments = now["moments"]
    calls += without_denormals(moments, steps)
    return calls + training.optimizer.calls(
        parameter, gradient, step, moments, rate, steps, network.changing
    )


def penalties(
    parameter: Array, gradient: Array, scratch: Array, l1: Array, l2: Array
) -> list[Call]:
    """Return the calls that add the gradients of l1 · |p| and l2/2 · p² to `gradient`.

    All arrays have one shape.
    """
    calls: list[Call] = []
    if l1.any():
        calls += [(np.sign, (parameter, scratch)), (np.multiply, (scratch, l1, scratch))]
        calls.append((np.add, (gradient, scratch, gradient)))
    if l2.any():
        calls.append((np.multiply, (parameter, l2, scratch)))
        calls.append((np.add, (gradient, scratch, gradient)))
    return calls


def _clip_norm(gradient: Array, limit: float, wide: Array) -> None:
    # In float64: the square of a gradient that needs clipping may be too much for float32.
    np.copyto(wide, gradient)
    norm = math.sqrt(wide.dot(wide))
    if norm > limit:
        np.multiply(gradient, limit / norm, out=gradient)
