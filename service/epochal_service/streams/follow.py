"""A stream is a cursor over a job's log: it replays the rows after the cursor, follows, and ends.

      log rows ──read once──> frames (shared) ──> watcher with a cursor
                 by one channel per job      └──> watcher …

One channel per process and job reads the log and builds each frame once, for all watchers. It
writes a new frame to all who have every earlier one. A watcher that does not take it holds no
memory and loses nothing: it reads its next frame from the log again. The newest weights are a frame
beside the log: it has the cursor of the row before it, and a slow watcher misses some.
"""

from __future__ import annotations

import asyncio
from abc import ABC, abstractmethod
from collections import Counter, OrderedDict
from collections.abc import AsyncIterator, Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from functools import cache
from itertools import groupby
from typing import Any, Literal, NamedTuple, Protocol, get_args

import numpy as np
import redis
import structlog

from epochal_engine import METRICS, Gradients

from ..access.keys import check_again
from ..curves import curve
from ..curves.buckets import bucket_width, downsample
from ..curves.epochs import gradient_columns, merge, parse_note, unpack_gradients
from ..errors import (
    EpochalError,
    FieldError,
    InvalidArgument,
    NotFound,
    QuotaExceeded,
    Unauthenticated,
    Unavailable,
)
from ..jobs import lifecycle
from ..jobs.lifecycle import Kind
from ..jobs.queue import Queue
from ..specs.base import Reply
from ..specs.jobs import (
    TERMINAL,
    End,
    EpochBatch,
    Job,
    JobEvent,
    JobSnapshot,
    NewCheckpoints,
    StateChange,
    TrainingChange,
)
from ..store import Access, Connection, Database, api_keys, jobs
from ..store import log as job_log
from ..store.api_keys import KeyRow
from ..store.jobs import JobWithSpec
from ..store.log import LogRow
from .batches import Batches
from .parameters import ParameterReader

logger = structlog.get_logger(__name__)

Write = Callable[["Frame"], bool]
"""Send a frame at once. Return False, and send nothing, if the client does not take it now."""

FRAME_SECONDS = 0.1  # at most ten frames a second
PARAMETERS_SECONDS = 0.05  # at most twenty, if somebody watches parameters
POLL_SECONDS = 0.25  # the delay of a row without a notification
KEY_SECONDS = 2.0  # how long a stream may outlive its API key
WOKEN_TOGETHER = 100  # watchers
MAX_POINTS = 500  # epochs in one frame; more are downsampled
MAX_SNAPSHOTS = 100  # gradient snapshots in one frame; of more, an evenly spaced selection
ROWS_PER_READ = 64  # log rows
STREAM_RETRY_SECONDS = 5  # when to repeat a request beyond the quota of open streams
CACHED_BYTES = 8 * 2**20  # of frames, per job

EventType = Literal[
    "snapshot", "state", "epochs", "checkpoint", "change", "parameters", "end", "heartbeat"
]


@dataclass(eq=False)
class Frame:
    """One event, shared by all watchers: the log rows after the cursor `after`, up to `seq`."""

    after: int
    seq: int
    type: str
    event: Any  # an instance of the format's model
    data: bytes
    # The frame as each wire encoded it, by the name of the wire, so that it is encoded once.
    encoded: dict[str, Any] = field(default_factory=dict)

    @property
    def id(self) -> str:
        """The cursor after it, as text."""
        return str(self.seq)


class Watched(Protocol):
    """The subject of a stream."""

    @property
    def id(self) -> str: ...

    @property
    def owner(self) -> str: ...

    @property
    def state(self) -> str: ...

    @property
    def last_seq(self) -> int:
        """The cursor of the last event so far."""


class Format(Protocol):
    """The events of one kind of stream."""

    @property
    def event(self) -> Callable[..., Reply]:
        """The model of one event."""

    def find(self, connection: Connection, id: str, access: Access) -> Watched:
        """Return what the stream is about. Raises `NotFound`."""

    def opening(self, connection: Connection, row: Any, latest: Frame | None) -> Frame | None:
        """Return the first frame of a stream without a cursor, if that is not a frame of the
        channel.

        `latest` is the last such frame of the channel, which may serve again.
        """

    def cursor(self, row: Watched, after: int | None) -> int:
        """Return the cursor of a stream without an opening. Raises `InvalidArgument` for one beyond
        the last event.
        """

    def channel(self, database: Database, row: Watched, heartbeat_seconds: float) -> Channel:
        """Return a channel for the result of `find`."""

    def not_found(self, id: str) -> NotFound:
        """Return the error for a caller who does not reach it any more."""


