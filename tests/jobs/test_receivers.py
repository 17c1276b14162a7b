"""Requests to receivers: which hosts are allowed, and how much a hostile reply may cost."""

import asyncio
import socket
import ssl
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from epochal_service.jobs.receivers import (
    MAX_HEAD_BYTES,
    Answer,
    DeliveryFailed,
    NotAllowed,
    Receivers,
    is_public,
)

Behavior = Callable[[socket.socket], None]
TLS_HANDSHAKE = b"\x16"


class Listener:
    """A TCP server of one behavior, which counts its connections."""

    def __init__(self, behavior: Behavior) -> None:
        self.received: list[bytes] = []
        self.connections = 0
        self._behavior = behavior
        self._socket = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._socket.getsockname()[1]
        self._stopping = threading.Event()
        self._threads = [threading.Thread(target=self._accept)]
        self._threads[0].start()

    def _accept(self) -> None:
        while True:
            near, _ = self._socket.accept()
            if self._stopping.is_set():
                near.close()
                return
            self.connections += 1
            self._threads.append(threading.Thread(target=self._serve, args=(near,)))
            self._threads[-1].start()

    def _serve(self, near: socket.socket) -> None:
        with near:
            try:
                self.received.append(near.recv(65536, socket.MSG_PEEK))
                if not self.received[-1].startswith(TLS_HANDSHAKE):
                    near.recv(65536)
                self._behavior(near)
            except OSError:
                pass  # the service hung up

    def close(self) -> None:
        """Stop, after the connections have ended."""
        if self._stopping.is_set():
            return
        self._stopping.set()
        socket.create_connection(("127.0.0.1", self.port)).close()
        for thread in self._threads:
            thread.join()
        self._socket.close()


@pytest.fixture
def listen() -> Iterator[Callable[[Behavior], Listener]]:
    listeners: list[Listener] = []

    def listen(behavior: Behavior) -> Listener:
        listeners.append(Listener(behavior))
        return listeners[-1]

    yield listen
    for listener in listeners:
        listener.close()


def says(reply: bytes) -> Behavior:
    return lambda near: near.sendall(reply)


def post(receivers: Receivers, url: str, body: bytes = b"{}") -> Answer:
    try:
        return asyncio.run(receivers.post(url, {"webhook-id": "msg_1"}, body))
    finally:
        receivers.close()


def of_port(listener: Listener, seconds: float = 20.0) -> Receivers:
    return Receivers(f"127.0.0.1:{listener.port}", seconds)


def url_of(listener: Listener) -> str:
    return f"http://127.0.0.1:{listener.port}/hook?a=1"


@pytest.mark.parametrize(
    "address",
    [
        *("127.0.0.1", "127.9.9.9", "0.0.0.0", "10.0.0.5", "172.16.0.1", "192.168.1.1"),
        *("169.254.169.254", "100.64.0.1", "192.0.2.1", "224.0.0.1", "240.0.0.1"),
        *("255.255.255.255", "::", "::1", "fe80::1", "fe80::1%eth0", "fc00::1", "fd12::1"),
        *("fec0::1", "ff02::1", "::ffff:127.0.0.1", "::ffff:10.0.0.1", "::127.0.0.1"),
        *("64:ff9b::127.0.0.1", "64:ff9b::10.0.0.1", "64:ff9b:1::1", "2002:7f00:1::1"),
        *("2001:0:4136:e378:8000:63bf:3fff:fdd2", "2001:db8::1", "::ffff:8.8.8.8"),
    ],
)
def test_an_address_that_is_not_of_the_public_internet_is_known(address: str) -> None:
    assert not is_public(address)


@pytest.mark.parametrize(
    "address", ["8.8.8.8", "1.1.1.1", "2606:4700:4700::1111", "64:ff9b::8.8.8.8"]
)
def test_a_public_address_is_known(address: str) -> None:
    assert is_public(address)


@pytest.mark.parametrize(
    ("hosts", "url", "allowed"),
    [
        ("*", "https://host.example/x", True),
        ("*", "http://host.example/x", False),
        ("*", "https://127.0.0.1/x", False),
        ("*", "https://[::1]/x", False),
        ("*", "https://169.254.169.254/latest", False),
        ("*,ci.internal", "http://ci.internal/x", True),
        ("*,ci.internal", "http://CI.Internal.:8080/x", True),
        ("*,ci.internal:8080", "http://ci.internal:8080/x", True),
        ("*,ci.internal:8080", "http://ci.internal:8081/x", False),
        ("*,ci.internal:80", "http://ci.internal/x", True),
        ("[::1]:9000", "http://[::1]:9000/x", True),
        ("ci.internal", "https://host.example/x", False),
        ("ci.internal", "https://ci.internal.evil.example/x", False),
        ("ci.internal", "https://evil-ci.internal/x", False),
        ("none", "https://host.example/x", False),
        ("none", "http://none/x", False),
        ("*", "http://*/x", False),
        ("*", "https://*/x", False),
        ("*,ci.internal,", "https:///x", False),
        ("*", "https://a..b/x", False),
        ("*", f"https://{'a' * 64}.example/x", False),
    ],
)
def test_the_list_of_hosts_decides(hosts: str, url: str, allowed: bool) -> None:
    receivers = Receivers(hosts, 1)
    if allowed:
        receivers.check(url)
    else:
        with pytest.raises(NotAllowed):
            receivers.check(url)
    receivers.close()


