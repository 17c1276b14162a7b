"""Inspection of a job's network at one of its stored epochs, as arrays."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Self

from ..arrays import ArrayLike, Floats
from ..deferred import dataclass, np
from ..records import read, request
from ..types import (
    ConfusionMatrix,
    Evaluation,
    EvaluationSplit,
    HiddenSpace,
    RandomDraws,
    SampleOrder,
    SamplePredictions,
    Split,
)
from .handle import JobHandle


@dataclass(frozen=True, eq=False)
class UnitMaps:
    """Outputs of units over a rectangle: `layers["dense_1"][k, j, i]` is the output of unit k of
    dense_1 at the point `(x[i], y[j])`.
    """

    epoch: int
    """The epoch of the checkpoint."""
    x: Floats
    """`(resolution,)`."""
    y: Floats
    """`(resolution,)`."""
    layers: dict[str, Floats]
    """Layer name -> `(units, resolution, resolution)`."""

    @classmethod
    def of(cls, reply: Mapping[str, Any]) -> Self:
        """Return the maps in a reply of the service."""
        x, y = (np.array(reply[axis], dtype=np.float64) for axis in ("x", "y"))
        layers = {
            layer["name"]: np.array(layer["units"], dtype=np.float64).reshape(-1, len(y), len(x))
            for layer in reply.get("layers") or ()
        }
        return cls(reply.get("epoch") or 0, x, y, layers)


@dataclass(frozen=True, eq=False)
class LayerWeights:
    """Weights by layer: `layers["dense_1"]["weight"]` is an array."""

    epoch: int
    """The epoch of the checkpoint."""
    layers: dict[str, dict[str, Floats]]
    """Layer name -> parameter name -> array."""

    @classmethod
    def of(cls, reply: Mapping[str, Any]) -> Self:
        """Return the weights in a reply of the service."""
        layers = {
            layer["name"]: {
                array["name"]: np.array(array["values"], dtype=np.float64).reshape(array["shape"])
                for array in layer["arrays"]
            }
            for layer in reply.get("layers") or ()
        }
        return cls(reply.get("epoch") or 0, layers)


@dataclass(frozen=True, eq=False)
class Inside:
    """Arrays by layer, `(samples, …)`: attention weights or activations of samples."""

    epoch: int
    """The epoch of the checkpoint."""
    rows: tuple[int, ...]
    """Rows of the samples in the data set; empty for inputs or texts of the request."""
    inputs: Floats
    """`(samples, features)`, in the data's own units."""
    token_names: tuple[str, ...]
    """Names of the tokens 0, 1, 2 … if the inputs are tokens; else empty."""
    lengths: tuple[int, ...]
    """Number of inputs that hold each of the texts, with its start token; empty without texts."""
    layers: dict[str, Floats]
    """Layer name -> array: attention weights `(samples, heads, positions, memory positions)`, or
    outputs `(samples, *shape)`.
    """
    logits: Floats | None = None
    """Activations only: what the output activation is applied to, `(samples, *shape)`."""

    @classmethod
    def of(cls, reply: Mapping[str, Any]) -> Self:
        """Return the arrays in a reply of the service."""
        logits = reply.get("logits")
        return cls(
            epoch=reply.get("epoch") or 0,
            rows=tuple(reply.get("rows") or ()),
            inputs=np.array(reply.get("inputs") or np.empty((0, 0)), dtype=np.float64),
            token_names=tuple(reply.get("token_names") or ()),
            lengths=tuple(reply.get("lengths") or ()),
            layers={layer["name"]: _array_of(layer) for layer in reply.get("layers") or ()},
            logits=None if logits is None else _array_of(logits),
        )


def _array_of(array: Mapping[str, Any]) -> Floats:
    return np.array(array["values"], dtype=np.float64).reshape(array["shape"])


