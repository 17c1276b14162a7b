"""Losses of one prediction, over HTTP."""

import math
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.course.explorers.arithmetic import agree
from tests.course.explorers.conftest import Ask

BINARY = ("mse", "mae", "huber", "binary_cross_entropy", "hinge", "focal")


def losses(reply: dict[str, Any]) -> dict[str, dict[str, Any]]:
    return {row["loss"]: row for row in reply["losses"]}


def value(reply: dict[str, Any], loss: str) -> float:
    return float(losses(reply)[loss]["value"]["value"])


def derivative(reply: dict[str, Any], loss: str, kind: str = "derivatives") -> float:
    (quantity,) = losses(reply)[loss][kind]
    return float(quantity["value"])


def test_70_percent_for_what_is_true_by_every_loss(ask: Ask) -> None:
    reply = ask("loss", prediction=0.7, target=1)
    assert value(reply, "binary_cross_entropy") == pytest.approx(0.356675, abs=5e-7)
    assert derivative(reply, "binary_cross_entropy") == pytest.approx(-1.4286, abs=5e-5)
    assert derivative(reply, "binary_cross_entropy", "logit_derivatives") == pytest.approx(-0.3)
    assert value(reply, "mse") == pytest.approx(0.09)
    assert value(reply, "mae") == pytest.approx(0.3)
    assert value(reply, "huber") == pytest.approx(0.045)
    assert value(reply, "focal") == pytest.approx(0.03210, abs=5e-6)
    assert value(reply, "hinge") == pytest.approx(0.6)
    assert reply["verdict"] == "Correct, but not confident: the true class has probability 70 %."


@pytest.mark.parametrize(
    ("prediction", "target", "loss"),
    [(0.01, 1, 4.6052), (0.5, 1, 0.6931), (0.99, 1, 0.0101), (0.7, 0, 1.2040)],
)
def test_cross_entropy_of_other_predictions(
    ask: Ask, prediction: float, target: int, loss: float
) -> None:
    reply = ask("loss", prediction=prediction, target=target, losses=["binary_cross_entropy"])
    assert value(reply, "binary_cross_entropy") == pytest.approx(loss, abs=5e-5)


def test_where_it_is_certain_and_wrong_cross_entropy_pushes_hardest(ask: Ask) -> None:
    reply = ask("loss", prediction=0.01, target=1)
    assert derivative(reply, "binary_cross_entropy") == pytest.approx(-100)
    assert derivative(reply, "mse") == pytest.approx(-1.98)
    # And through a sigmoid the squared error hardly pushes at all.
    assert derivative(reply, "binary_cross_entropy", "logit_derivatives") == pytest.approx(-0.99)
    assert derivative(reply, "mse", "logit_derivatives") == pytest.approx(-1.98 * 0.01 * 0.99)


@pytest.mark.parametrize("prediction", [0, 1])
@pytest.mark.parametrize("target", [0, 1])
def test_certainty_stays_finite(ask: Ask, prediction: int, target: int) -> None:
    reply = ask("loss", prediction=prediction, target=target)
    assert set(losses(reply)) == {*BINARY, "perceptron"}
    for row in reply["losses"]:
        for quantity in [row["value"], *row["derivatives"], *row["logit_derivatives"]]:
            assert math.isfinite(quantity["value"])
    whole = ask("loss", prediction=prediction, target=target, minimum=0, maximum=1, points=3)
    for curve in whole["curves"]:
        assert all(map(math.isfinite, [*curve["values"], *curve["derivatives"]]))
    pushed = derivative(reply, "binary_cross_entropy", "logit_derivatives")
    assert pushed == pytest.approx(prediction - target)


@given(
    p=st.floats(0.001, 0.999),
    y=st.sampled_from([0.0, 1.0, 0.25]),
    gamma=st.floats(0.5, 4.0),
    delta=st.floats(0.1, 2.0),
)
@settings(max_examples=40)
def test_every_printed_formula_comes_to_its_value(
    ask: Ask, p: float, y: float, gamma: float, delta: float
) -> None:
    p, gamma, delta = round(p, 3), round(gamma, 2), round(delta, 2)
    reply = ask("loss", prediction=p, target=y, options={"gamma": gamma, "delta": delta})
    assert set(losses(reply)) == set(BINARY)
    for row in reply["losses"]:
        for quantity in [row["value"], *row["derivatives"], *row["logit_derivatives"]]:
            agree(quantity)


