"""The list of activations: all that the engine has, and numbers that are its own."""

import math
from typing import Any

import numpy as np
import pytest
from starlette.testclient import TestClient

from epochal_engine import ACTIVATIONS
from epochal_engine.initializers import usual_initializer


@pytest.fixture
def listed(client: TestClient) -> dict[str, dict[str, Any]]:
    told = client.get("/v1/activations").json()["activations"]
    return {one["activation"]: one for one in told}


def test_all_activations_of_the_engine_are_described(listed: dict[str, dict[str, Any]]) -> None:
    assert list(listed) == list(ACTIVATIONS)
    for name, one in listed.items():
        activation = ACTIVATIONS[name]
        assert one["formula"] == activation.formula
        assert one["derivative_formula"] == activation.derivative_formula
        assert one["range"] == activation.range
        assert one["initializer"] == usual_initializer(name)
        for field in ("idea", "history", "used_in", "trouble"):
            assert one[field].endswith("."), (name, field)


def test_who_brought_it_is_told_with_the_year(listed: dict[str, dict[str, Any]]) -> None:
    years = {name: one["year"] for name, one in listed.items()}
    assert years["step"] == 1943
    assert years["relu"] == 2010
    assert years["gelu"] == 2016
    for name, one in listed.items():
        if name == "linear":
            assert one["year"] is one["source"] is None
        else:
            assert f"({one['year']})" in one["source"]


def test_values_and_slopes_at_zero_are_the_engines(listed: dict[str, dict[str, Any]]) -> None:
    assert listed["relu"]["derivative_at_zero"] == 0.0
    assert listed["sigmoid"]["value_at_zero"] == 0.5
    assert listed["softmax"]["derivative_at_zero"] is None
    for name, one in listed.items():
        if one["is_elementwise"]:
            assert one["value_at_zero"] == float(ACTIVATIONS[name].function(0.0))


def test_a_gain_keeps_the_mean_square(listed: dict[str, dict[str, Any]]) -> None:
    assert listed["relu"]["gain"] == pytest.approx(math.sqrt(2), abs=1e-9)
    assert listed["selu"]["gain"] == pytest.approx(1.0, abs=1e-9)  # the fixed point that it is for
    assert listed["softmax"]["gain"] is None
    # Gauss and Hermite's sum for a standard normal z.
    z, weights = np.polynomial.hermite_e.hermegauss(120)
    for name, values in {"tanh": np.tanh(z), "sigmoid": 1 / (1 + np.exp(-z))}.items():
        square = float(weights @ values**2) / math.sqrt(2 * math.pi)
        assert listed[name]["gain"] == pytest.approx(1 / math.sqrt(square), rel=1e-8)
