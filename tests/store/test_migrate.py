"""Migrations create exactly the tables of the code, and keep the data of older databases."""

import json

import pytest
import sqlalchemy as sa
from alembic import command

from epochal_service.store import Database, jobs, log, migrate
from epochal_service.store.tables import metadata


def test_migrations_create_the_tables_of_the_code(database_url: str) -> None:
    migrate.upgrade(database_url)
    assert migrate.differences(database_url) == []
    database = Database(database_url)
    with database.read() as connection:
        names = set(sa.inspect(connection).get_table_names())
    database.close()
    assert set(metadata.tables) <= names


def test_upgrading_twice_changes_nothing(database_url: str) -> None:
    migrate.upgrade(database_url)
    migrate.upgrade(database_url)
    migrate.check(database_url)


def test_a_migration_has_no_time_limit(postgres_url: str) -> None:
    limits = []

    def record_limit(connection: sa.Connection) -> None:
        if connection.engine.url.database == sa.make_url(postgres_url).database:
            query = "SHOW idle_in_transaction_session_timeout"
            limits.append(connection.exec_driver_sql(query).scalar_one())

    sa.event.listen(sa.Engine, "commit", record_limit)
    try:
        migrate.upgrade(postgres_url)
    finally:
        sa.event.remove(sa.Engine, "commit", record_limit)
    assert limits == ["0"]


def test_checking_an_empty_database_asks_for_a_migration(database_url: str) -> None:
    with pytest.raises(migrate.SchemaError, match="epochald migrate"):
        migrate.check(database_url)


def test_a_newer_database_is_refused_and_not_changed(database_url: str) -> None:
    migrate.upgrade(database_url)
    database = Database(database_url)
    with database.write() as connection:
        connection.exec_driver_sql("UPDATE alembic_version SET version_num = '9999'")
    for step in (migrate.upgrade, migrate.check):
        with pytest.raises(migrate.SchemaError, match="newer than this program"):
            step(database_url)
    with database.read() as connection:
        version = connection.exec_driver_sql("SELECT version_num FROM alembic_version").scalar_one()
    database.close()
    assert version == "9999"


def test_a_search_finds_jobs_that_are_older_than_the_search(database_url: str) -> None:
    database = Database(database_url)
    with database.write() as connection:
        config = migrate._config()
        config.attributes["connection"] = connection
        command.upgrade(config, "0001")
        job = {"dataset": {"name": "two_moons"}, "labels": {"course": "Week-3"}}
        for job_id, spec in {"job_1": job, "sweep_1": {"job": job, "variants": []}}.items():
            connection.execute(
                sa.text(
                    "INSERT INTO jobs (id, owner, state, spec, parameters, samples, flops, epoch,"
                    " attempt, fruitless_attempts, fence, last_seq, created_at)"
                    " VALUES (:id, 'me', 'queued', :spec, 1, 1, 1, 0, 0, 0, 0, 1, 0)"
                ),
                {"id": job_id, "spec": json.dumps(spec)},
            )
    migrate.upgrade(database_url)
    with database.read() as connection:
        for text in ("MOONS", "course=week-3", "job_1"):
            [row] = jobs.page(connection, "me", size=9, before=None, text=text)
            assert row.id == "job_1"
            assert json.loads(row.spec) == job
        [row] = jobs.page(connection, "me", size=9, before=None, text="moons", kind="sweep")
        assert row.id == "sweep_1"
        assert not list(jobs.page(connection, "me", size=9, before=None, text="digits"))
    database.close()


def test_the_previous_revision_is_upgraded_without_loss(database_url: str) -> None:
    database = Database(database_url)
    with database.write() as connection:
        config = migrate._config()
        config.attributes["connection"] = connection
        command.upgrade(config, "0003")
        connection.execute(
            sa.text(
                "INSERT INTO jobs (id, owner, state, words, parameters, samples, flops, epoch,"
                " attempt, fruitless_attempts, fence, lease_expires_at, last_seq, created_at,"
                " hinted_at) VALUES ('job_1', 'me', 'running', 'job_1\ntwo_moons', 9, 100, 27.5, 3,"
                " 2, 1, 4, 2000.25, 7, 1000.5, 1001.5)"
            )
        )
        connection.execute(sa.text("INSERT INTO job_specs (job_id, spec) VALUES ('job_1', '{}')"))
        connection.execute(
            sa.text(
                "INSERT INTO log (job_id, seq, kind, first_epoch, last_epoch, created_at)"
                " VALUES ('job_1', 7, 'state', 3, 3, 1000.5)"
            )
        )
    migrate.upgrade(database_url)
    with database.read() as connection:
        [row] = jobs.page(connection, "me", size=9, before=None, text="MOONS")
        assert (row.id, row.state, row.search_text) == ("job_1", "running", "job_1\ntwo_moons")
        assert (row.parameters, row.samples, row.flops, row.epoch) == (9, 100, 27.5, 3)
        assert (row.attempt, row.fruitless_attempts, row.fence, row.last_seq) == (2, 1, 4, 7)
        assert (row.lease_expires_at, row.created_at, row.notified_at) == (2000.25, 1000.5, 1001.5)
        [entry] = log.after(connection, "job_1", 0, 9)
        assert (entry.seq, entry.kind) == (7, "state")
    with database.write() as connection:  # the log is still deleted with its job
        assert jobs.delete(connection, "job_1", "me", ("running",))
        assert log.after(connection, "job_1", 0, 9) == []
    database.close()
