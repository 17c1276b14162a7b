"""The arrangement of `docker-compose.yml`, without containers: its own commands and settings."""

import json
import re
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import httpx2
import pytest
import yaml  # type: ignore[import-untyped]
from tests.servers.postgres import free_port
from tests.servers.stack import await_condition, environment
from tests.servers.valkey import listening_on_tcp

pytestmark = pytest.mark.long

ROOT = Path(__file__).parents[2]
JOB = {
    "network": {
        "input_shape": [2],
        "layers": [
            {"type": "dense", "units": 4, "activation": "tanh"},
            {"type": "dense", "units": 1, "activation": "sigmoid"},
        ],
    },
    "dataset": {"name": "xor"},
    "loss": "binary_cross_entropy",
    "epochs": 500,
}


class Compose:
    """Runs services of `docker-compose.yml` as processes, with other addresses and nothing else."""

    def __init__(self, folder: Path, addresses: dict[str, str]) -> None:
        self._folder = folder
        self._addresses = addresses
        self._services: dict[str, Any] = yaml.safe_load((ROOT / "docker-compose.yml").read_text())[
            "services"
        ]
        entrypoint = re.search(r"^ENTRYPOINT (.*)$", (ROOT / "Dockerfile").read_text(), re.M)
        assert entrypoint is not None
        program, *arguments = json.loads(entrypoint[1])
        self._entrypoint = [str(Path(sys.executable).with_name(program)), *arguments]

    def replicas(self, name: str) -> int:
        replicas: int = self._services[name]["deploy"]["replicas"]
        return replicas

    def key(self) -> str:
        """The API key that the first line of the documentation of the file creates."""
        done = subprocess.run(
            [*self._entrypoint, "keys", "create", "me", "--scope", "admin"],
            cwd=self._folder,
            env=environment(self._settings("migrate")),
            stdin=subprocess.DEVNULL,
            capture_output=True,
            check=True,
            text=True,
        )
        return done.stdout.strip()

    def _settings(self, name: str) -> dict[str, str]:
        given = self._services[name]["environment"] | self._addresses
        return {key.removeprefix("EPOCHAL_").lower(): value for key, value in given.items()}

    @contextmanager
    def run(self, name: str) -> Iterator["subprocess.Popen[bytes]"]:
        """The service `name` for as long as the block lasts; it must obey SIGTERM."""
        service = self._services[name]
        with (self._folder / f"{name}.log").open("ab") as log:
            process = subprocess.Popen(
                [*self._entrypoint, *service["command"]],
                cwd=self._folder,
                env=environment(self._settings(name)),
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
            )
        try:
            yield process
            if process.poll() is None:
                process.terminate()
            assert process.wait(60) in (0, -signal.SIGTERM)
        finally:
            if process.poll() is None:
                process.kill()
                process.wait()

    def logs(self) -> str:
        return "\n".join(path.read_text() for path in sorted(self._folder.glob("*.log")))


@pytest.fixture
def addresses(postgres_url: str) -> Iterator[dict[str, str]]:
    """Where the services of this test are, in place of the names in the network of containers."""
    with listening_on_tcp() as broker_url:
        yield {
            "EPOCHAL_DATABASE_URL": postgres_url,
            "EPOCHAL_BROKER_URL": broker_url,
            "EPOCHAL_HTTP_ADDRESS": f"127.0.0.1:{free_port()}",
            "EPOCHAL_GRPC_ADDRESS": f"127.0.0.1:{free_port()}",
        }


@pytest.fixture
def compose(tmp_path: Path, addresses: dict[str, str]) -> Iterator[Compose]:
    made = Compose(tmp_path, addresses)
    yield made
    sys.stderr.write(made.logs())  # shown with the report of a test that failed


def test_a_job_trains_through_migrate_api_and_two_workers(
    compose: Compose, addresses: dict[str, str]
) -> None:
    http = f"http://{addresses['EPOCHAL_HTTP_ADDRESS']}"
    with httpx2.Client(base_url=http, timeout=60) as client, ExitStack() as running:
        with compose.run("migrate") as migrate:
            assert migrate.wait(120) == 0
        client.headers["Authorization"] = f"Bearer {compose.key()}"
        running.enter_context(compose.run("api"))
        assert compose.replicas("worker") == 2
        for _ in range(2):
            running.enter_context(compose.run("worker"))

        def ready() -> bool:
            try:
                return bool(client.get("/readyz").json()["status"] == "ok")
            except httpx2.TransportError:
                return False

        await_condition(ready, 120, "the API is ready")
        without = client.post("/v1/jobs", json=JOB, headers={"Authorization": ""})
        assert without.status_code == 401
        created = client.post("/v1/jobs", json=JOB)
        assert created.status_code == 201, created.text
        path = f"/v1/jobs/{created.json()['id']}"
        await_condition(
            lambda: client.get(path).json()["state"] == "succeeded", 60, "the job has succeeded"
        )
        assert client.get(path).json()["epoch"] == 500
        epochs = client.get(f"{path}/epochs", params={"page_size": 1000}).json()["epochs"]
        assert [row["epoch"] for row in epochs] == list(range(1, 501))
        assert epochs[-1]["train_loss"] < epochs[0]["train_loss"]
