"""Request and reply of the export method."""

from __future__ import annotations

from typing import Annotated

from epochal_engine.export import EXPORTS

from .base import Cursor, FileReply, KeyOf, Request

ExportFormat = Annotated[str, KeyOf(EXPORTS)]


class GetExportRequest(Request):
    """File format and checkpoint of an export."""

    format: ExportFormat = "numpy"
    """File format. `numpy` and `pytorch` are Python programs that contain the weights; `onnx` is a
    float32 model. Default `numpy`.
    """
    epoch: Cursor | None = None
    """Epoch of a stored checkpoint. Defaults to the latest."""


class ExportContent(FileReply):
    """An exported network as a file."""

    format: ExportFormat
    """File format."""

    @property
    def filename(self) -> str:
        return f"epoch-{self.epoch}-{self.format}.{EXPORTS[self.format].suffix}"
