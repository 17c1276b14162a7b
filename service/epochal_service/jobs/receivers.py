"""Requests to the receivers of webhooks: to allowed addresses only, and to their status only.

    URL ──> host allowed? ──> its addresses ──> all public? ──> connect to one ──> POST ──> status

Users choose the URL, and the service is where its operator's other servers are. A name may resolve
to another address each time ("DNS rebinding"), so it is resolved once, and the connection is made
to an address that was checked. Redirects are not followed, no proxy is used, and nothing of the
reply is read after its head.
"""

from __future__ import annotations

import asyncio
import re
import socket
import ssl
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import cached_property, partial
from ipaddress import IPv4Address, IPv6Address, IPv6Network, ip_address
from urllib.parse import SplitResult, urlsplit

MAX_HEAD_BYTES = 16 * 1024
MAX_INTERIM_REPLIES = 4  # 100 Continue, 103 Early Hints
RESOLVER_THREADS = 8
ANY_PUBLIC, NO_HOST = "*", "none"
"""Words of a list of hosts. To a resolver `*` is the host of the service."""

_UNICAST = IPv6Network("2000::/3")
# Addresses that contain an IPv4 address: of a translator, and of tunnels that nobody needs.
_NAT64 = IPv6Network("64:ff9b::/96")
_TUNNELS = (IPv6Network("2002::/16"), IPv6Network("2001::/32"))
# Parts of letters, digits, hyphens and underscores; Docker Compose allows underscores in names.
_NAME = re.compile(r"(?=.{1,253}$)(?:[a-z0-9_-]{1,63}\.)*[a-z0-9_-]{1,63}\.?", re.IGNORECASE)
_STATUS = re.compile(rb"HTTP/1\.[01] (\d{3})[ \r]")
_RETRY_AFTER = re.compile(rb"\r\nretry-after:[ \t]*(\d{1,6})[ \t]*\r\n", re.IGNORECASE)


class DeliveryFailed(Exception):
    """The receiver did not accept the request. The text says why, in words of this service."""

    retryable = True


class NotAllowed(DeliveryFailed):
    """The service does not send to this host."""

    retryable = False


@dataclass(frozen=True)
class Answer:
    """The head of a reply."""

    status: int
    retry_after: float | None = None
    """The seconds of a `Retry-After` header."""


