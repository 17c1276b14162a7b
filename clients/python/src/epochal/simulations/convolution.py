"""Section 9 of the journey: convolution and pooling, window by window."""

from __future__ import annotations

from numpy.typing import ArrayLike

from ..types import ConvolutionSimulation, PoolingSimulation
from .explorer import Explorer


class ConvolutionExplorer(Explorer):
    """Part of `client.simulate`."""

    def convolution(
        self,
        image: ArrayLike | None = None,
        *,
        signal: ArrayLike | None = None,
        kernel: ArrayLike | None = None,
        kernel_name: str | None = None,
        bias: float | None = None,
        stride: int | None = None,
        padding: str | None = None,
    ) -> ConvolutionSimulation:
        """A convolution over an image `(rows, columns)`, or a `signal` `(n,)`, window by window.

        At most 32 by 32 pixels, or 256 numbers. The `kernel` is given, at most 7 by 7 and one row
        for a signal, or one of edge, vertical_edge, horizontal_edge, blur, sharpen and identity by
        its name. `padding` is `"valid"` or `"same"`, the `stride` 1 to 8.

        >>> client.simulate.convolution(signal=[1, 2, 4], kernel=[[-1, 1]]).output[0]
        array([1., 2.])
        """
        return self._ask(
            "SimulateConvolution",
            ConvolutionSimulation,
            image=image,
            signal=signal,
            kernel=kernel,
            kernel_name=kernel_name,
            bias=bias,
            stride=stride,
            padding=padding,
        )

    def pooling(
        self,
        image: ArrayLike | None = None,
        *,
        signal: ArrayLike | None = None,
        kind: str | None = None,
        size: int | None = None,
        stride: int | None = None,
    ) -> PoolingSimulation:
        """Pooling over an image, or a `signal`: the `"max"` of each window, or the `"average"`.

        Windows are `size` numbers long (1 to 8) along each axis and `stride` apart, side by side
        unless you say otherwise.

        >>> client.simulate.pooling([[1, 2], [3, 4]]).output[0]
        array([4.])
        """
        return self._ask(
            "SimulatePooling",
            PoolingSimulation,
            image=image,
            signal=signal,
            kind=kind,
            size=size,
            stride=stride,
        )
