"""The training loop, over HTTP: its steps beside plain NumPy, its bands beside what is known."""

import json
import math
import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from tests.course.explorers.conftest import Ask

from epochal_engine import LABELS

ROOT = Path(__file__).parents[3]

FOUR_ROWS: dict[str, Any] = {
    "network": {"input_shape": [1], "layers": [{"type": "dense", "units": 1}]},
    "dataset": {"inputs": [[1.0], [2.0], [3.0], [4.0]], "targets": [2.0, 4.0, 6.0, 8.0]},
    "loss": "mse",
}


def test_a_step_is_forward_loss_backward_and_update(ask: Ask) -> None:
    """y = w·x + b on four rows: all of gradient descent in three lines of NumPy."""
    reply = ask(
        "training",
        **FOUR_ROWS,
        epochs=5,
        steps=5,
        optimizer={"type": "sgd", "learning_rate": 0.02},
        seed=3,
    )
    x, y = np.array([1.0, 2.0, 3.0, 4.0]), np.array([2.0, 4.0, 6.0, 8.0])
    # The loss of the first step, and its mean score, give the weight that it began with: b is 0.
    w, b = reply["steps"][0]["mean_output"]["value"] / 2.5, 0.0
    for step, loss in zip(reply["steps"], reply["train_loss"], strict=True):
        error = w * x + b - y
        assert step["loss"]["value"] == pytest.approx(np.mean(error**2), rel=1e-5)
        assert loss == pytest.approx(step["loss"]["value"])
        slope_w, slope_b = 2 * np.mean(error * x), 2 * np.mean(error)
        norm = math.hypot(slope_w, slope_b)
        assert step["gradient_norm"]["value"] == pytest.approx(norm, rel=1e-5)
        (layer,) = step["layers"]
        moved = 0.02 * norm
        assert layer["update_norm"] == pytest.approx(moved, rel=1e-5)
        assert layer["update_ratio"] == pytest.approx(moved / math.hypot(w, b), rel=1e-5)
        w, b = w - 0.02 * slope_w, b - 0.02 * slope_b
        assert step["update"]["name"] == "dense_1.weight[0][0]"
        assert step["update"]["value"] == pytest.approx(w, rel=1e-5)
        assert step["samples"] == [0, 1, 2, 3]


@pytest.mark.parametrize(
    "optimizer", ["sgd", "momentum", "nesterov", "adagrad", "rmsprop", "adam", "adamw", "lion"]
)
def test_the_steps_are_those_of_the_run(ask: Ask, optimizer: str) -> None:
    """In batches: the mean over an epoch's steps is the epoch's row of the curve."""
    reply = ask(
        "training",
        optimizer={"type": optimizer, "learning_rate": 0.02},
        batch_size=64,
        epochs=2,
        steps=8,
        seed=5,
    )
    assert reply["steps_per_epoch"] == 4
    assert [step["batch_size"] for step in reply["steps"]] == [64, 64, 64, 8] * 2
    assert [step["epoch"] for step in reply["steps"]] == [1] * 4 + [2] * 4
    for epoch, expected in enumerate(reply["train_loss"]):
        steps = reply["steps"][4 * epoch : 4 * epoch + 4]
        mean = sum(step["loss"]["value"] * step["batch_size"] for step in steps) / 200
        assert mean == pytest.approx(expected, rel=1e-5)
    last = reply["steps"][7]["gradient_norm"]["value"]
    assert last == pytest.approx(reply["gradient_norm"][1], rel=1e-5)


def test_a_schedule_that_waits_for_a_plateau_acts_on_the_steps_as_well(ask: Ask) -> None:
    reply = ask(
        "training",
        **FOUR_ROWS,
        epochs=10,
        steps=10,
        optimizer={"type": "sgd", "learning_rate": 0.14},
        schedule={"type": "reduce_on_plateau", "patience": 1, "factor": 0.5},
    )
    rates = [step["learning_rate"] for step in reply["steps"]]
    assert rates == pytest.approx(reply["learning_rate"])
    assert rates[-1] < rates[0]
    assert [step["loss"]["value"] for step in reply["steps"]] == pytest.approx(reply["train_loss"])


