"""Run broker, worker and API as children of one process; all of them end with it.

    epochald up       imports what worker and API need
    ├── broker        valkey-server on a private unix socket, unless EPOCHAL_BROKER_URL is set
    ├── worker        a fork that runs `epochald worker`
    └── api           a fork that runs `epochald api`, or several with `epochald api-process`

Children start from top to bottom and stop from bottom to top, the API processes together. The
supervisor has one thread, so that it can fork at any time. It waits for output, exits and signals
in one place, and handles one event at a time.
"""

import ctypes
import gc
import http.client
import multiprocessing
import os
import signal
import sys
import time
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager, nullcontext, suppress
from dataclasses import dataclass
from functools import partial
from importlib import import_module
from itertools import groupby
from pathlib import Path
from select import PIPE_BUF, select

from epochal_service import broker
from epochal_service.daemon import preflight
from epochal_service.processes.parent_death import die_with_parent
from epochal_service.processes.temporary import temporary_folder
from epochal_service.settings import Address, Settings, masked

QUICK_EXIT_SECONDS = 3.0
MAX_QUICK_EXITS = 5
MAX_PAUSE_SECONDS = 5.0
OUTPUT_SECONDS = 1.0
READY_SECONDS = 0.05
API_GRACE_SECONDS = 5.0
NAME_WIDTH = len("worker")
METRICS_FOLDER = "PROMETHEUS_MULTIPROC_DIR"
"""The variable with which `metrics.py` counts in files, for all API processes together."""
STDIN, STDOUT, STDERR = 0, 1, 2

Epochald = Callable[[Sequence[str]], None]
"""Runs a command of `epochald` in this process."""


@dataclass(frozen=True)
class Program:
    """The function that a child runs, and the seconds that it may take to exit after SIGTERM."""

    name: str
    run: Callable[[], object]
    grace_seconds: float

    @property
    def kind(self) -> str:
        """The name without a number."""
        return self.name.partition(" ")[0]


@dataclass(frozen=True)
class Exited:
    child: "Child"


@dataclass(frozen=True)
class Stop:
    pass


class Child:
    """One program, restarted whenever it exits unexpectedly."""

    def __init__(self, program: Program, *, prefix: str = "") -> None:
        self.program = program
        self.output: int | None = None
        self._prefix = prefix.encode()
        self._quick_exits = 0
        self.start()

    def start(self) -> None:
        self.restart_at: float | None = None
        self.exit_reported = False
        self.close_output()
        self._line = b""
        self._started_at = time.monotonic()
        self.output, output = os.pipe()
        # The supervisor has no other thread, and no connection to a database or a broker.
        self._process = multiprocessing.get_context("fork").Process(
            target=_become, args=(self.program, output, os.getpid())
        )
        # The child inherits the handlers of signals: none may arrive before it has its own.
        signal.pthread_sigmask(signal.SIG_BLOCK, _SIGNALS)
        try:
            self._process.start()
        finally:
            signal.pthread_sigmask(signal.SIG_UNBLOCK, _SIGNALS)
            os.close(output)

    def read_output(self) -> bytes:
        """Return the lines that have arrived. The output is closed at its end."""
        assert self.output is not None
        text = os.read(self.output, 2**16)
        if not text:
            self.close_output()
        *lines, self._line = (self._line + text).split(b"\n")
        whole = b"".join(self._prefix + line + b"\n" for line in lines)
        if text or not self._line:
            return whole
        return whole + self._prefix + self._line

    def close_output(self) -> None:
        if self.output is not None:
            os.close(self.output)
            self.output = None

    @property
    def pid(self) -> int:
        assert self._process.pid is not None
        return self._process.pid

    @property
    def alive(self) -> bool:
        return self._process.exitcode is None

    def terminate(self) -> None:
        if self.alive:
            self._process.terminate()

    def kill(self) -> None:
        """Kill the child and every process that it started."""
        with suppress(ProcessLookupError):
            os.killpg(self.pid, signal.SIGKILL)
        self._process.kill()  # it may not be the leader of its group yet

    def wait(self) -> None:
        self._process.join()

    def plan_restart(self) -> str:
        """Schedule the next start, and return a sentence about it.

        Raises `StartupError` if a restart cannot help.
        """
        name, code = self.program.name, self._process.exitcode
        assert code is not None
        self.kill()
        if folder := os.environ.get(METRICS_FOLDER):
            from prometheus_client.multiprocess import mark_process_dead

            mark_process_dead(self.pid, folder)  # type: ignore[no-untyped-call]
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
        return f"the {name} died with {_cause(code)}; restarting in {pause:g} s"


def _cause(code: int) -> str:
    return f"exit code {code}" if code >= 0 else signal.Signals(-code).name


