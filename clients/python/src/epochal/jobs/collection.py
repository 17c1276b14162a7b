"""All training jobs: create, find, list and compare them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing
from typing import Any, Unpack

from ..comparison import Comparison
from ..events import Event, LeftEvent
from ..following import GIVE_UP_SECONDS, follow_jobs
from ..paging import LARGEST_PAGE, pages, whole_pages
from ..records import read, request
from ..session import Part
from ..specs import Spec, with_objects
from ..types import (
    BatchJobs,
    JobColumns,
    JobState,
    JobView,
    Metric,
    TrainingFields,
    TrainingSpec,
    ValidatedJob,
)
from .job import Job, create_job


class Jobs(Part):
    """`client.jobs`."""

    def create(
        self,
        spec: TrainingSpec | Spec | None = None,
        /,
        *,
        request_id: str | None = None,
        **fields: Unpack[TrainingFields],
    ) -> Job:
        """Start a training job from the fields of its spec.

        `spec` is a ready spec, such as a preset; `fields` add to it or replace fields of it. Words
        and objects may stand for specs: `optimizer="adam"`, `dataset="xor"`, a `Dataset`, a
        `Network`, or a data frame with the target in its last column.

        The service creates one job for each `request_id`, however often a request is sent; a
        random one is used by default. Raises `InvalidArgument` with the invalid fields in `errors`,
        and `IdempotencyMismatch` if the `request_id` was used with another spec.
        """
        return create_job(self._session, {**(spec or {}), **fields}, request_id)

    def validate(
        self, spec: TrainingSpec | Spec | None = None, /, **fields: Unpack[TrainingFields]
    ) -> ValidatedJob:
        """Check a job, estimate its cost, and fill in its defaults, without creating it.

        It takes the parameters of `create`. Raises `InvalidArgument`.

        >>> client.jobs.validate(client.preset("xor"), epochs=10).parameters
        33
        """
        body = request(with_objects({**(spec or {}), **fields}))
        return read(ValidatedJob, self._session.call("ValidateJob", {"spec": body}))

    def get(self, job_id: str) -> Job:
        """Return the job with this id. Raises `NotFound`."""
        return Job(self._session.call("GetJob", {"id": job_id}), self._session)

    def list(
        self,
        filter: str | None = None,
        *,
        order_by: str | None = None,
        view: JobView | None = None,
        states: JobState | Sequence[JobState] = (),
        label: str | None = None,
        owner: str | None = None,
        query: str | None = None,
        curve_points: int | None = None,
        limit: int | None = None,
        page_size: int | None = None,
    ) -> Iterator[Job]:
        """Yield jobs, or the first `limit`, newest first or in the order of `order_by`, page by
        page.

        `filter` compares any fields of a job, see docs/api/conventions.md. `states` is one state
        or several; `label` is `key` or `key=value`; `owner` is a member of the caller's class;
        `query` is text in the name, the labels, the data set or the id, in upper or lower case.
        With `curve_points` (4 to 100), each job has a `small_curve` of about that many points. In
        the `basic` view, the default, baselines have no `separability` and no `ngrams`; the rows
        of an inline data set are read from the service when `job.spec` is used. Raises
        `InvalidArgument`.

        >>> good = client.jobs.list("best.value < 0.1", order_by="best.value")
        >>> all(job.best.value < 0.1 for job in good)
        True
        """
        fields = {
            "filter": filter,
            "order_by": order_by,
            "view": view,
            "states": ([states] if isinstance(states, str) else list(states)) or None,
            "label": label,
            "owner": owner,
            "query": query,
            "curve_points": curve_points,
            "page_size": page_size,
        }
        for row in pages(self._session, "ListJobs", "jobs", fields, limit):
            yield Job(row, self._session)

    def columns(
        self,
        *fields: str,
        filter: str | None = None,
        order_by: str | None = None,
        states: JobState | Sequence[JobState] = (),
        label: str | None = None,
        owner: str | None = None,
        query: str | None = None,
        limit: int | None = None,
    ) -> dict[str, Sequence[Any]]:
        """Return fields of jobs by column, with the ids as column `id`: `pandas.DataFrame` takes
        it as it is.

        `fields` are written as in a `filter`. A number that a job lacks is NaN, another value an
        empty text; times are RFC 3339. Jobs are selected and sorted as in `list`. Raises
        `InvalidArgument`.

        >>> table = client.jobs.columns("spec.optimizer.type", "best.value", limit=100)
        >>> list(table)
        ['id', 'spec.optimizer.type', 'best.value']
        """
        request = {
            "fields": list(fields),
            "filter": filter,
            "order_by": order_by,
            "states": ([states] if isinstance(states, str) else list(states)) or None,
            "label": label,
            "owner": owner,
            "query": query,
            "page_size": LARGEST_PAGE if limit is None else max(1, min(limit, LARGEST_PAGE)),
        }
        table: dict[str, list[Any]] = {"id": []}
        for page in whole_pages(self._session, "GetJobColumns", request):
            part = read(JobColumns, page)
            values = {c.field: c.numbers.tolist() or c.texts for c in part.columns}
            for name, column in {**values, "id": part.ids}.items():
                table.setdefault(name, []).extend(column)
            if limit is not None and len(table["id"]) >= limit:
                break
        return {name: values[:limit] for name, values in table.items()}

    def watch(
        self,
        *jobs: Job | str,
        label: str | None = None,
        timeout: float | None = None,
        give_up_after: float = GIVE_UP_SECONDS,
    ) -> Iterator[tuple[Job, Event | LeftEvent]]:
        """Yield the events of up to 100 jobs as they happen, each with its job, over one
        connection.

        The handles of the jobs are updated. Ends when all of `jobs` (or their ids) are over.
        Without any, the jobs with the `label`, `key` or `key=value`, or all jobs that are not over
        are watched, and those that are created meanwhile, without an end. Each job starts with a
        snapshot; one that was deleted leaves with a `LeftEvent`. A broken connection is reopened,
        without a gap or a repetition. Raises as `job.watch`.

        >>> spec = client.preset("xor") | {"epochs": 50}
        >>> pair = [client.jobs.create(spec, seed=seed) for seed in (1, 2)]
        >>> ends = [job.id for job, event in client.jobs.watch(*pair) if event.type == "end"]
        >>> sorted(ends) == sorted(job.id for job in pair)
        True
        """
        handles = {job.id: job for job in jobs if isinstance(job, Job)}
        ids = [job if isinstance(job, str) else job.id for job in jobs]
        stream = follow_jobs(
            self._session, ids, label, timeout=timeout, give_up_after=give_up_after
        )
        with closing(stream) as frames:
            for frame in frames:
                handle = handles.get(frame["job"])
                if handle is None and frame["type"] == "snapshot":
                    handle = handles[frame["job"]] = Job(frame["snapshot"]["job"], self._session)
                if handle is None:
                    continue
                if frame["type"] == "left":
                    yield handle, read(LeftEvent, frame["left"], seq=handle._data.seq)
                elif (event := handle._receive(frame)) is not None:
                    yield handle, event

    def compare(
        self,
        *jobs: Job | str,
        metrics: Sequence[Metric] = (),
        max_points: int | None = None,
        aligned: bool = False,
    ) -> Comparison:
        """Return two to ten jobs (or their ids) side by side.

        `metrics` are the losses by default. `max_points` limits the points of each metric of each
        job (4 to 2,000; 300 by default). With `aligned`, all curves have values at the same,
        evenly spaced epochs; otherwise each keeps its extremes. Raises `NotFound`,
        `InvalidArgument`.
        """
        fields: Mapping[str, Any] = {
            "jobs": [job if isinstance(job, str) else job.id for job in jobs],
            "metrics": list(metrics) or None,
            "max_points": max_points,
            "aligned": aligned or None,
        }
        return read(Comparison, self._session.call("GetComparison", dict(fields)))

    def delete(self, *jobs: Job | str, filter: str | None = None) -> BatchJobs:
        """Delete up to 1,000 jobs that have ended, or those that the filter matches.

        The result has the ids of the deleted jobs, and says which were refused and why. With
        `has_more`, the filter matches further jobs. Raises `InvalidArgument`.

        >>> client.jobs.delete(filter="labels.course = sketches AND created_at < 2026-01-01T00:00Z")
        BatchJobs(ids=(), refused=(), has_more=False)
        """
        return self._batch("BatchDeleteJobs", jobs, filter)

    def cancel(self, *jobs: Job | str, filter: str | None = None) -> BatchJobs:
        """Cancel up to 1,000 jobs, or those that the filter matches and that have not ended.

        The result is as in `delete`. Raises `InvalidArgument`.
        """
        return self._batch("BatchCancelJobs", jobs, filter)

    def update(
        self,
        *jobs: Job | str,
        filter: str | None = None,
        labels: Mapping[str, str] | None = None,
        remove_labels: Sequence[str] = (),
    ) -> BatchJobs:
        """Change the labels of up to 1,000 jobs, or of those that the filter matches.

        The result is as in `delete`. Raises `InvalidArgument`.
        """
        labels = dict(labels or {})
        changes = {"labels": labels, "remove_labels": list(remove_labels)}
        return self._batch("BatchUpdateJobs", jobs, filter, **changes)

    def _batch(
        self, method: str, jobs: Sequence[Job | str], filter: str | None, **changes: Any
    ) -> BatchJobs:
        ids = [job if isinstance(job, str) else job.id for job in jobs]
        fields = {"ids": ids or None, "filter": filter, **changes}
        return read(BatchJobs, self._session.call(method, fields))
