"""One stream for many jobs: the frames of each in order, and one cursor for all.

      frames of a job ──pump──┐
      frames of a job ──pump──┴──> frames of the stream, each with the cursors of all jobs

A pump waits until its frame is taken, so that a slow client holds one frame of each job. Jobs join
while the stream is open, unless it is for given jobs; a job leaves after its end.

    cursor   TIME~JOB.SEQ~JOB.SEQ~…     jobs that have not left; SEQ is absent before an event,
                                        and - stands for the time in a stream of given jobs
"""

from __future__ import annotations

import asyncio
import base64
import binascii
import re
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Collection, Iterable
from contextlib import closing
from dataclasses import dataclass, field, replace
from functools import cached_property

import structlog

from ..errors import EpochalError, FieldError, InvalidArgument, NotFound
from ..specs.jobs import MAX_WATCHED, JobEvent, JobsEvent, LeftJob
from .follow import Frame, Frames, Write

logger = structlog.get_logger(__name__)

LOOK_SECONDS = 1.0
"""How often jobs are looked for that join."""

SETTLE_SECONDS = 2.0
"""How long after its creation a job may appear, as another process has another clock."""
LEFT = -1

_JOB = re.compile(r"job_([0-9a-f]{13})_([0-9a-f]{16})")
_KEY_BYTES = 15  # 29 hexadecimal digits


@dataclass(frozen=True)
class Cursor:
    """The position in the streams of several jobs."""

    settled: str = ""
    """A time as the ids of jobs have it: those that were created before have joined. Empty in a
    stream of given jobs.
    """
    seqs: dict[str, int | None] = field(default_factory=dict)
    """The `seq` of the last event of each job; None before the first. Jobs that are older than
    `settled` and not here have left; of newer ones, `LEFT` says so.
    """

    @classmethod
    def parse(cls, text: str, given: Collection[str]) -> Cursor:
        """Return the cursor of a stream of `given` jobs, or of others, from its text.

        Raises `InvalidArgument`.
        """
        settled, *positions = text.split("~")
        try:
            if not re.fullmatch(r"[0-9a-f]{13}|-", settled):
                raise ValueError(settled)
            pairs = (position.split(".") for position in positions)
            seqs = {_job(key): _seq(seq) for key, seq in pairs}
        except (ValueError, binascii.Error):
            raise _invalid() from None
        cursor = cls(settled.strip("-"), seqs)
        is_same = (settled == "-") == bool(given) and (not given or seqs.keys() <= {*given})
        if not is_same or len(cursor.followed) > MAX_WATCHED:
            raise _invalid()
        return cursor

    def __str__(self) -> str:
        positions = (f"{_key(key)}.{'' if s is None else s}" for key, s in self.seqs.items())
        # Never empty: a browser that connects again would send none.
        return "~".join([self.settled or "-", *positions])

    @property
    def followed(self) -> dict[str, int | None]:
        """The jobs that have not left."""
        return {job_id: seq for job_id, seq in self.seqs.items() if seq != LEFT}

    def joined(self, job_ids: Iterable[str], seq: int | None = None) -> Cursor:
        """Return the cursor with other jobs."""
        return replace(self, seqs={**dict.fromkeys(job_ids, seq), **self.seqs})

    def moved(self, job_id: str, seq: int) -> Cursor:
        """Return the cursor after an event of a job, or with `LEFT` after its last."""
        seqs = {**self.seqs, job_id: seq}
        if seq == LEFT and job_id <= f"job_{self.settled or '~'}":
            del seqs[job_id]
        return replace(self, seqs=seqs)

    def settled_until(self, settled: str) -> Cursor:
        """Return the cursor without the jobs that have left and are older than that."""
        left = {j for j, seq in self.seqs.items() if seq == LEFT and j <= f"job_{settled}"}
        return Cursor(settled, {j: seq for j, seq in self.seqs.items() if j not in left})


def settled_time() -> str:
    """Return the time before which all jobs are stored that were created before it."""
    return f"{int((time.time() - SETTLE_SECONDS) * 1e6):013x}"


def created(job_id: str) -> str:
    """Return the time of a job's creation, as `settled_time` writes times."""
    return job_id.split("_")[1]


def _invalid() -> InvalidArgument:
    return InvalidArgument.of(
        FieldError("after", "must be the cursor of an event of the same stream")
    )


def _seq(text: str) -> int | None:
    seq = int(text) if text else None
    if seq is not None and not LEFT <= seq < 2**63:
        raise ValueError(text)
    return seq


def _key(job_id: str) -> str:
    """Return an id of a job in 20 letters. Raises `ValueError`."""
    match = _JOB.fullmatch(job_id)
    if match is None:
        raise ValueError(f"not the id of a job: {job_id!r}")
    number = int(match[1] + match[2], 16)
    return base64.urlsafe_b64encode(number.to_bytes(_KEY_BYTES, "big")).decode()


def _job(key: str) -> str:
    raw = base64.b64decode(key.encode(), altchars=b"-_", validate=True)
    digits = f"{int.from_bytes(raw, 'big'):029x}"
    if len(raw) != _KEY_BYTES or len(digits) != 29:
        raise ValueError(f"not a job: {key!r}")
    return f"job_{digits[:13]}_{digits[13:]}"


