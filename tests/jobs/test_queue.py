"""Notifications through a real broker, which may hang."""

import asyncio
import os
import signal
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from time import monotonic

import pytest
import redis
from tests.jobs.test_follow import until
from tests.servers.stack import await_condition
from tests.servers.valkey import listening_on_tcp
from tests.workers.in_process import AT_ONCE, XOR, service_at

import epochal_service.jobs.queue
from epochal_service.jobs.queue import (
    CHANNEL,
    CHANNEL_AT_ONCE,
    MOST_PENDING,
    QUEUE,
    Queue,
    Sender,
)

CHANNELS = (CHANNEL, CHANNEL_AT_ONCE)


@pytest.fixture
def server() -> Iterator[str]:
    with listening_on_tcp() as url:
        yield url


@contextmanager
def stopped(url: str) -> Iterator[None]:
    """The broker hangs within the block: it accepts connections, and does not reply."""
    with redis.Redis.from_url(url) as client:
        process = int(client.info("server")["process_id"])
    os.kill(process, signal.SIGSTOP)
    try:
        yield
    finally:
        os.kill(process, signal.SIGCONT)


def test_messages_reach_workers_and_watchers(server: str) -> None:
    with closing(Queue(server)) as queue, redis.Redis.from_url(server) as client:
        watcher = client.pubsub(ignore_subscribe_messages=True)
        watcher.subscribe(CHANNEL)
        assert watcher.get_message(timeout=60) is None  # the subscription
        queue.notify_watchers("job_1")
        queue.notify_workers("job_2")
        message = watcher.get_message(timeout=60)
        assert message is not None
        assert message["data"] == b"job_1"
        await_condition(lambda: queue.pending() == 1, 60, "the message has arrived")


def test_watchers_learn_of_rows_that_a_user_waits_for(server: str) -> None:
    with closing(Queue(server)) as queue, redis.Redis.from_url(server) as client:

        async def watch() -> list[tuple[str, bool]]:
            messages = queue.notifications()
            first = asyncio.ensure_future(anext(messages))
            await until(lambda: all(count for _, count in client.pubsub_numsub(*CHANNELS)))
            queue.notify_watchers("job_1")
            received = [await first]
            queue.notify_watchers("job_1", at_once=True)
            return [*received, await anext(messages)]

        assert asyncio.run(watch()) == [("job_1", False), ("job_1", True)]


def test_what_waits_is_sent_before_a_queue_closes(server: str) -> None:
    queue = Queue(server)
    for number in range(20):
        queue.notify_workers(f"job_{number}")
    queue.close()
    with redis.Redis.from_url(server) as client:
        assert client.llen(QUEUE) == 20


def test_few_messages_wait_for_workers_however_many_jobs_are_queued(server: str) -> None:
    queue = Queue(server)
    for number in range(3 * MOST_PENDING):
        queue.notify_workers(f"job_{number}")
    queue.close()
    with redis.Redis.from_url(server) as client:
        assert client.llen(QUEUE) == MOST_PENDING


def test_nobody_waits_for_a_broker_that_hangs_and_messages_arrive_once_it_goes_on(
    server: str,
) -> None:
    with closing(Queue(server)) as queue:
        with stopped(server):
            started = monotonic()
            for number in range(100):
                queue.notify_workers(f"job_{number}")
                queue.notify_watchers(f"job_{number}")
            # A single message that waited for the broker would take longer.
            assert monotonic() - started < 1.0
            assert not queue.send_to_workers("job_1")
        with redis.Redis.from_url(server) as client:
            client.delete(QUEUE)  # what the broker had received when it was stopped

        def arrives() -> bool:
            queue.notify_workers("job_100")
            return bool(queue.pending())

        await_condition(arrives, 60, "a message arrives again")


def test_after_a_failure_messages_are_dropped_for_a_while(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(epochal_service.jobs.queue, "BREAK_SECONDS", 600.0)
    sent: list[str] = []

    def fail(job_id: str) -> bool:
        sent.append(job_id)
        return False

    with closing(Sender()) as sender:
        for number in range(100):
            sender.put(fail, f"job_{number}")
        await_condition(lambda: sent, 60, "a message is sent")
        for number in range(100, 200):
            sender.put(fail, f"job_{number}")
    assert sent == ["job_0"]


def test_a_job_is_created_and_trained_beside_a_broker_that_hangs(
    server: str, tmp_path: Path
) -> None:
    url = f"sqlite:///{tmp_path}/epochal.db"
    with service_at(url, server, tmp_path) as service, stopped(server):
        started = monotonic()
        job_id = service.create(XOR, epochs=200)
        # Each of the flushes would wait for a second.
        assert service.run(job_id, flush_seconds=AT_ONCE) == "succeeded"
        assert monotonic() - started < 60.0
