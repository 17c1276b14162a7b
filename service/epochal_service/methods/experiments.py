"""The methods of experiments: create, read, cancel, delete."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial

from ..errors import InvalidArgument
from ..experiments import claims, exercises, experiments
from ..experiments.events import experiment_events
from ..experiments.experiments import Plan, Run
from ..jobs import webhooks
from ..specs.base import timestamp
from ..specs.experiments import (
    CreateExperimentOptions,
    Experiment,
    ExperimentJob,
    ExperimentPage,
    ExperimentSpec,
    ListExperimentsRequest,
    WatchExperimentRequest,
)
from ..specs.jobs import EpochRow
from ..specs.proofs import Proof
from ..store import Connection
from ..store import exercises as stored_exercises
from ..store import experiments as stored
from ..store.experiments import ExperimentRow
from ..store.jobs import JobRow
from ..streams.follow import Frames
from .context import Context
from .fingerprints import fingerprint
from .pages import before, cut, page_size


def create_experiment(
    context: Context, spec: ExperimentSpec, options: CreateExperimentOptions
) -> Experiment:
    """Create the jobs of an experiment, all or none. The same `request_id` and spec return the
    experiment created before.

    Raises `InvalidArgument` for a job that cannot be trained, names that do not fit together, and
    claims that cannot be evaluated; `IdempotencyMismatch`; `QuotaExceeded` if too many jobs are
    queued, or all jobs store too much.
    """
    return submit(context, spec, options.request_id)


def submit(
    context: Context,
    spec: ExperimentSpec,
    request_id: str | None,
    exercise: str | None = None,
    proof: Proof | None = None,
    check: Callable[[Sequence[Run]], None] | None = None,
) -> Experiment:
    """Create an experiment, as an attempt at this exercise that repeats the run of a proof. `check`
    gets its jobs before they are created. Raises as `create_experiment` does.
    """
    hooks = [hook for job in spec.jobs.values() for hook in job.webhooks]
    plan = experiments.plan_of(spec, exercise)
    runs = checked_runs(context, spec)
    if check is not None:
        check(runs)
    context.take_jobs(len(runs))
    row, new = experiments.create(
        context.database,
        plan,
        runs,
        owner=context.owner,
        quotas=context.settings.quotas,
        request_id=request_id,
        fingerprint=fingerprint(
            spec, *([plan] if exercise else []), *([proof] if proof else []), *hooks
        ),
        insert_more=partial(_insert_attempt, exercise, context.owner, proof),
    )
    if new:
        for run in runs:
            if not run.needed_ids:
                context.queue.notify_workers(run.id)
    return get_experiment(context, row.id)


def _insert_attempt(
    exercise: str | None,
    owner: str,
    proof: Proof | None,
    connection: Connection,
    experiment_id: str,
) -> None:
    if exercise is not None:
        exercises.insert_attempt(
            connection,
            experiment_id=experiment_id,
            exercise_id=exercise,
            owner=owner,
            proof=proof,
        )


def checked_runs(context: Context, spec: ExperimentSpec) -> list[Run]:
    """Return the jobs of an experiment for every seed. Raises `InvalidArgument`."""
    for name, job in spec.jobs.items():
        try:
            webhooks.check(job.webhooks, context.receivers)
        except InvalidArgument as error:
            raise experiments.within_job(error, name) from None
    experiments.check_names(spec)
    if errors := [*claims.errors_of(spec)]:
        raise InvalidArgument.of(*errors)
    access = context.access.without_members
    runs = experiments.prepare_experiment(context.database, spec, access, context.settings)
    if errors := [*claims.errors_of_runs(spec, runs)]:
        raise InvalidArgument.of(*errors)
    return runs


def get_experiment(context: Context, id: str) -> Experiment:
    """Return the experiment with its jobs, and the outcomes of its claims. Raises `NotFound`."""
    with context.database.read() as connection:
        return _reply(connection, experiments.find(connection, id, context.access))


def get_experiment_spec(context: Context, id: str) -> ExperimentSpec:
    """Return a spec that creates the same experiment again: to change it, or to make an exercise
    of it.

    Raises `NotFound`, also if a job of every run was deleted.
    """
    with context.database.read() as connection:
        return experiments.spec_of(connection, experiments.find(connection, id, context.access))


def list_experiments(context: Context, request: ListExperimentsRequest) -> ExperimentPage:
    """List experiments, newest first, without their jobs and claims."""
    size = page_size(request.page_size)
    with context.database.read() as connection:
        rows = stored.page(
            connection,
            context.access.narrowed(request.owner),
            size=size + 1,
            before=before(request.page_token, "exp"),
        )
        page, token = cut(rows, size)
        counts = stored.count_states(connection, [row.id for row in page])
    return ExperimentPage(
        experiments=[_short(row, experiments.load_plan(row), counts[row.id]) for row in page],
        next_page_token=token,
    )


def cancel_experiment(context: Context, id: str) -> Experiment:
    """Cancel all jobs of the experiment that have not ended.

    Raises `NotFound`; `Conflict` if all of them have ended.
    """
    for job_id in experiments.cancel(context.database, id, context.access):
        context.queue.notify_watchers(job_id)
    return get_experiment(context, id)


def delete_experiment(context: Context, id: str) -> None:
    """Delete an experiment with its jobs. Raises `NotFound`; `Conflict` if a job has not ended."""
    with context.database.read() as connection:
        attempt = stored_exercises.find_attempt(connection, id)
    if attempt is not None:
        exercises.settle_attempt(context.database, attempt)
    experiments.delete(context.database, id, context.access)


async def watch_experiment(context: Context, id: str, request: WatchExperimentRequest) -> Frames:
    """Stream the experiment: at first, and at most twice a second whenever one of its jobs or
    claims has changed, until all its jobs have ended. Each event has the whole experiment.

    Raises `NotFound`.
    """
    events = experiment_events(_reply)
    return await context.hub.watch(id, context.access, request.after, events, key=context.key)


def _short(row: ExperimentRow, plan: Plan, states: dict[str, int]) -> Experiment:
    return Experiment(
        id=row.id,
        owner=row.owner,
        name=plan.name,
        exercise=plan.exercise,
        seeds=plan.seeds,
        state=experiments.state_of(states),
        states=states,
        created_at=timestamp(row.created_at),
    )


def _reply(connection: Connection, row: ExperimentRow) -> Experiment:
    plan = experiments.load_plan(row)
    rows = experiments.jobs_by_run(connection, row.id)
    states: dict[str, int] = {}
    for job in rows.values():
        states[job.state] = states.get(job.state, 0) + 1
    ends = [job.finished_at for job in rows.values()]
    last = max(end for end in ends if end is not None) if ends and None not in ends else None
    order = [(seed, name) for seed in plan.seeds for name in plan.jobs]
    return _short(row, plan, states).model_copy(
        update={
            "jobs": [_job(rows[key], plan) for key in order if key in rows],
            "claims": claims.evaluated(connection, plan, rows),
            "proof": exercises.result_of(connection, row.id) if plan.exercise else None,
            "finished_at": timestamp(last),
        }
    )


def _job(row: JobRow, plan: Plan) -> ExperimentJob:
    name = row.experiment_job or ""
    return ExperimentJob(
        id=row.id,
        job=name,
        seed=row.experiment_seed or 0,
        needs=plan.jobs[name].needs,
        state=row.state,
        stop_reason=row.stop_reason,
        detail=row.detail,
        epoch=row.epoch,
        epochs=plan.jobs[name].epochs,
        latest=None if row.latest is None else EpochRow.model_validate_json(row.latest),
        parameters=row.parameters,
    )
