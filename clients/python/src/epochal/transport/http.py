"""HTTP: a method is a verb and a path; its other fields are the query or a JSON body."""

from __future__ import annotations

import socket
import ssl
import threading
import time
from collections.abc import Callable, Generator, Iterator, Mapping
from contextlib import contextmanager, suppress
from http import HTTPStatus
from typing import Any, cast
from urllib.parse import quote, urlsplit

import httpx2

from ..errors import ApiError, ConnectionFailed, FieldError, InvalidArgument, TimedOut, api_error
from . import LOOPBACK, PATIENCE, noun_of
from .reuse import ReplyCache, TaggedReply
from .routes import ROUTES

# The service sends a heartbeat every 15 seconds by default.
SILENCE_SECONDS = 45.0


class HttpTransport:
    """One pool of connections to one service."""

    def __init__(
        self,
        url: str,
        headers: Mapping[str, str],
        pool: httpx2.BaseTransport | None = None,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self.url = url.rstrip("/")
        self.is_closed = False
        self.sleep = sleep
        self._cache = ReplyCache[httpx2.Response]()
        address = urlsplit(url)
        local = address.netloc.startswith(LOOPBACK)
        # On this machine, compression takes longer than the bytes that it saves.
        encoding = {"Accept-Encoding": "identity"} if local else {}
        self._client = httpx2.Client(
            base_url=self.url,
            headers={"Accept": "application/json", **encoding, **headers},
            verify=certificates(url),
            mounts={f"all://{host}": None for host in LOOPBACK},
            transport=pool,
        )

    def close(self) -> None:
        self.is_closed = True
        self._client.close()

    def call(self, method: str, fields: dict[str, Any], timeout: float) -> dict[str, Any]:
        route = ROUTES[method]
        rest = {name: value for name, value in fields.items() if value is not None}
        segments = {name: _segment(name, rest.pop(name)) for name in route.in_path}
        path = route.path.format_map(segments)
        timeout *= PATIENCE.get(method, 1.0)
        if route.verb == "GET":
            return self._read(path, rest, timeout)
        options: dict[str, Any] = {"params": rest}
        if route.body == "*":
            options = {"json": rest}
        elif route.body is not None:
            body, key = rest.pop(route.body), rest.pop("request_id", None)
            options["headers"] = {"Idempotency-Key": key} if key else {}
            if isinstance(body, bytes):
                options["content"] = body
                options["headers"]["Content-Type"] = "application/octet-stream"
            else:
                options["json"] = body
        with self._translated():
            response = self._client.request(route.verb, path, timeout=timeout, **options)
        if not response.is_success:
            raise self._error(response)
        return self._content(response)

    def _read(self, path: str, query: Mapping[str, Any], timeout: float) -> dict[str, Any]:
        """Return the reply to GET; the last one if the service says that it has not changed."""
        request = self._client.build_request("GET", path, params=query, timeout=timeout)
        cached = self._cache.get(str(request.url))
        if cached is not None:
            request.headers["If-None-Match"] = cached.etag
        with self._translated():
            response = self._client.send(request)
        if cached is not None and response.status_code == HTTPStatus.NOT_MODIFIED:
            return self._content(cached.reply)
        if not response.is_success:
            raise self._error(response)
        reply = self._content(response)
        if etag := response.headers.get("etag"):
            size = len(response.content)
            self._cache.put(str(request.url), TaggedReply(etag, response, size))
        return reply

    def _content(self, response: httpx2.Response) -> dict[str, Any]:
        if response.headers.get("content-type", "").startswith("application/octet-stream"):
            return {"content": response.content}
        return self._json(response) if response.content else {}

    def health(self, timeout: float) -> dict[str, Any]:
        with self._translated():
            response = self._client.get("/readyz", timeout=timeout)
        if response.status_code not in (200, 503):
            raise self._error(response)
        return self._json(response)

    def watch(
        self,
        job_id: str,
        after: int | None,
        lifetime: float | None,
        timeout: float,
        *,
        parameters: bool = False,
    ) -> Generator[dict[str, Any]]:
        path = ROUTES[f"Watch{noun_of(job_id)}"].path.format(id=_segment("id", job_id))
        params = {"after": after, "parameters": parameters or None}
        yield from self._watched(path, params, _event, lifetime, timeout)

    def watch_jobs(
        self, fields: dict[str, Any], lifetime: float | None, timeout: float
    ) -> Generator[dict[str, Any]]:
        yield from self._watched(ROUTES["WatchJobs"].path, fields, _jobs_event, lifetime, timeout)

    def _watched(
        self,
        path: str,
        query: Mapping[str, Any],
        read: Callable[[httpx2.ServerSentEvent], dict[str, Any]],
        lifetime: float | None,
        timeout: float,
    ) -> Generator[dict[str, Any]]:
        params = {name: value for name, value in query.items() if value is not None}
        with self._opened("GET", path, timeout, params=params) as source:
            if source.response.status_code == 204:
                return
            with _cut_after(lifetime, source.response) as cut:
                try:
                    yield from _events(source, read)
                except httpx2.TransportError:
                    if cut.is_set():
                        raise TimedOut(f"{path} was watched for {lifetime:g} seconds") from None
                    raise

    def stream(
        self, method: str, fields: dict[str, Any], timeout: float
    ) -> Generator[dict[str, Any]]:
        route = ROUTES[method]
        rest = {name: value for name, value in fields.items() if value is not None}
        segments = {name: _segment(name, rest.pop(name)) for name in route.in_path}
        path = route.path.format_map(segments)
        with self._opened(route.verb, path, timeout, json=rest) as source:
            for event in _events(source, _event):
                if event["type"] != "heartbeat":
                    yield event

    @contextmanager
    def _opened(
        self, verb: str, path: str, timeout: float, **request: Any
    ) -> Iterator[httpx2.EventSource]:
        """Open a stream of events. Raises the error of a reply that is none."""
        # A stream has no time limit; only the silence in it has.
        patience = httpx2.Timeout(timeout, read=SILENCE_SECONDS)
        with (
            self._translated(),
            self._client.sse(
                path, method=verb, timeout=patience, max_event_size=None, **request
            ) as source,
        ):
            if not source.response.is_success:
                source.response.read()
                raise self._error(source.response)
            yield source

    @contextmanager
    def _translated(self) -> Iterator[None]:
        """Translate errors of the HTTP library into errors of this package."""
        try:
            yield
        except httpx2.TimeoutException as error:
            missing = "connection to" if isinstance(error, httpx2.ConnectTimeout) else "reply from"
            raise TimedOut(f"No {missing} {self.url} in time") from error
        except httpx2.RequestError as error:
            raise ConnectionFailed(self.url, _reason(error)) from error

    def _json(self, response: httpx2.Response) -> dict[str, Any]:
        with suppress(ValueError):
            body = response.json()
            if isinstance(body, dict):
                return body
        raise ApiError(
            f"{self.url} sent a reply with status {response.status_code} that is not from Epochal. "
            "Is another program listening there?",
            status=response.status_code,
            reason="not_epochal",
        )

    def _error(self, response: httpx2.Response) -> ApiError:
        problem = self._json(response)
        after = response.headers.get("retry-after", "")
        return api_error(
            response.status_code,
            str(problem.get("detail") or problem.get("title") or response.reason_phrase),
            reason=problem.get("reason"),
            errors=[
                FieldError(str(error.get("field", "")), str(error.get("description", "")))
                for error in problem.get("errors") or ()
            ],
            retry_after=float(after) if after.isdecimal() else None,
            request_id=response.headers.get("x-request-id"),
        )


def certificates(url: str) -> ssl.SSLContext | bool:
    """Return what the HTTP library verifies. Without TLS, it need not load its certificates, which
    takes 0.05 s.
    """
    return url.startswith("https") or ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)


