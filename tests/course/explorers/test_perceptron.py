"""Perceptron learning over HTTP: known courses, a plain oracle, and proofs that can be checked."""

import itertools
from fractions import Fraction
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.course.explorers.conftest import Ask

CORNERS = [[0.0, 0.0], [0.0, 1.0], [1.0, 0.0], [1.0, 1.0]]


@pytest.mark.parametrize(
    ("table", "errors", "weights", "bias"),
    [
        ("and", [2, 3, 3, 2, 1, 0], [2.0, 1.0], -3.0),
        ("or", [2, 2, 1, 0], [1.0, 1.0], -1.0),
    ],
)
def test_and_takes_six_epochs_and_or_four(
    ask: Ask, table: str, errors: list[int], weights: list[float], bias: float
) -> None:
    reply = ask("perceptron", table=table)
    assert [epoch["errors"] for epoch in reply["epochs"]] == errors
    assert (reply["converged"], reply["weights"], reply["bias"]) == (True, weights, bias)
    assert reply["tie_rule"].startswith("fires at z ≥ 0")


def test_14_of_the_16_truth_tables_are_learnt_and_the_other_two_are_proved_not_to_be(
    ask: Ask,
) -> None:
    learnt = set()
    for outputs in itertools.product([0, 1], repeat=4):
        reply = ask("perceptron", targets=list(outputs))
        assert reply["converged"] == reply["separable"]
        assert (reply["certificate"] is None) == reply["separable"]
        assert "14 of the 16" in reply["verdict"]
        if reply["converged"]:
            learnt.add(reply["table"])
        else:
            assert reply["table"] in ("xor", "xnor")
    assert len(learnt) == 14


def test_xor_is_refuted_by_the_middle_of_the_square(ask: Ask) -> None:
    reply = ask("perceptron", table="xor", epochs=3)
    proof = reply["certificate"]
    assert proof["statement"] == "1/2·(0, 1) + 1/2·(1, 0) = (0.5, 0.5) = 1/2·(0, 0) + 1/2·(1, 1)"
    assert proof["meeting_point"] == [0.5, 0.5]
    assert proof["residual"] == 0.0
    assert [(s["sample"], s["fraction"]) for s in proof["ones"]] == [(1, "1/2"), (2, "1/2")]


def test_and_is_parted_by_the_widest_margin(ask: Ask) -> None:
    parted = ask("perceptron", table="and")["separation"]
    assert parted["margin"] == pytest.approx(0.25 * 2**0.5)
    assert parted["weights"] == pytest.approx([0.5**0.5, 0.5**0.5])
    assert parted["support_vectors"] == [1, 2, 3]
    # x1 + x2 = 1.5, in a box half a side larger than the square.
    ends = sorted([parted["line"]["start"], parted["line"]["end"]])
    assert ends == [pytest.approx([0.0, 1.5], abs=1e-12), pytest.approx([1.5, 0.0], abs=1e-12)]


def test_every_update_shows_its_numbers(ask: Ask) -> None:
    second = ask("perceptron", table="xor", epochs=1)["steps"][1]
    assert second["weighted_sum"]["substituted"] == "z = 0·0 + 0·1 + (-1) = -1"
    assert [update["substituted"] for update in second["updates"]] == [
        "w1 ← 0 + 1·(1 - 0)·0 = 0",
        "w2 ← 0 + 1·(1 - 0)·1 = 1",
        "b ← -1 + 1·(1 - 0) = 0",
    ]


def test_a_right_answer_changes_nothing(ask: Ask) -> None:
    steps = ask("perceptron", table="and")["steps"]
    for step in steps:
        if step["error"] == 0:
            assert step["updates"] == []
            assert step["weights"] == step["weights_before"]
            assert step["bias"] == step["bias_before"]
        else:
            assert [update["value"] for update in step["updates"]] == [
                *step["weights"],
                step["bias"],
            ]


def rosenblatt(
    points: list[list[float]], targets: list[int], rate: float, order: list[int], epochs: int
) -> list[tuple[int, list[float], float]]:
    """(errors, weights, bias) after each epoch, by plain loops."""
    weights, bias = [0.0] * len(points[0]), 0.0
    course = []
    for _ in range(epochs):
        errors = 0
        for k in order:
            z = bias
            for w, x in zip(weights, points[k], strict=True):
                z += w * x
            error = targets[k] - (1 if z >= 0 else 0)
            errors += error != 0
            weights = [w + rate * error * x for w, x in zip(weights, points[k], strict=True)]
            bias += rate * error
        course.append((errors, weights, bias))
        if errors == 0:
            break
    return course


# Sixteenths add up without rounding, in any order.
COORDINATES = st.integers(-32, 32).map(lambda n: n / 16)


