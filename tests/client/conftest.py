"""One client for each wire, and far ends of a connection that the tests control."""

from __future__ import annotations

import socket
import struct
import threading
from collections.abc import Callable, Iterator

import pytest
from tests.servers.replies import ReplyServer, reply_server
from tests.servers.stack import Stack

import epochal


@pytest.fixture(params=["http", "grpc"])
def url(request: pytest.FixtureRequest, stack: Stack) -> str:
    """The address of the session's service: the test runs once on each wire."""
    return stack.http if request.param == "http" else f"grpc://{stack.grpc}"


@pytest.fixture
def client(url: str) -> Iterator[epochal.Client]:
    """A client of the session's service, once on each wire."""
    with epochal.Client(url) as client:
        yield client


@pytest.fixture
def canned() -> Iterator[ReplyServer]:
    """A far end that fails on demand, as a real service cannot be made to."""
    with reply_server(usual=None) as server:
        yield server


class Proxy:
    """A TCP proxy in front of one address; the test can cut its connections.

    `cut_after` is a list of bytes: connection k is cut once it has carried that many to the
    client; later connections are left alone. `refuse` makes it hang up at once.
    """

    def __init__(self, target: tuple[str, int]) -> None:
        self.cut_after: list[int] = []
        self.refuse = False
        self.connections = 0
        self._target = target
        self._open: set[socket.socket] = set()
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.address = f"127.0.0.1:{self._listener.getsockname()[1]}"
        self._threads = [self._start(self._accept)]

    def _start(self, target: Callable[..., None], *args: object) -> threading.Thread:
        thread = threading.Thread(target=target, args=args)
        thread.start()
        return thread

    def _accept(self) -> None:
        while True:
            try:
                near, _ = self._listener.accept()
            except OSError:
                return
            self.connections += 1
            if self.refuse:
                _reset(near)
                continue
            far = socket.create_connection(self._target)
            self._open |= {near, far}
            most = self.cut_after.pop(0) if self.cut_after else None
            self._threads += [
                self._start(self._carry, near, far, None),
                self._start(self._carry, far, near, most),
            ]

    def _carry(self, source: socket.socket, sink: socket.socket, most: int | None) -> None:
        try:
            while data := source.recv(65536):
                if most is not None:
                    data, most = data[:most], most - len(data)
                sink.sendall(data)
                if most is not None and most <= 0:
                    break
        except OSError:
            pass
        _reset(source)
        _reset(sink)

    def cut(self) -> None:
        """Cuts every connection that is open now."""
        for end in list(self._open):
            self._open.discard(end)
            _reset(end)

    def close(self) -> None:
        self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        self.cut()
        for thread in self._threads:
            thread.join()


def _reset(end: socket.socket) -> None:
    """Closes with a reset, as a machine that is gone does, and wakes its readers."""
    try:
        end.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        end.shutdown(socket.SHUT_RDWR)
    except OSError:
        pass
    end.close()


@pytest.fixture
def proxy(url: str) -> Iterator[Proxy]:
    """A proxy in front of the session's service, once on each wire."""
    host, _, port = url.partition("://")[2].rpartition(":")
    proxy = Proxy((host, int(port)))
    yield proxy
    proxy.close()
