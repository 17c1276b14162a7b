"""Figures for operators about all jobs and workers, read from the database.

Workers have no port. Each counts in its memory, and adds the increments to the counters of the
database with its sign of life; any API process can then report the sums.

    worker ──every 10 s──> counters ──> GET /metrics of each API process
"""

from __future__ import annotations

from bisect import bisect_left
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from itertools import accumulate
from typing import Literal

from ..store import Database, counters, queues, workers

OwnerClass = Literal["small", "large"]
SMALL_QUEUE = 10
"""An owner with at most this number of queued jobs is small. Owners take turns, so the jobs of a
small one should start soon, however long the queues of the others are."""


@dataclass(frozen=True)
class Histogram:
    """A quantity that workers observe, as counters in the database."""

    name: str
    description: str
    bounds: tuple[float, ...]

    def observed(self, value: float) -> dict[str, float]:
        """Return what an observation adds to the counters."""
        bound = [*self.bounds, float("inf")][bisect_left(self.bounds, value)]
        return {self._bucket(bound): 1.0, f"{self.name}.sum": value}

    def buckets(self, values: Mapping[str, float]) -> tuple[list[tuple[str, float]], float]:
        """Return the cumulative buckets, as (bound, count), and the sum of all observations."""
        bounds = [*self.bounds, float("inf")]
        counts = accumulate(values.get(self._bucket(bound), 0.0) for bound in bounds)
        names = ["+Inf" if bound == float("inf") else f"{bound}" for bound in bounds]
        return list(zip(names, counts, strict=True)), values.get(f"{self.name}.sum", 0.0)

    def _bucket(self, bound: float) -> str:
        return f"{self.name}.le.{bound:g}"


FLUSH = Histogram(
    "flush_seconds",
    "Seconds of the transactions that store the progress of a job.",
    (0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0),
)
FIRST_EPOCH = Histogram(
    "first_epoch_seconds",
    "Seconds from the creation of a job to the storage of its first epoch.",
    (0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0, 300.0, 1800.0),
)
EPOCHS = "epochs"
LEASES_EXPIRED = "leases_expired"
WORKER_WAKEUPS_LOST = "worker_wakeups_lost"
COUNTERS: dict[str, str] = {
    EPOCHS: "Epochs that workers stored.",
    LEASES_EXPIRED: "Jobs that were taken from a worker that gave no sign of life.",
    WORKER_WAKEUPS_LOST: "Messages of workers that the broker did not take.",
}
"""The counters and their descriptions."""
ATTEMPTS = "attempts"
"""The counter of attempts at jobs; their outcome follows after a dot."""
OUTCOMES = ("succeeded", "failed", "cancelled", "paused", "queued", "lost")
"""The state of a job after an attempt; `queued` if its worker stopped, `lost` if it had the job no
longer."""


@dataclass(frozen=True)
class ServiceFigures:
    """The state of the whole service."""

    jobs: Mapping[str, int]
    """Jobs and sweeps by state."""
    queued: Mapping[OwnerClass, int]
    """Queued jobs and sweeps, by the class of their owner."""
    oldest_seconds: Mapping[OwnerClass, float]
    """The age of the oldest that never started, by the class of its owner; 0 without one."""
    workers: Mapping[str, int]
    """Workers by state."""
    counters: Mapping[str, float]
    room: int | None
    """The bytes that a SQLite database can still grow by."""


def read(database: Database) -> ServiceFigures:
    """Return the figures in one transaction. Raises `Unavailable`."""
    queued: dict[OwnerClass, int] = {"small": 0, "large": 0}
    oldest: dict[OwnerClass, float] = {"small": 0.0, "large": 0.0}
    with database.read() as connection:
        for queue in queues.all_queues(connection):
            owner_class: OwnerClass = "small" if queue.jobs <= SMALL_QUEUE else "large"
            queued[owner_class] += queue.jobs
            oldest[owner_class] = max(oldest[owner_class], queue.oldest_seconds)
        alive = Counter({"idle": 0, "busy": 0, "lost": 0})
        alive.update(row.state for row in workers.all_workers(connection))
        return ServiceFigures(
            jobs=queues.count_by_state(connection),
            queued=queued,
            oldest_seconds=oldest,
            workers=alive,
            counters=counters.values(connection),
            room=database.room(connection),
        )
