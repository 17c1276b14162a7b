"""The methods of named models: set, read, list, delete, predict.

name ──> versions with shares ──> one of them, by the inputs ──> job, epoch ──> prediction
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable, Sequence
from itertools import groupby

from ..errors import Conflict, FieldError, InvalidArgument, NotFound, QuotaExceeded
from ..jobs import lifecycle
from ..specs.base import timestamp
from ..specs.jobs import TERMINAL, PredictRequest
from ..specs.models import (
    ModelPrediction,
    ModelVersion,
    NamedModel,
    NamedModels,
    PredictNamedModelRequest,
    SetNamedModelRequest,
)
from ..store import models
from ..store.database import lock_owner
from ..store.models import ModelRow
from .context import Context
from .jobs import checkpoint_of
from .predictions import predict

NAME = re.compile(r"[a-z0-9][a-z0-9_.-]{0,62}")
MAX_MODELS = 1000
"""Names of an owner."""
MAX_VERSIONS = 1000
"""Versions of a name."""


def set_named_model(context: Context, id: str, request: SetNamedModelRequest) -> NamedModel:
    """Let a name stand for a trained network, or for an earlier version of the model.

    A job becomes a new version. `version` returns to an earlier one. With a `share` below 1, the
    version that made most predictions until now still makes the others.

    Raises `InvalidArgument`; `NotFound` without such a version; `Conflict` if the job has not
    ended; `QuotaExceeded`.
    """
    if not NAME.fullmatch(id):
        text = "must have up to 63 lowercase letters, digits, _, . and -, and begin with a letter "
        raise InvalidArgument.of(FieldError("id", f"{text}or digit, such as mood-of-a-review"))
    if (request.job is None) == (request.version is None):
        raise InvalidArgument.of(FieldError("job", "must be given, or version instead"))
    if request.epoch is not None and request.job is None:
        raise InvalidArgument.of(FieldError("epoch", "goes with job"))
    epoch = None if request.job is None else _epoch_of(context, request.job, request.epoch)
    with context.database.write() as connection:
        lock_owner(connection, context.owner)
        rows = models.versions(connection, context.owner, id)
        if request.job is None:
            chosen = request.version
            if chosen not in {row.version for row in rows}:
                raise NotFound(f"The model {id} has no version {chosen}")
        else:
            assert epoch is not None
            chosen = _next(models.count(connection, context.owner), rows)
            models.insert(
                connection,
                owner=context.owner,
                name=id,
                version=chosen,
                job_id=request.job,
                epoch=epoch,
            )
        assert chosen is not None
        shares = {chosen: request.share}
        if request.share < 1.0:
            others = [row for row in rows if row.version != chosen and row.share > 0.0]
            if not others:
                text = "must be 1: no other version makes predictions"
                raise InvalidArgument.of(FieldError("share", text))
            shares[max(others, key=lambda row: row.share).version] = 1.0 - request.share
        models.set_shares(connection, context.owner, id, shares)
        return _reply(models.versions(connection, context.owner, id))


def _epoch_of(context: Context, job_id: str, epoch: int | None) -> int:
    """Return the epoch of a checkpoint that stays. Raises `InvalidArgument` and `Conflict`."""
    try:
        row = lifecycle.get(context.database, job_id, context.access)
        if row.state not in TERMINAL:
            raise Conflict(
                f"The job is {row.state}: its weights may still be replaced", reason="job_not_ended"
            )
        return checkpoint_of(context, job_id, epoch)[0]
    except NotFound as error:
        field = "epoch" if error.reason == "checkpoint_not_found" else "job"
        raise InvalidArgument.of(FieldError(field, error.detail)) from None


def _next(names: int, rows: Sequence[ModelRow]) -> int:
    """Return the number of the next version. Raises `QuotaExceeded`."""
    if not rows and names >= MAX_MODELS:
        raise QuotaExceeded(f"There are {MAX_MODELS} models already: delete one")
    if len(rows) >= MAX_VERSIONS:
        raise QuotaExceeded(f"The model has {MAX_VERSIONS} versions already: use another name")
    return 1 + max((row.version for row in rows), default=0)


def get_named_model(context: Context, id: str) -> NamedModel:
    """Return a named model with all versions. Raises `NotFound`."""
    return _reply(_existing(context, id))


def list_named_models(context: Context) -> NamedModels:
    """List named models by name, each with the versions that make predictions."""
    with context.database.read() as connection:
        rows = models.current(connection, context.owner)
    return NamedModels(models=[_reply(of) for _, of in groupby(rows, key=lambda row: row.name)])


def delete_named_model(context: Context, id: str) -> None:
    """Delete a name and its versions; their jobs stay. Raises `NotFound`."""
    with context.database.write() as connection:
        if not models.delete(connection, context.owner, id):
            raise NotFound(f"There is no model {id}")


def predict_named_model(
    context: Context, id: str, request: PredictNamedModelRequest
) -> ModelPrediction:
    """Return the outputs of a version of a named model for inputs, rows, a CSV or a grid.

    Raises `NotFound` without such a model, or if the job of the version was deleted;
    `InvalidArgument`.
    """
    rows = _existing(context, id)
    row = _version_for(request, [row for row in rows if row.share > 0.0])
    whole = PredictRequest.model_construct(**dict(request), epoch=row.epoch)
    try:
        made = predict(context, row.job_id, whole)
    except NotFound as error:
        if error.reason != NotFound.reason:
            raise
        raise NotFound(
            f"The job of version {row.version} of the model {id}, {row.job_id}, was deleted: set "
            "another version",
            reason="job_not_found",
        ) from None
    return ModelPrediction(**dict(made), version=row.version, job=row.job_id)


def _version_for(request: PredictNamedModelRequest, rows: Sequence[ModelRow]) -> ModelRow:
    """Return the version for these inputs: a number that follows from them falls into its share."""
    digest = hashlib.sha256(request.model_dump_json().encode()).digest()
    place = int.from_bytes(digest[:6]) / 2**48
    for row in rows[:-1]:
        place -= row.share
        if place < 0.0:
            return row
    return rows[-1]


def _existing(context: Context, id: str) -> list[ModelRow]:
    with context.database.read() as connection:
        rows = models.versions(connection, context.owner, id)
    if not rows:
        raise NotFound(f"There is no model {id}")
    return rows


def _reply(rows: Iterable[ModelRow]) -> NamedModel:
    of_name = [*rows]
    return NamedModel(
        id=of_name[0].name,
        versions=[
            ModelVersion(
                version=row.version,
                job=row.job_id,
                epoch=row.epoch,
                share=row.share,
                created_at=timestamp(row.created_at),
            )
            for row in of_name
        ],
    )
