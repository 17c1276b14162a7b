"""Health and metrics over HTTP; gRPC has grpc.health.v1."""

from __future__ import annotations

from fastapi import APIRouter, Response

from ..access.keys import Need
from ..specs.system import Health
from .body import StrictRoute
from .context import Here
from .metrics import MEDIA_TYPE, exposition
from .problems import problems
from .routes import operation_id

router = APIRouter(
    tags=["system"], route_class=StrictRoute, generate_unique_id_function=operation_id
)


@router.get("/healthz", summary="Is the process alive?", responses=problems(400))
async def get_health() -> Health:
    """Answers as long as the process does; looks at nothing else."""
    return Health(status="ok")


@router.get(
    "/readyz",
    summary="Can the service work?",
    responses={
        503: {"model": Health, "description": "The database cannot be written"},
        **problems(400),
    },
)
def get_readiness(context: Here, response: Response) -> Health:
    """`ok`, `degraded` (the disk is almost full, no worker was seen for a minute, or the broker is
    away: jobs are accepted and wait) or `down` (the database cannot be written).
    """
    health = context.health.check()
    if health.status == "down":
        response.status_code = 503
        response.headers["Retry-After"] = "1"
    return health


@router.get(
    "/metrics",
    summary="Metrics for Prometheus",
    response_class=Response,
    responses={
        200: {
            "description": "In the text format of Prometheus",
            "content": {"text/plain": {"schema": {"type": "string"}}},
        },
        **problems(400),
    },
)
def get_metrics(context: Here) -> Response:
    """Requests, errors and streams of this process, the process itself, and the figures of the
    whole service: jobs, queues, workers, and the counters of workers.
    """
    return Response(exposition(context), media_type=MEDIA_TYPE)


get_metrics.need = Need("read", "metrics")  # type: ignore[attr-defined]
