"""Requests and replies of the methods that change several jobs."""

from __future__ import annotations

from typing import Annotated

from pydantic import ConfigDict, Field

from .base import MAX_LABELS, LabelKey, Labels, Reply, Spec, exactly_one
from .filters import MAX_LENGTH as MAX_FILTER

MAX_JOBS = 1000


class JobsRequest(Spec):
    """Several jobs, by their ids or by a filter."""

    model_config = ConfigDict(json_schema_extra=exactly_one("ids", "filter"))

    ids: list[Annotated[str, Field(max_length=64)]] = Field(
        default_factory=list, max_length=MAX_JOBS
    )
    """Ids of jobs. At most 1000."""
    filter: str | None = Field(default=None, min_length=1, max_length=MAX_FILTER)
    """The caller's own jobs for which this is true, as in `GET /v1/jobs`; the newest 1000."""


class BatchDeleteJobsRequest(JobsRequest):
    """Jobs to delete."""


class BatchCancelJobsRequest(JobsRequest):
    """Jobs to cancel. A filter chooses among those that have not ended."""


class BatchUpdateJobsRequest(JobsRequest):
    """Jobs, and changes of their labels."""

    labels: Labels = Field(default_factory=dict)
    """Labels to add, or to give another value. A job has at most 16."""
    remove_labels: list[LabelKey] = Field(default_factory=list, max_length=MAX_LABELS)
    """Keys of labels to remove. A key that a job does not have is ignored."""


class RefusedJob(Reply):
    """A job that could not be changed."""

    id: str
    """Id of the job."""
    reason: str
    """Stable word of the error that the method for one job has: `job_not_ended`, `not_found`."""
    detail: str
    """The error in a sentence."""


class BatchJobs(Reply):
    """The outcome of a change of several jobs."""

    ids: list[str]
    """Ids of the jobs that were changed."""
    refused: list[RefusedJob] = Field(default_factory=list)
    """Jobs that were not."""
    has_more: bool = False
    """Whether the filter matches further jobs: repeat the request."""

    @property
    def id(self) -> str:
        """The jobs, for the audit log."""
        return ",".join(self.ids)
