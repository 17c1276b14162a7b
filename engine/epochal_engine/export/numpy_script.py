"""The network as a program that needs NumPy and nothing else, weights included.

python network.py < inputs.csv       # or: from network import predict
"""

from __future__ import annotations

from collections.abc import Mapping
from textwrap import dedent

import numpy as np

from ..model.activations import ACTIVATIONS
from ..model.network import Network
from ..symbolic.trace import Array
from ._program import Program, common_type, literal, quoted
from ._sources import functions_of, included
from ._spellings import SPELLINGS
from .scaling import Scaling, Table


def _available() -> dict[str, str]:
    """Return the sources that a script may include, by name, each after its own callees."""
    sources = {name: activation.numpy_source for name, activation in ACTIVATIONS.items()}
    return sources | functions_of("_functions.py")


def encoder(table: Table | None) -> str:
    """Return the source of `encode(rows)`, of its columns and of the functions that it calls.

    Without columns it is empty.
    """
    if table is None or not table.columns:
        return ""
    kinds = sorted({column["kind"] for column in table.columns})
    called = {"cell_of", "plain", "read", *(f"encode_{kind}" for kind in kinds)}
    sources = [f"{text}\n" for name, text in functions_of("_rows.py").items() if name in called]
    listed = "".join(f"    {dict(column)!r},\n" for column in table.columns)
    encoders = ", ".join(f'"{kind}": encode_{kind}' for kind in kinds)
    encode = f'''def encode(rows):
    """Return rows, dicts by column name, as inputs (n, {len(table.feature_names)})."""
    encoders = {{{encoders}}}
    inputs = []
    for row in rows:
        inputs.append([])
        for column in columns:
            cell = cell_of(column, row[column["name"]])
            inputs[-1] += encoders[column["kind"]](column, cell or column["fill_value"])
            if column["marks_missing"]:
                inputs[-1].append(float(not cell))
    return np.array(inputs)
'''
    return "\n\n".join([f"columns = [\n{listed}]\n", *sources, encode, ""])


def answers(table: Table | None) -> str:
    """Return the expression of the answers to `outputs` `(n, …)`: names of classes, or numbers."""
    if table is None or not table.class_names:
        return "outputs.tolist()"
    names = repr(list(table.class_names))
    if len(table.class_names) == 2:
        return (
            f"[{names}[k] for k in ((outputs[:, -1] >= {table.threshold}) if outputs.shape[1] == 1 "
            "else outputs.argmax(1)).tolist()]"
        )
    return f"[{names}[k] for k in outputs.argmax(1).tolist()]"


def numpy_script(
    network: Network,
    weights: Mapping[str, Array],
    scaling: Scaling | None = None,
    table: Table | None = None,
) -> bytes:
    """Return the program, as UTF-8; it computes in the type of the weights."""
    scaling = scaling or Scaling()
    available = _available()
    program = Program(network, {*available, "columns", "rows", "outputs"})
    arrays = {name: weights[name] for name in network.parameters}
    dtype = common_type(arrays)
    body = "".join(
        f"    {line.output.variable} = {SPELLINGS[line.layer.type].numpy(line)}\n"
        for line in program.lines
    )
    shape = ", ".join(map(str, network.input_shape))
    inputs = f"np.asarray(inputs, np.{dtype}).reshape(-1, {shape})"
    if scaling.shift is not None and scaling.scale is not None:
        # Scale before rounding: the difference of large numbers may be small.
        inputs = (
            f"np.asarray(inputs, np.float64).reshape(-1, {shape})\n"
            f'    x = ((x - w["scaling.shift"]) / w["scaling.scale"]).astype(np.{dtype})'
        )
        arrays |= {
            "scaling.shift": np.asarray(scaling.shift, np.float64),
            "scaling.scale": np.asarray(scaling.scale, np.float64),
        }
    prediction = program.prediction
    if scaling.target_shift is not None and scaling.target_scale is not None:
        prediction += ' * w["target_scaling.scale"] + w["target_scaling.shift"]'
        arrays |= {
            "target_scaling.shift": np.asarray(scaling.target_shift, np.float64),
            "target_scaling.scale": np.asarray(scaling.target_scale, np.float64),
        }
    constants = "".join(
        f"    {quoted(name)}: {literal(array)},\n" for name, array in arrays.items()
    )
    functions_included = included(dedent(body), available)
    encode = encoder(table)
    modules = {"base64", "sys"}
    modules |= {"math"} if "math." in functions_included else set()
    modules |= {"csv", "io", "re"} if encode else set()
    imports = "".join(f"import {module}\n" for module in sorted(modules))
    if "datetime(" in encode:
        imports += "from datetime import datetime\n"
    usage = "`predict(inputs)`, or CSV on standard input."
    main = f"""    rows = np.loadtxt(sys.stdin, delimiter=",", ndmin=2)
    predictions = predict(rows).reshape(len(rows), -1)
    np.savetxt(sys.stdout, predictions, fmt="%.{9 if dtype.itemsize == 4 else 17}g", delimiter=",")
"""
    if encode:
        usage = "`answer(rows)`, or CSV with a header on standard input."
        encode += f'''def answer(rows):
    """Return the prediction for each of the rows, dicts by column name."""
    outputs = predict(encode(rows))
    return {answers(table)}


'''
        main = """    for prediction in answer(read(sys.stdin.read())):
        print(*(prediction if isinstance(prediction, list) else [prediction]), sep=",")
"""
    return f'''"""A trained network in NumPy alone: {usage}"""

{imports}
import numpy as np


def array(numbers, shape, dtype="<f4"):
    return np.frombuffer(base64.b64decode(numbers), dtype).reshape(shape)


w = {{
{constants}}}
{functions_included}

def predict(inputs):
    """Return the predictions for inputs (n, {shape})."""
    x = {inputs}
{body}    return {prediction}


{encode}if __name__ == "__main__":
{main}'''.encode()
