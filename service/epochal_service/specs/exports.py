"""A trained network as something that works without this service."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from epochal_engine.export import EXPORTS

from .base import Cursor, Reply, Request, one_of

_format, _format_schema = one_of(EXPORTS)

ExportFormat = Annotated[str, _format, _format_schema]


class GetExportRequest(Request):
    """In which form, and of which epoch."""

    format: ExportFormat = "numpy"
    """`numpy` and `pytorch` are programs with the weights in them; `onnx` is a model in float32."""
    epoch: Cursor | None = None
    """A stored checkpoint's epoch; the latest one by default."""


class ExportContent(Reply):
    """A trained network as a file."""

    epoch: int
    """Of the weights in it."""
    format: ExportFormat
    """The form that was asked for."""
    content: bytes = Field(repr=False)
    """The file."""