def test_maps_show_the_plane_from_the_initial_parameters_to_the_last(ask: Ask) -> None:
    reply = ask("training", epochs=100, maps=5, steps=0, seed=2)
    plane = reply["plane"]
    # Epochs 100·(k/4)²: closer together in the beginning.
    assert [snapshot["epoch"] for snapshot in plane["maps"]] == [0, 6, 25, 56, 100]
    assert len(plane["samples"]) == reply["samples"]
    xs, ys = (np.array(plane[name]) for name in ("x_values", "y_values"))

    def right(outputs: list[list[float]]) -> float:
        answers = [
            outputs[np.abs(ys - y).argmin()][np.abs(xs - x).argmin()] > 0.5
            for x, y in (sample["inputs"] for sample in plane["samples"])
        ]
        targets = [sample["target"] > 0.5 for sample in plane["samples"]]
        return float(np.mean(np.equal(answers, targets)))

    first, *_, last = (right(snapshot["outputs"]) for snapshot in plane["maps"])
    assert last > 0.95 > first
    assert last == pytest.approx(reply["train_accuracy"][-1], abs=0.03)


def test_maps_of_one_linear_unit_are_its_plane(ask: Ask) -> None:
    """On y = x₁ - 2·x₂ + 1 without noise, exactly as steep as that."""
    rows = [[0.0, 0.0], [1.0, 0.0], [0.0, 1.0], [1.0, 1.0]]
    reply = ask(
        "training",
        network={"input_shape": [2], "layers": [{"type": "dense", "units": 1}]},
        dataset={"inputs": rows, "targets": [x - 2 * y + 1 for x, y in rows]},
        loss="mse",
        optimizer={"type": "sgd", "learning_rate": 0.3},
        epochs=300,
        maps=2,
    )
    plane = reply["plane"]
    expected = np.subtract.outer(-2 * np.array(plane["y_values"]), -np.array(plane["x_values"])) + 1
    assert np.array(plane["maps"][-1]["outputs"]) == pytest.approx(expected, abs=2e-3)
    assert (plane["x_values"][0], plane["x_values"][-1]) == pytest.approx((-0.08, 1.08))


def test_only_two_inputs_and_one_output_have_a_map(ask: Ask) -> None:
    assert ask("training", epochs=1)["plane"] is None
    reply = ask("training", status=400, **FOUR_ROWS, maps=3)
    assert [error["field"] for error in reply["errors"]] == ["maps"]


def test_dropout_is_drawn_as_in_the_run(ask: Ask) -> None:
    network = {
        "input_shape": [2],
        "layers": [
            {"type": "dense", "units": 16, "activation": "relu"},
            {"type": "dropout", "rate": 0.5},
            {"type": "dense", "units": 1, "activation": "sigmoid"},
        ],
    }
    reply = ask("training", network=network, epochs=4, steps=4)
    assert [step["loss"]["value"] for step in reply["steps"]] == pytest.approx(reply["train_loss"])


def test_first_losses_are_those_of_a_guess(ask: Ask) -> None:
    two = ask("training", epochs=1, seed=1)["train_loss"][0]
    assert two == pytest.approx(math.log(2), abs=0.15)
    digits = {
        "input_shape": [64],
        "layers": [
            {"type": "dense", "units": 16, "activation": "tanh"},
            {"type": "dense", "units": 10, "activation": "softmax"},
        ],
    }
    ten = ask(
        "training",
        network=digits,
        dataset={"name": "digits"},
        loss="cross_entropy",
        epochs=1,
        steps=1,
    )
    assert ten["train_loss"][0] == pytest.approx(math.log(10), abs=0.6)


