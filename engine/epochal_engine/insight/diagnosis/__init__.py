"""Find what is wrong with a run, and try the remedies before they are offered.

Statistics of the run suggest hypotheses; a short run with each remedy decides between them. A
hypothesis whose remedy does not lower the loss is no finding, unless the problem can be observed
without a trial. A finding that another one explains, because its remedy adds nothing to that of the
other, is left out. A healthy run has no findings.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import get_args

import numpy as np

from ...symbolic.trace import Array
from ...training.snapshots import Gradients
from ...training.training import corrupted_once
from . import data, fit, steps, weights
from .finding import Finding, FindingKind, Findings, Patch, Spec, Trial, TrialMetric
from .hypothesis import Hypothesis
from .observation import Observation
from .remedies import Remedy, difference, merged
from .trials import Build, Clock, Experiment, TrialResults, Trials
from .weights import VANISHED

__all__ = [
    "VANISHED",
    "Experiment",
    "Finding",
    "FindingKind",
    "Findings",
    "Patch",
    "Spec",
    "Trial",
    "TrialMetric",
    "TrialResults",
    "diagnose",
    "difference",
    "merged",
]

SECONDS = 2.0
"""The usual budget of all trials of a diagnosis."""
HELPS = 0.05
"""A remedy helps if it lowers the loss by this fraction..."""
CONFIRMS = 0.25
"""... and confirms a mere suspicion by this one, and by"""
NOTICEABLE = 0.08
"""this fraction of the loss of a constant: what is nearly 0 needs no remedy."""
AS_GOOD = 0.5
"""An earlier cause is the better explanation if its remedy achieves at least this fraction of what
the best remedy achieves."""

RULES: tuple[Callable[[Observation], Iterator[Hypothesis]], ...] = (
    data.leakage,
    data.class_imbalance,
    data.label_noise,
    data.output_activation,
    data.wrong_loss,
    data.unscaled_inputs,
    data.tiny_inputs,
    data.unscaled_targets,
    weights.initial_weights,
    weights.batch_norm_small_batches,
    weights.vanishing_gradients,
    weights.exploding_gradients,
    weights.dead_units,
    weights.saturated_units,
    steps.learning_rate_too_high,
    steps.loss_spikes,
    steps.plateau,
    steps.learning_rate_too_low,
    fit.underfitting,
    fit.overfitting,
    fit.worse_than_constant,
)
_RANK = {kind: rank for rank, kind in enumerate(get_args(FindingKind))}
_OBSERVED: tuple[FindingKind, ...] = ("leakage", "class_imbalance", "label_noise")
"""Causes in the samples: no remedy of the training competes with them."""


@dataclass(frozen=True)
class _Tried:
    """A hypothesis with its best remedy."""

    hypothesis: Hypothesis
    remedy: Remedy | None
    trial: Trial | None
    gain: float
    """By how much the remedy lowers the loss, relative to that of a constant, at most 1."""

    @property
    def finding(self) -> Finding:
        return Finding(self.hypothesis.kind, self.hypothesis.layer, self.hypothesis.message)


def diagnose(
    spec: Spec,
    build: Build,
    weights: Mapping[str, Array] | None,
    columns: Mapping[str, Array],
    gradients: Gradients | None,
    *,
    diverged: bool = False,
    feature_names: Sequence[str] = (),
    class_names: Sequence[str] = (),
    seconds: float = SECONDS,
    clock: Clock = time.monotonic,
    results: TrialResults | None = None,
) -> Findings:
    """Return the findings on a run of the spec, causes before their effects.

    `weights` are the last parameters by name; if None, units are not examined. `columns` are the
    metrics, `(epochs,)` each. `gradients` are the snapshots, None if there are none. `diverged` is
    whether training diverged. `seconds` is the budget of the trials, by `clock`. `results` are
    those of an earlier diagnosis of the same run; new ones are added.
    """
    job = build(spec)
    # Samples and targets are those of one draw, as the network gets them.
    seen = replace(job, data=corrupted_once(job.training, job.data))
    run = Observation(spec, seen, weights, columns, gradients, diverged, feature_names, class_names)
    with np.errstate(all="ignore"):
        hypotheses = [hypothesis for rule in RULES for hypothesis in rule(run)]
        trials = Trials(spec, job, build, seconds, clock, results or TrialResults())
        return _Judge(spec, run, trials).judge(hypotheses)


class _Judge:
    """Decide between hypotheses by trials."""

    def __init__(self, spec: Spec, run: Observation, trials: Trials) -> None:
        self._spec, self._run, self._trials = spec, run, trials

    def judge(self, hypotheses: list[Hypothesis]) -> Findings:
        pending = [self._try(hypothesis, self._spec) for hypothesis in hypotheses]
        pending = [tried for tried in pending if self._holds(tried)]
        findings: list[Finding] = []
        spec = self._spec
        together: list[_Tried] = []
        while pending:
            chosen = self._first(pending)
            pending.remove(chosen)
            findings.append(self._finding(chosen))
            if chosen.remedy is None or chosen.hypothesis.metric is not None:
                continue
            spec = chosen.remedy.change(spec)
            together.append(chosen)
            # What the remedy of the cause has already cured was only its effect.
            pending = [
                tried
                for tried in (self._again(tried, spec) for tried in pending)
                if tried is not None
            ]
        patch, trial = None, None
        if len(together) > 1:
            patch, trial = difference(self._spec, spec), self._trial(spec, None)
            if trial is None:
                patch = None
        return Findings(tuple(findings), patch, trial, self._trials.skipped)

    def _first(self, pending: list[_Tried]) -> _Tried:
        """Return the earliest cause whose remedy achieves about as much as the best remedy."""
        best = max(tried.gain for tried in pending)
        worthy = [
            tried
            for tried in pending
            if tried.hypothesis.kind in _OBSERVED or tried.gain >= AS_GOOD * best
        ]
        return min(worthy, key=lambda tried: _RANK[tried.hypothesis.kind])

    def _again(self, tried: _Tried, spec: Spec) -> _Tried | None:
        """Return the hypothesis if it still holds after the changes in `spec`, else None."""
        if tried.remedy is None:
            return tried
        after = self._try(tried.hypothesis, spec)
        # The numbers that are shown compare with the job itself.
        return tried if after.remedy is not None and self._holds(after) else None

    def _holds(self, tried: _Tried) -> bool:
        if tried.hypothesis.is_certain:
            return True
        if tried.trial is None:
            return False
        without, with_ = tried.trial.without_remedy, tried.trial.with_remedy
        enough = without is None or with_ <= (1.0 - CONFIRMS) * without
        return enough and tried.gain >= NOTICEABLE

    def _try(self, hypothesis: Hypothesis, spec: Spec) -> _Tried:
        """Try all remedies on top of `spec`, and keep the best one if it helps."""
        without = self._trials.loss(spec, hypothesis.metric)
        if without is None or not hypothesis.remedies:
            return _Tried(hypothesis, None, None, 0.0)
        losses = [
            (loss, at)
            for at, remedy in enumerate(hypothesis.remedies)
            if (loss := self._loss(remedy, spec, hypothesis.metric)) is not None
        ]
        loss, at = min(losses, default=(math.inf, 0))
        if not loss < (1.0 - HELPS) * without or not math.isfinite(loss):
            return _Tried(hypothesis, None, None, 0.0)
        trial = Trial(
            self._trials.epochs,
            hypothesis.metric or self._trials.metric,
            without if math.isfinite(without) else None,
            loss,
        )
        constant = self._run.constant_loss
        gain = min(without / constant, 1.0) - min(loss / constant, 1.0)
        return _Tried(hypothesis, hypothesis.remedies[at], trial, gain)

    def _loss(self, remedy: Remedy, spec: Spec, metric: TrialMetric | None) -> float | None:
        changed = remedy.change(spec)
        return None if changed == spec else self._trials.loss(changed, metric)

    def _trial(self, spec: Spec, metric: TrialMetric | None) -> Trial | None:
        without, loss = self._trials.loss(self._spec, metric), self._trials.loss(spec, metric)
        if without is None or loss is None or not math.isfinite(loss):
            return None
        return Trial(
            self._trials.epochs,
            metric or self._trials.metric,
            without if math.isfinite(without) else None,
            loss,
        )

    def _finding(self, tried: _Tried) -> Finding:
        hypothesis, remedy = tried.hypothesis, tried.remedy
        if remedy is None:
            return Finding(hypothesis.kind, hypothesis.layer, hypothesis.message)
        return Finding(
            hypothesis.kind,
            hypothesis.layer,
            hypothesis.message,
            remedy.suggestion,
            difference(self._spec, remedy.change(self._spec)),
            tried.trial,
        )