@pytest.mark.parametrize("spelling", ["localhost", "2130706433", "0x7f.1", "127.1", "0177.0.0.1"])
def test_another_spelling_of_a_private_address_is_not_connected_to(
    listen: Callable[[Behavior], Listener], spelling: str
) -> None:
    listener = listen(says(b"HTTP/1.1 200 OK\r\n\r\n"))
    with pytest.raises(DeliveryFailed, match="not public"):
        post(Receivers("*", 20), f"https://{spelling}:{listener.port}/")
    assert listener.connections == 0


PARTS = st.sampled_from(["*", "none", "localhost", "127", "0x7f", "1", "", "a-b", "_"])
HOSTS = st.one_of(
    st.text(st.characters(min_codepoint=33, max_codepoint=126), max_size=12),
    st.from_regex(r"\A\[?[*:.0-9a-fx%]{1,12}\]?\Z"),
    st.lists(PARTS).map(".".join),
)


@given(host=HOSTS, hosts=st.sampled_from(["*", "none", "", "*,none,", " * , ci.internal"]))
@example(host="*", hosts="*")
@example(host="none", hosts="none")
def test_no_string_leads_to_the_host_of_the_service(host: str, hosts: str) -> None:
    """Even if the resolver takes each for an address of the loopback."""
    receivers = Receivers(hosts, 1)
    with pytest.MonkeyPatch.context() as patch, suppress(ValueError):
        connected: list[object] = []
        patch.setattr(socket, "getaddrinfo", lambda *_, **__: [(2, 1, 6, "", ("127.0.0.1", 9))])
        patch.setattr(asyncio, "open_connection", connected.append)
        with pytest.raises(NotAllowed):
            receivers.check(f"http://{host}:9/")
        with pytest.raises(NotAllowed):
            post(receivers, f"https://{host}:9/")
        assert connected == []
    receivers.close()


def test_a_name_is_resolved_once_and_its_checked_address_is_connected_to(
    listen: Callable[[Behavior], Listener], monkeypatch: pytest.MonkeyPatch
) -> None:
    """A name server that answers with a public address first, and then with a private one."""
    listener = listen(says(b"HTTP/1.1 200 OK\r\n\r\n"))
    real, calls = socket.getaddrinfo, []

    def rebinding(host: str, port: int, *args: object, **kwargs: object) -> object:
        if host != "rebinding.example":
            return real(host, port, *args, **kwargs)  # type: ignore[arg-type]
        calls.append(host)
        # 192.88.99.0/24 is public, and nothing answers there.
        address = "192.88.99.9" if len(calls) == 1 else "127.0.0.1"
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (address, port))]

    monkeypatch.setattr(socket, "getaddrinfo", rebinding)
    for _ in range(2):
        with pytest.raises(DeliveryFailed):
            post(Receivers("*", 1), f"https://rebinding.example:{listener.port}/")
    assert len(calls) == 2
    assert listener.connections == 0


def test_one_private_address_among_public_ones_is_enough_to_refuse(
    listen: Callable[[Behavior], Listener], monkeypatch: pytest.MonkeyPatch
) -> None:
    listener = listen(says(b"HTTP/1.1 200 OK\r\n\r\n"))
    addresses = [
        (socket.AF_INET, socket.SOCK_STREAM, 6, "", (address, listener.port))
        for address in ("127.0.0.1", "8.8.8.8")
    ]
    monkeypatch.setattr(socket, "getaddrinfo", lambda *args, **kwargs: addresses)
    with pytest.raises(NotAllowed):
        post(Receivers("*", 20), f"https://mixed.example:{listener.port}/")
    assert listener.connections == 0


def test_a_request_is_a_post_with_its_headers(listen: Callable[[Behavior], Listener]) -> None:
    listener = listen(says(b"HTTP/1.1 204 No Content\r\n\r\n"))
    assert post(of_port(listener), url_of(listener)) == Answer(204)
    [request] = listener.received
    assert request == (
        b"POST /hook?a=1 HTTP/1.1\r\n"
        b"Host: 127.0.0.1:%d\r\n"
        b"Connection: close\r\n"
        b"Content-Length: 2\r\n"
        b"webhook-id: msg_1\r\n\r\n{}" % listener.port
    )


def test_interim_replies_are_skipped_and_retry_after_is_read(
    listen: Callable[[Behavior], Listener],
) -> None:
    reply = b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 503 Busy\r\nRETRY-after: 120\r\n\r\nbody"
    listener = listen(says(reply))
    assert post(of_port(listener), url_of(listener)) == Answer(503, 120.0)


