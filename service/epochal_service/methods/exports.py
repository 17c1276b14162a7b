"""Export the network of a checkpoint, or a whole run, for use without this service."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from numpy.typing import NDArray

from epochal_engine import LOSSES
from epochal_engine.export import EXPORTS, Scaling
from epochal_engine.export.training import TRAINING_EXPORTS, NoProgram

from ..answers.inspection import threshold_of
from ..answers.recordings import recording_of
from ..answers.sources import table_of
from ..errors import FieldError, InvalidArgument, NotInstalled
from ..experiments.proofs import proof_of
from ..jobs import lifecycle
from ..preparation.prepared import SCALE, SHIFT, TARGET_SCALE, TARGET_SHIFT
from ..resources.datasets import schema_of_job
from ..specs.build import network_of
from ..specs.changes import spec_at
from ..specs.exports import HTML, PROOF, ExportContent, GetExportRequest
from ..specs.training import TrainingSpec
from ..store.packing import unpack
from .context import Context
from .jobs import checkpoint_of
from .run_file import run_file

Array = NDArray[Any]


def get_export(context: Context, id: str, request: GetExportRequest) -> ExportContent:
    """Return the trained network, the training as a program, or the run as a page or a proof, as a
    file.

    Raises `NotFound`; `Conflict` for a proof of a job that has not succeeded; `NotInstalled` for a
    format that needs a missing package;
    `InvalidArgument` for a training that is too large for a program, and for weights beyond the
    range of the numbers of the format.
    """
    if request.format in (*TRAINING_EXPORTS, HTML, PROOF):
        _require_no_epoch(request)
    if request.format == HTML:
        epoch, content = run_file(context, id)
        return ExportContent(epoch=epoch, format=request.format, content=content)
    if request.format in TRAINING_EXPORTS:
        return _training_program(context, id, request)
    row = lifecycle.get(context.database, id, context.access)
    if request.format == PROOF:
        with context.database.read() as connection:
            content = proof_of(connection, row).model_dump_json().encode()
        return ExportContent(epoch=row.epoch, format=request.format, content=content)
    spec = TrainingSpec.model_validate_json(row.spec)
    epoch, blob = checkpoint_of(context, id, request.epoch)
    network = network_of(spec_at(spec, epoch))
    weights = unpack(blob)
    with context.database.read() as connection:
        schema = schema_of_job(connection, id, spec)
    try:
        content = EXPORTS[request.format].write(
            network,
            weights,
            _scaling(weights, network.input_shape),
            None if schema is None else table_of(schema, threshold_of(LOSSES[spec.loss])),
        )
    except ModuleNotFoundError as missing:
        raise NotInstalled(
            f"The format {request.format} needs the Python package {missing.name}, which is not "
            f"installed on this server: pip install 'epochal-server[{request.format}]'"
        ) from None
    except OverflowError as error:
        raise InvalidArgument.of(
            FieldError("format", f"must have 64-bit numbers, such as numpy: {error}")
        ) from None
    return ExportContent(epoch=epoch, format=request.format, content=content)


def _require_no_epoch(request: GetExportRequest) -> None:
    if request.epoch is not None:
        what = "a training program" if request.format in TRAINING_EXPORTS else "a file of a run"
        raise InvalidArgument.of(
            FieldError("epoch", f"must be absent: {what} has all stored epochs")
        )


def _training_program(context: Context, id: str, request: GetExportRequest) -> ExportContent:
    spec = TrainingSpec.model_validate_json(
        lifecycle.get(context.database, id, context.access).spec
    )
    unknown = "rollouts" if spec.rollouts is not None else spec.loss
    if spec.rollouts is not None or LOSSES[spec.loss].rows > 1:
        text = f"must be that of a network: no program trains with {unknown}, so that this job is "
        text += "not verified; another job of the same spec repeats every bit of it"
        raise InvalidArgument.of(FieldError("format", text))
    recording = recording_of(context.database, id, context.access, context.settings.limits)
    try:
        content = TRAINING_EXPORTS[request.format].write(recording)
    except NoProgram as error:
        raise InvalidArgument.of(
            FieldError("format", f"must be that of a network: {error}"), reason="limit_exceeded"
        ) from None
    epochs = len(recording.columns["train_loss"])
    return ExportContent(epoch=epochs, format=request.format, content=content)


def _scaling(weights: dict[str, Array], shape: tuple[int, ...]) -> Scaling:
    scaling = Scaling(
        target_shift=weights.get(TARGET_SHIFT), target_scale=weights.get(TARGET_SCALE)
    )
    if SHIFT not in weights:
        return scaling
    return replace(
        scaling, shift=weights[SHIFT].reshape(shape), scale=weights[SCALE].reshape(shape)
    )
