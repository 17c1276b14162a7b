"""Sampling a token from probabilities."""

from typing import Any

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from epochal_engine import draw_token, sampling_probabilities

Floats = NDArray[np.float64]

PROBABILITIES = st.lists(st.floats(1e-6, 1), min_size=2, max_size=12).map(
    lambda values: np.array(values) / sum(values)
)


def sampled(values: list[float], **options: Any) -> list[float]:
    chosen = sampling_probabilities(np.array(values), **options)
    return [round(p, 12) for p in chosen.tolist()]


def test_the_temperature_sharpens_and_flattens() -> None:
    assert sampled([0.8, 0.2]) == [0.8, 0.2]
    # 4 to 1 becomes 16 to 1, and 2 to 1.
    assert sampled([0.8, 0.2], temperature=0.5) == [round(16 / 17, 12), round(1 / 17, 12)]
    assert sampled([0.8, 0.2], temperature=2) == [round(2 / 3, 12), round(1 / 3, 12)]
    assert sampled([0.3, 0.4, 0.3], temperature=1e-300) == [0, 1, 0]


def test_top_k_and_top_p_leave_the_most_probable() -> None:
    values = [0.1, 0.4, 0.2, 0.3]
    assert sampled(values, top_k=2) == [0, round(4 / 7, 12), 0, round(3 / 7, 12)]
    assert sampled(values, top_p=0.4) == [0, 1, 0, 0]
    assert sampled(values, top_p=0.41) == [0, round(4 / 7, 12), 0, round(3 / 7, 12)]
    # top_k leaves 4/7 and 3/7; top_p counts its fraction of them.
    assert sampled(values, top_k=2, top_p=0.5) == [0, 1, 0, 0]
    assert sampled(values, top_k=99, top_p=1.0) == values


def test_of_equals_the_first_is_taken() -> None:
    assert sampled([0.2, 0.4, 0.4], temperature=0) == [0, 1, 0]
    assert sampled([0.2, 0.4, 0.4], top_k=1) == [0, 1, 0]


@given(PROBABILITIES, st.floats(0, 10), st.integers(1, 14), st.floats(0.01, 1))
def test_what_is_left_are_the_most_probable_in_their_order(
    values: Floats, temperature: float, k: int, p: float
) -> None:
    left = sampling_probabilities(values, temperature=temperature, top_k=k, top_p=p)
    assert abs(left.sum() - 1) < 1e-12
    remaining = left > 0
    assert 1 <= remaining.sum() <= (1 if temperature == 0 else k)
    assert left[values.argmax()] == left.max()
    if not remaining.all():
        assert values[remaining].min() >= values[~remaining].max()
    assert remaining[draw_token(left, 0.0)]
    assert remaining[draw_token(left, 0.999999999)]


@given(PROBABILITIES)
def test_a_temperature_of_0_and_a_top_k_of_1_take_the_maximum(values: Floats) -> None:
    choices: tuple[dict[str, Any], ...] = ({"temperature": 0.0}, {"top_k": 1})
    for options in choices:
        left = sampling_probabilities(values, **options)
        assert draw_token(left, 0.5) == int(values.argmax())


def test_tokens_are_drawn_with_their_probabilities() -> None:
    values = np.array([0.05, 0.3, 0.0, 0.45, 0.2])
    rng, draws = np.random.default_rng(5), 20_000
    counts = np.bincount([draw_token(values, rng.random()) for _ in range(draws)], minlength=5)
    assert counts[2] == 0
    expected = draws * values[values > 0]
    chi_square = (np.square(counts[values > 0] - expected) / expected).sum()
    assert chi_square < 16.27  # exceeded once in a thousand, with 3 degrees of freedom
