"""Optimizers against their published formulas in plain Python numbers."""

from __future__ import annotations

import math
from collections.abc import Iterator

import numpy as np
import pytest

from epochal_engine import (
    OPTIMIZERS,
    Adagrad,
    Adam,
    AdamW,
    Lion,
    Momentum,
    Muon,
    Nesterov,
    Optimizer,
    Perceptron,
    RmsProp,
    Sgd,
)
from epochal_engine.optimize.optimizers.vectors import BLOCK
from epochal_engine.symbolic.plan import perform
from epochal_engine.symbolic.trace import Array, Shape

ONE_WEIGHT: dict[str, Shape] = {"dense_1.weight": (1, 1)}


def steps_of(optimizer: Optimizer, gradients: list[float], start: float = 1.0) -> Iterator[float]:
    """The parameter after each step, as the engine takes them."""
    parameter, gradient, step = np.array([start]), np.zeros(1), np.zeros(1)
    moments, rate = np.zeros((optimizer.moments, 1)), np.array(optimizer.learning_rate)
    calls = optimizer.calls(parameter, gradient, step, moments, rate, 0, ONE_WEIGHT)
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
    actual = list(steps_of(Momentum(0.1, 0.9), [1.0, 1.0, 1.0]))
    assert actual == pytest.approx([0.9, 0.71, 0.439])
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
        perform(adam.calls(parameter, gradient, step, moments, rate, taken, ONE_WEIGHT))
    assert float(parameter[0]) == whole[-1]


def test_adam_works_through_large_vectors_in_blocks() -> None:
    size = 2 * BLOCK + 3
    rng = np.random.default_rng(0)
    gradient = rng.normal(size=size)

    def one_step(part: slice) -> Array:
        g = gradient[part]
        p, s, moments = np.zeros_like(g), np.zeros_like(g), np.zeros((2, g.size))
        perform(Adam(0.01).calls(p, g, s, moments, np.array(0.01), 0, {}))
        return p

    whole = one_step(slice(None))
    for part in (slice(0, 3), slice(BLOCK - 2, BLOCK + 2), slice(size - 2, size)):
        np.testing.assert_array_equal(whole[part], one_step(part))


@pytest.mark.parametrize("kind", sorted(OPTIMIZERS))
def test_the_rate_is_read_at_every_step(kind: str) -> None:
    optimizer = OPTIMIZERS[kind](1.0)
    parameter, rate = np.array([1.0]), np.array(1.0)
    moments = np.zeros((optimizer.moments, 1))
    calls = optimizer.calls(parameter, np.array([0.5]), np.zeros(1), moments, rate, 0, ONE_WEIGHT)
    rate.fill(0.0)
    perform(calls)
    assert parameter == 1.0
    rate.fill(1.0)
    perform(calls)
    assert parameter < 1.0


@pytest.mark.parametrize("kind", sorted(OPTIMIZERS))
def test_an_optimizer_has_its_update_as_a_formula_and_a_usual_rate(kind: str) -> None:
    optimizer = OPTIMIZERS[kind](1.0)
    assert "←" in optimizer.formula
    assert "η" in optimizer.formula
    assert 0.0 < optimizer.usual_rate <= 1.0


@pytest.mark.parametrize("kind", sorted(OPTIMIZERS))
def test_a_step_is_in_proportion_to_the_rate(kind: str) -> None:
    shapes: dict[str, Shape] = {"a.weight": (2, 3), "b.weight": (3, 3), "c.weight": (3, 1)}
    rng = np.random.default_rng(0)
    start, gradient = rng.normal(size=18), rng.normal(size=18)
    steps = []
    for rate in (0.5, 0.125):
        optimizer = OPTIMIZERS[kind](rate)
        moments, step = np.full((optimizer.moments, 18), 0.25), np.zeros(18)
        perform(optimizer.calls(start.copy(), gradient, step, moments, np.array(rate), 3, shapes))
        steps.append(step)
    np.testing.assert_allclose(steps[0], 4.0 * steps[1], rtol=1e-12)


def test_the_rule_of_the_perceptron_is_gradient_descent() -> None:
    assert Perceptron().learning_rate == 1.0
    actual = list(steps_of(Perceptron(0.5), GRADIENTS))
    assert actual == list(steps_of(Sgd(0.5), GRADIENTS))


def test_nesterov_looks_one_step_ahead() -> None:
    # Velocities 1 and 1.9; steps 0.9 · 1 + 1 = 1.9 and 0.9 · 1.9 + 1 = 2.71.
    actual = list(steps_of(Nesterov(0.1), [1.0, 1.0]))
    assert actual == pytest.approx([1.0 - 0.19, 1.0 - 0.19 - 0.271])


