"""Claims of an experiment: checked against its jobs, and evaluated from their stored results.

value of the job  [ - value of another ]  against the bounds  ──> met | missed | unknown
"""

from __future__ import annotations

import json
import math
import operator
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from epochal_engine import LOSSES

from ..answers.diffusion import has_sample_distance
from ..curves.epochs import METRICS, SUMMARY, merge, read_summaries
from ..errors import FieldError
from ..preparation import baselines
from ..preparation.prepared import has_validation
from ..preparation.rollouts import WRITTEN, metrics_of_rollouts
from ..specs.experiments import Claim, ClaimOutcome, ClaimRun, ClaimSpec, ExperimentSpec
from ..specs.jobs import TERMINAL
from ..store import Connection
from ..store import experiments as stored_experiments
from ..store import log as job_log
from ..store.jobs import JobRow
from .experiments import Plan, PlannedJob, Run, load_plan
from .measures import MEASURES, measure_of


@dataclass(frozen=True)
class Bound:
    """A bound of a claim: its words, and whether a value keeps it."""

    text: str
    holds: Callable[[float, float], bool]
    is_lower: bool


BOUNDS: dict[str, Bound] = {
    "at_least": Bound("at least", operator.ge, True),
    "above": Bound("above", operator.gt, True),
    "at_most": Bound("at most", operator.le, False),
    "below": Bound("below", operator.lt, False),
}
"""By the field of the claim."""
COUNTS = ("epochs", "steps", "parameters", "class_accuracy", *MEASURES)
"""Metrics that do not belong to an epoch."""
OF_POSITIONS = ("train_loss", "validation_loss", "train_accuracy", "validation_accuracy")
"""Metrics of each position."""
WITHOUT_AIM = ("gradient_norm", "kl")
"""Metrics of an epoch that do not say how good it is."""
ORDERS = {2: "bigram", 3: "trigram", 4: "four_gram"}
"""The names of n-gram models."""
EPOCHS = {"answer": "", "last": " in the last epoch", "best": " in the best epoch"}


def errors_of(spec: ExperimentSpec) -> Iterator[FieldError]:
    """Yield what is wrong with the claims of an experiment."""
    for index, claim in enumerate(spec.claims):
        for field, text in _errors(claim, spec):
            yield FieldError(f"claims[{index}].{field}".rstrip("."), text)


def _errors(claim: ClaimSpec, spec: ExperimentSpec) -> Iterator[FieldError]:
    fields = ("job", "minus", "classifier")
    for field, name in [(field, name) for field in fields if (name := getattr(claim, field))]:
        if name not in spec.jobs:
            known = ", ".join(spec.jobs)
            yield FieldError(field, f"must be the name of a job of the experiment: {known}")
        elif field != "classifier" and (text := _metric_error(claim, spec, name)):
            yield FieldError("metric", text)
    if claim.minus == claim.job:
        yield FieldError("minus", "must be another job than `job`")
    if claim.classifier is None and claim.metric == "class_accuracy":
        yield FieldError("classifier", "must be the name of the job that classifies the samples")
    elif claim.classifier is not None and claim.metric != "class_accuracy":
        yield FieldError("classifier", f"must be absent: {claim.metric} needs no classifier")
    if claim.minus_baseline is not None:
        if claim.minus is not None:
            yield FieldError("minus_baseline", "must be absent with minus")
        if not claim.metric.endswith("loss"):
            text = f"must be absent: a baseline has losses, and no {claim.metric}"
            yield FieldError("minus_baseline", text)
    if claim.epoch != "answer" and claim.metric in COUNTS:
        yield FieldError("epoch", f"must be absent: {claim.metric} is not a metric of an epoch")
    elif claim.epoch == "every" and _has_difference(claim):
        yield FieldError("epoch", "must not be every for a difference")
    if claim.position is not None and claim.metric not in OF_POSITIONS:
        yield FieldError("position", f"must be absent: {claim.metric} is no metric of a position")
    if claim.within_epochs is not None:
        yield from _within_errors(claim, spec)
    for field in ("position", "within_epochs"):
        if getattr(claim, field) is not None:
            if claim.epoch != "answer":
                yield FieldError("epoch", f"must be absent with {field}")
            if claim.minus_baseline is not None:
                yield FieldError("minus_baseline", f"must be absent with {field}")
    yield from _bound_errors(claim)


