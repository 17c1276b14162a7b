"""The way in: one client for one service, over either wire."""

from __future__ import annotations

import os
from types import TracebackType
from typing import Any, Self

from .datasets import Datasets
from .jobs import Jobs
from .journey import Journey
from .networks import Networks
from .records import read
from .session import Session
from .simulations import Simulations
from .sweeps import Sweeps
from .system import Health, Limits, Version
from .transport import connect

DEFAULT_URL = "http://127.0.0.1:8000"


class Client:
    """Speaks to one Epochal service.

    `base_url` is `http://host:port`, `https://…` or `grpc://host:port`; without it the environment
    variable `EPOCHAL_URL` is taken, and without that `http://127.0.0.1:8000`. `timeout` is how many
    seconds one answer may take; `retries` how often a call that may be repeated is repeated while
    the service is out of reach. Close it, or use it as a context manager; it is safe to share
    between threads.

    Any call may raise `ConnectionFailed` where nobody answers, `TimedOut` where no answer comes in
    time, and `Unavailable` where the service cannot work; what else it may raise, it says itself.
    """

    def __init__(
        self, base_url: str | None = None, *, timeout: float = 30.0, retries: int = 4
    ) -> None:
        url = base_url or os.environ.get("EPOCHAL_URL") or DEFAULT_URL
        self._session = Session(connect(url, timeout), retries)
        self.jobs = Jobs(self._session)
        self.sweeps = Sweeps(self._session)
        self.networks = Networks(self._session)
        self.datasets = Datasets(self._session)
        self.journey = Journey(self._session)
        self.simulate = Simulations(self._session)

    @property
    def base_url(self) -> str:
        """The address that it speaks to."""
        return self._session.transport.url

    def preset(self, name: str) -> dict[str, Any]:
        """The spec of a ready job, yours to change. Raises `NotFound`.

        >>> client.preset("xor")["dataset"]
        {'name': 'xor'}
        """
        return self.journey.preset(name).spec

    def limits(self) -> Limits:
        """The most that one request may ask for.

        >>> client.limits()["max_variants"]
        64.0
        """
        return read(Limits, self._session.call("GetLimits", {}))

    def version(self) -> Version:
        """What answers, and what its numbers depend on."""
        return read(Version, self._session.call("GetVersion", {}))

    def ready(self) -> Health:
        """Whether the service can work now; false in a condition if it cannot.

        Raises `ConnectionFailed` where nobody answers.
        """
        return read(Health, self._session.transport.ready())

    def close(self) -> None:
        """Gives back the connections; the client is of no use afterwards."""
        self._session.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.close()

    def __repr__(self) -> str:
        return f"Client({self.base_url!r})"
