"""Schedules: the learning rate of every epoch."""

from __future__ import annotations

import pytest

from epochal_engine import SCHEDULES, Constant, Cosine


def test_a_constant_rate_does_not_change() -> None:
    assert [Constant().value(epoch, 3, 0.1) for epoch in range(3)] == [0.1, 0.1, 0.1]


def test_a_cosine_begins_at_the_base_passes_the_middle_and_ends_at_its_fraction() -> None:
    schedule = Cosine(final_fraction=0.1)
    assert schedule.value(0, 100, 3e-4) == pytest.approx(3e-4)
    assert schedule.value(50, 100, 3e-4) == pytest.approx(1.65e-4)
    assert schedule.value(100, 100, 3e-4) == pytest.approx(3e-5)


def test_a_quarter_of_the_way_is_higher_than_on_a_straight_line() -> None:
    assert Cosine().value(25, 100, 1.0) == pytest.approx(0.853553, abs=5e-7)
    assert Cosine().value(75, 100, 1.0) == pytest.approx(0.146447, abs=5e-7)


def test_the_warm_up_rises_in_equal_steps_and_never_trains_at_zero() -> None:
    rates = [Cosine(warmup_epochs=3).value(epoch, 10, 0.4) for epoch in range(5)]
    assert rates[:4] == pytest.approx([0.1, 0.2, 0.3, 0.4])
    assert rates[4] < rates[3]


def test_a_warm_up_longer_than_the_run_is_cut_short() -> None:
    assert Cosine(warmup_epochs=10).value(1, 2, 1.1) == pytest.approx(0.2)


def test_the_table_knows_every_schedule_by_its_type() -> None:
    assert {name: schedule.type for name, schedule in SCHEDULES.items()} == {
        "constant": "constant",
        "cosine": "cosine",
    }


@pytest.mark.parametrize("settings", [{"warmup_epochs": -1}, {"final_fraction": 1.5}])
def test_senseless_settings_are_refused(settings: dict[str, int]) -> None:
    with pytest.raises(ValueError, match=next(iter(settings))):
        Cosine(**settings)
