"""The methods that change several jobs. Each job is changed as by the method for one, in its own
transaction: workers and other users wait for one job, however many there are.
"""

from __future__ import annotations

from collections.abc import Callable, Collection
from functools import partial

from ..errors import EpochalError, FieldError, InvalidArgument
from ..jobs import lifecycle, naming
from ..specs import filters
from ..specs.batches import (
    MAX_JOBS,
    BatchCancelJobsRequest,
    BatchDeleteJobsRequest,
    BatchJobs,
    BatchUpdateJobsRequest,
    JobsRequest,
    RefusedJob,
)
from ..specs.jobs import TERMINAL, UpdateJobRequest, job_fields
from ..store import jobs
from .context import Context
from .jobs import cancel_job


def batch_delete_jobs(context: Context, request: BatchDeleteJobsRequest) -> BatchJobs:
    """Delete up to 1000 jobs that have ended, with their epochs and checkpoints.

    Raises `InvalidArgument`; the reply lists jobs that cannot be deleted.
    """

    def delete(job_id: str) -> None:
        lifecycle.delete(context.database, job_id, context.access)

    return _change_all(context, request, delete)


def batch_cancel_jobs(context: Context, request: BatchCancelJobsRequest) -> BatchJobs:
    """Cancel up to 1000 jobs.

    Raises `InvalidArgument`; the reply lists jobs that cannot be cancelled.
    """
    return _change_all(context, request, partial(cancel_job, context), without=TERMINAL)


def batch_update_jobs(context: Context, request: BatchUpdateJobsRequest) -> BatchJobs:
    """Change the labels of up to 1000 jobs in any state. Training is not affected.

    Raises `InvalidArgument`; the reply lists jobs that cannot be changed.
    """
    change = UpdateJobRequest(labels=request.labels, remove_labels=request.remove_labels)
    naming.check(change)

    def update(job_id: str) -> None:
        naming.update(context.database, job_id, context.access, change, "job")

    return _change_all(context, request, update)


def _change_all(
    context: Context,
    request: JobsRequest,
    change: Callable[[str], object],
    without: Collection[str] = (),
) -> BatchJobs:
    """Change each of the jobs. A filter skips the states in `without`."""
    ids, has_more = list(dict.fromkeys(request.ids)), False
    tree = filters.parse(request.filter or "", job_fields())
    if bool(ids) == (tree is not None):
        raise InvalidArgument.of(FieldError("filter", "is required, or else ids, and not both"))
    if tree is not None:
        with context.database.read() as connection:
            access = context.access
            ids = jobs.matching(connection, access.owner, tree, without, MAX_JOBS + 1, access)
        ids, has_more = ids[:MAX_JOBS], len(ids) > MAX_JOBS
    changed, refused = [], []
    for job_id in ids:
        try:
            change(job_id)
        except EpochalError as error:
            if error.status >= 500:
                raise
            refused.append(RefusedJob(id=job_id, reason=error.reason, detail=str(error)))
        else:
            changed.append(job_id)
    return BatchJobs(ids=changed, refused=refused, has_more=has_more)
