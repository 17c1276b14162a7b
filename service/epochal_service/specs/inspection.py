"""A look into a network at one of its stored epochs: its units, its samples, its weights."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from .base import Cursor, Reply, Request, Seed, Spec
from .jobs import Bound

Split = Literal["all", "train", "validation"]
SampleOrder = Literal["first", "worst", "best", "random"]
LayerChoice = Annotated[str, Field(min_length=1, max_length=40)]


class BoundsSpec(Spec):
    """A rectangle of the input space, in the data's own units."""

    x_min: Bound
    x_max: Bound
    y_min: Bound
    y_max: Bound


class GetUnitMapsRequest(Spec):
    epoch: Cursor | None = None
    """The last stored epoch that is not after this one answers; the latest by default."""
    layer: LayerChoice | None = None
    """The name of one layer, such as `dense_1`; by default all, but for dropout."""
    resolution: int = Field(default=50, ge=2, le=200)
    """Points along each side."""
    bounds: BoundsSpec | None = None
    """By default the rectangle in which the data lie, with a tenth of it on each side."""


class UnitMap(Reply):
    """What one layer's units say at every point."""

    name: str
    units: list[list[float]]
    """For each unit its output at every point, row by row from `y_min`, each from `x_min`; to six
    digits.
    """


class UnitMaps(Reply):
    epoch: int
    """Of the weights that answered."""
    x: list[float]
    y: list[float]
    layers: list[UnitMap]


class GetHiddenSpaceRequest(Spec):
    epoch: Cursor | None = None
    """The last stored epoch that is not after this one answers; the latest by default."""
    layer: LayerChoice | None = None
    """`input` is what the network is given; by default the last layer before the output."""
    split: Split = "all"
    samples: int = Field(default=500, ge=1, le=5000)
    """At the most, at equal distances in the data set; of a wide layer fewer."""


class HiddenSpace(Reply):
    """Where a layer puts the samples."""

    epoch: int
    """Of the weights that answered."""
    layer: str
    units: int
    """Numbers that the layer puts out for one sample."""
    indices: list[int]
    """Places of the samples in the data set, from 0."""
    points: list[list[float]]
    """Of each sample: the layer's own outputs if they are at most two, else its place along the
    two directions in which the samples differ most (Pearson 1901).
    """
    explained_variance: list[float]
    """The share of the samples' variance along each direction; empty for a layer's own outputs."""
    targets: list[list[float]]
    classes: list[int]
    """The class of each sample; empty for regression."""
    class_names: list[str]


class GetConfusionMatrixRequest(Spec):
    epoch: Cursor | None = None
    """The last stored epoch that is not after this one answers; the latest by default."""
    split: Split = "all"


class ConfusionRow(Reply):
    """The samples of one class."""

    counts: list[int]
    """How many of them were taken for each class."""


class ConfusionMatrix(Reply):
    """What was taken for what."""

    epoch: int
    """Of the weights that answered."""
    split: Split
    class_names: list[str]
    rows: list[ConfusionRow]
    """One for each true class, in the order of the names."""
    answers: int
    """Answers that were counted: one for each sample, or for each place of a sequence."""
    accuracy: float
    exact_match: float | None = None
    """The share of sequences that are right at every place; absent where a sample is answered once.
    """


class GetSamplePredictionsRequest(Spec):
    epoch: Cursor | None = None
    """The last stored epoch that is not after this one answers; the latest by default."""
    split: Split = "all"
    order: SampleOrder = "first"
    """`worst` has the largest loss first."""
    seed: Seed = 0
    """For `random`."""
    count: int = Field(default=20, ge=1, le=1000)


class SamplePrediction(Reply):
    index: int
    """Its place in the data set, from 0."""
    split: Literal["train", "validation"]
    inputs: list[float]
    """In the data's own units."""
    target: list[float]
    outputs: list[float]
    """Probabilities, where the network ends in a sigmoid or a softmax."""
    target_class: int | None = None
    """Absent for regression and for sequences; so is the class predicted."""
    predicted_class: int | None = None
    target_classes: list[int]
    """Of a sequence the class at each place; else empty, and so are the classes predicted."""
    predicted_classes: list[int]
    loss: float


class SamplePredictions(Reply):
    epoch: int
    """Of the weights that answered."""
    input_shape: list[int]
    """In which the network takes the inputs."""
    image_shape: list[int]
    """Height and width (and channels) of inputs that are a picture; else empty."""
    feature_names: list[str]
    class_names: list[str]
    """Empty for regression."""
    token_names: list[str]
    """What the inputs 0, 1, 2 … are called where they are tokens; else empty."""
    samples: list[SamplePrediction]


class GetWeightsRequest(Request):
    epoch: Cursor | None = None
    """The last stored epoch that is not after this one; the latest by default."""
    layer: LayerChoice | None = None
    """All layers by default."""


class WeightArray(Reply):
    name: str
    """Such as `weight` or `bias`."""
    shape: list[int]
    values: list[float]
    """Row by row: the last axis moves fastest."""


class LayerWeights(Reply):
    name: str
    arrays: list[WeightArray]


class Weights(Reply):
    epoch: int
    """At which these are the weights."""
    layers: list[LayerWeights]
    """Those that have any, in forward order."""
