"""Gradients of the backward pass, compared with plain NumPy."""

from typing import Any

import numpy as np
import pytest
from tests.course.explorers.conftest import Ask


def sigmoid(z: Any) -> Any:
    return 1.0 / (1.0 + np.exp(-z))


def bars_by_hand(seed: int) -> Any:
    """The recipe, followed with nothing but NumPy and the chain rule."""
    rng = np.random.default_rng(seed)
    x = rng.normal(size=(32, 3))
    y = rng.random((32, 2)) < 0.5
    weights = [rng.normal(0, 0.5, shape) for shape in ((3, 4), (4, 4), (4, 4), (4, 2))]
    activations = [x]
    for w in weights:
        activations.append(sigmoid(activations[-1] @ w))
    delta = (activations[-1] - y) / y.size
    norms = []
    for w, a in zip(reversed(weights), reversed(activations[:-1]), strict=True):
        norms.append(np.linalg.norm(a.T @ delta))
        delta = (delta @ w.T) * a * (1 - a)
    return np.array(norms)


def test_the_bars_of_seed_889_are_those_of_the_page(ask: Ask) -> None:
    reply = ask("vanishing-bars", seeds=1)
    values = [bar["value"] for bar in reply["bars"]]
    assert values == pytest.approx([1.0, 0.3459, 0.0781, 0.0084], abs=5e-5)
    assert reply["rounded_bars"] == reply["target_bars"] == [1.0, 0.35, 0.08, 0.01]
    assert reply["matches_target"] is True
    assert reply["bars"][1]["substituted"] == "bar 3 = 0.01877 / 0.05427 = 0.3459"


@pytest.mark.parametrize("seed", [0, 889, 123456])
def test_the_recipe_is_all_that_it_takes(ask: Ask, seed: int) -> None:
    reply = ask("vanishing-bars", seed=seed, seeds=1)
    assert reply["norms"] == pytest.approx(bars_by_hand(seed).tolist())


@pytest.mark.long
def test_28_of_the_first_30_000_draws_round_to_the_bars(ask: Ask) -> None:
    matching: list[int] = []
    for first in range(0, 30_000, 5_000):
        reply = ask("vanishing-bars", first_seed=first, seeds=5_000)
        assert reply["match_count"] == len(reply["matching_seeds"])
        matching += reply["matching_seeds"]
    assert len(matching) == 28
    assert 889 in matching
    for seed in matching[:3]:
        norms = bars_by_hand(seed)
        assert np.round(norms / norms[0], 2).tolist() == [1.0, 0.35, 0.08, 0.01]


def ratio(ask: Ask, **request: Any) -> float:
    return float(ask("gradient-flow", seeds=9, **request)["ratio"]["value"])


def test_ten_layers_of_sixteen_have_the_known_ratios(ask: Ask) -> None:
    """Orders of magnitude: draws differ."""
    assert 2.5e-7 < ratio(ask) < 2.5e-5
    assert 1e-3 < ratio(ask, gain=4.0) < 0.09
    assert 0.012 < ratio(ask, residual=True) < 1.2
    assert 0.13 < ratio(ask, normalization="layer_norm") < 13
    assert 0.12 < ratio(ask, activation="tanh") < 12
    assert 0.1 < ratio(ask, activation="relu", initializer="he_normal") < 9.5


def test_a_remedy_is_the_network_that_has_it(ask: Ask) -> None:
    plain = ask("gradient-flow")
    remedies = {remedy["name"]: remedy for remedy in plain["remedies"]}
    assert plain["label"] == "vanishing"
    assert not any(remedy["is_on"] for remedy in remedies.values())
    changes: dict[str, dict[str, Any]] = {
        "activation": {"activation": "relu", "initializer": "he_normal"},
        "initialization": {"gain": 4.0},
        "residual": {"residual": True},
        "normalization": {"normalization": "layer_norm"},
    }
    for name, change in changes.items():
        helped = ask("gradient-flow", **change)
        (again,) = (remedy for remedy in helped["remedies"] if remedy["name"] == name)
        assert again["is_on"] is True
        assert remedies[name]["ratio_off"] == plain["ratio"]["value"]
        assert remedies[name]["ratio_on"] == again["ratio_on"] == helped["ratio"]["value"]
        assert remedies[name]["label_on"] == helped["label"]
        assert again["ratio_off"] == plain["ratio"]["value"]


