"""Clients that other tools generate: the commands of `docs/api/clients.md` run unchanged and
without a warning, and each program trains the first job of the README.

`make check-clients` installs the tools and runs this file.
"""

import json
import os
import re
import shutil
import subprocess
from pathlib import Path
from typing import Any

import httpx2
import pytest
from tests.servers.stack import Stack, await_condition

ROOT = Path(__file__).parents[2]
PROGRAMS = ROOT / "clients" / "generated"
PAGE = (ROOT / "docs" / "api" / "clients.md").read_text("utf-8")
_INSTALLATION, *_COMMANDS = re.findall(r"```sh\n(.*?)```", PAGE, re.DOTALL)
[BROWSER] = [block for block in _COMMANDS if "esbuild" in block]
"""Builds a program for a page, which tests/deploy/envoy.py runs."""
BLOCKS = [block for block in _COMMANDS if block != BROWSER]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A copy of the folder of the programs, next to the files that its commands read."""
    copy = tmp_path / "clients" / "generated"
    (copy / "browser").mkdir(parents=True)
    for path in [*PROGRAMS.iterdir(), *(PROGRAMS / "browser").iterdir()]:
        if path.is_file():
            shutil.copy(path, copy / path.relative_to(PROGRAMS))
    (copy / "node_modules").symlink_to(PROGRAMS / "node_modules")
    (tmp_path / "protos").symlink_to(ROOT / "protos")
    return copy


def run(commands: str, folder: Path) -> str:
    """The commands' output; they run with the tools of `make check-clients`."""
    done = subprocess.run(
        ["bash", "-euc", commands],
        cwd=folder,
        env={**os.environ, "PATH": f"{ROOT}/.venv-generated/bin:{os.environ['PATH']}"},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    assert done.returncode == 0, done.stdout
    return done.stdout


def ended(stack: Stack, job_id: str) -> dict[str, Any]:
    """The job, as soon as it has ended."""

    def job() -> dict[str, Any]:
        reply: dict[str, Any] = httpx2.get(f"{stack.http}/v1/jobs/{job_id}", trust_env=False).json()
        return reply

    await_condition(lambda: job()["finished_at"], 60, f"the end of {job_id}")
    return job()


@pytest.fixture(scope="module")
def first_job(stack: Stack) -> dict[str, Any]:
    """The job that the README creates with curl, at its end."""
    readme = (ROOT / "README.md").read_text("utf-8")
    command = re.search(r"curl -s localhost:8000/v1/jobs .*?-d '(.*?)'", readme, re.DOTALL)
    assert command is not None
    reply = httpx2.post(f"{stack.http}/v1/jobs", json=json.loads(command[1]), trust_env=False)
    return ended(stack, reply.json()["id"])


def programs(block: str) -> set[str]:
    """The programs that a block of commands runs."""
    return set(re.findall(r"^(?:python |node build/)(first_job\S*)\.(?:py|js) ", block, re.M))


def test_every_program_is_run() -> None:
    assert set().union(*map(programs, BLOCKS)) == {
        path.stem for path in PROGRAMS.glob("first_job*")
    }


@pytest.mark.parametrize("block", BLOCKS, ids=lambda block: "+".join(sorted(programs(block))))
def test_the_programs_train_the_first_job(
    block: str, folder: Path, stack: Stack, first_job: dict[str, Any]
) -> None:
    commands = block.replace("http://127.0.0.1:8000", stack.http)
    commands = commands.replace("127.0.0.1:50051", stack.grpc)
    printed = re.findall(r"^(job_\S+) \S+ (\S+)$", run(commands, folder), re.MULTILINE)
    assert len(printed) == len(programs(block))
    for job_id, loss in printed:
        job = ended(stack, job_id)
        assert (job["state"], job["spec"]) == ("succeeded", first_job["spec"])
        assert float(loss) == first_job["latest"]["train_loss"]


def test_redocly_finds_no_error_and_gives_no_warning(folder: Path, stack: Stack) -> None:
    address = f"{stack.http}/openapi.json"
    report = run(
        f"npx redocly lint --extends recommended --format json {address} 2>/dev/null || true",
        folder,
    )
    assert json.loads(report)["problems"] == []
