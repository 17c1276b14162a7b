"""Migrations make exactly the tables that the code speaks of, and know old from new."""

import json

import pytest
import sqlalchemy as sa
from alembic import command

from epochal_service.store import Database, jobs, migrate
from epochal_service.store.tables import metadata


def test_migrations_make_the_tables_of_the_code(database_url: str) -> None:
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


def test_a_migration_may_take_its_time(postgres_url: str) -> None:
    allowed = []

    def look(connection: sa.Connection) -> None:
        if connection.engine.url.database == sa.make_url(postgres_url).database:
            longest = "SHOW idle_in_transaction_session_timeout"
            allowed.append(connection.exec_driver_sql(longest).scalar_one())

    sa.event.listen(sa.Engine, "commit", look)
    try:
        migrate.upgrade(postgres_url)
    finally:
        sa.event.remove(sa.Engine, "commit", look)
    assert allowed == ["0"]


def test_an_empty_database_is_told_to_migrate(database_url: str) -> None:
    with pytest.raises(migrate.SchemaError, match="epochald migrate"):
        migrate.check(database_url)


def test_a_newer_database_is_refused_and_left_alone(database_url: str) -> None:
    migrate.upgrade(database_url)
    database = Database(database_url)
    with database.write() as connection:
        connection.exec_driver_sql("UPDATE alembic_version SET version_num = '9999'")
    for step in (migrate.upgrade, migrate.check):
        with pytest.raises(migrate.SchemaError, match="newer than this program"):
            step(database_url)
    with database.read() as connection:
        found = connection.exec_driver_sql("SELECT version_num FROM alembic_version").scalar_one()
    database.close()
    assert found == "9999"


def test_what_was_made_before_there_was_a_search_is_found_by_it(database_url: str) -> None:
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
            [found] = jobs.page(connection, "me", size=9, before=None, text=text)
            assert found.id == "job_1"
            assert json.loads(found.spec) == job
        [found] = jobs.page(connection, "me", size=9, before=None, text="moons", kind="sweep")
        assert found.id == "sweep_1"
        assert not list(jobs.page(connection, "me", size=9, before=None, text="digits"))
    database.close()
