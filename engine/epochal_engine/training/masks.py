"""The dropout masks of a training step: how many numbers are drawn for them, and in which order."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass

from ..model.layers import Scope
from ..model.layers.layer import InitialValues
from ..model.network import INPUT, Network, merged_leaves
from ..symbolic.trace import Shape, Symbol, is_permuted, leaf
from .step import input_leaf


@dataclass(frozen=True)
class Mask:
    """One mask: drawn with the `drawn` shape, where axis `batch` counts samples, and then
    transposed by `axes`."""

    path: str
    """The layer, as in `residual_2.dropout_1`."""
    rate: float
    drawn: Shape
    """For two samples; see `drawn_for`."""
    axes: Shape

    @property
    def layer(self) -> str:
        """The layer of the network that has the mask, or has the inner layer that has it."""
        return self.path.partition(".")[0]

    @property
    def batch(self) -> int:
        """The axis of the samples in the `drawn` shape."""
        return self.axes[0]

    def drawn_for(self, samples: int) -> Shape:
        """Return the `drawn` shape for `samples`."""
        return (*self.drawn[: self.batch], samples, *self.drawn[self.batch + 1 :])

    @property
    def size(self) -> int:
        """The numbers drawn for one sample."""
        return math.prod(self.drawn_for(1))


class _Scope(Scope):
    """A scope that notes the masks that layers draw."""

    def __init__(self, path: str, parameters: Mapping[str, Symbol], masks: list[Mask]) -> None:
        def variable(name: str, shape: Shape, initial: InitialValues, is_learned: bool) -> Symbol:
            return parameters[name]

        super().__init__(path, variable, lambda shape, rate: leaf(shape), {})
        self._parameters, self._masks = parameters, masks

    def drop(self, x: Symbol, rate: float) -> Symbol:
        if rate == 0.0:
            return x
        axes, inner = tuple(range(len(x.shape))), x
        while is_permuted(inner):
            (order,) = inner.details
            axes, inner = tuple(order[axis] for axis in axes), inner.inputs[0]
        self._masks.append(Mask(self._path, rate, inner.shape, axes))
        return (inner * leaf(inner.shape)).permute(axes)

    def within(self, name: str) -> Scope:
        return _Scope(f"{self._path}.{name}", self._parameters, self._masks)


def masks_of(network: Network) -> list[Mask]:
    """Return the masks of a step on two samples, in the order in which they are drawn."""
    masks: list[Mask] = []
    # As a training step is traced: that decides in which order of axes masks are drawn.
    _, x = input_leaf(network, 2)
    _, parameters = merged_leaves(network)
    outputs = {INPUT: x}
    for name, layer, inputs in zip(network.names, network.layers, network.inputs, strict=True):
        scope = _Scope(name, parameters, masks)
        outputs[name] = layer.forward(scope, *(outputs[other] for other in inputs))
    return masks
