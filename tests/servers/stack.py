"""A whole Epochal that the tests start themselves: API, worker and broker as real processes."""

import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import Literal, Protocol

import psutil
import pytest
from tests.servers.postgres import PostgresServer, free_port
from tests.servers.tables import create_tables

READY_SECONDS = 120.0
STOP_SECONDS = 60.0


def await_condition(condition: Callable[[], object], seconds: float, what: str) -> None:
    """Return as soon as `condition()` is true; fails with `what` after `seconds`."""
    deadline = time.monotonic() + seconds
    # Short waits end at once, and long ones leave the processor to others.
    pause = 0.005
    while not condition():
        if time.monotonic() > deadline:
            pytest.fail(f"{what}: not within {seconds:g} s", pytrace=False)
        time.sleep(pause)
        pause = min(0.05, 1.5 * pause)


def environment(settings: Mapping[str, object]) -> dict[str, str]:
    """This process's environment with these settings and no others.

    `{"flush_seconds": 0.1, "limits": {"max_epochs": 5}}` gives `EPOCHAL_FLUSH_SECONDS` and
    `EPOCHAL_LIMITS__MAX_EPOCHS`.
    """
    # `EPOCHAL_ENGINE=python make test` tests that engine in services as well.
    variables = {
        k: v
        for k, v in os.environ.items()
        if not k.upper().startswith("EPOCHAL_") or k == "EPOCHAL_ENGINE"
    }
    for name, value in settings.items():
        if isinstance(value, Mapping):
            inner = {f"{name}__{key}": item for key, item in value.items()}
        else:
            inner = {name: value}
        variables |= {f"EPOCHAL_{key.upper()}": str(item) for key, item in inner.items()}
    return variables


class Stack:
    """One running `epochald up` in its own folder, on ports that were free before.

    `http` is its URL, `grpc` its `host:port`; both stay the same when the API is restarted.

    With `keys`, the options of `epochald keys create`, requests need a key; `keys` has what each
    command prints. Its database is one of an earlier start, unless this is the `first_start`.
    """

    http: str
    grpc: str

    def __init__(
        self,
        folder: Path,
        database_url: str,
        settings: Mapping[str, object],
        keys: Sequence[Sequence[str]] = (),
        *,
        first_start: bool = False,
    ) -> None:
        self.data_dir = folder / "data"
        self.database_url = database_url
        self.log = folder / "epochald.log"
        self.environment = environment(
            {
                "http_address": f"127.0.0.1:{free_port()}",
                "grpc_address": f"127.0.0.1:{free_port()}",
                "data_dir": self.data_dir,
                "database_url": database_url,
                "workers": 2,
                **({"require_keys": True} if keys else {}),
                **settings,
            }
        )
        # Files that a killed supervisor leaves there go with the folder of the test.
        self.environment["TMPDIR"] = str(folder)
        self._folder = folder
        if not first_start:
            if database_url.startswith("sqlite"):
                self.data_dir.mkdir()
            create_tables(database_url, calibrated=True)
        self.keys = [self.run("keys", "create", *options).strip() for options in keys]
        self.start()

    def start(self) -> None:
        """Start it and return when it says that it is ready."""
        with self.log.open("ab") as log:
            before = log.tell()
            self.process = subprocess.Popen(
                [sys.executable, "-P", "-m", "epochal_service", "up"],
                cwd=self._folder,
                env=self.environment,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
            )

        def banner() -> re.Match[str] | None:
            if self.process.poll() is not None:
                pytest.fail(f"epochald up left with {self.process.returncode}\n{self.log_tail()}")
            text = self.log.read_bytes()[before:].decode()
            return re.search(r"page and API +(\S+)[^\n]*\n +gRPC +(\S+)\n(?s:.*)Ctrl-C", text)

        try:
            await_condition(banner, READY_SECONDS, "epochald up is ready")
        except BaseException:
            self.stop()
            raise
        row = banner()
        assert row is not None
        self.http, self.grpc = row.groups()

    def run(self, *command: str) -> str:
        """Run another `epochald` command with the same settings; returns what it prints."""
        done = self._run(*command)
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    def refusal(self, *command: str) -> str:
        """Run a command that does not succeed; returns what it prints to stderr."""
        done = self._run(*command)
        assert done.returncode != 0, done.stdout
        return done.stderr

    def _run(self, *command: str) -> "subprocess.CompletedProcess[str]":
        return subprocess.run(
            [sys.executable, "-P", "-m", "epochal_service", *command],
            cwd=self._folder,
            env=self.environment,
            capture_output=True,
            text=True,
        )

    def children(self, name: str) -> list[psutil.Process]:
        """The children of the supervisor with a title that ends with this name."""
        row = []
        for child in psutil.Process(self.process.pid).children():
            try:
                words = " ".join(child.cmdline()).split()
                if words[-1:] == [name] or (name == "broker" and "-server" in child.name()):
                    row.append(child)
            except psutil.NoSuchProcess:
                continue
        return row

    def pid(self, name: Literal["api", "worker", "broker"]) -> int:
        """The process id of a child of the supervisor, which restarts it when it dies."""
        await_condition(lambda: self.children(name), READY_SECONDS, f"a process named {name}")
        return self.children(name)[0].pid

    def worker_pids(self) -> list[int]:
        """The processes that train, in the order of their start; empty while a worker starts."""
        pids = []
        for worker in self.children("worker"):
            try:
                pids += [child.pid for child in worker.children()]
            except psutil.NoSuchProcess:
                continue
        return sorted(pids)

    def kill(
        self, name: Literal["api", "worker", "broker"], number: signal.Signals = signal.SIGKILL
    ) -> None:
        """Send a child a signal; returns when the supervisor has started the next one."""
        pid = self.pid(name)
        os.kill(pid, number)
        await_condition(
            lambda: [child for child in self.children(name) if child.pid != pid],
            READY_SECONDS,
            f"another {name}",
        )

    def kill_worker(self) -> None:
        """`kill -9` the whole worker, its pool with it; the supervisor starts another."""
        self.kill("worker")

    def restart_api(self) -> None:
        """`kill -9` the API; returns when the next one says that it is ready."""
        self.kill("api")
        await_condition(self.ready, READY_SECONDS, "the API is ready again")

    def terminate_api(self) -> None:
        """SIGTERM the API; returns when the next one says that it is ready."""
        self.kill("api", signal.SIGTERM)
        await_condition(self.ready, READY_SECONDS, "the API is ready again")

    def ready(self) -> bool:
        """Whether `/readyz` answers 200 now."""
        import httpx2

        try:
            # Reading the certificates of the system would take most of the time.
            url = f"{self.http}/readyz"
            return httpx2.get(url, timeout=5, trust_env=False, verify=False).is_success
        except httpx2.TransportError:
            return False

    def log_tail(self, lines: int = 200) -> str:
        """The last lines that the supervisor and its children wrote."""
        return "\n".join(self.log.read_text(errors="replace").splitlines()[-lines:])

    def stop(self) -> int:
        """SIGTERM, and SIGKILL where that is not enough; returns the exit code."""
        if self.process.poll() is None:
            self.process.terminate()
        try:
            return self.process.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            self.process.kill()
            return self.process.wait()


