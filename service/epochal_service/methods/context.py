"""The resources that all methods share, opened once per process."""

from __future__ import annotations

import asyncio
import math
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field, fields, replace
from functools import cached_property, partial
from typing import Any, Concatenate, ParamSpec, TypeVar, cast

import structlog
from structlog.contextvars import bound_contextvars

from epochal_engine import choose_engine

from ..access import stream_tokens
from ..access.keys import ACTIONS, LOCAL_OWNER, Need, PresentedKey, actions_of
from ..admission.estimate import Estimator
from ..errors import EpochalError, QuotaExceeded, Unauthenticated
from ..experiments import exercises
from ..jobs.deletion import ROUND_SECONDS, delete_expired, purge
from ..jobs.health import HealthCheck
from ..jobs.leases import Leases
from ..jobs.queue import Queue
from ..jobs.reaper import delete_abandoned, reap
from ..jobs.receivers import Receivers
from ..jobs.webhooks import Deliverer
from ..metrics import Metrics
from ..processes import logs
from ..processes.second_process import SecondProcess
from ..request_ids import VARIABLE, current
from ..settings import Settings
from ..specs.system import Scope
from ..store import Access, Database, api_keys
from ..store.api_keys import KeyRow, Stored
from ..streams.follow import Hub
from ..turns import Turns
from .rates import Rate, Rates
from .replies import ReplyCache

logger = structlog.get_logger(__name__)

P = ParamSpec("P")
R = TypeVar("R")


LOCAL = Access(LOCAL_OWNER)


@dataclass(frozen=True)
class Context:
    """The resources of a process. Thread-safe, except for the hub, which needs the event loop."""

    settings: Settings
    database: Database
    queue: Queue
    hub: Hub
    second_process: SecondProcess | None = None
    """Answers large requests; None in itself, and where nothing waits for the event loop."""
    file_process: SecondProcess | None = None
    """The same for requests that read a file, which may take much longer."""
    rates: Rates | None = None
    """The quotas of requests; None where requests are not counted."""
    replies: ReplyCache | None = None
    """Replies that other requests may reuse; None where none are kept."""
    pure_turns: Turns | None = None
    """The turns of pure methods; None where nothing waits for the event loop."""
    access: Access = LOCAL
    key: KeyRow | None = None
    """The API key of the caller; None without one."""
    metrics: Metrics = field(default_factory=Metrics)
    turns: asyncio.Semaphore = field(default_factory=lambda: asyncio.Semaphore(1))
    """One piece of a stream's computation at a time, so that many do not hold the loop up."""

    def authorized(
        self, authorization: str | None, need: Need, origin: str | None = None
    ) -> Context:
        """Return the context of the caller with this `Authorization`, on a page of this origin.

        Raises `Unauthenticated`, `Forbidden`.
        """
        presented = self.presented_key(authorization, origin)
        if presented is None:
            return self
        with self.database.read() as connection:
            stored = api_keys.find_valid(connection, presented.id)
        return self.of_caller(presented.check(stored, need))

    def presented_key(
        self, authorization: str | None, origin: str | None = None
    ) -> PresentedKey | None:
        """Return the key in this `Authorization`; None without one. Raises `Unauthenticated`."""
        if authorization is not None:
            return PresentedKey.of(authorization, origin)
        if self.settings.needs_keys:
            raise Unauthenticated(
                "This service needs an API key: send the header `Authorization: Bearer ep_…`"
            )
        return None

    def authorized_by_token(self, token: str, subject: str) -> Context:
        """Return the context of the caller who may watch the subject with a stream token.

        Raises `Unauthenticated`.
        """
        return self.of_caller(stream_tokens.authenticate(self.database, token, subject))

    def of_caller(self, stored: Stored) -> Context:
        """Return the context for the caller with a key."""
        key, access = stored
        sees_webhooks = "change" in actions_of(key)
        return replace(self, access=replace(access, sees_webhooks=sees_webhooks), key=key)

    @property
    def key_id(self) -> str | None:
        """The id of the caller's API key; None without one."""
        return None if self.key is None else self.key.id

    @property
    def scope(self) -> Scope:
        """The scope of the caller; `admin` without an API key."""
        return "admin" if self.key is None else cast(Scope, self.key.scope)

    @property
    def actions(self) -> tuple[str, ...]:
        """What the caller may do; everything without an API key."""
        return ACTIONS["admin"] if self.key is None else actions_of(self.key)

    def take_jobs(self, count: int = 1) -> None:
        """Count new jobs of a key that may make a number per hour. Raises `QuotaExceeded`."""
        limits = self.key and self.key.limits
        if self.key is None or not limits or limits.jobs_per_hour is None:
            return
        with self.database.write() as connection:
            wait = api_keys.take_jobs(connection, self.key.id, limits.jobs_per_hour, count)
        if wait:
            raise QuotaExceeded(
                f"This API key may make {limits.jobs_per_hour} jobs per hour: wait {wait:.0f} s",
                retry_after=math.ceil(wait),
            )

    @property
    def owner(self) -> str:
        """The owner that the caller acts for, and creates things for."""
        return self.access.owner

    async def call_elsewhere(
        self, function: Callable[Concatenate[Context, P], R], *args: P.args, **kwargs: P.kwargs
    ) -> R:
        """Return `function(context, *args)`, called in the second process for the same caller.

        Raises the exceptions of the function and of `SecondProcess.run`.
        """
        assert self.second_process is not None
        caller = {
            field.name: getattr(self, field.name)
            for field in fields(self)
            if field.name not in RESOURCES
        }
        return await self.second_process.run(
            self.owner, _call, function, caller, current(), args, kwargs
        )

    def for_files(self) -> Context:
        """Return the context of a request that reads a file, or takes as long."""
        return replace(self, second_process=self.file_process)

    @asynccontextmanager
    async def pure_turn(self) -> AsyncIterator[None]:
        """Enter the block at the turn of the caller for a pure method. Raises `QuotaExceeded`."""
        if self.pure_turns is None:
            yield
            return
        async with self.pure_turns.turn(self.owner):
            yield

    def count_request(self) -> None:
        """Count a request of the caller; without an API key, it has no quota.

        Raises `QuotaExceeded`.
        """
        if self.rates is not None and self.key is not None:
            self.rates.take(self.owner)

    @property
    def rate(self) -> Rate | None:
        """The quota of requests of the caller; None without one."""
        if self.rates is None or self.key is None:
            return None
        return self.rates.rate(self.owner)

    @cached_property
    def receivers(self) -> Receivers:
        """The hosts that webhooks may be sent to."""
        return Receivers(self.settings.webhook_hosts, self.settings.webhook_seconds)

    @cached_property
    def estimator(self) -> Estimator:
        """The estimator of durations."""
        return Estimator(self.database)

    @cached_property
    def health(self) -> HealthCheck:
        """The check of whether the service can work."""
        return HealthCheck(self.database, self.queue, self.settings.min_free_bytes)


