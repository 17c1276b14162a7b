"""Request and reply of the method that returns the random numbers of an epoch."""

from __future__ import annotations

from pydantic import Field

from .base import AugmentationName, CorruptionName, EpochNumber, Reply, Request
from .inspection import LayerChoice


class GetRandomDrawsRequest(Request):
    """Epoch, batch and layer of random draws."""

    epoch: EpochNumber | None = Field(default=None, ge=1)
    """A stored epoch, from 1. Defaults to the latest."""
    batch: int | None = Field(default=None, ge=0, lt=2**31)
    """Position of a batch in the epoch, from 0: also return the dropout masks, the augmentation and
    the corruption of its samples. Absent by default.
    """
    layer: LayerChoice | None = None
    """Name of a layer with dropout masks, or `input` for the augmentation and the corruption. Needs
    `batch`. Defaults to all.
    """


class MaskDraws(Reply):
    """A dropout mask of one batch."""

    layer: str
    """Name of the layer; inner layers have the name of the outer one before it, such as
    `residual_2.dropout_1`. A layer with several masks has several entries, in the order in which it
    draws them.
    """
    rate: float
    """Fraction of inputs set to zero."""
    shape: list[int]
    """Shape of the mask: the samples of the batch come first."""
    values: list[float]
    """Elements in row-major order: 0, or 1 / (1 - rate)."""


class AugmentationDraws(Reply):
    """The draws of an augmentation for the samples of one batch."""

    type: AugmentationName
    """Type of the augmentation."""
    shape: list[int]
    """Shape of the draws: the samples of the batch come first."""
    values: list[float]
    """Elements in row-major order. `shift`: the distance along each axis. `noise`: what is added to
    each number, in units of the network's inputs. `flip`: 1 for a mirrored sample, else 0.
    """


class CorruptionDraws(Reply):
    """The draws of the corruption for the samples of one batch."""

    type: CorruptionName
    """Type of the corruption."""
    shape: list[int]
    """Shape of the draws: the samples of the batch come first."""
    values: list[float]
    """Elements in row-major order. `mask`: a number in [0, 1) for each position; the positions with
    the lowest numbers are masked. `diffuse`: the step, then the noise of each feature.
    """


class RandomDraws(Reply):
    """The random draws of one epoch."""

    epoch: int
    """Epoch that drew them, from 1."""
    order: list[int]
    """Rows of the training samples in the data set, from 0, in the order in which the epoch takes
    them.
    """
    batch_size: int
    """Samples in a batch: the first batch has the first `batch_size` rows of `order`, and so on;
    the last one has the rest.
    """
    batches: int
    """Number of batches."""
    masks: list[MaskDraws]
    """Dropout masks of the batch, in the order in which they are drawn; empty without `batch`."""
    augmentation: list[AugmentationDraws]
    """Augmentation of the samples of the batch, in the order in which it is applied; empty without
    `batch`.
    """
    corruption: CorruptionDraws | None = None
    """Corruption of the samples of the batch. Absent without a corruption, and without `batch`."""
