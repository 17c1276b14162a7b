"""Answers per second of processor time of the API: how many readers one process can serve.

A real API, a job of 100,000 epochs that runs, and 16 connections that poll it, each as soon as it
has the reply. The same loop polls a FastAPI app with one route that returns a constant:
what any service on the same server pays. The time is processor time of the server's process, all
threads.
"""

from __future__ import annotations

import asyncio
import http.client
import os
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from itertools import count
from statistics import median
from threading import Event, Thread
from time import perf_counter
from typing import NamedTuple

import numpy as np
import psutil
import structlog
from benchmarks._ground import api, fresh_settings, postgres_url, running, take_up
from benchmarks._report import options, print_table
from benchmarks.curve import SEGMENT_EPOCHS, columns_of
from tests.servers.postgres import free_port

from epochal import Client
from epochal_engine import Block
from epochal_service import broker
from epochal_service.access import keys
from epochal_service.access.keys import LOCAL_OWNER
from epochal_service.curves.epochs import entry_of
from epochal_service.jobs import lifecycle
from epochal_service.jobs.lifecycle import Claim, Progress
from epochal_service.settings import Settings
from epochal_service.store import Access, Database

CONNECTIONS = 16
EPOCHS = 100_000
TABLE_SECONDS = 0.4
PING = """
import sys
import uvicorn
from fastapi import FastAPI

app = FastAPI()

@app.get("/ping")
async def ping():
    return {"status": "ok"}

uvicorn.run(app, port=int(sys.argv[1]), http="httptools", log_level="warning", access_log=False)
"""


class Read(NamedTuple):
    """A request that is repeated."""

    name: str
    path: str
    target: int | None = None
    """Answers per second of processor time that are promised."""
    headers: Mapping[str, str] = {}
    unchanged: bool = False
    """Whether `If-None-Match` is sent, and 304 is expected."""
    connections: int = CONNECTIONS
    """Connections that poll at the same time."""


class Speed(NamedTuple):
    """The work of a server, per answer."""

    milliseconds: float
    """Processor time."""
    p99: float
    """Milliseconds from a request to its reply."""
    size: int
    """Bytes of the body."""


