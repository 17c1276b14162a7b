"""An exported module, run by PyTorch, gives the predictions of the network that it came from."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from tests.engine.exported import NETWORKS, WHOLE, inputs_of, weights_of
from tests.oracles.comparison import torch

from epochal_engine import Network, predict
from epochal_engine.export import Scaling, pytorch_module
from epochal_engine.symbolic.trace import Array

TOLERANCE = {"float32": 5e-6, "float64": 1e-7}
"""PyTorch keeps some constants, such as SELU's, as floats."""


def made(content: bytes) -> Any:
    """The module, from its text alone."""
    names: dict[str, Any] = {}
    exec(compile(content, "network.py", "exec"), names)
    return names["Network"]()


def answer(module: Any, rows: Array) -> Array:
    with torch.no_grad():
        actual: Array = module.eval()(torch.from_numpy(rows)).numpy()
    return actual


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("name", NETWORKS)
def test_a_module_predicts_as_its_network_does(name: str, dtype: str) -> None:
    network = NETWORKS[name]
    weights, rows = weights_of(network, dtype), inputs_of(network, dtype)
    actual = answer(made(pytorch_module(network, weights)), rows)
    expected = predict(network, weights, rows)
    assert (actual.dtype, actual.shape) == (expected.dtype, expected.shape)
    np.testing.assert_allclose(actual, expected, rtol=TOLERANCE[dtype], atol=TOLERANCE[dtype])


def test_a_module_scales_its_inputs() -> None:
    network = WHOLE["MLP"]
    weights, rows = weights_of(network), inputs_of(network)
    shift, scale = np.linspace(-2.0, 2.0, 64), np.linspace(0.5, 2.0, 64)
    actual = answer(made(pytorch_module(network, weights, Scaling(shift, scale))), rows)
    expected = predict(network, weights, (rows - shift) / scale)
    np.testing.assert_allclose(actual, expected, rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("name", WHOLE)
def test_a_module_can_be_trained_on(name: str) -> None:
    network: Network = WHOLE[name]
    module = made(pytorch_module(network, weights_of(network)))
    x = torch.from_numpy(inputs_of(network))
    before = module.train()(x).sum()
    (module(x) ** 2).sum().backward()
    assert torch.isfinite(before)
    assert all(p.grad is not None and torch.isfinite(p.grad).all() for p in module.parameters())
