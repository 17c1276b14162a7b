"""The real app over a real store in this process; a job is trained when a test says so."""

import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
import uvicorn
from fastapi import FastAPI
from starlette.testclient import TestClient
from tests import material
from tests.servers.tables import create_tables

from epochal_service.jobs.queue import Queue
from epochal_service.rest.app import create_app
from epochal_service.rest.heads import BoundedHeads
from epochal_service.settings import Settings
from epochal_service.store import Database
from epochal_workers.run import WorkerContext, run

XOR = material.XOR


@pytest.fixture
def settings(tmp_path: Path, broker_url: str) -> Settings:
    """A database of the test's own, and a broker that no worker listens to."""
    chosen = Settings(
        _env_file=None,
        data_dir=tmp_path,
        database_url=f"sqlite:///{tmp_path}/epochal.db",
        broker_url=broker_url,
        heartbeat_seconds=0.2,
    )
    create_tables(chosen.database_url)
    return chosen


@pytest.fixture
def app(settings: Settings) -> FastAPI:
    return create_app(settings)


@pytest.fixture
def client(app: FastAPI, settings: Settings) -> Iterator[TestClient]:
    with TestClient(app, raise_server_exceptions=False) as client:
        yield client


@pytest.fixture
def train(settings: Settings) -> Iterator[Callable[[str], str | None]]:
    """Trains a job in this process, as a worker does; gives the state that it is left in."""
    database, queue = Database(settings.database_url), Queue(settings.broker_url)
    shop = WorkerContext(settings, database, queue, stopping=lambda: False)
    yield lambda job_id: run(shop, job_id)
    queue.close()
    database.close()


@pytest.fixture
def trained(client: TestClient, train: Callable[[str], str | None]) -> str:
    """The id of an XOR job of 20 epochs that has ended; every fifth epoch has a checkpoint."""
    spec = {**XOR, "snapshots": {"gradients_every": 4, "weights_every": 5}}
    job_id: str = client.post("/v1/jobs", json=spec).json()["id"]
    assert train(job_id) == "succeeded"
    return job_id


class _Server(uvicorn.Server):
    """Tells when it listens, and tells the app when it is about to stop."""

    def __init__(self, app: FastAPI, grace_seconds: int) -> None:
        super().__init__(
            uvicorn.Config(
                app,
                http=BoundedHeads,
                log_config=None,
                timeout_graceful_shutdown=grace_seconds,
            )
        )
        self.listening = threading.Event()
        self.app = app

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        self.listening.set()

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        self.app.state.stopping.set()
        await super().shutdown(sockets)


@contextmanager
def served(
    app: FastAPI, send_buffer: int | None = None, grace_seconds: int = 5
) -> Iterator[tuple[str, Callable[[], None]]]:
    """A real server in a thread: its URL, and its stop function. `send_buffer` is in bytes."""
    with socket.socket() as listener:
        if send_buffer is not None:
            listener.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, send_buffer)
        listener.bind(("127.0.0.1", 0))
        server = _Server(app, grace_seconds)
        thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]})
        thread.start()

        def stop() -> None:
            server.should_exit = True
            thread.join()

        try:
            assert server.listening.wait(60)
            yield f"http://127.0.0.1:{listener.getsockname()[1]}", stop
        finally:
            stop()
