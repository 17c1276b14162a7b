"""Several API processes share the ports: streams survive one of them, and counts are added up."""

import os
import signal
import subprocess
import sys
import time
from contextlib import closing
from itertools import pairwise
from pathlib import Path
from threading import Thread
from typing import Any

import httpx2
import psutil
import pytest
from prometheus_client.parser import text_string_to_metric_families
from tests.chaos.follower import Follower
from tests.daemon.test_up import await_end, family
from tests.servers.postgres import free_port
from tests.servers.stack import MakeStack, Stack, await_condition, environment

import epochal
from epochal_service.store import Database

pytestmark = pytest.mark.long

WATCHERS = 24
JOB: dict[str, Any] = {
    "network": {
        "input_shape": [64],
        "layers": [
            {"type": "dense", "units": 32, "activation": "relu"},
            {"type": "dense", "units": 10, "activation": "softmax"},
        ],
    },
    "dataset": {"name": "digits"},
    "loss": "cross_entropy",
    "epochs": 100_000,
}


@pytest.fixture(scope="module")
def service(module_stack: MakeStack) -> Stack:
    return module_stack(api_processes=2, workers=1)


@pytest.fixture
def stack(service: Stack) -> Stack:
    """The service of all tests. One of them stops it; pytest-xdist may run others after that."""
    if service.process.poll() is not None:
        service.start()
    return service


def api_pids(stack: Stack) -> set[int]:
    return {child.pid for child in stack.children("api-process")}


def scrape(stack: Stack) -> dict[str, list[tuple[dict[str, str], float]]]:
    """The samples of `/metrics` by name, on a new connection; none if it breaks."""
    try:
        # Reading the certificates of the system would take most of the time.
        url = f"{stack.http}/metrics"
        text = httpx2.get(url, timeout=60, trust_env=False, verify=False).text
    except httpx2.TransportError:
        return {}
    samples: dict[str, list[tuple[dict[str, str], float]]] = {}
    for metric in text_string_to_metric_families(text):
        for sample in metric.samples:
            samples.setdefault(sample.name, []).append((sample.labels, sample.value))
    return samples


def value(stack: Stack, name: str) -> float:
    return sum(number for _, number in scrape(stack).get(name, ()))


def both_serve(stack: Stack) -> set[int]:
    """Return the process ids of the API when both accept requests, and no others are counted."""
    pids: set[int] = set()

    def serve() -> bool:
        samples, now = scrape(stack), api_pids(stack)
        memory = samples.get("process_resident_memory_bytes", ())
        counted = {int(labels["pid"]) for labels, _ in memory}
        pids.clear()
        pids.update(now)
        return len(now) == 2 and counted == now and value(stack, "epochal_api_up") == 2

    await_condition(serve, 60, "two API processes")
    return pids


def connections(pid: int, address: str) -> int:
    """Return how many connections to the address a process has."""
    port = int(address.rpartition(":")[2])
    return sum(
        connection.status == psutil.CONN_ESTABLISHED and connection.laddr.port == port
        for connection in psutil.Process(pid).net_connections("tcp")
    )


def test_streams_survive_a_process_that_is_killed(stack: Stack) -> None:
    pids = both_serve(stack)
    job_id = httpx2.post(f"{stack.http}/v1/jobs", json=JOB, timeout=60).json()["id"]
    followers = [Follower(stack.http, job_id) for _ in range(WATCHERS)]
    over_grpc = [Watcher(stack.grpc, job_id) for _ in range(WATCHERS)]
    open_streams = ("epochal_http_open_streams", "epochal_grpc_open_streams")

    def all_watch() -> bool:
        return all(value(stack, name) == WATCHERS for name in open_streams)

    await_condition(all_watch, 60, "all streams")
    assert all(connections(pid, stack.http) for pid in pids)
    # All streams of gRPC share one connection.
    (killed,) = [pid for pid in pids if connections(pid, stack.grpc)]

    os.kill(killed, signal.SIGKILL)
    await_condition(lambda: api_pids(stack).isdisjoint({killed}), 60, "its end")
    await_condition(all_watch, 60, "all streams again")
    assert len(both_serve(stack) & pids) == 1
    seen = max(follower.events[-1].id for follower in followers)
    await_condition(
        lambda: all(follower.events[-1].id > seen for follower in followers), 60, "more events"
    )
    httpx2.post(f"{stack.http}/v1/jobs/{job_id}/cancel", timeout=60)
    for follower in followers:
        follower.join(60)
    for watcher in over_grpc:
        watcher.join(60)
    assert 0 < sum(follower.breaks > 0 for follower in followers) < WATCHERS
    with closing(Database(stack.database_url)) as database:
        for follower in followers:
            follower.check(database)
    for watcher in over_grpc:
        assert watcher.ranges[0][0] == 1
        assert all(begun == last + 1 for (_, last), (begun, _) in pairwise(watcher.ranges))
        assert watcher.ended


