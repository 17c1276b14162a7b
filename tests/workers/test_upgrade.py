"""A database of the oldest revision, with jobs in every state, migrates: all read, all go on."""

import base64
import gzip
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import sqlalchemy as sa
from alembic import command
from tests.workers.in_process import Service
from tests.workers.record import check_log, columns, read

from epochal_service.jobs import reaper
from epochal_service.methods import datasets, jobs, networks, sweeps
from epochal_service.methods.predictions import predict
from epochal_service.specs.datasets import PreviewDatasetRequest
from epochal_service.specs.jobs import (
    GetCheckpointRequest,
    GetCurveRequest,
    ListCheckpointsRequest,
    ListEpochsRequest,
    ListGradientsRequest,
    ListJobsRequest,
    PredictRequest,
)
from epochal_service.store import Database, migrate

# The rows of all tables, as the last program with this revision stored them: jobs of 24 epochs; an
# interrupted attempt stored 11 of them, and a resume point.
DUMP = json.loads(gzip.decompress((Path(__file__).parent / "revision_0001.json.gz").read_bytes()))
IDS: dict[str, str] = DUMP["ids"]
EPOCHS, STORED = 24, 11
STATES = (
    *("queued", "running", "pausing", "paused", "cancelling", "succeeded", "failed", "cancelled"),
)
JOBS = (*STATES, "uploaded")


def loaded(value: Any) -> Any:
    return base64.b64decode(value["base64"]) if isinstance(value, dict) else value


@pytest.fixture
def service(empty_database_url: str, tmp_path: Path) -> Iterator[Service]:
    """A service on the migrated database."""
    database = Database(empty_database_url)
    with database.write() as connection:
        config = migrate._config()
        config.attributes["connection"] = connection
        command.upgrade(config, "0001")
        tables = sa.MetaData()
        tables.reflect(connection)
        for table in tables.sorted_tables:
            if rows := DUMP["tables"].get(table.name):
                connection.execute(
                    sa.insert(table),
                    [{name: loaded(value) for name, value in row.items()} for row in rows],
                )
    database.close()
    migrate.upgrade(empty_database_url)
    service = Service(empty_database_url, "unix:///nowhere", tmp_path)
    yield service
    service.close()


def reaped(service: Service) -> None:
    """The leases of the program that stored the jobs have run out long ago."""
    reaper.reap(service.database, service.queue, max_attempts=3)


def test_every_job_reads_as_it_was(service: Service) -> None:
    context = service.context
    listed = jobs.list_jobs(context, ListJobsRequest()).jobs
    assert {job.id for job in listed} == {IDS[name] for name in JOBS}
    for name in JOBS:
        job = jobs.get_job(context, IDS[name])
        assert job.state == ("running" if name == "uploaded" else name)
        epochs = jobs.list_epochs(context, job.id, ListEpochsRequest()).epochs
        assert [epoch.epoch for epoch in epochs] == list(range(1, job.epoch + 1))
        assert jobs.get_curve(context, job.id, GetCurveRequest()).epochs == job.epoch
        gradients = jobs.list_gradients(context, job.id, ListGradientsRequest())
        stored = jobs.list_checkpoints(context, job.id, ListCheckpointsRequest()).checkpoints
        for checkpoint in stored:
            content = jobs.get_checkpoint(
                context, job.id, checkpoint.epoch, GetCheckpointRequest()
            ).content
            assert len(content) == checkpoint.size_bytes
        if job.epoch > 6:
            assert job.latest is not None
            assert job.latest.epoch == job.epoch
            assert [snapshot.epoch for snapshot in gradients.snapshots][:1] == [6]
            assert stored
        assert job.expires_at is None
    sweep = sweeps.get_sweep(context, IDS["sweep"])
    assert (sweep.state, sweep.epoch, len(sweep.members)) == ("running", STORED, 2)
    assert networks.get_network(context, IDS["network"]).name == "mine"
    assert datasets.get_dataset(context, IDS["dataset"]).name == "kinds"
    preview = datasets.preview_dataset(context, IDS["dataset"], PreviewDatasetRequest())
    assert len(preview.inputs) > 0


def test_unfinished_jobs_go_on_from_where_they_were(service: Service) -> None:
    reaped(service)
    states = {name: service.row(IDS[name]).state for name in STATES}
    assert states == {
        **{name: name for name in STATES},
        "running": "queued",
        "pausing": "paused",
        "cancelling": "cancelled",
    }
    for name in ("pausing", "paused"):
        service.resume(IDS[name])
    for name in ("queued", "running", "pausing", "paused", "uploaded"):
        assert service.run(IDS[name]) == "succeeded", name
        check_log(service.database, IDS[name])
        row, rows = read(service.database, IDS[name])
        assert row.epoch == EPOCHS
        assert rows[-1].kind == "end"
    assert service.run(IDS["sweep"]) == "succeeded"
    assert sweeps.get_sweep(service.context, IDS["sweep"]).epoch == EPOCHS

    # The same spec, to its end in the former program, and from its resume point in this one. The
    # masks of dropout differ since then: a wrong split or wrong weights would show more.
    [whole, *others] = [
        columns(read(service.database, IDS[name])[1])["validation_loss"]
        for name in ("succeeded", "running", "pausing", "paused")
    ]
    for other in others:
        np.testing.assert_array_equal(other[:STORED], whole[:STORED])
        np.testing.assert_allclose(other, whole, rtol=0.03)


def test_ended_jobs_still_predict_and_can_be_deleted(service: Service) -> None:
    prediction = predict(service.context, IDS["succeeded"], PredictRequest(inputs=[[0.5, 0.25]]))
    assert len(prediction.outputs) == 1
    for name in ("succeeded", "failed", "cancelled"):
        jobs.delete_job(service.context, IDS[name])
    listed = jobs.list_jobs(service.context, ListJobsRequest(states=list(STATES)))
    assert {job.id for job in listed.jobs} == {
        IDS[name] for name in JOBS if name not in ("succeeded", "failed", "cancelled")
    }
