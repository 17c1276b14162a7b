"""A stream across several connections: it continues from the last cursor until the job is over.

open after cursor -> frames -> end -> stop
      ^                |
      +--- pause <-----+ disconnected, silent, or closed without an end
"""

from __future__ import annotations

import time
from collections.abc import Generator
from contextlib import closing
from typing import Any

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
    cursor, pause = after, pauses()
    started = time.monotonic()
    lost_at: float | None = None
    while True:
        remaining = None if timeout is None else started + timeout - time.monotonic()
        if remaining is not None and remaining <= 0:
            raise TimedOut(f"{job_id} was not over after {timeout:g} seconds")
        failure: Exception = ConnectionFailed(session.transport.url, "the stream was closed")
        try:
            opened = session.transport.watch(
                job_id, cursor, remaining, session.timeout, parameters=parameters
            )
            with closing(opened) as frames:
                for frame in frames:
                    lost_at = None
                    if frame["type"] == "heartbeat":
                        continue
                    cursor, pause = frame["seq"], pauses()
                    yield frame
                    if frame["type"] == "end":
                        return
            # Closed without an end: the service shuts down, or the cursor is at the end already.
            if _is_over(session.call(f"Get{noun_of(job_id)}", {"id": job_id}), cursor):
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
