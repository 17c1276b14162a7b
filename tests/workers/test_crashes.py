"""A worker that dies at any point: the next worker continues from the stored state."""

import os
import subprocess
import sys
from itertools import count
from typing import Any

import pytest
from tests.workers.in_process import (
    AT_ONCE,
    DIGITS,
    LONG_EPOCHS,
    NEVER,
    XOR,
    Killed,
    MortalDatabase,
    Service,
    at_call,
)
from tests.workers.record import check_log, record

pytestmark = pytest.mark.long

SHORT = {**DIGITS, "epochs": 5, "snapshots": {"gradients_every": 2, "weights_every": 2}}


def die() -> None:
    raise Killed


@pytest.mark.parametrize("checkpoint_seconds", [AT_ONCE, NEVER])
@pytest.mark.parametrize("before_commit", [True, False], ids=["before commit", "after commit"])
def test_a_worker_may_die_at_any_transaction(
    service: Service, before_commit: bool, checkpoint_seconds: float
) -> None:
    undisturbed = service.undisturbed(SHORT)
    for number in count(1):
        job_id = service.create(SHORT)
        mortal = MortalDatabase(
            service.settings.database_url, number, before_commit=before_commit, die=die
        )
        try:
            service.run(
                job_id,
                database=mortal,
                flush_seconds=AT_ONCE,
                checkpoint_seconds=checkpoint_seconds,
            )
        except Killed:
            died = True
        else:
            died = False
        finally:
            mortal.close()
        check_log(service.database, job_id)
        if service.row(job_id).state == "running":
            service.lose_worker(job_id)
        if service.row(job_id).state == "queued":
            assert service.run(job_id) == "succeeded"
        assert record(service.database, job_id) == undisturbed
        if not died:
            break
    assert number == 1 + 1 + 5 + 1  # the claim, five epochs and the end were each died at


def test_a_worker_may_die_in_the_middle_of_an_epoch(service: Service) -> None:
    job_id = service.create(LONG_EPOCHS)
    with pytest.raises(Killed):
        service.run(job_id, at_call(1, die), flush_seconds=AT_ONCE)
    assert (service.row(job_id).epoch, service.row(job_id).state) == (0, "running")
    service.lose_worker(job_id)
    assert service.run(job_id) == "succeeded"
    assert record(service.database, job_id) == service.undisturbed(LONG_EPOCHS)


def test_a_worker_may_die_repeatedly_while_the_job_makes_progress(service: Service) -> None:
    undisturbed = service.undisturbed(DIGITS)
    job_id = service.create(DIGITS)
    deaths = 0
    while service.row(job_id).state == "queued":
        try:
            service.run(job_id, at_call(4, die), flush_seconds=AT_ONCE, checkpoint_seconds=AT_ONCE)
        except Killed:
            deaths += 1
            service.lose_worker(job_id)
    assert deaths == 9  # each attempt stores three of 30 epochs; the tenth has no fourth to die in
    assert record(service.database, job_id) == undisturbed


def test_a_job_that_kills_every_worker_without_progress_fails(service: Service) -> None:
    job_id = service.create(XOR)
    service.run(job_id, at_call(5, lambda: True))  # an attempt that got on, and does not count
    for attempt in (1, 2, 3):
        assert service.row(job_id).state == "queued"
        with pytest.raises(Killed):
            service.run(job_id, at_call(1, die))
        assert service.row(job_id).fruitless_attempts == attempt
        service.lose_worker(job_id)
    row = service.row(job_id)
    assert (row.state, row.stop_reason, row.epoch) == ("failed", "attempts_exhausted", 5)
    check_log(service.database, job_id)


WORKER = """
import os, sys
from pathlib import Path
from tests.workers.in_process import AT_ONCE, MortalDatabase, Service

url, broker_url, folder, job_id = sys.argv[1:]
service = Service(url, broker_url, Path(folder))
mortal = MortalDatabase(url, 4, before_commit=True, die=lambda: os._exit(9))
service.run(job_id, database=mortal, flush_seconds=AT_ONCE, checkpoint_seconds=AT_ONCE)
"""


def test_a_worker_process_may_be_killed_within_a_transaction(service: Service) -> None:
    undisturbed = service.undisturbed(SHORT)
    job_id = service.create(SHORT)
    settings = service.settings
    place: list[Any] = [settings.database_url, settings.broker_url, settings.data_dir]
    done = subprocess.run(
        [sys.executable, "-c", WORKER, *map(str, place), job_id],
        env={**os.environ, "OPENBLAS_NUM_THREADS": "1"},
        capture_output=True,
        text=True,
    )
    assert done.returncode == 9, done.stderr
    check_log(service.database, job_id)
    # The claim and the flushes of two epochs are there, the flush of the third is not.
    assert (service.row(job_id).state, service.row(job_id).epoch) == ("running", 2)
    service.lose_worker(job_id)
    assert service.run(job_id) == "succeeded"
    assert record(service.database, job_id) == undisturbed
