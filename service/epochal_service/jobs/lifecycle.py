"""What may become of a job, and the one transaction in which each thing happens.

                 claim                       finish
      queued ------------> running -------------------------> succeeded | failed
       |  ^   release        |  |
       |  +------------------+  +--> pausing ----> paused --resume--> queued
       |                     |          |             |
       +------- cancel ------+----------+-------------+----> cancelling ----> cancelled

Every arrow is one conditional UPDATE together with its rows of the log: either the job was still
what the caller believed it to be, and all of it happened, or nothing did.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

from ..errors import Conflict, NotFound
from ..specs.jobs import TERMINAL, JobState, StopReason
from ..store import Connection, Database, checkpoints, jobs, keys
from ..store import log as job_log
from ..store.database import new_id
from ..store.jobs import JobRow, JobWithSpec
from ..store.log import Entry
from . import datasets

# What may follow each state; the table that every test of races is held against.
TRANSITIONS: dict[JobState, frozenset[JobState]] = {
    "queued": frozenset({"running", "paused", "cancelled", "failed"}),
    "running": frozenset({"queued", "pausing", "cancelling", "succeeded", "failed"}),
    "pausing": frozenset({"running", "paused", "cancelling", "succeeded", "failed"}),
    "paused": frozenset({"queued", "cancelled"}),
    "cancelling": frozenset({"cancelled", "succeeded", "failed"}),
    "succeeded": frozenset(),
    "failed": frozenset(),
    "cancelled": frozenset(),
}
HELD: frozenset[JobState] = frozenset({"running", "pausing", "cancelling"})

Kind = Literal["job", "sweep"]
"""What a row is; its id begins with the word."""


def kind_of(job_id: str) -> str:
    """The word that the id of a job or of a sweep begins with."""
    return job_id.partition("_")[0]


@dataclass(frozen=True)
class Claim:
    """A job in the hands of one worker: whatever it writes must bear this fence."""

    job: JobWithSpec
    resume_state: bytes | None
    first_weights: bytes | None = None
    """The checkpoint of epoch 0, where there is one: what the job begins from unless it resumes."""

    @property
    def id(self) -> str:
        return self.job.id


@dataclass(frozen=True)
class Progress:
    """What a worker has to tell since it last told something."""

    entries: Sequence[Entry] = ()
    epoch: int | None = None
    latest: str | None = None
    weights: Sequence[tuple[int, bytes]] = ()
    resume_point: tuple[int, bytes] | None = None


@dataclass(frozen=True)
class Ending:
    """How a job ends; `stop_reason` and the rest stand in the row for good."""

    state: JobState
    stop_reason: StopReason
    detail: str | None = None
    divergence: dict[str, Any] | None = None
    only_from: frozenset[JobState] = field(default=HELD)


def state_entry(state: JobState, epoch: int, **more: Any) -> Entry:
    """The log's row on a change of state."""
    note = {"state": state, **{key: value for key, value in more.items() if value is not None}}
    return Entry("state", epoch, epoch, note=json.dumps(note))


def _end_entry(state: JobState, stop_reason: StopReason, epoch: int) -> Entry:
    return Entry("end", epoch, epoch, note=json.dumps({"state": state, "stop_reason": stop_reason}))


# ------------------------------------------------------------------------------------------ made


def submit(
    database: Database,
    *,
    owner: str,
    values: dict[str, Any],
    labels: dict[str, str],
    request_id: str | None,
    fingerprint: str,
    kind: Kind = "job",
    words: Sequence[str] = (),
    first_weights: bytes | None = None,
) -> tuple[JobWithSpec, bool]:
    """Insert a job; (row, whether it is new). The same `request_id` gives the job that it made
    before.

    `words` and labels are what it is found by. `first_weights`, packed, become its checkpoint of
    epoch 0, from which it begins.

    Raises `IdempotencyMismatch` if the key stands for another request, `NotFound` if the job that
    it made was deleted, `InvalidArgument` if the data set was deleted in the meantime.
    """
    new = new_id(kind)
    with database.write() as connection:
        job_id = keys.once(connection, owner, request_id, fingerprint, new)
        if job_id != new:
            row = jobs.find(connection, job_id, owner)
            if row is None:
                raise NotFound(f"The {kind} that this key made, {job_id}, was deleted")
            return row, False
        if values["dataset_id"] is not None:
            datasets.lock(connection, values["dataset_id"], owner)
        jobs.insert(
            connection,
            {
                "id": job_id,
                "owner": owner,
                "state": "queued",
                "epoch": 0,
                "attempt": 0,
                "fruitless_attempts": 0,
                "fence": 0,
                "last_seq": 1,
                "words": searchable(job_id, *words, *map("=".join, labels.items())),
                **values,
            },
            labels,
        )
        if first_weights is not None:
            checkpoints.insert(connection, job_id, [(0, first_weights)])
        job_log.append(connection, job_id, 1, [state_entry("queued", 0)])
        row = jobs.find(connection, job_id)
        assert row is not None
        return row, True


