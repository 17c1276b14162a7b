"""Migrations create exactly the tables of the code, and keep the data of older databases."""

import json
import sqlite3
import sys
from contextlib import closing
from pathlib import Path

import pytest
import sqlalchemy as sa
from alembic import command
from alembic.script import ScriptDirectory

from epochal_service.errors import Unavailable
from epochal_service.experiments.experiments import load_plan
from epochal_service.experiments.sweeps import load_progress
from epochal_service.methods.jobs import reply
from epochal_service.specs.sweeps import SweepSpec
from epochal_service.store import Access, Database, experiments, jobs, log, migrate
from epochal_service.store.tables import metadata


@pytest.mark.every_variant
def test_migrations_create_the_tables_of_the_code(empty_database_url: str) -> None:
    migrate.upgrade(empty_database_url)
    assert migrate.differences(empty_database_url) == []
    database = Database(empty_database_url)
    with database.read() as connection:
        names = set(sa.inspect(connection).get_table_names())
    database.close()
    assert set(metadata.tables) <= names


def test_upgrading_twice_changes_nothing(empty_database_url: str) -> None:
    migrate.upgrade(empty_database_url)
    migrate.upgrade(empty_database_url)
    migrate.check(empty_database_url)


def test_the_revisions_are_those_of_the_files() -> None:
    script = ScriptDirectory.from_config(migrate._config())
    assert [item.revision for item in script.walk_revisions()] == migrate.REVISIONS[::-1]


