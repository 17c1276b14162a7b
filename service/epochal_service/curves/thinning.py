"""Which checkpoints of a job stay if it has `snapshots.thin_weights_after`.

A job stores a checkpoint every `weights_every` epochs, and all of them stay. With thinning, the
latest ones stay, and earlier ones at doubling distances: of a million epochs with `weights_every` 1
and the latest 10, about 30 checkpoints. Which ones follows from the epoch alone, so that a job that
was interrupted has the same ones as another.

    epoch / weights_every   0  1  2  .  4  .  .  .  8  .  .  .  .  .  14 15 16 17 18
"""

from __future__ import annotations


def superseded(epoch: int, every: int, after: int | None) -> int | None:
    """Return the epoch of the checkpoint to delete when `epoch` is stored; None for none.

    `every` is the number of epochs between two checkpoints, and the latest `after` of them stay.
    """
    if after is None:
        return None
    number = epoch // every - after
    is_power_of_two = number & (number - 1) == 0
    return None if number < 1 or is_power_of_two else number * every


def remaining(count: int, after: int | None) -> int:
    """Return how many of `count` checkpoints stay, besides epoch 0 and the end."""
    if after is None or count <= after:
        return count
    return after + (count - after).bit_length()
