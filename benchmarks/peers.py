"""Store and poll a long metric: Epochal compared with MLflow's tracking server.

Both use SQLite, on this machine, in this run. Epochal stores as its workers do: one transaction per
1,024 epochs with lease, extremes, event and notification, and the seconds of the epochs as a second
metric. MLflow stores one metric, 1,000 points per batch, its maximum: over HTTP, as training
scripts log to a server, and directly into its database. A poll is the request of an open chart: one
metric of the whole run in at most 1,000 points.

MLflow is not part of Epochal's environment. `--mlflow PYTHON` names an interpreter that has it:
`python3 -m venv peer && peer/bin/pip install mlflow`, then `--mlflow peer/bin/python`.
"""

from __future__ import annotations

import http.client
import json
import os
import subprocess
from collections.abc import Callable
from statistics import median
from tempfile import TemporaryDirectory
from time import perf_counter, time
from typing import Any, NamedTuple

import numpy as np
import structlog
from benchmarks._ground import api, fresh_settings, running, take_up
from benchmarks._report import options, print_table
from tests.servers.postgres import free_port

from epochal_engine import Block
from epochal_service import broker
from epochal_service.curves.epochs import entry_of
from epochal_service.jobs import lifecycle
from epochal_service.jobs.lifecycle import Progress
from epochal_service.jobs.queue import Queue
from epochal_service.store import Database

SEGMENT_EPOCHS = 1024
BATCH = 1000  # metrics in one request, at most
POINTS = 1000

# Runs in MLflow's interpreter: the seconds of the same batches without a server.
WITHOUT_A_SERVER = """
import sys
import time
import mlflow
from mlflow.entities import Metric
client = mlflow.MlflowClient(tracking_uri=sys.argv[1])
run = client.create_run(client.create_experiment("benchmark")).info.run_id
values = [1.0 / (step + 1) for step in range(int(sys.argv[2]))]
began = time.perf_counter()
for first in range(0, len(values), 1000):
    part = enumerate(values[first : first + 1000], first)
    client.log_batch(run, [Metric("train_loss", value, 0, step) for step, value in part])
print(time.perf_counter() - began)
"""


class Figures(NamedTuple):
    """Seconds to store everything, and seconds per poll."""

    stored: float
    polled: float
    points: int
    """That a poll brings."""


def epochal(values: np.ndarray[Any, np.dtype[np.float64]], polls: int) -> Figures:
    with fresh_settings() as settings, broker.embedded() as url:
        database, queue = Database(settings.database_url), Queue(url)
        claim = take_up(database, len(values))
        began = perf_counter()
        for start in range(0, len(values), SEGMENT_EPOCHS):
            part = values[start : start + SEGMENT_EPOCHS]
            entry = entry_of(Block(start + 1, {"train_loss": part}, None), np.full(len(part), 1e-4))
            assert entry is not None
            progress = Progress([entry], entry.last_epoch)
            assert lifecycle.flush(database, claim, progress) == "running"
            queue.notify_watchers(claim.id)
        stored = perf_counter() - began
        queue.close()
        database.close()
        with api(settings, url) as (port, _pid):
            connection = http.client.HTTPConnection("127.0.0.1", port)
            path = f"/v1/jobs/{claim.id}/curve?max_points={POINTS}&metrics=train_loss"
            polled, response = poll(lambda: ask(connection, "GET", path), polls)
            connection.close()
    (series,) = response["series"]
    return Figures(stored, polled, len(series["values"]))


