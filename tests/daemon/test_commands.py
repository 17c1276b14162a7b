"""`epochald` reports a startup error as one sentence on stderr, with a non-zero exit code."""

import csv
import json
import os
import re
import socket
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest
from tests.servers.postgres import free_port
from tests.servers.stack import environment
from tests.servers.tables import create_tables
from tests.servers.valkey import listening_on_tcp

from epochal_engine import why_python
from epochal_service.daemon import preflight
from epochal_service.settings import Settings

CLASS = ("10b", "10b.01", "10b.02", "10b.03")
ANY_PORT = {"http_address": "127.0.0.1:0", "grpc_address": "127.0.0.1:0"}


@pytest.fixture
def taken_port() -> Iterator[int]:
    """A port of 127.0.0.1 on which somebody listens."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        yield listener.getsockname()[1]


class Epochald:
    """Runs `epochald` in an empty folder, with the settings given and no others."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def __call__(self, *command: str, **settings: object) -> "subprocess.CompletedProcess[str]":
        return subprocess.run(
            [sys.executable, "-P", "-m", "epochal_service", *command],
            cwd=self.folder,
            env=environment(ANY_PORT | settings),
            capture_output=True,
            text=True,
            timeout=120,
        )

    def refusal(self, *command: str, **settings: object) -> str:
        """The one sentence with which it leaves."""
        done = self(*command, **settings)
        assert done.returncode in (os.EX_CONFIG, os.EX_TEMPFAIL)
        assert done.stdout == ""
        lines = done.stderr.splitlines()
        assert len(lines) == 1, done.stderr
        assert lines[0].startswith("epochald: ")
        return lines[0].removeprefix("epochald: ")


@pytest.fixture
def epochald(tmp_path: Path) -> Epochald:
    return Epochald(tmp_path)


@pytest.fixture
def migrated(epochald: Epochald) -> Epochald:
    """The same in a folder with a database, as after an earlier command."""
    folder = epochald.folder / "data"
    folder.mkdir(mode=0o700)
    create_tables(f"sqlite:///{folder}/epochal.db")
    return epochald