RESOURCES = (
    "settings",
    "database",
    "queue",
    "hub",
    "second_process",
    "file_process",
    "rates",
    "replies",
    "pure_turns",
    "metrics",
    "turns",
)
"""The fields of a context that are not about the caller."""

_here: Context  # in the second process


def _prepare(settings: Settings) -> None:
    global _here
    logs.configure(settings)
    choose_engine(settings.engine)
    database, queue = Database(settings.database_url), Queue(settings.broker_url)
    hub = Hub(database, queue, heartbeat_seconds=settings.heartbeat_seconds)
    _here = Context(settings, database, queue, hub)


def _call(
    function: Callable[..., R],
    caller: Mapping[str, Any],
    request_id: str | None,
    args: tuple[Any, ...],
    kwargs: Mapping[str, Any],
) -> R:
    with bound_contextvars(**{VARIABLE: request_id}):
        return function(replace(_here, **caller), *args, **kwargs)


@asynccontextmanager
async def open_context(
    settings: Settings, metrics: Metrics | None = None
) -> AsyncIterator[Context]:
    """Open the context; run the reaper and the notification listener until the block ends.

    At the end every stream is closed.
    """
    database = Database(settings.database_url)
    metrics, quotas = metrics or Metrics(), settings.quotas
    queue = Queue(settings.broker_url, metrics.wakeups_lost.inc)
    hub = Hub(
        database,
        queue,
        heartbeat_seconds=settings.heartbeat_seconds,
        max_streams=quotas.max_open_streams,
    )
    second, for_files = (SecondProcess(partial(_prepare, settings)) for _ in range(2))
    rates = Rates(quotas.max_requests_per_minute)
    replies = ReplyCache(database)
    context = Context(
        settings, database, queue, hub, second, for_files, rates, replies, Turns(), metrics=metrics
    )
    closing = asyncio.Event()
    listener = asyncio.create_task(hub.listen(), name="notifications")
    key_check = asyncio.create_task(hub.check_keys(), name="keys of streams")
    reaper = asyncio.create_task(_reap(context, closing), name="reaper")
    deliverer = Deliverer(
        database,
        context.receivers,
        settings.webhook_retry_seconds,
        lambda outcome: metrics.deliveries.labels(outcome).inc(),
    )
    delivering = asyncio.create_task(
        deliverer.run(closing, settings.reaper_seconds), name="webhooks"
    )
    try:
        yield context
    finally:
        await hub.close()
        closing.set()
        for process in (second, for_files):
            await asyncio.to_thread(process.close)
        # redis-py swallows a cancellation while it connects: cancel until the task is done.
        while not listener.done():
            listener.cancel()
            await asyncio.wait([listener], timeout=0.1)
        await key_check
        await reaper
        await delivering
        await replies.close()
        context.receivers.close()
        queue.close()
        database.close()


async def _reap(context: Context, closing: asyncio.Event) -> None:
    """Run the reaper at intervals until `closing` is set.

    Never cancelled: its thread would continue with a database that is closed.
    """
    leases = Leases(context.settings.lease_seconds)
    while not closing.is_set():
        try:
            await asyncio.to_thread(
                reap,
                context.database,
                context.queue,
                max_attempts=context.settings.max_attempts,
                max_running=context.settings.quotas.max_running_jobs,
            )
            await asyncio.to_thread(
                leases.reclaim,
                context.database,
                context.queue,
                max_attempts=context.settings.max_attempts,
            )
            await asyncio.to_thread(
                delete_abandoned, context.database, context.settings.upload_seconds
            )
            await asyncio.to_thread(delete_expired, context.database)
            await asyncio.to_thread(purge, context.database, ROUND_SECONDS)
            await asyncio.to_thread(exercises.settle, context.database)
        except EpochalError as error:
            logger.warning("reaper_failed", error=str(error))
        except Exception:
            logger.exception("reaper_failed")
        with suppress(TimeoutError):
            async with asyncio.timeout(context.settings.reaper_seconds):
                await closing.wait()
