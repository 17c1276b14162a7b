"""The weights of a job fit a network of another shape as far as possible."""

from itertools import product

import numpy as np
import pytest

from epochal_engine import (
    ActivationLayer,
    BatchNorm,
    Conv1d,
    Dense,
    Dropout,
    Flatten,
    Layer,
    LayerNorm,
    Network,
    predict,
)
from epochal_engine.training import new_parameters
from epochal_service.resources.resize import resized

RNG = np.random.default_rng(8)
INPUTS = RNG.normal(size=(50, 3))
SMALL = (Dense(4, "relu"), Dropout(0.2), Dense(5, "tanh"), Dense(2, "softmax"))


def network(*layers: Layer) -> Network:
    return Network((3,), layers)


def trained(of: Network) -> dict[str, np.ndarray]:
    """Return weights in which every number differs from a new network's."""
    return {name: RNG.normal(size=shape) for name, shape in of.parameters.items()}


def fitted(large: Network, small: Network, weights: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
    return resized(large, small, weights, new_parameters(large, 3))


def deviation(large: Network, small: Network) -> float:
    """Return the largest difference of an output, in float64."""
    weights = trained(small)
    weights |= {name: np.abs(array) for name, array in weights.items() if "var" in name}
    ours = predict(large, fitted(large, small, weights), INPUTS)
    return float(np.abs(ours - predict(small, weights, INPUTS)).max())


GROWN: dict[str, tuple[tuple[Layer, ...], tuple[Layer, ...]]] = {
    "the same": (SMALL, SMALL),
    "more units": (SMALL, (Dense(9, "relu"), Dropout(0.2), Dense(6, "tanh"), Dense(2, "softmax"))),
    "a relu layer after relu": (
        (Dense(4, "relu"), Dense(2)),
        (Dense(4, "relu"), Dense(4, "relu"), Dense(2)),
    ),
    "a wider relu layer": (
        (Dense(4, "relu"), Dense(2)),
        (Dense(6, "relu"), Dense(9, "relu"), Dense(8, "relu"), Dense(2)),
    ),
    "a linear layer": (SMALL, (*SMALL[:3], Dense(7), SMALL[3])),
    "without dropout": (SMALL, (SMALL[0], *SMALL[2:])),
    "an activation apart": (
        (Dense(4), ActivationLayer("silu"), Dense(1)),
        (Dense(6), ActivationLayer("silu"), Dense(1)),
    ),
    "batch norm": (
        (Dense(4), BatchNorm(), ActivationLayer("relu"), Dense(1)),
        (Dense(7), BatchNorm(), ActivationLayer("relu"), Dense(1)),
    ),
    "without a bias": (
        (Dense(4, "relu", use_bias=False), Dense(1)),
        (Dense(5, "relu", use_bias=False), Dense(1)),
    ),
}


@pytest.mark.parametrize("kind", GROWN)
def test_a_larger_network_has_the_same_outputs(kind: str) -> None:
    small, large = (network(*layers) for layers in GROWN[kind])
    assert deviation(large, small) <= 1e-12


@pytest.mark.parametrize("seed", range(40))
def test_random_networks_grow_without_a_change_of_outputs(seed: int) -> None:
    rng = np.random.default_rng(seed)
    widths = rng.integers(1, 9, size=rng.integers(1, 5))
    more = widths + rng.integers(0, 5, size=len(widths))
    small = network(*(Dense(int(n), "relu") for n in widths), Dense(1))
    grown: list[Layer] = [Dense(int(n), "relu") for n in more]
    for at in sorted(rng.integers(1, len(grown) + 1, size=rng.integers(0, 3)), reverse=True):
        width = max(layer.units for layer in grown if isinstance(layer, Dense))
        grown.insert(int(at), Dense(width + int(rng.integers(3)), "relu"))
    assert deviation(network(*grown, Dense(1)), small) <= 1e-12


def test_another_input_starts_without_influence() -> None:
    small, large = network(*SMALL), Network((5,), SMALL)
    weights = trained(small)
    wide = np.hstack([INPUTS, RNG.normal(size=(50, 2))])
    outputs = predict(large, fitted(large, small, weights), wide)
    np.testing.assert_allclose(outputs, predict(small, weights, INPUTS), atol=1e-12)


def test_new_units_are_drawn_and_learn() -> None:
    small, large = network(Dense(4, "relu"), Dense(1)), network(Dense(6, "relu"), Dense(1))
    weights, drawn = trained(small), new_parameters(large, 3)
    ours = fitted(large, small, weights)
    np.testing.assert_array_equal(ours["dense_1.weight"][:, 4:], drawn["dense_1.weight"][:, 4:])
    assert np.all(ours["dense_1.weight"][:, 4:])
    assert ours["dense_2.weight"][4:].tolist() == [[0.0], [0.0]]


def test_the_least_important_units_go() -> None:
    large, small = network(Dense(5, "relu"), Dense(2)), network(Dense(3, "relu"), Dense(2))
    weights = trained(large)
    weights["dense_1.weight"][:, 1] *= 1e-3
    weights["dense_1.bias"][1] = 0.0
    weights["dense_2.weight"][3] *= 1e-4
    ours = fitted(small, large, weights)
    stay = [0, 2, 4]
    np.testing.assert_array_equal(ours["dense_1.weight"], weights["dense_1.weight"][:, stay])
    np.testing.assert_array_equal(ours["dense_1.bias"], weights["dense_1.bias"][stay])
    np.testing.assert_array_equal(ours["dense_2.weight"], weights["dense_2.weight"][stay])


def test_what_does_not_fit_is_drawn_and_the_rest_stays() -> None:
    before = Network((8, 2), (Conv1d(3, 3), Flatten(), Dense(4, "tanh"), Dense(1)))
    after = Network((8, 2), (Conv1d(5, 3), Flatten(), Dense(4, "tanh"), Dense(1)))
    weights, drawn = trained(before), new_parameters(after, 3)
    ours = fitted(after, before, weights)
    for name, array in ours.items():
        expected = weights if name.startswith("dense_4") else drawn
        np.testing.assert_array_equal(array, expected[name])


@pytest.mark.parametrize(("first", "second"), [*product(range(1, 6), repeat=2)])
def test_every_shape_fits(first: int, second: int) -> None:
    large = network(Dense(first, "tanh"), LayerNorm(), Dense(second, "relu"), Dense(2))
    small = network(Dense(3, "tanh"), LayerNorm(), Dense(2))
    for after, before in ((large, small), (small, large)):
        ours = fitted(after, before, trained(before))
        assert {name: array.shape for name, array in ours.items()} == after.parameters
        assert all(np.isfinite(array).all() for array in ours.values())
