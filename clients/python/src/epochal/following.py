"""A stream across several connections: it continues from the last cursor until the job is over.

open after cursor -> frames -> end -> stop
      ^                |
      +--- pause <-----+ disconnected, silent, or closed without an end
"""

from __future__ import annotations

import time
from collections.abc import Callable, Collection, Generator
from contextlib import closing
from typing import Any, NamedTuple

from .errors import ConnectionFailed, QuotaExceeded, TimedOut, Unavailable
from .session import Session
from .transport import noun_of, pauses

GIVE_UP_SECONDS = 60.0
TERMINAL = frozenset({"succeeded", "failed", "cancelled"})


def follow(
    session: Session,
    job_id: str,
    after: int | None,
    *,
    give_up_after: float = GIVE_UP_SECONDS,
    timeout: float | None = None,
    parameters: bool = False,
) -> Generator[dict[str, Any]]:
    """Yield every frame of the stream of a job, sweep or experiment after a cursor, in order, once,
    to its end.

    Reconnects, and raises the last error after `give_up_after` seconds without a connection.
    Raises `TimedOut` after `timeout` seconds in all, and `NotFound`.
    """

    def open_stream(cursor: int | None, seconds: float | None) -> Generator[dict[str, Any]]:
        return session.transport.watch(
            job_id, cursor, seconds, session.timeout, parameters=parameters
        )

    def is_over(cursor: int | None) -> bool:
        return _is_over(session.call(f"Get{noun_of(job_id)}", {"id": job_id}), cursor)

    stream = _Stream(job_id, open_stream, is_over, "seq")
    with closing(_frames(session, stream, after, give_up_after, timeout)) as frames:
        for frame in frames:
            yield frame
            if frame["type"] == "end":
                return


def follow_jobs(
    session: Session,
    job_ids: Collection[str],
    label: str | None,
    *,
    give_up_after: float = GIVE_UP_SECONDS,
    timeout: float | None = None,
) -> Generator[dict[str, Any]]:
    """Yield the frames of given jobs to their ends, or of those with a label, or of all, forever.

    Reconnects and raises as `follow`.
    """
    remaining = {*job_ids}

    def open_stream(cursor: str | None, seconds: float | None) -> Generator[dict[str, Any]]:
        fields = {"jobs": [*job_ids], "label": label, "after": cursor}
        return session.transport.watch_jobs(fields, seconds, session.timeout)

    def is_over(cursor: str | None) -> bool:
        return bool(job_ids) and not remaining

    stream = _Stream("One of the jobs", open_stream, is_over, "cursor")
    with closing(_frames(session, stream, None, give_up_after, timeout)) as frames:
        for frame in frames:
            if frame["type"] in ("end", "left"):
                remaining.discard(frame["job"])
            yield frame
            if is_over(None):
                return


class _Stream(NamedTuple):
    """How to open a stream again."""

    subject: str
    open: Callable[[Any, float | None], Generator[dict[str, Any]]]
    """Opens it at a cursor, for some seconds."""
    is_over: Callable[[Any], bool]
    """Whether nothing comes after a cursor."""
    cursor: str
    """The field of a frame that has the cursor."""


def _frames(
    session: Session,
    stream: _Stream,
    after: Any,
    give_up_after: float,
    timeout: float | None,
) -> Generator[dict[str, Any]]:
    """Yield the frames of a stream across several connections."""
    cursor, pause = after, pauses()
    started = time.monotonic()
    lost_at: float | None = None
    while True:
        remaining = None if timeout is None else started + timeout - time.monotonic()
        if remaining is not None and remaining <= 0:
            raise TimedOut(f"{stream.subject} was not over after {timeout:g} seconds")
        failure: Exception = ConnectionFailed(session.transport.url, "the stream was closed")
        try:
            with closing(stream.open(cursor, remaining)) as frames:
                for frame in frames:
                    lost_at = None
                    if frame["type"] == "heartbeat":
                        continue
                    cursor, pause = frame[stream.cursor], pauses()
                    yield frame
            # Closed without an end: the service shuts down, or the cursor is at the end already.
            if stream.is_over(cursor):
                return
        except (ConnectionFailed, QuotaExceeded, TimedOut, Unavailable) as error:
            failure = error
        now = time.monotonic()
        lost_at = lost_at or now
        if now - lost_at >= give_up_after:
            raise failure
        seconds = next(pause)
        if timeout is not None:
            seconds = max(0, min(seconds, started + timeout - now))
        session.transport.sleep(seconds)


def _is_over(job: dict[str, Any], cursor: int | None) -> bool:
    return job.get("state") in TERMINAL and cursor is not None and cursor >= (job.get("seq") or 0)
