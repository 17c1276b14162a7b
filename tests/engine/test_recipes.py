"""An activation or a layer that is added as CONTRIBUTING says trains, and is exported.

A training with the activation is verified, too.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Literal

import numpy as np
import pytest
from tests import recipes
from tests.engine.exported import inputs_of, weights_of
from tests.engine.recordings import Case, record, training_program
from tests.engine.test_export import answer, computed

from epochal_engine import (
    ACTIVATIONS,
    LAYERS,
    Adam,
    Data,
    Dense,
    Layer,
    Network,
    Run,
    Training,
    predict,
)
from epochal_engine.export import EXPORTS, numpy_script, onnx_model, pytorch_module
from epochal_engine.export.training import NoProgram, training_numpy, training_pytorch
from epochal_engine.training.blocks import join


@pytest.fixture
def rescale() -> Iterator[type[Layer]]:
    with recipes.registered() as parts:
        yield parts.layer


def network(rescale: type[Layer]) -> Network:
    return Network((3,), (Dense(4, "bent_identity"), rescale(), Dense(2)))


def test_the_activation_has_its_value_and_its_derivative(rescale: type[Layer]) -> None:
    activation = ACTIVATIONS["bent_identity"]
    assert activation.function(0.75) == pytest.approx(0.875)  # √(9/16 + 1) = 5/4
    assert activation.derivative(0.75) == pytest.approx(1.3)


def test_a_layer_with_the_activation_has_its_default_initializer(rescale: type[Layer]) -> None:
    assert Dense(4, "bent_identity").initializer_name == "orthogonal"


def test_both_train(rescale: type[Layer]) -> None:
    rng = np.random.default_rng(0)
    inputs = rng.normal(size=(40, 3))
    data = Data(inputs, inputs[:, :2] * [1.0, -2.0])
    run = Run(network(rescale), Training("mse", Adam(0.02), epochs=60), data)
    for _ in run:
        pass
    losses = join(run.take()).columns["train_loss"]
    assert losses[-1] < losses[0] / 20
    assert not np.array_equal(run.weights()["rescale_2.scale"], np.ones(4))


def test_both_are_in_the_exports(rescale: type[Layer]) -> None:
    net = network(rescale)
    weights, rows = weights_of(net), inputs_of(net)
    expected = predict(net, weights, rows)
    script = numpy_script(net, weights)
    assert b"def bent_identity(x):\n    return (np.sqrt(x**2 + 1.0) - 1.0) / 2.0 + x\n" in script
    np.testing.assert_allclose(answer(script)(rows), expected, rtol=1e-6, atol=1e-6)
    actual = computed(onnx_model(net, weights), rows)
    np.testing.assert_allclose(actual, expected, rtol=2e-6, atol=2e-6)
    module = pytorch_module(net, weights).decode()
    compile(module, "network.py", "exec")
    assert "        rescale_2 = 2.0 * dense_1 * self.rescale_2\n" in module
    assert all(export.write(net, weights, None, None) for export in EXPORTS.values())


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_a_training_with_all_is_verified(dtype: Literal["float32", "float64"]) -> None:
    with recipes.registered() as parts:
        rng = np.random.default_rng(0)
        training = Training("log_cosh", parts.optimizer(0.01), epochs=6, batch_size=8)
        inputs = rng.normal(size=(40, 3))
        case = Case(network(parts.layer), inputs, inputs[:, :2], training)
        recording = record(case, dtype)
        table, _ = training_program(training_numpy(recording))["compare"]()
        assert all(row["compared"] == row["total"] for row in table)
        assert all(row["deviation"] <= row["tolerance"] for row in table)
        with pytest.raises(NoProgram, match="rescale has no function in PyTorch"):
            training_pytorch(recording)
        dense = Network((3,), (Dense(4, "bent_identity"), Dense(2)))
        program = training_pytorch(record(replace(case, network=dense), dtype))
    compile(program, "training.py", "exec")
    for text in (
        b"def bent_identity(x):\n    return (torch.sqrt(",
        b"torch.cosh",
        b"torch.sign(g)",
    ):
        assert text in program


def test_the_layer_refuses_what_is_out_of_range(rescale: type[Layer]) -> None:
    with pytest.raises(ValueError, match="factor must be at most 10; got 11"):
        rescale(factor=11.0)  # type: ignore[call-arg]


def test_a_type_is_registered_once(rescale: type[Layer]) -> None:
    with pytest.raises(ValueError, match="already a component named 'rescale'"):
        recipes.register()
    assert LAYERS["rescale"] is rescale
