"""One client attacks the service; the table shows what the others notice.

A real `epochald up` with three workers runs on SQLite, or PostgreSQL by option. An observer in a
separate process, with the key of another owner, asks for `/healthz` every 10 ms, follows a long
job, and trains one small job after another. Columns: the 99th percentile of `/healthz`; the longest
silence of the long job, which stores epochs every 0.2 s; the longest time from the request for a
small job to its first epoch; the most memory of the API with its second process. `!` marks a missed
target.

Attackers and observer share the processors with the service.
"""

from __future__ import annotations

import asyncio
import http.client
import json
import multiprocessing
import re
import socket
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, closing, contextmanager, suppress
from itertools import cycle
from multiprocessing.connection import Connection
from multiprocessing.synchronize import Event
from threading import Thread
from typing import Any, NamedTuple

import numpy as np
import psutil
from benchmarks._ground import XOR, postgres_url, running
from benchmarks._report import options, print_table
from tests.servers.postgres import free_port
from tests.servers.stack import environment

from epochal_course.explorers.table import EXPLORERS, path_of
from epochal_service.access import keys
from epochal_service.store import Database
from epochal_service.store.migrate import upgrade

HEALTHZ_MS, SILENCE, FIRST_EPOCH, MEMORY_MB = 50.0, 1.0, 2.0, 1024.0
"""The targets."""

JSON = "application/json"
BODY_BYTES = 16 * 2**20
DIGITS: dict[str, Any] = {
    "network": {
        "input_shape": [64],
        "layers": [
            {"type": "dense", "units": 32, "activation": "relu"},
            {"type": "dense", "units": 10, "activation": "softmax"},
        ],
    },
    "dataset": {"name": "digits"},
    "loss": "cross_entropy",
}


