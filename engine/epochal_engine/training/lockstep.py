"""One epoch of many networks, compiled: every call takes all of them one step further together.

It is `epoch.py` with one more axis in front. What no member has for itself, such as the samples
where all have one seed, is there once.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

import numpy as np

from ..data.data import Data
from ..model.losses import find_loss
from ..model.network import Network, parameter_leaves
from ..optimize.optimizers import weight_mask
from ..symbolic.plan import Plan
from ..symbolic.replicas import replicate
from ..symbolic.trace import Array, Call, Symbol, leaf
from .epoch import Bind, EpochCompiler, Segment
from .members import Group
from .step import Gradient, draw, penalties
from .streams import Streams
from .training import Training

SAMPLES_AT_ONCE = 16_384
"""Samples in one validation pass, all members together."""


def compile_epochs(
    network: Network,
    trainings: Sequence[Training],
    data: Data,
    groups: Sequence[Group],
    now: Mapping[str, Array],
    rates: Array,
    streams: Sequence[Streams],
    steps: int,
    targets: Array | None = None,
) -> list[Segment]:
    """Return an epoch of every member as segments; compare `epoch.compile_epoch`.

    `now` has arrays with a row for each of `trainings`, and the moments of each of `groups` by
    itself; `rates` `(members, 1)` is read at every step; `streams` are one for all, or one each.
    """
    calls = update_many(network, trainings, groups, now, rates, steps)
    members = (len(trainings),)
    compiler = _Compiler(network, trainings[0], data, now, streams, calls, targets, members)
    return compiler.segments()


class _Compiler(EpochCompiler):
    """An epoch of all members, which share a step."""

    def gradient(self, batch: int, *, own_samples: bool, weighted: bool) -> Bind:
        """Return what binds forward, loss and backward of every member to batches of one size."""
        dtype, dropout = self.training.dtype, [stream.dropout for stream in self.streams]
        gradient = Gradient(self.network, self.training.loss, batch, dtype, weighted=weighted)
        parts = gradient.parts(self.now["parameters"]), gradient.parts(self.now["gradient"])
        many: set[Symbol] = {*gradient.leaves}
        if own_samples:
            many |= {gradient.inputs, gradient.targets}
            if gradient.weights is not None:
                many.add(gradient.weights)
        if len(dropout) > 1:
            many |= set(gradient.rates)
        outputs, leaves = replicate(gradient.plan.outputs, many, *self.members)
        plan = Plan(outputs, dtype)
        # The mask of all members, or one for each.
        masks = {mask: np.empty(leaves[mask].shape, dtype) for mask in gradient.rates}
        draws: list[Call] = []
        for mask, rate in gradient.rates.items():
            for rng, row in zip(dropout, masks[mask].reshape(-1, *mask.shape), strict=True):
                draws += draw(rng, row, rate)

        def bind(x: Array, y: Array, logits: Array, weights: Array | None) -> list[Call]:
            given, results = gradient.arrays(x, y, logits, *parts, weights)
            given |= masks
            arrays = {leaves[symbol]: array for symbol, array in given.items() if symbol in leaves}
            return draws + plan.bind(arrays, results)

        return bind

    def forward(self, inputs: Array, logits: Array) -> list[list[Call]]:
        """Return the calls that fill `logits`, in passes over a limited number of samples."""
        (members,) = self.members
        read = find_loss(self.training.loss).logits
        passes = []
        at_once = max(1, SAMPLES_AT_ONCE // members)
        compiled: dict[int, tuple[Plan, Symbol, dict[Symbol, Array]]] = {}
        for start in range(0, len(inputs), at_once):
            part = inputs[start : start + at_once]
            if len(part) not in compiled:
                x, parameters = leaf(part.shape), parameter_leaves(self.network)
                output = read(self.network.forward(x, parameters)[-1])
                outputs, many = replicate([output], set(parameters.values()), members)
                given = {many[parameters[name]]: array for name, array in self.parameters.items()}
                compiled[len(part)] = Plan(outputs, self.dtype), x, given
            plan, x, given = compiled[len(part)]
            results = [logits[:, start : start + len(part)]]
            passes.append(plan.bind({x: part, **given}, results))
        return passes


def update_many(
    network: Network,
    trainings: Sequence[Training],
    groups: Sequence[Group],
    now: Mapping[str, Array],
    rates: Array,
    steps: int,
) -> list[Call]:
    """Return the calls of one step along the gradient of each member; compare `step.update`."""
    gradient, step = now["gradient"], now["step"]
    parameters = now["parameters"][:, : step.shape[1]]
    mask = weight_mask(network.changing).astype(rates.dtype)
    l1 = np.array([training.l1 for training in trainings], rates.dtype)[:, None] * mask
    l2 = np.array([training.l2 for training in trainings], rates.dtype)[:, None] * mask
    calls = penalties(parameters, gradient, step, l1, l2)
    values = _limits([training.clip_value for training in trainings])
    norms = _limits([training.clip_norm for training in trainings])
    if np.isfinite([values, norms]).any():
        clipped = np.empty_like(gradient)
        calls += [
            (_clip, (gradient, values.astype(rates.dtype), clipped)),
            (_shorten, (clipped, norms, np.empty(clipped.shape))),
        ]
        gradient = clipped
    # Every optimizer's step is its rate times something that does not depend on the rate. So it
    # steps a copy at the rate 1, for all members alike, and each then goes its own share.
    aside, unit_rate = np.empty_like(step), np.ones((), rates.dtype)
    calls.append((np.copyto, (aside, parameters)))
    for number, group in enumerate(groups):
        group_rows = slice(group.start, group.end)
        flat = (array[group_rows].reshape(-1) for array in (aside, gradient, step))
        moments = now[f"moments_{number}"]
        calls += group.optimizer.calls(*flat, moments, unit_rate, steps, network.changing)
    return [
        *calls,
        (np.multiply, (step, rates, step)),
        (np.subtract, (parameters, step, parameters)),
    ]


def _limits(limits: Sequence[float | None]) -> Array:
    """One limit for each member, `(members, 1)`; infinite where there is none."""
    return np.array([math.inf if limit is None else limit for limit in limits])[:, None]


def _clip(gradient: Array, limits: Array, clipped: Array) -> None:
    np.clip(gradient, -limits, limits, out=clipped)


def _shorten(gradient: Array, limits: Array, wide: Array) -> None:
    # In float64, as in `step.py`.
    np.copyto(wide, gradient)
    norms = np.sqrt(np.einsum("kp,kp->k", wide, wide))[:, None]
    np.multiply(
        gradient, np.where(norms > limits, limits / norms, 1.0), out=gradient, casting="same_kind"
    )
