"""Migrations make exactly the tables that the code speaks of, and know old from new."""

import pytest
import sqlalchemy as sa

from epochal_service.store import Database, migrate
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
