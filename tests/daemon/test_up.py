"""`epochald up` starts all processes, restarts them, and stops them in order."""

import json
import os
import re
import signal
import socket
import sqlite3
from collections.abc import Callable
from contextlib import closing
from typing import Any, Literal

import httpx2
import psutil
import pytest
from tests.servers.stack import MakeStack, Stack, await_condition

import epochal
from epochal_service.daemon import supervisor
from epochal_service.daemon.supervisor import banner
from epochal_service.settings import Settings


def family(stack: Stack) -> list[psutil.Process]:
    """The supervisor and all that it has started, in the order of their ids."""
    root = psutil.Process(stack.process.pid)
    return [root, *root.children(recursive=True)]


def await_end(processes: list[psutil.Process]) -> None:
    def over() -> bool:
        return not any(p.is_running() and p.status() != psutil.STATUS_ZOMBIE for p in processes)

    await_condition(lambda: quietly(over), 60, f"the end of {processes}")


def quietly(condition: Callable[[], bool]) -> bool:
    """The condition; false while a process that it looks at disappears under its eyes."""
    try:
        return condition()
    except psutil.NoSuchProcess:
        return False


def settled(stack: Stack) -> None:
    """Return when the worker has started its pool."""
    await_condition(lambda: len(stack.worker_pids()) == 2, 60, "two processes that train")


def test_the_banner_has_the_addresses_and_the_data_folder() -> None:
    settings = Settings(
        http_address="127.0.0.1:8000", grpc_address="127.0.0.1:50051", data_dir="data"
    )
    assert banner(settings) == (
        "Epochal is ready.\n"
        "  page and API   http://127.0.0.1:8000   (docs at /docs)\n"
        "  gRPC           127.0.0.1:50051\n"
        "  data           data\n"
        "Ctrl-C stops everything.\n"
    )


def test_the_banner_hides_the_password_of_a_database() -> None:
    settings = Settings(database_url="postgresql+psycopg://u:secret@h/n")
    assert "  data           postgresql+psycopg://u:***@h/n\n" in banner(settings)


def test_a_worker_has_the_configured_number_of_processes(stack: Stack) -> None:
    settled(stack)


@pytest.mark.skipif(not supervisor.FORKS, reason="children are new interpreters here")
@pytest.mark.parametrize("name", ["worker", "api"])
def test_a_child_is_a_fork_with_a_title_of_its_own(
    stack: Stack, name: Literal["worker", "api"]
) -> None:
    words = psutil.Process(stack.pid(name)).cmdline()
    assert " ".join(words).strip() == f"epochald {name}"


def test_a_second_epochal_on_the_same_port_is_refused_and_the_first_goes_on(
    stack: Stack, make_stack: MakeStack
) -> None:
    with pytest.raises(pytest.fail.Exception) as failure:
        make_stack(http_address=stack.http.removeprefix("http://"))
    refusal = re.search(r"epochald: (.*)", str(failure.value))
    assert refusal is not None
    assert refusal[1].startswith(
        f"{stack.http.removeprefix('http://')} cannot be used (another program listens on it)"
    )
    assert stack.ready()


@pytest.mark.long
def test_postgresql_and_a_configured_broker_replace_the_embedded_ones(
    make_stack: MakeStack, broker_url: str
) -> None:
    stack = make_stack(database="postgresql", broker_url=broker_url)
    settled(stack)
    assert not any("-server" in process.name() for process in family(stack))
    assert not stack.data_dir.exists()


# ------------------------------------------- one that dies bit by bit, from test to test


@pytest.fixture(scope="module")
def started(module_stack: MakeStack) -> Stack:
    any_port = "127.0.0.1:0"
    return module_stack(
        first_start=True, log_format="json", http_address=any_port, grpc_address=any_port
    )


@pytest.fixture
def running(started: Stack) -> Stack:
    """Whole again, after a test that has ended it."""
    if started.process.poll() is not None:
        started.start()
    return started


@pytest.mark.long
def test_port_0_becomes_a_port_that_answers(running: Stack) -> None:
    for address in (running.http.removeprefix("http://"), running.grpc):
        host, _, port = address.partition(":")
        assert int(port) > 0
        socket.create_connection((host, int(port)), timeout=60).close()
    assert running.ready()


@pytest.mark.long
def test_the_first_start_creates_the_tables_and_measures_how_fast_a_worker_is(
    running: Stack,
) -> None:
    def measured() -> int:
        with closing(sqlite3.connect(running.data_dir / "epochal.db")) as connection:
            [count] = connection.execute("SELECT count(*) FROM calibrations").fetchone()
        return int(count)

    await_condition(measured, 60, "a measurement")