@pytest.mark.parametrize(
    ("command", "unused"), [("--version", "pydantic"), ("keys list", "numpy"), ("check", "fastapi")]
)
def test_a_command_imports_only_what_it_needs(
    epochald: Epochald, command: str, unused: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PYTHONPROFILEIMPORTTIME", "1")
    done = epochald(*command.split())
    assert done.returncode == 0
    imported = {line.rpartition("|")[2].strip() for line in done.stderr.splitlines()}
    assert "epochal_service.daemon.preflight" in imported
    assert unused not in imported


@pytest.mark.parametrize("command", ["up", "api"])
@pytest.mark.parametrize("name", ["http_address", "grpc_address"])
def test_a_port_that_is_taken(epochald: Epochald, command: str, name: str, taken_port: int) -> None:
    settings = {name: f"127.0.0.1:{taken_port}", "broker_url": "redis://127.0.0.1:1"}
    assert epochald.refusal(command, **settings) == (
        f"127.0.0.1:{taken_port} cannot be used (another program listens on it); stop what uses "
        f"it, or set EPOCHAL_{name.upper()} to another address"
    )


@pytest.mark.long
def test_an_address_of_another_machine(epochald: Epochald) -> None:
    sentence = epochald.refusal("up", http_address="192.0.2.1:8000", allow_public=1)
    assert sentence.startswith("192.0.2.1:8000 cannot be used (Cannot assign requested address)")


@pytest.mark.long
def test_the_same_port_for_both_wires(epochald: Epochald) -> None:
    address = f"127.0.0.1:{free_port()}"
    sentence = epochald.refusal("up", http_address=address, grpc_address=address)
    assert sentence.endswith("set EPOCHAL_GRPC_ADDRESS to another address")


@pytest.mark.long
@pytest.mark.parametrize("command", ["up", "migrate"])
def test_a_data_folder_that_cannot_be_made(epochald: Epochald, command: str) -> None:
    (epochald.folder / "file").touch()
    sentence = epochald.refusal(command, data_dir="file/data")
    assert re.fullmatch(
        r"file(/data)? cannot be written \((Not a directory|File exists)\); correct its "
        r"permissions, or set EPOCHAL_DATA_DIR to another folder",
        sentence,
    )


@pytest.mark.long
@pytest.mark.skipif(os.geteuid() == 0, reason="root may write everywhere")
def test_a_data_folder_that_cannot_be_written(epochald: Epochald) -> None:
    (epochald.folder / "data").mkdir(mode=0o500)
    assert epochald.refusal("up").startswith("data cannot be written (Permission denied)")


@pytest.mark.long
def test_a_new_database_is_for_its_user_alone(epochald: Epochald) -> None:
    assert epochald("migrate").returncode == 0
    folder = epochald.folder / "data"
    modes = {path.name: path.stat().st_mode & 0o777 for path in (folder, folder / "epochal.db")}
    assert modes == {"data": 0o700, "epochal.db": 0o600}


@pytest.mark.long
@pytest.mark.parametrize("command", ["up", "migrate"])
def test_a_database_that_is_newer_than_the_program(migrated: Epochald, command: str) -> None:
    with sqlite3.connect(migrated.folder / "data" / "epochal.db") as database:
        database.execute("UPDATE alembic_version SET version_num = 'from_the_future'")
    database.close()
    assert "newer than this program" in migrated.refusal(command)


@pytest.mark.long
def test_a_file_that_is_not_a_database(epochald: Epochald) -> None:
    (epochald.folder / "data").mkdir()
    (epochald.folder / "data" / "epochal.db").write_text("Dear diary, today I was not a database.")
    sentence = epochald.refusal("up")
    assert sentence.startswith("sqlite:///data/epochal.db cannot be used (file is not a database)")


@pytest.mark.long
def test_a_database_of_an_unknown_kind(epochald: Epochald) -> None:
    sentence = epochald.refusal("up", database_url="mysql://user:secret@host/name")
    assert sentence.startswith("EPOCHAL_DATABASE_URL: 'mysql://…' is not a supported database")
    assert "secret" not in sentence


@pytest.mark.long
def test_a_database_that_does_not_answer(epochald: Epochald) -> None:
    sentence = epochald.refusal("up", database_url="postgresql+psycopg://u:secret@127.0.0.1:1/n")
    assert sentence.startswith("postgresql+psycopg://u:***@127.0.0.1:1/n cannot be used (")
    assert "secret" not in sentence


@pytest.mark.long
def test_a_postgresql_database_that_was_not_migrated(
    epochald: Epochald, postgres_url: str, broker_url: str
) -> None:
    for command in ("up", "api", "worker"):
        sentence = epochald.refusal(command, database_url=postgres_url, broker_url=broker_url)
        assert "run `epochald migrate`" in sentence, command
    assert epochald("migrate", database_url=postgres_url).returncode == 0
    done = epochald("check", database_url=postgres_url, broker_url=broker_url)
    assert done.returncode == 0, done.stdout


@pytest.mark.long
@pytest.mark.parametrize("command", ["up", "worker"])
def test_a_broker_that_does_not_answer(epochald: Epochald, command: str) -> None:
    sentence = epochald.refusal(command, broker_url="redis://:secret@127.0.0.1:1/0")
    assert sentence.startswith("redis://:***@127.0.0.1:1/0: the broker does not answer (")
    assert sentence.endswith("; start it, or correct EPOCHAL_BROKER_URL")


@pytest.mark.long
@pytest.mark.parametrize("command", ["api", "worker"])
def test_api_and_worker_alone_need_a_configured_broker(epochald: Epochald, command: str) -> None:
    assert epochald.refusal(command).startswith("EPOCHAL_BROKER_URL is not set")


def test_check_lists_every_setting_and_finds_nothing_wrong(epochald: Epochald) -> None:
    (epochald.folder / ".env").write_text("EPOCHAL_WORKERS=3\n")
    with listening_on_tcp() as url:
        done = epochald("check", broker_url=url, wrokers=5)
    assert done.returncode == 0, done.stdout
    assert re.search(r"^EPOCHAL_WORKERS +3 +\.env +processes that train;", done.stdout, re.M)
    assert re.search(r"^EPOCHAL_DATA_DIR +data +default +folder", done.stdout, re.M)
    assert re.search(rf"^EPOCHAL_BROKER_URL +{url} +environment", done.stdout, re.M)
    assert re.search(r"^EPOCHAL_LIMITS__MAX_EPOCHS +1000000 +default", done.stdout, re.M)
    assert "note  EPOCHAL_WROKERS is not a setting of Epochal" in done.stdout
    assert done.stdout.count("\nok  ") == 8
    assert re.search(
        r"^note  the (compiled engine trains$|Python engine trains[:,] )", done.stdout, re.M
    )
    assert "note  no worker is running" in done.stdout


@pytest.mark.long
def test_an_engine_is_chosen_by_the_settings(
    monkeypatch: pytest.MonkeyPatch, epochald: Epochald
) -> None:
    done = epochald("check", engine="python")
    reason = "EPOCHAL_ENGINE is python" if why_python() is None else why_python()
    assert "note  the Python engine trains" in done.stdout
    assert str(reason) in done.stdout
    monkeypatch.setattr("epochal_engine.walk.why_python", lambda: "walk.so was not built")
    with pytest.raises(preflight.StartupError, match="was not built"):
        preflight.choose_engine(Settings(engine="compiled"))


@pytest.mark.long
def test_check_reports_a_disk_without_room(migrated: Epochald) -> None:
    done = migrated("check", min_free_bytes=10**18)
    assert done.returncode == 1
    assert re.search(r"^fail  the database can grow by \d+ bytes only", done.stdout, re.M)


@pytest.mark.long
def test_check_reports_all_problems_at_once(epochald: Epochald, taken_port: int) -> None:
    done = epochald(
        "check",
        http_address=f"127.0.0.1:{taken_port}",
        database_url="postgresql+psycopg://u:secret@127.0.0.1:1/n",
        broker_url="redis://:secret@127.0.0.1:1",
    )
    assert done.returncode == 1
    assert done.stdout.count("\nfail  ") == 3
    assert done.stdout.count("\nok  ") == 4
    assert "secret" not in done.stdout + done.stderr


def test_migrate_creates_a_database_and_accepts_an_existing_one(
    epochald: Epochald, empty_database_url: str
) -> None:
    for _ in range(2):
        done = epochald("migrate", database_url=empty_database_url)
        assert (done.returncode, done.stderr) == (0, "")


@pytest.mark.long
def test_a_public_service_does_not_start_without_a_key(epochald: Epochald, broker_url: str) -> None:
    public = {"http_address": f"0.0.0.0:{free_port()}", "broker_url": broker_url}
    for command in ("up", "api"):
        sentence = epochald.refusal(command, **public)
        assert "is reachable from other machines, and there is no API key yet" in sentence
        assert sentence.endswith("create one: epochald keys create me --scope admin")
    key = epochald("keys", "create", "me", "--scope", "admin").stdout.strip()
    revoked = epochald("keys", "revoke", key.split("_")[1])
    assert revoked.returncode == 0, revoked.stderr
    assert "there is no API key yet" in epochald.refusal("api", **public)
    assert "fail  EPOCHAL_HTTP_ADDRESS" in epochald("check", **public).stdout
    epochald("keys", "create", "me", "--scope", "admin")
    assert "ok    there is an API key" in epochald("check", **public).stdout


@pytest.mark.long
def test_keys_are_created_listed_rotated_and_revoked(migrated: Epochald) -> None:
    assert "No API key yet" in migrated("keys", "list").stdout
    first = migrated("keys", "create", "laptop", "--owner", "ada", "--days", "30").stdout.strip()
    second = migrated("keys", "create", "board", "--scope", "read").stdout.strip()
    prefix, key_id, secret = first.split("_")
    assert (prefix, len(secret)) == ("ep", 24)
    rotated = migrated("keys", "rotate", key_id).stdout.strip()
    assert rotated.split("_")[:2] == ["ep", key_id]
    assert rotated != first
    assert migrated("keys", "revoke", second.split("_")[1]).returncode == 0
    listed = migrated("keys", "list").stdout
    rows = [line.split() for line in listed.splitlines()]
    assert [row[:3] for row in rows[1:]] == [
        [key_id, "ada", "train"],
        [second.split("_")[1], "local", "read"],
    ]
    assert "valid until" in listed
    assert "revoked" in listed
    assert secret not in listed


@pytest.mark.long
def test_a_class_has_a_key_of_the_teacher_and_one_of_each_pupil(migrated: Epochald) -> None:
    created = migrated("keys", "create", "--class", "10b", "--count", "3")
    rows = [line.split() for line in created.stdout.splitlines() if "ep_" in line]
    roles = ["teacher", "pupil", "pupil", "pupil"]
    assert [row[:2] for row in rows] == list(map(list, zip(CLASS, roles, strict=True)))
    assert "method=CreateKeys owner=10b" in created.stderr
    further = migrated("keys", "create", "--class", "10b", "--count", "1", "--csv").stdout
    assert [row[:2] for row in csv.reader(further.splitlines())] == [
        ["owner", "role"],
        ["10b.04", "pupil"],
    ]
    rotated = json.loads(migrated("keys", "rotate", "--class", "10b", "--json").stdout)["keys"]
    assert [(key["owner"], key["role"]) for key in rotated] == [
        *zip(CLASS, roles, strict=True),
        ("10b.04", "pupil"),
    ]
    assert not {row[2] for row in rows} & {key["key"] for key in rotated}
    assert migrated("keys", "revoke", "--class", "10b").stdout.startswith("5 keys")
    assert migrated("keys", "list").stdout.count("revoked") == 5


@pytest.mark.long
def test_a_class_cannot_take_the_name_of_another_owner(migrated: Epochald) -> None:
    migrated("keys", "create", "laptop", "--owner", "ada.02")
    refusal = migrated.refusal("keys", "create", "--class", "ada", "--count", "3")
    assert refusal.startswith("there is an owner ada.02 already")
    assert len(migrated("keys", "list").stdout.splitlines()) == 2


@pytest.mark.long
@pytest.mark.parametrize("words", [("create",), ("rotate",), ("revoke", "1", "--class", "10b")])
def test_a_command_about_keys_needs_a_key_or_a_class(
    epochald: Epochald, words: tuple[str, ...]
) -> None:
    assert epochald("keys", *words).returncode == 2


@pytest.mark.parametrize(
    ("command", "reason"),
    [
        (("keys", "create", "me", "--owner", "a b"), "the owner 'a b' must have"),
        (("keys", "create", ""), "the name must have"),
        (("keys", "create", "me", "--days", "0"), "days must be greater than 0"),
        (("keys", "rotate", "000000000000"), "There is no valid key"),
        (("keys", "revoke", "000000000000"), "There is no key"),
        (("keys", "create", "--class", "a b", "--count", "3"), "the class 'a b' must have"),
        (("keys", "create", "--class", "10b", "--count", "201"), "the count must be in 1 to 200"),
        (("keys", "create", "--class", "local", "--count", "3"), "there is an owner local already"),
        (("keys", "rotate", "--class", "10b"), "There is no class 10b with a valid key"),
        (("keys", "revoke", "--class", "10b"), "There is no class 10b with a valid key"),
    ],
)
@pytest.mark.long
def test_a_wrong_command_about_keys_says_what_is_wrong(
    migrated: Epochald, command: tuple[str, ...], reason: str
) -> None:
    assert migrated.refusal(*command).startswith(reason)


@pytest.mark.long
def test_rows_that_belong_to_nothing_are_reported_and_deleted(migrated: Epochald) -> None:
    with closing(sqlite3.connect(migrated.folder / "data" / "epochal.db")) as connection:
        # As the sqlite3 program does: foreign keys are not enforced.
        connection.executemany(
            "INSERT INTO checkpoints VALUES ('job_1', ?, 1, '', 1.0, x'00')",
            [(epoch,) for epoch in range(50)],
        )
        connection.execute("INSERT INTO upload_pieces VALUES ('upload_1', 0, x'00')")
        connection.commit()
    done = migrated("check", broker_url="redis://127.0.0.1:1")
    sentence = (
        "fail  The database has 50 rows of checkpoints without their row of jobs, 1 rows of "
        "upload_pieces without their row of uploads; run `epochald check --repair`"
    )
    assert sentence in done.stdout.splitlines()
    assert done.returncode == 1
    for options in (["--repair"], []):
        done = migrated("check", *options)
        assert "ok    every row of the database belongs to something" in done.stdout
        assert done.returncode == 0, done.stdout
