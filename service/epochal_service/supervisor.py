"""Everything on one machine: broker, worker and API as children of one process that outlives none.

    epochald up
    ├── broker   valkey-server on a private unix socket, unless EPOCHAL_BROKER_URL names another
    ├── worker   epochald worker
    └── api      epochald api

Children start from top to bottom and stop from bottom to top. All decisions are made in the main
thread, which waits for one event at a time; threads only report: a line, a death, readiness.
"""

import http.client
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, nullcontext, suppress
from dataclasses import dataclass
from queue import Empty, SimpleQueue
from threading import Event, Thread

from epochal_service import broker, preflight
from epochal_service.parent_death import killed_with_parent
from epochal_service.settings import Address, Settings, masked

QUICK_DEATH_SECONDS = 3.0
MOST_QUICK_DEATHS = 5
LONGEST_PAUSE_SECONDS = 5.0
LAST_WORDS_SECONDS = 1.0


@dataclass(frozen=True)
class Program:
    """What to run as a child, and how long it may take to leave after SIGTERM, in seconds."""

    name: str
    command: Sequence[str]
    grace_seconds: float
    environment: Mapping[str, str]


@dataclass(frozen=True)
class Died:
    child: "Child"


@dataclass(frozen=True)
class Ready:
    pass


@dataclass(frozen=True)
class Stop:
    pass


Events = SimpleQueue[Died | Ready | Stop]


class Child:
    """One program, started again whenever it dies before its time."""

    def __init__(self, program: Program, events: Events, *, prefix: str) -> None:
        self.program = program
        self.restart_at: float | None = None
        self._events = events
        self._prefix = prefix
        self._quick_deaths = 0
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
            # A session of its own: Ctrl-C reaches the supervisor alone, which keeps the order.
            start_new_session=True,
        )
        self._lines = Thread(target=self._report_lines, args=(self._process,), daemon=True)
        self._lines.start()
        Thread(target=self._report_death, args=(self._process,), daemon=True).start()

    def _report_lines(self, process: "subprocess.Popen[bytes]") -> None:
        assert process.stdout is not None
        with process.stdout as lines:
            for line in lines:
                # A terminal that is gone must not stop the child, which would wait for a reader.
                with suppress(OSError, ValueError):
                    sys.stderr.write(self._prefix + line.decode(errors="replace"))
                    sys.stderr.flush()

    def _report_death(self, process: "subprocess.Popen[bytes]") -> None:
        process.wait()
        self._events.put(Died(self))

    @property
    def alive(self) -> bool:
        return self._process.poll() is None

    def terminate(self) -> None:
        if self.alive:
            self._process.terminate()

    def kill(self) -> None:
        """Kill the child and all that it has started."""
        with suppress(ProcessLookupError):
            os.killpg(self._process.pid, signal.SIGKILL)

    def wait(self) -> None:
        """Until it is dead and has said its last words, if somebody reads them."""
        self._process.wait()
        self._lines.join(LAST_WORDS_SECONDS)

    def plan_restart(self) -> None:
        """Decide when to start again; raises `StartupError` where it makes no sense to try."""
        name, code = self.program.name, self._process.returncode
        self.kill()
        if code == os.EX_CONFIG:
            raise preflight.StartupError(f"the {name} cannot start, as it says above")
        now = time.monotonic()
        if now - self._started_at >= QUICK_DEATH_SECONDS:
            self._quick_deaths = 0
        self._quick_deaths += 1
        # Whoever waits for a database or a broker to come back may wait for long.
        if self._quick_deaths >= MOST_QUICK_DEATHS and code != os.EX_TEMPFAIL:
            raise preflight.StartupError(
                f"the {name} died {self._quick_deaths} times within {QUICK_DEATH_SECONDS:g} "
                f"seconds of its start, the last time with {_cause(code)}; its own lines above "
                "say why"
            )
        pause = min(0.1 * 2 ** (self._quick_deaths - 1), LONGEST_PAUSE_SECONDS)
        self.restart_at = now + pause
        _say(f"the {name} died with {_cause(code)}; it starts again in {pause:g} s")


def _cause(code: int) -> str:
    return f"exit code {code}" if code >= 0 else signal.Signals(-code).name


