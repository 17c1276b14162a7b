"""Runs of ten thousand to a million epochs as one thousand points: the time of a chart.

The jobs are written as workers write them, in segments of 1,024 epochs: a loss that falls noisily,
with spikes and single non-finite epochs. One is written as slow training is, 20 epochs at a time.
Each curve is then read through the method that REST and gRPC call, and over HTTP; the points are
compared with the columns that were written. Over HTTP each round asks for another number
of points, because equal requests are answered from a cache.
"""

from __future__ import annotations

import http.client
import itertools
from collections.abc import Callable
from functools import partial
from time import perf_counter, process_time
from typing import NamedTuple

import numpy as np
import structlog
from benchmarks._ground import api, fresh_settings, postgres_url, take_up
from benchmarks._report import options, print_table
from numpy.typing import NDArray

from epochal_engine import Block
from epochal_service import broker
from epochal_service.curves.buckets import bucket_width, downsample
from epochal_service.curves.epochs import entry_of
from epochal_service.jobs import lifecycle
from epochal_service.jobs.lifecycle import Ending, Progress
from epochal_service.jobs.queue import Queue
from epochal_service.methods import jobs
from epochal_service.methods.context import Context
from epochal_service.settings import Settings
from epochal_service.specs.jobs import Curve, GetCurveRequest
from epochal_service.store import Database
from epochal_service.streams.follow import Hub

SEGMENT_EPOCHS = 1024
SLOW_SEGMENT_EPOCHS = 20
POINTS = 1000
TARGETS = {"SQLite": 5.0, "PostgreSQL": 10.0}
"""Milliseconds in which the method must return a curve of any length."""
Columns = dict[str, NDArray[np.float64]]


def columns_of(epochs: int) -> Columns:
    """Return the metrics of an imaginary long run: five of shape `(epochs,)`."""
    rng = np.random.default_rng(7)
    falling = np.exp(-np.arange(epochs) / (epochs / 5)) + 0.05
    loss = falling * rng.lognormal(0.0, 0.1, epochs)
    spikes = rng.choice(epochs, 50, replace=False)
    loss[spikes] *= rng.uniform(2.0, 40.0, 50)
    odd = rng.choice(np.arange(1, epochs - 1), 20, replace=False)
    loss[odd] = rng.choice([np.nan, np.inf, -np.inf], 20)
    validation = falling * rng.lognormal(0.05, 0.1, epochs)
    return {
        "train_loss": loss,
        "validation_loss": validation,
        "train_accuracy": np.clip(1.0 - validation / 2 + rng.normal(0, 0.02, epochs), 0.0, 1.0),
        "learning_rate": np.linspace(0.01, 0.0001, epochs),
        "gradient_norm": rng.lognormal(-3.0, 1.0, epochs),
    }


def write_job(database: Database, columns: Columns, size: int = SEGMENT_EPOCHS) -> str:
    """Store a finished job as a worker stores it, `size` epochs at a time; return its id."""
    epochs = len(columns["train_loss"])
    claim = take_up(database, epochs)
    for start in range(0, epochs, size):
        part = {name: column[start : start + size] for name, column in columns.items()}
        count = len(part["train_loss"])
        entry = entry_of(Block(start + 1, part, None), np.full(count, 1e-4))
        assert entry is not None
        progress = Progress([entry], entry.last_epoch)
        assert lifecycle.flush(database, claim, progress) == "running"
    assert lifecycle.end(database, claim, Progress(), Ending("succeeded", "completed"))
    return claim.id


def check(curve: Curve, columns: Columns) -> None:
    """Check that the points come from the written columns."""
    count = len(columns["train_loss"])
    assert curve.epochs == count
    assert {series.metric for series in curve.series} == {*columns, "seconds"}
    epochs = np.arange(1, count + 1)
    for series in curve.series:
        if series.metric != "seconds":
            column = columns[series.metric]
            chosen = downsample(epochs, column, bucket_width(count, POINTS))
            assert series.epochs == epochs[chosen].tolist()
            np.testing.assert_array_equal(series.values, column[chosen])
            assert len(chosen) <= POINTS + np.count_nonzero(~np.isfinite(column))


