"""Jobs over HTTP: a spec goes in, epochs come out. Their events are in `streams`."""

from __future__ import annotations

import csv
import hashlib
import io
import json
import re
from collections.abc import Iterator
from typing import Annotated

from fastapi import APIRouter, Body, Header, Path, Query, Response
from fastapi.responses import StreamingResponse
from pydantic import BeforeValidator

from ..methods import jobs
from ..methods.context import Context
from ..specs.base import MAX_PAGE_SIZE, Request
from ..specs.jobs import (
    CheckpointPage,
    CreateJobOptions,
    Curve,
    EpochPage,
    EpochRow,
    GetCheckpointRequest,
    GetCurveRequest,
    GradientPage,
    Job,
    JobPage,
    ListCheckpointsRequest,
    ListEpochsRequest,
    ListGradientsRequest,
    ListJobsRequest,
    Prediction,
    PredictRequest,
)
from ..specs.training import TrainingSpec
from . import examples
from .body import JSON, StrictRoute
from .context import Here, IdempotencyKey
from .problems import Explained, problems

router = APIRouter(prefix="/v1/jobs", tags=["jobs"], route_class=StrictRoute)

OCTETS = "application/octet-stream"

Epoch = Annotated[int, Path(ge=0, lt=2**63, description="One that has a checkpoint.")]


class CreateJobQuery(Request):
    """The part of `CreateJobOptions` that stands in the query; the key is a header."""

    validate_only: bool = False
    """Check and price the spec, and make no job."""


class Octets(Response):
    media_type = OCTETS


def split_commas(query: dict[str, object]) -> dict[str, object]:
    """The query with its lists of words spread out: `a,b` says the same as `a` and `b`."""
    return {
        name: [word for text in value for word in text.split(",")]
        if name in ("job", "metric", "metrics", "state") and isinstance(value, list)
        else value
        for name, value in query.items()
    }


JobId = Annotated[str, Path(alias="id", description="As `POST /v1/jobs` gave it.")]


@router.post(
    "",
    status_code=201,
    summary="Create a job",
    responses={
        200: {"model": Job, "description": "Checked and priced only: the job has no id"},
        **problems(400, 413, 415, 422),
    },
)
def create_job(
    context: Here,
    spec: Annotated[TrainingSpec, Body(openapi_examples=examples.JOBS), Explained],
    query: Annotated[CreateJobQuery, Query(), Explained],
    response: Response,
    idempotency_key: IdempotencyKey = None,
) -> Job:
    """Takes a job into the queue, and gives it back with its id and its price.

    With `validate_only` the spec is checked and priced, and no job is made.
    """
    options = CreateJobOptions(request_id=idempotency_key, validate_only=query.validate_only)
    job = jobs.create_job(context, spec, options)
    if job.id is None:
        response.status_code = 200
    else:
        response.headers["Location"] = f"{router.prefix}/{job.id}"
    return job


@router.get("", summary="List jobs", responses=problems(400))
def list_jobs(
    context: Here,
    query: Annotated[ListJobsRequest, Query(), BeforeValidator(split_commas), Explained],
) -> JobPage:
    """Your jobs, newest first.

    `state` may be repeated, or be separated by commas. With `curve_points` each job has a `curve`.
    """
    return jobs.list_jobs(context, query)


@router.get("/{id}", summary="Get a job", responses=problems(400, 404))
def get_job(context: Here, job_id: JobId) -> Job:
    """A job as far as it is known now."""
    return jobs.get_job(context, job_id)


@router.delete(
    "/{id}",
    status_code=204,
    response_class=Response,
    summary="Delete a job",
    responses=problems(400, 404, 409),
)
def delete_job(context: Here, job_id: JobId) -> None:
    """Forgets a job that has ended, with its epochs and checkpoints."""
    jobs.delete_job(context, job_id)


@router.post("/{id}/cancel", summary="Cancel a job", responses=problems(400, 404, 409))
def cancel_job(context: Here, job_id: JobId) -> Job:
    """Asks the job to stop; its epochs and its last checkpoint stay."""
    return jobs.cancel_job(context, job_id)


@router.post("/{id}/pause", summary="Pause a job", responses=problems(400, 404, 409))
def pause_job(context: Here, job_id: JobId) -> Job:
    """Asks the job to rest at the next epoch."""
    return jobs.pause_job(context, job_id)


@router.post("/{id}/resume", summary="Resume a job", responses=problems(400, 404, 409))
def resume_job(context: Here, job_id: JobId) -> Job:
    """Goes on from the last checkpoint, bit for bit."""
    return jobs.resume_job(context, job_id)


