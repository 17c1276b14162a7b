"""Weighted sums, what is done to each of them, and what is left out of them at random."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from ..activations import ACTIVATIONS
from ..initializers import usual_initializer
from ..primitives import affine
from ..trace import Symbol
from .layer import Layer, Scope, check_gain, check_rate, check_words, drawn, zeros


@dataclass(frozen=True)
class Dense(Layer):
    """Every unit weighs all inputs, adds a bias, and applies the activation.

    It works along the last axis, on every position of the others alike. The initializer None stands
    for the usual one of the activation, see `usual_initializer`; first weights are its numbers
    times `initializer_gain`, and biases start at zero.
    """

    type: ClassVar[str] = "dense"
    units: int
    activation: str = "linear"
    use_bias: bool = True
    initializer: str | None = None
    initializer_gain: float = 1.0

    def __post_init__(self) -> None:
        if self.units < 1:
            raise ValueError("a dense layer needs at least one unit")
        check_words(self.activation, self.initializer)
        check_gain(self.initializer_gain)

    @property
    def initializer_name(self) -> str:
        """The name of the initializer in effect."""
        return self.initializer or usual_initializer(self.activation)

    def forward(self, scope: Scope, x: Symbol) -> Symbol:
        """f(x·W + b), from `(n, …, fan_in)` to `(n, …, units)`."""
        shape = (x.shape[-1], self.units)
        first = drawn(self.initializer_name, self.initializer_gain)
        weight = scope.parameter("weight", shape, first)
        if self.use_bias:
            z = affine(x, weight, scope.parameter("bias", (self.units,), zeros))
        else:
            z = x @ weight
        return ACTIVATIONS[self.activation].traced(z)


@dataclass(frozen=True)
class ActivationLayer(Layer):
    """Applies an activation to each of its inputs."""

    type: ClassVar[str] = "activation"
    activation: str

    def __post_init__(self) -> None:
        check_words(self.activation)

    def forward(self, scope: Scope, x: Symbol) -> Symbol:
        """f(x), of the shape of x."""
        return ACTIVATIONS[self.activation].traced(x)


@dataclass(frozen=True)
class Dropout(Layer):
    """In training, each input is silenced with probability `rate`, and the rest made up for it.

    The inputs that are left are divided by 1 - rate, so that the expected sum stays what it is when
    nothing is dropped (Srivastava et al., 2014, in the inverted form).
    """

    type: ClassVar[str] = "dropout"
    rate: float

    def __post_init__(self) -> None:
        check_rate(self.rate)

    def forward(self, scope: Scope, x: Symbol) -> Symbol:
        """x times a random mask in training; x itself otherwise."""
        return scope.drop(x, self.rate)
