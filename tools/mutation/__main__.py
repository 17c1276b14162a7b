"""Remove each mechanism in turn, and print which test notices.

    python -m tools.mutation [--jobs 2] [WORD...]

A mutant survives if all its tests pass: then a test is missing. WORDs choose the mutants that have
one in their names. The exit code is 1 if a mutant survives.
"""

from __future__ import annotations

import argparse
import os
import re
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from queue import SimpleQueue
from threading import Thread
from typing import NamedTuple

from tools.mutation.mutants import MUTANTS, ROOT, Mutant

FOLDERS = (
    "service",
    "workers",
    "engine",
    "clients/python",
    "tests",
    "protos",
    "tools",
    "docs",
    "benchmarks",
)
SOURCES = ("service", "workers", "engine", "clients/python/src")
NOT_COPIED = shutil.ignore_patterns("__pycache__", "node_modules", ".*")
FAILED = re.compile(r"^(?:FAILED|ERROR) (\S+)", re.MULTILINE)
TEST_SECONDS = 120


class Result(NamedTuple):
    """Which test failed with a mutant."""

    mutant: Mutant
    noticed_by: str | None
    """The first test that failed; None if all passed."""
    seconds: float
    output: str


def copy_tree(folder: Path) -> None:
    """Copy everything that the tests read."""
    for name in FOLDERS:
        shutil.copytree(ROOT / name, folder / name, ignore=NOT_COPIED)
    for file in ROOT.glob("*.*"):
        if file.is_file():
            shutil.copy(file, folder)


def run_tests(tree: Path, tests: Sequence[str]) -> tuple[int, str]:
    """Return the exit code and the output of pytest in the tree."""
    paths = os.pathsep.join(str(tree / source) for source in SOURCES)
    options = ["-x", "-q", "-p", "no:cacheprovider", f"--timeout={TEST_SECONDS}", "--tb=short"]
    process = subprocess.run(
        [sys.executable, "-m", "pytest", *options, "-m", "not chaos", *tests],
        cwd=tree,
        env={**os.environ, "PYTHONPATH": paths, "EPOCHAL_BROWSER": ""},
        capture_output=True,
        text=True,
    )
    return process.returncode, process.stdout + process.stderr


def write(file: Path, source: str, tree: Path) -> None:
    """Write a source, and compile the walk again if it belongs to it."""
    file.write_text(source)
    if file.suffix in (".c", ".h"):
        command = [sys.executable, "engine/compile_walk.py", "--required"]
        subprocess.run(command, cwd=tree, check=True, capture_output=True)


def check(mutant: Mutant, tree: Path) -> Result:
    """Run the tests of the mutant in the tree, which is as before afterwards."""
    started = time.monotonic()
    file = tree / mutant.file
    original = file.read_text()
    write(file, mutant.source(), tree)
    try:
        code, output = run_tests(tree, mutant.tests)
    finally:
        write(file, original, tree)
    failed = FAILED.search(output)
    # Exit code 1 means that tests ran and failed; others are usage errors or an interruption.
    noticed_by = failed[1] if code == 1 and failed else None
    return Result(mutant, noticed_by, time.monotonic() - started, output)


def check_all(mutants: Sequence[Mutant], jobs: int) -> Iterator[Result]:
    """Check the mutants in one copy of the sources per job; yield in any order."""
    waiting = iter(mutants)
    results: SimpleQueue[Result | BaseException] = SimpleQueue()

    def work(tree: Path) -> None:
        try:
            copy_tree(tree)
            for mutant in waiting:
                results.put(check(mutant, tree))
        except BaseException as error:
            results.put(error)

    with tempfile.TemporaryDirectory() as folder:
        threads = [Thread(target=work, args=(Path(folder, str(job)),)) for job in range(jobs)]
        for thread in threads:
            thread.start()
        for _ in mutants:
            result = results.get()
            if isinstance(result, BaseException):
                raise result
            yield result


def main() -> int:
    """Return 1 if a mutant survives, or a test fails without a mutant."""
    parser = argparse.ArgumentParser(description="Remove each mechanism in turn.")
    parser.add_argument("words", nargs="*", metavar="WORD", help="only mutants with such a name")
    parser.add_argument("--jobs", type=int, default=1, help="mutants at a time")
    arguments = parser.parse_args()
    words = arguments.words or [""]
    chosen = [m for m in MUTANTS if any(word in m.name for word in words)]
    print(f"{len(chosen)} mechanisms, each removed in turn\n", flush=True)
    survivors = []
    for result in check_all(chosen, arguments.jobs):
        noticed = result.noticed_by or "SURVIVES: " + " ".join(result.mutant.tests)
        print(f"{result.mutant.name:<56} {result.seconds:5.1f} s  {noticed}", flush=True)
        if result.noticed_by is None:
            survivors.append(result)
    for result in survivors:
        print(f"\n{result.mutant.name}\n{result.output[-2000:]}")
    print(f"\n{len(chosen) - len(survivors)} of {len(chosen)} are noticed by a test")
    return 1 if survivors else 0


if __name__ == "__main__":
    sys.exit(main())
