"""The trained network of a job: its weights, its exports and its predictions."""

from __future__ import annotations

import io
import math
import os
from collections.abc import Mapping, Sequence
from datetime import date
from typing import TYPE_CHECKING, Any, TypeAlias, cast

from ..arrays import ArrayLike, DataFrame, Floats, Ints
from ..deferred import dataclass, np
from ..errors import InvalidArgument
from ..files import csv_text
from ..records import request
from ..types import ExportFormat
from .handle import JobHandle

if TYPE_CHECKING:
    from numpy.typing import NDArray

Inputs: TypeAlias = (
    ArrayLike | Mapping[str, Any] | Sequence[Mapping[str, Any]] | DataFrame | os.PathLike[str]
)
"""Numbers, rows by column name, a data frame, or a CSV."""


def rows_of(frame: DataFrame) -> list[dict[str, Any]]:
    """Return the rows of a data frame by column name."""
    columns = {str(name): list(frame[name]) for name in frame.columns}
    return [
        _row(dict(zip(columns, values, strict=True)))
        for values in zip(*columns.values(), strict=True)
    ]


def _row(values: Mapping[str, Any]) -> dict[str, Any]:
    """Return the cells of a row; NaN and NaT are missing, and times are ISO text."""
    return {str(name): _cell(value) for name, value in values.items()}


def _cell(value: Any) -> str | float | bool | None:
    if isinstance(value, np.generic):
        value = value.item()
    if isinstance(value, float) and math.isnan(value):
        return None
    if value is None or isinstance(value, str | bool | int | float):
        return value
    text = value.isoformat() if isinstance(value, date) else str(value)
    return None if text in ("NaT", "<NA>") else text


def fields_of(inputs: Inputs) -> tuple[bool, dict[str, Any]]:
    """Return whether the inputs are a single sample, and the fields of a request for predictions.

    Raises `InvalidArgument`.
    """
    if isinstance(inputs, str) and "\n" in inputs:
        return False, {"csv": inputs}
    if isinstance(inputs, str | os.PathLike):
        return False, {"csv": csv_text(inputs)}
    if isinstance(inputs, Mapping):
        return True, {"rows": [_row(inputs)]}
    if hasattr(inputs, "columns"):
        return False, {"rows": rows_of(cast(DataFrame, inputs))}
    if isinstance(inputs, Sequence) and inputs and isinstance(inputs[0], Mapping):
        return False, {"rows": [_row(cast(Mapping[str, Any], row)) for row in inputs]}
    numbers = np.asarray(inputs, dtype=np.float64)
    if numbers.ndim not in (1, 2):
        raise InvalidArgument.of("inputs", f"must be (rows, features), not {numbers.shape}")
    return numbers.ndim == 1, {"inputs": request(np.atleast_2d(numbers), "inputs")}


def outputs_of(is_single: bool, reply: Mapping[str, Any]) -> Floats:
    """Return the outputs of a prediction, `(rows, *output_shape)`; of a single one without rows."""
    outputs = np.array(reply["outputs"], dtype=np.float64)
    outputs = outputs.reshape(len(outputs), *reply["output_shape"])
    return outputs[0] if is_single else outputs


@dataclass(frozen=True, eq=False)
class Grid:
    """Predictions over a rectangle: `outputs[j, i]` belongs to the point `(x[i], y[j])`."""

    epoch: int
    """The epoch of the checkpoint."""
    x: Floats
    """`(resolution,)`."""
    y: Floats
    """`(resolution,)`."""
    outputs: Floats
    """`(resolution, resolution, outputs)`."""
    classes: Ints | None
    """`(resolution, resolution)`, the most probable class, -1 if an output is not a number. None
    for regression.
    """


