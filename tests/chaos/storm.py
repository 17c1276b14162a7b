"""Jobs on real processes that are killed, stopped and cut off while they train.

a few jobs at a time ── fault ── its victims store epochs again ── fault ── … ── all have ended
                                                                              │
a twin of each, trained in peace ──────────── the same record? ───────────────┘
"""

import os
import signal
import sqlite3
import statistics
import time
from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import httpx2
import numpy as np
import psutil
import redis
import sqlalchemy as sa
from tests.chaos.follower import Follower
from tests.servers.postgres import PostgresServer
from tests.servers.stack import Stack, await_condition
from tests.workers.record import Record, record

from epochal_service.curves.epochs import parse_note
from epochal_service.jobs.lifecycle import HELD
from epochal_service.jobs.queue import QUEUE, TASK, celery_application
from epochal_service.specs.jobs import TERMINAL
from epochal_service.store import Database, jobs, tables
from epochal_service.store.jobs import JobRow

# So that what is lost is found after a second or two rather than after a quarter of a minute.
LEASE_SECONDS = 1.5
QUICK: dict[str, Any] = {
    "lease_seconds": LEASE_SECONDS,
    # On a busy machine so short a lease may run out again and again before an epoch is stored.
    "max_attempts": 10**6,
    "reaper_seconds": 0.2,
    "flush_seconds": 0.05,
    "checkpoint_seconds": 0.2,
    "log_level": "warning",
}
# Each process trains several jobs in turns; another one takes the jobs of one that is stopped.
JOBS_AT_A_TIME = 6
WORKERS = 2

RECOVERY_SECONDS = 60.0
END_SECONDS = 300.0


def broker_url(stack: Stack) -> str:
    """The redis-py URL of the stack's own broker."""
    (socket,) = Path(stack.environment["TMPDIR"]).glob("epochald-*/broker.sock")
    return f"unix://{socket}"


def terminate_worker(stack: Stack) -> float:
    """SIGTERM the worker; how many seconds it takes to leave."""
    worker = psutil.Process(stack.pid("worker"))
    sent_at = time.monotonic()
    worker.terminate()
    worker.wait(60)
    return time.monotonic() - sent_at


def holder(database: Database, job_id: str) -> int | None:
    """The process that trains the job, as its log tells; None if none does."""
    log = tables.log.c
    query = sa.select(log.note).where(log.job_id == job_id, log.kind == "state")
    with database.read() as connection:
        last = connection.execute(query.order_by(log.seq.desc()).limit(1)).scalar_one()
    result = parse_note(last)
    return int(result["worker"].rpartition(":")[2]) if result["state"] == "running" else None


def find(database: Database, job_id: str) -> JobRow:
    """The row of a job that is there."""
    with database.read() as connection:
        row = jobs.find(connection, job_id)
    assert row is not None
    return row


def _beyond(epoch: int, row: JobRow) -> bool:
    return row.epoch > epoch


