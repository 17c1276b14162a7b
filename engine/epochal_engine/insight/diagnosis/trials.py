"""Try a remedy: two short runs of the same seed on the same samples, without and with it.

The runs are as long as the job if that costs little, else shorter and on fewer samples. Their cost
is estimated from operations and steps before they start, so that the same job has the same trials
on every machine. Their time is a second limit, for a machine that is slower than expected or busy.
"""

from __future__ import annotations

import hashlib
import json
import math
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace

import numpy as np

from ...data.data import Data
from ...model.losses import Loss, find_loss, typed
from ...model.network import Network
from ...model.predict import predict
from ...model.sample_weights import checked_weights
from ...symbolic.trace import Array
from ...training.blocks import join
from ...training.loop import State
from ...training.run import Run
from ...training.training import Training
from .finding import Spec, TrialMetric

SECONDS_A_STEP = 15e-6
"""Estimated overhead of a step, for each layer: NumPy calls forward, backward and in the update.
Measured: 10 to 14."""
FLOPS_A_SECOND = 3e9
"""Estimated throughput of small matrix products on one core."""
SHORTEST = 20
"""Epochs of the shortest trial: fewer show the first steps only."""
FEWEST_SAMPLES = 100
"""Training samples of the smallest trial."""
PATIENCE = 4.0
"""A trial is abandoned after this many times its share of the budget."""
MOST_ATTEMPTS = 2
"""A trial that was abandoned this often is not tried again."""

Key = tuple[bytes, TrialMetric]
"""A changed spec, as a digest, and the loss that is compared."""


@dataclass(frozen=True)
class TrialResults:
    """Trials that are done, so that a later diagnosis of the same job goes on with the others."""

    losses: dict[Key, float | None] = field(default_factory=dict)
    """Losses; None if the remedy does not fit the job."""
    abandoned: Counter[Key] = field(default_factory=Counter)
    """Trials that took too long, by how often."""

    @property
    def progress(self) -> int:
        """A number that grows with every trial until all are done or given up."""
        return len(self.losses) + self.abandoned.total()


class _SkippedTrial(Exception):
    """The time for a trial was used up."""

    def __init__(self, *, is_abandoned: bool) -> None:
        super().__init__()
        self.is_abandoned = is_abandoned


@dataclass(frozen=True, eq=False)
class Experiment:
    """The parts of a spec: network, options, and the data as the network gets them."""

    network: Network
    training: Training
    data: Data
    initial_weights: Mapping[str, Array] | None = None
    """Weights to start from; None for the weights drawn from the seed."""
    target_shift: Array | float = 0.0
    """A target in the user's unit is `target_shift + target_scale * target`."""
    target_scale: Array | float = 1.0


Build = Callable[[Spec], Experiment]
"""Build what a spec trains. Raises ValueError for a spec that is not valid."""
Clock = Callable[[], float]
"""Seconds since any moment."""


