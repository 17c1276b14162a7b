"""A training so short that it needs no job."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import BeforeValidator, Discriminator, Field, Tag

from ..base import LossName, Seed, Spec
from ..datasets import GeneratorSpec
from ..networks import DenseSpec, NetworkSpec
from .small_network import Value


def _rows(targets: object) -> object:
    """A plain list of numbers says the same as a list of rows with one number each."""
    if isinstance(targets, list):
        return [[t] if isinstance(t, int | float) else t for t in targets]
    return targets


class RowsSpec(Spec):
    """A few rows, in the request itself."""

    inputs: list[list[Value]] = Field(min_length=1, max_length=2000)
    """A row of features for each sample; at most 2,000 rows, all of one length."""
    targets: Annotated[list[list[Value]], BeforeValidator(_rows)] = Field(
        min_length=1, max_length=2000
    )
    """One row for each input row: a number, a class label (0, 1, 2 …), or a one-hot row."""


def _kind(value: Any) -> str:
    has = value.keys() if isinstance(value, dict) else set(dir(value))
    return "@inputs" if {"inputs", "targets"} & set(has) else "@name"


ShortDataset = Annotated[
    Annotated[GeneratorSpec, Tag("@name")] | Annotated[RowsSpec, Tag("@inputs")],
    Discriminator(_kind),
]

CIRCLES = GeneratorSpec(name="circles", samples=200, noise=0.05)
"""Two rings, one within the other."""
TWO_8_8_1 = NetworkSpec(
    input_shape=[2],
    layers=[
        DenseSpec(type="dense", units=8, activation="tanh"),
        DenseSpec(type="dense", units=8, activation="tanh"),
        DenseSpec(type="dense", units=1, activation="sigmoid"),
    ],
)


class ShortRunSpec(Spec):
    """What is trained, and on what. Recurrent layers and attention need a job."""

    network: NetworkSpec = TWO_8_8_1
    """At most 16 layers, 256 units in each, and 20,000 parameters; recurrent layers and attention
    need a job. 2-8-8-1 with tanh by default."""
    dataset: ShortDataset = CIRCLES
    """A built-in data set or generator, or rows; at most 2,000 samples, taken as they are. Two
    circles by default, one within the other."""
    loss: LossName = "binary_cross_entropy"
    """What training makes small; it must fit the last layer and the data."""
    batch_size: int | None = Field(default=None, ge=1)
    """Samples in one step; all of them by default."""
    seed: Seed = 0
    """Starts the generators of first weights, shuffling and dropout: the same seed, the same run.
    """