def test_steps_that_are_too_long_diverge_and_say_so(ask: Ask) -> None:
    reply = ask(
        "training", **FOUR_ROWS, epochs=200, optimizer={"type": "sgd", "learning_rate": 0.5}
    )
    assert (reply["stop_reason"], reply["label"]["name"]) == ("diverged", "diverged")
    assert reply["train_loss"][-1] > 100 * reply["train_loss"][0]
    assert "made the loss worse" in reply["verdict"]


@pytest.mark.parametrize("optimizer", ["adamw", "lion", "muon"])
def test_numbers_beyond_float32_diverge_and_are_no_defect(ask: Ask, optimizer: str) -> None:
    spec = {"type": optimizer, "weight_decay": 1e12}
    reply = ask("training", optimizer=spec, epochs=8)
    assert reply["stop_reason"] == "diverged"
    rates = ask("learning-rates", optimizer=spec, epochs=8, rates=2)
    assert [result["label"] for result in rates["results"]] == ["diverged", "diverged"]


def bands(reply: dict[str, Any]) -> dict[str, tuple[float, float]]:
    return {band["label"]: (band["lowest"], band["highest"]) for band in reply["bands"]}


def test_adam_on_circles_is_good_from_about_a_thousandth_to_about_one(ask: Ask) -> None:
    reply = ask("learning-rates", rates=8, seeds=3)
    ranges = bands(reply)
    assert [band["label"] for band in reply["bands"]] == [
        *("too_low", "slow", "good", "oscillating", "diverged")
    ]
    # The rates are 1e-4, 5.2e-4, 2.7e-3, 1.4e-2, 7.2e-2, .37, 1.9 and 10.
    assert ranges["good"] == pytest.approx((2.68e-3, 0.373), rel=0.01)
    assert ranges["oscillating"] == pytest.approx((1.93, 1.93), rel=0.01)
    assert sum(band["rates"] for band in reply["bands"]) == len(reply["results"]) == 8
    assert all(len(result["labels"]) == 3 for result in reply["results"])
    assert ranges["good"][0] <= reply["best_learning_rate"] <= ranges["good"][1]


def test_the_documented_bands_are_measured_ones(ask: Ask) -> None:
    text = (ROOT / "docs" / "explorers.md").read_text(encoding="utf-8")
    match = re.search(r'^\{"bands": (\[.*?\]),$', text, re.MULTILINE | re.DOTALL)
    assert match is not None
    bands, measured = json.loads(match[1]), ask("learning-rates")["results"]
    assert sum(band["rates"] for band in bands) == len(measured)
    # The kernel of BLAS decides the last bits, and these decide the label of a chaotic run.
    calm = [result for result in measured if result["learning_rate"] < 0.75]
    assert len(calm) > len(measured) / 2
    for result in [*calm, measured[-1]]:
        (band,) = (b for b in bands if _contains(b, result["learning_rate"]))
        assert band["label"] == result["label"]


def _contains(band: dict[str, Any], rate: float) -> bool:
    """Whether a band has this rate: its edges are rounded to three digits."""
    inside: bool = 0.995 * band["lowest"] <= rate <= 1.005 * band["highest"]
    return inside


def test_in_small_steps_the_edges_are_about_where_they_are_known_to_be(ask: Ask) -> None:
    """Between .75 and 10 a run is chaotic: its last bits, which BLAS decides, decide its label."""
    seeds = [ask("learning-rates", seed=seed)["results"] for seed in range(3)]
    label = {
        of_rate[0]["learning_rate"]: sorted((r["label"] for r in of_rate), key=LABELS.index)[1]
        for of_rate in zip(*seeds, strict=True)
    }
    good = [rate for rate in label if label[rate] == "good"]
    assert 0.0009 < min(good) < 0.003
    assert 0.4 < max(good) < 2.5
    assert "oscillating" in [label[rate] for rate in label if 0.75 < rate < 7.0]
    assert "diverged" not in [label[rate] for rate in label if rate < 2.0]
    assert label[max(label)] == "diverged"


