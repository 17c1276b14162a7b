"""The network as a PyTorch module, weights included, to go on training with it elsewhere."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np

from ..network import Network
from ..trace import Array
from .program import Line, Program, common_type, kernel, literal, zeros_around
from .pytorch_modules import MODULES
from .scaling import Scaling

Weights: TypeAlias = Mapping[str, Array]
"""The arrays of one layer by their short names, as in weight."""

ACTIVATIONS = {
    "linear": "{}",
    "step": "torch.heaviside({0}, torch.ones_like({0}))",
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


@dataclass(frozen=True)
class Word:
    """What a line is in PyTorch."""

    called: Callable[[Line], str]
    """The expression in `forward`."""
    made: Callable[[Line, Weights], str] = lambda line, w: ""
    """The expression that makes the line's module; empty where it needs none."""
    stored: Callable[[Weights], Weights] = lambda w: w
    """The module's state, from the line's weights."""


def _module(line: Line) -> str:
    return f"self.{line.output.variable}"


def _called(line: Line) -> str:
    return f"{_module(line)}({', '.join(line.variables)})"


def _activated(line: Line, expression: str) -> str:
    return ACTIVATIONS[line.layer.activation].format(expression)


# ---------------------------------------------------------------- dense layers and norms


def _linear(line: Line, w: Weights) -> str:
    fan_in, units = w["weight"].shape
    return f"nn.Linear({fan_in}, {units}, bias={'bias' in w})"


def _transposed(w: Weights) -> Weights:
    """PyTorch keeps a matrix as (outputs, inputs)."""
    return {name: array.T for name, array in w.items()}


_NAMES = {"scale": "weight", "shift": "bias", "mean": "running_mean", "variance": "running_var"}


def _normal(w: Weights) -> Weights:
    """PyTorch has other names for what belongs to a norm."""
    parts = {name: name.rpartition(".") for name in w}
    return {
        f"{of}{dot}{_NAMES.get(last, last)}": w[name] for name, (of, dot, last) in parts.items()
    }


# ---------------------------------------------------------------- windows


def _dimensions(line: Line) -> str:
    return "1d" if line.layer.type.endswith("1d") else "2d"


def _convolution(line: Line, w: Weights) -> str:
    *_, channels, filters = w["weight"].shape
    size, stride = kernel(line.layer)
    details = f"{channels}, {filters}, {size}, stride={stride}, bias={'bias' in w}"
    return f"nn.Conv{_dimensions(line)}({details})"


def _channels_first(w: Weights) -> Weights:
    """PyTorch keeps a kernel as (filters, channels, *size)."""
    return {**w, "weight": np.moveaxis(w["weight"], (-1, -2), (0, 1))}


def _convolved(line: Line) -> str:
    x = f"{line.x}.movedim(-1, 1)"
    # PyTorch names the last axis first.
    around = [n for both in reversed(zeros_around(line)) for n in both]
    if any(around):
        x = f"F.pad({x}, {tuple(around)})"
    return _activated(line, f"{_module(line)}({x}).movedim(1, -1)")


def _pooled(function: str) -> Word:
    def called(line: Line) -> str:
        size, stride = kernel(line.layer)
        x = f"{line.x}.movedim(-1, 1)"
        return f"F.{function}{_dimensions(line)}({x}, {size}, {stride}).movedim(1, -1)"

    return Word(called)


def _over_places(method: str) -> Word:
    return Word(lambda line: f"{line.x}.{method}({tuple(range(1, len(line.inputs[0].shape)))})")


# ---------------------------------------------------------------- sequences


def _recurrent(module: str, gates: tuple[int, ...]) -> Word:
    """`gates` are ours in PyTorch's order."""

    def made(line: Line, w: Weights) -> str:
        return f"nn.{module}({len(w['weight'])}, {len(w['recurrent'])}, batch_first=True)"

    def stored(w: Weights) -> Weights:
        rows = {
            name: np.concatenate([np.split(array.T, len(gates))[gate] for gate in gates])
            for name, array in w.items()
        }
        return {
            "weight_ih_l0": rows["weight"],
            "weight_hh_l0": rows["recurrent"],
            "bias_ih_l0": rows["bias"],
            # PyTorch adds a second bias to the first.
            "bias_hh_l0": np.zeros_like(rows["bias"]),
        }

    return Word(_states, made, stored)


def _states(line: Line) -> str:
    return f"{_called(line)}[0]" + ("" if line.layer.return_sequences else "[:, -1]")


def _gru_stored(w: Weights) -> Weights:
    gates = 2 * len(w["recurrent"])
    return {
        "inflow.weight": w["weight"].T,
        "inflow.bias": w["bias"],
        "gates.weight": w["recurrent"].T[:gates],
        "candidate.weight": w["recurrent"].T[gates:],
    }


def _positions(line: Line) -> str:
    learned = line.layer.kind == "learned"
    return f"{line.x} + " + (_module(line) if learned else f"sinusoids({line.x})")


def _additive_attention(line: Line, w: Weights) -> str:
    query, memory = (value.shape[-1] for value in line.inputs)
    return f"AdditiveAttention({query}, {memory}, {line.layer.units})"


def _attention(line: Line, w: Weights) -> str:
    query, memory = line.inputs[0].shape[-1], line.inputs[-1].shape[-1]
    return f"Attention({query}, {memory}, heads={line.layer.heads}, causal={line.layer.causal})"


