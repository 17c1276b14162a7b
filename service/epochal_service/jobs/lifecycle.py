"""The states of a job, and the one transaction that makes each transition.

                 claim                         end
      queued ------------> running -------------------------> succeeded | failed
       |  ^   release        |  |
       |  +------------------+  +--> pausing ----> paused --resume--> queued
       |                     |          |             |
       +------- cancel ------+----------+-------------+----> cancelling ----> cancelled

A worker also releases a job as paused if it was resumed for some epochs, and has trained them.

Every arrow is one conditional UPDATE together with its rows of the log. If the job is no longer in
the expected state, nothing changes.

A job that needs others is `waiting` before it is `queued`. The transaction that ends a job moves
the jobs that wait for it: they are queued once all jobs that they need have succeeded, and
cancelled if one of these ends in another way.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from time import perf_counter
from typing import Any, Literal, get_args

from .. import request_ids
from ..curves import outlines
from ..errors import Conflict, NotFound
from ..large import require_small
from ..resources import datasets
from ..settings import Quotas
from ..specs.jobs import TERMINAL, JobState, StopReason
from ..store import (
    Access,
    Connection,
    Database,
    checkpoints,
    counters,
    dependencies,
    jobs,
    keys,
)
from ..store import log as job_log
from ..store.database import lock_owner, new_id
from ..store.deliveries import insert as insert_deliveries
from ..store.dependencies import Dependent
from ..store.jobs import JobRow, JobWithSpec
from ..store.log import Entry
from . import figures
from . import quotas as owner_quotas
from .endings import rescue_best
from .handover import hand_over
from .row_sizes import JOB_BYTES, PAGE_BYTES, ROW_BYTES

# The states that may follow each state.
TRANSITIONS: dict[JobState, frozenset[JobState]] = {
    "waiting": frozenset({"queued", "paused", "cancelled"}),
    "queued": frozenset({"running", "paused", "cancelled", "failed"}),
    "running": frozenset({"queued", "paused", "pausing", "cancelling", "succeeded", "failed"}),
    "pausing": frozenset({"running", "paused", "cancelling", "succeeded", "failed"}),
    "paused": frozenset({"queued", "waiting", "cancelled"}),
    "cancelling": frozenset({"cancelled", "succeeded", "failed"}),
    "succeeded": frozenset(),
    "failed": frozenset(),
    "cancelled": frozenset(),
}
# The states in which a worker holds the job.
HELD: frozenset[JobState] = frozenset(jobs.HELD)  # type: ignore[arg-type]

Kind = Literal["job", "sweep"]
"""The kind of a row; its id begins with the word."""
KINDS: frozenset[str] = frozenset(get_args(Kind))


def kind_of(job_id: str) -> str:
    """Return `job` or `sweep`, the word that the id begins with."""
    return job_id.partition("_")[0]


@dataclass(frozen=True)
class Claim:
    """A job that a worker holds. Every write of the worker is conditional on the fence."""

    job: JobWithSpec
    start: checkpoints.Start = field(default_factory=checkpoints.Start)
    stored_epochs: frozenset[int] = frozenset()
    """The epochs that have a checkpoint."""
    running_seconds: float = 0.0
    """Seconds from the first start of the job to this claim, by the database's clock."""
    claimed_at: float = field(default_factory=perf_counter)
    """By the clock of this process."""

    @property
    def id(self) -> str:
        return self.job.id


@dataclass(frozen=True)
class Progress:
    """The results of a worker since its last transaction.

    `epoch`, `latest` and `best` are None if no epoch is new; `weights` are (epoch, packed weights)
    pairs, and `checkpoints` has their epochs without a stored checkpoint; the stored weights of the
    epochs in `superseded` are deleted; `resume_point` is (epoch, packed state). `baselines` is None
    if they are stored already.
    """

    entries: Sequence[Entry] = ()
    epoch: int | None = None
    latest: str | None = None
    best: str | None = None
    weights: Sequence[tuple[int, bytes]] = ()
    checkpoints: Sequence[int] = ()
    superseded: Sequence[int] = ()
    resume_point: tuple[int, bytes] | None = None
    baselines: str | None = None


@dataclass(frozen=True)
class Ending:
    """How a job ends. `allowed_from` are the states that the transition may start from."""

    state: JobState
    stop_reason: StopReason
    detail: str | None = None
    divergence: dict[str, Any] | None = None
    python_calls: int | None = None
    measures: Mapping[str, float | None] = field(default_factory=dict)
    """Measures of the job by name, see `jobs.measures`."""
    allowed_from: frozenset[JobState] = field(default=HELD)


