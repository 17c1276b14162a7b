"""Job rows: specs, updates and deletions."""

from dataclasses import asdict
from pathlib import Path
from typing import Any

import sqlalchemy as sa

from epochal_service.store import Database, jobs, migrate
from epochal_service.store.database import new_id
from epochal_service.store.tables import job_specs

LARGE = "x" * 2**20


def insert(database: Database) -> str:
    values: dict[str, Any] = {
        "id": new_id("job"),
        "owner": "me",
        "state": "queued",
        "spec": LARGE,
        **dict.fromkeys(("parameters", "samples", "flops", "epoch", "attempt"), 0),
        **dict.fromkeys(("fruitless_attempts", "fence", "last_seq"), 0),
    }
    with database.write() as connection:
        jobs.insert(connection, values, {"course": "week-3"})
    return str(values["id"])


def advance(database: Database, job_id: str, epoch: int) -> jobs.JobRow | None:
    with database.write() as connection:
        return jobs.advance(
            connection, job_id, states=("queued",), events=1, values={"epoch": epoch}
        )


def test_every_query_returns_a_row_with_its_spec(database: Database) -> None:
    job_id = insert(database)
    insert(database)
    changed = advance(database, job_id, 1)
    with database.read() as connection:
        actual = jobs.find(connection, job_id)
        listed = [row for row in jobs.page(connection, "me", size=9, before=None) if row.epoch == 1]
    assert actual is not None
    assert changed is not None
    assert listed == [actual]
    assert (actual.id, actual.epoch, actual.last_seq, actual.spec) == (job_id, 1, 1, LARGE)
    assert asdict(actual) == asdict(changed) | {"spec": LARGE}


def test_the_size_of_an_update_does_not_depend_on_the_spec(tmp_path: Path) -> None:
    """A worker changes the row with every flush."""
    path = tmp_path / "one.db"
    migrate.upgrade(f"sqlite:///{path}")
    database = Database(f"sqlite:///{path}")
    job_id = insert(database)
    with database.read() as connection:
        connection.exec_driver_sql("PRAGMA wal_checkpoint(TRUNCATE)")
    wal = path.with_name("one.db-wal")
    assert wal.stat().st_size == 0
    for epoch in range(1, 11):
        advance(database, job_id, epoch)
    assert 0 < wal.stat().st_size < len(LARGE) // 2
    database.close()


def test_a_spec_is_deleted_with_its_job(database: Database) -> None:
    job_id = insert(database)
    with database.write() as connection:
        assert jobs.hide(connection, job_id, "me", ("queued",))
        assert jobs.delete_some(connection)
        assert not jobs.delete_some(connection)
    with database.read() as connection:
        assert not connection.execute(sa.select(job_specs)).all()
