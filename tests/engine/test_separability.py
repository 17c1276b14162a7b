"""Every answer is proven: by a hyperplane, or by a point that both classes have in common."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as of_arrays

from epochal_engine import Separability, separability
from epochal_engine.symbolic import Array

GATES = np.array([[0.0, 0.0], [0.0, 1.0], [1.0, 0.0], [1.0, 1.0]])


def assert_proven(inputs: Array, second: Array, answer: Separability) -> None:
    """Check the proof with nothing but means and signs."""
    if answer.normal is not None:
        values = inputs @ answer.normal + answer.offset
        assert answer.point is None
        assert ((values > 0.0) == second).all()
        return
    assert answer.weights is not None
    assert answer.point is not None
    assert (answer.weights >= 0.0).all()
    assert np.count_nonzero(answer.weights) <= inputs.shape[1] + 2
    for rows in (second, ~second):
        assert answer.weights[rows].sum() == pytest.approx(1.0, abs=1e-8)
        mean = answer.weights[rows] @ inputs[rows]
        np.testing.assert_allclose(mean, answer.point, atol=1e-6 * (1.0 + np.ptp(inputs)))


@pytest.mark.parametrize("gate", [[0, 0, 0, 1], [0, 1, 1, 1]])
def test_and_and_or_are_separable(gate: list[int]) -> None:
    second = np.array(gate, bool)
    answer = separability(GATES, second)
    assert answer is not None
    assert answer.normal is not None
    assert_proven(GATES, second, answer)


def test_the_classes_of_xor_have_the_middle_in_common() -> None:
    answer = separability(GATES, np.array([0, 1, 1, 0], bool))
    assert answer is not None
    assert answer.normal is None
    np.testing.assert_allclose(answer.point, [0.5, 0.5])  # type: ignore[arg-type]
    np.testing.assert_allclose(answer.weights, [0.5] * 4)  # type: ignore[arg-type]


@given(
    data=st.data(),
    samples=st.integers(2, 30),
    features=st.integers(1, 6),
)
def test_every_answer_about_a_grid_is_proven(
    data: st.DataObject, samples: int, features: int
) -> None:
    """Points of a grid lie on the border between the classes more often than others."""
    grid = of_arrays.arrays(np.int64, (samples, features), elements=st.integers(-3, 3))
    inputs = data.draw(grid).astype(float)
    second = data.draw(of_arrays.arrays(np.bool_, samples))
    answer = separability(inputs, second)
    if second.all() or not second.any():
        assert answer is None
        return
    assert answer is not None
    assert_proven(inputs, second, answer)


@pytest.mark.parametrize("scale", [1e-6, 1.0, 1e6])
@pytest.mark.parametrize("features", [1, 2, 8, 64])
def test_the_answer_depends_on_no_unit(features: int, scale: float) -> None:
    draws = np.random.default_rng(features)
    inputs = scale * draws.normal(size=(500, features)) + 10.0 * scale
    line = draws.normal(size=features)
    for second in (inputs @ line > np.median(inputs @ line), draws.random(500) < 0.5):
        answer = separability(inputs, second)
        assert answer is not None
        assert_proven(inputs, second, answer)


def test_two_parts_of_a_line_are_separable_and_a_middle_is_not() -> None:
    inputs = np.arange(6.0)[:, None]
    parts = separability(inputs, inputs[:, 0] > 2.5)
    middle = separability(inputs, np.abs(inputs[:, 0] - 2.5) < 1.0)
    assert parts is not None
    assert parts.normal is not None
    assert middle is not None
    assert middle.point is not None


@pytest.mark.parametrize(
    ("inputs", "second"),
    [
        (np.zeros((2_001, 1)), np.arange(2_001) % 2 == 0),
        (np.zeros((4, 65)), np.arange(4) % 2 == 0),
        (GATES, np.ones(4, bool)),
        (np.full((2, 1), np.nan), np.array([True, False])),
    ],
)
def test_what_is_too_large_or_has_one_class_has_no_answer(inputs: Array, second: Array) -> None:
    assert separability(inputs, second) is None
