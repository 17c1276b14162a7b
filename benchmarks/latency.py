"""Time from `POST /v1/jobs` to the first epoch on the event stream, with a whole service.

API, worker and broker are the processes of `epochald up`, on SQLite. Both worker processes have
trained a job before. The client reuses its connections, and opens the stream as soon as it has the
job's id.
"""

from __future__ import annotations

import http.client
import json
from pathlib import Path
from tempfile import TemporaryDirectory
from time import perf_counter
from typing import Any, NamedTuple

import numpy as np
from benchmarks._ground import XOR
from benchmarks._report import options, print_table
from tests.servers.stack import Stack

JOB = {**XOR, "epochs": 500}


class Moments(NamedTuple):
    """Seconds since the request for the job."""

    created: float
    """The reply with the id has arrived."""
    opened: float
    """The first event of the stream has arrived."""
    first_epoch: float
    end: float


def follow(commands: http.client.HTTPConnection, events: http.client.HTTPConnection) -> Moments:
    """Create a job over one connection, and watch it until its end over the other."""
    began = perf_counter()
    commands.request("POST", "/v1/jobs", json.dumps(JOB), {"Content-Type": "application/json"})
    reply = commands.getresponse()
    job = json.loads(reply.read())
    assert reply.status == http.HTTPStatus.CREATED, job
    created = perf_counter()
    events.request("GET", f"/v1/jobs/{job['id']}/events")
    stream = events.getresponse()
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


def shows_an_epoch(kind: str, data: dict[str, Any]) -> bool:
    return kind == "epochs" or (kind == "snapshot" and data["curve"]["epochs"] > 0)


def main() -> None:
    """Print the table."""
    quick = options(__doc__).parse_args().quick
    jobs = 10 if quick else 50
    with TemporaryDirectory(prefix="epochal-benchmark-") as name:
        folder = Path(name)
        stack = Stack(folder, f"sqlite:///{folder}/epochal.db", {"log_level": "warning"})
        try:
            address = stack.http.removeprefix("http://")
            commands, events = (http.client.HTTPConnection(address) for _ in range(2))
            for _ in range(6):
                follow(commands, events)
            moments = np.array([follow(commands, events) for _ in range(jobs)]) * 1e3
            commands.close()
            events.close()
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