def _within_errors(claim: ClaimSpec, spec: ExperimentSpec) -> Iterator[FieldError]:
    assert claim.within_epochs is not None
    if claim.metric in (*COUNTS, *WITHOUT_AIM):
        text = f"must be absent: no epoch improves {claim.metric}"
        yield FieldError("within_epochs", text)
    if claim.position is not None:
        yield FieldError("within_epochs", "must be absent with position")
    for name in (claim.job, claim.minus):
        job = None if name is None else spec.jobs.get(name)
        if job is not None and claim.within_epochs >= job.epochs:
            text = f"must be less than the number of epochs of {name}, {job.epochs}"
            yield FieldError("within_epochs", text)


def errors_of_runs(spec: ExperimentSpec, runs: Sequence[Run]) -> Iterator[FieldError]:
    """Yield the claims on exact matches, positions, texts and classes of jobs that have none."""
    jobs = {run.name: run for run in runs}
    for index, claim in enumerate(spec.claims):
        for name in (claim.job, claim.minus):
            run = None if name is None else jobs.get(name)
            if run is not None:
                classifier = jobs.get(claim.classifier or "")
                for field, text in _run_errors(claim, run, classifier):
                    yield FieldError(f"claims[{index}].{field}", text)


def _run_errors(claim: ClaimSpec, run: Run, classifier: Run | None) -> Iterator[tuple[str, str]]:
    if claim.metric.endswith("exact_match") and not run.has_exact_match:
        yield "metric", f"must be a metric of {run.name}, which predicts no sequences of classes"
    if claim.metric == "novelty" and not run.writes_texts:
        text = "which writes no texts from their start to their end, as on names"
        yield "metric", f"must be a metric of {run.name}, {text}"
    if claim.metric == "bits_per_character" and not run.spells_text:
        text = "which predicts no text of characters or parts of words"
        yield "metric", f"must be a metric of {run.name}, {text}"
    if claim.metric == "class_accuracy" and run.generated is None:
        text = "which is no diffusion network that takes the class of its samples"
        yield "metric", f"must be a metric of {run.name}, {text}"
    elif classifier and run.generated and classifier.classified != run.generated:
        text = f"must be a job that classifies what {run.name} generates: "
        names = ", ".join(run.generated.class_names)
        yield "classifier", f"{text}{run.generated.features} features, as {names}"
    if claim.position is not None and claim.position >= run.positions:
        has = f"{run.positions} positions" if run.positions else "no positions"
        yield "position", f"must be a position of {run.name}, which has {has}"


def _has_difference(claim: ClaimSpec) -> bool:
    return claim.minus is not None or claim.minus_baseline is not None


def _metric_error(claim: ClaimSpec, spec: ExperimentSpec, name: str) -> str | None:
    job = spec.jobs[name]
    if claim.metric in WRITTEN and claim.metric not in metrics_of_rollouts(job):
        return f"must be a metric of {name}, whose rollouts do not have it"
    if claim.metric.startswith("validation") and not has_validation(job):
        return f"must be a metric of {name}, which has no validation part"
    if claim.metric == "nearest_neighbor_accuracy":
        if has_sample_distance(job):
            return None
        return f"must be a metric of {name}, which is no diffusion network with a validation part"
    if claim.metric == "class_accuracy":
        return None  # `errors_of_runs` looks at the data
    if claim.metric.endswith("accuracy") and not LOSSES[job.loss].has_accuracy:
        return f"must be a metric of {name}: accuracy has no meaning with {job.loss}"
    return None


