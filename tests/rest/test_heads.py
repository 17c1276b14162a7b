"""A request with a head or a body that never ends costs little, and its connection is closed."""

import json
import resource
import socket
from contextlib import ExitStack, suppress
from urllib.error import HTTPError
from urllib.parse import urlsplit
from urllib.request import ProxyHandler, Request, build_opener

import httpx2
import pytest
from fastapi import FastAPI
from tests.rest.conftest import served

from epochal_service.daemon.server import raise_file_limit
from epochal_service.rest import body, heads, lingering
from epochal_service.rest.heads import BoundedHeads

HALF_OF_A_JOB = (
    b"POST /v1/jobs HTTP/1.1\r\nContent-Type: application/json\r\n"
    b'Connection: close\r\nContent-Length: 50\r\n\r\n{"a":'
)


def connected(url: str) -> socket.socket:
    address = urlsplit(url)
    assert address.port is not None
    connection = socket.create_connection((address.hostname, address.port), timeout=60)
    connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return connection


def sent(connection: socket.socket, chunk: bytes, times: int) -> int:
    """How many of the chunks were taken before the other side closed."""
    for taken in range(times):
        try:
            connection.sendall(chunk)
        except OSError:
            return taken
    return times


def received(connection: socket.socket) -> bytes:
    """All that comes until the other side closes, be it before the last that it was sent."""
    content = b""
    with suppress(ConnectionResetError):
        while chunk := connection.recv(65536):
            content += chunk
    return content


@pytest.mark.parametrize(
    "opening",
    [
        b"GET /v1/version?",
        b"GET /v1/version HTTP/1.1\r\n",
        b"GET /v1/version HTTP/1.1\r\nHost: x\r\nCookie: ",
        # The end of a body in chunks, which may have trailers.
        b"GET /v1/version HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n0\r\nTrailer: ",
    ],
)
def test_a_head_without_an_end_is_read_no_further_than_the_limit(
    app: FastAPI, opening: bytes
) -> None:
    with served(app) as (url, _), connected(url) as connection:
        connection.sendall(opening)
        # Far more than the buffers of both sides: a server that reads on takes all of it.
        assert sent(connection, b"a" * 2**20, 100) < 100


def test_a_head_a_little_too_long_is_answered_with_an_error(app: FastAPI) -> None:
    with served(app) as (url, _), connected(url) as connection:
        connection.sendall(b"GET /v1/version?" + b"a" * (heads.MAX_HEAD_BYTES - 15))
        head, _, content = received(connection).partition(b"\r\n\r\n")
    assert head.startswith(b"HTTP/1.1 431 Request Header Fields Too Large\r\n")
    problem = json.loads(content)
    assert (problem["status"], problem["reason"]) == (431, "request_header_fields_too_large")
    assert str(heads.MAX_HEAD_BYTES) in problem["detail"]


@pytest.mark.parametrize(
    ("path", "status"), [("/v1/networks/summarize", 413), ("/v1/nowhere", 404)]
)
def test_a_client_that_sends_all_before_it_reads_learns_why_it_was_refused(
    app: FastAPI, path: str, status: int
) -> None:
    """`urllib` does so, with `Connection: close`: a connection that closes at once is reset."""
    with served(app) as (url, _):
        request = Request(url + path, b" " * (50 * 2**20), {"Content-Type": "application/json"})
        with pytest.raises(HTTPError) as raised:
            build_opener(ProxyHandler({})).open(request, timeout=60)
        problem = json.load(raised.value)
    assert (raised.value.code, problem["status"]) == (status, status)


def whole_head(size: int) -> bytes:
    """A request of `size` bytes, all of them head."""
    begin, end = b"GET /v1/version HTTP/1.1\r\nConnection: close\r\nCookie: ", b"\r\n\r\n"
    return begin + b"a" * (size - len(begin) - len(end)) + end


def test_a_head_that_comes_whole_has_the_same_limit(app: FastAPI) -> None:
    with served(app) as (url, _):
        with connected(url) as connection:
            connection.sendall(whole_head(heads.MAX_HEAD_BYTES))
            assert received(connection).startswith(b"HTTP/1.1 200 OK\r\n")
        with connected(url) as connection:
            # However the reads fall, none ends between the limit and the last byte.
            connection.sendall(whole_head(heads.MAX_HEAD_BYTES + 1))
            head, _, content = received(connection).partition(b"\r\n\r\n")
    assert head.startswith(b"HTTP/1.1 431 Request Header Fields Too Large\r\n")
    assert json.loads(content)["reason"] == "request_header_fields_too_large"


def test_a_head_that_is_too_long_is_refused_in_its_turn(app: FastAPI) -> None:
    first_request = b"GET /v1/version HTTP/1.1\r\n\r\n"
    with served(app) as (url, _), connected(url) as connection:
        connection.sendall(first_request + whole_head(heads.MAX_HEAD_BYTES + 1))
        answers = received(connection)
    assert answers.startswith(b"HTTP/1.1 200 OK\r\n")
    assert answers.count(b"HTTP/1.1 ") == 2
    assert b"HTTP/1.1 431 " in answers


