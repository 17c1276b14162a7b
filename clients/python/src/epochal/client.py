"""The client of one service, over HTTP or gRPC."""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping
from copy import copy
from types import TracebackType
from typing import Any, Self

from .course import Course
from .credentials import saved_key
from .datasets import Datasets
from .exercises import Exercises
from .experiments import Experiments
from .files import Source
from .jobs import Job, Jobs
from .keys import Keys
from .models import Models
from .networks import Networks
from .records import read
from .session import Session
from .sweeps import Sweeps
from .transport import Transport, connect
from .types import Health, Limits, Usage, Version, Worker, Workers

DEFAULT_URL = "http://127.0.0.1:8000"


class Client:
    """A client of one Epochal service.

    `base_url` is `http://host:port`, `https://…`, `grpc://host:port` or, with TLS,
    `grpcs://host:port`; the default is the environment variable `EPOCHAL_URL`, or else
    `http://127.0.0.1:8000`. `timeout` is the number of seconds to wait for one reply, four times as
    long for a suggestion; `retries` the number of times to repeat a request while the service is
    unavailable. `api_key` is needed by a service that other machines can reach; the default is the
    environment variable `EPOCHAL_API_KEY`, or else the key that `epochal login` saved for the
    address. `default_headers` are sent with every request, over gRPC as metadata. Close the client,
    or use it as a context manager. Threads may share it.

    Every call may raise `ConnectionFailed` if no service answers, `TimedOut` if no reply arrives in
    time, and `Unavailable` if the service cannot answer now. The docstrings list all other errors.
    """

    def __init__(
        self,
        base_url: str | None = None,
        *,
        timeout: float = 30.0,
        retries: int = 4,
        api_key: str | None = None,
        default_headers: Mapping[str, str] | None = None,
    ) -> None:
        url = base_url or os.environ.get("EPOCHAL_URL") or DEFAULT_URL
        headers = dict(default_headers or {})
        if key := api_key or os.environ.get("EPOCHAL_API_KEY") or saved_key(url):
            headers["Authorization"] = f"Bearer {key}"
        self._use(Session(self._connect(url, headers), timeout, retries))

    def _connect(self, url: str, headers: Mapping[str, str]) -> Transport:
        return connect(url, headers)

    def _use(self, session: Session) -> None:
        self._session = session
        self.jobs = Jobs(self._session)
        self.sweeps = Sweeps(self._session)
        self.experiments = Experiments(self._session)
        self.exercises = Exercises(self._session)
        self.models = Models(self._session)
        self.networks = Networks(self._session)
        self.datasets = Datasets(self._session)
        self.course = Course(self._session)
        self.keys = Keys(self._session)

    def with_options(self, *, timeout: float | None = None, retries: int | None = None) -> Self:
        """Return a client with another `timeout` or number of `retries`.

        It shares the connections of this one, and closes with it.

        >>> patient = client.with_options(timeout=300)
        """
        session = self._session
        other = copy(self)
        other._use(
            Session(
                session.transport,
                session.timeout if timeout is None else timeout,
                session.retries if retries is None else retries,
            )
        )
        return other

    @property
    def base_url(self) -> str:
        """The address of the service."""
        return self._session.transport.url

    def preset(self, name: str) -> dict[str, Any]:
        """Return the spec of a preset, a ready job. Raises `NotFound`.

        >>> client.preset("xor")["dataset"]
        {'name': 'xor'}
        """
        return self.course.preset(name).spec

    def train(
        self,
        source: Source,
        *,
        target: str | None = None,
        quiet: bool = False,
    ) -> Job:
        """Train a network on a file with suggested settings, and return the job when it is over.

        `source` and `target` are as for `client.datasets.upload`. Missing values are filled. The
        job has the name of the file. Progress goes to standard error if that is a terminal, unless
        `quiet`. To change the settings, use `client.datasets.suggest`. Raises `InvalidArgument` for
        an invalid file, and `OSError` if it cannot be read.

        >>> job = client.train("x,y\\n" + "\\n".join(f"{x},{2 * x}.5" for x in range(50)))
        >>> job.state
        'succeeded'
        """
        dataset = self.datasets.upload(source, target=target, missing="auto")
        job = self.jobs.create(self.datasets.suggest(dataset).spec)
        shown = not quiet and sys.stderr.isatty()
        for _ in job.watch():
            if shown:
                sys.stderr.write(f"\r{job!r}\033[K")
        if shown:
            sys.stderr.write("\n")
        return job.refresh()

    def limits(self) -> Limits:
        """Return the limits of one request.

        >>> client.limits()["max_variants"]
        64.0
        """
        return read(Limits, self._session.call("GetLimits", {}))

    def usage(self) -> Usage:
        """Return what the owner of the API key uses of each quota.

        >>> client.usage()["max_running_jobs"] < 100
        True
        """
        return read(Usage, self._session.call("GetUsage", {}))

    def version(self) -> Version:
        """Return the versions of the service and of the software that its numbers depend on."""
        return read(Version, self._session.call("GetVersion", {}))

    def workers(self) -> tuple[Worker, ...]:
        """Return the processes that train jobs, the last started ones first.

        A service that needs API keys asks for one with the scope `admin`: raises `Forbidden`.

        >>> {worker.state for worker in client.workers()} <= {"idle", "busy", "lost"}
        True
        """
        return read(Workers, self._session.call("ListWorkers", {})).workers

    def health(self) -> Health:
        """Return the health of the service; it is false in a condition if the service is down.

        Raises `ConnectionFailed` if no service answers.
        """
        return read(Health, self._session.transport.health(self._session.timeout))

    def close(self) -> None:
        """Close the connections. The client cannot be used afterwards."""
        self._session.transport.close()

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
