"""The network as a program that needs NumPy and nothing else, weights included.

python network.py < inputs.csv       # or: from network import predict
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from inspect import getmembers, getsource, getsourcelines, isfunction
from typing import TypeAlias

import numpy as np

from ..layers import LayerNorm
from ..network import Network
from ..trace import Array
from . import functions
from .program import Line, Program, common_type, kernel, literal, quoted, zeros_around
from .scaling import Scaling

Word: TypeAlias = Callable[[Line], str]

FUNCTIONS = sorted(
    (function for _, function in getmembers(functions, isfunction)),
    key=lambda function: getsourcelines(function)[1],
)
"""All that a script may take along, in the order in which they stand."""


def _weight(line: Line, name: str) -> str:
    return f"w[{quoted(f'{line.name}.{name}')}]"


def _call(function: str, *arguments: str, **details: object) -> str:
    named = (f"{name}={detail!r}" for name, detail in details.items())
    return f"{function}({', '.join([*arguments, *named])})"


def _within(line: Line) -> str:
    return f"within(w, {quoted(line.name)})"


def _activated(line: Line, expression: str) -> str:
    activation = line.layer.activation
    return expression if activation == "linear" else f"{activation}({expression})"


def _biased(line: Line, expression: str) -> str:
    bias = f" + {_weight(line, 'bias')}" if line.layer.use_bias else ""
    return _activated(line, expression + bias)


def _convolution(line: Line) -> str:
    _, stride = kernel(line.layer)
    zeros = zeros_around(line)
    product = _call("convolution", line.x, _weight(line, "weight"), stride=stride, zeros=zeros)
    return _biased(line, product)


def _pool(function: str) -> Word:
    def word(line: Line) -> str:
        size, stride = kernel(line.layer)
        return _call(function, line.x, size=size, stride=stride)

    return word


def _over_places(method: str) -> Word:
    return lambda line: f"{line.x}.{method}(axis={tuple(range(1, len(line.inputs[0].shape)))})"


def _recurrent(function: str) -> Word:
    def word(line: Line) -> str:
        weights = (_weight(line, name) for name in ("weight", "recurrent", "bias"))
        states = _call(function, line.x, *weights)
        return states if line.layer.return_sequences else f"{states}[:, -1]"

    return word


def _norm(function: str) -> Word:
    return lambda line: _call(function, line.x, _within(line), epsilon=line.layer.epsilon)


def _positional_encoding(line: Line) -> str:
    learned = line.layer.kind == "learned"
    return f"{line.x} + " + (_weight(line, "position") if learned else _call("sinusoids", line.x))


def _attention(line: Line) -> str:
    query, memory = line.variables[0], line.variables[-1]
    details = {"heads": line.layer.heads, "causal": line.layer.causal}
    return _call("multi_head_attention", query, memory, _within(line), **details)


def _transformer_block(line: Line) -> str:
    layer = line.layer
    return _call(
        "transformer_block",
        line.x,
        _within(line),
        f"activation={layer.activation}",
        heads=layer.heads,
        causal=layer.causal,
        norm=layer.norm,
        epsilon=LayerNorm().epsilon,
    )


def _reshaped(line: Line) -> str:
    return f"{line.x}.reshape({', '.join(map(str, (-1, *line.output.shape)))})"


WORDS: dict[str, Word] = {
    "dense": lambda line: _biased(line, f"{line.x} @ {_weight(line, 'weight')}"),
    "activation": lambda line: _activated(line, line.x),
    "dropout": lambda line: line.x,
    "layer_norm": _norm("layer_norm"),
    "batch_norm": _norm("batch_norm"),
    "flatten": _reshaped,
    "reshape": _reshaped,
    "slice": lambda line: f"{line.x}[:, {line.layer.start}:{line.layer.stop or ''}]",
    "add": lambda line: " + ".join(line.variables),
    "concatenate": lambda line: f"np.concatenate([{', '.join(line.variables)}], axis=-1)",
    "conv1d": _convolution,
    "conv2d": _convolution,
    "max_pool1d": _pool("max_pool"),
    "max_pool2d": _pool("max_pool"),
    "average_pool1d": _pool("average_pool"),
    "average_pool2d": _pool("average_pool"),
    "global_max_pool": _over_places("max"),
    "global_average_pool": _over_places("mean"),
    "embedding": lambda line: _call("embedding", line.x, _weight(line, "weight")),
    "positional_encoding": _positional_encoding,
    "rnn": _recurrent("rnn"),
    "lstm": _recurrent("lstm"),
    "gru": _recurrent("gru"),
    "additive_attention": lambda line: _call("additive_attention", *line.variables, _within(line)),
    "multi_head_attention": _attention,
    "transformer_block": _transformer_block,
}
"""What every type of line is, as an expression."""


def _taken_along(body: str) -> str:
    """The sources of the functions that the body names, and of those that these name."""
    sources: list[str] = []
    for function in reversed(FUNCTIONS):
        if re.search(rf"\b{function.__name__}\b", "\n".join([body, *sources])):
            sources.insert(0, getsource(function))
    return "".join(f"{source}\n\n" for source in sources)


def numpy_script(
    network: Network, weights: Mapping[str, Array], scaling: Scaling | None = None
) -> bytes:
    """The program, as UTF-8; it computes in the type of the weights."""
    program = Program(network, (function.__name__ for function in FUNCTIONS))
    arrays = {name: weights[name] for name in network.parameters}
    dtype = common_type(arrays)
    body = "".join(
        f"    {line.output.variable} = {WORDS[line.layer.type](line)}\n" for line in program.lines
    )
    shape = ", ".join(map(str, network.input_shape))
    given = f"np.asarray(inputs, np.{dtype}).reshape(-1, {shape})"
    if scaling is not None:
        # Scaled before they are rounded: what is left of a large number may be small.
        given = (
            f"np.asarray(inputs, np.float64).reshape(-1, {shape})\n"
            f'    x = ((x - w["scaling.shift"]) / w["scaling.scale"]).astype(np.{dtype})'
        )
        arrays |= {
            "scaling.shift": np.asarray(scaling.shift, np.float64),
            "scaling.scale": np.asarray(scaling.scale, np.float64),
        }
    stored = "".join(f"    {quoted(name)}: {literal(array)},\n" for name, array in arrays.items())
    functions_called = _taken_along(body)
    imports = ("base64", *(["math"] if "math." in functions_called else []), "sys")
    return f'''"""A trained network in NumPy alone: `predict(inputs)`, or CSV on standard input."""

{"".join(f"import {module}{chr(10)}" for module in imports)}
import numpy as np


def array(numbers, shape, dtype="<f4"):
    return np.frombuffer(base64.b64decode(numbers), dtype).reshape(shape)


w = {{
{stored}}}


{functions_called}def predict(inputs):
    """What the network answers to inputs (n, {shape})."""
    x = {given}
{body}    return {program.prediction}


if __name__ == "__main__":
    rows = np.loadtxt(sys.stdin, delimiter=",", ndmin=2)
    answers = predict(rows).reshape(len(rows), -1)
    np.savetxt(sys.stdout, answers, fmt="%.{9 if dtype.itemsize == 4 else 17}g", delimiter=",")
'''.encode()
