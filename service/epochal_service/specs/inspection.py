"""Requests and replies of the inspection methods: units, samples and weights of a checkpoint."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from .base import EpochNumber, Reply, Request, Seed, Spec
from .jobs import Bound

Split = Literal["all", "train", "validation"]
EvaluationSplit = Literal["train", "validation", "test"]
SampleOrder = Literal["first", "worst", "best", "random"]
LayerChoice = Annotated[str, Field(min_length=1, max_length=40)]


class BoundsSpec(Spec):
    """A rectangle of the input space, in the data's own units."""

    x_min: Bound
    """Lowest value of the first input."""
    x_max: Bound
    """Highest value of the first input. Greater than `x_min`."""
    y_min: Bound
    """Lowest value of the second input."""
    y_max: Bound
    """Highest value of the second input. Greater than `y_min`."""


class GetUnitMapsRequest(Spec):
    """Layers, points and checkpoint of unit maps."""

    epoch: EpochNumber | None = None
    """Epoch of the checkpoint: the last one stored at or before this epoch. Defaults to the
    restored epoch, see `best` of a job, or the latest.
    """
    layer: LayerChoice | None = None
    """Name of a layer, such as `dense_1`. Defaults to all layers except dropout."""
    resolution: int = Field(default=50, ge=2, le=200)
    """Number of points along each side. In [2, 200]. Default 50."""
    bounds: BoundsSpec | None = None
    """Rectangle of the inputs. Defaults to the range of the data plus 10 % on each side."""


class UnitMap(Reply):
    """The outputs of a layer's units over the rectangle."""

    name: str
    """Name of the layer."""
    units: list[list[float]]
    """Outputs of each unit at every point, in rows from `y_min`, each from `x_min`, rounded to
    less than a thousandth of the range of the layer.
    """


class UnitMaps(Reply):
    """The outputs of units over the plane of the two inputs."""

    epoch: int
    """Epoch of the checkpoint."""
    x: list[float]
    """Values of the first input."""
    y: list[float]
    """Values of the second input."""
    layers: list[UnitMap]
    """Layers in forward order."""


class GetHiddenSpaceRequest(Request):
    """Layer, samples and checkpoint of a hidden space."""

    epoch: EpochNumber | None = None
    """Epoch of the checkpoint: the last one stored at or before this epoch. Defaults to the
    restored epoch, see `best` of a job, or the latest.
    """
    layer: LayerChoice | None = None
    """Name of a layer, or `input` for the network's inputs. Defaults to the last layer before the
    output.
    """
    split: Split = "all"
    """Part of the samples. Default `all`."""
    samples: int = Field(default=500, ge=1, le=5000)
    """Maximum number of samples, evenly spaced in the data set; fewer for a wide layer. In [1,
    5000]. Default 500.
    """


class HiddenSpace(Reply):
    """Samples as points in the space of a layer's outputs."""

    epoch: int
    """Epoch of the checkpoint."""
    layer: str
    """Name of the layer."""
    units: int
    """Number of outputs of the layer per sample."""
    indices: list[int]
    """Rows of the samples in the data set, from 0."""
    points: list[list[float]]
    """Points, one per sample: the layer's outputs if there are at most two, else their first two
    principal components (Pearson 1901).
    """
    explained_variance: list[float]
    """Explained variance ratio of each component. In [0, 1]. Empty if the points are the layer's
    outputs.
    """
    targets: list[list[float]]
    """Targets, one row per sample. For a sequence of classes: the true class of each time step, -1
    for steps that do not count. Empty for a reward model: its single rows have none.
    """
    classes: list[int]
    """True class of each sample; empty for regression, for sequences and for a reward model."""
    class_names: list[str]
    """Names of the classes; empty for regression and for a reward model."""


class GetConfusionMatrixRequest(Request):
    """Samples and checkpoint of a confusion matrix."""

    epoch: EpochNumber | None = None
    """Epoch of the checkpoint: the last one stored at or before this epoch. Defaults to the
    restored epoch, see `best` of a job, or the latest.
    """
    split: Split = "all"
    """Part of the samples. Default `all`."""


class ConfusionRow(Reply):
    """The samples of one true class."""

    counts: list[int]
    """Number of samples by predicted class."""


