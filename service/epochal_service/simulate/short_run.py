"""From what may be asked in one call to what the engine trains, within a budget."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache

from epochal_engine import (
    AveragePool1d,
    AveragePool2d,
    Data,
    Layer,
    MaxPool1d,
    MaxPool2d,
    Network,
    ShapeError,
    check_output,
)

from ..datasets import Dataset, DatasetError, from_rows, load
from ..errors import FieldError, InvalidArgument
from ..specs.build import build_network
from ..specs.datasets import GeneratorSpec
from ..specs.networks import LayerSpec
from ..specs.simulations.quantity import Quantity
from ..specs.simulations.short_run import ShortRunSpec
from .formulas import number

KINDS = (
    "dense",
    "activation",
    "dropout",
    "layer_norm",
    "batch_norm",
    "residual",
    "flatten",
    "reshape",
    "conv1d",
    "conv2d",
    "max_pool1d",
    "max_pool2d",
    "average_pool1d",
    "average_pool2d",
    "global_max_pool",
    "global_average_pool",
)
MAX_LAYERS, MAX_UNITS, MAX_PARAMETERS, MAX_SAMPLES, MAX_INPUTS = 16, 256, 20_000, 2_000, 1_024

MAX_PRICE = 3.5e9
"""Operations of one call, about 200 ms."""
PER_CALL = 80_000
"""What a layer of a step costs however few its numbers are, in operations."""
PER_VALUE = 30
"""What the activation of one number costs, there and back; of pooling, each number it looks at."""
PER_PARAMETER = 300
"""What the update of one parameter costs, by the dearest of the optimizers."""


@dataclass(frozen=True, eq=False)
class ShortRun:
    """A network, and data that fit it."""

    network: Network
    data: Data

    @property
    def samples(self) -> int:
        """Rows of the data."""
        return len(self.data.train_inputs)

    def steps(self, batch_size: int | None) -> int:
        """Of one epoch."""
        return math.ceil(self.samples / min(batch_size or self.samples, self.samples))


def short_run(spec: ShortRunSpec) -> ShortRun:
    """The network and its data. Raises `InvalidArgument` with what is too large or does not fit."""
    network = _network(spec)
    dataset = _dataset(spec)
    if dataset.samples > MAX_SAMPLES:
        raise InvalidArgument.of(
            FieldError("dataset", f"has {dataset.samples} samples, and may have {MAX_SAMPLES}"),
            reason="limit_exceeded",
        )
    try:
        targets = dataset.encoded_targets(spec.loss)
    except DatasetError as error:
        raise _under_dataset(error) from None
    errors = []
    if math.prod(network.input_shape) != dataset.features:
        errors.append(
            FieldError(
                "network.input_shape",
                f"is {spec.network.input_shape}, and {dataset.name} has {dataset.features} "
                f"features: write [{dataset.features}]",
            )
        )
    at = f"network.layers[{len(spec.network.layers) - 1}]"
    if network.output_shape != targets.shape[1:]:
        errors.append(
            FieldError(
                at,
                f"gives {list(network.output_shape)}, and {dataset.name} with {spec.loss} needs "
                f"{list(targets.shape[1:])}",
            )
        )
    try:
        check_output(network, spec.loss)
    except ValueError as error:
        errors.append(FieldError("loss", str(error)))
    if errors:
        raise InvalidArgument.of(*errors)
    inputs = dataset.inputs.reshape(-1, *network.input_shape)
    return ShortRun(network, Data(inputs, targets))


def priced(spec: ShortRunSpec, run: ShortRun, epochs: int, members: int = 1) -> Quantity:
    """What training costs. Raises `InvalidArgument` if that is more than one call may cost."""
    # Backward takes about twice the operations of forward.
    values = sum(
        math.prod(shape) * _window(layer)
        for layer, shape in zip(run.network.layers, run.network.shapes[1:], strict=True)
    )
    a_sample = 3 * run.network.flops + PER_VALUE * values
    steps = epochs * run.steps(spec.batch_size)
    layers = len(run.network.layers)
    size = run.network.learnt_size
    a_step = layers * PER_CALL + members * size * PER_PARAMETER
    price = epochs * run.samples * members * a_sample + steps * a_step
    quantity = Quantity(
        name="price",
        value=price,
        formula=(
            "price = epochs·samples·members·(3·FLOPs + "
            f"{PER_VALUE}·values) + steps·(layers·{PER_CALL} + members·parameters·"
            f"{PER_PARAMETER}), at most {number(MAX_PRICE)}"
        ),
        substituted=(
            f"price = {epochs}·{run.samples}·{members}·(3·{run.network.flops} + "
            f"{PER_VALUE}·{values}) + {steps}·({layers}·{PER_CALL} + {members}·{size}·"
            f"{PER_PARAMETER}) = {number(price)}"
        ),
    )
    if price > MAX_PRICE:
        raise InvalidArgument.of(
            FieldError(
                "epochs",
                f"{quantity.substituted}, and one call may cost {number(MAX_PRICE)}, about 200 ms: "
                "ask for fewer epochs, or POST /v1/jobs or /v1/sweeps, which may take longer",
            ),
            reason="limit_exceeded",
        )
    return quantity


def _window(layer: Layer) -> int:
    """The numbers that one of its outputs is chosen from, or is the mean of."""
    match layer:
        case MaxPool1d() | AveragePool1d():
            return layer.pool_size
        case MaxPool2d() | AveragePool2d():
            size = layer.pool_size
            return size * size if isinstance(size, int) else math.prod(size)
    return 1


def _network(spec: ShortRunSpec) -> Network:
    errors = []
    count = 0
    for path, layer in _layers(spec.network.layers, "network.layers"):
        count += 1
        if layer.type not in KINDS:
            errors.append(
                FieldError(f"{path}.type", f"must be one of {', '.join(KINDS)}; others need a job")
            )
        errors += [
            FieldError(f"{path}.{size}", f"may be at most {MAX_UNITS}; larger ones need a job")
            for size in ("units", "filters")
            if getattr(layer, size, 0) > MAX_UNITS
        ]
    if count > MAX_LAYERS:
        errors.append(FieldError("network.layers", f"may have at most {MAX_LAYERS}"))
    if math.prod(spec.network.input_shape) > MAX_INPUTS:
        errors.append(FieldError("network.input_shape", f"may hold at most {MAX_INPUTS} numbers"))
    if errors:
        raise InvalidArgument.of(*errors, reason="limit_exceeded")
    try:
        network = build_network(spec.network)
        size = network.learnt_size
    except ShapeError as error:
        raise InvalidArgument.of(FieldError(f"network.layers[{error.layer}]", str(error))) from None
    except ValueError as error:
        raise InvalidArgument.of(FieldError("network.layers", str(error))) from None
    if size > MAX_PARAMETERS:
        raise InvalidArgument.of(
            FieldError(
                "network.layers",
                f"make {size} parameters, and a short run may have {MAX_PARAMETERS}: "
                "POST /v1/jobs takes more",
            ),
            reason="limit_exceeded",
        )
    return network


def _layers(layers: Sequence[LayerSpec], at: str) -> Iterator[tuple[str, LayerSpec]]:
    for index, layer in enumerate(layers):
        yield f"{at}[{index}]", layer
        if layer.type == "residual":
            yield from _layers(layer.layers, f"{at}[{index}].layers")


def _dataset(spec: ShortRunSpec) -> Dataset:
    asked = spec.dataset
    try:
        if isinstance(asked, GeneratorSpec):
            if (asked.samples or 0) > MAX_SAMPLES:
                raise DatasetError(("samples", f"may be at most {MAX_SAMPLES}"))
            return _loaded(
                asked.name, asked.samples, asked.noise, asked.seed, asked.classes, asked.features
            )
        alone = all(len(row) == 1 for row in asked.targets)
        targets = [row[0] for row in asked.targets] if alone else asked.targets
        return from_rows(asked.inputs, targets, loss=spec.loss)
    except DatasetError as error:
        raise _under_dataset(error) from None


@lru_cache(maxsize=32)
def _loaded(
    name: str,
    samples: int | None,
    noise: float | None,
    seed: int,
    classes: int | None,
    features: int | None,
) -> Dataset:
    return load(name, samples=samples, noise=noise, seed=seed, classes=classes, features=features)


def _under_dataset(error: DatasetError) -> InvalidArgument:
    return InvalidArgument.of(
        *(
            FieldError(field if field == "loss" else f"dataset.{field}", text)
            for field, text in error.errors
        )
    )
