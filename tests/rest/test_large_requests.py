"""Large requests are answered as small ones are, and hold nobody up."""

import json
import os
import signal
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import httpx2
import psutil
import pytest
from tests.rest.conftest import XOR
from tests.rpc import serving
from tests.servers.loop_monitor import LoopMonitor, monitored_server
from tests.servers.postgres import free_port
from tests.servers.stack import await_condition

from epochal_service.large import FILE_BYTES, LARGE_BYTES
from epochal_service.processes.large_files import prefix
from epochal_service.settings import Address, Limits, Settings
from epochal_service.store.migrate import upgrade

pytestmark = pytest.mark.long

HEADERS = {"Content-Type": "application/json"}
LIMIT = Settings(_env_file=None).limits.max_body_bytes // 2
"""Half of the default takes half of the time, and shows the same."""
PAUSE = 0.05
"""Seconds for which no request may hold up the loop. Without the second process, it
stands still for 0.1 to 2 s.
"""


def filled(head: bytes, item: bytes, tail: bytes) -> bytes:
    """Return the largest body of such items within the limit."""
    count = (LIMIT - len(head) - len(tail)) // (len(item) + 1)
    return head + b",".join([item] * count) + tail


def with_rows(rows: int) -> dict[str, Any]:
    inputs = [[row / 7 for _ in range(10)] for row in range(rows)]
    network = XOR["network"] | {"input_shape": [10]}
    return XOR | {
        "network": network,
        "dataset": {"inputs": inputs, "targets": [0, 1] * (rows // 2)},
    }


INLINE = b'{"network":{"input_shape":[2],"layers":[]},"dataset":{"targets":[0],"inputs":['
BODIES: dict[str, Callable[[], bytes]] = {
    "wrong last row": lambda: filled(INLINE, b"[0.1234567,0.1]", b',["a"]]}}'),
    "one long row": lambda: filled(INLINE + b"[", b"0", b"]]}}"),
    "unknown fields": lambda: b"{" + b",".join(b'"k%07d":1' % n for n in range(625_000)) + b"}",
    "empty layers": lambda: filled(b'{"network":{"layers":[', b"{}", b"]}}"),
    "empty lists": lambda: filled(b'{"network":[', b"[]", b"]}"),
    "no JSON": lambda: filled(b"[", b"1", b"]]"),
}


@pytest.fixture(scope="module")
def server(
    tmp_path_factory: pytest.TempPathFactory, valkey_server: str
) -> Iterator[tuple[str, LoopMonitor]]:
    http = Address(f"127.0.0.1:{free_port()}")
    chosen = serving.settings(
        tmp_path_factory.mktemp("large"),
        broker_url=valkey_server,
        http_address=http,
        limits=Limits(max_body_bytes=LIMIT),
    )
    upgrade(chosen.database_url)
    with monitored_server(chosen) as monitor:
        post(f"http://{http}", "/v1/jobs/validate", large(XOR))  # the second process starts
        yield f"http://{http}", monitor


@pytest.fixture
def monitor(server: tuple[str, LoopMonitor]) -> LoopMonitor:
    _, monitor = server
    monitor.restart()
    return monitor


@pytest.fixture
def url(server: tuple[str, LoopMonitor]) -> str:
    url, _ = server
    return url


def post(url: str, path: str, body: bytes, **headers: str) -> httpx2.Response:
    return httpx2.post(f"{url}{path}", content=body, headers=HEADERS | headers, timeout=120)


def large(body: object) -> bytes:
    return json.dumps(body).encode().ljust(LARGE_BYTES + 1)


@pytest.mark.parametrize("name", BODIES)
def test_a_wrong_body_at_the_limit_does_not_hold_up_the_loop(
    url: str, monitor: LoopMonitor, name: str
) -> None:
    body = BODIES[name]()
    assert LARGE_BYTES < len(body) <= LIMIT

    def call() -> None:
        assert post(url, "/v1/jobs/validate", body).status_code == 400

    assert monitor.pause_of(call, PAUSE) < PAUSE


def test_many_large_bodies_at_once_do_not_hold_up_the_loop(url: str, monitor: LoopMonitor) -> None:
    body = BODIES["empty lists"]()

    def call() -> None:
        with ThreadPoolExecutor(4) as threads:
            replies = list(threads.map(lambda _: post(url, "/v1/jobs/validate", body), range(4)))
        assert {reply.status_code for reply in replies} == {400}

    assert monitor.pause_of(call, PAUSE) < PAUSE


def test_a_job_with_large_data_does_not_hold_up_the_loop(url: str, monitor: LoopMonitor) -> None:
    spec = with_rows(30_000)
    body = json.dumps(spec).encode()
    replies: list[httpx2.Response] = []

    def call() -> None:
        created = post(url, "/v1/jobs", body)
        path = created.headers["location"]
        fetched = httpx2.get(url + path, timeout=60)
        listed = httpx2.get(f"{url}/v1/jobs?page_size=1&view=full", timeout=60)
        cancelled = post(url, f"{path}/cancel", b"")
        curve = httpx2.get(f"{url}{path}/curve", timeout=60)
        replies[:] = created, fetched, listed, cancelled, curve

    assert monitor.pause_of(call, PAUSE) < PAUSE
    job, fetched, listed, cancelled, curve = (reply.json() for reply in replies)
    assert job["spec"]["dataset"]["inputs"] == spec["dataset"]["inputs"]
    assert fetched == job
    assert listed["jobs"] == [job]
    assert cancelled["spec"] == job["spec"]
    assert curve["epochs"] == 0


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("/v1/jobs/validate", XOR),
        ("/v1/jobs/validate", XOR | {"epochs": 0, "losses": []}),
        ("/v1/jobs/validate", XOR | {"network": {"input_shape": [3], "layers": []}}),
        ("/v1/jobs/validate", [1]),
        ("/v1/jobs/job_0000000000000_0000000000000000/predict", {"inputs": [[0, 1]]}),
        ("/v1/jobs/validate?dry_run=1", XOR),
        ("/course/v1/simulate/neuron", {"inputs": [1], "weights": [2], "bias": 0}),
        ("/v1/datasets", {"name": "moons", "generator": {"name": "no_moons"}}),
    ],
)
def test_the_reply_to_a_large_body_is_that_to_a_small_one(url: str, path: str, body: Any) -> None:
    few, many = (post(url, path, make(body)) for make in (lambda b: json.dumps(b).encode(), large))
    documents = [reply.json() | {"request_id": None, "seconds": None} for reply in (few, many)]
    assert (few.status_code, documents[0]) == (many.status_code, documents[1])
    headers = [{**reply.headers} for reply in (few, many)]
    for names in headers:
        for name in ("date", "x-request-id", "content-length"):
            names.pop(name, None)
    assert headers[0] == headers[1]


