"""The network as a program that needs NumPy and nothing else, weights included.

python network.py < inputs.csv       # or: from network import predict
"""

from __future__ import annotations

from collections.abc import Mapping

from ..layers import Layer
from ..network import Network
from ..trace import Array
from .program import Words, assignments, literal, output_of, walk
from .scaling import Scaling

_ACTIVATIONS = {
    "step": "np.heaviside(x, 1.0)",
    "sigmoid": "1.0 / (1.0 + np.exp(-x))",
    "tanh": "np.tanh(x)",
    "softsign": "x / (1.0 + np.abs(x))",
    "relu": "np.maximum(x, 0.0)",
    "leaky_relu": "np.where(x > 0.0, x, 0.01 * x)",
    "softplus": "np.logaddexp(x, 0.0)",
    "elu": "np.where(x > 0.0, x, np.expm1(np.minimum(x, 0.0)))",
    "selu": "1.0507009873554805 * np.where(\n"
    "        x > 0.0, x, 1.6732632423543772 * np.expm1(np.minimum(x, 0.0))\n    )",
    "gelu": "x * 0.5 * (1.0 + np.vectorize(math.erf)(x / math.sqrt(2.0)))",
    "gelu_tanh": "0.5 * x * (1.0 + np.tanh(math.sqrt(2.0 / math.pi) * (x + 0.044715 * x**3)))",
    "silu": "x / (1.0 + np.exp(-x))",
    "mish": "x * np.tanh(np.logaddexp(x, 0.0))",
    "softmax": "(e := np.exp(x - x.max(-1, keepdims=True))) / e.sum(-1, keepdims=True)",
}


def _activated(activation: str, expression: str) -> str:
    return expression if activation == "linear" else f"{activation}({expression})"


def _dense(name: str, layer: Layer, inputs: list[str]) -> str:
    bias = f' + w["{name}.bias"]' if layer.use_bias else ""  # type: ignore[attr-defined]
    product = f'{inputs[0]} @ w["{name}.weight"]{bias}'
    return _activated(layer.activation, product)  # type: ignore[attr-defined]


def _layer_norm(name: str, layer: Layer, inputs: list[str]) -> str:
    x = inputs[0]
    mean, variance = f"{x}.mean(-1, keepdims=True)", f"{x}.var(-1, keepdims=True)"
    return _normal(name, layer, x, mean, variance)


def _batch_norm(name: str, layer: Layer, inputs: list[str]) -> str:
    return _normal(name, layer, inputs[0], f'w["{name}.mean"]', f'w["{name}.variance"]')


def _normal(name: str, layer: Layer, x: str, mean: str, variance: str) -> str:
    root = f"np.sqrt({variance} + {layer.epsilon!r})"  # type: ignore[attr-defined]
    return f'({x} - {mean}) / {root} * w["{name}.scale"] + w["{name}.shift"]'


def _embedding(name: str, layer: Layer, inputs: list[str]) -> str:
    table = f'w["{name}.weight"]'
    return f"{table}[np.clip({inputs[0]}.astype(int), 0, len({table}) - 1)]"


WORDS: Words = {
    "dense": _dense,
    "activation": lambda name, layer, inputs: _activated(layer.activation, inputs[0]),
    "dropout": lambda name, layer, inputs: inputs[0],
    "flatten": lambda name, layer, inputs: f"{inputs[0]}.reshape(len({inputs[0]}), -1)",
    "reshape": lambda name, layer, inputs: (
        f"{inputs[0]}.reshape(len({inputs[0]}), {', '.join(map(str, layer.shape))})"
    ),
    "slice": lambda name, layer, inputs: f"{inputs[0]}[:, {layer.start}:{layer.stop or ''}]",
    "layer_norm": _layer_norm,
    "batch_norm": _batch_norm,
    "embedding": _embedding,
    "global_max_pool": lambda name, layer, inputs: (
        f"{inputs[0]}.max(tuple(range(1, {inputs[0]}.ndim - 1)))"
    ),
    "global_average_pool": lambda name, layer, inputs: (
        f"{inputs[0]}.mean(tuple(range(1, {inputs[0]}.ndim - 1)))"
    ),
    "add": lambda name, layer, inputs: " + ".join(inputs),
    "concatenate": lambda name, layer, inputs: f"np.concatenate([{', '.join(inputs)}], -1)",
}
"""The layers that can be written."""


def numpy_script(
    network: Network, weights: Mapping[str, Array], scaling: Scaling | None = None
) -> bytes:
    """The program, as UTF-8. Raises ValueError for a layer that cannot be written yet."""
    body = list(assignments(network, WORDS))
    if scaling is not None:
        body.insert(0, 'x = (x - w["scaling.shift"]) / w["scaling.scale"]')
    arrays = {name: weights[name] for name in network.parameters}
    if scaling is not None:
        arrays |= {"scaling.shift": scaling.shift, "scaling.scale": scaling.scale}
    used = {getattr(layer, "activation", "linear") for _, layer in walk(network)} - {"linear"}
    functions = "".join(
        f"def {name}(x):\n    return {formula}\n\n\n"
        for name, formula in _ACTIVATIONS.items()
        if name in used
    )
    stored = "".join(f'    "{name}": {literal(array)},\n' for name, array in arrays.items())
    shape = ", ".join(map(str, network.input_shape))
    lines = "".join(f"    {line}\n" for line in body)
    return f'''"""A trained network in NumPy alone: `predict(inputs)`, or CSV on standard input."""

import base64
import math
import sys

import numpy as np


def array(numbers, shape):
    return np.frombuffer(base64.b64decode(numbers), "<f4").reshape(shape)


w = {{
{stored}}}


{functions}def predict(inputs):
    """What the network answers to inputs (n, {shape})."""
    x = np.asarray(inputs, np.float32).reshape(-1, {shape})
{lines}    return {output_of(network)}


if __name__ == "__main__":
    rows = np.loadtxt(sys.stdin, delimiter=",", ndmin=2)
    np.savetxt(sys.stdout, predict(rows).reshape(len(rows), -1), fmt="%.9g", delimiter=",")
'''.encode()
