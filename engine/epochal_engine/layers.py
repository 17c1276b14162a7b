"""A layer is only its forward formula, with the shapes and first values of what it learns.

It holds no numbers and remembers no input: the formula is written once with symbolic arrays, and
the backward pass follows from it. One network can so serve any number of runs at once.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import ClassVar, TypeAlias

import numpy as np

from .activations import ACTIVATIONS
from .initializers import INITIALIZERS, usual_initializer
from .trace import Array, Shape, Symbol

Noise: TypeAlias = Callable[[Shape, float], Symbol]
"""`noise(shape, rate)`: a new random mask of that shape, 0 with probability `rate`, else
1 / (1 - rate)."""


@dataclass(frozen=True)
class Dense:
    """Every unit weighs all inputs, adds a bias, and applies the activation.

    The initializer None stands for the usual one of the activation, see `usual_initializer`; biases
    start at zero.
    """

    type: ClassVar[str] = "dense"
    units: int
    activation: str = "linear"
    use_bias: bool = True
    initializer: str | None = None

    def __post_init__(self) -> None:
        if self.units < 1:
            raise ValueError("a dense layer needs at least one unit")
        if self.activation not in ACTIVATIONS:
            raise ValueError(f"there is no activation named {self.activation!r}")
        if self.initializer is not None and self.initializer not in INITIALIZERS:
            raise ValueError(f"there is no initializer named {self.initializer!r}")

    @property
    def initializer_name(self) -> str:
        """The name of the initializer in effect."""
        return self.initializer or usual_initializer(self.activation)

    def output_shape(self, input_shape: Shape) -> Shape:
        """`(fan_in,)` to `(units,)`; any other input is a ValueError that says what is needed."""
        if len(input_shape) != 1:
            raise ValueError("one axis of features, (features,)")
        return (self.units,)

    def parameters(self, input_shape: Shape) -> dict[str, Shape]:
        """The shapes of what is learnt: weight `(fan_in, units)` and bias `(units,)`."""
        weight = {"weight": (*input_shape, self.units)}
        return weight | {"bias": (self.units,)} if self.use_bias else weight

    def first_values(self, input_shape: Shape, *, rng: np.random.Generator) -> dict[str, Array]:
        """Fresh parameters, as float64."""
        shapes = self.parameters(input_shape)
        weight = INITIALIZERS[self.initializer_name](shapes["weight"], rng=rng)
        return {name: np.zeros(shape) for name, shape in shapes.items()} | {"weight": weight}

    def forward(
        self, x: Symbol, parameters: Mapping[str, Symbol], noise: Noise | None = None
    ) -> Symbol:
        """f(x·W + b), from `(n, fan_in)` to `(n, units)`."""
        z = x @ parameters["weight"]
        if self.use_bias:
            z = z + parameters["bias"]
        return ACTIVATIONS[self.activation].traced(z)

    def flops(self, input_shape: Shape) -> int:
        """Additions and multiplications of one sample: the bias is where each sum starts."""
        return 2 * math.prod(input_shape) * self.units

    def arithmetic(self, input_shape: Shape) -> str:
        """How the number of parameters comes about, as in "4·3 + 4"."""
        weights = f"{self.units}·{math.prod(input_shape)}"
        return f"{weights} + {self.units}" if self.use_bias else weights


@dataclass(frozen=True)
class Dropout:
    """In training, each input is silenced with probability `rate`, and the rest made up for it.

    The inputs that are left are divided by 1 - rate, so that the expected sum stays what it is when
    nothing is dropped (Srivastava et al., 2014, in the inverted form).
    """

    type: ClassVar[str] = "dropout"
    rate: float

    def __post_init__(self) -> None:
        if not 0.0 <= self.rate < 1.0:
            raise ValueError("a dropout rate must be at least 0 and less than 1")

    def output_shape(self, input_shape: Shape) -> Shape:
        """The input's shape."""
        return input_shape

    def parameters(self, input_shape: Shape) -> dict[str, Shape]:
        """Nothing is learnt."""
        return {}

    def first_values(self, input_shape: Shape, *, rng: np.random.Generator) -> dict[str, Array]:
        """Nothing is learnt."""
        return {}

    def forward(
        self, x: Symbol, parameters: Mapping[str, Symbol], noise: Noise | None = None
    ) -> Symbol:
        """x times a random mask in training, where there is noise; x itself otherwise."""
        return x if noise is None else x * noise(x.shape, self.rate)

    def flops(self, input_shape: Shape) -> int:
        """None: outside training, a dropout does nothing."""
        return 0

    def arithmetic(self, input_shape: Shape) -> str:
        """No parameters."""
        return "0"


Layer: TypeAlias = Dense | Dropout
LAYERS: dict[str, type[Layer]] = {layer.type: layer for layer in (Dense, Dropout)}
"""All layers by the name that the API knows."""
