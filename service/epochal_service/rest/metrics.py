"""What Prometheus may know: how many requests, how fast, how many streams. Never a user's text."""

from __future__ import annotations

from contextlib import AbstractContextManager
from time import perf_counter
from typing import ClassVar

from prometheus_client import (
    CONTENT_TYPE_LATEST,
    CollectorRegistry,
    Counter,
    Gauge,
    Histogram,
    ProcessCollector,
    generate_latest,
)
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from .middleware import HttpMiddleware

# A method or a path that no route has is whatever the caller made up.
METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})
OTHER = "other"


class Metrics:
    """The measurements of one app, in a registry of its own."""

    MEDIA_TYPE: ClassVar[str] = CONTENT_TYPE_LATEST

    def __init__(self) -> None:
        self._registry = CollectorRegistry()
        ProcessCollector(registry=self._registry)
        self._requests = Counter(
            "epochal_http_requests",
            "Answered requests.",
            ("method", "route", "status"),
            registry=self._registry,
        )
        self._latency = Histogram(
            "epochal_http_request_seconds",
            "Seconds from a request to the first byte of its answer.",
            ("method", "route"),
            registry=self._registry,
        )
        self._streams = Gauge(
            "epochal_http_open_streams",
            "Event streams that are open now.",
            registry=self._registry,
        )

    def answered(self, scope: Scope, status: int, seconds: float) -> None:
        """Counts a request whose answer has begun."""
        method = scope["method"] if scope["method"] in METHODS else OTHER
        route = getattr(scope.get("route"), "path", OTHER)
        self._requests.labels(method, route, status).inc()
        self._latency.labels(method, route).observe(seconds)

    def open_stream(self) -> AbstractContextManager[None]:
        """Counts a stream as open for as long as the block lasts."""
        return self._streams.track_inprogress()

    def exposition(self) -> bytes:
        """Everything, in the text format of Prometheus."""
        return generate_latest(self._registry)


class Measured(HttpMiddleware):
    """Middleware that tells `metrics` of every request when its answer begins."""

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
                self._metrics.answered(scope, message["status"], perf_counter() - begun)
            await send(message)

        try:
            await self._app(scope, receive, send_measured)
        except Exception:
            if not answered:  # the answer to a defect is given further out
                self._metrics.answered(scope, 500, perf_counter() - begun)
            raise
