"""Single faults, each with its documented result."""

import os
import signal
import subprocess
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx2
import psutil
import pytest
from tests.chaos.storm import QUICK, terminate_worker
from tests.servers.postgres import free_port
from tests.servers.stack import MakeStack, Stack, await_condition
from tests.workers.in_process import XOR
from tests.workers.record import check_log, read, states

from epochal_service import broker
from epochal_service.curves.epochs import parse_note
from epochal_service.processes.parent_death import killed_with_parent
from epochal_service.store import Database, jobs

pytestmark = pytest.mark.long

# An epoch with one step for each of these samples takes a while: nothing is stored before.
ENDLESS: dict[str, Any] = {
    **XOR,
    "dataset": {"name": "two_moons", "samples": 40_000},
    "batch_size": 1,
    "epochs": 1000,
}
# Many short epochs.
UNENDING: dict[str, Any] = {
    **XOR,
    "dataset": {"name": "two_moons", "samples": 2000},
    "epochs": 1_000_000,
    "snapshots": {"gradients_every": 0},
}


@contextmanager
def client_of(stack: Stack) -> Iterator[httpx2.Client]:
    with httpx2.Client(base_url=stack.http, trust_env=False, timeout=30) as client:
        yield client


@contextmanager
def database_of(stack: Stack) -> Iterator[Database]:
    database = Database(stack.database_url)
    try:
        yield database
    finally:
        database.close()


def create(client: httpx2.Client, spec: dict[str, Any], **headers: str) -> dict[str, Any]:
    response = client.post("/v1/jobs", json=spec, headers=headers)
    assert response.status_code == 201, response.text
    job: dict[str, Any] = response.json()
    return job


def running_in(database: Database, job_id: str) -> tuple[int, int] | None:
    """(number of the attempt, process) of a job that is being trained."""
    row, rows = read(database, job_id)
    if row.state != "running":
        return None
    result = [parse_note(entry.note) for entry in rows if entry.kind == "state"][-1]
    return result["attempt"], int(result["worker"].rpartition(":")[2])


def is_gone(pid: int) -> bool:
    try:
        return psutil.Process(pid).status() == psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return True


@pytest.mark.chaos
def test_a_job_whose_worker_dies_each_time_has_failed_after_three_attempts(
    make_stack: MakeStack,
) -> None:
    # A process for each attempt: Celery replaces a lost one only after some seconds.
    stack = make_stack(workers=3, **{**QUICK, "max_attempts": 3})
    with client_of(stack) as client, database_of(stack) as database:
        job_id = create(client, ENDLESS)["id"]
        for attempt in (1, 2, 3):
            actual: list[tuple[int, int] | None] = []

            def taken_up(attempt: int = attempt, actual: list[Any] = actual) -> bool:
                actual.append(running_in(database, job_id))
                return actual[-1] is not None and actual[-1][0] == attempt

            await_condition(taken_up, 60, f"attempt {attempt}")
            assert actual[-1] is not None
            os.kill(actual[-1][1], signal.SIGKILL)
        await_condition(lambda: read(database, job_id)[0].state == "failed", 60, "it has failed")
        row, _ = read(database, job_id)
        assert (row.stop_reason, row.attempt, row.epoch) == ("attempts_exhausted", 3, 0)
        assert "3 workers in a row" in client.get(f"/v1/jobs/{job_id}").json()["detail"]
        check_log(database, job_id)


@pytest.mark.chaos
def test_a_worker_exits_in_time_within_an_epoch_and_even_with_a_stopped_child(
    make_stack: MakeStack,
) -> None:
    stack = make_stack(workers=2, **{**QUICK, "lease_seconds": 10})
    with client_of(stack) as client, database_of(stack) as database:
        in_epoch, stopped = (create(client, ENDLESS)["id"] for _ in range(2))
        await_condition(
            lambda: running_in(database, in_epoch) and running_in(database, stopped), 60, "both run"
        )
        actual = running_in(database, stopped)
        assert actual is not None
        os.kill(actual[1], signal.SIGSTOP)
        assert terminate_worker(stack) < 5
        # One gave its job back, the other took it along: the reaper sees when its lease is over.
        assert states(database, in_epoch)[:3] == ["queued", "running", "queued"]
        assert states(database, stopped) == ["queued", "running"]
        await_condition(lambda: is_gone(actual[1]), 60, "the stopped child is gone")


