"""The supervisor's decisions with real children: restart, give up, stop in order."""

import os
import re
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import suppress
from functools import partial
from pathlib import Path
from select import PIPE_BUF

import psutil
import pytest
from tests.servers.stack import await_condition

from epochal_service.daemon import supervisor
from epochal_service.daemon.preflight import StartupError
from epochal_service.daemon.supervisor import Child, Children, Exited

# A process of pytest-xdist has threads, which a child that runs another program does not need.
pytestmark = pytest.mark.filterwarnings("ignore:.*multi-threaded.*fork:DeprecationWarning")

ON_SIGTERM = """
import signal, sys
def leave(*_):
    with open("order", "a") as order:
        order.write(sys.argv[1] + "\\n")
    sys.exit()
signal.signal(signal.SIGTERM, leave)
print("up", flush=True)
signal.pause()
"""
DEAF_TO_SIGTERM = """
import signal
signal.signal(signal.SIGTERM, signal.SIG_IGN)
print("up", flush=True)
signal.pause()
"""
WITH_A_CHILD = """
import subprocess, sys
print(subprocess.Popen(["sleep", "600"]).pid, flush=True)
sys.stdin.read()
"""


@pytest.fixture
def patient(monkeypatch: pytest.MonkeyPatch) -> None:
    """A Python that a busy machine starts slowly has still died quickly."""
    monkeypatch.setattr(supervisor, "QUICK_EXIT_SECONDS", 60.0)


@pytest.fixture
def children() -> Iterator[Children]:
    """Children that are gone when the test is over."""
    with supervisor.signals_as_bytes() as signals:
        children = Children(signals, prefixed=True)
        yield children
        for child in children.all:
            child.kill()
            child.wait()


class Spawn:
    """Starts children that run a line of Python."""

    def __init__(self, children: Children, capfd: pytest.CaptureFixture[str]) -> None:
        self._children = children
        self._capfd = capfd

    def __call__(
        self, code: str, *arguments: str, name: str = "worker", grace_seconds: float = 60.0
    ) -> Child:
        command = [sys.executable, "-c", code, *arguments]
        return self._children.start(name, partial(os.execv, command[0], command), grace_seconds)

    def await_death(self, child: Child) -> None:
        assert self._children.next_event(60) == Exited(child)

    def written(self, text: str) -> str:
        """The text on stderr as soon as it holds `text`."""
        seen: list[str] = []

        def arrived() -> bool:
            self._children.forward(0.0)
            seen.append(self._capfd.readouterr().err)
            return text in own_lines()

        def own_lines() -> str:
            # gRPC, if earlier tests of this process have used it, reports each fork.
            return re.sub(r"^.*fork_posix.*\n", "", "".join(seen), flags=re.MULTILINE)

        await_condition(arrived, 60, f"the line {text!r}")
        return own_lines()


@pytest.fixture
def spawn(children: Children, capfd: pytest.CaptureFixture[str]) -> Spawn:
    return Spawn(children, capfd)


@pytest.mark.skipif(not supervisor.FORKS, reason="children are new interpreters here")
def test_what_is_imported_before_a_fork_starts_no_thread_and_opens_no_file() -> None:
    program = (
        "import os, epochal_service.__main__ as main\n"
        "from epochal_service.daemon import supervisor\n"
        "from epochal_service.settings import Settings\n"
        "modules = *supervisor.API_MODULES, *supervisor.WORKER_MODULES\n"
        "def count(): return len(os.listdir('/proc/self/task')), len(os.listdir('/proc/self/fd'))\n"
        "main.app = lambda arguments: print(\n"
        "    count(),\n"
        "    supervisor._prepare_forks(Settings(_env_file=None), *modules),\n"
        "    count(),\n"
        ")\n"
        "main.main()"
    )
    done = subprocess.run([sys.executable, "-P", "-c", program], capture_output=True, text=True)
    before, after = done.stdout.split(" None ")
    assert before.strip() == after.strip(), done.stderr


def test_each_line_of_a_child_is_marked_with_its_name(spawn: Spawn) -> None:
    spawn("print('one'); print('two')")
    assert "worker | one\nworker | two\n" in spawn.written("two\n")


def test_a_terminal_that_takes_nothing_does_not_hold_up_the_supervisor(
    spawn: Spawn, children: Children, monkeypatch: pytest.MonkeyPatch
) -> None:
    reader, writer = os.pipe()
    os.set_blocking(writer, False)
    with suppress(BlockingIOError):
        while True:
            os.write(writer, bytes(PIPE_BUF))
    os.set_blocking(writer, True)
    monkeypatch.setattr(supervisor, "STDERR", writer)
    monkeypatch.setattr(supervisor, "OUTPUT_SECONDS", 0.1)
    for code in ("print('one')", "print('two')"):
        spawn.await_death(spawn(code))
    children.stop()
    assert not any(child.alive for child in children.all)
    os.close(reader)
    os.close(writer)


