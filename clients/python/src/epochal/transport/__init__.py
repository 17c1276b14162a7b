"""HTTP and gRPC behind one interface: the name and fields of a method in, a plain dict out."""

from __future__ import annotations

import random
from collections.abc import Callable, Generator, Iterator, Mapping
from typing import Any, Protocol
from urllib.parse import urlsplit

from ..errors import EpochalError, MissingDependency

LONGEST_PAUSE_SECONDS = 5.0
# A proxy cannot reach the loopback interface of this machine.
LOOPBACK = ("127.0.0.1", "localhost", "[::1]")

# A suggestion takes about two seconds of the service's time, and waits for others before it.
PATIENCE = {"SuggestJob": 4.0}
"""Multiples of the timeout to wait for the replies of slow methods."""


class Transport(Protocol):
    """A connection to one service. Threads may share it.

    Each method waits at most `timeout` seconds for a reply, or for a stream to open.
    """

    url: str
    is_closed: bool
    sleep: Callable[[float], None]
    """Wait for some seconds, before the next attempt."""

    def call(self, method: str, fields: dict[str, Any], timeout: float) -> dict[str, Any]:
        """Return the reply of `method`, the name of an RPC such as "GetJob".

        Raises the `ApiError` of the service, `ConnectionFailed` or `TimedOut`.
        """
        ...

    def health(self, timeout: float) -> dict[str, Any]:
        """Return the health of the service: a `status`, and over HTTP its `components`."""
        ...

    def watch(
        self,
        job_id: str,
        after: int | None,
        lifetime: float | None,
        timeout: float,
        *,
        parameters: bool = False,
    ) -> Generator[dict[str, Any]]:
        """Yield the events of a job, sweep or experiment after a cursor: `seq`, `type` and data.
        With `parameters`, those of a job have its newest weights.

        Ends when the service closes the stream. Raises `ConnectionFailed` if the connection breaks,
        and `TimedOut` after `lifetime` seconds or without a heartbeat.
        """
        ...

    def watch_jobs(
        self, fields: dict[str, Any], lifetime: float | None, timeout: float
    ) -> Generator[dict[str, Any]]:
        """Yield the events of several jobs: `cursor`, `job`, `seq`, `type` and data.

        Ends and raises as `watch`.
        """
        ...

    def stream(
        self, method: str, fields: dict[str, Any], timeout: float
    ) -> Generator[dict[str, Any]]:
        """Yield the events of `method`, such as "Generate", with `seq`, `type` and data.

        Raises the errors of `call`, and `TimedOut` if nothing arrives for too long.
        """
        ...

    def close(self) -> None:
        """Close the connections."""
        ...


def noun_of(watched_id: str) -> str:
    """Return "Sweep", "Experiment" or "Job", the noun in the names of methods, from the prefix of
    an id.
    """
    return {"sweep": "Sweep", "exp": "Experiment"}.get(watched_id.partition("_")[0], "Job")


def connect(url: str, headers: Mapping[str, str], *, awaited: bool = False) -> Transport:
    """Return the transport for `url`: its scheme is http, https, grpc, or grpcs for gRPC with TLS.

    `headers` are sent with every request, over gRPC as metadata. The first request connects. If it
    is `awaited`, its methods run in greenlets of the event loop.
    """
    parts = urlsplit(url)
    if parts.hostname and parts.scheme in ("http", "https"):
        from .http import HttpTransport

        if awaited:
            from .awaited import Pool, sleep

            return HttpTransport(url, headers, Pool(url), sleep)
        return HttpTransport(url, headers)
    if parts.hostname and parts.scheme in ("grpc", "grpcs"):
        try:
            from .grpc import GrpcTransport
        except ImportError as missing:
            raise MissingDependency(
                f"{url} needs gRPC, which is not installed. "
                "Install it: pip install grpcio grpcio-status protobuf"
            ) from missing
        if awaited:
            from .awaited import Channels, sleep

            return GrpcTransport(url, headers, Channels, sleep)
        return GrpcTransport(url, headers)
    raise EpochalError(
        f"{url!r} is not an address of Epochal. Write http://host:port or grpc://host:port, "
        "for example http://127.0.0.1:8000"
    )


def pauses(longest: float = LONGEST_PAUSE_SECONDS) -> Iterator[float]:
    """Yield the seconds to wait before each retry: .1, .2, .4 … with a jitter of 25 percent.

    The jitter keeps many clients from retrying at the same instant.
    """
    pause = 0.1
    while True:
        yield pause * random.uniform(0.75, 1.25)
        pause = min(2 * pause, longest)