@given(
    p=st.floats(0.02, 0.98),
    y=st.sampled_from([0.0, 1.0, 0.3]),
    name=st.sampled_from(BINARY),
)
@settings(max_examples=40)
def test_a_slope_is_what_a_small_step_shows(ask: Ask, p: float, y: float, name: str) -> None:
    def at(prediction: float) -> float:
        return value(ask("loss", prediction=prediction, target=y, losses=[name], points=2), name)

    h = 1e-5
    if name in ("mae", "hinge") and min(abs(p - y), abs(p - 1.0), abs(p - 0.5)) < 2 * h:
        return  # a corner
    reply = ask("loss", prediction=p, target=y, losses=[name], points=2)
    assert derivative(reply, name) == pytest.approx((at(p + h) - at(p - h)) / (2 * h), abs=1e-4)
    if losses(reply)[name]["logit_derivatives"]:
        z = math.log(p / (1 - p))
        up, down = (1 / (1 + math.exp(-(z + s))) for s in (h, -h))
        steep = (at(up) - at(down)) / (2 * h)
        assert derivative(reply, name, "logit_derivatives") == pytest.approx(steep, abs=1e-4)


EXTREMES = st.sampled_from([0.0, 5e-324, 1e-300, 1e-12, 0.5, 1 - 1e-16, 1.0])


@given(st.lists(st.tuples(EXTREMES, EXTREMES), min_size=1, max_size=3), st.floats(0.0, 30.0))
@settings(max_examples=60)
def test_no_chance_is_too_extreme(ask: Ask, pairs: list[tuple[float, float]], gamma: float) -> None:
    predictions, targets = (list(column) for column in zip(*pairs, strict=True))
    reply = ask(
        "loss",
        prediction=predictions,
        target=targets,
        losses=["binary_cross_entropy", "focal", "hinge", "mse"],
        options={"gamma": gamma},
        **({"minimum": 0, "maximum": 1, "points": 5} if len(pairs) == 1 else {}),
    )
    for row in reply["losses"]:
        for quantity in [row["value"], *row["derivatives"], *row["logit_derivatives"]]:
            assert math.isfinite(quantity["value"])
    for curve in reply["curves"]:
        assert all(map(math.isfinite, [*curve["values"], *curve["derivatives"]]))


def test_three_classes_have_the_slope_of_prediction_less_target(ask: Ask) -> None:
    reply = ask("loss", prediction=[0.7, 0.2, 0.1], target=[1, 0, 0], losses=["cross_entropy"])
    (row,) = reply["losses"]
    assert row["value"]["value"] == pytest.approx(0.356675, abs=5e-7)
    assert [q["value"] for q in row["logit_derivatives"]] == pytest.approx([-0.3, 0.2, 0.1])
    assert [q["name"] for q in row["derivatives"]] == ["dL/dŷ1", "dL/dŷ2", "dL/dŷ3"]
    # The curve follows the true class, while the others share the rest as two to one.
    assert reply["curve_predictions"][50] == pytest.approx(0.5)
    assert reply["curves"][0]["values"][50] == pytest.approx(math.log(2))
    assert reply["verdict"] == "Correct: the true class has probability 70 %."


def test_label_smoothing_spreads_the_target(ask: Ask) -> None:
    reply = ask(
        "loss",
        prediction=[0.7, 0.2, 0.1],
        target=[0, 0, 1],
        losses=["cross_entropy"],
        options={"label_smoothing": 0.3},
    )
    (row,) = reply["losses"]
    expected = -(0.1 * math.log(0.7) + 0.1 * math.log(0.2) + 0.8 * math.log(0.1))
    assert row["value"]["value"] == pytest.approx(expected)
    assert [q["value"] for q in row["logit_derivatives"]] == pytest.approx([0.6, 0.1, -0.7])
    for quantity in [row["value"], *row["derivatives"], *row["logit_derivatives"]]:
        agree(quantity)
    assert reply["verdict"] == "Wrong: class 0 has probability 70 %, the true class 2 only 10 %."


