"""One thousand watchers of one job: what they receive, how late, and the cost for the server.

A real API process streams the log of a job that this script writes as a worker does, one epoch per
transaction. The watchers join while the job stores five epochs a second; it has 10,000 already, so
that the first event of a stream has a long curve. One asyncio process holds all connections. The
latency of an epoch is the time from the start of its transaction until its bytes arrive at a
watcher. Every watcher must receive all epochs after its snapshot without a gap. `last` is the
latency of the last of all watchers, for the median epoch.

A stream sends at most ten frames a second (`follow.FRAME_SECONDS`), so faster epochs wait to be
sent together. `lifted` is the same program without that pause, which measures delivery alone.
`2 processes` are two API processes, with the pause. `bare asyncio` and `bare FastAPI` send events
of the same size and do nothing else, see `_stream_peers.py`: their latency begins when the epoch is
published. `!` marks what misses its target.
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
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, closing, contextmanager
from multiprocessing.connection import Connection
from pathlib import Path
from typing import NamedTuple, cast

import numpy as np
import psutil
import redis
import structlog
import uvloop
from benchmarks._ground import API, api, fresh_settings, running, take_up
from benchmarks._report import options, print_table
from benchmarks._stream_peers import CHANNEL, END
from numpy.typing import NDArray
from tests.servers.postgres import free_port

from epochal_engine import Block
from epochal_service import broker
from epochal_service.curves.epochs import entry_of
from epochal_service.jobs import lifecycle
from epochal_service.jobs.lifecycle import Ending, Progress
from epochal_service.jobs.queue import Queue
from epochal_service.store import Database

LIFTED = (
    "-c",
    "from epochal_service.streams import follow; follow.FRAME_SECONDS = 0.0; "
    "from epochal_service.__main__ import app; app(['api'])",
)
AT_ONCE = 50  # connections that are being opened
EARLIER = 10_000  # epochs that are stored before
JOIN_PAUSE = 0.2  # seconds between epochs while watchers join
JOIN_SECONDS, LATE_MS = 1.0, 35.0
"""The targets."""


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
    at_once = asyncio.Semaphore(AT_ONCE)

    async def join() -> Watcher:
        async with at_once:
            _, watcher = await loop.create_connection(lambda: Watcher(job_id), "127.0.0.1", port)
            await watcher.opened
        return watcher

    began = time.perf_counter()
    watchers = await asyncio.gather(*(join() for _ in range(count)))
    parent.send(time.perf_counter() - began)
    await asyncio.gather(*(watcher.closed for watcher in watchers))
    parent.send([(watcher.snapshot_epoch, np.array(watcher.arrivals)) for watcher in watchers])


def client(port: int, job_id: str, count: int, parent: Connection) -> None:
    """Run the process that holds the connections."""
    gc.disable()  # it makes no cycles, and its pause would look like a pause of the server
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(watch(port, job_id, count, parent))


class Publisher(NamedTuple):
    """A server, and the function that makes it send an epoch."""

    port: int
    pid: int
    job_id: str
    store: Callable[[int], object]
    end: Callable[[], object]


@contextmanager
def epochal(program: Sequence[str], epochs: int, processes: int = 1) -> Iterator[Publisher]:
    """Yield an API with a running job that has some epochs."""
    with fresh_settings() as settings, broker.embedded() as url, ExitStack() as stack:
        port, pid = stack.enter_context(api(settings, url, program, processes))
        database, queue = Database(settings.database_url), Queue(url)
        stack.callback(queue.close)
        stack.callback(database.close)
        claim = take_up(database, epochs)

        def store(epoch: int) -> None:
            # As a worker does at every flush.
            first = 1 if epoch == EARLIER else epoch
            values = 1.0 / np.arange(first, epoch + 1)
            columns = dict.fromkeys(("train_loss", "learning_rate", "gradient_norm"), values)
            entry = entry_of(Block(first, columns, None), values)
            assert entry is not None
            lifecycle.flush(database, claim, Progress([entry], epoch))
            queue.notify_watchers(claim.id)

        def end() -> None:
            assert lifecycle.end(database, claim, Progress(), Ending("succeeded", "completed"))
            queue.notify_watchers(claim.id)

        yield Publisher(port, pid, claim.id, store, end)


@contextmanager
def peer(name: str) -> Iterator[Publisher]:
    """Yield a bare server."""
    with broker.embedded() as url, closing(redis.Redis.from_url(url)) as sender:
        port = free_port()
        command = [sys.executable, str(Path(__file__).with_name("_stream_peers.py"))]
        with running([*command, name, str(port), url], port, "/healthz") as pid:
            yield Publisher(
                port,
                pid,
                "job",
                lambda epoch: sender.publish(CHANNEL, epoch),
                lambda: sender.publish(CHANNEL, END),
            )


class Story(NamedTuple):
    """The measurements of one job."""

    joined: float
    """Seconds until all watchers had their snapshot."""
    frames: float
    """Frames a second that reached each watcher."""
    late: NDArray[np.float64]
    """Milliseconds, `(watchers, epochs)`."""
    processor: float
    """Microseconds of the API for each frame that reached a watcher."""
    memory: tuple[float, float, float, float]
    """Megabytes of the API: alone, with all watchers at first, at last, and without them again."""


def measure(publisher: Publisher, count: int, rate: float, seconds: float) -> Story:
    """Measure `count` watchers of a job that stores `rate` epochs a second."""
    parent = psutil.Process(publisher.pid)
    servers = [parent, *parent.children()]
    began = [0.0] * EARLIER  # by epoch

    def store() -> None:
        began.append(time.perf_counter())
        publisher.store(len(began) - 1)

    def store_for(seconds: float) -> None:
        first, since = len(began), time.perf_counter()
        while len(began) < first + int(rate * seconds):
            store()
            time.sleep(max(0.0, since + (len(began) - first) / rate - time.perf_counter()))

    store()
    memory = [resident_bytes(servers)]
    spawn = multiprocessing.get_context("spawn")
    ours, theirs = spawn.Pipe()
    process = spawn.Process(target=client, args=(publisher.port, publisher.job_id, count, theirs))
    process.start()
    theirs.close()
    while not ours.poll(JOIN_PAUSE):
        store()
    joined = ours.recv()
    store_for(1.0)  # for warming up
    memory.append(resident_bytes(servers))
    measured_from = len(began)
    worked = processor_seconds(servers)
    store_for(seconds)
    worked = processor_seconds(servers) - worked
    memory.append(resident_bytes(servers))
    publisher.end()
    arrivals = ours.recv()
    process.join()
    memory.append(resident_bytes(servers))

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
        joined,
        frames / count / seconds,
        np.stack(late),
        worked / frames * 1e6,
        (first, opened, last, left),
    )


def processor_seconds(servers: Sequence[psutil.Process]) -> float:
    """Return the processor time of all processes so far."""
    return sum(sum(server.cpu_times()[:2]) for server in servers)


def resident_bytes(servers: Sequence[psutil.Process]) -> int:
    """Return the memory of all processes."""
    return sum(server.memory_info().rss for server in servers)


def marked(text: str, good: bool) -> str:
    """Return the text of a figure that has a target."""
    return text if good else f"{text} !"


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
    most_epochs = EARLIER + int(50 * (seconds + 60))
    rows = [["(target)", "", "", f"{JOIN_SECONDS:g}", "50", "", "", f"{LATE_MS:g}"] + [""] * 6]
    for name, server, count, rate in (
        ("normal", epochal(API, most_epochs), 1, 5.0),
        ("normal", epochal(API, most_epochs), many, 5.0),
        ("normal", epochal(API, most_epochs), many, 50.0),
        ("lifted", epochal(LIFTED, most_epochs), 1, 50.0),
        ("lifted", epochal(LIFTED, most_epochs), many, 50.0),
        ("2 processes", epochal(API, most_epochs, 2), many, 5.0),
        ("bare asyncio", peer("asyncio"), many, 50.0),
        ("bare FastAPI", peer("fastapi"), many, 50.0),
    ):
        with server as publisher:
            story = measure(publisher, count, rate, seconds)
        p50, p99 = np.percentile(story.late, [50, 99])
        lifted = name == "lifted"
        rows.append(
            [
                name,
                f"{count:,}",
                f"{rate:g}",
                marked(f"{story.joined:.2f}", story.joined <= JOIN_SECONDS),
                marked(f"{story.frames:.1f}", not lifted or story.frames > 0.99 * rate),
                f"{story.frames * count:,.0f}",
                f"{p50:.1f}",
                marked(f"{p99:.1f}", not lifted or p99 <= LATE_MS),
                f"{np.median(story.late.max(axis=0)):.1f}",
                f"{story.processor:.1f}",
                *(f"{size:.1f}" for size in story.memory),
            ]
        )
    print_table(
        "Watchers of one job; every epoch reached every watcher, in order",
        (
            "server",
            "watchers",
            "epochs/s",
            "join, s",
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
