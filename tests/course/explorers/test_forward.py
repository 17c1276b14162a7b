"""A forward pass, over HTTP, beside plain Python."""

import math
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.course.explorers.arithmetic import agree
from tests.course.explorers.conftest import Ask

import epochal_engine as engine
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
}


def sums(layer: dict[str, Any]) -> list[float]:
    return [unit["weighted_sum"]["value"] for unit in layer["units"]]


def test_3_4_4_2_with_weights_that_anybody_can_work_out(ask: Ask) -> None:
    reply = ask("forward", **EXAMPLE)
    first, second, third = reply["layers"]
    assert sums(first) == pytest.approx([-0.2, -0.25, 0.03, 0.34])
    assert first["output"] == pytest.approx([0, 0, 0.03, 0.34])
    assert sums(second) == pytest.approx([-0.167, 0.044, -0.078, 0.133])
    assert second["output"] == pytest.approx([0, 0.044, 0, 0.133])
    assert sums(third) == pytest.approx([0.1398, -0.0555])
    assert reply["output"] == pytest.approx([0.548670, 0.451330], abs=5e-7)
    assert -math.log(reply["output"][0]) == pytest.approx(0.600257, abs=5e-7)
    assert reply["parameters"] == 46
    assert reply["flops"]["substituted"] == "FLOPs = 24 + 32 + 16 = 72"
    assert "54.9 %" in reply["verdict"]


def test_a_sum_is_written_with_its_numbers(ask: Ask) -> None:
    unit = ask("forward", **EXAMPLE)["layers"][0]["units"][2]
    assert unit["products"] == pytest.approx([0.08, -0.15, 0.0])
    assert unit["weighted_sum"]["formula"] == "z3 = Σᵢ wᵢ,3·xᵢ + b3"
    assert unit["weighted_sum"]["substituted"] == "z3 = 0.1·0.8 + (-0.5)·0.3 + 0·0.6 + 0.1 = 0.03"
    assert unit["output"]["substituted"] == "a3 = max(0, 0.03) = 0.03"


def test_plain_python_finds_the_same_from_the_products_up(ask: Ask) -> None:
    weights = [
        [[0.5, -1.0, 0.25], [1.5, 0.5, -0.75]],
        [[1.0], [-2.0], [0.5]],
    ]
    biases = [[0.1, 0.0, -0.2], [0.3]]
    reply = ask(
        "forward",
        network={"input_shape": [2], "layers": [dense(3, "tanh"), dense(1, "sigmoid")]},
        input=[0.4, -0.6],
        weights=[
            {"layer": f"dense_{n}", "weight": w, "bias": b}
            for n, (w, b) in enumerate(zip(weights, biases, strict=True), 1)
        ],
    )
    x = [0.4, -0.6]
    for layer, w, b in zip(reply["layers"], weights, biases, strict=True):
        z = [sum(x[i] * w[i][o] for i in range(len(x))) + b[o] for o in range(len(b))]
        for o, unit in enumerate(layer["units"]):
            assert unit["products"] == pytest.approx([x[i] * w[i][o] for i in range(len(x))])
        assert sums(layer) == pytest.approx(z)
        x = [math.tanh(v) if len(b) == 3 else 1 / (1 + math.exp(-v)) for v in z]
        assert layer["output"] == pytest.approx(x)
    assert reply["output"] == pytest.approx(x)


ACTIVATIONS = [name for name, activation in engine.ACTIVATIONS.items() if activation.is_elementwise]


@pytest.mark.parametrize("activation", ACTIVATIONS)
def test_every_printed_formula_comes_to_its_value(ask: Ask, activation: str) -> None:
    inner = [dense(3, activation), {"type": "dropout", "rate": 0.5}]
    reply = ask(
        "forward",
        network={
            "input_shape": [2, 3],
            "layers": [
                dense(3, activation),
                {"type": "layer_norm"},
                {"type": "residual", "layers": inner},
                {"type": "activation", "activation": activation},
                {"type": "flatten"},
                dense(4, "softmax"),
            ],
        },
        input=[0.8, -0.3, 0.6, -1.0, 2.0, 0.5],
        seed=3,
    )
    printed = 0
    for layer in reply["layers"]:
        shown = [*layer["statistics"], *(unit["output"] for unit in layer["units"])]
        shown += [unit["weighted_sum"] for unit in layer["units"] if unit["weighted_sum"]]
        printed += len(shown)
        for quantity in shown:
            agree(quantity)
        if layer["flops"]["value"]:
            agree(layer["flops"])
    # Six numbers of each layer but the last, its sums, and mean and variance of both positions.
    assert printed == 12 + (4 + 6) + 12 + 6 + 6 + (2 + 8)


@given(
    widths=st.lists(st.integers(1, 5), min_size=1, max_size=4),
    activation=st.sampled_from(ACTIVATIONS),
    seed=st.integers(0, 2**32),
    positions=st.integers(1, 3),
)
@settings(max_examples=25)
def test_it_is_what_the_engine_predicts(
    ask: Ask, widths: list[int], activation: str, seed: int, positions: int
) -> None:
    layers: list[dict[str, Any]] = [dense(width, activation) for width in widths]
    layers.insert(1, {"type": "layer_norm"})
    layers.append({"type": "residual", "layers": [dense(widths[-1], activation)]})
    spec = {"input_shape": [positions, 2], "layers": layers}
    x = np.random.default_rng(seed).normal(size=(1, positions, 2))
    reply = ask("forward", network=spec, input=x.ravel().tolist(), seed=seed)
    network = build_network(NetworkSpec.model_validate(spec))
    weights = network.initial_parameters(rng=Streams.from_seed(seed).weights)
    assert reply["output"] == pytest.approx(engine.predict(network, weights, x).ravel().tolist())
    assert reply["flops"]["value"] == network.flops
    assert sum(layer["flops"]["value"] for layer in reply["layers"]) == network.flops


