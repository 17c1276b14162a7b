"""A run trains a network epoch by epoch; it can be inspected, stopped and continued after each.

    run = Run(network, training, data)
    for epoch in run:
        ...             # at any time: run.take(), run.state(), run.weights()
    run.outcome

It reads no clock and no file, and uses only its own random streams: network, training and data
determine every bit of it, however often it is inspected, stopped and continued.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any

import numpy as np

from ..data.data import Data
from ..model.losses import find_loss
from ..model.metrics import answers_of, measure
from ..model.network import Network, parameter_views
from ..model.sample_weights import checked_weights
from ..optimize.stopping import Best, Progress, StopReason, epochs_at_one_rate, follow
from ..symbolic.plan import perform
from ..symbolic.threads import one_thread
from ..symbolic.trace import Array
from ..walk import chosen_engine, python_calls, record_epochs
from .blocks import LARGEST_BLOCK, Block, cut, join
from .divergence import Divergence, explain
from .epoch import compile_epoch, compiled_segments, record_shapes, steps_per_epoch
from .probe import Probe
from .record_buffer import Record, RecordBuffer
from .snapshots import LayerSlices, take_snapshots
from .streams import Streams
from .training import Training, check_output

LOOK_AHEAD = 20e-3
"""Approximate seconds of training before the results are computed together. A quarter of that at
first, so that the first epochs are available soon and a short run wastes little work."""
LONGEST_BUFFER = 512
"""Largest number of epochs whose results are computed together."""
BUFFER_BYTES = 4_000_000
"""Memory for records. A run that needs more has two of them."""


@dataclass(frozen=True)
class Outcome:
    """Why a run ended."""

    stop_reason: StopReason
    divergence: Divergence | None = None


@dataclass(frozen=True, eq=False)
class State:
    """Everything that a run needs to continue as if it had not been interrupted.

    `arrays` holds the parameters by name, those of the best epoch as `best:` and the name, and the
    optimizer's moments `(moments, size)`; `values` is plain JSON: epoch, steps, best epoch,
    schedule, states of the random streams and of the stopping rules.
    """

    arrays: dict[str, Array]
    values: dict[str, Any]


class Run:
    """Training in progress.

    Raises ValueError if the data, the loss or the state do not fit the network.
    """

    def __init__(
        self, network: Network, training: Training, data: Data, state: State | None = None
    ) -> None:
        check_output(network, training.loss)
        self._loss = find_loss(training.loss)
        data = check_data(network, training, data)
        self.network, self.training, self.data = network, training, data
        self.epoch = 0
        """Completed epochs that have been yielded."""
        self.at_boundary = True
        """False when the run yields in the middle of an epoch."""
        self.outcome: Outcome | None = None
        """Why the run ended; None while it is running."""

        self._streams = Streams.from_seed(training.seed)
        self._record = Record(record_shapes(network, training, data), training.dtype)
        now = self._record.arrays
        self._views = parameter_views(network, now["parameters"]) | {"moments": now["moments"]}
        # The state of the stopping rules and of the random streams, for each slot.
        self._progress = [Progress()]
        # The best epoch up to slot 0, and the watched loss of the epochs in the slots from 1 on.
        self._best: Best | None = None
        self._losses: Array = np.empty(0)
        if state is None:
            for name, array in network.initial_parameters(rng=self._streams.weights).items():
                np.copyto(self._views[name], array)
        else:
            self._restore(state)
        self._stream_states = [self._streams.states()]

        self._rate = np.zeros((), training.dtype)
        steps = steps_per_epoch(training, data)
        self.engine = chosen_engine()
        """Which engine walks through the calls: `compiled` or `python`."""
        self._segments = compiled_segments(
            compile_epoch(
                network, training, data, now, self._rate, self._streams, self.epoch * steps
            )
        )
        shuffles = training.is_shuffled(len(data.train_inputs))
        self._draws = shuffles or network.has_noise or len(training.augmentation) > 0
        self._buffer = RecordBuffer(self._record, self._look_ahead())
        np.copyto(self._buffer.slots[0], self._record.vector)
        self._slot = 0  # the record of the last state that was yielded
        self._layer_slices = LayerSlices(network)
        self._probe = Probe(network, data.train_inputs, training.dtype)
        self._answers = answers_of(self._loss, data)
        self._blocks: list[Block] = []
        self._taken = self.epoch
        self._epochs = self._train()

    @property
    def python_calls(self) -> int:
        """Calls of an epoch that Python makes."""
        return sum(python_calls(segment.calls) for segment in self._segments)

    def __iter__(self) -> Iterator[int]:
        """Yield the number of completed epochs, after every epoch.

        In a long epoch the same number is yielded about every 50 ms, so that the caller can do
        something else or stop. A second loop continues where the first one stopped.
        """
        return self._epochs

    def take(self) -> list[Block]:
        """Return the epochs completed since the last call, in blocks of at most 1,024."""
        if self._taken == self.epoch:
            return []
        block = cut(join(self._blocks), self._taken + 1, self.epoch)
        self._blocks = [b for b in self._blocks if b.last_epoch > self.epoch]
        self._taken = self.epoch
        return [
            cut(block, first, first + LARGEST_BLOCK - 1)
            for first in range(block.first_epoch, block.last_epoch + 1, LARGEST_BLOCK)
        ]

    def weights(self) -> dict[str, Array]:
        """Return copies of the parameters by name, after the last completed epoch.

        After a divergence: after the last epoch before it.
        """
        vector = self._buffer.arrays["parameters"][self._slot].copy()
        return parameter_views(self.network, vector)

    def best(self) -> Best | None:
        """Return the best of the completed epochs; None before the first.

        It has the lowest validation loss or, without validation data, training loss. An epoch in
        which the run diverged does not count.
        """
        losses = self._losses[: self._slot]
        if len(losses) == 0:
            return self._best
        index = int(losses.argmin())
        value = float(losses[index])
        if self._best is not None and self._best.value <= value:
            return self._best
        vector = self._buffer.arrays["parameters"][index + 1].copy()
        return Best(
            epoch=self._completed_epoch() - self._slot + index + 1,
            metric="validation_loss" if "validation" in self._answers else "train_loss",
            value=value,
            weights=parameter_views(self.network, vector),
        )

    def state(self) -> State:
        """Return what a run needs to continue after the last completed epoch; see `weights`.

        Raises RuntimeError in the middle of an epoch.
        """
        if not self.at_boundary:
            raise RuntimeError("a run has no state in the middle of an epoch")
        epoch, best = self._completed_epoch(), self.best()
        moments = self._buffer.arrays["moments"][self._slot].copy()
        weights = {} if best is None else best.weights
        return State(
            arrays={
                **self.weights(),
                "moments": moments,
                **{f"best:{name}": array for name, array in weights.items()},
            },
            values={
                "epoch": epoch,
                "best": best and {"epoch": best.epoch, "metric": best.metric, "value": best.value},
                "steps": epoch * steps_per_epoch(self.training, self.data),
                "schedule": {"type": self.training.schedule.type, **asdict(self.training.schedule)},
                "random": self._stream_states[self._slot],
                "progress": asdict(self._progress[self._slot]),
            },
        )

    # ---------------------------------------------------------------- internals

    def _completed_epoch(self) -> int:
        """Return the epoch of the current state: after a divergence, the one before it."""
        diverged = self.outcome is not None and self.outcome.stop_reason == "diverged"
        return self.epoch - 1 if diverged else self.epoch

    def _restore(self, state: State) -> None:
        for name, view in self._views.items():
            array = state.arrays.get(name)
            if array is None or array.shape != view.shape:
                actual = None if array is None else array.shape
                raise ValueError(f"the state's {name} should have shape {view.shape}, not {actual}")
            np.copyto(view, array)
        self._streams.restore(state.values["random"])
        self._progress = [Progress(**state.values["progress"])]
        self.epoch = int(state.values["epoch"])
        if best := state.values.get("best"):
            names = self.network.parameters
            self._best = Best(**best, weights={n: state.arrays[f"best:{n}"].copy() for n in names})
        reason = self._progress[0].stop_reason
        if reason is None and self.epoch >= self.training.epochs:
            reason = "completed"
        if reason is not None:
            self.outcome = Outcome(reason)

    def _look_ahead(self) -> int:
        """Return the number of epochs to train before their results are computed together."""
        if len(self._segments) > 1:
            return 1
        by_time = LOOK_AHEAD / self._segments[0].seconds
        by_memory = BUFFER_BYTES / max(self._record.vector.nbytes, 1)
        return max(1, min(LONGEST_BUFFER, int(by_time), int(by_memory)))

    def _train(self) -> Iterator[int]:
        epochs = self.training.epochs
        while self.outcome is None:
            certain = epochs_at_one_rate(self._progress[0], self.training.schedule)
            ahead = len(self._buffer.slots) - 1
            if self.epoch < ahead:
                ahead = math.ceil(ahead / 4)
            count = int(min(ahead, epochs - self.epoch, certain))
            rates = [self._learning_rate(self.epoch + k) for k in range(count)]
            for _ in self._advance(rates):
                self.at_boundary = False
                yield self.epoch
            self.at_boundary = True
            self._compute_results(rates)
            for slot in range(1, len(self._progress)):
                self.epoch += 1
                self._slot = slot
                reason = self._progress[slot].stop_reason
                if reason is not None or self.epoch == epochs:
                    self._end(reason or "completed")
                yield self.epoch
            self._best, self._losses = self.best(), np.empty(0)
            np.copyto(self._buffer.slots[0], self._buffer.slots[self._slot])
            self._stream_states = [self._stream_states[self._slot]]
            self._progress = [self._progress[self._slot]]
            self._slot = 0

    def _learning_rate(self, epoch: int) -> float:
        training = self.training
        base = training.optimizer.learning_rate * self._progress[0].rate_factor
        return training.schedule.value(epoch, training.epochs, base)

    def _advance(self, rates: Sequence[float]) -> Iterator[None]:
        """Train one epoch for each rate into the slots from 1 on; yield between segments."""
        # An epoch of several segments is long and trained alone; only the last one is in the loop.
        *segments, last = self._segments
        self._rate.fill(rates[0])
        for segment in segments:
            with np.errstate(all="ignore"):
                perform(segment.calls)
            yield
        together = 1 if self._draws else len(rates)
        with one_thread(), np.errstate(all="ignore"):
            for first in range(0, len(rates), together):
                record_epochs(
                    last.calls,
                    np.array(rates[first : first + together], self._rate.dtype),
                    self._rate,
                    self._record.vector,
                    self._buffer.slots[1 + first : 1 + first + together],
                )
                states = self._streams.states() if self._draws else self._stream_states[0]
                self._stream_states += [states] * together

    def _compute_results(self, rates: Sequence[float]) -> None:
        """Compute the epochs' rows from the slots from 1 on, and whether the run ends."""
        first, count = self.epoch + 1, len(rates)
        records = {name: record[1 : count + 1] for name, record in self._buffer.arrays.items()}
        with np.errstate(all="ignore"):
            squares = {
                name: self._layer_slices.squares(records[name])
                for name in ("gradient", "parameters")
            }
            columns, are_finite = measure(self._loss, records, self._answers, squares)
            columns["learning_rate"] = np.array(rates)
            gradients = None
            every = self.training.gradients_every
            if every > 0:
                chosen = slice(-first % every, None, every)
                epochs = np.arange(first, first + count)[chosen]
                if len(epochs) > 0:
                    gradients = take_snapshots(
                        self._layer_slices,
                        self._probe,
                        epochs,
                        {name: record[chosen] for name, record in records.items()},
                        {name: sums[chosen] for name, sums in squares.items()},
                    )
        self._blocks.append(Block(first, columns, gradients))
        self._losses = columns.get("validation_loss", columns["train_loss"])
        self._progress += follow(
            self._progress[0],
            columns,
            are_finite,
            self.training.early_stopping,
            self.training.target,
            self.training.schedule,
        )

    def _end(self, reason: StopReason) -> None:
        """Set the outcome; after a divergence, return to the epoch before."""
        if reason != "diverged":
            self.outcome = Outcome(reason)
            return
        row = cut(self._blocks[-1], self.epoch, self.epoch).columns
        losses = [row[name][0] for name in ("train_loss", "validation_loss") if name in row]
        records = self._buffer.arrays
        explained = explain(
            self.epoch,
            self.network,
            self.training,
            self.data.train_inputs,
            *(records[name][self._slot] for name in ("parameters", "gradient", "step")),
            loss_is_finite=bool(np.isfinite(losses).all()),
        )
        self.outcome = Outcome(reason, explained)
        self._slot -= 1