@router.get(
    "/{id}/epochs",
    summary="List epochs",
    responses={
        200: {"content": {"text/csv": {"schema": {"type": "string"}}}},
        **problems(400, 404),
    },
    response_model=EpochPage,
)
def list_epochs(
    context: Here,
    job_id: JobId,
    query: Annotated[ListEpochsRequest, Query(), Explained],
    accept: Annotated[str, Header(include_in_schema=False)] = JSON,
) -> EpochPage | Response:
    """One row for each epoch, from the first one after `after_epoch`.

    With `Accept: text/csv` all of them, in one table: `page_size` counts for JSON alone.
    """
    if not prefers_csv(accept):
        return jobs.list_epochs(context, job_id, query)
    first = jobs.list_epochs(context, job_id, query.model_copy(update={"page_size": MAX_PAGE_SIZE}))
    return StreamingResponse(_csv(context, job_id, first), media_type="text/csv")


@router.get("/{id}/curve", summary="Get the curve", responses=problems(400, 404))
def get_curve(
    context: Here,
    job_id: JobId,
    query: Annotated[GetCurveRequest, Query(), BeforeValidator(split_commas), Explained],
) -> Curve:
    """The whole run in a bounded number of points; extremes and non-finite values are never lost.

    `metrics` may be repeated, or be separated by commas.
    """
    return jobs.get_curve(context, job_id, query)


@router.get("/{id}/gradients", summary="List gradients", responses=problems(400, 404))
def list_gradients(
    context: Here, job_id: JobId, query: Annotated[ListGradientsRequest, Query(), Explained]
) -> GradientPage:
    """Statistics of every layer's gradient, for each epoch that has a snapshot."""
    return jobs.list_gradients(context, job_id, query)


@router.get("/{id}/checkpoints", summary="List checkpoints", responses=problems(400, 404))
def list_checkpoints(
    context: Here, job_id: JobId, query: Annotated[ListCheckpointsRequest, Query(), Explained]
) -> CheckpointPage:
    """The epochs whose weights are kept."""
    return jobs.list_checkpoints(context, job_id, query)


@router.get(
    "/{id}/checkpoints/{epoch}",
    summary="Get a checkpoint",
    response_class=Octets,
    responses={
        200: {
            "description": "The file",
            "content": {OCTETS: {"schema": {"type": "string", "format": "binary"}}},
        },
        304: {"description": "It is the one that `If-None-Match` names"},
        **problems(400, 404),
    },
)
def get_checkpoint(
    context: Here,
    job_id: JobId,
    epoch: Epoch,
    query: Annotated[GetCheckpointRequest, Query(), Explained],
    if_none_match: Annotated[str, Header(include_in_schema=False)] = "",
) -> Response:
    """The weights after an epoch: safetensors, or an .npz archive without pickled objects.

    The `ETag` is the SHA-256 of the content.
    """
    checkpoint = jobs.get_checkpoint(context, job_id, epoch, query)
    digest = f'"{hashlib.sha256(checkpoint.content).hexdigest()}"'
    headers = {"ETag": digest, "Cache-Control": "no-cache"}
    if digest in if_none_match:
        return Response(status_code=304, headers=headers)
    name = f"{job_id}-epoch-{checkpoint.epoch}.{checkpoint.format}"
    headers["Content-Disposition"] = f'attachment; filename="{name}"'
    return Octets(checkpoint.content, headers=headers)


@router.post("/{id}/predict", summary="Predict", responses=problems(400, 404, 413, 415))
def predict(
    context: Here,
    job_id: JobId,
    request: Annotated[PredictRequest, Body(openapi_examples=examples.PREDICTIONS), Explained],
) -> Prediction:
    """What the network of an epoch that has a checkpoint makes of rows, or of a grid of points."""
    return jobs.predict(context, job_id, request)


def prefers_csv(accept: str) -> bool:
    """Whether the header ranks `text/csv` above JSON; ranges such as `*/*` count for JSON.

    https://www.rfc-editor.org/rfc/rfc9110#name-accept
    """
    quality = {"text/csv": 0.0, JSON: 0.0}
    for part in accept.lower().split(","):
        media_range, _, parameters = part.partition(";")
        name = media_range.strip()
        name = JSON if name in ("*/*", "application/*") else name
        weight = re.search(r"\bq\s*=\s*([01](?:\.\d{0,3})?)", parameters)
        if name in quality:
            quality[name] = max(quality[name], float(weight[1]) if weight else 1.0)
    return quality["text/csv"] > quality[JSON]


def _csv(context: Context, job_id: str, page: EpochPage) -> Iterator[str]:
    """A header row, then the rows of this page and of all that follow it."""
    names = list(EpochRow.model_fields)
    text = io.StringIO()
    writer = csv.DictWriter(text, names, lineterminator="\n")
    writer.writeheader()
    while True:
        # By way of JSON, so that both forms write NaN, Infinity and -Infinity alike.
        writer.writerows(json.loads(row.model_dump_json()) for row in page.epochs)
        yield text.getvalue()
        text.seek(0)
        text.truncate()
        if page.next_after_epoch is None:
            return
        following = ListEpochsRequest(after_epoch=page.next_after_epoch, page_size=MAX_PAGE_SIZE)
        page = jobs.list_epochs(context, job_id, following)
