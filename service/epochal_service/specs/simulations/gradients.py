"""What becomes of a gradient on its way back through many layers, as it may be asked for."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from ..base import ActivationName, InitializerName, Reply, Seed, Spec
from .activation import FlowLabel
from .quantity import Quantity

Normalization = Literal["none", "layer_norm", "batch_norm"]
RemedyName = Literal["activation", "initialization", "residual", "normalization"]


class SimulateGradientFlowRequest(Spec):
    """A real network of `depth` hidden layers of `width` units, fresh from its initializer."""

    depth: int = Field(default=10, ge=2, le=32)
    """Hidden layers. One sigmoid output follows them."""
    width: int = Field(default=16, ge=1, le=64)
    """Inputs, and units of each hidden layer."""
    activation: ActivationName = "sigmoid"
    """Of the hidden layers; any but softmax."""
    initializer: InitializerName | None = None
    """By default He for the relu family, LeCun for selu, else Xavier."""
    gain: float = Field(default=1.0, ge=0, le=100)
    """What the first weights of the hidden layers are multiplied by."""
    residual: bool = False
    """Each hidden layer is added to its own input."""
    normalization: Normalization = "none"
    """What stands behind each hidden layer."""
    samples: int = Field(default=32, ge=1, le=256)
    """Of the batch: standard normal inputs, with targets of 0 or 1 by the toss of a coin."""
    seed: Seed = 0
    """Of the first of the networks and their data."""
    seeds: int = Field(default=5, ge=1, le=25)
    """Networks and data drawn anew, from `seed` on; the medians are told."""


class GradientFlowLayer(Reply):
    """How much of the gradient arrives at one layer."""

    name: str
    """`hidden 1` to `hidden 10`, say, and `output`."""
    norm: float
    """‖∂L/∂W‖, the median over the seeds."""
    share: float
    """The norm over that of the last hidden layer."""
    norms: list[float]
    """‖∂L/∂W‖ of each seed, in order."""


class Remedy(Reply):
    """One change, with all else as it was asked for."""

    name: RemedyName
    """What is changed."""
    description: str
    """The change and why it helps, in words."""
    is_on: bool
    """Whether the network that was asked for has it."""
    ratio_off: float
    """The norm of the first hidden layer over that of the last one without it: the median over the
    seeds."""
    label_off: FlowLabel
    """What becomes of the gradient without it."""
    ratio_on: float
    """The same ratio with it."""
    label_on: FlowLabel
    """What becomes of the gradient with it."""
    norms_on: list[float]
    """‖∂L/∂W‖ of each layer with it, medians over the seeds."""


class GradientFlowSimulation(Reply):
    """How the gradient changes on its way back, and what helps."""

    layers: list[GradientFlowLayer]
    """From the first hidden layer to the output."""
    ratio: Quantity
    """The norm of the first hidden layer over that of the last one: the median over the seeds."""
    ratios: list[float]
    """The same of each seed, in order."""
    label: FlowLabel
    """`vanishing` if the ratio is below `vanishing_below`, `exploding` if it is above
    `exploding_above`, `healthy` between them."""
    vanishing_below: float
    """The ratio below which the gradient has vanished."""
    exploding_above: float
    """The ratio above which it has exploded."""
    loss: float
    """Binary cross-entropy before any training, the median over the seeds."""
    remedies: list[Remedy]
    """Four, each tried by itself."""
    verdict: str
    """What becomes of the gradient on its way back, and which remedies bring it back."""


class SimulateVanishingBarsRequest(Spec):
    """Which draws of one small network give the bars 1.00, .35, .08, .01."""

    seed: Seed = 889
    """The draw whose bars are told."""
    first_seed: Annotated[int, Field(ge=0, lt=2**62)] = 0
    """The first of the draws that are tried."""
    seeds: int = Field(default=1000, ge=1, le=5000)
    """How many draws are tried, from `first_seed` on."""


class VanishingBarsSimulation(Reply):
    """The bars of one draw of a real network, and how usual they are."""

    recipe: list[str]
    """All that is needed to compute the bars anew."""
    norms: list[float]
    """‖∂L/∂W‖ from the output layer back to the first one."""
    bars: list[Quantity]
    """Each norm over that of the output layer, in the same order."""
    rounded: list[float]
    """The bars, to two decimals."""
    target: list[float]
    """The bars that a draw should round to: 1, 0.35, 0.08, 0.01."""
    matches: bool
    """Whether this draw rounds to the target."""
    tried: int
    """How many draws were tried."""
    matching: int
    """How many of the draws that were tried round to exactly the target."""
    matching_seeds: list[int]
    """Which of them do, in order."""
    typical: list[float]
    """The median of each bar over all draws that were tried."""
    verdict: str
    """The bars of this draw, how many draws give the target, and what a usual one gives."""
