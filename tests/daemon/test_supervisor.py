"""The supervisor's decisions with real children: restart, give up, stop in order."""

import os
import signal
import sys
from collections.abc import Iterator
from pathlib import Path
from queue import SimpleQueue

import psutil
import pytest
from tests.servers.stack import await_condition

from epochal_service import supervisor
from epochal_service.preflight import StartupError
from epochal_service.supervisor import Child, Events, Exited, Program

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
def events() -> Events:
    return SimpleQueue()


@pytest.fixture
def patient(monkeypatch: pytest.MonkeyPatch) -> None:
    """A Python that a busy machine starts slowly has still died quickly."""
    monkeypatch.setattr(supervisor, "QUICK_EXIT_SECONDS", 60.0)


@pytest.fixture
def spawn(events: Events) -> Iterator["Spawn"]:
    made = Spawn(events)
    yield made
    for child in made.children:
        child.kill()


class Spawn:
    """Starts children that run a line of Python and are gone when the test is over."""

    def __init__(self, events: Events) -> None:
        self.children: list[Child] = []
        self._events = events

    def __call__(
        self, code: str, *arguments: str, name: str = "worker", grace_seconds: float = 60.0
    ) -> Child:
        command = [sys.executable, "-c", code, *arguments]
        program = Program(name, command, grace_seconds, {})
        self.children.append(Child(program, self._events, prefix=f"{name} | "))
        return self.children[-1]

    def await_death(self, child: Child) -> None:
        event = self._events.get(timeout=60)
        assert isinstance(event, Exited)
        assert event.child is child


def written(capfd: pytest.CaptureFixture[str], text: str) -> str:
    """What has been written to stderr as soon as it holds `text`."""
    seen: list[str] = []

    def arrived() -> bool:
        seen.append(capfd.readouterr().err)
        return text in "".join(seen)

    await_condition(arrived, 60, f"the line {text!r}")
    return "".join(seen)


def test_each_line_of_a_child_is_marked_with_its_name(
    spawn: Spawn, capfd: pytest.CaptureFixture[str]
) -> None:
    spawn("print('one'); print('two')")
    assert "worker | one\nworker | two\n" in written(capfd, "two\n")


@pytest.mark.usefixtures("patient")
def test_a_child_that_dies_starts_again_after_a_pause_that_doubles(
    spawn: Spawn, capfd: pytest.CaptureFixture[str]
) -> None:
    child = spawn("raise SystemExit(3)")
    for pause in ("0.1", "0.2", "0.4", "0.8"):
        spawn.await_death(child)
        child.plan_restart()
        assert f"died with exit code 3; restarting in {pause} s" in capfd.readouterr().err
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


def test_processes_of_a_dead_child_are_killed_before_its_restart(
    spawn: Spawn, capfd: pytest.CaptureFixture[str]
) -> None:
    child = spawn(WITH_A_CHILD)
    orphan = psutil.Process(int(written(capfd, "\n").removeprefix("worker | ")))
    spawn.await_death(child)
    assert orphan.is_running()
    child.plan_restart()
    orphan.wait(60)


def test_children_stop_from_the_last_to_the_first(
    spawn: Spawn,
    events: Events,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capfd: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.chdir(tmp_path)
    children = []
    for name in ("broker", "worker", "api"):
        children.append(spawn(ON_SIGTERM, name, name=name))
        written(capfd, f"{name} | up")
    supervisor._stop(children, events)
    assert Path("order").read_text().split() == ["api", "worker", "broker"]


def test_a_child_that_does_not_exit_in_time_is_killed(
    spawn: Spawn, events: Events, capfd: pytest.CaptureFixture[str]
) -> None:
    child = spawn(DEAF_TO_SIGTERM, grace_seconds=0.1)
    written(capfd, "up")
    supervisor._stop([child], events)
    assert not child.alive
    assert "the worker did not exit in time and is killed" in capfd.readouterr().err


def test_a_second_request_to_stop_kills_everything_at_once(
    spawn: Spawn, events: Events, capfd: pytest.CaptureFixture[str]
) -> None:
    child = spawn(DEAF_TO_SIGTERM, grace_seconds=60.0)
    written(capfd, "up")
    events.put(supervisor.Stop())
    supervisor._stop([child], events)
    assert not child.alive
    assert "did not exit in time" not in capfd.readouterr().err


@pytest.mark.parametrize("request_to_stop", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_signals_become_requests_to_stop_only_inside_the_block(
    events: Events, request_to_stop: signal.Signals
) -> None:
    # What starts the tests, such as nohup, may have ignored it.
    before = signal.signal(request_to_stop, signal.SIG_DFL)
    try:
        with supervisor._signals(events):
            os.kill(os.getpid(), request_to_stop)
            assert events.get(timeout=60) == supervisor.Stop()
        assert signal.getsignal(request_to_stop) is signal.SIG_DFL
    finally:
        signal.signal(request_to_stop, before)


def test_an_ignored_sighup_stays_ignored(
    events: Events,
) -> None:
    before = signal.signal(signal.SIGHUP, signal.SIG_IGN)
    try:
        with supervisor._signals(events):
            os.kill(os.getpid(), signal.SIGHUP)
            assert events.empty()
    finally:
        signal.signal(signal.SIGHUP, before)
