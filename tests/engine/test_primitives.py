"""Every primitive computes its formula, and its backward rule is its derivative."""

from __future__ import annotations

import math
from collections.abc import Callable
from functools import reduce
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import BroadcastableShapes, mutually_broadcastable_shapes

from epochal_engine.symbolic import primitives as p
from epochal_engine.symbolic.differentiate import differentiate
from epochal_engine.symbolic.plan import evaluate
from epochal_engine.symbolic.trace import PRIMITIVES, Array, Shape, Symbol, apply, constant, leaf


def windows(shifted: Symbol) -> Symbol:
    """The windows of three lines each, every second one."""
    return apply("windows", (2, 6, 6), shifted, details=(3, 2))


def add_rows(g: Symbol, indices: Symbol, rows: int) -> Symbol:
    return apply("add_rows", (rows, g.shape[1]), g, indices)


RNG = np.random.default_rng(0)
ROWS = RNG.normal(size=(2, 3, 2)), RNG.normal(size=(2, 1, 2)), np.array([[2.0]])
"""Two samples, a row for each of them, and where it goes."""
RECURRENCES = {"rnn": (p.rnn, 1), "lstm": (p.lstm, 4), "gru": (p.gru, 3)}
"""The recurrences, and how many gates each has."""


def recurrence(name: str) -> tuple[Callable[..., Symbol], *tuple[Shape, ...]]:
    """States of two units at four time steps, of three samples."""
    traced, gates = RECURRENCES[name]
    return traced, (4, 2 * gates, 3), (2 * gates, 2)


def gradients_of_recurrence(name: str) -> tuple[Callable[..., Symbol], *tuple[Shape, ...]]:
    """The gradients of given inputs: they can be used like any number, but not differentiated."""
    traced, gates = RECURRENCES[name]
    inflow, weights = (4, 2 * gates, 3), (2 * gates, 2)
    rng = np.random.default_rng(0)
    x, recurrent = constant(rng.normal(size=inflow)), constant(rng.normal(size=weights))
    return lambda a: a * differentiate(traced(x, recurrent), [x])[0], inflow


def gradients_of_largest(x: Symbol) -> Symbol:
    """The gradients of the largest of given numbers, which are not differentiated twice."""
    image = constant(np.random.default_rng(0).normal(size=(5, 2, 4, 3)))
    largest = p.largest_in_windows(image, (2, 2), (2, 2))
    return x * differentiate(largest, [image])[0]


def standardized(x: Symbol, shape: Shape) -> Symbol:
    """x at mean 0 and variance 1 over the axes of length 1 in `shape`."""
    centered = x - p.mean_to(x, shape)
    rate = 1.0 / p.sqrt(p.mean_to(p.square(centered), shape) + 1e-5)
    return p.standardize(x, centered, rate)


