"""A stream is a cursor over a job's log: replay what lies behind it, follow, say that it is over.

      log rows ──read once──> frames (shared) ──> watcher, holding a cursor
                 by the job's one channel    └──> watcher …

However many watch a job in this process, its log is read by one channel at a time, and every frame
is put into words once. A watcher that falls behind loses nothing and holds nothing: its next frame
is read again from the log.
"""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from collections.abc import AsyncIterator, Callable, Iterable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from itertools import groupby
from typing import Any, Literal, get_args

import numpy as np
import redis
import structlog

from epochal_engine import Gradients

from ..errors import FieldError, InvalidArgument, Unavailable
from ..specs.base import Reply
from ..specs.jobs import (
    TERMINAL,
    CheckpointNote,
    End,
    EpochBatch,
    Job,
    JobEvent,
    Snapshot,
    StateChange,
)
from ..store import Connection, Database
from ..store import log as job_log
from ..store.jobs import JobWithSpec
from ..store.log import LogRow
from . import curve, lifecycle
from .epochs import gradient_columns, join, note, unpack_gradients
from .lifecycle import Kind
from .queue import Queue

logger = structlog.get_logger(__name__)

FRAME_SECONDS = 0.1  # at most ten frames a second
POLL_SECONDS = 0.25  # how soon a row is seen when no bell rings
MAX_POINTS = 500  # of one frame; more are reduced to their extremes
MAX_SNAPSHOTS = 100  # gradient snapshots in one frame; of more, evenly spaced ones
ROWS_AT_ONCE = 64  # log rows of one read
REMEMBERED_BYTES = 8 * 2**20  # of frames, for each job

EventType = Literal["snapshot", "state", "epochs", "checkpoint", "end", "heartbeat"]
STEERING = ("train_loss", "validation_loss", "train_accuracy", "validation_accuracy")


@dataclass(eq=False)
class Frame:
    """One event, put into words once for all who watch: what came after the cursor `after`, up to
    `seq`.
    """

    after: int
    seq: int
    type: EventType
    event: Any  # of the telling's model
    data: bytes
    # What a wire has made of the frame, kept here so that it is made once: keyed by the wire's own
    # name.
    encoded: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Telling:
    """How a log is put into words; that of a job, or of another kind of row."""

    kind: Kind
    event: Callable[..., Reply]
    """The model of one event."""
    batch: Callable[[Sequence[LogRow]], Reply]
    """What rows with epochs tell."""
    snapshot: Callable[[Connection, JobWithSpec], Reply]
    """What a stream opens with."""


def frame(
    after: int, seq: int, kind: EventType, told: Reply | None, model: Callable[..., Reply]
) -> Frame:
    content = {} if told is None else {kind: told}
    event = model(seq=seq, type=kind, **content)
    return Frame(
        after, seq, kind, event, b"{}" if told is None else told.model_dump_json().encode()
    )


def frames_of(rows: Iterable[LogRow], after: int, telling: Telling) -> Iterator[Frame]:
    """The frames of log rows that follow the cursor: neighbors of the same kind become one."""

    def alone(row: LogRow) -> tuple[str, int]:
        return row.kind, row.seq if row.kind in ("state", "end") else 0

    for (kind, _), group in groupby(rows, key=alone):
        members = list(group)
        last = members[-1]
        told: Reply
        match kind:
            case "epochs":
                told = telling.batch(members)
            case "checkpoint":
                epochs = [epoch for row in members for epoch in note(row.note)["epochs"]]
                told = CheckpointNote(epochs=epochs)
            case "state":
                told = StateChange(**note(last.note))
            case _:
                told = End(**note(last.note))
        assert kind in get_args(EventType)
        yield frame(after, last.seq, kind, told, telling.event)  # type: ignore[arg-type]
        after = last.seq


def batch(rows: Sequence[LogRow]) -> EpochBatch:
    """Epochs of several rows by column, reduced to the extremes of the metrics that people steer by
    if there are many.
    """
    stretch = join((row.first_epoch, row.body) for row in rows if row.body is not None)
    assert stretch is not None
    epochs, columns = stretch.epochs, stretch.columns
    reduced = len(epochs) > MAX_POINTS
    if reduced:
        steering = [columns[name] for name in STEERING if name in columns]
        each = MAX_POINTS // len(steering)
        kept = np.unique(np.concatenate([curve.keep(values, each) for values in steering]))
        epochs, columns = epochs[kept], {name: column[kept] for name, column in columns.items()}
    gradients = unpack_gradients(row.gradients for row in rows if row.gradients is not None)
    return EpochBatch(
        first_epoch=rows[0].first_epoch,
        last_epoch=rows[-1].last_epoch,
        reduced=reduced,
        epoch=epochs.tolist(),
        columns={name: column.tolist() for name, column in columns.items()},
        gradients=None if gradients is None else gradient_columns(_thinned(gradients)),
    )