def test_layers_with_several_inputs_list_all_of_them(ask: Ask) -> None:
    reply = ask(
        "forward",
        network={
            "input_shape": [4],
            "layers": [
                {"type": "slice", "start": 0, "stop": 2, "name": "left", "input": "input"},
                {"type": "slice", "start": 2, "name": "right", "input": "input"},
                {"type": "add", "input": ["left", "right"], "name": "both"},
                {"type": "concatenate", "input": ["both", "right"]},
                dense(1),
            ],
        },
        input=[1.0, 2.0, 3.0, 4.0],
        weights=[{"layer": "dense_5", "weight": [[1.0], [1.0], [1.0], [1.0]]}],
    )
    layers = {layer["name"]: layer for layer in reply["layers"]}
    assert layers["both"]["inputs"] == [[1, 2], [3, 4]]
    assert layers["both"]["units"][1]["output"]["substituted"] == "y2 = 2 + 4 = 6"
    assert layers["concatenate_4"]["output"] == [4, 6, 3, 4]
    assert reply["output"] == [17]


def test_weights_within_a_residual_are_given_by_their_path(ask: Ask) -> None:
    reply = ask(
        "forward",
        network={"input_shape": [1], "layers": [{"type": "residual", "layers": [dense(1)]}]},
        input=[2.0],
        weights=[{"layer": "residual_1.dense_1", "weight": [[3.0]], "bias": [1.0]}],
    )
    inner, outer = reply["layers"]
    assert (inner["name"], inner["output"]) == ("residual_1.dense_1", [7])
    assert outer["inputs"] == [[2], [7]]
    assert outer["output"] == reply["output"] == [9]


def test_a_seed_starts_as_a_job_would(ask: Ask) -> None:
    request: dict[str, Any] = {"network": NETWORK, "input": [1.0, 2.0, 3.0]}
    again = [ask("forward", **request, seed=seed)["output"] for seed in (0, 0, 1)]
    assert again[0] == again[1] != again[2]


@pytest.mark.parametrize(
    ("change", "field", "description"),
    [
        ({"input": [1.0]}, "input", "must have 3 numbers; got 1"),
        (
            {"weights": [{"layer": "dense_9", "bias": [0.0]}]},
            "weights[0].layer",
            "must be a layer with parameters: dense_1, dense_2, dense_3",
        ),
        (
            {"weights": [{"layer": "dense_1", "weight": [[1.0, 2.0], [1.0]]}]},
            "weights[0].weight",
            "must have rows of equal length",
        ),
        (
            {"weights": [{"layer": "dense_1", "weight": [[1.0, 2.0]]}]},
            "weights[0].weight",
            "must be 3 x 4 numbers; got 1 x 2",
        ),
        (
            {"weights": [{"layer": "dense_1", "scale": [1.0]}]},
            "weights[0].scale",
            "must be left out: dense_1 has no scale",
        ),
        (
            {"network": {"input_shape": [3], "layers": [{"type": "rnn", "units": 2}]}},
            "network.layers[0].type",
            "must be one of dense, activation, dropout, layer_norm, residual, flatten, reshape, "
            "slice, add, concatenate; got rnn",
        ),
        (
            {"network": {"input_shape": [3], "layers": [dense(1000)]}},
            "network.layers",
            "must make at most 2000 products; got 3000",
        ),
        (
            {
                "network": {
                    "input_shape": [3],
                    "layers": [
                        {"type": "flatten", "name": "l0"},
                        *(
                            {"type": "concatenate", "input": [f"l{i}"] * 8, "name": f"l{i + 1}"}
                            for i in range(6)
                        ),
                        {"type": "slice", "start": 0, "stop": 1},
                        dense(1),
                    ],
                }
            },
            "network.layers",
            "must make at most 4096 numbers; got 898781",
        ),
        (
            {"network": {"input_shape": [3], "layers": [dense(2, "softmax"), dense(2)]}},
            "network.layers",
            "dense_1: softmax is for the last layer only",
        ),
    ],
)
def test_an_error_names_what_cannot_be_traced(
    ask: Ask, change: dict[str, Any], field: str, description: str
) -> None:
    problem = ask("forward", **(EXAMPLE | change), status=400)
    assert problem["errors"] == [{"field": field, "description": description}]


def test_an_overflow_is_shown_and_is_not_an_error(ask: Ask) -> None:
    deep = 28
    names = [f"dense_{n}" for n in range(1, deep + 1)]
    reply = ask(
        "forward",
        network={
            "input_shape": [2],
            "layers": [dense(2, name=name) for name in names] + [{"type": "layer_norm"}],
        },
        input=[1e6, -1e6],
        weights=[{"layer": name, "weight": [[1e6, 1e3], [-1e3, 1e6]]} for name in names],
    )
    *_, last, norm = reply["layers"]
    assert abs(last["output"][0]) > 1e154  # its square overflows
    assert norm["statistics"][1]["value"] == "Infinity"
    assert "= inf" in norm["statistics"][1]["substituted"]
