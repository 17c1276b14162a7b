"""Section 9 of the journey: convolution and pooling, window by window."""

from __future__ import annotations

from ..arrays import ArrayLike
from ..types import ConvolutionSimulation, KernelName, Padding, PoolingKind, PoolingSimulation
from .explorer import Explorer


class ConvolutionExplorer(Explorer):
    """Part of `client.simulate`."""

    def convolution(
        self,
        image: ArrayLike | None = None,
        *,
        signal: ArrayLike | None = None,
        kernel: ArrayLike | None = None,
        kernel_name: KernelName | None = None,
        bias: float | None = None,
        stride: int | None = None,
        padding: Padding | None = None,
    ) -> ConvolutionSimulation:
        """Compute a convolution over an image `(rows, columns)` or a `signal` `(n,)`.

        An image has at most 32 by 32 pixels, a signal at most 256 numbers. Give a `kernel`, at most
        7 by 7, or one row for a signal; or select one by `kernel_name`. The `stride` is 1 to 8.

        >>> client.simulate.convolution(signal=[1, 2, 4], kernel=[[-1, 1]]).output[0]
        array([1., 2.])
        """
        return self._simulate(
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
        kind: PoolingKind | None = None,
        size: int | None = None,
        stride: int | None = None,
    ) -> PoolingSimulation:
        """Compute max or average pooling over an image or a `signal`.

        Windows have `size` numbers along each axis (1 to 8) and start `stride` numbers apart, by
        default `size`.

        >>> client.simulate.pooling([[1, 2], [3, 4]]).output[0]
        array([4.])
        """
        return self._simulate(
            "SimulatePooling",
            PoolingSimulation,
            image=image,
            signal=signal,
            kind=kind,
            size=size,
            stride=stride,
        )