@st.composite
def tasks(draw: st.DrawFn) -> dict[str, Any]:
    size, count = draw(st.integers(1, 3)), draw(st.integers(1, 8))
    return {
        "points": draw(
            st.lists(
                st.lists(COORDINATES, min_size=size, max_size=size),
                min_size=count,
                max_size=count,
            )
        ),
        "targets": draw(st.lists(st.integers(0, 1), min_size=count, max_size=count)),
        "order": draw(st.permutations(range(count))),
        "learning_rate": draw(st.sampled_from([0.25, 0.5, 1.0, 2.0])),
        "epochs": 12,
    }


@pytest.mark.long
@settings(max_examples=150)
@given(task=tasks())
def test_the_course_is_that_of_plain_loops_and_each_verdict_can_be_checked(
    ask: Ask, task: dict[str, Any]
) -> None:
    reply = ask("perceptron", **task)
    points, targets = task["points"], task["targets"]
    course = rosenblatt(points, targets, task["learning_rate"], task["order"], 12)
    assert [(e["errors"], e["weights"], e["bias"]) for e in reply["epochs"]] == course

    if reply["separable"]:
        parted = reply["separation"]
        sides = np.array(points) @ np.array(parted["weights"]) + parted["bias"]
        distances = np.where(np.array(targets) == 1, sides, -sides)
        assert (distances > 0).all()
        if parted["margin"] is not None:
            assert distances.min() == pytest.approx(parted["margin"], rel=1e-9)
            nearest = distances[parted["support_vectors"]]
            np.testing.assert_allclose(nearest, parted["margin"], rtol=1e-9)
    else:
        assert not reply["converged"]
        proof = reply["certificate"]
        sums = []
        for kind, shares in ((1, proof["ones"]), (0, proof["zeros"])):
            fractions = {s["sample"]: Fraction(s["fraction"]) for s in shares}
            assert {targets[sample] for sample in fractions} == {kind}
            assert sum(fractions.values()) == 1
            assert min(fractions.values()) > 0
            sums.append(
                [
                    sum(
                        share * Fraction(points[sample][axis])
                        for sample, share in fractions.items()
                    )
                    for axis in range(len(points[0]))
                ]
            )
        assert sums[0] == sums[1]
        assert proof["residual"] < 1e-14


def test_a_hundred_points_in_eight_dimensions_are_decided_at_once(ask: Ask) -> None:
    rng = np.random.default_rng(3)
    points = rng.normal(size=(64, 8))
    targets = (points @ np.arange(1.0, 9.0) > 0).astype(int)
    reply = ask("perceptron", points=points.tolist(), targets=targets.tolist(), epochs=1)
    assert reply["separable"] is True
    reply = ask(
        "perceptron",
        points=[*points[:63].tolist(), [0.0] * 8],
        targets=(rng.random(64) < 0.5).astype(int).tolist(),
        epochs=1,
    )
    assert reply["separable"] is False
    assert reply["certificate"]["residual"] < 1e-14


def test_two_points_at_one_place_with_other_targets_are_a_proof_by_themselves(ask: Ask) -> None:
    reply = ask("perceptron", points=[[3.0], [3.0]], targets=[0, 1])
    assert reply["certificate"]["statement"] == "1·(3) = (3) = 1·(3)"


def test_points_of_one_kind_need_no_line(ask: Ask) -> None:
    reply = ask("perceptron", table="true")
    assert reply["separable"] is True
    assert reply["separation"]["margin"] is None
    assert reply["separation"]["bias"] == 1.0


def test_separable_points_that_have_not_converged_yet_are_called_separable(ask: Ask) -> None:
    reply = ask("perceptron", points=[[100.0], [101.0]], targets=[0, 1], epochs=2)
    assert (reply["converged"], reply["separable"]) == (False, True)
    assert "Novikoff" in reply["verdict"]


def test_a_line_that_passes_the_points_by_has_no_ends(ask: Ask) -> None:
    reply = ask("perceptron", table="true", weights=[1.0, 0.0], bias=100.0)
    line = reply["epochs"][0]["line"]
    assert (line["equation"], line["start"], line["end"]) == ("1·x1 + 0·x2 + 100 = 0", [], [])


@pytest.mark.parametrize(
    ("request_", "field"),
    [
        ({}, "targets"),
        ({"table": "and", "targets": [0, 0, 0, 1]}, "table"),
        ({"table": "maybe"}, "table"),
        ({"targets": [0, 1]}, "targets"),
        ({"targets": [0, 2, 0, 1]}, "targets[1]"),
        ({"points": [[0.0], [1.0, 2.0]], "targets": [0, 1]}, "points[1]"),
        ({"points": [[0.0], [1e-10]], "targets": [0, 1]}, "points[1]"),
        ({"table": "and", "order": [0, 1, 2, 2]}, "order"),
        ({"table": "and", "weights": [1.0]}, "weights"),
        ({"table": "and", "epochs": 251}, "epochs"),
        ({"table": "and", "learning_rate": 0.0}, "learning_rate"),
    ],
)
def test_what_does_not_fit_is_named(ask: Ask, request_: dict[str, Any], field: str) -> None:
    problem = ask("perceptron", status=400, **request_)
    assert field in [error["field"] for error in problem["errors"]]