def searchable(*words: str) -> str:
    """The words as the store keeps them: a search for part of one finds it, in whatever case."""
    return "\n".join(words).casefold()


# --------------------------------------------------------------------------------- asked by users


def get(database: Database, job_id: str, owner: str, kind: Kind = "job") -> JobWithSpec:
    """The row. Raises `NotFound`."""
    with database.read() as connection:
        return find(connection, job_id, owner, kind)


def find(
    connection: Connection, job_id: str, owner: str, kind: Kind = "job", *, lock: bool = False
) -> JobWithSpec:
    """The row of their own job, or sweep. Raises `NotFound`."""
    row = jobs.find(connection, job_id, owner, lock=lock) if kind_of(job_id) == kind else None
    if row is None:
        raise NotFound(f"There is no {kind} {job_id}")
    return row


def cancel(database: Database, job_id: str, owner: str, kind: Kind = "job") -> JobWithSpec:
    """Ask for the end. Raises `Conflict` if the job has ended otherwise."""
    return _ask(
        database,
        job_id,
        owner,
        wish="cancel",
        moves={
            "queued": "cancelled",
            "paused": "cancelled",
            "running": "cancelling",
            "pausing": "cancelling",
        },
        granted=frozenset({"cancelling", "cancelled"}),
        kind=kind,
    )


def pause(database: Database, job_id: str, owner: str) -> JobWithSpec:
    """Ask for a rest at the next epoch. Raises `Conflict` if the job is on its way to its end."""
    return _ask(
        database,
        job_id,
        owner,
        wish="pause",
        moves={"queued": "paused", "running": "pausing"},
        granted=frozenset({"pausing", "paused"}),
    )


def resume(database: Database, job_id: str, owner: str) -> JobWithSpec:
    """Let a paused job go on. Raises `Conflict` if it is on its way to its end."""
    return _ask(
        database,
        job_id,
        owner,
        wish="resume",
        moves={"paused": "queued", "pausing": "running"},
        granted=frozenset({"queued", "running"}),
    )


def delete(database: Database, job_id: str, owner: str, kind: Kind = "job") -> None:
    """Remove an ended job with all that it left. Raises `NotFound`, `Conflict`."""
    with database.write() as connection:
        row = find(connection, job_id, owner, kind, lock=True)
        if not jobs.delete(connection, job_id, owner, TERMINAL):
            raise Conflict(
                f"The {kind} is {row.state}: cancel it, and delete it when it has ended",
                reason="job_not_ended",
            )


def _ask(
    database: Database,
    job_id: str,
    owner: str,
    *,
    wish: str,
    moves: dict[JobState, JobState],
    granted: frozenset[JobState],
    kind: Kind = "job",
) -> JobWithSpec:
    """Make whichever move fits the job's state; a wish that is granted already changes nothing."""
    with database.write() as connection:
        row = find(connection, job_id, owner, kind, lock=True)
        target = moves.get(row.state)  # type: ignore[call-overload]
        if target is None:
            if row.state in granted:
                return row
            raise Conflict(
                f"The {kind} is {row.state}: there is nothing to {wish}", reason="job_state"
            )
        entries = [state_entry(target, row.epoch, stop_reason=_user(target))]
        values: dict[str, Any] = {"state": target}
        if target in TERMINAL:
            entries.append(_end_entry(target, "user", row.epoch))
            values |= {"stop_reason": "user", **jobs.finished()}
            checkpoints.drop_resume_point(connection, job_id)
        if target == "queued":
            values |= {"hinted_at": None}
        changed = jobs.advance(
            connection,
            job_id,
            states=(row.state,),
            owner=owner,
            events=len(entries),
            values=values,
        )
        assert changed is not None
        job_log.append(connection, job_id, changed.last_seq, entries)
        return find(connection, job_id, owner, kind)


def _user(target: JobState) -> StopReason | None:
    return "user" if target in TERMINAL else None


# ----------------------------------------------------------------------------------- by a worker


def claim(
    database: Database, job_id: str, *, lease_seconds: float, worker: str, kernel: str
) -> Claim | None:
    """Take a queued job; None if it is not (or no longer) to be had, which is nobody's mistake."""
    with database.write() as connection:
        row = jobs.advance(
            connection,
            job_id,
            states=("queued",),
            events=1,
            values=jobs.claimable(lease_seconds),
        )
        if row is None:
            return None
        entry = state_entry("running", row.epoch, attempt=row.attempt, worker=worker, kernel=kernel)
        job_log.append(connection, job_id, row.last_seq, [entry])
        job = jobs.find(connection, job_id)
        assert job is not None
        point = checkpoints.resume_point(connection, job_id)
        if point is not None:
            return Claim(job, point[1])
        first = checkpoints.find(connection, job_id, 0)
        return Claim(job, None, None if first is None else first[1])


