"""Connections of the HTTP and gRPC libraries for asyncio, in the form of their blocking ones."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Iterator
from types import SimpleNamespace
from typing import Any, cast
from urllib.parse import urlsplit
from urllib.request import getproxies, proxy_bypass

import httpx2

from ..greenlets import wait_for
from . import LOOPBACK
from .http import certificates


def sleep(seconds: float) -> None:
    """Wait for some seconds."""
    wait_for(asyncio.sleep(seconds))


def _items_of(items: AsyncIterator[Any]) -> Iterator[Any]:
    while True:
        try:
            item = wait_for(anext(items))
        except StopAsyncIteration:
            return
        yield item


# ------------------------------------------------------------------------------------------ HTTP


class _Body(httpx2.SyncByteStream):
    """The body of a reply."""

    def __init__(self, stream: httpx2.AsyncByteStream) -> None:
        self._stream = stream

    def __iter__(self) -> Iterator[bytes]:
        return _items_of(aiter(self._stream))

    def close(self) -> None:
        wait_for(self._stream.aclose())


class Pool(httpx2.BaseTransport):
    """A pool of connections."""

    def __init__(self, url: str) -> None:
        address = urlsplit(url)
        is_direct = address.netloc.startswith(LOOPBACK) or proxy_bypass(address.hostname or "")
        proxy = None if is_direct else getproxies().get(address.scheme)
        self._pool = httpx2.AsyncHTTPTransport(verify=certificates(url), proxy=proxy)

    def handle_request(self, request: httpx2.Request) -> httpx2.Response:
        response = wait_for(self._pool.handle_async_request(request))
        return httpx2.Response(
            response.status_code,
            headers=response.headers,
            stream=_Body(cast(httpx2.AsyncByteStream, response.stream)),
            extensions=response.extensions,
        )

    def close(self) -> None:
        wait_for(self._pool.aclose())


# ------------------------------------------------------------------------------------------ gRPC


class _Channel:
    """A channel of `grpc.aio`, with the methods of one of `grpc` that the transport calls."""

    def __init__(self, channel: Any) -> None:
        self._channel = channel

    def unary_unary(self, *options: Any, **serializers: Any) -> _Unary:
        return _Unary(self._channel.unary_unary(*options, **serializers))

    def unary_stream(self, *options: Any, **serializers: Any) -> Callable[..., _Stream]:
        invoke = self._channel.unary_stream(*options, **serializers)
        return lambda *request, **fields: _Stream(invoke(*request, **fields))

    def close(self) -> None:
        wait_for(self._channel.close())


class Channels:
    """Channels as those of `grpc`."""

    @staticmethod
    def insecure_channel(*options: Any) -> _Channel:
        from grpc import aio

        return _Channel(aio.insecure_channel(*options))

    @staticmethod
    def secure_channel(*options: Any) -> _Channel:
        from grpc import aio

        return _Channel(aio.secure_channel(*options))


class _Unary:
    def __init__(self, invoke: Any) -> None:
        self._invoke = invoke

    def __call__(self, request: Any, **options: Any) -> Any:
        return wait_for(self._invoke(request, **options))

    def with_call(self, request: Any, **options: Any) -> tuple[Any, Any]:
        call = self._invoke(request, **options)
        reply = wait_for(call)
        metadata = wait_for(call.trailing_metadata())
        return reply, SimpleNamespace(trailing_metadata=lambda: metadata)


class _Stream:
    def __init__(self, call: Any) -> None:
        self._call = call

    def __iter__(self) -> Iterator[Any]:
        return _items_of(aiter(self._call))

    def cancel(self) -> None:
        self._call.cancel()
