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

    `x` is `(…, features)`, and what comes out `(…, units)`. `activation` is one of
    `client.journey.activations()`. Without an `initializer` the service takes He for the relu
    family, LeCun for selu, and Xavier otherwise; what it draws is multiplied by `initializer_gain`,
    from 0 to 1e6.

    >>> epochal.dense(4, "tanh")
    {'type': 'dense', 'units': 4, 'activation': 'tanh'}
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
    """A network: the shape of one sample without the batch axis, and the layers in order.

    Layers without a function here are dicts, with a `type` and the fields that it has:

    >>> flat = epochal.network([8, 8], [{"type": "flatten"}, epochal.dense(10, "softmax")])
    >>> client.networks.summarize(flat).parameters
    650
    """
    return {"input_shape": list(input_shape), "layers": [dict(layer) for layer in layers]}