def _transformer_block(line: Line, w: Weights) -> str:
    layer = line.layer
    details = {
        name: getattr(layer, name) for name in ("heads", "hidden", "norm", "causal", "dropout")
    }
    named = ", ".join(f"{name}={detail!r}" for name, detail in details.items())
    activation = ACTIVATIONS[layer.activation]
    if activation.endswith("({})"):
        activation = activation.removesuffix("({})")
    else:
        activation = f"lambda x: {activation.format('x')}"
    return f"TransformerBlock({line.output.shape[-1]}, {named}, activation={activation})"


# ---------------------------------------------------------------- all of them

_CONVOLUTION = Word(_convolved, _convolution, _channels_first)
_RESHAPED = Word(lambda line: f"{line.x}.reshape{(-1, *line.output.shape)}")

WORDS: dict[str, Word] = {
    "dense": Word(lambda line: _activated(line, _called(line)), _linear, _transposed),
    "activation": Word(lambda line: _activated(line, line.x)),
    "dropout": Word(_called, lambda line, w: f"nn.Dropout({line.layer.rate!r})"),
    "layer_norm": Word(
        _called,
        lambda line, w: f"nn.LayerNorm({len(w['scale'])}, eps={line.layer.epsilon!r})",
        _normal,
    ),
    "batch_norm": Word(
        lambda line: f"{_module(line)}({line.x}.flatten(0, -2)).view_as({line.x})",
        lambda line, w: (
            f"nn.BatchNorm1d({len(w['scale'])}, eps={line.layer.epsilon!r}, "
            f"momentum=1 - {line.layer.momentum!r})"
        ),
        _normal,
    ),
    "flatten": _RESHAPED,
    "reshape": _RESHAPED,
    "slice": Word(lambda line: f"{line.x}[:, {line.layer.start}:{line.layer.stop or ''}]"),
    "add": Word(lambda line: " + ".join(line.variables)),
    "concatenate": Word(lambda line: f"torch.cat([{', '.join(line.variables)}], -1)"),
    "conv1d": _CONVOLUTION,
    "conv2d": _CONVOLUTION,
    "max_pool1d": _pooled("max_pool"),
    "max_pool2d": _pooled("max_pool"),
    "average_pool1d": _pooled("avg_pool"),
    "average_pool2d": _pooled("avg_pool"),
    "global_max_pool": _over_places("amax"),
    "global_average_pool": _over_places("mean"),
    "embedding": Word(
        lambda line: f"{_module(line)}({line.x}.long().clamp(0, {line.layer.vocabulary - 1}))",
        lambda line, w: "nn.Embedding({}, {})".format(*w["weight"].shape),
    ),
    "positional_encoding": Word(
        _positions,
        lambda line, w: "nn.Parameter(torch.empty{})".format(w["position"].shape) if w else "",
        lambda w: {"": w["position"]} if w else w,
    ),
    "rnn": _recurrent("RNN", (0,)),
    # Ours are input, forget, output, candidate.
    "lstm": _recurrent("LSTM", (0, 1, 3, 2)),
    "gru": Word(
        _states,
        lambda line, w: f"Gru({len(w['weight'])}, {len(w['recurrent'])})",
        _gru_stored,
    ),
    "additive_attention": Word(_called, _additive_attention, _transposed),
    "multi_head_attention": Word(
        lambda line: f"{_module(line)}({line.variables[0]}, {line.variables[-1]})",
        _attention,
        _transposed,
    ),
    "transformer_block": Word(_called, _transformer_block, lambda w: _normal(_transposed(w))),
}
"""What every type of line is."""


def pytorch_module(
    network: Network, weights: Mapping[str, Array], scaling: Scaling | None = None
) -> bytes:
    """The module, as UTF-8; it computes in the type of the weights."""
    program = Program(network)
    dtype = common_type({name: weights[name] for name in network.parameters})
    body, making = "", ""
    state: dict[str, Array] = {}
    for line in program.lines:
        word, variable = WORDS[line.layer.type], line.output.variable
        w = line.weights(weights)
        body += f"        {variable} = {word.called(line)}\n"
        if made := word.made(line, w):
            making += f"        self.{variable} = {made}\n"
        for name, array in word.stored(w).items():
            state[f"{variable}.{name}" if name else variable] = array.astype(dtype)
    if scaling is not None:
        shape = f"torch.empty{network.input_shape}"
        making += "".join(
            f'        self.register_buffer("{name}", {shape})\n' for name in ("shift", "scale")
        )
        body = f"        x = (x - self.shift) / self.scale\n{body}"
        state |= {"shift": scaling.shift.astype(dtype), "scale": scaling.scale.astype(dtype)}
    if dtype == np.float64:
        making += "        self.double()\n"
    along = ""
    for name, text in reversed(MODULES.items()):
        if re.search(rf"\b{name}\(", body + making + along):
            along = text + along
    stored = "".join(f'    "{name}": {literal(array)},\n' for name, array in state.items())
    shape = ", ".join(map(str, network.input_shape))
    return f'''"""A trained network as a PyTorch module: `Network()(torch.zeros(1, {shape}))`.

What is dropped at random in training is dropped until you call `.eval()`.
"""

import base64

import numpy as np
import torch
import torch.nn.functional as F
from torch import nn


def array(numbers, shape, dtype="<f4"):
    flat = np.frombuffer(base64.b64decode(numbers), dtype).reshape(shape)
    return torch.from_numpy(flat.copy())


w = {{
{stored}}}


{along}class Network(nn.Module):
    def __init__(self):
        super().__init__()
{making}        self.load_state_dict(w)

    def forward(self, x):
        """What the network answers to inputs (n, {shape})."""
{body}        return {program.prediction}
'''.encode()
