"""How numbers are shown in formulas."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.course.explorers.arithmetic import disagreement

from epochal_course.explorers.formulas import (
    expression,
    number,
    put_in,
    quantity,
    sum_of_products,
    total,
)

SMALL = st.floats(-100.0, 100.0).map(lambda x: round(x, 9))
PROBABILITY = st.floats(0.0, 1.0, exclude_min=True)


def shown(value: float, template: str, *numbers: float) -> str:
    return quantity("z", value, "", expression(template, *numbers)).substituted


def check(value: float, *expressions: object) -> None:
    """Rounding errors alone excuse a formula that does not come to its value."""
    checked = quantity("z", value, "formula", *expressions)  # type: ignore[arg-type]
    assert disagreement(checked.model_dump()) is None


def test_numbers_have_four_digits_and_more_where_terms_nearly_cancel() -> None:
    assert shown(0.625, "{} - {}", 0.125, -0.5) == "z = 0.125 - (-0.5) = 0.625"
    assert shown(5.6e-6, "{} - {}", 0.1234567, 0.1234511) == ("z = 0.1234567 - 0.1234511 = 5.6e-06")
    assert shown(0.58, "1 - {}", 0.42) == "z = 1 - 0.42 = 0.58"
    assert shown(math.exp(286.32141), "exp({})", 286.32141) == "z = exp(286.321) = 2.227e+124"


def test_products_have_a_digit_more_where_rounding_would_show() -> None:
    # 0.3335·0.3335 is 0.1112, and the value 0.1113.
    assert shown(0.333549 * 0.33354, "{}·{}", 0.333549, 0.33354) == ("z = 0.33355·0.33354 = 0.1113")


def test_signs_have_brackets_where_they_meet_an_operator() -> None:
    assert shown(-6.0, "{}·{}", -2.0, 3.0) == "z = (-2)·3 = -6"
    assert shown(9.0, "{}²", -3.0) == "z = (-3)² = 9"
    assert shown(math.exp(-2), "exp({})", -2.0) == "z = exp(-2) = 0.1353"
    assert shown(2.0, "max({}, {})", -3.0, 2.0) == "z = max(-3, 2) = 2"


def test_whole_numbers_keep_all_their_digits() -> None:
    assert number(61706) == "61,706"
    assert quantity("n", 101770, "", total([100480, 1290])).substituted == (
        "n = 100,480 + 1,290 = 101,770"
    )


def test_symbols_are_replaced_where_they_stand_alone() -> None:
    replaced = put_in("exp(x) + max(0, x)·x²", x=2.0)
    assert replaced.template == "exp({}) + max(0, {})·{}²"
    assert replaced.numbers == (2.0, 2.0, 2.0)


def test_a_formula_that_is_its_value_is_shown_once() -> None:
    assert quantity("s", 0.5, "", total([0.5])).substituted == "s = 0.5"


def test_rounding_errors_alone_are_marked_as_approximate() -> None:
    value = 0.1 + 0.2 - 0.3
    assert quantity("z", value, "", total([0.3, -0.2, -0.1])).substituted == (
        "z = 0.3 + (-0.2) + (-0.1) ≈ 5.551e-17"
    )


@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf])
def test_values_that_are_not_finite_are_shown_as_they_are(value: float) -> None:
    assert shown(value, "exp({})", 1000.0) == f"z = exp(1000) = {value}"


@given(a=SMALL, b=SMALL)
def test_a_difference_comes_to_its_value(a: float, b: float) -> None:
    check(a - b, expression("{} - {}", a, b))
    assert "≈" not in shown(a - b, "{} - {}", a, b)


@given(pairs=st.lists(st.tuples(SMALL, SMALL), min_size=1, max_size=4), bias=SMALL)
def test_a_sum_of_products_comes_to_its_value(
    pairs: list[tuple[float, float]], bias: float
) -> None:
    value = sum(a * b for a, b in pairs) + bias
    check(value, sum_of_products(pairs, [bias]))
    size = sum(abs(a * b) for a, b in pairs) + abs(bias)
    if abs(value) > 1e-9 * size:
        terms = sum_of_products(pairs, [bias])
        assert "≈" not in quantity("z", value, "", terms).substituted


@given(p=PROBABILITY, x=SMALL)
def test_logarithms_and_exponentials_come_to_their_values(p: float, x: float) -> None:
    check(-math.log(p), expression("-log({})", p))
    check(p * (1.0 - p), expression("{}·(1 - {})", p, p))
    check(math.exp(x) / (math.exp(x) + 1.0), expression("exp({}) / (exp({}) + 1)", x, x))
