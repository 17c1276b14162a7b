"""Which replies are so large that the second process computes them, which keeps none of them."""

import numpy as np
import pytest
from tests.methods.test_once import JOB, context

from epochal_engine import Block
from epochal_service.curves import epochs
from epochal_service.curves.epochs import entry_of, latest_row
from epochal_service.jobs import lifecycle
from epochal_service.jobs.lifecycle import Progress
from epochal_service.large import LargeRequest, limited
from epochal_service.methods.context import Context
from epochal_service.methods.jobs import create_job, get_curve, get_epoch_columns
from epochal_service.specs.jobs import CreateJobOptions, GetCurveRequest, GetEpochColumnsRequest
from epochal_service.specs.training import TrainingSpec
from epochal_service.specs.validation import parse

__all__ = ["context"]

EPOCHS = 4_000
METRICS: tuple[str, ...] = epochs.METRICS[:6]  # The metrics of a classifier with validation data.


@pytest.fixture
def job(context: Context) -> str:
    """A running job with epochs of all metrics of a classifier with validation data."""
    spec = parse(TrainingSpec, JOB | {"epochs": 2 * EPOCHS})
    job_id = create_job(context, spec, CreateJobOptions()).id
    claim = lifecycle.claim(context.database, job_id, lease_seconds=60, worker="test", kernel="")
    assert claim is not None
    columns = dict.fromkeys(METRICS, np.linspace(1.0, 0.1, EPOCHS))
    seconds = np.full(EPOCHS, 1e-3)
    entry = entry_of(Block(1, columns, None), seconds)
    assert entry is not None
    latest = latest_row(1, columns | {"seconds": seconds})
    lifecycle.flush(context.database, claim, Progress([entry], EPOCHS, latest=latest))
    return job_id


def test_a_curve_of_the_default_size_is_small(context: Context, job: str) -> None:
    with limited(True):
        curve = get_curve(context, job, GetCurveRequest())
        assert [line.metric for line in curve.series] == [*METRICS, "seconds"]
        assert curve.epochs == EPOCHS
        with pytest.raises(LargeRequest):
            get_curve(context, job, GetCurveRequest(max_points=EPOCHS))
        # Fewer metrics have more points.
        get_curve(context, job, GetCurveRequest(max_points=EPOCHS, metrics=["train_loss"]))


def test_epochs_are_large_by_the_metrics_that_the_job_has(context: Context, job: str) -> None:
    with limited(True):
        # 1,100 epochs of all metrics of any job would be large.
        page = get_epoch_columns(context, job, GetEpochColumnsRequest(page_size=1_100))
        assert len(page.epochs) == 1_100
        with pytest.raises(LargeRequest):
            get_epoch_columns(context, job, GetEpochColumnsRequest())