class MakeStack(Protocol):
    """`make_stack(database="postgresql", keys=[["laptop"]], limits={"max_epochs": 5})`."""

    def __call__(
        self,
        database: Literal["sqlite", "postgresql"] = "sqlite",
        *,
        keys: Sequence[Sequence[str]] = (),
        first_start: bool = False,
        **settings: object,
    ) -> Stack: ...


_running: list[Stack] = []


def _make(
    scope: ExitStack, request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> MakeStack:
    def make_stack(
        database: Literal["sqlite", "postgresql"] = "sqlite",
        *,
        keys: Sequence[Sequence[str]] = (),
        first_start: bool = False,
        **settings: object,
    ) -> Stack:
        folder = tmp_path_factory.mktemp("stack")
        if database == "sqlite":
            url = f"sqlite:///{folder}/data/epochal.db"
        else:
            server: PostgresServer = request.getfixturevalue("postgres_server")
            url = scope.enter_context(server.database() if first_start else server.tables())
        stack = Stack(folder, url, settings, keys, first_start=first_start)
        _running.append(stack)
        scope.callback(_running.remove, stack)
        scope.callback(stack.stop)
        return stack

    return make_stack


@pytest.fixture
def make_stack(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[MakeStack]:
    """Starts an Epochal for this test alone: `make_stack(database="postgresql", workers=1)`."""
    with ExitStack() as scope:
        yield _make(scope, request, tmp_path_factory)


@pytest.fixture(scope="module")
def module_stack(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[MakeStack]:
    """The same for a file with tests that share their services."""
    with ExitStack() as scope:
        yield _make(scope, request, tmp_path_factory)


@pytest.fixture(scope="session")
def session_stack(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[MakeStack]:
    """The same for files that share what they start."""
    with ExitStack() as scope:
        yield _make(scope, request, tmp_path_factory)


@pytest.fixture(scope="session")
def stack(session_stack: MakeStack) -> Stack:
    """The session's Epochal on SQLite, shared: leave it running and expect others' jobs in it."""
    return session_stack()


def attach_logs(item: pytest.Item, report: pytest.TestReport) -> None:
    """Add the log of every running Epochal that a failed test used to its report."""
    used = {"make_stack", "module_stack", "session_stack"} & set(getattr(item, "fixturenames", ()))
    if report.failed and used:
        report.sections += [(f"log of Epochal at {s.http}", s.log_tail()) for s in _running]