@dataclass(frozen=True)
class EventFormat:
    """How log rows become events, for one kind of row: jobs or sweeps."""

    kind: Kind
    event: Callable[..., Reply]
    """The model of one event."""
    batch: Callable[[Sequence[LogRow]], Reply]
    """Convert rows with epochs."""
    snapshot: Callable[[Connection, JobWithSpec], Reply]
    """Build the first event of a stream."""
    parameters: Callable[[str], ParameterReader] | None = None
    """Return what reads the weights of a row by its id; None for rows without weights."""

    def find(self, connection: Connection, id: str, access: Access) -> JobWithSpec:
        """As `Format.find`."""
        return lifecycle.find(connection, id, access, self.kind)

    def opening(self, connection: Connection, row: JobWithSpec, latest: Frame | None) -> Frame:
        """As `Format.opening`: a snapshot."""
        # The end is always a separate event, the last of the log.
        seq = row.last_seq - 1 if row.state in TERMINAL else row.last_seq
        if latest is not None and latest.seq == seq:
            return latest
        return frame(0, seq, "snapshot", self.snapshot(connection, row), self.event)

    def cursor(self, row: Watched, after: int | None) -> int:
        """As `Format.cursor`."""
        if after is None or after > row.last_seq:
            text = f"must be at most the last event's seq, {row.last_seq}"
            raise InvalidArgument.of(FieldError("after", text))
        return after

    def channel(self, database: Database, row: Watched, heartbeat_seconds: float) -> Channel:
        """As `Format.channel`."""
        return LogChannel(database, row, self, heartbeat_seconds)

    def not_found(self, id: str) -> NotFound:
        """As `Format.not_found`."""
        return lifecycle.not_found(id, self.kind)


def frame(
    after: int, seq: int, kind: EventType, payload: Reply | None, model: Callable[..., Reply]
) -> Frame:
    """Return the frame of an event with its payload; a heartbeat has none."""
    event = model(seq=seq, type=kind, **({} if payload is None else {kind: payload}))
    data = b"{}" if payload is None else payload.model_dump_json().encode()
    return Frame(after, seq, kind, event, data)


def frames_of(rows: Iterable[LogRow], after: int, format: EventFormat) -> Iterator[Frame]:
    """Yield the frames of log rows after the cursor; consecutive rows of a kind become one."""

    def group_key(row: LogRow) -> tuple[str, int]:
        # Only rows with epochs, and with checkpoints, are merged.
        return row.kind, 0 if row.kind in ("epochs", "checkpoint") else row.seq

    for (kind, _), group in groupby(rows, key=group_key):
        members = list(group)
        last = members[-1]
        payload: Reply
        match kind:
            case "epochs":
                payload = format.batch(members)
            case "checkpoint":
                epochs = [epoch for row in members for epoch in parse_note(row.note)["epochs"]]
                payload = NewCheckpoints(epochs=epochs)
            case "change":
                payload = TrainingChange(**parse_note(last.note))
            case "state":
                payload = StateChange(**parse_note(last.note))
            case _:
                payload = End(**parse_note(last.note))
        assert kind in get_args(EventType)
        yield frame(after, last.seq, kind, payload, format.event)  # type: ignore[arg-type]
        after = last.seq


