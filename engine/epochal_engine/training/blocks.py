"""Epochs are handed over in blocks: a column for every metric, a row for every epoch."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from ..symbolic.trace import Array
from .snapshots import Gradients

LARGEST_BLOCK = 1_024
"""Epochs in a block, at most."""


@dataclass(frozen=True, eq=False)
class Block:
    """Consecutive epochs.

    `columns` are float64 arrays `(n,)`: train_loss, learning_rate and gradient_norm always;
    validation_loss with validation data; train_accuracy and validation_accuracy where the loss has
    one, and train_exact_match and validation_exact_match if its predictions are sequences. The
    training columns are means over the epoch's samples as they were met, with dropout on; the
    validation columns are of the network after the epoch.
    """

    first_epoch: int
    columns: dict[str, Array]
    gradients: Gradients | None
    """None where no snapshot falls into the block."""

    @property
    def last_epoch(self) -> int:
        """The last epoch in the block."""
        return self.first_epoch + len(self.columns["train_loss"]) - 1


def cut(block: Block, first: int, last: int) -> Block:
    """The part of a block from epoch `first` to epoch `last`, both included."""
    if first <= block.first_epoch and block.last_epoch <= last:
        return block
    first, last = max(first, block.first_epoch), min(last, block.last_epoch)
    rows = slice(first - block.first_epoch, last - block.first_epoch + 1)
    columns = {name: column[rows] for name, column in block.columns.items()}
    g = block.gradients
    if g is None:
        return Block(first, columns, None)
    selected = slice(*np.searchsorted(g.epochs, (first, last + 1)))
    if selected.start == selected.stop:
        return Block(first, columns, None)
    part = Gradients(g.epochs[selected], g.layers, g.statistics[selected], g.histogram[selected])
    return Block(first, columns, part)


def join(blocks: Sequence[Block]) -> Block:
    """One block of several that follow each other."""
    columns = {
        name: np.concatenate([block.columns[name] for block in blocks])
        for name in blocks[0].columns
    }
    seen = [block.gradients for block in blocks if block.gradients is not None]
    gradients = None
    if seen:
        gradients = Gradients(
            np.concatenate([g.epochs for g in seen]),
            seen[0].layers,
            np.concatenate([g.statistics for g in seen]),
            np.concatenate([g.histogram for g in seen]),
        )
    return Block(blocks[0].first_epoch, columns, gradients)
