"""One million epochs as one thousand points: the time of a chart, and a check of its extremes.

The job is written as workers write it, in segments of 1,024 epochs with their extremes: a loss that
falls noisily, with spikes and single non-finite epochs. Its curve is then read through the method
that REST and gRPC call, and over HTTP; every point is compared with the columns that were written.
"""

from __future__ import annotations

import http.client
import sys
from collections.abc import Callable
from pathlib import Path
from time import perf_counter, process_time
from typing import NamedTuple

sys.path.insert(0, str(Path(__file__).parents[1]))

import numpy as np
import structlog
from benchmarks._ground import api, fresh_settings, postgres_url, take_up
from benchmarks._report import options, print_table
from numpy.typing import NDArray

from epochal_engine import Block
from epochal_service import broker
from epochal_service.jobs import lifecycle
from epochal_service.jobs.epochs import entry_of
from epochal_service.jobs.follow import Hub
from epochal_service.jobs.lifecycle import Ending, Progress
from epochal_service.jobs.queue import Queue
from epochal_service.methods import jobs
from epochal_service.methods.context import Context
from epochal_service.settings import Settings
from epochal_service.specs.jobs import Curve, CurveSeries, GetCurveRequest
from epochal_service.store import Database

SEGMENT_EPOCHS = 1024
POINTS = 1000
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


def write_job(database: Database, columns: Columns) -> str:
    """Store a finished job as a worker stores it; return its id."""
    epochs = len(columns["train_loss"])
    claim = take_up(database, epochs)
    for start in range(0, epochs, SEGMENT_EPOCHS):
        part = {name: column[start : start + SEGMENT_EPOCHS] for name, column in columns.items()}
        count = len(part["train_loss"])
        entry = entry_of(Block(start + 1, part, None), np.full(count, 1e-4))
        assert entry is not None
        progress = Progress([entry], entry.last_epoch)
        assert lifecycle.flush(database, claim, progress) == "running"
    assert lifecycle.end(database, claim, Progress(), Ending("succeeded", "completed"))
    return claim.id


def check(curve: Curve, columns: Columns) -> None:
    """Check that every point equals the written one, and that no interval lost its extremes."""
    epochs = len(columns["train_loss"])
    assert curve.epochs == epochs
    series_by_metric: dict[str, CurveSeries] = {series.metric: series for series in curve.series}
    assert series_by_metric.keys() == {*columns, "seconds"}
    # Wherever the chart's intervals begin, any three consecutive ones contain one of them.
    edges = np.linspace(0, epochs, POINTS // 2).astype(int)
    for name, column in columns.items():
        at = np.array(series_by_metric[name].epochs) - 1
        values = np.array(series_by_metric[name].values)
        assert (np.diff(at) > 0).all()
        assert (at[0], at[-1]) == (0, epochs - 1)
        assert len(at) <= POINTS + np.count_nonzero(~np.isfinite(column))
        np.testing.assert_array_equal(values, column[at])
        for fill, extreme in ((np.inf, np.minimum), (-np.inf, np.maximum)):
            whole = np.where(np.isfinite(column), column, fill)
            shown_values = np.full(epochs, fill)
            shown_values[at] = whole[at]
            assert extreme.reduce(shown_values) == extreme.reduce(whole)
            truth = extreme.reduceat(whole, edges[:-1])
            shown = extreme.reduceat(shown_values, edges[:-1])
            near = extreme(extreme(shown[:-2], shown[1:-1]), shown[2:])
            assert (extreme(near, truth[1:-1]) == near).all()


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


def row(name: str, cost: Cost, size: int | None = None) -> list[str]:
    median, late = np.percentile(cost.wall, [50, 99])
    # Over HTTP another process does the work.
    processor = f"{np.median(cost.processor):.1f}" if size is None else ""
    return [name, f"{median:.1f}", f"{late:.1f}", processor, f"{size:,}" if size else ""]


def measure(settings: Settings, rounds: int, epochs: int, name: str) -> list[list[str]]:
    """Return the rows of the table for one database."""
    columns = columns_of(epochs)
    database, queue = Database(settings.database_url), Queue(None)
    context = Context(settings, database, queue, Hub(database, queue, heartbeat_seconds=15))
    job_id = write_job(database, columns)
    request = GetCurveRequest(max_points=POINTS)

    def read() -> Curve:
        return jobs.get_curve(context, job_id, request)

    check(read(), columns)
    rows = [row(f"{name}, the method", timed(read, rounds))]
    with broker.embedded() as url, api(settings, url) as (port, _):
        connection = http.client.HTTPConnection("127.0.0.1", port)

        def get(query: str = "") -> bytes:
            connection.request("GET", f"/v1/jobs/{job_id}/curve?max_points={POINTS}{query}")
            answer = connection.getresponse()
            body = answer.read()
            assert answer.status == http.HTTPStatus.OK, body
            return body

        check(Curve.model_validate_json(get()), columns)
        rows.append(row(f"{name}, over HTTP", timed(get, rounds), len(get())))
        query = "&metrics=train_loss"
        cost = timed(lambda: get(query), rounds)
        rows.append(row(f"{name}, over HTTP, train_loss alone", cost, len(get(query))))
        connection.close()
    queue.close()
    database.close()
    return rows


def main() -> None:
    """Print the table."""
    quick = options(__doc__).parse_args().quick
    structlog.configure(processors=[], logger_factory=structlog.ReturnLoggerFactory())
    rounds, epochs = (20, 100_000) if quick else (100, 1_000_000)
    with fresh_settings() as settings:
        rows = measure(settings, rounds, epochs, "SQLite")
    with postgres_url() as url, fresh_settings(url) as settings:
        rows += measure(settings, rounds, epochs, "PostgreSQL")
    print_table(
        f"{epochs:,} epochs of 6 metrics as {POINTS:,} points each; extremes found exact",
        ("read", "median, ms", "p99, ms", "processor, ms", "bytes"),
        rows,
    )


if __name__ == "__main__":
    main()
