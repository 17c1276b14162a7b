"""Requests and replies of the comparison method."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from .base import Int64, Reply, Request
from .jobs import Baselines, BestEpoch, CurveSeries, EpochRow, ForkedFrom, JobState, StopReason
from .training import Metric

JobIdText = Annotated[str, Field(min_length=1, max_length=64)]


class GetComparisonRequest(Request):
    """Jobs, metrics and number of points of a comparison."""

    jobs: list[JobIdText] = Field(min_length=2, max_length=10)
    """Ids of the jobs, from 2 to 10."""
    metrics: list[Metric] = Field(default_factory=list)
    """Metrics to return. Defaults to the losses."""
    max_points: int = Field(default=300, ge=4, le=2000)
    """Maximum points per metric and job. In [4, 2000]. Default 300."""
    aligned: bool = False
    """Return the same, evenly spaced epochs for all jobs, instead of each curve's extremes. Default
    false.
    """


class ComparedJob(Reply):
    """One of the compared jobs."""

    id: str
    """Id of the job."""
    name: str | None = None
    """Display name of the job."""
    state: JobState
    """State of the job."""
    stop_reason: StopReason | None = None
    """Reason of the end; absent before it."""
    warning: str | None = None
    """A sentence if the job has succeeded but is not better than a constant; see the job."""
    baselines: Baselines | None = None
    """Losses to compare the job's losses with; absent before the first epoch."""
    forked_from: ForkedFrom | None = None
    """Checkpoint that the initial weights are from. On a common axis, a fork begins after that
    epoch.
    """
    parameters: Int64
    """Number of trainable parameters of the network."""
    epochs: int
    """Number of stored epochs."""
    series: list[CurveSeries]
    """Curves of the job, one per metric."""
    latest: EpochRow | None = None
    """Metrics of the latest epoch; absent before the first."""
    best: BestEpoch | None = None
    """Best epoch; absent before the first."""
    seconds: float | None = None
    """Seconds from the first start to the end; absent before the end."""


class SpecDifference(Reply):
    """A field with different values among the jobs."""

    path: str
    """Path of the field, such as `optimizer.learning_rate` or `network.layers[0].units`, or `after
    epoch 41: optimizer.learning_rate` for one that changed while a job trained.
    """
    values: list[str]
    """Values as JSON, one per job; empty if a job lacks the field. Long values are truncated and
    end in `…`.
    """


class Comparison(Reply):
    """A comparison of jobs."""

    jobs: list[ComparedJob]
    """Jobs in the order of the request."""
    differences: list[SpecDifference]
    """All fields with different values."""
