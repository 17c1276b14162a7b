"""Dense layers, activations and dropout."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from ...symbolic.primitives import affine
from ...symbolic.trace import Symbol
from ..activations import ACTIVATIONS
from .layer import (
    ActivationName,
    Count,
    Gain,
    InitializerName,
    Layer,
    Rate,
    Scope,
    drawn,
    zeros,
)


@dataclass(frozen=True)
class Dense(Layer):
    """A fully connected layer: `activation(x · W + b)`, along the last axis.

    It works on every position of the other axes alike.
    """

    type: ClassVar[str] = "dense"
    steps: ClassVar[bool] = True
    units: Count
    """Number of units (neurons)."""
    activation: ActivationName = "linear"
    """The activation, applied to each output. Default `linear`."""
    use_bias: bool = True
    """Whether each unit adds a bias, initially 0. Default true."""
    initializer: InitializerName | None = None
    """The initializer of the weights. Default by the activation: He for the relu family,
    LeCun for selu, Xavier for the others.
    """
    initializer_gain: Gain = 1.0
    """Factor applied to the initial weights. In [0, 1e6]. Default 1."""

    @property
    def initializer_name(self) -> str:
        """The name of the initializer in effect."""
        return self.initializer or ACTIVATIONS[self.activation].default_initializer

    def forward(self, scope: Scope, x: Symbol) -> Symbol:
        """Map `(n, …, fan_in)` to f(x·W + b), `(n, …, units)`."""
        shape = (x.shape[-1], self.units)
        initial = drawn(self.initializer_name, self.initializer_gain)
        weight = scope.parameter("weight", shape, initial)
        if self.use_bias:
            z = affine(x, weight, scope.parameter("bias", (self.units,), zeros))
        else:
            z = x @ weight
        return ACTIVATIONS[self.activation].traced(z)


@dataclass(frozen=True)
class ActivationLayer(Layer):
    """A layer that only applies an activation."""

    type: ClassVar[str] = "activation"
    steps: ClassVar[bool] = True
    activation: ActivationName
    """The activation, applied to each input."""

    def forward(self, scope: Scope, x: Symbol) -> Symbol:
        """Return f(x), of the shape of x."""
        return ACTIVATIONS[self.activation].traced(x)


@dataclass(frozen=True)
class Dropout(Layer):
    """Dropout: sets inputs to zero at random during training, and divides the others by 1 - rate.

    The division keeps the expected sum what it is without dropout (Srivastava et al., 2014, in the
    inverted form).
    """

    type: ClassVar[str] = "dropout"
    steps: ClassVar[bool] = True
    rate: Rate
    """Fraction of inputs set to zero, chosen again at each step. In [0, 1)."""

    def forward(self, scope: Scope, x: Symbol) -> Symbol:
        """Return x times a random mask in training, else x itself."""
        return scope.drop(x, self.rate)
