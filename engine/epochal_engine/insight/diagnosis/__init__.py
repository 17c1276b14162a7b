"""Find what is wrong with a run, and try the remedies before they are offered.

Statistics of the run suggest hypotheses; a short run with each remedy decides between them. A
hypothesis is not a finding if its remedy does not lower the loss, unless the problem can be
observed without a trial. Nor is one where something else would do, too: that a larger network has a
lower loss does not prove that this one is too small, if it gets there with better training. A
finding that another one explains, because its remedy adds nothing to the other remedy, is left out.
A healthy run has no findings.
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
"""An earlier cause is the better explanation if its remedy achieves at least this fraction of the
improvement by the best remedy."""

RULES: tuple[Callable[[Observation], Iterator[Hypothesis]], ...] = (
    data.leakage,
    data.class_imbalance,
    data.label_noise,
    data.output_activation,
    data.wrong_loss,
    data.unscaled_inputs,
    data.tiny_inputs,
    data.unscaled_targets,
    data.strong_augmentation,
    weights.initial_weights,
    weights.batch_norm_small_batches,
    steps.large_batches,
    steps.tight_clipping,
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
_OBSERVED: tuple[FindingKind, ...] = (
    "leakage",
    "class_imbalance",
    "label_noise",
    "output_activation",
    "wrong_loss",
)
"""Causes that are certain without a trial: no other remedy competes with them."""


@dataclass(frozen=True)
class _Tried:
    """A hypothesis with its best remedy."""

    hypothesis: Hypothesis
    remedy: Remedy | None
    trial: Trial | None
    gain: float
    """By how much the remedy lowers the loss, relative to the loss of a constant, at most 1."""

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
    whether training diverged. `seconds` is the budget of the trials, by `clock`. `results` come
    from an earlier diagnosis of the same run; new ones are added.
    """
    job = build(spec)
    # Samples and targets come from one draw, as the network gets them.
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
        pending = [tried for tried in pending if self._holds(tried) and not self._is_refuted(tried)]
        findings: list[Finding] = []
        spec = self._spec
        together: list[_Tried] = []
        while pending:
            chosen = self._first(pending, spec)
            pending.remove(chosen)
            findings.append(self._finding(chosen))
            if chosen.remedy is None or chosen.hypothesis.metric is not None:
                continue
            pending = [tried for tried in pending if not self._is_cured(tried, chosen, spec)]
            spec = chosen.remedy.change(spec)
            together.append(chosen)
            # A finding that the remedy of the cause has already cured was only an effect.
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

    def _first(self, pending: list[_Tried], spec: Spec) -> _Tried:
        """Return the earliest cause with a remedy about as effective as the best one."""
        best = max(pending, key=lambda tried: tried.gain if tried.hypothesis.metric is None else 0)
        worthy = [
            tried
            for tried in pending
            if tried.gain >= AS_GOOD * best.gain
            or (
                tried.hypothesis.kind in _OBSERVED
                and tried.hypothesis.is_certain
                and not self._is_cured(tried, best, spec)
            )
        ]
        return min(worthy, key=lambda tried: _RANK[tried.hypothesis.kind])

    def _is_cured(self, tried: _Tried, best: _Tried, spec: Spec) -> bool:
        """Return whether the remedy of another cause does as much for the loss of a hypothesis.

        A network that learns nothing neglects the rare class, too.
        """
        metric = tried.hypothesis.metric
        if metric is None or best.remedy is None:
            return False
        if tried.trial is None:
            return best.gain > 0.0
        without, other = self._trials.loss(spec, metric), self._loss(best.remedy, spec, metric)
        if without is None or other is None:
            return False
        return without - other >= AS_GOOD * (without - tried.trial.with_remedy)

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

    def _is_refuted(self, tried: _Tried) -> bool:
        """Return whether the loss also falls with the suspected cause left as it is."""
        control, trial = tried.hypothesis.control, tried.trial
        if control is None or trial is None or trial.without_remedy is None:
            return False
        loss = self._loss(control, self._spec, tried.hypothesis.metric)
        fall = trial.without_remedy - trial.with_remedy
        return loss is not None and trial.without_remedy - loss >= AS_GOOD * fall

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
        suggestion, trial, constant = remedy.suggestion, tried.trial, self._run.constant_loss
        if hypothesis.metric is None and trial is not None and trial.with_remedy >= constant:
            suggestion += (
                f" The loss is then {trial.with_remedy:.3g}, which is no better than that of a "
                f"constant, {constant:.3g}: something else is wrong, too."
            )
        return Finding(
            hypothesis.kind,
            hypothesis.layer,
            hypothesis.message,
            suggestion,
            difference(self._spec, remedy.change(self._spec)),
            trial,
        )
