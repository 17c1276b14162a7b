"""Label a learning rate by the curve of the training loss that it produced.

    too_low       the loss hardly changed
    slow          the loss fell, and had not settled at the end
    good          the loss fell and settled, or became very low
    oscillating   the loss rose about as much as it fell
    diverged      the loss ended above its start

The same number may be a good rate for Adam and too low for plain gradient descent. The label
therefore follows from the curve alone, by rules that compare the loss with itself.
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
"""A final loss of at most this fraction of the initial loss is low enough, whatever the curve."""
NOTICEABLE = 0.05
"""A decrease by less than this fraction of the initial loss counts as none."""
SETTLED = 0.05
"""A curve has settled if at most this fraction of its decrease is in the second half."""
OSCILLATING = 0.5
"""A curve oscillates from this ratio of all increases to all decreases."""
LARGE_RANGE = 0.25
"""A smaller range, relative to the initial loss, is the noise of batches and dropout."""


@dataclass(frozen=True)
class Label:
    """A label and its evidence. All ratios are NaN for a curve of one epoch."""

    name: LabelName
    final_loss_ratio: float
    """Median loss of the last quarter of the epochs divided by the initial loss."""
    late_decrease_fraction: float
    """Fraction of the total decrease that is in the second half; NaN without a decrease."""
    increase_decrease_ratio: float
    """Sum of all increases divided by the sum of all decreases; infinite without a decrease."""
    loss_range_ratio: float
    """Highest minus lowest loss, divided by the initial loss."""


def label(train_loss: ArrayLike, *, diverged: bool = False) -> Label:
    """Label a curve `(epochs,)` of the training loss; `diverged` is whether the run diverged.

    The first rule that holds decides:

        diverged      the run did, or a loss is not finite, or final_loss_ratio > 1 + NOTICEABLE
        good          final_loss_ratio ≤ LOW
        oscillating   increase_decrease_ratio ≥ OSCILLATING and loss_range_ratio ≥ LARGE_RANGE
        too_low       final_loss_ratio > 1 - NOTICEABLE
        good          late_decrease_fraction ≤ SETTLED
        slow          otherwise

    A curve of one epoch is too_low. The thresholds were fitted, in rounded numbers, to what
    2-8-8-1 with tanh does on two circles: Adam, 500 steps on all samples, is good from about .0013
    to .7 and diverges from about 3.2; plain gradient descent, 2,000 steps on batches of 10, is slow
    from about .0075 to .04 and good from there to about 2. Raises ValueError for an empty curve.
    """
    losses = np.asarray(train_loss, np.float64)
    if losses.ndim != 1 or len(losses) == 0:
        raise ValueError("a curve needs at least one epoch")
    evidence = _evidence(losses)
    has_diverged = diverged or not np.isfinite(losses).all()
    return Label("diverged" if has_diverged else _name(*evidence), *evidence)


def _name(final: float, late_decrease: float, increase_decrease: float, range_: float) -> LabelName:
    if final > 1.0 + NOTICEABLE:
        return "diverged"
    if final <= LOW:
        return "good"
    if increase_decrease >= OSCILLATING and range_ >= LARGE_RANGE:
        return "oscillating"
    if not final <= 1.0 - NOTICEABLE:
        return "too_low"
    return "good" if late_decrease <= SETTLED else "slow"


def _evidence(losses: Array) -> tuple[float, float, float, float]:
    """Return the ratios of a `Label`, in the order of its fields."""
    count = len(losses)
    if count < 2:
        return np.nan, np.nan, np.nan, np.nan
    with np.errstate(all="ignore"):
        final = np.median(losses[-max(count // 4, 1) :]) / losses[0]
        changes = np.diff(losses)
        decreases = -changes[changes < 0].sum()
        increases = changes[changes > 0].sum()
        total = losses[0] - losses[-1]
        late_decrease = (losses[count // 2] - losses[-1]) / total if total > 0 else np.nan
        if decreases > 0:
            increase_decrease = increases / decreases
        else:
            increase_decrease = np.inf if increases > 0 else 0.0
        range_ = (losses.max() - losses.min()) / losses[0]
    return float(final), float(late_decrease), float(increase_decrease), float(range_)
