"""A backward pass, over HTTP, beside plain Python and beside the engine's own training step."""

import math
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.course.explorers.conftest import Ask

from epochal_engine.model.network import parameter_views
from epochal_engine.symbolic.plan import perform
from epochal_engine.training.step import Gradient, with_column
from epochal_engine.training.streams import Streams
from epochal_service.specs.build import build_network
from epochal_service.specs.networks import NetworkSpec


def dense(units: int, activation: str = "linear", **more: Any) -> dict[str, Any]:
    return {"type": "dense", "units": units, "activation": activation, **more}


NETWORK = {"input_shape": [3], "layers": [dense(4, "relu"), dense(4, "relu"), dense(2, "softmax")]}
EXAMPLE: dict[str, Any] = {
    "network": NETWORK,
    "input": [0.8, 0.3, 0.6],
    "weights_from": "pattern",
    "target": [0.0],
    "loss": "cross_entropy",
}


def deltas(layer: dict[str, Any]) -> list[float]:
    return [unit["delta"]["value"] for unit in layer["units"]]


def parameter(layer: dict[str, Any], name: str) -> dict[str, Any]:
    parameters: dict[str, dict[str, Any]] = {row["name"]: row for row in layer["parameters"]}
    return parameters[name]


def test_3_4_4_2_with_weights_that_anybody_can_work_out(ask: Ask) -> None:
    reply = ask("backward", **EXAMPLE)
    assert reply["loss"]["value"] == pytest.approx(0.600257, abs=5e-7)
    assert reply["prediction"] == pytest.approx([0.548670, 0.451330], abs=5e-7)
    assert reply["target"] == [1.0, 0.0]
    third, second, first = reply["layers"]
    assert deltas(third) == pytest.approx([-0.451330, 0.451330], abs=5e-7)
    assert deltas(second) == pytest.approx([0, -0.361064, 0, 0.135399], abs=5e-7)
    assert deltas(first) == pytest.approx([0, 0, -0.157965, 0.126372], abs=5e-7)
    norms = [parameter(layer, "weight")["norm"]["value"] for layer in (first, second, third)]
    assert norms == pytest.approx([0.211202, 0.131619, 0.089416], abs=5e-7)


def test_the_class_and_its_row_are_one_target(ask: Ask) -> None:
    assert ask("backward", **EXAMPLE) == ask("backward", **EXAMPLE | {"target": [1.0, 0.0]})


def test_the_chain_rule_is_written_with_its_numbers(ask: Ask) -> None:
    third, second, _ = ask("backward", **EXAMPLE)["layers"]
    output = third["units"][0]
    assert output["gradient"] is None
    assert output["delta"]["formula"] == "δ1 = a1 - y1"
    assert output["delta"]["substituted"] == "δ1 = 0.5487 - 1 = -0.4513"
    hidden = second["units"][1]
    assert hidden["gradient"]["formula"] == "∂L/∂a2 = Σₖ w2,k·δk of dense_3"
    assert hidden["gradient"]["substituted"] == (
        "∂L/∂a2 = 0.3·(-0.45133) + (-0.5)·0.45133 = -0.3611"
    )
    assert hidden["derivative"]["substituted"] == "f'(z2) = relu'(0.044) = 1"
    assert hidden["delta"]["substituted"] == "δ2 = (-0.3611)·1 = -0.3611"
    derivative = parameter(second, "weight")["derivatives"][2 * 4 + 1]
    assert derivative["substituted"] == "∂L/∂w3,2 = 0.03·(-0.3611) = -0.01083"


def test_one_neuron_by_hand(ask: Ask) -> None:
    """L = (w·x - y)² with w = (1, 2), b = 0, x = (3, -2), y = 1: the sum is -1, the error -2."""
    reply = ask(
        "backward",
        network={"input_shape": [2], "layers": [dense(1)]},
        input=[3.0, -2.0],
        weights=[{"layer": "dense_1", "weight": [[1.0], [2.0]], "bias": [0.0]}],
        target=[1.0],
        loss="mse",
        learning_rate=0.1,
    )
    (layer,) = reply["layers"]
    assert reply["loss"]["substituted"] == "L = (-1 - 1)² = 4"
    assert deltas(layer) == [-4.0]
    assert parameter(layer, "weight")["gradient"] == [[-12.0], [8.0]]
    assert parameter(layer, "bias")["gradient"] == [[-4.0]]
    assert parameter(layer, "weight")["values_after"] == pytest.approx(np.array([[2.2], [1.2]]))
    assert parameter(layer, "weight")["update"]["substituted"] == "w1,1 ← 1 - 0.1·(-12) = 2.2"
    # 2.2·3 - 1.2·2 + .4 = 4.6: over the valley and up the other side.
    assert reply["loss_after"]["value"] == pytest.approx(3.6**2)
    assert "rises" in reply["verdict"]


