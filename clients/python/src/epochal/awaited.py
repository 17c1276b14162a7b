"""The client for asyncio: each method of `Client` and its handles, awaited.

Their types, in `_generated/aio.pyi`, are written from those of the methods.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Generator, Iterator, Mapping
from functools import wraps
from typing import Any, Self

from .client import Client
from .experiments import Experiment
from .greenlets import greenlet_library, run
from .handles import Handle
from .jobs.generation import Generation
from .jobs.job import Job
from .jobs.live import Live
from .session import Part
from .transport import Transport, connect

_AWAITED = (Part, Handle, Experiment, Live, Generation)
_END: Any = object()


class Awaited:
    """An object of the client with its methods awaited, and its iteration asynchronous."""

    def __init__(self, blocking: Any) -> None:
        self._blocking = blocking

    def __getattr__(self, name: str) -> Any:
        if name.startswith("_"):
            raise AttributeError(name)
        return _awaited(getattr(self._blocking, name))

    def __dir__(self) -> list[str]:
        return dir(self._blocking)

    def __repr__(self) -> str:
        return repr(self._blocking)

    def __aiter__(self) -> AsyncIterator[Any]:
        return _items_of(self._blocking)


class AsyncJob(Awaited):
    """A handle to a training job, whose methods are those of `Job`."""


class AsyncClient(Awaited):
    """A client of one Epochal service for asyncio, with the parts and methods of `Client`.

    Methods are awaited, and lists and events come by `async for`: `await client.jobs.get(id)`,
    `async for event in job.watch()`. Arguments, results and errors are those of `Client`. Create it
    where the event loop runs, and use it as an asynchronous context manager, or await `close()`.
    Needs the package greenlet: `pip install "epochal[async]"`.
    """

    def __init__(self, base_url: str | None = None, **options: Any) -> None:
        super().__init__(_Awaiting(base_url, **options))

    def with_options(self, **options: Any) -> Self:
        """Return a client with other options, as `Client.with_options` does."""
        other = type(self).__new__(type(self))
        Awaited.__init__(other, self._blocking.with_options(**options))
        return other

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.close()


class _Awaiting(Client):
    """A client whose methods run in greenlets."""

    def _connect(self, url: str, headers: Mapping[str, str]) -> Transport:
        greenlet_library()
        return connect(url, headers, awaited=True)


class _Called:
    """A call of a method: awaited for its result, opened, or iterated over."""

    def __init__(self, call: Callable[[], Any]) -> None:
        self._call = call

    def __await__(self) -> Generator[Any, None, Any]:
        return self._result().__await__()

    async def _result(self) -> Any:
        result = _awaited(await run(self._call))
        if isinstance(result, Iterator):
            raise TypeError("Write `async for item in …`: the items come one after another.")
        return result

    async def __aenter__(self) -> Any:
        self._opened = await self
        return self._opened

    async def __aexit__(self, *_: object) -> None:
        await self._opened.close()

    async def __aiter__(self) -> AsyncIterator[Any]:
        async for item in _items_of(await run(self._call)):
            yield item


async def _items_of(items: Any) -> AsyncIterator[Any]:
    iterator = iter(items)
    try:
        while (item := await run(next, iterator, _END)) is not _END:
            yield _awaited(item)
    finally:
        if isinstance(iterator, Generator):
            await run(iterator.close)


def _awaited(value: Any) -> Any:
    """Return `value` so that its methods are awaited, if they read from the service."""
    if isinstance(value, _AWAITED):
        return AsyncJob(value) if isinstance(value, Job) else Awaited(value)
    if type(value) is tuple:
        return tuple(map(_awaited, value))
    if callable(value) and isinstance(getattr(value, "__self__", None), (*_AWAITED, Client)):

        @wraps(value)
        def call(*arguments: Any, **options: Any) -> _Called:
            plain = [_blocking(argument) for argument in arguments]
            named = {name: _blocking(option) for name, option in options.items()}
            return _Called(lambda: value(*plain, **named))

        return call
    return value


def _blocking(value: Any) -> Any:
    return value._blocking if isinstance(value, Awaited) else value
