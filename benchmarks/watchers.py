"""One thousand watchers of one job: what they receive, how late, and the cost for the server.

A real API process streams the log of a job that this script writes as a worker does, one epoch per
transaction. One asyncio process holds all connections. The latency of an epoch is the time from the
start of its transaction until its bytes arrive at a watcher. Every watcher must receive all epochs
after its snapshot without a gap. `last` is the latency of the last of all watchers, for the median
epoch.

A stream sends at most ten frames a second (`follow.FRAME_SECONDS`), so faster epochs wait to be
sent together. `lifted` is the same program without that pause, which measures delivery alone.
"""

from __future__ import annotations

import asyncio
import gc
import json
import multiprocessing
import re
import resource
import sys
import time
from collections.abc import Sequence
from contextlib import ExitStack
from multiprocessing.connection import Connection
from pathlib import Path
from typing import NamedTuple, cast

sys.path.insert(0, str(Path(__file__).parents[1]))

import numpy as np
import psutil
import structlog
import uvloop
from benchmarks._ground import API, api, fresh_settings, take_up
from benchmarks._report import options, print_table
from numpy.typing import NDArray

from epochal_engine import Block
from epochal_service import broker
from epochal_service.jobs import lifecycle
from epochal_service.jobs.epochs import entry_of
from epochal_service.jobs.lifecycle import Claim, Ending, Progress
from epochal_service.jobs.queue import Queue
from epochal_service.store import Database

LIFTED = (
    "-c",
    "from epochal_service.jobs import follow; follow.FRAME_SECONDS = 0.0; "
    "from epochal_service.__main__ import app; app(['api'])",
)
AT_ONCE = 50  # connections that are being opened


class Watcher(asyncio.Protocol):
    """One stream: the first and the last epoch of each frame, and its time of arrival."""

    RANGE = re.compile(rb'data: {"first_epoch":(\d+),"last_epoch":(\d+)')

    def __init__(self, job_id: str) -> None:
        self.arrivals: list[tuple[int, int, float]] = []
        self.opened = asyncio.get_running_loop().create_future()
        self.closed = asyncio.get_running_loop().create_future()
        self.snapshot_epoch = -1
        self._request = f"GET /v1/jobs/{job_id}/events HTTP/1.1\r\nHost: localhost\r\n\r\n".encode()
        self._rest = b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.WriteTransport, transport)
        self._transport.write(self._request)

    def data_received(self, data: bytes) -> None:
        now = time.perf_counter()
        *events, self._rest = (self._rest + data).split(b"\n\n")
        for event in events:
            match = self.RANGE.search(event)
            if match is not None:
                self.arrivals.append((int(match[1]), int(match[2]), now))
            elif b"event: snapshot" in event:
                snapshot = json.loads(event.partition(b"data: ")[2])
                self.snapshot_epoch = snapshot["curve"]["epochs"]
                self.opened.set_result(None)
            elif b"event: end" in event:
                self._transport.close()

    def connection_lost(self, error: Exception | None) -> None:
        self.closed.set_result(None)
        if not self.opened.done():
            self.opened.set_exception(ConnectionError(f"no stream: {self._rest!r}"))


async def watch(port: int, job_id: str, count: int, parent: Connection) -> None:
    """Open the streams, say so, follow them to their end, and tell what arrived."""
    loop = asyncio.get_running_loop()
    watchers: list[Watcher] = []
    while len(watchers) < count:
        some = min(AT_ONCE, count - len(watchers))
        opened = await asyncio.gather(
            *(
                loop.create_connection(lambda: Watcher(job_id), "127.0.0.1", port)
                for _ in range(some)
            )
        )
        watchers += [watcher for _, watcher in opened]
        await asyncio.gather(*(watcher.opened for watcher in watchers[-some:]))
    parent.send("open")
    await asyncio.gather(*(watcher.closed for watcher in watchers))
    parent.send([(watcher.snapshot_epoch, np.array(watcher.arrivals)) for watcher in watchers])


def client(port: int, job_id: str, count: int, parent: Connection) -> None:
    """Run the process that holds the connections."""
    gc.disable()  # it makes no cycles, and a pause of its own would look like one of the server
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(watch(port, job_id, count, parent))


def store_epoch(database: Database, queue: Queue, claim: Claim, epoch: int) -> float:
    """Store an epoch as a worker does at every flush; return the time before it."""
    began = time.perf_counter()
    value = np.array([1.0 / epoch])
    columns = dict.fromkeys(("train_loss", "learning_rate", "gradient_norm"), value)
    entry = entry_of(Block(epoch, columns, None), value)
    assert entry is not None
    lifecycle.flush(database, claim, Progress([entry], epoch))
    queue.notify_watchers(claim.id)
    return began


