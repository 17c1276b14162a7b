"""The network as a program that needs NumPy and nothing else, weights included.

python network.py < inputs.csv       # or: from network import predict
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from inspect import getmembers, getsource, getsourcelines, isfunction

import numpy as np

from ..activations import ACTIVATIONS
from ..network import Network
from ..trace import Array
from . import functions
from .program import Program, common_type, literal, quoted
from .scaling import Scaling
from .spellings import SPELLINGS


def _available() -> dict[str, str]:
    """Return the sources that a script may include, by name, each after those that it calls."""
    sources = {name: activation.numpy_source for name, activation in ACTIVATIONS.items()}
    members = [
        member
        for member in getmembers(functions, isfunction)
        if member[1].__module__ == functions.__name__
    ]
    members.sort(key=lambda member: getsourcelines(member[1])[1])
    return sources | {name: getsource(function) for name, function in members}


def _included(body: str, available: Mapping[str, str]) -> str:
    """Return the sources of the functions that the body calls, and of those that these call."""
    sources: list[str] = []
    for name, source in reversed(list(available.items())):
        if re.search(rf"\b{name}\b", "\n".join([body, *sources])):
            sources.insert(0, source)
    return "".join(f"{source}\n\n" for source in sources)


def numpy_script(
    network: Network, weights: Mapping[str, Array], scaling: Scaling | None = None
) -> bytes:
    """Return the program, as UTF-8; it computes in the type of the weights."""
    available = _available()
    program = Program(network, available)
    arrays = {name: weights[name] for name in network.parameters}
    dtype = common_type(arrays)
    body = "".join(
        f"    {line.output.variable} = {SPELLINGS[line.layer.type].numpy(line)}\n"
        for line in program.lines
    )
    shape = ", ".join(map(str, network.input_shape))
    inputs = f"np.asarray(inputs, np.{dtype}).reshape(-1, {shape})"
    if scaling is not None:
        # Scale before rounding: the difference of large numbers may be small.
        inputs = (
            f"np.asarray(inputs, np.float64).reshape(-1, {shape})\n"
            f'    x = ((x - w["scaling.shift"]) / w["scaling.scale"]).astype(np.{dtype})'
        )
        arrays |= {
            "scaling.shift": np.asarray(scaling.shift, np.float64),
            "scaling.scale": np.asarray(scaling.scale, np.float64),
        }
    constants = "".join(
        f"    {quoted(name)}: {literal(array)},\n" for name, array in arrays.items()
    )
    functions_included = _included(body, available)
    imports = ("base64", *(["math"] if "math." in functions_included else []), "sys")
    return f'''"""A trained network in NumPy alone: `predict(inputs)`, or CSV on standard input."""

{"".join(f"import {module}{chr(10)}" for module in imports)}
import numpy as np


def array(numbers, shape, dtype="<f4"):
    return np.frombuffer(base64.b64decode(numbers), dtype).reshape(shape)


w = {{
{constants}}}


{functions_included}def predict(inputs):
    """Return the predictions for inputs (n, {shape})."""
    x = {inputs}
{body}    return {program.prediction}


if __name__ == "__main__":
    rows = np.loadtxt(sys.stdin, delimiter=",", ndmin=2)
    predictions = predict(rows).reshape(len(rows), -1)
    np.savetxt(sys.stdout, predictions, fmt="%.{9 if dtype.itemsize == 4 else 17}g", delimiter=",")
'''.encode()
