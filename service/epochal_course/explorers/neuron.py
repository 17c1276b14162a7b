"""A single neuron: products, their sum with the bias, and two activations of the sum."""

from __future__ import annotations

from dataclasses import dataclass

from epochal_engine import ACTIVATIONS
from epochal_service.errors import FieldError, InvalidArgument

from ..specs.explorers.neuron import NeuronSimulation, SimulateNeuronRequest
from .explorer import Explorer
from .formulas import expression, number, quantity, sum_of_products, total

SIGMOID, STEP = ACTIVATIONS["sigmoid"], ACTIVATIONS["step"]


@dataclass(frozen=True)
class _Neuron:
    """The numbers of one neuron."""

    weights: list[float]
    inputs: list[float]
    bias: float
    products: list[float]
    z: float
    """The weighted sum."""
    step: float
    sigmoid: float
    derivative: float
    """The derivative of the sigmoid at z."""


def neuron(request: SimulateNeuronRequest) -> NeuronSimulation:
    """Compute the output of one neuron with the step activation of 1958 and with the sigmoid.

    Raises `InvalidArgument` unless there is one weight for each input.
    """
    if len(request.inputs) != len(request.weights):
        raise InvalidArgument.of(
            FieldError(
                "weights",
                f"must have one number for each input: {len(request.inputs)}; "
                f"got {len(request.weights)}",
            )
        )
    return _reply(_computed(request.inputs, request.weights, request.bias))


def _computed(inputs: list[float], weights: list[float], bias: float) -> _Neuron:
    products = [w * x for w, x in zip(weights, inputs, strict=True)]
    z = sum(products, bias)
    return _Neuron(
        weights,
        inputs,
        bias,
        products,
        z,
        float(STEP.function(z)),
        float(SIGMOID.function(z)),
        float(SIGMOID.derivative(z)),
    )


def _reply(n: _Neuron) -> NeuronSimulation:
    fires = bool(n.step)
    rows = list(enumerate(zip(n.weights, n.inputs, n.products, strict=True), 1))
    return NeuronSimulation(
        products=[
            quantity(f"p{i}", product, f"w{i}·x{i}", sum_of_products([(w, x)]))
            for i, (w, x, product) in rows
        ],
        weighted_sum=quantity("z", n.z, "Σ wᵢ·xᵢ + b", total([*n.products, n.bias])),
        step=quantity(
            "step(z)",
            n.step,
            STEP.formula.replace("x", "z"),
            expression("step({})", n.z),
            condition=f"{number(n.z)} {'≥' if fires else '<'} 0, so ",
        ),
        fires=fires,
        sigmoid=quantity(
            "σ(z)", n.sigmoid, "1 / (1 + exp(-z))", expression("1 / (1 + exp(-{}))", n.z)
        ),
        derivative=quantity(
            "σ'(z)",
            n.derivative,
            "σ(z)·(1 - σ(z))",
            expression("{}·(1 - {})", n.sigmoid, n.sigmoid),
        ),
        weight_derivatives=[
            quantity(
                f"∂σ/∂w{i}",
                n.derivative * x,
                f"σ'(z)·x{i}",
                sum_of_products([(n.derivative, x)]),
            )
            for i, (_, x, _) in rows
        ],
        verdict=(
            f"The weighted sum {number(n.z)} {'reaches' if fires else 'stays below'} the threshold "
            f"0: the neuron {'fires' if fires else 'does not fire'}. "
            f"The sigmoid turns the same sum into a probability of {100 * n.sigmoid:.1f} %."
        ),
    )


NEURON = Explorer(
    "One neuron",
    neuron,
    {
        "A neuron that fires": {
            "inputs": [1.0, 0.5, 0.8],
            "weights": [0.7, -0.3, 0.5],
            "bias": -0.2,
        }
    },
)
