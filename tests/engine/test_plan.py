"""A plan reuses memory without ever overwriting what is still needed."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from epochal_engine.symbolic import primitives as p
from epochal_engine.symbolic.differentiate import differentiate
from epochal_engine.symbolic.memory import LINE, zeros
from epochal_engine.symbolic.plan import Plan, evaluate, perform
from epochal_engine.symbolic.trace import Array, Symbol, leaf

FUNCTIONS: dict[str, tuple[Callable[[Symbol], Symbol], Callable[[Array], Array]]] = {
    "tanh": (p.tanh, np.tanh),
    "sigmoid": (p.sigmoid, lambda x: 1.0 / (1.0 + np.exp(-x))),
    "square": (p.square, np.square),
    "softmax": (p.softmax, lambda x: np.exp(x) / np.exp(x).sum(-1, keepdims=True)),
    "negate": (lambda x: -x, np.negative),
    "transpose twice": (lambda x: (x.T @ x).T, lambda x: x.T @ x),
}


@given(
    st.lists(
        st.tuples(
            st.sampled_from(sorted(FUNCTIONS)),
            st.integers(0, 100),
            st.integers(0, 100),
            st.sampled_from(["+", "*", "alone"]),
        ),
        min_size=1,
        max_size=12,
    ),
    st.integers(0, 2**32 - 1),
)
def test_any_formula_gives_what_numpy_gives(
    choices: list[tuple[str, int, int, str]], seed: int
) -> None:
    x = leaf((3, 3))
    point = np.random.default_rng(seed).uniform(-1, 1, (3, 3))
    symbols: list[Symbol] = [x]
    arrays: list[Array] = [point]
    for name, i, j, how in choices:
        traced, plain = FUNCTIONS[name]
        symbol, array = traced(symbols[i % len(symbols)]), plain(arrays[i % len(arrays)])
        # Scaled down, so that squares of squares stay within the range of a float.
        symbol, array = symbol * 0.3, array * 0.3
        if how == "+":
            symbol, array = symbol + symbols[j % len(symbols)], array + arrays[j % len(arrays)]
        elif how == "*":
            symbol, array = symbol * symbols[j % len(symbols)], array * arrays[j % len(arrays)]
        symbols.append(symbol)
        arrays.append(array)
    for last in (symbols[-1:], symbols):
        actual = evaluate(last, {x: point})
        for computed, expected in zip(reversed(actual), reversed(arrays), strict=False):
            np.testing.assert_allclose(computed, expected, rtol=1e-9, atol=1e-12)


def test_a_chain_of_functions_lives_in_one_buffer() -> None:
    x = leaf((4, 5))
    y = x
    for _ in range(10):
        y = p.tanh(y)
    assert Plan([p.mean(y)], np.float32).bytes == (4 * 5 + 1) * 4


def test_memory_does_not_grow_with_what_is_dead() -> None:
    x, w = leaf((8, 8)), leaf((8, 8))
    sizes = []
    for depth in (3, 30):
        y = x
        for _ in range(depth):
            y = p.tanh(y @ w)
        sizes.append(Plan([p.mean(y)], np.float32).bytes)
    assert sizes[0] == sizes[1]


def test_the_backward_pass_keeps_what_it_needs() -> None:
    x, w = leaf((2, 2)), leaf((2, 2))
    y = p.tanh(p.tanh(x @ w) @ w)
    (slope,) = evaluate(differentiate(p.mean(y), [w]), {x: np.eye(2), w: np.full((2, 2), 0.5)})
    h = np.tanh(0.5)
    out = 1.0 - np.tanh(h) ** 2
    # By hand: all elements are alike; the outer product gives 2h, the inner one 1 - h².
    expected = 0.25 * out * (2.0 * h + 1.0 - h * h)
    np.testing.assert_allclose(slope, np.full((2, 2), expected))


def test_who_works_in_place_works_on_one_and_the_same_array() -> None:
    x = leaf((4, 5))
    y = p.tanh(p.square(p.exp(x)))
    points, result = np.zeros((4, 5)), np.zeros(())
    square, tanh = Plan([p.mean(y)], np.float64).bind({x: points}, [result])[1:3]
    for _, (taken, filled) in (square, tanh):
        assert taken is filled


def test_ones_stay_below_what_is_computed_above_them() -> None:
    x = leaf((2, 3))
    longer = p.with_ones(p.tanh(x))
    # The next operation needs memory of every size that may have become free.
    y = p.exp(longer.T @ longer) @ x.T @ x
    plan = Plan([p.mean(y), p.tanh(x)], np.float64)
    results = np.zeros(()), np.zeros((2, 3))
    points = np.random.default_rng(0).normal(size=(2, 3))
    calls = plan.bind({x: points}, results)
    for _ in range(3):
        perform(calls)
        ones = np.vstack([np.tanh(points), np.ones(3)])
        np.testing.assert_allclose(results[0], (np.exp(ones.T @ ones) @ points.T @ points).mean())
        np.testing.assert_array_equal(results[1], np.tanh(points))
        points *= -0.5


def test_an_output_that_has_ones_behind_it_is_copied_to_where_it_is_wanted() -> None:
    x = leaf((2, 3))
    y = p.tanh(x)
    points = np.random.default_rng(0).normal(size=(2, 3))
    longer, actual = evaluate([p.with_ones(y) * 2.0, y], {x: points})
    np.testing.assert_array_equal(actual, np.tanh(points))
    np.testing.assert_array_equal(longer, 2.0 * np.vstack([np.tanh(points), np.ones(3)]))


def test_an_output_that_is_given_or_asked_for_twice_is_copied() -> None:
    x = leaf((2,))
    y = p.tanh(x)
    given_x, first, second = evaluate([x, y, y], {x: np.array([0.0, 1.0])})
    assert given_x.tolist() == [0.0, 1.0]
    assert first.tolist() == second.tolist() == [0.0, np.tanh(1.0)]


def test_one_plan_serves_many_batches() -> None:
    x = leaf((2, 2))
    plan = Plan([p.mean(p.square(x))], np.float64)
    batches = np.arange(12.0).reshape(3, 2, 2)
    results = np.zeros(3)
    for k in range(3):
        perform(plan.bind({x: batches[k]}, [results[k : k + 1].reshape(())]))
    assert results.tolist() == [3.5, 31.5, 91.5]


def test_lists_bound_from_one_plan_share_the_calls_on_what_they_have_in_common() -> None:
    x, w = leaf((2, 2)), leaf((2, 2))
    plan = Plan([p.mean(x @ p.tanh(w))], np.float64)
    weights, batches, results = np.eye(2), np.arange(8.0).reshape(2, 2, 2), np.zeros(2)
    first, second = (
        plan.bind({x: batches[k], w: weights}, [results[k : k + 1].reshape(())]) for k in range(2)
    )
    shared = [a is b for a, b in zip(first, second, strict=True)]
    assert shared[0]  # tanh(w)
    assert not all(shared)
    perform([*first, *second])
    np.testing.assert_allclose(results, np.tanh(1.0) * np.array([1.5, 5.5]))


def test_a_row_is_written_where_the_result_has_the_memory_of_the_whole() -> None:
    x, row, index = leaf((2, 3, 4)), leaf((2, 1, 4)), leaf((1, 1))
    plan = Plan([p.with_row(x, row, index)], np.float64)
    whole, new = np.zeros((2, 3, 4)), np.ones((2, 1, 4))
    calls = plan.bind({x: whole, row: new, index: np.array([[2.0]])}, [whole])
    perform(calls)
    assert len(calls) == 1
    assert whole.sum(axis=(0, 2)).tolist() == [0.0, 0.0, 8.0]


def test_memory_begins_at_cache_lines() -> None:
    x = leaf((3, 5))
    plan = Plan([p.softmax(p.tanh(x) @ x.T)], "float32")
    plan.bind({x: np.ones((3, 5), "float32")}, [np.empty((3, 3), "float32")])
    arrays = [*plan._memory[0].values(), *(zeros((n, 7), np.float64) for n in range(1, 20))]
    assert [array.ctypes.data % LINE for array in arrays] == [0] * len(arrays)
    assert not any(array.any() for array in arrays[-19:])
