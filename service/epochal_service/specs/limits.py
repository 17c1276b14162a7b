"""Check a network against the limits of the server, and report errors by their path."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence

from epochal_engine import Network, ShapeError

from ..errors import FieldError, InvalidArgument
from ..settings import Limits
from .build import build_network
from .networks import LayerSpec, NetworkSpec

LIMIT = "see GET /v1/limits"


def in_bytes(value: float) -> str:
    """Return an amount of memory, in powers of 1,000: `184 bytes`, `350 GB`."""
    for unit in ("bytes", "kB", "MB", "GB", "TB"):
        if value < 1_000:
            return f"{value:.4g} {unit}"
        value /= 1_000
    return f"{value:,.0f} PB"


def check_network(spec: NetworkSpec, limits: Limits, prefix: str = "network") -> Network:
    """Build the network. Raises `InvalidArgument` if it is too large, or its shapes do not fit."""
    at = f"{prefix}." if prefix else ""
    errors = []
    if sum(1 for _ in each_layer(spec.layers, "")) > limits.max_layers:
        errors.append(FieldError(f"{at}layers", f"must be at most {limits.max_layers}: {LIMIT}"))
    if math.prod(spec.input_shape) > limits.max_features:
        errors.append(
            FieldError(
                f"{at}input_shape", f"must have at most {limits.max_features} elements: {LIMIT}"
            )
        )
    if sum(filter_positions(layer) for _, layer in each_layer(spec.layers, "")) > (
        limits.max_filter_positions
    ):
        errors.append(
            FieldError(
                f"{at}layers",
                "must have filters and pooling windows of at most "
                f"{limits.max_filter_positions} positions in total: {LIMIT}",
            )
        )
    errors += [
        FieldError(f"{path}.{size}", f"must be at most {limits.max_units}: {LIMIT}")
        for path, layer in each_layer(spec.layers, f"{at}layers")
        for size in ("units", "filters", "hidden")
        if getattr(layer, size, 0) > limits.max_units
    ]
    if errors:
        raise InvalidArgument.of(*errors, reason="limit_exceeded")
    try:
        network = build_network(spec)
    except ShapeError as error:
        raise InvalidArgument.of(FieldError(f"{at}layers[{error.layer}]", str(error))) from None
    except ValueError as error:
        raise InvalidArgument.of(FieldError(f"{at}layers", str(error))) from None
    if network.weights_size > limits.max_parameters:
        raise InvalidArgument.of(
            FieldError(
                f"{at}layers",
                f"have {network.weights_size} parameters; the limit is {limits.max_parameters}: "
                f"{LIMIT}",
            ),
            reason="limit_exceeded",
        )
    return network


def each_layer(layers: Sequence[LayerSpec], at: str) -> Iterator[tuple[str, LayerSpec]]:
    """Yield every layer with its path; inner layers follow the layer that contains them."""
    for index, layer in enumerate(layers):
        yield f"{at}[{index}]", layer
        if layer.type == "residual":
            yield from each_layer(layer.layers, f"{at}[{index}].layers")


def filter_positions(layer: LayerSpec) -> int:
    """Return the number of positions of the filter or pooling window of the layer."""
    sizes: list[int] = getattr(layer, "kernel_size", None) or getattr(layer, "pool_size", [])
    if layer.type.endswith("2d") and len(sizes) == 1:
        sizes = sizes * 2
    return math.prod(sizes) if sizes else 0
