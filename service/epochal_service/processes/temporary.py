"""Temporary folders of a service. The next process deletes the folders of a killed one."""

from __future__ import annotations

import fcntl
import os
import shutil
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

PREFIX = "epochald-"
NEW_SECONDS = 60.0
"""A folder that is younger may belong to a process that has yet to lock it."""


@contextmanager
def temporary_folder(parent: str | None = None) -> Iterator[Path]:
    """Yield a folder that only this user may enter, and that exists until the block ends.

    It is locked while this process lives; folders that are not are deleted first.
    """
    parent = parent or tempfile.gettempdir()
    for left in Path(parent).glob(f"{PREFIX}*"):
        with suppress(OSError):  # of another user, locked, or deleted by another process
            _delete(left)
    with tempfile.TemporaryDirectory(prefix=PREFIX, dir=parent) as folder, _locked(Path(folder)):
        yield Path(folder)


def _delete(left: Path) -> None:
    about = left.lstat()
    if about.st_uid == os.getuid() and time.time() - about.st_mtime > NEW_SECONDS:
        with _locked(left):
            shutil.rmtree(left)


@contextmanager
def _locked(folder: Path) -> Iterator[None]:
    """Lock a folder. Raises `OSError` if another process has, or if it is none."""
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        yield
    finally:
        os.close(descriptor)
