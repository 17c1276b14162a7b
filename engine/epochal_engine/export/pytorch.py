"""The network as a PyTorch module, weights included, to go on training with it elsewhere."""

from __future__ import annotations

from collections.abc import Mapping

from ..layers import Layer
from ..network import Network
from ..trace import Array
from .program import Words, assignments, literal, output_of, walk
from .scaling import Scaling

_ACTIVATIONS = {
    "step": "torch.heaviside({}, torch.ones(()))",
    "sigmoid": "torch.sigmoid({})",
    "tanh": "torch.tanh({})",
    "softsign": "F.softsign({})",
    "relu": "F.relu({})",
    "leaky_relu": "F.leaky_relu({}, 0.01)",
    "softplus": "F.softplus({})",
    "elu": "F.elu({})",
    "selu": "F.selu({})",
    "gelu": "F.gelu({})",
    "gelu_tanh": 'F.gelu({}, approximate="tanh")',
    "silu": "F.silu({})",
    "mish": "F.mish({})",
    "softmax": "torch.softmax({}, -1)",
}


def _activated(activation: str, expression: str) -> str:
    return _ACTIVATIONS.get(activation, "{}").format(expression)


def _module(name: str) -> str:
    return "self." + name.replace(".", "_")


def _called(name: str, layer: Layer, inputs: list[str]) -> str:
    activation = getattr(layer, "activation", "linear")
    return _activated(activation, f"{_module(name)}({inputs[0]})")


WORDS: Words = {
    "dense": _called,
    "layer_norm": _called,
    "dropout": _called,
    "embedding": lambda name, layer, inputs: f"{_module(name)}({inputs[0]}.long())",
    "activation": lambda name, layer, inputs: _activated(layer.activation, inputs[0]),
    "flatten": lambda name, layer, inputs: f"{inputs[0]}.flatten(1)",
    "reshape": lambda name, layer, inputs: (
        f"{inputs[0]}.reshape(len({inputs[0]}), {', '.join(map(str, layer.shape))})"
    ),
    "slice": lambda name, layer, inputs: f"{inputs[0]}[:, {layer.start}:{layer.stop or ''}]",
    "add": lambda name, layer, inputs: " + ".join(inputs),
    "concatenate": lambda name, layer, inputs: f"torch.cat([{', '.join(inputs)}], -1)",
}
"""The layers that can be written."""


def _made(name: str, layer: Layer, weights: Mapping[str, Array]) -> list[str]:
    """The lines that make the layer's module and fill it."""
    module = _module(name)
    match layer.type:
        case "dense":
            fan_in, units = weights[f"{name}.weight"].shape
            use_bias = f"{name}.bias" in weights
            # PyTorch keeps a weight as (units, fan_in).
            lines = [
                f"{module} = nn.Linear({fan_in}, {units}, bias={use_bias})",
                f'{module}.weight.data = w["{name}.weight"].T.contiguous()',
            ]
            return [*lines, f'{module}.bias.data = w["{name}.bias"]'] if use_bias else lines
        case "layer_norm":
            (features,) = weights[f"{name}.scale"].shape
            return [
                f"{module} = nn.LayerNorm({features}, eps={layer.epsilon!r})",  # type: ignore[attr-defined]
                f'{module}.weight.data = w["{name}.scale"]',
                f'{module}.bias.data = w["{name}.shift"]',
            ]
        case "embedding":
            rows, width = weights[f"{name}.weight"].shape
            return [
                f"{module} = nn.Embedding({rows}, {width})",
                f'{module}.weight.data = w["{name}.weight"]',
            ]
        case "dropout":
            return [f"{module} = nn.Dropout({layer.rate!r})"]  # type: ignore[attr-defined]
    return []


def pytorch_module(
    network: Network, weights: Mapping[str, Array], scaling: Scaling | None = None
) -> bytes:
    """The module, as UTF-8. Raises ValueError for a layer that cannot be written yet."""
    body = list(assignments(network, WORDS))
    arrays = {name: weights[name] for name in network.parameters}
    making = [line for name, layer in walk(network) for line in _made(name, layer, arrays)]
    if scaling is not None:
        arrays |= {"scaling.shift": scaling.shift, "scaling.scale": scaling.scale}
        making += [
            'self.register_buffer("shift", w["scaling.shift"])',
            'self.register_buffer("scale", w["scaling.scale"])',
        ]
        body.insert(0, "x = (x - self.shift) / self.scale")
    stored = "".join(f'    "{name}": {literal(array)},\n' for name, array in arrays.items())
    made = "".join(f"        {line}\n" for line in making)
    lines = "".join(f"        {line}\n" for line in body)
    shape = ", ".join(map(str, network.input_shape))
    return f'''"""A trained network as a PyTorch module: `Network()(torch.zeros(1, {shape}))`."""

import base64

import numpy as np
import torch
import torch.nn.functional as F
from torch import nn


def array(numbers, shape):
    flat = np.frombuffer(base64.b64decode(numbers), "<f4").reshape(shape)
    return torch.from_numpy(flat.copy())


w = {{
{stored}}}


class Network(nn.Module):
    def __init__(self):
        super().__init__()
{made}
    def forward(self, x):
        """What the network answers to inputs (n, {shape})."""
{lines}        return {output_of(network)}
'''.encode()
