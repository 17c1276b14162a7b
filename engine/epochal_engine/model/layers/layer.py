"""A layer is only its forward formula, written once with symbolic arrays.

While the formula is traced, the layer requests its parameters from its scope, with their shapes and
initial values; the result has the shape of its output. Nothing about a layer is written twice:
shapes, parameters, operations and the backward pass all follow from the formula.

A layer holds no numbers and remembers no input: one network can serve any number of runs at once.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Annotated, Any, ClassVar, TypeAlias

import numpy as np

from ...symbolic.primitives import with_row
from ...symbolic.trace import Array, Shape, Symbol, is_permuted, leaf
from ..activations import ACTIVATIONS
from ..components import Component, OneOf, Range
from ..initializers import INITIALIZERS

Noise: TypeAlias = Callable[[Shape, float], Symbol]
"""`noise(shape, rate)`: a new random mask of that shape, 0 with probability `rate`, else
1 / (1 - rate)."""
InitialValues: TypeAlias = Callable[[Shape, np.random.Generator], Array]
"""`initial(shape, rng)`: initial values of a parameter, as float64."""

Count: TypeAlias = Annotated[int, Range(least=1)]
Rate: TypeAlias = Annotated[float, Range(least=0, below=1)]
Epsilon: TypeAlias = Annotated[float, Range(above=0)]
Gain: TypeAlias = Annotated[float, Range(least=0, most=1e6)]
ActivationName: TypeAlias = Annotated[str, OneOf(ACTIVATIONS)]
InitializerName: TypeAlias = Annotated[str, OneOf(INITIALIZERS)]


def zeros(shape: Shape, rng: np.random.Generator) -> Array:
    """Return initial values that are all 0."""
    return np.zeros(shape)


def ones(shape: Shape, rng: np.random.Generator) -> Array:
    """Return initial values that are all 1."""
    return np.ones(shape)


def drawn(initializer: str, gain: float = 1.0) -> InitialValues:
    """Return initial values drawn by the initializer of that name, times `gain`."""
    return lambda shape, rng: gain * INITIALIZERS[initializer](shape, rng=rng)


class Step:
    """A pass over one position of a sequence, after passes over the positions before it.

    Their results are in arrays that are carried from step to step, by name: at first zeros.
    """

    def __init__(self, window: int, length: int | None = None) -> None:
        self.window = window
        """Number of positions of a sequence."""
        self.length = window if length is None else length
        """Number of positions that are computed with, from the first one: the step is at one of
        them."""
        self.position = leaf((1, 1))
        """The position of the step, from 0."""
        self.mask = leaf((self.length, 1))
        """0 up to the position of the step, -∞ beyond it."""
        self.before: dict[str, Symbol] = {}
        """The carried arrays as the step before left them."""
        self.after: dict[str, Symbol] = {}
        """The carried arrays for the next step."""
        self.growing: set[str] = set()
        """Names of the carried arrays that have a row for each position. A step writes one row, so
        that before and after may be the same array."""


class Scope:
    """The requests that a layer's formula can make while it is traced."""

    def __init__(
        self,
        path: str,
        variable: Callable[[str, Shape, InitialValues, bool], Symbol],
        noise: Noise | None,
        updates: dict[str, Symbol] | None,
        step: Step | None = None,
        observed: dict[str, Symbol] | None = None,
    ) -> None:
        self._path, self._variable, self._updates = path, variable, updates
        self._noise, self._observed = noise, observed
        self.step = step
        """The position of the pass; None in a pass over all positions."""

    @property
    def updates_running(self) -> bool:
        """Whether running arrays get new values: in a training pass, unless the layer is frozen."""
        return self._updates is not None

    def parameter(self, name: str, shape: Shape, initial: InitialValues) -> Symbol:
        """Return an array that is learned."""
        return self._variable(f"{self._path}.{name}", shape, initial, True)

    def running(self, name: str, shape: Shape, initial: InitialValues) -> Symbol:
        """Return an array that is carried from step to step, but not learned."""
        return self._variable(f"{self._path}.{name}", shape, initial, False)

    def update(self, name: str, value: Symbol) -> None:
        """Set the value that the running array of that name has from the next step on."""
        assert self._updates is not None
        self._updates[f"{self._path}.{name}"] = value

    def drop(self, x: Symbol, rate: float) -> Symbol:
        """Return x times a random mask in a training pass, else x itself."""
        if self._noise is None or rate == 0.0:
            return x
        if is_permuted(x):
            # The mask has the memory layout of x.
            return self.drop(x.inputs[0], rate).permute(x.details[0])
        return x * self._noise(x.shape, rate)

    def carried(self, name: str, shape: Shape) -> Symbol:
        """Return an array that the step before left behind with `carry`."""
        assert self.step is not None
        return self.step.before.setdefault(f"{self._path}.{name}", leaf(shape))

    def carry(self, name: str, value: Symbol) -> Symbol:
        """Leave the value of an array behind for the next step, and return it."""
        assert self.step is not None
        self.step.after[f"{self._path}.{name}"] = value
        return value

    def so_far(self, name: str, x: Symbol) -> Symbol:
        """Return x, `(n, length, …)`, at all positions: in a step, with x of all earlier steps, and
        zeros at later positions.
        """
        if self.step is None:
            return x
        self.step.growing.add(f"{self._path}.{name}")
        before = self.carried(name, (x.shape[0], self.step.length, *x.shape[2:]))
        return self.carry(name, with_row(before, x, self.step.position))

    def observe(self, x: Symbol) -> None:
        """Note the weights of this attention, `(n, heads, positions, memory positions)`."""
        if self._observed is not None:
            self._observed[self._path] = x

    def within(self, name: str) -> Scope:
        """Return the scope of a layer inside this one."""
        path = f"{self._path}.{name}"
        return Scope(path, self._variable, self._noise, self._updates, self.step, self._observed)


@dataclass(frozen=True, kw_only=True)
class Layer(Component):
    """A layer. A subclass with a `type` is known to the API by it."""

    table: ClassVar[dict[str, type[Layer]]] = {}
    inputs: ClassVar[tuple[int, int]] = (1, 1)
    """The smallest and the largest number of inputs."""
    steps: ClassVar[bool] = False
    """Whether `forward` can compute a sequence position by position, see `Step`."""

    name: str | None = None
    """None for type and position, as in dense_1."""
    input: str | tuple[str, ...] | None = None
    """None for the layer before; "input" is the network's input."""

    def forward(self, scope: Scope, *inputs: Any, **_: Any) -> Symbol:
        """Return the output, `(n, *shape)`, for inputs of such shapes.

        Raises ValueError, which says what is needed, for inputs that do not fit.
        """
        raise NotImplementedError


def require(fits: bool, needed: str) -> None:
    """Raise a ValueError that says what a layer needs, unless its input fits."""
    if not fits:
        raise ValueError(needed)