# For every primitive: a formula in which it occurs, and the shapes of the formula's inputs.
EXAMPLES: dict[str, tuple[Callable[..., Symbol], *tuple[Shape, ...]]] = {
    "add": (lambda a, b: a + b, (3, 4), (4,)),
    "subtract": (lambda a, b: a - b, (4,), (3, 4)),
    "multiply": (lambda a, b: a * b, (3, 4), (3, 1)),
    "divide": (lambda a, b: a / (2.0 + p.square(b)), (3, 4), ()),
    "dot": (lambda a, b: a @ b, (3, 4), (4, 2)),
    "matmul": (lambda a, b: a @ b, (2, 3, 4), (2, 4, 2)),
    "permute": (lambda a, b: a.permute((2, 0, 1)) * b, (2, 3, 4), (4, 2, 3)),
    "reshape": (lambda a, b: a.reshape((4, -1)) @ b, (2, 6), (3, 2)),
    "cut": (lambda a: a.cut(1, 0, 5, 2) * a.cut(1, 1, 4), (3, 5)),
    "place": (lambda a, b: p.square(p.place((3, 5), 1, [(a, 0, 2), (b, 1, 1)])), (3, 3), (3, 2)),
    "take_rows": (lambda a: p.take_rows(a, constant(np.array([2.0, 0.0, 2.0]))), (3, 4)),
    "add_rows": (lambda a: add_rows(a, constant(np.array([2.0, 0.0, 2.0])), 4), (3, 4)),
    "windows": (lambda a: windows(p.tanh(a)), (5, 2, 1, 3, 2)),
    "add_windows": (lambda a: differentiate(windows(a) * windows(a), [a])[0], (5, 2, 1, 3, 2)),
    "with_row": (lambda a: a * p.with_row(*map(constant, ROWS)), (2, 3, 2)),
    "with_ones": (lambda a, b: b @ p.with_ones(p.tanh(a)), (3, 4), (2, 4)),
    "without_ones": (lambda a, b: b @ p.without_ones(a), (4, 5), (2, 3)),
    "largest": (lambda a: p.largest(a, (0, 2)), (3, 4, 2)),
    "largest_in_windows": (
        lambda a: p.square(p.largest_in_windows(a, (2, 2), (3, 2))),
        (5, 2, 4, 3),
    ),
    "maximum": (p.maximum, (3, 4), (3, 1)),
    "equal": (lambda a: p.square(a) * p.equal(a, a), (3, 4)),
    "sqrt": (lambda a: p.sqrt(2.0 + p.square(a)), (3, 4)),
    "sum_to": (lambda a: p.square(p.sum_to(a, (4,))), (3, 4)),
    "broadcast": (lambda a, b: p.broadcast(a, (3, 4)) @ b, (4,), (4, 2)),
    "copy": (lambda a: p.copy(a) * a, (3,)),
    "square": (p.square, (3, 4)),
    "exp": (p.exp, (3, 4)),
    "expm1": (p.expm1, (3, 4)),
    "log": (lambda a: p.log(2.0 + p.square(a)), (3, 4)),
    "tanh": (p.tanh, (3, 4)),
    "sin": (p.sin, (3, 4)),
    "cos": (p.cos, (3, 4)),
    "sigmoid": (p.sigmoid, (3, 4)),
    "softplus": (p.softplus, (3, 4)),
    "absolute": (p.absolute, (3, 4)),
    "sign": (lambda a: a * p.sign(a), (3, 4)),
    "positive_part": (p.positive_part, (3, 4)),
    "negative_part": (p.negative_part, (3, 4)),
    "is_positive": (lambda a: a * p.is_positive(a), (3, 4)),
    "step": (lambda a: a * p.step(a), (3, 4)),
    "normal_cdf": (p.normal_cdf, (3, 4)),
    "normal_density": (p.normal_density, (3, 4)),
    "softmax": (p.softmax, (3, 4)),
    "sigmoid_binary_cross_entropy": (p.sigmoid_binary_cross_entropy, (3, 4), (3, 4)),
    "softmax_cross_entropy": (p.softmax_cross_entropy, (3, 4), (3, 4)),
    "weighted_sigmoid_binary_cross_entropy": (
        p.sigmoid_binary_cross_entropy,
        *((3, 4), (3, 4), (3, 1)),
    ),
    "weighted_softmax_cross_entropy": (p.softmax_cross_entropy, (3, 4), (3, 4), (3, 1)),
    "scores": (p.scores, (2, 3, 2, 4), (2, 5, 2, 4)),
    "gather": (p.gather, (2, 2, 5, 3), (2, 5, 2, 4)),
    "softmax_of_columns": (p.softmax_of_columns, (2, 5, 4)),
    "standardize": (lambda a: standardized(a, (3, 1)), (3, 4)),
    **{name: recurrence(name) for name in RECURRENCES},
    "largest_in_windows_gradients": (gradients_of_largest, (5, 2, 4, 3)),
    **{f"{name}_gradients": gradients_of_recurrence(name) for name in RECURRENCES},
}


def weighted_sum(y: Symbol, weights: Array) -> tuple[Symbol, Symbol]:
    """A number that depends on every element of y differently, and the leaf of its weights."""
    factors = leaf(weights.shape)
    return p.sum_to(y * factors, ()), factors