def test_a_hundredth_is_slow_for_plain_gradient_descent(ask: Ask) -> None:
    """The label comes from the curve, not from the number."""
    sgd: dict[str, Any] = {"optimizer": {"type": "sgd"}, "batch_size": 10, "epochs": 100}
    reply = ask("learning-rates", **sgd, lowest=0.01, highest=0.1, rates=2)
    assert [result["label"] for result in reply["results"]] == ["slow", "good"]
    adam = ask("learning-rates", lowest=0.01, highest=0.1, rates=2)
    assert [result["label"] for result in adam["results"]] == ["good", "good"]


def test_each_rate_of_the_sweep_is_the_run_at_that_rate(ask: Ask) -> None:
    reply = ask("learning-rates", lowest=0.01, highest=1.0, rates=3, epochs=40, seed=2, seeds=3)
    for result in reply["results"]:
        optimizer = {"type": "adam", "learning_rate": result["learning_rate"]}
        alone = [
            ask("training", optimizer=optimizer, epochs=40, steps=0, seed=seed)
            for seed in (2, 3, 4)
        ]
        assert result["labels"] == [run["label"]["name"] for run in alone]
        middle = sorted(LABELS.index(name) for name in result["labels"])[1]
        assert result["label"] == LABELS[middle]
        curves = [[run["train_loss"][e - 1] for e in reply["curve_epochs"]] for run in alone]
        assert any(result["curve"] == pytest.approx(curve, rel=2e-3) for curve in curves)


def test_rates_need_room_between_them(ask: Ask) -> None:
    problem = ask("learning-rates", lowest=0.1, highest=0.1, status=400)
    assert [error["field"] for error in problem["errors"]] == ["highest"]


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"network": {"input_shape": [3], "layers": []}}, "network.layers"),
        (
            {"network": {"input_shape": [3], "layers": [{"type": "dense", "units": 1}]}},
            "network.input_shape",
        ),
        (
            {"network": {"input_shape": [2], "layers": [{"type": "dense", "units": 1}]}},
            "loss",
        ),
        (
            {"network": {"input_shape": [9, 2], "layers": [{"type": "gru", "units": 2}]}},
            "network.layers[0].type",
        ),
        ({"dataset": {"name": "nothing"}}, "dataset.name"),
        ({"dataset": {"name": "circles", "samples": 2001}}, "dataset.samples"),
        ({"dataset": {"name": "circles", "length": 9}}, "dataset.length"),
        ({"dataset": {"name": "circles", "merges": 9}}, "dataset.merges"),
        ({"dataset": {"name": "circles", "vocabulary": "plays"}}, "dataset.vocabulary"),
        ({"dataset": {"id": "data_1"}}, "dataset.name"),
        ({"loss": "cross_entropy"}, "network.layers[2]"),
        ({"optimizer": {"type": "perceptron"}}, "optimizer"),
    ],
)
@pytest.mark.parametrize("explorer", ["training", "learning-rates"])
def test_an_error_names_the_invalid_field(
    ask: Ask, explorer: str, change: dict[str, Any], field: str
) -> None:
    problem = ask(explorer, status=400, **change)
    assert field in [error["field"] for error in problem["errors"]]


def test_more_than_the_budget_is_refused_and_shown_the_way_to_a_job(ask: Ask) -> None:
    problem = ask("learning-rates", epochs=2000, rates=64, status=400)
    assert problem["reason"] == "limit_exceeded"
    assert "/v1/sweeps" in problem["errors"][0]["description"]


def test_many_updates_of_many_parameters_count_even_with_hardly_any_samples(ask: Ask) -> None:
    problem = ask(
        "learning-rates",
        network={
            "input_shape": [140],
            "layers": [
                {"type": "dense", "units": 100, "activation": "tanh"},
                {"type": "dense", "units": 1},
            ],
        },
        dataset={"inputs": [[0.5] * 140], "targets": [1.0]},
        loss="mse",
        epochs=10,
        rates=64,
        seeds=9,
        status=400,
    )
    assert problem["reason"] == "limit_exceeded"
    assert "10·(2·80000 + 576·14,201·300)" in problem["errors"][0]["description"]
