"""What a run needs, built from a spec and its data set.

spec, data set ──> checks ──> split, scaling ──> cost ──> Prepared
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from epochal_engine import (
    LOSSES,
    Data,
    Loss,
    Network,
    Rows,
    Run,
    State,
    Training,
    balanced_class_weights,
    find_loss,
    has_exact_match,
    split_rows,
    weights_by_class,
)
from epochal_engine.insight import Experiment

from ..datasets import Dataset, DatasetError
from ..errors import FieldError, InvalidArgument
from ..resources import corruptions, datasets
from ..settings import Limits
from ..specs.build import build_augmentation, build_loss, build_training
from ..specs.datasets import InlineDataset
from ..specs.limits import LIMIT, check_network
from ..specs.networks import NetworkSpec, input_embeddings
from ..specs.training import TrainingSpec
from . import preferences, rollouts

Array = NDArray[Any]

# Arrays in a checkpoint beside the network's weights: predictions scale inputs as training did.
SHIFT, SCALE = "scaling.shift", "scaling.scale"
# Outputs of the network times the scale plus the shift are predictions.
TARGET_SHIFT, TARGET_SCALE = "target_scaling.shift", "target_scaling.scale"
SCALINGS = (SHIFT, SCALE, TARGET_SHIFT, TARGET_SCALE)

# Without `weights_every`, all checkpoints of a job together hold at most this many weights.
AUTOMATIC_WEIGHTS = 2_000_000
AUTOMATIC_CHECKPOINTS = 20


@dataclass(frozen=True)
class Cost:
    """The cost of a job: parameters that are trained, training samples, floating-point operations.

    Frozen layers count as operations as if they were trained.
    """

    parameters: int
    samples: int
    flops: float


@dataclass(frozen=True)
class Prepared:
    """Everything that a run needs.

    spec             the spec, with its network, its split and its target scaling written out
    dataset          the data set in its own units, a validation data set behind it
    targets          the targets of the data set as the loss expects them, in its own units
    network          the engine's network
    training         the engine's training options
    data             the training and the validation part, inputs and targets scaled, with the
                     weights of samples and classes
    rows             which rows of the data set each part has; no test rows are in `data`
    scaling          the arrays `SHIFT`, `SCALE`, `TARGET_SHIFT` and `TARGET_SCALE`, part of every
                     checkpoint; arrays of inputs or targets are missing if these are not scaled
    initial_weights  another job's weights under this network's names; None for a fresh start
    reward_weights   the weights of the reward model under its names; None without one
    weights_every    epochs between two checkpoints; 0: the last epoch only
    cost             the cost of the run
    """

    spec: TrainingSpec
    dataset: Dataset
    targets: Array
    network: Network
    training: Training
    data: Data
    rows: Rows
    scaling: dict[str, Array]
    initial_weights: dict[str, Array] | None
    reward_weights: dict[str, Array] | None
    weights_every: int
    cost: Cost


def build(spec: TrainingSpec, dataset: Dataset, limits: Limits) -> Prepared:
    """Build everything that a run of the spec on the data set needs, from new weights.

    Network and split of the spec must be written out. Raises `InvalidArgument` with all fields that
    do not fit.
    """
    spec = _with_target_scaling(spec, dataset)
    network, targets = _checked(spec, dataset, limits)
    rows = split_of(spec, dataset)
    inputs = dataset.inputs.reshape(-1, *network.input_shape)
    train_inputs = _taken(inputs, rows.train)
    train_targets = _taken(targets, rows.train)
    unscaled = dataset.unscaled.reshape(network.input_shape)
    scaling = scaling_of(train_inputs, spec.dataset.scaling, unscaled)
    scaling |= target_scaling_of(train_targets, spec.target_scaling)
    training = build_training(spec, dataset.ignore_label)
    training = replace(training, rollouts=rollouts.build_rollouts(spec, dataset))
    cost = cost_of(spec, network, len(rows.train), limits)
    return Prepared(
        spec=spec,
        dataset=dataset,
        targets=targets,
        network=network,
        training=training,
        data=data_of(spec, dataset, targets, network, training, rows, scaling),
        rows=rows,
        scaling=scaling,
        initial_weights=None,
        reward_weights=None,
        weights_every=_weights_every(spec, network.weights_size),
        cost=cost,
    )


def data_of(
    spec: TrainingSpec,
    dataset: Dataset,
    targets: Array,
    network: Network,
    training: Training,
    rows: Rows,
    scaling: dict[str, Array],
) -> Data:
    """Return the training and the validation part, scaled and weighted."""
    inputs = dataset.inputs.reshape(-1, *network.input_shape)
    train = _taken(inputs, rows.train), _taken(targets, rows.train)
    data = Data(scaled(train[0], scaling), scaled_targets(train[1], scaling))
    if len(rows.validation) > 0:
        if training.corruption is None:
            samples = scaled(inputs[rows.validation], scaling), targets[rows.validation]
        else:
            whole = training.corruption.once(scaled(inputs, scaling), targets)
            samples = whole[0][rows.validation], whole[1][rows.validation]
        data = replace(
            data,
            validation_inputs=samples[0],
            validation_targets=scaled_targets(samples[1], scaling),
        )
    return _weighted(data, spec, dataset, targets, rows, find_loss(training.loss))


def experiment_of(prepared: Prepared) -> Experiment:
    """Return what a run of the spec trains, for short trials of remedies."""
    return Experiment(
        prepared.network,
        prepared.training,
        prepared.data,
        target_shift=prepared.scaling.get(TARGET_SHIFT, 0.0),
        target_scale=prepared.scaling.get(TARGET_SCALE, 1.0),
    )


def is_regression(spec: TrainingSpec, dataset: Dataset) -> bool:
    return dataset.task == "regression" and not LOSSES[spec.loss].has_accuracy


def _with_target_scaling(spec: TrainingSpec, dataset: Dataset) -> TrainingSpec:
    """Return the spec with its target scaling written out."""
    if spec.target_scaling is not None:
        return spec
    assert isinstance(spec.network, NetworkSpec)
    is_unbounded = getattr(spec.network.layers[-1], "activation", "linear") == "linear"
    standardize = is_regression(spec, dataset) and is_unbounded and spec.corruption is None
    return spec.model_copy(update={"target_scaling": "standardize" if standardize else "none"})


def split_of(spec: TrainingSpec, dataset: Dataset) -> Rows:
    """Return the rows of the data set that each part has. Raises `InvalidArgument`."""
    split, samples = spec.split, dataset.samples - dataset.validation_samples
    has_classes = bool(dataset.class_names) and dataset.targets.ndim == 1
    groups = None
    if split.group_column is not None:
        try:
            groups = dataset.groups_by(split.group_column)[:samples]
        except DatasetError as error:
            raise datasets.invalid_argument(error, "split") from None
    seed = np.random.SeedSequence(
        spec.seed if split.seed is None else split.seed, spawn_key=(0x5711,)
    )
    try:
        rows = split_rows(
            samples,
            spec.validation_fraction,
            split.test_fraction,
            rng=np.random.default_rng(seed),
            classes=dataset.targets[:samples] if split.stratify and has_classes else None,
            groups=groups,
        )
    except ValueError as error:
        field = "split.test_fraction" if split.test_fraction > 0 else "validation_fraction"
        raise InvalidArgument.of(FieldError(field, f"does not fit the data: {error}")) from None
    if dataset.validation_samples > 0:
        return replace(rows, validation=np.arange(samples, dataset.samples))
    return rows


def _taken(array: Array, rows: Array) -> Array:
    """Return the rows of the array; the array itself, not a copy, if they are all."""
    return array if len(rows) == len(array) else array[rows]


def cost_of(spec: TrainingSpec, network: Network, samples: int, limits: Limits) -> Cost:
    """Return the cost of the run. Raises `InvalidArgument` if it exceeds the limit."""
    forward = network.flops
    # The backward pass takes about twice the operations of the forward pass (Kaplan et al. 2020,
    # section 2.1).
    cost = Cost(network.learned_size, samples, 3.0 * forward * samples * spec.epochs)
    if cost.flops > limits.max_flops:
        raise InvalidArgument.of(
            FieldError(
                "epochs",
                f"cost {cost.flops:.3g} operations (3 · {forward} operations forward · "
                f"{samples} samples · {spec.epochs} epochs); the limit of one job is "
                f"{limits.max_flops:.3g}: use fewer epochs, a smaller network or less data",
            ),
            reason="limit_exceeded",
        )
    return cost


# ---------------------------------------------------------------------------------------- checks


def _checked(spec: TrainingSpec, dataset: Dataset, limits: Limits) -> tuple[Network, Array]:
    """Return the network and the encoded targets. Raises `InvalidArgument` with all misfits."""
    assert isinstance(spec.network, NetworkSpec)
    network = frozen(spec, check_network(spec.network, limits))
    check_limits(spec, dataset, limits)
    try:
        targets = dataset.encoded_targets(spec.loss)
    except DatasetError as error:
        raise datasets.invalid_argument(error, "") from None
    if LOSSES[spec.loss].rows > 1 and network.output_shape == (1,):
        # A score needs no labels.
        targets = np.zeros((dataset.samples, 1))
    errors = [
        *network_errors(spec, spec.network, network, dataset, targets),
        *(error for check in CHECKS for error in check(spec, network, dataset)),
    ]
    errors += range_errors(spec, dataset, targets, "dataset")
    if errors:
        raise InvalidArgument.of(*errors)
    return network, targets


def range_errors(
    spec: TrainingSpec, dataset: Dataset, targets: Array, field: str
) -> list[FieldError]:
    largest = np.finfo(spec.dtype).max
    return [
        FieldError(
            field, f"has {name} beyond {largest:.2g}, the largest {spec.dtype}: use another unit"
        )
        for name, values in (("inputs", dataset.inputs), ("targets", targets))
        if np.abs(values).max() > largest
    ]


def frozen(spec: TrainingSpec, network: Network) -> Network:
    """Return the network with the layers that are frozen. Raises `InvalidArgument`."""
    names = ", ".join(network.names)
    errors = [
        FieldError(f"freeze[{index}]", f"must be a layer: there is no {name}, only {names}")
        for index, name in enumerate(spec.freeze)
        if name not in network.names
    ]
    learning = {name.partition(".")[0] for name in network.learned}
    if not errors and learning <= {*spec.freeze}:
        text = f"must leave a layer with weights to train: {', '.join(sorted(learning))} is all"
        errors.append(FieldError("freeze", text))
    if errors:
        raise InvalidArgument.of(*errors)
    return replace(network, frozen=tuple(spec.freeze)) if spec.freeze else network


def check_limits(spec: TrainingSpec, dataset: Dataset, limits: Limits) -> None:
    """Raise `InvalidArgument` for the fields that exceed a limit."""
    errors = []
    if dataset.samples > limits.max_samples:
        errors.append(FieldError("dataset", f"has more than {limits.max_samples} samples: {LIMIT}"))
    if spec.epochs > limits.max_epochs:
        errors.append(FieldError("epochs", f"must be at most {limits.max_epochs}: {LIMIT}"))
    if spec.deadline_seconds is not None and spec.deadline_seconds > limits.max_deadline_seconds:
        errors.append(
            FieldError(
                "deadline_seconds", f"must be at most {limits.max_deadline_seconds:g}: {LIMIT}"
            )
        )
    if errors:
        raise InvalidArgument.of(*errors, reason="limit_exceeded")


def network_errors(
    spec: TrainingSpec,
    network_spec: NetworkSpec,
    network: Network,
    dataset: Dataset,
    targets: Array,
) -> list[FieldError]:
    """Return the fields of the network that do not fit the data set or the loss."""
    errors = []
    if math.prod(network.input_shape) != dataset.features:
        errors.append(
            FieldError(
                "network.input_shape",
                f"is {network_spec.input_shape}, but {dataset.name} has {dataset.features} "
                f"features: write [{dataset.features}]",
            )
        )
    errors += _token_errors(network_spec, dataset)
    path, output = f"network.layers[{len(network_spec.layers) - 1}]", network_spec.layers[-1]
    needed = dataset.output_shape(targets)
    if network.output_shape != needed:
        # Another number of units helps only if the time steps agree.
        units = hasattr(output, "units") and network.output_shape[:-1] == needed[:-1]
        errors.append(
            FieldError(
                f"{path}.units" if units else path,
                f"gives {_shape_text(network.output_shape)}, but {dataset.name} with {spec.loss} "
                f"needs {_shape_text(needed)}",
            )
        )
    activation = LOSSES[spec.loss].output_activation
    if LOSSES[spec.loss].rows > 1 and len(network.output_shape) == 2:
        activation = "softmax"
    if activation is not None and getattr(output, "activation", "") != activation:
        has_field = hasattr(output, "activation")
        errors.append(
            FieldError(
                f"{path}.activation" if has_field else f"{path}.type",
                f"{spec.loss} needs a network that ends in {activation}: write "
                + (activation if has_field else f"a layer with activation {activation}"),
            )
        )
    return errors


def _token_errors(network_spec: NetworkSpec, dataset: Dataset) -> list[FieldError]:
    """Return an error for each embedding of the input with a vocabulary that does not cover it."""
    inputs = dataset.inputs
    return [
        FieldError(
            f"network.layers[{index}].vocabulary",
            f"is {layer.vocabulary}, so the inputs of {dataset.name} must be whole numbers "
            f"from 0 to {layer.vocabulary - 1}; they range from {inputs.min():g} to "
            f"{inputs.max():g}",
        )
        for index, layer in input_embeddings(network_spec)
        if inputs.min() < 0 or inputs.max() >= layer.vocabulary or (inputs % 1).any()
    ]


def _shape_text(shape: tuple[int, ...]) -> str:
    return f"{shape[0]} outputs" if len(shape) == 1 else f"the shape {list(shape)}"


def _option_errors(spec: TrainingSpec, network: Network, _: Dataset) -> list[FieldError]:
    """Return the training options that contradict each other or the network."""
    errors = []
    if spec.target_scaling == "standardize" and LOSSES[spec.loss].has_accuracy:
        errors.append(FieldError("target_scaling", f"must be none: {spec.loss} needs classes"))
    if spec.validation_dataset is not None and spec.validation_fraction > 0:
        errors.append(FieldError("validation_fraction", "must be 0 with a validation_dataset"))
    if spec.validation_fraction + spec.split.test_fraction >= 1:
        text = "must be less than 1 together with validation_fraction"
        errors.append(FieldError("split.test_fraction", text))
    if spec.optimizer.type == "perceptron" and spec.loss != "perceptron":
        errors.append(FieldError("optimizer.type", "perceptron needs the loss perceptron"))
    for index, augmentation in enumerate(spec.augmentation):
        try:
            build_augmentation(augmentation).check(network.input_shape)
        except ValueError as error:
            errors.append(FieldError(f"augmentation[{index}]", str(error)))
    if spec.target is not None:
        metric = spec.target.metric
        if metric.startswith("validation") and not has_validation(spec):
            errors.append(FieldError("target.metric", "needs a validation_fraction greater than 0"))
        if metric.endswith("accuracy") and not LOSSES[spec.loss].has_accuracy:
            errors.append(FieldError("target.metric", f"accuracy has no meaning with {spec.loss}"))
        if metric.endswith("exact_match") and not has_exact_match(network, spec.loss):
            text = "needs a network and a loss for sequences of classes"
            errors.append(FieldError("target.metric", text))
    try:
        build_loss(spec)
    except ValueError as error:
        errors.append(FieldError("loss_options", str(error)))
    warmup = getattr(spec.schedule, "warmup_epochs", 0)
    if warmup > spec.epochs:
        errors.append(
            FieldError("schedule.warmup_epochs", f"must be at most the {spec.epochs} epochs")
        )
    return errors


def _class_weight_errors(spec: TrainingSpec, _: Network, dataset: Dataset) -> list[FieldError]:
    """Return what is wrong with the class weights."""
    weights, classes = spec.class_weights, len(dataset.class_names)
    if weights is None:
        return []
    if not LOSSES[spec.loss].has_accuracy:
        text = f"need a loss for classes: {spec.loss} compares numbers"
    elif classes == 0:
        text = f"need one class for each sample: {dataset.name} has several binary outputs"
    elif weights != "balanced" and len(weights) != classes:
        text = (
            f"must have {classes} numbers, one for each class of {dataset.name}; it has "
            f"{len(weights)}"
        )
    else:
        return []
    return [FieldError("class_weights", text)]


CHECKS: tuple[Callable[[TrainingSpec, Network, Dataset], Iterable[FieldError]], ...] = (
    _option_errors,
    _class_weight_errors,
    corruptions.corruption_errors,
    preferences.errors_of,
    rollouts.errors_of,
)
"""Functions that yield the fields of a spec that do not fit, in the order of the error's detail."""


