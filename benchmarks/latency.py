"""From `POST /v1/jobs` to the first epoch on the job's event stream, over a whole running Epochal.

API, worker and broker are the processes of `epochald up`, on SQLite, and warm: both of the worker's
processes have trained a job before. The client is one that hurries: it keeps its connections, and
opens the stream as soon as it knows the job's id.
"""

from __future__ import annotations

import http.client
import json
import sys
from pathlib import Path
from tempfile import TemporaryDirectory
from time import perf_counter
from typing import Any, NamedTuple

sys.path.insert(0, str(Path(__file__).parents[1]))

import numpy as np
from benchmarks._ground import XOR
from benchmarks._report import options, print_table
from tests.servers.stack import Stack

JOB = {**XOR, "epochs": 500}


class Moments(NamedTuple):
    """Seconds since the job was asked for."""

    created: float
    """The answer is there, with the id."""
    opened: float
    """The stream's first event is there."""
    first_epoch: float
    end: float


def follow(asked: http.client.HTTPConnection, watched: http.client.HTTPConnection) -> Moments:
    """Create a job over one connection, and watch it to its end over the other."""
    began = perf_counter()
    asked.request("POST", "/v1/jobs", json.dumps(JOB), {"Content-Type": "application/json"})
    answer = asked.getresponse()
    job = json.loads(answer.read())
    assert answer.status == http.HTTPStatus.CREATED, job
    created = perf_counter()
    watched.request("GET", f"/v1/jobs/{job['id']}/events")
    stream = watched.getresponse()
    opened = first_epoch = None
    kind = ""
    for line in stream:
        field, _, value = line.decode().rstrip().partition(": ")
        if field == "event":
            kind = value
        elif field == "data":
            now = perf_counter()
            opened = opened or now
            if first_epoch is None and shows_an_epoch(kind, json.loads(value)):
                first_epoch = now
    end = perf_counter()
    assert kind == "end"
    assert opened is not None
    assert first_epoch is not None
    return Moments(*(moment - began for moment in (created, opened, first_epoch, end)))


def shows_an_epoch(kind: str, told: dict[str, Any]) -> bool:
    return kind == "epochs" or (kind == "snapshot" and told["curve"]["epochs"] > 0)


def main() -> None:
    """Print the table."""
    quick = options(__doc__).parse_args().quick
    jobs = 10 if quick else 50
    with TemporaryDirectory(prefix="epochal-benchmark-") as name:
        folder = Path(name)
        stack = Stack(folder, f"sqlite:///{folder}/epochal.db", {"log_level": "warning"})
        try:
            address = stack.http.removeprefix("http://")
            asked, watched = (http.client.HTTPConnection(address) for _ in range(2))
            for _ in range(6):
                follow(asked, watched)
            moments = np.array([follow(asked, watched) for _ in range(jobs)]) * 1e3
            asked.close()
            watched.close()
        finally:
            stack.stop()
    rows = []
    for name, column in zip(Moments._fields, moments.T, strict=True):
        figures = (np.median(column), np.percentile(column, 99), column.max())
        rows.append([name.replace("_", " "), *(f"{figure:.0f}" for figure in figures)])
    print_table(
        f"From submit on, milliseconds: {jobs} XOR jobs of {JOB['epochs']} epochs, one by one",
        ("moment", "median", "p99", "longest"),
        rows,
    )


if __name__ == "__main__":
    main()