def batch(rows: Sequence[LogRow]) -> EpochBatch:
    """Return the epochs of several rows by column; more than `MAX_POINTS` are downsampled."""
    segment = merge((row.first_epoch, row.body) for row in rows if row.body is not None)
    assert segment is not None
    epochs, columns = segment.epochs, segment.columns
    downsampled = len(epochs) > MAX_POINTS
    if downsampled:
        preserved = [columns[name] for name in METRICS if name in columns]
        width = bucket_width(len(epochs), MAX_POINTS // len(preserved))
        chosen = np.unique(
            np.concatenate([downsample(epochs, values, width) for values in preserved])
        )
        epochs, columns = epochs[chosen], {name: c[chosen] for name, c in columns.items()}
    gradients = unpack_gradients(row.gradients for row in rows if row.gradients is not None)
    return EpochBatch(
        first_epoch=rows[0].first_epoch,
        last_epoch=rows[-1].last_epoch,
        downsampled=downsampled,
        epochs=epochs.tolist(),
        columns={name: column.tolist() for name, column in columns.items()},
        gradients=None if gradients is None else gradient_columns(_sampled(gradients)),
    )


@cache
def job_events(reply: Callable[[JobWithSpec], Job]) -> EventFormat:
    """Return the event format of jobs; `reply` converts a row of the store."""

    def snapshot(connection: Connection, row: JobWithSpec) -> Reply:
        points = curve.read(connection, row.id, (), MAX_POINTS)
        return JobSnapshot(job=reply(row), curve=points)

    return EventFormat("job", JobEvent, batch, snapshot, ParameterReader)


def _sampled(gradients: Gradients) -> Gradients:
    count = len(gradients.epochs)
    if count <= MAX_SNAPSHOTS:
        return gradients
    chosen = np.linspace(0, count - 1, MAX_SNAPSHOTS).round().astype(int)
    return Gradients(
        gradients.epochs[chosen],
        gradients.layers,
        gradients.statistics[chosen],
        gradients.histogram[chosen],
    )


class Change:
    """An event that many tasks wait for. They are woken some at a time: to send a frame to two
    thousand watchers takes 60 ms, in which nothing else would have a turn.
    """

    def __init__(self) -> None:
        self._groups: list[asyncio.Event] = []
        self._waiting = 0

    async def wait(self) -> None:
        """Wait for the next `announce`."""
        if self._waiting % WOKEN_TOGETHER == 0:
            self._groups.append(asyncio.Event())
        self._waiting += 1
        await self._groups[-1].wait()

    def announce(self) -> None:
        """Wake the currently waiting tasks, soon."""
        groups, self._groups, self._waiting = self._groups, [], 0
        self._wake(groups)

    def _wake(self, groups: list[asyncio.Event]) -> None:
        if groups:
            first, *others = groups
            first.set()
            asyncio.get_running_loop().call_soon(self._wake, others)


class Channel(ABC):
    """The reader of one job's records in this process, shared by all its watchers."""

    poll_seconds = POLL_SECONDS

    def __init__(
        self, database: Database, row: Watched, format: Format, heartbeat_seconds: float
    ) -> None:
        self.job_id = row.id
        self.format = format
        self.cursor = row.last_seq
        self.ended = row.state in TERMINAL
        self.closed = False
        self.watchers = 0
        self.parameter_watchers = 0
        self.heartbeats = 0
        self.openings: dict[bool, Frame] = {}
        """The last opening, for callers who see webhooks and for others."""
        self._database = database
        self._heartbeat_seconds = heartbeat_seconds
        self._frames: OrderedDict[int, Frame] = OrderedDict()
        self._bytes = 0
        self._reading = asyncio.Lock()
        self._wakeup = asyncio.Event()
        self._hurried = asyncio.Event()
        self._changed = Change()
        self._followers: dict[Frames, asyncio.Future[None]] = {}
        self._task: asyncio.Task[None] | None = None
        if not self.ended:
            self._task = asyncio.create_task(self._follow(), name=f"follow {row.id}")

    def notify(self, *, at_once: bool = False) -> None:
        """Read the log now instead of at the next poll; with `at_once`, not after the pause that
        follows a frame.
        """
        self._wakeup.set()
        if at_once:
            self._hurried.set()

    async def close(self) -> None:
        """End every stream of this channel."""
        self.closed = True
        self.wake()
        self.notify(at_once=True)
        # Not cancelled: a thread that reads would continue with a database that is closed by then.
        if self._task is not None:
            await self._task

    def wake(self) -> None:
        """Let every watcher look at what changed."""
        self._changed.announce()
        for follower in list(self._followers):
            self._release(follower)

    async def changed(self) -> None:
        """Wait for a new frame, a heartbeat, or the end of the channel."""
        await self._changed.wait()

    async def write_to(self, follower: Frames) -> None:
        """Write every new frame and heartbeat until the follower does not take one, or has to look
        at what changed.
        """
        released = self._followers[follower] = asyncio.get_running_loop().create_future()
        try:
            await released
        finally:
            self._followers.pop(follower, None)

    def _release(self, follower: Frames) -> None:
        released = self._followers.pop(follower, None)
        if released is not None and not released.done():
            released.set_result(None)

    async def _write(self, new: Frame) -> None:
        """Write the frame to the followers, some at a time: others must have a turn."""
        followers = list(self._followers)
        for start in range(0, len(followers), WOKEN_TOGETHER):
            for follower in followers[start : start + WOKEN_TOGETHER]:
                if not follower.take(new):
                    self._release(follower)
            await asyncio.sleep(0)

    async def parameters_at(self, cursor: int) -> Frame | None:
        """Return the newest weights as a frame with this cursor; None without any."""
        return None

    def _newest_at(self, cursor: int) -> Frame | None:
        """Return the same without reading."""
        return None

    def heartbeat(self, cursor: int) -> Frame:
        """Return a frame that says nothing but that the stream is alive."""
        return frame(cursor, cursor, "heartbeat", None, self.format.event)

    async def frame_after(self, cursor: int) -> Frame | None:
        """Return the frame after the cursor; None if nothing is new, or the job was deleted."""
        cached = self._frames.get(cursor)
        if cached is None and cursor < self.cursor:
            async with self._reading:
                cached = self._frames.get(cursor)
                if cached is None:
                    for missed in await asyncio.to_thread(self._read, cursor):
                        self._cache(missed)
                    cached = self._frames.get(cursor)
        return cached

    @abstractmethod
    def _read(self, cursor: int) -> list[Frame]:
        """Read the frames after the cursor."""

    def _cache(self, new: Frame) -> None:
        old = self._frames.pop(new.after, None)
        self._bytes += len(new.data) - (len(old.data) if old else 0)
        self._frames[new.after] = new
        while self._bytes > CACHED_BYTES and len(self._frames) > 1:
            _, old = self._frames.popitem(last=False)
            self._bytes -= len(old.data)

    async def _follow(self) -> None:
        loop = asyncio.get_running_loop()
        quiet_since = loop.time()
        while not (self.ended or self.closed):
            with suppress(TimeoutError):
                async with asyncio.timeout(self.poll_seconds):
                    await self._wakeup.wait()
            self._wakeup.clear()
            self._hurried.clear()
            frames: list[Frame] = []
            try:
                async with self._reading:
                    frames = await asyncio.to_thread(self._read, self.cursor)
            except Unavailable as error:
                logger.warning("events_not_read", job=self.job_id, error=str(error))
            except Exception:
                # Watchers would wait forever: end their streams, so that they reconnect.
                logger.exception("events_not_converted", job=self.job_id)
                self.closed = True
                self.wake()
            if frames:
                for new in frames:
                    self._cache(new)
                self.cursor = frames[-1].seq
                self.ended = frames[-1].type == "end"
                quiet_since = loop.time()
                self._changed.announce()
                for new in frames:
                    await self._write(new)
                if self.ended:
                    self.wake()
                elif newest := self._newest_at(self.cursor):
                    await self._write(newest)
                if not self.ended and any(new.type == "epochs" for new in frames):
                    pause = PARAMETERS_SECONDS if self.parameter_watchers else FRAME_SECONDS
                    with suppress(TimeoutError):
                        async with asyncio.timeout_at(quiet_since + pause):
                            await self._hurried.wait()
            elif loop.time() - quiet_since >= self._heartbeat_seconds:
                quiet_since = loop.time()
                self.heartbeats += 1
                self._changed.announce()
                await self._write(self.heartbeat(self.cursor))


class LogChannel(Channel):
    """The reader of the log of one job or sweep."""

    def __init__(
        self, database: Database, row: Watched, format: EventFormat, heartbeat_seconds: float
    ) -> None:
        self._rows_format = format
        self._parameters = None if format.parameters is None else format.parameters(row.id)
        self._newest: Frame | None = None
        self._newest_since = -1
        """The cursor up to which `_newest` has the weights."""
        super().__init__(database, row, format, heartbeat_seconds)

    def _read(self, cursor: int) -> list[Frame]:
        with self._database.read() as connection:
            rows = job_log.after(connection, self.job_id, cursor, ROWS_PER_READ)
            if rows and self.parameter_watchers:
                self._read_parameters(connection, rows[-1].seq, ended=rows[-1].kind == "end")
        return list(frames_of(rows, cursor, self._rows_format))

    async def parameters_at(self, cursor: int) -> Frame | None:
        """As `Channel.parameters_at`."""
        async with self._reading:
            if self._newest_since < self.cursor:
                await asyncio.to_thread(self._refresh)
        return self._newest_at(cursor)

    def _refresh(self) -> None:
        with self._database.read() as connection:
            self._read_parameters(connection, self.cursor, ended=self.ended)

    def _read_parameters(self, connection: Connection, seq: int, *, ended: bool) -> None:
        if self._parameters is not None:
            known = -1 if self._newest is None else self._newest.event.parameters.epoch
            reader = self._parameters
            read = reader.last(connection) if ended else reader.newer(connection, known)
            if read is not None:
                self._newest = frame(seq, seq, "parameters", read, self.format.event)
        self._newest_since = max(self._newest_since, seq)

    def _newest_at(self, cursor: int) -> Frame | None:
        newest = self._newest
        if newest is not None and newest.seq != cursor:
            # Weights move no cursor.
            event = newest.event.model_copy(update={"seq": cursor})
            newest = self._newest = Frame(cursor, cursor, newest.type, event, newest.data)
        return newest


class Stream(Protocol):
    """The frames of one client, in order. One that is never iterated must be closed."""

    ended: bool
    """Whether there are no frames."""

    def __aiter__(self) -> AsyncIterator[Frame]: ...

    def write_with(self, write: Write) -> None:
        """Let frames be written while the iteration waits for the next one, if they can be."""

    def close(self) -> None: ...


class Frames:
    """The frames of one watcher. `ended` means that its cursor is past the end of the log."""

    def __init__(
        self,
        channel: Channel,
        cursor: int,
        opening: Frame | None,
        on_close: Callable[[], None],
        *,
        parameters: bool = False,
    ) -> None:
        self.ended = opening is None and channel.ended and cursor >= channel.cursor
        self._channel = channel
        self._cursor = cursor
        self._opening = opening
        self._on_close = on_close
        self._error: EpochalError | None = None
        self._write: Write | None = None
        self._parameters = parameters
        self._epoch: int | None = None  # of the last weights

    def write_with(self, write: Write) -> None:
        """Let the channel write the frames that are new while the iteration waits for one.

        The iteration then yields only the others, such as frames that `write` did not send. The end
        is always yielded.
        """
        self._write = write

    def take(self, new: Frame) -> bool:
        """Write the frame; False if it does not follow the last one, or could not be written."""
        assert self._write is not None
        if new.type == "parameters":
            if not self._is_news(new):
                return True
            if self._cursor != new.seq or not self._write(new):
                return False
            self._epoch = new.event.parameters.epoch
            return True
        if self._cursor != new.after or new.type == "end" or not self._write(new):
            return False
        self._cursor = new.seq
        return True

    def _is_news(self, newest: Frame) -> bool:
        return self._parameters and newest.event.parameters.epoch != self._epoch

    async def _new_parameters(self) -> Frame | None:
        """Return the newest weights, unless they are not wanted, or were sent."""
        newest = await self._channel.parameters_at(self._cursor) if self._parameters else None
        if newest is None or not self._is_news(newest):
            return None
        self._epoch = newest.event.parameters.epoch
        return newest

    @property
    def is_stopped(self) -> bool:
        """Whether the service has ended the stream, which goes on with another one."""
        return self._channel.closed

    @property
    def format(self) -> Format:
        """The kind of stream."""
        return self._channel.format

    async def __aiter__(self) -> AsyncIterator[Frame]:
        channel, heartbeats = self._channel, self._channel.heartbeats
        try:
            if self._opening is not None:
                yield self._opening
            while not channel.closed:
                if self._error is not None:
                    raise self._error
                new = await channel.frame_after(self._cursor)
                is_last = new is None or new.type == "end"
                if is_last and (newest := await self._new_parameters()) is not None:
                    yield newest
                elif new is not None:
                    self._cursor, heartbeats = new.seq, channel.heartbeats
                    yield new
                    if new.type == "end":
                        return
                elif channel.ended or self._cursor < channel.cursor:
                    return  # past the end, or the job was deleted
                elif heartbeats != channel.heartbeats:
                    heartbeats = channel.heartbeats
                    yield channel.heartbeat(self._cursor)
                elif self._write is None:
                    await channel.changed()
                else:
                    await channel.write_to(self)
                    heartbeats = channel.heartbeats
        finally:
            self.close()

    def refuse(self, error: EpochalError) -> None:
        """Raise the error in place of the next frame."""
        self._error = error
        self._channel.wake()

    def close(self) -> None:
        """Detach from the channel; needed only if the frames are never iterated."""
        on_close, self._on_close = self._on_close, lambda: None
        on_close()


class Opening(NamedTuple):
    """The shared state of callers who open a stream together."""

    job_id: str
    access: Access
    format: Format
    with_snapshot: bool


Opened = tuple[Watched, Frame | None]
"""The row of a job, and the snapshot if one is needed."""


class Hub:
    """The channels of this process: one for each job that is watched."""

    def __init__(
        self,
        database: Database,
        queue: Queue,
        *,
        heartbeat_seconds: float,
        max_streams: int | None = None,
    ) -> None:
        self._database = database
        self._queue = queue
        self._max_streams = max_streams
        self._streams: Counter[str] = Counter()
        self.heartbeat_seconds = heartbeat_seconds
        self._channels: dict[str, Channel] = {}
        self._openings = Batches(self._open_all)
        self._closing: set[asyncio.Future[None]] = set()
        self._with_keys: dict[Frames, tuple[KeyRow, Watched]] = {}
        self._closed = asyncio.Event()

    @property
    def watchers(self) -> int:
        """The number of open streams."""
        return sum(channel.watchers for channel in self._channels.values())

    async def watch(
        self,
        job_id: str,
        access: Access,
        after: int | None,
        format: Format,
        *,
        parameters: bool = False,
        key: KeyRow | None = None,
    ) -> Frames:
        """Return the frames after the cursor; without a cursor, a snapshot and the frames after it;
        with `parameters` also the newest weights.

        The frames end with `Unauthenticated` when the key of the caller is no longer valid, and
        with `NotFound` when it does not reach the job any more.

        Raises `NotFound`; `InvalidArgument` for a cursor beyond the last event; `QuotaExceeded` if
        the owner has too many open streams.
        """
        count = self.count(access.owner)
        try:
            return await self.attach(job_id, access, after, format, parameters, key, count)
        except BaseException:
            count()
            raise

    def count(self, owner: str) -> Callable[[], None]:
        """Count an open stream of the owner, and return what counts it no longer.

        Raises `QuotaExceeded`.
        """
        self.open_stream(owner)
        return lambda: self.close_stream(owner)

    async def attach(
        self,
        job_id: str,
        access: Access,
        after: int | None,
        format: Format,
        parameters: bool,
        key: KeyRow | None,
        on_close: Callable[[], None],
    ) -> Frames:
        """Return the frames as `watch` does, as a part of a stream that counts already."""
        self._refuse_if_closed()
        opened = await self._openings.get(Opening(job_id, access, format, after is None))
        if isinstance(opened, Exception):
            raise opened
        row, opening = opened
        cursor = format.cursor(row, after) if opening is None else opening.seq
        self._refuse_if_closed()  # the hub may have closed meanwhile, and would not end this stream
        channel = self._channels.get(job_id)
        if channel is None:
            channel = format.channel(self._database, row, self.heartbeat_seconds)
            self._channels[job_id] = channel
        channel.watchers += 1
        channel.parameter_watchers += parameters
        if opening is not None:
            channel.openings[access.sees_webhooks] = opening

        def detach() -> None:
            on_close()
            self._with_keys.pop(frames, None)
            channel.watchers -= 1
            channel.parameter_watchers -= parameters
            if channel.watchers == 0 and self._channels.get(job_id) is channel:
                del self._channels[job_id]
                closing = asyncio.ensure_future(channel.close())
                self._closing.add(closing)
                closing.add_done_callback(self._closing.discard)

        frames = Frames(channel, cursor, opening, detach, parameters=parameters)
        if key is not None:
            self._with_keys[frames] = key, row
        return frames

    async def check_keys(self) -> None:
        """Until the hub closes, end the streams of callers that may not open them any more."""
        while not self._closed.is_set():
            try:
                await self._end_refused()
            except Unavailable as error:
                logger.warning("keys_not_checked", error=str(error))
            except Exception:
                logger.exception("keys_not_checked")
            with suppress(TimeoutError):
                async with asyncio.timeout(KEY_SECONDS):
                    await self._closed.wait()

    async def _end_refused(self) -> None:
        opened = dict(self._with_keys)
        if opened:
            for frames, error in (await asyncio.to_thread(self._refusals, opened)).items():
                frames.refuse(error)

    def _refusals(
        self, opened: Mapping[Frames, tuple[KeyRow, Watched]]
    ) -> dict[Frames, EpochalError]:
        """Return the streams whose callers may not open them any more, and the reasons."""
        refusals: dict[Frames, EpochalError] = {}
        with self._database.read() as connection:
            key_ids = {key.id for key, _ in opened.values()}
            valid = api_keys.find_all_valid(connection, key_ids)
            for frames, (key, row) in opened.items():
                try:
                    access = check_again(key, valid.get(key.id))
                except Unauthenticated as error:
                    refusals[frames] = error
                else:
                    if not jobs.reaches(connection, access, row.id, row.owner):
                        refusals[frames] = frames.format.not_found(row.id)
        return refusals

    def streams(self, owner: str) -> int:
        """Return the number of open streams of the owner."""
        return self._streams[owner]

    def open_stream(self, owner: str) -> None:
        """Count one more open stream of the owner. Raises `QuotaExceeded`."""
        if self._max_streams is not None and self._streams[owner] >= self._max_streams:
            raise QuotaExceeded(
                f"The quota max_open_streams is used up, {self._max_streams} of "
                f"{self._max_streams}: close a stream",
                retry_after=STREAM_RETRY_SECONDS,
            )
        self._streams[owner] += 1

    def close_stream(self, owner: str) -> None:
        """Count one open stream less."""
        self._streams[owner] -= 1
        if not self._streams[owner]:
            del self._streams[owner]

    def _refuse_if_closed(self) -> None:
        if self._closed.is_set():
            raise Unavailable("The service is shutting down: connect again in a moment")

    def _open_all(self, openings: set[Opening]) -> Mapping[Opening, Opened | Exception]:
        opened: dict[Opening, Opened | Exception] = {}
        with self._database.read() as connection:
            for opening in openings:
                try:
                    opened[opening] = self._open(connection, opening)
                except Exception as error:
                    opened[opening] = error  # of its callers alone
        return opened

    def _open(self, connection: Connection, opening: Opening) -> Opened:
        events = opening.format
        row = events.find(connection, opening.job_id, opening.access)
        if not opening.with_snapshot:
            return row, None
        channel = self._channels.get(opening.job_id)
        latest = channel.openings.get(opening.access.sees_webhooks) if channel else None
        return row, events.opening(connection, row, latest)

    async def listen(self) -> None:
        """Forward the broker's notifications to the channels, forever.

        Channels poll while the broker is down.
        """
        warned = False
        while True:
            try:
                async for job_id, at_once in self._queue.notifications():
                    warned = False
                    channel = self._channels.get(job_id)
                    if channel is not None:
                        channel.notify(at_once=at_once)
            except (redis.RedisError, OSError) as error:
                if not warned:
                    logger.warning("notifications_not_received", error=str(error))
                warned = True
            await asyncio.sleep(1.0)  # before the next connection attempt

    async def close(self) -> None:
        """End every stream, so that the servers can stop. No thread reads when it returns."""
        self._closed.set()
        await self._openings.close()
        for channel in list(self._channels.values()):
            await channel.close()
        await asyncio.gather(*self._closing)
