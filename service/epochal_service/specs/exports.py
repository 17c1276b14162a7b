"""A trained network as something that works without this service."""

from __future__ import annotations

from typing import Annotated

from epochal_engine.export import EXPORTS

from .base import Cursor, FileReply, KeyOf, Request

ExportFormat = Annotated[str, KeyOf(EXPORTS)]


class GetExportRequest(Request):
    """In which form, and of which epoch."""

    format: ExportFormat = "numpy"
    """`numpy` and `pytorch` are programs with the weights in them; `onnx` is a model in float32."""
    epoch: Cursor | None = None
    """A stored checkpoint's epoch; the latest one by default."""


class ExportContent(FileReply):
    """A trained network as a file."""

    format: ExportFormat
    """The requested format."""

    @property
    def filename(self) -> str:
        return f"epoch-{self.epoch}-{self.format}.{EXPORTS[self.format].suffix}"
