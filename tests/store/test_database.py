"""A read sees one snapshot, a write is atomic, and the database gives the times."""

import fcntl
import os
import sqlite3
import threading
import time
from contextlib import closing
from pathlib import Path

import pytest
import sqlalchemy as sa
from tests.servers.stack import await_condition

import epochal_service.store.database
import epochal_service.store.turnstile
from epochal_service.errors import Unavailable
from epochal_service.store import Database, migrate, networks
from epochal_service.store.database import byte_length, new_id, now

pytestmark = pytest.mark.every_variant


def save(database: Database, name: str) -> None:
    with database.write() as connection:
        networks.insert(connection, id=new_id("net"), owner="me", name=name, network="{}")


def names(database: Database) -> list[str | None]:
    with database.read() as connection:
        return [row.name for row in networks.page(connection, "me", size=100, before=None)]


def test_a_block_that_raises_is_rolled_back(database: Database) -> None:
    def write_half() -> None:
        with database.write() as connection:
            networks.insert(connection, id=new_id("net"), owner="me", name="half", network="{}")
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        write_half()
    assert names(database) == []


def test_a_reader_keeps_its_snapshot_while_others_write(database: Database) -> None:
    save(database, "before")
    with database.read() as connection:
        assert len(networks.page(connection, "me", size=9, before=None)) == 1
        save(database, "meanwhile")
        assert len(networks.page(connection, "me", size=9, before=None)) == 1
    assert names(database) == ["meanwhile", "before"]


def test_writers_wait_for_each_other_instead_of_failing(database: Database) -> None:
    def write_ten(who: int) -> None:
        for number in range(10):
            save(database, f"{who}-{number}")

    threads = [threading.Thread(target=write_ten, args=(who,)) for who in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(names(database)) == 80


def test_a_writer_has_its_turn_although_another_process_writes_all_the_time(
    tmp_path: Path,
) -> None:
    url = f"sqlite:///{tmp_path}/epochal.db"
    migrate.upgrade(url)
    ended = threading.Event()
    commits = 0

    def write_always() -> None:
        nonlocal commits
        with closing(Database(url)) as other:
            while not ended.is_set():
                with other.write():
                    time.sleep(0.005)  # what the transaction does
                commits += 1

    with closing(Database(url)) as database:
        thread = threading.Thread(target=write_always)
        thread.start()
        waited = []
        try:
            await_condition(lambda: commits > 0, 60, "the other writes")
            for number in range(20):
                before = commits
                save(database, f"{number}")
                waited.append(commits - before)
        finally:
            ended.set()
            thread.join()
    # Each waits for the running transaction, and for others while a thread got no processor.
    # With SQLite's own waiting, in steps of 100 ms, several hundred.
    assert max(waited) < 50


def test_a_process_that_is_stopped_in_the_turnstile_is_passed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(epochal_service.store.turnstile, "STALLED_SECONDS", 0.05)
    url = f"sqlite:///{tmp_path}/epochal.db"
    migrate.upgrade(url)
    folder = os.open(tmp_path, os.O_RDONLY)
    try:
        fcntl.flock(folder, fcntl.LOCK_EX)
        with closing(Database(url)) as database:
            save(database, "passed")
            assert names(database) == ["passed"]
    finally:
        os.close(folder)


@pytest.mark.parametrize("is_same_process", [True, False])
def test_a_writer_that_waits_for_too_long_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, is_same_process: bool
) -> None:
    monkeypatch.setattr(epochal_service.store.database, "BUSY_SECONDS", 0.1)
    url = f"sqlite:///{tmp_path}/epochal.db"
    migrate.upgrade(url)
    with closing(Database(url)) as database, closing(Database(url)) as other:
        with (database if is_same_process else other).write():
            with pytest.raises(Unavailable, match="does not answer"):
                save(database, "mine")
            assert names(database) == []
        save(database, "mine")
        assert names(database) == ["mine"]


