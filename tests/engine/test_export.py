"""What is exported gives the predictions of the network that it came from, without Epochal."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from safetensors.numpy import load

from epochal_engine import (
    ACTIVATIONS,
    ActivationLayer,
    Add,
    BatchNorm,
    Concatenate,
    Conv2d,
    Dense,
    Dropout,
    Embedding,
    Flatten,
    GlobalAveragePool,
    GlobalMaxPool,
    Layer,
    LayerNorm,
    Network,
    Reshape,
    Residual,
    Slice,
    predict,
)
from epochal_engine.export import EXPORTS, Scaling, numpy_script, pytorch_module, safetensors
from epochal_engine.trace import Array


def weights_of(network: Network, seed: int = 0) -> dict[str, Array]:
    """Positive random numbers, as a variance has to be."""
    rng = np.random.default_rng(seed)
    return {
        name: rng.uniform(0.1, 0.9, shape).astype(np.float32)
        for name, shape in network.parameters.items()
    }


def run_script(script: bytes, rows: Array, folder: Path) -> Array:
    """The script's answers, from a Python that sees nothing of Epochal."""
    path = folder / "network.py"
    path.write_bytes(script)
    text = "\n".join(",".join(f"{number:.9g}" for number in row.ravel()) for row in rows)
    done = subprocess.run(
        [sys.executable, "-I", str(path)], input=text, capture_output=True, text=True, check=True
    )
    return np.loadtxt(done.stdout.splitlines(), delimiter=",", ndmin=2)


MLP = Network(
    (3,),
    (Dense(5, "tanh"), Dropout(0.5), Dense(4, "relu", use_bias=False), Dense(2, "softmax")),
)
NETWORKS: dict[str, tuple[tuple[int, ...], list[Layer]]] = {
    "norms": ((3,), [Dense(4), LayerNorm(), BatchNorm(), ActivationLayer("gelu"), Dense(1)]),
    "residual": ((3,), [Residual((Dense(3, "tanh"), Residual((Dense(3),)))), Dense(2, "sigmoid")]),
    "shapes": ((2, 6), [Reshape((3, 4)), Dense(2, "silu"), Slice(1), Flatten(), Dense(1)]),
    "pools": ((4, 3), [GlobalMaxPool(), Dense(2)]),
    "averages": ((4, 3), [GlobalAveragePool(), Dense(2)]),
    "tokens": ((4,), [Embedding(7, 3), Flatten(), Dense(2)]),
    "two paths": (
        (3,),
        [
            Dense(3, "tanh", name="left"),
            Dense(3, "relu", name="right", input="input"),
            Add(name="sum", input=("left", "right")),
            Concatenate(input=("sum", "input")),
            Dense(2),
        ],
    ),
}


@pytest.mark.parametrize("name", NETWORKS)
def test_a_script_predicts_as_its_network_does(name: str, tmp_path: Path) -> None:
    input_shape, layers = NETWORKS[name]
    network = Network(input_shape, tuple(layers))
    rows = np.random.default_rng(1).uniform(0, 6, (5, *input_shape)).astype(np.float32)
    rows = np.floor(rows) if name == "tokens" else rows
    weights = weights_of(network)
    expected = predict(network, weights, rows)
    found = run_script(numpy_script(network, weights), rows, tmp_path)
    np.testing.assert_allclose(found, expected, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("activation", [name for name in ACTIVATIONS if name != "softmax"])
def test_a_script_knows_every_activation(activation: str, tmp_path: Path) -> None:
    network = Network((2,), (Dense(4, activation), Dense(3, "softmax")))
    weights = {name: w - np.float32(0.5) for name, w in weights_of(network).items()}
    rows = np.array([[1.0, -2.0], [0.5, 3.0]], np.float32)
    found = run_script(numpy_script(network, weights), rows, tmp_path)
    np.testing.assert_allclose(found, predict(network, weights, rows), rtol=1e-4, atol=1e-5)


def test_a_script_scales_its_inputs(tmp_path: Path) -> None:
    weights, rows = weights_of(MLP), np.array([[10.0, 20.0, 30.0]], np.float32)
    scaling = Scaling(np.array([10.0, 10.0, 10.0]), np.array([1.0, 5.0, 10.0]))
    found = run_script(numpy_script(MLP, weights, scaling), rows, tmp_path)
    expected = predict(MLP, weights, np.array([[0.0, 2.0, 2.0]]))
    np.testing.assert_allclose(found, expected, rtol=1e-5)


def test_safetensors_are_read_by_their_own_library() -> None:
    weights = weights_of(MLP)
    scaling = Scaling(np.array([1.0, 2.0, 3.0]), np.array([4.0, 5.0, 6.0]))
    found = load(safetensors(MLP, weights, scaling))
    assert set(found) == {*MLP.parameters, "scaling.shift", "scaling.scale"}
    for name in MLP.parameters:
        np.testing.assert_array_equal(found[name], weights[name])
    np.testing.assert_array_equal(found["scaling.scale"], [4.0, 5.0, 6.0])


def test_a_pytorch_module_is_a_program_with_a_line_for_each_layer() -> None:
    text = pytorch_module(MLP, weights_of(MLP)).decode()
    compile(text, "network.py", "exec")
    lines = [line.strip() for line in text.splitlines()]
    assert "self.dense_1 = nn.Linear(3, 5, bias=True)" in lines
    assert "self.dense_3 = nn.Linear(5, 4, bias=False)" in lines
    assert "dense_4 = torch.softmax(self.dense_4(dense_3), -1)" in lines
    assert "return dense_4" in lines


def test_a_pytorch_module_predicts_as_its_network_does() -> None:
    torch = pytest.importorskip("torch")
    weights, rows = weights_of(MLP), np.array([[1.0, 2.0, 3.0], [-1.0, 0.5, 0.0]], np.float32)
    names: dict[str, object] = {}
    exec(compile(pytorch_module(MLP, weights), "network.py", "exec"), names)
    module = names["Network"]().eval()  # type: ignore[operator]
    with torch.no_grad():
        found = module(torch.from_numpy(rows)).numpy()
    np.testing.assert_allclose(found, predict(MLP, weights, rows), rtol=1e-4, atol=1e-6)


@pytest.mark.parametrize("name", ["numpy", "pytorch"])
def test_a_layer_without_words_is_refused_by_its_type(name: str) -> None:
    network = Network((4, 4, 1), (Conv2d(2, 3), Flatten(), Dense(1)))
    with pytest.raises(ValueError, match="conv2d"):
        EXPORTS[name].write(network, weights_of(network), None)
