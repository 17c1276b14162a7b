"""Jobs side by side."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from .base import Reply, Request
from .jobs import CurveSeries, EpochRow, ForkedFrom, JobState, StopReason
from .training import Metric

JobIdText = Annotated[str, Field(min_length=1, max_length=64)]


class GetComparisonRequest(Request):
    """Which jobs, and how closely."""

    job: list[JobIdText] = Field(min_length=2, max_length=10)
    """Two to ten ids."""
    metric: list[Metric] = Field(default_factory=list)
    """The losses, if none is named."""
    max_points: int = Field(default=300, ge=4, le=2000)
    """Points of one metric of one job at the most."""
    aligned: bool = False
    """The same epochs for all jobs, at equal distances, in place of each curve's extremes."""


class BestEpoch(Reply):
    """The epoch with the lowest loss: of the held-out part, if there is one."""

    metric: Literal["train_loss", "validation_loss"]
    """What it is best in."""
    epoch: int
    """Counted from 1."""
    value: float
    """The metric at that epoch."""


class ComparedJob(Reply):
    """One of the jobs."""

    id: str
    """Of the job."""
    name: str | None = None
    """What people call it."""
    state: JobState
    """What it is doing, or how it ended."""
    stop_reason: StopReason | None = None
    """Why it ended; absent until then."""
    forked_from: ForkedFrom | None = None
    """To be drawn on one axis, a fork begins after that epoch of the other job."""
    parameters: int
    """Trainable numbers of the network."""
    epochs: int
    """Epochs that are stored."""
    series: list[CurveSeries]
    """Its curve, a metric each."""
    latest: EpochRow | None = None
    """Its newest epoch; absent before the first."""
    best: BestEpoch | None = None
    """Its best epoch; absent before the first."""
    seconds: float | None = None
    """Wall-clock time from the first start to the end; absent for a job that is not over."""


class SpecDifference(Reply):
    """A place at which not all specs have the same."""

    path: str
    """Such as `optimizer.learning_rate` or `network.layers[0].units`."""
    values: list[str]
    """What each job has there as JSON, empty where it has nothing; of a long one the beginning,
    which ends in `…`.
    """


class Comparison(Reply):
    """Jobs side by side."""

    jobs: list[ComparedJob]
    """In the order of the request."""
    differences: list[SpecDifference]
    """Every place at which their specs differ."""