class Story(NamedTuple):
    """The measurements of one job."""

    frames: float
    """Frames a second that reached each watcher."""
    late: NDArray[np.float64]
    """Milliseconds, `(watchers, epochs)`."""
    processor: float
    """Microseconds of the API for each frame that reached a watcher."""
    memory: tuple[float, float, float, float]
    """Megabytes of the API: alone, with all watchers at first, at last, and without them again."""


def measure(program: Sequence[str], count: int, rate: float, seconds: float) -> Story:
    """Measure `count` watchers of a job that stores `rate` epochs a second."""
    with fresh_settings() as settings, broker.embedded() as url, ExitStack() as stack:
        port, pid = stack.enter_context(api(settings, url, program))
        server = psutil.Process(pid)
        database, queue = Database(settings.database_url), Queue(url)
        stack.callback(queue.close)
        stack.callback(database.close)
        claim = take_up(database, epochs=int(rate * (seconds + 1)) + 1)
        store_epoch(database, queue, claim, 1)
        memory = [server.memory_info().rss]

        spawn = multiprocessing.get_context("spawn")
        ours, theirs = spawn.Pipe()
        process = spawn.Process(target=client, args=(port, claim.id, count, theirs))
        process.start()
        theirs.close()
        assert ours.recv() == "open"
        began = [0.0, 0.0]  # by epoch
        for epoch in range(2, int(rate) + 2):  # the first second is for warming up
            began.append(store_epoch(database, queue, claim, epoch))
            pace(began[2], epoch - 1, rate)
        memory.append(server.memory_info().rss)
        measured_from = len(began)
        worked = sum(server.cpu_times()[:2])
        for epoch in range(measured_from, measured_from + int(rate * seconds)):
            began.append(store_epoch(database, queue, claim, epoch))
            pace(began[2], epoch - 1, rate)
        worked = sum(server.cpu_times()[:2]) - worked
        memory.append(server.memory_info().rss)
        assert lifecycle.end(database, claim, Progress(), Ending("succeeded", "completed"))
        queue.notify_watchers(claim.id)
        arrivals = ours.recv()
        process.join()
        memory.append(server.memory_info().rss)

    starts = np.array(began)
    late, frames = [], 0
    for seen, frame in arrivals:
        firsts, lasts, times = frame.T
        nothing_lost = firsts[0] == seen + 1 and (firsts[1:] == lasts[:-1] + 1).all()
        assert nothing_lost
        assert lasts[-1] == len(starts) - 1
        epochs = np.arange(int(firsts[0]), len(starts))
        arrived = np.repeat(times, (lasts - firsts + 1).astype(int))
        late.append((arrived - starts[epochs])[epochs >= measured_from] * 1e3)
        frames += int((lasts >= measured_from).sum())
    first, opened, last, left = (size / 2**20 for size in memory)
    return Story(
        frames / count / seconds,
        np.stack(late),
        worked / frames * 1e6,
        (first, opened, last, left),
    )


def pace(since: float, epochs: int, rate: float) -> None:
    """Wait until `epochs` epochs are due at the rate."""
    time.sleep(max(0.0, since + epochs / rate - time.perf_counter()))


def main() -> None:
    """Print the table."""
    parser = options(__doc__)
    parser.add_argument("--watchers", type=int, default=1000)
    parser.add_argument("--seconds", type=float, default=10.0)
    chosen = parser.parse_args()
    many, seconds = (100, 3.0) if chosen.quick else (chosen.watchers, chosen.seconds)
    structlog.configure(processors=[], logger_factory=structlog.ReturnLoggerFactory())
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
    rows = []
    for name, program, count, rate in (
        ("normal", API, 1, 5.0),
        ("normal", API, many, 5.0),
        ("normal", API, many, 50.0),
        ("lifted", LIFTED, 1, 50.0),
        ("lifted", LIFTED, many, 50.0),
    ):
        story = measure(program, count, rate, seconds)
        rows.append(
            [
                name,
                f"{count:,}",
                f"{rate:g}",
                f"{story.frames:.1f}",
                f"{story.frames * count:,.0f}",
                *(f"{figure:.1f}" for figure in np.percentile(story.late, [50, 99])),
                f"{np.median(story.late.max(axis=0)):.1f}",
                f"{story.processor:.1f}",
                *(f"{size:.1f}" for size in story.memory),
            ]
        )
    print_table(
        "Watchers of one job; every epoch reached every watcher, in order",
        (
            "frames' pace",
            "watchers",
            "epochs/s",
            "frames/s",
            "delivered/s",
            "p50, ms",
            "p99, ms",
            "last, ms",
            "µs/frame",
            "MB alone",
            "at first",
            "at last",
            "alone",
        ),
        rows,
    )


if __name__ == "__main__":
    main()
