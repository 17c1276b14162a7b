"""The metrics as Prometheus reads them, of the API and of the whole service; request lines."""

from __future__ import annotations

import logging
from asyncio import CancelledError
from collections.abc import Iterator
from time import perf_counter
from typing import Any

from prometheus_client import CONTENT_TYPE_LATEST, CollectorRegistry, generate_latest
from prometheus_client.core import (
    CounterMetricFamily,
    GaugeMetricFamily,
    HistogramMetricFamily,
    Metric,
)
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from ..errors import Unavailable
from ..jobs import figures
from ..jobs.figures import ServiceFigures
from ..jobs.lifecycle import TRANSITIONS
from ..methods.context import Context
from ..metrics import Metrics
from ..processes.logs import RequestLog
from .middleware import HttpMiddleware
from .problems import reply_to

STOPPING = Unavailable("The service is shutting down: send the request again in a moment")
MEDIA_TYPE = CONTENT_TYPE_LATEST

# A method or a path that no route has is whatever the caller made up.
METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})
OTHER = "other"
PROBES = frozenset({"/healthz", "/readyz", "/metrics"})
"""Their requests come every few seconds, and are logged from the level debug on."""

log_request = RequestLog(__name__)


def exposition(context: Context) -> bytes:
    """Return everything in the text format of Prometheus."""
    service = CollectorRegistry()
    service.register(_Service(context))
    registries = [*context.metrics.registries(), service]
    return b"".join(generate_latest(registry) for registry in registries)


class _Service:
    """Collects what is the same in every API process: the database tells it."""

    def __init__(self, context: Context) -> None:
        self._context = context

    def describe(self) -> list[Metric]:
        return []  # nothing is to be collected when it is registered

    def collect(self) -> Iterator[Metric]:
        components = {c.name: float(c.status == "ok") for c in self._health()}
        yield _gauges("component_ok", "Whether the component works.", "component", components)
        try:
            yield from _families(figures.read(self._context.database))
        except Unavailable:
            return

    def _health(self) -> Any:
        return self._context.health.check().components


def _families(service: ServiceFigures) -> Iterator[Metric]:
    jobs = {state: service.jobs.get(state, 0) for state in TRANSITIONS}
    yield _gauges("jobs", "Jobs and sweeps.", "state", jobs)
    about = "owner_class"
    yield _gauges("queue_jobs", "Queued jobs and sweeps.", about, service.queued)
    text = "Age of the oldest queued job that never started; 0 without one."
    yield _gauges("queue_oldest_seconds", text, about, service.oldest_seconds)
    yield _gauges("workers", "Processes that train jobs.", "state", service.workers)
    if service.room is not None:
        text = "Bytes that the SQLite database can still grow by."
        yield GaugeMetricFamily("epochal_database_room_bytes", text, service.room)
    for name, text in figures.COUNTERS.items():
        yield CounterMetricFamily(f"epochal_{name}", text, service.counters.get(name, 0.0))
    text = "Attempts at jobs that ended, by the state that they left the job in."
    attempts = CounterMetricFamily("epochal_attempts", text, labels=("outcome",))
    for outcome in figures.OUTCOMES:
        amount = service.counters.get(f"{figures.ATTEMPTS}.{outcome}", 0.0)
        attempts.add_metric((outcome,), amount)
    yield attempts
    for histogram in (figures.FLUSH, figures.FIRST_EPOCH):
        buckets, total = histogram.buckets(service.counters)
        yield HistogramMetricFamily(
            f"epochal_{histogram.name}", histogram.description, buckets, total
        )


def _gauges(name: str, text: str, label: str, values: Any) -> Metric:
    family = GaugeMetricFamily(f"epochal_{name}", text, labels=(label,))
    for value, number in values.items():
        family.add_metric((value,), number)
    return family


class Measured(HttpMiddleware):
    """Middleware that counts and logs every request when its reply begins."""

    def __init__(self, app: ASGIApp, metrics: Metrics) -> None:
        super().__init__(app)
        self._metrics = metrics

    async def serve(self, scope: Scope, receive: Receive, send: Send) -> None:
        begun = perf_counter()
        answered = False

        async def send_measured(message: Message) -> None:
            nonlocal answered
            if not answered:
                answered = True
                self._count(scope, message["status"], perf_counter() - begun)
            await send(message)

        try:
            await self._app(scope, receive, send_measured)
        except CancelledError:  # the service stops, and this request takes too long
            if answered:
                raise
            self._metrics.refused.labels("http", STOPPING.reason).inc()
            await reply_to(STOPPING)(scope, receive, send_measured)
        except Exception:
            if not answered:  # the reply to a defect is sent further out
                self._count(scope, 500, perf_counter() - begun)
            raise

    def _count(self, scope: Scope, status: int, seconds: float) -> None:
        method = scope["method"] if scope["method"] in METHODS else OTHER
        route = getattr(scope.get("route"), "path", OTHER)
        self._metrics.http_requests.labels(method, route, status).inc()
        self._metrics.http_latency.labels(method, route).observe(seconds)
        caller = scope.get("state", {}).get("context")
        log_request(
            "http_request",
            logging.DEBUG if route in PROBES else logging.INFO,
            method=method,
            path=scope["path"],
            status=status,
            seconds=round(seconds, 4),
            client=(scope.get("client") or [None])[0],
            key=getattr(caller, "key_id", None),
        )
