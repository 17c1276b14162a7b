"""A real Valkey that the tests start themselves: once a session, empty for each test."""

import subprocess
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
import redis
from tests.servers.postgres import free_port

from epochal_service import broker
from epochal_service.processes.parent_death import killed_with_parent


@contextmanager
def listening_on_tcp() -> Iterator[str]:
    """A server on a free port of 127.0.0.1, as a broker on another machine would be; its URL."""
    port = free_port()
    process = subprocess.Popen(
        killed_with_parent(
            [broker.find_server(), "--bind", "127.0.0.1", "--port", str(port), "--save", ""]
        ),
        start_new_session=True,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
    )
    try:
        url = f"redis://127.0.0.1:{port}/0"
        broker.wait_until_ready(url, lambda: process.poll() is None)
        yield url
    finally:
        process.terminate()
        process.wait(60)


@pytest.fixture(scope="session")
def valkey_server() -> Iterator[str]:
    """The redis-py URL of the session's broker, on a private unix socket."""
    with broker.embedded() as url:
        yield url


@pytest.fixture
def broker_url(valkey_server: str) -> str:
    """The redis-py URL of a broker that holds nothing."""
    with redis.Redis.from_url(valkey_server) as client:
        client.flushall()
    return valkey_server
