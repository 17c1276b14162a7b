"""Databases that have all tables, for tests that are not about migrations.

Many of these tests take less time than the migrations, so a new file of SQLite is a copy of one
that was migrated before.
"""

import tempfile
from functools import cache
from pathlib import Path

from epochal_service.store import Database, migrate
from epochal_workers.calibration import calibrate

_SQLITE = "sqlite:///"


def create_tables(url: str, *, calibrated: bool = False) -> None:
    """Give an empty database all tables, as `migrate.upgrade` does.

    If it is `calibrated`, SQLite also has how fast the machine is, as after a worker's first start.
    """
    path = Path(url.removeprefix(_SQLITE))
    if url.startswith(_SQLITE) and not path.exists():
        path.write_bytes(_migrated(calibrated))
    else:
        migrate.upgrade(url)


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
