"""The file of a SQLite database as a whole: copy it while others write, replace it, shrink it.

copy      a snapshot; the service goes on
replace   a copy takes the place of a database that nobody uses
compact   rewrites a database that nobody uses without its free pages
"""

from __future__ import annotations

import fcntl
import os
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

Progress = Callable[[int, int], object]
"""Called with the finished part and the total, in the same unit."""

PAGES_PER_STEP = 4096
# The bytes of the file that SQLite locks for as long as a connection in WAL mode is open:
# SHARED_FIRST and SHARED_SIZE of its source.
_LOCK_START, _LOCK_BYTES = 0x40000002, 510
_STEPS_PER_CALL = 100_000  # of SQLite's virtual machine, between two reports of progress


class InUse(Exception):
    """Another process has the database open."""


class NotEnoughRoom(Exception):
    """The disk has no room for a copy."""


def copy(source: Path, target: Path, progress: Progress | None = None) -> None:
    """Copy a database, in use or not, to a file that did not exist.

    The copy is a snapshot of one moment. A copy that fails leaves no file. Raises `sqlite3.Error`,
    `OSError`.
    """
    partial = partial_of(target)
    partial.unlink(missing_ok=True)
    try:
        partial.touch(mode=0o600)  # it holds everything that users stored
        with closing(sqlite3.connect(source)) as old, closing(sqlite3.connect(partial)) as new:
            old.execute("BEGIN")
            old.execute("SELECT 1 FROM sqlite_schema").fetchall()  # opens the snapshot
            old.backup(new, pages=PAGES_PER_STEP, progress=_counted(progress))
        _sync(partial)
        partial.replace(target)
        _sync(target.parent)
    finally:
        for name in _files(partial):
            name.unlink(missing_ok=True)


def partial_of(target: Path) -> Path:
    """Return the name of a copy that is not complete."""
    return target.with_name(f"{target.name}.partial")


def check(path: Path) -> str | None:
    """Return the revision of a database that nobody writes; None if Epochal did not make it.

    Raises `sqlite3.DatabaseError` if the file is damaged, or no database.
    """
    wal = path.with_name(f"{path.name}-wal")
    # Without a log beside it nothing is written next to the file, which may be on a read-only disk.
    mode = "" if wal.exists() else "&immutable=1"
    uri = f"{path.absolute().as_uri()}?mode=ro{mode}"
    with closing(sqlite3.connect(uri, uri=True)) as connection:
        result = connection.execute("PRAGMA quick_check(1)").fetchone()[0]
        if result != "ok":
            raise sqlite3.DatabaseError(result)
        try:
            row = connection.execute("SELECT version_num FROM alembic_version").fetchone()
        except sqlite3.OperationalError:
            return None
    return None if row is None else str(row[0])


@contextmanager
def locked(path: Path) -> Iterator[None]:
    """Keep others from opening the database until the block ends. Raises `InUse`."""
    if not path.exists():
        yield
        return
    with path.open("r+b") as file:
        try:
            fcntl.lockf(file, fcntl.LOCK_EX | fcntl.LOCK_NB, _LOCK_BYTES, _LOCK_START)
        except OSError:
            raise InUse from None
        yield


def replace(path: Path, source: Path, former: Path, progress: Progress | None = None) -> None:
    """Put a copy of `source` in the place of a database that nobody uses.

    The database that was there, which may be damaged, is renamed to `former`. Raises `InUse`,
    `sqlite3.Error`, `OSError`.
    """
    new = path.with_name(f"{path.name}.restored")
    with locked(path):
        new.unlink(missing_ok=True)
        copy(source, new, progress)
        if path.exists():
            _copy_owner(path, new)
            os.link(path, former)
        # A log that is left behind would be read as the log of the new file.
        for suffix in ("-wal", "-shm"):
            with suppress(FileNotFoundError):
                path.with_name(path.name + suffix).rename(former.with_name(former.name + suffix))
        new.replace(path)
        _sync(path.parent)


@dataclass(frozen=True)
class Size:
    """Bytes of a database file, and of those the bytes that hold nothing."""

    total: int
    free: int


def size(path: Path) -> Size:
    """Return the size of a database. Raises `sqlite3.Error`."""
    with closing(sqlite3.connect(path)) as connection:
        return _size(connection)


def compact(path: Path, progress: Progress | None = None) -> tuple[Size, Size]:
    """Rewrite a database that nobody uses without its free pages; return its sizes.

    It is written to a file beside it, and from there copied back in one transaction: after a crash
    it is as it was. Raises `InUse`, `NotEnoughRoom`, `sqlite3.Error`, `OSError`.
    """
    new = path.with_name(f"{path.name}.compact")
    new.unlink(missing_ok=True)
    with closing(sqlite3.connect(path, isolation_level=None, timeout=0)) as connection:
        try:
            # The lock of this mode is held until the connection closes.
            connection.execute("PRAGMA locking_mode = EXCLUSIVE")
            connection.execute("PRAGMA journal_mode = DELETE")
            connection.execute("BEGIN EXCLUSIVE")
            connection.execute("COMMIT")
        except sqlite3.OperationalError as error:
            if error.sqlite_errorname == "SQLITE_BUSY":
                raise InUse from None
            raise
        before = _size(connection)
        expected = before.total - before.free
        stat = os.statvfs(path.parent)
        if stat.f_bavail * stat.f_frsize < 2 * expected:
            raise NotEnoughRoom
        try:
            _vacuum(connection, new, expected, progress)
            with closing(sqlite3.connect(new)) as source:
                source.backup(
                    connection, pages=PAGES_PER_STEP, progress=_counted(progress, second_half=True)
                )
        finally:
            for name in _files(new):
                name.unlink(missing_ok=True)
        return before, _size(connection)


def _vacuum(
    connection: sqlite3.Connection, new: Path, expected: int, progress: Progress | None
) -> None:
    def report() -> int:
        if progress is not None and new.exists():
            progress(min(new.stat().st_size, expected), 2 * expected)
        return 0

    connection.set_progress_handler(report, _STEPS_PER_CALL)
    connection.execute("VACUUM INTO ?", (str(new),))
    connection.set_progress_handler(None, 0)


def _counted(
    progress: Progress | None, second_half: bool = False
) -> Callable[[int, int, int], object] | None:
    """Return a callback of SQLite's backup that reports the pages that are copied."""
    if progress is None:
        return None
    offset = 1 if second_half else 0
    return lambda _, remaining, total: progress(
        total * (1 + offset) - remaining, total * (1 + offset)
    )


def _size(connection: sqlite3.Connection) -> Size:
    page_bytes, pages, free = (
        connection.execute(f"PRAGMA {name}").fetchone()[0]
        for name in ("page_size", "page_count", "freelist_count")
    )
    return Size(page_bytes * pages, page_bytes * free)


def _files(path: Path) -> list[Path]:
    """Return the names of a database and of the files that SQLite writes beside it."""
    return [path.with_name(path.name + end) for end in ("", "-wal", "-shm", "-journal")]


def _copy_owner(source: Path, target: Path) -> None:
    """Let those read and write a file who may read and write another."""
    stat = source.stat()
    target.chmod(stat.st_mode & 0o777)
    with suppress(PermissionError):
        os.chown(target, stat.st_uid, stat.st_gid)


def _sync(path: Path) -> None:
    """Write a file or a folder to the disk."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
