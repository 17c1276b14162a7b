"""Notifications over Redis: of workers about queued jobs, of API processes about new log rows.

A message to workers means "there is work", a message to API processes "read the log of job X".
Both may be lost without harm: the reaper and the polling of streams find the same a little later.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from threading import Condition, Thread
from time import monotonic, sleep

import redis
import redis.asyncio
import structlog
from celery import Celery
from redis.backoff import NoBackoff
from redis.retry import Retry

from ..broker import celery_url, redis_url

logger = structlog.get_logger(__name__)

TASK = "epochal.train"
QUEUE = "epochal"
CHANNEL = "epochal:jobs"
CHANNEL_AT_ONCE = "epochal:jobs:at-once"
# The URL without a configured broker: every call fails at once, as if the broker were down.
NO_BROKER = "unix:///nowhere"


MOST_PENDING = 32
"""The maximum number of messages in the broker: a worker that takes one of them trains until no job
is queued."""
PAUSE_SECONDS = 0.005
"""After it has sent what waits, the sender waits for so long. To wake it up for each message costs
more than to send it."""
# After a message that could not be sent, messages are dropped for this long.
BREAK_SECONDS = 1.0

CountLost = Callable[[int], object]


def _ignore(number: int) -> None:
    pass


class Sender:
    """Sends messages from a thread, so that nobody waits for a broker that hangs.

    A message that waits already is sent once.
    """

    def __init__(self, count_lost: CountLost = _ignore) -> None:
        self._count_lost = count_lost
        self._waiting: dict[tuple[Callable[[str], bool], str], None] = {}
        self._changed = Condition()
        self._thread: Thread | None = None
        self._dropping_until = 0.0
        self._closed = False

    def put(self, send: Callable[[str], bool], job_id: str) -> None:
        """Call `send(job_id)` soon, which returns whether it succeeded, or drop the message."""
        with self._changed:
            if self._closed or monotonic() < self._dropping_until:
                self._count_lost(1)
                return
            self._waiting[send, job_id] = None
            if self._thread is None:
                self._thread = Thread(target=self._run, name="sender", daemon=True)
                self._thread.start()
            self._changed.notify()

    def close(self, seconds: float = 1.0) -> None:
        """Wait until everything is sent, for at most some seconds. Later messages are dropped."""
        with self._changed:
            self._closed = True
            self._changed.notify()
        if self._thread is not None:
            self._thread.join(seconds)

    def _run(self) -> None:
        while True:
            with self._changed:
                self._changed.wait_for(lambda: self._waiting or self._closed)
                if not self._waiting:
                    return
            self._send_waiting()
            if not self._closed:
                sleep(PAUSE_SECONDS)

    def _send_waiting(self) -> None:
        while True:
            with self._changed:
                if not self._waiting:
                    return
                send, job_id = message = next(iter(self._waiting))
                del self._waiting[message]
            if not send(job_id):
                with self._changed:
                    self._dropping_until = monotonic() + BREAK_SECONDS
                    self._count_lost(1 + len(self._waiting))
                    self._waiting.clear()


class Queue:
    """The broker at `url`, as API and workers use it. Without a URL nothing is sent.

    `notify_workers` and `notify_watchers` return at once, whatever the broker does. Only
    `notifications` raises if the broker is down. `count_lost` is called with a number of
    notifications that the broker did not take.
    """

    def __init__(self, url: str | None, count_lost: CountLost = _ignore) -> None:
        self._url = url or NO_BROKER
        self._celery = celery_application(self._url)
        self._redis = redis.Redis.from_url(
            redis_url(self._url),
            socket_timeout=1.0,
            socket_connect_timeout=1.0,
            retry=Retry(NoBackoff(), 0),
        )
        self._sender = Sender(count_lost)

    def notify_workers(self, job_id: str) -> None:
        """Notify the workers of a queued job soon; the reaper does so later if this fails."""
        self._sender.put(self._wake_workers, job_id)

    def notify_watchers(self, job_id: str, *, at_once: bool = False) -> None:
        """Notify all API processes of new rows in the job's log soon; with `at_once`, of rows that
        a user waits for.
        """
        self._sender.put(self._hurry_watchers if at_once else self._send_to_watchers, job_id)

    def _wake_workers(self, job_id: str) -> bool:
        pending = self.pending()
        if pending is None:
            return False
        return pending >= MOST_PENDING or self.send_to_workers(job_id)

    def send_to_workers(self, job_id: str) -> bool:
        """Notify the workers of a queued job now. Return False if the broker is down."""
        try:
            self._celery.send_task(
                TASK, args=[job_id], queue=QUEUE, retry=False, ignore_result=True
            )
        except Exception as error:
            # Every exception of the transport means that the message is lost, which is harmless.
            logger.warning("wakeup_lost", job=job_id, error=str(error))
            return False
        return True

    def pending(self) -> int | None:
        """Return the number of messages that no worker has taken; None if the broker is down."""
        try:
            return int(self._redis.llen(QUEUE))
        except redis.RedisError:
            return None

    def _send_to_watchers(self, job_id: str) -> bool:
        return self._publish(CHANNEL, job_id)

    def _hurry_watchers(self, job_id: str) -> bool:
        return self._publish(CHANNEL_AT_ONCE, job_id)

    def _publish(self, channel: str, job_id: str) -> bool:
        try:
            self._redis.publish(channel, job_id)
        except redis.RedisError as error:
            logger.debug("notification_lost", job=job_id, error=str(error))
            return False
        return True

    async def notifications(self) -> AsyncIterator[tuple[str, bool]]:
        """Yield the ids of jobs with new log rows, and whether a user waits for these. Raises
        `redis.RedisError` on failure.
        """
        client = redis.asyncio.Redis.from_url(redis_url(self._url), socket_connect_timeout=1.0)
        try:
            pubsub = client.pubsub(ignore_subscribe_messages=True)
            await pubsub.subscribe(CHANNEL, CHANNEL_AT_ONCE)
            async for message in pubsub.listen():
                yield message["data"].decode(), message["channel"].decode() == CHANNEL_AT_ONCE
        finally:
            await client.aclose()

    def close(self) -> None:
        """Close all connections to the broker, after what waits was sent."""
        self._sender.close()
        self._celery.close()
        self._redis.close()


def celery_application(url: str) -> Celery:
    """Return Celery as API and workers configure it: JSON, no results, one message at a time."""
    celery = Celery("epochal", broker=celery_url(url), set_as_current=False)
    celery.conf.update(
        task_serializer="json",
        accept_content=["json"],
        task_ignore_result=True,
        task_default_queue=QUEUE,
        task_create_missing_queues=True,
        worker_prefetch_multiplier=1,
        worker_max_tasks_per_child=1000,
        # The reaper finds lost workers. Redelivery by the broker takes an hour, or runs a job
        # twice.
        task_acks_late=False,
        broker_connection_retry_on_startup=True,
        # Training continues without a broker. This option affects late-acknowledged tasks only; it
        # is set because Celery warns about its default.
        worker_cancel_long_running_tasks_on_connection_loss=True,
        broker_connection_timeout=1.0,
        # No retries: creating a job must not wait for a broker that is down.
        broker_transport_options={
            "socket_timeout": 5.0,
            "socket_connect_timeout": 1.0,
            "max_retries": 0,
        },
        worker_hijack_root_logger=False,
        worker_send_task_events=False,
    )
    return celery
