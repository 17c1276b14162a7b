"""Schedules: the learning rate of every epoch."""

from __future__ import annotations

import pytest

from epochal_engine import (
    SCHEDULES,
    Constant,
    Cosine,
    Exponential,
    OneCycle,
    ReduceOnPlateau,
    Step,
)


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


def test_a_step_comes_every_so_many_epochs() -> None:
    rates = [Step(every=2, factor=0.5).value(epoch, 6, 0.8) for epoch in range(6)]
    assert rates == pytest.approx([0.8, 0.8, 0.4, 0.4, 0.2, 0.2])


def test_an_exponential_decays_by_the_same_share_every_epoch() -> None:
    rates = [Exponential(0.9).value(epoch, 3, 1.0) for epoch in range(3)]
    assert rates == pytest.approx([1.0, 0.9, 0.81])


def test_one_cycle_rises_to_the_base_and_falls_to_nearly_nothing() -> None:
    cycle = OneCycle(rising_fraction=0.5, initial_fraction=0.2, final_fraction=0.0)
    rates = [cycle.value(epoch, 10, 1.0) for epoch in range(10)]
    # Up in the epochs 0 to 4, down from 4 to 9; halfway up lies halfway between 0.2 and 1.
    assert rates[0] == pytest.approx(0.2)
    assert rates[2] == pytest.approx(0.6)
    assert rates[4] == pytest.approx(1.0)
    assert rates[9] == pytest.approx(0.0)
    assert rates[:5] == sorted(rates[:5])
    assert rates[4:] == sorted(rates[4:], reverse=True)


@pytest.mark.parametrize("epochs", [1, 2, 3])
def test_one_cycle_fits_into_few_epochs(epochs: int) -> None:
    rates = [OneCycle().value(epoch, epochs, 1.0) for epoch in range(epochs)]
    assert rates[0] == 1.0
    assert all(0.0 < rate <= 1.0 for rate in rates)


def test_one_cycle_of_one_epoch_has_an_end_too() -> None:
    assert OneCycle().value(0, 1, 0.5) == 0.5
    assert OneCycle().value(1, 1, 0.5) == pytest.approx(0.5 * 4e-6)


def test_half_an_epoch_is_on_the_way() -> None:
    assert Cosine(final_fraction=0.1).value(2.5, 5, 3e-4) == pytest.approx(1.65e-4)
    assert Exponential(0.5).value(1.5, 4, 1.0) == 0.5


def test_without_a_plateau_nothing_is_reduced() -> None:
    assert ReduceOnPlateau().value(99, 100, 0.1) == 0.1


def test_the_table_knows_every_schedule_by_its_type() -> None:
    assert all(schedule.type == name for name, schedule in SCHEDULES.items())
    assert sorted(SCHEDULES) == [
        "constant",
        "cosine",
        "exponential",
        "one_cycle",
        "reduce_on_plateau",
        "step",
    ]


@pytest.mark.parametrize(
    ("kind", "settings"),
    [
        ("cosine", {"warmup_epochs": -1}),
        ("cosine", {"final_fraction": 1.5}),
        ("step", {"every": 0}),
        ("step", {"every": 1, "factor": 0.0}),
        ("exponential", {"decay": 1.1}),
        ("one_cycle", {"rising_fraction": -0.1}),
        ("reduce_on_plateau", {"factor": 0.0}),
        ("reduce_on_plateau", {"patience": -1}),
    ],
)
def test_senseless_settings_are_refused(kind: str, settings: dict[str, int]) -> None:
    with pytest.raises(ValueError, match=list(settings)[-1]):
        SCHEDULES[kind](**settings)
