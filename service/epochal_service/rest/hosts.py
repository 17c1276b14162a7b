"""Only who means this service may ask it: a page of another site that a browser shows may not.

    Host     a name that is not the service's own has been pointed at it from outside, so that a
             foreign page counts as one of the service's ("DNS rebinding")
    Origin   a page elsewhere may send requests that change something without reading the answer

Addresses are not names, and cannot be pointed anywhere: they are always right in `Host`. A program
other than a browser sends no `Origin`.
"""

from __future__ import annotations

import ipaddress
from http import HTTPStatus
from urllib.parse import urlsplit

import structlog
from starlette.datastructures import Headers
from starlette.types import ASGIApp, Receive, Scope, Send

from ..metrics import Metrics
from ..settings import Settings
from .middleware import HttpMiddleware
from .problems import problem

logger = structlog.get_logger(__name__)

READING = frozenset({"GET", "HEAD", "OPTIONS"})


class KnownHosts(HttpMiddleware):
    """Middleware that refuses what was meant for another host, or comes from a page of one."""

    def __init__(self, app: ASGIApp, settings: Settings, metrics: Metrics) -> None:
        super().__init__(app)
        self._settings = settings
        self._metrics = metrics

    async def serve(self, scope: Scope, receive: Receive, send: Send) -> None:
        if wrong := self._wrong(scope):
            status, reason, detail = wrong
            self._metrics.refused.labels("http", reason).inc()
            logger.info("request_refused", reason=reason, path=scope["path"])
            answer = problem(status, status.phrase, reason, detail)
            await answer(scope, receive, send)
        else:
            await self._app(scope, receive, send)

    def _wrong(self, scope: Scope) -> tuple[HTTPStatus, str, str] | None:
        """Return status, reason and detail of a refusal; None if the request is accepted."""
        headers = Headers(scope=scope)
        hosts = headers.getlist("host")
        if len(hosts) > 1:
            # Proxies and servers differ in which one counts.
            detail = "A request must have one Host header"
            return HTTPStatus.BAD_REQUEST, "invalid_argument", detail
        called = _host(f"//{hosts[0] if hosts else ''}")
        if called and not _is_address(called) and not self._settings.answers_to(called):
            return (
                HTTPStatus.FORBIDDEN,
                "host_not_allowed",
                f"This service is not called {called!r}: its operator can add the name to "
                "EPOCHAL_ALLOWED_HOSTS",
            )
        origin = headers.get("origin")
        if origin is None or scope["method"] in READING:
            return None
        if headers.get("authorization", "").lower().startswith("bearer "):
            # No browser adds a key by itself, and `AllowedOrigins` decides which pages may send it.
            return None
        allowed = self._settings.origins
        if "*" in allowed or origin.lower() in allowed:
            return None
        page = _host(origin)
        if page and (page == called or self._settings.answers_to(page)):
            return None
        return (
            HTTPStatus.FORBIDDEN,
            "origin_not_allowed",
            f"A page of {origin!r} may not change anything here: the operator can add it to "
            "EPOCHAL_ALLOWED_ORIGINS",
        )


def _host(url: str) -> str:
    """The host that the URL names, in lower case; nothing where it names none."""
    try:
        return (urlsplit(url).hostname or "").rstrip(".")
    except ValueError:
        return url


def _is_address(host: str) -> bool:
    try:
        ipaddress.ip_address(host)
    except ValueError:
        return False
    return True
