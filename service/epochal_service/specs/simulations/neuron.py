"""One neuron, as it may be asked for."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from ..base import Reply, Spec
from .quantity import Quantity

Value = Annotated[float, Field(ge=-1e6, le=1e6)]


class SimulateNeuronRequest(Spec):
    """`inputs` and `weights` are of one length."""

    inputs: list[Value] = Field(min_length=1, max_length=64)
    """The numbers that come in."""
    weights: list[Value] = Field(min_length=1, max_length=64)
    """One for each input: how much it counts, and in which direction."""
    bias: Value = 0.0
    """What is added to the sum: it makes the neuron fire sooner or later."""


class NeuronSimulation(Reply):
    """What a neuron makes of its inputs."""

    products: list[Quantity]
    """Each input times its weight."""
    weighted_sum: Quantity
    """The products and the bias, added up."""
    step: Quantity
    """1 if the weighted sum is at least 0: the threshold itself fires."""
    fires: bool
    """Whether the step is 1."""
    sigmoid: Quantity
    """1 / (1 + exp(-z)) of the weighted sum z: the soft answer, between 0 and 1."""
    derivative: Quantity
    """The slope of the sigmoid at the weighted sum."""
    sensitivities: list[Quantity]
    """By how much the sigmoid's output changes for each unit of each weight."""
    verdict: str
    """The outcome in a sentence."""
