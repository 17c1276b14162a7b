"""A backup of a running service, and a service that goes on from it."""

import os
import shlex
import sqlite3
import subprocess
from contextlib import closing
from pathlib import Path
from typing import Any

import httpx2
import psycopg
import pytest
from tests.daemon.test_commands import Epochald, epochald
from tests.servers.postgres import binaries
from tests.servers.stack import MakeStack, Stack, await_condition

pytestmark = pytest.mark.long

__all__ = ["epochald"]

# Everything that has a memory: shuffled batches, dropout, Adam's moments, validation samples.
SPEC: dict[str, Any] = {
    "network": {
        "input_shape": [64],
        "layers": [
            {"type": "dense", "units": 32, "activation": "relu"},
            {"type": "dropout", "rate": 0.2},
            {"type": "dense", "units": 10, "activation": "softmax"},
        ],
    },
    "dataset": {"name": "digits"},
    "loss": "cross_entropy",
    "epochs": 50,
    "batch_size": 16,
    "validation_fraction": 0.2,
    "snapshots": {"weights_every": 20},
    "seed": 7,
}
# The job runs until it is cancelled: it cannot end before the backup.
ENDLESS = {"epochs": 1_000_000, "batch_size": 8}


class Api:
    """The API of a stack; its address stays the same when it is restarted."""

    def __init__(self, stack: Stack) -> None:
        self._client = httpx2.Client(base_url=stack.http, trust_env=False, timeout=30)

    def close(self) -> None:
        self._client.close()

    def get(self, path: str) -> Any:
        answer = self._client.get(path)
        assert answer.is_success, answer.text
        return answer.json()

    def create(self, **changes: object) -> str:
        answer = self._client.post("/v1/jobs", json={**SPEC, **changes})
        assert answer.is_success, answer.text
        return str(answer.json()["id"])

    def post(self, path: str) -> None:
        assert self._client.post(path).is_success

    def await_state(self, job_id: str, *states: str) -> None:
        await_condition(
            lambda: self.get(f"/v1/jobs/{job_id}")["state"] in states, 120, f"{job_id} {states}"
        )

    def await_epoch(self, job_id: str, epoch: int) -> None:
        await_condition(
            lambda: self.get(f"/v1/jobs/{job_id}")["epoch"] >= epoch, 120, f"{job_id} {epoch}"
        )

    def result(self, job_id: str) -> tuple[Any, ...]:
        """Everything that an undisturbed run of the same spec gives too."""
        self.await_state(job_id, "succeeded")
        job = self.get(f"/v1/jobs/{job_id}")
        return job["epoch"], job["best"], self.until(job_id, job["epoch"])

    def until(self, job_id: str, last: int, every: int = 1) -> tuple[Any, ...]:
        """The last thousand epochs until this one, and the weights of multiples of `every`."""
        after = max(0, last - 1000)
        page = f"/v1/jobs/{job_id}/epochs?page_size=1000&after_epoch={after}"
        epochs = [{**row, "seconds": None} for row in self.get(page)["epochs"]]
        stored = self.get(f"/v1/jobs/{job_id}/checkpoints")["checkpoints"]
        assert len(epochs) >= last - after
        return epochs[: last - after], [
            (row["epoch"], row["sha256"])
            for row in stored
            if row["epoch"] <= last and row["epoch"] % every == 0
        ]


def in_mid_training(api: Api) -> dict[str, str]:
    """Jobs in several states, one of them in the middle of its training."""
    jobs = {"ended": api.create(epochs=3)}
    api.await_state(jobs["ended"], "succeeded")
    jobs["running"] = api.create(**ENDLESS)
    jobs["queued"], jobs["paused"] = api.create(), api.create()
    api.post(f"/v1/jobs/{jobs['paused']}/pause")
    api.await_epoch(jobs["running"], 21)
    return jobs


def goes_on(api: Api, jobs: dict[str, str]) -> None:
    """All jobs of the backup go on as if nothing had happened."""
    backed_up = api.get(f"/v1/jobs/{jobs['running']}")["epoch"]
    assert api.get(f"/v1/jobs/{jobs['ended']}")["epoch"] == 3
    assert api.get(f"/v1/jobs/{jobs['paused']}")["state"] == "paused"
    api.post(f"/v1/jobs/{jobs['paused']}/resume")
    last = backed_up + 20  # so that there are weights of an epoch after the backup
    results = []
    for job_id in (jobs["running"], api.create(**ENDLESS)):
        api.await_epoch(job_id, last)
        api.post(f"/v1/jobs/{job_id}/cancel")
        # One that was cancelled later may have had its best epoch, which is stored, later.
        results.append(api.until(job_id, last, SPEC["snapshots"]["weights_every"]))
    assert results[0] == results[1]
    assert max(epoch for epoch, _ in results[0][1]) > backed_up
    undisturbed = api.result(api.create())
    for name in ("queued", "paused"):
        assert api.result(jobs[name]) == undisturbed, name
    assert api.get(f"/v1/jobs/{jobs['running']}")["attempt"] >= 2