def _bound_errors(claim: ClaimSpec) -> Iterator[FieldError]:
    given = _bounds(claim)
    lower = [field for field in given if BOUNDS[field].is_lower]
    upper = [field for field in given if not BOUNDS[field].is_lower]
    if not given:
        yield FieldError("", f"must have a bound: {', '.join(BOUNDS)}")
    for fields in (lower, upper):
        if len(fields) > 1:
            yield FieldError(fields[1], f"must be absent with {fields[0]}")
    if len(lower) == len(upper) == 1:
        (low,), (high,) = lower, upper
        is_strict = "above" in lower or "below" in upper
        if given[low] > given[high] or (is_strict and given[low] == given[high]):
            text = f"contradicts {low}: no number is {_bound_text(low, given[low])} and "
            yield FieldError(high, text + _bound_text(high, given[high]))


def _bounds(claim: ClaimSpec) -> dict[str, float]:
    """Return the bounds of the claim by their fields."""
    return {field: value for field in BOUNDS if (value := getattr(claim, field)) is not None}


def _bound_text(field: str, value: float) -> str:
    return f"{BOUNDS[field].text} {value:g}"


def text_of(claim: ClaimSpec) -> str:
    """Return the claim in words."""
    if claim.text is not None:
        return claim.text
    subject = claim.job
    if _has_difference(claim):
        baseline = f"its {claim.minus_baseline} baseline".replace("four_", "4-")
        subject = f"{claim.job} minus {claim.minus or baseline}"
    bounds = " and ".join(_bound_text(field, value) for field, value in _bounds(claim).items())
    when = EPOCHS.get(claim.epoch, " in every epoch")
    if claim.within_epochs is not None:
        return f"{subject}: {claim.metric} improves within {claim.within_epochs} epochs by {bounds}"
    where = "" if claim.position is None else f" at position {claim.position}"
    if claim.classifier is not None:
        where = f" by {claim.classifier}"
    return f"{subject}: {claim.metric}{where} {bounds}{when}"


# ------------------------------------------------------------------------------------ evaluation


def evaluated(
    connection: Connection, plan: Plan, rows: Mapping[tuple[int, str], JobRow]
) -> list[Claim]:
    """Return the claims with their outcomes; `rows` are the jobs by seed and name."""
    return [_evaluated(connection, plan, claim, rows) for claim in plan.claims]


def _evaluated(
    connection: Connection,
    plan: Plan,
    claim: ClaimSpec,
    rows: Mapping[tuple[int, str], JobRow],
) -> Claim:
    runs = [_run(connection, plan, claim, rows, seed) for seed in plan.seeds]
    outcomes = {run.outcome for run in runs}
    order: tuple[ClaimOutcome, ...] = ("missed", "unknown", "pending", "met")
    return Claim(
        claim=claim,
        text=text_of(claim),
        outcome=next(outcome for outcome in order if outcome in outcomes),
        met=sum(run.outcome == "met" for run in runs),
        runs=runs,
    )


def _run(
    connection: Connection,
    plan: Plan,
    claim: ClaimSpec,
    rows: Mapping[tuple[int, str], JobRow],
    seed: int,
) -> ClaimRun:
    names = [claim.job] if claim.minus is None else [claim.job, claim.minus]
    present = {name: rows.get((seed, name)) for name in names}
    for name, row in present.items():
        if row is None:
            return ClaimRun(seed=seed, outcome="unknown", detail=f"{name} was deleted")
        if row.state in TERMINAL and row.state != "succeeded":
            text = f"{name} {'has failed' if row.state == 'failed' else 'was cancelled'}"
            return ClaimRun(seed=seed, outcome="unknown", detail=f"{text}: {row.stop_reason}")
    if any(row is not None and row.state not in TERMINAL for row in present.values()):
        return ClaimRun(seed=seed, outcome="pending")
    measure = measure_of(claim)
    for name, row in present.items():
        if measure is not None and row is not None and measure not in _measures(row):
            text = f"The worker of {name} has not measured {measure}"
            return ClaimRun(seed=seed, outcome="unknown", detail=text)
    values = [
        _value(connection, row, claim, plan.jobs[name])
        for name, row in present.items()
        if row is not None
    ]
    if claim.minus_baseline is not None and (row := present[claim.job]) is not None:
        values.append(_baseline(row, claim))
        if math.isnan(values[1]):
            text = f"{claim.job} has no {claim.minus_baseline} baseline of its {claim.metric}"
            return ClaimRun(seed=seed, outcome="unknown", detail=text)
    value = values[0] - values[1] if len(values) == 2 else values[0]
    if not math.isfinite(value):
        return ClaimRun(seed=seed, outcome="unknown", detail="The value is not a finite number")
    is_met = all(BOUNDS[field].holds(value, bound) for field, bound in _bounds(claim).items())
    return ClaimRun(
        seed=seed,
        outcome="met" if is_met else "missed",
        value=value,
        job_value=values[0],
        minus_value=values[1] if len(values) == 2 else None,
    )


