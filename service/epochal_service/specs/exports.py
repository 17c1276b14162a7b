"""Request and reply of the export method."""

from __future__ import annotations

from typing import Annotated, NamedTuple

from epochal_engine.export import EXPORTS, Export
from epochal_engine.export.training import TRAINING_EXPORTS, TrainingExport

from .base import EpochNumber, FileReply, KeyOf, Request


class RunFile(NamedTuple):
    """The format of a whole run."""

    suffix: str


HTML = "html"
PROOF = "proof"
FORMATS: dict[str, Export | TrainingExport | RunFile] = {
    **EXPORTS,
    **TRAINING_EXPORTS,
    HTML: RunFile("html"),
    PROOF: RunFile("json"),
}
ExportFormat = Annotated[str, KeyOf(FORMATS)]


class GetExportRequest(Request):
    """File format and checkpoint of an export."""

    format: ExportFormat = "numpy"
    """File format. `numpy` and `pytorch` are Python programs that contain the weights; `onnx` is a
    float32 model. `training_numpy` and `training_pytorch` are programs that repeat the whole
    training and compare every epoch with the stored curve. `html` is the run as one page of at most
    1 MB that opens without a network: curves, stored epochs, predictions computed from the weights.
    `proof` is JSON from which another service repeats the run: spec, curve, and digests of the data
    and the final weights. Default `numpy`.
    """
    epoch: EpochNumber | None = None
    """Epoch of a stored checkpoint. Defaults to the restored epoch, see `best` of a job, or the
    latest. Not for training programs, `html` and `proof`, which have all epochs.
    """


class ExportContent(FileReply):
    """An exported network as a file."""

    format: ExportFormat
    """File format."""

    @property
    def filename(self) -> str:
        name = "run" if self.format == HTML else self.format
        return f"epoch-{self.epoch}-{name}.{FORMATS[self.format].suffix}"
