"""Arrays that differentiate what NumPy computes of them: a NumPy program includes all of this.

It shares nothing with the engine, which differentiates symbols. Every operation is written down on
a tape together with the derivatives of its operands. `backward` goes through the tape from its end:
reverse accumulation, as in Griewank and Walther, "Evaluating Derivatives" (2008), chapter 3.
"""

# mypy: allow-untyped-defs, allow-untyped-calls, disable-error-code="operator, type-arg"

from __future__ import annotations

import math

import numpy as np


class Tape(list):
    """What is computed, in order. With errors of `rounding`, each result has one: terms that cancel
    in one order may not do so in another.
    """

    def __init__(self, rounding=None):
        super().__init__()
        self.rounding = rounding

    def rounded(self, y, term=None):
        """Return a result with an error, relative to itself or to a term that it is a sum of."""
        if self.rounding is None:
            return y
        term = y if term is None else term
        return y + (self.rounding(np.shape(y)) * term).astype(y.dtype)


class Traced(np.lib.mixins.NDArrayOperatorsMixin):
    """An array, and after `backward` the derivative of the loss with respect to it."""

    def __init__(self, value, tape):
        self.value, self.tape, self.derivative = value, tape, None

    shape = property(lambda self: self.value.shape)
    dtype = property(lambda self: self.value.dtype)
    ndim = property(lambda self: self.value.ndim)

    def __len__(self):
        return len(self.value)

    def __array_ufunc__(self, ufunc, method, *operands):
        values = [plain(operand) for operand in operands]
        y = ufunc(*values)
        if y.dtype == bool:
            return y
        y = next(x for x in operands if isinstance(x, Traced)).tape.rounded(y)
        pairs = zip(operands, DERIVATIVES[ufunc], strict=True)
        return record(y, *((x, lambda dy, d=d: d(dy, y, *values)) for x, d in pairs))

    def __array_function__(self, function, types, arguments, options):
        return FUNCTIONS[function](*arguments, **options)

    def __getitem__(self, key):
        return record(self.value[key], (self, lambda dy: dy, key))

    def add(self, derivative, at):
        """Add to the derivative with respect to the numbers at a place."""
        if self.derivative is None:
            self.derivative = np.zeros_like(self.value)
        if isinstance(at, np.ndarray):
            np.add.at(self.derivative, at, derivative)  # It may name a row several times.
        else:
            self.derivative[at] += summed(derivative, self.derivative[at].shape)

    def reshape(self, *shape):
        return record(self.value.reshape(*shape), (self, lambda dy: dy.reshape(self.shape)))

    def swapaxes(self, first, second):
        y = self.value.swapaxes(first, second)
        return record(y, (self, lambda dy: dy.swapaxes(first, second)))

    def sum(self, axis=None, keepdims=False):
        expanded = self.value.sum(axis=axis, keepdims=True).shape
        y = self.tape.rounded(self.value.sum(axis=axis, keepdims=keepdims))
        return record(y, (self, lambda dy: np.broadcast_to(dy.reshape(expanded), self.shape)))

    def mean(self, axis=None, keepdims=False):
        total = self.sum(axis, keepdims)
        return total * (total.value.size / self.value.size)

    def var(self, axis=None, keepdims=False):
        # Through the mean, the derivative is 0, or a rounding error that others have, too.
        mean = self.tape.rounded(self.value.mean(axis=axis, keepdims=True))
        return ((self - mean) ** 2).mean(axis, keepdims)

    def max(self, axis=None, keepdims=False):
        y = self.value.max(axis=axis, keepdims=True)
        hits = self.value == y  # Equal ones share the derivative.
        share = hits / hits.sum(axis=axis, keepdims=True, dtype=self.dtype)
        result = y if keepdims else y.squeeze(axis)
        return record(result, (self, lambda dy: dy.reshape(y.shape) * share))

    def argmax(self, axis, keepdims=False):
        return self.value.argmax(axis, keepdims=keepdims)


def plain(x):
    """Return the value of a traced array, and another operand as it is."""
    return x.value if isinstance(x, Traced) else x


def record(y, *uses):
    """Return y as a traced array. Uses are its operands, each with the function that returns the
    derivative with respect to it, and the indices of the used part, if it is a part.
    """
    traced = [use for use in uses if isinstance(use[0], Traced)]
    tape = traced[0][0].tape
    tape.append((Traced(y, tape), traced))
    return tape[-1][0]


def backward(y, derivative):
    """Compute the derivatives of all operands of y, given the derivative with respect to y."""
    y.add(derivative, ())
    for result, uses in reversed(y.tape):
        if (dy := result.derivative) is not None:
            dy = y.tape.rounded(dy)
            for x, derivative_of, *at in uses:
                x.add(derivative_of(dy), at[0] if at else ())


def summed(derivative, shape):
    """Return the derivative of an array of this shape that was broadcast."""
    added = tuple(range(derivative.ndim - len(shape)))
    widened = tuple(i - len(shape) for i, n in enumerate(shape) if n == 1)
    return (
        derivative.sum(axis=(*added, *widened)).reshape(shape) if added or widened else derivative
    )


def primitive(function, derivative, has_share=False):
    """Return the function of one array, with its derivative given as a function of x, y and dy.

    With a share, it is x times a share of 1. In float32, that may be a sum of terms near 1/2: where
    it is small, its error is relative to them.
    """

    def traced(x):
        if not isinstance(x, Traced):
            return function(x)
        y = x.tape.rounded(function(x.value), x.value if has_share else None)

        def derivative_of(dy):
            dx = derivative(x.value, y, dy)
            return x.tape.rounded(dx, dy) if has_share else dx

        return record(y, (x, derivative_of))

    return traced