def has_validation(spec: TrainingSpec) -> bool:
    """Return whether the job has a validation part."""
    return spec.validation_fraction > 0 or spec.validation_dataset is not None


def _weights_every(spec: TrainingSpec, parameters: int) -> int:
    """Return the epochs between two checkpoints; 0: the last epoch only."""
    if spec.snapshots.weights_every is not None:
        return spec.snapshots.weights_every
    if parameters * AUTOMATIC_CHECKPOINTS > AUTOMATIC_WEIGHTS:
        return 0
    return math.ceil(spec.epochs / AUTOMATIC_CHECKPOINTS)


# --------------------------------------------------------------------------------------- scaling


def scaling_of(inputs: Array, kind: str, unscaled: Array) -> dict[str, Array]:
    """Return shift and scale of every feature, computed from the training part `(n, *shape)`.

    `unscaled` features `(*shape,)` have shift 0 and scale 1. A constant feature has scale 1. Empty
    for `none`.
    """
    if kind == "none":
        return {}
    if kind == "standard":
        shift, scale = inputs.mean(axis=0), inputs.std(axis=0)
    else:
        shift = inputs.min(axis=0)
        scale = inputs.max(axis=0) - shift
    scale = np.where((scale > 0) & ~unscaled, scale, 1.0)
    return {SHIFT: np.where(unscaled, 0.0, shift), SCALE: scale}


