"""A process deletes its temporary folders, and the folders of processes that were killed."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from epochal_service.processes import temporary

HOLDER = """
from epochal_service.processes.temporary import temporary_folder
with temporary_folder() as folder:
    (folder / "file").touch()
    print(folder, flush=True)
    input()
"""


@pytest.fixture
def parent(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    monkeypatch.setattr(temporary, "NEW_SECONDS", -1.0)
    return str(tmp_path)


def held(parent: str) -> tuple["subprocess.Popen[str]", Path]:
    """A process that lives until it is killed, and its folder."""
    process = subprocess.Popen(
        [sys.executable, "-c", HOLDER],
        env={**os.environ, "TMPDIR": parent},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert process.stdout is not None
    return process, Path(process.stdout.readline().strip())


def test_the_folder_of_a_killed_process_is_deleted_and_no_other(parent: str) -> None:
    process, folder = held(parent)
    other = Path(parent, "other")
    other.mkdir()
    Path(parent, f"{temporary.PREFIX}link").symlink_to(other)
    with process:
        with temporary.temporary_folder(parent) as new:
            assert new.is_dir()
            assert (folder / "file").exists(), "its process lives"
        assert not new.exists()
        process.kill()
        process.wait(60)
    assert (folder / "file").exists()
    with temporary.temporary_folder(parent):
        assert not folder.exists()
    assert other.is_dir()


def test_a_new_folder_may_have_to_be_locked_yet(
    parent: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(temporary, "NEW_SECONDS", 60.0)
    new = Path(parent, f"{temporary.PREFIX}new")
    new.mkdir()
    with temporary.temporary_folder(parent):
        assert new.is_dir()
