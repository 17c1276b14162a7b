"""Activations: their values, their derivatives, and their descriptions."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest

from epochal_engine import ACTIVATIONS
from epochal_engine.model import activation_plan
from epochal_engine.symbolic import primitives as p
from epochal_engine.symbolic.differentiate import differentiate
from epochal_engine.symbolic.plan import evaluate
from epochal_engine.symbolic.trace import constant, leaf

AT_ONE_HALF = {
    "linear": (0.5, 1.0),
    "step": (1.0, 0.0),
    "relu": (0.5, 1.0),
    "leaky_relu": (0.5, 1.0),
    "elu": (0.5, 1.0),
    "selu": (0.525350, 1.050701),
    "sigmoid": (0.622459, 0.235004),
    "tanh": (0.462117, 0.786448),
    "softsign": (0.333333, 0.444444),
    "softplus": (0.974077, 0.622459),
    "gelu": (0.345731, 0.867495),
    "gelu_tanh": (0.345714, 0.867370),
    "silu": (0.311230, 0.739961),
    "mish": (0.375245, 0.886424),
}
AT_MINUS_ONE = {
    "linear": -1.0,
    "step": 0.0,
    "relu": 0.0,
    "leaky_relu": -0.01,
    "elu": math.exp(-1) - 1,
    "selu": 1.7580993408473766 * (math.exp(-1) - 1),
    "sigmoid": 1 / (1 + math.e),
    "tanh": math.tanh(-1),
    "softsign": -0.5,
    "softplus": math.log(1 + math.exp(-1)),
    "gelu": -0.5 * math.erfc(1 / math.sqrt(2)),
    "gelu_tanh": -0.5 * (1 - math.tanh(math.sqrt(2 / math.pi) * 1.044715)),
    "silu": -1 / (1 + math.e),
    "mish": -math.tanh(math.log(1 + math.exp(-1))),
}
ELEMENTWISE = sorted(name for name, a in ACTIVATIONS.items() if a.is_elementwise)


@pytest.mark.parametrize("name", ELEMENTWISE)
def test_value_and_slope_at_one_half(name: str) -> None:
    value, slope = AT_ONE_HALF[name]
    assert ACTIVATIONS[name].function(0.5) == pytest.approx(value, abs=5e-7)
    assert ACTIVATIONS[name].derivative(0.5) == pytest.approx(slope, abs=5e-7)


@pytest.mark.parametrize("name", ELEMENTWISE)
def test_value_at_minus_one(name: str) -> None:
    assert ACTIVATIONS[name].function(-1.0) == pytest.approx(AT_MINUS_ONE[name], abs=1e-12)


@pytest.mark.parametrize("name", ELEMENTWISE)
def test_the_derivative_is_the_slope_of_the_function(name: str) -> None:
    x = np.array([-7.3, -2.1, -0.7, -0.01, 0.02, 0.6, 1.9, 8.2])
    activation = ACTIVATIONS[name]
    expected = (activation.function(x + 1e-6) - activation.function(x - 1e-6)) / 2e-6
    np.testing.assert_allclose(activation.derivative(x), expected, rtol=1e-7, atol=1e-9)


@pytest.mark.parametrize(
    ("name", "slope", "place"),
    [
        ("sigmoid", 0.25, 0.0),
        ("tanh", 1.0, 0.0),
        ("gelu", 1.1289, math.sqrt(2.0)),
        ("silu", 1.0998, 2.3994),
        ("mish", 1.0885, 1.4906),
    ],
)
def test_the_largest_slope(name: str, slope: float, place: float) -> None:
    x = np.linspace(-6.0, 6.0, 120_001)
    derivatives = ACTIVATIONS[name].derivative(x)
    assert derivatives.max() == pytest.approx(slope, abs=5e-5)
    assert x[derivatives.argmax()] == pytest.approx(place, abs=2e-3)


def test_the_derivatives_at_zero_are_those_of_the_table() -> None:
    derivatives = {name: float(ACTIVATIONS[name].derivative(0.0)) for name in ELEMENTWISE}
    assert derivatives["relu"] == 0.0
    assert derivatives["leaky_relu"] == 0.01
    assert derivatives["elu"] == 1.0
    assert derivatives["step"] == 0.0


@pytest.mark.parametrize("name", ELEMENTWISE)
def test_an_activation_stays_in_its_range_and_finite(name: str) -> None:
    activation = ACTIVATIONS[name]
    values = activation.function(np.array([-1e5, -800.0, -20.0, 0.0, 20.0, 800.0, 1e5]))
    assert np.isfinite(values).all()
    assert np.isfinite(activation.derivative(np.array([-800.0, 800.0]))).all()
    text = activation.range
    if text.startswith("{"):
        assert set(values.tolist()) <= {0.0, 1.0}
        return
    low, high = (float(end.replace("∞", "inf")) for end in text[1:-1].split(", "))
    slack = 1e-4  # the printed ends are rounded, and open ends are reached in floats
    assert low - slack <= values.min()
    assert values.max() <= high + slack


def test_softmax_weighs_a_row_and_has_the_slope_of_each_output_in_its_own_input() -> None:
    row = np.log([1.0, 2.0, 5.0])
    np.testing.assert_allclose(ACTIVATIONS["softmax"].function(row), [0.125, 0.25, 0.625])
    derivatives = ACTIVATIONS["softmax"].derivative(row)
    np.testing.assert_allclose(derivatives, [0.109375, 0.1875, 0.234375])
    np.testing.assert_allclose(ACTIVATIONS["softmax"].function([1e5, 0.0]), [1.0, 0.0])


def as_printed(formula: str, x: float) -> float:
    """The value of a formula of the table, read as a person would."""
    formula, _, helper = formula.partition(" with t = ")
    names: dict[str, object] = {
        "exp": math.exp,
        "log": math.log,
        "tanh": math.tanh,
        "erf": math.erf,
        "root": math.sqrt,
        "pi": math.pi,
        "max": max,
        "abs": abs,
        "sigmoid": lambda z: 1 / (1 + math.exp(-z)),
        "softplus": lambda z: math.log(1 + math.exp(z)),
        "cdf": lambda z: (1 + math.erf(z / math.sqrt(2))) / 2,
        "density": lambda z: math.exp(-z * z / 2) / math.sqrt(2 * math.pi),
        "x": x,
    }
    if helper:
        names["t"] = as_printed(helper, x)
    words = {"·": "*", "²": "**2", "³": "**3", "≥": ">=", "Φ": "cdf", "φ": "density"}
    words |= {"√2": "root(2)", "√(": "root(", "π": "pi", "|x|": "abs(x)"}
    python = formula.rpartition(" = ")[2]
    for word, meaning in words.items():
        python = python.replace(word, meaning)
    return float(eval(python, {"__builtins__": {}}, names))


@pytest.mark.parametrize("name", ELEMENTWISE)
@pytest.mark.parametrize("x", [-2.3, -0.4, 0.0, 0.5, 1.7])
def test_the_printed_formulas_are_what_is_computed(name: str, x: float) -> None:
    activation = ACTIVATIONS[name]
    # The constants are printed with at least five digits.
    assert as_printed(activation.formula, x) == pytest.approx(
        float(activation.function(x)), rel=5e-5, abs=1e-12
    )
    assert as_printed(activation.derivative_formula, x) == pytest.approx(
        float(activation.derivative(x)), rel=5e-5, abs=1e-12
    )


@pytest.mark.parametrize("name", list(ACTIVATIONS))
def test_a_formula_is_traced_once_for_a_shape_and_results_share_no_memory(name: str) -> None:
    activation = ACTIVATIONS[name]
    before, plan = activation.derivative([0.5, -1.0]), activation_plan(activation, (2,), 1)
    copied = before.copy()
    activation.derivative([3.0, 2.0])
    np.testing.assert_array_equal(before, copied)
    assert activation_plan(activation, (2,), 1) is plan
    assert activation_plan(activation, (3,), 1) is not plan


@pytest.mark.parametrize("name", list(ACTIVATIONS))
def test_the_derivative_of_a_training_program_is_that_of_the_formula(name: str) -> None:
    activation = ACTIVATIONS[name]
    names: dict[str, Any] = {"np": np, "math": math}
    for needed in ACTIVATIONS.values():  # it may call others
        exec(needed.numpy_source + needed.numpy_backward_source, names)
    x = np.concatenate([np.linspace(-4.0, 4.0, 81), [-800.0, 800.0]]).reshape(1, -1)
    dy = np.random.default_rng(0).normal(size=x.shape)
    z = leaf(x.shape)
    (gradient,) = differentiate(p.sum_to(activation.traced(z) * constant(dy, x.shape), ()), [z])
    (expected,) = evaluate([gradient], {z: x})
    actual = names[f"{name}_backward"](x, names[name](x), dy)
    np.testing.assert_allclose(actual, expected, rtol=1e-12, atol=1e-15)
