"""Sweeps over HTTP: one job in many variants that are trained together."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Body, Path, Query, Request, Response

from ..methods import sweeps
from ..specs.base import Request as Fields
from ..specs.sweeps import (
    CreateSweepOptions,
    GetSweepCurvesRequest,
    ListSweepsRequest,
    Sweep,
    SweepCurves,
    SweepEvent,
    SweepPage,
    SweepSpec,
    WatchSweepRequest,
)
from . import examples
from .body import StrictRoute
from .context import Here, IdempotencyKey
from .problems import Explained, problems
from .streams import STREAM, EventStreamMedia, LastEventId, stream

router = APIRouter(prefix="/v1/sweeps", tags=["sweeps"], route_class=StrictRoute)

SweepId = Annotated[str, Path(alias="id", description="As `POST /v1/sweeps` gave it.")]


class CreateSweepQuery(Fields):
    """The part of `CreateSweepOptions` that stands in the query; the key is a header."""

    validate_only: bool = False
    """Check and price the spec, and make no sweep."""


@router.post(
    "",
    status_code=201,
    summary="Create a sweep",
    responses={
        200: {"model": Sweep, "description": "Checked and priced only: the sweep has no id"},
        **problems(400, 413, 415, 422),
    },
)
def create_sweep(
    context: Here,
    spec: Annotated[SweepSpec, Body(openapi_examples=examples.SWEEPS), Explained],
    query: Annotated[CreateSweepQuery, Query(), Explained],
    response: Response,
    idempotency_key: IdempotencyKey = None,
) -> Sweep:
    """Takes a job in many variants into the queue; all of them are trained by one program.

    With `validate_only` the spec is checked and priced, and no sweep is made.
    """
    options = CreateSweepOptions(request_id=idempotency_key, validate_only=query.validate_only)
    sweep = sweeps.create_sweep(context, spec, options)
    if sweep.id is None:
        response.status_code = 200
    else:
        response.headers["Location"] = f"{router.prefix}/{sweep.id}"
    return sweep


@router.get("", summary="List sweeps", responses=problems(400))
def list_sweeps(
    context: Here, query: Annotated[ListSweepsRequest, Query(), Explained]
) -> SweepPage:
    """Your sweeps, newest first, without their members."""
    return sweeps.list_sweeps(context, query)


@router.get("/{id}", summary="Get a sweep", responses=problems(400, 404))
def get_sweep(context: Here, sweep_id: SweepId) -> Sweep:
    """A sweep as far as it is known now; each member has a label for its learning rate."""
    return sweeps.get_sweep(context, sweep_id)


@router.delete(
    "/{id}", status_code=204, summary="Delete a sweep", responses=problems(400, 404, 409)
)
def delete_sweep(context: Here, sweep_id: SweepId) -> None:
    """Forgets a sweep that has ended, with its epochs."""
    sweeps.delete_sweep(context, sweep_id)


@router.post("/{id}/cancel", summary="Cancel a sweep", responses=problems(400, 404, 409))
def cancel_sweep(context: Here, sweep_id: SweepId) -> Sweep:
    """Asks the sweep to stop; the epochs of its members stay."""
    return sweeps.cancel_sweep(context, sweep_id)


@router.get("/{id}/curves", summary="Get the members' curves", responses=problems(400, 404))
def get_sweep_curves(
    context: Here, sweep_id: SweepId, query: Annotated[GetSweepCurvesRequest, Query(), Explained]
) -> SweepCurves:
    """One metric of every member in a bounded number of points; extremes are never lost."""
    return sweeps.get_sweep_curves(context, sweep_id, query)


@router.get(
    "/{id}/events",
    summary="Watch a sweep",
    response_class=EventStreamMedia,
    responses={200: {"model": SweepEvent, **STREAM[200]}, 204: STREAM[204], **problems(400, 404)},
)
async def watch_sweep(
    context: Here,
    sweep_id: SweepId,
    query: Annotated[WatchSweepRequest, Query(), Explained],
    request: Request,
    last_event_id: LastEventId = None,
) -> Response:
    """Replays what came after the cursor, follows, says `end`, and closes, as a job's events do.

    The first event is a `snapshot` of the sweep and its members' losses where no cursor is given.
    """
    cursor = query.after if last_event_id is None else last_event_id
    frames = await sweeps.watch_sweep(context, sweep_id, WatchSweepRequest(after=cursor))
    return stream(frames, request)
