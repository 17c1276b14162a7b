"""Softmax, and the losses that are exact and finite only when joined with their activation."""

from __future__ import annotations

import math

import numpy as np

from ..trace import Array, Call, Primitive, Shape, Symbol, apply, define
from .elementary import log, sigmoid, softplus
from .shapes import alike, contiguous, sum_to


def softmax(x: Symbol) -> Symbol:
    """exp(x) along the last axis, divided by its sum."""
    return apply("softmax", x.shape, contiguous(x))


def sigmoid_binary_cross_entropy(
    logits: Symbol, targets: Symbol, weights: Symbol | None = None
) -> Symbol:
    """The mean binary cross-entropy of sigmoid(logits), finite for every finite logit.

    Each row counts by its weight, `(…, 1)`.
    """
    if weights is None:
        return apply("sigmoid_binary_cross_entropy", (), logits, targets)
    return apply("weighted_sigmoid_binary_cross_entropy", (), logits, targets, weights)


def softmax_cross_entropy(logits: Symbol, targets: Symbol, weights: Symbol | None = None) -> Symbol:
    """The mean over the rows of the cross-entropy of softmax(logits); each target row sums to 1.

    Each row counts by its weight, `(…, 1)`; one with weight 0 may have targets of zeros.
    """
    if weights is None:
        return apply("softmax_cross_entropy", (), logits, targets)
    return apply("weighted_softmax_cross_entropy", (), logits, targets, weights)


MANY = 4_096
"""Elements from which on the work, and not the calls, decides which way is the faster one."""


def _row(shape: Shape) -> Shape:
    return (*shape[:-1], 1)


def _sum_rows(x: Array, out: Array) -> Call:
    # A product with ones is several times faster than a reduction over a short last axis.
    rows, sums = x.reshape(-1, x.shape[-1]), out.reshape(-1, 1)
    return (rows.dot, (np.ones((x.shape[-1], 1), x.dtype), sums))


def _largest_of_rows(x: Array, row: Array) -> list[Call]:
    if x.size < MANY or not x.flags.c_contiguous:
        return [(np.maximum.reduce, (x, -1, None, row, True))]
    # To look for where it is, and then it up, is several times faster than a reduction.
    rows = x.reshape(-1, x.shape[-1])
    starts = np.arange(0, x.size, x.shape[-1])
    positions = np.empty_like(starts)
    return [
        (rows.argmax, (1, positions)),
        (np.add, (positions, starts, positions)),
        (rows.take, (positions, None, row.reshape(-1), "clip")),
    ]


def _softmax_calls(x: Array, out: Array, row: Array) -> list[Call]:
    return [
        *_largest_of_rows(x, row),
        *alike(np.subtract, x, row, out),
        (np.exp, (out, out)),
        _sum_rows(out, row),
        *alike(np.divide, out, row, out),
    ]


def _mean_calls(x: Array, out: Array) -> list[Call]:
    return [
        (np.add.reduce, (x, None, None, out)),
        (np.multiply, (out, np.array(1.0 / x.size, x.dtype), out)),
    ]


def _binary_losses_calls(logits: Array, targets: Array, loss: Array, product: Array) -> list[Call]:
    # -y·log σ(z) - (1 - y)·log(1 - σ(z))  =  log(1 + exp(z)) - y·z
    return [
        (np.logaddexp, (logits, np.zeros((), logits.dtype), loss)),
        (np.multiply, (logits, targets, product)),
        (np.subtract, (loss, product, loss)),
    ]


def _sigmoid_binary_cross_entropy_calls(
    logits: Array, targets: Array, out: Array, loss: Array, product: Array
) -> list[Call]:
    return [*_binary_losses_calls(logits, targets, loss, product), *_mean_calls(loss, out)]


def _weighted_sigmoid_binary_cross_entropy_calls(
    logits: Array, targets: Array, weights: Array, out: Array, loss: Array, product: Array
) -> list[Call]:
    return [
        *_binary_losses_calls(logits, targets, loss, product),
        (np.multiply, (loss, weights, loss)),
        *_mean_calls(loss, out),
    ]