@pytest.mark.parametrize("name", sorted(PRIMITIVES))
def test_the_rule_of_a_primitive_is_its_derivative(name: str) -> None:
    formula, *shapes = EXAMPLES[name]
    rng = np.random.default_rng(1)
    leaves = [leaf(shape) for shape in shapes]
    y = formula(*leaves)
    assert name in {s.primitive.name for s in reachable(y) if s.primitive is not None}
    points = [rng.normal(size=shape) for shape in shapes]
    if name.endswith("softmax_cross_entropy"):
        points[1] = np.eye(4)[[2, 0, 1]]  # its target rows sum to 1, and stay as they are
        leaves_to_vary = [leaves[0], *leaves[2:]]
    else:
        leaves_to_vary = leaves
    number, factors = weighted_sum(y, rng.normal(size=y.shape))
    weights = rng.normal(size=y.shape)
    gradients = evaluate(
        differentiate(number, leaves_to_vary),
        {**dict(zip(leaves, points, strict=True)), factors: weights},
    )
    directions = [rng.normal(size=x.shape) for x in leaves_to_vary]

    def at(distance: float) -> float:
        moved = dict(zip(leaves, points, strict=True))
        for x, direction in zip(leaves_to_vary, directions, strict=True):
            moved[x] = moved[x] + distance * direction
        return float(evaluate([number], {**moved, factors: weights})[0])

    expected = (at(1e-5) - at(-1e-5)) / 2e-5
    actual = sum(float((s * d).sum()) for s, d in zip(gradients, directions, strict=True))
    assert actual == pytest.approx(expected, rel=1e-7, abs=1e-9)


def reachable(y: Symbol) -> list[Symbol]:
    return [y, *(s for x in y.inputs for s in reachable(x))]


def is_made_by(name: str, symbol: Symbol) -> bool:
    return symbol.primitive is not None and symbol.primitive.name == name


@given(mutually_broadcastable_shapes(num_shapes=2, max_dims=3, max_side=3))
def test_the_slope_of_what_was_stretched_is_summed(shapes: BroadcastableShapes) -> None:
    a, b = (leaf(shape) for shape in shapes.input_shapes)
    gradients = evaluate(
        differentiate(a * b, [a, b]), {a: np.full(a.shape, 2.0), b: np.full(b.shape, 3.0)}
    )
    # Every element of a meets a three for each repetition, and every element of b a two.
    elements = math.prod(shapes.result_shape)
    np.testing.assert_array_equal(gradients[0], 3.0 * elements / math.prod(a.shape))
    np.testing.assert_array_equal(gradients[1], 2.0 * elements / math.prod(b.shape))


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize(("size", "stride"), [((2, 2), (2, 2)), ((3, 1), (3, 2)), ((2, 3), (4, 3))])
def test_the_largest_in_windows_has_the_bits_of_the_largest_part_by_part(
    size: tuple[int, int], stride: tuple[int, int], dtype: type
) -> None:
    image, factors = leaf((9, 2, 7, 3)), leaf(())
    formulas = [
        p.largest_in_windows(image, size, stride),
        reduce(p.maximum, p.window_parts(image, size, stride)),
    ]
    assert is_made_by("largest_in_windows", formulas[0])
    # Few different numbers, among them zeros of both signs.
    numbers = np.array([-1.0, -0.0, 0.0, 2.0])
    points = {image: RNG.choice(numbers, size=image.shape), factors: np.array(-0.5)}
    whole, in_parts = (
        evaluate([y, *differentiate(y * factors * y, [image])], points, dtype) for y in formulas
    )
    assert [array.tobytes() for array in whole] == [array.tobytes() for array in in_parts]


@given(
    st.lists(st.tuples(st.integers(0, 5), st.integers(1, 4)), min_size=1, max_size=5),
    st.booleans(),
)
def test_parts_are_added_to_zeros(positions: list[tuple[int, int]], is_large: bool) -> None:
    shape = (3, 10, 20) if is_large else (3, 10, 2)
    parts = [leaf((shape[0], length, shape[2])) for _, length in positions]
    placed = [(x, start, 1) for x, (start, _) in zip(parts, positions, strict=True)]
    points = {x: RNG.normal(size=x.shape) for x in parts}
    expected = np.zeros(shape)
    for x, (start, length) in zip(parts, positions, strict=True):
        points[x].flat[0] = -0.0
        expected[:, start : start + length] += points[x]
    (actual,) = evaluate([p.place(shape, 1, placed)], points)
    is_sum = sum(length for _, length in positions) > len(
        {k for start, length in positions for k in range(start, start + length)}
    )
    if is_sum:
        assert actual.tobytes() == expected.tobytes()
    else:
        np.testing.assert_array_equal(actual, expected)


def test_zero_has_the_slope_that_each_part_says() -> None:
    x = leaf(())
    both = differentiate(p.positive_part(x), [x]) + differentiate(p.negative_part(x), [x])
    positive, negative = evaluate(both, {x: np.array(0.0)})
    assert (float(positive), float(negative)) == (0.0, 1.0)


