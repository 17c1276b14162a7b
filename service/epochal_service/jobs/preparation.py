"""From a spec to what the engine trains: checked as a whole, since parts that are each right may
not fit together.
"""

from __future__ import annotations

import json
import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from epochal_engine import (
    LOSSES,
    Data,
    Network,
    Training,
    split,
    summarize,
)

from ..datasets import Dataset, DatasetError, from_rows, load
from ..errors import FieldError, InvalidArgument, NotFound
from ..settings import Limits
from ..specs.build import build_augmentation, build_loss, build_network, build_training
from ..specs.datasets import GeneratorSpec, InlineDataset, NamedDataset, UploadedDataset
from ..specs.limits import LIMIT, check_network
from ..specs.networks import EmbeddingSpec, NetworkSpec
from ..specs.training import TrainingSpec
from ..store import Connection
from ..store import datasets as stored_datasets
from ..store.packing import unpack_state

Array = NDArray[Any]

# Keys that stand beside a network's weights in a checkpoint, so that whoever predicts scales as
# training did.
SHIFT, SCALE = "scaling.shift", "scaling.scale"

# An automatic choice of checkpoints keeps at most this many weights in all.
AUTOMATIC_WEIGHTS = 2_000_000
AUTOMATIC_CHECKPOINTS = 20


@dataclass(frozen=True)
class Price:
    """What a job amounts to: parameters, samples trained on, floating-point operations."""

    parameters: int
    samples: int
    flops: float


@dataclass(frozen=True)
class Prepared:
    """All that a run needs; `scaling` belongs into every checkpoint."""

    network: Network
    training: Training
    data: Data
    scaling: dict[str, Array]
    weights_every: int
    price: Price


def load_dataset(spec: TrainingSpec, connection: Connection, owner: str) -> Dataset:
    """The data set that the spec names. Raises `InvalidArgument` on its fields."""
    asked = spec.dataset
    try:
        match asked:
            case NamedDataset():
                return generate(asked)
            case InlineDataset():
                alone = all(len(row) == 1 for row in asked.targets)
                targets: Sequence[Any] = (
                    [row[0] for row in asked.targets] if alone else asked.targets
                )
                return from_rows(
                    asked.inputs,
                    targets,
                    loss=spec.loss,
                    sequence_classes=_sequence_classes(spec),
                    feature_names=asked.feature_names,
                    class_names=asked.class_names,
                )
            case UploadedDataset():
                return uploaded(connection, asked.id, owner)
    except DatasetError as error:
        raise under("dataset", error) from None


def trained_on(spec: TrainingSpec, connection: Connection, owner: str) -> Dataset:
    """The data set of a job that there is. Raises `NotFound` if it was deleted since."""
    try:
        return load_dataset(spec, connection, owner)
    except InvalidArgument:
        if not isinstance(spec.dataset, UploadedDataset):
            raise
        raise NotFound(
            f"The data set that the job was trained on, {spec.dataset.id}, was deleted",
            reason="dataset_not_found",
        ) from None


def class_names(spec: TrainingSpec, connection: Connection, owner: str) -> Sequence[str]:
    """What the classes of the job's data set are called; nothing for a regression."""
    if isinstance(spec.dataset, UploadedDataset):
        row = stored_datasets.find(connection, spec.dataset.id, owner)
        return [] if row is None else json.loads(row.about)["class_names"]
    return load_dataset(spec, connection, owner).class_names


def generate(asked: GeneratorSpec) -> Dataset:
    """A built-in data set. Raises `DatasetError`."""
    return load(
        asked.name,
        samples=asked.samples,
        noise=asked.noise,
        seed=asked.seed,
        classes=asked.classes,
        features=asked.features,
        length=asked.length,
    )


def uploaded(connection: Connection, dataset_id: str, owner: str) -> Dataset:
    """A data set from the store. Raises `DatasetError` on `id` if there is none."""
    row = stored_datasets.find(connection, dataset_id, owner)
    content = stored_datasets.content(connection, dataset_id) if row else None
    if content is None:
        raise _missing(dataset_id)
    arrays, about = unpack_state(content)
    names = {
        key: tuple(about.get(key, ()))  # older ones have no names of tokens
        for key in ("feature_names", "class_names", "target_names", "token_names")
    }
    return Dataset(
        name=about["name"],
        description=about["description"],
        task=about["task"],
        inputs=arrays["inputs"],
        targets=arrays["targets"],
        source=about["source"],
        license=about["license"],
        **names,
    )


