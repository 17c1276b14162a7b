"""A full disk: stored data stays, reads succeed, and jobs wait."""

from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import httpx2
import pytest
import sqlalchemy as sa
from sqlalchemy import event
from tests.chaos.storm import QUICK
from tests.servers.stack import MakeStack, await_condition
from tests.workers.in_process import AT_ONCE, DIGITS, XOR, Service, at_call, never, service_at
from tests.workers.record import check_log, read, record

import epochal
from epochal_service.errors import Unavailable
from epochal_service.specs.jobs import JobState
from epochal_service.store import Database

pytestmark = pytest.mark.long

MOST_PAGES = 2**32 - 2

# Weights and columns that need new pages all the time.
EPOCHS = 100
GROWING: dict[str, Any] = {
    **DIGITS,
    "epochs": EPOCHS,
    "early_stopping": None,
    "snapshots": {"gradients_every": 1, "weights_every": 1},
}


class Disk:
    """The disk of a database, for every connection that is opened from now on."""

    def __init__(self, database: Database) -> None:
        self.is_full = False
        event.listen(database.engine, "checkout", self._limit)

    def fill(self) -> None:
        self.is_full = True

    def _limit(self, connection: Any, record: Any, proxy: Any) -> None:
        # SQLite takes 1 for the number of pages that there are now.
        pages = 1 if self.is_full else MOST_PAGES
        connection.execute(f"PRAGMA max_page_count = {pages}").close()


def pages(database: Database) -> int:
    """How many pages the database has."""
    with database.read() as connection:
        count: int = connection.execute(sa.text("PRAGMA page_count")).scalar_one()
    return count


def until_refused(create: Callable[[], str]) -> Iterator[str]:
    """Accepted jobs still fit into pages that are there."""
    for _ in range(1000):
        yield create()


@pytest.fixture
def service(valkey_server: str, tmp_path: Path) -> Iterator[Service]:
    with service_at(f"sqlite:///{tmp_path}/epochal.db", valkey_server, tmp_path) as service:
        yield service


@pytest.mark.parametrize("epoch", [2, 17])
def test_a_job_waits_for_disk_space_and_has_bit_identical_results(
    service: Service, epoch: int
) -> None:
    undisturbed = service.undisturbed(GROWING)
    job_id = service.create(GROWING)
    disk = Disk(service.database)

    def go_on(leaving: Callable[[], bool] = never) -> JobState | None:
        return service.run(job_id, leaving, flush_seconds=AT_ONCE, checkpoint_seconds=AT_ONCE)

    def let_others_have_it() -> None:
        if service.row(job_id).state == "running":
            service.lose_worker(job_id)

    assert go_on(at_call(epoch, disk.fill)) is None
    stored = service.row(job_id)
    assert 0 < stored.epoch < EPOCHS
    check_log(service.database, job_id)
    # However often it is tried meanwhile: no attempt is held against it, and nothing is undone.
    for _ in range(5):
        with suppress(Unavailable):
            let_others_have_it()
        assert go_on() is None
        check_log(service.database, job_id)
    assert service.row(job_id).epoch == stored.epoch
    disk.is_full = False
    let_others_have_it()
    assert service.row(job_id).state == "queued"
    assert go_on() == "succeeded"
    assert record(service.database, job_id) == undisturbed


def test_a_full_database_reports_it_and_can_still_be_read(service: Service) -> None:
    job_id = service.create(XOR)
    disk = Disk(service.database)
    disk.fill()
    with pytest.raises(Unavailable, match="disk of the database is full"):
        list(until_refused(lambda: service.create(XOR)))
    assert service.row(job_id).state == "queued"
    with service.database.read() as connection:
        assert connection.execute(sa.text("PRAGMA integrity_check")).scalar_one() == "ok"


def test_the_api_stays_up_on_a_full_disk_and_jobs_continue_when_there_is_space(
    make_stack: MakeStack, service: Service, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = pages(service.database)
    undisturbed = service.undisturbed(GROWING)
    needed = pages(service.database) - before
    disk = tmp_path / "disk"
    monkeypatch.setenv("SMALL_DISK", str(disk))
    monkeypatch.setenv("PYTHONPATH", str(Path(__file__).parent / "small_disk"))
    stack = make_stack(workers=1, **QUICK)
    database = Database(stack.database_url)
    try:
        with httpx2.Client(base_url=stack.http, trust_env=False, timeout=30) as client:
            disk.write_text(str(pages(database) + needed // 2))
            running = client.post("/v1/jobs", json=GROWING).json()["id"]

            def rests() -> bool:
                log = stack.log.read_text()
                return "job_released" in log and "disk is full" in log

            await_condition(rests, 60, "the worker has met the full disk")

            refused: list[httpx2.Response] = []
            accepted: list[str] = []

            def refuses() -> bool:
                answer = client.post("/v1/jobs", json=XOR)
                if answer.status_code == 201:
                    accepted.append(answer.json()["id"])
                    return False
                refused.append(answer)
                return True

            await_condition(refuses, 60, "there is no room for one more job")
            answer = refused[0]
            assert answer.status_code == 503
            assert int(answer.headers["Retry-After"]) >= 1
            assert answer.json()["reason"] == "unavailable"
            assert answer.json()["detail"] == "The disk of the database is full"
            with (
                epochal.Client(f"grpc://{stack.grpc}") as over_grpc,
                pytest.raises(epochal.Unavailable, match="disk of the database is full"),
            ):
                accepted.extend(until_refused(lambda: over_grpc.jobs.create(XOR).id))

            assert client.get("/healthz").status_code == 200
            result = client.get(f"/v1/jobs/{running}").json()
            assert result["state"] in ("queued", "running")
            assert 0 < result["epoch"] < EPOCHS
            page = client.get(f"/v1/jobs/{running}/epochs").json()["epochs"]
            assert [row["epoch"] for row in page][: result["epoch"]]

            disk.unlink()
            everyone = [running, *accepted]
            await_condition(
                lambda: all(read(database, job)[0].state == "succeeded" for job in everyone),
                60,
                "every job that was accepted has ended",
            )
            for job in everyone:
                check_log(database, job)
            assert record(database, running) == undisturbed
    finally:
        database.close()