def gradient_by_the_engine(request: dict[str, Any], weights: dict[str, Any]) -> dict[str, Any]:
    """By another way: the trace of the whole training step, differentiated at once."""
    network = build_network(NetworkSpec.model_validate(request["network"]))
    compiled = Gradient(network, request["loss"], 1, "float64")
    parameters = np.concatenate([weights[name].ravel() for name in network.parameters])
    gradient = np.zeros_like(parameters)
    inputs = np.array(request["input"], float).reshape((1, *network.input_shape))
    targets = np.array(request["target"]).reshape((1, *network.output_shape))
    scores = np.empty((1, *network.output_shape))
    rng = np.random.default_rng(0)
    x = with_column(network, inputs)
    parts = compiled.parts(parameters), compiled.parts(gradient)
    perform(compiled.bind(x, targets, scores, *parts, rng))
    return parameter_views(network, gradient)


LAYERS = st.sampled_from(
    [
        dense(3, "tanh"),
        dense(2, "sigmoid", use_bias=False),
        dense(4),
        dense(2, "gelu"),
        dense(3, "softplus"),
        {"type": "layer_norm"},
        {"type": "activation", "activation": "silu"},
        {"type": "dropout", "rate": 0.0},
        {"type": "flatten"},
    ]
)
ENDS = st.sampled_from(
    [
        (dense(1, "sigmoid"), "binary_cross_entropy", [1.0]),
        (dense(2, "sigmoid"), "binary_cross_entropy", [1.0, 0.0]),
        (dense(1, "sigmoid"), "focal", [0.0]),
        (dense(3, "softmax"), "cross_entropy", [0.2, 0.5, 0.3]),
        (dense(2, "tanh"), "mse", [0.5, -0.5]),
        (dense(2, "softmax"), "mse", [1.0, 0.0]),
        (dense(2), "huber", [4.0, -0.1]),
        (dense(1), "hinge", [0.0]),
    ]
)


@given(
    shape=st.sampled_from([[2], [2, 3]]),
    layers=st.lists(LAYERS, max_size=3),
    residual=st.booleans(),
    end=ENDS,
    seed=st.integers(0, 1000),
)
@settings(max_examples=40)
def test_layer_by_layer_it_is_the_gradient_that_training_takes(
    ask: Ask, shape: list[int], layers: list[Any], residual: bool, end: Any, seed: int
) -> None:
    last, loss, target = end
    if residual:
        width = shape[-1]
        within = [dense(4, "tanh"), dense(width)]
        layers = [{"type": "residual", "layers": within}, *layers]
    if len(shape) > 1:
        layers = [*layers, {"type": "flatten"}]
    rng = np.random.default_rng(seed)
    request = {
        "network": {"input_shape": shape, "layers": [*layers, last]},
        "input": rng.normal(size=math.prod(shape)).tolist(),
        "target": target,
        "loss": loss,
        "seed": seed,
    }
    reply = ask("backward", **request, check=True)
    network = build_network(NetworkSpec.model_validate(request["network"]))
    streams = Streams.from_seed(seed)
    expected = gradient_by_the_engine(request, network.initial_parameters(rng=streams.weights))
    gradients = {
        f"{layer['name']}.{row['name']}": row["gradient"]
        for layer in reply["layers"]
        for row in layer["parameters"]
    }
    assert gradients.keys() == expected.keys()
    for name, gradient in expected.items():
        assert np.array(gradients[name]) == pytest.approx(np.atleast_2d(gradient), abs=1e-12)
    assert reply["check"]["agrees"], reply["check"]
    assert reply["check"]["parameters"] == network.learned_size


