"""Run broker, worker and API as children of one process; all of them end with it.

    epochald up
    ├── broker   valkey-server on a private unix socket, unless EPOCHAL_BROKER_URL is set
    ├── worker   epochald worker
    └── api      epochald api, or EPOCHAL_API_PROCESSES times epochald api-process

Children start from top to bottom and stop from bottom to top, the API processes together. The main
thread makes all decisions; it handles one event at a time. Other threads only report events:
output, exits, readiness.
"""

import gc
import http.client
import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager, nullcontext, suppress
from dataclasses import dataclass, field
from itertools import groupby
from queue import Empty, SimpleQueue
from threading import Event, Thread

from epochal_service import broker, preflight
from epochal_service.parent_death import killed_with_parent
from epochal_service.settings import Address, Settings, masked

QUICK_EXIT_SECONDS = 3.0
MAX_QUICK_EXITS = 5
MAX_PAUSE_SECONDS = 5.0
OUTPUT_SECONDS = 1.0
API_GRACE_SECONDS = 5.0
NAME_WIDTH = len("worker")
METRICS_FOLDER = "PROMETHEUS_MULTIPROC_DIR"
"""The variable with which `metrics.py` counts in files, for all API processes together."""
# -P: do not import modules, such as a redis.py, from the current folder.
EPOCHALD = (sys.executable, "-P", "-m", "epochal_service")


@dataclass(frozen=True)
class Program:
    """A command to run as a child, and the seconds that it may take to exit after SIGTERM."""

    name: str
    command: Sequence[str]
    grace_seconds: float
    environment: Mapping[str, str]


@dataclass(frozen=True)
class Exited:
    child: "Child"


@dataclass(frozen=True)
class Ready:
    pass


@dataclass(frozen=True)
class Stop:
    pass


Events = SimpleQueue[Exited | Ready | Stop]


class Child:
    """One program, restarted whenever it exits unexpectedly."""

    def __init__(self, program: Program, events: Events, *, prefix: str) -> None:
        self.program = program
        self.restart_at: float | None = None
        self._events = events
        self._prefix = prefix
        self._quick_exits = 0
        self.start()

    def start(self) -> None:
        self.restart_at = None
        self._started_at = time.monotonic()
        self._process = subprocess.Popen(
            killed_with_parent(self.program.command),
            env={**os.environ, **self.program.environment},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            # A separate session: Ctrl-C reaches only the supervisor, which stops children in order.
            start_new_session=True,
        )
        self._lines = Thread(target=self._forward_output, args=(self._process,), daemon=True)
        self._lines.start()
        Thread(target=self._report_exit, args=(self._process,), daemon=True).start()

    def _forward_output(self, process: "subprocess.Popen[bytes]") -> None:
        assert process.stdout is not None
        with process.stdout as lines:
            for line in lines:
                # Keep reading if the terminal is closed: the child would block on a full pipe.
                with suppress(OSError, ValueError):
                    sys.stderr.write(self._prefix + line.decode(errors="replace"))
                    sys.stderr.flush()

    def _report_exit(self, process: "subprocess.Popen[bytes]") -> None:
        process.wait()
        self._events.put(Exited(self))

    @property
    def alive(self) -> bool:
        return self._process.poll() is None

    def terminate(self) -> None:
        if self.alive:
            self._process.terminate()

    def kill(self) -> None:
        """Kill the child and every process that it started."""
        with suppress(ProcessLookupError):
            os.killpg(self._process.pid, signal.SIGKILL)

    def wait(self) -> None:
        """Wait for the exit, and briefly for the rest of the output."""
        self._process.wait()
        self._lines.join(OUTPUT_SECONDS)

    def plan_restart(self) -> None:
        """Schedule the next start. Raises `StartupError` if a restart cannot help."""
        name, code = self.program.name, self._process.returncode
        self.kill()
        if folder := self.program.environment.get(METRICS_FOLDER):
            from prometheus_client.multiprocess import mark_process_dead

            mark_process_dead(self._process.pid, folder)  # type: ignore[no-untyped-call]
        if code == os.EX_CONFIG:
            raise preflight.StartupError(f"the {name} cannot start; its message above says why")
        now = time.monotonic()
        if now - self._started_at >= QUICK_EXIT_SECONDS:
            self._quick_exits = 0
        self._quick_exits += 1
        # A database or a broker may be down for a long time: keep trying.
        if self._quick_exits >= MAX_QUICK_EXITS and code != os.EX_TEMPFAIL:
            raise preflight.StartupError(
                f"the {name} died {self._quick_exits} times within {QUICK_EXIT_SECONDS:g} seconds "
                f"of its start, the last time with {_cause(code)}; its output above says why"
            )
        pause = min(0.1 * 2 ** (self._quick_exits - 1), MAX_PAUSE_SECONDS)
        self.restart_at = now + pause
        _log(f"the {name} died with {_cause(code)}; restarting in {pause:g} s")


def _cause(code: int) -> str:
    return f"exit code {code}" if code >= 0 else signal.Signals(-code).name


def _log(sentence: str) -> None:
    with suppress(OSError):
        sys.stderr.write(f"epochald: {sentence}\n")
        sys.stderr.flush()


def up(settings: Settings) -> None:
    """Run broker, worker and API until SIGINT, SIGTERM or SIGHUP, then stop them in order.

    Raises `StartupError` if a program cannot start or keeps dying.
    """
    settings = preflight.find_ports(settings)
    preflight.prepare_folder(settings)
    preflight.check_broker(settings)
    preflight.prepare_database(settings)
    preflight.require_keys(settings)
    own_broker = nullcontext(None) if settings.broker_url else broker.private_socket()
    with own_broker as socket, _children(settings) as children:
        if socket is not None:
            url = f"unix://{socket}"
            child = children.start("broker", broker.server_command(socket), 2.0)
            children.environment["EPOCHAL_BROKER_URL"] = url
            try:
                broker.wait_until_ready(url, lambda: child.alive)
            except broker.BrokerError as error:
                raise preflight.StartupError(str(error)) from None
        children.start("worker", (*EPOCHALD, "worker"), 8.0)
        _start_api(children, settings)
        with _reporting_ready(settings.http_address, children.events):
            _keep_running(children, settings)


