"""Causes in the steps: a learning rate or a schedule that does not fit, and single bad steps."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from ...symbolic.trace import Array
from ..labels import SETTLED
from .hypothesis import Hypothesis
from .observation import Observation
from .remedies import Remedy, learning_rate, setting

UNUSUAL = 100.0
"""A rate is suspect above this many times the usual one, even if the training loss is low."""
SETTLED_HIGH = 0.3
"""A rate may be too high if the training loss stays above this fraction of a constant's loss."""
LOW_RATE = 0.1
"""A rate may be too low below this fraction of the usual one."""
SPIKE = 2.0
"""A loss is a spike if it exceeds this many times the median of the epochs around it."""
SPIKES = 3
"""A run has spikes from this number; one or two may be chance."""
JUMP = 0.05
"""A spike does harm, whatever the end, if it rises by this fraction of the loss of a constant."""
BETWEEN = 0.5
"""Between spikes the loss is at most this fraction of a constant's loss; else it never fell."""
STEADY = 0.3
"""Between spikes the loss changes by at most this fraction an epoch; else it oscillates."""
WINDOW = 11
"""Epochs around a spike; their median is the usual loss."""
DECAYED = 0.05
"""A schedule stalls a run if the rate at the middle of it is below this fraction of the first."""

CLIPPED = 3.0
"""Clipping is tight if the median gradient norm is more than this many times what it allows."""
FEW_STEPS = 4
"""Batches are large if an epoch has at most this many steps..."""
LARGE_BATCH = 64
"""... of more samples than this."""


def tight_clipping(run: Observation) -> Iterator[Hypothesis]:
    """Find clipping that makes nearly every step far smaller than the learning rate says."""
    training = run.job.training
    norms = np.asarray(run.columns["gradient_norm"], np.float64)
    limits = []
    if training.clip_norm is not None:
        limits.append(training.clip_norm)
    if training.clip_value is not None:
        limits.append(training.clip_value * run.job.network.changing_size**0.5)
    if not limits or not np.isfinite(norms).all():
        return
    norm = float(np.median(norms))
    if not norm > CLIPPED * min(limits):
        return
    yield Hypothesis(
        "tight_clipping",
        f"The gradient norm has a median of {norm:.2g}, and clipping allows {min(limits):.2g}: "
        f"steps are {norm / min(limits):.2g} times as small as the learning rate says.",
        (
            setting("Train without clipping.", {"clipping": {"norm": None, "value": None}}),
            setting(
                "Clip the gradient to a norm of at most 1.",
                {"clipping": {"norm": 1.0, "value": None}},
            ),
        ),
    )