@pytest.mark.parametrize("shape", [(3, 5), (700, 5), (3, 1100)])
def test_thresholds_are_the_same_for_few_elements_and_for_many(shape: Shape) -> None:
    points = np.arange(math.prod(shape)).reshape(shape) % 7 - 3.0
    x = leaf(shape)
    formulas = [p.is_positive(x), p.step(x), p.positive_part(x), p.negative_part(x)]
    expected = [points > 0, points >= 0, np.maximum(points, 0), np.minimum(points, 0)]
    for actual, right in zip(evaluate(formulas, {x: points}), expected, strict=True):
        np.testing.assert_array_equal(actual, right)


@pytest.mark.parametrize(("dtype", "error"), [(np.float32, 1.5e-7), (np.float64, 1e-14)])
def test_the_normal_distribution_agrees_with_the_standard_library(
    dtype: type, error: float
) -> None:
    points = np.linspace(-40.0, 40.0, 4_001)
    x = leaf(points.shape)
    actual = evaluate([p.normal_cdf(x)], {x: points}, dtype)[0]
    expected = [0.5 * math.erfc(-point / math.sqrt(2.0)) for point in points]
    np.testing.assert_allclose(actual, expected, atol=error, rtol=0)


@pytest.mark.parametrize("logit", [-1e4, -90.0, 0.0, 90.0, 1e4])
def test_fused_losses_are_finite_for_every_logit(logit: float) -> None:
    z, y = leaf((1, 2)), leaf((1, 2))
    values = evaluate(
        [
            p.sigmoid_binary_cross_entropy(z, y),
            p.softmax_cross_entropy(z, y),
            *differentiate(p.softmax_cross_entropy(z, y), [z]),
        ],
        {z: np.array([[logit, 0.0]]), y: np.array([[0.0, 1.0]])},
        np.float32,
    )
    assert all(np.isfinite(value).all() for value in values)
    assert values[1] == pytest.approx(np.logaddexp(logit, 0.0))


@given(st.integers(1, 5), st.integers(1, 6), st.integers(0, 2**32 - 1))
def test_a_fused_loss_equals_its_plain_composition(rows: int, columns: int, seed: int) -> None:
    rng = np.random.default_rng(seed)
    z, y = leaf((rows, columns)), leaf((rows, columns))
    q = p.sigmoid(z)
    plain_binary = -p.mean(y * p.log(q) + (1.0 - y) * p.log(1.0 - q))
    plain_softmax = -p.mean(y * p.log(p.softmax(z))) * float(columns)
    labels = np.eye(columns)[rng.integers(columns, size=rows)]
    given_arrays = {z: 3.0 * rng.normal(size=z.shape), y: labels}
    for fused, plain in (
        (p.sigmoid_binary_cross_entropy(z, y), plain_binary),
        (p.softmax_cross_entropy(z, y), plain_softmax),
    ):
        value, slope, plain_value, plain_slope = evaluate(
            [fused, *differentiate(fused, [z]), plain, *differentiate(plain, [z])], given_arrays
        )
        np.testing.assert_allclose(value, plain_value, rtol=1e-9, atol=1e-12)
        np.testing.assert_allclose(slope, plain_slope, rtol=1e-9, atol=1e-12)


@given(
    st.lists(st.integers(1, 5), min_size=2, max_size=5),
    st.integers(1, 6),
    st.booleans(),
    st.integers(0, 2**32 - 1),
)
def test_weights_and_bias_in_one_matrix_give_what_they_give_by_themselves(
    sizes: list[int], n: int, is_given_with_ones: bool, seed: int
) -> None:
    rng = np.random.default_rng(seed)
    x = leaf((n, sizes[0]))
    ones_behind = leaf((n, sizes[0] + 1))
    matrices = [leaf((fan_in + 1, units)) for fan_in, units in pairwise(sizes)]
    plain = x
    joined = p.without_ones(ones_behind.T).T if is_given_with_ones else x
    for matrix in matrices:
        fan_in = matrix.shape[0] - 1
        weight, bias = matrix.cut(0, 0, fan_in), matrix.cut(0, fan_in, fan_in + 1)
        plain = p.tanh(plain @ weight + bias)
        joined = p.tanh(p.affine(joined, weight, bias.reshape((matrix.shape[1],))))
    assert sum(is_made_by("with_ones", s) for s in reachable(joined)) == (
        len(matrices) - is_given_with_ones
    )
    points = {leaf: rng.normal(size=leaf.shape) for leaf in (x, *matrices)}
    points[ones_behind] = np.column_stack([points[x], np.ones(n)])
    factors = constant(rng.normal(size=plain.shape))
    actual, expected = (
        evaluate([y, *differentiate(y * factors, matrices)], points) for y in (joined, plain)
    )
    for array, right in zip(actual, expected, strict=True):
        np.testing.assert_allclose(array, right, rtol=1e-9, atol=1e-12)


