"""One epoch of many networks, compiled: every call takes all of them one step further together.

It is `epoch.py` with one more axis in front. Shared arrays, such as the samples if all members have
one seed, exist once. Large networks would push each other out of the cache at every step: as many
as fit take all steps of an epoch, then the next ones. No bit depends on it.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from itertools import pairwise

import numpy as np

from ..data.data import Data
from ..model.losses import find_loss
from ..model.network import Network, parameter_leaves
from ..optimize.optimizers import weight_mask, without_denormals
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
BYTES_AT_ONCE = 1_000_000
"""Memory of the vectors of some members: of more, they would not stay in the cache."""


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
    first, count = trainings[0], len(trainings)
    plans = _Plans(network, first)
    whole = _Compiler(network, first, data, now, streams, [], targets, (count,))
    whole.parts = []
    vectors = sum(x.nbytes for name, x in now.items() if not name.endswith("logits"))
    # Members that share dropout masks are one part, which draws them once.
    is_one = network.has_noise and len(streams) == 1
    bounds = bounds_of(count, vectors // count, is_one=is_one)
    scratch = np.empty((max(np.diff(bounds)), network.changing_size), rates.dtype)
    for start, end in pairwise(bounds):
        rows = slice(start, end)
        own_groups, own_now = _part(groups, now, rows)
        calls = update_many(
            network, trainings[rows], own_groups, own_now, rates[rows], steps, scratch
        )
        own_streams = streams[rows] if len(streams) > 1 else streams
        part = _Compiler(network, first, data, own_now, own_streams, calls, None, (end - start,))
        part.rows, part.plans = rows, plans
        part.samples_at_once = max(1, SAMPLES_AT_ONCE // count)
        whole.parts.append(part)
    return whole.segments()


def bounds_of(members: int, bytes_of_one: int, *, is_one: bool) -> list[int]:
    """Return the row where each part of the members begins, and the last one's end.

    The vectors of a part, `bytes_of_one` for each member, which every step reads again, fit the
    cache. `is_one` if the members cannot be divided.
    """
    most = max(1, BYTES_AT_ONCE // max(bytes_of_one, 1))
    parts = 1 if is_one else math.ceil(members / most)
    return [members * k // parts for k in range(parts + 1)]


def _part(
    groups: Sequence[Group], now: Mapping[str, Array], rows: slice
) -> tuple[list[Group], dict[str, Array]]:
    """Return the groups of some of the members, and their part of the arrays."""
    own_groups: list[Group] = []
    own_now = {name: x[rows] for name, x in now.items() if not name.startswith("moments_")}
    for number, group in enumerate(groups):
        start, end = max(group.start, rows.start), min(group.end, rows.stop)
        if start < end:
            moments = now[f"moments_{number}"]
            size = moments.shape[1] // (group.end - group.start)
            part = moments[:, (start - group.start) * size : (end - group.start) * size]
            own_now[f"moments_{len(own_groups)}"] = part
            own_groups.append(Group(group.optimizer, start - rows.start, end - rows.start))
    return own_groups, own_now


class _Plans:
    """The plans of gradients by number of members, with batches of one size.

    Parts with the same number of members share a plan, and so its memory.
    """

    def __init__(self, network: Network, training: Training) -> None:
        self.network, self.training = network, training
        self._known: dict[tuple[int, int, bool, bool, bool], _Replicas] = {}

    def replicas(
        self, members: int, batch: int, *, own_samples: bool, weighted: bool, own_masks: bool
    ) -> _Replicas:
        """Return the gradient of `members`, which may have their own samples and masks."""
        key = members, batch, own_samples, weighted, own_masks
        if key not in self._known:
            self._known[key] = _Replicas(self.network, self.training, *key)
        return self._known[key]


class _Replicas:
    """The gradient of one network, and the gradient of many."""

    def __init__(
        self,
        network: Network,
        training: Training,
        members: int,
        batch: int,
        own_samples: bool,
        weighted: bool,
        own_masks: bool,
    ) -> None:
        dtype = training.dtype
        self.single = Gradient(network, training.loss, batch, dtype, weighted=weighted)
        many: set[Symbol] = {*self.single.leaves}
        if own_samples:
            many |= {self.single.inputs, self.single.targets}
            if self.single.weights is not None:
                many.add(self.single.weights)
        if own_masks:
            many |= set(self.single.rates)
        outputs, self.leaves = replicate(self.single.plan.outputs, many, members)
        self.plan = Plan(outputs, dtype)
        # The mask of all members, or one for each.
        self.masks = {m: np.empty(self.leaves[m].shape, dtype) for m in self.single.rates}


class _Compiler(EpochCompiler):
    """An epoch of all members, or of some of them, which share a step."""

    rows = slice(None)
    plans: _Plans
    samples_at_once: int

    def select(self, copies: Array) -> Array:
        """Return the copies of samples that these members read: a shared copy, or one each."""
        return copies if len(copies) == 1 else copies[self.rows]

    def gradient(self, batch: int, *, own_samples: bool, weighted: bool) -> Bind:
        """Return what binds forward, loss and backward of every member to batches of one size."""
        (members,) = self.members
        dropout = [stream.dropout for stream in self.streams]
        many = self.plans.replicas(
            members,
            batch,
            own_samples=own_samples,
            weighted=weighted,
            own_masks=len(dropout) > 1,
        )
        gradient, masks = many.single, many.masks
        parts = gradient.parts(self.now["parameters"]), gradient.parts(self.now["gradient"])
        draws: list[Call] = []
        for mask, rate in gradient.rates.items():
            for rng, row in zip(dropout, masks[mask].reshape(-1, *mask.shape), strict=True):
                draws += draw(rng, row, rate)

        def bind(x: Array, y: Array, logits: Array, weights: Array | None) -> list[Call]:
            given, results = gradient.arrays(x, y, logits, *parts, weights)
            given |= masks
            arrays = {
                many.leaves[symbol]: array
                for symbol, array in given.items()
                if symbol in many.leaves
            }
            return draws + many.plan.bind(arrays, results)

        return bind

    def forward(self, inputs: Array, logits: Array) -> list[list[Call]]:
        """Return the calls that fill `logits`, in passes over a limited number of samples."""
        (members,) = self.members
        read = find_loss(self.training.loss).logits
        passes = []
        at_once = self.samples_at_once
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
    scratch: Array,
) -> list[Call]:
    """Return the calls of one step along the gradient of each member; compare `step.update`.

    They work in `scratch` `(members or more, size)`.
    """
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
    aside, unit_rate = scratch[: len(step)], np.ones((), rates.dtype)
    calls.append((np.copyto, (aside, parameters)))
    for number, group in enumerate(groups):
        group_rows = slice(group.start, group.end)
        flat = (array[group_rows].reshape(-1) for array in (aside, gradient, step))
        moments = now[f"moments_{number}"]
        calls += without_denormals(moments, steps)
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
