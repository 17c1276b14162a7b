"""The list of activations is complete, and its numbers come from the engine."""

import math
from typing import Any

import numpy as np
import pytest
from starlette.testclient import TestClient

from epochal_engine import ACTIVATIONS


@pytest.fixture
def listed(client: TestClient) -> dict[str, dict[str, Any]]:
    activations = client.get("/course/v1/activations").json()["activations"]
    return {description["activation"]: description for description in activations}


def test_all_activations_of_the_engine_are_described(listed: dict[str, dict[str, Any]]) -> None:
    assert list(listed) == list(ACTIVATIONS)
    for name, description in listed.items():
        activation = ACTIVATIONS[name]
        assert description["formula"] == activation.formula
        assert description["derivative_formula"] == activation.derivative_formula
        assert description["range"] == activation.range
        assert description["initializer"] == activation.default_initializer
        for field in ("idea", "history", "used_in", "drawbacks"):
            assert description[field].endswith("."), (name, field)


def test_every_activation_but_linear_has_a_source_with_its_year(
    listed: dict[str, dict[str, Any]],
) -> None:
    years = {name: description["year"] for name, description in listed.items()}
    assert years["step"] == 1943
    assert years["relu"] == 2010
    assert years["gelu"] == 2016
    for name, description in listed.items():
        if name == "linear":
            assert description["year"] is description["source"] is None
        else:
            assert f"({description['year']})" in description["source"]


def test_values_and_derivatives_at_zero_come_from_the_engine(
    listed: dict[str, dict[str, Any]],
) -> None:
    assert listed["relu"]["derivative_at_zero"] == 0.0
    assert listed["sigmoid"]["value_at_zero"] == 0.5
    assert listed["softmax"]["derivative_at_zero"] is None
    for name, description in listed.items():
        if description["is_elementwise"]:
            assert description["value_at_zero"] == float(ACTIVATIONS[name].function(0.0))


def test_the_gain_preserves_the_mean_square(listed: dict[str, dict[str, Any]]) -> None:
    assert listed["relu"]["gain"] == pytest.approx(math.sqrt(2), abs=1e-9)
    assert listed["selu"]["gain"] == pytest.approx(1.0, abs=1e-9)  # its fixed point by design
    assert listed["softmax"]["gain"] is None
    # Gauss-Hermite quadrature for a standard normal z.
    z, weights = np.polynomial.hermite_e.hermegauss(120)
    for name, values in {"tanh": np.tanh(z), "sigmoid": 1 / (1 + np.exp(-z))}.items():
        square = float(weights @ values**2) / math.sqrt(2 * math.pi)
        assert listed[name]["gain"] == pytest.approx(1 / math.sqrt(square), rel=1e-8)
