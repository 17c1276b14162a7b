"""Estimate the duration of a job: what it costs, times what that took on these workers before.

    seconds = start + Σ coefficient · amount

The amounts come from `engine.Work`. The coefficients start from short runs that a worker measures
when it starts, and are fitted to the jobs that ended last.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from functools import lru_cache
from time import monotonic

import numpy as np
from numpy.typing import NDArray

import epochal_engine as engine

from ..preparation.prepared import Prepared
from ..store import Connection, Database, calibrations, jobs

NEWEST_JOBS = 200
FRESH_SECONDS = 2.0
"""A fit is used for so long."""

TYPICAL = np.array([0.017, 4e-6, 2e-6, 4e-7, 4e-8, 2e-11, 3e-10])
"""Seconds of a start, and per unit of each amount, on a common processor."""
PRIOR_WEIGHT = 0.2
"""Weight of the deviation of a coefficient from the prior; the weight of a job is 1."""
OUTLIER = 0.7
"""Larger errors, from a factor of 2 on, count less: something else may have delayed the job."""
STEPS = 30

Array = NDArray[np.float64]


@dataclass(frozen=True)
class Observation:
    """The amounts of a run, and its duration."""

    work: engine.Work
    seconds: float
    has_start: bool = True
    """Whether the seconds include the start of a job."""


def work_of(prepared: Prepared, members: int = 1) -> engine.Work:
    """Return the cost of a job, or of a sweep with `members`."""
    return _work(
        prepared.network,
        replace(prepared.training, seed=0),
        prepared.cost.samples,
        len(prepared.rows.validation),
        members,
    )


# A class submits the same job many times, and to compile its step takes 2 ms.
_work = lru_cache(maxsize=1024)(engine.work)


def dump_work(work: engine.Work) -> str:
    """Return the cost as JSON, for the column `work` of the job's row."""
    return json.dumps(asdict(work))


def load_work(text: str) -> engine.Work | None:
    """Return the cost from the column of the row; None in the amounts of an earlier version."""
    amounts = json.loads(text)
    return engine.Work(**amounts) if isinstance(amounts, dict) else None


def typical_seconds(work: engine.Work) -> float:
    """Return the estimated seconds on a common processor, the same for every service."""
    return float(TYPICAL @ _row(work))


class Estimator:
    """Estimates durations from the database; the fit is renewed every few seconds."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._coefficients: Array | None = None
        self._fitted_at = -FRESH_SECONDS

    def seconds(self, work: engine.Work) -> float | None:
        """Return the estimated seconds from start to end; None if nothing has been measured."""
        if monotonic() - self._fitted_at >= FRESH_SECONDS:
            with self._database.read() as connection:
                self._coefficients = coefficients(connection)
            self._fitted_at = monotonic()
        if self._coefficients is None:
            return None
        return float(self._coefficients @ _row(work))


def coefficients(connection: Connection) -> Array | None:
    """Return the coefficients fitted to calibrations and jobs; None without any."""
    measured = [
        Observation(engine.Work(*amounts), seconds, has_start=False)
        for amounts, seconds in calibrations.newest(connection)
    ]
    ended = [
        Observation(work * (row.epoch / work.epochs), row.seconds)
        for row in jobs.ended(connection, NEWEST_JOBS)
        if (work := load_work(row.work)) is not None
    ]
    if not measured and not ended:
        return None
    return fit(ended, fit(measured, TYPICAL))


def fit(observations: Sequence[Observation], prior: Array) -> Array:
    """Return the coefficients, all positive, that fit the observations best.

    Minimizes the squares of log(estimate / duration), with a smaller weight for outliers, and of
    log(coefficient / prior), by Gauss-Newton steps on the logarithms of the coefficients.
    """
    if not observations:
        return prior
    durations = np.log([max(observation.seconds, 1e-3) for observation in observations])
    rows = np.array([_row(o.work, start=float(o.has_start)) for o in observations])
    logs = np.zeros(len(prior))
    for _ in range(STEPS):
        parts = rows * prior * np.exp(logs)
        estimates = np.maximum(parts.sum(1), 1e-9)
        errors = np.log(estimates) - durations
        weights = np.minimum(1.0, OUTLIER / np.maximum(np.abs(errors), 1e-12))
        shares = parts / estimates[:, None]
        matrix = shares.T @ (weights[:, None] * shares) + PRIOR_WEIGHT * np.eye(len(prior))
        step = np.linalg.solve(matrix, shares.T @ (weights * errors) + PRIOR_WEIGHT * logs)
        logs -= np.clip(step, -1.0, 1.0)
    return np.asarray(prior * np.exp(logs))


def _row(work: engine.Work, start: float = 1.0) -> Array:
    return np.array([start, *work.vector])
