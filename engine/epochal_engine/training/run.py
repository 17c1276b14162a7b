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
from dataclasses import asdict

import numpy as np

from ..data.data import Data
from ..model.network import Network, parameter_views
from ..model.pairs import has_reference, paired, trained_network, with_reference
from ..optimize.stopping import Best
from ..symbolic.trace import Array
from .blocks import Block
from .epoch import compile_epoch, corrupted_targets, record_shapes, steps_per_epoch
from .loop import Ending, Loop, Outcome, State
from .record_buffer import Record
from .rollouts import Sampler, check_rollouts
from .streams import Streams
from .training import Training, check_data, check_output

REFERENCE = "reference:"


class Run(Loop):
    """Training in progress.

    With `steps_at_once`, it also yields within an epoch, after about so many steps at most. Raises
    ValueError if the data, the loss or the state do not fit the network.
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
        )
        self._start(segments, targets)

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
        epoch, slot = self._sound()
        best = self.best()
        weights = {} if best is None else best.weights
        reference = self._reference if epoch > 0 else {}
        per_epoch = steps_per_epoch(self.training, self.data)
        return State(
            arrays={
                **self.weights(),
                "moments": self._buffer.arrays["moments"][slot].copy(),
                **{f"best:{name}": array for name, array in weights.items()},
                **{f"{REFERENCE}{name}": array for name, array in reference.items()},
            },
            values={
                "epoch": epoch,
                "best": best and {"epoch": best.epoch, "metric": best.metric, "value": best.value},
                "steps": self._first_step + (epoch - self._first_epoch) * per_epoch,
                "schedule": {"type": self.training.schedule.type, **asdict(self.training.schedule)},
                "random": self._random(slot)[0],
                "progress": asdict(self._progress[0][slot]),
            },
        )

    def state_for(self, network: Network, training: Training) -> State:
        """Return the state that a run with other settings continues from: `Run(network, training,
        data, run.state_for(network, training))`.

        The parameters of the network have the same names and shapes. An optimizer of the same type
        keeps its moments, with their meaning if its decay rates differ; another one starts without.
        A plateau of the loss that has reduced the learning rate counts until rate or schedule is
        another. Raises ValueError for other parameters; RuntimeError in the middle of an epoch, and
        after the end of the run.
        """
        state = self.state()
        if self.outcome is not None:
            raise RuntimeError("a run that has ended cannot be changed")
        former, optimizer = self.training.optimizer, training.optimizer
        values = dict(state.values)
        network = trained_network(network, training.loss)
        if network.parameters != self.network.parameters:
            raise ValueError("the parameters of both networks need the same names and shapes")
        moments = np.zeros((optimizer.moments, network.changing_size), training.dtype)
        if type(optimizer) is type(former):
            stored = state.arrays["moments"]
            shapes = self.network.changing
            old, new = (o.in_formula(np.ones_like(stored), shapes) for o in (former, optimizer))
            if not np.array_equal(old, new):
                stored = stored * (old / new)
            new_views = parameter_views(network, moments)
            old_views = parameter_views(self.network, stored)
            for name in new_views.keys() & old_views.keys():
                np.copyto(new_views[name], old_views[name])
        else:
            values["steps"] = 0
        rule = self.training.schedule, former.learning_rate
        if rule != (training.schedule, optimizer.learning_rate):
            start = {"plateau_loss": None, "plateau_epochs": 0, "rate_factor": 1.0}
            values["progress"] = {**values["progress"], **start}
        return State({**state.arrays, "moments": moments}, values)

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
