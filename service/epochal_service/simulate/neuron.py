"""A single neuron: products, their sum with the bias, and what two activations make of it."""

from __future__ import annotations

from epochal_engine import ACTIVATIONS

from ..errors import FieldError, InvalidArgument
from ..specs.simulations.neuron import NeuronSimulation, SimulateNeuronRequest
from ..specs.simulations.quantity import Quantity
from .formulas import factor, number, probability, sum_of_products

SIGMOID, STEP = ACTIVATIONS["sigmoid"], ACTIVATIONS["step"]


def neuron(request: SimulateNeuronRequest) -> NeuronSimulation:
    """What one neuron makes of its inputs, by the step of 1958 and by the sigmoid.

    Raises `InvalidArgument` if there are not as many weights as inputs.
    """
    inputs, weights, bias = request.inputs, request.weights, request.bias
    if len(inputs) != len(weights):
        raise InvalidArgument.of(
            FieldError(
                "weights", f"must be as many as the inputs: {len(inputs)}, not {len(weights)}"
            )
        )
    products = [
        Quantity(
            name=f"p{i}",
            value=w * x,
            formula=f"p{i} = w{i}·x{i}",
            substituted=f"p{i} = {factor(w)}·{factor(x)} = {number(w * x)}",
        )
        for i, (x, w) in enumerate(zip(inputs, weights, strict=True), 1)
    ]
    z = sum((product.value for product in products), bias)
    fired = float(STEP.function(z))
    output = float(SIGMOID.function(z))
    slope = float(SIGMOID.derivative(z))
    terms = sum_of_products([], z, [*(product.value for product in products), bias])
    return NeuronSimulation(
        products=products,
        weighted_sum=Quantity(
            name="z",
            value=z,
            formula="z = Σ wᵢ·xᵢ + b",
            substituted=f"z = {terms} = {number(z)}",
        ),
        step=Quantity(
            name="step(z)",
            value=fired,
            formula=f"step(z) = {STEP.formula.replace('x', 'z')}",
            substituted=f"{number(z)} {'≥' if fired else '<'} 0, so step(z) = {number(fired)}",
        ),
        fires=bool(fired),
        sigmoid=Quantity(
            name="σ(z)",
            value=output,
            formula="σ(z) = 1 / (1 + exp(-z))",
            substituted=f"σ(z) = 1 / (1 + exp(-{factor(z)})) = {number(output)}",
        ),
        derivative=Quantity(
            name="σ'(z)",
            value=slope,
            formula="σ'(z) = σ(z)·(1 - σ(z))",
            substituted=f"σ'(z) = {probability(output)}·(1 - {probability(output)}) = "
            f"{number(slope)}",
        ),
        sensitivities=[
            Quantity(
                name=f"∂σ/∂w{i}",
                value=slope * x,
                formula=f"∂σ/∂w{i} = σ'(z)·x{i}",
                substituted=f"∂σ/∂w{i} = {number(slope)}·{factor(x)} = {number(slope * x)}",
            )
            for i, x in enumerate(inputs, 1)
        ],
        verdict=(
            f"The weighted sum {number(z)} {'reaches' if fired else 'stays below'} the threshold "
            f"0: the neuron {'fires' if fired else 'stays silent'}. "
            f"As a probability that is {100 * output:.1f} %."
        ),
    )
