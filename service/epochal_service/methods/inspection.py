"""What a job's network does inside, at the stored epoch nearest before the one asked for."""

from __future__ import annotations

from typing import Any

import numpy as np

import epochal_engine as engine
from epochal_engine import confusion_matrix
from epochal_engine.network import INPUT

from ..datasets import Dataset
from ..errors import FieldError, InvalidArgument
from ..jobs.datasets import load_for_stored_job
from ..jobs.inspection import (
    NO_CLASS,
    Samples,
    Trained,
    classes_of,
    image_shape_of,
    losses_of,
    principal_components,
    rounded,
    samples_of,
    says_yes_from,
    trained,
    true_classes,
)
from ..jobs.preparation import Prepared, prepare
from ..specs.build import build_loss
from ..specs.inspection import (
    BoundsSpec,
    ConfusionMatrix,
    ConfusionRow,
    GetConfusionMatrixRequest,
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
from .context import Context

MARGIN = 0.1  # of the data's extent, on each side of a map


def get_unit_maps(context: Context, id: str, request: GetUnitMapsRequest) -> UnitMaps:
    """What each unit says over a rectangle of two inputs. Raises `NotFound`, `InvalidArgument`."""
    with context.database.read() as connection:
        found = trained(connection, id, context.owner, request.epoch)
        bounds = request.bounds
        if int(np.prod(found.network.input_shape)) != 2:
            raise InvalidArgument.of(
                FieldError(
                    "id",
                    "must be a job whose network takes two numbers; this one takes the shape "
                    f"{list(found.network.input_shape)}",
                )
            )
        if bounds is None:
            dataset = load_for_stored_job(connection, found.spec, context.owner)
            bounds = _around(dataset)
    for axis in ("x", "y"):
        if getattr(bounds, f"{axis}_min") >= getattr(bounds, f"{axis}_max"):
            raise InvalidArgument.of(
                FieldError(f"bounds.{axis}_max", f"must be greater than {axis}_min")
            )
    if request.layer is not None:
        layers = [found.named(request.layer)]
    else:
        named = zip(found.network.names, found.network.layers, strict=True)
        layers = [name for name, layer in named if layer.type != "dropout"]
    shapes = dict(zip(found.network.names, found.network.shapes[1:], strict=True))
    units = sum(int(np.prod(shapes[name])) for name in layers)
    _afford(context, "resolution", units * request.resolution**2, "a smaller one, or for one layer")
    x = np.linspace(bounds.x_min, bounds.x_max, request.resolution)
    y = np.linspace(bounds.y_min, bounds.y_max, request.resolution)
    points = np.stack([np.tile(x, len(y)), np.repeat(y, len(x))], axis=1)
    return UnitMaps(
        epoch=found.epoch,
        x=x.tolist(),
        y=y.tolist(),
        layers=[
            UnitMap(
                name=name,
                units=rounded(found.outputs(points, name)).reshape(len(points), -1).T.tolist(),
            )
            for name in layers
        ],
    )


def get_hidden_space(context: Context, id: str, request: GetHiddenSpaceRequest) -> HiddenSpace:
    """Where a layer puts the data set's samples. Raises `NotFound`, `InvalidArgument`."""
    found, prepared = _opened(context, id, request.epoch)
    dataset = prepared.dataset
    network = found.network
    before = [
        name
        for name, layer in zip(network.names[:-1], network.layers[:-1], strict=True)
        if layer.type != "dropout"
    ]
    default = before[-1] if before else INPUT
    layer = default if request.layer is None else found.named(request.layer, INPUT)
    shapes = dict(zip((INPUT, *network.names), network.shapes, strict=True))
    units = int(np.prod(shapes[layer]))
    samples = samples_of(prepared, context.settings.limits, request.split)
    most = max(1, context.settings.limits.max_inspected_values // units)
    count = min(request.samples, len(samples), most)
    samples = samples.chosen(np.arange(count) * len(samples) // count)
    values = found.outputs(samples.inputs, layer).reshape(count, -1)
    shares = np.empty(0)
    if units > 2:
        values, shares = principal_components(values)
    names = list(dataset.class_names)
    single = len(network.output_shape) == 1
    return HiddenSpace(
        epoch=found.epoch,
        layer=layer,
        units=units,
        indices=samples.indices.tolist(),
        points=values.astype(float).tolist(),
        explained_variance=shares.tolist(),
        targets=samples.targets.reshape(count, -1).astype(float).tolist(),
        classes=classes_of(samples.targets).tolist() if names and single else [],
        class_names=names,
    )


def get_confusion_matrix(
    context: Context, id: str, request: GetConfusionMatrixRequest
) -> ConfusionMatrix:
    """How often each class was taken for which. Raises `NotFound`; `InvalidArgument` where there
    are no classes.
    """
    found, prepared = _opened(context, id, request.epoch)
    dataset = prepared.dataset
    names = list(dataset.class_names)
    if not names:
        raise InvalidArgument.of(
            FieldError("id", f"must be a job with classes; {dataset.name} has numbers as targets")
        )
    samples = samples_of(prepared, context.settings.limits, request.split)
    outputs = found.outputs(samples.inputs)
    predicted = classes_of(outputs, says_yes_from(build_loss(found.spec)))
    wanted = true_classes(samples.targets)
    counted, classified = wanted != NO_CLASS, predicted != NO_CLASS
    taken = counted & classified
    counts = confusion_matrix(predicted[taken], wanted[taken], len(names))
    answers = int(counted.sum())
    right = (predicted == wanted) | ~counted
    return ConfusionMatrix(
        epoch=found.epoch,
        split=request.split,
        class_names=names,
        rows=[ConfusionRow(counts=row) for row in counts.tolist()],
        answers=answers,
        unclassified=int((counted & ~classified).sum()),
        accuracy=float(np.trace(counts) / answers),
        exact_match=float(right.all(1).mean()) if wanted.ndim == 2 else None,
    )


def get_sample_predictions(
    context: Context, id: str, request: GetSamplePredictionsRequest
) -> SamplePredictions:
    """Samples beside what the network says of them. Raises `NotFound`, `InvalidArgument`."""
    found, prepared = _opened(context, id, request.epoch)
    dataset = prepared.dataset
    loss, network = build_loss(found.spec, dataset.ignore_label), found.network
    _afford(context, "count", request.count * dataset.features, "fewer samples")
    samples = samples_of(prepared, context.settings.limits, request.split)
    places = np.arange(len(samples))
    if request.order == "random":
        places = np.random.default_rng(request.seed).permutation(places)
    if request.order in ("worst", "best"):
        losses = losses_of(loss, found.outputs(samples.inputs), samples.targets)
        # What is not finite is worse than anything.
        ranked = np.where(np.isnan(losses), np.inf, losses)
        places = np.argsort(-ranked if request.order == "worst" else ranked, kind="stable")
    samples = samples.chosen(places[: request.count])
    return SamplePredictions(
        epoch=found.epoch,
        input_shape=list(network.input_shape),
        image_shape=image_shape_of(dataset, network),
        feature_names=list(dataset.feature_names),
        class_names=list(dataset.class_names),
        token_names=list(dataset.token_names),
        samples=_told(found, samples, loss, has_classes=bool(dataset.class_names)),
    )


def get_weights(context: Context, id: str, request: GetWeightsRequest) -> Weights:
    """The weights of every layer, or of one, as numbers. Raises `NotFound`; `InvalidArgument` for
    more of them than one answer may have.
    """
    with context.database.read() as connection:
        found = trained(connection, id, context.owner, request.epoch)
    wanted = found.network.names if request.layer is None else (found.named(request.layer),)
    layers: dict[str, list[WeightArray]] = {name: [] for name in wanted}
    chosen = [name for name in found.network.parameters if name.partition(".")[0] in layers]
    numbers = sum(found.weights[name].size for name in chosen)
    _afford(context, "layer", numbers, "one layer, or take the checkpoint as a file")
    for name in chosen:
        layer, _, own = name.partition(".")
        array = found.weights[name]
        layers[layer].append(
            WeightArray(
                name=own, shape=list(array.shape), values=array.ravel().astype(float).tolist()
            )
        )
    told = [LayerWeights(name=name, arrays=arrays) for name, arrays in layers.items() if arrays]
    return Weights(epoch=found.epoch, layers=told)


def _opened(context: Context, id: str, epoch: int | None) -> tuple[Trained, Prepared]:
    with context.database.read() as connection:
        found = trained(connection, id, context.owner, epoch)
    database, limits = context.database, context.settings.limits
    return found, prepare(database, found.spec, context.owner, limits, stored=True)


def _afford(context: Context, field: str, numbers: int, remedy: str) -> None:
    most = context.settings.limits.max_inspected_values
    if numbers > most:
        raise InvalidArgument.of(
            FieldError(
                field, f"makes {numbers} numbers, and one answer may have {most}: ask for {remedy}"
            ),
            reason="limit_exceeded",
        )


def _around(dataset: Dataset) -> BoundsSpec:
    low, high = dataset.inputs.min(0), dataset.inputs.max(0)
    margin = np.where(high > low, MARGIN * (high - low), 1.0)
    (x_min, y_min), (x_max, y_max) = (low - margin).tolist(), (high + margin).tolist()
    return BoundsSpec.model_construct(x_min=x_min, x_max=x_max, y_min=y_min, y_max=y_max)


def _told(
    found: Trained, samples: Samples, loss: engine.Loss, *, has_classes: bool
) -> list[SamplePrediction]:
    outputs = found.outputs(samples.inputs)
    losses = losses_of(loss, outputs, samples.targets).tolist()
    wanted: list[Any] = [[]] * len(samples)
    answered = wanted
    if has_classes:
        wanted = true_classes(samples.targets).tolist()
        answered = classes_of(outputs, says_yes_from(loss)).tolist()
    single = has_classes and outputs.ndim == 2
    rows = zip(
        samples.indices.tolist(),
        samples.held_out.tolist(),
        samples.inputs.tolist(),
        samples.targets.reshape(len(samples), -1).astype(float).tolist(),
        outputs.reshape(len(samples), -1).astype(float).tolist(),
        wanted,
        answered,
        losses,
        strict=True,
    )
    return [
        SamplePrediction(
            index=index,
            split="validation" if held_out else "train",
            inputs=inputs,
            target=target,
            outputs=output,
            target_class=is_ if single else None,
            predicted_class=taken_for if single and taken_for != NO_CLASS else None,
            target_classes=[] if single else is_,
            predicted_classes=[] if single else taken_for,
            loss=value,
        )
        for index, held_out, inputs, target, output, is_, taken_for, value in rows
    ]
