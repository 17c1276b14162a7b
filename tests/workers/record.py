"""What a job has left in the database: held against the rules of its log, and against another's."""

import hashlib
import json
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from epochal_service.jobs.epochs import join, latest, note, unpack_gradients
from epochal_service.jobs.lifecycle import TRANSITIONS
from epochal_service.specs.jobs import TERMINAL
from epochal_service.store import Database, checkpoints, jobs, log
from epochal_service.store.jobs import JobRow
from epochal_service.store.log import LogRow


@dataclass(frozen=True)
class Record:
    """Everything that two runs of one spec must have in common, arrays by their SHA-256."""

    state: str
    stop_reason: str | None
    epoch: int
    divergence: str | None
    columns: dict[str, str]
    gradients: dict[str, str]
    checkpoints: dict[int, str]


def sha256(content: bytes | NDArray[np.generic]) -> str:
    """The digest of a blob, or of an array's bytes."""
    return hashlib.sha256(bytes(content)).hexdigest()


def read(database: Database, job_id: str) -> tuple[JobRow, list[LogRow]]:
    """The job's row and its whole log, of one moment."""
    with database.read() as connection:
        row = jobs.find(connection, job_id)
        assert row is not None
        return row, log.after(connection, job_id, 0, limit=10**9)


def states(database: Database, job_id: str) -> list[str]:
    """The states that the job went through, as its log tells them."""
    _, rows = read(database, job_id)
    return [note(row.note)["state"] for row in rows if row.kind == "state"]


def check_log(database: Database, job_id: str) -> None:
    """Every rule that a job's log keeps at any moment, whatever has happened to the job."""
    row, rows = read(database, job_id)
    assert [each.seq for each in rows] == list(range(1, row.last_seq + 1))

    told = [note(each.note)["state"] for each in rows if each.kind == "state"]
    assert told[0] == "queued"
    assert told[-1] == row.state
    for before, after in pairwise(told):
        assert after in TRANSITIONS[before], told

    ends = [each.seq for each in rows if each.kind == "end"]
    assert ends == ([row.last_seq] if row.state in TERMINAL else [])

    epochs = [each for each in rows if each.kind == "epochs"]
    covered = [number for each in epochs for number in range(each.first_epoch, each.last_epoch + 1)]
    assert covered == list(range(1, row.epoch + 1))

    reached = 0
    for each in rows:
        if each.kind == "epochs":
            reached = each.last_epoch
        elif each.kind != "checkpoint":
            assert (each.first_epoch, each.last_epoch) == (reached, reached), each

    if epochs:
        last = epochs[-1]
        assert last.body is not None
        stretch = join([(last.first_epoch, last.body)])
        assert stretch is not None
        assert row.latest == latest(stretch.first, stretch.columns)
    else:
        assert row.latest is None

    with database.read() as connection:
        point = checkpoints.resume_point(connection, job_id)
    if row.state in TERMINAL:
        assert point is None
    assert point is None or point[0] <= row.epoch


def record(database: Database, job_id: str) -> Record:
    """What the job has left; its log keeps all the rules."""
    check_log(database, job_id)
    row, rows = read(database, job_id)
    epochs = [each for each in rows if each.kind == "epochs"]
    stretch = join((each.first_epoch, each.body) for each in epochs if each.body is not None)
    columns = {} if stretch is None else stretch.columns
    gradients = unpack_gradients(e.gradients for e in epochs if e.gradients is not None)
    kept: dict[int, str] = {}
    with database.read() as connection:
        for stored in checkpoints.page(connection, job_id, -1, 10**6):
            found = checkpoints.find(connection, job_id, stored.epoch)
            assert found is not None
            kept[stored.epoch] = sha256(found[1])
            assert kept[stored.epoch] == stored.sha256
            assert len(found[1]) == stored.size_bytes
    return Record(
        state=row.state,
        stop_reason=row.stop_reason,
        epoch=row.epoch,
        divergence=row.divergence,
        columns={n: sha256(column) for n, column in columns.items() if n != "seconds"},
        gradients={}
        if gradients is None
        else {
            "epochs": sha256(gradients.epochs),
            "layers": json.dumps(gradients.layers),
            "statistics": sha256(gradients.statistics),
            "histogram": sha256(gradients.histogram),
        },
        checkpoints=kept,
    )