def test_a_layer_that_is_read_twice_gets_both_gradients(ask: Ask) -> None:
    """y = (w·x) + 3·(w·x) with w = 2, x = 1, against 0: L = 64 w² x² / 4 …: slope 2·8·4."""
    reply = ask(
        "backward",
        network={
            "input_shape": [1],
            "layers": [
                dense(1, use_bias=False, name="shared"),
                dense(1, use_bias=False, name="tripled"),
                {"type": "add", "input": ["shared", "tripled"]},
            ],
        },
        input=[1.0],
        weights=[
            {"layer": "shared", "weight": [[2.0]]},
            {"layer": "tripled", "weight": [[3.0]]},
        ],
        target=[0.0],
        loss="mse",
        check=True,
    )
    added, tripled, shared = reply["layers"]
    assert added["input_gradients"] == [[16.0], [16.0]]
    assert parameter(tripled, "weight")["gradient"] == [[32.0]]
    assert shared["units"][0]["gradient"]["value"] == 16.0 + 3.0 * 16.0
    assert parameter(shared, "weight")["gradient"] == [[64.0]]
    assert reply["check"]["agrees"] is True


def test_a_step_has_no_slope_and_teaches_nothing(ask: Ask) -> None:
    network = {"input_shape": [1], "layers": [dense(2, "step"), dense(1, "sigmoid")]}
    reply = ask("backward", network=network, input=[0.5], target=[1.0], loss="binary_cross_entropy")
    assert parameter(reply["layers"][1], "weight")["norm"]["value"] == 0


def test_a_check_on_a_kink_says_that_it_does_not_agree(ask: Ask) -> None:
    """relu at exactly 0: the slope is 0 by convention, and half of 1 by differences."""
    reply = ask(
        "backward",
        network={"input_shape": [1], "layers": [dense(1, "relu", use_bias=False)]},
        input=[1.0],
        weights=[{"layer": "dense_1", "weight": [[0.0]]}],
        target=[1.0],
        loss="mse",
        check=True,
    )
    check = reply["check"]
    assert (check["gradient"], check["agrees"]) == (0.0, False)
    assert check["finite_difference"] == pytest.approx(-1.0, abs=1e-4)


def test_a_loss_needs_its_activation(ask: Ask) -> None:
    problem = ask("backward", **EXAMPLE | {"loss": "binary_cross_entropy"}, status=400)
    assert [error["field"] for error in problem["errors"]] == ["loss"]
    assert "sigmoid" in problem["errors"][0]["description"]


@pytest.mark.parametrize("target", [[2.0], [0.5], [1.0, 0.0, 0.0], [0.7, 0.7]])
def test_an_invalid_target_is_an_error(ask: Ask, target: list[float]) -> None:
    problem = ask("backward", **EXAMPLE | {"target": target}, status=400)
    assert [error["field"] for error in problem["errors"]] == ["target"]


def test_errors_of_the_network_are_those_of_forward(ask: Ask) -> None:
    request = EXAMPLE | {"input": [1.0]}
    reply = ask("backward", **request, status=400)
    forward = {k: v for k, v in request.items() if k not in ("target", "loss")}
    assert reply["errors"] == ask("forward", **forward, status=400)["errors"]


def test_a_loss_is_written_as_its_own_explorer_writes_it(ask: Ask) -> None:
    network = {"input_shape": [1], "layers": [{"type": "dense", "units": 1}]}
    network["layers"][0]["activation"] = "sigmoid"  # type: ignore[index]
    request: dict[str, Any] = {
        "network": network,
        "input": [1.0],
        "target": [0.0],
        "loss": "binary_cross_entropy",
    }
    weights = [{"layer": "dense_1", "weight": [[2.0]], "bias": [0.0]}]
    reply = ask("backward", **request, weights=weights)
    alone = ask("loss", prediction=reply["prediction"], target=[0.0], losses=[request["loss"]])
    assert reply["loss"]["substituted"] == alone["losses"][0]["value"]["substituted"]
    # A loss that is computed from the logit stays exact where the prediction rounds to 1.
    weights[0]["weight"] = [[50.0]]
    sure = ask("backward", **request, weights=weights)
    assert sure["loss"]["substituted"] == "with ŷ = 1 and y = 0: L = 50"


def test_a_check_of_too_many_parameters_is_refused_and_says_what_it_costs(ask: Ask) -> None:
    norms = [{"type": "layer_norm"} for _ in range(8)]
    request: dict[str, Any] = {
        "network": {"input_shape": [256], "layers": [*norms, {"type": "dense", "units": 1}]},
        "input": [k / 256 for k in range(256)],
        "target": [1.0],
        "loss": "mse",
    }
    assert ask("backward", **request)["check"] is None
    problem = ask("backward", **request, check=True, status=400)
    assert problem["reason"] == "limit_exceeded"
    (error,) = problem["errors"]
    assert error["field"] == "check"
    assert error["description"].startswith("may cost at most 40000000; got ")
    assert "= 2·4353·(2049 + 300·9) = 41344794" in error["description"]
