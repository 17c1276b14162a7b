"""The memory that a run needs, from the layout of its plans: nothing is computed, or allocated.

A part is held from start to end; at times, results or the state of a resume point need more.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass
from itertools import chain, pairwise
from typing import Any

import numpy as np

from ..model.decoding import Steps, uncached_layer
from ..model.losses import find_loss
from ..model.network import Network, parameter_leaves
from ..model.pairs import trained_network
from ..model.predict import ELEMENTS_AT_ONCE, SAMPLES_AT_ONCE
from ..optimize.rewards import ScoreTexts
from ..symbolic.plan import Plan, calls_of
from ..symbolic.trace import Array, Call, leaf
from ..training.epoch import (
    BATCHES_AT_ONCE,
    FLOPS_PER_SECOND,
    PULSE,
    SECONDS_PER_CALL,
    SECONDS_PER_COMPILED_CALL,
)
from ..training.lockstep import SAMPLES_AT_ONCE as SAMPLES_OF_ALL_MEMBERS
from ..training.lockstep import bounds_of
from ..training.probe import MOST as MOST_PROBED
from ..training.rollouts import TEXTS_AT_ONCE
from ..training.run import Run
from ..training.snapshots import snapshot_bytes
from ..training.sweep import Sweep
from ..training.training import Training
from ..walk import chosen_engine
from ..walk.recording import knows
from .work import StepCalls, arrays_in, at_batch, empty_weights, steps_up_to

CALL_BYTES = 400
"""A bound call with its views of arrays."""
CALLS_PER_GATHER = 4
"""Calls each time that samples are gathered for some batches."""
CALLS_PER_TOKEN = 3
"""Calls that write a token of some texts."""
RESULT_BYTES = 12
"""Bytes for each parameter of an epoch if Python computes the results: a copy of the
gradient in float32, and the bins of its elements as integers."""


@dataclass(frozen=True)
class Memory:
    """Bytes that a run needs beside its data."""

    held: int
    """From start to end: records, plans, optimizer, copies of the data in the type of the run."""
    at_times: int
    """The most that is needed in addition for a moment, such as for the results of an epoch."""

    @property
    def total(self) -> int:
        """The largest sum of both."""
        return self.held + self.at_times


def memory(
    network: Network,
    training: Training,
    samples: int,
    validation_samples: int = 0,
    members: int | None = None,
    *,
    has_own_samples: bool = False,
) -> Memory:
    """Return the memory of a run, or of a sweep with `members`.

    `has_own_samples` if each member of a sweep has its own seed, and so its own batches. Raises
    MemoryError if it is beyond what the system could ever give.
    """
    samples, validation_samples = (
        n // find_loss(training.loss).rows for n in (samples, validation_samples)
    )
    network = trained_network(network, training.loss)
    count, itemsize = members or 1, np.dtype(training.dtype).itemsize
    size, outputs = network.size, math.prod(network.output_shape)
    batch = training.samples_per_step(samples)
    compiled = steps_up_to(network, training, batch)
    calls = len(compiled[0].calls)

    vectors = size + (2 + training.optimizer.moments) * network.changing_size
    record = count * (vectors + (samples + validation_samples) * outputs) * itemsize
    # The part of an epoch that is kept; the rest is read only while it is current.
    state = (size + training.optimizer.moments * network.changing_size) * itemsize
    has_recorder = members is None and knows(find_loss(training.loss))
    if not has_recorder:
        state = record
    seen = count * snapshot_bytes(network, training)
    loop = Run if members is None else Sweep
    pass_seconds = count * network.flops / FLOPS_PER_SECOND
    steps = math.ceil(samples / batch)
    is_python = chosen_engine() == "python"
    call_seconds = SECONDS_PER_CALL if is_python else SECONDS_PER_COMPILED_CALL
    ahead = 1
    if training.corruption is None:
        epoch_seconds = steps * calls * call_seconds + 3 * samples * pass_seconds
        ahead = loop.epochs_ahead(epoch_seconds, state + seen)

    seconds = calls * SECONDS_PER_CALL + 3 * batch * pass_seconds
    at_once = min(BATCHES_AT_ONCE, int(PULSE / seconds) + 1, steps)
    is_corrupted = training.corruption is not None
    changes = is_corrupted or len(training.augmentation) > 0
    samples_of_their_own = count if has_own_samples or changes else 1
    features = math.prod(network.input_shape) + 1

    held = record + state * (1 + ahead) + seen * ahead
    # Members are trained in parts; parts of equal size share a plan.
    is_one = members is None or (network.has_noise and not has_own_samples)
    bounds = bounds_of(count, vectors * itemsize, is_one=is_one)
    planned = sum({end - start for start, end in pairwise(bounds)})
    plan = planned * int(at_batch(batch, compiled, _plan_bytes))
    more = planned * int(at_batch(batch, compiled, _bytes_of_another))
    # The last batch may be smaller; it has its own plan.
    held += plan + plan * (samples % batch) // batch + (at_once - 1) * more
    calls_bound = calls * at_once + CALLS_PER_GATHER * (steps // at_once)
    held += (len(bounds) - 1) * calls_bound * CALL_BYTES
    # The samples as numbers of the type, with a column of ones, and as they are changed; gathered.
    copies = 2 + (samples_of_their_own if changes else 0)
    of_targets = 1 + (samples_of_their_own if is_corrupted else 0)
    held += samples * (copies * features + of_targets * outputs) * itemsize
    if steps > 1:
        gathered = at_once * batch
        held += (
            gathered * (samples_of_their_own * (features + outputs) + count * outputs) * itemsize
        )
    held += validation_samples * features * itemsize
    if training.rollouts is not None:  # Logits twice, in double precision for a moment, and texts.
        held += samples * (outputs * (2 * itemsize + 3 * 8) + 4 * features * 8)
        held += 2 * _forward_plan(network, training, min(samples, _samples_at_once(network)))
        held += size * itemsize + _writing_bytes(network, training, samples)
        if isinstance(training.rollouts.reward, ScoreTexts):
            held += _scoring_bytes(training.rollouts.reward.network, samples)
    held += _forward_bytes(network, training, samples, validation_samples, members)
    # Masks of weights, and where the layers lie.
    held += size * (itemsize + 4) + (count * 3 * size * itemsize if members else 0)
    # The best weights.
    held += 0 if members else size * itemsize

    of_parameter = RESULT_BYTES if training.gradients_every and not members else 8
    results = ahead * (seen if has_recorder else count * size * of_parameter)
    initial = size * (8 + 8)
    return Memory(held, max(results, initial))


def _forward_bytes(
    network: Network,
    training: Training,
    samples: int,
    validation_samples: int,
    members: int | None,
) -> int:
    """Return the bytes of the plans of passes without gradients: validation, and the probe."""
    largest = _samples_at_once(network)
    if members is None:
        probed = min(samples, MOST_PROBED) if training.gradients_every else 0
        # The outputs of the layers for the samples, and copies of their weights.
        seen = sum(map(math.prod, network.shapes)) * probed + network.size
        itemsize = np.dtype(training.dtype).itemsize
        return seen * itemsize + _forward_plan(
            network, training, max(probed, min(largest, max(samples, validation_samples)))
        )
    if validation_samples == 0:
        return 0
    at_once = min(validation_samples, max(1, SAMPLES_OF_ALL_MEMBERS // members))
    return 2 * members * _forward_plan(network, training, at_once)


def _samples_at_once(network: Network) -> int:
    """Return the largest number of samples in a pass without gradients."""
    return max(1, min(SAMPLES_AT_ONCE, ELEMENTS_AT_ONCE // network.largest_array))


def _writing_bytes(network: Network, training: Training, samples: int) -> int:
    """Return the bytes of the decoder of texts and of its calls."""
    if uncached_layer(network) is not None:
        return 0
    weights = empty_weights(network, training)
    written = 0
    for count in {min(samples, TEXTS_AT_ONCE), samples % TEXTS_AT_ONCE} - {0}:
        passes = Steps(network, weights, count).passes()
        written += _bytes_of(chain(*map(calls_of, passes)), weights.values())
    tokens = math.ceil(samples / TEXTS_AT_ONCE) * network.input_shape[0]
    return written + tokens * CALLS_PER_TOKEN * CALL_BYTES


def _scoring_bytes(network: Network, samples: int) -> int:
    """Return the bytes of a reward model and its passes, in double precision."""
    x = leaf((min(samples, SAMPLES_AT_ONCE), *network.input_shape))
    plan = Plan(network.forward(x, parameter_leaves(network))[-1:], np.float64)
    return plan.bytes + 2 * network.size * 8


def _forward_plan(network: Network, training: Training, samples: int) -> int:
    x = leaf((samples, *network.input_shape))
    output = network.forward(x, parameter_leaves(network))[-1]
    return Plan([find_loss(training.loss).logits(output)], training.dtype).bytes


def _plan_bytes(step: StepCalls) -> int:
    """Return the bytes of the results of a step, without its batch and the parameters."""
    return _bytes_of(step.calls, step.given)


def _bytes_of_another(step: StepCalls) -> int:
    """Return the bytes that a step on another batch needs beside the plan that they share."""
    return _bytes_of(step.another, [*step.given, *_roots(step.calls).values()])


def _bytes_of(calls: Iterable[Call], known: Iterable[Array]) -> int:
    """Return the bytes of all arrays that the calls use, without the known arrays."""
    roots = _roots(calls)
    for array in known:
        roots.pop(id(_root(array)), None)
    return sum(root.nbytes for root in roots.values())


def _roots(calls: Iterable[Call]) -> dict[int, Array]:
    """Return the arrays that own the memory that the calls use, by their identity."""
    roots = (_root(array) for call in calls for array in arrays_in(call))
    return {id(root): root for root in roots}


def _root(array: Any) -> Any:
    """Return the array that owns the memory of a view."""
    while getattr(array, "base", None) is not None:
        array = array.base
    return array