def state_entry(state: JobState, epoch: int, **more: Any) -> Entry:
    """Return the log entry for a change of state."""
    note = {"state": state, **{key: value for key, value in more.items() if value is not None}}
    return Entry("state", epoch, epoch, note=json.dumps(note))


def _checkpoint_entry(epochs: Sequence[int]) -> Entry:
    return Entry("checkpoint", epochs[0], epochs[-1], note=json.dumps({"epochs": [*epochs]}))


def _has_best_weights(progress: Progress) -> bool:
    if progress.best is None:
        return False
    return json.loads(progress.best)["epoch"] in dict(progress.weights)


def _rescued(
    connection: Connection, row: JobRow, progress: Progress = Progress()
) -> tuple[list[Entry], dict[str, Any]]:
    """Store the best weights of a job that ends, if they are only in its resume point.

    Return log entries and values of the row.
    """
    best = progress.best or row.best
    if best is None or json.loads(best)["epoch"] in dict(progress.weights):
        return [], {}
    point = progress.resume_point or checkpoints.resume_point(connection, row.id)
    epochs, values = rescue_best(connection, row.id, best, None if point is None else point[1])
    return [_checkpoint_entry(epochs)] if epochs else [], values


def _end_entry(state: JobState, stop_reason: StopReason, epoch: int) -> Entry:
    return Entry("end", epoch, epoch, note=json.dumps({"state": state, "stop_reason": stop_reason}))


def _on_end(connection: Connection, row: JobRow, state: JobState) -> None:
    """Drop what only an unfinished job needs, record what is stored, insert the deliveries of its
    webhooks, and move the jobs that wait for it.
    """
    job_id = row.id
    remainder = jobs.record_stored_bytes(
        connection, job_id, job_bytes=JOB_BYTES, row_bytes=ROW_BYTES, page_bytes=PAGE_BYTES
    )
    if remainder.has_resume_point:
        checkpoints.drop_resume_point(connection, job_id)
    if remainder.has_reward_weights:
        checkpoints.drop_reward_weights(connection, job_id)
    insert_deliveries(connection, job_id, state, remainder.webhooks)
    if row.experiment_id is None:
        return  # no other job waits for it
    if waiting := dependencies.dependents(connection, job_id):
        if state == "succeeded":
            _release_dependents(connection, job_id, waiting)
        else:
            _cancel_dependents(connection, job_id, state, waiting)


def _release_dependents(connection: Connection, job_id: str, waiting: Sequence[Dependent]) -> None:
    """Queue the jobs that waited for a job which has succeeded, unless they need others too, or a
    user paused them.
    """
    source = jobs.find(connection, job_id)
    assert source is not None
    for dependent in waiting:
        row = dependent.job
        hand_over(connection, source, row.id, dependent.scaling)
        dependencies.mark_met(connection, row.id, job_id)
        if row.state == "waiting" and not dependencies.has_unmet(connection, row.id):
            _move(connection, row, "queued")


def _cancel_dependents(
    connection: Connection, job_id: str, state: JobState, waiting: Sequence[Dependent]
) -> None:
    """Cancel the jobs that waited for a job which has not succeeded."""
    for dependent in waiting:
        detail = f"It needs {job_id}, which has {_OUTCOMES[state]}"
        _move(connection, dependent.job, "cancelled", "dependency_failed", detail)


_OUTCOMES: dict[JobState, str] = {"failed": "failed", "cancelled": "been cancelled"}


def _move(
    connection: Connection,
    row: JobRow,
    target: JobState,
    stop_reason: StopReason | None = None,
    detail: str | None = None,
) -> None:
    """Make a transition of a locked row that no worker takes part in."""
    entries = [state_entry(target, row.epoch, stop_reason=stop_reason)]
    values: dict[str, Any] = {"state": target}
    if target not in HELD:
        values |= {"lease_expires_at": None, "notified_at": None}
    if stop_reason is not None:
        rescued, best = _rescued(connection, row)
        entries = [*rescued, *entries, _end_entry(target, stop_reason, row.epoch)]
        values |= {"stop_reason": stop_reason, "detail": detail, **best, **jobs.finished()}
        _on_end(connection, row, target)
    updated = jobs.advance(
        connection, row.id, states=(row.state,), events=len(entries), values=values
    )
    assert updated is not None
    job_log.append(connection, row.id, updated.last_seq, entries)


