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
    """Of the first input."""
    x_max: Bound
    """Greater than `x_min`."""
    y_min: Bound
    """Of the second input."""
    y_max: Bound
    """Greater than `y_min`."""


class GetUnitMapsRequest(Spec):
    """Which units, over which part of the plane."""

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
    """Of the layer."""
    units: list[list[float]]
    """For each unit its output at every point, row by row from `y_min`, each from `x_min`; to six
    digits.
    """


class UnitMaps(Reply):
    """What units say over the plane of the two inputs."""

    epoch: int
    """Of the weights that answered."""
    x: list[float]
    """The values along x."""
    y: list[float]
    """The values along y."""
    layers: list[UnitMap]
    """In forward order."""


class GetHiddenSpaceRequest(Spec):
    """Which layer, and which samples."""

    epoch: Cursor | None = None
    """The last stored epoch that is not after this one answers; the latest by default."""
    layer: LayerChoice | None = None
    """`input` is what the network is given; by default the last layer before the output."""
    split: Split = "all"
    """Which samples; all by default."""
    samples: int = Field(default=500, ge=1, le=5000)
    """At the most, at equal distances in the data set; of a wide layer fewer."""


class HiddenSpace(Reply):
    """Where a layer puts the samples."""

    epoch: int
    """Of the weights that answered."""
    layer: str
    """Its name."""
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
    """What is right for each sample, a row each."""
    classes: list[int]
    """The class of each sample; empty for regression."""
    class_names: list[str]
    """Empty for regression."""


class GetConfusionMatrixRequest(Spec):
    """Which samples to count."""

    epoch: Cursor | None = None
    """The last stored epoch that is not after this one answers; the latest by default."""
    split: Split = "all"
    """Which samples; all by default."""


class ConfusionRow(Reply):
    """The samples of one class."""

    counts: list[int]
    """How many of them were taken for each class."""


class ConfusionMatrix(Reply):
    """What was taken for what."""

    epoch: int
    """Of the weights that answered."""
    split: Split
    """The samples that were counted."""
    class_names: list[str]
    """In the order of rows and counts."""
    rows: list[ConfusionRow]
    """One for each true class, in the order of the names."""
    answers: int
    """Answers that were counted: one for each sample, or for each place of a sequence that counts.
    """
    unclassified: int
    """Those among them that are no class, since an output is not a number: they are in no row."""
    accuracy: float
    """The share of right answers, from 0 to 1."""
    exact_match: float | None = None
    """The share of sequences that are right at every place that counts; absent where a sample is
    answered once.
    """


class GetSamplePredictionsRequest(Spec):
    """Which samples, and in which order."""

    epoch: Cursor | None = None
    """The last stored epoch that is not after this one answers; the latest by default."""
    split: Split = "all"
    """Which samples; all by default."""
    order: SampleOrder = "first"
    """`worst` has the largest loss first."""
    seed: Seed = 0
    """For `random`."""
    count: int = Field(default=20, ge=1, le=1000)
    """Samples at the most."""


class SamplePrediction(Reply):
    """One sample, and what the network makes of it."""

    index: int
    """Its place in the data set, from 0."""
    split: Literal["train", "validation"]
    """The part that it belongs to."""
    inputs: list[float]
    """In the data's own units."""
    target: list[float]
    """What is right."""
    outputs: list[float]
    """Probabilities, where the network ends in a sigmoid or a softmax."""
    target_class: int | None = None
    """Absent for regression and for sequences; so is the class predicted."""
    predicted_class: int | None = None
    """The most probable one; absent, too, where an output is not a number."""
    target_classes: list[int]
    """Of a sequence the class at each place, -1 where it does not count; else empty, and so are the
    classes predicted.
    """
    predicted_classes: list[int]
    """The most probable ones; -1 where an output is not a number."""
    loss: float
    """Of this sample alone."""


class SamplePredictions(Reply):
    """Samples with target, outputs and loss."""

    epoch: int
    """Of the weights that answered."""
    input_shape: list[int]
    """In which the network takes the inputs."""
    image_shape: list[int]
    """Height and width (and channels) of inputs that are a picture; else empty."""
    feature_names: list[str]
    """Of the inputs, in their order."""
    class_names: list[str]
    """Empty for regression."""
    token_names: list[str]
    """What the inputs 0, 1, 2 … are called where they are tokens; else empty."""
    samples: list[SamplePrediction]
    """In the order that was asked for."""


class GetWeightsRequest(Request):
    """Of which epoch and layer."""

    epoch: Cursor | None = None
    """The last stored epoch that is not after this one; the latest by default."""
    layer: LayerChoice | None = None
    """All layers by default."""


class WeightArray(Reply):
    """One array of a layer."""

    name: str
    """Such as `weight` or `bias`."""
    shape: list[int]
    """Such as inputs by units."""
    values: list[float]
    """Row by row: the last axis moves fastest."""


class LayerWeights(Reply):
    """The arrays of one layer."""

    name: str
    """Of the layer."""
    arrays: list[WeightArray]
    """Such as `weight` and `bias`."""


class Weights(Reply):
    """Weights as numbers."""

    epoch: int
    """At which these are the weights."""
    layers: list[LayerWeights]
    """Those that have any, in forward order."""