class ConfusionMatrix(Reply):
    """A confusion matrix."""

    epoch: int
    """Epoch of the checkpoint."""
    split: Split
    """Part of the samples."""
    class_names: list[str]
    """Names of the classes, in the order of rows and counts."""
    rows: list[ConfusionRow]
    """Rows, one per true class, in the order of the names."""
    predictions: int
    """Number of predictions: one per sample, or one per time step that counts."""
    unclassified: int
    """Number of predictions without a class, because an output is not a number. They are in no row.
    """
    accuracy: float
    """Fraction of correct predictions. In [0, 1]."""
    exact_match: float | None = None
    """Fraction of sequences with only correct predictions. In [0, 1]. Absent if samples are not
    sequences.
    """


class GetEvaluationRequest(Request):
    """Samples and checkpoint of an evaluation."""

    epoch: EpochNumber | None = None
    """Epoch of the checkpoint: the last one stored at or before this epoch. Defaults to the
    restored epoch, see `best` of a job, or the latest.
    """
    split: EvaluationSplit | None = None
    """Part of the samples. Defaults to the validation part, or the training part without one. Only
    an evaluation reads the test part.
    """


class ClassEvaluation(Reply):
    """The metrics of one class against all others, or of one of several binary outputs."""

    name: str
    """Name of the class or output."""
    support: int
    """Number of its samples."""
    precision: float
    """Fraction of its predictions that are correct; 0 without predictions. In [0, 1]."""
    recall: float
    """Fraction of its samples that are predicted as this class: its accuracy on them. In [0, 1]."""
    f1: float
    """Harmonic mean of precision and recall. In [0, 1]."""
    accuracy: float
    """Fraction of all samples that are correctly predicted as this or as another class."""
    roc_auc: float | None = None
    """Area under the ROC curve of the class against all others. Absent without samples on both
    sides.
    """


class ClassificationMetrics(Reply):
    """Metrics of predicted classes."""

    accuracy: float
    """Fraction of correct predictions; with several binary outputs, their mean. In [0, 1]."""
    balanced_accuracy: float
    """Mean recall of the classes that have samples. In [0, 1]."""
    precision: float
    """Precision of `positive_class`, or the mean over the classes. In [0, 1]."""
    recall: float
    """Recall of `positive_class`, or the mean over the classes. In [0, 1]."""
    f1: float
    """F1 of `positive_class`, or the mean over the classes. In [0, 1]."""
    macro_f1: float
    """Mean F1 of the classes. In [0, 1]."""
    roc_auc: float | None = None
    """Area under the ROC curve of `positive_class`, or the mean over the classes that have one."""
    log_loss: float | None = None
    """Mean of -log of the probability given to the true class, in nats. Absent if outputs are not
    probabilities.
    """
    positive_class: str | None = None
    """The second of two classes; absent for more classes and for several binary outputs."""
    unclassified: int
    """Number of predictions without a class, because an output is not a number. They are wrong."""
    classes: list[ClassEvaluation]
    """Metrics of each class, in the order of `class_names`."""


class TargetEvaluation(Reply):
    """The errors of one target."""

    name: str
    """Name of the target."""
    rmse: float
    """Root of the mean squared error, in the target's own unit."""
    mae: float
    """Mean absolute error, in the target's own unit."""
    median_absolute_error: float
    """Median of the absolute errors, in the target's own unit."""
    r2: float
    """Coefficient of determination: 1 at best, 0 for always predicting the mean."""


class RegressionMetrics(Reply):
    """Errors of predicted numbers, over all targets together."""

    rmse: float
    """Root of the mean squared error, in the targets' own unit."""
    mae: float
    """Mean absolute error, in the targets' own unit."""
    median_absolute_error: float
    """Median of the absolute errors, in the targets' own unit."""
    r2: float
    """Coefficient of determination, the mean over the targets: 1 at best, 0 for always predicting
    the mean.
    """
    targets: list[TargetEvaluation]
    """Errors of each target."""


class PositionAccuracy(Reply):
    """The accuracy at one position of sequences."""

    position: int
    """Position, from 0."""
    predictions: int
    """Number of predictions that count."""
    accuracy: float
    """Fraction of them that are correct. In [0, 1]."""