def test_a_redirect_is_not_followed(listen: Callable[[Behavior], Listener]) -> None:
    target = listen(says(b"HTTP/1.1 200 OK\r\n\r\n"))
    location = f"http://127.0.0.1:{target.port}/".encode()
    listener = listen(says(b"HTTP/1.1 307 Moved\r\nLocation: " + location + b"\r\n\r\n"))
    assert post(of_port(listener), url_of(listener)) == Answer(307)
    assert target.connections == 0


def endless(near: socket.socket) -> None:
    near.sendall(b"HTTP/1.1 200 OK\r\n")
    while True:
        near.sendall(b"x: " + b"y" * 1000 + b"\r\n")


def silent(near: socket.socket) -> None:
    near.recv(1)  # until the service hangs up


def drip(near: socket.socket) -> None:
    for byte in b"HTTP/1.1 200 OK\r\nx: " + b"y" * 10_000:
        near.sendall(bytes([byte]))
        time.sleep(0.05)


@pytest.mark.parametrize(
    ("behavior", "seconds", "error"),
    [
        (endless, 20, f"exceeds {MAX_HEAD_BYTES} bytes"),
        (silent, 0.3, "no reply within 0.3 s"),
        (drip, 0.3, "no reply within 0.3 s"),
        (says(b""), 20, "the connection broke"),
        (says(b"HTTP/1.1 200 OK\r\nx"), 20, "the connection broke"),
        (says(b"SSH-2.0-OpenSSH_9.6\r\n\r\n"), 20, "the reply is not HTTP"),
        (says(b"HTTP/1.1 100 Continue\r\n\r\n" * 9), 20, "no final status"),
    ],
)
def test_a_hostile_reply_fails_in_time(
    listen: Callable[[Behavior], Listener], behavior: Behavior, seconds: float, error: str
) -> None:
    listener = listen(behavior)
    with pytest.raises(DeliveryFailed, match=error):
        post(of_port(listener, seconds), url_of(listener))


def test_the_body_of_a_reply_is_not_read(listen: Callable[[Behavior], Listener]) -> None:
    sent = []

    def large(near: socket.socket) -> None:
        near.sendall(b"HTTP/1.1 200 OK\r\n\r\n")
        while True:
            sent.append(near.send(b"x" * 65536))

    listener = listen(large)
    assert post(of_port(listener), url_of(listener)) == Answer(200)
    listener.close()
    # No more than the buffers of the sockets hold.
    assert sum(sent) < 64 * 2**20


def test_a_receiver_that_is_down_is_refused() -> None:
    with socket.create_server(("127.0.0.1", 0)) as closed:
        port = closed.getsockname()[1]
    with pytest.raises(DeliveryFailed, match="the connection was refused"):
        post(Receivers("127.0.0.1", 20), f"http://127.0.0.1:{port}/")


def test_a_name_that_does_not_exist_cannot_be_resolved() -> None:
    with pytest.raises(DeliveryFailed, match="cannot be resolved"):
        post(Receivers("*", 20), "https://nowhere.invalid/")


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A certificate for localhost, and its key in the same file."""
    folder = tmp_path_factory.mktemp("tls")
    command = "openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 2"
    options = ["-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost"]
    files = ["-keyout", str(folder / "key"), "-out", str(folder / "certificate")]
    subprocess.run([*command.split(), *options, *files], check=True, capture_output=True)
    both = folder / "both"
    both.write_text((folder / "certificate").read_text() + (folder / "key").read_text())
    return both


def over_tls(certificate: Path, seen: list[str | None]) -> Behavior:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate)
    context.sni_callback = lambda _, name, __: seen.append(name)

    def behave(near: socket.socket) -> None:
        with context.wrap_socket(near, server_side=True) as secured:
            secured.recv(65536)
            secured.sendall(b"HTTP/1.1 200 OK\r\n\r\n")

    return behave


def test_the_certificate_must_be_trusted_and_of_the_host(
    listen: Callable[[Behavior], Listener], certificate: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    names: list[str | None] = []
    listener = listen(over_tls(certificate, names))
    address = f"localhost:{listener.port}"
    with pytest.raises(DeliveryFailed, match="the certificate is not valid"):
        post(Receivers("localhost", 20), f"https://{address}/")
    monkeypatch.setenv("SSL_CERT_FILE", str(certificate))
    assert post(Receivers("localhost", 20), f"https://{address}/") == Answer(200)
    assert names == ["localhost", "localhost"]
    with pytest.raises(DeliveryFailed, match="the certificate is not valid"):
        post(Receivers("127.0.0.1", 20), f"https://127.0.0.1:{listener.port}/")


def test_a_receiver_without_tls_is_no_https(listen: Callable[[Behavior], Listener]) -> None:
    listener = listen(says(b"HTTP/1.1 200 OK\r\n\r\n"))
    with pytest.raises(DeliveryFailed, match="there is no TLS connection"):
        post(of_port(listener), f"https://127.0.0.1:{listener.port}/")
