"""What every method needs, opened once for a process: the settings, the store, the queue, the
streams.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass

import structlog

from ..errors import EpochalError
from ..jobs.follow import Hub
from ..jobs.queue import Queue
from ..jobs.reaper import reap
from ..settings import Settings
from ..store import Database

logger = structlog.get_logger(__name__)

# There are no accounts yet: everything belongs to whoever runs the service. Every query asks for
# the owner already.
OWNER = "local"


@dataclass(frozen=True)
class Context:
    """Shared by all requests of a process; safe in threads. The hub belongs to the event loop."""

    settings: Settings
    database: Database
    queue: Queue
    hub: Hub
    owner: str = OWNER


@asynccontextmanager
async def open_context(settings: Settings) -> AsyncIterator[Context]:
    """The context, with the reaper and the doorbell at work until the block ends; then every stream
    ends.
    """
    database = Database(settings.database_url)
    queue = Queue(settings.broker_url)
    hub = Hub(database, queue, heartbeat_seconds=settings.heartbeat_seconds)
    context = Context(settings, database, queue, hub)
    closing = asyncio.Event()
    doorbell = asyncio.create_task(hub.listen(), name="doorbell")
    reaper = asyncio.create_task(_reap(context, closing), name="reaper")
    try:
        yield context
    finally:
        await hub.close()
        closing.set()
        # redis-py swallows a cancellation that comes while it connects: ask until it is heard.
        while not doorbell.done():
            doorbell.cancel()
            await asyncio.wait([doorbell], timeout=0.1)
        await reaper
        queue.close()
        database.close()


async def _reap(context: Context, closing: asyncio.Event) -> None:
    """Reap at intervals until `closing`; never cancelled, since a thread would go on with the
    database after it has been closed.
    """
    while not closing.is_set():
        try:
            await asyncio.to_thread(
                reap,
                context.database,
                context.queue,
                max_attempts=context.settings.max_attempts,
            )
        except EpochalError as error:
            logger.warning("the reaper will try again", error=error.detail)
        except Exception:
            logger.exception("the reaper failed")
        with suppress(TimeoutError):
            async with asyncio.timeout(context.settings.reaper_seconds):
                await closing.wait()
