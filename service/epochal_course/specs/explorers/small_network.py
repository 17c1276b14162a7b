"""A network that is small enough to show each of its numbers, with its weights and one input."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from epochal_service.specs.base import Matches, Seed, Spec
from epochal_service.specs.networks import NetworkSpec

Value = Annotated[float, Field(ge=-1e6, le=1e6)]
LayerPath = Annotated[
    str,
    Matches(
        r"[a-z][a-z0-9_]{0,39}(\.[a-z][a-z0-9_]{0,39}){0,4}",
        "must be the name of a layer, such as dense_1, or of one within another, such as "
        "residual_2.dense_1",
    ),
]


class GivenWeights(Spec):
    """The parameters of one layer. Parameters that are left out keep their initial values."""

    layer: LayerPath
    """The name of the layer, e.g. `dense_1`, or `residual_2.dense_1` within a residual."""
    weight: list[list[Value]] | None = Field(default=None, min_length=1, max_length=2048)
    """Weight matrix of a `dense` layer: a row for each input, a column for each unit."""
    bias: list[Value] | None = Field(default=None, min_length=1, max_length=2048)
    """Biases of a `dense` layer: one for each unit."""
    scale: list[Value] | None = Field(default=None, min_length=1, max_length=2048)
    """Scales of a `layer_norm` layer: one for each feature."""
    shift: list[Value] | None = Field(default=None, min_length=1, max_length=2048)
    """Shifts of a `layer_norm` layer: one for each feature."""


class SmallNetworkSpec(Spec):
    """A network of `dense`, `activation`, `dropout`, `layer_norm`, `residual`, `flatten`,
    `reshape`, `slice`, `add` and `concatenate` layers. One sample takes at most 2,000
    multiplications.
    """

    network: NetworkSpec
    """The network: its input shape and its layers."""
    input: list[Value] = Field(min_length=1, max_length=2048)
    """The numbers of one sample in row-major order."""
    weights_from: Literal["seed", "pattern"] = "seed"
    """Source of the initial parameters. `seed`: the initial parameters of a job with this seed.
    `pattern`: numbers that can be worked out by hand. In dense layer l, the weight of input i and
    unit o is 0.1·((3·o + 5·i + 7·l) mod 11 - 5), and the bias of unit o is
    0.1·((o + l) mod 3 - 1), with all indices from 0. Default `seed`.
    """
    seed: Seed = 0
    """Random seed of the initial parameters. Unused if `weights_from` is `pattern`. Default 0."""
    weights: list[GivenWeights] = Field(default_factory=list, max_length=64)
    """Parameters that replace the initial ones, layer by layer. Default none."""