class Inspection(JobHandle):
    """Methods of `Job` that inspect the network.

    `epoch` selects the last checkpoint at or before that epoch, by default the latest.
    """

    def unit_maps(
        self,
        layer: str | None = None,
        *,
        x: tuple[float, float] | None = None,
        y: tuple[float, float] | None = None,
        resolution: int | None = None,
        epoch: int | None = None,
    ) -> UnitMaps:
        """Return the output of each unit over a rectangle of a network's two inputs.

        `layer` selects one layer, by default all. `x` and `y` are (lowest, highest) values; give
        both, or neither for the rectangle around the data. `epoch` selects the last checkpoint at
        or before that epoch, by default the latest. Raises `NotFound`, `InvalidArgument`.
        """
        bounds = None
        if x is not None or y is not None:
            (x_min, x_max), (y_min, y_max) = x or (None, None), y or (None, None)
            bounds = {"x_min": x_min, "x_max": x_max, "y_min": y_min, "y_max": y_max}
            bounds = {name: value for name, value in bounds.items() if value is not None}
        fields = {"layer": layer, "resolution": resolution, "bounds": bounds, "epoch": epoch}
        return UnitMaps.of(self._session.call("GetUnitMaps", {"id": self.id, **fields}))

    def hidden_space(
        self,
        layer: str | None = None,
        *,
        split: Split = "all",
        samples: int | None = None,
        epoch: int | None = None,
    ) -> HiddenSpace:
        """Return the samples as points in the space of a layer's outputs, in two dimensions.

        `layer` is the last layer before the output by default; "input" is the network's input.
        `samples` limits their number. `epoch` selects the last checkpoint at or before that epoch,
        by default the latest. Raises `NotFound`, `InvalidArgument`.
        """
        fields = {"layer": layer, "split": split, "samples": samples, "epoch": epoch}
        reply = self._session.call("GetHiddenSpace", {"id": self.id, **fields})
        points = np.array(reply.get("points") or np.empty((0, 2)), dtype=np.float64)
        return read(HiddenSpace, reply, points=points)

    def confusion_matrix(
        self, *, split: Split = "all", epoch: int | None = None
    ) -> ConfusionMatrix:
        """Return how many samples of each class were predicted as each class.

        `epoch` selects the last checkpoint at or before that epoch, by default the latest. Raises
        `NotFound`, and `InvalidArgument` for a job without classes.
        """
        fields = {"id": self.id, "split": split, "epoch": epoch}
        return read(ConfusionMatrix, self._session.call("GetConfusionMatrix", fields))

    def evaluate(
        self, *, split: EvaluationSplit | None = None, epoch: int | None = None
    ) -> Evaluation:
        """Return precision, recall, F1, ROC AUC and more of the classes, or RMSE, MAE and R².

        `print` shows them as a table. `split` is "train", "validation" or "test", by default the
        validation part if there is one. `epoch` selects the last checkpoint at or before that
        epoch, by default the restored or the latest one. Raises `NotFound`, `InvalidArgument`.
        """
        fields = {"id": self.id, "split": split, "epoch": epoch}
        return read(Evaluation, self._session.call("GetEvaluation", fields))

    def sample_predictions(
        self,
        count: int | None = None,
        *,
        order: SampleOrder = "first",
        split: Split = "all",
        seed: int | None = None,
        epoch: int | None = None,
    ) -> SamplePredictions:
        """Return samples with their targets, outputs and losses, 20 by default.

        `order="worst"` puts the largest losses first; `seed` is for `order="random"`. `epoch`
        selects the last checkpoint at or before that epoch, by default the latest. Raises
        `NotFound`, `InvalidArgument`.
        """
        fields = {"count": count, "order": order, "split": split, "seed": seed, "epoch": epoch}
        reply = self._session.call("GetSamplePredictions", {"id": self.id, **fields})
        return read(SamplePredictions, reply)

    def layer_weights(self, layer: str | None = None, *, epoch: int | None = None) -> LayerWeights:
        """Return the weights of one layer, or of all.

        `epoch` selects the last checkpoint at or before that epoch, by default the latest. Raises
        `NotFound`, and `InvalidArgument` for large networks; `weights` has their weights.
        """
        fields = {"id": self.id, "layer": layer, "epoch": epoch}
        return LayerWeights.of(self._session.call("GetWeights", fields))

    def attention(
        self,
        layer: str | None = None,
        *,
        rows: Sequence[int] = (),
        inputs: ArrayLike | None = None,
        texts: Sequence[str] = (),
        epoch: int | None = None,
    ) -> Inside:
        """Return the attention weights of samples, of every layer and head.

        `layers["transformer_block_3.attention"][0, 1]` is the map of head 1 for the first sample:
        a row for each position, a column for each position that it attends to. The samples are
        `rows` of the data set (the first one by default), `inputs` `(samples, features)`, or
        `texts` of its tokens, with `lengths` that say where they end. `layer` selects one layer.
        `epoch` selects the last checkpoint at or before that epoch, by default the latest. Raises
        `NotFound`, and `InvalidArgument` for a network without attention.
        """
        return self._inside("GetAttention", layer, rows, inputs, texts, epoch)

    def activations(
        self,
        layer: str | None = None,
        *,
        rows: Sequence[int] = (),
        inputs: ArrayLike | None = None,
        texts: Sequence[str] = (),
        only_masked: bool = False,
        epoch: int | None = None,
    ) -> Inside:
        """Return the outputs of every layer for samples: embeddings, feature maps, states, logits.

        The samples are `rows` of the data set (the first one by default), `inputs` `(samples,
        features)`, or `texts` of its tokens. `layer` selects one layer, or "logits". `only_masked`
        selects the masked positions of a job with the corruption "mask": `(masks, outputs)`.
        `epoch` selects the last checkpoint at or before that epoch, by default the latest. Raises
        `NotFound`, `InvalidArgument`.

        >>> job = client.jobs.create(client.preset("xor"), epochs=1).wait()
        >>> job.activations(rows=[0, 1]).layers["dense_1"].shape
        (2, 8)
        """
        return self._inside(
            "GetActivations", layer, rows, inputs, texts, epoch, only_masked=only_masked
        )

    def _inside(
        self,
        method: str,
        layer: str | None,
        rows: Sequence[int],
        inputs: ArrayLike | None,
        texts: Sequence[str],
        epoch: int | None,
        **more: bool,
    ) -> Inside:
        fields: dict[str, Any] = {"id": self.id, "layer": layer, "epoch": epoch, **more}
        if texts:
            fields["texts"] = list(texts)
        if len(rows):
            fields["rows"] = request(list(rows), "rows")
        if inputs is not None:
            numbers = np.atleast_2d(np.asarray(inputs, dtype=np.float64))
            fields["inputs"] = request(numbers, "inputs")
        return Inside.of(self._session.call(method, fields))

    def random_draws(
        self, epoch: int | None = None, *, batch: int | None = None, layer: str | None = None
    ) -> RandomDraws:
        """Return what training drew at random in an epoch, by default the latest stored one.

        `order` has the rows of the data set in the order in which the epoch took them, and
        `batch_rows` the same by batch. With the position of a `batch`, from 0, `masks` and
        `augmentation` and `corruption` have its dropout masks and the random changes of its
        samples; `layer` selects one layer, or "input" for the changes. Raises `NotFound`,
        `InvalidArgument`.

        >>> client.jobs.create(client.preset("wine"), epochs=1).wait().random_draws(1).batches
        5
        """
        fields = {"id": self.id, "epoch": epoch, "batch": batch, "layer": layer}
        return read(RandomDraws, self._session.call("GetRandomDraws", fields))
