"""The events of an experiment: each is the whole experiment, and replaces the previous one.

    logs of its jobs ── last numbers, added ──> changed? ── twice a second ──> frame ──> watchers

An experiment has no log: its state follows from the states of its jobs. A watcher that missed
events needs none of them, so a cursor says only what its reader has already.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache

from ..errors import NotFound
from ..specs.experiments import Experiment, ExperimentEvent
from ..specs.jobs import TERMINAL
from ..store import Access, Connection, Database
from ..store import experiments as stored
from ..store.experiments import ExperimentRow
from ..streams.follow import Channel, EventType, Frame, Watched, frame
from . import experiments

FRAME_SECONDS = 0.5
NOTHING = -1
"""The cursor of a reader that has no event yet."""

MakeReply = Callable[[Connection, ExperimentRow], Experiment]


@dataclass(frozen=True)
class Standing:
    """An experiment as a stream needs it."""

    id: str
    owner: str
    state: str
    last_seq: int
    """The sum of the last numbers of its jobs' logs."""


@dataclass(frozen=True)
class ExperimentEvents:
    """The format of the events of experiments; `reply` converts a row of the store."""

    reply: MakeReply
    event = ExperimentEvent

    def find(self, connection: Connection, id: str, access: Access) -> Standing:
        """As `Format.find`."""
        row = experiments.find(connection, id, access)
        states = stored.count_states(connection, [id])[id]
        state = experiments.state_of(states)
        return Standing(id, row.owner, state, stored.last_seq(connection, id))

    def opening(self, connection: Connection, row: Watched, latest: Frame | None) -> None:
        """As `Format.opening`: every frame is one of the channel."""

    def cursor(self, row: Watched, after: int | None) -> int:
        """As `Format.cursor`. Numbers of deleted jobs are missing in the sum: any may be known."""
        return NOTHING if after is None else after

    def channel(self, database: Database, row: Watched, heartbeat_seconds: float) -> Channel:
        """As `Format.channel`."""
        return ExperimentChannel(database, row, self, heartbeat_seconds)

    def not_found(self, id: str) -> NotFound:
        """As `Format.not_found`."""
        return experiments.not_found(id)


@cache
def experiment_events(reply: MakeReply) -> ExperimentEvents:
    """Return the format of the events of experiments."""
    return ExperimentEvents(reply)


class ExperimentChannel(Channel):
    """The reader of one experiment, which has its latest frame alone."""

    poll_seconds = FRAME_SECONDS

    def __init__(
        self, database: Database, row: Watched, format: ExperimentEvents, heartbeat_seconds: float
    ) -> None:
        self._reply = format.reply
        self._owner = Access(row.owner)
        self._latest: Frame | None = None
        super().__init__(database, row, format, heartbeat_seconds)

    async def frame_after(self, cursor: int) -> Frame | None:
        """Return the latest frame; None if the reader has it, or the experiment was deleted."""
        async with self._reading:
            if self._latest is None:
                for new in await asyncio.to_thread(self._read, NOTHING):
                    self._cache(new)
            latest = self._latest
        return None if latest is None or latest.seq == cursor else latest

    def _cache(self, new: Frame) -> None:
        self._latest = new

    def _read(self, cursor: int) -> list[Frame]:
        with self._database.read() as connection:
            seq = stored.last_seq(connection, self.job_id)
            if seq == cursor:
                return []
            try:
                row = experiments.find(connection, self.job_id, self._owner)
            except NotFound:
                return []
            experiment = self._reply(connection, row)
        kind: EventType = "end" if experiment.state in TERMINAL else "snapshot"
        return [frame(cursor, seq, kind, experiment, ExperimentEvent)]
