"""`epochald up --reload` starts again when a source file changes."""

import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path

import psutil
import pytest
from tests.daemon.test_up import await_end
from tests.servers.stack import await_condition, environment
from tests.servers.tables import create_tables

from epochal_service.daemon.reload import PACKAGES

pytestmark = pytest.mark.long


@pytest.fixture(scope="module")
def sources(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of the packages, which may be changed."""
    folder = tmp_path_factory.mktemp("sources")
    for package in PACKAGES:
        spec = find_spec(package)
        assert spec is not None
        assert spec.origin is not None
        ignored = shutil.ignore_patterns("page", "results")
        shutil.copytree(Path(spec.origin).parent, folder / package, ignore=ignored)
    return folder


class Reloading:
    """A running `epochald up --reload`."""

    def __init__(self, sources: Path, folder: Path) -> None:
        database_url = f"sqlite:///{folder}/epochal.db"
        create_tables(database_url, calibrated=True)
        any_port = "127.0.0.1:0"
        settings = {
            "http_address": any_port,
            "grpc_address": any_port,
            "database_url": database_url,
            "workers": 1,
        }
        self._log = folder / "log"
        with self._log.open("wb") as log:
            self.process = subprocess.Popen(
                [sys.executable, "-P", "-m", "epochal_service", "up", "--reload"],
                cwd=folder,
                env={**environment(settings), "PYTHONPATH": str(sources)},
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
            )

    def await_text(self, text: str, times: int) -> None:
        def written() -> bool:
            assert self.process.poll() is None, self._log.read_text()
            return self._log.read_text().count(text) == times

        await_condition(written, 120, f"{times} times {text!r}")


@pytest.fixture
def reloading(sources: Path, tmp_path: Path) -> Iterator[Reloading]:
    running = Reloading(sources, tmp_path)
    yield running
    running.process.kill()
    running.process.wait()


def test_a_change_of_a_source_file_starts_everything_again(
    reloading: Reloading, sources: Path
) -> None:
    reloading.await_text("Epochal is ready", 1)
    source = sources / "epochal_workers" / "run.py"
    text = source.read_text()
    source.write_text("(")
    reloading.await_text("SyntaxError", 1)
    source.write_text(text)
    reloading.await_text("Epochal is ready", 2)
    (sources / "epochal_course" / "content" / "sections.yaml").touch()  # a text of the course
    reloading.await_text("Epochal is ready", 3)
    processes = psutil.Process(reloading.process.pid).children(recursive=True)
    os.kill(reloading.process.pid, signal.SIGINT)
    assert reloading.process.wait(60) == 0
    await_end(processes)
