"""Request and reply of the neuron explorer."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from epochal_service.specs.base import Reply, Spec

from .quantity import Quantity

Value = Annotated[float, Field(ge=-1e6, le=1e6)]


class SimulateNeuronRequest(Spec):
    """A neuron and its inputs. `inputs` and `weights` have the same length."""

    inputs: list[Value] = Field(min_length=1, max_length=64)
    """The inputs. 1 to 64 numbers."""
    weights: list[Value] = Field(min_length=1, max_length=64)
    """The weight of each input. Same length as `inputs`."""
    bias: Value = 0.0
    """The bias, added to the weighted inputs. Default 0."""


class NeuronSimulation(Reply):
    """The output of a neuron, with the arithmetic of each number."""

    products: list[Quantity]
    """Each input times its weight."""
    weighted_sum: Quantity
    """The sum of the products and the bias."""
    step: Quantity
    """Step activation: 1 if the weighted sum is at least 0, else 0."""
    fires: bool
    """Whether the step activation is 1."""
    sigmoid: Quantity
    """Sigmoid activation 1 / (1 + exp(-z)) of the weighted sum z. In (0, 1)."""
    derivative: Quantity
    """Derivative of the sigmoid at the weighted sum."""
    weight_derivatives: list[Quantity]
    """Derivative of the sigmoid's output with respect to each weight."""
    verdict: str
    """The result in a sentence."""
