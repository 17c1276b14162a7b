"""A worker measures its speed once; estimates use it, and the jobs that end."""

import pytest
from tests.workers.in_process import DIGITS, XOR, Service, at_call

from epochal_engine import chosen_engine
from epochal_service.jobs.kernel import kernel
from epochal_service.methods import jobs, sweeps
from epochal_service.specs.sweeps import SweepSpec
from epochal_service.specs.training import TrainingSpec
from epochal_service.store import calibrations
from epochal_service.store import jobs as stored_jobs
from epochal_workers.calibration import METHOD, calibrate

# Jobs of other kinds run the same SQL on both databases.


def test_a_worker_is_calibrated_once(service: Service) -> None:
    calibrate(service.database)
    with service.database.read() as connection:
        assert calibrations.exists(connection, f"{kernel()}; {METHOD}, {chosen_engine()} engine")
        first = calibrations.newest(connection)
    calibrate(service.database)
    with service.database.read() as connection:
        assert calibrations.newest(connection) == first


def test_a_job_and_a_sweep_are_estimated_once_a_worker_is_calibrated(service: Service) -> None:
    spec = TrainingSpec.model_validate(XOR)
    calibrate(service.database)
    short = jobs.validate_job(service.context, spec).seconds
    assert short is not None
    assert 0.0 < short < 60.0
    longer = spec.model_copy(update={"epochs": 100_000})
    assert (jobs.validate_job(service.context, longer).seconds or 0.0) > 5.0 * short
    sweep = SweepSpec.model_validate({"job": XOR, "variants": [{"seed": k} for k in range(64)]})
    assert (sweeps.validate_sweep(service.context, sweep).seconds or 0.0) > short


def test_jobs_that_ended_in_one_attempt_are_observed(service: Service) -> None:
    ended = service.create(DIGITS)
    assert service.run(ended) == "succeeded"
    interrupted = service.create(DIGITS)
    service.run(interrupted, at_call(3, lambda: True))
    assert service.run(interrupted) == "succeeded"
    service.create(DIGITS)
    with service.database.read() as connection:
        observed = stored_jobs.ended(connection, 1)[0]
    row = service.row(ended)
    assert row.started_at is not None
    assert row.finished_at is not None
    assert observed.epoch == row.epoch
    assert observed.seconds == pytest.approx(row.finished_at - row.started_at)
    assert observed.work == row.work
