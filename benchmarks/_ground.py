"""The common ground of benchmarks of the service: a temporary database, servers, and jobs."""

from __future__ import annotations

import http.client
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path

from tests.servers.postgres import PostgresServer, free_port
from tests.servers.stack import environment

from epochal_service.access.keys import LOCAL_OWNER
from epochal_service.jobs import lifecycle
from epochal_service.jobs.lifecycle import Claim
from epochal_service.settings import Quotas, Settings
from epochal_service.specs.training import TrainingSpec
from epochal_service.store import Database
from epochal_service.store.migrate import upgrade

START_SECONDS = 60.0
LEASE_SECONDS = 3600.0
API = ("-P", "-m", "epochal_service", "api")
XOR = {
    "network": {
        "input_shape": [2],
        "layers": [
            {"type": "dense", "units": 4, "activation": "tanh"},
            {"type": "dense", "units": 1, "activation": "sigmoid"},
        ],
    },
    "dataset": {"name": "xor"},
    "loss": "binary_cross_entropy",
}


@contextmanager
def fresh_settings(database_url: str | None = None, **chosen: object) -> Iterator[Settings]:
    """Yield settings with an empty, migrated database in a temporary folder.

    Environment variables and `.env` are ignored. SQLite unless a URL is given.
    """
    with tempfile.TemporaryDirectory(prefix="epochal-benchmark-") as folder:
        url = database_url or f"sqlite:///{folder}/epochal.db"
        values = {"data_dir": Path(folder), "database_url": url, **chosen}
        settings = Settings.model_validate(values)
        upgrade(url)
        yield settings


@contextmanager
def postgres_url() -> Iterator[str]:
    """Yield the URL of an empty database in a temporary PostgreSQL server."""
    # Directly under /tmp: started by root, the server runs as another user, who needs access.
    with tempfile.TemporaryDirectory(prefix="epochal-postgres-", dir="/tmp") as folder:
        server = PostgresServer(Path(folder))
        with ExitStack() as stack:
            stack.callback(server.stop)
            yield stack.enter_context(server.database())


@contextmanager
def running(
    command: Sequence[str], port: int, path: str, variables: Mapping[str, str] | None = None
) -> Iterator[int]:
    """Yield the process id of a server that replies 200 at `path`; end it after the block."""
    with tempfile.TemporaryFile() as log:
        process = subprocess.Popen(command, env=variables, stdout=log, stderr=log)

        def text() -> str:
            log.seek(0)
            return log.read().decode(errors="replace")

        try:
            deadline = time.monotonic() + START_SECONDS
            while not _answers(port, path):
                if process.poll() is not None or time.monotonic() > deadline:
                    raise RuntimeError(f"{command} does not serve:\n{text()}")
                time.sleep(0.05)
            yield process.pid
            if process.poll() is not None:
                raise RuntimeError(f"{command} died:\n{text()}")
        finally:
            process.terminate()
            process.wait()


def _answers(port: int, path: str) -> bool:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=5)
    try:
        connection.request("GET", path)
        return connection.getresponse().status == http.HTTPStatus.OK
    except (OSError, http.client.HTTPException):
        return False
    finally:
        connection.close()


@contextmanager
def api(
    settings: Settings, broker_url: str, program: Sequence[str] = API, processes: int = 1
) -> Iterator[tuple[int, int]]:
    """Yield the port and the process id of a real API on the database of `settings`.

    Several processes are children of that one.
    """
    port = free_port()
    variables = environment(
        {
            "http_address": f"127.0.0.1:{port}",
            "grpc_address": f"127.0.0.1:{free_port()}",
            "data_dir": settings.data_dir,
            "database_url": settings.database_url,
            "broker_url": broker_url,
            "api_processes": processes,
            "log_level": "warning",
            # Nobody renews the leases of jobs that a benchmark claims.
            "lease_seconds": LEASE_SECONDS,
            # A quiet machine answers more requests of a key than an owner may send.
            "quotas__max_requests_per_minute": 10**9,
        }
    )
    with running((sys.executable, *program), port, "/healthz", variables) as pid:
        yield port, pid


def submit(database: Database, spec: TrainingSpec) -> str:
    """Queue a job without pricing it; return its id."""
    row, _ = lifecycle.submit(
        database,
        owner=LOCAL_OWNER,
        quotas=Quotas(max_queued_jobs=10**9),
        values={
            "spec": spec.model_dump_json(),
            "dataset_id": None,
            "validation_dataset_id": None,
            "parameters": 1,
            "samples": 1,
            "flops": 1.0,
        },
        labels={},
        request_id=None,
        fingerprint="",
    )
    return row.id


def take_up(database: Database, epochs: int) -> Claim:
    """Return a running job that this process has claimed and for which it stores epochs."""
    spec = TrainingSpec.model_validate({**XOR, "epochs": epochs})
    job_id = submit(database, spec)
    claim = lifecycle.claim(
        database, job_id, lease_seconds=LEASE_SECONDS, worker="benchmark", kernel=""
    )
    assert claim is not None
    return claim
