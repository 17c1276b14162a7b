"""What a network amounts to: shapes, parameters, operations, memory, and its place in history."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from functools import lru_cache

from epochal_engine import OPTIMIZERS, Network, ShapeError, Summary, summarize

from ..errors import FieldError, InvalidArgument
from ..specs.build import build_network
from ..specs.journey.models import Model
from ..specs.limits import window_places
from ..specs.networks import LayerSpec, NetworkSpec
from ..specs.simulations.architecture import (
    ArchitectureLayer,
    ArchitectureMemory,
    ArchitectureSimulation,
    LayerCount,
    ModelComparison,
    OptimizerMemory,
    Precision,
    SimulateArchitectureRequest,
)
from ..specs.simulations.quantity import Quantity
from .formulas import in_bytes, number, whole
from .models import models

MAX_LAYERS = 256
MAX_SIZE = 10_000_000
MAX_TABLE = 1_000_000
MAX_WINDOW_PLACES = 2_048
MAX_TOTAL = 10**18
WIDTHS: dict[Precision, int] = {"float32": 4, "float16": 2}


def architecture(request: SimulateArchitectureRequest) -> ArchitectureSimulation:
    """What any network amounts to, and how it compares with famous ones; no weights are made.

    Raises `InvalidArgument` if its shapes do not fit, or if it is beyond all measure.
    """
    network, summary = _summarized(request.network.model_dump_json())
    outputs = [math.prod(row.output_shape) for row in summary.layers]
    inputs = math.prod(network.input_shape)
    if max(summary.parameters, summary.flops, sum(outputs)) * request.batch_size > MAX_TOTAL:
        raise InvalidArgument.of(
            FieldError("network.layers", "make more numbers than all computers could hold"),
            reason="limit_exceeded",
        )
    layers = [
        ArchitectureLayer(
            name=row.name,
            type=row.type,
            output_shape=list(row.output_shape),
            activation=row.activation,
            initializer=row.initializer,
            parameters=row.parameters,
            arithmetic=row.arithmetic,
            flops=row.flops,
            flops_arithmetic=_flops_arithmetic(network, row.name, row.flops),
            parameter_share=row.parameters / summary.parameters,
            flops_share=row.flops / max(summary.flops, 1),
            values=values,
            weight_bytes=4 * row.parameters,
        )
        for row, values in zip(summary.layers, outputs, strict=True)
    ]
    moments = {name: optimizer.moments for name, optimizer in OPTIMIZERS.items()}
    flops = whole(summary.flops)
    step = 3 * summary.flops * request.batch_size
    return ArchitectureSimulation(
        layers=layers,
        parameters=_sum("parameters", [row.parameters for row in summary.layers]),
        flops=_sum("FLOPs", [row.flops for row in summary.layers]),
        training_flops=Quantity(
            name="FLOPs",
            value=step,
            formula="FLOPs = 3·(way forward)·(batch size)",
            substituted=f"FLOPs = 3·{flops}·{whole(request.batch_size)} = {whole(step)}",
        ),
        counts=_counts(network, summary),
        memory=[
            _memory(
                precision,
                summary.parameters,
                request.batch_size * (inputs + sum(outputs)),
                request.optimizer,
                moments[request.optimizer],
            )
            for precision in WIDTHS
        ],
        optimizers=[
            OptimizerMemory(optimizer=name, copies=count, bytes=4 * count * summary.parameters)
            for name, count in moments.items()
        ],
        comparisons=[_comparison(model, summary.parameters) for model in models()],
        verdict=_verdict(summary),
    )


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
    """The network. What is looked up while it is counted is kept small."""
    errors = []
    layers = list(_all(spec.layers, "network.layers"))
    if len(layers) > MAX_LAYERS:
        errors.append(FieldError("network.layers", f"may have at most {MAX_LAYERS}"))
    if math.prod(spec.input_shape) > MAX_SIZE:
        errors.append(FieldError("network.input_shape", f"may hold at most {MAX_SIZE} numbers"))
    for path, layer in layers:
        for name, size in layer:
            sizes = size if isinstance(size, list) else [size]
            if any(isinstance(n, int) and n > MAX_SIZE for n in sizes):
                errors.append(FieldError(f"{path}.{name}", f"may be at most {MAX_SIZE}"))
    places = sum(window_places(layer) for _, layer in layers)
    if places > MAX_WINDOW_PLACES:
        errors.append(
            FieldError(
                "network.layers",
                f"have windows of {places} places in all, and at most {MAX_WINDOW_PLACES} are "
                "counted",
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
                    f"have sines and cosines for {size} numbers, and at most {MAX_TABLE} are "
                    'computed: the kind "learned" has no such limit',
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
    """The layers with all that does not change a count left out: which places attention sees.

    With `learned`, tables of positions are parameters, so that they are counted and not made.
    """
    found: list[LayerSpec] = []
    for layer in layers:
        if layer.type in ("multi_head_attention", "transformer_block"):
            # A causal one takes one input; an error that says so is worth the mask.
            several = layer.input is not None and len(layer.input) > 1
            layer = layer if several else layer.model_copy(update={"causal": False})
        elif layer.type == "positional_encoding" and learned:
            layer = layer.model_copy(update={"kind": "learned"})
        elif layer.type == "residual":
            inner = _counted(layer.layers, learned=learned)
            layer = layer.model_copy(update={"layers": inner})
        found.append(layer)
    return found


def _flops_arithmetic(network: Network, name: str, flops: int) -> str:
    """`2·4·3` of a dense layer, `2·(weights)·(places)` of a convolution, else the number."""
    weight = network.parameters.get(f"{name}.weight")
    if weight is None or flops == 0:
        return whole(flops)
    weights = math.prod(weight)
    if flops % (2 * weights):
        return whole(flops)
    places = flops // (2 * weights)
    if len(weight) == 2:
        factors = [2, *reversed(weight), *([places] if places > 1 else [])]
    else:
        factors = [2, weights, places]
    return "·".join(map(str, factors))


def _sum(name: str, terms: list[int]) -> Quantity:
    present = [term for term in terms if term]
    result = sum(present)
    return Quantity(
        name=name,
        value=result,
        formula=f"{name} = Σ over the layers",
        substituted=f"{name} = {' + '.join(map(whole, present)) or '0'} = {whole(result)}",
    )


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


def _neurons(terms: list[int], total: int) -> Quantity:
    return Quantity(
        name="neurons",
        value=total,
        formula="neurons = Σ over the layers that count",
        substituted=f"neurons = {' + '.join(map(whole, terms))} = {whole(total)}",
    )


def _memory(
    precision: Precision, parameters: int, values: int, optimizer: str, copies: int
) -> ArchitectureMemory:
    width = WIDTHS[precision]

    def held(name: str, count: int, formula: str, arithmetic: str) -> Quantity:
        return Quantity(
            name=name,
            value=width * count,
            formula=f"{name} = {formula}",
            substituted=f"{name} = {arithmetic} = {whole(width * count)}",
        )

    counts = [parameters, parameters, copies * parameters, values]
    return ArchitectureMemory(
        precision=precision,
        weights=held("weights", parameters, "parameters·bytes", f"{whole(parameters)}·{width}"),
        gradients=held("gradients", parameters, "parameters·bytes", f"{whole(parameters)}·{width}"),
        optimizer_state=held(
            "state",
            copies * parameters,
            f"({optimizer}'s copies)·parameters·bytes",
            f"{copies}·{whole(parameters)}·{width}",
        ),
        activations=held(
            "activations",
            values,
            "(batch size)·(input and outputs)·bytes",
            f"{whole(values)}·{width}",
        ),
        training=held(
            "training",
            sum(counts),
            "weights + gradients + state + activations",
            " + ".join(whole(width * count) for count in counts),
        ),
    )


def _comparison(model: Model, parameters: int) -> ModelComparison:
    ratio = model.parameters / parameters
    if ratio == 1.0:
        beside = f"{model.name} has as many parameters"
    elif ratio > 1.0:
        beside = f"{model.name} has {_times(ratio)} as many parameters"
    else:
        beside = f"this network has {_times(1.0 / ratio)} as many parameters as {model.name}"
    memory = in_bytes(2 * model.parameters)
    verdict = f"{beside}; in 16 bits those of {model.name} fill {memory}."
    return ModelComparison(
        id=model.id,
        name=model.name,
        year=model.year,
        parameters=model.parameters,
        known=model.known,
        ratio=Quantity(
            name="ratio",
            value=ratio,
            formula="ratio = (its parameters) / (this network's)",
            substituted=f"ratio = {whole(model.parameters)} / {whole(parameters)} = "
            f"{number(ratio)}",
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
    share = 100 * largest.parameters / summary.parameters
    return (
        f"{whole(summary.parameters)} parameters, of which {largest.name} has {share:.0f} %; in 32 "
        f"bits they fill {in_bytes(4 * summary.parameters)}. One sample takes "
        f"{whole(summary.flops)} multiplications and additions on its way forward."
    )
