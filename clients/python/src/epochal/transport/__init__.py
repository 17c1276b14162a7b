"""The two wires behind one small interface: a method's name and fields in, a plain dict out."""

from __future__ import annotations

import random
import time
from collections.abc import Generator, Iterator
from typing import Any, Protocol
from urllib.parse import urlsplit

from ..errors import ConnectionFailed, EpochalError, MissingDependency, NotFound, Unavailable

LONGEST_PAUSE_SECONDS = 5.0
# A proxy of the environment cannot reach this machine's own loopback.
LOOPBACK = ("127.0.0.1", "localhost", "[::1]")


class Transport(Protocol):
    """One wire to one service. Safe to share between threads."""

    url: str

    def call(self, method: str, fields: dict[str, Any]) -> dict[str, Any]:
        """One answer from `method`, an RPC's name such as "GetJob".

        Raises the `ApiError` that the service tells, `ConnectionFailed` or `TimedOut`.
        """
        ...

    def ready(self) -> dict[str, Any]:
        """Whether the service can work now: a `status`, and its `components` if they are told."""
        ...

    def watch(
        self, job_id: str, after: int | None, lifetime: float | None
    ) -> Generator[dict[str, Any]]:
        """Events of a job or sweep after a cursor, each with `seq`, `type` and what the type tells.

        Ends when the service closes the stream; raises `ConnectionFailed` when it is cut and
        `TimedOut` after `lifetime` seconds, or when nothing, not even a heartbeat, was heard.
        """
        ...

    def close(self) -> None:
        """Give back the connections."""
        ...


def noun_of(watched_id: str) -> str:
    """ "Sweep" or "Job", as the names of methods have it: the id begins with the word."""
    return "Sweep" if watched_id.startswith("sweep_") else "Job"


def connect(url: str, timeout: float) -> Transport:
    """The transport for `url`: `http://`, `https://` or `grpc://`, a host and a port.

    `timeout` is how many seconds one answer may take. No connection is made yet.
    """
    parts = urlsplit(url)
    if parts.hostname and parts.scheme in ("http", "https"):
        from .http import HttpTransport

        return HttpTransport(url, timeout)
    if parts.hostname and parts.scheme == "grpc":
        try:
            from .grpc import GrpcTransport
        except ImportError as missing:
            raise MissingDependency(
                f"{url} needs gRPC, which is not installed; "
                'install it with: pip install "epochal[grpc]"'
            ) from missing
        return GrpcTransport(url, timeout)
    raise EpochalError(
        f"{url!r} is not an address of Epochal; write http://host:port or grpc://host:port, "
        "for example http://127.0.0.1:8000"
    )


def pauses(longest: float = LONGEST_PAUSE_SECONDS) -> Iterator[float]:
    """Seconds to wait before each further attempt: .1, .2, .4 … each give or take a quarter.

    The chance in it keeps many clients from coming back at the same instant.
    """
    pause = 0.1
    while True:
        yield pause * random.uniform(0.75, 1.25)
        pause = min(2 * pause, longest)


def call(transport: Transport, method: str, fields: dict[str, Any], retries: int) -> dict[str, Any]:
    """The answer of `method`, asked again up to `retries` times while the service is out of reach.

    A call is repeated when the connection fails and when the service says that it is unavailable;
    the pause that it asks for is kept, up to 5 seconds. What makes something carries a key, so that
    none is made twice.
    """
    pause = pauses()
    for attempt in range(retries + 1):
        try:
            return transport.call(method, fields)
        except (ConnectionFailed, Unavailable) as failure:
            if attempt == retries:
                raise
            asked = failure.retry_after if isinstance(failure, Unavailable) else 0.0
            time.sleep(min(max(next(pause), asked), LONGEST_PAUSE_SECONDS))
        except NotFound:
            # An earlier attempt may have deleted it and lost the answer.
            if attempt and method.startswith("Delete"):
                return {}
            raise
    raise AssertionError("range(retries + 1) is never empty")
