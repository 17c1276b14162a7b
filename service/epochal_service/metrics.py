"""What an API process counts for Prometheus: requests and errors of both wires, streams, wakeups.

Labels never have text of a user. `rest/metrics.py` adds what the database tells of the service.
"""

from __future__ import annotations

from importlib.metadata import version

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, Info, ProcessCollector


class Metrics:
    """The measurements of one process, in a registry of its own."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        ProcessCollector(registry=self.registry)
        about = Info("epochal", "The version of the service.", registry=self.registry)
        about.info({"version": version("epochal-server")})
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
