"""The resources that all methods share, opened once per process."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, replace
from functools import cached_property

import structlog

from ..errors import EpochalError, Unauthenticated
from ..jobs.deletion import ROUND_SECONDS, delete_expired, purge
from ..jobs.estimate import Estimator
from ..jobs.follow import Hub
from ..jobs.health import HealthCheck
from ..jobs.queue import Queue
from ..jobs.reaper import delete_abandoned, reap
from ..keys import LOCAL_OWNER, Scope, authenticate
from ..settings import Settings
from ..store import Database

logger = structlog.get_logger(__name__)


@dataclass(frozen=True)
class Context:
    """The resources of a process. Thread-safe, except for the hub, which needs the event loop."""

    settings: Settings
    database: Database
    queue: Queue
    hub: Hub
    owner: str = LOCAL_OWNER
    key_id: str | None = None
    """The API key of the caller; None without one."""

    def authorized(self, authorization: str | None, scope: Scope) -> Context:
        """Return the context of the caller with this `Authorization`.

        Raises `Unauthenticated`, `Forbidden`.
        """
        if authorization is None:
            if self.settings.needs_keys:
                raise Unauthenticated(
                    "This service needs an API key: send the header `Authorization: Bearer ep_…`"
                )
            return self
        caller = authenticate(self.database, authorization)
        caller.require(scope)
        return replace(self, owner=caller.owner, key_id=caller.key_id)

    @cached_property
    def estimator(self) -> Estimator:
        """The estimator of durations."""
        return Estimator(self.database)

    @cached_property
    def health(self) -> HealthCheck:
        """The check of whether the service can work."""
        return HealthCheck(self.database, self.queue, self.settings.min_free_bytes)


@asynccontextmanager
async def open_context(settings: Settings) -> AsyncIterator[Context]:
    """Open the context; run the reaper and the notification listener until the block ends.

    At the end every stream is closed.
    """
    database = Database(settings.database_url)
    queue = Queue(settings.broker_url)
    hub = Hub(database, queue, heartbeat_seconds=settings.heartbeat_seconds)
    context = Context(settings, database, queue, hub)
    closing = asyncio.Event()
    listener = asyncio.create_task(hub.listen(), name="notifications")
    reaper = asyncio.create_task(_reap(context, closing), name="reaper")
    try:
        yield context
    finally:
        await hub.close()
        closing.set()
        # redis-py swallows a cancellation while it connects: cancel until the task is done.
        while not listener.done():
            listener.cancel()
            await asyncio.wait([listener], timeout=0.1)
        await reaper
        queue.close()
        database.close()


async def _reap(context: Context, closing: asyncio.Event) -> None:
    """Run the reaper at intervals until `closing` is set.

    Never cancelled: its thread would continue with a database that is closed.
    """
    while not closing.is_set():
        try:
            await asyncio.to_thread(
                reap,
                context.database,
                context.queue,
                max_attempts=context.settings.max_attempts,
            )
            await asyncio.to_thread(
                delete_abandoned, context.database, context.settings.upload_seconds
            )
            await asyncio.to_thread(delete_expired, context.database)
            await asyncio.to_thread(purge, context.database, ROUND_SECONDS)
        except EpochalError as error:
            logger.warning("the reaper failed and will retry", error=str(error))
        except Exception:
            logger.exception("the reaper failed")
        with suppress(TimeoutError):
            async with asyncio.timeout(context.settings.reaper_seconds):
                await closing.wait()
