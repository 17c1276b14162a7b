"""Functions that tests call in a second process: it imports this module, and no more."""

import gc
import os
import signal
from pathlib import Path
from time import process_time

from epochal_service.errors import NotFound

_pinned: list[bytes] = []


class Ring:
    """An object that only a search for garbage frees."""

    def __init__(self) -> None:
        self.itself = self


def rings_left() -> tuple[int, int]:
    """Return how many rings of earlier calls are there, and how often all objects were searched;
    leave a ring."""
    left = sum(isinstance(value, Ring) for value in gc.get_objects())
    Ring()
    return left, gc.get_stats()[2]["collections"]


def nothing() -> None:
    pass


def refuse(field: str) -> None:
    raise NotFound(f"There is no {field}", reason="checkpoint_not_found")


def die() -> None:
    os.kill(os.getpid(), signal.SIGKILL)


def allocate(size: int) -> int:
    return len(bytearray(size))


def spin(seconds: float) -> None:
    """Compute for a number of seconds of processor time."""
    until = process_time() + seconds
    while process_time() < until:
        pass


class Result:
    """A result that holds a file."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def discard(self) -> None:
        self._path.unlink()


def slow_result(path: Path) -> Result:
    path.touch()
    spin(0.2)
    return Result(path)


def use_200_mb() -> None:
    blocks = [bytes(50_000) for _ in range(4_000)]
    _pinned.append(bytes(50_000))  # the memory below it does not end at the end of the heap
    del blocks