def hold_dataset(dataset_id: str, connection: Connection, owner: str) -> None:
    """Keep a stored data set until the commit: nobody deletes it from under a job that is being
    made. Raises `InvalidArgument` if somebody just has.
    """
    if stored_datasets.find(connection, dataset_id, owner, lock=True) is None:
        raise under("dataset", _missing(dataset_id))


def _missing(dataset_id: str) -> DatasetError:
    return DatasetError(("id", f"There is no data set {dataset_id}: GET /v1/datasets has all."))


def under(prefix: str, error: DatasetError) -> InvalidArgument:
    """The data set's error with its fields where they stand in the request; `loss` stands at the
    top.
    """
    return InvalidArgument.of(
        *(
            FieldError(field if field == "loss" or not prefix else f"{prefix}.{field}", text)
            for field, text in error.errors
        )
    )


def prepare(spec: TrainingSpec, dataset: Dataset, limits: Limits) -> Prepared:
    """Everything that a run needs. Raises `InvalidArgument` with all that does not fit."""
    assert isinstance(spec.network, NetworkSpec)  # a reference is resolved where the job is made
    network = check_network(spec.network, limits)
    try:
        targets = dataset.encoded_targets(spec.loss)
    except DatasetError as error:
        raise under("", error) from None
    errors = [
        *_misfits(spec, spec.network, network, dataset, targets),
        *_contradictions(spec, network),
    ]
    if dataset.samples > limits.max_samples:
        errors.append(FieldError("dataset", f"has more than {limits.max_samples} samples: {LIMIT}"))
    if spec.epochs > limits.max_epochs:
        errors.append(FieldError("epochs", f"may be at most {limits.max_epochs}: {LIMIT}"))
    errors += [
        FieldError("dataset", f"has {name} beyond 3.4e38, the largest float32: use another unit")
        for name, values in (("inputs", dataset.inputs), ("targets", targets))
        if np.abs(values).max() > np.finfo(np.float32).max
    ]
    if errors:
        raise InvalidArgument.of(*errors)

    inputs = dataset.inputs.reshape(-1, *network.input_shape)
    data = divide(spec, inputs, targets)
    samples = len(data.train_inputs)
    if samples == 0:
        raise InvalidArgument.of(
            FieldError("validation_fraction", "leaves no sample to train on: make it smaller")
        )
    scaling = scaling_of(data.train_inputs, spec.dataset.scaling)
    data = Data(
        scaled(data.train_inputs, scaling),
        data.train_targets,
        None if data.validation_inputs is None else scaled(data.validation_inputs, scaling),
        data.validation_targets,
    )
    total = summarize(network)
    # Backward takes about twice the operations of forward (Kaplan et al. 2020, section 2.1).
    price = Price(total.parameters, samples, 3.0 * total.flops * samples * spec.epochs)
    if price.flops > limits.max_flops:
        raise InvalidArgument.of(
            FieldError(
                "epochs",
                f"cost {price.flops:.3g} operations (3 · {total.flops} operations forward · "
                f"{samples} samples · {spec.epochs} epochs), and one job may cost "
                f"{limits.max_flops:.3g}: ask for fewer epochs, a smaller network or less data",
            ),
            reason="limit_exceeded",
        )
    training = build_training(spec, dataset.ignore_label)
    return Prepared(network, training, data, scaling, _weights_every(spec, total.parameters), price)


def divide(spec: TrainingSpec, inputs: Array, targets: Array) -> Data:
    """The samples `(n, …)` in the two parts that the job's seed decides on."""
    seed = np.random.SeedSequence(spec.seed, spawn_key=(0x5711,))
    return split(inputs, targets, spec.validation_fraction, rng=np.random.default_rng(seed))


def _sequence_classes(spec: TrainingSpec) -> int:
    """The classes between which the network chooses at each place; 0 if it answers once."""
    if spec.loss != "cross_entropy" or not isinstance(spec.network, NetworkSpec):
        return 0
    try:
        shape = build_network(spec.network).output_shape
    except ValueError:  # will be told where the network is checked
        return 0
    return shape[1] if len(shape) == 2 else 0