def test_a_remedy_compares_with_the_ratio_of_the_request(ask: Ask) -> None:
    reply = ask("gradient-flow", activation="relu", gain=3.0, residual=True, depth=4)
    for remedy in reply["remedies"]:
        assert remedy["is_on"] is (remedy["name"] == "residual")
        current = remedy["ratio_on" if remedy["is_on"] else "ratio_off"]
        assert current == reply["ratio"]["value"]


def test_the_norms_are_those_of_the_chain_rule(ask: Ask) -> None:
    """Two hidden layers of tanh, one seed, by hand."""
    reply = ask("gradient-flow", depth=2, width=3, activation="tanh", samples=5, seed=4, seeds=1)
    rng = np.random.default_rng(4)
    x = rng.normal(size=(5, 3))
    y = rng.random((5, 1)) < 0.5
    reach = [np.sqrt(6 / 6), np.sqrt(6 / 6), np.sqrt(6 / 4)]
    w1, w2, w3 = (
        rng.uniform(-r, r, s) for r, s in zip(reach, ((3, 3), (3, 3), (3, 1)), strict=True)
    )
    h1 = np.tanh(x @ w1)
    h2 = np.tanh(h1 @ w2)
    p = sigmoid(h2 @ w3)
    delta3 = (p - y) / 5
    delta2 = (delta3 @ w3.T) * (1 - h2**2)
    delta1 = (delta2 @ w2.T) * (1 - h1**2)
    norms = [np.linalg.norm(g) for g in (x.T @ delta1, h1.T @ delta2, h2.T @ delta3)]
    assert [layer["norm"] for layer in reply["layers"]] == pytest.approx(norms)
    assert reply["ratio"]["value"] == pytest.approx(norms[0] / norms[1])
    assert reply["loss"] == pytest.approx(-np.mean(np.log(np.where(y, p, 1 - p))))


def test_large_weights_make_it_explode(ask: Ask) -> None:
    reply = ask("gradient-flow", activation="tanh", gain=4.0, depth=20)
    assert reply["label"] == "exploding"
    assert reply["ratio"]["value"] > reply["exploding_above"] == 100


def test_in_a_linear_network_the_signal_grows_as_the_gradient_does_and_the_product_stays(
    ask: Ask,
) -> None:
    plain = ask("gradient-flow", activation="linear", width=4, depth=6)
    doubled = ask("gradient-flow", activation="linear", width=4, depth=6, gain=2.0)
    assert doubled["layers"][-2]["norm"] > 3 * plain["layers"][-2]["norm"]
    assert doubled["ratio"]["value"] == pytest.approx(plain["ratio"]["value"], rel=0.5)


def test_without_any_slope_there_is_no_gradient_at_all(ask: Ask) -> None:
    reply = ask("gradient-flow", activation="step", depth=3)
    assert [layer["norm"] for layer in reply["layers"][:-1]] == [0, 0, 0]
    assert reply["ratio"]["value"] == 0
    assert reply["verdict"].startswith("The gradient is 0")


def test_softmax_is_for_the_last_layer_only(ask: Ask) -> None:
    problem = ask("gradient-flow", activation="softmax", status=400)
    assert [error["field"] for error in problem["errors"]] == ["activation"]


def test_more_than_the_budget_is_refused_and_says_it(ask: Ask) -> None:
    problem = ask("gradient-flow", depth=32, width=64, samples=256, seeds=25, status=400)
    assert problem["reason"] == "limit_exceeded"
    assert "500000, about 200 ms" in problem["errors"][0]["description"]
