"""The gain of a class: shares by hand, an interval that covers, and classes that are too small."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from epochal_course.gains import MIN_PUPILS, Gain, gains, statement

ITEMS = 4


def forms(pupils: int) -> st.SearchStrategy[list[list[bool]]]:
    row = st.lists(st.booleans(), min_size=2 * ITEMS, max_size=2 * ITEMS)
    return st.lists(row, min_size=pupils, max_size=pupils)


def test_without_pupils_there_is_nothing_to_say() -> None:
    empty = np.zeros((0, ITEMS), bool)
    assert gains(empty, empty) == [Gain()] * (ITEMS + 1)
    assert statement(Gain(), pupils=0, unpaired=0) == "No pupil has answered both forms yet."
    text = statement(Gain(), pupils=0, unpaired=3)
    assert text.endswith("3 pupils have answered one form alone, which does not count.")


def test_one_pupil_has_shares_and_no_interval() -> None:
    before, after = np.array([[True, False, False, False]]), np.array([[True, True, False, True]])
    first, second, *_, total = gains(before, after)
    assert first == Gain(1, 1, 0)
    assert second == Gain(0, 1, 1)
    assert total == Gain(0.25, 0.75, 0.5)
    text = statement(total, pupils=1, unpaired=1)
    assert text.startswith("Only one pupil has answered both forms: too few")
    assert "One pupil has answered one form alone" in text


def test_all_right_before_and_after_has_no_interval() -> None:
    right = np.ones((30, ITEMS), bool)
    assert gains(right, right) == [Gain(1, 1, 0)] * (ITEMS + 1)
    assert "an interval cannot be computed" in statement(Gain(1, 1, 0), pupils=30, unpaired=0)


@given(st.integers(0, 25).flatmap(forms))
def test_an_interval_encloses_the_difference_and_stays_in_its_range(rows: list[list[bool]]) -> None:
    table = np.array(rows, bool).reshape(len(rows), 2 * ITEMS)
    before, after = table[:, :ITEMS], table[:, ITEMS:]
    computed = gains(before, after)
    assert computed == gains(before, after)
    for gain in computed:
        if gain.low is None or gain.high is None:
            assert gain.low is gain.high is None
            continue
        assert len(rows) >= MIN_PUPILS
        assert gain.difference is not None
        assert -1 <= gain.low <= gain.difference <= gain.high <= 1
    if rows:
        assert computed[-1].difference == pytest.approx(after.mean() - before.mean())


def test_the_order_of_the_pupils_matters_little() -> None:
    rng = np.random.default_rng(0)
    before, after = rng.random((30, ITEMS)) < 0.4, rng.random((30, ITEMS)) < 0.7
    here, there = gains(before, after)[-1], gains(before[::-1], after[::-1])[-1]
    assert here == pytest.approx(there, abs=0.02)


@pytest.mark.long
@pytest.mark.parametrize(("pupils", "share"), [(10, 0.92), (30, 0.94)])
def test_the_interval_covers_the_gain_of_the_population(pupils: int, share: float) -> None:
    rng = np.random.default_rng(1)
    covered = 0
    for _ in range(1000):
        before, after = rng.random((pupils, ITEMS)) < 0.4, rng.random((pupils, ITEMS)) < 0.6
        gain = gains(before, after)[-1]
        assert gain.low is not None
        assert gain.high is not None
        covered += gain.low <= 0.2 <= gain.high
    assert abs(covered / 1000 - share) <= 0.03


@pytest.mark.parametrize(
    ("gain", "verdict"),
    [
        (Gain(0.4, 0.6, 0.2, 0.1, 0.3), "is +20 percentage points, with a 95 % interval from +10"),
        (Gain(0.4, 0.6, 0.2, 0.1, 0.3), "better after than before"),
        (Gain(0.6, 0.4, -0.2, -0.3, -0.1), "from −30 to −10. The pupils answered worse after"),
        (Gain(0.5, 0.5, -0.001, -0.1, 0.2), "is 0 percentage points"),
        (Gain(0.5, 0.55, 0.05, -0.1, 0.2), "includes 0"),
    ],
)
def test_a_statement_says_what_the_interval_says(gain: Gain, verdict: str) -> None:
    assert verdict in statement(gain, pupils=30, unpaired=0)