vanishing = primitive(np.zeros_like, lambda x, y, dy: dy)
"""0 with the derivative of x, which may be infinite."""


# ---------------------------------------------------------------- operations


def left_of_product(dy, y, a, b):
    return dy @ b.swapaxes(-1, -2)


def right_of_product(dy, y, a, b):
    if b.ndim == 2:  # as are all rows of the batch
        return a.reshape(-1, a.shape[-1]).T @ dy.reshape(-1, dy.shape[-1])
    return a.swapaxes(-1, -2) @ dy


DERIVATIVES = {
    np.add: (lambda dy, y, a, b: dy, lambda dy, y, a, b: dy),
    np.subtract: (lambda dy, y, a, b: dy, lambda dy, y, a, b: -dy),
    np.multiply: (lambda dy, y, a, b: dy * b, lambda dy, y, a, b: dy * a),
    np.divide: (lambda dy, y, a, b: dy / b, lambda dy, y, a, b: -dy * y / b),
    np.power: (lambda dy, y, a, b: dy * b * a ** (b - 1), lambda dy, y, a, b: dy * y * np.log(a)),
    np.matmul: (left_of_product, right_of_product),
    np.maximum: (lambda dy, y, a, b: dy * (a > b), lambda dy, y, a, b: dy * (b > a)),
    np.minimum: (lambda dy, y, a, b: dy * (a < b), lambda dy, y, a, b: dy * (b < a)),
    np.logaddexp: (
        lambda dy, y, a, b: dy / (1.0 + np.exp(b - a)),
        lambda dy, y, a, b: dy / (1.0 + np.exp(a - b)),
    ),
    np.negative: (lambda dy, y, x: -dy,),
    np.absolute: (lambda dy, y, x: dy * np.sign(x),),
    np.exp: (lambda dy, y, x: dy * y,),
    np.log: (lambda dy, y, x: dy / x,),
    np.sqrt: (lambda dy, y, x: dy / (2.0 * y),),
    np.tanh: (lambda dy, y, x: dy * (1.0 - y**2),),
    np.sin: (lambda dy, y, x: dy * np.cos(x),),
    np.cos: (lambda dy, y, x: -dy * np.sin(x),),
    np.square: (lambda dy, y, x: 2.0 * dy * x,),
    np.heaviside: (lambda dy, y, a, b: 0.0 * dy, lambda dy, y, a, b: 0.0 * dy),
}
"""The derivative with respect to each operand, from dy, y = f(operands), and the operands."""


def moveaxis(x, source, destination):
    y = np.moveaxis(x.value, source, destination)
    return record(y, (x, lambda dy: np.moveaxis(dy, destination, source)))


def concatenate(arrays, axis):
    ends = np.cumsum([array.shape[axis] for array in arrays])[:-1]
    y = np.concatenate([plain(array) for array in arrays], axis)
    operands = enumerate(arrays)
    return record(y, *((x, lambda dy, i=i: np.split(dy, ends, axis)[i]) for i, x in operands))


def stack(arrays, axis):
    y = np.stack([plain(array) for array in arrays], axis)
    return record(y, *((x, lambda dy, i=i: dy.take(i, axis)) for i, x in enumerate(arrays)))


def split(x, parts, axis):
    n = x.shape[axis] // parts
    before = (slice(None),) * (axis % x.ndim)
    return [x[*before, i * n : (i + 1) * n] for i in range(parts)]


def pad(x, widths):
    inner = tuple(slice(before, -after or None) for before, after in widths)
    return record(np.pad(x.value, widths), (x, lambda dy: dy[inner]))


def where(condition, a, b):
    y = np.where(plain(condition), plain(a), plain(b))
    return record(
        y,
        (a, lambda dy: np.where(plain(condition), dy, 0.0)),
        (b, lambda dy: np.where(plain(condition), 0.0, dy)),
    )


def take_along_axis(x, indices, axis):
    def scattered(dy):
        dx = np.zeros_like(x.value)
        np.put_along_axis(dx, indices, dy, axis)
        return dx

    return record(np.take_along_axis(x.value, indices, axis), (x, scattered))


def tensordot(a, b, axes):
    """Sum over the last axes of a and the first of b."""
    length = math.prod(b.shape[:axes])
    product = a.reshape(-1, length) @ b.reshape(length, -1)
    return product.reshape(*a.shape[: a.ndim - axes], *b.shape[axes:])


def sliding_window_view(x, size, axes):
    def gathered(dy):
        dx = np.zeros_like(x.value)
        for offset in np.ndindex(*size):
            at = [slice(None)] * x.ndim
            for axis, first in zip(axes, offset, strict=True):
                at[axis] = slice(first, first + dy.shape[axis])
            dx[tuple(at)] += dy[..., *offset]
        return dx

    return record(np.lib.stride_tricks.sliding_window_view(x.value, size, axes), (x, gathered))


FUNCTIONS = {
    np.moveaxis: moveaxis,
    np.concatenate: concatenate,
    np.stack: stack,
    np.split: split,
    np.pad: pad,
    np.where: where,
    np.take_along_axis: take_along_axis,
    np.tensordot: tensordot,
    np.lib.stride_tricks.sliding_window_view: sliding_window_view,
}
