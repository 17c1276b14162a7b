"""Durations: what a fit learns from jobs, from short runs, and from nothing."""

from __future__ import annotations

import numpy as np
import pytest

from epochal_engine import Work
from epochal_service.admission.estimate import (
    TYPICAL,
    Estimator,
    Observation,
    coefficients,
    dump_work,
    fit,
    load_work,
)
from epochal_service.store import Database, calibrations

RNG = np.random.default_rng(0)
TRUE = TYPICAL * [3.0, 5.0, 0.3, 4.0, 1.0, 2.5, 3.0]


def some_work() -> Work:
    """A job of some seconds to which each part contributes about as much as the others."""
    return Work(*(RNG.uniform(0.05, 3.0, len(TRUE) - 1) / TYPICAL[1:]))


def seconds(work: Work, coefficients: np.ndarray) -> float:
    return float(coefficients @ [1.0, *work.vector])


def observed(count: int, noise: float = 0.0) -> list[Observation]:
    works = [some_work() for _ in range(count)]
    return [
        Observation(work, seconds(work, TRUE) * float(np.exp(RNG.normal() * noise)))
        for work in works
    ]


def test_enough_jobs_outweigh_the_prior() -> None:
    fitted = fit(observed(100, noise=0.1), TYPICAL)
    for work in (some_work() for _ in range(20)):
        assert seconds(work, fitted) == pytest.approx(seconds(work, TRUE), rel=0.15)


def test_one_job_scales_the_estimate_of_jobs_like_it() -> None:
    work = some_work()
    fitted = fit([Observation(work, 3.0 * seconds(work, TYPICAL))], TYPICAL)
    ratio = seconds(work, fitted) / seconds(work, TYPICAL)
    assert 1.5 < ratio < 3.0


def test_delayed_jobs_do_not_spoil_the_fit() -> None:
    jobs = observed(60)
    delayed = [Observation(job.work, 50.0 * job.seconds) for job in jobs[:6]]
    fitted = fit([*delayed, *jobs[6:]], TYPICAL)
    for job in jobs[6:]:
        assert seconds(job.work, fitted) == pytest.approx(job.seconds, rel=0.5)


def test_every_coefficient_is_positive() -> None:
    works = [Work(0, 0, calls, 0, flops, 0) for calls, flops in ((1e6, 1e9), (2e6, 1e9))]
    fitted = fit([Observation(works[0], 3.0), Observation(works[1], 1.0)], TYPICAL)
    assert (fitted > 0).all()


def test_without_observations_the_fit_is_the_prior() -> None:
    assert fit([], TYPICAL) is TYPICAL


def test_the_cost_survives_its_column() -> None:
    work = some_work()
    assert load_work(dump_work(work)) == work
    assert load_work("[1, 2, 3, 4, 5, 6]") is None  # of an earlier version


def test_nothing_is_estimated_before_anything_is_measured(database_url: str) -> None:
    database = Database(database_url)
    work = some_work()
    assert Estimator(database).seconds(work) is None
    short = Work(0, 0, 1e5, 0, 0, 0)
    with database.write() as connection:
        assert not calibrations.exists(connection, "any")
        calibrations.put(connection, "any", [(short.vector, 0.2)])
        calibrations.put(connection, "any", [(short.vector, 0.1)])
        assert calibrations.exists(connection, "any")
        assert calibrations.newest(connection) == [([*short.vector], 0.1)]
        fitted = coefficients(connection)
    estimated = Estimator(database).seconds(work)
    database.close()
    assert fitted is not None
    assert estimated == pytest.approx(seconds(work, fitted))
    # A call took 1 µs, which is more than usual.
    assert TYPICAL[3] < fitted[3] <= 1e-6
