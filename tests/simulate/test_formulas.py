"""How numbers are written into formulas."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.simulate.arithmetic import KNOWN

from epochal_service.simulate.formulas import (
    enough,
    exponent,
    minus,
    probability,
    sum_of_products,
)

SMALL = st.floats(-100.0, 100.0).map(lambda x: round(x, 9))


def read(text: str) -> float:
    return float(eval(text.replace("·", "*"), {"__builtins__": {}}, KNOWN))


def test_four_digits_do_where_nothing_cancels_and_more_where_it_does() -> None:
    assert minus(0.123456, -0.5) == "0.1235 - (-0.5)"
    assert minus(0.1234567, 0.1234511) == "0.1234567 - 0.1234511"
    assert probability(0.7) == "0.7"
    assert probability(0.123456) == "0.1235"
    assert probability(1 - 1e-7 / 3) == "0.99999996667"
    assert exponent(2.718281828) == "2.718"
    assert exponent(286.32141) == "286.321"
    assert sum_of_products([(1.0, 0.33333), (-1.0, 0.33311)], 0.00022) == (
        "1·0.33333 + (-1)·0.33311"
    )


@pytest.mark.parametrize("value", [0.0, math.nan, math.inf])
def test_what_no_digits_could_show_has_four(value: float) -> None:
    assert enough(value, 1.0, 2.0) == enough(1.0, value) == 4


@given(a=SMALL, b=SMALL)
def test_a_difference_can_be_read_from_its_terms(a: float, b: float) -> None:
    assert read(minus(a, b)) == pytest.approx(a - b, rel=2e-3, abs=1e-12)


@given(pairs=st.lists(st.tuples(SMALL, SMALL), min_size=1, max_size=4), bias=SMALL)
def test_a_sum_can_be_read_from_its_terms(pairs: list[tuple[float, float]], bias: float) -> None:
    value = sum(a * b for a, b in pairs) + bias
    assert read(sum_of_products(pairs, value, [bias])) == pytest.approx(value, rel=0.02, abs=1e-8)
