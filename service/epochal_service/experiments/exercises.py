"""An exercise is an experiment with open fields. An attempt is an experiment that differs from it
there alone, so the claims of the exercise mark it.

    exercise ──> its jobs, with the open fields of the attempt ──> an experiment ──> outcomes

The outcomes follow from the jobs, as in all experiments. They are stored once all jobs have
ended, because the marks of a class must outlast the runs.

Homework is an attempt that repeats a run from elsewhere, from its proof.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from hashlib import sha256
from typing import Any

from ..access.keys import LOCAL_OWNER
from ..errors import FieldError, InvalidArgument, NotFound, QuotaExceeded
from ..resources.datasets import lock, uploaded_id
from ..resources.sources import sources
from ..specs.exercises import ExerciseSpec
from ..specs.experiments import ClaimOutcome, ExperimentSpec
from ..specs.jobs import TERMINAL
from ..specs.networks import NetworkRef
from ..specs.proofs import Proof, ProofResult
from ..specs.training import TrainingSpec
from ..specs.validation import parse
from ..store import Connection, Database
from ..store import datasets as stored_datasets
from ..store import exercises as stored
from ..store import experiments as stored_experiments
from ..store.exercises import AttemptRow, ExerciseRow, ProofRow
from . import claims, experiments, proofs

MAX_BYTES = 2**20
"""Size of an exercise as JSON."""
MAX_ATTEMPTS = 500
"""Attempts of one owner at one exercise."""
SETTLED_AT_ONCE = 16
OWN = ("name", "labels")
"""Fields of a job that any attempt may change: they change no result."""
UNCOMPARED = (*OWN, "deadline_seconds", "pace", "priority", "ttl_seconds")
"""Fields that a run elsewhere may have otherwise: they change no result, either."""

_STEP = re.compile(r"\.?([^.\[\]]+)|\[(\d+)\]")


# --------------------------------------------------------------------------------------- checks


def check(spec: ExerciseSpec) -> None:
    """Raise `InvalidArgument` for an exercise that others could not attempt."""
    errors = [*_sharing_errors(spec.experiment), *_open_errors(spec)]
    size = len(spec.model_dump_json().encode())
    if size > MAX_BYTES:
        text = f"must be smaller: the exercise has {size:,} bytes as JSON, of at most {MAX_BYTES:,}"
        errors.append(FieldError("experiment", text))
    if errors:
        raise InvalidArgument.of(*errors)


def _sharing_errors(spec: ExperimentSpec) -> Iterator[FieldError]:
    """Yield the fields that name what other owners cannot read."""
    if not spec.claims:
        yield FieldError("experiment.claims", "must not be empty: an exercise is marked by claims")
    for name, job in spec.jobs.items():
        path = f"experiment.jobs.{name}"
        if isinstance(job.network, NetworkRef):
            text = "must have its layers: others cannot read a saved network"
            yield FieldError(f"{path}.network", text)
        for field, source in sources(job).items():
            if source.job not in spec.jobs:
                text = "must name a job of the experiment: others cannot read another job"
                yield FieldError(f"{path}.{field}.job", text)
        if job.webhooks:
            text = "must be absent: each attempt has webhooks of its own"
            yield FieldError(f"{path}.webhooks", text)


def share_datasets(
    connection: Connection, spec: ExperimentSpec, exercise_id: str, owner: str
) -> None:
    """Let everybody read the uploaded data sets of an exercise as long as it exists.

    Raises `InvalidArgument` for one that the owner of the exercise may read, but does not own, and
    for one that does not exist.
    """
    shared = set()
    for name, job in spec.jobs.items():
        for field in ("dataset", "validation_dataset"):
            dataset_id = uploaded_id(getattr(job, field))
            if dataset_id is None or dataset_id in shared:
                continue
            path = f"experiment.jobs.{name}.{field}"
            if lock(connection, dataset_id, owner, path).owner != owner:
                text = "must be a data set of yours: only its owner can share it"
                raise InvalidArgument.of(FieldError(f"{path}.id", text))
            stored_datasets.share(connection, dataset_id, exercise_id)
            shared.add(dataset_id)


def _open_errors(spec: ExerciseSpec) -> Iterator[FieldError]:
    jobs = _dumped(spec.experiment.jobs)
    for index, path in enumerate(spec.open):
        if not _has({"jobs": jobs}, _steps(path)):
            text = f"must be the path of a field of the experiment; it has no {path}"
            yield FieldError(f"open[{index}]", text)


# ------------------------------------------------------------------------------------- attempts


def attempted(exercise: ExerciseSpec, jobs: Mapping[str, TrainingSpec]) -> ExperimentSpec:
    """Return the experiment of an attempt with these jobs.

    Raises `InvalidArgument` for each field that differs from the exercise and is not open.
    """
    fixed = exercise.experiment.jobs
    if unknown := jobs.keys() - fixed.keys():
        text = f"is no job of the exercise, which has {', '.join(fixed)}"
        raise InvalidArgument.of(*(FieldError(f"jobs.{name}", text) for name in sorted(unknown)))
    expected, actual = _dumped({name: fixed[name] for name in jobs}), _dumped(jobs)
    for path in exercise.open:
        for dumped in (expected, actual):
            _remove({"jobs": dumped}, _steps(path))
    for dumped in (*expected.values(), *actual.values()):
        for field in OWN:
            dumped.pop(field, None)
    if paths := [*_differences(expected, actual, "jobs")]:
        raise _fixed(exercise, paths)
    update = {"jobs": {**fixed, **jobs}, "name": exercise.title}
    return exercise.experiment.model_copy(update=update)


def seed_of(exercise_id: str, owner: str) -> int:
    """Return the seed of the owner's homework: another for each exercise and each owner."""
    return int(sha256(f"{exercise_id} {owner}".encode()).hexdigest(), 16) % 10**9