class Predictions(JobHandle):
    """Methods of `Job` that read a checkpoint."""

    def weights(self, epoch: int | None = None) -> dict[str, NDArray[Any]]:
        """Return the weights of a checkpoint, by default the restored or latest one: name
        -> array.

        `weights()["dense_1.weight"]` is `(inputs, units)`, `["dense_1.bias"]` is `(units,)`. Raises
        `NotFound` if there is no checkpoint of that epoch.
        """
        if epoch is None:
            epoch = self._default_checkpoint()
        fields = {"id": self.id, "epoch": epoch, "format": "npz"}
        content = self._session.call("GetCheckpoint", fields)["content"]
        with np.load(io.BytesIO(content), allow_pickle=False) as arrays:
            return dict(arrays)

    def export(self, format: ExportFormat = "numpy", *, epoch: int | None = None) -> bytes:
        """Return the trained network as a file: a NumPy program, a PyTorch module, safetensors or
        ONNX; with "training_numpy" and "training_pytorch" a program that repeats the training; with
        "html" the run as one page that opens without a network; or with "proof" the JSON that
        `client.exercises.submit` takes.

        The file includes the weights, and the scaling of inputs and targets; a program also has the
        columns of an uploaded table: `encode(rows)`. `epoch` selects a checkpoint,
        by default the latest. Raises `NotFound` if there is none, and `NotInstalled` for "onnx" if
        the server lacks the package.
        """
        fields = {"id": self.id, "format": format, "epoch": epoch}
        content: bytes = self._session.call("GetExport", fields)["content"]
        return content

    def predict(self, inputs: Inputs, *, epoch: int | None = None) -> Floats:
        """Return the outputs of the network for `inputs`, in the units of the data.

        `inputs` are numbers `(rows, features)`; or rows by the names of the data set's columns: a
        list of dicts, or a data frame of pandas or polars; or a CSV with a header, as a path or a
        text with a line break.
        Rows are encoded like rows of the uploaded file; other columns, such as the target, are
        ignored.

        The result is `(rows, *output_shape)`; for a single sample, `(features,)` or a dict, it is
        `(*output_shape,)`. `epoch` selects a checkpoint, by default the latest. Raises `NotFound`
        if there is none, and `InvalidArgument` for inputs that do not fit.

        >>> job = client.jobs.create(client.preset("xor"))
        >>> job.wait().predict([{"a": 0, "b": 1}]).shape
        (1, 1)
        """
        return outputs_of(*self._predicted(inputs, epoch))

    def classify(self, inputs: Inputs, *, epoch: int | None = None) -> list[str]:
        """Return the name of the most probable class for each of the `inputs` of `predict`.

        A network with an output at each time step gives one name for each step, row after row. The
        list is empty if the data set has no class names; a name is empty if an output is not a
        number. Raises the errors of `predict`.
        """
        _, reply = self._predicted(inputs, epoch)
        return list(reply.get("labels") or ())

    def _predicted(self, inputs: Inputs, epoch: int | None) -> tuple[bool, Mapping[str, Any]]:
        """Return whether the inputs are a single sample, and the reply."""
        is_single, fields = fields_of(inputs)
        return is_single, self._session.call("Predict", {"id": self.id, **fields, "epoch": epoch})

    def predict_grid(
        self,
        x: tuple[float, float],
        y: tuple[float, float],
        *,
        resolution: int | None = None,
        x_feature: int = 0,
        y_feature: int = 1,
        fixed_values: Sequence[float] = (),
        epoch: int | None = None,
    ) -> Grid:
        """Return predictions over a rectangle of the input space: a decision boundary.

        `x` and `y` are the (lowest, highest) values of the features `x_feature` and `y_feature`,
        in `resolution` steps each (2 to 200, 50 by default). `fixed_values` has one value for each
        feature, used if it does not vary; 0 by default. Raises `NotFound`, `InvalidArgument`.
        """
        grid = {
            "x_min": x[0],
            "x_max": x[1],
            "y_min": y[0],
            "y_max": y[1],
            "resolution": resolution,
            "x_feature": x_feature,
            "y_feature": y_feature,
            "fixed_values": list(fixed_values),
        }
        grid = {name: value for name, value in grid.items() if value is not None}
        reply = self._session.call(
            "Predict", {"id": self.id, "grid": request(grid, "grid"), "epoch": epoch}
        )
        xs, ys = np.array(reply["x"], dtype=float), np.array(reply["y"], dtype=float)
        outputs = np.array(reply["outputs"], dtype=float).reshape(len(ys), len(xs), -1)
        classes = reply.get("classes")
        return Grid(
            epoch=reply.get("epoch") or 0,
            x=xs,
            y=ys,
            outputs=outputs,
            classes=np.array(classes).reshape(len(ys), len(xs)) if classes else None,
        )
