"""The gradient that a step follows is the slope of the loss that is reported."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.selection import one_in

from epochal_engine import (
    ACTIVATIONS,
    LOSSES,
    Conv2d,
    Dense,
    Dropout,
    Flatten,
    Layer,
    MaxPool2d,
    Network,
)
from epochal_engine.model.network import parameter_leaves, parameter_views
from epochal_engine.symbolic.plan import evaluate, perform
from epochal_engine.symbolic.trace import Array, leaf
from epochal_engine.training.step import Gradient, with_column

# The perceptron's rule has a slope, its share of errors has none.
SLOPED = sorted(set(LOSSES) - {"perceptron"})
# Nor can a slope be measured across a kink.
SMOOTH = sorted(set(SLOPED) - {"mae", "huber", "hinge"})
ELEMENTWISE = sorted(name for name, a in ACTIVATIONS.items() if a.is_elementwise)
MIDDLES: tuple[Layer, ...] = (Dense(3, "tanh"), Dense(4, "tanh", use_bias=False), Dropout(0.4))


def gradient_of(
    network: Network,
    loss: str,
    weights: dict[str, Array],
    inputs: Array,
    targets: Array,
    seed: int = 0,
) -> tuple[float, dict[str, Array], Array]:
    """The loss, its gradients by parameter, and the scores, in float64; `seed` is for dropout."""
    scores = np.empty(targets.shape)
    parameters = np.concatenate([weights[name].ravel() for name in network.parameters])
    gradient = np.full_like(parameters, np.nan)
    compiled = Gradient(network, loss, len(inputs), "float64")
    parts = compiled.parts(parameters), compiled.parts(gradient)
    x, rng = with_column(network, inputs), np.random.default_rng(seed)
    with np.errstate(all="ignore"):
        perform(compiled.bind(x, targets, scores, *parts, rng))
    gradients = parameter_views(network, gradient)
    return float(LOSSES[loss].values_from_logits(scores, targets).mean()), gradients, scores


def check_gradient(network: Network, loss: str, seed: int, samples: int = 6) -> None:
    """Compare the slope along a random direction with the loss on both sides of the point."""
    rng = np.random.default_rng(seed)
    weights = {n: rng.normal(0.0, 0.7, s) for n, s in network.parameters.items()}
    inputs = rng.normal(size=(samples, *network.input_shape))
    targets = rng.uniform(size=(samples, *network.output_shape))
    targets /= targets.sum(-1, keepdims=True)
    direction = {name: rng.normal(size=values.shape) for name, values in weights.items()}
    _, gradients, _ = gradient_of(network, loss, weights, inputs, targets)
    actual = sum(float((gradients[name] * direction[name]).sum()) for name in weights)

    def at(distance: float) -> float:
        moved = {name: values + distance * direction[name] for name, values in weights.items()}
        return gradient_of(network, loss, moved, inputs, targets)[0]

    # Fourth order, so that the step may be large enough for rounding not to matter.
    h = 2e-4
    expected = (8.0 * (at(h) - at(-h)) - (at(2 * h) - at(-2 * h))) / (12.0 * h)
    assert actual == pytest.approx(expected, rel=1e-6, abs=1e-10)


@pytest.mark.parametrize("loss", SLOPED)
@pytest.mark.parametrize("activation", one_in(4, ELEMENTWISE))
def test_every_activation_under_every_loss(activation: str, loss: str) -> None:
    end = LOSSES[loss].output_activation or "linear"
    for middle in MIDDLES:
        network = Network((3,), (Dense(4, activation), middle, Dense(3, end)))
        check_gradient(network, loss, seed=3)


@pytest.mark.parametrize("activation", sorted(ACTIVATIONS))
def test_every_activation_at_the_output(activation: str) -> None:
    check_gradient(Network((3,), (Dense(5, "tanh"), Dense(3, activation))), "mse", seed=5)


@settings(max_examples=40)
@given(
    st.integers(1, 5),
    st.lists(
        st.tuples(st.integers(1, 6), st.sampled_from(["tanh", "gelu", "silu"]), st.booleans()),
        max_size=4,
    ),
    st.integers(1, 4),
    st.sampled_from(SMOOTH),
    st.integers(1, 7),
    st.integers(0, 2**32 - 1),
)
def test_any_shape(
    features: int,
    hidden: list[tuple[int, str, bool]],
    outputs: int,
    loss: str,
    samples: int,
    seed: int,
) -> None:
    end = Dense(outputs, LOSSES[loss].output_activation or "tanh")
    layers = (*(Dense(units, name, bias) for units, name, bias in hidden), end)
    check_gradient(Network((features,), layers), loss, seed, samples)


def test_forward_and_backward_by_hand() -> None:
    network = Network((3,), (Dense(4, "relu"), Dense(4, "relu"), Dense(2, "softmax")))
    weights = {}
    for l, (fan_in, units) in enumerate([(3, 4), (4, 4), (4, 2)]):
        weights[f"dense_{l + 1}.weight"] = np.array(
            [
                [round(0.1 * ((3 * o + 5 * i + 7 * l) % 11 - 5), 1) for o in range(units)]
                for i in range(fan_in)
            ]
        )
        weights[f"dense_{l + 1}.bias"] = np.array(
            [round(0.1 * ((o + l) % 3 - 1), 1) for o in range(units)]
        )
    inputs, targets = np.array([[0.8, 0.3, 0.6]]), np.array([[1.0, 0.0]])
    loss, gradients, logits = gradient_of(network, "cross_entropy", weights, inputs, targets)

    def close(actual: Array, expected: list[float]) -> None:
        np.testing.assert_allclose(actual, expected, atol=5e-7)

    close(logits[0], [0.1398, -0.0555])
    close(ACTIVATIONS["softmax"].function(logits[0]), [0.548670, 0.451330])
    assert loss == pytest.approx(0.600257, abs=5e-7)
    # The slope of a bias is δ, and the slope of a weight its input times δ.
    close(gradients["dense_3.bias"], [-0.451330, 0.451330])
    close(gradients["dense_2.bias"], [0.0, -0.361064, 0.0, 0.135399])
    close(gradients["dense_1.bias"], [0.0, 0.0, -0.157965, 0.126372])
    close(gradients["dense_3.weight"][:, 0], [0.0, 0.044 * -0.451330, 0.0, 0.133 * -0.451330])
    norms = [float(np.linalg.norm(gradients[f"dense_{l}.weight"])) for l in (1, 2, 3)]
    assert norms == pytest.approx([0.211202, 0.131619, 0.089416], abs=5e-7)


def test_the_slope_of_a_logit_is_prediction_minus_target() -> None:
    network = Network((1,), (Dense(1, "sigmoid"),))
    weights = {"dense_1.weight": np.zeros((1, 1)), "dense_1.bias": np.log([0.7 / 0.3])}
    loss, gradients, _ = gradient_of(
        network, "binary_cross_entropy", weights, np.ones((1, 1)), np.ones((1, 1))
    )
    assert loss == pytest.approx(0.356675, abs=5e-7)
    assert gradients["dense_1.bias"] == pytest.approx(-0.3)


def test_nothing_is_learnt_below_a_step() -> None:
    network = Network((2,), (Dense(3, "step"), Dense(1)))
    weights = network.initial_parameters(rng=np.random.default_rng(0))
    gradients = gradient_of(network, "mse", weights, np.ones((2, 2)), np.ones((2, 1)))[1]
    assert not gradients["dense_1.weight"].any()
    assert not gradients["dense_1.bias"].any()
    assert gradients["dense_2.bias"].any()


def test_dropout_keeps_the_expected_sum_and_silences_the_stated_share() -> None:
    # One unit that adds up 1,000 ones: each batch shows how many came through, and how large.
    network = Network((1000,), (Dropout(0.25), Dense(1, use_bias=False)))
    weights = {"dense_2.weight": np.ones((1000, 1))}
    inputs, targets = np.ones((400, 1000)), np.zeros((400, 1))
    sums = gradient_of(network, "mse", weights, inputs, targets, seed=1)[2]
    # A sum is 4/3 times a binomial: mean 1000, deviation 4/3 · √(1000 · ¼ · ¾) = 18.26.
    assert sums.mean() == pytest.approx(1000.0, abs=4 * 18.26 / 20)
    assert sums.std() == pytest.approx(18.26, rel=0.15)
    np.testing.assert_allclose(sums * 0.75, np.round(sums * 0.75))


def test_what_dropout_silences_gets_no_gradient() -> None:
    network = Network((8,), (Dropout(0.5), Dense(1, use_bias=False)))
    weights = {"dense_2.weight": np.arange(1.0, 9.0)[:, None]}
    _, gradients, scores = gradient_of(
        network, "mse", weights, np.ones((1, 8)), np.zeros((1, 1)), seed=2
    )
    came_through = gradients["dense_2.weight"][:, 0] != 0.0
    assert 0 < came_through.sum() < 8
    assert scores[0, 0] == pytest.approx(2.0 * np.arange(1.0, 9.0)[came_through].sum())


@pytest.mark.parametrize(
    ("use_bias", "activation"), [(True, "relu"), (True, "tanh"), (False, "relu")]
)
def test_a_window_of_what_was_activated_has_the_largest_of_it(
    use_bias: bool, activation: str
) -> None:
    image = Conv2d(3, 2, activation=activation, use_bias=use_bias)
    network = Network((5, 7, 2), (image, MaxPool2d(2), Flatten(), Dense(1)))
    rng = np.random.default_rng(0)
    x = rng.normal(size=(3, 5, 7, 2))
    leaves = parameter_leaves(network)
    given_arrays = {leaves[name]: rng.normal(size=s) for name, s in network.parameters.items()}
    inputs = leaf(x.shape)
    activated, pooled, *_ = evaluate(network.forward(inputs, leaves), {inputs: x, **given_arrays})
    expected = activated.reshape(3, 2, 2, 3, 2, 3).max((2, 4))
    assert (expected > 0.0).any()
    assert activation == "tanh" or (expected == 0.0).any()
    np.testing.assert_array_equal(pooled, expected)


def test_what_is_pooled_before_its_bias_is_differentiated_as_if_after() -> None:
    layers = (Conv2d(2, 2, activation="relu"), MaxPool2d(2), Flatten(), Dense(1))
    check_gradient(Network((5, 5, 2), layers), "mse", seed=4)
