"""Diagnose a job by its curve, its gradients, its latest weights, and short runs with remedies."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Mapping
from dataclasses import asdict, replace
from threading import Lock
from typing import Any

import numpy as np
from numpy.typing import NDArray

import epochal_engine as engine
from epochal_engine.insight import Experiment, TrialResults

from ..curves.epochs import merge, unpack_gradients
from ..errors import InvalidArgument
from ..jobs import lifecycle
from ..preparation import baselines
from ..preparation.changes import at_epoch
from ..preparation.prepare import prepare
from ..preparation.prepared import Prepared, build, experiment_of
from ..settings import UNLIMITED
from ..specs.diagnosis import Diagnosis, Finding, Label, Trial
from ..specs.jobs import TERMINAL
from ..specs.training import TrainingSpec
from ..store import Access, checkpoints
from ..store import log as job_log
from ..store.packing import unpack
from .context import Context

BUDGET_SECONDS = 2.0
"""Time of all trials of a diagnosis: someone waits for it."""
MOST_TRIAL_BYTES = 2 * 2**30
"""Trials train in this process, which serves all others: jobs that need more memory have none."""
MOST_CACHED = 256


class _Cache:
    """The latest diagnoses of this process, by job and epoch, and the trials of unfinished ones."""

    def __init__(self) -> None:
        self._entries: OrderedDict[tuple[Any, ...], Diagnosis | TrialResults] = OrderedDict()
        self.lock = Lock()

    def get(self, key: tuple[Any, ...]) -> Diagnosis | None:
        entry = self._entries.get(key)
        return entry if isinstance(entry, Diagnosis) else None

    def results(self, key: tuple[Any, ...]) -> TrialResults:
        """Return the trials that an unfinished diagnosis has made."""
        entry = self._entries.get(key)
        return entry if isinstance(entry, TrialResults) else TrialResults()

    def put(self, key: tuple[Any, ...], entry: Diagnosis | TrialResults) -> None:
        self._entries[key] = entry
        while len(self._entries) > MOST_CACHED:
            self._entries.popitem(last=False)


_cache = _Cache()


def get_diagnosis(context: Context, id: str) -> Diagnosis:
    """Return the diagnosis. Raises `NotFound`, also if the job's data set was deleted."""
    with context.database.read() as connection:
        row = lifecycle.find(connection, id, context.access)
        spec = TrainingSpec.model_validate_json(row.spec)
        segment = merge((first, body) for first, _, body in job_log.bodies(connection, id))
        gradients = unpack_gradients(blob for _, _, blob in job_log.gradients(connection, id))
        checkpoint = checkpoints.find(connection, id)
        is_fork = spec.initial_weights is not None
        start = checkpoints.find(connection, id, 0) if is_fork else None
    limits = context.settings.limits
    prepared = prepare(context.database, spec, Access(row.owner), limits, stored=True)
    if spec.changes:
        gradients = None if gradients is None else _always_trained(gradients)
        prepared = at_epoch(prepared, row.epoch)
        spec = prepared.spec
    if segment is None:
        return Diagnosis(epoch=0)
    if engine.LOSSES[spec.loss].rows > 1 or spec.rollouts is not None:
        # The hypotheses need targets for single rows.
        return Diagnosis(epoch=len(segment.columns["train_loss"]))
    losses = segment.columns["train_loss"]
    diverged = row.stop_reason == "diverged"
    is_over = row.state in TERMINAL
    small = row.memory_bytes is None or row.memory_bytes <= MOST_TRIAL_BYTES
    losses_of = baselines.load(row.baselines)
    label = baselines.label(
        losses,
        prepared.network,
        None if losses_of is None else losses_of.constant,
        None if losses_of is None else losses_of.initial,
        diverged=diverged,
    )
    key = (id, len(losses), is_over)
    if (cached := _cache.get(key)) is not None:
        return cached
    # One diagnosis at a time: trials of several at once would only make each other slower.
    with _cache.lock:
        if (cached := _cache.get(key)) is not None:
            return cached
        weights = None if start is None else unpack(start[1])
        results = _cache.results(key)
        before = results.progress
        findings = engine.diagnose(
            prepared.spec.model_dump(mode="json", exclude_none=True),
            lambda changed: _experiment(prepared, changed, weights),
            None if checkpoint is None else unpack(checkpoint[1]),
            segment.columns,
            gradients,
            diverged=diverged,
            feature_names=prepared.dataset.feature_names,
            class_names=prepared.dataset.class_names,
            seconds=BUDGET_SECONDS if is_over and small else 0.0,
            results=results,
        )
        diagnosis = Diagnosis(
            epoch=len(losses),
            label=Label(**asdict(label)) if len(losses) > 1 or diverged else None,
            findings=[
                Finding(**{**asdict(finding), "trial": _trial(finding.trial)})
                for finding in findings.findings
            ],
            patch=findings.patch,
            trial=_trial(findings.trial),
            skipped_trials=findings.skipped_trials,
        )
        # The next request goes on with the trials for which the time was not enough.
        is_unfinished = findings.skipped_trials > 0 and results.progress > before
        _cache.put(key, results if is_unfinished else diagnosis)
        return diagnosis


def _always_trained(gradients: engine.Gradients) -> engine.Gradients:
    """Return the gradients without the layers that were frozen at some of the epochs."""
    chosen = np.flatnonzero(gradients.histogram.any(-1).all(0))
    return replace(
        gradients,
        layers=tuple(gradients.layers[index] for index in chosen),
        statistics=gradients.statistics[:, chosen],
        histogram=gradients.histogram[:, chosen],
    )


def _trial(trial: engine.Trial | None) -> Trial | None:
    return None if trial is None else Trial(**asdict(trial))


def _experiment(
    prepared: Prepared,
    spec: dict[str, Any],
    weights: Mapping[str, NDArray[Any]] | None,
) -> Experiment:
    """Return the experiment of a changed spec of the job. Raises ValueError if it is not valid.

    A fork starts from `weights`. Limits that were lowered since do not apply, as to the job itself;
    time bounds the trials.
    """
    changed = TrainingSpec.model_validate(spec)
    try:
        built = build(changed, prepared.dataset, UNLIMITED)
    except InvalidArgument as error:
        raise ValueError(error.detail) from None
    return replace(experiment_of(built), initial_weights=weights)
