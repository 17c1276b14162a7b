"""Activations and chains of them over HTTP."""

import math
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.course.explorers.conftest import Ask

AT_ONE_HALF = {
    "relu": (0.5, 1.0),
    "sigmoid": (0.622459, 0.235004),
    "tanh": (0.462117, 0.786448),
    "gelu": (0.345731, 0.867495),
    "gelu_tanh": (0.345714, 0.867370),
    "silu": (0.311230, 0.739961),
    "leaky_relu": (0.5, 1.0),
    "elu": (0.5, 1.0),
    "selu": (0.525350, 1.050701),
    "softplus": (0.974077, 0.622459),
    "mish": (0.375245, 0.886424),
    "softsign": (0.333333, 0.444444),
    "linear": (0.5, 1.0),
    "step": (1.0, 0.0),
}
NAMES = sorted(AT_ONE_HALF)


def test_value_and_slope_at_one_half(ask: Ask) -> None:
    reply = ask("activation", activations=NAMES, x=0.5, points=2)
    for curve in reply["activations"]:
        value, slope = AT_ONE_HALF[curve["activation"]]
        assert curve["value"]["value"] == pytest.approx(value, abs=5e-7)
        assert curve["derivative"]["value"] == pytest.approx(slope, abs=5e-7)


def test_the_numbers_stand_in_the_formulas(ask: Ask) -> None:
    reply = ask("activation", activations=["sigmoid", "relu", "selu", "gelu"], x=-1.2)
    assert [
        (curve["value"]["substituted"], curve["derivative"]["substituted"])
        for curve in reply["activations"]
    ] == [
        (
            "sigmoid(-1.2) = 1 / (1 + exp(-(-1.2))) = 0.2315",
            "sigmoid'(-1.2) = sigmoid(-1.2)·(1 - sigmoid(-1.2)) = 0.1779",
        ),
        ("relu(-1.2) = max(0, -1.2) = 0", "-1.2 < 0, so relu'(-1.2) = 0"),
        (
            "-1.2 < 0, so selu(-1.2) = 1.758·(exp(-1.2) - 1) = -1.229",
            "-1.2 < 0, so selu'(-1.2) = 1.758·exp(-1.2) = 0.5295",
        ),
        (
            "gelu(-1.2) = (-1.2)·Φ(-1.2) = (-1.2)·(1 + erf((-1.2)/√2))/2 = -0.1381",
            "gelu'(-1.2) = Φ(-1.2) + (-1.2)·φ(-1.2) = -0.118",
        ),
    ]


@pytest.mark.parametrize(
    ("name", "largest", "start", "end"),
    [
        ("sigmoid", 0.25, 0.0, 0.0),
        ("tanh", 1.0, 0.0, 0.0),
        ("relu", 1.0, 0.0, 6.0),
        ("gelu", 1.1289, math.sqrt(2), math.sqrt(2)),
        ("silu", 1.0998, 2.3994, 2.3994),
        ("mish", 1.0885, 1.4906, 1.4906),
        ("softsign", 1.0, 0.0, 0.0),
        ("selu", 1.7581, 0.0, 0.0),
        ("softplus", 0.9975, 6.0, 6.0),  # it goes on to rise
        ("linear", 1.0, -6.0, 6.0),
        ("step", 0.0, -6.0, 6.0),
    ],
)
@pytest.mark.parametrize("points", [8, 121, 1000])
def test_the_largest_slope_is_found_between_the_points_of_any_curve(
    ask: Ask, name: str, largest: float, start: float, end: float, points: int
) -> None:
    (curve,) = ask("activation", activations=[name], points=points)["activations"]
    assert curve["largest_derivative"] == pytest.approx(largest, abs=5e-5)
    assert curve["largest_derivative_at"]["start"] == pytest.approx(start, abs=1e-4)
    assert curve["largest_derivative_at"]["end"] == pytest.approx(end, abs=1e-4)


def test_a_peak_is_found_in_the_widest_range_and_in_one_beside_it(ask: Ask) -> None:
    (wide,) = ask("activation", activations=["gelu"], minimum=-1e6, maximum=1e6)["activations"]
    assert wide["largest_derivative"] == pytest.approx(1.1289, abs=5e-5)
    (beside,) = ask("activation", activations=["gelu"], minimum=2.0, maximum=3.0)["activations"]
    assert beside["largest_derivative_at"] == {"start": 2.0, "end": 2.0}


def test_a_sigmoid_saturates_where_its_slope_falls_below_the_threshold(ask: Ask) -> None:
    (curve,) = ask("activation", activations=["sigmoid"], saturation_below=0.05)["activations"]
    # σ(1 - σ) = .05 at σ = (1 ± √.8)/2.
    high = (1 + math.sqrt(0.8)) / 2
    edge = math.log(high / (1 - high))
    left, right = curve["saturation"]
    assert (left["start"], right["end"]) == (-6.0, 6.0)
    assert (left["end"], right["start"]) == (pytest.approx(-edge), pytest.approx(edge))
    assert curve["saturated_fraction"] == pytest.approx((6 - edge) / 6)