class Storm:
    """A stack with jobs in it, and the faults that it meets. Every choice is drawn from `rng`."""

    def __init__(
        self,
        stack: Stack,
        specs: Mapping[str, dict[str, Any]],
        twins: Mapping[str, Record],
        rng: np.random.Generator,
        server: PostgresServer | None = None,
    ) -> None:
        self.stack = stack
        self._server = server
        self.database = Database(stack.database_url)
        self.recoveries: dict[str, list[float]] = defaultdict(list)
        self.leaves: list[float] = []
        self.stalls: list[float] = []
        self.creations: list[float] = []
        self.counts: dict[str, int] = defaultdict(int)
        self._specs = specs
        self._twins = twins
        self._rng = rng
        self._client = httpx2.Client(base_url=stack.http, trust_env=False, timeout=30)
        self._kinds: dict[str, str] = {}
        self._followers: dict[str, Follower] = {}
        self._faults: dict[str, Callable[[], None]] = {
            "kill a child": self._kill_child,
            "stop a child": self._stop_child,
            "kill the worker": self._kill_worker,
            "terminate the worker": self._terminate_worker,
            "flush the broker": self._flush_broker,
            "kill the broker": self._kill_broker,
            "repeat the hints": self._repeat_hints,
            "stall the broker": self._stall_broker,
            "kill the API": self._kill_api,
            "terminate the API": self._terminate_api,
        }
        self.common_faults = list(self._faults)
        """The names of the faults that do not depend on the database."""
        if server is None:
            self._faults["lock the database"] = self._lock_database
        else:
            self._faults |= {
                "restart the database": self._restart_database,
                "crash the database": self._crash_database,
                "stall the database": self._stall_database,
                "cut the connections to the database": self._cut_connections,
            }

    @property
    def faults(self) -> Sequence[str]:
        """Every kind of fault, by its name."""
        return list(self._faults)

    def close(self) -> None:
        for follower in self._followers.values():
            follower.stop()
        self._client.close()
        self.database.close()

    # ------------------------------------------------------------------------------- jobs

    def create(self) -> str:
        """One more, of the kind that has had the fewest; somebody follows it from the start."""
        kind = min(self._specs, key=[*self._kinds.values()].count)
        spec = self._specs[kind]
        response = self._client.post(f"/v1/{'sweeps' if 'variants' in spec else 'jobs'}", json=spec)
        assert response.status_code == 201, response.text
        job_id: str = response.json()["id"]
        self._kinds[job_id] = kind
        self._followers[job_id] = Follower(self.stack.http, job_id)
        return job_id

    def row(self, job_id: str) -> JobRow:
        return find(self.database, job_id)

    def unfinished(self) -> list[JobRow]:
        query = sa.select(tables.jobs.c.id).where(tables.jobs.c.finished_at.is_(None))
        with self.database.read() as connection:
            ids = list(connection.execute(query).scalars())
        return [self.row(job_id) for job_id in ids]

    def victim(self) -> tuple[str, int]:
        """A job that is being trained, and the process that does it."""
        actual: list[tuple[str, int]] = []

        def somebody_trains() -> bool:
            self.keep_busy()
            alive = set(self.stack.worker_pids())
            held = {row.id: holder(self.database, row.id) for row in self.unfinished()}
            actual[:] = [
                (job, pid) for job, pid in held.items() if pid is not None and pid in alive
            ]
            return bool(actual)

        await_condition(somebody_trains, RECOVERY_SECONDS, "a job is trained")
        return actual[int(self._rng.integers(len(actual)))]

    def keep_busy(self) -> None:
        while len(self.unfinished()) < JOBS_AT_A_TIME:
            self.create()

    # ------------------------------------------------------------------------------ faults

    def strike(self, fault: str) -> None:
        """Let it happen when some job has stored a little more; return when everything goes on."""
        job_id, _ = self.victim()
        seq = self.row(job_id).last_seq + int(self._rng.integers(1, 8))
        self.await_job(job_id, lambda row: row.last_seq >= seq, "a few more transactions")
        self._faults[fault]()
        self.counts[fault] += 1

    def await_job(self, job_id: str, condition: Callable[[JobRow], bool], what: str) -> None:
        """Until the condition holds, or the job has ended."""

        def met() -> bool:
            row = self.row(job_id)
            return row.state in TERMINAL or condition(row)

        await_condition(met, RECOVERY_SECONDS, f"{job_id}: {what}")

    def await_recovery(self, fault: str, lost: Sequence[JobRow], since: float) -> None:
        """Until every job that had lost its worker has stored more epochs than it had then."""
        for job_id, epoch in [(row.id, row.epoch) for row in lost]:
            stored = partial(_beyond, epoch)
            self.await_job(job_id, stored, f"epochs after {fault}")
            self.recoveries[fault].append(time.monotonic() - since)

    def held(self) -> list[JobRow]:
        return [row for row in self.unfinished() if row.state in HELD]

    def _kill_child(self) -> None:
        job_id, pid = self.victim()
        os.kill(pid, signal.SIGKILL)
        since, before = time.monotonic(), self.row(job_id)
        self.await_recovery("kill a child", [before], since)

    def _stop_child(self) -> None:
        """For longer than its lease, so that another takes the job; then it wakes and writes."""
        job_id, pid = self.victim()
        os.kill(pid, signal.SIGSTOP)
        try:
            since, before = time.monotonic(), self.row(job_id)
            # One that stands still within a transaction of SQLite keeps all others from writing: it
            # does not lose the job, and goes on with it when it wakes.
            deadline = since + LEASE_SECONDS + 2.0

            def lost() -> bool:
                row = self.row(job_id)
                moved = row.fence != before.fence or row.state in TERMINAL
                return moved or time.monotonic() > deadline

            await_condition(lost, RECOVERY_SECONDS, "the fence moves")
            if self.row(job_id).fence == before.fence:
                self.counts["stopped within a transaction, or at the end"] += 1
        finally:
            os.kill(pid, signal.SIGCONT)
        self.await_recovery("stop a child", [before], since)

    def _kill_worker(self) -> None:
        since, lost = time.monotonic(), self.held()
        self.stack.kill_worker()
        self.await_recovery("kill the worker", lost, since)

    def _terminate_worker(self) -> None:
        since, lost = time.monotonic(), self.held()
        self.leaves.append(terminate_worker(self.stack))
        self.await_recovery("terminate the worker", lost, since)

    def _flush_broker(self) -> None:
        job_id = self.create()
        with redis.Redis.from_url(broker_url(self.stack)) as client:
            client.flushall()
        self.await_recovery("flush the broker", [self.row(job_id)], time.monotonic())

    def _kill_broker(self) -> None:
        since = time.monotonic()
        self.stack.kill("broker")
        job_id = self.create()
        self.await_recovery("kill the broker", [self.row(job_id)], since)

    def _repeat_hints(self) -> None:
        celery = celery_application(broker_url(self.stack))
        names = [*self._kinds, "job_that_never_was"] * 2
        self._rng.shuffle(names)
        with celery.connection_for_write() as connection:
            for name in names:
                celery.send_task(TASK, args=[name], queue=QUEUE, connection=connection)
        celery.close()

    def _stall_broker(self) -> None:
        """No message is sent or received meanwhile, but jobs are created, trained and stored."""
        broker = psutil.Process(self.stack.pid("broker"))
        job_id, _ = self.victim()
        broker.suspend()
        try:
            seq = self.row(job_id).last_seq + 5
            since = time.monotonic()
            self.await_job(job_id, lambda row: row.last_seq >= seq, "five more transactions")
            self.stalls.append(time.monotonic() - since)
            since = time.monotonic()
            self.create()
            self.creations.append(time.monotonic() - since)
        finally:
            broker.resume()

    def _kill_api(self) -> None:
        self.stack.restart_api()

    def _terminate_api(self) -> None:
        self.stack.terminate_api()

    # --------------------------------------------------------------------------- database

    def _lock_database(self) -> None:
        """Another program keeps SQLite from writing for longer than a lease."""
        since, held = time.monotonic(), self.held()
        with sqlite3.connect(self._path, isolation_level=None, timeout=60) as connection:
            connection.execute("BEGIN IMMEDIATE")
            time.sleep(LEASE_SECONDS + 0.5)
            connection.execute("ROLLBACK")
        connection.close()
        self.await_recovery("lock the database", held, since)

    def _restart_database(self) -> None:
        since, held = time.monotonic(), self.held()
        self._postgres.stop()
        self._postgres.start()
        self.await_recovery("restart the database", held, since)

    def _crash_database(self) -> None:
        since, held = time.monotonic(), self.held()
        self._postgres.crash()
        self._postgres.start()
        self.await_recovery("crash the database", held, since)

    def _stall_database(self) -> None:
        since, held = time.monotonic(), self.held()
        with self._postgres.stalled():
            time.sleep(LEASE_SECONDS + 0.5)
        self.await_recovery("stall the database", held, since)

    def _cut_connections(self) -> None:
        since, held = time.monotonic(), self.held()
        self._postgres.cut_connections()
        self.await_recovery("cut the connections to the database", held, since)

    @property
    def _postgres(self) -> PostgresServer:
        assert self._server is not None
        return self._server

    @property
    def _path(self) -> str:
        path = self.database.engine.url.database
        assert path is not None
        return path

    # -------------------------------------------------------------------------- at the end

    def check(self) -> None:
        """Wait for every job, and hold each against its twin, and each stream against its log."""
        await_condition(lambda: not self.unfinished(), END_SECONDS, "every job has ended")
        for job_id, kind in self._kinds.items():
            assert record(self.database, job_id) == self._twins[kind], (job_id, kind)
            self._followers[job_id].join(60)
            self._followers[job_id].check(self.database)

    def report(self) -> str:
        """How often each fault happened, and how long it took to get over it."""
        attempts = sum(self.row(job_id).attempt for job_id in self._kinds)
        breaks = sum(follower.breaks for follower in self._followers.values())
        lines = [
            f"{self.database.engine.dialect.name}: {len(self._kinds)} jobs, {attempts} attempts, "
            f"{breaks} broken streams, all as their twins"
        ]
        for fault, count in self.counts.items():
            seconds = self.recoveries.get(fault, [])
            line = f"  {fault:<44} {count:>4}"
            if seconds:
                line += (
                    f"   the next epochs after {statistics.median(seconds):5.2f} s"
                    f" (most {max(seconds):5.2f} s, {len(seconds)} jobs)"
                )
            lines.append(line)
        if self.leaves:
            median, most = statistics.median(self.leaves), max(self.leaves)
            lines.append(f"  from SIGTERM to the exit {median:.2f} s (most {most:.2f} s)")
        for what, figures in (
            ("five transactions beside a broker that hangs", self.stalls),
            ("creating a job beside a broker that hangs", self.creations),
        ):
            if figures:
                median, most = statistics.median(figures), max(figures)
                lines.append(f"  {what} {median:.2f} s (most {most:.2f} s)")
        return "\n".join(lines)
