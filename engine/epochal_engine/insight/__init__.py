"""Insight into a run: diagnosis, labels, baselines, and its cost in time and memory."""

from .diagnosis import VANISHED, Experiment, Spec, TrialResults, merged
from .diagnosis.trials import losses_of

__all__ = [
    "VANISHED",
    "Experiment",
    "Spec",
    "TrialResults",
    "losses_of",
    "merged",
]