@pytest.mark.long
def test_every_line_of_a_json_log_is_json(running: Stack) -> None:
    def loggers() -> set[str]:
        written, _, _ = running.log.read_text().rpartition("\n")  # the last may not be whole yet
        records = [json.loads(line) for line in written.splitlines() if line.startswith("{")]
        assert all({"level", "event", "logger", "timestamp"} <= set(record) for record in records)
        return {record["logger"].partition(".")[0] for record in records}

    await_condition(lambda: {"uvicorn", "celery"} <= loggers(), 60, "lines of both processes")


@pytest.mark.long
def test_ctrl_c_stops_all_processes_in_order(running: Stack) -> None:
    settled(running)
    processes = family(running)
    os.kill(running.process.pid, signal.SIGINT)
    assert running.process.wait(60) == 0
    await_end(processes)
    log = running.log.read_text()
    assert "did not exit in time" not in log
    assert "Traceback" not in log
    assert log.index("Finished server process") < log.index("Warm shutdown (MainProcess)")


def train_for_long(stack: Stack) -> Callable[[], dict[str, Any]]:
    """Start a job and wait for its first epochs; return a function that reads it."""
    job = {
        "network": {"input_shape": [2], "layers": [{"type": "dense", "units": 1}]},
        "dataset": {"name": "two_moons", "samples": 2000},
        "loss": "mse",
        "epochs": 1_000_000,
    }
    created = httpx2.post(f"{stack.http}/v1/jobs", json=job, timeout=60)
    assert created.status_code == 201, created.text

    def job_now() -> dict[str, Any]:
        response = httpx2.get(f"{stack.http}/v1/jobs/{created.json()['id']}", timeout=60)
        answer: dict[str, Any] = response.json()
        return answer

    await_condition(lambda: job_now()["epoch"] > 0, 60, "the first epochs")
    return job_now


@pytest.mark.long
def test_a_running_job_continues_after_the_next_start(running: Stack) -> None:
    job_now = train_for_long(running)
    assert running.stop() == 0
    assert "did not exit in time" not in running.log_tail()
    running.start()
    # Its lease was given back, not left to run out: the job is there to be taken at once.
    before = job_now()["epoch"]
    assert before > 0
    await_condition(lambda: job_now()["epoch"] > before, 60, "further epochs")
    assert job_now()["attempt"] == 2
    httpx2.post(f"{running.http}/v1/jobs/{job_now()['id']}/cancel", timeout=60)
    await_condition(lambda: job_now()["state"] == "cancelled", 60, "the job is cancelled")


@pytest.mark.long
def test_workers_come_and_go(running: Stack) -> None:
    settled(running)
    with epochal.Client(running.http) as client:

        def listed() -> set[int]:
            return {worker.pid for worker in client.workers()}

        def agrees() -> bool:
            return listed() == set(running.worker_pids())

        await_condition(agrees, 60, "both workers are listed")
        killed = running.worker_pids()[0]
        os.kill(killed, signal.SIGKILL)
        # One that could not say goodbye stays in the list for a while.
        await_condition(lambda: len(listed()) == 3, 60, "its successor is listed")
        assert killed in listed()
        ended = listed() & set(running.worker_pids())
        assert len(ended) == 2
        os.kill(running.pid("worker"), signal.SIGTERM)
        await_condition(lambda: not ended & listed(), 60, "both are gone")


@pytest.mark.long
def test_a_killed_child_is_replaced(running: Stack) -> None:
    settled(running)
    training = [psutil.Process(pid) for pid in running.worker_pids()]
    running.kill_worker()
    await_end(training)
    running.restart_api()
    host, _, port = running.grpc.partition(":")
    socket.create_connection((host, int(port)), timeout=60).close()
    running.kill("broker")
    await_condition(running.ready, 60, "the API is ready")
    settled(running)
    log = running.log.read_text()
    for name in ("worker", "api", "broker"):
        assert f"epochald: the {name} died with SIGKILL; restarting in" in log


@pytest.mark.long
def test_nothing_survives_a_supervisor_that_was_killed(running: Stack) -> None:
    settled(running)
    train_for_long(running)  # a process that trains does not look whether its worker is there
    processes = family(running)
    assert len(processes) >= 6  # itself, broker, worker, two that train, API
    running.process.kill()
    running.process.wait()
    await_end(processes)
