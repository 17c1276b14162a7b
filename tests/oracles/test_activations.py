"""Every activation, and its derivative, equals PyTorch's."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from tests.oracles.comparison import Tensor, torch

from epochal_engine import ACTIVATIONS

F: Any = torch.nn.functional
ORACLES: dict[str, Callable[[Tensor], Tensor]] = {
    "linear": lambda x: x * 1.0,
    "step": lambda x: torch.heaviside(x.detach(), torch.ones((), dtype=x.dtype)) + 0.0 * x,
    "sigmoid": torch.sigmoid,
    "tanh": torch.tanh,
    "softsign": F.softsign,
    "relu": F.relu,
    "leaky_relu": F.leaky_relu,
    "softplus": lambda x: F.softplus(x, threshold=100.0),
    "elu": F.elu,
    "selu": F.selu,
    "gelu": F.gelu,
    "gelu_tanh": lambda x: F.gelu(x, approximate="tanh"),
    "silu": F.silu,
    "mish": F.mish,
}
POINTS = np.concatenate([np.linspace(-12.0, 12.0, 481), [-1e-9, 1e-9, -700.0, 700.0]])


@pytest.mark.parametrize("name", sorted(ORACLES))
def test_values_and_derivatives_are_those_of_pytorch(name: str) -> None:
    x = torch.tensor(POINTS, requires_grad=True)
    y = ORACLES[name](x)
    y.sum().backward()
    activation = ACTIVATIONS[name]
    np.testing.assert_allclose(activation.function(POINTS), y.detach(), rtol=1e-8, atol=1e-12)
    away = POINTS != 0.0  # where several have a kink
    np.testing.assert_allclose(
        activation.derivative(POINTS)[away], x.grad.numpy()[away], rtol=1e-8, atol=1e-12
    )


def test_softmax_is_that_of_pytorch() -> None:
    rows = np.random.default_rng(0).normal(size=(5, 4)) * 10.0
    x = torch.tensor(rows, requires_grad=True)
    y = torch.softmax(x, -1)
    np.testing.assert_allclose(ACTIVATIONS["softmax"].function(rows), y.detach(), rtol=1e-12)
    jacobian = torch.autograd.functional.jacobian(lambda z: torch.softmax(z, -1), x.detach())
    diagonal = torch.einsum("ikik->ik", jacobian)
    np.testing.assert_allclose(
        ACTIVATIONS["softmax"].derivative(rows), diagonal, rtol=1e-8, atol=1e-15
    )


def test_every_activation_has_an_oracle() -> None:
    assert set(ORACLES) | {"softmax"} == set(ACTIVATIONS)
