"""Requests and replies of the gradient flow explorers."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from epochal_service.specs.base import ActivationName, InitializerName, Int64, Reply, Seed, Spec

from .activation import FlowLabel
from .quantity import Quantity

Normalization = Literal["none", "layer_norm", "batch_norm"]
RemedyName = Literal["activation", "initialization", "residual", "normalization"]


class SimulateGradientFlowRequest(Spec):
    """A network of `depth` hidden layers of `width` units, before training."""

    depth: int = Field(default=10, ge=2, le=32)
    """Number of hidden layers, followed by one sigmoid output. Default 10."""
    width: int = Field(default=16, ge=1, le=64)
    """Number of inputs, and of units per hidden layer. Default 16."""
    activation: ActivationName = "sigmoid"
    """Activation of the hidden layers. Any but `softmax`. Default `sigmoid`."""
    initializer: InitializerName | None = None
    """Initializer of the weights. Default He for the relu family, LeCun for selu, else Xavier."""
    gain: float = Field(default=1.0, ge=0, le=100)
    """Factor of the initial weights of the hidden layers. Default 1."""
    residual: bool = False
    """Whether each hidden layer has a residual (skip) connection. Off by default."""
    normalization: Normalization = "none"
    """Normalization after each hidden layer. Default `none`."""
    samples: int = Field(default=32, ge=1, le=256)
    """Number of samples: standard normal inputs and random targets of 0 or 1. Default 32."""
    seed: Seed = 0
    """Random seed of the first network and its data. Default 0."""
    seeds: int = Field(default=5, ge=1, le=25)
    """Number of networks, with seeds from `seed` on. The reply has their medians. Default 5."""


class GradientFlowLayer(Reply):
    """The gradient of one layer."""

    name: str
    """The name of the layer, e.g. `hidden 1` or `output`."""
    norm: float
    """Gradient norm ‖∂L/∂W‖, median over the seeds."""
    relative_norm: float
    """Gradient norm divided by the gradient norm of the last hidden layer."""
    norms: list[float]
    """Gradient norm ‖∂L/∂W‖ of each seed."""


class Remedy(Reply):
    """One change of the network, with everything else as requested."""

    name: RemedyName
    """The name of the remedy."""
    description: str
    """The change and its effect, in words."""
    is_on: bool
    """Whether the requested network includes the remedy."""
    ratio_off: float
    """Gradient norm of the first hidden layer divided by the last one's, without the remedy. Median
    over the seeds."""
    label_off: FlowLabel
    """The behavior of the gradient without the remedy."""
    ratio_on: float
    """The same ratio with the remedy."""
    label_on: FlowLabel
    """The behavior of the gradient with the remedy."""
    norms_on: list[float]
    """Gradient norm ‖∂L/∂W‖ of each layer with the remedy, medians over the seeds."""


class GradientFlowSimulation(Reply):
    """How the gradient changes from layer to layer, and which remedies help."""

    layers: list[GradientFlowLayer]
    """The layers, from the first hidden layer to the output."""
    ratio: Quantity
    """Gradient norm of the first hidden layer divided by the last one's, median over the seeds."""
    ratios: list[float]
    """The same ratio of each seed."""
    label: FlowLabel
    """`vanishing` if the ratio is below `vanishing_below`, `exploding` if it is above
    `exploding_above`, else `healthy`."""
    vanishing_below: float
    """Ratio below which a gradient counts as vanishing."""
    exploding_above: float
    """Ratio above which a gradient counts as exploding."""
    loss: float
    """Binary cross-entropy before training, median over the seeds."""
    remedies: list[Remedy]
    """Four remedies, each measured alone."""
    verdict: str
    """The behavior of the gradient, and the remedies that restore it, in a sentence."""


class SimulateVanishingBarsRequest(Spec):
    """A seed for the returned bars, and seeds to compare it with."""

    seed: Seed = 889
    """Random seed of the returned bars. Default 889."""
    first_seed: Annotated[int, Field(ge=0, lt=2**62)] = 0
    """First of the seeds to try. Default 0."""
    seeds: int = Field(default=1000, ge=1, le=5000)
    """Number of seeds to try, from `first_seed` on. Default 1000."""


class VanishingBarsSimulation(Reply):
    """The gradient norms of one network as bars, and how common these bars are."""

    recipe: list[str]
    """Instructions to reproduce the bars."""
    norms: list[float]
    """Gradient norms ‖∂L/∂W‖ from the output layer back to the first one."""
    bars: list[Quantity]
    """Gradient norms divided by the norm of the output layer, in the same order."""
    rounded_bars: list[float]
    """The bars, rounded to two decimals."""
    target_bars: list[float]
    """The target bars: 1, 0.35, 0.08, 0.01."""
    matches_target: bool
    """Whether the bars round to the target."""
    seeds_tried: int
    """Number of seeds tried."""
    match_count: int
    """Number of tried seeds with bars that round to the target."""
    matching_seeds: list[Int64]
    """The tried seeds with bars that round to the target, in ascending order."""
    median_bars: list[float]
    """Median of each bar over all tried seeds."""
    verdict: str
    """The bars, how many seeds give the target, and the median bars, in a sentence."""
