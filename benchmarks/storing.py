"""Cost of storing everything: the bare engine compared with the worker, job by job.

Bare is `for epoch in Run(...): pass` and one `take` at the end. Stored is the same job through
`epochal_workers.run.run`: claim, rows and gradient snapshots of every epoch, lease, checkpoints,
notifications, end. Both alternate in this process. The table has medians of its processor time and
of wall-clock time, which other processes influence.

The promises: at most 5 % for a job of a second, and at most 5 ms for a small one.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from functools import partial
from statistics import median
from time import perf_counter, process_time
from typing import Any, NamedTuple

os.environ["OPENBLAS_NUM_THREADS"] = "1"

import structlog
from benchmarks._ground import XOR, fresh_settings, submit
from benchmarks._report import options, print_table

from epochal_engine import Run
from epochal_service import broker
from epochal_service.jobs.queue import Queue
from epochal_service.preparation.prepare import Prepared, prepare
from epochal_service.specs.training import TrainingSpec
from epochal_service.store import Database, checkpoints
from epochal_service.store import log as job_log
from epochal_workers.run import WorkerContext, run


def dense(units: int, activation: str) -> dict[str, object]:
    return {"type": "dense", "units": units, "activation": activation}


JOBS: dict[str, tuple[dict[str, Any], int]] = {
    "circles 2-8-8-1, 500 points, batch 10": (
        {
            "network": {
                "input_shape": [2],
                "layers": [dense(8, "tanh"), dense(8, "tanh"), dense(1, "sigmoid")],
            },
            "dataset": {"name": "circles", "samples": 500},
            "loss": "binary_cross_entropy",
            "batch_size": 10,
        },
        10_000,
    ),
    "digits 64-64-10, 1,797 images, batch 32": (
        {
            "network": {
                "input_shape": [64],
                "layers": [dense(64, "relu"), dense(10, "softmax")],
            },
            "dataset": {"name": "digits", "scaling": "minmax"},
            "loss": "cross_entropy",
            "batch_size": 32,
        },
        500,
    ),
    "XOR 2-4-1, whole batch": (
        XOR,
        2000,
    ),
}


class Cost(NamedTuple):
    """Seconds."""

    processor: float
    wall: float


def timed(action: Callable[[], object]) -> Cost:
    wall, processor = perf_counter(), process_time()
    action()
    return Cost(process_time() - processor, perf_counter() - wall)


def bare(prepared: Prepared) -> None:
    """Train, and hold every result in memory."""
    training = Run(prepared.network, prepared.training, prepared.data)
    for _ in training:
        pass
    training.take()


def stored(shop: WorkerContext, job_id: str) -> None:
    assert run(shop, job_id) == "succeeded"


def stored_bytes(database: Database, job_id: str) -> int:
    """Return the bytes of the job's metrics, extremes, gradient snapshots and weights."""
    with database.read() as connection:
        parts = [*job_log.bodies(connection, job_id), *job_log.gradients(connection, job_id)]
        parts += job_log.summaries(connection, job_id)
        weights = checkpoints.page(connection, job_id, 0, 1000)
    return sum(len(blob) for *_, blob in parts) + sum(row.size_bytes for row in weights)


def compare(shop: WorkerContext, name: str, rounds: int) -> list[str]:
    written, epochs = JOBS[name]
    spec = TrainingSpec.model_validate({**written, "epochs": epochs})
    prepared = prepare(shop.database, spec, "benchmark", shop.settings.limits)
    costs: list[tuple[Cost, Cost]] = []
    for _ in range(rounds + 1):
        job_id = submit(shop.database, spec)
        costs.append((timed(partial(bare, prepared)), timed(partial(stored, shop, job_id))))
    costs = costs[1:]  # the first round warms up what a worker has warm after its first job
    cells = [name, f"{epochs:,}"]
    for clock in Cost._fields:
        alone = median(getattr(a, clock) for a, _ in costs)
        # Runs that follow each other are compared, so that a busy minute affects both.
        more = median(getattr(b, clock) - getattr(a, clock) for a, b in costs)
        cells += [
            f"{alone * 1e3:,.1f}",
            f"{(alone + more) * 1e3:,.1f}",
            f"{more * 1e3:+.1f}",
            f"{more / alone:+.1%}",
        ]
    seconds = median(b.wall for _, b in costs)
    size = stored_bytes(shop.database, job_id)
    return [*cells, f"{epochs / seconds:,.0f}", f"{size / epochs:,.0f}"]


def main() -> None:
    """Print the table."""
    quick = options(__doc__).parse_args().quick
    structlog.configure(processors=[], logger_factory=structlog.ReturnLoggerFactory())
    rounds = 3 if quick else 9
    with fresh_settings() as settings, broker.embedded() as url:
        database, queue = Database(settings.database_url), Queue(url)
        shop = WorkerContext(settings, database, queue, stopping=lambda: False)
        rows = [compare(shop, name, rounds) for name in JOBS]
        queue.close()
        database.close()
    columns = ("bare, ms", "stored, ms", "more, ms", "more")
    print_table(
        "Storing every epoch and gradient on SQLite: processor time, then wall-clock time",
        ("job", "epochs", *columns, *columns, "epochs/s", "bytes/epoch"),
        rows,
    )


if __name__ == "__main__":
    main()
