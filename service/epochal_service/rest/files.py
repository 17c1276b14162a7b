"""The epochs and the curve of a job as files with an address: for a sheet, and as a picture.

    GET …/epochs.csv    all epochs, or a page of them, without empty columns
    GET …/curve.csv     the downsampled metrics
    GET …/curve.svg, …/curve.png    the losses, or the chosen metrics
    GET …/map.png       the outputs over the two inputs of a network

They are `ListEpochs` and `GetCurve` in other formats, and read their parameters. A file changes
only when its job does, so that its ETag follows from the version of the job.
"""

from __future__ import annotations

import gzip
import hashlib
import itertools
import json
import math
from collections.abc import Callable
from functools import partial
from typing import Annotated, Any, TypeVar

import numpy as np
from fastapi import APIRouter, Path, Query, Request, Response
from pydantic import BeforeValidator, Field

from ..curves import picture
from ..errors import FieldError, InvalidArgument
from ..jobs import lifecycle
from ..methods.context import Context
from ..methods.inspection import bounds_around
from ..methods.jobs import get_curve
from ..methods.predictions import predict
from ..methods.replies import GZIP_LEVEL
from ..methods.table import TRAINING
from ..resources.datasets import load_for_stored_job
from ..specs import base
from ..specs.base import EpochNumber
from ..specs.jobs import GetCurveRequest, GridSpec, ListEpochsRequest, PredictRequest
from ..specs.training import Metric, TrainingSpec
from ..store.jobs import JobWithSpec
from .body import StrictRoute
from .context import Here
from .epochs import CSV, NAMES, csv_lines, texts
from .problems import Explained, problems
from .query import list_fields, split_commas
from .replies import MIN_COMPRESSED_BYTES, NO_CACHE, accepted_encodings
from .routes import NOT_MODIFIED, operation_id

SVG, PNG = "image/svg+xml", "image/png"
LOSSES: tuple[Metric, ...] = ("train_loss", "validation_loss")
PICTURE_POINTS = 600
MAP_POINTS = 96
SVG_POLICY = "default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'none'"


class AllEpochs(ListEpochsRequest):
    """All epochs unless a page is asked for."""

    page_size: int = Field(default=2**31 - 1, ge=1, lt=2**31)
    """Most epochs; all by default."""


class PictureRequest(GetCurveRequest):
    """Metrics of a picture."""

    max_points: int = Field(default=PICTURE_POINTS, ge=4, le=2000)
    """Most points of each metric, of the whole run."""


_splits = BeforeValidator(partial(split_commas, list_fields(GetCurveRequest)))
CurveQuery = Annotated[GetCurveRequest, Query(), _splits, Explained]
PictureQuery = Annotated[PictureRequest, Query(), _splits, Explained]
JobId = Annotated[str, Path(description=TRAINING.methods["GetJob"].path_description("id"))]
Endpoint = TypeVar("Endpoint", bound=Callable[..., Response])
router = APIRouter(route_class=StrictRoute, generate_unique_id_function=operation_id)


def _serve(file: str, rpc: str, media_type: str, summary: str) -> Callable[[Endpoint], Endpoint]:
    """Return a decorator that serves a file of a job to keys that may call the method."""
    method = TRAINING.methods[rpc]
    responses: dict[int | str, dict[str, Any]] = {
        200: {"description": "The file", "content": {media_type: {"schema": {"type": "string"}}}},
        304: NOT_MODIFIED,
    }

    def add(endpoint: Endpoint) -> Endpoint:
        endpoint.need = method.need  # type: ignore[attr-defined]
        router.add_api_route(
            f"/v1/jobs/{{id}}/{file}",
            endpoint,
            tags=[TRAINING.methods["GetJob"].tag],
            summary=summary,
            response_class=Response,
            responses=responses | problems(*method.statuses),
            include_in_schema=media_type == CSV,  # generators of clients know no pictures
        )
        return endpoint

    return add


def _reply(
    context: Context,
    request: Request,
    id: str,
    media_type: str,
    make: Callable[[JobWithSpec], bytes],
) -> Response:
    """Return a file about a job; 304 if the client has it, compressed if the client takes that."""
    row = lifecycle.get(context.database, id, context.access)
    version = f"{row.id} {row.last_seq} {row.revision} {request.url.path}?{request.url.query}"
    tag = f'W/"{hashlib.sha256(version.encode()).hexdigest()[:32]}"'
    headers = {"ETag": tag, "Cache-Control": NO_CACHE, "Vary": "Accept-Encoding"}
    if media_type == SVG:
        headers["Content-Security-Policy"] = SVG_POLICY
    if tag in request.headers.get("if-none-match", ""):
        return Response(status_code=304, headers=headers)
    content = make(row)
    is_large = len(content) >= MIN_COMPRESSED_BYTES and media_type != PNG
    if is_large and "gzip" in accepted_encodings(request.headers):
        headers["Content-Encoding"] = "gzip"
        content = gzip.compress(content, GZIP_LEVEL, mtime=0)
    return Response(content, headers=headers, media_type=media_type)


