"""What a curve of the training loss says of the learning rate that drew it.

    too_low       the loss hardly moved
    slow          it falls, and would have gone on falling
    good          it came down, or down as far as it goes and settled there
    oscillating   what the steps gained they lost again
    diverged      it ended above where it began

No rate is good by its number: .01 is a good rate for Adam where plain gradient descent crawls with
it. So the label is read off the curve, by rules that compare the loss with itself alone.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, TypeAlias, get_args

import numpy as np
from numpy.typing import ArrayLike

from .trace import Array

LabelName: TypeAlias = Literal["too_low", "slow", "good", "oscillating", "diverged"]
LABELS: tuple[LabelName, ...] = get_args(LabelName)
"""All labels, from the lowest learning rate to the highest."""

LOW = 0.25
"""A loss that came down to this share of the first one is low enough, whatever it does then."""
NOTICEABLE = 0.05
"""A fall by less than this share of the first loss is none."""
SETTLED = 0.05
"""Of the whole fall, the share in the last half of the curve up to which it counts as settled."""
UNDONE = 0.5
"""Of all that the loss fell, the share by which it rose again from which on it oscillates."""
SWING = 0.25
"""Ups and downs within this share of the first loss are the noise of batches and dropout."""


@dataclass(frozen=True)
class Label:
    """A label, and the numbers that it was read from. All are NaN for a curve of one epoch."""

    name: LabelName
    level: float
    """The median of the last quarter over the first loss."""
    late: float
    """The share of the whole fall that came in the last half; NaN where nothing fell."""
    undone: float
    """All rises added up, over all falls added up; infinite where nothing fell."""
    swing: float
    """The highest loss less the lowest, over the first."""


def label(train_loss: ArrayLike, *, diverged: bool = False) -> Label:
    """The label of a curve `(epochs,)` of the training loss; `diverged` tells how the run ended.

    With the numbers of a `Label`, the first rule that holds decides:

        diverged      the run did, or a loss is not finite, or level > 1 + NOTICEABLE
        good          level ≤ LOW
        oscillating   undone ≥ UNDONE and swing ≥ SWING
        too_low       level > 1 - NOTICEABLE
        good          late ≤ SETTLED
        slow          otherwise

    One epoch tells nothing: it is too_low. The thresholds were fitted, in rounded numbers, to what
    2-8-8-1 with tanh does on two circles: Adam, 500 steps on all samples, is good from about .0013
    to .7 and diverges from about 3.2; plain gradient descent, 2,000 steps on batches of 10, is slow
    from about .0075 to .04 and good from there to about 2. Raises ValueError for an empty curve.
    """
    losses = np.asarray(train_loss, np.float64)
    if losses.ndim != 1 or len(losses) == 0:
        raise ValueError("a curve needs at least one epoch")
    if diverged or not np.isfinite(losses).all():
        return Label("diverged", *_evidence(losses))
    evidence = _evidence(losses)
    return Label(_name(*evidence), *evidence)


def _name(level: float, late: float, undone: float, swing: float) -> LabelName:
    if level > 1.0 + NOTICEABLE:
        return "diverged"
    if level <= LOW:
        return "good"
    if undone >= UNDONE and swing >= SWING:
        return "oscillating"
    if not level <= 1.0 - NOTICEABLE:
        return "too_low"
    return "good" if late <= SETTLED else "slow"


def _evidence(losses: Array) -> tuple[float, float, float, float]:
    count = len(losses)
    if count < 2:
        return np.nan, np.nan, np.nan, np.nan
    with np.errstate(all="ignore"):
        level = np.median(losses[-max(count // 4, 1) :]) / losses[0]
        changes = np.diff(losses)
        falls = -changes[changes < 0].sum()
        rises = changes[changes > 0].sum()
        fall = losses[0] - losses[-1]
        late = (losses[count // 2] - losses[-1]) / fall if fall > 0 else np.nan
        undone = rises / falls if falls > 0 else np.inf if rises > 0 else 0.0
        swing = (losses.max() - losses.min()) / losses[0]
    return float(level), float(late), float(undone), float(swing)