def telling_of_jobs(picture: Callable[[JobWithSpec], Job]) -> Telling:
    """How a job's log is told; `picture` puts its row into words."""

    def snapshot(connection: Connection, row: JobWithSpec) -> Reply:
        drawn = curve.read(connection, row.id, (), MAX_POINTS)
        return Snapshot(job=picture(row), curve=drawn)

    return Telling("job", JobEvent, batch, snapshot)


def _thinned(gradients: Gradients) -> Gradients:
    count = len(gradients.epochs)
    if count <= MAX_SNAPSHOTS:
        return gradients
    kept = np.linspace(0, count - 1, MAX_SNAPSHOTS).round().astype(int)
    return Gradients(
        gradients.epochs[kept],
        gradients.layers,
        gradients.statistics[kept],
        gradients.histogram[kept],
    )


class Channel:
    """Everything that this process knows of one job's log, for all who watch it."""

    def __init__(
        self, database: Database, row: JobWithSpec, telling: Telling, heartbeat_seconds: float
    ) -> None:
        self.job_id = row.id
        self.telling = telling
        self.cursor = row.last_seq
        self.ended = row.state in TERMINAL
        self.closed = False
        self.watchers = 0
        self.beats = 0
        self.opening: Frame | None = None
        self._database = database
        self._heartbeat_seconds = heartbeat_seconds
        self._frames: OrderedDict[int, Frame] = OrderedDict()
        self._bytes = 0
        self._reading = asyncio.Lock()
        self._bell = asyncio.Event()
        self._changed = asyncio.Event()
        self._task: asyncio.Task[None] | None = None
        if not self.ended:
            self._task = asyncio.create_task(self._follow(), name=f"follow {row.id}")

    def ring(self) -> None:
        self._bell.set()

    async def close(self) -> None:
        """End every stream of this channel."""
        self.closed = True
        self._wake()
        self._bell.set()
        # Not cancelled: a thread that reads would go on with a database that may be closed by then.
        if self._task is not None:
            await self._task

    async def changed(self) -> None:
        """Until there is a new frame, a heartbeat, or the end of this process."""
        await self._changed.wait()

    async def frame_after(self, cursor: int) -> Frame | None:
        """The frame that follows the cursor; None if there is nothing new, or the job was deleted
        meanwhile.
        """
        found = self._frames.get(cursor)
        if found is None and cursor < self.cursor:
            async with self._reading:
                found = self._frames.get(cursor)
                if found is None:
                    for missed in await asyncio.to_thread(self._read, cursor):
                        self._remember(missed)
                    found = self._frames.get(cursor)
        return found

    def _read(self, cursor: int) -> list[Frame]:
        with self._database.read() as connection:
            rows = job_log.after(connection, self.job_id, cursor, ROWS_AT_ONCE)
        return list(frames_of(rows, cursor, self.telling))

    def _remember(self, new: Frame) -> None:
        old = self._frames.pop(new.after, None)
        self._bytes += len(new.data) - (len(old.data) if old else 0)
        self._frames[new.after] = new
        while self._bytes > REMEMBERED_BYTES and len(self._frames) > 1:
            _, old = self._frames.popitem(last=False)
            self._bytes -= len(old.data)

    def _wake(self) -> None:
        changed, self._changed = self._changed, asyncio.Event()
        changed.set()

    async def _follow(self) -> None:
        loop = asyncio.get_running_loop()
        quiet_since = loop.time()
        while not (self.ended or self.closed):
            with suppress(TimeoutError):
                async with asyncio.timeout(POLL_SECONDS):
                    await self._bell.wait()
            self._bell.clear()
            frames: list[Frame] = []
            try:
                async with self._reading:
                    frames = await asyncio.to_thread(self._read, self.cursor)
            except Unavailable as error:
                logger.warning("cannot read the log", job=self.job_id, error=error.detail)
            except Exception:
                # Whoever waits would wait for ever: let them go, and come again.
                logger.exception("cannot tell the log", job=self.job_id)
                self.closed = True
                self._wake()
            if frames:
                for new in frames:
                    self._remember(new)
                self.cursor = frames[-1].seq
                self.ended = frames[-1].type == "end"
                quiet_since = loop.time()
                self._wake()
                if not self.ended and any(new.type == "epochs" for new in frames):
                    await asyncio.sleep(FRAME_SECONDS)  # the pace that is promised, not a wait
            elif loop.time() - quiet_since >= self._heartbeat_seconds:
                quiet_since = loop.time()
                self.beats += 1
                self._wake()