def test_a_database_of_this_program_is_opened_without_alembic(
    empty_database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its import takes a fifth of a second of each start."""
    migrate.upgrade(empty_database_url)
    monkeypatch.setitem(sys.modules, "alembic", None)
    migrate.upgrade(empty_database_url)
    migrate.check(empty_database_url)


def test_a_migration_has_no_time_limit(postgres_url: str) -> None:
    limits = []

    def record_limit(connection: sa.Connection) -> None:
        if connection.engine.url.database == sa.make_url(postgres_url).database:
            query = "SHOW idle_in_transaction_session_timeout"
            limits.append(connection.exec_driver_sql(query).scalar_one())

    sa.event.listen(sa.Engine, "commit", record_limit)
    try:
        migrate.upgrade(postgres_url)
    finally:
        sa.event.remove(sa.Engine, "commit", record_limit)
    assert limits[-1] == "0"  # before it, the revision is read


@pytest.mark.every_variant
def test_checking_an_empty_database_asks_for_a_migration(empty_database_url: str) -> None:
    with pytest.raises(migrate.SchemaError, match="epochald migrate"):
        migrate.check(empty_database_url)


def test_a_newer_database_is_refused_and_not_changed(empty_database_url: str) -> None:
    migrate.upgrade(empty_database_url)
    database = Database(empty_database_url)
    with database.write() as connection:
        connection.exec_driver_sql("UPDATE alembic_version SET version_num = '9999'")
    for step in (migrate.upgrade, migrate.check):
        with pytest.raises(migrate.SchemaError, match="newer than this program"):
            step(empty_database_url)
    with database.read() as connection:
        version = connection.exec_driver_sql("SELECT version_num FROM alembic_version").scalar_one()
    database.close()
    assert version == "9999"


def test_a_search_finds_jobs_that_are_older_than_the_search(empty_database_url: str) -> None:
    database = Database(empty_database_url)
    with database.write() as connection:
        config = migrate._config()
        config.attributes["connection"] = connection
        command.upgrade(config, "0001")
        job = {"dataset": {"name": "two_moons"}, "labels": {"course": "Week-3"}}
        for job_id, spec in {"job_1": job, "sweep_1": {"job": job, "variants": []}}.items():
            connection.execute(
                sa.text(
                    "INSERT INTO jobs (id, owner, state, spec, parameters, samples, flops, epoch,"
                    " attempt, fruitless_attempts, fence, last_seq, created_at)"
                    " VALUES (:id, 'me', 'queued', :spec, 1, 1, 1, 0, 0, 0, 0, 1, 0)"
                ),
                {"id": job_id, "spec": json.dumps(spec)},
            )
    migrate.upgrade(empty_database_url)
    with database.read() as connection:
        for text in ("MOONS", "course=week-3", "job_1"):
            [row] = jobs.page(connection, ("me",), size=9, before=None, text=text)
            assert row.id == "job_1"
            assert json.loads(row.spec).items() >= job.items()
        [row] = jobs.page(connection, ("me",), size=9, before=None, text="moons", kind="sweep")
        assert row.id == "sweep_1"
        assert not list(jobs.page(connection, ("me",), size=9, before=None, text="digits"))
    database.close()


def test_a_sqlite_database_is_copied_before_its_migration(tmp_path: Path) -> None:
    path = tmp_path / "epochal.db"
    url = f"sqlite:///{path}"
    migrate.upgrade(url)
    assert [file.name for file in tmp_path.glob("*.bak")] == []  # there was nothing to copy
    migrate.upgrade(url)
    assert [file.name for file in tmp_path.glob("*.bak")] == []  # nothing changed
    older = tmp_path / "older.db"
    database = Database(f"sqlite:///{older}")
    with database.write() as connection:
        config = migrate._config()
        config.attributes["connection"] = connection
        command.upgrade(config, "0003")
        connection.execute(sa.text("INSERT INTO networks VALUES ('net_1', 'me', 'mine', '{}', 1)"))
    database.close()
    migrate.upgrade(f"sqlite:///{older}")
    copy = Database(f"sqlite:///{older}.0003.bak")
    with copy.read() as connection:
        assert migrate._revision(connection) == "0003"
        assert connection.execute(sa.text("SELECT name FROM networks")).scalar_one() == "mine"
    copy.close()
    assert not list(tmp_path.glob("*.partial"))


def test_damaged_pages_are_found(tmp_path: Path) -> None:
    path = tmp_path / "epochal.db"
    migrate.upgrade(f"sqlite:///{path}")
    migrate.check_pages(f"sqlite:///{path}")
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    content = bytearray(path.read_bytes())
    content[-4096:] = bytes(range(256)) * 16
    path.write_bytes(content)
    with pytest.raises((migrate.SchemaError, Unavailable), match="damaged"):
        migrate.check_pages(f"sqlite:///{path}")


@pytest.mark.every_variant
def test_the_previous_revision_is_upgraded_without_loss(empty_database_url: str) -> None:
    database = Database(empty_database_url)
    with database.write() as connection:
        config = migrate._config()
        config.attributes["connection"] = connection
        command.upgrade(config, "0003")
        connection.execute(
            sa.text(
                "INSERT INTO jobs (id, owner, state, words, parameters, samples, flops, epoch,"
                " attempt, fruitless_attempts, fence, lease_expires_at, last_seq, created_at,"
                " hinted_at) VALUES ('job_1', 'me', 'running', 'job_1\ntwo_moons', 9, 100, 27.5, 3,"
                " 2, 1, 4, 2000.25, 7, 1000.5, 1001.5)"
            )
        )
        connection.execute(sa.text("INSERT INTO job_specs (job_id, spec) VALUES ('job_1', '{}')"))
        connection.execute(
            sa.text(
                "INSERT INTO log (job_id, seq, kind, first_epoch, last_epoch, created_at)"
                " VALUES ('job_1', 7, 'state', 3, 3, 1000.5)"
            )
        )
    migrate.upgrade(empty_database_url)
    with database.read() as connection:
        [row] = jobs.page(connection, ("me",), size=9, before=None, text="MOONS")
        assert (row.id, row.state, row.search_text) == ("job_1", "running", "job_1\ntwo_moons")
        assert (row.parameters, row.samples, row.flops, row.epoch) == (9, 100, 27.5, 3)
        assert (row.attempt, row.fruitless_attempts, row.fence, row.last_seq) == (2, 1, 4, 7)
        assert (row.lease_expires_at, row.created_at, row.notified_at) == (2000.25, 1000.5, 1001.5)
        [entry] = log.after(connection, "job_1", 0, 9)
        assert (entry.seq, entry.kind) == (7, "state")
    with database.write() as connection:  # the log is still deleted with its job
        assert jobs.hide(connection, "job_1", "me", ("running",))
        assert jobs.delete_some(connection)
        assert log.after(connection, "job_1", 0, 9) == []
    database.close()


def test_an_experiment_of_the_previous_revision_has_lists_of_needs(empty_database_url: str) -> None:
    database = Database(empty_database_url)
    job = {"epochs": 3, "restores_best": False}
    plan = {
        "name": None,
        "seeds": [0],
        "jobs": {"base": {**job, "needs": None}, "tuned": {**job, "needs": "base"}},
        "claims": [],
    }
    with database.write() as connection:
        config = migrate._config()
        config.attributes["connection"] = connection
        command.upgrade(config, "0023")
        connection.execute(
            sa.text("INSERT INTO experiments VALUES ('exp_1', 'me', :plan, 1)"),
            {"plan": json.dumps(plan)},
        )
    migrate.upgrade(empty_database_url)
    with database.read() as connection:
        row = experiments.find(connection, "exp_1", Access("me"))
    database.close()
    assert row is not None
    stored = load_plan(row)
    assert {name: job.needs for name, job in stored.jobs.items()} == {"base": [], "tuned": ["base"]}


def test_a_measured_distance_of_samples_is_one_of_the_measures(empty_database_url: str) -> None:
    database = Database(empty_database_url)
    columns = "parameters, samples, flops, epoch, attempt, fruitless_attempts, fence, last_seq"
    with database.write() as connection:
        config = migrate._config()
        config.attributes["connection"] = connection
        command.upgrade(config, "0026")
        for job_id, distance in (("job_1", 0.53125), ("job_2", None)):
            insert = (
                f"INSERT INTO jobs (id, owner, state, {columns}, created_at, sample_distance)"
                " VALUES (:id, 'me', 'succeeded', 1, 1, 1, 1, 1, 0, 1, 1, 1, :distance)"
            )
            connection.execute(sa.text(insert), {"id": job_id, "distance": distance})
    migrate.upgrade(empty_database_url)
    with database.read() as connection:
        query = sa.text("SELECT measures FROM jobs ORDER BY id")
        measures = [*connection.execute(query).scalars()]
    database.close()
    assert measures == ['{"nearest_neighbor_accuracy": 0.53125}', None]


NETWORK = {"input_shape": [8, 8, 1], "layers": [{"type": "flatten"}, {"type": "dense", "units": 1}]}
OLD_SPEC = {
    "network": NETWORK,
    "dataset": {"name": "two_moons"},
    "loss": "mse",
    "epochs": 3,
    "name": 'two words, "quoted" and naïve',
    "early_stopping": {"patience": 3, "min_delta": 0.5},
    "augmentation": [
        {"type": "shift", "reach": 2},
        {"type": "noise", "deviation": 0.1},
        {"type": "flip", "probability": 0.25},
    ],
}
OLD_DIVERGENCE = {"epoch": 2, "layer": "dense_2", "what": "loss grew", "suggestion": "Lower it."}
OLD_MEMBER = {"epoch": 2, "latest": None, "stop_reason": "diverged", "divergence": OLD_DIVERGENCE}


def test_specs_and_divergences_with_old_names_can_still_be_read(empty_database_url: str) -> None:
    database = Database(empty_database_url)
    sweep = {"job": OLD_SPEC, "variants": [{"seed": 1}, {"seed": 2}]}
    plain = {**OLD_SPEC, "augmentation": []}
    progress = json.dumps([OLD_MEMBER, {"epoch": 3}], separators=(",", ":"))
    latest = json.dumps(
        {"epoch": 3, "train_loss": 0.5, "learning_rate": 1, "gradient_norm": 1, "seconds": 1}
    )
    rows = {
        "job_1": (OLD_SPEC, json.dumps(OLD_DIVERGENCE), None),
        "job_2": (plain, None, latest),
        "sweep_1": (sweep, None, progress),
    }
    with database.write() as connection:
        config = migrate._config()
        config.attributes["connection"] = connection
        command.upgrade(config, "0004")
        for job_id, (spec, divergence, last) in rows.items():
            connection.execute(
                sa.text(
                    "INSERT INTO jobs (id, owner, state, divergence, latest, search_text,"
                    " parameters, samples, flops, epoch, attempt, fruitless_attempts, fence,"
                    " last_seq, created_at)"
                    " VALUES (:id, 'me', 'failed', :divergence, :latest, '', 1, 1, 1, 3, 1, 0, 1,"
                    " 1, 0)"
                ),
                {"id": job_id, "divergence": divergence, "latest": last},
            )
            connection.execute(
                sa.text("INSERT INTO job_specs (job_id, spec) VALUES (:id, :spec)"),
                {"id": job_id, "spec": json.dumps(spec, separators=(",", ":"))},
            )
    migrate.upgrade(empty_database_url)
    with database.read() as connection:
        second, first = jobs.page(connection, ("me",), size=9, before=None)
        [stored_sweep] = jobs.page(connection, ("me",), size=9, before=None, kind="sweep")
    database.close()
    job = reply(first)
    assert job.spec.name == OLD_SPEC["name"]
    assert [change.model_dump() for change in job.spec.augmentation] == [
        {"type": "shift", "max_shift": 2},
        {"type": "noise", "standard_deviation": 0.1},
        {"type": "flip", "probability": 0.25},
    ]
    assert job.divergence is not None
    assert (job.divergence.epoch, job.divergence.symptom) == (2, "loss grew")
    former = {"stratify": False, "seed": 0}  # as before there were splits
    stopping = {"patience": 3, "min_delta": 0.5, "restore_best": False}
    assert json.loads(second.spec) == {
        **plain,
        "target_scaling": "none",
        "split": former,
        "early_stopping": stopping,
    }
    assert job.spec.target_scaling == "none"
    assert (job.best, job.spec.early_stopping and job.spec.early_stopping.patience) == (None, 3)
    assert job.spec.split.stratify is False
    assert second.latest == latest
    spec = SweepSpec.model_validate_json(stored_sweep.spec)
    assert spec.job == job.spec
    diverged, other = load_progress(spec, stored_sweep.latest)
    assert diverged.divergence == job.divergence
    assert (other.epoch, other.divergence) == (3, None)


def test_an_older_program_names_the_copy_that_it_can_read(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path}/epochal.db"
    migrate.upgrade(url)
    database = Database(url)
    with database.write() as connection:
        connection.exec_driver_sql("UPDATE alembic_version SET version_num = '9999'")
    database.close()
    for revision in ("0003", migrate.REVISIONS[-1], "9998"):
        (tmp_path / f"epochal.db.{revision}.bak").touch()
    with pytest.raises(migrate.SchemaError) as refusal:
        migrate.check(url)
    copy = tmp_path / f"epochal.db.{migrate.REVISIONS[-1]}.bak"
    assert f"`epochald restore {copy}`" in str(refusal.value)


def test_the_specs_of_an_older_database_are_also_stored_without_their_data(
    empty_database_url: str,
) -> None:
    database = Database(empty_database_url)
    columns = "parameters, samples, flops, epoch, attempt, fruitless_attempts, fence, last_seq"
    inline = {"dataset": {"inputs": [[1.5]], "targets": [[0]], "scaling": "none"}, "epochs": 3}
    specs = {"job_1": inline, "job_2": {"dataset": {"name": "xor"}}, "sweep_1": {"job": inline}}
    with database.write() as connection:
        config = migrate._config()
        config.attributes["connection"] = connection
        command.upgrade(config, "0030")
        for job_id, spec in specs.items():
            connection.execute(
                sa.text(
                    f"INSERT INTO jobs (id, owner, state, created_at, {columns})"
                    f" VALUES ('{job_id}', 'me', 'queued', 1, 0, 0, 0, 0, 0, 0, 0, 0)"
                )
            )
            connection.execute(
                sa.text("INSERT INTO job_specs (job_id, spec) VALUES (:job, :spec)"),
                {"job": job_id, "spec": json.dumps(spec)},
            )
    migrate.upgrade(empty_database_url)
    with database.read() as connection:
        rows = connection.execute(sa.text("SELECT job_id, settings, spec FROM job_specs"))
        stored = {job_id: (settings, json.loads(spec)) for job_id, settings, spec in rows}
    database.close()
    assert {job_id: spec for job_id, (_, spec) in stored.items()} == specs
    without_rows = {"inputs": [], "targets": [], "weights": [], "scaling": "none"}
    assert json.loads(stored["job_1"][0]) == {"dataset": without_rows, "epochs": 3}
    assert stored["job_2"][0] is stored["sweep_1"][0] is None