def test_adagrad_adds_up_all_squares() -> None:
    # Roots of 9, then of 9 + 16.
    actual = list(steps_of(Adagrad(0.1), [3.0, 4.0]))
    assert actual == pytest.approx([0.9, 0.9 - 0.1 * 4.0 / 5.0])
    (damped,) = steps_of(Adagrad(1.0, epsilon=1.0), [1.0])
    assert damped == pytest.approx(0.5)


def test_rmsprop_forgets() -> None:
    optimizer = RmsProp(0.01, decay=0.9, epsilon=0.1)
    p, v = 1.0, 0.0
    expected = []
    for g in GRADIENTS:
        v = 0.9 * v + 0.1 * g * g
        p -= 0.01 * g / (math.sqrt(v) + 0.1)
        expected.append(p)
    assert list(steps_of(optimizer, GRADIENTS)) == pytest.approx(expected, rel=1e-12)


def test_adam_is_rmsprop_with_momentum() -> None:
    # Without momentum, and where the corrections no longer matter.
    adam = list(steps_of(Adam(0.1, beta_1=0.0, beta_2=0.5), [1.0, 2.0] * 40))
    rms = list(steps_of(RmsProp(0.1, decay=0.5), [1.0, 2.0] * 40))
    assert np.diff(adam)[-2:] == pytest.approx(np.diff(rms)[-2:], rel=1e-12)


def test_decay_shrinks_weights_before_the_step_and_leaves_biases_alone() -> None:
    shapes: dict[str, Shape] = {"dense_1.weight": (2, 1), "dense_1.bias": (1,)}
    start, gradient = np.array([1.0, -2.0, 3.0]), np.array([0.5, 0.5, 0.5])
    for decaying, plain in (
        (AdamW(0.1, weight_decay=0.2), Adam(0.1)),
        (Lion(0.1, weight_decay=0.2), Lion(0.1)),
        (Muon(0.1, weight_decay=0.2, adam_fraction=1.0), Muon(0.1, adam_fraction=1.0)),
    ):
        actual = []
        for optimizer in (decaying, plain):
            p, step = start.copy(), np.zeros(3)
            moments = np.zeros((optimizer.moments, 3))
            perform(optimizer.calls(p, gradient, step, moments, np.array(0.1), 0, shapes))
            assert step == pytest.approx(start - p)
            actual.append(p)
        assert actual[0] - actual[1] == pytest.approx([-0.02, 0.04, 0.0])


def test_lion_follows_its_paper() -> None:
    p, m = 1.0, 0.0
    expected = []
    for g in GRADIENTS:
        p -= 0.01 * (np.sign(0.9 * m + 0.1 * g) + 0.5 * p)
        m = 0.99 * m + 0.01 * g
        expected.append(p)
    actual = list(steps_of(Lion(0.01, weight_decay=0.5), GRADIENTS))
    assert actual == pytest.approx(expected, rel=1e-12)


# ---------------------------------------------------------------- Muon

LAYERS: dict[str, Shape] = {
    "layer_norm_0.scale": (2,),
    "dense_1.weight": (2, 3),
    "dense_1.bias": (3,),
    "dense_2.weight": (3, 5),
    "dense_2.bias": (5,),
    "conv2d_3.weight": (2, 2, 5, 4),
    "conv2d_3.bias": (4,),
    "dense_4.weight": (4, 1),
    "dense_4.bias": (1,),
    "layer_norm_5.scale": (1,),
}
SIZE = sum(math.prod(shape) for shape in LAYERS.values())


def test_muon_follows_its_authors() -> None:
    muon = Muon(0.02, weight_decay=0.1)
    rng = np.random.default_rng(0)
    start = rng.normal(size=SIZE)
    parameter, step, gradient = start.copy(), np.zeros(SIZE), np.zeros(SIZE)
    calls = muon.calls(parameter, gradient, step, np.zeros((2, SIZE)), np.array(0.02), 0, LAYERS)
    expected = dict(zip(LAYERS, parts(start), strict=True))
    first, second = ({name: np.zeros(shape) for name, shape in LAYERS.items()} for _ in range(2))
    for t in range(1, 6):
        gradient[:] = rng.normal(size=SIZE)
        before = parameter.copy()
        perform(calls)
        np.testing.assert_allclose(step, before - parameter, atol=1e-15)
        for (name, p), g in zip(expected.items(), parts(gradient), strict=True):
            decay = 0.1 if p.ndim > 1 else 0.0
            if name in ("dense_2.weight", "conv2d_3.weight"):
                first[name] = 0.95 * first[name] + 0.05 * g
                ahead = 0.95 * first[name] + 0.05 * g
                # The authors' matrices are (units, fan_in).
                moved = orthogonalized(ahead.reshape(-1, p.shape[-1]).T)
                moved *= max(1.0, moved.shape[0] / moved.shape[1]) ** 0.5
                expected[name] = p * (1 - 0.02 * decay) - 0.02 * moved.T.reshape(p.shape)
            else:
                rate = 3e-4
                first[name] = 0.9 * first[name] + 0.1 * g
                second[name] = 0.95 * second[name] + 0.05 * g * g
                unbiased = first[name] / (1 - 0.9**t), second[name] / (1 - 0.95**t)
                expected[name] = p * (1 - rate * decay) - rate * unbiased[0] / (
                    np.sqrt(unbiased[1]) + 1e-10
                )
    for actual, expected_part in zip(parts(parameter), expected.values(), strict=True):
        np.testing.assert_allclose(actual, expected_part, rtol=1e-6, atol=1e-9)


