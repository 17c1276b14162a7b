"""Export the network of a checkpoint for use without this service."""

from __future__ import annotations

from epochal_engine.export import EXPORTS, Scaling
from epochal_engine.export.training import TRAINING_EXPORTS, TooLarge

from ..errors import FieldError, InvalidArgument, NotInstalled
from ..jobs import lifecycle
from ..jobs.preparation import SCALE, SHIFT
from ..jobs.recordings import recording_of
from ..specs.build import build_network
from ..specs.exports import ExportContent, GetExportRequest
from ..specs.networks import NetworkSpec
from ..specs.training import TrainingSpec
from ..store.packing import unpack
from .context import Context
from .jobs import checkpoint_of


def get_export(context: Context, id: str, request: GetExportRequest) -> ExportContent:
    """Return the trained network, or the training as a program, as a file.

    Raises `NotFound`; `NotInstalled` for a format whose package is not installed;
    `InvalidArgument` for a training that is too large for a program.
    """
    if request.format in TRAINING_EXPORTS:
        return _training_program(context, id, request)
    row = lifecycle.get(context.database, id, context.owner)
    spec = TrainingSpec.model_validate_json(row.spec)
    assert isinstance(spec.network, NetworkSpec)
    network = build_network(spec.network)
    epoch, blob = checkpoint_of(context, id, request.epoch)
    weights = unpack(blob)
    scaling = None
    if SHIFT in weights:
        shape = network.input_shape
        scaling = Scaling(weights[SHIFT].reshape(shape), weights[SCALE].reshape(shape))
    try:
        content = EXPORTS[request.format].write(network, weights, scaling)
    except ModuleNotFoundError as missing:
        raise NotInstalled(
            f"The format {request.format} needs the Python package {missing.name}, which is not "
            f"installed on this server: pip install 'epochal-server[{request.format}]'"
        ) from None
    return ExportContent(epoch=epoch, format=request.format, content=content)


def _training_program(context: Context, id: str, request: GetExportRequest) -> ExportContent:
    if request.epoch is not None:
        raise InvalidArgument.of(
            FieldError("epoch", "must be absent: a training program has all stored epochs")
        )
    recording = recording_of(context.database, id, context.owner, context.settings.limits)
    try:
        content = TRAINING_EXPORTS[request.format].write(recording)
    except TooLarge as error:
        raise InvalidArgument.of(
            FieldError("format", f"must be that of a network: {error}"), reason="limit_exceeded"
        ) from None
    epochs = len(recording.columns["train_loss"])
    return ExportContent(epoch=epochs, format=request.format, content=content)
