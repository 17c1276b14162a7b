"""Job rows: specs, updates and deletions."""

import re
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from tests.servers.tables import create_tables

from epochal_service.access.classes import MAX_PUPILS
from epochal_service.store import Database, jobs, migrate, outlines, tables
from epochal_service.store.database import new_id
from epochal_service.store.tables import job_specs

pytestmark = pytest.mark.every_variant

LARGE = "x" * 2**20


def insert(database: Database, owner: str = "me") -> str:
    return inserted(database, owner).id


def inserted(database: Database, owner: str = "me") -> jobs.JobWithSpec:
    values: dict[str, Any] = {
        "id": new_id("job"),
        "owner": owner,
        "state": "queued",
        "spec": LARGE,
        **dict.fromkeys(("parameters", "samples", "flops", "epoch", "attempt"), 0),
        **dict.fromkeys(("fruitless_attempts", "fence", "last_seq"), 0),
    }
    with database.write() as connection:
        return jobs.insert(connection, values, {"course": "week-3"})


def advance(database: Database, job_id: str, epoch: int) -> jobs.JobRow | None:
    with database.write() as connection:
        return jobs.advance(
            connection, job_id, states=("queued",), events=1, values={"epoch": epoch}
        )


def test_every_query_returns_a_row_with_its_spec(database: Database) -> None:
    new = inserted(database)
    insert(database)
    job_id = new.id
    with database.read() as connection:
        assert new == jobs.find(connection, job_id)
    changed = advance(database, job_id, 1)
    with database.read() as connection:
        actual = jobs.find(connection, job_id)
        listed = [
            row for row in jobs.page(connection, ("me",), size=9, before=None) if row.epoch == 1
        ]
    assert actual is not None
    assert changed is not None
    assert listed == [actual]
    assert (actual.id, actual.epoch, actual.last_seq, actual.spec) == (job_id, 1, 1, LARGE)
    assert asdict(actual) == asdict(changed) | {"spec": LARGE, "webhooks": None}


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


def test_a_spec_is_deleted_with_its_job_and_the_outlines_before_it(database: Database) -> None:
    job_id = insert(database)
    with database.write() as connection:
        outlines.append(connection, job_id, 32, [(epoch, b"points") for epoch in range(70)])
        assert jobs.hide(connection, job_id, "me", ("queued",))
        assert jobs.delete_some(connection)
        assert len(outlines.read(connection, job_id, 32, -1, 70)) == 6
        assert jobs.delete_some(connection)
        assert jobs.delete_some(connection)
        assert not jobs.delete_some(connection)
    with database.read() as connection:
        assert not connection.execute(sa.select(job_specs)).all()


@pytest.fixture
def unused_database(empty_database_url: str) -> Iterator[Database]:
    """PostgreSQL has no statistics about rows that another test left, which may change a plan."""
    create_tables(empty_database_url)
    database = Database(empty_database_url)
    yield database
    database.close()


def plan_of(connection: sa.Connection, query: sa.Select[Any]) -> str:
    compiled = query.compile(connection, compile_kwargs={"literal_binds": True})
    if connection.dialect.name == "sqlite":
        rows = connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {compiled}").all()
        return "\n".join(row.detail for row in rows)
    connection.exec_driver_sql("SET LOCAL enable_seqscan = off")
    connection.exec_driver_sql("SET LOCAL enable_bitmapscan = off")
    return "\n".join(connection.exec_driver_sql(f"EXPLAIN {compiled}").scalars())


@pytest.mark.parametrize("owners", [("me",), ("class", "class.01", "class.02")])
def test_a_list_of_several_owners_reads_the_newest_of_each_in_an_index(
    unused_database: Database, owners: tuple[str, ...]
) -> None:
    with unused_database.read() as connection:
        rows = sa.select(tables.jobs.c.id)
        plan = plan_of(connection, jobs.newest(rows, owners, [tables.jobs.c.id < "job_9"], 20))
    assert len(re.findall("ix_jobs_owner_id", plan)) == len(owners), plan
    assert not re.search(r"SCAN jobs|Seq Scan on jobs", plan), plan


def test_the_largest_class_can_be_listed_by_any_states(database: Database) -> None:
    """SQLite joins at most 500 queries."""
    owners = ("class", *(f"class.{number:02d}" for number in range(1, MAX_PUPILS + 1)))
    first, last = insert(database, owners[0]), insert(database, owners[-1])
    states = ["queued", "running", "pausing", "paused", "cancelling"]
    with database.read() as connection:
        listed = jobs.page(connection, owners, size=9, before=None, states=states)
        assert [row.id for row in listed] == [last, first]
        listed = jobs.page(connection, owners, size=9, before=None, states=states[1:])
        assert not list(listed)


def test_a_list_of_several_owners_is_in_the_order_of_their_creation(database: Database) -> None:
    owners = ("class", "class.01", "class.02")
    created = [(owner, insert(database, owner)) for owner in (*owners, "other") * 3]
    theirs = [job_id for owner, job_id in created if owner in owners]
    with database.read() as connection:
        listed = [row.id for row in jobs.page(connection, owners, size=9, before=None)]
        second = [row.id for row in jobs.page(connection, owners, size=4, before=theirs[-4])]
        nobody = list(jobs.page(connection, (), size=9, before=None))
    assert listed == sorted(theirs, reverse=True)
    assert second == listed[4:8]
    assert nobody == []


def test_the_next_job_of_an_owner_is_read_from_an_index(unused_database: Database) -> None:
    row = tables.jobs.c
    of_owner = sa.select(row.id).where(row.state == "queued", row.owner == "me")
    with unused_database.read() as connection:
        plan = plan_of(connection, of_owner.order_by(row.priority.desc(), row.id).limit(1))
    assert "ix_jobs_state_owner_priority" in plan
    assert not re.search("Sort|TEMP B-TREE", plan), plan
