"""Predict with a checkpoint: for inputs, for rows by column name, for a CSV, or over a grid."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

import epochal_engine as engine

from ..answers.inspection import (
    NO_CLASS,
    Trained,
    predicted_classes,
    rounded_map,
)
from ..datasets import DatasetError, encode_rows, read_csv
from ..errors import FieldError, InvalidArgument, NotFound
from ..jobs import lifecycle
from ..large import NUMBER_BYTES, require_small
from ..preparation.preferences import is_scorer
from ..resources.datasets import Schema, invalid_argument, schema_of_job
from ..settings import Limits
from ..specs.build import network_of
from ..specs.changes import spec_at
from ..specs.jobs import GridSpec, Prediction, PredictRequest
from ..specs.training import TrainingSpec
from ..store.packing import unpack
from .context import Context
from .jobs import checkpoint_of

Floats = NDArray[np.float64]


def predict(context: Context, id: str, request: PredictRequest) -> Prediction:
    """Return the outputs of a checkpoint for inputs, rows, a CSV or a grid.

    Raises `NotFound`, `InvalidArgument`.
    """
    given = [request.inputs, request.rows, request.csv is not None, request.grid]
    if sum(map(bool, given)) != 1:
        raise InvalidArgument.of(
            FieldError(
                "inputs", "must be given, or rows, csv or grid instead: exactly one of the four"
            )
        )
    row = lifecycle.get(context.database, id, context.access)
    spec = TrainingSpec.model_validate_json(row.spec)
    network = network_of(spec)
    with context.database.read() as connection:
        schema = schema_of_job(connection, id, spec)
    features = int(np.prod(network.input_shape))
    limits = context.settings.limits
    x: Floats = np.empty(0)
    y: Floats = np.empty(0)
    if request.grid is not None:
        x, y, inputs = _grid(request.grid, features)
    elif request.inputs:
        inputs = _inputs(request.inputs, features, limits.max_predict_rows)
    else:
        inputs = _encoded(request, schema, limits)
    require_small(len(inputs) * (1 + int(np.prod(network.output_shape))) * NUMBER_BYTES)
    epoch, blob = checkpoint_of(context, id, request.epoch)
    spec = spec_at(spec, epoch)
    trained = Trained(row.owner, spec, network_of(spec), epoch, unpack(blob))
    outputs = trained.outputs(inputs)
    loss = engine.LOSSES[spec.loss]
    classes: list[int] = []
    labels: list[str] = []
    if loss.has_accuracy and not is_scorer(spec, network):
        classes = predicted_classes(loss, outputs).ravel().tolist()
        if schema is not None and schema.class_names:
            labels = ["" if k == NO_CLASS else schema.class_names[k] for k in classes]
    if request.grid is not None:
        outputs = rounded_map(outputs)
    return Prediction(
        epoch=epoch,
        outputs=outputs.reshape(len(outputs), -1).astype(float).tolist(),
        output_shape=list(network.output_shape),
        classes=classes,
        labels=labels,
        target_names=[] if schema is None else list(schema.target_names),
        x=x.tolist(),
        y=y.tolist(),
    )


def _encoded(request: PredictRequest, schema: Schema | None, limits: Limits) -> Floats:
    """Return rows by column name as inputs `(n, features)`. Raises `InvalidArgument`."""
    if schema is None:
        raise NotFound(
            "The data set that the job was trained on was deleted, and its columns with it: send "
            "inputs",
            reason="dataset_not_found",
        )
    if len(request.rows) > limits.max_predict_rows:
        raise _too_many("rows", len(request.rows), limits.max_predict_rows)
    try:
        if request.csv is None:
            return encode_rows(request.rows, schema.columns)
        return read_csv(
            request.csv,
            schema.columns,
            max_rows=limits.max_predict_rows,
            max_columns=limits.max_features,
            max_bytes=limits.max_body_bytes,
        )
    except DatasetError as error:
        raise invalid_argument(error, "") from None


def _inputs(inputs: list[list[float]], features: int, limit: int) -> Floats:
    """Return the rows as an array `(n, features)`. Raises `InvalidArgument`."""
    if len(inputs) > limit:
        raise _too_many("inputs", len(inputs), limit)
    errors = [
        FieldError(f"inputs[{index}]", f"needs {features} numbers; it has {len(row)}")
        for index, row in enumerate(inputs)
        if len(row) != features
    ]
    if errors:
        raise InvalidArgument.of(*errors)
    return np.array(inputs)


def _too_many(field: str, rows: int, limit: int) -> InvalidArgument:
    return InvalidArgument.of(
        FieldError(field, f"must have at most {limit} rows; it has {rows}"),
        reason="limit_exceeded",
    )


def _grid(grid: GridSpec, features: int) -> tuple[Floats, Floats, Floats]:
    """Return the values along x and along y, and the points `(n, features)`."""
    errors = [
        FieldError(f"grid.{name}", f"must be less than the number of inputs, {features}")
        for name in ("x_feature", "y_feature")
        if getattr(grid, name) >= features
    ]
    if grid.x_feature == grid.y_feature:
        errors.append(FieldError("grid.y_feature", "must differ from x_feature"))
    if grid.fixed_values and len(grid.fixed_values) != features:
        errors.append(
            FieldError(
                "grid.fixed_values", f"needs {features} values; it has {len(grid.fixed_values)}"
            )
        )
    errors += [
        FieldError(f"grid.{axis}_max", f"must be greater than {axis}_min")
        for axis in ("x", "y")
        if getattr(grid, f"{axis}_min") >= getattr(grid, f"{axis}_max")
    ]
    if errors:
        raise InvalidArgument.of(*errors)
    x = np.linspace(grid.x_min, grid.x_max, grid.resolution)
    y = np.linspace(grid.y_min, grid.y_max, grid.resolution)
    inputs = np.tile(np.array(grid.fixed_values or [0.0] * features), (grid.resolution**2, 1))
    inputs[:, grid.x_feature] = np.tile(x, grid.resolution)
    inputs[:, grid.y_feature] = np.repeat(y, grid.resolution)
    return x, y, inputs
