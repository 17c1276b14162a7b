"""Request and reply of the export method."""

from __future__ import annotations

from typing import Annotated

from epochal_engine.export import EXPORTS, Export
from epochal_engine.export.training import TRAINING_EXPORTS, TrainingExport

from .base import EpochNumber, FileReply, KeyOf, Request

FORMATS: dict[str, Export | TrainingExport] = {**EXPORTS, **TRAINING_EXPORTS}
ExportFormat = Annotated[str, KeyOf(FORMATS)]


class GetExportRequest(Request):
    """File format and checkpoint of an export."""

    format: ExportFormat = "numpy"
    """File format. `numpy` and `pytorch` are Python programs that contain the weights; `onnx` is a
    float32 model. `training_numpy` and `training_pytorch` are programs that repeat the whole
    training and compare every epoch with the stored curve. Default `numpy`.
    """
    epoch: EpochNumber | None = None
    """Epoch of a stored checkpoint. Defaults to the restored epoch, see `best` of a job, or the
    latest. Not for training programs, which have all stored epochs.
    """


class ExportContent(FileReply):
    """An exported network as a file."""

    format: ExportFormat
    """File format."""

    @property
    def filename(self) -> str:
        return f"epoch-{self.epoch}-{self.format}.{FORMATS[self.format].suffix}"
