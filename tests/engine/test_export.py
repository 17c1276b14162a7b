"""An export gives the predictions of its network, without Epochal."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from itertools import product
from pathlib import Path
from typing import Any, Literal

import numpy as np
import onnx
import pytest
from onnx.reference import ReferenceEvaluator
from safetensors.numpy import load
from tests.engine.exported import NETWORKS, WHOLE, inputs_of, weights_of

from epochal_engine import LAYERS, Conv1d, Dense, Dropout, Network, Residual, predict
from epochal_engine.export import (
    EXPORTS,
    Scaling,
    Table,
    numpy_script,
    onnx_model,
    pytorch_module,
    safetensors,
)
from epochal_engine.export._spellings import SPELLINGS
from epochal_engine.model.layers import Layer
from epochal_engine.symbolic.trace import Array

TOLERANCE = {"float32": 1e-6, "float64": 1e-12}
XOR = Network((2,), (Dense(2, "tanh"), Dense(1, "sigmoid")))


def layer_types(layers: tuple[Layer, ...]) -> set[str]:
    inner = [layer_types(layer.layers) for layer in layers if isinstance(layer, Residual)]
    return {layer.type for layer in layers}.union(*inner)


def test_the_networks_of_these_tests_have_every_layer() -> None:
    assert set().union(*(layer_types(n.layers) for n in NETWORKS.values())) == set(LAYERS)


def test_every_layer_has_a_spelling_in_the_exports() -> None:
    # A residual is written as the layers within it, and an addition.
    assert set(SPELLINGS) == set(LAYERS) - {"residual"}


# ---------------------------------------------------------------- NumPy


def answer(script: bytes) -> Callable[[Array], Array]:
    """The script's `predict`."""
    names: dict[str, Any] = {"__name__": "network"}
    exec(compile(script, "network.py", "exec"), names)
    function: Callable[[Array], Array] = names["predict"]
    return function


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("name", NETWORKS)
def test_a_script_predicts_as_its_network_does(name: str, dtype: str) -> None:
    network = NETWORKS[name]
    weights, rows = weights_of(network, dtype), inputs_of(network, dtype)
    actual = answer(numpy_script(network, weights))(rows)
    expected = predict(network, weights, rows)
    assert (actual.dtype, actual.shape) == (expected.dtype, expected.shape)
    np.testing.assert_allclose(actual, expected, rtol=TOLERANCE[dtype], atol=TOLERANCE[dtype])


def run(script: bytes, rows: Array, folder: Path) -> Array:
    """The answers of the script to CSV, from a Python that sees nothing of Epochal."""
    path = folder / "network.py"
    path.write_bytes(script)
    text = "\n".join(",".join(f"{number:.17g}" for number in row.ravel()) for row in rows)
    done = subprocess.run(
        [sys.executable, "-I", str(path)], input=text, capture_output=True, text=True, check=True
    )
    assert done.stderr == ""
    return np.loadtxt(done.stdout.splitlines(), delimiter=",", ndmin=2)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("name", WHOLE)
def test_a_script_is_a_program_that_stands_alone(name: str, dtype: str, tmp_path: Path) -> None:
    network = WHOLE[name]
    weights, rows = weights_of(network, dtype), inputs_of(network, dtype)
    actual = run(numpy_script(network, weights), rows, tmp_path)
    expected = predict(network, weights, rows).reshape(len(rows), -1)
    np.testing.assert_allclose(actual, expected, rtol=TOLERANCE[dtype], atol=TOLERANCE[dtype])


def test_a_script_reads_as_its_layers_and_holds_no_more_than_they_need() -> None:
    script = numpy_script(XOR, weights_of(XOR)).decode()
    lines = [line.strip() for line in script.splitlines()]
    assert 'dense_1 = tanh(x @ w["dense_1.weight"] + w["dense_1.bias"])' in lines
    assert 'dense_2 = sigmoid(dense_1 @ w["dense_2.weight"] + w["dense_2.bias"])' in lines
    assert "return dense_2" in lines
    defined = [line.split("(")[0] for line in lines if line.startswith("def ")]
    assert defined == ["def array", "def sigmoid", "def tanh", "def predict"]


