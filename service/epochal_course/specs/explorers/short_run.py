"""The network and the data of a training run within one call."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import BeforeValidator, Discriminator, Field, Tag

from epochal_service.specs.base import LossName, Seed, Spec
from epochal_service.specs.datasets import GeneratorSpec
from epochal_service.specs.networks import DenseSpec, NetworkSpec

from .small_network import Value


def _rows(targets: object) -> object:
    """Return a list of numbers as a list of rows with one number each."""
    if isinstance(targets, list):
        return [[t] if isinstance(t, int | float) else t for t in targets]
    return targets


class RowsSpec(Spec):
    """Inline data."""

    inputs: list[list[Value]] = Field(min_length=1, max_length=2000)
    """The inputs: 1 to 2,000 rows of features, all of equal length."""
    targets: Annotated[list[list[Value]], BeforeValidator(_rows)] = Field(
        min_length=1, max_length=2000
    )
    """The targets, one for each input: a number, a class label (0, 1, 2 …), a one-hot row, or
    0 or 1 for each of several binary outputs.
    """


def _kind(value: Any) -> str:
    has = value.keys() if isinstance(value, dict) else set(dir(value))
    return "@inline" if {"inputs", "targets"} & set(has) else "@builtin"


ShortDataset = Annotated[
    Annotated[GeneratorSpec, Tag("@builtin")] | Annotated[RowsSpec, Tag("@inline")],
    Discriminator(_kind),
]

CIRCLES = GeneratorSpec(name="circles", samples=200, noise=0.05)
"""Two concentric circles."""
TWO_8_8_1 = NetworkSpec(
    input_shape=[2],
    layers=[
        DenseSpec(type="dense", units=8, activation="tanh"),
        DenseSpec(type="dense", units=8, activation="tanh"),
        DenseSpec(type="dense", units=1, activation="sigmoid"),
    ],
)


class ShortRunSpec(Spec):
    """The network and the data of a short run. Recurrent and attention layers need a job."""

    network: NetworkSpec = TWO_8_8_1
    """The network. At most 16 layers of at most 256 units, and 20,000 parameters. Default 2-8-8-1
    with tanh."""
    dataset: ShortDataset = CIRCLES
    """The data: a built-in data set, a generator, or inline rows. At most 2,000 samples, which are
    not standardized. Default two concentric circles."""
    loss: LossName = "binary_cross_entropy"
    """The loss function to minimize. It must fit the last layer and the data. Default
    `binary_cross_entropy`."""
    batch_size: int | None = Field(default=None, ge=1)
    """Number of samples per step. Defaults to all samples."""
    seed: Seed = 0
    """Random seed of initial weights, shuffling and dropout. Default 0."""
