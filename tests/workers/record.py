"""The results of a job in the database, checked by the rules of its log and against another job."""

import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from epochal_service.curves.epochs import latest_row, parse_note, unpack_gradients
from epochal_service.experiments.sweeps import load_progress
from epochal_service.jobs.lifecycle import TRANSITIONS, kind_of
from epochal_service.specs.jobs import TERMINAL, BaselineLosses
from epochal_service.specs.sweeps import MemberProgress, SweepSpec
from epochal_service.store import Database, checkpoints, jobs, log
from epochal_service.store.jobs import JobWithSpec
from epochal_service.store.log import LogRow
from epochal_service.store.packing import unpack


@dataclass(frozen=True)
class Record:
    """Everything that two runs of one spec must have in common, arrays by their SHA-256."""

    state: str
    stop_reason: str | None
    epoch: int
    divergence: str | None
    best: str | None
    columns: dict[str, str]
    gradients: dict[str, str]
    checkpoints: dict[int, str]
    members: list[tuple[int, str | None, BaselineLosses | None, str | None]]
    """The members of a sweep: epoch, reason for the end, initial losses, and best epoch of each."""
    baselines: str | None


def sha256(content: bytes | NDArray[np.generic]) -> str:
    """The digest of a blob, or of an array's bytes."""
    return hashlib.sha256(bytes(content)).hexdigest()


def read(database: Database, job_id: str) -> tuple[JobWithSpec, list[LogRow]]:
    """The job's row and its whole log, of one moment."""
    with database.read() as connection:
        row = jobs.find(connection, job_id)
        assert row is not None
        return row, log.after(connection, job_id, 0, limit=10**9)


def columns(rows: Sequence[LogRow]) -> dict[str, NDArray[np.float64]]:
    """Every column of a job's or a sweep's log, whole; each epoch must be there once."""
    actual: dict[str, list[NDArray[np.float64]]] = {}
    ends: dict[str, int] = {}
    for row in rows:
        for name, column in unpack(row.body).items() if row.body is not None else ():
            assert row.first_epoch == ends.get(name, 0) + 1
            ends[name] = row.first_epoch + len(column) - 1
            actual.setdefault(name, []).append(column)
    return {name: np.concatenate(parts) for name, parts in sorted(actual.items())}


def members(row: JobWithSpec) -> list[MemberProgress]:
    """The progress of the members in the row of a sweep; nothing for a job."""
    if kind_of(row.id) == "job":
        return []
    return load_progress(SweepSpec.model_validate_json(row.spec), row.latest)


def states(database: Database, job_id: str) -> list[str]:
    """The states that the job went through, as its log tells them."""
    _, rows = read(database, job_id)
    return [parse_note(row.note)["state"] for row in rows if row.kind == "state"]


def check_log(database: Database, job_id: str) -> None:
    """Every rule that a job's log keeps at any moment, whatever has happened to the job."""
    row, rows = read(database, job_id)
    assert [entry.seq for entry in rows] == list(range(1, row.last_seq + 1))

    result = [parse_note(entry.note)["state"] for entry in rows if entry.kind == "state"]
    assert result[0] in ("queued", "waiting")
    assert result[-1] == row.state
    for before, after in pairwise(result):
        assert after in TRANSITIONS[before], result

    ends = [entry.seq for entry in rows if entry.kind == "end"]
    assert ends == ([row.last_seq] if row.state in TERMINAL else [])

    epochs = [entry for entry in rows if entry.kind == "epochs"]
    covered = [
        number for entry in epochs for number in range(entry.first_epoch, entry.last_epoch + 1)
    ]
    assert covered == list(range(1, row.epoch + 1))

    reached = 0
    for entry in rows:
        if entry.kind == "epochs":
            reached = entry.last_epoch
        elif entry.kind != "checkpoint":
            assert (entry.first_epoch, entry.last_epoch) == (reached, reached), entry

    whole = columns(rows)
    if not epochs:
        assert row.latest is None
    elif kind_of(job_id) == "job":
        assert row.latest == latest_row(1, whole)
    losses = whole.get("validation_loss", whole.get("train_loss"))
    if row.best is not None and losses is not None:
        best = json.loads(row.best)
        assert losses[best["epoch"] - 1] == best["value"]
        if row.state in TERMINAL:
            with database.read() as connection:
                assert best["epoch"] in checkpoints.stored_epochs(connection, job_id)
        if row.state in ("succeeded", "running"):
            assert best["value"] == np.nanmin(losses)
    for index, member in enumerate(members(row)):
        of_member = {name: c for name, c in whole.items() if name.startswith(f"{index}.")}
        assert {len(column) for column in of_member.values()} <= {member.epoch}
        for name, column in of_member.items():
            assert getattr(member.latest, name.partition(".")[2]) == column[-1]

    with database.read() as connection:
        point = checkpoints.resume_point(connection, job_id)
    if row.state in TERMINAL:
        assert point is None
    assert point is None or point[0] <= row.epoch


def record(database: Database, job_id: str) -> Record:
    """The stored results of the job; its log keeps all the rules."""
    check_log(database, job_id)
    row, rows = read(database, job_id)
    epochs = [entry for entry in rows if entry.kind == "epochs"]
    whole = columns(rows)
    gradients = unpack_gradients(e.gradients for e in epochs if e.gradients is not None)
    chosen: dict[int, str] = {}
    with database.read() as connection:
        for stored in checkpoints.page(connection, job_id, -1, 10**6):
            actual = checkpoints.find(connection, job_id, stored.epoch)
            assert actual is not None
            chosen[stored.epoch] = sha256(actual[1])
            assert chosen[stored.epoch] == stored.sha256
            assert len(actual[1]) == stored.size_bytes
    return Record(
        state=row.state,
        stop_reason=row.stop_reason,
        epoch=row.epoch,
        divergence=row.divergence,
        best=row.best,
        columns={n: sha256(c) for n, c in whole.items() if n.rpartition(".")[2] != "seconds"},
        gradients={}
        if gradients is None
        else {
            "epochs": sha256(gradients.epochs),
            "layers": json.dumps(gradients.layers),
            "statistics": sha256(gradients.statistics),
            "histogram": sha256(gradients.histogram),
        },
        checkpoints=chosen,
        members=[
            (m.epoch, m.stop_reason, m.initial, m.best.model_dump_json() if m.best else None)
            for m in members(row)
        ],
        baselines=row.baselines,
    )
