"""Two bare servers that send the same events as Epochal, for `watchers.py`.

    Redis channel "epochs" --(number of the epoch)--> server --(event)--> every connection

They store nothing, check nothing and lose what a slow reader does not take. `asyncio` writes to the
connections of uvloop, `fastapi` has a generator per connection, as its documentation shows.
"""

from __future__ import annotations

import asyncio
import sys
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import ClassVar, cast

import redis.asyncio
import uvicorn
import uvloop
from fastapi import FastAPI
from fastapi.responses import StreamingResponse

CHANNEL = "epochs"
END = 0
"""Published in place of an epoch: the streams end."""
HEAD = b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ntransfer-encoding: chunked\r\n\r\n"
ALIVE = b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n"


def snapshot(epoch: int) -> bytes:
    """Return the first event."""
    return b'event: snapshot\ndata: {"curve":{"epochs":%d}}\n\n' % epoch


def event(epoch: int) -> bytes:
    """Return the event of an epoch, as long as Epochal's."""
    columns = b'"columns":{"train_loss":[0.0012345],"learning_rate":[0.0012],"seconds":[0.001]}'
    if epoch == END:
        return b"event: end\ndata: {}\n\n"
    return (
        b'id: %d\nevent: epochs\ndata: {"first_epoch":%d,"last_epoch":%d,"downsampled":false,'
        b'"epochs":[%d],%b,"gradients":null}\n\n'
    ) % (epoch, epoch, epoch, epoch, columns)


async def epochs(url: str) -> AsyncIterator[int]:
    """Yield the epochs that are published."""
    async with redis.asyncio.Redis.from_url(url) as client:
        pubsub = client.pubsub(ignore_subscribe_messages=True)
        await pubsub.subscribe(CHANNEL)
        async for message in pubsub.listen():
            yield int(message["data"])


class Connection(asyncio.Protocol):
    """One connection of the bare server."""

    opened: ClassVar[set[asyncio.WriteTransport]] = set()
    epoch = 0

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.WriteTransport, transport)

    def data_received(self, data: bytes) -> None:
        if data.startswith(b"GET /healthz"):
            self._transport.write(ALIVE)
        else:
            self._transport.write(HEAD + chunk(snapshot(self.epoch)))
            self.opened.add(self._transport)

    def connection_lost(self, error: Exception | None) -> None:
        self.opened.discard(self._transport)


def chunk(content: bytes) -> bytes:
    """Return a chunk of HTTP/1.1."""
    return b"%x\r\n%b\r\n" % (len(content), content)


async def serve_asyncio(port: int, url: str) -> None:
    """Write each event to every connection."""
    await asyncio.get_running_loop().create_server(Connection, "127.0.0.1", port, backlog=2048)
    async for epoch in epochs(url):
        Connection.epoch = epoch
        content = chunk(event(epoch))
        for transport in list(Connection.opened):
            transport.write(content)


async def serve_fastapi(port: int, url: str) -> None:
    """Send each event from a generator per connection."""
    changed = asyncio.Condition()
    latest = 0

    async def publish() -> None:
        nonlocal latest
        async for epoch in epochs(url):
            async with changed:
                latest = epoch
                changed.notify_all()

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        task = asyncio.create_task(publish())
        yield
        task.cancel()

    app = FastAPI(lifespan=lifespan)

    @app.get("/healthz")
    async def healthz() -> None:
        pass

    @app.get("/v1/jobs/{job_id}/events")
    async def events(job_id: str) -> StreamingResponse:
        async def stream() -> AsyncIterator[bytes]:
            seen = latest
            yield snapshot(seen)
            while True:
                async with changed:
                    while latest == seen:
                        await changed.wait()
                if latest == END:
                    yield event(END)
                    return
                for epoch in range(seen + 1, latest + 1):
                    yield event(epoch)
                    seen = epoch

        return StreamingResponse(stream(), media_type="text/event-stream")

    await uvicorn.Server(uvicorn.Config(app, port=port, log_level="error")).serve()


SERVERS: dict[str, Callable[[int, str], Awaitable[None]]] = {
    "asyncio": serve_asyncio,
    "fastapi": serve_fastapi,
}

if __name__ == "__main__":
    name, port, url = sys.argv[1:]
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(SERVERS[name](int(port), url))  # type: ignore[arg-type]
