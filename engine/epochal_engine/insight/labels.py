"""Label a learning rate by the curve of the training loss that it produced.

    too_low       the loss hardly changed
    slow          the loss fell, and had not settled at the end
    good          the loss fell and settled, or became very low
    oscillating   the loss rose about as much as it fell
    diverged      the loss ended above its start

The same number may be a good rate for Adam and too low for plain gradient descent. The label
therefore follows from the curve, by rules that compare it with three other losses where they are
known: the loss before the first step, because the first epoch may have ruined the network; the loss
of the best constant, because a network that only learned a constant has learned nothing from its
inputs; and the best loss of other rates.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal, TypeAlias, get_args

import numpy as np
from numpy.typing import ArrayLike

from ..symbolic.trace import Array

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
OVERSHOOT = 2.0
"""A first epoch with more than this factor of the loss before the first step has raised the loss.
A lower one may owe it to dropout."""
FAR = 0.25
"""A rate is not good if the best rate decreased the loss further by more than this fraction."""


@dataclass(frozen=True)
class Label:
    """A label and its evidence. All ratios are NaN for a curve of one epoch, and those to the
    initial loss for one that is 0 throughout.
    """

    name: LabelName
    final_loss_ratio: float
    """Median loss of the last quarter of the epochs divided by the initial loss."""
    late_decrease_fraction: float
    """Fraction of the total decrease that is in the second half; NaN without a decrease. Where the
    loss of the best constant is known and lower than the initial loss, the decrease below it.
    """
    increase_decrease_ratio: float
    """Sum of all increases divided by the sum of all decreases; infinite without a decrease."""
    loss_range_ratio: float
    """Highest minus lowest loss, divided by the initial loss."""
    constant_loss_ratio: float
    """Median loss of the last quarter divided by the loss of the best constant; NaN if not
    known."""
    missing_decrease_fraction: float
    """Fraction of the best rate's decrease that this one lacks; NaN if not known."""


def final_loss(train_loss: ArrayLike) -> float:
    """Return the median loss of the last quarter of the epochs."""
    losses = np.asarray(train_loss, np.float64)
    return float(np.median(losses[-max(len(losses) // 4, 1) :]))


def best_final_loss(runs: Iterable[tuple[ArrayLike, bool]]) -> float | None:
    """Return the lowest `final_loss` of several runs; None if all diverged.

    Each is its curve and whether it diverged.
    """
    finals = [final_loss(curve) for curve, diverged in runs if not diverged]
    return min((loss for loss in finals if np.isfinite(loss)), default=None)


def label(
    train_loss: ArrayLike,
    *,
    diverged: bool = False,
    initial: float | None = None,
    constant: float | None = None,
    best: float | None = None,
) -> Label:
    """Label a curve `(epochs,)` of the training loss; `diverged` is whether the run diverged.

    `initial` is the loss before the first step, `constant` the loss of the best constant
    prediction, `best` the lowest `final_loss` among the rates that are compared; each may be
    unknown. The initial loss of the ratios is the loss before the first step, or the first of the
    curve if that is unknown or is higher by no more than the noise of dropout.

    The first rule that holds decides:

        diverged      the run did, or a loss is not finite, or final_loss_ratio > 1 + NOTICEABLE
        good          the final loss ≤ LOW · the lower of initial and constant loss
        oscillating   increase_decrease_ratio ≥ OSCILLATING and loss_range_ratio ≥ LARGE_RANGE
        too_low       final_loss_ratio > 1 - NOTICEABLE
        slow          constant_loss_ratio > 1 - NOTICEABLE, or missing_decrease_fraction > FAR
        good          late_decrease_fraction ≤ SETTLED
        slow          otherwise

    Only a rate whose missing_decrease_fraction is at most FAR is good by the second rule. A curve
    of one epoch is too_low. The thresholds were fitted, in rounded numbers, to runs of 2-8-8-1 with
    tanh on two circles; `docs/explorers.md` has the bands. Raises ValueError for an empty curve.
    """
    losses = np.asarray(train_loss, np.float64)
    if losses.ndim != 1 or len(losses) == 0:
        raise ValueError("a curve needs at least one epoch")
    evidence = _evidence(losses, initial, constant, best)
    has_diverged = diverged or not np.isfinite(losses).all()
    return Label("diverged" if has_diverged else _name(*evidence), *evidence)


def _name(
    final: float,
    late_decrease: float,
    increase_decrease: float,
    range_: float,
    of_constant: float,
    missing: float,
) -> LabelName:
    if final > 1.0 + NOTICEABLE:
        return "diverged"
    # A comparison with NaN, an unknown loss, is false.
    if max(final, of_constant) <= LOW and not missing > FAR:
        return "good"
    if increase_decrease >= OSCILLATING and range_ >= LARGE_RANGE:
        return "oscillating"
    if not final <= 1.0 - NOTICEABLE:
        return "too_low"
    if of_constant > 1.0 - NOTICEABLE or missing > FAR:
        return "slow"
    return "good" if late_decrease <= SETTLED else "slow"


def _evidence(
    losses: Array, initial: float | None, constant: float | None, best: float | None
) -> tuple[float, float, float, float, float, float]:
    """Return the ratios of a `Label`, in the order of its fields."""
    count = len(losses)
    if count < 2:
        return np.nan, np.nan, np.nan, np.nan, np.nan, np.nan
    start = float(losses[0])
    with np.errstate(all="ignore"):
        changes = np.diff(losses)
        if initial is not None and np.isfinite(initial):
            if start > OVERSHOOT * initial:
                changes = np.concatenate([[start - initial], changes])
                start = initial
            else:
                start = max(start, initial)
        last = final_loss(losses)
        decreases = -changes[changes < 0].sum()
        increases = changes[changes > 0].sum()
        # A network first learns the constant, from wherever it starts: that is not counted.
        reference = min(start, constant) if constant is not None and constant > 0 else start
        total = reference - losses[-1]
        middle = min(losses[count // 2], reference)
        late_decrease = (middle - losses[-1]) / total if total > 0 else np.nan
        if decreases > 0:
            increase_decrease = increases / decreases
        else:
            increase_decrease = np.inf if increases > 0 else 0.0
        # A single sample may have an initial loss of 0: the ratio to it is NaN, or infinite.
        final, range_ = np.divide([last, losses.max() - losses.min()], start)
        of_constant = last / constant if constant is not None and constant > 0 else np.nan
        missing = (last - best) / (start - best) if best is not None and start > best else np.nan
    return (
        float(final),
        float(late_decrease),
        float(increase_decrease),
        float(range_),
        float(of_constant),
        float(missing),
    )
