"""The largest number of each window of an image, and the gradient, which goes where it came from.

The numbers at one position of all windows are a view of the image: `part[r, c, w, n]`. The largest
of the parts is found one part after the other, as `maximum` would:

    y₀ = part₀,  yₖ = max(yₖ₋₁, partₖ)

and the gradient goes back the same way: to yₖ₋₁ where it equals yₖ, else to partₖ.
"""

from __future__ import annotations

from functools import reduce
from typing import NoReturn

import numpy as np

from ..trace import Array, Primitive, Shape, Symbol, apply, define
from .arithmetic import maximum
from .shapes import contiguous

MOST_PARTS = 16
"""Larger windows are worked on part by part."""


def window_parts(image: Symbol, size: tuple[int, int], stride: tuple[int, int]) -> list[Symbol]:
    """Return what all windows of `(height, channels, width, n)` have at each of their positions.

    The windows must fit.
    """
    parts = [image]
    for axis, length, step in zip((0, 2), size, stride, strict=True):
        last = (parts[0].shape[axis] - length) // step * step
        parts = [
            part.cut(axis, offset, offset + last + 1, step)
            for part in parts
            for offset in range(length)
        ]
    return parts


def largest_in_windows(image: Symbol, size: tuple[int, int], stride: tuple[int, int]) -> Symbol:
    """Return the largest number of each window; the first of equal ones has the gradient.

    From `(height, channels, width, n)` to `(output height, channels, output width, n)`.
    """
    parts = window_parts(image, size, stride)
    overlap = any(step < length for length, step in zip(size, stride, strict=True))
    if overlap or not 1 < len(parts) <= MOST_PARTS:
        return reduce(maximum, parts)
    shape = parts[0].shape
    return apply("largest_in_windows", shape, contiguous(image), details=(size, stride))


def _parts(x: Array, size: tuple[int, int], stride: tuple[int, int], shape: Shape) -> list[Array]:
    """Return the views of `x`, `(…, height, channels, width, n)`, each of the shape."""
    *_, rows, _, columns, _ = shape
    (tall, wide), (down, right) = size, stride
    ends = (rows - 1) * down + 1, (columns - 1) * right + 1
    return [
        x[..., i : i + ends[0] : down, :, j : j + ends[1] : right, :]
        for i in range(tall)
        for j in range(wide)
    ]


def _fill_largest(image: Array, out: Array, size: tuple[int, int], stride: tuple[int, int]) -> None:
    first, second, *rest = _parts(image, size, stride, out.shape)
    np.maximum(first, second, out=out)
    for part in rest:
        np.maximum(out, part, out=out)


def _fill_gradients(
    image: Array, g: Array, out: Array, size: tuple[int, int], stride: tuple[int, int]
) -> None:
    parts = _parts(image, size, stride, g.shape)
    targets = _parts(out, size, stride, g.shape)
    if sum(target.size for target in targets) < out.size:
        out.fill(0)
    largest = parts[:1]
    for part in parts[1:]:
        largest.append(np.maximum(largest[-1], part))
    for k in range(len(parts) - 1, 0, -1):
        before = g * (largest[k - 1] == largest[k])
        np.subtract(g, before, out=targets[k])
        g = before
    np.copyto(targets[0], g)


def _gradients(y: Symbol, g: Symbol) -> list[Symbol]:
    (image,) = y.inputs
    name = "largest_in_windows_gradients"
    return [apply(name, image.shape, image, contiguous(g), details=y.details)]


def _no_gradients(y: Symbol, g: Symbol) -> NoReturn:
    raise NotImplementedError("the largest number of a window can be differentiated once")


define(
    Primitive(
        "largest_in_windows",
        calls=lambda size, stride, x, out: [(_fill_largest, (x, out, size, stride))],
        gradients=_gradients,
    )
)
define(
    Primitive(
        "largest_in_windows_gradients",
        calls=lambda size, stride, x, g, out: [(_fill_gradients, (x, g, out, size, stride))],
        gradients=_no_gradients,
    )
)