def flush(
    database: Database, claim: Claim, progress: Progress, *, lease_seconds: float
) -> JobState | None:
    """Store the progress and keep the lease; the state that users wish for, or None if the job is
    lost.

    None means that the fence has moved: the caller drops all that it holds and leaves.
    """
    with database.write() as connection:
        row = _store(connection, claim, progress, HELD, jobs.lease(lease_seconds))
        return None if row is None else row.state  # type: ignore[return-value]


def end(database: Database, claim: Claim, progress: Progress, ending: Ending) -> bool:
    """Store the last progress and the end together; False if the job is lost or its state forbids
    that.
    """
    with database.write() as connection:
        divergence = None if ending.divergence is None else json.dumps(ending.divergence)
        values = {
            "state": ending.state,
            "stop_reason": ending.stop_reason,
            "detail": ending.detail,
            "divergence": divergence,
            **jobs.finished(),
        }
        row = _store(connection, claim, progress, ending.only_from, values, more=2)
        if row is None:
            return False
        entries = (
            state_entry(ending.state, row.epoch, stop_reason=ending.stop_reason),
            _end_entry(ending.state, ending.stop_reason, row.epoch),
        )
        job_log.append(connection, claim.id, row.last_seq, entries)
        checkpoints.drop_resume_point(connection, claim.id)
        return True


def release(database: Database, claim: Claim, progress: Progress) -> JobState | None:
    """Give the job back at an epoch's end: a wish to pause or cancel is granted, else others may go
    on with it.

    The state that it is left in, or None if it was lost before.
    """
    with database.write() as connection:
        # Whoever gives a job back was not lost with it.
        values = {**jobs.given_back(), "hinted_at": None, "fruitless_attempts": 0}
        row = _store(connection, claim, progress, {"running", "pausing"}, values, more=1)
        if row is not None:
            state: JobState = row.state  # type: ignore[assignment]
            job_log.append(connection, claim.id, row.last_seq, [state_entry(state, row.epoch)])
            return state
    cancelled = Ending("cancelled", "user", only_from=frozenset({"cancelling"}))
    return "cancelled" if end(database, claim, progress, cancelled) else None


def _store(
    connection: Any,
    claim: Claim,
    progress: Progress,
    states: frozenset[JobState] | set[JobState],
    values: dict[str, Any],
    more: int = 0,
) -> JobRow | None:
    """Store the progress and change the row; the last `more` of its seqs are left to the caller."""
    entries = [*progress.entries]
    kept = [epoch for epoch, _ in progress.weights]
    if kept:
        note = json.dumps({"epochs": kept})
        entries.append(Entry("checkpoint", kept[0], kept[-1], note=note))
    if progress.epoch is not None and progress.epoch > claim.job.epoch:
        values = {
            "fruitless_attempts": 0,
            **values,
            "epoch": progress.epoch,
            "latest": progress.latest,
        }
    row = jobs.advance(
        connection,
        claim.id,
        states=states,
        fence=claim.job.fence,
        events=len(entries) + more,
        values=values,
    )
    if row is None:
        return None
    job_log.append(connection, claim.id, row.last_seq - more, entries)
    checkpoints.insert(connection, claim.id, progress.weights)
    if progress.resume_point is not None:
        checkpoints.put_resume_point(connection, claim.id, *progress.resume_point)
    return row


# ----------------------------------------------------------------------------------- by the reaper


def take_back(database: Database, job_id: str, *, max_attempts: int) -> JobState | None:
    """End the hold of a worker that has not been heard of: what its job becomes, or None if it came
    back in time.
    """
    with database.write() as connection:
        row = jobs.find_expired(connection, job_id)
        if row is None:
            return None
        becomes: JobState
        stop_reason: StopReason | None = None
        detail = None
        match row.state:
            case "cancelling":
                becomes, stop_reason = "cancelled", "user"
            case "pausing":
                becomes = "paused"
            case _ if row.fruitless_attempts >= max_attempts:
                becomes, stop_reason = "failed", "attempts_exhausted"
                detail = (
                    f"{row.fruitless_attempts} workers in a row were lost before they had stored "
                    "an epoch: the job may need more memory than they have"
                )
            case _:
                becomes = "queued"
        entries = [state_entry(becomes, row.epoch, stop_reason=stop_reason)]
        values: dict[str, Any] = {"state": becomes, "hinted_at": None, **jobs.taken_away()}
        if stop_reason is not None:
            entries.append(_end_entry(becomes, stop_reason, row.epoch))
            values |= {"stop_reason": stop_reason, "detail": detail, **jobs.finished()}
            checkpoints.drop_resume_point(connection, job_id)
        changed = jobs.advance(
            connection, job_id, states=(row.state,), events=len(entries), values=values
        )
        assert changed is not None
        job_log.append(connection, job_id, changed.last_seq, entries)
        return becomes