def test_a_bias_that_lies_elsewhere_is_added() -> None:
    x, matrix, other = leaf((2, 3)), leaf((4, 2)), leaf((4, 2))
    weight, bias = matrix.cut(0, 0, 3), other.cut(0, 3, 4)
    y = p.affine(x, weight, bias.reshape((2,)))
    assert is_made_by("add", y)
    points = {x: np.ones((2, 3)), matrix: np.full((4, 2), 2.0), other: np.full((4, 2), 7.0)}
    assert evaluate([y], points)[0].tolist() == [[13.0, 13.0], [13.0, 13.0]]


def test_a_transposed_product_is_computed_the_other_way_round_rather_than_copied() -> None:
    a, b = leaf((2, 3)), leaf((3, 4))
    y = p.contiguous((a @ b).T)
    assert is_made_by("dot", y)
    points = {a: np.arange(6.0).reshape(2, 3), b: np.arange(12.0).reshape(3, 4)}
    np.testing.assert_array_equal(evaluate([y], points)[0], (points[a] @ points[b]).T)


def test_what_arrives_over_several_ways_is_added_up() -> None:
    x = leaf(())
    y = x * x * x + 2.0 * x
    slope, second = differentiate(y, [x]), None
    second = differentiate(slope[0], [x])
    values = evaluate([*slope, *second], {x: np.array(3.0)})
    assert [float(v) for v in values] == [29.0, 18.0]


def test_a_variable_without_influence_has_the_slope_zero() -> None:
    x, unused = leaf((2,)), leaf((3,))
    assert evaluate(differentiate(p.mean(x), [unused]), {x: np.ones(2)})[0].tolist() == [0, 0, 0]


def test_constant_factors_are_multiplied_once_and_for_all() -> None:
    x = leaf((2,))
    assert (constant(2.0) * constant(3.0)).value == 6.0
    assert x * 1.0 is x
    assert (x * 2.0).primitive is PRIMITIVES["multiply"]


def test_matrices_that_do_not_fit_are_refused() -> None:
    with pytest.raises(ValueError, match=r"\(2, 3\) and \(2, 3\)"):
        leaf((2, 3)) @ leaf((2, 3))


@pytest.mark.parametrize("rows", [4, p.FEW_ROWS, p.FEW_ROWS + 1])
def test_the_slope_of_rows_is_added_up_wherever_they_came_from(rows: int) -> None:
    table, indices = leaf((rows, 2)), leaf((2, 3))
    slope = differentiate(p.take_rows(table, indices), [table])
    positions = np.array([[0, 3, 3], [rows - 1, 0, 3]])
    (actual,) = evaluate(slope, {table: np.zeros((rows, 2)), indices: positions})
    expected = np.zeros((rows, 2))
    for place in positions.ravel():
        expected[place] += 1.0
    assert actual.tolist() == expected.tolist()


@pytest.mark.parametrize("shape", [(2, 5), (1_000, 5)])
def test_a_softmax_is_the_same_for_few_rows_and_for_many(shape: Shape) -> None:
    x = leaf(shape)
    points = np.random.default_rng(0).normal(0.0, 300.0, shape)
    points[1] = 1e4
    points[0, 2] = np.nan
    actual, across = evaluate([p.softmax(x), p.softmax(x.T)], {x: points})
    for rows, result in ((points, actual), (points.T, across)):
        powers = np.exp(rows - rows.max(-1, keepdims=True))
        np.testing.assert_allclose(result, powers / powers.sum(-1, keepdims=True), rtol=1e-12)


