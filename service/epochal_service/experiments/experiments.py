"""An experiment is several jobs, for several seeds, that are created in one transaction.

    spec ──> checks of names ──> for each seed and job: seeds moved, prepared, priced ──> Runs
                                                                                           │
    experiment, its jobs and their dependencies  <──────────── one transaction ────────────┘

Afterwards its jobs are jobs like others. Nothing about the state of an experiment is stored: it
follows from the states of its jobs.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from pydantic import BaseModel, ConfigDict

from epochal_engine import has_exact_match

from ..admission.price import price_of
from ..admission.submission import Submission, submission_of
from ..errors import Conflict, FieldError, InvalidArgument, NotFound
from ..jobs import lifecycle
from ..jobs import quotas as owner_quotas
from ..preparation.forks import Parent, future_parent
from ..preparation.prepare import prepare
from ..preparation.prepared import Prepared
from ..resources.sources import INITIAL_WEIGHTS, REWARD, named_source, sources, with_source
from ..settings import Quotas, Settings
from ..specs.base import id_pattern
from ..specs.experiments import MAX_RUNS, ClaimSpec, ExperimentSpec, ExperimentState
from ..specs.jobs import TERMINAL, JobState
from ..specs.training import TrainingSpec
from ..store import Access, Connection, Database, dependencies, experiments, jobs, keys
from ..store.database import new_id
from ..store.experiments import ExperimentRow
from ..store.jobs import JobRow
from ..store.packing import pack
from .measures import Labeled, classified, generated, positions_of, spells_text, writes_texts

MAX_SEED = 2**63


class PlannedJob(BaseModel):
    """The view that an experiment has of one of its jobs."""

    model_config = ConfigDict(frozen=True)

    needs: list[str]
    """Names of the jobs that it waits for."""
    epochs: int
    restores_best: bool
    batch_size: int = 1
    """Samples per step."""


class Plan(BaseModel):
    """The stored form of an experiment. The specs of its jobs are theirs; here, each job comes
    after the jobs that it needs.
    """

    model_config = ConfigDict(frozen=True)

    name: str | None
    seeds: list[int]
    jobs: dict[str, PlannedJob]
    claims: list[ClaimSpec]
    exercise: str | None = None
    """Id of the exercise that it attempts."""


@dataclass(frozen=True)
class Run:
    """One job of an experiment for one seed, ready to be created."""

    id: str
    name: str
    seed: int
    submission: Submission
    needed_ids: Sequence[str]
    """Ids of the jobs that it waits for."""
    scaling: bytes
    """Packed scaling of its data."""
    has_exact_match: bool
    """Whether it predicts sequences of classes."""
    positions: int
    """Number of positions that have a loss each; 0 without any."""
    writes_texts: bool
    """Whether its network can write whole rows of its data."""
    spells_text: bool
    """Whether its network predicts a text with countable characters."""
    generated: Labeled | None
    """The samples that its network generates by class."""
    classified: Labeled | None
    """The samples that its network classifies."""


def plan_of(spec: ExperimentSpec, exercise: str | None = None) -> Plan:
    """Return what is stored of the experiment, an attempt at this exercise."""
    planned = {}
    for name in _ordered(spec):
        job = spec.jobs[name]
        stopping = job.early_stopping
        planned[name] = PlannedJob(
            needs=_needs(spec, name),
            epochs=job.epochs,
            restores_best=stopping is not None and stopping.restore_best,
            batch_size=job.batch_size,
        )
    return Plan(
        name=spec.name, seeds=spec.seeds, jobs=planned, claims=spec.claims, exercise=exercise
    )


def _needs(spec: ExperimentSpec, name: str) -> list[str]:
    """Return the names of the jobs that a job waits for, each once."""
    return [*dict.fromkeys(job for job in _needed(spec, name).values() if job in spec.jobs)]


def _needed(spec: ExperimentSpec, name: str) -> dict[str, str]:
    """Return the names or ids of the jobs with weights that a job uses, or that the worker uses to
    measure its samples, by the field that has them.
    """
    needed = {f"jobs.{name}.{part}.job": s.job for part, s in sources(spec.jobs[name]).items()}
    for index, claim in enumerate(spec.claims):
        if claim.classifier is not None and name in (claim.job, claim.minus):
            needed[f"claims[{index}].classifier"] = claim.classifier
    return needed


# ---------------------------------------------------------------------------------------- checks


def check_names(spec: ExperimentSpec) -> list[str]:
    """Return the names of the jobs, each after the jobs that it needs.

    Raises `InvalidArgument` for seeds and names that do not fit together.
    """
    errors = [*_seed_errors(spec), *_need_errors(spec)]
    order = _ordered(spec)
    for name in spec.jobs.keys() - {*order}:
        for field, needed in _needed(spec, name).items():
            if path := _path(spec, needed, name):
                text = f"must not need itself through others: {' needs '.join([name, *path])}"
                errors.append(FieldError(field, text))
    if errors:
        raise InvalidArgument.of(*sorted(errors))
    return order


def _seed_errors(spec: ExperimentSpec) -> Iterator[FieldError]:
    runs = len(spec.jobs) * len(spec.seeds)
    if len({*spec.seeds}) < len(spec.seeds):
        yield FieldError("seeds", "must be different")
    elif runs > MAX_RUNS:
        text = f"make {len(spec.jobs)} jobs {runs} jobs; an experiment has at most {MAX_RUNS}"
        yield FieldError("seeds", text)


def _need_errors(spec: ExperimentSpec) -> Iterator[FieldError]:
    for name, job in spec.jobs.items():
        for part, source in sources(job).items():
            field = f"jobs.{name}.{part}"
            if source.job in spec.jobs and source.epoch is not None:
                text = f"must be absent: {name} takes the weights that {source.job} answers with"
                yield FieldError(f"{field}.epoch", text)
            elif source.job not in spec.jobs and not re.fullmatch(id_pattern("job"), source.job):
                others = ", ".join(other for other in spec.jobs if other != name) or "none"
                text = (
                    f"must be the name of another job of the experiment ({others}), or a job's id"
                )
                yield FieldError(f"{field}.job", text)


def _ordered(spec: ExperimentSpec) -> list[str]:
    """Return the names, each after the names that it needs, without cycles."""
    order: list[str] = []
    while ready := [
        name for name in spec.jobs if name not in order and {*_needs(spec, name)} <= {*order}
    ]:
        order += ready
    return order


def _path(spec: ExperimentSpec, name: str, target: str, seen: Sequence[str] = ()) -> list[str]:
    """Return the names from one job to another that it needs, through others; [] if it does not."""
    if name == target:
        return [name]
    if name in seen or name not in spec.jobs:
        return []
    paths = (_path(spec, need, target, [*seen, name]) for need in _needs(spec, name))
    return next(([name, *path] for path in paths if path), [])


# -------------------------------------------------------------------------------------- creation


def prepare_experiment(
    database: Database, spec: ExperimentSpec, access: Access, settings: Settings
) -> list[Run]:
    """Check and price every job for every seed; return them, each after the jobs that it needs.

    Raises `InvalidArgument` with the errors of all jobs, with fields that begin with `jobs.NAME`.
    """
    order = check_names(spec)
    runs: list[Run] = []
    for seed in spec.seeds:
        ids: dict[str, str] = {}
        parents: dict[str, Parent] = {}
        errors: list[FieldError] = []
        for name in order:
            needs = _needs(spec, name)
            if not parents.keys() >= {*needs}:
                continue  # one of them has errors
            try:
                job = with_seed(spec.jobs[name], seed)
                prepared = prepare(database, job, access, settings.limits, parents=parents)
                ids[name] = new_id("job")
                needed_ids = [ids[need] for need in needs]
                runs.append(_run(prepared, settings, ids, name, seed, needed_ids))
                parents[name] = future_parent(prepared.spec)
            except InvalidArgument as error:
                errors += within_job(error, name).errors
        if errors:
            raise InvalidArgument.of(*errors)
    return runs


def _run(
    prepared: Prepared,
    settings: Settings,
    ids: Mapping[str, str],
    name: str,
    seed: int,
    needed_ids: Sequence[str],
) -> Run:
    price = price_of(prepared, settings)
    waits_for = set()
    for field, source in sources(prepared.spec).items():
        if source.job in ids:
            # The weights are copied when the other job has succeeded.
            waits_for.add(field)
            spec = with_source(prepared.spec, field, job=ids[source.job])
            prepared = replace(prepared, spec=spec)
    if INITIAL_WEIGHTS in waits_for:
        prepared = replace(prepared, initial_weights=None)
    if REWARD in waits_for:
        prepared = replace(prepared, reward_weights=None)
    return Run(
        id=ids[name],
        name=name,
        seed=seed,
        submission=submission_of(prepared, price, settings),
        needed_ids=needed_ids,
        scaling=pack(prepared.scaling),
        has_exact_match=has_exact_match(prepared.network, prepared.spec.loss),
        positions=positions_of(prepared),
        writes_texts=writes_texts(prepared.dataset),
        spells_text=spells_text(prepared),
        generated=generated(prepared),
        classified=classified(prepared),
    )


def with_seed(spec: TrainingSpec, seed: int) -> TrainingSpec:
    """Return the spec with the number added to the seeds of the job, its split and its generated
    data.

    Raises `InvalidArgument` if a seed becomes too large.
    """
    changes: dict[str, Any] = {"seed": _sum(spec.seed, seed, "seed")}
    for field in ("dataset", "validation_dataset", "split"):
        part = getattr(spec, field)
        old = getattr(part, "seed", None)
        if old is not None:
            new = _sum(old, seed, f"{field}.seed")
            changes[field] = part.model_copy(update={"seed": new})
    return spec.model_copy(update=changes)


def _sum(seed: int, added: int, field: str) -> int:
    if seed + added >= MAX_SEED:
        text = f"must be less than {MAX_SEED - added} with the seed {added} of the experiment"
        raise InvalidArgument.of(FieldError(field, text))
    return seed + added


def within_job(error: InvalidArgument, name: str) -> InvalidArgument:
    """Return the error of a job with its fields under `jobs.NAME`."""
    errors = (FieldError(f"jobs.{name}.{field}", text) for field, text in error.errors)
    return InvalidArgument.of(*errors, reason=error.reason)


def create(
    database: Database,
    plan: Plan,
    runs: Sequence[Run],
    *,
    owner: str,
    quotas: Quotas,
    request_id: str | None,
    fingerprint: str,
    insert_more: Callable[[Connection, str], None],
) -> tuple[ExperimentRow, bool]:
    """Insert the experiment and its jobs; return its row and whether it is new.

    `insert_more` gets the id of a new experiment in the same transaction.

    Raises `IdempotencyMismatch`, `NotFound`, `InvalidArgument`, `QuotaExceeded` as
    `lifecycle.submit` does.
    """
    new = new_id("exp")
    with database.write() as connection:
        experiment_id = keys.claim(connection, owner, request_id, fingerprint, new)
        if experiment_id != new:
            return find(connection, experiment_id, Access(owner)), False
        owner_quotas.reserve(connection, quotas, owner, "max_queued_jobs", len(runs))
        stored_bytes = sum(run.submission.values["stored_bytes"] for run in runs)
        owner_quotas.reserve(connection, quotas, owner, "max_stored_bytes_per_owner", stored_bytes)
        row = experiments.insert(connection, id=new, owner=owner, plan=plan.model_dump_json())
        insert_more(connection, new)
        for run in runs:
            try:
                _insert(connection, run, new, owner)
            except InvalidArgument as error:  # the data set was deleted
                raise within_job(error, run.name) from None
        return row, True


def _insert(connection: Connection, run: Run, experiment_id: str, owner: str) -> None:
    new = run.submission
    place = {
        "experiment_id": experiment_id,
        "experiment_job": run.name,
        "experiment_seed": run.seed,
    }
    state: JobState = "waiting" if run.needed_ids else "queued"
    terms = (*new.search_terms, run.name, experiment_id)
    values = {**new.values, **place}
    lifecycle.insert(connection, run.id, owner, values, new.labels, terms, state=state)
    for needed_id in run.needed_ids:
        dependencies.insert(connection, run.id, needed_id, run.scaling)
    lifecycle.store_weights(connection, run.id, new.initial_weights, new.reward_weights)


# ----------------------------------------------------------------------------- requests of users


def find(
    connection: Connection, experiment_id: str, access: Access, *, lock: bool = False
) -> ExperimentRow:
    """Return the row of an experiment that the caller may read. Raises `NotFound`."""
    row = experiments.find(connection, experiment_id, access, lock=lock)
    if row is None:
        raise not_found(experiment_id)
    return row


def not_found(experiment_id: str) -> NotFound:
    """Return the error for an experiment that is not there, or that the caller may not read."""
    return NotFound(f"There is no experiment {experiment_id}")


def jobs_by_run(connection: Connection, experiment_id: str) -> dict[tuple[int, str], JobRow]:
    """Return the jobs of an experiment that were not deleted, by seed and name."""
    return {
        (job.experiment_seed or 0, job.experiment_job or ""): job
        for job in experiments.jobs_of(connection, experiment_id)
    }


def spec_of(connection: Connection, row: ExperimentRow) -> ExperimentSpec:
    """Return a spec that creates the same experiment again, with the names of its jobs and without
    the seeds that were added.

    Raises `NotFound` if a job of every run was deleted.
    """
    plan, rows = load_plan(row), jobs_by_run(connection, row.id)
    complete = [seed for seed in plan.seeds if all((seed, name) in rows for name in plan.jobs)]
    if not complete:
        raise NotFound(f"Jobs of every run of {row.id} were deleted", reason="job_not_found")
    seed = min(complete)
    names = {rows[seed, name].id: name for name in plan.jobs}
    specs = {}
    for job_id, name in names.items():
        job = jobs.find(connection, job_id)
        assert job is not None
        spec = TrainingSpec.model_validate_json(job.spec)
        for field, source in sources(spec).items():
            if source.job in names:
                spec = named_source(spec, field, names[source.job])
        specs[name] = with_seed(spec, -seed)
    return ExperimentSpec(name=plan.name, seeds=plan.seeds, jobs=specs, claims=plan.claims)


def state_of(states: Iterable[str]) -> ExperimentState:
    """Return the state of an experiment from the states of its jobs."""
    present = {*states}
    if present - TERMINAL:
        return "running"
    if "failed" in present:
        return "failed"
    return "succeeded" if present == {"succeeded"} else "cancelled"


def cancel(database: Database, experiment_id: str, access: Access) -> list[str]:
    """Cancel every job that has not ended, waiting jobs first; return their ids.

    Raises `NotFound`, `Forbidden`; `Conflict` if all have ended and not all were cancelled.
    """
    with database.read() as connection:
        row = find(connection, experiment_id, access)
        access.require_owner(row.owner)
        rows = experiments.jobs_of(connection, experiment_id)
    active = [job for job in rows if job.state not in TERMINAL]
    if not active and (state := state_of(job.state for job in rows)) != "cancelled":
        text = f"The experiment has {state}: it cannot be cancelled"
        raise Conflict(text, reason="experiment_ended")
    order = [*load_plan(row).jobs]
    changed = []
    for job in sorted(active, key=lambda job: -order.index(job.experiment_job or "")):
        try:
            lifecycle.cancel(database, job.id, access)
        except (Conflict, NotFound):
            continue  # it has ended, or was deleted, in the meantime
        changed.append(job.id)
    return changed


def delete(database: Database, experiment_id: str, access: Access) -> None:
    """Delete an experiment and its jobs, which must all have ended.

    Raises `NotFound`, `Forbidden`, `Conflict`.
    """
    with database.write() as connection:
        row = find(connection, experiment_id, access, lock=True)
        access.require_owner(row.owner)
        for job in experiments.jobs_of(connection, experiment_id):
            if not jobs.hide(connection, job.id, row.owner, TERMINAL):
                raise Conflict(
                    f"Its job {job.id} is {job.state}: cancel the experiment first, and delete it "
                    "after all its jobs have ended",
                    reason="experiment_not_ended",
                )
        experiments.delete(connection, experiment_id)


def load_plan(row: ExperimentRow) -> Plan:
    """Return the plan of a stored experiment."""
    return Plan.model_validate_json(row.plan)