def test_a_script_scales_its_inputs_before_they_are_rounded() -> None:
    weights = weights_of(XOR)
    scaling = Scaling(np.array([16_777_217.0, 10.0]), np.array([1.0, 5.0]))
    actual = answer(numpy_script(XOR, weights, scaling))(np.array([[16_777_218.0, 20.0]]))
    np.testing.assert_allclose(actual, predict(XOR, weights, np.array([[1.0, 2.0]])), rtol=1e-6)


def test_a_script_saturates_without_a_warning() -> None:
    network = Network((1,), (Dense(1, "sigmoid"),))
    weights = {"dense_1.weight": np.full((1, 1), 1e4, "f4"), "dense_1.bias": np.zeros(1, "f4")}
    actual = answer(numpy_script(network, weights))(np.array([[-1.0], [1.0]]))
    assert actual.tolist() == [[0.0], [1.0]]


# ---------------------------------------------------------------- safetensors and PyTorch


def test_safetensors_are_read_by_their_own_library() -> None:
    weights = weights_of(XOR)
    scaling = Scaling(np.array([1.0, 2.0]), np.array([4.0, 5.0]))
    actual = load(safetensors(XOR, weights, scaling))
    assert set(actual) == {*XOR.parameters, "scaling.shift", "scaling.scale"}
    for name in XOR.parameters:
        np.testing.assert_array_equal(actual[name], weights[name])
    np.testing.assert_array_equal(actual["scaling.scale"], [4.0, 5.0])


def test_a_pytorch_module_is_a_program_with_a_line_for_each_layer() -> None:
    network = Network((3,), (Dense(5, "tanh"), Dropout(0.5), Dense(2, "softmax", use_bias=False)))
    lines = [
        line.strip() for line in pytorch_module(network, weights_of(network)).decode().splitlines()
    ]
    assert "self.dense_1 = nn.Linear(3, 5, bias=True)" in lines
    assert "self.dropout_2 = nn.Dropout(0.5)" in lines
    assert "self.dense_3 = nn.Linear(5, 2, bias=False)" in lines
    assert "dense_3 = torch.softmax(self.dense_3(dropout_2), -1)" in lines
    assert "return dense_3" in lines


@pytest.mark.parametrize("name", NETWORKS)
def test_a_pytorch_module_can_be_parsed(name: str) -> None:
    compile(pytorch_module(NETWORKS[name], weights_of(NETWORKS[name])), "network.py", "exec")


# ---------------------------------------------------------------- ONNX


def computed(content: bytes, rows: Array) -> Array:
    """The outputs of a valid model by ONNX's reference."""
    model = onnx.load_from_string(content)
    onnx.checker.check_model(model, full_check=True)
    (actual,) = ReferenceEvaluator(model).run(None, {"input": rows})
    array: Array = np.asarray(actual)
    return array


@pytest.mark.parametrize("name", NETWORKS)
def test_an_onnx_model_predicts_as_its_network_does(name: str) -> None:
    network = NETWORKS[name]
    weights, rows = weights_of(network), inputs_of(network)
    actual = computed(onnx_model(network, weights), rows)
    expected = predict(network, weights, rows)
    assert (actual.dtype, actual.shape) == (expected.dtype, expected.shape)
    np.testing.assert_allclose(actual, expected, rtol=2e-6, atol=2e-6)


@pytest.mark.parametrize("padding", ["valid", "same"])
def test_windows_of_any_size_and_stride_are_where_the_engine_has_them(
    padding: Literal["valid", "same"],
) -> None:
    for size, stride in product(range(1, 5), range(1, 4)):
        network = Network((7, 2), (Conv1d(3, size, stride, padding),))
        weights, rows = weights_of(network), inputs_of(network)
        expected = predict(network, weights, rows)
        actual = answer(numpy_script(network, weights))(rows)
        np.testing.assert_allclose(actual, expected, rtol=1e-6, atol=1e-6)
        actual = computed(onnx_model(network, weights), rows)
        np.testing.assert_allclose(actual, expected, rtol=1e-6, atol=1e-6)