def parts(vector: Array) -> list[Array]:
    """The parameters of `LAYERS`, as copies."""
    ends = np.cumsum([math.prod(shape) for shape in LAYERS.values()])[:-1]
    pieces = np.split(vector, ends)
    return [v.reshape(s).copy() for v, s in zip(pieces, LAYERS.values(), strict=True)]


def orthogonalized(matrix: Array) -> Array:
    """By way of the singular values, on which alone the polynomial works."""
    u, sizes, v = np.linalg.svd(matrix, full_matrices=False)
    sizes = sizes / np.linalg.norm(sizes)
    for _ in range(5):
        sizes = 3.4445 * sizes - 4.7750 * sizes**3 + 2.0315 * sizes**5
    return np.asarray(u * sizes @ v)


def test_a_step_of_muon_scales_all_directions_alike() -> None:
    shapes: dict[str, Shape] = {"a.weight": (1, 1), "b.weight": (8, 8), "c.weight": (1, 1)}
    u, v = (np.linalg.qr(np.random.default_rng(k).normal(size=(8, 8)))[0] for k in (0, 1))
    steep = u * np.array([100.0, 50.0, 10.0, 5.0, 5.0, 5.0, 2.0, 2.0]) @ v
    gradient = np.concatenate([[1.0], steep.ravel(), [1.0]])
    step = np.zeros(66)
    muon = Muon(1.0)
    perform(muon.calls(np.zeros(66), gradient, step, np.zeros((2, 66)), np.array(1.0), 0, shapes))
    sizes = np.linalg.svd(step[1:-1].reshape(8, 8), compute_uv=False)
    assert 0.5 < sizes.min() <= sizes.max() < 1.3


@pytest.mark.parametrize("kind", ["adamw", "lion", "muon"])
def test_several_networks_in_a_row_are_stepped_like_each_alone(kind: str) -> None:
    optimizer = OPTIMIZERS[kind](0.01, weight_decay=0.3)  # type: ignore[call-arg]
    rng = np.random.default_rng(0)
    start, gradient = rng.normal(size=(2, 3, SIZE))
    together = start.ravel().copy()
    moments = np.zeros((optimizer.moments, 3 * SIZE))
    calls = optimizer.calls(
        together, gradient.ravel(), np.zeros(3 * SIZE), moments, np.array(0.01), 0, LAYERS
    )
    perform(calls)
    for part, p, g in zip(together.reshape(3, SIZE), start, gradient, strict=True):
        moments = np.zeros((optimizer.moments, SIZE))
        perform(optimizer.calls(p, g, np.zeros(SIZE), moments, np.array(0.01), 0, LAYERS))
        np.testing.assert_array_equal(part, p)


@pytest.mark.parametrize(
    ("kind", "settings"),
    [
        ("sgd", {"learning_rate": -0.1}),
        ("sgd", {"learning_rate": math.inf}),
        ("momentum", {"learning_rate": 0.1, "momentum": 1.0}),
        ("adam", {"learning_rate": 0.1, "beta_1": 1.0}),
        ("adam", {"learning_rate": 0.1, "beta_2": -0.1}),
        ("adam", {"learning_rate": 0.1, "epsilon": 0.0}),
        ("perceptron", {"learning_rate": -1.0}),
        ("nesterov", {"learning_rate": 0.1, "momentum": 1.0}),
        ("adagrad", {"learning_rate": 0.1, "epsilon": 0.0}),
        ("rmsprop", {"learning_rate": 0.1, "decay": 1.0}),
        ("adamw", {"learning_rate": 0.1, "weight_decay": -0.1}),
        ("lion", {"learning_rate": 0.1, "beta_2": 1.0}),
        ("muon", {"learning_rate": 0.1, "adam_fraction": -0.1}),
    ],
)
def test_senseless_settings_are_refused(kind: str, settings: dict[str, float]) -> None:
    with pytest.raises(ValueError, match=list(settings)[-1]):
        OPTIMIZERS[kind](**settings)
