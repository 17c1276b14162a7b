"""One epoch of many networks, compiled: every call takes all of them one step further together.

It is `epoch.py` with one more axis in front. What no member has for itself, such as the samples
where all have one seed, is there once.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from ..data.data import Data
from ..model.losses import as_rows, find_loss, take_rows, typed
from ..model.network import Network, parameter_leaves, parameter_views
from ..model.predict import SAMPLES_AT_ONCE as SAMPLES_IN_A_CHANGE
from ..model.sample_weights import training_weights
from ..optimize.optimizers import weight_mask
from ..symbolic.plan import Plan
from ..symbolic.replicas import replicate
from ..symbolic.trace import Array, Call, Symbol, leaf
from .epoch import (
    FLOPS_PER_SECOND,
    PULSE,
    SECONDS_PER_CALL,
    SECONDS_PER_CHANGE,
    Segment,
    batches_at_once,
    merged,
)
from .members import Group
from .step import Gradient, draw, penalties, with_column
from .streams import Streams
from .training import Training

SECONDS_PER_MEMBER = 0.05e-6
"""What each member adds to a call, about."""
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
) -> list[Segment]:
    """An epoch of every member as segments; compare `epoch.compile_epoch`.

    `now` has arrays with a row for each of `trainings`, and the moments of each of `groups` by
    itself; `rates` `(members, 1)` is read at every step; `streams` are one for all, or one each.
    """
    compiler = _Compiler(network, trainings, data, groups, now, rates, streams, steps)
    return merged([*compiler.train(), *compiler.validate()])


@dataclass(frozen=True)
class _Own:
    """What each member has of its own because its seed differs."""

    data: bool
    masks: bool


class _Gradients:
    """Forward, loss and backward of every member for batches of one size."""

    def __init__(
        self,
        network: Network,
        training: Training,
        batch: int,
        now: Mapping[str, Array],
        separate: _Own,
        *,
        weighted: bool,
    ) -> None:
        gradient = self._gradient = Gradient(
            network, training.loss, batch, training.dtype, weighted=weighted
        )
        self._parts = gradient.parts(now["parameters"]), gradient.parts(now["gradient"])
        many: set[Symbol] = {*gradient.leaves}
        if separate.data:
            many |= {gradient.inputs, gradient.targets}
            if gradient.weights is not None:
                many.add(gradient.weights)
        if separate.masks:
            many |= set(gradient.rates)
        outputs, self._many = replicate(gradient.plan.outputs, many, len(now["parameters"]))
        self._plan = Plan(outputs, training.dtype)
        masks = {mask: self._many[mask] for mask in gradient.rates}
        self._masks = {mask: np.empty(new.shape, training.dtype) for mask, new in masks.items()}

    def bind(
        self,
        inputs: Array,
        targets: Array,
        weights: Array | None,
        logits: Array,
        streams: Sequence[Streams],
    ) -> list[Call]:
        """As `Gradient.bind`, on arrays with a leading axis of members."""
        given, results = self._gradient.arrays(inputs, targets, logits, *self._parts, weights)
        draws: list[Call] = []
        for mask, rate in self._gradient.rates.items():
            array = self._masks[mask]
            masks = array if len(array.shape) > len(mask.shape) else array[None]
            for stream, row in zip(streams, masks, strict=False):
                draws += draw(stream.dropout, row, rate)
        given |= self._masks
        leaves = {self._many[x]: array for x, array in given.items() if x in self._many}
        return draws + self._plan.bind(leaves, results)


class _Compiler:
    """One epoch of all members as flat lists of NumPy calls; compare `epoch.py`."""

    def __init__(
        self,
        network: Network,
        trainings: Sequence[Training],
        data: Data,
        groups: Sequence[Group],
        now: Mapping[str, Array],
        rates: Array,
        streams: Sequence[Streams],
        steps: int,
    ) -> None:
        self.network, self.trainings, self.data = network, trainings, data
        self.now, self.rates, self.streams = now, rates, streams
        self.members, self.dtype = len(trainings), rates.dtype
        self.parameters = parameter_views(network, now["parameters"])
        self.update = self.update_of(groups, steps)
        self.flops = self.members * network.flops

    def train(self) -> Iterator[Segment]:
        """A step on every batch."""
        given = np.ascontiguousarray(self.data.train_inputs, self.dtype)
        targets = np.ascontiguousarray(typed(self.data.train_targets, self.dtype))
        first = self.trainings[0]
        weights = training_weights(find_loss(first.loss), self.data, self.dtype)
        samples = len(given)
        # The samples of all, or those of each member where it changes them by itself.
        inputs, targets = with_column(self.network, given)[None], targets[None]
        if first.augmentation:
            inputs = np.repeat(inputs, len(self.streams), axis=0)
            yield from self.augment(given, inputs[..., : given.shape[-1]])
        batch = first.samples_per_step(samples)
        if batch == samples:
            rows = as_rows(targets, self.network.output_shape[-1], self.dtype)
            yield self.step(inputs, rows, weights)
            return
        # One order for all, `(1, samples)`, or one for each member.
        streams = self.streams if first.shuffle else self.streams[:1]
        unshuffled = np.arange(samples)
        orders = np.tile(unshuffled, (len(streams), 1))
        if first.shuffle:
            reshuffle: list[Call] = [(np.copyto, (orders, unshuffled))]
            for stream, order in zip(streams, orders, strict=True):
                reshuffle.append((stream.shuffle.shuffle, (order,)))
            yield self.segment(reshuffle, 0)
        orders = np.broadcast_to(orders, (max(len(orders), len(inputs)), samples))
        whole = samples - samples % batch
        yield from self.train_on(inputs, targets, weights, orders[:, :whole], batch)
        if whole < samples:
            yield from self.train_on(inputs, targets, weights, orders[:, whole:], samples - whole)

    def augment(self, given: Array, changed: Array) -> Iterator[Segment]:
        """Copy the samples to each of `changed` and augment them there; compare `epoch.py`."""
        for stream, copies in zip(self.streams, changed, strict=True):
            for start in range(0, len(given), SAMPLES_IN_A_CHANGE):
                part = slice(start, start + SAMPLES_IN_A_CHANGE)
                calls: list[Call] = [(np.copyto, (copies[part], given[part]))]
                calls += [
                    (change.change, (copies[part], stream.augmentation))
                    for change in self.trainings[0].augmentation
                ]
                yield Segment(calls, given[part].size * len(calls) * SECONDS_PER_CHANGE)

    def step(self, inputs: Array, targets: Array, weights: Array | None) -> Segment:
        """A single step on all samples."""
        samples, own_data = inputs.shape[1], len(inputs) > 1
        if own_data:
            targets = np.repeat(targets, len(inputs), axis=0)
            weights = None if weights is None else np.repeat(weights[None], len(inputs), axis=0)
        x, y = (inputs, targets) if own_data else (inputs[0], targets[0])
        compiled = self.gradients(samples, own_data=own_data, weighted=weights is not None)
        return self.segment(self.bound(compiled, x, y, weights, self.now["logits"]), 3 * samples)

    def train_on(
        self, inputs: Array, targets: Array, weights: Array | None, orders: Array, batch: int
    ) -> Iterator[Segment]:
        """A step on every batch of the samples at `orders`, whose number `batch` divides."""
        samples = orders.shape[1]
        own_data = len(orders) > 1
        seconds_each = 3 * batch * self.flops / FLOPS_PER_SECOND
        batches = min(batches_at_once(), max(1, int(PULSE / (seconds_each + 1e-9))))
        gathered = min(batches * batch, samples)
        x = np.empty((len(orders), gathered, *inputs.shape[2:]), self.dtype)
        y = np.empty((len(orders), gathered, *self.network.output_shape), self.dtype)
        w = None if weights is None else np.empty((*x.shape[:2], *weights.shape[1:]), self.dtype)
        logits = np.empty((self.members, *y.shape[1:]), self.dtype)
        compiled = self.gradients(batch, own_data=own_data, weighted=w is not None)
        steps = []
        for start in range(0, gathered, batch):
            part = slice(start, start + batch)
            here = (slice(None), part) if own_data else (0, part)
            part_weights = None if w is None else w[here]
            steps.append(self.bound(compiled, x[here], y[here], part_weights, logits[:, part]))

        def gather_weights(rows: Array, n: int) -> list[Call]:
            if weights is None or w is None:
                return []
            return [(_gather, (weights[None], rows, w[:, :n]))]

        for start in range(0, samples, gathered):
            rows = orders[:, start : start + gathered]
            n = rows.shape[1]
            calls: list[Call] = [
                (_gather, (inputs, rows, x[:, :n])),
                (_gather, (targets, rows, y[:, :n])),
                *gather_weights(rows, n),
                *(call for step in steps[: n // batch] for call in step),
                (_scatter, (self.now["logits"], rows, logits[:, :n])),
            ]
            yield self.segment(calls, 3 * n)

    def gradients(self, batch: int, *, own_data: bool, weighted: bool) -> _Gradients:
        separate = _Own(data=own_data, masks=len(self.streams) > 1)
        return _Gradients(
            self.network, self.trainings[0], batch, self.now, separate, weighted=weighted
        )

    def bound(
        self, compiled: _Gradients, x: Array, y: Array, weights: Array | None, logits: Array
    ) -> list[Call]:
        """The calls of one step on a batch."""
        return compiled.bind(x, y, weights, logits, self.streams) + self.update

    def validate(self) -> Iterator[Segment]:
        """A forward pass over all validation samples."""
        if self.data.validation_inputs is None:
            return
        inputs = np.ascontiguousarray(self.data.validation_inputs, self.dtype)
        read = find_loss(self.trainings[0].loss).logits
        at_once = max(1, SAMPLES_AT_ONCE // self.members)
        compiled: dict[int, tuple[Plan, Symbol, dict[Symbol, Array]]] = {}
        for start in range(0, len(inputs), at_once):
            part = inputs[start : start + at_once]
            if len(part) not in compiled:
                x, parameters = leaf(part.shape), parameter_leaves(self.network)
                output = read(self.network.forward(x, parameters)[-1])
                outputs, many = replicate([output], set(parameters.values()), self.members)
                given = {many[parameters[name]]: array for name, array in self.parameters.items()}
                compiled[len(part)] = Plan(outputs, self.dtype), x, given
            plan, x, given = compiled[len(part)]
            results = [self.now["validation_logits"][:, start : start + len(part)]]
            yield self.segment(plan.bind({x: part, **given}, results), len(part))

    def update_of(self, groups: Sequence[Group], steps: int) -> list[Call]:
        """The calls that take one step along the gradient of each member; compare `step.update`."""
        parameters, gradient, step = (self.now[name] for name in ("parameters", "gradient", "step"))
        mask = weight_mask(self.network.parameters).astype(self.dtype)
        l1 = np.array([training.l1 for training in self.trainings], self.dtype)[:, None] * mask
        l2 = np.array([training.l2 for training in self.trainings], self.dtype)[:, None] * mask
        calls = penalties(parameters, gradient, step, l1, l2)
        values = _limits([training.clip_value for training in self.trainings])
        norms = _limits([training.clip_norm for training in self.trainings])
        if np.isfinite([values, norms]).any():
            clipped = np.empty_like(gradient)
            calls += [
                (_clip, (gradient, values.astype(self.dtype), clipped)),
                (_shorten, (clipped, norms, np.empty(clipped.shape))),
            ]
            gradient = clipped
        # Every optimizer's step is its rate times something that does not depend on the rate. So it
        # steps a copy at the rate 1, for all members alike, and each then goes its own share.
        aside, unit_rate = np.empty_like(parameters), np.ones((), self.dtype)
        calls.append((np.copyto, (aside, parameters)))
        for number, group in enumerate(groups):
            group_rows = slice(group.start, group.end)
            flat = (array[group_rows].reshape(-1) for array in (aside, gradient, step))
            moments = self.now[f"moments_{number}"]
            calls += group.optimizer.calls(
                *flat, moments, unit_rate, steps, self.network.parameters
            )
        return [
            *calls,
            (np.multiply, (step, self.rates, step)),
            (np.subtract, (parameters, step, parameters)),
        ]

    def segment(self, calls: list[Call], passes: int) -> Segment:
        """The calls with what they cost, for so many passes of one sample through the networks."""
        seconds_per_call = SECONDS_PER_CALL + self.members * SECONDS_PER_MEMBER
        return Segment(
            calls, len(calls) * seconds_per_call + passes * self.flops / FLOPS_PER_SECOND
        )


def _gather(array: Array, rows: Array, out: Array) -> None:
    """`out[k] = array[k, rows[k]]`, or `array[0, rows[k]]` if there is one; labels become rows."""
    arrays = array if len(array) > 1 else [array[0]] * len(out)
    for samples, indices, place in zip(arrays, rows, out, strict=True):
        take_rows(samples, indices, place)


def _scatter(out: Array, rows: Array, values: Array) -> None:
    """`out[k, rows[k]] = values[k]`, or `out[k, rows[0]] = values[k]` if there is one order."""
    if len(rows) == 1:  # In one order for all they are put back four times as fast.
        out[:, rows[0]] = values
    else:
        out[np.arange(len(out))[:, None], rows] = values


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
