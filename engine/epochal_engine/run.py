"""A run trains a network epoch by epoch, and can be looked at, stopped and continued after each.

    run = Run(network, training, data)
    for epoch in run:
        ...             # as often as you like: run.take(), run.state(), run.weights()
    run.outcome

It reads no clock and no file, and draws from no random stream but its own: network, training and
data determine every bit of it, however often it is looked at, stopped and continued.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any

import numpy as np

from .blocks import LARGEST_BLOCK, Block, cut, join
from .data import Data
from .divergence import Divergence, explain
from .epoch import compile_epoch, record_shapes, steps_per_epoch
from .losses import find_loss
from .metrics import measure
from .network import Network, parameter_views
from .plan import perform
from .probe import Probe
from .reel import Moment, Reel
from .snapshots import Segments, take_snapshots
from .stopping import Progress, StopReason, epochs_at_one_rate, follow
from .streams import Streams
from .threads import one_thread
from .trace import Array
from .training import Training, check_output

LOOK_AHEAD = 20e-3
"""Seconds of work, about, that are trained before the results are worked out together. It is a
quarter at first: the first epochs are soon wanted, and of a short run little may be in vain."""
LONGEST_REEL = 512
"""Epochs that are worked out together, at most."""
REEL_BYTES = 4_000_000
"""Memory for records; a run for which it is too little keeps two of them."""


@dataclass(frozen=True)
class Outcome:
    """Why a run is over."""

    stop_reason: StopReason
    divergence: Divergence | None = None


@dataclass(frozen=True, eq=False)
class State:
    """All that a run needs to go on as if it had never been interrupted.

    `arrays` holds the parameters by name, and the optimizer's moments `(moments, size)`; `values`
    is plain JSON: epoch, steps, schedule, the random streams' states, the stopping rules' memory.
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
        """Completed epochs, as far as they have been handed out."""
        self.at_boundary = True
        """False at a pulse in the middle of an epoch."""
        self.outcome: Outcome | None = None
        """Why the run is over; None until then."""

        self._streams = Streams.from_seed(training.seed)
        self._moment = Moment(record_shapes(network, training, data), training.dtype)
        now = self._moment.arrays
        self._places = parameter_views(network, now["parameters"]) | {"moments": now["moments"]}
        # What the stopping rules remember, and where the random streams are, for each slot.
        self._progress = [Progress()]
        if state is None:
            for name, array in network.first_weights(rng=self._streams.weights).items():
                np.copyto(self._places[name], array)
        else:
            self._restore(state)
        self._stream_states = [self._streams.states()]

        self._rate = np.zeros((), training.dtype)
        steps = steps_per_epoch(training, data)
        self._stretches = compile_epoch(
            network,
            training,
            data,
            now,
            self._rate,
            self._streams,
            self.epoch * steps,
        )
        shuffles = training.shuffle and steps > 1
        self._draws = shuffles or network.has_noise or len(training.augmentation) > 0
        self._reel = Reel(self._moment, self._look_ahead())
        np.copyto(self._reel.slots[0], self._moment.vector)
        self._slot = 0  # the record of the last state that was handed out
        self._segments = Segments(network)
        self._probe = Probe(network, data.train_inputs, training.dtype)
        self._targets = np.asarray(data.train_targets, np.float64)
        self._validation_targets = (
            None
            if data.validation_targets is None
            else np.asarray(data.validation_targets, np.float64)
        )
        self._blocks: list[Block] = []
        self._taken = self.epoch
        self._epochs = self._train()

    def __iter__(self) -> Iterator[int]:
        """The number of completed epochs, after every epoch.

        Within a long epoch the same number comes again about every 50 ms, a pulse, for the caller
        to do something else or to leave. A second loop goes on where the first one left.
        """
        return self._epochs

    def take(self) -> list[Block]:
        """The epochs completed since they were last taken, in blocks of at most 1,024."""
        if self._taken == self.epoch:
            return []
        together = cut(join(self._blocks), self._taken + 1, self.epoch)
        self._blocks = [block for block in self._blocks if block.last_epoch > self.epoch]
        self._taken = self.epoch
        return [
            cut(together, first, first + LARGEST_BLOCK - 1)
            for first in range(together.first_epoch, together.last_epoch + 1, LARGEST_BLOCK)
        ]

    def weights(self) -> dict[str, Array]:
        """Copies of the parameters by name, after the last completed epoch.

        After a divergence: after the last epoch before it.
        """
        vector = self._reel.arrays["parameters"][self._slot].copy()
        return parameter_views(self.network, vector)

    def state(self) -> State:
        """What it takes to go on after the last completed epoch; see `weights`.

        Raises RuntimeError in the middle of an epoch.
        """
        if not self.at_boundary:
            raise RuntimeError("there is no state to go on from in the middle of an epoch")
        diverged = self.outcome is not None and self.outcome.stop_reason == "diverged"
        epoch = self.epoch - 1 if diverged else self.epoch
        moments = self._reel.arrays["moments"][self._slot].copy()
        return State(
            arrays={**self.weights(), "moments": moments},
            values={
                "epoch": epoch,
                "steps": epoch * steps_per_epoch(self.training, self.data),
                "schedule": {"type": self.training.schedule.type, **asdict(self.training.schedule)},
                "random": self._stream_states[self._slot],
                "progress": asdict(self._progress[self._slot]),
            },
        )

    # ---------------------------------------------------------------- inside

    def _restore(self, state: State) -> None:
        for name, place in self._places.items():
            array = state.arrays.get(name)
            if array is None or array.shape != place.shape:
                found = None if array is None else array.shape
                raise ValueError(f"the state's {name} should have shape {place.shape}, not {found}")
            np.copyto(place, array)
        self._streams.restore(state.values["random"])
        self._progress = [Progress(**state.values["progress"])]
        self.epoch = int(state.values["epoch"])
        reason = self._progress[0].stop_reason
        if reason is None and self.epoch >= self.training.epochs:
            reason = "completed"
        if reason is not None:
            self.outcome = Outcome(reason)

    def _look_ahead(self) -> int:
        """How many epochs are trained before their results are worked out together."""
        if len(self._stretches) > 1:
            return 1
        by_time = LOOK_AHEAD / self._stretches[0].seconds
        by_memory = REEL_BYTES / max(self._moment.vector.nbytes, 1)
        return max(1, min(LONGEST_REEL, int(by_time), int(by_memory)))

    def _train(self) -> Iterator[int]:
        epochs = self.training.epochs
        while self.outcome is None:
            surely = epochs_at_one_rate(self._progress[0], self.training.schedule)
            ahead = len(self._reel.slots) - 1
            if self.epoch < ahead:
                ahead = math.ceil(ahead / 4)
            count = int(min(ahead, epochs - self.epoch, surely))
            rates = [self._learning_rate(self.epoch + k) for k in range(count)]
            for _ in self._advance(rates):
                self.at_boundary = False
                yield self.epoch
            self.at_boundary = True
            self._work_out(rates)
            for slot in range(1, len(self._progress)):
                self.epoch += 1
                self._slot = slot
                reason = self._progress[slot].stop_reason
                if reason is not None or self.epoch == epochs:
                    self._end(reason or "completed")
                yield self.epoch
            np.copyto(self._reel.slots[0], self._reel.slots[self._slot])
            self._stream_states = [self._stream_states[self._slot]]
            self._progress = [self._progress[self._slot]]
            self._slot = 0

    def _learning_rate(self, epoch: int) -> float:
        training = self.training
        base = training.optimizer.learning_rate * self._progress[0].rate_factor
        return training.schedule.value(epoch, training.epochs, base)

    def _advance(self, rates: Sequence[float]) -> Iterator[None]:
        """Train one epoch for each rate into the slots from 1 on; yield at every pulse."""
        # Only the last stretch is part of a loop: an epoch of several is long, and trained alone.
        *stretches, last = self._stretches
        self._rate.fill(rates[0])
        for stretch in stretches:
            with np.errstate(all="ignore"):
                perform(stretch.calls)
            yield
        with one_thread(), np.errstate(all="ignore"):
            for rate, record in zip(rates, self._reel.slots[1:], strict=False):
                self._rate.fill(rate)
                for function, arguments in last.calls:
                    function(*arguments)
                np.copyto(record, self._moment.vector)
                states = self._streams.states() if self._draws else self._stream_states[0]
                self._stream_states.append(states)

    def _work_out(self, rates: Sequence[float]) -> None:
        """From the records in the slots from 1 on, the epochs' rows and what ends the run."""
        first, count = self.epoch + 1, len(rates)
        records = {name: record[1 : count + 1] for name, record in self._reel.arrays.items()}
        with np.errstate(all="ignore"):
            squares = {
                name: self._segments.squares(records[name]) for name in ("gradient", "parameters")
            }
            columns, are_finite = measure(
                self._loss,
                records,
                self._targets,
                self._validation_targets,
                squares,
            )
            columns["learning_rate"] = np.array(rates)
            gradients = None
            every = self.training.gradients_every
            if every > 0:
                chosen = slice(-first % every, None, every)
                epochs = np.arange(first, first + count)[chosen]
                if len(epochs) > 0:
                    gradients = take_snapshots(
                        self._segments,
                        self._probe,
                        epochs,
                        {name: record[chosen] for name, record in records.items()},
                        {name: sums[chosen] for name, sums in squares.items()},
                    )
        self._blocks.append(Block(first, columns, gradients))
        self._progress += follow(
            self._progress[0],
            columns,
            are_finite,
            self.training.early_stopping,
            self.training.target,
            self.training.schedule,
        )

    def _end(self, reason: StopReason) -> None:
        """Note why the run is over; after a divergence, go back to the epoch before."""
        if reason != "diverged":
            self.outcome = Outcome(reason)
            return
        row = cut(self._blocks[-1], self.epoch, self.epoch).columns
        losses = [row[name][0] for name in ("train_loss", "validation_loss") if name in row]
        records = self._reel.arrays
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
    """The data, with targets as the loss takes them.

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

    def checked(part: str, inputs: Array, targets: Array) -> Array:
        if len(inputs) == 0:
            raise ValueError(f"there are no {part} samples")
        needed = (len(inputs), *network.input_shape)
        if inputs.shape != needed:
            raise ValueError(f"{part}_inputs need the shape {needed}, not {inputs.shape}")
        try:
            targets = loss.targets(targets, (len(inputs), *network.output_shape))
        except ValueError as error:
            raise ValueError(f"{part}_targets {error}") from None
        for noun, array in (("inputs", inputs), ("targets", targets)):
            with np.errstate(over="ignore"):
                is_finite = np.isfinite(array.astype(training.dtype)).all()
            if not is_finite:
                raise ValueError(f"{part}_{noun} must be finite {training.dtype} numbers")
        return targets

    train_targets = checked("train", data.train_inputs, data.train_targets)
    validation_targets = data.validation_targets
    if data.validation_inputs is not None and validation_targets is not None:
        validation_targets = checked("validation", data.validation_inputs, validation_targets)
    return replace(data, train_targets=train_targets, validation_targets=validation_targets)
