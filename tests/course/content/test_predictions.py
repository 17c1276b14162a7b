"""The service computes what the first screen of each section lets its readers predict."""

import math
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from starlette.testclient import TestClient

from epochal_course.content.sections import TEXTS

Simulate = Callable[..., dict[str, Any]]


@pytest.fixture
def simulate(client: TestClient) -> Simulate:
    def answer(explorer: str, **request: Any) -> dict[str, Any]:
        reply = client.post(f"/course/v1/simulate/{explorer}", json=request)
        assert reply.is_success, reply.text
        result: dict[str, Any] = reply.json()
        return result

    return answer


@pytest.mark.parametrize("section", TEXTS)
def test_a_prediction_has_different_choices_and_one_answer(section: str) -> None:
    text = TEXTS[section]
    choices = text["prediction"]["choices"]
    assert len(set(choices)) == len(choices) == 3
    assert 0 <= text["prediction"]["answer"] < len(choices)
    assert text["prediction"]["question"].endswith("?")
    assert all(text.endswith(".") for text in (text["lead"], text["task"], text["finding"]))
    assert text["parts"]


def answer_of(section: str) -> str:
    prediction = TEXTS[section]["prediction"]
    return prediction["choices"][prediction["answer"]]


def test_no_number_of_linear_units_follows_a_sine(simulate: Simulate) -> None:
    def errors(activation: str) -> list[float]:
        reply = simulate(
            "approximation", target="sine", widths=[2, 32], activation=activation, seed=0
        )
        return [fit["median_error"] for fit in reply["widths"]]

    assert [round(error, 2) for error in errors("linear")] == [0.21, 0.21]
    assert max(errors("tanh")) < 1e-4
    assert answer_of("network") == "no number does"


def test_only_the_bias_decides_if_all_inputs_are_zero(simulate: Simulate) -> None:
    fires = [
        simulate("neuron", inputs=[0, 0, 0], weights=[5, -3, 2], bias=bias)["fires"]
        for bias in (-0.1, 0.1)
    ]
    assert fires == [False, True]
    assert answer_of("neuron") == "the bias"


def test_ten_relus_let_the_whole_gradient_through_and_ten_sigmoids_a_millionth(
    simulate: Simulate,
) -> None:
    def gradient(activation: str) -> float:
        reply = simulate("activation-chain", activation=activation, depth=10, weight=1, x=0.5)
        value: float = reply["gradient"]
        return value

    assert gradient("relu") == 1
    assert gradient("sigmoid") < 1e-6
    assert answer_of("activations") == "all of it"


@pytest.mark.parametrize("factor", [1, 10])
def test_wider_layers_have_as_many_weights_as_both_factors_say(
    simulate: Simulate, factor: int
) -> None:
    layers = [{"type": "dense", "units": 4 * factor, "activation": "relu"}] * 2
    reply = simulate("architecture", network={"input_shape": [3], "layers": layers})
    weights = reply["layers"][1]["parameters"] - 4 * factor  # without the biases
    assert weights == 16 * factor**2
    assert answer_of("architecture") == "100"


def test_a_prediction_takes_a_multiplication_for_each_weight(simulate: Simulate) -> None:
    layers = [{"type": "dense", "units": units, "activation": "relu"} for units in (4, 4, 2)]
    reply = simulate("forward", network={"input_shape": [3], "layers": layers}, input=[1, 1, 1])
    products = [unit["products"] for layer in reply["layers"] for unit in layer["units"]]
    assert str(sum(map(len, products))) == answer_of("forward")


def test_a_confident_mistake_is_expensive(simulate: Simulate) -> None:
    def loss(probability: float) -> float:
        reply = simulate("loss", prediction=[probability], target=[1], points=2)
        row = next(loss for loss in reply["losses"] if loss["loss"] == "binary_cross_entropy")
        value: float = row["value"]["value"]
        return value

    assert round(loss(0.7), 3) == 0.357
    assert round(loss(0.01), 1) == 4.6
    assert str(round(loss(0.01) / loss(0.7))) == answer_of("loss")


def test_one_pass_back_gives_the_gradient_of_every_parameter(simulate: Simulate) -> None:
    layers = [
        {"type": "dense", "units": units, "activation": activation}
        for units, activation in ((4, "relu"), (4, "relu"), (2, "softmax"))
    ]
    reply = simulate(
        "backward",
        network={"input_shape": [3], "layers": layers},
        input=[0.8, 0.3, 0.6],
        target=[0],
        loss="cross_entropy",
    )
    gradients = [
        np.size(parameter["gradient"])
        for layer in reply["layers"]
        for parameter in layer["parameters"]
    ]
    assert f"all {sum(gradients)} parameters?" in TEXTS["backpropagation"]["prediction"]["question"]
    assert answer_of("backpropagation") == "1"


def test_adam_hardly_learns_at_ten_times_its_best_rate(simulate: Simulate) -> None:
    def loss(rate: float) -> float:
        reply = simulate(
            "learning-rates",
            dataset={"name": "circles", "samples": 100, "noise": 0.05},
            optimizer={"type": "adam"},
            epochs=500,
            lowest=rate,
            highest=rate * 1.3,
            rates=2,
        )
        value: float = reply["results"][0]["final_loss"]
        return value

    assert loss(0.3) < 0.01
    assert loss(3) > 0.5 * math.log(2)
    assert answer_of("training") == "it hardly learns"


def test_a_filter_has_nine_weights_for_any_image(simulate: Simulate) -> None:
    def parameters(side: int) -> float:
        layer = {"type": "conv2d", "filters": 1, "kernel_size": 3, "use_bias": False}
        network = {"input_shape": [side, side, 1], "layers": [layer]}
        value: float = simulate("architecture", network=network)["parameters"]["value"]
        return value

    assert f"{parameters(8):g}" == f"{parameters(28):g}" == answer_of("zoo")


def test_a_published_model_has_a_trillion_parameters(client: TestClient) -> None:
    facts = [
        fact["value"]
        for entry in client.get("/course/v1/timeline").json()["entries"]
        for fact in entry["facts"]
        if fact["unit"] == "parameters" and fact["value"] is not None
    ]
    assert (min(facts), max(facts)) == (3, 1e12)
    assert answer_of("timeline") == "a trillion"


def test_the_network_predicts_names_better_than_counts(client: TestClient) -> None:
    path = "/course/v1/preset-experiments/first-names/results"
    claims = client.get(path).json()["experiment"]["claims"]
    claim = next(claim for claim in claims if "4-gram" in claim["text"])
    assert claim["met"] == len(claim["runs"])
    assert answer_of("language") == "this small network"