# ---------------------------------------------------------------------------------------- create


def submit(
    database: Database,
    *,
    owner: str,
    quotas: Quotas,
    values: Mapping[str, Any],
    labels: Mapping[str, str],
    request_id: str | None,
    fingerprint: str,
    kind: Kind = "job",
    search_terms: Sequence[str] = (),
    initial_weights: bytes | None = None,
    reward_weights: bytes | None = None,
) -> tuple[JobWithSpec, bool]:
    """Insert a job; return its row and whether it is new.

    The same `request_id` returns the job that it created before. A search finds the job by its id,
    its labels and `search_terms`. The packed `initial_weights` become its checkpoint of epoch 0,
    which training starts from; `reward_weights` are the weights of its reward model.

    Raises `IdempotencyMismatch` if another request used the key, `NotFound` if the job that it
    created was deleted, `InvalidArgument` if the data set was deleted in the meantime,
    `QuotaExceeded` if the owner's queue is full, or the owner's jobs would store too much.
    """
    require_small(len(values["spec"]))  # it is part of the reply
    new = new_id(kind)
    with database.write() as connection:
        job_id = keys.claim(connection, owner, request_id, fingerprint, new)
        if job_id != new:
            row = jobs.find(connection, job_id, Access(owner))
            if row is None:
                raise NotFound(
                    f"The {kind} that this idempotency key created, {job_id}, was deleted"
                )
            return row, False
        owner_quotas.reserve(connection, quotas, owner, "max_queued_jobs")
        stored_bytes = values.get("stored_bytes", 0)
        owner_quotas.reserve(connection, quotas, owner, "max_stored_bytes_per_owner", stored_bytes)
        row = insert(connection, job_id, owner, values, labels, search_terms)
        store_weights(connection, job_id, initial_weights, reward_weights)
        return row, True


def store_weights(
    connection: Connection, job_id: str, initial: bytes | None, reward: bytes | None
) -> None:
    """Store the packed weights of other jobs that a new job uses."""
    if initial is not None:
        checkpoints.insert(connection, job_id, [(0, initial)])
    if reward is not None:
        checkpoints.put_reward_weights(connection, job_id, reward)


def insert(
    connection: Connection,
    job_id: str,
    owner: str,
    values: Mapping[str, Any],
    labels: Mapping[str, str],
    search_terms: Sequence[str] = (),
    *,
    state: JobState = "queued",
) -> JobWithSpec:
    """Insert a job and the first entry of its log, and return its row.

    Raises `InvalidArgument` if its data set was deleted in the meantime.
    """
    for part in ("dataset", "validation_dataset"):
        dataset_id = values[f"{part}_id"]
        if dataset_id is not None:
            datasets.lock(connection, dataset_id, owner, part)
    row = jobs.insert(
        connection,
        {
            "id": job_id,
            "owner": owner,
            "state": state,
            "epoch": 0,
            "attempt": 0,
            "fruitless_attempts": 0,
            "fence": 0,
            "last_seq": 1,
            "search_text": search_text(job_id, *search_terms, *map("=".join, labels.items())),
            "request": request_ids.current(),
            **values,
        },
        labels,
    )
    job_log.append(connection, job_id, 1, [state_entry(state, 0)])
    return row


def search_text(*terms: str) -> str:
    """Return the terms as one case-folded text that a search for a substring reads."""
    return "\n".join(terms).casefold()


# ------------------------------------------------------------------------------ requests of users


def get(database: Database, job_id: str, access: Access, kind: Kind = "job") -> JobWithSpec:
    """Return the row, read in a separate transaction. Raises `NotFound`."""
    with database.read() as connection:
        return find(connection, job_id, access, kind)


def find(
    connection: Connection, job_id: str, access: Access, kind: Kind = "job", *, lock: bool = False
) -> JobWithSpec:
    """Return the row of a job or sweep that the caller may read. Raises `NotFound`."""
    row = jobs.find(connection, job_id, access, lock=lock) if kind_of(job_id) in KINDS else None
    if row is None and access.is_narrow:
        raise NotFound(f"This API key reaches {access} only: there is no {kind} {job_id} for it")
    if row is not None and kind_of(job_id) == kind:
        return row
    if row is not None and kind == "job":
        raise NotFound(
            f"There is no {kind} {job_id}: it is a sweep, whose members store no weights and no "
            f"gradients. Train a member as a job: epochal train {job_id}@MEMBER, in Python "
            "sweep.create_job(MEMBER), or POST /v1/jobs with the job of the sweep and the fields "
            "of the variant"
        )
    raise not_found(job_id, kind)