def check_data(network: Network, training: Training, data: Data) -> Data:
    """Return the data with targets in the form that the loss takes, and a weight per prediction.

    Raises ValueError unless the data, and the target, fit network and training.
    """
    loss, target = find_loss(training.loss), training.target
    if target is not None:
        if target.metric.startswith("validation") and data.validation_inputs is None:
            raise ValueError(f"the target {target.metric} needs validation data")
        if target.metric.endswith("accuracy") and not loss.has_accuracy:
            raise ValueError(f"the target {target.metric} has no meaning for {loss.type}")

    for augmentation in training.augmentation:
        augmentation.check(network.input_shape)

    def checked(
        part: str, inputs: Array, targets: Array, weights: Array | None
    ) -> tuple[Array, Array | None]:
        if len(inputs) == 0:
            raise ValueError(f"there are no {part} samples")
        needed = (len(inputs), *network.input_shape)
        if inputs.shape != needed:
            raise ValueError(f"{part}_inputs need the shape {needed}, not {inputs.shape}")
        try:
            targets = loss.checked(targets, (len(inputs), *network.output_shape))
        except ValueError as error:
            raise ValueError(f"{part}_targets {error}") from None
        for noun, array in (("inputs", inputs), ("targets", targets)):
            with np.errstate(over="ignore"):
                is_finite = np.isfinite(array.astype(training.dtype)).all()
            if not is_finite:
                raise ValueError(f"{part}_{noun} must be finite {training.dtype} numbers")
        if weights is not None:
            try:
                weights = checked_weights(weights, (len(inputs), *network.output_shape[:-1]))
            except ValueError as error:
                raise ValueError(f"{part}_sample_weights {error}") from None
        return targets, weights

    train_targets, train_weights = checked(
        "train", data.train_inputs, data.train_targets, data.train_sample_weights
    )
    validation_targets, validation_weights = data.validation_targets, data.validation_sample_weights
    if data.validation_inputs is not None and validation_targets is not None:
        validation_targets, validation_weights = checked(
            "validation", data.validation_inputs, validation_targets, validation_weights
        )
    return replace(
        data,
        train_targets=train_targets,
        validation_targets=validation_targets,
        train_sample_weights=train_weights,
        validation_sample_weights=validation_weights,
    )