def place_by_place(name: str, inflow: Symbol, recurrent: Symbol) -> Symbol:
    """A recurrence as its authors write it, `(steps, units, n)`."""
    steps, rows, n = inflow.shape
    units = recurrent.shape[1]
    h = cell = constant(0.0, (units, n))
    states = []

    def gate(z: Symbol, k: int) -> Symbol:
        return z.cut(0, k * units, (k + 1) * units)

    for t in range(steps):
        x = inflow.cut(0, t, t + 1).reshape((rows, n))
        z = x + recurrent @ h
        if name == "rnn":
            h = p.tanh(z)
        elif name == "lstm":
            i, f, o = (p.sigmoid(gate(z, k)) for k in range(3))
            cell = f * cell + i * p.tanh(gate(z, 3))
            h = o * p.tanh(cell)
        else:
            keep, reset = (p.sigmoid(gate(z, k)) for k in range(2))
            h = keep * h + (1.0 - keep) * p.tanh(gate(x, 2) + gate(recurrent, 2) @ (reset * h))
        states.append(h.reshape((1, units, n)))
    return p.concatenate(states, 0)


@pytest.mark.parametrize("name", RECURRENCES)
@settings(max_examples=25)
@given(st.integers(1, 6), st.integers(1, 4), st.integers(1, 5), st.integers(0, 2**32 - 1))
def test_a_recurrence_equals_its_plain_composition(
    name: str, steps: int, units: int, n: int, seed: int
) -> None:
    rng = np.random.default_rng(seed)
    traced, gates = RECURRENCES[name]
    x, recurrent = leaf((steps, gates * units, n)), leaf((gates * units, units))
    given_arrays = {x: rng.normal(size=x.shape), recurrent: rng.normal(size=recurrent.shape)}
    factors = constant(rng.normal(size=(steps, units, n)))
    actual, plain = (
        [y, *differentiate(y * factors, [x, recurrent])]
        for y in (traced(x, recurrent), place_by_place(name, x, recurrent))
    )
    for array, expected in zip(
        evaluate(actual, given_arrays), evaluate(plain, given_arrays), strict=True
    ):
        np.testing.assert_allclose(array, expected, rtol=1e-9, atol=1e-12)


@pytest.mark.parametrize("name", RECURRENCES)
def test_the_last_state_alone_teaches_what_it_teaches_among_all(name: str) -> None:
    traced, gates = RECURRENCES[name]
    x, recurrent = leaf((5, 2 * gates, 3)), leaf((2 * gates, 2))
    states = traced(x, recurrent)
    last = np.zeros(states.shape)
    last[-1] = 1.0
    rng = np.random.default_rng(0)
    points = {x: rng.normal(size=x.shape), recurrent: rng.normal(size=recurrent.shape)}
    alone, among_all = (
        evaluate(differentiate(y, [x, recurrent]), points)
        for y in (states.cut(0, 4, 5), states * constant(last))
    )
    for gradient, expected in zip(alone, among_all, strict=True):
        assert gradient.any()
        np.testing.assert_allclose(gradient, expected, rtol=1e-12, atol=1e-15)


@pytest.mark.parametrize(
    ("shape", "sums"),
    [
        ((3, 4, 5), (1, 4, 1)),
        ((2, 3, 4, 5), (3, 4, 1)),
        ((2, 3, 4, 5), (1, 4, 1)),
        ((2, 3, 4, 5), (2, 1, 4, 1)),
        ((2, 3), (2, 1)),
        ((2, 1, 3), (1, 1, 1)),
        ((2, 3, 4), (2, 1, 4)),
        ((3, 1), (1,)),
        ((3, 4), ()),
    ],
)
def test_a_sum_is_taken_over_every_axis_that_was_stretched(shape: Shape, sums: Shape) -> None:
    x = leaf(shape)
    points = np.arange(float(math.prod(shape))).reshape(shape)
    padded = (1,) * (len(shape) - len(sums)) + sums
    axes = tuple(i for i, n in enumerate(padded) if n == 1)
    expected = points.sum(axes, keepdims=True).reshape(sums)
    (actual,) = evaluate([p.sum_to(x, sums)], {x: points})
    assert actual.tolist() == expected.tolist()