def _say(sentence: str) -> None:
    with suppress(OSError):
        sys.stderr.write(f"epochald: {sentence}\n")
        sys.stderr.flush()


def up(settings: Settings) -> None:
    """Run broker, worker and API until SIGINT, SIGTERM or SIGHUP, then stop them in order.

    Raises `StartupError` where something cannot start or keeps dying.
    """
    settings = preflight.find_ports(settings)
    preflight.prepare_folder(settings)
    preflight.check_broker(settings)
    preflight.prepare_database(settings)
    events: Events = SimpleQueue()
    own_broker = nullcontext(None) if settings.broker_url else broker.private_socket()
    with _signals(events), own_broker as socket:
        children: list[Child] = []
        width = len("worker")

        def start(name: str, command: Sequence[str], grace: float, **environment: str) -> Child:
            prefix = f"{name:<{width}} | " if settings.log_format == "console" else ""
            program = Program(name, command, grace, environment)
            children.append(Child(program, events, prefix=prefix))
            return children[-1]

        environment = {
            "EPOCHAL_HTTP_ADDRESS": settings.http_address,
            "EPOCHAL_GRPC_ADDRESS": settings.grpc_address,
            "PYTHONUNBUFFERED": "1",
        }
        # -P: a file named redis.py in the folder where it was started is none of our modules.
        itself = (sys.executable, "-P", "-m", "epochal_service")
        try:
            if socket is not None:
                url = environment["EPOCHAL_BROKER_URL"] = f"unix://{socket}"
                child = start("broker", broker.server_command(socket), 2.0)
                try:
                    broker.await_answer(url, lambda: child.alive)
                except broker.BrokerError as error:
                    raise preflight.StartupError(str(error)) from None
            start("worker", (*itself, "worker"), 8.0, **environment)
            start("api", (*itself, "api"), 5.0, **environment)
            _keep_running(children, events, settings)
        finally:
            _stop(children, events)


def _keep_running(children: Sequence[Child], events: Events, settings: Settings) -> None:
    over = Event()
    Thread(target=_report_ready, args=(settings.http_address, events, over), daemon=True).start()
    try:
        while True:
            due = [child.restart_at for child in children if child.restart_at is not None]
            try:
                event = events.get(timeout=max(0.0, min(due) - time.monotonic()) if due else None)
            except Empty:
                for child in children:
                    if child.restart_at is not None and child.restart_at <= time.monotonic():
                        child.start()
                continue
            match event:
                case Died(child):
                    child.plan_restart()
                case Ready():
                    sys.stdout.write(banner(settings))
                    sys.stdout.flush()
                case Stop():
                    return
    finally:
        over.set()


def _stop(children: Sequence[Child], events: Events) -> None:
    """Stop from the last to the first; a second signal kills at once all that is left."""
    for child in reversed(children):
        child.terminate()
        deadline = time.monotonic() + child.program.grace_seconds
        while child.alive:
            try:
                event = events.get(timeout=max(0.0, deadline - time.monotonic()))
            except Empty:
                _say(f"the {child.program.name} did not leave in time and is killed")
                break
            if isinstance(event, Stop):
                for other in children:
                    other.kill()
        child.kill()
        child.wait()


@contextmanager
def _signals(events: Events) -> Iterator[None]:
    """Turn every request to stop into an event for as long as the block lasts."""
    names = [signal.SIGINT, signal.SIGTERM]
    # Under nohup the end of the terminal is ignored, and stays so.
    if signal.getsignal(signal.SIGHUP) is not signal.SIG_IGN:
        names.append(signal.SIGHUP)
    before = [signal.signal(name, lambda *_: events.put(Stop())) for name in names]
    try:
        yield
    finally:
        for name, handler in zip(names, before, strict=True):
            signal.signal(name, handler)


def _report_ready(address: Address, events: Events, over: Event) -> None:
    while not over.wait(0.05):
        # Not urllib, which would ask a proxy of the environment.
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
    """What an operator reads when everything answers."""
    place = settings.database_path
    data = masked(settings.database_url) if place is None else place.parent
    return (
        "Epochal is ready.\n"
        f"  page and API   http://{settings.http_address}   (docs at /docs)\n"
        f"  gRPC           {settings.grpc_address}\n"
        f"  data           {data}\n"
        "Ctrl-C stops everything.\n"
    )