def test_an_onnx_model_rounds_doubles_to_floats() -> None:
    weights, rows = weights_of(XOR, "float64"), inputs_of(XOR)
    actual = computed(onnx_model(XOR, weights), rows)
    assert actual.dtype == np.float32
    np.testing.assert_allclose(actual, predict(XOR, weights, rows), rtol=1e-6)


def test_numbers_beyond_the_range_of_onnx_are_refused_by_name() -> None:
    weights = weights_of(XOR, "float64")
    name = next(iter(weights))
    with pytest.raises(OverflowError, match=f"{name} has numbers beyond the range of float32"):
        onnx_model(XOR, {**weights, name: weights[name] * 1e300})
    # Weights that a divergence made infinite stay so.
    onnx_model(XOR, {**weights, name: weights[name] * np.inf})


def axes(value: onnx.ValueInfoProto) -> list[int | str]:
    return [d.dim_param or d.dim_value for d in value.type.tensor_type.shape.dim]


def test_an_onnx_model_takes_any_number_of_samples_and_says_so() -> None:
    network = WHOLE["transformer"]
    weights = weights_of(network)
    content = onnx_model(network, weights)
    model = onnx.load_from_string(content)
    assert [(i.name, axes(i)) for i in model.graph.input] == [("input", ["n", 12])]
    assert [(o.name, axes(o)) for o in model.graph.output] == [("output", ["n", 12, 30])]
    assert [(o.domain, o.version) for o in model.opset_import] == [("", 20)]
    rows = inputs_of(network)
    for n in (1, 3):
        np.testing.assert_allclose(
            computed(content, rows[:n]), predict(network, weights, rows[:n]), rtol=1e-5, atol=1e-6
        )


def test_an_onnx_model_turns_images_once_and_back_once() -> None:
    network = WHOLE["CNN"]
    model = onnx.load_from_string(onnx_model(network, weights_of(network)))
    operators = [node.op_type for node in model.graph.node]
    convolved = ["Conv", "Relu", "MaxPool", "Conv", "BatchNormalization", "Sum", "Relu"]
    flat = ["Reshape", "MatMul", "Add", "Softmax"]
    assert operators == ["Transpose", *convolved, "AveragePool", "Transpose", *flat]


def test_an_onnx_model_scales_its_inputs() -> None:
    weights = weights_of(XOR)
    scaling = Scaling(np.array([1.0, 10.0]), np.array([1.0, 5.0]))
    actual = computed(onnx_model(XOR, weights, scaling), np.array([[2.0, 20.0]], np.float32))
    np.testing.assert_allclose(actual, predict(XOR, weights, np.array([[1.0, 2.0]])), rtol=1e-6)


@pytest.mark.parametrize("name", EXPORTS)
def test_the_same_network_makes_the_same_bytes(name: str) -> None:
    network = WHOLE["CNN"]
    write = EXPORTS[name].write
    first, second = (write(network, weights_of(network), None, None) for _ in range(2))
    assert first == second


@pytest.mark.parametrize("name", ["numpy", "onnx"])
def test_outputs_are_in_the_units_of_the_targets(name: str) -> None:
    network = Network((2,), (Dense(3, "tanh"), Dense(2)))
    weights, rows = weights_of(network), inputs_of(network)
    shift, scale = np.array([2e5, -1.0]), np.array([5e4, 0.5])
    scaling = Scaling(target_shift=shift, target_scale=scale)
    table = Table(["a", "b"], target_names=["price", "age"])
    content = EXPORTS[name].write(network, weights, scaling, table)
    expected = predict(network, weights, rows) * scale + shift
    if name == "onnx":
        model = onnx.load_from_string(content)
        (actual,) = ReferenceEvaluator(model).run(None, {"input": rows.astype(np.float32)})
        assert model.graph.input[0].doc_string == "In the units of the data: a, b"
    else:
        program: dict[str, Any] = {"__name__": "network"}
        exec(content, program)
        actual = program["predict"](rows)
    np.testing.assert_allclose(np.asarray(actual), expected, rtol=1e-5)
