"""Request and reply of the approximation explorer."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from epochal_service.specs.base import ActivationName, Int64, Reply, Spec

from .neuron import Value

ApproximationTarget = Literal["sine", "step", "bump"]
Coordinates = Annotated[list[Value], Field(min_length=2, max_length=256)]


class SimulateApproximationRequest(Spec):
    """A curve to fit, `target` or `inputs` with `outputs`, and the widths of the hidden layer.

    Each width is fitted once per seed. All fits together have a budget of about 200 ms.
    """

    target: ApproximationTarget | None = None
    """The name of the curve: `sine` is one period of sin(x), `step` jumps from 0 to 1, `bump` is a
    bell curve. Default `sine`."""
    samples: int = Field(default=64, ge=8, le=256)
    """Number of points of a named curve, equally spaced. Default 64."""
    inputs: Coordinates | None = None
    """Inputs of your own points, not all equal. Requires `outputs`."""
    outputs: Coordinates | None = None
    """Targets of your own points, one for each input. Requires `inputs`."""
    activation: ActivationName = "tanh"
    """Activation of the hidden units. Any but `softmax` and `step`. With `linear` the network can
    only fit a line. Default `tanh`."""
    widths: list[Annotated[int, Field(ge=1, le=64)]] = Field(
        default=[1, 2, 4, 8, 16, 32], min_length=1, max_length=8
    )
    """Numbers of hidden units. Default 1, 2, 4, 8, 16 and 32."""
    seeds: int = Field(default=5, ge=1, le=20)
    """Number of fits per width, with different initial weights. Default 5."""
    seed: Int64 = Field(default=0, ge=0, lt=2**53)
    """Random seed of the first fit; the others use the next seeds. Default 0."""
    steps: int = Field(default=40, ge=1, le=400)
    """Maximum number of optimizer steps per fit. Default 40."""
    tolerance: float = Field(default=1e-6, ge=0, le=1)
    """Mean squared error at which a fit stops, as a fraction of the constant's error. A fit also
    stops when a step changes its error by no more than a tenth of that. In [0, 1]. Default
    1e-6."""


class WidthFit(Reply):
    """The fits of one width."""

    width: int
    """Number of hidden units."""
    parameters: Int64
    """Number of parameters: 3·width + 1."""
    errors: list[float]
    """Mean squared error of the fit of each seed."""
    median_error: float
    """Median of `errors`."""
    best_error: float
    """Smallest of `errors`."""
    curve: list[float]
    """Output of the median fit at each of `curve_inputs`."""
    curve_seed: Int64
    """Random seed of the median fit."""
    steps: list[int]
    """Number of optimizer steps of the fit of each seed."""


class ApproximationSimulation(Reply):
    """How the error depends on the width of the hidden layer."""

    target: str
    """The name of the curve, or `points`."""
    formula: str | None = None
    """Formula and interval of a named curve; null for points."""
    inputs: list[float]
    """Inputs of the points."""
    outputs: list[float]
    """Targets of the points."""
    constant_error: float
    """Mean squared error of the best constant prediction."""
    curve_inputs: list[float]
    """Inputs of the fitted curves: 129 numbers, equally spaced."""
    widths: list[WidthFit]
    """The widths in the order of the request."""
    optimizer: str
    """The optimizer of the fits and its initial weights."""
    steps: int
    """Maximum number of optimizer steps per fit."""
    flops: float
    """Approximate number of multiplications and additions of all fits."""
    max_flops: float
    """Maximum of `flops`."""
    verdict: str
    """How the error falls from the narrowest layer to the best one, in a sentence."""