@pytest.mark.parametrize("shape", [(3, 4, 1), (1, 1, 5), (1, 4, 5)])
def test_what_is_standardized_has_the_slope_of_its_plain_composition(shape: Shape) -> None:
    rng = np.random.default_rng(0)
    x, factors = leaf((3, 4, 5)), constant(rng.normal(size=(3, 4, 5)))
    centered = x - p.mean_to(x, shape)
    plain = centered * (1.0 / p.sqrt(p.mean_to(p.square(centered), shape) + 1e-5))
    actual, expected = (
        evaluate(
            [y, *differentiate(y * factors, [x])],
            {x: np.random.default_rng(1).normal(2.0, 3.0, x.shape)},
        )
        for y in (standardized(x, shape), plain)
    )
    for array, right in zip(actual, expected, strict=True):
        np.testing.assert_allclose(array, right, rtol=1e-9, atol=1e-12)


@pytest.mark.parametrize("rows", [1, 2, 3, 4, 7, 64])
def test_a_softmax_of_columns_is_that_of_the_rows_of_what_is_transposed(rows: int) -> None:
    x = leaf((2, rows, 3))
    points = np.random.default_rng(0).normal(0.0, 300.0, x.shape)
    if rows > 1:
        points[0, 1:, 0] = -np.inf
    actual, expected = evaluate([p.softmax_of_columns(x), p.softmax(x.T).T], {x: points})
    np.testing.assert_allclose(actual, expected, rtol=1e-12)


@pytest.mark.parametrize("is_causal", [False, True])
@pytest.mark.parametrize("samples", [1, 2, 9])
def test_attention_equals_its_plain_composition(
    monkeypatch: pytest.MonkeyPatch, samples: int, is_causal: bool
) -> None:
    # The queries of `samples` samples are copied at a time, and of fewer at the end.
    monkeypatch.setattr("epochal_engine.symbolic.primitives.attention.COLUMNS", samples * 60)
    rng = np.random.default_rng(0)
    leaves = [leaf((5, 5, 3, 4)) for _ in range(3)]
    points = {x: rng.normal(size=x.shape) for x in leaves}
    query, keys, values = leaves
    later = np.triu(np.full((5, 5), -np.inf), 1) if is_causal else np.zeros((5, 5))
    factors = constant(rng.normal(size=(5, 5, 3, 4)))
    fused = p.gather(p.softmax_of_columns(p.scores(keys, query) + constant(later.T)), values)
    q, k, v = (x.permute((0, 2, 1, 3)) for x in leaves)
    plain = (p.softmax(q @ k.T + constant(later)) @ v).permute((0, 2, 1, 3))
    actual, expected = (
        evaluate([y, *differentiate(y * factors, leaves)], points) for y in (fused, plain)
    )
    for array, right in zip(actual, expected, strict=True):
        np.testing.assert_allclose(array, right, rtol=1e-9, atol=1e-12)


@pytest.mark.parametrize("down", [1, 2])
def test_two_rows_of_windows_at_a_time_give_what_one_gives(down: int) -> None:
    rng = np.random.default_rng(0)
    n = p.MANY_POSITIONS  # a row of windows has one of each
    rows = 4
    height = 3 + down * (rows - 1)
    x, kernel = leaf((height, 2, 2, n)), leaf((3, 2, 2, 5))
    points = {x: rng.normal(size=x.shape), kernel: rng.normal(size=kernel.shape)}
    y = p.convolve(x, kernel, (down, 1))
    factors = rng.normal(size=y.shape)
    actual, on_x, on_kernel = evaluate(
        [y, *differentiate(y * constant(factors), [x, kernel])], points
    )
    expected, slope, kernel_slope = (np.zeros(z.shape) for z in (y, x, kernel))
    for row in range(rows):
        part = slice(row * down, row * down + 3)
        window = points[x][part]
        expected[row, :, 0] = np.einsum("hcwn,hwcf->fn", window, points[kernel])
        slope[part] += np.einsum("fn,hwcf->hcwn", factors[row, :, 0], points[kernel])
        kernel_slope += np.einsum("fn,hcwn->hwcf", factors[row, :, 0], window)
    (windows_shape,) = {s.shape for s in reachable(y) if is_made_by("windows", s)}
    assert windows_shape[0] == rows // 2
    np.testing.assert_allclose(actual, expected, rtol=1e-9, atol=1e-12)
    np.testing.assert_allclose(on_x, slope, rtol=1e-9, atol=1e-12)
    np.testing.assert_allclose(on_kernel, kernel_slope, rtol=1e-9, atol=1e-12)
