"""Inspect a job's network at its last checkpoint at or before the requested epoch."""

from __future__ import annotations

from typing import Any

import numpy as np

import epochal_engine as engine
from epochal_engine import confusion_matrix
from epochal_engine.model import INPUT

from ..answers.evaluation import (
    counted_predictions,
    evaluate_classes,
    evaluate_numbers,
    evaluate_sequences,
)
from ..answers.inspection import (
    NO_CLASS,
    Samples,
    Trained,
    classes_of,
    image_shape_of,
    principal_components,
    rounded_map,
    samples_of,
    threshold_of,
    trained,
    trained_by,
    true_classes,
)
from ..datasets import Dataset
from ..errors import FieldError, InvalidArgument
from ..large import NUMBER_BYTES, require_small
from ..preparation.changes import at_epoch
from ..preparation.preferences import is_scorer
from ..preparation.prepare import prepare
from ..preparation.prepared import Prepared, has_validation
from ..resources.datasets import load_for_stored_job
from ..resources.language import language_of
from ..specs.build import build_row_loss
from ..specs.inspection import (
    BoundsSpec,
    ConfusionMatrix,
    ConfusionRow,
    Evaluation,
    GetConfusionMatrixRequest,
    GetEvaluationRequest,
    GetHiddenSpaceRequest,
    GetSamplePredictionsRequest,
    GetUnitMapsRequest,
    GetWeightsRequest,
    HiddenSpace,
    LayerWeights,
    SamplePrediction,
    SamplePredictions,
    UnitMap,
    UnitMaps,
    WeightArray,
    Weights,
)
from ..store import Access
from .context import Context

MARGIN = 0.1  # on each side of a map, as a fraction of the data's extent


def get_unit_maps(context: Context, id: str, request: GetUnitMapsRequest) -> UnitMaps:
    """Return every unit's output over a rectangle of the two inputs.

    Raises `NotFound`; `InvalidArgument` for a network that does not have two inputs.
    """
    with context.database.read() as connection:
        trained_network = trained(connection, id, context.access, request.epoch)
        bounds = request.bounds
        if int(np.prod(trained_network.network.input_shape)) != 2:
            raise InvalidArgument.of(
                FieldError(
                    "id",
                    "must be a job whose network has two inputs; the input shape of this one is "
                    f"{list(trained_network.network.input_shape)}",
                )
            )
        if bounds is None:
            dataset = load_for_stored_job(connection, trained_network.spec)
            bounds = bounds_around(dataset)
    for axis in ("x", "y"):
        if getattr(bounds, f"{axis}_min") >= getattr(bounds, f"{axis}_max"):
            raise InvalidArgument.of(
                FieldError(f"bounds.{axis}_max", f"must be greater than {axis}_min")
            )
    if request.layer is not None:
        layers = [trained_network.checked_layer(request.layer)]
    else:
        pairs = zip(trained_network.network.names, trained_network.network.layers, strict=True)
        layers = [name for name, layer in pairs if layer.type != "dropout"]
    shapes = dict(
        zip(trained_network.network.names, trained_network.network.shapes[1:], strict=True)
    )
    units = sum(int(np.prod(shapes[name])) for name in layers)
    check_size(context, "resolution", units * request.resolution**2, "a smaller one, or one layer")
    x = np.linspace(bounds.x_min, bounds.x_max, request.resolution)
    y = np.linspace(bounds.y_min, bounds.y_max, request.resolution)
    points = np.stack([np.tile(x, len(y)), np.repeat(y, len(x))], axis=1)
    return UnitMaps(
        epoch=trained_network.epoch,
        x=x.tolist(),
        y=y.tolist(),
        layers=[
            UnitMap(
                name=name,
                units=rounded_map(trained_network.outputs(points, name))
                .reshape(len(points), -1)
                .T.tolist(),
            )
            for name in layers
        ],
    )


