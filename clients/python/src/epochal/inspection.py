"""A look into a network at one of its stored epochs, as arrays."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal, Self

import numpy as np

from .errors import EpochalError
from .records import Floats, Ints, read

Split = Literal["all", "train", "validation"]
SampleOrder = Literal["first", "worst", "best", "random"]


@dataclass(frozen=True, eq=False)
class UnitMaps:
    """What each unit says over a rectangle: `layers["dense_1"][k, j, i]` is what unit k of dense_1
    says at the point `(x[i], y[j])`.
    """

    epoch: int
    """Of the weights that answered."""
    x: Floats
    """`(resolution,)`."""
    y: Floats
    """`(resolution,)`."""
    layers: dict[str, Floats]
    """Name -> `(units, resolution, resolution)`."""

    @classmethod
    def of(cls, reply: Mapping[str, Any]) -> Self:
        """From the service's answer."""
        x, y = (np.array(reply[axis], dtype=np.float64) for axis in ("x", "y"))
        layers = {
            layer["name"]: np.array(layer["units"], dtype=np.float64).reshape(-1, len(y), len(x))
            for layer in reply.get("layers") or ()
        }
        return cls(reply.get("epoch") or 0, x, y, layers)


@dataclass(frozen=True, eq=False)
class HiddenSpace:
    """Where a layer puts the samples."""

    epoch: int
    """Of the weights that answered."""
    layer: str
    units: int
    """Numbers that the layer puts out for one sample."""
    indices: Ints
    """`(n,)` places of the samples in the data set, from 0."""
    points: Floats
    """`(n, 2)`, or `(n, 1)` for a single unit: the layer's own outputs if they are at most two,
    else places along the two directions in which the samples differ most.
    """
    explained_variance: Floats
    """The share of the variance along each direction; empty for a layer's own outputs."""
    targets: Floats
    """`(n, outputs)`."""
    classes: Ints
    """`(n,)`; empty for regression."""
    class_names: tuple[str, ...]


@dataclass(frozen=True, eq=False)
class ConfusionMatrix:
    """What was taken for what: `counts[i, j]` samples of class i were taken for class j."""

    epoch: int
    """Of the weights that answered."""
    split: Split
    class_names: tuple[str, ...]
    counts: Ints
    """`(classes, classes)`."""
    unclassified: int
    """Answers that are no class, since an output is not a number; they are not in `counts`."""
    accuracy: float
    exact_match: float | None
    """The share of sequences that are right at every place that counts; None where a sample has one
    answer.
    """

    @classmethod
    def of(cls, reply: Mapping[str, Any]) -> Self:
        """From the service's answer."""
        rows = [row["counts"] for row in reply.get("rows") or ()]
        return read(cls, reply, counts=np.array(rows, dtype=np.int64))


@dataclass(frozen=True, eq=False)
class SamplePrediction:
    """One sample beside what the network says of it."""

    index: int
    """Its place in the data set, from 0."""
    split: Literal["train", "validation"]
    inputs: Floats
    """`(features,)`, in the data's own units."""
    target: Floats
    outputs: Floats
    """Probabilities, where the network ends in a sigmoid or a softmax."""
    target_class: int | None
    """None for regression and for sequences; so is the class predicted."""
    predicted_class: int | None
    """None, too, where an output is not a number."""
    target_classes: tuple[int, ...]
    """Of a sequence the class at each place, -1 where it does not count; else empty, and so are the
    classes predicted.
    """
    predicted_classes: tuple[int, ...]
    """-1 where an output is not a number."""
    loss: float


@dataclass(frozen=True, eq=False)
class SamplePredictions:
    """Samples beside what the network says of them."""

    epoch: int
    """Of the weights that answered."""
    input_shape: tuple[int, ...]
    image_shape: tuple[int, ...]
    """Height and width (and channels) of inputs that are a picture; else empty."""
    feature_names: tuple[str, ...]
    class_names: tuple[str, ...]
    """Empty for regression."""
    token_names: tuple[str, ...]
    """What the inputs 0, 1, 2 … are called where they are tokens; else empty."""
    samples: tuple[SamplePrediction, ...]

    @property
    def images(self) -> Floats:
        """The inputs as pictures, `(n, *image_shape)`. Raises `EpochalError` if they are none."""
        if not self.image_shape:
            raise EpochalError("these samples are no pictures")
        return np.stack([sample.inputs.reshape(self.image_shape) for sample in self.samples])


@dataclass(frozen=True, eq=False)
class LayerWeights:
    """Weights by layer: `layers["dense_1"]["weight"]` is an array of its own shape."""

    epoch: int
    layers: dict[str, dict[str, Floats]]

    @classmethod
    def of(cls, reply: Mapping[str, Any]) -> Self:
        """From the service's answer."""
        layers = {
            layer["name"]: {
                array["name"]: np.array(array["values"], dtype=np.float64).reshape(array["shape"])
                for array in layer["arrays"]
            }
            for layer in reply.get("layers") or ()
        }
        return cls(reply.get("epoch") or 0, layers)
