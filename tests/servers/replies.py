"""An HTTP server with replies that a test decides: a receiver of webhooks, a failing service."""

import json
import socket
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import Any, NamedTuple

import pytest

Reply = tuple[int, dict[str, str], Any]
"""Status, headers, and a body: bytes, or a value that is sent as JSON."""

OK: Reply = (200, {}, b"")


def html(text: str) -> Reply:
    """A page."""
    return 200, {"Content-Type": "text/html; charset=utf-8"}, text.encode()


class Request(NamedTuple):
    line: str
    """`POST /v1/jobs`."""
    headers: dict[str, str]
    body: bytes


class ReplyServer:
    """Records requests, and sends `replies` in order, then `usual`. None hangs up."""

    def __init__(self, usual: Reply | None) -> None:
        self.requests: list[Request] = []
        self.replies: list[Reply | None] = []
        self.waiting: Callable[[], object] = lambda: None
        """Called between a request and its reply."""
        outer = self

        class Handler(BaseHTTPRequestHandler):
            def _reply(self) -> None:
                body = self.rfile.read(int(self.headers.get("content-length", 0)))
                outer.requests.append(
                    Request(f"{self.command} {self.path}", dict(self.headers), body)
                )
                outer.waiting()
                reply = outer.replies.pop(0) if outer.replies else usual
                if reply is None:
                    self.connection.shutdown(socket.SHUT_RDWR)
                    self.close_connection = True
                    return
                status, headers, content = reply
                content = content if isinstance(content, bytes) else json.dumps(content).encode()
                self.send_response(status)
                for name, value in {"Content-Length": str(len(content)), **headers}.items():
                    self.send_header(name, value)
                self.end_headers()
                self.wfile.write(content)

            do_GET = do_POST = do_PATCH = do_DELETE = _reply

            def log_message(self, format: str, *args: object) -> None:
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.host = f"127.0.0.1:{self._server.server_port}"
        self.url = f"http://{self.host}"
        self._thread = Thread(target=self._server.serve_forever, args=(0.02,))
        self._thread.start()

    def close(self) -> None:
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()


@contextmanager
def reply_server(usual: Reply | None = OK) -> Iterator[ReplyServer]:
    """A server for the body of a `with` statement."""
    server = ReplyServer(usual)
    try:
        yield server
    finally:
        server.close()


@pytest.fixture
def receiver() -> Iterator[ReplyServer]:
    """A receiver of webhooks that accepts them unless the test prepares other replies."""
    with reply_server() as server:
        yield server
