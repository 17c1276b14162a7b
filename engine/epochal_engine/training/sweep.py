"""A sweep trains one network many times over at once: the same data, other rates, seeds or weights.

    sweep = Sweep(network, [Training(…, Adam(rate)) for rate in rates], data)
    for epoch in sweep:
        ...             # as often as you like: sweep.take(), sweep.weights(k), sweep.state()
    sweep.outcomes

Every member is the run that it would have been alone, up to rounding: it starts from the weights of
its own seed and meets the samples in the order of that seed. All numbers have a leading axis, one
row for each member, and one list of NumPy calls trains all of them. A member that is over, or no
longer finite, is carried along without harm to others; its numbers stay at its last epoch.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict

import numpy as np

from ..data.data import Data
from ..model.losses import find_loss
from ..model.network import Network, parameter_views
from ..symbolic.trace import Array
from .blocks import Block
from .divergence import Divergence
from .epoch import PULSE, corrupted_targets, record_shapes, steps_per_epoch
from .lockstep import compile_epochs
from .loop import Ending, Loop, Outcome, State
from .members import check_alike, groups_of, initial_parameters, kind
from .record_buffer import Record
from .streams import Streams
from .training import Training, check_data, check_output


class Sweep(Loop):
    """The training of many members in progress; `trainings[k]` belongs to member k.

    They may differ in the numbers of the optimizer, the schedule, penalties, clipping, the stopping
    rules and the seed; their networks, one for all or one for each, in the initial weights: see
    `with_initializer`. Raises ValueError if they differ in anything else, or do not fit the data.
    """

    # Results take some time for each member, however few the epochs.
    look_ahead = PULSE
    buffer_bytes = 32_000_000
    longest_round = 512

    def __init__(
        self,
        network: Network | Sequence[Network],
        trainings: Sequence[Training],
        data: Data,
        state: State | None = None,
    ) -> None:
        networks = [network] * len(trainings) if isinstance(network, Network) else [*network]
        check_alike(networks, trainings)
        network, first, count = networks[0], trainings[0], len(trainings)
        check_output(network, first.loss)
        if find_loss(first.loss).rows > 1:
            raise ValueError(f"a sweep cannot train with {find_loss(first.loss).type}")
        if any(training.rollouts is not None for training in trainings):
            raise ValueError("a sweep cannot train with rollouts")
        for training in trainings:
            data = check_data(network, training, data)
        # Members of one optimizer lie side by side, so that one call steps all of them.
        order = sorted(range(count), key=lambda k: kind(trainings[k]))
        ordered = [trainings[member] for member in order]
        one_seed = len({training.seed for training in ordered}) == 1
        streams = [Streams.from_seed(t.seed) for t in (ordered[:1] if one_seed else ordered)]

        shapes = record_shapes(network, first, data)
        size = network.changing_size
        members = {name: (count, *shapes[name]) for name in shapes if name != "moments"}
        groups = groups_of(ordered)
        moments = {
            f"moments_{g}": (group.optimizer.moments, (group.end - group.start) * size)
            for g, group in enumerate(groups)
        }
        record = Record({**members, **moments}, first.dtype)
        rates = np.zeros((count, 1), first.dtype)
        indices = [(order.index(member),) for member in range(count)]
        super().__init__(network, trainings, data, record, rates, indices, streams)
        self._persisted = ("parameters", *moments)
        now = record.arrays
        if state is None:
            initial_parameters(
                [networks[member] for member in order],
                [training.seed for training in ordered],
                now["parameters"],
            )
        else:
            restored = {name: now[name] for name in self._persisted}
            self._restore(state, restored, state.values["progress"])
            for stream, states in zip(streams, state.values["random"], strict=True):
                stream.restore(states)
            self._restore_endings(state)
        steps = self.epoch * steps_per_epoch(first, data)
        targets = corrupted_targets(first, data, len(streams))
        segments = compile_epochs(
            network, ordered, data, groups, now, rates, streams, steps, targets
        )
        self._start(segments, targets)

    @property
    def epochs(self) -> tuple[int, ...]:
        """The last completed epoch of each member."""
        endings = map(self._ending, range(len(self.trainings)))
        return tuple(self.epoch if ending is None else ending.epoch for ending in endings)

    def take(self) -> list[list[Block]]:
        """Return for each member its epochs since the last call, in blocks of at most 1,024."""
        return self._take()

    def weights(self, member: int) -> dict[str, Array]:
        """Return copies of a member's parameters by name, after its last completed epoch.

        After a divergence: after the last epoch before it.
        """
        return parameter_views(self.network, self._vector(member))

    def state(self) -> State:
        """Return what a sweep needs to continue after the last completed epoch.

        `arrays` holds the parameters of all members, the moments of each group of optimizers, and
        the weights of the members that have ended. Raises RuntimeError in the middle of an epoch.
        """
        self._check_boundary()
        over = {
            member: ending
            for member in sorted(self._endings)
            if (ending := self._ending(member)) is not None
        }
        arrays = {name: self._buffer.arrays[name][self._slot].copy() for name in self._persisted}
        if over:
            arrays["endings"] = np.stack([ending.weights for ending in over.values()])
        return State(
            arrays=arrays,
            values={
                "epoch": self.epoch,
                "random": self._random(self._slot),
                "progress": [asdict(progress[self._slot]) for progress in self._progress],
                "endings": [
                    {"member": k, "epoch": e.epoch, "outcome": asdict(e.outcome)}
                    for k, e in over.items()
                ],
            },
        )

    def _restore_endings(self, state: State) -> None:
        endings = state.values["endings"]
        for ending, weights in zip(endings, state.arrays.get("endings", ()), strict=True):
            why = ending["outcome"]["divergence"]
            divergence = None if why is None else Divergence(**why)
            outcome = Outcome(ending["outcome"]["stop_reason"], divergence)
            self._endings[ending["member"]] = Ending(ending["epoch"], outcome, weights)