def corrupted_once(prepared: Prepared) -> tuple[Array, Array]:
    """Return the inputs `(n, features)` of the data set in its own units, and the targets, both
    corrupted by the fixed draw that validation has; unchanged if the training does not corrupt.
    """
    inputs, targets = prepared.dataset.inputs, prepared.targets
    corruption, scaling = prepared.training.corruption, prepared.scaling
    if corruption is None:
        return inputs, targets
    shape = (-1, *prepared.network.input_shape)
    corrupted, targets = corruption.once(scaled(inputs.reshape(shape), scaling), targets)
    if SHIFT in scaling:
        corrupted = corrupted * scaling[SCALE] + scaling[SHIFT]
    return corrupted.reshape(len(inputs), -1), targets


def scaled(inputs: Array, scaling: dict[str, Array]) -> Array:
    """Return the inputs `(n, *shape)`, scaled as the network expects them."""
    if SHIFT not in scaling:
        return inputs
    return np.asarray((inputs - scaling[SHIFT]) / scaling[SCALE])


def _weighted(
    data: Data, spec: TrainingSpec, dataset: Dataset, targets: Array, rows: Rows, loss: Loss
) -> Data:
    """Return the data with the weights of its samples: the product of row weight and class weight.

    Raises `InvalidArgument` if a part has only weights of 0.
    """
    if dataset.weights is None and spec.class_weights is None:
        return data
    class_weights = None
    if spec.class_weights == "balanced":
        train = _taken(targets, rows.train)
        class_weights = balanced_class_weights(loss, train, len(dataset.class_names))
    elif spec.class_weights is not None:
        class_weights = np.array(spec.class_weights, np.float64)

    def weights_of(part: str, members: Array) -> Array:
        weights = np.ones(len(members))
        if dataset.weights is not None:
            weights = dataset.weights[members]
            if not weights.any():
                has_dataset = part == "validation" and dataset.validation_samples > 0
                field = "validation_dataset" if has_dataset else "dataset"
                if isinstance(getattr(spec, field), InlineDataset):
                    field += ".weights"
                text = f"must have a weight greater than 0 in the {part} part; all are 0"
                raise InvalidArgument.of(FieldError(field, text))
        if class_weights is None:
            return weights
        by_class = weights_by_class(loss, targets[members], class_weights)
        return weights.reshape(-1, *(1,) * (by_class.ndim - 1)) * by_class

    return replace(
        data,
        train_sample_weights=weights_of("training", rows.train),
        validation_sample_weights=weights_of("validation", rows.validation)
        if len(rows.validation) > 0
        else None,
    )