def _become(program: Program, output: int, parent: int) -> None:
    """Run a program in a process that was forked for it."""
    # A separate session: Ctrl-C reaches only the supervisor, which stops children in order.
    os.setsid()
    die_with_parent(parent)
    with open(os.devnull) as nothing:
        os.dup2(nothing.fileno(), STDIN)
    os.dup2(output, STDOUT)
    os.dup2(output, STDERR)
    signal.set_wakeup_fd(-1)
    for number in _SIGNALS:
        if signal.getsignal(number) is not signal.SIG_IGN:
            signal.signal(number, signal.SIG_DFL)
    signal.pthread_sigmask(signal.SIG_UNBLOCK, _SIGNALS)
    program.run()


class Children:
    """The children of this process, in the order of their start, and their ends.

    Their output goes to stderr. Only `next_event` waits, and never for a terminal that has stopped.
    """

    def __init__(self, signals: int, *, prefixed: bool) -> None:
        self._signals = signals
        self._prefixed = prefixed
        self.all: list[Child] = []
        self._events: deque[Exited | Stop] = deque()
        self._unwritten = bytearray()

    def start(self, name: str, run: Callable[[], object], grace_seconds: float) -> Child:
        """Start a child."""
        prefix = f"{name:<{NAME_WIDTH}} | " if self._prefixed else ""
        self.all.append(Child(Program(name, run, grace_seconds), prefix=prefix))
        return self.all[-1]

    def log(self, sentence: str) -> None:
        """Write a sentence to stderr."""
        self._unwritten += f"epochald: {sentence}\n".encode()

    def next_event(self, timeout: float | None) -> Exited | Stop | None:
        """Return what happens next; None if nothing happens within `timeout` seconds."""
        deadline = None if timeout is None else time.monotonic() + timeout
        while not self._events:
            left = None if deadline is None else max(0.0, deadline - time.monotonic())
            self.forward(left)
            if left == 0.0:
                break
        return self._events.popleft() if self._events else None

    def forward(self, timeout: float | None) -> None:
        """Wait for a signal or output, and take it. More output is taken when stderr takes it."""
        outputs = {child.output: child for child in self.all if child.output is not None}
        sources = [self._signals] if self._unwritten else [self._signals, *outputs]
        readable, writable, _ = select(sources, [STDERR] if self._unwritten else [], [], timeout)
        for source in readable:
            if source == self._signals:
                self._take_signals()
            else:
                self._unwritten += outputs[source].read_output()
        if writable:
            try:
                written = os.write(STDERR, self._unwritten[:PIPE_BUF])
            except OSError:  # the terminal is closed; the children must be able to write
                written = len(self._unwritten)
            del self._unwritten[:written]

    def _take_signals(self) -> None:
        for number in os.read(self._signals, 2**10):
            if number != signal.SIGCHLD:
                self._events.append(Stop())
        for child in self.all:
            if not child.exit_reported and not child.alive:
                child.exit_reported = True
                self._events.append(Exited(child))

    def keep_running(self, announced: Settings | None = None) -> None:
        """Restart children until a signal asks to stop. Print the banner when the API is ready."""
        look_at = None if announced is None else time.monotonic()
        while True:
            due = [child.restart_at for child in self.all if child.restart_at is not None]
            times = due if look_at is None else [*due, look_at]
            event = self.next_event(max(0.0, min(times) - time.monotonic()) if times else None)
            match event:
                case Exited(child):
                    self.log(child.plan_restart())
                case Stop():
                    return
            now = time.monotonic()
            for child in self.all:
                if child.restart_at is not None and child.restart_at <= now:
                    child.start()
            if announced is not None and look_at is not None and look_at <= now:
                look_at = now + READY_SECONDS
                if _answers(announced.http_address):
                    sys.stdout.write(banner(announced))
                    sys.stdout.flush()
                    look_at = None

    def stop(self) -> None:
        """Stop the children in reverse order, API processes together.

        A second signal kills all that are left at once.
        """
        for _, same in groupby(reversed(self.all), key=lambda child: child.program.kind):
            stage = list(same)
            for child in stage:
                child.terminate()
            deadline = time.monotonic() + stage[0].program.grace_seconds
            while alive := [child for child in stage if child.alive]:
                event = self.next_event(max(0.0, deadline - time.monotonic()))
                if event is None:
                    for child in alive:
                        self.log(f"the {child.program.name} did not exit in time and is killed")
                    break
                if isinstance(event, Stop):
                    for other in self.all:
                        other.kill()
            for child in stage:
                child.kill()
                child.wait()
        self._flush(OUTPUT_SECONDS)

    def _flush(self, seconds: float) -> None:
        """Forward the rest of the output, and wait briefly for stderr to take it."""
        deadline = time.monotonic() + seconds
        while self._unwritten or any(child.output is not None for child in self.all):
            left = deadline - time.monotonic()
            if left <= 0:
                return
            self.forward(left)


@contextmanager
def running(settings: Settings) -> Iterator[Children]:
    """Yield the children that this process has, and stop them at the end of the block."""
    os.environ |= {
        "EPOCHAL_HTTP_ADDRESS": settings.http_address,
        "EPOCHAL_GRPC_ADDRESS": settings.grpc_address,
    }
    with ExitStack() as stack:
        if settings.api_processes > 1:
            os.environ[METRICS_FOLDER] = str(stack.enter_context(temporary_folder()))
        signals = stack.enter_context(signals_as_bytes())
        children = Children(signals, prefixed=settings.log_format == "console")
        stack.callback(children.stop)
        yield children


_SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGCHLD)


@contextmanager
def signals_as_bytes() -> Iterator[int]:
    """Yield a file descriptor that receives the number of each signal until the block ends."""
    read, write = os.pipe()
    for end in (read, write):
        os.set_blocking(end, False)
    # nohup ignores SIGHUP; keep ignoring it.
    numbers = [n for n in _SIGNALS if signal.getsignal(n) is not signal.SIG_IGN]
    previous_end = signal.set_wakeup_fd(write)
    previous = [signal.signal(number, lambda *_: None) for number in numbers]
    try:
        yield read
    finally:
        for number, handler in zip(numbers, previous, strict=True):
            signal.signal(number, handler)
        signal.set_wakeup_fd(previous_end)
        os.close(read)
        os.close(write)


def up(settings: Settings, epochald: Epochald) -> None:
    """Run broker, worker and API until SIGINT, SIGTERM or SIGHUP, then stop them in order.

    Raises `StartupError` if a program cannot start or keeps dying.
    """
    settings = preflight.find_ports(settings)
    preflight.prepare_folder(settings)
    preflight.check_broker(settings)
    preflight.prepare_database(settings)
    preflight.require_keys(settings)
    own_broker = nullcontext(None) if settings.broker_url else broker.private_socket()
    with own_broker as socket, running(settings) as children:
        if socket is not None:
            command = broker.server_command(socket)
            child = children.start("broker", partial(os.execv, command[0], command), 2.0)
        _prepare_forks(settings, *API_MODULES, *WORKER_MODULES)
        if socket is not None:
            url = os.environ["EPOCHAL_BROKER_URL"] = f"unix://{socket}"
            try:
                broker.wait_until_ready(url, lambda: child.alive)
            except broker.BrokerError as error:
                raise preflight.StartupError(str(error)) from None
        children.start("worker", partial(_run, epochald, "worker"), 8.0)
        _start_api(children, settings, epochald)
        children.keep_running(announced=settings)


def run_api(settings: Settings, epochald: Epochald) -> None:
    """Run several API processes until SIGINT, SIGTERM or SIGHUP, then stop them.

    Raises `StartupError` if one keeps dying.
    """
    with running(settings) as children:
        _prepare_forks(settings, *API_MODULES)
        _start_api(children, settings, epochald)
        children.keep_running()


def _start_api(children: Children, settings: Settings, epochald: Epochald) -> None:
    if settings.api_processes == 1:
        children.start("api", partial(_run, epochald, "api"), API_GRACE_SECONDS)
        return
    for number in range(1, settings.api_processes + 1):
        run = partial(_run, epochald, "api-process")
        children.start(f"api {number}", run, API_GRACE_SECONDS)


API_MODULES = ("epochal_service.daemon.server", "anyio._backends._asyncio", "uvloop")
WORKER_MODULES = ("epochal_workers.scheduler", "epochal_workers.pool", "celery.apps.worker")
"""Not `epochal_workers.app`, which belongs to the process that imports it."""
FORKS = sys.platform == "linux"
"""Whether children share the modules that the supervisor has imported. Libraries of macOS do not
allow it: there, each child is a new interpreter."""


def _prepare_forks(settings: Settings, *modules: str) -> None:
    """Import what children need, so that each of them has it when it is forked."""
    if FORKS:
        for module in modules:
            import_module(module)
        from epochal_service.apis import apis
        from epochal_service.rest.routes import routes

        for api in apis(settings.course):
            routes(api)  # an API process takes them from its cache
    # Objects that the supervisor never frees are not searched for garbage, here or in a child.
    gc.freeze()
    gc.enable()


def _run(epochald: Epochald, command: str) -> None:
    """Run a command of `epochald` in this process, which was forked for it."""
    if not FORKS:
        # -P: do not import modules, such as a redis.py, from the current folder.
        os.execv(sys.executable, (sys.executable, "-P", "-u", "-m", "epochal_service", command))
    _set_title(f"epochald {command}")
    epochald([command])


def _set_title(title: str) -> None:
    """Let `ps` show the title as the command line of this process. Linux only."""
    # Fields 48 and 49 are the addresses of the arguments; field 2, in brackets, may have spaces.
    fields = Path("/proc/self/stat").read_text().rpartition(")")[2].split()
    first, end = int(fields[45]), int(fields[46])
    ctypes.memset(first, 0, end - first)
    ctypes.memmove(first, title.encode(), min(len(title), end - first - 1))


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


def _answers(address: Address) -> bool:
    """Return whether the API is ready."""
    # Not urllib, which would use a proxy from the environment.
    connection = http.client.HTTPConnection(address.host, address.port, timeout=1)
    try:
        connection.request("GET", "/readyz")
        return connection.getresponse().status == http.HTTPStatus.OK
    except (OSError, http.client.HTTPException):
        return False
    finally:
        connection.close()