class SequenceMetrics(Reply):
    """Metrics of sequences of classes."""

    exact_match: float
    """Fraction of the sequences with only correct predictions at the positions that count. In [0,
    1]."""
    perplexity: float | None = None
    """exp(log_loss): the number of equally likely classes with the same loss. Absent if outputs are
    not probabilities.
    """
    bits_per_prediction: float | None = None
    """log_loss / ln 2: the loss in bits, per character or token. Absent if outputs are not
    probabilities.
    """
    bits_per_character: float | None = None
    """The loss in bits for each character of the predicted tokens, which compares vocabularies.
    Absent if the data are not a text of characters or parts of words.
    """
    positions: list[PositionAccuracy]
    """Accuracy by position, without positions at which no prediction counts."""


class Evaluation(Reply):
    """Metrics of a stored epoch on one part of the samples. All samples count alike, whatever their
    weights in the loss.
    """

    epoch: int
    """Epoch of the checkpoint."""
    split: EvaluationSplit
    """Part of the samples."""
    samples: int
    """Number of samples."""
    predictions: int
    """Number of predictions: one per sample, or one per time step that counts."""
    classification: ClassificationMetrics | None = None
    """Metrics of the classes; absent for numbers."""
    regression: RegressionMetrics | None = None
    """Errors of the numbers; absent for classes."""
    sequence: SequenceMetrics | None = None
    """Metrics of whole sequences and their positions; absent if samples are not sequences of
    classes.
    """


class GetSamplePredictionsRequest(Request):
    """Samples, their order and the checkpoint."""

    epoch: EpochNumber | None = None
    """Epoch of the checkpoint: the last one stored at or before this epoch. Defaults to the
    restored epoch, see `best` of a job, or the latest.
    """
    split: Split = "all"
    """Part of the samples. Default `all`."""
    order: SampleOrder = "first"
    """Order of the samples; `worst` is by decreasing loss. Default `first`."""
    seed: Seed = 0
    """Random seed of the order `random`. Default 0."""
    count: int = Field(default=20, ge=1, le=1000)
    """Maximum number of samples. In [1, 1000]. Default 20."""


class SamplePrediction(Reply):
    """A sample with the network's prediction."""

    index: int
    """Row of the sample in the data set, from 0."""
    split: Literal["train", "validation"]
    """Part that the sample belongs to."""
    inputs: list[float]
    """Inputs in the data's own units."""
    target: list[float]
    """Target as the loss expects it."""
    outputs: list[float]
    """Outputs of the network; probabilities if it ends in sigmoid or softmax."""
    target_class: int | None = None
    """True class; absent for regression and sequences."""
    predicted_class: int | None = None
    """Predicted class; absent for regression, for sequences, and if an output is not a number."""
    target_classes: list[int]
    """True class of each time step, -1 for steps that do not count; empty if samples are not
    sequences.
    """
    predicted_classes: list[int]
    """Predicted class of each time step, -1 if an output is not a number; empty if samples are not
    sequences.
    """
    loss: float
    """Loss of the sample."""


class SamplePredictions(Reply):
    """Samples with targets, outputs and losses."""

    epoch: int
    """Epoch of the checkpoint."""
    input_shape: list[int]
    """Shape of the network's input."""
    image_shape: list[int]
    """Height and width (and channels) if the inputs are images; else empty."""
    feature_names: list[str]
    """Names of the features, in order."""
    class_names: list[str]
    """Names of the classes; empty for regression."""
    token_names: list[str]
    """Names of the tokens 0, 1, 2 … if the inputs are tokens; else empty."""
    samples: list[SamplePrediction]
    """Samples in the requested order."""


class GetWeightsRequest(Request):
    """Layer and checkpoint of weights."""

    epoch: EpochNumber | None = None
    """Epoch of the checkpoint: the last one stored at or before this epoch. Defaults to the
    restored epoch, see `best` of a job, or the latest.
    """
    layer: LayerChoice | None = None
    """Name of a layer. Defaults to all layers."""


class WeightArray(Reply):
    """One array of a layer."""

    name: str
    """Name of the array, such as `weight` or `bias`."""
    shape: list[int]
    """Shape of the array, such as inputs by units."""
    values: list[float]
    """Elements in row-major order."""


class LayerWeights(Reply):
    """The arrays of one layer."""

    name: str
    """Name of the layer."""
    arrays: list[WeightArray]
    """Arrays of the layer, such as `weight` and `bias`."""


class Weights(Reply):
    """Weights as numbers."""

    epoch: int
    """Epoch of the checkpoint."""
    layers: list[LayerWeights]
    """Layers that have weights, in forward order."""
