"""Databases that have all tables, for tests that are not about migrations.

Many of these tests take less time than the migrations of a SQLite file, so a new file is a copy of
one that was migrated before.
"""

import tempfile
from functools import cache
from pathlib import Path

from epochal_service.store import migrate

_SQLITE = "sqlite:///"


def create_tables(url: str) -> None:
    """Give a database all tables, as `migrate.upgrade` does."""
    path = Path(url.removeprefix(_SQLITE))
    if url.startswith(_SQLITE) and not path.exists():
        path.write_bytes(_migrated())
    else:
        migrate.upgrade(url)


@cache
def _migrated() -> bytes:
    """Return the content of a SQLite file that has all tables, and no rows in them."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "epochal.db")
        migrate.upgrade(f"{_SQLITE}{path}")
        assert list(path.parent.iterdir()) == [path]  # nothing of it is in a write-ahead log
        return path.read_bytes()
