"""The files in which the bodies and replies of large requests go to the second process and back.

A process that is killed cannot delete its files; the next one that starts does.
"""

from __future__ import annotations

import os
import re
from contextlib import suppress
from pathlib import Path
from tempfile import gettempdir

_PREFIX = "epochal-large-"


def prefix(process_id: int) -> str:
    """Return how the names of the files of an API process begin."""
    return f"{_PREFIX}{process_id}-"


def delete_abandoned() -> None:
    """Delete the files of processes that do not run any more. Call it when a process starts."""
    for file in Path(gettempdir()).glob(f"{_PREFIX}*"):
        # Everybody may create files there: another name must not keep the service from starting.
        match = re.match(rf"{_PREFIX}(\d{{1,9}})-", file.name)
        if match is None:
            continue
        process_id = int(match[1])
        # In a container each process has the id of its predecessor.
        if process_id == os.getpid() or not _is_running(process_id):
            with suppress(OSError):
                file.unlink()


def _is_running(process_id: int) -> bool:
    try:
        os.kill(process_id, 0)
    except ProcessLookupError:
        return False
    except OSError:
        pass  # it belongs to another user
    return True