class Cost(NamedTuple):
    """Milliseconds of every round: wall-clock time, and processor time of this process."""

    wall: NDArray[np.float64]
    processor: NDArray[np.float64]


def timed(action: Callable[[], object], rounds: int) -> Cost:
    wall, processor = np.empty(rounds), np.empty(rounds)
    action()
    for index in range(rounds):
        began, worked = perf_counter(), process_time()
        action()
        wall[index], processor[index] = perf_counter() - began, process_time() - worked
    return Cost(wall * 1e3, processor * 1e3)


def row(name: str, cost: Cost, target: float | None = None, size: int | None = None) -> list[str]:
    median, late = np.percentile(cost.wall, [50, 99])
    # Over HTTP another process does the work.
    processor = f"{np.median(cost.processor):.1f}" if size is None else ""
    goal = "" if target is None else f"<= {target:g}{'' if median <= target else ' missed'}"
    return [name, f"{median:.1f}", goal, f"{late:.1f}", processor, f"{size:,}" if size else ""]


def measure(settings: Settings, rounds: int, counts: list[int], name: str) -> list[list[str]]:
    """Return the rows of the table for one database."""
    rows = []
    database, queue = Database(settings.database_url), Queue(None)
    context = Context(settings, database, queue, Hub(database, queue, heartbeat_seconds=15))
    request = GetCurveRequest(max_points=POINTS)
    sizes = [*((count, SEGMENT_EPOCHS) for count in counts), (counts[0], SLOW_SEGMENT_EPOCHS)]
    for count, size in sizes:
        columns = columns_of(count)
        job_id = write_job(database, columns, size)
        curve = jobs.get_curve(context, job_id, request)
        check(curve, columns)
        after = request.model_copy(update={"after_epoch": curve.closed_epoch})
        title = f"{name}, {count:,} epochs" + (", slow" if size == SLOW_SEGMENT_EPOCHS else "")
        for what, polled in (("", request), (", what is new", after)):
            cost = timed(partial(jobs.get_curve, context, job_id, polled), rounds)
            rows.append(row(title + what, cost, TARGETS[name]))
    with broker.embedded() as url, api(settings, url) as (port, _):
        connection = http.client.HTTPConnection("127.0.0.1", port)
        points = itertools.count(POINTS)

        def get(query: str = "") -> bytes:
            path = f"/v1/jobs/{job_id}/curve?max_points={next(points)}{query}"
            connection.request("GET", path)
            answer = connection.getresponse()
            body = answer.read()
            assert answer.status == http.HTTPStatus.OK, body
            return body

        check(Curve.model_validate_json(get()), columns)
        rows.append(row(f"{title}, over HTTP", timed(get, rounds), size=len(get())))
        query = "&metrics=train_loss"
        cost = timed(lambda: get(query), rounds)
        rows.append(row(f"{title}, over HTTP, train_loss alone", cost, size=len(get(query))))
        connection.close()
    queue.close()
    database.close()
    return rows


def main() -> None:
    """Print the table."""
    quick = options(__doc__).parse_args().quick
    structlog.configure(processors=[], logger_factory=structlog.ReturnLoggerFactory())
    rounds = 20 if quick else 100
    counts = [10_000, 100_000] if quick else [10_000, 100_000, 1_000_000]
    with fresh_settings() as settings:
        rows = measure(settings, rounds, counts, "SQLite")
    with postgres_url() as url, fresh_settings(url) as settings:
        rows += measure(settings, rounds, counts, "PostgreSQL")
    print_table(
        f"6 metrics as {POINTS:,} points each; the points are exact",
        ("read", "median, ms", "target", "p99, ms", "processor, ms", "bytes"),
        rows,
    )


if __name__ == "__main__":
    main()
