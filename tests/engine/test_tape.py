"""Every operation that a training program differentiates, compared with differences."""

# mypy: allow-untyped-calls, disable-error-code="index"

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from epochal_engine.export.training._tape import (
    DERIVATIVES,
    FUNCTIONS,
    Tape,
    Traced,
    backward,
    plain,
)

RNG = np.random.default_rng(0)
X, Y = RNG.uniform(0.5, 2.0, (3, 4, 2)), RNG.uniform(0.5, 2.0, (4, 2))

OPERANDS: dict[Any, tuple[Any, ...]] = {np.matmul: (X, RNG.normal(size=(2, 5)))}
"""Operands of functions of two arrays that are not broadcast to one shape."""

CALLS: dict[str, Callable[[Any], Any]] = {
    "moveaxis": lambda x: np.moveaxis(x, 0, 2),
    "concatenate": lambda x: np.concatenate([x[..., 1:], x, Y[None] * x], axis=-1),
    "stack": lambda x: np.stack([x[0], 2.0 * x[1], Y], axis=1),
    "split": lambda x: np.split(x, 2, axis=1)[0] * np.split(x, 2, axis=1)[1],
    "pad": lambda x: np.pad(x, [(0, 0), (1, 2), (0, 1)]),
    "where": lambda x: np.where(plain(x) > 1.0, x**2, 3.0 * x),
    "take_along_axis": lambda x: np.take_along_axis(x, plain(x).argmax(1, keepdims=True), 1),
    "tensordot": lambda x: np.tensordot(x, Y, 2),
    "sliding_window_view": lambda x: np.lib.stride_tricks.sliding_window_view(x, (2, 3), (0, 1)),
    "rows several times": lambda x: x[np.array([0, 2, 0])],
    "part": lambda x: x[1:, ::2] * x[0, 0],
    "reshape, swapaxes": lambda x: x.reshape(4, 6).swapaxes(0, 1) @ Y,
    "sum": lambda x: x.sum(axis=(0, 2)) + x.sum(),
    "mean": lambda x: x - x.mean(axis=-1, keepdims=True),
    "var": lambda x: x.var(axis=(0, 1)),
    "max": lambda x: x.max(axis=(1, 2))[:, None, None] + x.max(axis=0, keepdims=True),
    "power of numbers": lambda x: 2.0**x + x**0.5,
    "matrices of a batch": lambda x: x @ x.swapaxes(1, 2),
    "broadcast": lambda x: x[:, :1] * x + Y,
}


def agrees_with_differences(function: Callable[[Any], Any], x: Any) -> None:
    traced = Traced(x, Tape())
    y = function(traced)
    direction = RNG.normal(size=y.shape)
    backward(y, direction)
    np.testing.assert_allclose(y.value, function(x), rtol=1e-12)
    for index in np.ndindex(x.shape):
        step = np.zeros_like(x)
        step[index] = 1e-6
        slope = ((function(x + step) - function(x - step)) * direction).sum() / 2e-6
        assert traced.derivative[index] == pytest.approx(slope, rel=1e-6, abs=1e-7)


@pytest.mark.parametrize("ufunc", DERIVATIVES, ids=lambda ufunc: ufunc.__name__)
def test_a_function_has_its_derivatives(ufunc: np.ufunc) -> None:
    operands = OPERANDS.get(ufunc, (X, Y)[: ufunc.nin])
    for place, operand in enumerate(operands):

        def function(x: Any, place: int = place) -> Any:
            return ufunc(*operands[:place], x, *operands[place + 1 :])

        agrees_with_differences(function, operand)


@pytest.mark.parametrize("name", CALLS)
def test_what_moves_numbers_has_its_derivative(name: str) -> None:
    agrees_with_differences(CALLS[name], X)


def test_every_function_is_compared() -> None:
    assert {function.__name__ for function in FUNCTIONS} <= CALLS.keys()


def test_a_function_without_a_derivative_is_an_error() -> None:
    with pytest.raises(KeyError, match="arctan"):
        np.arctan(Traced(X, Tape()))