class Trials:
    """Short runs of changed specs, within a budget."""

    def __init__(
        self,
        spec: Spec,
        job: Experiment,
        build: Build,
        seconds: float,
        clock: Clock,
        results: TrialResults,
    ) -> None:
        self._spec, self._job, self._build = spec, job, build
        self._loss = find_loss(job.training.loss)
        self._share = seconds / 12.0  # most diagnoses have fewer trials
        self._clock, self._end = clock, clock() + seconds
        self.epochs, self._samples = _size(job, self._share)
        self._results = results
        self._skipped: set[Key] = set()

    @property
    def skipped(self) -> int:
        """Number of trials for which there was no time."""
        return len(self._skipped)

    @property
    def metric(self) -> TrialMetric:
        """The loss that trials compare."""
        return "train_loss" if self._job.data.validation_inputs is None else "validation_loss"

    def loss(self, spec: Spec, metric: TrialMetric | None = None) -> float | None:
        """Return the loss of a short run, infinite if it diverged; None if it was not possible."""
        metric = metric or self.metric
        key = _digest(spec), metric
        known, abandoned = self._results.losses, self._results.abandoned
        if key in known:
            return known[key]
        if key in self._skipped or abandoned[key] >= MOST_ATTEMPTS:
            self._skipped.add(key)
            return None
        try:
            known[key] = self._run(spec, metric)
        except _SkippedTrial as skipped:
            self._skipped.add(key)
            abandoned[key] += skipped.is_abandoned
            return None
        return known[key]

    def _run(self, spec: Spec, metric: TrialMetric) -> float | None:
        if self._clock() > self._end:
            raise _SkippedTrial(is_abandoned=False)
        try:
            experiment = self._job if spec == self._spec else self._build(spec)
            # A remedy of more epochs is tried with this many more.
            epochs = math.ceil(self.epochs * experiment.training.epochs / self._job.training.epochs)
            short = self._shortened(experiment, epochs)
            run = Run(short.network, short.training, short.data, _start(short))
        except ValueError:  # the remedy does not fit this job
            return None
        patience = PATIENCE * self._share * max(epochs / self.epochs, 1.0)
        limit = self._clock() + patience
        for _ in run:
            if (now := self._clock()) > min(limit, self._end):
                raise _SkippedTrial(is_abandoned=now > limit)
        assert run.outcome is not None
        if run.outcome.stop_reason == "diverged":
            return math.inf
        if metric in ("train_loss", "validation_loss") and self._is_in_unit_of_job(experiment):
            losses = join(run.take()).columns[metric]
            return float(losses[-max(len(losses) // 10, 1) :].mean())
        return self._loss_in_unit_of_job(short, run, metric)

    def _shortened(self, experiment: Experiment, epochs: int) -> Experiment:
        data = experiment.data
        first = slice(min(self._samples, len(data.train_inputs)))
        return replace(
            experiment,
            training=replace(
                experiment.training, epochs=max(epochs, 1), target=None, gradients_every=0
            ),
            data=data.part(first, first),
        )

    def _is_in_unit_of_job(self, experiment: Experiment) -> bool:
        return (
            find_loss(experiment.training.loss) == self._loss
            and np.array_equal(experiment.target_shift, self._job.target_shift)
            and np.array_equal(experiment.target_scale, self._job.target_scale)
            and _have_same_weights(experiment.data, self._job.data)
        )

    def _loss_in_unit_of_job(self, short: Experiment, run: Run, metric: TrialMetric) -> float:
        """Return the job's own loss of the trained network's predictions."""
        data = self._shortened(self._job, 1).data
        inputs, targets = short.data.validation_inputs, data.validation_targets
        sample_weights = data.validation_sample_weights
        if metric.endswith("train_loss"):
            inputs, targets = short.data.train_inputs, data.train_targets
            sample_weights = data.train_sample_weights
        assert inputs is not None
        assert targets is not None
        predictions = predict(short.network, run.weights(), inputs).astype(np.float64)
        with np.errstate(all="ignore"):
            predictions = short.target_shift + short.target_scale * predictions
            predictions = (predictions - self._job.target_shift) / self._job.target_scale
            losses = losses_of(self._loss, predictions, targets)
        weights = np.ones(losses.shape)
        if sample_weights is not None:
            weights = checked_weights(sample_weights, losses.shape)
        if metric.startswith("balanced"):
            return balanced_mean(losses, labels_of(targets), weights)
        return float(np.average(losses, weights=weights))


def _digest(spec: Spec) -> bytes:
    """Return the identity of a spec in a few bytes; its inline data may be large."""
    return hashlib.blake2b(json.dumps(spec, sort_keys=True).encode(), digest_size=16).digest()


def balanced_mean(losses: Array, labels: Array, weights: Array) -> float:
    """Return the mean over the classes of their weighted mean losses."""
    classes = np.unique(labels[weights > 0.0])
    means = [np.average(losses[labels == k], weights=weights[labels == k]) for k in classes]
    return float(np.mean(means))


def _have_same_weights(first: Data, second: Data) -> bool:
    """Return whether the samples of both have the same weights, or none."""
    pairs = (
        (first.train_sample_weights, second.train_sample_weights),
        (first.validation_sample_weights, second.validation_sample_weights),
    )
    return all(
        a is b or (a is not None and b is not None and np.array_equal(a, b)) for a, b in pairs
    )


def losses_of(loss: Loss, predictions: Array, targets: Array) -> Array:
    """Return the loss of each prediction, from outputs behind the activation."""
    if targets.shape != predictions.shape:  # labels
        rows = np.arange(predictions.shape[-1]) == targets[..., None]
        targets = rows.astype(np.float64)
    return loss.values(predictions, typed(targets, np.float64))


def labels_of(targets: Array) -> Array:
    """Return the class of each target: labels, rows of one column per class, or 0 and 1."""
    if targets.dtype.kind != "f":
        return targets
    labels = targets.argmax(-1) if targets.shape[-1] > 1 else targets[..., 0] >= 0.5
    return np.asarray(labels, np.int64)


def _start(experiment: Experiment) -> State | None:
    if experiment.initial_weights is None:
        return None
    state = Run(experiment.network, experiment.training, experiment.data).state()
    return replace(state, arrays={**state.arrays, **experiment.initial_weights})


def _size(job: Experiment, seconds: float) -> tuple[int, int]:
    """Return the epochs and the training samples of a trial that takes about `seconds`."""
    samples = len(job.data.train_inputs)
    batch = job.training.samples_per_step(samples)
    per_step = SECONDS_A_STEP * _calls(job.network)
    per_sample = 3.0 * job.network.flops / FLOPS_A_SECOND + per_step / batch
    epochs = int(seconds / (per_sample * samples))
    if epochs >= SHORTEST or epochs >= job.training.epochs:
        return min(epochs, job.training.epochs), samples
    epochs = min(SHORTEST, job.training.epochs)
    fitting = int(seconds / (per_sample * epochs))
    return epochs, min(max(fitting, FEWEST_SAMPLES), samples)


def _calls(network: Network) -> int:
    """Return the number of layers, each time step of a recurrent one counted."""
    steps = [shape[0] if len(shape) == 2 else 1 for shape in network.shapes[:-1]]
    return sum(
        step if layer.type in ("rnn", "lstm", "gru") else 1
        for layer, step in zip(network.layers, steps, strict=True)
    )