def target_scaling_of(targets: Array, kind: str | None) -> dict[str, Array]:
    """Return shift and scale of every target, computed from the training part `(n, targets)`.

    A constant target has scale 1. Empty unless the kind is `standardize`.
    """
    if kind != "standardize":
        return {}
    shift, scale = targets.mean(axis=0), targets.std(axis=0)
    return {TARGET_SHIFT: shift, TARGET_SCALE: np.where(scale > 0, scale, 1.0)}


def scaled_targets(targets: Array, scaling: dict[str, Array]) -> Array:
    """Return the targets `(n, targets)`, scaled as the network is trained to predict them."""
    if TARGET_SHIFT not in scaling:
        return targets
    return np.asarray((targets - scaling[TARGET_SHIFT]) / scaling[TARGET_SCALE])


def unscaled_outputs(outputs: Array, scaling: dict[str, Array]) -> Array:
    """Return the outputs of the network `(n, targets)` in the data's own units."""
    if TARGET_SHIFT not in scaling:
        return outputs
    return np.asarray(outputs * scaling[TARGET_SCALE] + scaling[TARGET_SHIFT])


def forked(prepared: Prepared, weights: Mapping[str, Array]) -> State:
    """Return the state of a new run with these weights."""
    state = Run(prepared.network, prepared.training, prepared.data).state()
    chosen = {name: weights[name] for name in prepared.network.parameters}
    return replace(state, arrays={**state.arrays, **chosen})
