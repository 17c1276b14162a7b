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
from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

import numpy as np

from ..data.data import Data
from ..model.network import Network, parameter_views
from ..model.pairs import has_reference, paired, trained_network, with_reference
from ..optimize.stopping import Best
from ..symbolic.trace import Array
from .blocks import Block
from .epoch import compile_epoch, corrupted_targets, record_shapes, steps_per_epoch
from .loop import WITHIN, Ending, Loop, Outcome, State
from .record_buffer import Record
from .rollouts import Sampler, check_rollouts
from .streams import Streams
from .training import Training, check_data, check_output

REFERENCE = "reference:"


class Run(Loop):
    """Training in progress.

    With `steps_at_once`, it also yields within an epoch, after about so many steps at most; with
    `pause`, after so many of each epoch. From a state within an epoch, it trains the rest of that
    epoch only. Raises ValueError if the data, the loss or the state do not fit the network.
    """

    look_ahead = 80e-3
    buffer_bytes = 8_000_000
    longest_round = 2_048

    def __init__(
        self,
        network: Network,
        training: Training,
        data: Data,
        state: State | None = None,
        steps_at_once: float = math.inf,
        pause: int = 0,
    ) -> None:
        check_output(network, training.loss)
        data = paired(network, training.loss, check_data(network, training, data))
        of_rows, network = network, trained_network(network, training.loss)
        streams = Streams.from_seed(training.seed)
        record = Record(record_shapes(network, training, data), training.dtype)
        rate = np.zeros((), training.dtype)
        super().__init__(network, (training,), data, record, rate, [()], [streams])
        self.training = training
        # The best epoch before slot 0, and the watched losses of the epochs in the slots. The loss
        # in slot 0 is infinite unless it is the best so far; its weights are copied when replaced.
        self._best: Best | None = None
        self._losses: Array = np.array([math.inf])
        now = record.arrays
        views = parameter_views(network, now["parameters"])
        if state is None:
            for name, array in of_rows.initial_parameters(rng=streams.weights).items():
                np.copyto(views[name], array)
        else:
            self._restore(state, {**views, "moments": now["moments"]}, [state.values["progress"]])
            streams.restore(state.values["random"])
            self._restore_ends(state)
        # The initial weights by name, where something is compared with them.
        self._reference: dict[str, Array] = {}
        is_paired = has_reference(of_rows, training.loss)
        if is_paired or training.rollouts is not None:
            arrays = {} if state is None else state.arrays
            for name, view in views.items():
                self._reference[name] = arrays.get(f"{REFERENCE}{name}", view).copy()
        if is_paired:
            data = self.data = with_reference(of_rows, training.loss, data, self._reference)
        self._sampler: Sampler | None = None
        if training.rollouts is not None:
            check_rollouts(network, training, data)
            self._sampler = Sampler(network, training, data, views, self._reference)
        self._first_epoch = self.epoch
        self._first_step = self.epoch * steps_per_epoch(training, data)
        if state is not None:
            self._first_step = state.values.get("steps", self._first_step)
        self._begin: Mapping[str, Any] = {"step": 0, "samples": 0}
        """Steps and samples of the first epoch that were taken before."""
        if state is not None and "within" in state.values:
            self._begin = state.values["within"]
            self.last_epoch, self.at_boundary = self.epoch + 1, False
            self.step = self._steps_taken = self._begin["step"]
            pause = max(0, pause - self.step)
        targets = corrupted_targets(training, data, 1)
        segments = compile_epoch(
            network,
            training,
            data,
            now,
            rate,
            streams,
            self._first_step,
            targets,
            self._sampler,
            steps_at_once,
            self._begin["samples"],
            pause,
        )
        self._start(segments, targets)
        if state is not None and not self.at_boundary:
            for name, array in {**views, **{n: now[n] for n in ("moments", "logits")}}.items():
                np.copyto(array, state.arrays[f"{WITHIN}{name}"])
            streams.dropout.bit_generator.state = self._begin["dropout"]

    @property
    def outcome(self) -> Outcome | None:
        """Why the run ended; None while it is running."""
        return self.outcomes[0]

    def take(self) -> list[Block]:
        """Return the epochs completed since the last call, in blocks of at most 1,024."""
        return self._take()[0]

    def weights(self) -> dict[str, Array]:
        """Return copies of the parameters by name, after the last completed epoch.

        After a divergence: after the last epoch before it.
        """
        return parameter_views(self.network, self._vector(0))

    def best(self) -> Best | None:
        """Return the best of the completed epochs; None before the first.

        It has the lowest validation loss or, without validation data, training loss. An epoch in
        which the run diverged does not count.
        """
        epoch, slot = self._sound()
        index = self._best_slot(slot)
        if index is None:
            return self._best
        vector = self._buffer.arrays["parameters"][index].copy()
        return Best(
            epoch=epoch - slot + index,
            metric="validation_loss" if "validation" in self._measures else "train_loss",
            value=float(self._losses[index]),
            weights=parameter_views(self.network, vector),
        )

    def state(self) -> State:
        """Return what a run needs to continue after the last completed epoch; see `weights`.

        `arrays` holds the parameters by name, the parameters of the best epoch as `best:` and the
        name, and the optimizer's moments `(moments, size)`. Where something is compared with the
        initial parameters, these follow as `reference:` and the name, after the first epoch. Raises
        RuntimeError in the middle of an epoch.
        """
        self._check_boundary()
        return self._state_now()

    def _state_now(self) -> State:
        """Return the state after the last completed epoch; within another, with that beside."""
        epoch, slot = self._sound()
        best = self.best()
        weights = {} if best is None else best.weights
        reference = self._reference if epoch > 0 else {}
        per_epoch = steps_per_epoch(self.training, self.data, self._begin["samples"])
        within, position = self._within() if not self.at_boundary else ({}, {})
        return State(
            arrays={
                **self.weights(),
                "moments": self._buffer.arrays["moments"][slot].copy(),
                **{f"best:{name}": array for name, array in weights.items()},
                **{f"{REFERENCE}{name}": array for name, array in reference.items()},
                **{f"{WITHIN}{name}": array for name, array in within.items()},
            },
            values={
                "epoch": epoch,
                "best": best and {"epoch": best.epoch, "metric": best.metric, "value": best.value},
                "steps": self._first_step
                + (epoch - self._first_epoch) * per_epoch
                + (0 if self.at_boundary else self.step - self._begin_of_epoch["step"]),
                "schedule": {"type": self.training.schedule.type, **asdict(self.training.schedule)},
                "random": self._random(slot)[0],
                "progress": asdict(self._progress[0][slot]),
                **position,
            },
        )

    @property
    def has_step(self) -> bool:
        """Whether the run is in the middle of an epoch that goes on with other settings; texts that
        it has written cannot be written again.
        """
        if self.at_boundary or self._sampler is not None:
            return False
        return 0 < self._position["samples"] < len(self.data.train_inputs)

    @property
    def _begin_of_epoch(self) -> Mapping[str, Any]:
        return self._begin if self.epoch == self._first_epoch else {"step": 0, "samples": 0}

    @property
    def _position(self) -> dict[str, int]:
        """Steps and samples of the present epoch that are taken."""
        begin = self._begin_of_epoch
        batch = self.training.samples_per_step(len(self.data.train_inputs))
        samples = begin["samples"] + (self.step - begin["step"]) * batch
        return {"step": self.step, "samples": min(samples, len(self.data.train_inputs))}

    def _within(self) -> tuple[dict[str, Array], dict[str, Any]]:
        """Return the arrays, and further values of the state, in the middle of an epoch."""
        dropout = self._streams[0].dropout.bit_generator.state
        arrays = {**self.arrays_within(), "logits": self._record.arrays["logits"].copy()}
        return arrays, {"within": {**self._position, "dropout": dropout}}

    def state_for(self, network: Network, training: Training) -> State:
        """Return the state that a run with other settings continues from: `Run(network, training,
        data, run.state_for(network, training))`.

        The parameters of the network have the same names and shapes. An optimizer of the same type
        keeps its moments, with their meaning if its decay rates differ; another one starts without.
        A plateau of the loss that has reduced the learning rate counts until rate or schedule is
        another.

        In the middle of an epoch, the other run trains the rest of that epoch: with the same data,
        order and augmentation, and batches of the samples that remain.

        Raises ValueError for other parameters; RuntimeError after the end of the run, and in the
        middle of an epoch unless it `has_step`.
        """
        if not self.has_step:
            self._check_boundary()
        if self.outcome is not None:
            raise RuntimeError("a run that has ended cannot be changed")
        state = self._state_now()
        former, optimizer = self.training.optimizer, training.optimizer
        values = dict(state.values)
        network = trained_network(network, training.loss)
        if network.parameters != self.network.parameters:
            raise ValueError("the parameters of both networks need the same names and shapes")
        moments = {
            name: self._moments_for(network, training, array)
            for name, array in state.arrays.items()
            if name in ("moments", f"{WITHIN}moments")
        }
        if type(optimizer) is not type(former):
            values["steps"] = 0
        rule = self.training.schedule, former.learning_rate
        if rule != (training.schedule, optimizer.learning_rate):
            start = {"plateau_loss": None, "plateau_epochs": 0, "rate_factor": 1.0}
            values["progress"] = {**values["progress"], **start}
        return State({**state.arrays, **moments}, values)

    def _moments_for(self, network: Network, training: Training, stored: Array) -> Array:
        """Return moments of this run as another one has them, see `state_for`."""
        former, optimizer = self.training.optimizer, training.optimizer
        moments = np.zeros((optimizer.moments, network.changing_size), training.dtype)
        if type(optimizer) is type(former):
            shapes = self.network.changing
            old, new = (o.in_formula(np.ones_like(stored), shapes) for o in (former, optimizer))
            if not np.array_equal(old, new):
                stored = stored * (old / new)
            new_views = parameter_views(network, moments)
            old_views = parameter_views(self.network, stored)
            for name in new_views.keys() & old_views.keys():
                np.copyto(new_views[name], old_views[name])
        return moments

    def arrays_within(self) -> dict[str, Array]:
        """Return copies of the parameters by name, and of `moments`, in the middle of an epoch."""
        arrays = self._record.arrays
        views = parameter_views(self.network, arrays["parameters"].copy())
        return {**views, "moments": arrays["moments"].copy()}

    # ---------------------------------------------------------------- internals

    def _sound(self) -> tuple[int, int]:
        """Return the last epoch and its slot: after a divergence, those before it."""
        ending = self._ending(0)
        diverged = ending is not None and ending.outcome.stop_reason == "diverged"
        return self.epoch - diverged, self._slot - diverged

    def _best_slot(self, last: int) -> int | None:
        """Return the slot of the best epoch; None if that is in no slot up to `last`."""
        losses = self._losses[: max(last, 0) + 1]
        index = int(losses.argmin())
        limit = math.inf if self._best is None else self._best.value
        return index if losses[index] < limit else None

    def _restore_ends(self, state: State) -> None:
        """Restore the best epoch, and the end of a run that has ended."""
        if best := state.values.get("best"):
            names = self.network.parameters
            self._best = Best(**best, weights={n: state.arrays[f"best:{n}"].copy() for n in names})
        reason = self._progress[0][0].stop_reason
        if reason is None and self.epoch >= self.training.epochs:
            reason = "completed"
        if reason is not None:
            weights = self._record.arrays["parameters"].copy()
            self._endings[0] = Ending(self.epoch, Outcome(reason), weights)

    def _more_columns(self) -> dict[str, Array]:
        metrics = {} if self._sampler is None else self._sampler.metrics
        return {name: np.array([value]) for name, value in metrics.items()}

    def _rewind(self) -> None:
        if self._best_slot(self._slot) == self._slot:
            self._losses = self._losses[self._slot :][:1]
        else:
            self._best, self._losses = self.best(), np.array([math.inf])
        super()._rewind()

    def _compute_results(self, rates: Array) -> int:
        last = super()._compute_results(rates)
        columns = self._blocks[0][-1].columns
        watched = columns.get("validation_loss", columns["train_loss"])
        self._losses = np.concatenate((self._losses[:1], watched))
        return last
