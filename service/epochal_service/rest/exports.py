"""Trained networks over HTTP, in forms that work without this service."""

from __future__ import annotations

import hashlib
from typing import Annotated

from fastapi import APIRouter, Query, Response

from epochal_engine.export import EXPORTS

from ..methods import exports
from ..specs.exports import GetExportRequest
from .body import StrictRoute
from .context import Here
from .jobs import OCTETS, JobId, Octets
from .problems import Explained, problems

router = APIRouter(prefix="/v1/jobs", tags=["jobs"], route_class=StrictRoute)


@router.get(
    "/{id}/export",
    summary="Export the trained network",
    response_class=Octets,
    responses={
        200: {
            "description": "The file",
            "content": {OCTETS: {"schema": {"type": "string", "format": "binary"}}},
        },
        **problems(400, 404, 501),
    },
)
def get_export(
    context: Here, job_id: JobId, query: Annotated[GetExportRequest, Query(), Explained]
) -> Response:
    """The network of a checkpoint as a program in NumPy alone, as a PyTorch module, as an ONNX
    model, or as safetensors, with its weights and the scaling of its inputs.

    ONNX needs a server with the extra `onnx`; another one says so by a 501.

    The `ETag` is the SHA-256 of the content.
    """
    export = exports.get_export(context, job_id, query)
    suffix = EXPORTS[export.format].suffix
    name = f"{job_id}-epoch-{export.epoch}-{export.format}.{suffix}"
    headers = {
        "ETag": f'"{hashlib.sha256(export.content).hexdigest()}"',
        "Cache-Control": "no-cache",
        "Content-Disposition": f'attachment; filename="{name}"',
    }
    return Octets(export.content, headers=headers)
