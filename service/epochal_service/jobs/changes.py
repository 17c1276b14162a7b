"""Changes of a job that has not ended: users request them, and a worker makes them.

    request ── no worker holds it ──> made after its last stored epoch
       └────── a worker holds it ───> open ──the worker is between two epochs, or two steps of
                                             a long one──> made

A change that is made is part of the spec from then on, with its epoch and step: the spec decides
every bit.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from typing import Any

from ..errors import Conflict
from ..specs.changes import between_epochs, with_change
from ..specs.jobs import TERMINAL, ChangeTrainingRequest
from ..specs.training import ChangedTrainingSpec, TrainingSpec
from ..store import Access, Connection, Database, jobs
from ..store import changes as requests
from ..store import log as job_log
from ..store.jobs import JobWithSpec
from ..store.log import Entry
from . import lifecycle
from .lifecycle import HELD, Claim, Progress

Check = Callable[[Connection, JobWithSpec], Mapping[str, Any]]
"""`check(connection, row)` raises if a limit of the owner is exceeded, and returns new values of
the row."""
Prepare = Callable[[JobWithSpec, TrainingSpec, Sequence[ChangedTrainingSpec]], Check]
"""`prepare(row, spec, changes)` raises if the job of the spec cannot be changed so."""
Moment = tuple[int, int]
"""The epoch before a change, and the steps of the next one before it."""


def request(
    database: Database, job_id: str, access: Access, change: ChangeTrainingRequest, prepare: Prepare
) -> tuple[int | None, Moment | None]:
    """Change the job, or request it of the worker that holds the job.

    Return the id of the request that waits, or the moment of the change. Raises
    `NotFound`, `Forbidden`; `Conflict` if the job has ended, or is cancelling; and the errors of
    `prepare`.
    """
    while True:
        with database.read() as connection:
            former = lifecycle.find(connection, job_id, access)
            waiting = requests.open_requests(connection, job_id)
        access.require_owner(former.owner)
        require_active(former)
        # A spec may hold megabytes of data: parse it outside of the transaction.
        spec = before = TrainingSpec.model_validate_json(former.spec)
        made = [*_read(waiting).values(), change]
        for request in made:
            spec = _requested(spec, (former.epoch, 0), request)
        trainings = [request.training for request in made]
        check = prepare(former, before, [t for t in trainings if t is not None])
        with database.write() as connection:
            row = lifecycle.find_to_change(connection, job_id, access, "job")
            require_active(row)
            if requests.open_requests(connection, job_id) != waiting or not _is_same(former, row):
                continue  # another request, or a worker, changed it in the meantime
            values = check(connection, row)
            if row.state in HELD:
                jobs.advance(connection, job_id, states=HELD, events=0, values=values)
                return requests.insert(connection, job_id, change.model_dump_json()), None
            entries = _entries(spec, made, row.epoch)
            updated = jobs.advance(
                connection, job_id, states=(row.state,), events=len(entries), values=values
            )
            assert updated is not None
            job_log.append(connection, job_id, updated.last_seq, entries)
            moment = _moment_of(spec, made, (row.epoch, 0))
            _record(connection, job_id, spec, waiting, moment)
            return None, moment


def require_active(row: JobWithSpec) -> None:
    """Raise `Conflict` if the job has ended, or is about to."""
    if row.state in TERMINAL or row.state == "cancelling":
        raise Conflict(
            f"The job is {row.state}: its training cannot change any more. Fork it to go on from "
            "one of its epochs with other settings",
            reason="job_state",
        )


def _is_same(former: JobWithSpec, row: JobWithSpec) -> bool:
    """Return whether a change means the same for both versions of a job: it has the same spec, and
    the same worker holds it, or none.
    """
    states = [(version.state in HELD, version.fence, version.spec) for version in (former, row)]
    return states[0] == states[1]


def waiting_at(connection: Connection, job_id: str, step: int) -> dict[int, ChangeTrainingRequest]:
    """Return the requests that a worker can make at a step of an epoch, by id and in order."""
    waiting = _read(requests.open_requests(connection, job_id))
    return {
        number: request
        for number, request in waiting.items()
        if step == 0 or request.training is None or not between_epochs(request.training)
    }


def make(
    database: Database, claim: Claim, progress: Progress, moment: Moment
) -> TrainingSpec | None:
    """Store the progress of a worker up to a moment, and make the changes that are requested.

    Return the spec with them; None if the worker has lost the job.
    """
    with database.write() as connection:
        waiting = waiting_at(connection, claim.id, moment[1])
        spec = None

        def last_entries(row: object) -> list[Entry]:
            nonlocal spec
            job = jobs.find(connection, claim.id)
            assert job is not None
            spec = TrainingSpec.model_validate_json(job.spec)
            for request in made:
                spec = _requested(spec, moment, request)
            return _entries(spec, made, moment[0])

        made = [*waiting.values()]
        reserved = any(request.training is not None for request in made)
        lifecycle.store(connection, claim, progress, HELD, {}, reserved, last_entries)
        if spec is not None:
            _record(connection, claim.id, spec, waiting, moment)
        return spec


def _read(waiting: Mapping[int, str]) -> dict[int, ChangeTrainingRequest]:
    read = ChangeTrainingRequest.model_validate_json
    return {number: read(text) for number, text in waiting.items()}


def _requested(spec: TrainingSpec, moment: Moment, request: ChangeTrainingRequest) -> TrainingSpec:
    """Return the spec with a request made. A pace is no change of the training."""
    if request.pace is not None:
        spec = spec.model_copy(update={"pace": request.pace})
    training = request.training
    epoch, step = moment
    return spec if training is None else with_change(spec, epoch, training, step)


def _entries(spec: TrainingSpec, made: Sequence[ChangeTrainingRequest], epoch: int) -> list[Entry]:
    """Return the entry of the log, after an epoch, for the last change of the spec, if a request
    made it.
    """
    if all(request.training is None for request in made):
        return []
    change = spec.changes[-1]
    return [Entry("change", epoch, epoch, note=change.model_dump_json())]


def _moment_of(
    spec: TrainingSpec, made: Sequence[ChangeTrainingRequest], default: Moment
) -> Moment:
    """Return the moment of the last change of the spec, if a request made it."""
    if not made or made[-1].training is None:
        return default
    return spec.changes[-1].epoch, spec.changes[-1].step


def _record(
    connection: Connection, job_id: str, spec: TrainingSpec, ids: Collection[int], moment: Moment
) -> None:
    """Store the spec with its changes, and the moment of the requests."""
    jobs.replace_spec(connection, job_id, spec.model_dump_json())
    requests.close(connection, ids, *moment)