@dataclass(eq=False)
class JobsFrame:
    """One event of one of the jobs. It belongs to one watcher: each has a cursor."""

    id: str
    """The cursor after it."""
    job: str
    type: str
    frame: Frame | None
    """The frame of the job; None if the job has left."""
    reason: str = ""
    """Why it has left."""
    encoded: dict[str, bytes] = field(default_factory=dict)

    @cached_property
    def data(self) -> bytes:
        """The event as JSON, with the payload as all watchers of the job get it."""
        if self.frame is None:
            return self.event.model_dump_json(exclude_none=True).encode()
        head = f'{{"job":"{self.job}","seq":{self.frame.seq},"{self.type}":'
        return head.encode() + self.frame.data + b"}"

    @property
    def event(self) -> JobsEvent:
        """The event as a message."""
        if self.frame is None:
            left = LeftJob(detail=self.reason)
            return JobsEvent(seq=0, type="left", left=left, job=self.job, cursor=self.id)
        event: JobEvent = self.frame.event
        fields = {name: getattr(event, name) for name in event.model_fields_set}
        return JobsEvent.model_construct(**fields, job=self.job, cursor=self.id)


Open = Callable[[str, int | None], Awaitable[Frames]]
"""Return the frames of a job after a `seq`. Raises `NotFound`."""
Look = Callable[[str], Awaitable[list[str]]]
"""Return the ids of the oldest `MAX_WATCHED` jobs of the stream that are newer than a time."""


class Many:
    """The frames of several jobs, each as it comes."""

    def __init__(
        self,
        cursor: Cursor,
        open_job: Open,
        look: Look | None,
        heartbeat_seconds: float,
        on_close: Callable[[], None],
    ) -> None:
        self.ended = look is None and not cursor.followed
        self._cursor = cursor
        self._open = open_job
        self._look = look
        self._heartbeat_seconds = heartbeat_seconds
        self._on_close = on_close
        # None: the service stops.
        self._arrived: asyncio.Queue[JobsFrame | EpochalError | None] = asyncio.Queue(1)
        self._tasks: set[asyncio.Task[None]] = set()

    def write_with(self, write: Write) -> None:
        """As `Stream.write_with`: no frame is shared, as each watcher has another cursor."""

    def close(self) -> None:
        """As `Stream.close`."""
        on_close, self._on_close = self._on_close, lambda: None
        on_close()

    async def __aiter__(self) -> AsyncIterator[JobsFrame]:
        try:
            for job_id, seq in self._cursor.followed.items():
                self._start(self._pump(job_id, seq))
            if self._look is not None:
                self._start(self._join(self._look))
            while self._look is not None or self._cursor.followed:
                try:
                    async with asyncio.timeout(self._heartbeat_seconds):
                        arrived = await self._arrived.get()
                except TimeoutError:
                    yield self._heartbeat()
                    continue
                if arrived is None:
                    return  # the service stops; the client connects again with its cursor
                if isinstance(arrived, EpochalError):
                    raise arrived
                yield self._counted(arrived)
        finally:
            for task in self._tasks:
                task.cancel()
            await asyncio.gather(*self._tasks, return_exceptions=True)
            self.close()

    def _start(self, work: Awaitable[None]) -> None:
        task = asyncio.ensure_future(self._guarded(work))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _guarded(self, work: Awaitable[None]) -> None:
        try:
            await work
        except EpochalError as error:
            await self._arrived.put(error)
        except Exception:
            # The client would wait forever: end the stream, so that it connects again.
            logger.exception("jobs_not_followed")
            await self._arrived.put(None)

    def _counted(self, new: JobsFrame) -> JobsFrame:
        """Move the cursor past a frame, and give it to the frame."""
        is_last = new.frame is None or new.type == "end"
        self._cursor = self._cursor.moved(new.job, LEFT if is_last else new.frame.seq)  # type: ignore[union-attr]
        new.id = str(self._cursor)
        return new

    def _heartbeat(self) -> JobsFrame:
        event = JobEvent(seq=0, type="heartbeat")
        return JobsFrame(str(self._cursor), "", "heartbeat", Frame(0, 0, "heartbeat", event, b"{}"))

    async def _pump(self, job_id: str, seq: int | None) -> None:
        """Pass on the frames of a job until it has ended or left, or until the service stops."""
        try:
            with closing(await self._open(job_id, seq)) as frames:
                async for new in frames:
                    if new.type != "heartbeat":
                        await self._arrived.put(JobsFrame("", job_id, new.type, new))
                    if new.type == "end":
                        return
                if frames.is_stopped:
                    await self._arrived.put(None)
                    return
            raise NotFound(f"{job_id} was deleted")
        except NotFound as error:
            await self._arrived.put(JobsFrame("", job_id, "left", None, str(error)))

    async def _join(self, look: Look) -> None:
        """Add jobs that join, forever."""
        while True:
            await asyncio.sleep(LOOK_SECONDS)
            settled = settled_time()
            newer = await look(self._cursor.settled)
            room = MAX_WATCHED - len(self._cursor.followed)
            new = [job_id for job_id in newer if job_id not in self._cursor.seqs]
            self._cursor = self._cursor.joined(new[:room])
            # Those that found no place, or were not read, are looked for again.
            rest = new[room : room + 1] or newer[MAX_WATCHED - 1 :]
            until = min([settled, *map(created, rest)])
            self._cursor = self._cursor.settled_until(max(until, self._cursor.settled))
            for job_id in new[:room]:
                self._start(self._pump(job_id, None))
