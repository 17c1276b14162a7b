"""One neuron, over HTTP as anybody would ask."""

from typing import Any

import pytest
from tests.course.explorers.arithmetic import agree
from tests.course.explorers.conftest import Ask

EXAMPLE: dict[str, Any] = {"inputs": [1.0, 0.5, 0.8], "weights": [0.7, -0.3, 0.5], "bias": -0.2}


def test_the_neuron_of_the_page_fires_with_67_9_percent(ask: Ask) -> None:
    reply = ask("neuron", **EXAMPLE)
    assert [p["value"] for p in reply["products"]] == pytest.approx([0.7, -0.15, 0.4])
    assert reply["weighted_sum"]["value"] == pytest.approx(0.75)
    assert (reply["step"]["value"], reply["fires"]) == (1, True)
    assert reply["sigmoid"]["value"] == pytest.approx(0.679179, abs=5e-7)
    assert reply["derivative"]["value"] == pytest.approx(0.217895, abs=5e-7)
    assert "67.9 %" in reply["verdict"]


def test_every_number_stands_in_its_formula(ask: Ask) -> None:
    reply = ask("neuron", **EXAMPLE)
    assert reply["weighted_sum"]["formula"] == "z = Σ wᵢ·xᵢ + b"
    assert reply["weighted_sum"]["substituted"] == "z = 0.7 + (-0.15) + 0.4 + (-0.2) = 0.75"


def test_numbers_have_the_digits_that_it_takes_for_a_line_to_be_true(ask: Ask) -> None:
    # Four digits would give 1·(1 - 1) = 4.54e-05, and 1.235 + (-1.235) = 3.21e-05.
    sure = ask("neuron", inputs=[1.0], weights=[10.0])
    assert sure["derivative"]["substituted"] == "σ'(z) = 0.9999546·(1 - 0.9999546) = 4.54e-05"
    reply = ask("neuron", inputs=[1.0, 1.0], weights=[1.2345678, -1.2345357])
    assert reply["weighted_sum"]["substituted"] == "z = 1.2345678 + (-1.2345357) + 0 = 3.21e-05"
    agree(sure["derivative"])
    agree(reply["weighted_sum"])


def test_the_threshold_itself_fires(ask: Ask) -> None:
    assert ask("neuron", inputs=[1.0], weights=[0.0])["fires"] is True
    assert ask("neuron", inputs=[1.0], weights=[0.0], bias=-1e-9)["fires"] is False


def test_a_sensitivity_is_the_slope_that_a_small_step_of_a_weight_shows(ask: Ask) -> None:
    step = 1e-5
    before = ask("neuron", **EXAMPLE)
    for i, derivative in enumerate(before["weight_derivatives"]):
        weights = list(EXAMPLE["weights"])
        weights[i] += step
        after = ask("neuron", **EXAMPLE | {"weights": weights})
        slope = (after["sigmoid"]["value"] - before["sigmoid"]["value"]) / step
        assert derivative["value"] == pytest.approx(slope, rel=1e-4)


def test_a_weight_for_each_input_is_asked_for(ask: Ask) -> None:
    problem = ask("neuron", inputs=[1.0, 2.0], weights=[1.0], status=400)
    assert problem["errors"] == [
        {"field": "weights", "description": "must have one number for each input: 2; got 1"}
    ]