def test_a_large_body_that_is_no_json_says_where(url: str) -> None:
    reply = post(url, "/v1/jobs/validate", b'{"a": ' + b" " * LARGE_BYTES + b"}")
    assert reply.json()["detail"].startswith("The body is not valid JSON: expected value at line 1")


def test_a_large_request_keeps_its_idempotency_key_and_its_id(url: str) -> None:
    headers = {"Idempotency-Key": "k", "X-Request-Id": "r-1"}
    first, second = (post(url, "/v1/jobs", large(XOR), **headers) for _ in range(2))
    assert (first.status_code, second.status_code) == (201, 201)
    assert first.json()["id"] == second.json()["id"]
    assert first.headers["location"] == f"/v1/jobs/{first.json()['id']}"
    assert first.headers["x-request-id"] == "r-1"
    wrong = post(url, "/v1/jobs", large({}), **headers)
    assert wrong.json()["request_id"] == "r-1"


def test_files_of_a_process_that_was_killed_are_deleted_at_the_next_start(
    tmp_path: Path, broker_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / "files"
    folder.mkdir()
    monkeypatch.setenv("TMPDIR", str(folder))
    program = "import os, tempfile; from epochal_service.processes.large_files import prefix; "
    program += "tempfile.NamedTemporaryFile(prefix=prefix(os.getpid()), delete=False)"
    subprocess.run([sys.executable, "-c", program], check=True)
    (abandoned,) = folder.iterdir()
    used = folder / f"{prefix(os.getpid())}used"
    others = [folder / f"epochal-large-{name}" for name in ("notes", f"{10**20}-x")]
    for file in (used, *others):
        file.touch()
    address = Address(f"127.0.0.1:{free_port()}")
    chosen = serving.settings(tmp_path, broker_url=broker_url, http_address=address)
    upgrade(chosen.database_url)
    with monitored_server(chosen):
        assert used.exists()
        assert not abandoned.exists()
        assert post(f"http://{address}", "/v1/jobs/validate", large(XOR)).status_code == 200
        assert set(folder.glob("epochal-large-*")) == {used, *others}


def second_processes() -> list[psutil.Process]:
    """That for bodies, and that for files once there was one."""
    return [
        child
        for server in psutil.Process().children()
        for child in server.children()
        if any("spawn_main" in word for word in child.cmdline())
    ]


def table(rows: int) -> bytes:
    return b"a,b,c,y\n" + b"".join(b"%d,%d.5,0.1234567,%d\n" % (n, n, n % 3) for n in range(rows))


def post_file(url: str, content: bytes) -> httpx2.Response:
    headers = {"Content-Type": "text/csv"}
    return httpx2.post(f"{url}/v1/datasets", content=content, headers=headers, timeout=120)


def test_a_large_file_is_read_by_the_second_process(url: str, monitor: LoopMonitor) -> None:
    content = table(60_000)
    assert len(content) > FILE_BYTES

    def call() -> None:
        as_body = post_file(url, content)
        as_form = httpx2.post(f"{url}/v1/datasets", files={"file": ("t.csv", content)}, timeout=120)
        upload = post(url, "/v1/uploads", json.dumps({"size_bytes": len(content)}).encode()).json()
        httpx2.post(
            f"{url}/v1/uploads/{upload['id']}/append?offset=0",
            content=content,
            headers={"Content-Type": "application/octet-stream"},
            timeout=120,
        )
        named = {"name": "t", "upload": upload["id"]}
        as_upload = post(url, "/v1/datasets", json.dumps(named).encode())
        for reply in (as_body, as_form, as_upload):
            assert reply.status_code == 201, reply.text
            assert reply.json()["samples"] == 60_000

    call()
    for_bodies, for_files = second_processes()
    before = [process.cpu_times().user for process in (for_bodies, for_files)]
    assert monitor.pause_of(call, PAUSE) < PAUSE
    assert for_files.cpu_times().user - before[1] > 0.1
    assert for_bodies.cpu_times().user == before[0]  # others do not wait for a file


def test_what_nobody_waits_for_is_not_answered(url: str) -> None:
    body = BODIES["empty lists"]()
    head = f"POST /v1/jobs/validate HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: {len(body)}\r\n"
    address = urlsplit(url)

    def seconds_of(call: Callable[[], object]) -> float:
        before = second_processes()[0].cpu_times().user
        call()
        return second_processes()[0].cpu_times().user - before

    def serve_others() -> None:
        with httpx2.Client(base_url=url, timeout=60) as others:
            for _ in range(100):  # each lets the loop read a part of what has arrived
                assert others.get("/healthz").is_success

    def leave_six_times() -> None:
        process = second_processes()[0]
        process.suspend()  # a quick one would answer all six before they leave
        try:
            with ExitStack() as opened:
                for _ in range(6):
                    connection = socket.create_connection((address.hostname, address.port))
                    opened.enter_context(connection)
                    connection.sendall(
                        f"{head}Content-Type: application/json\r\n\r\n".encode() + body
                    )
                serve_others()  # all six are read meanwhile
            serve_others()  # and it is seen that they left
        finally:
            process.resume()
        assert post(url, "/v1/jobs/validate", body).status_code == 400

    single = max(seconds_of(lambda: post(url, "/v1/jobs/validate", body)) for _ in range(3))
    assert seconds_of(leave_six_times) < 4 * single


def test_what_a_generator_draws_at_its_limits_is_drawn_elsewhere(url: str) -> None:
    post(url, "/v1/jobs/validate", large(XOR))  # the second process runs

    def seconds_elsewhere(samples: int) -> float:
        before = sum(second_processes()[0].cpu_times()[:2])
        query = f"samples={samples}&length=100&rows=5"
        reply = httpx2.get(f"{url}/v1/datasets/topics/preview?{query}", timeout=60)
        assert len(reply.json()["inputs"]) == 5
        return sum(second_processes()[0].cpu_times()[:2]) - before

    assert seconds_elsewhere(5_000) == 0
    # The system counts ticks of 10 ms, and not each one on a busy machine.
    assert seconds_elsewhere(100_000) > 0.03


def test_a_second_process_that_was_killed_is_started_again(url: str) -> None:
    post(url, "/v1/jobs/validate", large(XOR))  # it runs
    killed, *others = second_processes()
    os.kill(killed.pid, signal.SIGKILL)
    await_condition(lambda: not killed.is_running(), 60, "it is gone")
    assert post(url, "/v1/jobs/validate", large(XOR)).status_code == 200
    assert len(second_processes()) == 1 + len(others)
