"""Hints to workers and a doorbell for watchers, both over Redis; both may fail without harm.

A message says "try to claim job X"; the bell says "look at job X". Who misses one finds out a
little later.
"""

from __future__ import annotations

from collections.abc import AsyncIterator

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
BELL = "epochal:bell"
# Stands in where no broker is configured: every call fails at once, as with one that is away.
NOWHERE = "unix:///nowhere"


class Queue:
    """The broker at `url`, as both sides use it; without one everything waits for those who look by
    themselves.

    Nothing here but `bells` raises when the broker is away.
    """

    def __init__(self, url: str | None) -> None:
        self._url = url or NOWHERE
        self._celery = celery_application(self._url)
        self._redis = redis.Redis.from_url(
            redis_url(self._url),
            socket_timeout=1.0,
            socket_connect_timeout=1.0,
            retry=Retry(NoBackoff(), 0),
        )

    def hint(self, job_id: str) -> bool:
        """Tell the workers of a queued job; False if the broker is away (the reaper will tell them
        later).
        """
        try:
            self._celery.send_task(
                TASK, args=[job_id], queue=QUEUE, retry=False, ignore_result=True
            )
        except Exception as error:
            # Whatever the transport raises means the same: the hint is lost, and hints may be lost.
            logger.warning("hint lost", job=job_id, error=str(error))
            return False
        return True

    def waiting(self) -> int | None:
        """Hints that no worker has taken yet; None if the broker is away."""
        try:
            return int(self._redis.llen(QUEUE))
        except redis.RedisError:
            return None

    def ring(self, job_id: str) -> None:
        try:
            self._redis.publish(BELL, job_id)
        except redis.RedisError as error:
            logger.debug("bell unheard", job=job_id, error=str(error))

    async def bells(self) -> AsyncIterator[str]:
        """The ids of jobs as their bells ring. Raises `redis.RedisError` when the broker goes."""
        client = redis.asyncio.Redis.from_url(redis_url(self._url), socket_connect_timeout=1.0)
        try:
            pubsub = client.pubsub(ignore_subscribe_messages=True)
            await pubsub.subscribe(BELL)
            async for message in pubsub.listen():
                yield message["data"].decode()
        finally:
            await client.aclose()

    def close(self) -> None:
        self._celery.close()
        self._redis.close()


def celery_application(url: str) -> Celery:
    """Celery as both sides set it up: JSON only, no results, one message at a time."""
    celery = Celery("epochal", broker=celery_url(url), set_as_current=False)
    celery.conf.update(
        task_serializer="json",
        accept_content=["json"],
        task_ignore_result=True,
        task_default_queue=QUEUE,
        task_create_missing_queues=True,
        worker_prefetch_multiplier=1,
        worker_max_tasks_per_child=1000,
        # A lost worker is the reaper's business: the broker's redelivery waits for an hour, or runs
        # a job twice.
        task_acks_late=False,
        broker_connection_retry_on_startup=True,
        # What is trained goes on without a broker; this stops acknowledged-late tasks only, which
        # there are none of, and Celery warns of every other value.
        worker_cancel_long_running_tasks_on_connection_loss=True,
        broker_connection_timeout=1.0,
        # A hint is given once: whoever creates a job does not wait for a broker that is away.
        broker_transport_options={
            "socket_timeout": 5.0,
            "socket_connect_timeout": 1.0,
            "max_retries": 0,
        },
        worker_hijack_root_logger=False,
        worker_send_task_events=False,
    )
    return celery