def _misfits(
    spec: TrainingSpec, asked: NetworkSpec, network: Network, dataset: Dataset, targets: Array
) -> list[FieldError]:
    errors = []
    if math.prod(network.input_shape) != dataset.features:
        errors.append(
            FieldError(
                "network.input_shape",
                f"is {asked.input_shape}, and {dataset.name} has {dataset.features} features: "
                f"write [{dataset.features}]",
            )
        )
    errors += _strange_tokens(asked, dataset)
    at, output = f"network.layers[{len(asked.layers) - 1}]", asked.layers[-1]
    if network.output_shape != targets.shape[1:]:
        # More units help where the places agree.
        units = hasattr(output, "units") and network.output_shape[:-1] == targets.shape[1:-1]
        errors.append(
            FieldError(
                f"{at}.units" if units else at,
                f"gives {_written(network.output_shape)}, and {dataset.name} with {spec.loss} "
                f"needs {_written(targets.shape[1:])}",
            )
        )
    needed = LOSSES[spec.loss].output_activation
    if needed is not None and getattr(output, "activation", "") != needed:
        errors.append(
            FieldError(
                f"{at}.activation" if hasattr(output, "activation") else f"{at}.type",
                f"{spec.loss} needs a network that ends in {needed}: write "
                + (
                    needed if hasattr(output, "activation") else f"a layer with activation {needed}"
                ),
            )
        )
    return errors


def _strange_tokens(asked: NetworkSpec, dataset: Dataset) -> list[FieldError]:
    """Inputs that an embedding at the network's beginning has no vector for."""
    inputs = dataset.inputs
    return [
        FieldError(
            f"network.layers[{index}].vocabulary",
            f"is {layer.vocabulary}, and the inputs of {dataset.name} must then be whole numbers "
            f"from 0 to {layer.vocabulary - 1}; they reach from {inputs.min():g} to "
            f"{inputs.max():g}",
        )
        for index, layer in enumerate(asked.layers)
        if isinstance(layer, EmbeddingSpec)
        and (layer.input == ["input"] or (index == 0 and layer.input is None))
        and (inputs.min() < 0 or inputs.max() >= layer.vocabulary or (inputs % 1).any())
    ]


def _written(shape: tuple[int, ...]) -> str:
    return f"{shape[0]} outputs" if len(shape) == 1 else f"the shape {list(shape)}"


def _contradictions(spec: TrainingSpec, network: Network) -> list[FieldError]:
    errors = []
    if spec.optimizer.type == "perceptron" and spec.loss != "perceptron":
        errors.append(FieldError("optimizer.type", "perceptron needs the loss perceptron"))
    for index, one in enumerate(spec.augmentation):
        try:
            build_augmentation(one).check(network.input_shape)
        except ValueError as error:
            errors.append(FieldError(f"augmentation[{index}]", str(error)))
    held_out = spec.validation_fraction > 0
    if spec.target is not None:
        metric = spec.target.metric
        if metric.startswith("validation") and not held_out:
            errors.append(FieldError("target.metric", "needs a validation_fraction greater than 0"))
        if metric.endswith("accuracy") and not LOSSES[spec.loss].has_accuracy:
            errors.append(FieldError("target.metric", f"accuracy has no meaning with {spec.loss}"))
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


def _weights_every(spec: TrainingSpec, parameters: int) -> int:
    """0 stands for the last epoch only."""
    if spec.snapshots.weights_every is not None:
        return spec.snapshots.weights_every
    if parameters * AUTOMATIC_CHECKPOINTS > AUTOMATIC_WEIGHTS:
        return 0
    return math.ceil(spec.epochs / AUTOMATIC_CHECKPOINTS)


def scaling_of(inputs: Array, kind: str) -> dict[str, Array]:
    """What every feature is shifted and scaled by, from the training part `(samples, *shape)`
    alone.

    A feature that never varies is only shifted. Empty for `none`.
    """
    if kind == "none":
        return {}
    if kind == "standard":
        shift, scale = inputs.mean(axis=0), inputs.std(axis=0)
    else:
        shift = inputs.min(axis=0)
        scale = inputs.max(axis=0) - shift
    return {SHIFT: shift, SCALE: np.where(scale > 0, scale, 1.0)}


def scaled(inputs: Array, scaling: dict[str, Array]) -> Array:
    """The inputs as the network is to see them."""
    if SHIFT not in scaling:
        return inputs
    return np.asarray((inputs - scaling[SHIFT]) / scaling[SCALE])