def test_relu_is_silent_on_the_left_half_and_gelu_turns_back_once(ask: Ask) -> None:
    relu, gelu = ask("activation", activations=["relu", "gelu"])["activations"]
    assert relu["saturated_fraction"] == pytest.approx(0.5)
    assert len(gelu["saturation"]) == 2


def test_the_slope_of_relu_at_zero_is_zero_and_it_says_so(ask: Ask) -> None:
    relu, sigmoid = ask("activation", activations=["relu", "sigmoid"], x=0)["activations"]
    assert (relu["value_at_zero"], relu["derivative_at_zero"]) == (0.0, 0.0)
    assert "taken as 0" in relu["convention"]
    assert relu["derivative"]["substituted"] == "0 ≤ 0, so relu'(0) = 0"
    assert sigmoid["convention"] is None


@settings(max_examples=30)
@given(
    name=st.sampled_from([n for n in NAMES if n != "step"]),
    x=st.floats(-8, 8).filter(lambda x: abs(x) > 1e-3),
)
def test_the_derivatives_are_the_difference_quotients_of_the_curve(
    ask: Ask, name: str, x: float
) -> None:
    step = 1e-5
    reply = ask("activation", activations=[name], minimum=x - step, maximum=x + step, points=3)
    (curve,) = reply["activations"]
    below, _, above = curve["values"]
    quotient = (above - below) / (reply["x_values"][2] - reply["x_values"][0])
    assert curve["derivatives"][1] == pytest.approx(quotient, rel=1e-4, abs=1e-8)


@pytest.mark.parametrize(
    ("request_", "field"),
    [
        ({"activations": []}, "activations"),
        ({"activations": ["softmax"]}, "activations[0]"),
        ({"activations": ["relu", "sine"]}, "activations[1]"),
        ({"activations": ["relu"], "minimum": 1.0, "maximum": 1.0}, "maximum"),
        ({"activations": ["relu"], "points": 1002}, "points"),
    ],
)
def test_what_does_not_fit_is_named(ask: Ask, request_: dict[str, Any], field: str) -> None:
    problem = ask("activation", status=400, **request_)
    assert field in [error["field"] for error in problem["errors"]]


# ---------------------------------------------------------------- chains


def test_a_gradient_through_ten_sigmoids_is_the_product_of_their_derivatives(ask: Ask) -> None:
    reply = ask("activation-chain", activation="sigmoid", depth=10, x=0.5)
    signal, gradient = 0.5, 1.0
    for link in reply["layers"]:
        signal = 1 / (1 + math.exp(-signal))
        gradient *= signal * (1 - signal)
        assert link["output"]["value"] == pytest.approx(signal)
        assert link["forward_gradient"]["value"] == pytest.approx(gradient)
    assert reply["gradient"] == pytest.approx(gradient)
    assert reply["layers"][0]["backward_gradient"] == pytest.approx(gradient)
    assert reply["factor_per_layer"] == pytest.approx(gradient**0.1)
    assert reply["label"] == "vanishing"


def test_relu_with_weights_of_one_loses_nothing_and_weights_of_three_explode(ask: Ask) -> None:
    assert ask("activation-chain", activation="relu")["gradient"] == 1.0
    assert ask("activation-chain", activation="relu")["label"] == "healthy"
    reply = ask("activation-chain", activation="linear", weight=3.0, depth=5)
    assert (reply["gradient"], reply["label"]) == (3.0**5, "exploding")


def test_a_dead_unit_ends_it(ask: Ask) -> None:
    reply = ask("activation-chain", activation="relu", x=-1.0)
    assert (reply["gradient"], reply["factor_per_layer"], reply["label"]) == (0.0, 0.0, "vanishing")
    assert "derivative of at least one layer is 0" in reply["verdict"]


@settings(max_examples=30)
@given(
    name=st.sampled_from(["sigmoid", "tanh", "gelu", "silu", "mish", "softplus"]),
    weight=st.floats(-2, 2),
    bias=st.floats(-1, 1),
    x=st.floats(-2, 2),
)
def test_the_gradient_is_the_slope_that_a_small_step_of_x_shows(
    ask: Ask, name: str, weight: float, bias: float, x: float
) -> None:
    fields: dict[str, Any] = {"activation": name, "depth": 4, "weight": weight, "bias": bias}
    reply = ask("activation-chain", **fields, x=x)
    above = ask("activation-chain", **fields, x=x + 1e-5)
    below = ask("activation-chain", **fields, x=x - 1e-5)
    slope = (above["output"] - below["output"]) / 2e-5
    assert reply["gradient"] == pytest.approx(slope, rel=1e-3, abs=1e-8)


def test_the_largest_chain_stays_finite(ask: Ask) -> None:
    reply = ask("activation-chain", activation="selu", depth=100, weight=100, bias=100, x=100)
    assert np.isfinite(reply["gradient"])
    assert reply["label"] == "exploding"


def test_softmax_makes_no_chain(ask: Ask) -> None:
    problem = ask("activation-chain", activation="softmax", status=400)
    assert problem["errors"][0]["field"] == "activation"
