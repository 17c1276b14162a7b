"""The primitives: what NumPy is asked to do, each beside its rule for the backward pass.

A rule is read as: "given g = dL/dy, here is dL/dx for every input x". It is written with symbols,
so that a rule is itself a formula, and what it repeats of the forward pass is kept rather than
computed again.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from functools import partial

import numpy as np

from .trace import PRIMITIVES, Array, Call, Primitive, Shape, Symbol, apply, elementwise


def _define(primitive: Primitive) -> None:
    PRIMITIVES[primitive.name] = primitive


# ---------------------------------------------------------------- arithmetic


def sum_to(x: Symbol, shape: Shape) -> Symbol:
    """The sum of `x` over the axes along which an array of `shape` was stretched to fit it."""
    return x if x.shape == shape else apply("sum_to", shape, x)


def stretch(x: Symbol, shape: Shape) -> Symbol:
    """`x` repeated along new or unit axes to the given shape; the opposite of `sum_to`."""
    if x.value is not None:
        return Symbol(shape, value=x.value)
    return x if x.shape == shape else apply("stretch", shape, x)


def mean(x: Symbol) -> Symbol:
    """The mean of all elements, of shape `()`."""
    return sum_to(x, ()) * (1.0 / math.prod(x.shape))


def _sum_to_calls(x: Array, out: Array) -> list[Call]:
    if x.ndim == 2 and out.shape == x.shape[1:]:
        # A product with ones is four times faster than a reduction over a short first axis.
        return [(np.ones(len(x), x.dtype).dot, (x, out))]
    kept = out.reshape((1,) * (x.ndim - out.ndim) + out.shape)
    axes = tuple(i for i in range(x.ndim) if kept.shape[i] == 1)
    return [(np.add.reduce, (x, axes, None, kept, True))]


_define(
    Primitive(
        "add",
        calls=lambda a, b, out: [(np.add, (a, b, out))],
        slopes=lambda y, g: [sum_to(g, x.shape) for x in y.inputs],
        overwrites=(0, 1),
    )
)
_define(
    Primitive(
        "subtract",
        calls=lambda a, b, out: [(np.subtract, (a, b, out))],
        slopes=lambda y, g: [sum_to(g, y.inputs[0].shape), sum_to(-g, y.inputs[1].shape)],
        overwrites=(0, 1),
    )
)
_define(
    Primitive(
        "multiply",
        calls=lambda a, b, out: [(np.multiply, (a, b, out))],
        slopes=lambda y, g: [
            sum_to(g * y.inputs[1], y.inputs[0].shape),
            sum_to(g * y.inputs[0], y.inputs[1].shape),
        ],
        overwrites=(0, 1),
    )
)
_define(
    Primitive(
        "divide",
        calls=lambda a, b, out: [(np.divide, (a, b, out))],
        slopes=lambda y, g: [
            sum_to(g / y.inputs[1], y.inputs[0].shape),
            sum_to(-(g * y / y.inputs[1]), y.inputs[1].shape),
        ],
        overwrites=(0, 1),
    )
)
_define(
    Primitive(
        "dot",
        calls=lambda a, b, out: [(a.dot, (b, out))],
        slopes=lambda y, g: [g @ y.inputs[1].T, y.inputs[0].T @ g],
    )
)
_define(
    Primitive(
        "transpose",
        slopes=lambda y, g: [g.T],
        view=lambda x, shape: x.T,
    )
)
_define(
    Primitive(
        "sum_to",
        calls=_sum_to_calls,
        slopes=lambda y, g: [stretch(g, y.inputs[0].shape)],
    )
)
_define(
    Primitive(
        "stretch",
        slopes=lambda y, g: [sum_to(g, y.inputs[0].shape)],
        view=np.broadcast_to,
    )
)
_define(
    Primitive(
        "copy",
        calls=lambda x, out: [(np.copyto, (out, x))],
        slopes=lambda y, g: [g],
    )
)


def copy(x: Symbol) -> Symbol:
    """The same numbers in memory of their own."""
    return apply("copy", x.shape, x)


# ---------------------------------------------------------------- functions of one element


def square(x: Symbol) -> Symbol:
    return elementwise("square", x)


def exp(x: Symbol) -> Symbol:
    return elementwise("exp", x)


def expm1(x: Symbol) -> Symbol:
    """exp(x) - 1, exact near zero."""
    return elementwise("expm1", x)


def log(x: Symbol) -> Symbol:
    return elementwise("log", x)


def tanh(x: Symbol) -> Symbol:
    return elementwise("tanh", x)


def sigmoid(x: Symbol) -> Symbol:
    """1 / (1 + exp(-x))."""
    return elementwise("sigmoid", x)


def softplus(x: Symbol) -> Symbol:
    """log(1 + exp(x))."""
    return elementwise("softplus", x)


def absolute(x: Symbol) -> Symbol:
    return elementwise("absolute", x)


def sign(x: Symbol) -> Symbol:
    """-1, 0 or 1."""
    return elementwise("sign", x)


def positive_part(x: Symbol) -> Symbol:
    """max(x, 0), with the slope 0 at zero."""
    return elementwise("positive_part", x)


def negative_part(x: Symbol) -> Symbol:
    """min(x, 0), with the slope 1 at zero: the two parts add up to x, and their slopes to 1."""
    return elementwise("negative_part", x)


def step(x: Symbol) -> Symbol:
    """1 where x ≥ 0, else 0; its slope is 0 everywhere."""
    return elementwise("step", x)


def normal_cdf(x: Symbol) -> Symbol:
    """The share of the standard normal distribution that lies below x."""
    return elementwise("normal_cdf", x)


def _unary(
    name: str,
    calls: Callable[[Array, Array], list[Call]],
    slope: Callable[[Symbol, Symbol, Symbol], Symbol | None],
) -> None:
    """Define y = f(x): `slope(x, y, g)` is dL/dx, from whichever of x and y is cheaper."""
    _define(Primitive(name, lambda y, g: [slope(y.inputs[0], y, g)], calls, overwrites=(0,)))


_unary("square", lambda x, out: [(np.square, (x, out))], lambda x, y, g: g * 2.0 * x)
_unary("exp", lambda x, out: [(np.exp, (x, out))], lambda x, y, g: g * y)
_unary("expm1", lambda x, out: [(np.expm1, (x, out))], lambda x, y, g: g * (y + 1.0))
_unary("log", lambda x, out: [(np.log, (x, out))], lambda x, y, g: g / x)
_unary("tanh", lambda x, out: [(np.tanh, (x, out))], lambda x, y, g: g * (1.0 - y * y))
_unary(
    "sigmoid",
    lambda x, out: [
        (np.negative, (x, out)),
        (np.exp, (out, out)),
        (np.add, (out, np.ones((), x.dtype), out)),
        (np.reciprocal, (out, out)),
    ],
    lambda x, y, g: g * (y * (1.0 - y)),
)
_unary(
    "softplus",
    lambda x, out: [(np.logaddexp, (x, np.zeros((), x.dtype), out))],
    lambda x, y, g: g * sigmoid(x),
)
_unary("absolute", lambda x, out: [(np.absolute, (x, out))], lambda x, y, g: g * sign(x))
_unary("sign", lambda x, out: [(np.sign, (x, out))], lambda x, y, g: None)
# NumPy takes the output of maximum and minimum by keyword only, hence the partial.
_unary(
    "positive_part",
    lambda x, out: [(partial(np.maximum, x, np.zeros((), x.dtype), out=out), ())],
    lambda x, y, g: g * sign(y),
)
_unary(
    "negative_part",
    lambda x, out: [(partial(np.minimum, x, np.zeros((), x.dtype), out=out), ())],
    lambda x, y, g: g * (1.0 - sign(positive_part(x))),
)
_unary(
    "step",
    lambda x, out: [(np.heaviside, (x, np.ones((), x.dtype), out))],
    lambda x, y, g: None,
)

# ---------------------------------------------------------------- the normal distribution

_TAIL_SCALE = 4.0
_TAIL_DEGREES = {4: 8, 8: 16}
"""Terms that a float of 4 or 8 bytes can tell apart: the error is then 2e-7 or 5e-15."""


def _tail_polynomial(degree: int) -> list[float]:
    """P with  share above a  =  exp(-a²/2) · t · P(t),  t = 4 / (4 + a),  for a ≥ 0.

    The left side falls like the exponential; what is left is smooth in t, and is interpolated here
    at Chebyshev nodes from the standard library's `erfc`. Coefficients, highest power first.
    """

    def smooth(nodes: Array) -> Array:
        return np.array(
            [
                0.5 * math.erfc(a / math.sqrt(2.0)) * math.exp(0.5 * a * a) / t
                for t in nodes
                for a in [_TAIL_SCALE / t - _TAIL_SCALE]
            ]
        )

    farthest = 36.0  # Beyond it the share underflows.
    fit = np.polynomial.Chebyshev.interpolate(
        smooth, degree, domain=[_TAIL_SCALE / (_TAIL_SCALE + farthest), 1.0]
    )
    power = fit.convert(kind=np.polynomial.Polynomial, domain=[-1, 1], window=[-1, 1])
    return [float(c) for c in power.coef[::-1]]


_TAILS = {size: _tail_polynomial(degree) for size, degree in _TAIL_DEGREES.items()}


def _normal_cdf_calls(x: Array, out: Array, t: Array, tail: Array) -> list[Call]:
    def number(value: float) -> Array:
        return np.array(value, x.dtype)

    half, scale = number(0.5), number(_TAIL_SCALE)
    first, *rest = (number(c) for c in _TAILS[x.dtype.itemsize])
    calls: list[Call] = [
        (np.absolute, (x, t)),
        (np.add, (t, scale, t)),
        (np.divide, (scale, t, t)),
        (np.multiply, (t, first, tail)),
    ]
    for coefficient in rest:
        calls += [(np.add, (tail, coefficient, tail)), (np.multiply, (tail, t, tail))]
    return [
        *calls,
        (np.square, (x, out)),
        (np.multiply, (out, number(-0.5), out)),
        (np.exp, (out, out)),
        (np.multiply, (tail, out, tail)),
        # The tail lies above |x|; for negative x it is the answer, for positive x its complement.
        (np.subtract, (half, tail, tail)),
        (np.copysign, (tail, x, tail)),
        (np.add, (tail, half, out)),
    ]


_define(
    Primitive(
        "normal_cdf",
        calls=_normal_cdf_calls,
        slopes=lambda y, g: [
            g * (exp(square(y.inputs[0]) * -0.5) * (1.0 / math.sqrt(2.0 * math.pi)))
        ],
        scratch=lambda y: (y.shape, y.shape),
    )
)

# ---------------------------------------------------------------- outputs and their losses


def softmax(x: Symbol) -> Symbol:
    """exp(x) along the last axis, divided by its sum."""
    return apply("softmax", x.shape, x)


def sigmoid_binary_cross_entropy(logits: Symbol, targets: Symbol) -> Symbol:
    """The mean binary cross-entropy of sigmoid(logits), finite for every finite logit."""
    return apply("sigmoid_binary_cross_entropy", (), logits, targets)


def softmax_cross_entropy(logits: Symbol, targets: Symbol) -> Symbol:
    """The mean over the rows of the cross-entropy of softmax(logits); each target row sums to 1."""
    return apply("softmax_cross_entropy", (), logits, targets)


def _row(shape: Shape) -> Shape:
    return (*shape[:-1], 1)


def _sum_rows(x: Array, out: Array) -> Call:
    # A product with ones is several times faster than a reduction over a short last axis.
    return (x.dot, (np.ones((x.shape[-1], 1), x.dtype), out))


def _softmax_calls(x: Array, out: Array, row: Array) -> list[Call]:
    return [
        (np.maximum.reduce, (x, -1, None, row, True)),
        (np.subtract, (x, row, out)),
        (np.exp, (out, out)),
        _sum_rows(out, row),
        (np.divide, (out, row, out)),
    ]


def _mean_calls(x: Array, out: Array) -> list[Call]:
    return [
        (np.add.reduce, (x, None, None, out)),
        (np.multiply, (out, np.array(1.0 / x.size, x.dtype), out)),
    ]


def _sigmoid_binary_cross_entropy_calls(
    logits: Array, targets: Array, out: Array, loss: Array, product: Array
) -> list[Call]:
    # -y·log σ(z) - (1 - y)·log(1 - σ(z))  =  log(1 + exp(z)) - y·z
    return [
        (np.logaddexp, (logits, np.zeros((), logits.dtype), loss)),
        (np.multiply, (logits, targets, product)),
        (np.subtract, (loss, product, loss)),
        *_mean_calls(loss, out),
    ]


def _softmax_cross_entropy_calls(
    logits: Array, targets: Array, out: Array, shifted: Array, product: Array, a: Array, b: Array
) -> list[Call]:
    # -Σ y·log softmax(z)  =  log Σ exp(z - max z) - Σ y·(z - max z)
    return [
        (np.maximum.reduce, (logits, -1, None, a, True)),
        (np.subtract, (logits, a, shifted)),
        (np.multiply, (shifted, targets, product)),
        (np.exp, (shifted, shifted)),
        _sum_rows(shifted, a),
        (np.log, (a, a)),
        _sum_rows(product, b),
        (np.subtract, (a, b, a)),
        *_mean_calls(a, out),
    ]


def _sigmoid_binary_cross_entropy_slopes(y: Symbol, g: Symbol) -> list[Symbol]:
    logits, targets = y.inputs
    share = g * (1.0 / math.prod(logits.shape))
    return [(sigmoid(logits) - targets) * share, logits * -share]


def _softmax_cross_entropy_slopes(y: Symbol, g: Symbol) -> list[Symbol]:
    logits, targets = y.inputs
    share = g * (1.0 / math.prod(logits.shape[:-1]))
    probabilities = softmax(logits)
    return [(probabilities - targets) * share, log(probabilities) * -share]


_define(
    Primitive(
        "softmax",
        calls=_softmax_calls,
        slopes=lambda y, g: [y * (g - sum_to(g * y, _row(y.shape)))],
        overwrites=(0,),
        scratch=lambda y: (_row(y.shape),),
    )
)
_define(
    Primitive(
        "sigmoid_binary_cross_entropy",
        calls=_sigmoid_binary_cross_entropy_calls,
        slopes=_sigmoid_binary_cross_entropy_slopes,
        scratch=lambda y: (y.inputs[0].shape,) * 2,
    )
)
_define(
    Primitive(
        "softmax_cross_entropy",
        calls=_softmax_cross_entropy_calls,
        slopes=_softmax_cross_entropy_slopes,
        scratch=lambda y: (y.inputs[0].shape,) * 2 + (_row(y.inputs[0].shape),) * 2,
    )
)
