"""The network and the data of a training run within one call, and its cost."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache

from epochal_engine import (
    LOSSES,
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
from epochal_service.datasets import Dataset, DatasetError, from_rows, load
from epochal_service.errors import FieldError, InvalidArgument
from epochal_service.specs.build import build_network
from epochal_service.specs.datasets import GeneratorSpec
from epochal_service.specs.networks import LayerSpec

from ..specs.explorers.quantity import Quantity
from ..specs.explorers.short_run import ShortRunSpec
from .formulas import expression, number, quantity

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

MAX_COST = 3.5e9
"""Operations of one call: about 200 ms."""
PER_CALL = 80_000
"""The fixed cost of a layer in one step, in operations."""
PER_VALUE = 30
"""The cost of one activation, forward and backward, in operations; of pooling, per input."""
PER_PARAMETER = 300
"""The cost of one parameter's update with the most expensive optimizer, in operations."""


@dataclass(frozen=True, eq=False)
class ShortRun:
    """A network and data that fit it."""

    network: Network
    data: Data

    @property
    def samples(self) -> int:
        """Number of samples."""
        return len(self.data.train_inputs)

    def steps(self, batch_size: int | None) -> int:
        """Return the number of steps in an epoch."""
        return math.ceil(self.samples / min(batch_size or self.samples, self.samples))


def short_run(spec: ShortRunSpec) -> ShortRun:
    """Return network and data. Raise `InvalidArgument` if they are too large or do not fit."""
    network = _network(spec)
    dataset = _dataset(spec)
    if dataset.samples > MAX_SAMPLES:
        raise InvalidArgument.of(
            FieldError(
                "dataset", f"must have at most {MAX_SAMPLES} samples; got {dataset.samples}"
            ),
            reason="limit_exceeded",
        )
    try:
        targets = dataset.encoded_targets(spec.loss)
    except DatasetError as error:
        raise _under_dataset(error) from None
    errors = []
    if LOSSES[spec.loss].rows > 1:
        errors.append(FieldError("loss", f"must be a loss of single rows, not {spec.loss}"))
    if math.prod(network.input_shape) != dataset.features:
        errors.append(
            FieldError(
                "network.input_shape",
                f"must be [{dataset.features}], the features of {dataset.name}; got "
                f"{spec.network.input_shape}",
            )
        )
    at = f"network.layers[{len(spec.network.layers) - 1}]"
    needed = dataset.output_shape(targets)
    if network.output_shape != needed:
        errors.append(
            FieldError(
                at,
                f"must have output shape {list(needed)} for {dataset.name} with "
                f"{spec.loss}; got {list(network.output_shape)}",
            )
        )
    try:
        check_output(network, spec.loss)
    except ValueError as error:
        errors.append(FieldError("loss", str(error)))
    if errors:
        raise InvalidArgument.of(*errors)
    inputs = dataset.inputs.reshape(-1, *network.input_shape)
    rows = LOSSES[spec.loss].targets(targets, (len(inputs), *needed))
    return ShortRun(network, Data(inputs, rows))


def training_cost(spec: ShortRunSpec, run: ShortRun, epochs: int, members: int = 1) -> Quantity:
    """Return the cost of training. Raise `InvalidArgument` if one call may not cost as much."""
    # The backward pass takes about twice the operations of the forward pass.
    values = sum(
        math.prod(shape) * _window(layer)
        for layer, shape in zip(run.network.layers, run.network.shapes[1:], strict=True)
    )
    per_sample = 3 * run.network.flops + PER_VALUE * values
    steps = epochs * run.steps(spec.batch_size)
    layers = len(run.network.layers)
    size = run.network.learned_size
    per_step = layers * PER_CALL + members * size * PER_PARAMETER
    cost = epochs * run.samples * members * per_sample + steps * per_step
    result = quantity(
        "cost",
        cost,
        f"epochs·samples·members·(3·FLOPs + {PER_VALUE}·values) + "
        f"steps·(layers·{PER_CALL} + members·parameters·{PER_PARAMETER}), "
        f"at most {number(MAX_COST)}",
        expression(
            f"{{}}·{{}}·{{}}·(3·{{}} + {PER_VALUE}·{{}}) + "
            f"{{}}·({{}}·{PER_CALL} + {{}}·{{}}·{PER_PARAMETER})",
            epochs,
            run.samples,
            members,
            run.network.flops,
            values,
            steps,
            layers,
            members,
            size,
        ),
    )
    if cost > MAX_COST:
        raise InvalidArgument.of(
            FieldError(
                "epochs",
                f"must cost at most {number(MAX_COST)}, about 200 ms; got {result.substituted}. "
                "Use fewer epochs, or POST /v1/jobs or /v1/sweeps, which may take longer",
            ),
            reason="limit_exceeded",
        )
    return result


def _window(layer: Layer) -> int:
    """The number of inputs of one output of a pooling layer; 1 for other layers."""
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
                FieldError(
                    f"{path}.type",
                    f"must be one of {', '.join(KINDS)}; other layers need a job",
                )
            )
        errors += [
            FieldError(f"{path}.{size}", f"must be at most {MAX_UNITS}; larger layers need a job")
            for size in ("units", "filters")
            if getattr(layer, size, 0) > MAX_UNITS
        ]
    if count > MAX_LAYERS:
        errors.append(FieldError("network.layers", f"must be at most {MAX_LAYERS}; got {count}"))
    if math.prod(spec.network.input_shape) > MAX_INPUTS:
        errors.append(FieldError("network.input_shape", f"must hold at most {MAX_INPUTS} numbers"))
    if errors:
        raise InvalidArgument.of(*errors, reason="limit_exceeded")
    try:
        network = build_network(spec.network)
        size = network.learned_size
    except ShapeError as error:
        raise InvalidArgument.of(FieldError(f"network.layers[{error.layer}]", str(error))) from None
    except ValueError as error:
        raise InvalidArgument.of(FieldError("network.layers", str(error))) from None
    if size > MAX_PARAMETERS:
        raise InvalidArgument.of(
            FieldError(
                "network.layers",
                f"must have at most {MAX_PARAMETERS} parameters; got {size}. POST /v1/jobs takes "
                "larger networks",
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
    dataset = spec.dataset
    try:
        if isinstance(dataset, GeneratorSpec):
            if (dataset.samples or 0) > MAX_SAMPLES:
                raise DatasetError(("samples", f"must be at most {MAX_SAMPLES}"))
            return _loaded(**dict(dataset))
        is_single = all(len(row) == 1 for row in dataset.targets)
        targets = [row[0] for row in dataset.targets] if is_single else dataset.targets
        return from_rows(dataset.inputs, targets, loss=spec.loss)
    except DatasetError as error:
        raise _under_dataset(error) from None


_loaded = lru_cache(maxsize=32)(load)


def _under_dataset(error: DatasetError) -> InvalidArgument:
    return InvalidArgument.of(
        *(
            FieldError(field if field == "loss" else f"dataset.{field}", text)
            for field, text in error.errors
        )
    )
