"""An ONNX graph under construction: operators in order, and the constants that they read."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple, TypeAlias

import numpy as np
from numpy.typing import ArrayLike

from ..symbolic.trace import Array

INPUT, OUTPUT = "input", "output"

Axes: TypeAlias = tuple[int, ...]

_TYPES = {"float32": 1, "int64": 7}
"""TensorProto.FLOAT and TensorProto.INT64."""


class Operator(NamedTuple):
    """One node of the graph."""

    type: str
    inputs: tuple[str, ...]
    outputs: tuple[str, ...]
    attributes: dict[str, Any]


class Graph:
    """Operators in order, and the constants that they read. Arrays are known by name."""

    def __init__(self, weights: Mapping[str, Array]) -> None:
        self.weights = weights
        self.operators: list[Operator] = []
        self.constants: dict[str, Array] = {}
        self.part = INPUT
        """The name of the current line; the names of its operators begin with it."""
        self._permuted: dict[tuple[str, Axes], str] = {}
        self._source: dict[str, tuple[str, Axes]] = {}

    def apply(self, operator: str, *inputs: str, output: int = 0, **attributes: Any) -> str:
        """Add an operator and return its output of that index."""
        name = f"{self.part}/{operator}_{len(self.operators)}"
        self.operators.append(Operator(operator, inputs, ("",) * output + (name,), attributes))
        return name

    def constant(self, name: str, array: ArrayLike, dtype: str = "float32") -> str:
        """Add an array that is part of the file, and return its name.

        Raises `OverflowError` for finite numbers beyond the range of the type.
        """
        with np.errstate(over="ignore"):
            self.constants[name] = np.asarray(array, dtype)
        if np.isfinite(array).all() and not np.isfinite(self.constants[name]).all():
            raise OverflowError(f"{name} has numbers beyond the range of {dtype}")
        return name

    def integers(self, *numbers: int) -> str:
        """Add a constant of integers, as for axes and shapes, and return its name."""
        return self.constant("_".join(["whole", *map(str, numbers)]), numbers, "int64")

    def cast(self, x: str, dtype: str) -> str:
        """Return x as "float32" or "int64"."""
        return self.apply("Cast", x, to=_TYPES[dtype])

    def permute(self, x: str, axes: Axes) -> str:
        """Return x with its axes in another order. Undoing a permutation adds no operator."""
        unmoved = tuple(range(len(axes)))
        source, before = self._source.get(x, (x, unmoved))
        order = tuple(before[i] for i in axes)
        if order == unmoved:
            return source
        if (source, order) not in self._permuted:
            y = self.apply("Transpose", source, perm=order)
            self._permuted[source, order], self._source[y] = y, (source, order)
        return self._permuted[source, order]

    def elementwise(self, operator: str, *inputs: str, **attributes: Any) -> str:
        """Add an element-wise operator and return its output.

        If all inputs are permuted alike, the operator reads what they were permuted from, and its
        output is permuted instead.
        """
        sources = [self._source.get(x, (x, ())) for x in inputs]
        axes = sources[0][1]
        if not axes or any(order != axes for _, order in sources):
            return self.apply(operator, *inputs, **attributes)
        return self.permute(self.apply(operator, *(x for x, _ in sources), **attributes), axes)

    def needed(self, output: str) -> list[Operator]:
        """Return the operators that an output depends on, in order."""
        names, operators = {output}, []
        for operator in reversed(self.operators):
            if names.intersection(operator.outputs):
                names.update(operator.inputs)
                operators.append(operator)
        return operators[::-1]
