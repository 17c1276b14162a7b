"""The methods of exercises: create, read, delete, attempt, and see who has solved them."""

from __future__ import annotations

import re
from collections.abc import Sequence
from operator import itemgetter

from ..errors import FieldError, Forbidden, InvalidArgument
from ..experiments import claims, exercises, experiments, proofs
from ..experiments.experiments import Run
from ..jobs import quotas
from ..specs.base import timestamp
from ..specs.exercises import (
    Attempt,
    AttemptOptions,
    AttemptPage,
    AttemptSpec,
    CreateExerciseOptions,
    Exercise,
    ExercisePage,
    ExerciseResults,
    ExerciseSpec,
    ListAttemptsRequest,
    ListExercisesRequest,
    OwnerResult,
)
from ..specs.experiments import Experiment
from ..specs.proofs import Proof, ProofResult, SubmitProofOptions
from ..specs.training import TrainingSpec
from ..store import Connection, keys, members
from ..store import exercises as stored
from ..store import experiments as stored_experiments
from ..store.database import new_id
from ..store.exercises import AttemptRow, ExerciseRow
from .context import Context
from .experiments import checked_runs, submit
from .fingerprints import fingerprint
from .pages import before, cut, page_size


def create_exercise(
    context: Context, spec: ExerciseSpec, options: CreateExerciseOptions
) -> Exercise:
    """Create an exercise. Everybody who knows its id may read and attempt it, and its uploaded data
    sets with it. The same `request_id` and spec return the exercise created before.

    Raises `InvalidArgument` for an experiment that cannot be trained or that others cannot read,
    and for open fields that it does not have; `IdempotencyMismatch`; `QuotaExceeded`.
    """
    exercises.check(spec)
    try:
        checked_runs(context, spec.experiment)
    except InvalidArgument as error:
        errors = (FieldError(f"experiment.{field}", text) for field, text in error.errors)
        raise InvalidArgument.of(*errors, reason=error.reason) from None
    new = new_id("exr")
    with context.database.write() as connection:
        exercise_id = keys.claim(
            connection, context.owner, options.request_id, fingerprint(spec), new
        )
        if exercise_id != new:
            return _reply(context, exercises.find(connection, exercise_id))
        quotas.reserve(connection, context.settings.quotas, context.owner, "max_exercises")
        json = spec.model_dump_json()
        row = stored.insert(connection, id=new, owner=context.owner, spec=json)
        exercises.share_datasets(connection, spec.experiment, new, context.owner)
        return _reply(context, row)


def get_exercise(context: Context, id: str) -> Exercise:
    """Return the exercise to everybody who knows its id. Raises `NotFound`."""
    with context.database.read() as connection:
        return _reply(context, exercises.find(connection, id))


def list_exercises(context: Context, request: ListExercisesRequest) -> ExercisePage:
    """List your exercises and your class's, newest first, without their experiments."""
    size = page_size(request.page_size)
    with context.database.read() as connection:
        rows = stored.page(
            connection, context.access, size=size + 1, before=before(request.page_token, "exr")
        )
    page, token = cut(rows, size, lambda row: len(row.spec))
    short = [_reply(context, row).model_copy(update={"experiment": None}) for row in page]
    return ExercisePage(exercises=short, next_page_token=token)


def delete_exercise(context: Context, id: str) -> None:
    """Delete an exercise and its results. The experiments of its attempts remain. Its uploaded data
    sets are no longer shared.

    Raises `NotFound`, `Forbidden`.
    """
    with context.database.write() as connection:
        row = exercises.find(connection, id)
        if row.owner != context.owner:
            raise Forbidden(f"The exercise belongs to {row.owner}, and only {row.owner} deletes it")
        stored.delete(connection, id)


def attempt_exercise(
    context: Context, id: str, spec: AttemptSpec, options: AttemptOptions
) -> Experiment:
    """Attempt an exercise: create its experiment with other values of the open fields. The same
    `request_id` and spec return the experiment created before.

    Raises `NotFound`; `InvalidArgument` for a field that differs from the exercise and is not open,
    and for a job that cannot be trained; `IdempotencyMismatch`; `QuotaExceeded` if too many jobs
    are queued, or the owner has too many attempts.
    """
    with context.database.read() as connection:
        exercise = exercises.load_spec(exercises.find(connection, id))
    return submit(context, exercises.attempted(exercise, spec.jobs), options.request_id, id)