def test_a_curve_has_the_values_that_its_points_would_have(ask: Ask) -> None:
    reply = ask("loss", prediction=0.3, target=1, points=5, minimum=0, maximum=1)
    assert reply["curve_predictions"] == [0, 0.25, 0.5, 0.75, 1]
    for curve in reply["curves"]:
        for i, prediction in enumerate(reply["curve_predictions"]):
            there = ask("loss", prediction=prediction, target=1, losses=[curve["loss"]])
            assert curve["values"][i] == pytest.approx(value(there, curve["loss"]))
            assert curve["derivatives"][i] == pytest.approx(derivative(there, curve["loss"]))


def test_a_curve_spares_the_ends_where_it_grows_without_limit_unless_it_is_asked(ask: Ask) -> None:
    reply = ask("loss", prediction=0.3, target=1, points=2)
    assert reply["curve_predictions"] == pytest.approx([0.01, 0.99])
    wide = ask("loss", prediction=0.3, target=1, losses=["mse"], minimum=-1, maximum=3, points=3)
    assert wide["curves"][0]["values"] == [4, 0, 4]


def test_numbers_of_any_size_have_the_losses_for_numbers(ask: Ask) -> None:
    reply = ask("loss", prediction=21.5, target=19, points=3)
    assert set(losses(reply)) == {"mse", "mae", "huber"}
    assert value(reply, "huber") == pytest.approx(2.0)
    assert reply["curve_predictions"] == [16.5, 19, 21.5]
    assert reply["verdict"] == "The prediction is 2.5 above the target."


def test_several_outputs_are_averaged(ask: Ask) -> None:
    reply = ask("loss", prediction=[1.0, 4.0], target=[0.0, 1.0], losses=["mse", "mae"])
    assert value(reply, "mse") == 5
    assert [q["value"] for q in losses(reply)["mse"]["derivatives"]] == [1, 3]
    assert losses(reply)["mse"]["value"]["substituted"] == "L = ((1 - 0)² + (4 - 1)²) / 2 = 5"
    assert reply["curve_predictions"] == []


@pytest.mark.parametrize(
    ("request_", "field", "description"),
    [
        (
            {"prediction": [1.0, 2.0], "target": 1.0},
            "target",
            "must have as many numbers as the prediction, 2; got 1",
        ),
        (
            {"prediction": 1.5, "target": 1.0, "losses": ["mse", "focal"]},
            "losses[1]",
            "focal needs a prediction and a target between 0 and 1",
        ),
        (
            {"prediction": [0.5, 0.4], "target": [1.0, 0.0], "losses": ["cross_entropy"]},
            "losses[0]",
            "cross_entropy needs two or more probabilities that sum to 1, in the target as well",
        ),
        (
            {"prediction": 0.5, "target": 1.0, "losses": ["perceptron"]},
            "losses[0]",
            "perceptron needs a prediction and a target that are 0 or 1",
        ),
        (
            {"prediction": 0.5, "target": 1.0, "minimum": 0.7, "maximum": 0.7},
            "maximum",
            "must be greater than the minimum, 0.7; got 0.7",
        ),
        (
            {"prediction": 0.5, "target": 1.0, "maximum": 1.5},
            "maximum",
            "must be between 0 and 1 here",
        ),
        (
            {"prediction": 0.5, "target": 1.0, "losses": ["mse"], "options": {"delta": 2.0}},
            "options.delta",
            "must be an option of one of the losses here",
        ),
    ],
)
def test_an_error_names_the_invalid_field(
    ask: Ask, request_: dict[str, Any], field: str, description: str
) -> None:
    problem = ask("loss", **request_, status=400)
    assert problem["errors"] == [{"field": field, "description": description}]


@pytest.mark.parametrize("rest", [1e-3, 1e-6, 1e-9])
def test_near_certainty_the_printed_formulas_come_to_their_values(ask: Ask, rest: float) -> None:
    for prediction, target in ((1 - rest, 0), (1 - rest, 1), (rest, 0), (rest, 1), (1 - rest, 0.3)):
        reply = ask("loss", prediction=prediction, target=target, points=2)
        for row in reply["losses"]:
            for quantity in (row["value"], *row["derivatives"], *row["logit_derivatives"]):
                agree(quantity)
