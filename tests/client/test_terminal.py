"""The command line on a terminal: progress, colors, widths and interrupts."""

import json
import os
import pty
import re
import select
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress

import pytest
from tests.client.material import XOR
from tests.client.test_cli import ENDLESS, Run, client, environment, run
from tests.servers.stack import Stack

import epochal

pytestmark = pytest.mark.long

__all__ = ["client", "run"]


class Terminal:
    """`epochal` on its own terminal, with someone who reads and types."""

    def __init__(self, words: Sequence[str], url: str, columns: int) -> None:
        self._master, slave = pty.openpty()
        self.process = subprocess.Popen(
            [sys.executable, "-m", "epochal", *words],
            stdin=slave,
            stdout=slave,
            stderr=slave,
            env={**environment(url), "COLUMNS": f"{columns}", "LINES": "40"},
            preexec_fn=_take_the_terminal,
        )
        os.close(slave)
        self.seen = ""

    def await_text(self, text: str, seconds: float = 60) -> None:
        """Reads until `text` has been seen."""
        deadline = time.monotonic() + seconds
        while text not in self.plain:
            ready, _, _ = select.select([self._master], [], [], deadline - time.monotonic())
            assert ready, f"{text!r} was not seen in {self.plain!r}"
            if not self._read():
                break
        assert text in self.plain

    def _read(self) -> bool:
        try:
            data = os.read(self._master, 65536)
        except OSError:  # how Linux says that nobody writes any more
            return False
        self.seen += data.decode(errors="replace")
        return bool(data)

    @property
    def plain(self) -> str:
        """The screen's text, without colors and cursor movements."""
        return re.sub(r"\x1b\[[0-9;?]*[A-Za-z]", "", self.seen)

    def type(self, keys: str) -> None:
        os.write(self._master, keys.encode())

    def wait(self) -> int:
        """Reads to the end; the exit code."""
        while self._read():
            pass
        return self.process.wait(60)

    def close(self) -> None:
        self.process.kill()
        self.process.wait(60)
        os.close(self._master)


@pytest.fixture
def open_terminal(stack: Stack) -> Iterator[Callable[..., Terminal]]:
    """Starts `epochal` with these words on a terminal, and sees to it that it does not stay."""
    opened: list[Terminal] = []

    def open_terminal(*words: str, columns: int = 100) -> Terminal:
        opened.append(Terminal(words, stack.http, columns))
        return opened[-1]

    yield open_terminal
    with epochal.Client(stack.http) as client:
        for terminal in opened:
            terminal.close()
            for job_id in set(re.findall(r"job_\w+", terminal.plain)):
                with suppress(epochal.Conflict):
                    client.jobs.get(job_id).cancel()


def _take_the_terminal() -> None:
    os.setsid()
    os.close(os.open(os.ttyname(0), os.O_RDWR))  # the first one opened becomes the controlling one


def test_a_terminal_shows_a_bar_for_as_long_as_a_job_runs(
    open_terminal: Callable[..., Terminal], client: epochal.Client
) -> None:
    terminal = open_terminal("train", *ENDLESS)
    terminal.await_text("epochs/s loss")
    assert re.search(r"running [━╸╺ ]+ +\d+/1000000", terminal.plain)
    [job_id] = set(re.findall(r"job_\w+", terminal.plain))
    client.jobs.get(job_id).cancel()
    assert terminal.wait() == 1
    assert terminal.plain.count("⠒⠒ validation_loss") == 1
    assert "\x1b[33mcancelled" in terminal.seen


def test_a_terminal_shows_in_color_how_a_job_has_ended(
    open_terminal: Callable[..., Terminal], client: epochal.Client
) -> None:
    job = client.jobs.create(XOR, epochs=3).wait(60)
    terminal = open_terminal("watch", job.id)
    assert terminal.wait() == 0
    assert f"{job.id} succeeded" in terminal.plain
    assert "\x1b[32msucceeded" in terminal.seen


@pytest.mark.parametrize(("columns", "length"), [(60, 8), (80, 8), (130, 34)])
def test_on_a_terminal_of_any_width_a_job_is_listed_by_a_name_that_can_be_typed(
    open_terminal: Callable[..., Terminal],
    client: epochal.Client,
    run: Run,
    columns: int,
    length: int,
) -> None:
    job = client.jobs.create(XOR, epochs=3).wait()
    terminal = open_terminal("jobs", "--limit", "1", columns=columns)
    assert terminal.wait() == 0
    lines = terminal.plain.splitlines()
    assert max(map(len, lines)) <= columns
    [named] = re.findall(r"^\w+(?= +succeeded)", terminal.plain, re.MULTILINE)
    assert named == job.id[-length:]
    assert json.loads(run("show", named, "--json").stdout)["id"] == job.id


@pytest.mark.parametrize(
    ("answers", "state"),
    [(["\n"], "running"), (["c\n"], "cancelled"), (["\x03"], "cancelled")],
    ids=["enter detaches", "c cancels", "a second Ctrl-C cancels"],
)
def test_ctrl_c_on_a_terminal_asks(
    open_terminal: Callable[..., Terminal], client: epochal.Client, answers: list[str], state: str
) -> None:
    terminal = open_terminal("train", *ENDLESS)
    terminal.await_text("epochs/s loss")
    match = re.search(r"job_\w+", terminal.plain)
    assert match
    job = client.jobs.get(match[0])
    try:
        terminal.type("\x03")
        terminal.await_text("[d]etach, [c]ancel it, or [k]eep watching?")
        for keys in answers:
            terminal.type(keys)
        assert terminal.wait() == 130
        if state == "running":
            assert f"epochal watch {job.id}" in terminal.plain
            assert not job.refresh().is_over
        else:
            assert job.wait(60).state == "cancelled"
    finally:
        job.cancel()


def test_ctrl_c_and_k_goes_on_watching(
    open_terminal: Callable[..., Terminal], client: epochal.Client
) -> None:
    terminal = open_terminal("train", *ENDLESS)
    terminal.await_text("epochs/s loss")
    terminal.type("\x03")
    terminal.await_text("eep watching?")
    seen = len(terminal.plain)
    terminal.type("k\n")
    match = re.search(r"job_\w+", terminal.plain)
    assert match
    deadline = time.monotonic() + 60
    while "epochs/s loss" not in terminal.plain[seen:]:
        assert time.monotonic() < deadline
        assert terminal._read()
    client.jobs.get(match[0]).cancel()
    assert terminal.wait() == 1
    assert "cancelled (user)" in terminal.plain


def test_an_interrupt_without_a_terminal_detaches(stack: Stack, client: epochal.Client) -> None:
    process = subprocess.Popen(
        [sys.executable, "-m", "epochal", "train", *ENDLESS],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env=environment(stack.http),
    )
    assert process.stderr is not None
    job_id = process.stderr.readline().split()[0]
    try:
        while "running" not in process.stderr.readline():
            pass
        process.send_signal(signal.SIGINT)
        _, messages = process.communicate(timeout=60)
        assert process.returncode == 130
        assert f"epochal watch {job_id}\n  epochal cancel {job_id}\n" in messages
        assert not client.jobs.get(job_id).is_over
    finally:
        client.jobs.get(job_id).cancel()