def not_found(job_id: str, kind: Kind) -> NotFound:
    """Return the error for a job or sweep that is not there, or that the caller may not read."""
    return NotFound(
        f"There is no {kind} {job_id}: it was deleted, or belongs to another API key's owner"
    )


def find_to_change(connection: Connection, job_id: str, access: Access, kind: Kind) -> JobWithSpec:
    """Return the row, locked until the commit. Raises `NotFound`; `Forbidden` if it is only the
    caller's to read."""
    row = find(connection, job_id, access, kind, lock=True)
    access.require_owner(row.owner)
    return row


def cancel(database: Database, job_id: str, access: Access, kind: Kind = "job") -> JobWithSpec:
    """Cancel the job. Raises `Conflict` if it has ended in another way."""
    return _request(
        database,
        job_id,
        access,
        action="cancel",
        transitions={
            "waiting": "cancelled",
            "queued": "cancelled",
            "paused": "cancelled",
            "running": "cancelling",
            "pausing": "cancelling",
        },
        done=frozenset({"cancelling", "cancelled"}),
        kind=kind,
    )


def pause(database: Database, job_id: str, access: Access) -> JobWithSpec:
    """Pause the job at its next epoch. Raises `Conflict` if it has ended or is cancelling."""
    return _request(
        database,
        job_id,
        access,
        action="pause",
        transitions={"waiting": "paused", "queued": "paused", "running": "pausing"},
        done=frozenset({"pausing", "paused"}),
    )


def resume(
    database: Database, job_id: str, access: Access, epochs: int | None = None
) -> JobWithSpec:
    """Resume a paused job, also if the owner's queue is full. It waits if it needs another job.
    With `epochs`, it trains so many and pauses again.

    Raises `Conflict` if it has ended or is cancelling; with `epochs` unless it is paused.
    """
    with database.write() as connection:
        row = find_to_change(connection, job_id, access, "job")
        if epochs is not None and row.state != "paused" and row.state not in TERMINAL:
            raise Conflict(
                f"The job is {row.state}: only a paused job can be resumed for some epochs",
                reason="job_state",
            )
        pause_epoch = None if epochs is None else row.epoch + epochs
        row = _requested(
            connection,
            row,
            action="resume",
            transitions={"paused": "queued", "pausing": "running"},
            done=frozenset({"waiting", "queued", "running"}),
        )
        if row.pause_epoch != pause_epoch:
            jobs.pause_after(connection, job_id, pause_epoch)
        return row


def delete(database: Database, job_id: str, access: Access, kind: Kind = "job") -> None:
    """Delete a job that has ended. Raises `NotFound`, `Conflict`.

    No method finds it any more. Its log and checkpoints are deleted by the reaper, see `deletion`.
    """
    with database.write() as connection:
        row = find_to_change(connection, job_id, access, kind)
        if not jobs.hide(connection, job_id, row.owner, TERMINAL):
            other = dependencies.first_dependent(connection, job_id)
            needed = "" if other is None else f", and {other} waits for it"
            raise Conflict(
                f"The {kind} is {row.state}{needed}: cancel it first, and delete it after it has "
                "ended",
                reason="job_not_ended",
            )


_PARTICIPLES = {"cancel": "cancelled", "pause": "paused", "resume": "resumed"}


def _request(
    database: Database,
    job_id: str,
    access: Access,
    *,
    action: str,
    transitions: dict[JobState, JobState],
    done: frozenset[JobState],
    kind: Kind = "job",
) -> JobWithSpec:
    """Make the transition for the job's state; change nothing if the state is among `done`."""
    with database.write() as connection:
        row = find_to_change(connection, job_id, access, kind)
        return _requested(
            connection, row, action=action, transitions=transitions, done=done, kind=kind
        )


