"""The network as an ONNX graph, which many runtimes compute, also in a browser and on a phone.

A layer becomes as few operators as ONNX has for it: a Conv, an LSTM, a LayerNormalization. ONNX has
the channels of images, and the time steps of sequences, before the other axes: axes are permuted on
the way into such an operator and back on the way out. Two permutations that cancel are both left
out, and element-wise operators are moved before a permutation: images are permuted once, and back
once.

Source of the operators and of the order of their gates: https://onnx.ai/onnx/operators.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

from ..model.network import Network
from ..symbolic.trace import Array, Shape
from ._program import Program
from ._spellings import SPELLINGS
from .onnx_graph import INPUT, OUTPUT, Graph
from .scaling import Scaling, Table

OPSET = 20
"""The first opset with Gelu."""
IR_VERSION = 9
"""The file format of the ONNX release that introduced this opset: a runtime that reads the opset
reads the format."""

SAMPLES = "n"
"""The name of the first axis, which may have any length."""


def onnx_model(
    network: Network,
    weights: Mapping[str, Array],
    scaling: Scaling | None = None,
    table: Table | None = None,
) -> bytes:
    """Return the model, in float32.

    It maps `input` `(n, *input_shape)` to `output` `(n, *output_shape)`, both in the data's own
    units. The texts of both have the names of their numbers in order, and so have the metadata.

    Raises ModuleNotFoundError where the package onnx is not installed.
    """
    from onnx import TensorProto, helper, numpy_helper

    graph = Graph(weights)
    x = INPUT
    scaling = scaling or Scaling()
    if scaling.shift is not None and scaling.scale is not None:
        x = graph.apply("Sub", x, graph.constant("scaling.shift", scaling.shift))
        x = graph.apply("Div", x, graph.constant("scaling.scale", scaling.scale))
    program = Program(network)
    arrays = {"x": x}
    for line in program.lines:
        graph.part = line.name
        inputs = [arrays[variable] for variable in line.variables]
        arrays[line.output.variable] = SPELLINGS[line.layer.type].onnx(graph, line, inputs)
    prediction = arrays[program.prediction]
    if scaling.target_shift is not None and scaling.target_scale is not None:
        scale = graph.constant("target_scaling.scale", scaling.target_scale)
        shift = graph.constant("target_scaling.shift", scaling.target_shift)
        prediction = graph.apply("Add", graph.apply("Mul", prediction, scale), shift)
    operators = graph.needed(prediction)

    def renamed(names: Sequence[str]) -> list[str]:
        return [OUTPUT if name == prediction else name for name in names]

    def described(name: str, shape: Shape, text: str) -> Any:
        return helper.make_tensor_value_info(name, TensorProto.FLOAT, [SAMPLES, *shape], text)

    inputs_text, outputs_text = _texts(table)

    used = {name for operator in operators for name in operator.inputs}
    model = helper.make_model(
        helper.make_graph(
            [
                helper.make_node(
                    operator.type,
                    renamed(operator.inputs),
                    renamed(operator.outputs),
                    name=operator.outputs[-1],
                    **operator.attributes,
                )
                for operator in operators
            ],
            "network",
            [described(INPUT, network.input_shape, inputs_text)],
            [described(OUTPUT, network.output_shape, outputs_text)],
            [
                numpy_helper.from_array(array, name)
                for name, array in graph.constants.items()
                if name in used
            ],
        ),
        opset_imports=[helper.make_opsetid("", OPSET)],
        ir_version=IR_VERSION,
        producer_name="epochal",
    )
    if table is not None:
        names = ("feature_names", "class_names", "target_names")
        values = {name: json.dumps(list(getattr(table, name))) for name in names}
        if table.columns:
            values["columns"] = json.dumps(list(map(dict, table.columns)))
        helper.set_model_props(model, values)
    content: bytes = model.SerializeToString(deterministic=True)
    return content


def _texts(table: Table | None) -> tuple[str, str]:
    """Return what the numbers of the input and of the output are, in order."""
    if table is None:
        return "", ""
    inputs = f"In the units of the data: {', '.join(table.feature_names)}"
    for column in table.columns:
        if column["kind"] == "boolean":
            no, yes = column["categories"]
            inputs += f"; {column['name']} is 0 for {no}, 1 for {yes}"
    if not table.class_names:
        return inputs, f"In the units of the data: {', '.join(table.target_names)}"
    return inputs, f"Of the classes {', '.join(table.class_names)}"
