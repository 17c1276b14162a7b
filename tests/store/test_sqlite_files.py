"""A SQLite file is copied while others write, replaced and compacted while nobody does."""

import os
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from epochal_service.store import Database, migrate, sqlite_files
from epochal_service.store.sqlite_files import InUse

MEGABYTE = bytes(2**20)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """A migrated database with a megabyte of content, used by nobody."""
    path = tmp_path / "epochal.db"
    migrate.upgrade(f"sqlite:///{path}")
    write(path, "data_1")
    return path


@pytest.fixture
def user(path: Path) -> Iterator[Database]:
    """A process that has the database open."""
    database = Database(f"sqlite:///{path}")
    with database.read() as connection:
        connection.exec_driver_sql("SELECT 1 FROM jobs").all()
    yield database
    database.close()


def write(path: Path, *ids: str) -> None:
    with closing(sqlite3.connect(path)) as connection:
        connection.executemany(
            "INSERT INTO datasets VALUES (?, 'me', 'mine', '{}', 1.0, ?)",
            [(name, MEGABYTE) for name in ids],
        )
        connection.commit()


def content(path: Path) -> list[str]:
    with closing(sqlite3.connect(path)) as connection:
        assert connection.execute("PRAGMA integrity_check").fetchone() == ("ok",)
        rows = connection.execute("SELECT id, content FROM datasets ORDER BY id").fetchall()
        assert all(blob == MEGABYTE for _, blob in rows)
        return [name for name, _ in rows]


def test_a_copy_is_that_of_one_moment_however_much_is_written_meanwhile(
    path: Path, user: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sqlite_files, "PAGES_PER_STEP", 32)
    target = path.with_name("copy.db")
    steps: list[tuple[int, int]] = []

    def progress(done: int, total: int) -> None:
        write(path, f"data_{len(steps) + 2}")
        steps.append((done, total))

    sqlite_files.copy(path, target, progress)
    assert len(steps) > 4  # and none of them started over
    assert [done for done, _ in steps] == sorted(done for done, _ in steps)
    assert steps[-1][0] == steps[-1][1]
    assert content(target) == ["data_1"]
    assert len(content(path)) == 1 + len(steps)
    assert sqlite_files.check(target) is not None
    assert target.stat().st_mode & 0o077 == 0


def test_a_copy_is_on_the_disk_before_it_has_its_name_and_its_name_too(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    target = path.with_name("copy.db")
    synced: list[str] = []

    def fsync(descriptor: int) -> None:
        file = os.fstat(descriptor)
        partial = sqlite_files.partial_of(target)
        paths = {"partial": partial, "copy": target, "folder": path.parent}
        synced.extend(
            name
            for name, known in paths.items()
            if known.exists() and os.path.samestat(file, known.stat())
        )

    monkeypatch.setattr(os, "fsync", fsync)
    sqlite_files.copy(path, target)
    assert synced == ["partial", "folder"]
    assert target.exists()


def test_a_copy_that_fails_leaves_no_file(path: Path) -> None:
    def fail(done: int, total: int) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        sqlite_files.copy(path, path.with_name("copy.db"), fail)
    assert [file.name for file in path.parent.iterdir()] == ["epochal.db"]


def test_a_database_that_is_in_use_is_not_compacted(path: Path, user: Database) -> None:
    before = path.read_bytes()
    with pytest.raises(InUse):
        sqlite_files.compact(path)
    assert path.read_bytes() == before
    user.close()
    sqlite_files.compact(path)


def test_a_copy_replaces_the_database_and_its_log(path: Path) -> None:
    copy, former = path.with_name("copy.db"), path.with_name("former.db")
    sqlite_files.copy(path, copy)
    # The last writer of the database died: its newest rows are in the log.
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("PRAGMA journal_mode = WAL")
        connection.execute("UPDATE datasets SET name = 'renamed'")
        connection.commit()
        wrecked = {file.name: file.read_bytes() for file in path.parent.glob("epochal.db*")}
    assert "epochal.db-wal" in wrecked
    for name, blob in wrecked.items():
        path.with_name(name).write_bytes(blob)
    path.with_name("epochal.db-shm").unlink(missing_ok=True)

    sqlite_files.replace(path, copy, former)
    assert {file.name for file in path.parent.iterdir()} >= {"former.db", "former.db-wal"}
    assert not path.with_name("epochal.db-wal").exists()
    assert not path.with_name("epochal.db.restored").exists()
    names = {}
    for file in (path, former):
        with closing(sqlite3.connect(file)) as connection:
            [names[file]] = connection.execute("SELECT name FROM datasets").fetchone()
    assert names == {path: "mine", former: "renamed"}


def test_a_damaged_database_can_be_replaced(path: Path) -> None:
    copy, former = path.with_name("copy.db"), path.with_name("former.db")
    sqlite_files.copy(path, copy)
    path.write_bytes(b"no database at all" * 1000)
    path.chmod(0o640)
    with pytest.raises(sqlite3.DatabaseError):
        sqlite_files.check(path)
    sqlite_files.replace(path, copy, former)
    assert content(path) == ["data_1"]
    assert former.read_bytes().startswith(b"no database")
    assert path.stat().st_mode & 0o777 == 0o640


def test_another_database_has_no_revision(tmp_path: Path) -> None:
    path = tmp_path / "other.db"
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("CREATE TABLE other (a)")
    assert sqlite_files.check(path) is None


def test_compacting_gives_free_pages_back_and_loses_nothing(path: Path) -> None:
    write(path, *(f"data_{number}" for number in range(2, 9)))
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("DELETE FROM datasets WHERE id > 'data_2'")
        connection.commit()
    steps: list[tuple[int, int]] = []
    before, after = sqlite_files.compact(path, lambda done, total: steps.append((done, total)))
    assert before.total > 8 * len(MEGABYTE)
    assert before.free > 6 * len(MEGABYTE)
    assert after.free == 0
    assert path.stat().st_size == after.total < 3 * len(MEGABYTE)
    assert content(path) == ["data_1", "data_2"]
    shares = [done / total for done, total in steps]
    assert shares == sorted(shares)
    assert shares[-1] == 1
    assert [file.name for file in path.parent.iterdir()] == ["epochal.db"]
    database = Database(f"sqlite:///{path}")
    with database.write() as connection:
        assert connection.exec_driver_sql("PRAGMA journal_mode").scalar_one() == "wal"
    database.close()