def _requested(
    connection: Connection,
    row: JobWithSpec,
    *,
    action: str,
    transitions: dict[JobState, JobState],
    done: frozenset[JobState],
    kind: Kind = "job",
) -> JobWithSpec:
    """Do the same for a locked row, and return the new one."""
    target = transitions.get(row.state)  # type: ignore[call-overload]
    if target is None:
        if row.state in done:
            return row
        raise Conflict(
            f"The {kind} is {row.state}: it cannot be {_PARTICIPLES[action]}", reason="job_state"
        )
    if target == "queued" and dependencies.has_unmet(connection, row.id):
        target = "waiting"
    _move(connection, row, target, "user" if target in TERMINAL else None)
    moved = jobs.find(connection, row.id)
    assert moved is not None
    return moved


# ---------------------------------------------------------------------------- requests of workers


MOST_CHOICES = 8
"""The number of jobs that a worker tries to claim. Other workers may claim each of them first; a
later message then finds the remaining ones."""


def claim(
    database: Database,
    job_id: str | None = None,
    *,
    lease_seconds: float,
    worker: str,
    kernel: str,
    engine: str | None = None,
    worker_id: str | None = None,
    max_running: int | None = None,
) -> Claim | None:
    """Claim a queued job, by default the next one.

    None if it is not, or no longer, queued, or its owner has `max_running` running jobs. Neither is
    an error.
    """
    values = jobs.claimed(lease_seconds) | {"worker_id": worker_id}
    for _ in range(MOST_CHOICES):
        with database.write() as connection:
            chosen = job_id
            if chosen is None:
                queued = jobs.next_queued(connection, max_running)
                if queued is None:
                    return None
                chosen = queued.id
            row = None
            if max_running is None or not _is_busy(connection, chosen, max_running):
                row = jobs.advance(connection, chosen, states=("queued",), events=1, values=values)
            if row is not None:
                entry = state_entry(
                    "running",
                    row.epoch,
                    attempt=row.attempt,
                    worker=worker,
                    kernel=kernel,
                    engine=engine,
                )
                job_log.append(connection, chosen, row.last_seq, [entry])
                return _claimed(connection, chosen)
        if job_id is not None:
            return None
    return None


def _claimed(connection: Connection, job_id: str) -> Claim:
    """Return a job that was just claimed, with the state that it starts from."""
    job = jobs.find(connection, job_id)
    assert job is not None
    start = checkpoints.start(connection, job_id)
    if job.attempt == 1:
        return Claim(job, start, frozenset() if start.initial_weights is None else frozenset({0}))
    stored = checkpoints.stored_epochs(connection, job_id)
    return Claim(job, start, stored, jobs.running_seconds(connection, job_id))


def _is_busy(connection: Connection, job_id: str, max_running: int) -> bool:
    """Return whether the owner of the job has `max_running` running jobs; locks the owner."""
    owner = jobs.owner_of(connection, job_id)
    if owner is None:
        return False
    lock_owner(connection, owner)
    return jobs.count(connection, owner, HELD) >= max_running


def renew(database: Database, claim: Claim, lease_seconds: float) -> bool:
    """Renew the lease. Return False if the worker has lost the job, or it has ended."""
    with database.write() as connection:
        values = jobs.lease_renewed(lease_seconds)
        row = jobs.advance(
            connection, claim.id, states=HELD, fence=claim.job.fence, events=0, values=values
        )
        return row is not None


def suspect(database: Database, claim: Claim) -> None:
    """Count an attempt that may have killed its worker as one without progress."""
    with database.write() as connection:
        values = {"fruitless_attempts": max(1, claim.job.fruitless_attempts)}
        fence = claim.job.fence
        jobs.advance(connection, claim.id, states=HELD, fence=fence, events=0, values=values)


def flush(database: Database, claim: Claim, progress: Progress) -> JobState | None:
    """Store the progress.

    Return the job's state: `pausing` and `cancelling` are requests of users. None means that the
    fence has moved: the caller has lost the job, and must drop its results.
    """
    with database.write() as connection:
        row = store(connection, claim, progress, HELD, {})
        return None if row is None else row.state  # type: ignore[return-value]


