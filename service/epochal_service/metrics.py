"""Metrics of API processes for Prometheus: requests and errors of both wires, streams, wakeups.

    one process       values in memory
    several           values in files of a folder, one a process and kind; any process adds them up

Labels never have text of a user. `rest/metrics.py` adds what the database tells of the service.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import suppress
from functools import partial
from importlib.metadata import version
from pathlib import Path

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, Info, ProcessCollector
from prometheus_client.core import Metric
from prometheus_client.multiprocess import MultiProcessCollector

FOLDER = "PROMETHEUS_MULTIPROC_DIR"
"""The variable with the folder; `supervisor.py` sets it."""


class Metrics:
    """The measurements of one process, in separate registries."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        self._about = CollectorRegistry()
        about = Info("epochal", "The version of the service.", registry=self._about)
        about.info({"version": version("epochal-server")})
        self.up = Gauge(
            "epochal_api_up",
            "1 in a process that serves requests.",
            multiprocess_mode="liveall",
            registry=self.registry,
        )
        self.http_requests = Counter(
            "epochal_http_requests",
            "Answered HTTP requests.",
            ("method", "route", "status"),
            registry=self.registry,
        )
        self.http_latency = Histogram(
            "epochal_http_request_seconds",
            "Seconds from an HTTP request to the first byte of its reply.",
            ("method", "route"),
            registry=self.registry,
        )
        self.http_streams = Gauge(
            "epochal_http_open_streams",
            "Event streams over HTTP that are open now.",
            multiprocess_mode="livesum",
            registry=self.registry,
        )
        self.grpc_requests = Counter(
            "epochal_grpc_requests",
            "Answered gRPC calls. A stream counts when it ends.",
            ("method", "code"),
            registry=self.registry,
        )
        self.grpc_latency = Histogram(
            "epochal_grpc_request_seconds",
            "Seconds from a gRPC call to its reply, without streams.",
            ("method",),
            registry=self.registry,
        )
        self.grpc_streams = Gauge(
            "epochal_grpc_open_streams",
            "Streams over gRPC that are open now.",
            multiprocess_mode="livesum",
            registry=self.registry,
        )
        self.refused = Counter(
            "epochal_refused_requests",
            "Requests that ended with an error, by its reason.",
            ("wire", "reason"),
            registry=self.registry,
        )
        self.deliveries = Counter(
            "epochal_webhook_deliveries",
            "Attempts to deliver webhooks, by what became of the delivery.",
            ("outcome",),
            registry=self.registry,
        )
        self.wakeups_lost = Counter(
            "epochal_api_wakeups_lost",
            "Messages of this API process that the broker did not take.",
            registry=self.registry,
        )

    def registries(self) -> list[CollectorRegistry]:
        """Return what Prometheus reads, of all API processes that share a port."""
        folder = os.environ.get(FOLDER)
        processes = CollectorRegistry()
        if folder is None:
            ProcessCollector(registry=processes)
            return [self.registry, self._about, processes]
        counted = CollectorRegistry()
        counted.register(_Counted(Path(folder)))
        processes.register(_Processes(Path(folder)))
        return [counted, self._about, processes]


def _merged(folder: Path, pattern: str) -> Iterator[Metric]:
    """Return the metrics in files of the API processes. A process that starts has an empty file
    until it has set its size.
    """
    files = []
    for file in folder.glob(pattern):
        with suppress(FileNotFoundError):  # of a process that has ended
            if file.stat().st_size:
                files.append(str(file))
    return iter(MultiProcessCollector.merge(files))  # type: ignore[no-untyped-call]


class _Counted:
    """Collects what all API processes have counted."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def describe(self) -> list[Metric]:
        return []  # nothing is to be collected when it is registered

    def collect(self) -> Iterator[Metric]:
        return _merged(self._folder, "*.db")


class _Processes:
    """Collects memory, processor time and open files of each API process, by its id."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def describe(self) -> list[Metric]:
        return []  # nothing is to be collected when it is registered

    def collect(self) -> Iterator[Metric]:
        families: dict[str, Metric] = {}
        for pid in self._serving():
            for metric in ProcessCollector(pid=partial(str, pid), registry=None).collect():
                family = families.setdefault(
                    metric.name, Metric(metric.name, metric.documentation, metric.type)
                )
                for sample in metric.samples:
                    family.add_sample(sample.name, {"pid": pid}, sample.value)
        yield from families.values()

    def _serving(self) -> Iterator[str]:
        for metric in _merged(self._folder, "gauge_liveall_*.db"):
            yield from (sample.labels["pid"] for sample in metric.samples if sample.value)
