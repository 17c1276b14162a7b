"""Processor time of `epochald up` until it is ready, and of short commands, with warm caches.

Ready means that the banner is printed and that each worker process waits for jobs. The time is the
sum over all processes.
"""

from __future__ import annotations

import os
import sqlite3
import subprocess
import sys
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from resource import RUSAGE_CHILDREN, getrusage
from statistics import median
from tempfile import TemporaryDirectory

import psutil
from benchmarks._report import options, print_table
from tests.servers.stack import Stack, await_condition

TARGETS = {"epochald up": 2.5, "epochal --version": 0.15, "epochal jobs": 0.3}


def seconds_until_ready(stack: Stack) -> float:
    """Return the processor time of a start, and stop the service."""
    stack.start()
    await_condition(lambda: recorded(stack) >= {*stack.worker_pids()} != set(), 60, "workers")
    supervisor = psutil.Process(stack.process.pid)
    times = [process.cpu_times() for process in (supervisor, *supervisor.children(recursive=True))]
    stack.stop()
    return sum(sum(of_process[:4]) for of_process in times)


def recorded(stack: Stack) -> set[int]:
    """Return the ids of the worker processes that are ready."""
    with closing(sqlite3.connect(stack.data_dir / "epochal.db")) as connection:
        return {pid for (pid,) in connection.execute("SELECT pid FROM workers")}


def seconds_of(module: str, *arguments: str, stack: Stack) -> float:
    """Return the processor time of a command."""
    before = getrusage(RUSAGE_CHILDREN)
    subprocess.run(
        [sys.executable, "-P", "-m", module, *arguments],
        env={**stack.environment, "EPOCHAL_URL": stack.http},
        capture_output=True,
        check=True,
    )
    after = getrusage(RUSAGE_CHILDREN)
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def main() -> None:
    """Print the table."""
    rounds = 3 if options(__doc__).parse_args().quick else 7
    # Otherwise every start would compile its libraries.
    os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
    with TemporaryDirectory(prefix="epochal-benchmark-") as name:
        folder = Path(name)
        stack = Stack(folder, f"sqlite:///{folder}/data/epochal.db", {"log_level": "warning"})
        commands: dict[str, Callable[[], float]] = {
            "epochald --version": lambda: seconds_of("epochal_service", "--version", stack=stack),
            "epochal --version": lambda: seconds_of("epochal", "--version", stack=stack),
            "epochal jobs": lambda: seconds_of("epochal", "jobs", stack=stack),
        }
        times = {title: [run() for _ in range(rounds + 1)] for title, run in commands.items()}
        stack.stop()
        times["epochald up"] = [seconds_until_ready(stack) for _ in range(rounds + 1)]
    print_table(
        "Seconds of processor time, median",
        ("command", "measured", "target"),
        [
            (title, f"{median(seconds[1:]):.2f}", str(TARGETS.get(title, "")))
            for title, seconds in times.items()
        ],
    )


if __name__ == "__main__":
    main()
