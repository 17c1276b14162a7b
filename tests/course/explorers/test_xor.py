"""XOR by a hidden layer over HTTP."""

import math
from typing import Any

import pytest
from tests.course.explorers.conftest import Ask


def test_or_and_nand_make_xor_by_hand(ask: Ask) -> None:
    reply = ask("xor")
    assert reply["solved"] is True
    assert [unit["gate"] for unit in reply["hidden_units"]] == ["or", "nand"]
    assert reply["output_unit"]["gate"] == "xor"
    assert [point["output"]["value"] for point in reply["points"]] == [0, 1, 1, 0]
    # 00 and 11 go to opposite corners; 01 and 10 meet in the third.
    assert [[h["value"] for h in point["hidden"]] for point in reply["points"]] == [
        [0, 1],
        [1, 1],
        [1, 1],
        [1, 0],
    ]
    assert reply["hidden_separation"]["margin"] == pytest.approx(0.25 * 2**0.5)
    assert reply["points"][1]["output_sum"]["substituted"] == "z = 1·1 + 1·1 + (-1.5) = 0.5"
    assert reply["output_unit"]["line"]["equation"] == "1·h1 + 1·h2 - 1.5 = 0"


def sigmoid(z: float) -> float:
    return 1 / (1 + math.exp(-z))


def test_given_units_are_computed_as_by_hand_at_every_place_of_the_grid(ask: Ask) -> None:
    hidden = [{"weights": [1.5, -2.0], "bias": 0.3}, {"weights": [-0.7, 0.4], "bias": 0.1}]
    output = {"weights": [2.0, -3.0], "bias": -0.2}
    reply = ask("xor", hidden=hidden, output=output, activation="tanh", resolution=4)
    grid = reply["grid"]
    assert grid["x_values"] == pytest.approx([-0.5, 1 / 6, 5 / 6, 1.5])
    for y, row in zip(grid["y_values"], grid["outputs"], strict=True):
        for x, value in zip(grid["x_values"], row, strict=True):
            h1 = math.tanh(1.5 * x - 2.0 * y + 0.3)
            h2 = math.tanh(-0.7 * x + 0.4 * y + 0.1)
            assert value == pytest.approx(sigmoid(2.0 * h1 - 3.0 * h2 - 0.2), rel=1e-12)
    for point in reply["points"]:
        x, y = point["inputs"]
        z1 = 1.5 * x - 2.0 * y + 0.3
        assert point["hidden_sums"][0]["value"] == pytest.approx(z1)
        assert point["hidden"][0]["value"] == pytest.approx(math.tanh(z1))
        assert point["prediction"] == (point["output"]["value"] >= 0.5)


def test_linear_hidden_units_leave_what_cannot_be_parted_as_it_is(ask: Ask) -> None:
    unit = {"weights": [1.0, 2.0], "bias": 0.0}
    reply = ask(
        "xor",
        hidden=[unit, {"weights": [3.0, -1.0], "bias": 1.0}],
        output={"weights": [1.0, 1.0], "bias": 0.0},
        activation="linear",
    )
    assert reply["solved"] is False
    assert reply["hidden_separation"] is None
    assert "still no line" in reply["verdict"]


def test_training_finds_it_from_about_half_of_the_starts(ask: Ask) -> None:
    reply = ask("xor", train=True, runs=32, epochs=500)
    solved = [run["solved"] for run in reply["runs"]]
    assert 8 <= sum(solved) <= 26  # 54 % of seeds after 2,000 epochs
    assert reply["solved"] is True
    best = min(reply["runs"], key=lambda run: run["loss"])
    assert reply["shown_seed"] == best["seed"]
    right = [
        point["output"]["value"] if point["target"] else 1 - point["output"]["value"]
        for point in reply["points"]
    ]
    assert -sum(map(math.log, right)) / 4 == pytest.approx(best["loss"], rel=1e-9)
    assert reply["hidden_separation"]["margin"] > 0


def test_the_same_seed_finds_the_same_weights(ask: Ask) -> None:
    first = ask("xor", train=True, runs=2, seed=5, epochs=50)
    again = ask("xor", train=True, runs=2, seed=5, epochs=50)
    assert first == again
    assert [run["seed"] for run in first["runs"]] == [5, 6]


def test_a_start_is_the_same_alone_and_among_others(ask: Ask) -> None:
    among = ask("xor", train=True, runs=4, epochs=100)["runs"]
    for start in among:
        (alone,) = ask("xor", train=True, runs=1, seed=start["seed"], epochs=100)["runs"]
        assert alone["loss"] == pytest.approx(start["loss"], rel=1e-9)


UNIT = {"weights": [1.0, 1.0], "bias": 0.0}


@pytest.mark.parametrize(
    ("request_", "field"),
    [
        ({"hidden": [UNIT, UNIT]}, "output"),
        ({"output": UNIT}, "hidden"),
        ({"hidden": [UNIT, UNIT], "output": UNIT, "train": True}, "train"),
        ({"train": True, "activation": "step"}, "activation"),
        ({"activation": "softmax"}, "activation"),
        ({"train": True, "runs": 32, "epochs": 501}, "epochs"),
        ({"hidden": [UNIT], "output": UNIT}, "hidden"),
        ({"resolution": 52}, "resolution"),
    ],
)
def test_what_does_not_fit_is_named(ask: Ask, request_: dict[str, Any], field: str) -> None:
    problem = ask("xor", status=400, **request_)
    assert field in [error["field"] for error in problem["errors"]]
