"""A layer is only its forward formula, written once with symbolic arrays.

While the formula is traced, the layer asks its scope for what it learns, and says of which shape
and with which first values; what comes out tells the shape of its output. So nothing about a layer
is written down twice: shapes, parameters, operations and the backward pass all follow.

A layer holds no numbers and remembers no input: one network can serve any number of runs at once.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, ClassVar, TypeAlias

import numpy as np

from ..activations import ACTIVATIONS
from ..initializers import INITIALIZERS
from ..trace import Array, Shape, Symbol, is_permuted

Noise: TypeAlias = Callable[[Shape, float], Symbol]
"""`noise(shape, rate)`: a new random mask of that shape, 0 with probability `rate`, else
1 / (1 - rate)."""
FirstValues: TypeAlias = Callable[[Shape, np.random.Generator], Array]
"""`first(shape, rng)`: fresh values of a parameter, as float64."""


def zeros(shape: Shape, rng: np.random.Generator) -> Array:
    """First values that are all 0."""
    return np.zeros(shape)


def ones(shape: Shape, rng: np.random.Generator) -> Array:
    """First values that are all 1."""
    return np.ones(shape)


def drawn(initializer: str, gain: float = 1.0) -> FirstValues:
    """First values from the initializer of that name, times `gain`."""
    return lambda shape, rng: gain * INITIALIZERS[initializer](shape, rng=rng)


class Scope:
    """What a layer's formula may ask for while it is traced."""

    def __init__(
        self,
        path: str,
        variable: Callable[[str, Shape, FirstValues, bool], Symbol],
        noise: Noise | None,
        updates: dict[str, Symbol],
    ) -> None:
        self._path, self._variable, self._updates = path, variable, updates
        self._noise = noise

    @property
    def is_training(self) -> bool:
        """Whether this pass is one of training: with noise, and on the batch's own statistics."""
        return self._noise is not None

    def parameter(self, name: str, shape: Shape, first: FirstValues) -> Symbol:
        """An array that is learnt."""
        return self._variable(f"{self._path}.{name}", shape, first, True)

    def running(self, name: str, shape: Shape, first: FirstValues) -> Symbol:
        """An array that is kept from step to step, but not learnt."""
        return self._variable(f"{self._path}.{name}", shape, first, False)

    def update(self, name: str, value: Symbol) -> None:
        """From the next step on, the running array of that name has this value."""
        self._updates[f"{self._path}.{name}"] = value

    def drop(self, x: Symbol, rate: float) -> Symbol:
        """x times a random mask in training, where there is noise; x itself otherwise."""
        if self._noise is None or rate == 0.0:
            return x
        if is_permuted(x):
            # The mask lies in memory as x does.
            return self.drop(x.inputs[0], rate).permute(x.details[0])
        return x * self._noise(x.shape, rate)

    def within(self, name: str) -> Scope:
        """The scope of a layer inside this one."""
        return Scope(f"{self._path}.{name}", self._variable, self._noise, self._updates)


@dataclass(frozen=True, kw_only=True)
class Layer:
    """What every layer has. `input` None is the layer before, "input" the network's input."""

    type: ClassVar[str]
    """The name that the API knows."""
    inputs: ClassVar[tuple[int, int]] = (1, 1)
    """The fewest and the most inputs that it takes."""

    name: str | None = None
    """None for type and position, as in dense_1."""
    input: str | tuple[str, ...] | None = None

    def forward(self, scope: Scope, *inputs: Any, **_: Any) -> Symbol:
        """The output, `(n, *shape)`, of inputs of such shapes.

        An input that does not fit is a ValueError that says what is needed.
        """
        raise NotImplementedError


def require(fits: bool, needed: str) -> None:
    """Raise a ValueError that says what a layer needs, unless its input fits."""
    if not fits:
        raise ValueError(needed)


def check_counts(**counts: int) -> None:
    """Raise ValueError unless all are at least one."""
    for name, count in counts.items():
        if count < 1:
            raise ValueError(f"{name} must be at least 1")


def check_rate(rate: float) -> None:
    """Raise ValueError unless so large a share may be dropped."""
    if not 0.0 <= rate < 1.0:
        raise ValueError("a dropout rate must be at least 0 and less than 1")


def check_gain(gain: float) -> None:
    """Raise ValueError unless first weights may be multiplied by it."""
    if not 0.0 <= gain < math.inf:
        raise ValueError("initializer_gain must be a finite number that is not negative")


def check_words(activation: str | None = None, initializer: str | None = None) -> None:
    """Raise ValueError unless the tables have these names."""
    if activation is not None and activation not in ACTIVATIONS:
        raise ValueError(f"there is no activation named {activation!r}")
    if initializer is not None and initializer not in INITIALIZERS:
        raise ValueError(f"there is no initializer named {initializer!r}")
