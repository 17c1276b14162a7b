"""Calls of the calculator have the results of Python's integers, and nothing else is a call."""

from __future__ import annotations

import operator
from fractions import Fraction

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from epochal_service.answers.calculator import LONGEST_CALL, MAX_DIGITS, result_of

OPERATIONS = {
    "+": operator.add,
    "-": operator.sub,
    "−": operator.sub,
    "*": operator.mul,
    "x": operator.mul,
    "×": operator.mul,
}
NUMBERS = st.integers(-(10**MAX_DIGITS) + 1, 10**MAX_DIGITS - 1)


@given(st.text(max_size=40), NUMBERS, st.sampled_from([*OPERATIONS]), NUMBERS)
def test_a_call_has_the_result_of_the_operation(before: str, a: int, sign: str, b: int) -> None:
    assert result_of(f"{before}[{a}{sign}{b}]") == str(OPERATIONS[sign](a, b))


@given(NUMBERS, st.sampled_from([*OPERATIONS]), NUMBERS)
def test_a_text_of_words_has_spaces_between_them(a: int, sign: str, b: int) -> None:
    spaced = " ".join(f"[{a}{sign}{b}]")
    assert len(spaced) <= LONGEST_CALL
    assert result_of(f"so {spaced}") == str(OPERATIONS[sign](a, b))


def read(text: str) -> str | None:
    """Read a call character by character, without a pattern."""
    if not text.endswith("]") or "[" not in text:
        return None
    body = text[text.rindex("[") + 1 : -1]
    for index, sign in enumerate(body):
        if index == 0 or sign not in OPERATIONS:
            continue
        numbers = [body[:index], body[index + 1 :]]
        digits = [number.removeprefix("-") for number in numbers]
        if all(d and len(d) <= MAX_DIGITS and set(d) <= {*"0123456789"} for d in digits):
            return str(OPERATIONS[sign](*map(int, numbers)))
    return None


@given(st.text("[]0123456789+-−*x×/._aeν١", max_size=30))
@example("[1-2-3]")
@example("[--1+2]")
@example("[1+-2]")
@example("[0x10]")
@example("[[2*3]")
def test_everything_else_is_no_call(text: str) -> None:
    assert result_of(text) == read(text)


@pytest.mark.parametrize(
    "text",
    [
        "[12*34",
        "12*34]",
        "[12*34] ",
        "[12*34].",
        "[12/34]",
        "[12%34]",
        "[9**9]",
        "[9*9*9]",
        "[9^9]",
        "[1e9*2]",
        "[1.5*2]",
        "[12]",
        "[*2]",
        "[2*]",
        "[]",
        f"[{10**MAX_DIGITS}+1]",
        f"[1+{10**MAX_DIGITS}]",
        "[" + "9" * 10_000 + "*2]",
        "[" + "(" * 10_000 + "1+1]",
        "[" * 10_000 + "]",
        "[__import__('os').system('true')+1]",
        "[print(1)+1]",
        "[a*b]",
        "[1+\n2]",
        "[1  + 2]",
        "[١*٢]",
        "[²*2]",
        "[1\u200b+2]",
        "",
    ],
)
def test_calls_that_are_unclosed_malicious_too_long_or_no_integers_stay(text: str) -> None:
    assert result_of(text) is None


def test_results_are_exact() -> None:
    largest = 10**MAX_DIGITS - 1
    assert result_of(f"[{largest}*{largest}]") == str(Fraction(largest) ** 2)
    assert result_of("[007*3]") == "21"
    assert result_of("[3-5]") == "-2"
    assert result_of("34 boxes of 12?[34*12]") == "408"