class Connection:
    """A connection that is reused."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader, self._writer = reader, writer

    async def get(self, request: bytes) -> tuple[int, dict[str, str], bytes]:
        """Return the status, the headers and the body of the reply."""
        self._writer.write(request)
        head = (await self._reader.readuntil(b"\r\n\r\n")).decode().split("\r\n")
        pairs = (line.split(": ", 1) for line in head[1:] if line)
        headers = {name.lower(): value for name, value in pairs}
        body = await self._reader.readexactly(int(headers.get("content-length", 0)))
        return int(head[0].split()[1]), headers, body

    def close(self) -> None:
        self._writer.close()


def request_of(read: Read, etag: str = "") -> bytes:
    """Return the bytes of the request."""
    headers = {"Host": "127.0.0.1", "Accept-Encoding": "gzip", **read.headers}
    if etag:
        headers["If-None-Match"] = etag
    lines = [f"GET {read.path} HTTP/1.1", *(f"{name}: {text}" for name, text in headers.items())]
    return "\r\n".join([*lines, "", ""]).encode()


async def measure(port: int, pid: int, read: Read, seconds: float) -> Speed:
    """Poll with all connections for a while."""
    server = psutil.Process(pid)
    opened = [
        Connection(*await asyncio.open_connection("127.0.0.1", port))
        for _ in range(read.connections)
    ]
    status, headers, body = await opened[0].get(request_of(read))
    assert status == http.HTTPStatus.OK, body
    request = request_of(read, headers["etag"] if read.unchanged else "")
    expected = http.HTTPStatus.NOT_MODIFIED if read.unchanged else http.HTTPStatus.OK
    delays: list[float] = []
    size = 0

    async def poll(connection: Connection, until: float) -> None:
        nonlocal size
        while (sent := perf_counter()) < until:
            status, _, body = await connection.get(request)
            delays.append(perf_counter() - sent)
            assert status == expected, body
            size = len(body)

    async def all_poll(seconds: float) -> None:
        until = perf_counter() + seconds
        await asyncio.gather(*(poll(connection, until) for connection in opened))

    await all_poll(seconds / 10)
    delays.clear()
    worked = sum(server.cpu_times()[:2])
    await all_poll(seconds)
    worked = sum(server.cpu_times()[:2]) - worked
    for connection in opened:
        connection.close()
    late = sorted(delays)[int(len(delays) * 0.99)]
    return Speed(worked / len(delays) * 1e3, late * 1e3, size)


def write_running_job(database: Database, epochs: int) -> Claim:
    """Store a running job, with `epochs` of five metrics."""
    columns = columns_of(epochs)
    claim = take_up(database, 2 * epochs)
    for start in range(0, epochs, SEGMENT_EPOCHS):
        part = {name: column[start : start + SEGMENT_EPOCHS] for name, column in columns.items()}
        count = len(part["train_loss"])
        entry = entry_of(Block(start + 1, part, None), part["learning_rate"][:count])
        assert entry is not None
        progress = Progress([entry], entry.last_epoch)
        assert lifecycle.flush(database, claim, progress) == "running"
    return claim


@contextmanager
def training(database: Database, claim: Claim) -> Iterator[None]:
    """Store an epoch of the job five times a second, as a worker does, until the block ends."""
    stopped = Event()

    def store() -> None:
        with database.read() as connection:
            row = lifecycle.find(connection, claim.id, Access(LOCAL_OWNER))
        columns = {name: column[-1:] for name, column in columns_of(1000).items()}
        for epoch in count(row.epoch + 1):
            entry = entry_of(Block(epoch, columns, None), np.array([1e-4]))
            assert entry is not None
            assert lifecycle.flush(database, claim, Progress([entry], epoch)) == "running"
            if stopped.wait(0.2):
                return

    thread = Thread(target=store)
    thread.start()
    try:
        yield
    finally:
        stopped.set()
        thread.join()


def reads_of(job: str, key: str) -> list[Read]:
    """Return what is measured of the API, in order."""
    path = f"/v1/jobs/{job}"
    return [
        Read("status", path, 2000),
        Read("status, unchanged", path, 2000, unchanged=True),
        Read("status, one connection", path, connections=1),
        Read("status, with an API key", path, headers={"Authorization": f"Bearer {key}"}),
        Read("curve of 1,000 points", f"{path}/curve?max_points=1000", 1500),
        Read("curve, unchanged", f"{path}/curve?max_points=1000", 1500, unchanged=True),
        Read("gradients", f"{path}/gradients?max_points=50"),
        Read("sections of the journey", "/course/v1/sections"),
    ]


def tables(port: int, job: str, rounds: int) -> list[tuple[str, float]]:
    """Return the median seconds of reads of every epoch of the job."""
    path = f"/v1/jobs/{job}/epochs"
    connection = http.client.HTTPConnection("127.0.0.1", port)

    def get(path: str, accept: str) -> None:
        connection.request("GET", path, headers={"Accept": accept})
        reply = connection.getresponse()
        content = reply.read()
        assert reply.status == http.HTTPStatus.OK, content

    with Client(f"http://127.0.0.1:{port}") as client:
        handle = client.jobs.get(job)
        reads: dict[str, Callable[[], object]] = {
            "CSV": lambda: get(path, "text/csv"),
            "JSON by column": lambda: get(f"{path}/columns", "application/json"),
            "arrays in .npz": lambda: get(f"{path}/columns", "application/x-npz"),
            "job.epoch_table()": handle.epoch_table,
        }
        measured = []
        for name, read in reads.items():
            read()
            seconds = []
            for _ in range(rounds):
                began = perf_counter()
                read()
                seconds.append(perf_counter() - began)
            measured.append((name, median(seconds)))
    connection.close()
    return measured


def speeds(
    settings: Settings, seconds: float
) -> tuple[list[tuple[Read, Speed]], list[tuple[str, float]]]:
    """Return the speed of every read, starting with the bare app, and the
    seconds of whole tables.
    """
    measured = []
    port, ping = free_port(), Read("bare FastAPI, a constant", "/ping")
    with running((sys.executable, "-c", PING, str(port)), port, ping.path, {**os.environ}) as pid:
        measured.append((ping, asyncio.run(measure(port, pid, ping, seconds))))
    database = Database(settings.database_url)
    claim = write_running_job(database, EPOCHS)
    job = claim.id
    key = keys.create(database, "benchmark", owner=LOCAL_OWNER, scope="read", days=None)
    with broker.embedded() as url, api(settings, url) as (port, pid):
        measured += [
            (read, asyncio.run(measure(port, pid, read, seconds))) for read in reads_of(job, key)
        ]
        whole = tables(port, job, max(int(seconds), 3))
        poll = Read(
            "curve of a job that trains, 64 connections",
            f"/v1/jobs/{job}/curve?max_points=1000",
            connections=64,
        )
        with training(database, claim):
            measured.append((poll, asyncio.run(measure(port, pid, poll, seconds))))
    database.close()
    return measured, whole


def report(
    database: str, measured: list[tuple[Read, Speed]], whole: list[tuple[str, float]]
) -> None:
    """Print the tables of one database."""
    bare = measured[0][1].milliseconds
    rows = [
        [
            read.name,
            f"{1e3 / speed.milliseconds:,.0f}",
            "" if read.target is None else f"{read.target:,}",
            f"{speed.milliseconds:.2f}",
            f"{speed.milliseconds / bare:.1f} x",
            f"{speed.p99:.0f}",
            f"{speed.size:,}",
        ]
        for read, speed in measured
    ]
    header = ("answer", "per CPU second", "target", "CPU, ms", "of bare", "p99, ms", "bytes")
    print_table(f"{CONNECTIONS} connections that poll one API process, {database}", header, rows)
    print_table(
        f"{EPOCHS:,} epochs of 6 metrics in one reply, {database}",
        ("reply", "median, ms", "target"),
        [[name, f"{seconds * 1e3:.0f}", f"{TABLE_SECONDS * 1e3:.0f}"] for name, seconds in whole],
    )


def main() -> None:
    """Print the tables."""
    quick = options(__doc__).parse_args().quick
    structlog.configure(processors=[], logger_factory=structlog.ReturnLoggerFactory())
    seconds = 1.0 if quick else 5.0
    with fresh_settings() as settings:
        report("SQLite", *speeds(settings, seconds))
    with postgres_url() as url, fresh_settings(url) as settings:
        report("PostgreSQL", *speeds(settings, seconds))


if __name__ == "__main__":
    main()
