"""Optimizers against their published formulas in plain Python numbers."""

from __future__ import annotations

import math
from collections.abc import Iterator

import numpy as np
import pytest

from epochal_engine import OPTIMIZERS, Adam, Momentum, Optimizer, Sgd
from epochal_engine.optimizers import BLOCK
from epochal_engine.plan import perform
from epochal_engine.trace import Array


def steps_of(optimizer: Optimizer, gradients: list[float], start: float = 1.0) -> Iterator[float]:
    """The parameter after each step, as the engine takes them."""
    parameter, gradient, step = np.array([start]), np.zeros(1), np.zeros(1)
    moments, rate = np.zeros((optimizer.moments, 1)), np.array(optimizer.learning_rate)
    calls = optimizer.calls(parameter, gradient, step, moments, rate, 0)
    for g in gradients:
        before = parameter.copy()
        gradient.fill(g)
        perform(calls)
        assert step == pytest.approx(before - parameter)
        yield float(parameter[0])


GRADIENTS = [0.5, -0.2, 0.0, 3.0, -1.0, 0.1, 0.1, 0.1]


def test_gradient_descent_goes_down_the_gradient() -> None:
    assert list(steps_of(Sgd(0.1), [1.0, -2.0])) == pytest.approx([0.9, 1.1])


def test_momentum_is_gradient_descent_with_memory() -> None:
    # Velocities 1, then 0.9 + 1 = 1.9, then 0.9 · 1.9 + 1 = 2.71.
    found = list(steps_of(Momentum(0.1, 0.9), [1.0, 1.0, 1.0]))
    assert found == pytest.approx([0.9, 0.71, 0.439])
    still = list(steps_of(Momentum(0.1, momentum=0.0), GRADIENTS))
    assert still == pytest.approx(list(steps_of(Sgd(0.1), GRADIENTS)))


@pytest.mark.parametrize(
    "adam", [Adam(0.01), Adam(0.1, beta_1=0.5, beta_2=0.9, epsilon=0.1), Adam(0.01, beta_1=0.0)]
)
def test_adam_follows_its_paper(adam: Adam) -> None:
    p, m, v = 1.0, 0.0, 0.0
    expected = []
    for t, g in enumerate(GRADIENTS, 1):
        m = adam.beta_1 * m + (1 - adam.beta_1) * g
        v = adam.beta_2 * v + (1 - adam.beta_2) * g * g
        unbiased_m = m / (1 - adam.beta_1**t)
        unbiased_v = v / (1 - adam.beta_2**t)
        p -= adam.learning_rate * unbiased_m / (math.sqrt(unbiased_v) + adam.epsilon)
        expected.append(p)
    assert list(steps_of(adam, GRADIENTS)) == pytest.approx(expected, rel=1e-12)


def test_the_first_step_of_adam_has_the_size_of_the_learning_rate() -> None:
    # Were the moments multiplied by the correction, it would be 0.1 · 0.1 / 0.001 of that.
    for gradient in (1e-3, 1.0, 1e3):
        (after,) = steps_of(Adam(0.01), [gradient])
        assert after == pytest.approx(0.99, rel=1e-6)


def test_adam_goes_on_from_the_step_where_it_was() -> None:
    whole = list(steps_of(Adam(0.01), GRADIENTS))
    adam = Adam(0.01)
    parameter, gradient, step = np.array([1.0]), np.zeros(1), np.zeros(1)
    moments, rate = np.zeros((2, 1)), np.array(0.01)
    for taken, g in enumerate(GRADIENTS):
        gradient.fill(g)
        perform(adam.calls(parameter, gradient, step, moments, rate, taken))
    assert float(parameter[0]) == whole[-1]


def test_adam_works_through_large_vectors_in_blocks() -> None:
    size = 2 * BLOCK + 3
    rng = np.random.default_rng(0)
    gradient = rng.normal(size=size)

    def one_step(part: slice) -> Array:
        g = gradient[part]
        p, s, moments = np.zeros_like(g), np.zeros_like(g), np.zeros((2, g.size))
        perform(Adam(0.01).calls(p, g, s, moments, np.array(0.01), 0))
        return p

    whole = one_step(slice(None))
    for part in (slice(0, 3), slice(BLOCK - 2, BLOCK + 2), slice(size - 2, size)):
        np.testing.assert_array_equal(whole[part], one_step(part))


def test_the_rate_is_read_at_every_step() -> None:
    for optimizer in (Sgd(1.0), Momentum(1.0), Adam(1.0)):
        parameter, rate = np.array([1.0]), np.array(1.0)
        moments = np.zeros((optimizer.moments, 1))
        calls = optimizer.calls(parameter, np.array([0.5]), np.zeros(1), moments, rate, 0)
        rate.fill(0.0)
        perform(calls)
        assert parameter == 1.0
        rate.fill(1.0)
        perform(calls)
        assert parameter < 1.0


@pytest.mark.parametrize(
    ("kind", "settings"),
    [
        ("sgd", {"learning_rate": -0.1}),
        ("sgd", {"learning_rate": math.inf}),
        ("momentum", {"learning_rate": 0.1, "momentum": 1.0}),
        ("adam", {"learning_rate": 0.1, "beta_1": 1.0}),
        ("adam", {"learning_rate": 0.1, "beta_2": -0.1}),
        ("adam", {"learning_rate": 0.1, "epsilon": 0.0}),
    ],
)
def test_senseless_settings_are_refused(kind: str, settings: dict[str, float]) -> None:
    with pytest.raises(ValueError, match=list(settings)[-1]):
        OPTIMIZERS[kind](**settings)
