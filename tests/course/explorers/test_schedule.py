"""Schedules, drawn before anything is trained."""

import math

import pytest
from tests.course.explorers.conftest import Ask


def test_half_way_from_3e_4_to_3e_5_is_1_65e_4(ask: Ask) -> None:
    schedule = {"type": "cosine", "final_fraction": 0.1}
    reply = ask("schedule", schedule=schedule, learning_rate=3e-4, epochs=100)
    assert reply["midpoint"]["value"] == pytest.approx(1.65e-4)
    assert reply["first"]["value"] == pytest.approx(3e-4)
    assert reply["last"]["value"] == pytest.approx(3e-5)
    assert reply["midpoint"]["substituted"] == (
        "η(50) = 0.0003·(0.1 + (1 - 0.1)·(1 + cos(π·50 / 100)) / 2) = 0.000165"
    )
    for point in reply["points"]:
        t = point["epoch"] - 1
        expected = 3e-4 * (0.1 + 0.9 * (1 + math.cos(math.pi * t / 100)) / 2)
        assert point["learning_rate"] == pytest.approx(expected)


@pytest.mark.parametrize("epochs", [110, 111])
def test_a_warm_up_rises_in_equal_steps_and_moves_the_midpoint(ask: Ask, epochs: int) -> None:
    schedule = {"type": "cosine", "warmup_epochs": 4, "final_fraction": 0.1}
    reply = ask("schedule", schedule=schedule, learning_rate=3e-4, epochs=epochs, steps_per_epoch=7)
    rates = [point["learning_rate"] for point in reply["points"]]
    assert rates[:5] == pytest.approx([0.6e-4, 1.2e-4, 1.8e-4, 2.4e-4, 3e-4])
    assert reply["highest"] == pytest.approx(3e-4)
    assert reply["midpoint"]["value"] == pytest.approx(1.65e-4)
    assert [point["step"] for point in reply["points"][:3]] == [1, 8, 15]
    assert reply["total_steps"] == 7 * epochs
    assert "rises from 6e-05 to 0.0003 by epoch 5" in reply["verdict"]


def test_steps_fall_by_their_factor(ask: Ask) -> None:
    reply = ask("schedule", schedule={"type": "step", "every": 2}, learning_rate=1.0, epochs=6)
    rates = [point["learning_rate"] for point in reply["points"]]
    assert rates == pytest.approx([1, 1, 0.1, 0.1, 0.01, 0.01])
    exponential = {"type": "exponential", "decay": 0.5}
    reply = ask("schedule", schedule=exponential, learning_rate=1.0, epochs=4)
    assert [point["learning_rate"] for point in reply["points"]] == [1, 0.5, 0.25, 0.125]


def test_one_cycle_rises_and_falls(ask: Ask) -> None:
    reply = ask("schedule", schedule={"type": "one_cycle"}, learning_rate=1.0, epochs=10)
    rates = [point["learning_rate"] for point in reply["points"]]
    assert rates[0] == pytest.approx(0.04)
    assert rates[2] == reply["highest"] == 1.0
    assert rates[-1] == pytest.approx(4e-6)


def test_a_run_of_one_epoch_has_a_schedule_too(ask: Ask) -> None:
    for schedule in (
        {"type": "one_cycle"},
        {"type": "cosine"},
        {"type": "constant"},
        {"type": "reduce_on_plateau"},
    ):
        reply = ask("schedule", schedule=schedule, learning_rate=0.5, epochs=1)
        assert reply["first"]["value"] == 0.5
        assert len(reply["points"]) == 1


def test_the_points_of_many_epochs_are_few_and_include_both_ends(ask: Ask) -> None:
    reply = ask("schedule", schedule={"type": "cosine"}, epochs=10_000, points=11)
    epochs = [point["epoch"] for point in reply["points"]]
    assert (epochs[0], epochs[-1], len(epochs)) == (1, 10_000, 11)


def test_a_warm_up_longer_than_the_run_is_cut_short(ask: Ask) -> None:
    schedule = {"type": "cosine", "warmup_epochs": 9}
    reply = ask("schedule", schedule=schedule, learning_rate=1.0, epochs=3)
    rates = [point["learning_rate"] for point in reply["points"]]
    assert rates == pytest.approx([0.1, 0.2, 0.3])
    assert reply["warmup_epochs"] == 3
    assert reply["last"]["substituted"] == "η(3) = 1·(3 + 1) / (9 + 1) = 0.4"


def test_an_epoch_that_is_none_is_refused(ask: Ask) -> None:
    problem = ask("schedule", schedule={"type": "step", "every": 0}, epochs=0, status=400)
    assert {error["field"] for error in problem["errors"]} == {"epochs", "schedule.every"}
