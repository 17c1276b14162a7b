"""A network so small that all of its numbers can be looked at, with its weights and an input."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from ..base import Seed, Spec
from ..networks import NetworkSpec

Value = Annotated[float, Field(ge=-1e6, le=1e6)]
LayerPath = Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]{0,39}(\.[a-z][a-z0-9_]{0,39}){0,4}$")]


class GivenWeights(Spec):
    """The weights of one layer; what is left out stays as it was drawn."""

    layer: LayerPath
    """Its name, e.g. `dense_1`; within a residual `residual_2.dense_1`."""
    weight: list[list[Value]] | None = Field(default=None, min_length=1, max_length=2048)
    """`dense`: a row for each input, a column for each unit, as in a checkpoint."""
    bias: list[Value] | None = Field(default=None, min_length=1, max_length=2048)
    """`dense`: one for each unit."""
    scale: list[Value] | None = Field(default=None, min_length=1, max_length=2048)
    """`layer_norm`: one for each feature."""
    shift: list[Value] | None = Field(default=None, min_length=1, max_length=2048)
    """`layer_norm`: one for each feature."""


class SmallNetworkSpec(Spec):
    """A network of `dense`, `activation`, `dropout`, `layer_norm`, `residual`, `flatten`,
    `reshape`, `slice`, `add` and `concatenate` layers, in which one sample meets at most 2,000
    weights.
    """

    network: NetworkSpec
    """The shape of the input, and the layers in order."""
    input: list[Value] = Field(min_length=1, max_length=2048)
    """The numbers of one sample, in the order of its axes, the last one fastest."""
    weights_from: Literal["seed", "pattern"] = "seed"
    """`seed`: as a job with this seed would start. `pattern`: numbers that anybody can work out: in
    dense layer l, W of unit o and input i is 0.1·((3·o + 5·i + 7·l) mod 11 - 5), and the bias of
    unit o is 0.1·((o + l) mod 3 - 1), all counted from 0.
    """
    seed: Seed = 0
    """From which the first weights are drawn; without effect where `weights_from` is `pattern`."""
    weights: list[GivenWeights] = Field(default_factory=list, max_length=64)
    """Weights that are given; they take the place of those drawn."""
