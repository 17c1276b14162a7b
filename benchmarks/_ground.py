"""What every benchmark stands on: its options, a store of its own, the machine's name, a table."""

from __future__ import annotations

import argparse
import os
import platform
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import numpy as np

from epochal_service.settings import Settings
from epochal_service.store.migrate import upgrade


def options(about: str | None) -> argparse.ArgumentParser:
    """A parser that knows `--quick`; `about` is the script's docstring."""
    parser = argparse.ArgumentParser(
        description=about, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--quick", action="store_true", help="fewer rounds, smaller sizes")
    return parser


@contextmanager
def fresh_settings(database_url: str | None = None, **chosen: object) -> Iterator[Settings]:
    """Settings with an empty, migrated database in a folder that goes with the block.

    The variables and the `.env` of whoever calls have no say. SQLite unless a URL is given.
    """
    with tempfile.TemporaryDirectory(prefix="epochal-benchmark-") as folder:
        url = database_url or f"sqlite:///{folder}/epochal.db"
        values = {"data_dir": Path(folder), "database_url": url, **chosen}
        settings = Settings.model_validate(values)
        upgrade(url)
        yield settings


def machine() -> str:
    """One line on where the figures were taken."""
    model = platform.processor() or platform.machine()
    cpuinfo = Path("/proc/cpuinfo")
    if cpuinfo.exists():
        names = [line for line in cpuinfo.read_text().splitlines() if line.startswith("model name")]
        model = names[0].partition(":")[2].strip() if names else model
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    return (
        f"{model}, {cores} cores, load {os.getloadavg()[0]:.1f}; "
        f"Python {platform.python_version()}, NumPy {np.__version__}"
    )


def print_table(title: str, header: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
    """A title, the machine, and columns: the first flush left, the others flush right."""
    widths = [max(len(row[column]) for row in (header, *rows)) for column in range(len(header))]
    print(f"\n{title}\n({machine()})\n")
    for row in (header, ["-" * width for width in widths], *rows):
        first, *others = (
            f"{cell:<{width}}" if column == 0 else f"{cell:>{width}}"
            for column, (cell, width) in enumerate(zip(row, widths, strict=True))
        )
        print("  ".join((first, *others)).rstrip())
    print(flush=True)
