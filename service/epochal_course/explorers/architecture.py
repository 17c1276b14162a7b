"""The size of a network: shapes, parameters, operations, memory, and known models beside it."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from functools import lru_cache

from epochal_engine import OPTIMIZERS, Network, ShapeError, Summary, summarize
from epochal_service.errors import FieldError, InvalidArgument
from epochal_service.methods.examples import THREE_FOUR_FOUR_TWO
from epochal_service.specs.build import build_network
from epochal_service.specs.limits import filter_positions, in_bytes
from epochal_service.specs.networks import LayerSpec, NetworkSpec

from ..specs.content.models import Model
from ..specs.explorers.architecture import (
    ArchitectureLayer,
    ArchitectureMemory,
    ArchitectureSimulation,
    LayerCount,
    ModelComparison,
    OptimizerMemory,
    Precision,
    SimulateArchitectureRequest,
)
from ..specs.explorers.quantity import Quantity
from .explorer import Explorer
from .formulas import expression, number, quantity, total, whole
from .models import GPT_2, LENET_5, models

MAX_LAYERS = 256
MAX_SIZE = 10_000_000
MAX_TABLE = 1_000_000
MAX_FILTER_POSITIONS = 2_048
MAX_TOTAL = 10**18
WIDTHS: dict[Precision, int] = {"float32": 4, "float16": 2}


def architecture(request: SimulateArchitectureRequest) -> ArchitectureSimulation:
    """Count parameters, operations and memory of a network, without making any weights.

    Raises `InvalidArgument` if its shapes do not fit, or if it is too large to count.
    """
    network, summary = _summarized(request.network.model_dump_json())
    outputs = [math.prod(row.output_shape) for row in summary.layers]
    if max(summary.parameters, summary.flops, sum(outputs)) * request.batch_size > MAX_TOTAL:
        raise InvalidArgument.of(
            FieldError("network.layers", f"must take at most {MAX_TOTAL:.0e} numbers a batch"),
            reason="limit_exceeded",
        )
    moments = {name: optimizer.moments for name, optimizer in OPTIMIZERS.items()}
    values = request.batch_size * (math.prod(network.input_shape) + sum(outputs))
    return ArchitectureSimulation(
        layers=_layers(network, summary, outputs),
        parameters=_sum("parameters", [row.parameters for row in summary.layers]),
        flops=_sum("FLOPs", [row.flops for row in summary.layers]),
        training_flops=quantity(
            "FLOPs",
            3 * summary.flops * request.batch_size,
            "3·(forward pass)·(batch size)",
            expression("3·{}·{}", summary.flops, request.batch_size),
        ),
        counts=_counts(network, summary),
        memory=[
            _memory(
                precision,
                summary.parameters,
                values,
                request.optimizer,
                moments[request.optimizer],
            )
            for precision in WIDTHS
        ],
        optimizers=[
            OptimizerMemory(
                optimizer=name,
                numbers_per_parameter=count,
                bytes=4 * count * summary.parameters,
            )
            for name, count in moments.items()
        ],
        comparisons=[_comparison(model, summary.parameters) for model in models()],
        verdict=_verdict(summary),
    )


def _layers(network: Network, summary: Summary, outputs: list[int]) -> list[ArchitectureLayer]:
    return [
        ArchitectureLayer(
            name=row.name,
            type=row.type,
            output_shape=list(row.output_shape),
            activation=row.activation,
            initializer=row.initializer,
            parameters=row.parameters,
            parameters_formula=row.parameters_formula,
            flops=row.flops,
            flops_formula=_flops_formula(network, row.name, row.flops),
            parameter_fraction=row.parameters / summary.parameters,
            flops_fraction=row.flops / max(summary.flops, 1),
            output_size=size,
            weight_bytes=4 * row.parameters,
        )
        for row, size in zip(summary.layers, outputs, strict=True)
    ]


@lru_cache(maxsize=64)
def _summarized(spec: str) -> tuple[Network, Summary]:
    network = _network(NetworkSpec.model_validate_json(spec))
    return network, summarize(network)


def _all(layers: Sequence[LayerSpec], at: str) -> Iterator[tuple[str, LayerSpec]]:
    for index, layer in enumerate(layers):
        yield f"{at}[{index}]", layer
        if layer.type == "residual":
            yield from _all(layer.layers, f"{at}[{index}].layers")


def _network(spec: NetworkSpec) -> Network:
    """Build the network. Raise `InvalidArgument` if counting it would take too long."""
    errors = []
    layers = list(_all(spec.layers, "network.layers"))
    if len(layers) > MAX_LAYERS:
        errors.append(
            FieldError("network.layers", f"must be at most {MAX_LAYERS}; got {len(layers)}")
        )
    if math.prod(spec.input_shape) > MAX_SIZE:
        errors.append(FieldError("network.input_shape", f"must hold at most {MAX_SIZE} numbers"))
    for path, layer in layers:
        for name, size in layer:
            sizes = size if isinstance(size, list) else [size]
            if any(isinstance(n, int) and n > MAX_SIZE for n in sizes):
                errors.append(FieldError(f"{path}.{name}", f"must be at most {MAX_SIZE}"))
    positions = sum(filter_positions(layer) for _, layer in layers)
    if positions > MAX_FILTER_POSITIONS:
        errors.append(
            FieldError(
                "network.layers",
                "must have filters and pooling windows of at most "
                f"{MAX_FILTER_POSITIONS} positions in total; got {positions}",
            )
        )
    if errors:
        raise InvalidArgument.of(*errors, reason="limit_exceeded")
    counted = _counted(spec.layers, learned=True)
    if counted != _counted(spec.layers, learned=False):
        tables = _built(spec, counted)
        size = sum(
            math.prod(shape)
            for name, shape in tables.parameters.items()
            if name.endswith(".position")
        )
        if size > MAX_TABLE:
            raise InvalidArgument.of(
                FieldError(
                    "network.layers",
                    f"must have sinusoidal encodings of at most {MAX_TABLE} numbers; got {size}. "
                    'The kind "learned" has no such limit',
                ),
                reason="limit_exceeded",
            )
    return _built(spec, _counted(spec.layers, learned=False))


def _built(spec: NetworkSpec, layers: list[LayerSpec]) -> Network:
    try:
        network = build_network(spec.model_copy(update={"layers": layers}))
    except ShapeError as error:
        raise InvalidArgument.of(FieldError(f"network.layers[{error.layer}]", str(error))) from None
    except ValueError as error:
        raise InvalidArgument.of(FieldError("network.layers", str(error))) from None
    return network


def _counted(layers: Sequence[LayerSpec], *, learned: bool) -> list[LayerSpec]:
    """The layers without causal masks, which do not change a count.

    With `learned`, positional encodings are parameters, so that they are counted and not computed.
    """
    result: list[LayerSpec] = []
    for layer in layers:
        if layer.type in ("multi_head_attention", "transformer_block"):
            # A causal layer takes one input: keep the mask, so that the error says so.
            several = layer.input is not None and len(layer.input) > 1
            layer = layer if several else layer.model_copy(update={"causal": False})
        elif layer.type == "positional_encoding" and learned:
            layer = layer.model_copy(update={"kind": "learned"})
        elif layer.type == "residual":
            inner = _counted(layer.layers, learned=learned)
            layer = layer.model_copy(update={"layers": inner})
        result.append(layer)
    return result


def _flops_formula(network: Network, name: str, flops: int) -> str:
    """`2·4·3` of a dense layer, `2·(weights)·(positions)` of a convolution, else the number."""
    weight = network.parameters.get(f"{name}.weight")
    if weight is None or flops == 0:
        return whole(flops)
    weights = math.prod(weight)
    if flops % (2 * weights):
        return whole(flops)
    positions = flops // (2 * weights)
    if len(weight) == 2:
        factors = [2, *reversed(weight), *([positions] if positions > 1 else [])]
    else:
        factors = [2, weights, positions]
    return "·".join(map(str, factors))


def _sum(name: str, terms: list[int]) -> Quantity:
    present = [term for term in terms if term]
    return quantity(name, sum(present), "Σ over the layers", total(present))


def _counts(network: Network, summary: Summary) -> list[LayerCount]:
    inputs = math.prod(network.input_shape)
    learning = [
        math.prod(row.output_shape)
        for row in summary.layers
        if any(
            name.startswith(f"{row.name}.") and name.endswith(".weight")
            for name in network.parameters
        )
    ]
    with_input = [inputs, *learning]
    return [
        LayerCount(
            convention="with_input",
            layers=summary.layers_with_input,
            neurons=_neurons(with_input, summary.neurons_with_input),
        ),
        LayerCount(
            convention="without_input",
            layers=summary.layers_without_input,
            neurons=_neurons(learning, summary.neurons_without_input),
        ),
    ]


def _neurons(terms: list[int], count: int) -> Quantity:
    return quantity("neurons", count, "Σ over the counted layers", total(terms))


def _memory(
    precision: Precision, parameters: int, values: int, optimizer: str, per_parameter: int
) -> ArchitectureMemory:
    width = WIDTHS[precision]

    def memory(name: str, count: int, formula: str, *factors: int) -> Quantity:
        terms = expression("·".join(["{}"] * (len(factors) + 1)), *factors, width)
        return quantity(name, width * count, formula, terms)

    counts = [parameters, parameters, per_parameter * parameters, values]
    return ArchitectureMemory(
        precision=precision,
        weights=memory("weights", parameters, "parameters·bytes", parameters),
        gradients=memory("gradients", parameters, "parameters·bytes", parameters),
        optimizer_state=memory(
            "state",
            per_parameter * parameters,
            f"({optimizer}'s numbers per parameter)·parameters·bytes",
            per_parameter,
            parameters,
        ),
        activations=memory("activations", values, "(batch size)·(input and outputs)·bytes", values),
        total=quantity(
            "total",
            width * sum(counts),
            "weights + gradients + state + activations",
            total([width * count for count in counts]),
        ),
    )


def _comparison(model: Model, parameters: int) -> ModelComparison:
    ratio = model.parameters / parameters
    if ratio == 1.0:
        comparison = f"{model.name} has the same number of parameters"
    elif ratio > 1.0:
        comparison = f"{model.name} has {_times(ratio)} as many parameters"
    else:
        comparison = f"this network has {_times(1.0 / ratio)} as many parameters as {model.name}"
    memory = in_bytes(2 * model.parameters)
    verdict = f"{comparison}; in 16 bits the parameters of {model.name} take {memory}."
    return ModelComparison(
        id=model.id,
        name=model.name,
        year=model.year,
        parameters=model.parameters,
        source_type=model.source_type,
        ratio=quantity(
            "ratio",
            ratio,
            "(parameters of the model) / (parameters of this network)",
            expression("{} / {}", model.parameters, parameters),
        ),
        float16_bytes=2 * model.parameters,
        source=model.source,
        verdict=verdict[0].upper() + verdict[1:],
    )


def _times(ratio: float) -> str:
    for size, word in ((1e12, "trillion"), (1e9, "billion"), (1e6, "million")):
        if ratio >= size:
            return f"{number(ratio / size)} {word} times"
    return f"{number(ratio)} times" if ratio < 1_000 else f"{whole(ratio)} times"


def _verdict(summary: Summary) -> str:
    largest = max(summary.layers, key=lambda row: row.parameters)
    percent = 100 * largest.parameters / summary.parameters
    return (
        f"{whole(summary.parameters)} parameters, {percent:.0f} % of them in {largest.name}; in 32 "
        f"bits they take {in_bytes(4 * summary.parameters)}. The forward pass of one sample takes "
        f"{whole(summary.flops)} multiplications and additions."
    )


ARCHITECTURE = Explorer(
    "The size of a network",
    architecture,
    {
        "The small network of the journey": {"network": THREE_FOUR_FOUR_TWO},
        "LeNet-5, which read checks": {
            "network": LENET_5.model_dump(mode="json", exclude_defaults=True),
            "batch_size": 256,
            "optimizer": "sgd",
        },
        "GPT-2, far too large to train here": {
            "network": GPT_2.model_dump(mode="json", exclude_defaults=True),
            "batch_size": 8,
            "optimizer": "adamw",
        },
    },
)