def submit_proof(context: Context, id: str, spec: Proof, options: SubmitProofOptions) -> Experiment:
    """Submit a run that was trained elsewhere as an attempt at an exercise of one job. The service
    repeats it, and compares its curve and its final weights with the proof. The same `request_id`
    and proof return the experiment created before.

    Raises `NotFound`; `InvalidArgument` for the run of another owner, with another seed than yours
    in this exercise or with other data, and for a field that differs from the exercise and is not
    open; `IdempotencyMismatch`; `QuotaExceeded` if too many jobs are queued, or the owner has too
    many attempts.
    """
    with context.database.read() as connection:
        exercise = exercises.load_spec(exercises.find(connection, id))
    seed = exercises.seed_of(id, context.owner)
    experiment = exercises.repeated(exercise, spec, context.owner, seed)

    def check(runs: Sequence[Run]) -> None:
        job = TrainingSpec.model_validate_json(runs[0].submission.values["spec"])
        exercises.check_repeated(exercise, spec, job)
        with context.database.read() as connection:
            proofs.check_data(connection, spec, job, context.access)

    try:
        return submit(context, experiment, options.request_id, id, spec, check)
    except InvalidArgument as error:
        (name,) = experiment.jobs
        errors = (
            FieldError(re.sub(rf"^jobs\.{name}\b", "spec", field), text)
            for field, text in error.errors
        )
        raise InvalidArgument.of(*errors, reason=error.reason) from None


def list_attempts(context: Context, id: str, request: ListAttemptsRequest) -> AttemptPage:
    """List attempts at the exercise, newest first. The owner of the exercise sees all attempts,
    others see their own.

    Raises `NotFound`.
    """
    size, first = page_size(request.page_size), before(request.page_token, "exp")
    with context.database.read() as connection:
        exercise = exercises.find(connection, id)
        owners = _owners(context, exercise)
        if request.owner is not None:
            owners = [name for name in (request.owner,) if owners is None or name in owners]
        rows = stored.attempts_at(connection, id, owners, size=size + 1, before=first)
        page, token = cut(rows, size)
        marked = _attempts(context, connection, exercise, page)
        return AttemptPage(attempts=marked, next_page_token=token)


def get_exercise_results(context: Context, id: str) -> ExerciseResults:
    """Return what each owner achieved in the exercise: to the owner of the exercise everybody who
    attempted it and all members of the class, to others themselves.

    Raises `NotFound`.
    """
    with context.database.read() as connection:
        exercise = exercises.find(connection, id)
        reply = _reply(context, exercise)
        marked: dict[str, list[tuple[AttemptRow, int]]] = {}
        if exercise.owner == context.owner:
            marked = {name: [] for name in members.of(connection, exercise.owner)}
        rows_at = stored.attempts_at(connection, id, _owners(context, exercise))
        results = exercises.results_of(connection, [row.id for row in rows_at])
        for row in reversed(rows_at):
            outcomes = exercises.outcomes_of(connection, row, len(reply.claims))
            met = -1 if _is_refused(results.get(row.id)) else outcomes.count("met")
            marked.setdefault(row.owner, []).append((row, met))
        best = [max(rows, key=itemgetter(1))[0] for rows in marked.values() if rows]
        rows_of_best = _attempts(context, connection, exercise, best)
        attempts = {attempt.owner: attempt for attempt in rows_of_best}
    return ExerciseResults(
        claims=reply.claims,
        results=[
            OwnerResult(
                owner=owner,
                attempts=len(rows),
                best=attempts.get(owner),
                last_attempt_at=timestamp(rows[-1][0].created_at) if rows else None,
            )
            for owner, rows in sorted(marked.items())
        ],
    )


def _owners(context: Context, exercise: ExerciseRow) -> list[str] | None:
    """Return the owners of attempts that the caller may see; None for all owners."""
    return None if exercise.owner == context.owner else [*context.access.readable]


def _attempts(
    context: Context, connection: Connection, exercise: ExerciseRow, rows: list[AttemptRow]
) -> list[Attempt]:
    count = len(exercises.load_spec(exercise).experiment.claims)
    ids = [row.id for row in rows]
    states = stored_experiments.count_states(connection, ids)
    results = exercises.results_of(connection, ids)
    if exercise.owner != context.owner:
        results = {key: r.model_copy(update={"same_as": None}) for key, r in results.items()}
    return [_attempt(connection, row, count, states[row.id], results.get(row.id)) for row in rows]


def _attempt(
    connection: Connection,
    row: AttemptRow,
    count: int,
    states: dict[str, int],
    proof: ProofResult | None,
) -> Attempt:
    outcomes = exercises.outcomes_of(connection, row, count)
    created = timestamp(row.created_at)
    assert created is not None
    return Attempt(
        id=row.id,
        owner=row.owner,
        state=experiments.state_of(states) if states else None,
        outcomes=outcomes,
        solved={*outcomes} == {"met"} and not _is_refused(proof),
        proof=proof,
        created_at=created,
    )


def _is_refused(proof: ProofResult | None) -> bool:
    return proof is not None and proof.verdict == "refused"


def _reply(context: Context, row: ExerciseRow) -> Exercise:
    spec = exercises.load_spec(row)
    created = timestamp(row.created_at)
    assert created is not None
    return Exercise(
        id=row.id,
        owner=row.owner,
        title=spec.title,
        text=spec.text,
        experiment=spec.experiment,
        open=spec.open,
        claims=[claims.text_of(claim) for claim in spec.experiment.claims],
        seed=exercises.seed_of(row.id, context.owner),
        created_at=created,
    )
