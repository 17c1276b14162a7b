"""Rows that belong to nothing are found and deleted; all others stay."""

from collections.abc import Iterator
from contextlib import contextmanager

import pytest
import sqlalchemy as sa
from tests.store.test_jobs import insert

from epochal_service.jobs import deletion
from epochal_service.store import Connection, Database, checkpoints
from epochal_service.store.tables import job_specs, jobs, metadata


@contextmanager
def unchecked(database: Database) -> Iterator[Connection]:
    """A transaction that no foreign key is checked in, as some tools have it."""
    pragma = "PRAGMA foreign_keys = {}" if database.sqlite else None
    with database.engine.connect() as connection:
        if pragma:
            connection.connection.execute(pragma.format("OFF"))
        with connection.begin():
            if not pragma:
                connection.exec_driver_sql("SET LOCAL session_replication_role = replica")
            yield connection
        if pragma:
            connection.connection.execute(pragma.format("ON"))


def rows(database: Database) -> dict[str, int]:
    with database.read() as connection:
        return {
            table.name: connection.execute(
                sa.select(sa.func.count()).select_from(table)
            ).scalar_one()
            for table in metadata.sorted_tables
        }


def test_a_sound_database_has_none(database: Database) -> None:
    insert(database)
    before = rows(database)
    assert deletion.find_orphans(database) == {}
    deletion.delete_orphans(database)
    assert rows(database) == before


@pytest.mark.every_variant
def test_rows_without_their_job_are_found_and_deleted(database: Database) -> None:
    whole, lost = insert(database), insert(database)
    expected = rows(database)
    with database.write() as connection:
        for job_id in (whole, lost):
            checkpoints.insert(connection, job_id, [(epoch, b"weights") for epoch in range(40)])
            checkpoints.put_resume_point(connection, job_id, 3, b"state")
            checkpoints.put_reward_weights(connection, job_id, b"weights")
    with unchecked(database) as connection:
        connection.execute(sa.delete(jobs).where(jobs.c.id == lost))
    assert deletion.find_orphans(database) == {
        "rows of checkpoints without their row of jobs": 40,
        "rows of job_labels without their row of jobs": 1,
        "rows of job_specs without their row of jobs": 1,
        "rows of resume_points without their row of jobs": 1,
        "rows of reward_weights without their row of jobs": 1,
    }
    deletion.delete_orphans(database)
    assert deletion.find_orphans(database) == {}
    one_job = {"jobs": 1, "job_specs": 1, "job_labels": 1, "checkpoints": 40, "resume_points": 1}
    one_job["reward_weights"] = 1
    assert rows(database) == {**expected, **one_job}
    with database.read() as connection:
        assert checkpoints.find(connection, whole, 39) == (39, b"weights")


def test_jobs_that_miss_a_part_are_found_and_deleted(database: Database) -> None:
    without_spec, ended = insert(database), insert(database)
    with database.write() as connection:
        connection.execute(sa.delete(job_specs).where(job_specs.c.job_id == without_spec))
        checkpoints.put_resume_point(connection, ended, 3, b"state")
        connection.execute(sa.update(jobs).where(jobs.c.id == ended).values(state="failed"))
    assert deletion.find_orphans(database) == {
        "jobs without their spec": 1,
        "resume points of jobs that have ended": 1,
    }
    deletion.delete_orphans(database)
    assert deletion.find_orphans(database) == {}
    counts = rows(database)
    assert (counts["jobs"], counts["job_specs"], counts["resume_points"]) == (1, 1, 0)
