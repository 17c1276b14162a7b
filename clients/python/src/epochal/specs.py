"""The few words that make a network; they return plain dicts, which serve as well by hand."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

Spec = Mapping[str, Any]


def dense(
    units: int,
    activation: str = "linear",
    *,
    use_bias: bool = True,
    initializer: str | None = None,
    initializer_gain: float | None = None,
) -> dict[str, Any]:
    """A layer of `units` neurons that each see every input: `activation(x · W + b)`.

    Without an `initializer` the service takes He for the relu family, LeCun for selu, and Xavier
    otherwise; what it draws is multiplied by `initializer_gain`.
    """
    layer: dict[str, Any] = {"type": "dense", "units": units, "activation": activation}
    if not use_bias:
        layer["use_bias"] = False
    if initializer is not None:
        layer["initializer"] = initializer
    if initializer_gain is not None:
        layer["initializer_gain"] = initializer_gain
    return layer


def dropout(rate: float) -> dict[str, Any]:
    """Silences each value with probability `rate`, 0 ≤ rate < 1, while training."""
    return {"type": "dropout", "rate": rate}


def network(input_shape: Sequence[int], layers: Sequence[Spec]) -> dict[str, Any]:
    """A network: the shape of one sample without the batch axis, and the layers in order."""
    return {"input_shape": list(input_shape), "layers": [dict(layer) for layer in layers]}
