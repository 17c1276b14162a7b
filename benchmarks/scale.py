"""A store with 100,000 jobs and a job of a million epochs beside a small one: list, get, delete …

Each operation is timed on a database with 1,000 jobs and a job of 10,000 epochs, and on one with
100,000 jobs and a job of 1,000,000 epochs, in turns. The promise is that the second takes at most
twice as long. The last rows are of the deletion of the long job in the background: how long one of
its transactions kept others from writing, at most, and how long it took.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import asdict, replace
from time import perf_counter, thread_time

import numpy as np
import sqlalchemy as sa
import structlog
from benchmarks._ground import XOR, fresh_settings, postgres_url, submit
from benchmarks._report import options, print_table
from benchmarks.curve import columns_of, write_job

from epochal_service.jobs import deletion, lifecycle
from epochal_service.jobs.queue import Queue
from epochal_service.methods import jobs
from epochal_service.methods.context import Context
from epochal_service.settings import Settings
from epochal_service.specs.jobs import (
    GetCurveRequest,
    ListEpochsRequest,
    ListJobsRequest,
    WatchJobRequest,
)
from epochal_service.specs.training import TrainingSpec
from epochal_service.store import Connection, Database, tables
from epochal_service.store import jobs as stored_jobs
from epochal_service.store.database import new_id
from epochal_service.streams.follow import Hub

TARGET = 2.0
LONGEST_LOCK = 50.0  # milliseconds
UNFINISHED = 100
BATCH = 5_000


class Timed(Database):
    """Records how long each transaction that writes was open, and its processor time.

    On a busy machine the first is longer than the second. PostgreSQL works in another process.
    """

    def __init__(self, url: str) -> None:
        super().__init__(url)
        self.seconds: list[tuple[float, float]] = []

    @contextmanager
    def write(self) -> Iterator[Connection]:
        with super().write() as connection:
            began, worked = perf_counter(), thread_time()
            yield connection
        self.seconds.append((perf_counter() - began, thread_time() - worked))


class Store:
    """A database with `jobs`, mostly ended, and one job of `epochs`."""

    def __init__(self, settings: Settings, jobs_count: int, epochs: int) -> None:
        self.database = Timed(settings.database_url)
        self.epochs = epochs
        self._fill(jobs_count)
        self.long = write_job(self.database, columns_of(epochs))
        self.short = self._new_job()
        if not self.database.sqlite:
            with self.database.write() as connection:
                connection.exec_driver_sql("ANALYZE")
        queue = Queue(None)
        hub = Hub(self.database, queue, heartbeat_seconds=15)
        self.context = Context(settings, self.database, queue, hub)

    def _new_job(self) -> str:
        return submit(self.database, TrainingSpec.model_validate({**XOR, "epochs": 10}))

    def _fill(self, count: int) -> None:
        """Insert copies of one job, labelled in groups of 100."""
        first = self._new_job()
        with self.database.read() as connection:
            row = stored_jobs.find(connection, first)
        assert row is not None
        template = asdict(replace(row, state="succeeded", finished_at=row.created_at))
        spec = template.pop("spec")
        for start in range(0, count, BATCH):
            rows = [{**template, "id": new_id("job")} for _ in range(min(BATCH, count - start))]
            if start == 0:
                for values in rows[:UNFINISHED]:
                    values |= {"state": "running", "finished_at": None, "lease_expires_at": 9e9}
            with self.database.write() as connection:
                connection.execute(sa.insert(tables.jobs), rows)
                connection.execute(
                    sa.insert(tables.job_specs),
                    [{"job_id": values["id"], "spec": spec} for values in rows],
                )
                connection.execute(
                    sa.insert(tables.job_labels),
                    [
                        {"job_id": values["id"], "key": "group", "value": f"{(start + n) // 100}"}
                        for n, values in enumerate(rows)
                    ],
                )

    def listed(self, **request: object) -> None:
        """List a page of 50 jobs."""
        page = jobs.list_jobs(self.context, ListJobsRequest(page_size=50, **request))
        assert page.jobs

    def follow(self) -> None:
        """Open a stream of the long job, and read its first event, the snapshot."""

        async def first() -> None:
            watching = await jobs.watch_job(self.context, self.long, WatchJobRequest())
            frames = aiter(watching)
            assert (await anext(frames)).type == "snapshot"
            await frames.aclose()  # type: ignore[attr-defined]

        asyncio.run(first())

    def epochs_near_the_end(self) -> None:
        """List the last thousand epochs of the long job."""
        request = ListEpochsRequest(after_epoch=self.epochs - 1000, page_size=1000)
        assert len(jobs.list_epochs(self.context, self.long, request).epochs) == 1000

    def curve(self) -> None:
        """Read the curve of the long job as 1,000 points."""
        assert jobs.get_curve(self.context, self.long, GetCurveRequest(max_points=1000)).series

    def delete(self) -> None:
        """Delete a job that has ended; it is created before the clock starts."""
        jobs.delete_job(self.context, self.doomed)

    def prepare_deletion(self) -> None:
        self.doomed = self._new_job()
        lifecycle.cancel(self.database, self.doomed, self.context.access)

    def next_queued(self) -> None:
        """Choose the job that a worker claims."""
        with self.database.read() as connection:
            assert stored_jobs.next_queued(connection) is not None


OPERATIONS: dict[str, Callable[[Store], object]] = {
    "list": Store.listed,
    "list, queued or running": lambda store: store.listed(states=["queued", "running"]),
    "list, succeeded or failed": lambda store: store.listed(states=["succeeded", "failed"]),
    "list, by label": lambda store: store.listed(label="group=3"),
    "get": lambda store: jobs.get_job(store.context, store.short),
    "get the long job": lambda store: jobs.get_job(store.context, store.long),
    "curve of the long job": Store.curve,
    "last epochs of the long job": Store.epochs_near_the_end,
    "follow the long job": Store.follow,
    "delete": Store.delete,
    "choose the next job": Store.next_queued,
}


def measure(name: str, small: Store, large: Store, rounds: int) -> list[list[str]]:
    """Return the rows of the table for one database."""
    rows = []
    for operation, run in OPERATIONS.items():
        milliseconds = np.empty((rounds, 2))
        for index in range(rounds):
            for column, store in enumerate((small, large)):
                if operation == "delete":
                    store.prepare_deletion()
                began = perf_counter()
                run(store)
                milliseconds[index, column] = 1e3 * (perf_counter() - began)
        few, many = np.median(milliseconds, axis=0)
        ratio = many / few
        verdict = "yes" if ratio <= TARGET else "no"
        rows.append([f"{name}, {operation}", f"{few:.2f}", f"{many:.2f}", f"{ratio:.2f}", verdict])
    began = perf_counter()
    jobs.delete_job(large.context, large.long)
    deleted = 1e3 * (perf_counter() - began)
    large.database.seconds.clear()
    deletion.purge(large.database, 600)
    purged = perf_counter() - began
    longest, work = 1e3 * np.max(large.database.seconds, axis=0)
    verdict = "yes" if longest <= LONGEST_LOCK else "no"
    rows.append([f"{name}, delete the long job", "", f"{deleted:.2f}", "", ""])
    rows.append([f"{name}, longest lock of its deletion", "", f"{longest:.1f}", "", verdict])
    if large.database.sqlite:
        rows.append([f"{name}, processor time of a lock", "", f"{work:.1f}", "", ""])
    rows.append([f"{name}, its rows are gone after", "", f"{1e3 * purged:.0f}", "", ""])
    return rows


def main() -> None:
    """Print the table."""
    quick = options(__doc__).parse_args().quick
    structlog.configure(processors=[], logger_factory=structlog.ReturnLoggerFactory())
    sizes = ((1_000, 10_000), (20_000 if quick else 100_000, 1_000_000))
    rounds = 21 if quick else 51
    rows = []
    for name in ("SQLite", "PostgreSQL"):
        with ExitStack() as stack:
            stores = []
            for count, epochs in sizes:
                url = stack.enter_context(postgres_url()) if name == "PostgreSQL" else None
                settings = stack.enter_context(fresh_settings(url))
                stores.append(Store(settings, count, epochs))
                stack.callback(stores[-1].database.close)
            rows += measure(name, stores[0], stores[1], rounds)
    (few, short), (many, long) = sizes
    print_table(
        f"{many:,} jobs and one of {long:,} epochs beside {few:,} and {short:,}; milliseconds",
        ("operation", "small", "large", "ratio", f"at most {TARGET:g}, or {LONGEST_LOCK:g} ms"),
        rows,
    )


if __name__ == "__main__":
    main()