def test_jobs_are_accepted_while_the_broker_is_down_and_start_when_it_is_back(
    make_stack: MakeStack, tmp_path: Path
) -> None:
    port = free_port()

    def start() -> "subprocess.Popen[bytes]":
        options = ["--bind", "127.0.0.1", "--port", str(port), "--save", "", "--dir", str(tmp_path)]
        process = subprocess.Popen(
            killed_with_parent([broker.find_server(), *options]),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            start_new_session=True,
        )
        broker.wait_until_ready(url, lambda: process.poll() is None)
        return process

    url = f"redis://127.0.0.1:{port}/0"
    server = start()
    try:
        # A job with a lease that runs out meanwhile would rest until the broker is back.
        stack = make_stack(workers=1, broker_url=url, **{**QUICK, "lease_seconds": 600})
        with client_of(stack) as client, database_of(stack) as database:
            long = create(client, UNENDING)
            await_condition(lambda: read(database, long["id"])[0].epoch > 0, 60, "it is trained")
            server.kill()
            server.wait()
            ready = client.get("/readyz")
            assert (ready.status_code, ready.json()["status"]) == (200, "degraded")

            job = create(client, XOR)  # does not wait for the broker, which is tried once
            assert job["state"] == "queued"

            # Training continues; the watchers poll instead of waiting for a notification.
            seq = read(database, long["id"])[0].last_seq
            events = f"/v1/jobs/{long['id']}/events?after={seq}"
            with client.stream("GET", events) as stream:
                assert any(line == "event: epochs" for line in stream.iter_lines())
            client.post(f"/v1/jobs/{long['id']}/cancel").raise_for_status()

            server = start()
            await_condition(lambda: client.get("/readyz").json()["status"] == "ok", 60, "ready")
            await_condition(
                lambda: read(database, job["id"])[0].state == "succeeded", 60, "the job has started"
            )
            await_condition(
                lambda: read(database, long["id"])[0].state == "cancelled", 60, "its end"
            )
    finally:
        server.kill()
        server.wait()


@pytest.mark.chaos
def test_an_experiment_outlives_workers_that_are_killed(make_stack: MakeStack) -> None:
    """Each job is killed once while it trains; the jobs that wait for it start all the same."""
    stack = make_stack(workers=2, **QUICK)
    first = {**UNENDING, "epochs": 3000}
    after = {**first, "initial_weights": {"job": "first"}}
    last = {**first, "initial_weights": {"job": "after"}}
    body = {"jobs": {"first": first, "after": after, "last": last}, "seeds": [0, 1]}
    body["claims"] = [{"job": "last", "metric": "epochs", "at_least": 3000, "at_most": 3000}]
    with client_of(stack) as client, database_of(stack) as database:
        made = client.post("/v1/experiments", json=body).json()
        killed: set[str] = set()

        def killed_once_or_over() -> bool:
            for job in made["jobs"]:
                actual = running_in(database, job["id"]) if job["id"] not in killed else None
                if actual is not None:
                    os.kill(actual[1], signal.SIGKILL)
                    killed.add(job["id"])
            return bool(client.get(f"/v1/experiments/{made['id']}").json()["state"] != "running")

        await_condition(killed_once_or_over, 120, "the experiment is over")
        ended = client.get(f"/v1/experiments/{made['id']}").json()
        assert ended["state"] == "succeeded"
        assert (ended["claims"][0]["outcome"], ended["claims"][0]["met"]) == ("met", 2)
        assert len(killed) == 6
        for job in ended["jobs"]:
            check_log(database, job["id"])
            assert states(database, job["id"])[0] == ("waiting" if job["needs"] else "queued")


def test_fifty_concurrent_creations_with_one_key_create_one_job(stack: Stack) -> None:
    key = {"Idempotency-Key": "fifty at once"}
    spec = {**XOR, "epochs": 3, "labels": {"made": "fifty-times"}}
    with client_of(stack) as client:

        def post(number: int) -> httpx2.Response:
            return client.post("/v1/jobs", json=spec, headers=key)

        with ThreadPoolExecutor(50) as pool:
            responses = list(pool.map(post, range(50)))
        assert {response.status_code for response in responses} == {201}
        (job_id,) = {response.json()["id"] for response in responses}
        listed = client.get("/v1/jobs", params={"label": "made=fifty-times"}).json()["jobs"]
        assert [job["id"] for job in listed] == [job_id]

        other = client.post("/v1/jobs", json={**spec, "epochs": 4}, headers=key)
        assert other.status_code == 422
        assert other.json()["reason"] == "idempotency_mismatch"
        with database_of(stack) as database:
            await_condition(
                lambda: read(database, job_id)[0].state == "succeeded", 60, "it is trained once"
            )
            assert states(database, job_id) == ["queued", "running", "succeeded"]
            with database.read() as connection:
                label = ("made", "fifty-times")
                mine = list(jobs.page(connection, ("local",), size=100, before=None, label=label))
            assert len(mine) == 1