@dataclass(frozen=True)
class _Children:
    """The children of this process, in the order of their start."""

    events: Events
    environment: dict[str, str]
    """What the next child has beside the environment of this process."""
    prefixed: bool
    all: list[Child] = field(default_factory=list)

    def start(self, name: str, command: Sequence[str], grace_seconds: float) -> Child:
        prefix = f"{name:<{NAME_WIDTH}} | " if self.prefixed else ""
        program = Program(name, command, grace_seconds, dict(self.environment))
        self.all.append(Child(program, self.events, prefix=prefix))
        return self.all[-1]


@contextmanager
def _children(settings: Settings) -> Iterator[_Children]:
    """Stop the children at the end of the block. Signals become events."""
    gc.freeze()
    gc.enable()
    environment: dict[str, str] = {
        "EPOCHAL_HTTP_ADDRESS": settings.http_address,
        "EPOCHAL_GRPC_ADDRESS": settings.grpc_address,
        "PYTHONUNBUFFERED": "1",
    }
    events: Events = SimpleQueue()
    children = _Children(events, environment, prefixed=settings.log_format == "console")
    with ExitStack() as stack:
        if settings.api_processes > 1:
            folder = tempfile.TemporaryDirectory(prefix="epochal-metrics-")
            environment[METRICS_FOLDER] = stack.enter_context(folder)
        stack.enter_context(_signals(events))
        stack.callback(_stop, children.all, events)
        yield children


def _start_api(children: _Children, settings: Settings) -> None:
    if settings.api_processes == 1:
        children.start("api", (*EPOCHALD, "api"), API_GRACE_SECONDS)
        return
    for number in range(1, settings.api_processes + 1):
        children.start(f"api {number}", (*EPOCHALD, "api-process"), API_GRACE_SECONDS)


def run_api(settings: Settings) -> None:
    """Run several API processes until SIGINT, SIGTERM or SIGHUP, then stop them.

    Raises `StartupError` if one keeps dying.
    """
    with _children(settings) as children:
        _start_api(children, settings)
        _keep_running(children, settings)


def _keep_running(children: _Children, settings: Settings) -> None:
    while True:
        due = [child.restart_at for child in children.all if child.restart_at is not None]
        timeout = max(0.0, min(due) - time.monotonic()) if due else None
        try:
            event = children.events.get(timeout=timeout)
        except Empty:
            for child in children.all:
                if child.restart_at is not None and child.restart_at <= time.monotonic():
                    child.start()
            continue
        match event:
            case Exited(child):
                child.plan_restart()
            case Ready():
                sys.stdout.write(banner(settings))
                sys.stdout.flush()
            case Stop():
                return


def _stop(children: Sequence[Child], events: Events) -> None:
    """Stop the children in reverse order, those with the same command together.

    A second signal kills all that are left at once.
    """
    for _, same in groupby(reversed(children), key=lambda child: child.program.command):
        stage = list(same)
        for child in stage:
            child.terminate()
        deadline = time.monotonic() + stage[0].program.grace_seconds
        while alive := [child for child in stage if child.alive]:
            try:
                event = events.get(timeout=max(0.0, deadline - time.monotonic()))
            except Empty:
                for child in alive:
                    _log(f"the {child.program.name} did not exit in time and is killed")
                break
            if isinstance(event, Stop):
                for other in children:
                    other.kill()
        for child in stage:
            child.kill()
            child.wait()


@contextmanager
def _signals(events: Events) -> Iterator[None]:
    """Convert signals to `Stop` events until the block ends."""
    names = [signal.SIGINT, signal.SIGTERM]
    # nohup ignores SIGHUP; keep ignoring it.
    if signal.getsignal(signal.SIGHUP) is not signal.SIG_IGN:
        names.append(signal.SIGHUP)
    previous = [signal.signal(name, lambda *_: events.put(Stop())) for name in names]
    try:
        yield
    finally:
        for name, handler in zip(names, previous, strict=True):
            signal.signal(name, handler)


@contextmanager
def _reporting_ready(address: Address, events: Events) -> Iterator[None]:
    """Put `Ready` into the events when the API is ready, unless the block has ended by then."""
    stopped = Event()
    Thread(target=_report_ready, args=(address, events, stopped), daemon=True).start()
    try:
        yield
    finally:
        stopped.set()


def _report_ready(address: Address, events: Events, stopped: Event) -> None:
    while not stopped.wait(0.05):
        # Not urllib, which would use a proxy from the environment.
        connection = http.client.HTTPConnection(address.host, address.port, timeout=5)
        try:
            connection.request("GET", "/readyz")
            if connection.getresponse().status == http.HTTPStatus.OK:
                events.put(Ready())
                return
        except (OSError, http.client.HTTPException):
            continue
        finally:
            connection.close()


def banner(settings: Settings) -> str:
    """Return the text that is printed once everything is ready."""
    path = settings.database_path
    data = masked(settings.database_url) if path is None else path.parent
    return (
        "Epochal is ready.\n"
        f"  page and API   http://{settings.http_address}   (docs at /docs)\n"
        f"  gRPC           {settings.grpc_address}\n"
        f"  data           {data}\n"
        "Ctrl-C stops everything.\n"
    )