def test_jobs_go_on_with_the_same_bits_after_a_restored_backup(
    make_stack: MakeStack, tmp_path: Path
) -> None:
    stack = make_stack(workers=1, checkpoint_seconds=0.2, lease_seconds=2, reaper_seconds=0.2)
    with closing(Api(stack)) as api:
        jobs = in_mid_training(api)
        file = tmp_path / "backup.db"
        assert str(file) in stack.run("backup", str(file))
        api.post(f"/v1/jobs/{jobs['running']}/cancel")  # in the backup it goes on
        lost = api.create()
        refused = stack.refusal("restore", str(file))
        assert "epochal.db is in use; stop Epochal first" in refused
        assert "epochal.db is in use; stop Epochal first" in stack.refusal("compact")
        stack.stop()

        database = stack.data_dir / "epochal.db"
        with database.open("r+b") as wreck:
            wreck.write(os.urandom(100_000))
        assert "restore its backup" in stack.refusal("migrate")

        printed = stack.run("restore", str(file))
        [former] = stack.data_dir.glob("epochal.db.*.former")
        assert str(former) in printed
        stack.run("compact")
        stack.start()
        goes_on(api, jobs)
        assert lost not in [job["id"] for job in api.get("/v1/jobs")["jobs"]]


def test_jobs_go_on_with_the_same_bits_after_pg_restore(
    make_stack: MakeStack, tmp_path: Path
) -> None:
    stack = make_stack(
        "postgresql", workers=1, checkpoint_seconds=0.2, lease_seconds=2, reaper_seconds=0.2
    )
    with closing(Api(stack)) as api:
        jobs = in_mid_training(api)
        file = tmp_path / "backup.dump"

        def run_printed(command: str) -> None:
            """Run the command that `epochald` names for PostgreSQL."""
            _, _, program = stack.refusal(command, str(file)).partition("for this: ")
            words = shlex.split(program)
            subprocess.run([binaries() / words[0], *words[1:]], check=True)

        run_printed("backup")
        api.post(f"/v1/jobs/{jobs['running']}/cancel")  # in the backup it goes on
        stack.stop()
        wreck = stack.database_url.replace("+psycopg", "")
        with psycopg.connect(wreck) as connection:
            connection.execute("DROP SCHEMA public CASCADE; CREATE SCHEMA public")
        run_printed("restore")
        stack.start()
        goes_on(api, jobs)


def test_a_backup_overwrites_nothing(epochald: Epochald) -> None:
    assert epochald.refusal("backup", "b.db") == (
        "data/epochal.db does not exist; correct EPOCHAL_DATA_DIR"
    )
    epochald("migrate")
    assert epochald("backup", "b.db").returncode == 0
    assert epochald.refusal("backup", "b.db") == (
        "b.db exists already; name another file, or remove it"
    )
    assert epochald.refusal("backup", "nowhere/b.db").startswith("nowhere/b.db")


def test_only_a_sound_backup_of_a_known_revision_is_restored(epochald: Epochald) -> None:
    epochald("migrate")
    epochald("backup", "b.db")
    database = epochald.folder / "data" / "epochal.db"
    before = database.read_bytes()
    (epochald.folder / "text").write_text("Dear diary, today I was not a database.")
    with closing(sqlite3.connect(epochald.folder / "other.db")) as connection:
        connection.execute("CREATE TABLE other (a)")
    with closing(sqlite3.connect(epochald.folder / "b.db")) as connection:
        connection.execute("UPDATE alembic_version SET version_num = 'from_the_future'")
        connection.commit()
    for file, reason in {
        "missing.db": "missing.db does not exist or is not a file",
        "data/epochal.db": "data/epochal.db is the database itself; name a backup of it",
        "text": "text is damaged or no database (file is not a database); use another",
        "other.db": "other.db is not a database of Epochal; use a file of `epochald backup`",
        "b.db": "b.db is newer than this program (revision from_the_future); install a newer "
        "Epochal",
    }.items():
        assert epochald.refusal("restore", file) == reason
    assert database.read_bytes() == before
    assert [file.name for file in database.parent.iterdir()] == ["epochal.db"]


def test_a_backup_is_restored_where_there_was_no_database(epochald: Epochald) -> None:
    epochald("migrate")
    epochald("backup", "b.db")
    done = epochald("restore", "b.db", data_dir="new")
    assert done.returncode == 0, done.stderr
    assert "former" not in done.stdout
    assert [file.name for file in (epochald.folder / "new").iterdir()] == ["epochal.db"]
    assert epochald("check", data_dir="new").returncode == 0


def test_the_tools_of_postgresql_are_named_without_the_password(epochald: Epochald) -> None:
    url = "postgresql+psycopg://me:secret@db.example/epochal"
    named = "PostgreSQL has its own tool for this: "
    assert epochald.refusal("backup", "my file", database_url=url) == (
        f"{named}pg_dump --format=custom --file='my file' postgresql://me@db.example/epochal"
    )
    assert epochald.refusal("restore", "b", database_url=url) == (
        f"{named}pg_restore --clean --if-exists --no-owner --single-transaction "
        "--dbname=postgresql://me@db.example/epochal b"
    )
    assert epochald.refusal("compact", database_url=url) == (
        f"{named}psql postgresql://me@db.example/epochal --command='VACUUM FULL'"
    )


def test_what_compacting_gives_back_is_estimated_first(epochald: Epochald) -> None:
    epochald("migrate")
    done = epochald("compact", "--estimate")
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith("data/epochal.db: 0.")
    assert "of which 0.0 MB are free" in done.stdout
    done = epochald("compact")
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines()[-1].endswith("MB now.")
