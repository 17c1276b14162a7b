"""Databases that have all tables, for tests that are not about migrations.

Many of these tests take less time than the migrations, so a new database is a copy of one that was
migrated before.
"""

import tempfile
from functools import cache
from pathlib import Path

import psycopg
from psycopg.sql import SQL, Identifier

from epochal_service.store import Database, migrate
from epochal_workers.calibration import calibrate

_SQLITE = "sqlite:///"
_TEMPLATE = "epochal_tables"


def create_tables(url: str, *, calibrated: bool = False) -> None:
    """Give an empty database all tables, as `migrate.upgrade` does.

    If it is `calibrated`, SQLite also has how fast the machine is, as after a worker's first start.
    """
    path = Path(url.removeprefix(_SQLITE))
    if not url.startswith(_SQLITE):
        _copy_template(*url.rsplit("/", 1))
    elif path.exists():
        migrate.upgrade(url)
    else:
        path.write_bytes(_migrated(calibrated))


def _copy_template(server: str, name: str) -> None:
    """Replace a database of PostgreSQL by a copy of one with all tables and no rows."""
    maintenance = f"{server.replace('+psycopg', '')}/postgres"
    with psycopg.connect(maintenance, autocommit=True) as connection:
        find = "SELECT FROM pg_database WHERE datname = %s"
        if not connection.execute(find, [_TEMPLATE]).fetchall():
            connection.execute(SQL("CREATE DATABASE {}").format(Identifier(_TEMPLATE)))
            migrate.upgrade(f"{server}/{_TEMPLATE}")
        connection.execute(SQL("DROP DATABASE {}").format(Identifier(name)))
        copy = SQL("CREATE DATABASE {} TEMPLATE {}")
        connection.execute(copy.format(Identifier(name), Identifier(_TEMPLATE)))


@cache
def _migrated(calibrated: bool) -> bytes:
    """Return the content of a SQLite file that has all tables, and no other rows in them."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "epochal.db")
        migrate.upgrade(f"{_SQLITE}{path}")
        if calibrated:
            database = Database(f"{_SQLITE}{path}")
            calibrate(database)
            database.close()
        assert list(path.parent.iterdir()) == [path]  # nothing of it is in a write-ahead log
        return path.read_bytes()
