"""Shapes are changed without moving a number wherever that can be avoided."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from epochal_engine.symbolic import primitives as p
from epochal_engine.symbolic.differentiate import differentiate
from epochal_engine.symbolic.plan import Plan, evaluate
from epochal_engine.symbolic.trace import (
    Array,
    Symbol,
    constant,
    in_order,
    inverse,
    is_contiguous,
    leaf,
)

RNG = np.random.default_rng(3)


def names(y: Symbol) -> list[str]:
    """The primitives that y is made by, in order."""
    return [x.primitive.name for x in in_order([y]) if x.primitive is not None]


def test_axes_that_are_permuted_back_are_not_permuted_at_all() -> None:
    x = leaf((2, 3, 4))
    assert x.permute((2, 0, 1)).shape == (4, 2, 3)
    assert x.permute((0, 1, 2)) is x
    assert names(x.permute((2, 0, 1)).permute((1, 2, 0))) == []
    assert names(x.permute((2, 0, 1)).permute((0, 2, 1))) == ["permute"]
    assert inverse((2, 0, 1)) == (1, 2, 0)


def test_reshaping_copies_only_what_does_not_lie_in_order() -> None:
    x = leaf((4, 3, 2))
    assert names(x.reshape((12, 2)).reshape((4, -1))) == ["reshape"]
    assert names(x.reshape((6, 4)).reshape((4, 3, 2))) == []
    assert names(x.cut(0, 1, 3).reshape((12,))) == ["cut", "reshape"]
    assert names(x.permute((1, 0, 2)).reshape((12, 2))) == ["permute", "copy", "reshape"]
    assert names(x.cut(1, 0, 2).reshape((16,))) == ["cut", "copy", "reshape"]


def test_an_axis_of_one_element_is_added_or_dropped_without_a_copy() -> None:
    x = leaf((4, 3, 2))
    parts = x.cut(1, 0, 3, 2).reshape((4, 1, 2, 2)), x.permute((1, 2, 0)).reshape((3, 1, 2, 4))
    assert [names(part) for part in parts] == [["cut", "reshape"], ["permute", "reshape"]]
    assert names(parts[0].reshape((4, 2, 2))) == ["cut"]
    assert names(parts[0].reshape((16,))) == ["cut", "copy", "reshape"]
    numbers = np.arange(24.0).reshape(4, 3, 2)
    actual = evaluate(parts, {x: numbers})
    np.testing.assert_array_equal(actual[0], numbers[:, None, ::2])
    np.testing.assert_array_equal(actual[1], numbers.transpose(1, 2, 0)[:, None])
    with pytest.raises(ValueError, match=r"cannot reshape \(4, 3, 2\) to \(5, 5\)"):
        x.reshape((5, 5))


def test_constants_take_any_shape_for_nothing() -> None:
    ones = constant(1.0, (2, 3))
    for y in (
        ones.permute((1, 0)),
        ones.reshape((6,)),
        ones.cut(1, 0, 2),
        p.broadcast(ones, (4, 2, 3)),
    ):
        assert y.value == 1.0
        assert y.primitive is None
    numbers = constant(np.arange(6.0).reshape(2, 3))
    (actual,) = evaluate([numbers.T * 2.0], {})
    assert actual.tolist() == [[0, 6], [2, 8], [4, 10]]


def test_elementwise_work_is_done_before_axes_are_permuted() -> None:
    x, bias = leaf((2, 3, 4)), leaf((2,))
    y = p.tanh(x.permute((1, 2, 0)) + bias) * 2.0
    assert y.shape == (3, 4, 2)
    assert names(y)[-1] == "permute"
    assert is_contiguous(y.inputs[0])
    points, offsets = RNG.normal(size=(2, 3, 4)), RNG.normal(size=2)
    (actual,) = evaluate([y], {x: points, bias: offsets})
    np.testing.assert_allclose(actual, 2.0 * np.tanh(points.transpose(1, 2, 0) + offsets))


@settings(max_examples=60)
@given(
    st.permutations(range(3)),
    st.permutations(range(3)),
    st.lists(st.booleans(), min_size=3, max_size=3),
    st.integers(0, 3),
)
def test_sums_and_products_do_not_depend_on_how_axes_are_permuted(
    first: list[int], second: list[int], is_persisted: list[bool], dropped: int
) -> None:
    shape = (2, 3, 4)
    a, b = RNG.normal(size=shape), RNG.normal(size=shape)
    x, y = (leaf(tuple(np.transpose(a, inverse(axes)).shape)) for axes in (first, second))
    points = {
        x: np.ascontiguousarray(np.transpose(a, inverse(first))),
        y: np.ascontiguousarray(np.transpose(b, inverse(second))),
    }
    z = x.permute(first) * y.permute(second)
    target = tuple(n if keep else 1 for n, keep in zip(shape, is_persisted, strict=True))
    while dropped and target[:1] == (1,):
        target, dropped = target[1:], dropped - 1
    total = p.sum_to(z, target)
    assert z.shape == shape
    axes = tuple(i for i in range(3) if not is_persisted[i])
    expected = (a * b).sum(axes, keepdims=True).reshape(target)
    weights = RNG.normal(size=target)
    number = p.sum_to(total * constant(weights), ())
    actual, slope = evaluate([total, differentiate(number, [x])[0]], points)
    np.testing.assert_allclose(actual, expected, atol=1e-12)
    full = np.broadcast_to(weights, shape) * b
    np.testing.assert_allclose(slope, np.transpose(full, inverse(first)), atol=1e-12)


def test_parts_and_wholes() -> None:
    x = leaf((2, 5))
    points = np.arange(10.0).reshape(2, 5)
    both = p.concatenate([x.cut(1, 0, 2), x.cut(1, 2, 5)], -1)
    again, zeros, twice = evaluate(
        [
            both,
            p.place((2, 4), 1, [(x.cut(1, 0, 2), 1, 2)]),
            p.place((2, 3), 1, [(x.cut(1, 0, 2), 0, 1), (x.cut(1, 2, 4), 1, 1)]),
        ],
        {x: points},
    )
    np.testing.assert_array_equal(again, points)
    assert zeros.tolist() == [[0, 0, 0, 1], [0, 5, 0, 6]]
    assert twice.tolist() == [[0, 1 + 2, 3], [5, 6 + 7, 8]]


def test_the_gradients_of_parts_are_placed_together() -> None:
    x = leaf((6, 2))
    y = leaf(())
    for k in range(6):
        y = y + p.sum_to(p.square(x.cut(0, k, k + 1)), ())
    slope = differentiate(y, [x])[0]
    assert names(slope).count("place") == 1
    points = RNG.normal(size=(6, 2))
    np.testing.assert_allclose(evaluate([slope], {x: points})[0], 2.0 * points)


def test_matrices_are_multiplied_one_by_one_or_all_with_one() -> None:
    a, b, c = (RNG.normal(size=shape) for shape in ((2, 3, 4), (2, 4, 5), (4, 5)))
    x, y, z = leaf(a.shape), leaf(b.shape), leaf(c.shape)
    actual: list[Array] = evaluate([x @ y, x @ z, y.T @ x.T], {x: a, y: b, z: c})
    for computed, expected in zip(actual, (a @ b, a @ c, (a @ b).swapaxes(1, 2)), strict=True):
        np.testing.assert_allclose(computed, expected)
    for other in (leaf((3, 4, 5)), leaf((5, 4)), leaf((4,))):
        with pytest.raises(ValueError, match="cannot multiply the matrices"):
            x @ other


def test_a_result_moves_into_an_operand_that_is_seen_in_another_shape() -> None:
    x, w = leaf((6, 4)), leaf((4, 4))
    y = p.tanh((x @ w).reshape((2, 3, 4)))
    assert Plan([p.mean(y)], np.float64).bytes == (math.prod(y.shape) + 1) * 8