def large_batches(run: Observation) -> Iterator[Hypothesis]:
    """Find batches so large that a run has too few steps, with an ordinary learning rate."""
    training = run.job.training
    samples = len(run.job.data.train_inputs)
    batch = training.samples_per_step(samples)
    steps = -(-samples // batch)
    usual = training.optimizer.usual_rate
    if steps > FEW_STEPS or batch <= LARGE_BATCH or run.diverged:
        return
    if training.optimizer.learning_rate < LOW_RATE * usual:  # the rate is the cause
        return
    yield Hypothesis(
        "large_batches",
        f"A batch is {batch} of {samples} samples, so the whole run of {len(run.train_loss)} "
        f"epochs had {steps * len(run.train_loss)} steps.",
        tuple(
            setting(f"Lower the batch size to {size}.", {"batch_size": size}) for size in (32, 8)
        ),
    )


def learning_rate_too_high(run: Observation) -> Iterator[Hypothesis]:
    """Find a training loss that oscillates or diverges, or a rate far above the usual one."""
    rate = run.job.training.optimizer.learning_rate
    if run.label.name == "diverged":
        observed = f"The training loss diverged: the learning rate {rate:g} is too high."
    elif run.label.name == "oscillating":
        observed = (
            f"The training loss rose about as much as it fell: the learning rate {rate:g} is too "
            "high."
        )
    elif (
        run.final_train_loss > SETTLED_HIGH * run.constant_loss
        or rate > UNUSUAL * run.job.training.optimizer.usual_rate
    ):
        observed = (
            f"The loss ended at {run.watched_loss[-1]:.3g}: the learning rate {rate:g} is too high "
            "to go lower."
        )
    else:
        return
    usual = run.job.training.optimizer.usual_rate
    rates = {rate / 3.0, rate / 10.0, rate / 100.0}
    rates |= {lower for lower in (usual, usual / 10.0) if lower < rate}
    yield Hypothesis(
        "learning_rate_too_high",
        observed,
        tuple(learning_rate(rate, lower) for lower in sorted(rates, reverse=True)),
        is_certain=run.label.name == "diverged",
    )


def learning_rate_too_low(run: Observation) -> Iterator[Hypothesis]:
    """Find a training loss that hardly fell, or was still falling at the end."""
    if run.diverged or len(run.train_loss) < 2:
        return
    optimizer, label = run.job.training.optimizer, run.label
    rate, usual = optimizer.learning_rate, optimizer.usual_rate
    if label.name == "too_low":
        observed = f"The training loss hardly fell: the learning rate {rate:g} is too low."
    elif label.name == "slow" and label.late_decrease_fraction > SETTLED:
        observed = (
            f"{label.late_decrease_fraction:.0%} of the fall of the training loss is in the second "
            f"half of the epochs: the learning rate {rate:g} is low."
        )
    elif label.name == "slow":
        observed = (
            f"The training loss ended at {run.train_loss[-1]:.3g}, hardly below that of a "
            f"constant: the learning rate {rate:g} is low."
        )
    elif rate < LOW_RATE * usual:
        observed = (
            f"The learning rate {rate:g} is {rate / usual:.2g} times the usual one of "
            f"{optimizer.type}, {usual:g}."
        )
    else:
        return
    # A rate that is lower by many orders of magnitude is replaced by the usual one.
    rates = (3.0 * rate, 10.0 * rate, 100.0 * rate, max(1000.0 * rate, usual))
    yield Hypothesis(
        "learning_rate_too_low", observed, tuple(learning_rate(rate, higher) for higher in rates)
    )


def loss_spikes(run: Observation) -> Iterator[Hypothesis]:
    """Find losses that jump up for a few epochs and return."""
    if run.diverged or len(run.train_loss) < 2 * WINDOW:
        return
    optimizer = run.job.training.optimizer
    if optimizer.learning_rate > UNUSUAL * optimizer.usual_rate:  # the rate is the cause
        return
    spikes = _spikes(run.train_loss)
    changes = np.abs(np.diff(run.train_loss)) / np.maximum(run.train_loss[1:], 1e-300)
    if len(spikes) < SPIKES or np.median(changes) > STEADY or run.level > BETWEEN:
        return
    worst = int(spikes[run.train_loss[spikes].argmax()])
    rate = run.job.training.optimizer.learning_rate
    remedies: list[Remedy] = [
        setting("Clip the gradient to a norm of at most 1.", {"clipping": {"norm": 1.0}}),
        setting("Clip the gradient to a norm of at most 0.1.", {"clipping": {"norm": 0.1}}),
        learning_rate(rate, rate / 3.0),
        learning_rate(rate, rate / 10.0),
    ]
    yield Hypothesis(
        "loss_spikes",
        f"In {len(spikes)} epochs the training loss jumped to more than {SPIKE:g} times that of "
        f"the epochs around and returned; in epoch {worst + 1} it was {run.train_loss[worst]:.3g}.",
        tuple(remedies),
        is_certain=bool(
            run.train_loss[worst]
            - np.median(run.train_loss[max(worst - WINDOW, 0) : worst + WINDOW])
            > JUMP * run.constant_loss
        ),
    )


def _spikes(losses: Array) -> Array:
    """Return the epochs, counted from 0, of losses far above the median of those around them."""
    half = WINDOW // 2
    around = np.lib.stride_tricks.sliding_window_view(losses, WINDOW)
    usual = np.median(around, axis=1)
    center = losses[half : len(losses) - half]
    return np.flatnonzero(center > SPIKE * usual) + half


def plateau(run: Observation) -> Iterator[Hypothesis]:
    """Find a loss that stopped falling because of the schedule or of penalties."""
    if run.diverged:
        return
    rates = np.asarray(run.columns["learning_rate"], np.float64)
    middle = float(rates[len(rates) // 2] / max(rates.max(), 1e-300))
    if middle < DECAYED:
        at = int(np.flatnonzero(rates < DECAYED * rates.max())[0])
        yield Hypothesis(
            "plateau",
            f"The loss stopped at {run.watched_loss[-1]:.3g}: after epoch {at + 1} the schedule "
            f"holds the learning rate below {DECAYED:.0%} of its first value.",
            tuple(_slower(run)),
        )
    training = run.job.training
    if training.l1 > 0.0 or training.l2 > 0.0:
        yield Hypothesis(
            "plateau",
            f"The loss stopped at {run.watched_loss[-1]:.3g}: the penalty on large weights "
            f"(L1 {training.l1:g}, L2 {training.l2:g}) outweighs it.",
            (
                setting(
                    "Remove the penalty on large weights.",
                    {"regularization": {"l1": 0.0, "l2": 0.0}},
                ),
            ),
        )


def _slower(run: Observation) -> Iterator[Remedy]:
    """Yield slower variants of the schedule; a patch cannot replace it by one of another type."""
    kind, epochs = run.job.training.schedule.type, run.job.training.epochs
    if kind == "exponential":
        decay = float(f"{0.1 ** (1.0 / epochs):.4g}")
        yield setting(
            f"Multiply the learning rate by {decay:g} in each epoch: to a tenth in all.",
            {"schedule": {"decay": decay}},
        )
    elif kind == "step":
        every = max(epochs // 2, 1)
        yield setting(
            f"Lower the learning rate only every {every} epochs.", {"schedule": {"every": every}}
        )
    elif kind == "reduce_on_plateau":
        patience = max(epochs // 4, 10)
        yield setting(
            f"Lower the learning rate only after {patience} epochs without a lower loss.",
            {"schedule": {"patience": patience}},
        )