class Frames:
    """The frames of one watcher; `ended`: its cursor is already past the end of the log."""

    def __init__(
        self, channel: Channel, cursor: int, opening: Frame | None, leave: Callable[[], None]
    ) -> None:
        self.ended = opening is None and channel.ended and cursor >= channel.cursor
        self._channel = channel
        self._cursor = cursor
        self._opening = opening
        self._leave = leave

    async def __aiter__(self) -> AsyncIterator[Frame]:
        channel, beats = self._channel, self._channel.beats
        try:
            if self._opening is not None:
                yield self._opening
            while not channel.closed:
                new = await channel.frame_after(self._cursor)
                if new is not None:
                    self._cursor, beats = new.seq, channel.beats
                    yield new
                    if new.type == "end":
                        return
                elif channel.ended or self._cursor < channel.cursor:
                    return  # past the end, or the log is gone
                elif beats != channel.beats:
                    beats = channel.beats
                    yield frame(
                        self._cursor, self._cursor, "heartbeat", None, channel.telling.event
                    )
                else:
                    await channel.changed()
        finally:
            self.close()

    def close(self) -> None:
        """Leave; for whoever never iterates."""
        leave, self._leave = self._leave, lambda: None
        leave()


class Hub:
    """The channels of this process: one for each job that somebody watches."""

    def __init__(self, database: Database, queue: Queue, *, heartbeat_seconds: float) -> None:
        self._database = database
        self._queue = queue
        self._heartbeat_seconds = heartbeat_seconds
        self._channels: dict[str, Channel] = {}
        self._leaving: set[asyncio.Future[None]] = set()
        self._closed = False

    @property
    def watchers(self) -> int:
        return sum(channel.watchers for channel in self._channels.values())

    async def watch(self, job_id: str, owner: str, after: int | None, telling: Telling) -> Frames:
        """The frames after the cursor; without one, a snapshot and what follows.

        Raises `NotFound`, and `InvalidArgument` for a cursor that lies ahead of the log.
        """
        self._refuse_if_closed()
        channel = self._channels.get(job_id)
        known = channel.opening if channel else None
        row, opening = await asyncio.to_thread(self._open, job_id, owner, after, telling, known)
        self._refuse_if_closed()  # since then: nobody would end this stream
        channel = self._channels.get(job_id)
        if channel is None:
            channel = self._channels[job_id] = Channel(
                self._database, row, telling, self._heartbeat_seconds
            )
        channel.watchers += 1
        channel.opening = opening or channel.opening
        cursor = opening.seq if opening is not None else after
        assert cursor is not None

        def leave() -> None:
            channel.watchers -= 1
            if channel.watchers == 0 and self._channels.get(job_id) is channel:
                del self._channels[job_id]
                closing = asyncio.ensure_future(channel.close())
                self._leaving.add(closing)
                closing.add_done_callback(self._leaving.discard)

        return Frames(channel, cursor, opening, leave)

    def _refuse_if_closed(self) -> None:
        if self._closed:
            raise Unavailable("The service is shutting down: connect again in a moment")

    def _open(
        self,
        job_id: str,
        owner: str,
        after: int | None,
        telling: Telling,
        known: Frame | None,
    ) -> tuple[JobWithSpec, Frame | None]:
        with self._database.read() as connection:
            row = lifecycle.find(connection, job_id, owner, telling.kind)
            if after is not None:
                if after > row.last_seq:
                    raise InvalidArgument.of(
                        FieldError("after", f"lies ahead of the newest event, {row.last_seq}")
                    )
                return row, None
            # The end is always told as an event of its own, the last of the log.
            seq = row.last_seq - 1 if row.state in TERMINAL else row.last_seq
            if known is not None and known.seq == seq:
                return row, known
            told = telling.snapshot(connection, row)
        return row, frame(0, seq, "snapshot", told, telling.event)

    async def listen(self) -> None:
        """Pass the bells on, for as long as this process lives; polling goes on while there is no
        broker.
        """
        silent = False
        while True:
            try:
                async for job_id in self._queue.bells():
                    silent = False
                    channel = self._channels.get(job_id)
                    if channel is not None:
                        channel.ring()
            except (redis.RedisError, OSError) as error:
                if not silent:
                    logger.warning("no bell, polling", error=str(error))
                silent = True
            await asyncio.sleep(1.0)  # before the broker is tried again

    async def close(self) -> None:
        """End every stream, so that the servers can stop; none reads any more when it returns."""
        self._closed = True
        for channel in list(self._channels.values()):
            await channel.close()
        await asyncio.gather(*self._leaving)