def end(database: Database, claim: Claim, progress: Progress, ending: Ending) -> bool:
    """Store the last progress together with the end.

    Return False if the worker has lost the job, or its state does not allow this end.
    """
    with database.write() as connection:
        divergence = None if ending.divergence is None else json.dumps(ending.divergence)
        values = {
            "state": ending.state,
            "stop_reason": ending.stop_reason,
            "detail": ending.detail,
            "divergence": divergence,
            "measures": json.dumps(ending.measures) if ending.measures else None,
            **jobs.finished(),
        }
        rescued: list[Entry] = []
        if not _has_best_weights(progress):
            job = jobs.find(connection, claim.id, lock=True)
            if job is None or job.state not in ending.allowed_from or job.fence != claim.job.fence:
                return False
            rescued, best = _rescued(connection, job, progress)
            values |= best

        def last_entries(row: JobRow) -> Sequence[Entry]:
            return (
                *rescued,
                state_entry(
                    ending.state,
                    row.epoch,
                    stop_reason=ending.stop_reason,
                    python_calls=ending.python_calls,
                ),
                _end_entry(ending.state, ending.stop_reason, row.epoch),
            )

        reserved = 2 + len(rescued)
        allowed = ending.allowed_from
        row = store(connection, claim, progress, allowed, values, reserved, last_entries)
        if row is None:
            return False
        _on_end(connection, row, ending.state)
        return True


def release(
    database: Database, claim: Claim, progress: Progress, *, at_pause: bool = False
) -> JobState | None:
    """Release the job: it becomes paused or cancelled on request, else queued for other workers.
    `at_pause` says that it has trained the epochs that it was resumed for.

    Return the new state; None if the worker had lost the job.
    """
    with database.write() as connection:
        # A worker that releases a job did not die of it.
        values = {**jobs.released(at_pause=at_pause), "notified_at": None, "fruitless_attempts": 0}

        def last_entries(row: JobRow) -> Sequence[Entry]:
            return [state_entry(row.state, row.epoch)]  # type: ignore[arg-type]

        releasable: frozenset[JobState] = frozenset({"running", "pausing"})
        row = store(connection, claim, progress, releasable, values, 1, last_entries)
        if row is not None:
            return row.state  # type: ignore[return-value]
    cancelled = Ending("cancelled", "user", allowed_from=frozenset({"cancelling"}))
    return "cancelled" if end(database, claim, progress, cancelled) else None


def store(
    connection: Any,
    claim: Claim,
    progress: Progress,
    states: frozenset[JobState],
    values: dict[str, Any],
    reserved: int = 0,
    last_entries: Callable[[JobRow], Sequence[Entry]] = lambda row: (),
) -> JobRow | None:
    """Store the progress and update the row. Return None if it is in no such state, or lost.

    `last_entries` makes the last `reserved` entries of the log from the updated row.
    """
    entries = [*progress.entries]
    if progress.checkpoints:
        entries.append(_checkpoint_entry(progress.checkpoints))
    if progress.epoch is not None and progress.epoch > claim.job.epoch:
        values = {
            "fruitless_attempts": 0,
            "best": progress.best,
            **values,
            "epoch": progress.epoch,
            "latest": progress.latest,
        }
    if progress.baselines is not None:
        values = {**values, "baselines": progress.baselines}
    row = jobs.advance(
        connection,
        claim.id,
        states=states,
        fence=claim.job.fence,
        events=len(entries) + reserved,
        values=values,
    )
    if row is None:
        return None
    job_log.append(connection, claim.id, row.last_seq, [*entries, *last_entries(row)])
    outlines.append(connection, claim.id, progress.entries)
    checkpoints.insert(connection, claim.id, progress.weights)
    checkpoints.delete(connection, claim.id, progress.superseded)
    if progress.resume_point is not None:
        checkpoints.put_resume_point(connection, claim.id, *progress.resume_point)
    return row


# ---------------------------------------------------------------------------------- by the reaper


def reclaim(
    database: Database, job_id: str, *, max_attempts: int, unrenewed: float | None = None
) -> JobState | None:
    """Take a job from its worker if its lease has expired, or still ends at the time `unrenewed`.

    Return the new state; None if the worker renewed the lease in time.
    """
    with database.write() as connection:
        row = jobs.find_expired(connection, job_id, unrenewed)
        if row is None:
            return None
        state: JobState
        stop_reason: StopReason | None = None
        detail = None
        match row.state:
            case "cancelling":
                state, stop_reason = "cancelled", "user"
            case "pausing":
                state = "paused"
            case _ if row.fruitless_attempts >= max_attempts:
                state, stop_reason = "failed", "attempts_exhausted"
                detail = (
                    f"{row.fruitless_attempts} workers in a row were lost before they stored an "
                    "epoch: the job may need more memory than they have"
                )
            case _:
                state = "queued"
        _move(connection, row, state, stop_reason, detail)
        counters.add(connection, {figures.LEASES_EXPIRED: 1})
        return state
