"""A class that submits at once: jobs a second, and the cost of a small job for API and worker.

The processes are started by `epochald up`, on SQLite and on PostgreSQL, with one worker process and
with two. All jobs of a round are submitted over eight connections, as fast as the API accepts
them; the time ends when the last job has ended in the database. The processor time of the service's
processes is read from /proc before and after. The class is 30 clients that submit one job each at
the same moment, and watch it.
"""

from __future__ import annotations

import http.client
import json
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from threading import Barrier
from time import perf_counter, sleep
from typing import Any

import numpy as np
import psutil
import sqlalchemy as sa
from benchmarks._ground import XOR, postgres_url
from benchmarks._report import options, print_table
from benchmarks.latency import follow
from tests.servers.stack import Stack

from epochal_service.specs.jobs import TERMINAL
from epochal_service.store import Database
from epochal_service.store.tables import jobs

DATABASES = ("sqlite", "postgresql")
WORKERS = (1, 2)
CONNECTIONS = 8
CLASS = 30
WAIT_SECONDS = 300.0

Spec = dict[str, Any]
DIGITS: Spec = {
    "network": {
        "input_shape": [64],
        "layers": [
            {"type": "dense", "units": 64, "activation": "relu"},
            {"type": "dense", "units": 10, "activation": "softmax"},
        ],
    },
    "dataset": {"name": "digits", "scaling": "minmax"},
    "loss": "cross_entropy",
    "batch_size": 32,
    "epochs": 20,
}
KINDS: dict[str, tuple[Spec, int]] = {
    "XOR, 200 epochs": ({**XOR, "epochs": 200}, 200),
    "digits, 20 epochs": (DIGITS, 40),
    "digits, 100 epochs": ({**DIGITS, "epochs": 100}, 20),
}


class Service:
    """A running `epochald up` with its database."""

    def __init__(self, stack: Stack) -> None:
        self.stack = stack
        self.database = Database(stack.database_url)
        self.address = stack.http.removeprefix("http://")

    def await_ends(self, count: int) -> None:
        """Return as soon as `jobs` have ended."""
        query = sa.select(sa.func.count()).where(jobs.c.state.in_(TERMINAL))
        deadline = perf_counter() + WAIT_SECONDS
        while True:
            with self.database.read() as connection:
                if connection.execute(query).scalar_one() >= count:
                    return
            if perf_counter() > deadline:
                raise TimeoutError(f"{count} jobs did not end in {WAIT_SECONDS:g} s")
            sleep(0.02)

    def ended(self) -> int:
        """Return the number of jobs that have ended. They must all have succeeded."""
        query = sa.select(jobs.c.state, sa.func.count().label("jobs")).group_by(jobs.c.state)
        with self.database.read() as connection:
            counts = {row.state: row.jobs for row in connection.execute(query)}
        assert counts.keys() <= {"succeeded"}, counts
        return int(counts.get("succeeded", 0))

    def processor_seconds(self) -> dict[str, float]:
        """Return the seconds of processor time of each part of the service."""
        worker = psutil.Process(self.stack.pid("worker"))
        return {
            "API": _seconds([psutil.Process(self.stack.pid("api"))]),
            "worker": _seconds(worker.children()),
            "Celery": _seconds([worker]),
            "broker": _seconds([psutil.Process(self.stack.pid("broker"))]),
        }


def _seconds(processes: Sequence[psutil.Process]) -> float:
    """Return the processor time of the processes."""
    return sum(times.user + times.system for times in (p.cpu_times() for p in processes))


@contextmanager
def service(database: str, workers: int) -> Iterator[Service]:
    """Yield a service with processes that have trained each kind of job before."""
    with TemporaryDirectory(prefix="epochal-benchmark-") as name, ExitStack() as cleanup:
        folder = Path(name)
        url = f"sqlite:///{folder}/epochal.db"
        if database == "postgresql":
            url = cleanup.enter_context(postgres_url())
        stack = Stack(folder, url, {"log_level": "warning", "workers": workers})
        cleanup.callback(stack.stop)
        running = Service(stack)
        cleanup.callback(running.database.close)
        for spec, _ in KINDS.values():
            submit(running, spec, 6 * workers)
        yield running


def submit(running: Service, spec: Spec, count: int) -> float:
    """Create jobs with different seeds; return the seconds until the last has ended."""
    before = running.ended()
    bodies = [json.dumps({**spec, "seed": seed, "name": f"job {seed}"}) for seed in range(count)]
    parts = [bodies[first::CONNECTIONS] for first in range(CONNECTIONS)]
    with ThreadPoolExecutor(CONNECTIONS) as pool:
        began = perf_counter()
        sent = [pool.submit(_post, running.address, part) for part in parts]
        for part in sent:
            part.result()
        running.await_ends(before + count)
        return perf_counter() - began


def _post(address: str, bodies: Sequence[str]) -> None:
    connection = http.client.HTTPConnection(address)
    for body in bodies:
        connection.request("POST", "/v1/jobs", body, {"Content-Type": "application/json"})
        reply = connection.getresponse()
        assert reply.status == http.HTTPStatus.CREATED, reply.read()
        reply.read()
    connection.close()


def class_seconds(running: Service) -> np.ndarray:
    """Return the seconds to the first epoch of each member of a class, who submit at once."""
    start = Barrier(CLASS)

    def member(_: int) -> float:
        commands, events = (http.client.HTTPConnection(running.address) for _ in range(2))
        commands.connect()
        events.connect()
        start.wait()
        moments = follow(commands, events)
        commands.close()
        events.close()
        return moments.first_epoch

    with ThreadPoolExecutor(CLASS) as pool:
        return np.array(list(pool.map(member, range(CLASS))))


def main() -> None:
    """Print the tables."""
    parser = options(__doc__)
    parser.add_argument("--database", choices=DATABASES, help="only this one")
    arguments = parser.parse_args()
    databases = [arguments.database] if arguments.database else DATABASES
    rounds = 1 if arguments.quick else 3
    costs, starts = [], []
    for database in databases:
        for workers in WORKERS:
            with service(database, workers) as running:
                for name, (spec, count) in KINDS.items():
                    before = running.processor_seconds()
                    seconds = [submit(running, spec, count) for _ in range(rounds)]
                    after = running.processor_seconds()
                    total = count * rounds
                    best = min(seconds)
                    costs.append(
                        [
                            f"{database}, {workers} workers: {count} × {name}",
                            f"{float(np.median(seconds)):.2f}",
                            f"{best:.2f}",
                            f"{count / best:.0f}",
                            *(f"{(after[p] - before[p]) / total * 1e3:.1f}" for p in before),
                        ]
                    )
                first = np.concatenate([class_seconds(running) for _ in range(rounds)])
                starts.append(
                    [
                        f"{database}, {workers} workers",
                        *(f"{x:.2f}" for x in (np.median(first), np.percentile(first, 95))),
                        f"{first.max():.2f}",
                    ]
                )
    parts = ("API", "worker", "Celery", "broker")
    print_table(
        "Jobs submitted at once: seconds, and milliseconds of processor time a job",
        ("jobs", "median, s", "best, s", "jobs/s", *(f"{part}, ms" for part in parts)),
        costs,
    )
    print_table(
        f"{CLASS} clients submit at the same moment: seconds to their first epochs",
        ("service", "median", "p95", "longest"),
        starts,
    )


if __name__ == "__main__":
    main()