@pytest.mark.usefixtures("patient")
def test_a_child_that_dies_starts_again_after_a_pause_that_doubles(spawn: Spawn) -> None:
    child = spawn("raise SystemExit(3)")
    for pause in ("0.1", "0.2", "0.4", "0.8"):
        spawn.await_death(child)
        assert child.plan_restart() == f"the worker died with exit code 3; restarting in {pause} s"
        child.start()


@pytest.mark.usefixtures("patient")
def test_after_the_fifth_quick_exit_there_is_no_restart(spawn: Spawn) -> None:
    child = spawn("import os, signal; os.kill(os.getpid(), signal.SIGSEGV)")
    for _ in range(4):
        spawn.await_death(child)
        child.plan_restart()
        child.start()
    spawn.await_death(child)
    with pytest.raises(StartupError, match=r"the worker died 5 times within 60 seconds .* SIGSEGV"):
        child.plan_restart()


def test_a_child_that_lived_for_a_while_may_die_again_and_again(
    spawn: Spawn, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(supervisor, "QUICK_EXIT_SECONDS", 0.0)
    child = spawn("")
    for _ in range(8):
        spawn.await_death(child)
        child.plan_restart()
        child.start()


def test_a_child_with_wrong_settings_is_not_restarted(spawn: Spawn) -> None:
    child = spawn(f"raise SystemExit({os.EX_CONFIG})")
    spawn.await_death(child)
    with pytest.raises(StartupError, match="the worker cannot start; its message above says why"):
        child.plan_restart()


@pytest.mark.usefixtures("patient")
def test_a_child_that_waits_for_a_database_or_a_broker_is_always_restarted(spawn: Spawn) -> None:
    child = spawn(f"raise SystemExit({os.EX_TEMPFAIL})")
    for _ in range(7):
        spawn.await_death(child)
        child.plan_restart()
        child.start()


def test_processes_of_a_dead_child_are_killed_before_its_restart(spawn: Spawn) -> None:
    child = spawn(WITH_A_CHILD)
    orphan = psutil.Process(int(spawn.written("\n").removeprefix("worker | ")))
    spawn.await_death(child)
    assert orphan.is_running()
    child.plan_restart()
    orphan.wait(60)


def test_children_stop_from_the_last_to_the_first(
    spawn: Spawn, children: Children, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    for name in ("broker", "worker", "api"):
        spawn(ON_SIGTERM, name, name=name)
        spawn.written(f"{name:<6} | up")
    children.stop()
    assert Path("order").read_text().split() == ["api", "worker", "broker"]


def test_a_child_that_does_not_exit_in_time_is_killed(
    spawn: Spawn, children: Children, capfd: pytest.CaptureFixture[str]
) -> None:
    child = spawn(DEAF_TO_SIGTERM, grace_seconds=0.1)
    spawn.written("up")
    children.stop()
    assert not child.alive
    assert "the worker did not exit in time and is killed" in capfd.readouterr().err


def test_a_second_request_to_stop_kills_everything_at_once(
    spawn: Spawn, children: Children, capfd: pytest.CaptureFixture[str]
) -> None:
    child = spawn(DEAF_TO_SIGTERM, grace_seconds=60.0)
    spawn.written("up")
    os.kill(os.getpid(), signal.SIGTERM)
    children.stop()
    assert not child.alive
    assert "did not exit in time" not in capfd.readouterr().err


def test_a_signal_that_arrives_before_the_child_runs_its_program_ends_it(spawn: Spawn) -> None:
    child = spawn(ON_SIGTERM, "early")
    child.terminate()
    spawn.await_death(child)


@pytest.mark.parametrize("request_to_stop", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_signals_become_requests_to_stop_only_inside_the_block(
    request_to_stop: signal.Signals,
) -> None:
    # The program that starts the tests, such as nohup, may have ignored it.
    before = signal.signal(request_to_stop, signal.SIG_DFL)
    try:
        with supervisor.signals_as_bytes() as signals:
            os.kill(os.getpid(), request_to_stop)
            assert Children(signals, prefixed=True).next_event(60) == supervisor.Stop()
        assert signal.getsignal(request_to_stop) is signal.SIG_DFL
    finally:
        signal.signal(request_to_stop, before)


def test_an_ignored_sighup_stays_ignored() -> None:
    before = signal.signal(signal.SIGHUP, signal.SIG_IGN)
    try:
        with supervisor.signals_as_bytes() as signals:
            os.kill(os.getpid(), signal.SIGHUP)
            assert Children(signals, prefixed=True).next_event(0.0) is None
    finally:
        signal.signal(signal.SIGHUP, before)
