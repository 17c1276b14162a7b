"""A convolution is a product of matrices, once its input is looked at through windows.

Images are laid out as `(height, channels, width, n)`, samples innermost. The image is copied once
for each column of the kernel, each copy shifted by one column:

    shifted[h, j, c, w, n] = x[h, c, stride·w + j, n]

All that the windows of output row h contain is then one piece of memory, from `shifted[h]` on, and
the windows are an overlapping view. No copy is made for the height of the kernel.

A matrix of few filters is a narrow one, and narrow ones are multiplied slowly. Two rows of windows
are then taken as one that is higher, for twice the filters, each with zeros where it does not look:

    filter    k₀ k₁ k₂ 0      for the upper row
              0  k₀ k₁ k₂     for the lower row
"""

from __future__ import annotations

from numpy.lib.stride_tricks import as_strided

from ..trace import Array, Call, Primitive, Shape, Symbol, apply, define
from .shapes import broadcast, concatenate, contiguous, place, sum_of_parts

FEW_FILTERS = 16
"""Up to this many filters, two rows of windows are worked on as one."""
MANY_POSITIONS = 256
"""If a row has at least this many windows, of all samples together."""


def convolve(x: Symbol, kernel: Symbol, stride: tuple[int, int]) -> Symbol:
    """The product of each window of x with each filter of the kernel.

    From `(height, channels, width, n)` and `(kernel height, kernel width, channels, filters)` to
    `(output height, filters, output width, n)`; strictly a cross-correlation, as everywhere.
    """
    height, channels, width, n = x.shape
    tall, wide, _, filters = kernel.shape
    down, right = stride
    rows, columns = (height - tall) // down + 1, (width - wide) // right + 1
    shape = (height, 1, channels, columns, n)
    ends = [j + right * (columns - 1) + 1 for j in range(wide)]
    shifted = [x.cut(2, j, end, right).reshape(shape) for j, end in enumerate(ends)]
    are_few = filters <= FEW_FILTERS and rows % 2 == 0 and columns * n >= MANY_POSITIONS
    if are_few:
        kernel = _for_two_rows(kernel.reshape((tall, wide * channels, filters)), down)
        tall, rows, down = tall + down, rows // 2, 2 * down
    windows = apply(
        "windows",
        (rows, tall * wide * channels, columns * n),
        contiguous(concatenate(shifted, 1)),
        details=(tall, down),
    )
    weights = kernel.reshape((tall * wide * channels, -1)).T
    product = broadcast(weights, (rows, *weights.shape)) @ windows
    return product.reshape((-1, filters, columns, n))


def _for_two_rows(kernel: Symbol, down: int) -> Symbol:
    """Filters `(tall, …, filters)` above such as look `down` lines lower, `(…, 2 · filters)`."""
    tall, *rest = kernel.shape
    shape = (tall + down, *rest)
    return concatenate([place(shape, 0, [(kernel, start, 1)]) for start in (0, down)], 2)


def _windows(tall: int, down: int, shifted: Array, shape: Shape) -> Array:
    line = shape[2] * shifted.itemsize
    return as_strided(shifted, shape, (down * shifted.strides[0], line, shifted.itemsize))


def _add_windows_calls(tall: int, down: int, g: Array, out: Array) -> list[Call]:
    starts = range(0, down * len(g), down)
    return sum_of_parts(out, 0, starts, list(g.reshape(len(g), tall, *out.shape[1:])))


define(
    Primitive(
        "windows",
        gradients=lambda y, g: [
            apply("add_windows", y.inputs[0].shape, contiguous(g), details=y.details)
        ],
        view=_windows,
    )
)
define(
    Primitive(
        "add_windows",
        calls=_add_windows_calls,
        gradients=lambda y, g: [
            apply("windows", y.inputs[0].shape, contiguous(g), details=y.details)
        ],
    )
)