def test_a_write_that_reads_first_does_not_fail_because_others_write(database: Database) -> None:
    other = threading.Thread(target=save, args=(database, "other"))
    with database.write() as connection:
        networks.page(connection, "me", size=9, before=None)
        other.start()
        other.join(0.5)  # on SQLite it waits for the end of this transaction
        networks.insert(connection, id=new_id("net"), owner="me", name="mine", network="{}")
    other.join()
    assert sorted(map(str, names(database))) == ["mine", "other"]


def test_a_transaction_that_stands_idle_ends(
    postgres_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(epochal_service.store.database, "IDLE_TRANSACTION_SECONDS", 0.1)
    migrate.upgrade(postgres_url)
    with closing(Database(postgres_url)) as database:

        def stand_idle() -> None:
            with database.write() as connection:
                mine = connection.execute(sa.select(sa.func.pg_backend_pid())).scalar_one()
                await_condition(lambda: not is_open(mine), 60, "the server ends the connection")
                networks.insert(connection, id=new_id("net"), owner="me", name="x", network="{}")

        def is_open(backend: int) -> bool:
            with database.engine.connect() as connection:
                query = sa.text("SELECT count(*) FROM pg_stat_activity WHERE pid = :pid")
                return bool(connection.execute(query, {"pid": backend}).scalar_one())

        with pytest.raises(Unavailable):
            stand_idle()
        assert names(database) == []


def test_the_clock_runs_within_a_transaction_and_agrees_with_ours(database: Database) -> None:
    with database.write() as connection:
        first = connection.execute(sa.select(now())).scalar_one()
        assert abs(first - time.time()) < 60
        deadline = time.monotonic() + 60
        while connection.execute(sa.select(now())).scalar_one() <= first:
            assert time.monotonic() < deadline


def test_a_text_is_measured_in_bytes_without_being_read(database: Database) -> None:
    if database.sqlite and sqlite3.sqlite_version_info < (3, 43):
        pytest.skip("this SQLite counts characters")
    with database.read() as connection:
        assert connection.execute(sa.select(byte_length(sa.literal("né")))).scalar_one() == 3


def test_a_database_that_does_not_answer_is_unavailable(tmp_path: Path) -> None:
    database = Database(f"sqlite:///{tmp_path}/no/such/folder/epochal.db")
    with pytest.raises(Unavailable, match="does not answer"), database.read():
        pass
    database.close()


def test_the_reply_does_not_tell_the_address_of_the_database(tmp_path: Path) -> None:
    database = Database("postgresql+psycopg://me:secret@127.0.0.1:1/name")
    with pytest.raises(Unavailable) as unavailable, database.read():
        pass
    database.close()
    assert unavailable.value.detail == "The database does not answer"
    assert "127.0.0.1" in str(unavailable.value)
    assert "secret" not in str(unavailable.value)


def test_a_damaged_database_is_unavailable_and_the_reply_says_what_to_do(tmp_path: Path) -> None:
    path = tmp_path / "epochal.db"
    migrate.upgrade(f"sqlite:///{path}")
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    content = bytearray(path.read_bytes())
    content[4096:] = bytes(len(content) - 4096)  # all pages but the first
    path.write_bytes(content)
    database = Database(f"sqlite:///{path}")
    with pytest.raises(Unavailable) as unavailable, database.read() as connection:
        connection.execute(sa.text("SELECT count(*) FROM jobs")).scalar_one()
    database.close()
    assert unavailable.value.detail == (
        "The database is damaged; its operator must restore the backup"
    )
    assert unavailable.value.reason == "database_damaged"


def test_ids_sort_by_creation_time() -> None:
    ids = []
    for _ in range(20):
        ids.append(new_id("job"))
        time.sleep(1e-5)  # ids within one microsecond may come in any order
    assert ids == sorted(ids)
    assert len(set(ids)) == 20
