"""An activation is its formula; its derivative follows from the formula by the chain rule.

Without an activation between them, two layers are one: W₂(W₁x) = (W₂W₁)x. With one, a network can
bend. The same formula is drawn by an explorer and traced into a training step.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from . import primitives as p
from .differentiate import differentiate
from .plan import evaluate
from .trace import Array, Symbol, leaf


@dataclass(frozen=True)
class Activation:
    """A function that a layer applies to each of its weighted sums."""

    name: str
    formula: str
    derivative_formula: str
    """Of the slope; for softmax, of that of an output along its own input."""
    range: str
    """The values that it can take, as an interval."""
    traced: Callable[[Symbol], Symbol]
    """The formula, on a symbolic array."""
    is_elementwise: bool = True
    """False for softmax, which weighs the outputs of a layer against each other."""

    def function(self, x: ArrayLike) -> Array:
        """f(x), as float64 of the shape of x; softmax works along the last axis."""
        x, z = _given(x)
        return evaluate([self.traced(z)], {z: x})[0]

    def derivative(self, x: ArrayLike) -> Array:
        """f'(x), as float64 of the shape of x; for softmax, ∂f(x)ᵢ/∂xᵢ."""
        x, z = _given(x)
        y = self.traced(z)
        slope = differentiate(y, [z])[0] if self.is_elementwise else y * (1.0 - y)
        return evaluate([slope], {z: x})[0]


def _given(x: ArrayLike) -> tuple[Array, Symbol]:
    array = np.asarray(x, np.float64)
    return array, leaf(array.shape)


def _linear(x: Symbol) -> Symbol:
    return x


def _leaky_relu(x: Symbol) -> Symbol:
    return p.positive_part(x) + 0.01 * p.negative_part(x)


def _elu(x: Symbol) -> Symbol:
    return p.positive_part(x) + p.expm1(p.negative_part(x))


SELU_SCALE = 1.0507009873554805
SELU_ALPHA = 1.6732632423543772
"""With these, mean 0 and variance 1 are a fixed point of a layer (Klambauer et al., 2017)."""


def _selu(x: Symbol) -> Symbol:
    return SELU_SCALE * p.positive_part(x) + SELU_SCALE * SELU_ALPHA * p.expm1(p.negative_part(x))


def _gelu(x: Symbol) -> Symbol:
    return x * p.normal_cdf(x)


def _gelu_tanh(x: Symbol) -> Symbol:
    return 0.5 * x * (1.0 + p.tanh(math.sqrt(2.0 / math.pi) * x * (1.0 + 0.044715 * p.square(x))))


def _silu(x: Symbol) -> Symbol:
    return x * p.sigmoid(x)


def _mish(x: Symbol) -> Symbol:
    return x * p.tanh(p.softplus(x))


def _softsign(x: Symbol) -> Symbol:
    return x / (1.0 + p.absolute(x))


ACTIVATIONS: dict[str, Activation] = {
    activation.name: activation
    for activation in (
        Activation("linear", "x", "1", "(-∞, ∞)", _linear),
        # Rosenblatt (1958). Its slope is 0, so nothing below it learns by gradients.
        Activation("step", "1 if x ≥ 0 else 0", "0", "{0, 1}", p.step),
        Activation(
            "sigmoid", "1 / (1 + exp(-x))", "sigmoid(x)·(1 - sigmoid(x))", "(0, 1)", p.sigmoid
        ),
        Activation("tanh", "tanh(x)", "1 - tanh(x)²", "(-1, 1)", p.tanh),
        Activation("softsign", "x / (1 + |x|)", "1 / (1 + |x|)²", "(-1, 1)", _softsign),
        # Nair and Hinton (2010). The slope at 0 is 0, by convention.
        Activation("relu", "max(0, x)", "1 if x > 0 else 0", "[0, ∞)", p.positive_part),
        # Maas et al. (2013); the slope at 0 is 0.01.
        Activation(
            "leaky_relu",
            "x if x > 0 else 0.01·x",
            "1 if x > 0 else 0.01",
            "(-∞, ∞)",
            _leaky_relu,
        ),
        Activation("softplus", "log(1 + exp(x))", "1 / (1 + exp(-x))", "(0, ∞)", p.softplus),
        # Clevert et al. (2016).
        Activation("elu", "x if x > 0 else exp(x) - 1", "1 if x > 0 else exp(x)", "(-1, ∞)", _elu),
        Activation(
            "selu",
            "1.0507·x if x > 0 else 1.7581·(exp(x) - 1)",
            "1.0507 if x > 0 else 1.7581·exp(x)",
            "(-1.7581, ∞)",
            _selu,
        ),
        # Hendrycks and Gimpel (2016), exactly and in their approximation.
        Activation("gelu", "x·Φ(x) = x·(1 + erf(x/√2))/2", "Φ(x) + x·φ(x)", "[-0.1700, ∞)", _gelu),
        Activation(
            "gelu_tanh",
            "x·(1 + tanh(√(2/π)·(x + 0.044715·x³)))/2",
            "(1 + t)/2 + x·(1 - t²)·√(2/π)·(1 + 0.134145·x²)/2"
            " with t = tanh(√(2/π)·(x + 0.044715·x³))",
            "[-0.1700, ∞)",
            _gelu_tanh,
        ),
        # Elfwing et al. (2018); also called swish.
        Activation(
            "silu",
            "x·sigmoid(x)",
            "sigmoid(x)·(1 + x·(1 - sigmoid(x)))",
            "[-0.2785, ∞)",
            _silu,
        ),
        # Misra (2019).
        Activation(
            "mish",
            "x·tanh(softplus(x))",
            "t + x·sigmoid(x)·(1 - t²) with t = tanh(softplus(x))",
            "[-0.3088, ∞)",
            _mish,
        ),
        Activation(
            "softmax",
            "exp(xᵢ) / Σⱼ exp(xⱼ)",
            "softmax(x)ᵢ·(1 - softmax(x)ᵢ)",
            "(0, 1), summing to 1",
            p.softmax,
            is_elementwise=False,
        ),
    )
}
"""All activations by the name that the API knows."""