def test_many_requests_in_a_row_are_no_long_head(app: FastAPI) -> None:
    request = b"GET /v1/version HTTP/1.1\r\nHost: x\r\nCookie: " + b"a" * 8000 + b"\r\n\r\n"
    last = request.replace(b"Host: x", b"Connection: close")
    with served(app) as (url, _), connected(url) as connection:
        connection.sendall(request * 30 + last)
        assert received(connection).count(b"HTTP/1.1 200 OK") == 31


def test_a_large_body_is_no_long_head(app: FastAPI) -> None:
    rows = [[0.25, 0.5]] * 20_000
    content = json.dumps({"network": {"input_shape": [2], "layers": rows}}).encode()
    assert len(content) > 2 * heads.MAX_HEAD_BYTES
    head = (
        "POST /v1/networks/summarize HTTP/1.1\r\nContent-Type: application/json\r\n"
        f"Connection: close\r\nContent-Length: {len(content)}\r\n\r\n"
    )
    with served(app) as (url, _), connected(url) as connection:
        connection.sendall(head.encode() + content)
        assert received(connection).startswith(b"HTTP/1.1 400 Bad Request")


@pytest.mark.parametrize("opening", [b"", b"\r\n", b"GET /v1/ver"])
def test_a_client_that_stops_within_a_head_is_disconnected(
    app: FastAPI, monkeypatch: pytest.MonkeyPatch, opening: bytes
) -> None:
    monkeypatch.setattr(heads, "HEAD_SECONDS", 0.1)
    with served(app) as (url, _), connected(url) as connection:
        connection.sendall(opening)
        assert received(connection) == b""


def test_a_client_that_stops_within_a_second_head_is_disconnected(
    app: FastAPI, monkeypatch: pytest.MonkeyPatch
) -> None:
    with served(app) as (url, _), connected(url) as connection:
        connection.sendall(b"GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n")
        reply = connection.recv(65536)
        while not reply.endswith(b"}"):  # its body may come by itself
            reply += connection.recv(65536)
        assert reply.startswith(b"HTTP/1.1 200 OK")
        monkeypatch.setattr(heads, "HEAD_SECONDS", 0.1)
        connection.sendall(b"GET /v1/ver")
        assert received(connection) == b""


def test_a_client_that_stops_within_a_body_gets_an_error(
    app: FastAPI, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(body, "STALLED_SECONDS", 0.1)
    monkeypatch.setattr(lingering, "LINGER_SECONDS", 0.1)
    with served(app) as (url, _), connected(url) as connection:
        connection.sendall(HALF_OF_A_JOB)
        head, _, content = received(connection).partition(b"\r\n\r\n")
    assert head.startswith(b"HTTP/1.1 408 Request Timeout")
    problem = json.loads(content)
    assert problem["reason"] == "request_timeout"
    assert problem["detail"] == "The body has 5 bytes so far, and no more came for 0.1 s"


@pytest.mark.long  # it waits for the end of the grace
def test_a_request_that_outlasts_a_stop_is_asked_to_come_again(app: FastAPI) -> None:
    with served(app, grace_seconds=1) as (url, stop), connected(url) as connection:
        connection.sendall(HALF_OF_A_JOB)
        assert httpx2.get(f"{url}/v1/version", timeout=60).is_success  # the other one has begun
        stop()
        head, _, content = received(connection).partition(b"\r\n\r\n")
    assert head.startswith(b"HTTP/1.1 503 Service Unavailable")
    assert b"retry-after: 1\r\n" in head.lower()
    assert json.loads(content)["reason"] == "unavailable"


def test_who_sends_nothing_gives_way_to_who_sends_a_request(
    app: FastAPI, monkeypatch: pytest.MonkeyPatch
) -> None:
    dropped: list[None] = []
    monkeypatch.setattr(BoundedHeads, "most_waiting", 20)
    counted = staticmethod(lambda: dropped.append(None))
    monkeypatch.setattr(BoundedHeads, "count_dropped", counted)
    with served(app) as (url, _), ExitStack() as opened:
        silent = [opened.enter_context(connected(url)) for _ in range(50)]
        for connection in silent[::2]:
            connection.sendall(b"GET /v1/version HTTP/1.1\r\nHost: ")
        for connection in silent[1:40:4]:
            connection.sendall(HALF_OF_A_JOB)
        for _ in range(3):
            assert httpx2.get(f"{url}/v1/version", timeout=60).is_success
        assert 30 <= len(dropped) <= 33
        assert received(silent[0]) == b""
        silent[-1].sendall(whole_head(1000))
        assert received(silent[-1]).startswith(b"HTTP/1.1 200 OK")


def test_the_process_opens_as_many_files_as_the_system_allows() -> None:
    before = resource.getrlimit(resource.RLIMIT_NOFILE)
    try:
        resource.setrlimit(resource.RLIMIT_NOFILE, (512, before[1]))
        files = raise_file_limit()
        assert resource.getrlimit(resource.RLIMIT_NOFILE) == (files, before[1])
        assert files > 512
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, before)