def to_measure(connection: Connection, job: JobRow) -> dict[str, ClaimSpec]:
    """Return what the worker measures at the end of the job for the claims of its experiment: a
    claim about each measure, by its name.
    """
    experiment_id = job.experiment_id
    row = None if experiment_id is None else stored_experiments.read(connection, experiment_id)
    if row is None:
        return {}
    return {
        measure: claim
        for claim in load_plan(row).claims
        if job.experiment_job in (claim.job, claim.minus) and (measure := measure_of(claim))
    }


def _measures(row: JobRow) -> dict[str, float | None]:
    measures: dict[str, float | None] = json.loads(row.measures or "{}")
    return measures


def _baseline(row: JobRow, claim: ClaimSpec) -> float:
    """Return the loss of the baseline; NaN if the job has none."""
    computed = baselines.load(row.baselines)
    if computed is None or claim.minus_baseline is None:
        return math.nan
    losses = {ORDERS[ngram.n]: ngram for ngram in computed.ngrams}.get(claim.minus_baseline)
    losses = losses or getattr(computed, claim.minus_baseline, None)
    value = getattr(losses, claim.metric, None)
    return math.nan if value is None else value


def _value(connection: Connection, row: JobRow, claim: ClaimSpec, job: PlannedJob) -> float:
    """Return the value of the metric for one job; NaN if it has none.

    For every epoch, it is the value nearest to a bound, or farthest beyond it.
    """
    if (measure := measure_of(claim)) is not None:
        value = _measures(row)[measure]
        return math.nan if value is None else value
    match claim.metric:
        case "parameters":
            return row.parameters
        case "epochs":
            return row.epoch
        case "steps":
            return row.epoch * math.ceil(row.samples / job.batch_size)
    if claim.epoch == "every":
        return _extreme(connection, row, claim)
    wants_best = claim.epoch == "best" or (claim.epoch == "answer" and job.restores_best)
    if wants_best and row.best is not None:
        return _at(connection, row, claim.metric, int(json.loads(row.best)["epoch"]))
    return _at(connection, row, claim.metric, row.epoch)


def _at(connection: Connection, row: JobRow, metric: str, epoch: int) -> float:
    bodies = job_log.bodies(connection, row.id, epoch - 1, epoch)
    run = merge(((first, body) for first, _, body in bodies))
    if run is None or metric not in run.columns:
        return math.nan
    return float(run.columns[metric][epoch - run.first])


def _extreme(connection: Connection, row: JobRow, claim: ClaimSpec) -> float:
    segments = job_log.summaries(connection, row.id)
    if not segments:
        return math.nan
    table = read_summaries([blob for _, _, blob in segments])
    rows = table[:, METRICS.index(claim.metric)]
    column = SUMMARY.index
    if not rows[:, column("present")].all() or rows[:, column("nonfinite_epoch")].any():
        return math.nan
    low = float(np.min(rows[:, column("low")]))
    high = float(np.max(rows[:, column("high")]))
    bounds = _bounds(claim)
    broken = [v for v in (low, high) if not all(BOUNDS[f].holds(v, b) for f, b in bounds.items())]
    if broken:
        return broken[0]
    return low if any(BOUNDS[field].is_lower for field in bounds) else high