def get_hidden_space(context: Context, id: str, request: GetHiddenSpaceRequest) -> HiddenSpace:
    """Return a layer's outputs for samples of the data set, reduced to at most two numbers each.

    Raises `NotFound`, `InvalidArgument`.
    """
    trained_network, prepared = _opened(context, id, request.epoch)
    dataset = prepared.dataset
    network = trained_network.network
    hidden = [
        name
        for name, layer in zip(network.names[:-1], network.layers[:-1], strict=True)
        if layer.type != "dropout"
    ]
    default = hidden[-1] if hidden else INPUT
    layer = (
        default if request.layer is None else trained_network.checked_layer(request.layer, INPUT)
    )
    shapes = dict(zip((INPUT, *network.names), network.shapes, strict=True))
    units = int(np.prod(shapes[layer]))
    samples = samples_of(prepared, context.settings.limits, request.split)
    limit = max(1, context.settings.limits.max_inspected_values // units)
    count = min(request.samples, len(samples), limit)
    require_small(count * units * NUMBER_BYTES)
    samples = samples.select(np.arange(count) * len(samples) // count)
    values = trained_network.outputs(samples.inputs, layer).reshape(count, -1)
    ratios = np.empty(0)
    if units > 2:
        values, ratios = principal_components(values)
    # A pair has the targets of both its rows: its letters, which a score does not predict.
    scores = is_scorer(trained_network.spec, network)
    names = [] if scores else list(dataset.class_names)
    is_sequence = len(network.output_shape) > 1
    classes = true_classes(samples.targets) if names else np.empty(0)
    targets = classes if names and is_sequence else samples.targets
    return HiddenSpace(
        epoch=trained_network.epoch,
        layer=layer,
        units=units,
        indices=samples.indices.tolist(),
        points=values.astype(float).tolist(),
        explained_variance=ratios.tolist(),
        targets=[] if scores else targets.reshape(count, -1).astype(float).tolist(),
        classes=[] if is_sequence else classes.tolist(),
        class_names=names,
    )


def get_confusion_matrix(
    context: Context, id: str, request: GetConfusionMatrixRequest
) -> ConfusionMatrix:
    """Return the confusion matrix.

    Raises `NotFound`; `InvalidArgument` for a regression, and for several binary outputs.
    """
    trained_network, prepared = _judged(context, id, request.epoch)
    dataset = prepared.dataset
    names = list(dataset.class_names)
    if not names:
        raise InvalidArgument.of(
            FieldError(
                "id",
                "must be a job with classes, one per prediction; the targets of "
                f"{dataset.name} are numbers",
            )
        )
    samples = samples_of(prepared, context.settings.limits, request.split)
    outputs = trained_network.outputs(samples.inputs)
    predicted = classes_of(outputs, threshold_of(build_row_loss(trained_network.spec)))
    expected = true_classes(samples.targets)
    counted, classified = expected != NO_CLASS, predicted != NO_CLASS
    both = counted & classified
    counts = confusion_matrix(predicted[both], expected[both], len(names))
    predictions = int(counted.sum())
    correct = (predicted == expected) | ~counted
    return ConfusionMatrix(
        epoch=trained_network.epoch,
        split=request.split,
        class_names=names,
        rows=[ConfusionRow(counts=row) for row in counts.tolist()],
        predictions=predictions,
        unclassified=int((counted & ~classified).sum()),
        accuracy=float(np.trace(counts) / predictions),
        exact_match=float(correct.all(1).mean()) if expected.ndim == 2 else None,
    )


def get_evaluation(context: Context, id: str, request: GetEvaluationRequest) -> Evaluation:
    """Return metrics of a stored epoch on the training, validation or test part.

    Raises `NotFound`; `InvalidArgument` for a part that the job does not have.
    """
    network, prepared = _judged(context, id, request.epoch)
    dataset = prepared.dataset
    loss = build_row_loss(network.spec, dataset.ignore_label)
    split = request.split or ("validation" if has_validation(network.spec) else "train")
    samples = samples_of(prepared, context.settings.limits, split)
    outputs, targets = network.outputs(samples.inputs), samples.targets
    classes = dataset.class_names or loss.has_accuracy
    whole = (outputs, targets) if classes and outputs.ndim > 2 else None
    language = language_of(dataset) if whole else None
    if outputs.ndim > 2:  # positions of a sequence
        counted = counted_predictions(loss, targets)
        outputs, targets = outputs[counted], targets[counted]
    classification = evaluate_classes(outputs, targets, dataset, loss) if classes else None
    return Evaluation(
        epoch=network.epoch,
        split=split,
        samples=len(samples),
        predictions=len(outputs),
        classification=classification,
        sequence=None
        if whole is None or classification is None
        else evaluate_sequences(
            *whole, loss, classification.log_loss, language.characters if language else None
        ),
        regression=None if classes else evaluate_numbers(outputs, targets, dataset.target_names),
    )


def get_sample_predictions(
    context: Context, id: str, request: GetSamplePredictionsRequest
) -> SamplePredictions:
    """Return samples with their targets, outputs and losses.

    Raises `NotFound`, `InvalidArgument`.
    """
    trained_network, prepared = _judged(context, id, request.epoch)
    dataset = prepared.dataset
    loss, network = (
        build_row_loss(trained_network.spec, dataset.ignore_label),
        trained_network.network,
    )
    check_size(context, "count", request.count * dataset.features, "fewer samples")
    samples = samples_of(prepared, context.settings.limits, request.split)
    positions = np.arange(len(samples))
    if request.order == "random":
        positions = np.random.default_rng(request.seed).permutation(positions)
    if request.order in ("worst", "best"):
        outputs = trained_network.outputs(samples.inputs)
        losses = trained_network.losses(loss, outputs, samples.targets)
        # NaN counts as the worst loss.
        ranked = np.where(np.isnan(losses), np.inf, losses)
        positions = np.argsort(-ranked if request.order == "worst" else ranked, kind="stable")
    samples = samples.select(positions[: request.count])
    return SamplePredictions(
        epoch=trained_network.epoch,
        input_shape=list(network.input_shape),
        image_shape=image_shape_of(dataset, network),
        feature_names=list(dataset.feature_names),
        class_names=list(dataset.class_names),
        token_names=list(dataset.token_names),
        samples=_predictions(trained_network, samples, loss, has_classes=bool(dataset.class_names)),
    )


def get_weights(context: Context, id: str, request: GetWeightsRequest) -> Weights:
    """Return the weights of all layers, or of one, as numbers.

    Raises `NotFound`; `InvalidArgument` if they exceed the limit of one reply.
    """
    with context.database.read() as connection:
        trained_network = trained(connection, id, context.access, request.epoch)
    names = (
        trained_network.network.names
        if request.layer is None
        else (trained_network.checked_layer(request.layer),)
    )
    layers: dict[str, list[WeightArray]] = {name: [] for name in names}
    parameters = [
        name for name in trained_network.network.parameters if name.partition(".")[0] in layers
    ]
    numbers = sum(trained_network.weights[name].size for name in parameters)
    check_size(context, "layer", numbers, "one layer, or get the checkpoint as a file")
    for name in parameters:
        layer, _, array_name = name.partition(".")
        array = trained_network.weights[name]
        layers[layer].append(
            WeightArray(
                name=array_name,
                shape=list(array.shape),
                values=array.ravel().astype(float).tolist(),
            )
        )
    replies = [LayerWeights(name=name, arrays=arrays) for name, arrays in layers.items() if arrays]
    return Weights(epoch=trained_network.epoch, layers=replies)


def _opened(context: Context, id: str, epoch: int | None) -> tuple[Trained, Prepared]:
    with context.database.read() as connection:
        trained_network, spec = trained_by(connection, id, context.access, epoch)
    limits = context.settings.limits
    prepared = prepare(context.database, spec, Access(trained_network.owner), limits, stored=True)
    return trained_network, at_epoch(prepared, trained_network.epoch - 1)


def _judged(context: Context, id: str, epoch: int | None) -> tuple[Trained, Prepared]:
    """Return a network with targets for single rows.

    Raises `InvalidArgument` for one that scores the rows of pairs.
    """
    trained_network, prepared = _opened(context, id, epoch)
    if is_scorer(trained_network.spec, trained_network.network):
        raise InvalidArgument.of(
            FieldError("id", "must be a job with a target for each row: this one compares two rows")
        )
    return trained_network, prepared


def check_size(context: Context, field: str, numbers: int, remedy: str) -> None:
    """Raise `InvalidArgument` if the reply would have more numbers than the limit."""
    limit = context.settings.limits.max_inspected_values
    if numbers > limit:
        raise InvalidArgument.of(
            FieldError(
                field, f"makes {numbers} numbers; the limit of one reply is {limit}: use {remedy}"
            ),
            reason="limit_exceeded",
        )
    require_small(numbers * NUMBER_BYTES)


def bounds_around(dataset: Dataset) -> BoundsSpec:
    low, high = dataset.inputs.min(0), dataset.inputs.max(0)
    margin = np.where(high > low, MARGIN * (high - low), 1.0)
    (x_min, y_min), (x_max, y_max) = (low - margin).tolist(), (high + margin).tolist()
    return BoundsSpec.model_construct(x_min=x_min, x_max=x_max, y_min=y_min, y_max=y_max)


def _predictions(
    trained_network: Trained, samples: Samples, loss: engine.Loss, *, has_classes: bool
) -> list[SamplePrediction]:
    outputs = trained_network.outputs(samples.inputs)
    losses = trained_network.losses(loss, outputs, samples.targets).tolist()
    expected: list[Any] = [[]] * len(samples)
    predicted = expected
    if has_classes:
        expected = true_classes(samples.targets).tolist()
        predicted = classes_of(outputs, threshold_of(loss)).tolist()
    single = has_classes and outputs.ndim == 2
    rows = zip(
        samples.indices.tolist(),
        samples.is_validation.tolist(),
        samples.inputs.tolist(),
        samples.targets.reshape(len(samples), -1).astype(float).tolist(),
        outputs.reshape(len(samples), -1).astype(float).tolist(),
        expected,
        predicted,
        losses,
        strict=True,
    )
    return [
        SamplePrediction(
            index=index,
            split="validation" if is_validation else "train",
            inputs=inputs,
            target=target,
            outputs=output,
            target_class=true if single else None,
            predicted_class=guess if single and guess != NO_CLASS else None,
            target_classes=[] if single else true,
            predicted_classes=[] if single else guess,
            loss=value,
        )
        for index, is_validation, inputs, target, output, true, guess, value in rows
    ]