@_serve("epochs.csv", "ListEpochs", CSV, "Get epochs as CSV")
def get_epochs_csv(
    id: JobId, context: Here, request: Request, query: Annotated[AllEpochs, Query(), Explained]
) -> Response:
    """All epochs after `after_epoch`, at most `page_size`."""

    def make(row: JobWithSpec) -> bytes:
        last = min(query.after_epoch + query.page_size, row.epoch)
        latest = json.loads(row.latest or "{}")
        names = [name for name in NAMES if latest.get(name) is not None] or ["epoch"]
        lines = csv_lines(context.database, id, query.after_epoch, last, names)
        return "".join(lines).encode()

    return _reply(context, request, id, CSV, make)


@_serve("curve.csv", "GetCurve", CSV, "Get the curve as CSV")
def get_curve_csv(id: JobId, context: Here, request: Request, query: CurveQuery) -> Response:
    """The points of the curve: one line per epoch that any metric has a point at."""

    def make(row: JobWithSpec) -> bytes:
        series = get_curve(context, id, query).series
        columns = [dict(zip(s.epochs, texts(s.values), strict=True)) for s in series]
        lines = [",".join(["epoch", *(s.metric for s in series)])]
        lines += [
            ",".join([f"{epoch}", *(column.get(epoch, "") for column in columns)])
            for epoch in sorted({*itertools.chain(*columns)})
        ]
        return "\n".join([*lines, ""]).encode()

    return _reply(context, request, id, CSV, make)


def _parts(context: Context, id: str, query: PictureRequest, row: JobWithSpec) -> Any:
    chosen = query.model_copy(update={"metrics": query.metrics or [*LOSSES]})
    curve = get_curve(context, id, chosen)
    spec = TrainingSpec.model_validate_json(row.spec)
    title = f"{spec.name or row.id} · {row.state} · epoch {row.epoch} of {spec.epochs}"
    series = [picture.Series(s.metric, s.epochs, s.values) for s in curve.series]
    return [*picture.shapes(title, series, max(row.epoch, 1))], title


@_serve("curve.svg", "GetCurve", SVG, "Get the curve as a picture")
def get_curve_svg(id: JobId, context: Here, request: Request, query: PictureQuery) -> Response:
    """The losses, or other metrics, as a picture of the run as it is now."""

    def make(row: JobWithSpec) -> bytes:
        parts, title = _parts(context, id, query, row)
        return picture.to_svg(parts, title)

    return _reply(context, request, id, SVG, make)


@_serve("curve.png", "GetCurve", PNG, "Get the curve as a picture of pixels")
def get_curve_png(id: JobId, context: Here, request: Request, query: PictureQuery) -> Response:
    """The same as curve.svg, for programs that show no SVG."""
    return _reply(
        context, request, id, PNG, lambda row: picture.to_png(_parts(context, id, query, row)[0])
    )


class MapRequest(base.Request):
    """The checkpoint of a map."""

    epoch: EpochNumber | None = None
    """The epoch of the weights; the latest by default."""


@_serve("map.png", "Predict", PNG, "Get the map of outputs as a picture")
def get_map_png(
    id: JobId, context: Here, request: Request, query: Annotated[MapRequest, Query(), Explained]
) -> Response:
    """The outputs of a network with two inputs over these, in the colors of the classes."""

    def make(row: JobWithSpec) -> bytes:
        with context.database.read() as connection:
            dataset = load_for_stored_job(connection, TrainingSpec.model_validate_json(row.spec))
        if math.prod(dataset.inputs.shape[1:]) != 2:
            text = f"must be a job of two inputs; this one has {dataset.inputs.shape[1:]}"
            raise InvalidArgument.of(FieldError("id", text))
        grid = GridSpec(**bounds_around(dataset).model_dump(), resolution=MAP_POINTS)
        predicted = predict(context, id, PredictRequest(grid=grid, epoch=query.epoch))
        outputs = np.array(predicted.outputs).reshape(MAP_POINTS, MAP_POINTS, -1)
        return picture.map_to_png(picture.map_of(outputs, predicted.classes))

    return _reply(context, request, id, PNG, make)