class Client(NamedTuple):
    """The address of the service, and a key."""

    port: int
    key: str

    def request(
        self,
        method: str,
        path: str,
        body: bytes | None = None,
        media_type: str = "application/json",
    ) -> tuple[int, bytes]:
        """Return status and content of a reply."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=120)
        try:
            connection.request(method, path, body, self.headers | {"Content-Type": media_type})
            reply = connection.getresponse()
            return reply.status, reply.read()
        finally:
            connection.close()

    def post(self, path: str, body: object) -> Any:
        """Return the document of a reply that is not an error."""
        status, content = self.request("POST", path, json.dumps(body).encode())
        if status >= http.HTTPStatus.BAD_REQUEST:
            raise RuntimeError(f"{path}: {content.decode()}")
        return json.loads(content)

    @property
    def headers(self) -> dict[str, str]:
        return {"Authorization": f"Bearer {self.key}"}

    def get(self, path: str) -> bytes:
        """Return a GET request as bytes."""
        lines = [f"GET {path} HTTP/1.1", "Host: localhost", f"Authorization: Bearer {self.key}"]
        return "\r\n".join([*lines, "", ""]).encode()

    def connect(self) -> socket.socket:
        """Return a new connection."""
        return socket.create_connection(("127.0.0.1", self.port), timeout=60)

    def frames(self, job_id: str) -> Iterator[str]:
        """Yield the types of the events of a job as they arrive."""
        with self.connect() as connection:
            connection.sendall(self.get(f"/v1/jobs/{job_id}/events"))
            for line in connection.makefile("rb"):
                if event := re.fullmatch(rb"event: (\w+)\r?\n", line):
                    yield event[1].decode()


# ---- the observer


class Seen(NamedTuple):
    """The measurements of the observer."""

    healthz: list[float]
    """Seconds of each request."""
    silence: float
    """The longest time between two frames of the long job."""
    first_epochs: list[float]
    """Seconds from the request for each small job to its first epoch."""


def observe(client: Client, long_job: str, parent: Connection) -> None:
    """Measure until the parent asks for the result, again and again."""
    healthz: list[float] = []
    frames: list[float] = []
    first_epochs: list[float] = []
    waiting_since = 0.0

    def ping() -> None:
        with client.connect() as connection:
            while True:
                began = time.perf_counter()
                connection.sendall(client.get("/healthz"))
                connection.recv(2**16)
                healthz.append(time.perf_counter() - began)
                time.sleep(0.01)

    def follow() -> None:
        frames.extend(time.perf_counter() for _ in client.frames(long_job))

    def train() -> None:
        nonlocal waiting_since
        while True:
            waiting_since = time.perf_counter()
            job = client.post("/v1/jobs", {**XOR, "epochs": 5})["id"]
            next(event for event in client.frames(job) if event in ("epochs", "end"))
            first_epochs.append(time.perf_counter() - waiting_since)
            time.sleep(0.3)

    for task in (ping, follow, train):
        Thread(target=task, daemon=True).start()
    while parent.recv():
        now = time.perf_counter()
        seen, first = list(frames), list(first_epochs)
        if not first:
            first = [now - waiting_since]
        gaps = np.diff([*seen, now]) if seen else np.array([np.inf])
        parent.send(Seen(list(healthz), float(gaps.max()), first))
        del healthz[:], frames[:-1], first_epochs[:]


# ---- the attacks


def filled(head: str, item: str, tail: str) -> bytes:
    """Return a body at the limit with the largest possible number of items."""
    count = (BODY_BYTES - len(head) - len(tail)) // (len(item) + 1)
    return (head + ",".join([item] * count) + tail).encode()


class Turn(NamedTuple):
    """The time of an attack."""

    begun: Event
    ended: Event

    def last(self) -> None:
        """Let the measurement begin, and return at its end."""
        self.begun.set()
        self.ended.wait()


def at_once(count: int, task: Callable[[], object], turn: Turn) -> None:
    """Repeat the task in `threads` threads until the turn ends."""

    def repeat() -> None:
        while not turn.ended.is_set():
            with suppress(OSError, http.client.HTTPException):
                task()

    for _ in range(count):
        Thread(target=repeat, daemon=True).start()
    turn.last()


def in_turn(client: Client, path: str, bodies: Sequence[bytes]) -> Callable[[], object]:
    """Return a task that posts one body after the other."""
    following = cycle(bodies)
    return lambda: client.request("POST", path, next(following))


def nothing(client: Client, turn: Turn) -> None:
    """No attack."""
    turn.last()


def wrong_bodies(client: Client, turn: Turn) -> None:
    """8 callers: the largest wrong bodies."""
    unknown = "{" + ",".join(f'"k{n:07d}":1' for n in range(1_250_000)) + "}"
    bodies = [
        unknown.encode(),
        filled('{"network":{"layers":[', "{}", "]}}"),
        filled('{"network":[', "[]", "]}"),
        filled('{"dataset":{"targets":[0],"inputs":[', "[0.1,0.2]", ',["a"]]}}'),
    ]
    at_once(8, in_turn(client, "/v1/jobs/validate", bodies), turn)


def large_bodies(client: Client, turn: Turn) -> None:
    """8 callers: the largest valid bodies."""
    data = {"inputs": [[row / 7] * 8 for row in range(90_000)], "targets": [0] * 90_000}
    network = {"input_shape": [8], "layers": [{"type": "dense", "units": 1}]}
    spec = {"network": network, "dataset": data, "loss": "mse", "epochs": 1}
    at_once(8, in_turn(client, "/v1/jobs/validate", [json.dumps(spec).encode()]), turn)


def bodies_below(client: Client, turn: Turn) -> None:
    """16 callers: bodies that are just not large."""
    data = {"inputs": [[row / 7] * 8 for row in range(1600)], "targets": [0] * 1600}
    network = {"input_shape": [8], "layers": [{"type": "dense", "units": 1}]}
    spec = {"network": network, "dataset": data, "loss": "mse", "epochs": 1}
    at_once(16, in_turn(client, "/v1/jobs/validate", [json.dumps(spec).encode()]), turn)


def slow_readers(client: Client, turn: Turn, count: int = 200) -> None:
    """200 connections: replies of 9 MB that nobody reads."""
    rows = 60_000
    data = {"inputs": [[row / 7] * 8 for row in range(rows)], "targets": [0] * rows}
    network = {"input_shape": [8], "layers": [{"type": "dense", "units": 1}]}
    spec = {"network": network, "dataset": data, "loss": "mse", "epochs": 1}
    job = client.post("/v1/jobs", spec)["id"]
    held: list[socket.socket] = []
    while len(held) < count:
        held.append(client.connect())
        held[-1].sendall(client.get(f"/v1/jobs/{job}"))
    turn.last()


def half_open(client: Client, turn: Turn) -> None:
    """1,000 connections: half of a head, or of a body of 16 MB."""
    head = client.get("/v1/jobs/validate").replace(b"GET", b"POST")[:-2]
    body = b"Content-Type: application/json\r\nContent-Length: 16000000\r\n\r\n"
    held = []
    for number in range(1000):
        held.append(client.connect())
        held[-1].sendall(head if number % 2 else head + body + b" " * 2**20)
    turn.last()


def tiny_jobs(client: Client, turn: Turn) -> None:
    """8 callers: jobs of one epoch, as many as the quota allows."""
    at_once(8, in_turn(client, "/v1/jobs", [json.dumps({**XOR, "epochs": 1}).encode()]), turn)


def explorers(client: Client, turn: Turn) -> None:
    """16 callers: the three dearest examples of the explorers."""
    costs = []
    for rpc, explorer in EXPLORERS.items():
        for example in explorer.examples.values():
            began = time.perf_counter()
            client.post(path_of(rpc), example)
            costs.append((time.perf_counter() - began, path_of(rpc), json.dumps(example).encode()))
    following = cycle(sorted(costs)[-3:])

    def call() -> None:
        _, path, body = next(following)
        client.request("POST", path, body)

    at_once(16, call, turn)


def predictions(client: Client, turn: Turn) -> None:
    """8 callers: predictions for a grid of 40,000 points."""
    job = client.post("/v1/jobs", {**XOR, "epochs": 5})["id"]
    for event in client.frames(job):
        if event == "end":
            break
    grid = {"x_min": 0, "x_max": 1, "y_min": 0, "y_max": 1, "resolution": 200}
    path = f"/v1/jobs/{job}/predict"
    at_once(8, in_turn(client, path, [json.dumps({"grid": grid}).encode()]), turn)


def sweeps(client: Client, turn: Turn) -> None:
    """4 callers: sweeps of 64 variants."""
    variants = [{"seed": seed} for seed in range(64)]
    body = json.dumps({"job": {**DIGITS, "epochs": 200}, "variants": variants}).encode()
    at_once(4, in_turn(client, "/v1/sweeps", [body]), turn)


def large_files(client: Client, turn: Turn) -> None:
    """2 callers: CSV files of 90 MB."""
    row = ",".join(["0.1234567"] * 100)
    names = ",".join(f"x{column}" for column in range(100))
    content = (names + "\n" + f"{row}\n" * 90_000).encode()
    at_once(2, lambda: client.request("POST", "/v1/datasets", content, "text/csv"), turn)


def streams(client: Client, turn: Turn) -> None:
    """2,000 connections: watchers of one job, as many as the quota allows."""
    job = client.post("/v1/jobs", {**DIGITS, "epochs": 100_000})["id"]

    async def watch() -> asyncio.StreamReader:
        reader, writer = await asyncio.open_connection("127.0.0.1", client.port)
        writer.write(client.get(f"/v1/jobs/{job}/events"))
        await reader.read(1)
        return reader

    async def take(reader: asyncio.StreamReader) -> None:
        while await reader.read(2**16):
            pass

    async def watch_all() -> None:
        readers: list[asyncio.StreamReader] = []
        while len(readers) < 2000:
            readers += await asyncio.gather(*(watch() for _ in range(50)))
        taking = [asyncio.create_task(take(reader)) for reader in readers]
        await asyncio.to_thread(turn.last)
        for task in taking:
            task.cancel()

    asyncio.run(watch_all())
    client.request("POST", f"/v1/jobs/{job}/cancel")


ATTACKS: tuple[Callable[[Client, Turn], None], ...] = (
    nothing,
    wrong_bodies,
    large_bodies,
    bodies_below,
    slow_readers,
    half_open,
    explorers,
    predictions,
    large_files,
    streams,
    tiny_jobs,
    sweeps,
)
QUICK = (wrong_bodies, slow_readers, explorers, tiny_jobs)


# ---- the measurement


class Figures(NamedTuple):
    """The effect of an attack on others."""

    attack: str
    healthz_ms: float
    silence: float
    first_epoch: float
    memory_mb: float

    def row(self) -> list[str]:
        """Return the cells, with a mark where the target is missed."""
        cells = [
            (f"{self.healthz_ms:.0f} ms", self.healthz_ms < HEALTHZ_MS),
            (f"{self.silence:.2f} s", self.silence < SILENCE),
            (f"{self.first_epoch:.2f} s", self.first_epoch < FIRST_EPOCH),
            (f"{self.memory_mb:.0f} MB", self.memory_mb < MEMORY_MB),
        ]
        return [self.attack, *(text if good else f"{text} !" for text, good in cells)]


@contextmanager
def service(database: str) -> Iterator[tuple[Client, Client, psutil.Process]]:
    """Yield an attacker, another client, and the API of a real service."""
    with ExitStack() as stack:
        folder = stack.enter_context(tempfile.TemporaryDirectory(prefix="epochal-adversaries-"))
        port = free_port()
        url = f"sqlite:///{folder}/epochal.db"
        if database == "postgresql":
            url = stack.enter_context(postgres_url())
        chosen = {
            "http_address": f"127.0.0.1:{port}",
            "grpc_address": f"127.0.0.1:{free_port()}",
            "data_dir": folder,
            "database_url": url,
            "require_keys": True,
            "workers": 3,
            "log_level": "error",
        }
        variables = environment(chosen) | {"TMPDIR": folder}
        command = [sys.executable, "-P", "-m", "epochal_service"]
        upgrade(url)
        with closing(Database(url)) as store:
            attacker, other = (
                keys.create(store, owner, owner=owner, scope="train", days=None)
                for owner in ("attacker", "other")
            )
        with running([*command, "up"], port, "/readyz", variables) as pid:
            children = psutil.Process(pid).children()
            (api,) = [
                child for child in children if " ".join(child.cmdline()).split()[-1:] == ["api"]
            ]
            yield Client(port, attacker), Client(port, other), api


def measure(
    attack: Callable[[Client, Turn], None],
    attacker: Client,
    observer: Connection,
    api: psutil.Process,
    seconds: float,
) -> Figures:
    """Run the attack for some seconds."""
    spawn = multiprocessing.get_context("spawn")
    turn = Turn(spawn.Event(), spawn.Event())
    process = spawn.Process(target=attack, args=(attacker, turn), daemon=True)
    process.start()
    while not turn.begun.wait(1):
        if not process.is_alive():
            raise RuntimeError(f"the attack {attack.__name__} failed")
    observer.send(True)
    observer.recv()
    memory = 0.0
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        memory = max(memory, memory_of(api))
        time.sleep(0.05)
    observer.send(True)
    seen: Seen = observer.recv()
    turn.ended.set()
    process.join(3)
    process.kill()
    healthz = float(np.quantile(seen.healthz, 0.99)) * 1e3 if seen.healthz else np.inf
    name = (attack.__doc__ or "").rstrip(".")
    return Figures(name, healthz, seen.silence, max(seen.first_epochs), memory / 1e6)


def memory_of(api: psutil.Process) -> float:
    """Return the bytes that the API and its second process have."""
    total = 0
    for process in (api, *api.children(recursive=True)):
        with suppress(psutil.NoSuchProcess):
            total += process.memory_info().rss
    return total


def run(
    attacks: Sequence[Callable[[Client, Turn], None]], seconds: float, database: str = "sqlite"
) -> list[Figures]:
    """Return the figures of each attack, on one service."""
    with service(database) as (attacker, other, api):
        job = other.post("/v1/jobs", {**DIGITS, "epochs": 1_000_000})["id"]
        spawn = multiprocessing.get_context("spawn")
        ours, theirs = spawn.Pipe()
        observer = spawn.Process(target=observe, args=(other, job, theirs), daemon=True)
        observer.start()
        try:
            figures = []
            for attack in attacks:
                figures.append(measure(attack, attacker, ours, api, seconds))
                print(*figures[-1].row(), sep="  ", file=sys.stderr, flush=True)
            return figures
        finally:
            observer.kill()


def main() -> None:
    parser = options(__doc__)
    parser.add_argument("--attack", action="append", help="the name of one attack; repeatable")
    parser.add_argument("--alone", action="store_true", help="a new service for each attack")
    parser.add_argument("--database", choices=("sqlite", "postgresql"), default="sqlite")
    arguments = parser.parse_args()
    names = arguments.attack or [
        attack.__name__ for attack in (QUICK if arguments.quick else ATTACKS)
    ]
    attacks = [attack for attack in ATTACKS if attack.__name__ in names]
    groups = [[attack] for attack in attacks] if arguments.alone else [attacks]
    seconds = 4 if arguments.quick else 10
    figures = [row for group in groups for row in run(group, seconds, arguments.database)]
    header = ["attack", "healthz p99", "silence", "first epoch", "memory"]
    targets = [
        "(target)",
        f"{HEALTHZ_MS:.0f} ms",
        f"{SILENCE:.0f} s",
        f"{FIRST_EPOCH:.0f} s",
        f"{MEMORY_MB:.0f} MB",
    ]
    title = f"What others notice of an attack, {arguments.database}"
    print_table(title, header, [targets, *(row.row() for row in figures)])


if __name__ == "__main__":
    main()