def mlflow(python: str, values: np.ndarray[Any, np.dtype[np.float64]], polls: int) -> Figures:
    with TemporaryDirectory(prefix="epochal-benchmark-") as folder:
        port = free_port()
        command = [python, "-m", "mlflow", "server", "--workers", "1", "--port", str(port)]
        command += ["--backend-store-uri", f"sqlite:///{folder}/mlflow.db"]
        command += ["--artifacts-destination", folder]
        with running(command, port, "/health", quiet_environment()):
            connection = http.client.HTTPConnection("127.0.0.1", port)

            def call(method: str, /, **fields: object) -> dict[str, Any]:
                return ask(connection, "POST", f"/api/2.0/mlflow/{method}", fields)

            experiment = call("experiments/create", name="benchmark")["experiment_id"]
            run = call("runs/create", experiment_id=experiment)["run"]["info"]["run_id"]
            now = int(time() * 1e3)
            began = perf_counter()
            for first in range(0, len(values), BATCH):
                part = enumerate(values[first : first + BATCH].tolist(), first)
                call(
                    "runs/log-batch",
                    run_id=run,
                    metrics=[
                        {"key": "train_loss", "value": value, "timestamp": now, "step": step}
                        for step, value in part
                    ],
                )
            stored = perf_counter() - began
            path = (
                "/ajax-api/2.0/mlflow/metrics/get-history-bulk-interval"
                f"?run_ids={run}&metric_key=train_loss&max_results={POINTS}"
            )
            polled, response = poll(lambda: ask(connection, "GET", path), polls)
            connection.close()
    return Figures(stored, polled, len(response["metrics"]))


def mlflow_without_a_server(python: str, count: int) -> float:
    """Return the seconds to store the same number of points directly into the database."""
    with TemporaryDirectory(prefix="epochal-benchmark-") as folder:
        command = [python, "-c", WITHOUT_A_SERVER, f"sqlite:///{folder}/mlflow.db", str(count)]
        done = subprocess.run(
            command, env=quiet_environment(), capture_output=True, text=True, cwd=folder
        )
    if done.returncode != 0:
        raise RuntimeError(done.stderr)
    return float(done.stdout.split()[-1])


def quiet_environment() -> dict[str, str]:
    """Return the environment of this process with MLflow's telemetry off."""
    return {**os.environ, "MLFLOW_DISABLE_TELEMETRY": "true", "DO_NOT_TRACK": "true"}


def ask(
    connection: http.client.HTTPConnection, method: str, path: str, body: object = None
) -> dict[str, Any]:
    content = None if body is None else json.dumps(body)
    connection.request(method, path, content, {"Content-Type": "application/json"})
    response = connection.getresponse()
    text = response.read()
    assert response.status == http.HTTPStatus.OK, text
    reply: dict[str, Any] = json.loads(text)
    return reply


def poll(action: Callable[[], dict[str, Any]], polls: int) -> tuple[float, dict[str, Any]]:
    """Return the median seconds of the action, and its last reply."""
    response = action()
    seconds = []
    for _ in range(polls):
        began = perf_counter()
        response = action()
        seconds.append(perf_counter() - began)
    return median(seconds), response


def main() -> None:
    """Print the table."""
    parser = options(__doc__)
    parser.add_argument("--mlflow", metavar="PYTHON", help="an interpreter that has MLflow")
    chosen = parser.parse_args()
    if chosen.mlflow is None:
        print("Nothing to compare with: pass an interpreter that has MLflow as --mlflow PYTHON.")
        return
    structlog.configure(processors=[], logger_factory=structlog.ReturnLoggerFactory())
    count, polls = (10_000, 10) if chosen.quick else (100_000, 30)
    values = 1.0 / np.arange(1.0, count + 1)
    ours, theirs = epochal(values, polls), mlflow(chosen.mlflow, values, polls)
    direct = mlflow_without_a_server(chosen.mlflow, count)

    def stored(name: str, seconds: float) -> list[str]:
        points_per_second = f"{count / seconds:,.0f}"
        return [name, f"{seconds:.2f} s", points_per_second, f"{seconds / ours.stored:.1f} x"]

    def polled(name: str, figures: Figures) -> list[str]:
        ratio = figures.polled / ours.polled
        return [name, f"{figures.polled * 1e3:.1f} ms", f"{figures.points:,}", f"{ratio:.1f} x"]

    print_table(
        f"{count:,} points of one metric, stored and polled",
        ("what", "takes", "points (a second)", "against Epochal"),
        [
            stored("store: Epochal's worker", ours.stored),
            stored("store: MLflow over HTTP", theirs.stored),
            stored("store: MLflow without a server", direct),
            polled("poll: Epochal", ours),
            polled("poll: MLflow", theirs),
        ],
    )


if __name__ == "__main__":
    main()