def repeated(exercise: ExerciseSpec, proof: Proof, owner: str, seed: int) -> ExperimentSpec:
    """Return the experiment that repeats a run from its proof: the job of the exercise with the
    seed of the owner, and the open fields of the run.

    Raises `InvalidArgument` if it is the run of somebody else, or of another exercise.
    """
    if len(exercise.experiment.jobs) > 1:
        text = f"must be of one job: the exercise has {len(exercise.experiment.jobs)}"
        raise InvalidArgument.of(FieldError("spec", text))
    if proof.owner not in (owner, LOCAL_OWNER):
        text = f"must be {owner}, who submits the proof; the run belongs to {proof.owner}"
        raise InvalidArgument.of(FieldError("owner", text))
    if proof.spec.seed != seed:
        text = f"must be {seed}, the seed of {owner} in this exercise; it is {proof.spec.seed}"
        raise InvalidArgument.of(FieldError("spec.seed", text))
    metrics = [column.metric for column in proof.curve]
    if len({*metrics}) < len(metrics):
        raise InvalidArgument.of(FieldError("curve", "must have each metric once"))
    epochs = max(proof.spec.epochs, *(c.training.epochs or 0 for c in proof.spec.changes), 0)
    if any(len(column.values) > epochs for column in proof.curve):
        text = f"must have at most {epochs} epochs, as the spec has"
        raise InvalidArgument.of(FieldError("curve", text))
    (name,) = exercise.experiment.jobs
    jobs, run = _dumped(exercise.experiment.jobs), proof.spec.model_dump(mode="json")
    for path in exercise.open:
        _copy({"jobs": {name: run}}, {"jobs": jobs}, _steps(path))
    jobs[name]["seed"] = seed
    try:
        job = parse(TrainingSpec, jobs[name])
    except InvalidArgument as error:
        # Open and fixed fields do not fit together, as after a change of the optimizer.
        raise _fixed(exercise, [f"spec.{field}" for field, _ in error.errors]) from None
    update = {"jobs": {name: job}, "seeds": [0], "name": exercise.title}
    return exercise.experiment.model_copy(update=update)


def check_repeated(exercise: ExerciseSpec, proof: Proof, spec: TrainingSpec) -> None:
    """Raise `InvalidArgument` for each field of the run that differs from the job that repeats it.

    The spec of that job has its defaults written out, as the spec of the run has.
    """
    expected, actual = (s.model_dump(mode="json") for s in (spec, proof.spec))
    for dumped in (expected, actual):
        for field in UNCOMPARED:
            dumped.pop(field)
        for dataset in (dumped["dataset"], dumped["validation_dataset"] or {}):
            dataset.pop("id", None)  # another service has another id: the digest is compared
    if paths := [*_differences(expected, actual, "spec")]:
        raise _fixed(exercise, paths)


def _fixed(exercise: ExerciseSpec, paths: Sequence[str]) -> InvalidArgument:
    text = f"must be as in the exercise, where these fields are open: {', '.join(exercise.open)}"
    return InvalidArgument.of(*(FieldError(path, text) for path in paths))


def _dumped(jobs: Mapping[str, TrainingSpec]) -> dict[str, Any]:
    return {name: job.model_dump(mode="json") for name, job in jobs.items()}


def _steps(path: str) -> list[str | int]:
    return [int(index) if index else name for name, index in _STEP.findall(path)]


def _at(value: Any, step: str | int) -> tuple[bool, Any]:
    """Return whether the value has this key or index, and its item."""
    if isinstance(value, dict) and step in value:
        return True, value[step]
    if isinstance(value, list) and isinstance(step, int) and step < len(value):
        return True, value[step]
    return False, None


def _has(value: Any, steps: Sequence[str | int]) -> bool:
    present = True
    for step in steps:
        present, value = _at(value, step)
        if not present:
            return False
    return True


def _copy(source: Any, target: Any, steps: Sequence[str | int]) -> None:
    """Copy what is at the end of the steps, where both have it."""
    if not (_has(source, steps) and _has(target, steps)):
        return
    *way, last = steps
    for step in way:
        (_, source), (_, target) = _at(source, step), _at(target, step)
    target[last] = source[last]