def _event(event: httpx2.ServerSentEvent) -> dict[str, Any]:
    # The field of the same name holds the data, as over gRPC.
    return {"seq": int(event.id), "type": event.event, event.event: event.json()}


def _jobs_event(event: httpx2.ServerSentEvent) -> dict[str, Any]:
    fields = cast(dict[str, Any], event.json())
    return {"cursor": event.id, "type": event.event, **fields}


def _events(
    source: httpx2.EventSource, read: Callable[[httpx2.ServerSentEvent], dict[str, Any]]
) -> Iterator[dict[str, Any]]:
    """Yield the events of a stream as they are over gRPC."""
    for event in source:
        if not event.data:
            # A suggested pause before reconnecting, which `following` decides.
            yield {"type": "heartbeat"}
            continue
        yield read(event)


def _segment(name: str, value: object) -> str:
    """Return `value` as one segment of a path. Raises `InvalidArgument` if it is empty."""
    text = quote(str(value), safe="")
    if not text:
        raise InvalidArgument.of(name, "is required")
    return text


def _reason(error: BaseException) -> str:
    """Return the innermost cause, without the error number of the operating system."""
    while error.__cause__ or error.__context__:
        error = error.__cause__ or error.__context__  # type: ignore[assignment]
    text = getattr(error, "strerror", None) or str(error) or type(error).__name__
    return text[0].lower() + text[1:]


@contextmanager
def _cut_after(seconds: float | None, response: httpx2.Response) -> Iterator[threading.Event]:
    """Shut down the connection after some seconds, which wakes the waiting reader."""
    cut = threading.Event()
    if seconds is None:
        yield cut
        return
    stream = response.extensions["network_stream"]

    def shut() -> None:
        cut.set()
        with suppress(OSError):
            stream.get_extra_info("socket").shutdown(socket.SHUT_RDWR)

    timer = threading.Timer(seconds, shut)
    timer.daemon = True
    timer.start()
    try:
        yield cut
    finally:
        timer.cancel()