class Watcher:
    """Follows a job with the SDK over gRPC, which connects again by itself."""

    def __init__(self, address: str, job_id: str) -> None:
        self.ranges: list[tuple[int, int]] = []
        self.ended = False
        self._thread = Thread(target=self._watch, args=(address, job_id), daemon=True)
        self._thread.start()

    def join(self, seconds: float) -> None:
        self._thread.join(seconds)
        assert not self._thread.is_alive()

    def _watch(self, address: str, job_id: str) -> None:
        with epochal.Client(f"grpc://{address}") as client:
            for event in client.jobs.get(job_id).watch(after=0):
                if isinstance(event, epochal.EpochsEvent):
                    self.ranges.append((event.first_epoch, event.last_epoch))
                self.ended = event.type == "end"


def test_counts_of_all_processes_are_added_up(stack: Stack) -> None:
    pids = both_serve(stack)
    requests_sent = 40
    for _ in range(requests_sent):
        httpx2.get(f"{stack.http}/v1/version", timeout=60, trust_env=False)
    large = {**JOB, "dataset": {"inputs": [[0.5] * 64] * 2000, "targets": [0, 9] * 1000}}
    answer = httpx2.post(f"{stack.http}/v1/jobs/validate", json=large, timeout=60)
    assert answer.status_code == 200  # from the second process of one of them
    samples = scrape(stack)
    requests = samples["epochal_http_requests_total"]
    assert [n for labels, n in requests if labels["route"] == "/v1/version"] == [requests_sent]
    memory = samples["process_resident_memory_bytes"]
    assert {int(labels["pid"]) for labels, _ in memory} == pids
    assert all(number > 10e6 for _, number in memory)
    # A process that dies takes its open streams and its memory with it, not its counts.
    os.kill(min(pids), signal.SIGKILL)
    await_condition(lambda: api_pids(stack).isdisjoint({min(pids)}), 60, "its end")
    again = both_serve(stack)
    samples = scrape(stack)
    requests = samples["epochal_http_requests_total"]
    assert [n for labels, n in requests if labels["route"] == "/v1/version"] == [requests_sent]
    memory = samples["process_resident_memory_bytes"]
    assert {int(labels["pid"]) for labels, _ in memory} == again


def test_a_second_service_on_the_same_ports_is_refused(stack: Stack) -> None:
    both_serve(stack)
    sentence = stack.refusal("up")
    assert "another program listens on it" in sentence
    assert stack.ready()


def test_the_api_alone_has_several_processes(tmp_path: Path, broker_url: str) -> None:
    port = free_port()
    settings = {
        "http_address": f"127.0.0.1:{port}",
        "grpc_address": f"127.0.0.1:{free_port()}",
        "data_dir": tmp_path,
        "broker_url": broker_url,
        "api_processes": 3,
    }
    command = [sys.executable, "-P", "-m", "epochal_service", "api"]
    with subprocess.Popen(command, env=environment(settings), cwd=tmp_path) as api:

        def ready() -> bool:
            try:
                url = f"http://127.0.0.1:{port}/metrics"
                answer = httpx2.get(url, timeout=60, trust_env=False, verify=False)
                return "epochal_api_up" in answer.text
            except httpx2.TransportError:
                return False

        await_condition(ready, 60, "the API")
        processes = [psutil.Process(api.pid), *psutil.Process(api.pid).children()]
        assert len(processes) == 4
        api.terminate()
        assert api.wait(60) == 0
        await_end(processes)


def test_all_processes_end_together_and_streams_end_cleanly(stack: Stack) -> None:
    both_serve(stack)
    job_id = httpx2.post(f"{stack.http}/v1/jobs", json=JOB, timeout=60).json()["id"]
    followers = [Follower(stack.http, job_id) for _ in range(WATCHERS)]
    await_condition(
        lambda: value(stack, "epochal_http_open_streams") == WATCHERS, 60, "all streams"
    )
    for follower in followers:
        follower.stop()
    processes = family(stack)
    began = time.monotonic()
    assert stack.stop() == 0
    assert time.monotonic() - began < 30
    for follower in followers:
        follower.join(60)
        assert follower.breaks == 0
    await_end(processes)


def test_the_empty_file_of_a_process_that_starts_is_not_read(tmp_path: Path) -> None:
    for name in ("gauge_liveall_1.db", "counter_1.db"):
        (tmp_path / name).touch()
    program = (
        "from prometheus_client import generate_latest\n"
        "from epochal_service.metrics import Metrics\n"
        "print(*(generate_latest(registry) for registry in Metrics().registries()))"
    )
    done = subprocess.run(
        [sys.executable, "-P", "-c", program],
        env={**os.environ, "PROMETHEUS_MULTIPROC_DIR": str(tmp_path)},
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    assert "epochal" in done.stdout