def _remove(value: Any, steps: Sequence[str | int]) -> None:
    """Remove what is at the end of the steps. An item of a list becomes None: others stay there."""
    *way, last = steps
    for step in way:
        present, value = _at(value, step)
        if not present:
            return
    if isinstance(value, dict):
        value.pop(last, None)
    elif _at(value, last)[0]:
        value[last] = None


def _differences(expected: Any, actual: Any, path: str) -> Iterator[str]:
    """Yield the paths of differences, as deep as both have the same structure."""
    if isinstance(expected, dict) and isinstance(actual, dict):
        for key in sorted(expected.keys() | actual.keys()):
            if key in expected and key in actual:
                yield from _differences(expected[key], actual[key], f"{path}.{key}")
            else:
                yield f"{path}.{key}"
    elif isinstance(expected, list) and isinstance(actual, list) and len(expected) == len(actual):
        for index, pair in enumerate(zip(expected, actual, strict=True)):
            yield from _differences(*pair, f"{path}[{index}]")
    elif expected != actual:
        yield path


def insert_attempt(
    connection: Connection,
    *,
    experiment_id: str,
    exercise_id: str,
    owner: str,
    proof: Proof | None = None,
) -> None:
    """Record the experiment as an attempt, one that repeats the run of a proof.

    Raises `NotFound` if the exercise was deleted, `QuotaExceeded` for too many attempts.
    """
    find(connection, exercise_id)
    if stored.count_attempts(connection, exercise_id, owner) >= MAX_ATTEMPTS:
        raise QuotaExceeded(f"An exercise has at most {MAX_ATTEMPTS} attempts of one owner")
    stored.insert_attempt(connection, id=experiment_id, exercise_id=exercise_id, owner=owner)
    if proof is not None:
        curve, json = proofs.curve_sha256(proof), proof.model_dump_json()
        stored.insert_proof(connection, experiment_id, curve_sha256=curve, proof=json)


# -------------------------------------------------------------------------------------- results


def find(connection: Connection, exercise_id: str) -> ExerciseRow:
    """Return the row of an exercise. Raises `NotFound`."""
    row = stored.find(connection, exercise_id)
    if row is None:
        raise NotFound(f"There is no exercise {exercise_id}")
    return row


def load_spec(row: ExerciseRow) -> ExerciseSpec:
    """Return the spec of a stored exercise."""
    return ExerciseSpec.model_validate_json(row.spec)


def outcomes_of(connection: Connection, row: AttemptRow, count: int) -> list[ClaimOutcome]:
    """Return the outcomes of the `count` claims in an attempt."""
    if row.outcomes is not None:
        outcomes: list[ClaimOutcome] = json.loads(row.outcomes)
        return outcomes
    experiment = stored_experiments.read(connection, row.id)
    if experiment is None:
        return ["unknown"] * count
    plan = experiments.load_plan(experiment)
    jobs = experiments.jobs_by_run(connection, row.id)
    return [claim.outcome for claim in claims.evaluated(connection, plan, jobs)]


def result_of(connection: Connection, experiment_id: str) -> ProofResult | None:
    """Return the comparison of the proof that an experiment repeats; None without a proof."""
    rows = stored.proofs(connection, [experiment_id])
    return _result(connection, *rows) if rows else None


def results_of(connection: Connection, experiment_ids: Sequence[str]) -> dict[str, ProofResult]:
    """Return the comparisons of proofs by experiment, with the owners of the same curves."""
    return {
        row.attempt_id: _result(connection, row).model_copy(update={"same_as": row.same_as})
        for row in stored.proofs(connection, experiment_ids)
    }


def _result(connection: Connection, row: ProofRow) -> ProofResult:
    if row.result is not None:
        return ProofResult.model_validate_json(row.result)
    assert row.proof is not None
    jobs = stored_experiments.jobs_of(connection, row.attempt_id)
    return proofs.compare(connection, row.proof, jobs[0] if jobs else None)


def settle(database: Database) -> None:
    """Store the outcomes of attempts that are over."""
    with database.read() as connection:
        rows = stored.unsettled(connection, TERMINAL, SETTLED_AT_ONCE)
    for row in rows:
        settle_attempt(database, row)


def settle_attempt(database: Database, row: AttemptRow) -> None:
    """Store the outcomes of an attempt, unless one is pending."""
    with database.read() as connection:
        exercise = stored.find(connection, row.exercise_id)
        if exercise is None:
            return
        outcomes = outcomes_of(connection, row, len(load_spec(exercise).experiment.claims))
        result = result_of(connection, row.id)
    if "pending" not in outcomes:
        with database.write() as connection:
            stored.settle(connection, row.id, json.dumps(outcomes))
            if result is not None:
                stored.settle_proof(connection, row.id, result.model_dump_json())