def _row_losses_calls(
    logits: Array, targets: Array, shifted: Array, product: Array, a: Array, b: Array
) -> list[Call]:
    """Fill `a` with the loss of each row."""
    # -Σ y·log softmax(z)  =  log Σ exp(z - max z) - Σ y·(z - max z)
    return [
        *_largest_of_rows(logits, a),
        (np.subtract, (logits, a, shifted)),
        (np.multiply, (shifted, targets, product)),
        (np.exp, (shifted, shifted)),
        _sum_rows(shifted, a),
        (np.log, (a, a)),
        _sum_rows(product, b),
        (np.subtract, (a, b, a)),
    ]


def _softmax_cross_entropy_calls(
    logits: Array, targets: Array, out: Array, shifted: Array, product: Array, a: Array, b: Array
) -> list[Call]:
    return [*_row_losses_calls(logits, targets, shifted, product, a, b), *_mean_calls(a, out)]


def _weighted_softmax_cross_entropy_calls(
    logits: Array,
    targets: Array,
    weights: Array,
    out: Array,
    shifted: Array,
    product: Array,
    a: Array,
    b: Array,
) -> list[Call]:
    return [
        *_row_losses_calls(logits, targets, shifted, product, a, b),
        (np.multiply, (a, weights, a)),
        *_mean_calls(a, out),
    ]


def _sigmoid_binary_cross_entropy_gradients(y: Symbol, g: Symbol) -> list[Symbol]:
    logits, targets = y.inputs
    share = g * (1.0 / math.prod(logits.shape))
    return [(sigmoid(logits) - targets) * share, logits * -share]


def _weighted_sigmoid_binary_cross_entropy_gradients(y: Symbol, g: Symbol) -> list[Symbol]:
    logits, targets, weights = y.inputs
    share = g * (1.0 / math.prod(logits.shape))
    losses = sum_to(softplus(logits) - targets * logits, weights.shape)
    weighted = weights * share
    return [(sigmoid(logits) - targets) * weighted, logits * -weighted, losses * share]


def _softmax_cross_entropy_gradients(y: Symbol, g: Symbol) -> list[Symbol]:
    logits, targets = y.inputs
    share = g * (1.0 / math.prod(logits.shape[:-1]))
    probabilities = softmax(logits)
    return [(probabilities - targets) * share, log(probabilities) * -share]


def _weighted_softmax_cross_entropy_gradients(y: Symbol, g: Symbol) -> list[Symbol]:
    logits, targets, weights = y.inputs
    share = g * (1.0 / math.prod(logits.shape[:-1]))
    probabilities = softmax(logits)
    logs = log(probabilities)
    losses = sum_to(targets * logs, weights.shape) * -share
    weighted = weights * share
    return [(probabilities - targets) * weighted, logs * -weighted, losses]


define(
    Primitive(
        "softmax",
        calls=_softmax_calls,
        gradients=lambda y, g: [y * (g - sum_to(g * y, _row(y.shape)))],
        overwrites=(0,),
        scratch=lambda y: (_row(y.shape),),
    )
)
define(
    Primitive(
        "sigmoid_binary_cross_entropy",
        calls=_sigmoid_binary_cross_entropy_calls,
        gradients=_sigmoid_binary_cross_entropy_gradients,
        scratch=lambda y: (y.inputs[0].shape,) * 2,
    )
)
define(
    Primitive(
        "softmax_cross_entropy",
        calls=_softmax_cross_entropy_calls,
        gradients=_softmax_cross_entropy_gradients,
        scratch=lambda y: (y.inputs[0].shape,) * 2 + (_row(y.inputs[0].shape),) * 2,
    )
)
define(
    Primitive(
        "weighted_sigmoid_binary_cross_entropy",
        calls=_weighted_sigmoid_binary_cross_entropy_calls,
        gradients=_weighted_sigmoid_binary_cross_entropy_gradients,
        scratch=lambda y: (y.inputs[0].shape,) * 2,
    )
)
define(
    Primitive(
        "weighted_softmax_cross_entropy",
        calls=_weighted_softmax_cross_entropy_calls,
        gradients=_weighted_softmax_cross_entropy_gradients,
        scratch=lambda y: (y.inputs[0].shape,) * 2 + (_row(y.inputs[0].shape),) * 2,
    )
)