class Receivers:
    """The hosts that webhooks may be sent to, and the time that one may take to reply."""

    def __init__(self, hosts: str, seconds: float) -> None:
        """Take a list such as `*,ci.internal,10.0.0.5:8080`: `*` is every public host over https.

        A host that is listed may be private, and use http. `none` stands for an empty list.
        """
        entries = {_host(entry) for entry in hosts.lower().split(",")}
        self._any_public = ANY_PUBLIC in entries
        self._listed = entries - {ANY_PUBLIC, NO_HOST, ""}
        self.seconds = seconds

    @cached_property
    def _resolver(self) -> ThreadPoolExecutor:
        return ThreadPoolExecutor(RESOLVER_THREADS, "resolver")

    @cached_property
    def _tls(self) -> ssl.SSLContext:
        return ssl.create_default_context()

    def close(self) -> None:
        """Do not wait for names that are being resolved."""
        self._resolver.shutdown(wait=False, cancel_futures=True)

    def check(self, url: str) -> None:
        """Raise `NotAllowed` if the host and the scheme alone tell that nothing is sent there."""
        parts = urlsplit(url)
        host = parts.hostname or ""
        if _literal(host) is None and not _NAME.fullmatch(host):
            raise NotAllowed("must have a host that is a name or an address")
        if self._is_listed(parts):
            return
        if not self._any_public:
            raise NotAllowed("this service does not send to this host")
        if parts.scheme != "https":
            raise NotAllowed("must be https, except for hosts that the operator has listed")
        if (address := _literal(host)) is not None:
            self._check_public([address])

    async def post(self, url: str, headers: Mapping[str, str], body: bytes) -> Answer:
        """Send a POST and return the head of the reply. Raises `DeliveryFailed`."""
        self.check(url)
        try:
            async with asyncio.timeout(self.seconds):
                return await self._post(urlsplit(url), headers, body)
        except TimeoutError:
            raise DeliveryFailed(f"no reply within {self.seconds:g} s") from None
        except socket.gaierror:
            raise DeliveryFailed("the host name cannot be resolved") from None
        except ssl.SSLCertVerificationError:
            raise DeliveryFailed("the certificate is not valid for the host") from None
        except ssl.SSLError:
            raise DeliveryFailed("there is no TLS connection") from None
        except ConnectionRefusedError:
            raise DeliveryFailed("the connection was refused") from None
        except (OSError, EOFError):
            raise DeliveryFailed("the connection broke") from None
        except asyncio.LimitOverrunError:
            raise DeliveryFailed(f"the head of the reply exceeds {MAX_HEAD_BYTES} bytes") from None

    async def _post(self, parts: SplitResult, headers: Mapping[str, str], body: bytes) -> Answer:
        addresses = await self._resolve(parts)
        if not self._is_listed(parts):
            self._check_public(addresses)
        reader, writer = await self._connect(parts, addresses)
        try:
            writer.write(_head(parts, headers, len(body)) + body)
            await writer.drain()
            for _ in range(MAX_INTERIM_REPLIES):
                answer = _answer(await reader.readuntil(b"\r\n\r\n"))
                if answer.status >= 200:
                    return answer
            raise DeliveryFailed("the reply has no final status")
        finally:
            writer.transport.abort()

    async def _resolve(self, parts: SplitResult) -> list[str]:
        find = partial(socket.getaddrinfo, parts.hostname, _port(parts), type=socket.SOCK_STREAM)
        entries = await asyncio.get_running_loop().run_in_executor(self._resolver, find)
        return list(dict.fromkeys(str(address[0]) for *_, address in entries))

    async def _connect(
        self, parts: SplitResult, addresses: Sequence[str]
    ) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        tls = parts.scheme == "https"
        for index, address in enumerate(addresses):
            try:
                return await asyncio.open_connection(
                    address,
                    _port(parts),
                    limit=MAX_HEAD_BYTES,
                    ssl=self._tls if tls else None,
                    server_hostname=parts.hostname if tls else None,
                )
            except ssl.SSLError:
                raise
            except OSError:
                if index == len(addresses) - 1:
                    raise
        raise DeliveryFailed("the host name cannot be resolved")

    def _is_listed(self, parts: SplitResult) -> bool:
        host = _host(parts.hostname or "")
        return bool(self._listed & {host, f"{host}:{_port(parts)}"})

    def _check_public(self, addresses: Sequence[str]) -> None:
        if not all(map(is_public, addresses)):
            raise NotAllowed("the host is not public, and the operator has not listed it")


def is_public(address: str) -> bool:
    """Return whether the IP address is of the public Internet, and no tunnel to another one."""
    ip = ip_address(address.partition("%")[0])
    if isinstance(ip, IPv6Address):
        if ip in _NAT64:
            return is_public(str(IPv4Address(int(ip) & 0xFFFFFFFF)))
        if ip not in _UNICAST or any(ip in tunnel for tunnel in _TUNNELS):
            return False
    return ip.is_global and not ip.is_multicast and not ip.is_reserved


def _literal(host: str) -> str | None:
    try:
        return str(ip_address(host))
    except ValueError:
        return None


def _host(text: str) -> str:
    """Return a host, or a host with a port, as they are compared; IPv6 without brackets."""
    return text.strip().replace("[", "").replace("]", "").removesuffix(".")


def _port(parts: SplitResult) -> int:
    return parts.port or (443 if parts.scheme == "https" else 80)


def _head(parts: SplitResult, headers: Mapping[str, str], length: int) -> bytes:
    target = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
    lines = [
        f"POST {target} HTTP/1.1",
        f"Host: {parts.netloc}",
        "Connection: close",
        f"Content-Length: {length}",
        *(f"{name}: {value}" for name, value in headers.items()),
    ]
    return "".join(f"{line}\r\n" for line in (*lines, "")).encode("ascii")


def _answer(head: bytes) -> Answer:
    status = _STATUS.match(head)
    if status is None:
        raise DeliveryFailed("the reply is not HTTP")
    after = _RETRY_AFTER.search(head)
    return Answer(int(status[1]), None if after is None else float(after[1]))
