"""Migrate a database to the revision of this program, or check that it is there.

Every process looks at the revision when it starts, and few have anything to migrate. Alembic takes
a fifth of a second to import, so only those do that have.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import structlog
from sqlalchemy import Connection, inspect

from . import sqlite_files
from .database import Database
from .tables import metadata

if TYPE_CHECKING:
    from alembic.config import Config

logger = structlog.get_logger(__name__)

FOLDER = Path(__file__).parent / "migrations"
REVISIONS = sorted(path.name[:4] for path in (FOLDER / "versions").glob("[0-9]*.py"))
"""The revisions of this program, in order: the names of the migration files begin with them."""


class SchemaError(Exception):
    """The database is older or newer than this program; the message says what to do."""


def upgrade(url: str) -> None:
    """Apply all pending migrations. Raises `SchemaError` if the database is newer.

    A SQLite database is copied first, to a file beside it that has the revision in its name.
    """
    database = Database(url)
    try:
        with database.read() as connection:
            _refuse_newer(connection)
            revision = _revision(connection)
        if revision == REVISIONS[-1]:
            return
        if database.sqlite and revision is not None:
            _copy(database, revision)
        with database.write() as connection:
            if not database.sqlite:
                # Migrating many jobs takes time, and no other client waits for the rows.
                connection.exec_driver_sql("SET LOCAL idle_in_transaction_session_timeout = 0")
            _refuse_newer(connection)
            from alembic import command

            config = _config()
            config.attributes["connection"] = connection
            command.upgrade(config, "head")
    finally:
        database.close()


def check(url: str) -> None:
    """Raise `SchemaError` unless the database has the revision of this program."""
    database = Database(url)
    try:
        with database.read() as connection:
            _refuse_newer(connection)
            if _revision(connection) != REVISIONS[-1]:
                raise SchemaError(
                    "The database is older than this program: run `epochald migrate` first."
                )
    finally:
        database.close()


def check_pages(url: str) -> None:
    """Raise `SchemaError` if pages of a SQLite database are damaged. Reads the whole file."""
    database = Database(url)
    try:
        with database.read() as connection:
            result = connection.exec_driver_sql("PRAGMA quick_check(1)").scalar_one()
            if result != "ok":
                raise SchemaError(f"The database is damaged ({result}): restore its backup.")
    finally:
        database.close()


def _copy(database: Database, revision: str) -> None:
    path = database.engine.url.database
    assert path is not None
    copy = _copy_of(path, revision)
    sqlite_files.copy(Path(path), copy)
    logger.info("database_copied", copy=str(copy))


def _copy_of(path: str | None, revision: str) -> Path:
    """Return where a SQLite database of the revision is copied to before an upgrade."""
    return Path(f"{path}.{revision}.bak")


def differences(url: str) -> list[object]:
    """Return the differences between the migrated tables and `tables.metadata`."""
    from alembic.autogenerate import compare_metadata
    from alembic.migration import MigrationContext

    database = Database(url)
    try:
        with database.read() as connection:
            return list(compare_metadata(MigrationContext.configure(connection), metadata))
    finally:
        database.close()


def _config() -> Config:
    from alembic.config import Config

    config = Config()
    config.set_main_option("script_location", str(FOLDER))
    return config


def _revision(connection: Connection) -> str | None:
    """Return the revision that Alembic wrote, or None for a database without tables."""
    if not inspect(connection).has_table("alembic_version"):
        return None
    revision: str | None = connection.exec_driver_sql(
        "SELECT version_num FROM alembic_version"
    ).scalar()
    return revision


def is_known(revision: str) -> bool:
    """Return whether this program can migrate a database of the revision."""
    return revision in REVISIONS


def _refuse_newer(connection: Connection) -> None:
    revision = _revision(connection)
    if revision is None or is_known(revision):
        return
    copies: list[Path] = []
    if connection.dialect.name == "sqlite":
        files = (_copy_of(connection.engine.url.database, known) for known in reversed(REVISIONS))
        copies = [file for file in files if file.exists()]
    advice = f", or go back to what it was: `epochald restore {copies[0]}`" if copies else ""
    raise SchemaError(
        f"The database is newer than this program (revision {revision}): run a newer Epochal"
        f"{advice}."
    )
