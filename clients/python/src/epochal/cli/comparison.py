"""`epochal compare`: curves on common axes, and the differences between the specs."""

from __future__ import annotations

from collections.abc import Sequence
from string import ascii_uppercase
from typing import Annotated

import typer
from rich.text import Text

from ..client import Client
from ..comparison import Comparison
from ..pictures import Line, line_of, panel_of
from ..pictures.terminal import drawn
from ..types import ComparedJob
from .command import Output
from .inputs import find_job
from .output import (
    accuracy_of,
    canvas,
    duration,
    number,
    out,
    percent,
    print_picture,
    print_table,
)

VALIDATION, TRAINED = "validation_loss", "train_loss"


def compare(
    client: Client,
    jobs: Annotated[
        list[str],
        typer.Argument(metavar="JOB JOB …", help="Two to ten ids, their ends, or `last`."),
    ],
    metric: Annotated[
        str | None,
        typer.Option(help="Metric to draw. Default: the validation loss if all jobs have one."),
    ] = None,
) -> Output:
    """Draw jobs in one picture, and list the differences between their specs.

    A fork of another job in the picture starts at the epoch of the fork.
    """
    ids = [find_job(client, job).id for job in jobs]
    metrics = [metric] if metric else [TRAINED, VALIDATION]
    comparison = client.jobs.compare(*ids, metrics=metrics)  # type: ignore[arg-type]
    yield comparison
    shown = metric or (
        VALIDATION if all(VALIDATION in job.curve for job in comparison.jobs) else TRAINED
    )
    lines = _lines(comparison, shown)
    if any(len(line.values) for line in lines):
        last = max(int(line.epochs[-1]) for line in lines if len(line.epochs))
        print_picture(drawn(panel_of(shown, lines, last), **canvas()) + "\n")
    _print_ends(comparison.jobs)
    if comparison.differences:
        out.print()
        names = ascii_uppercase[: len(ids)]
        print_table(
            ("DIFFERENCE", *names),
            [(row.path, *map(_shown, row.values)) for row in comparison.differences],
        )
    else:
        out.print("\nTheir specs are the same.")


def _shown(value: str) -> str:
    """Return a JSON value of a spec for people: text without quotes, a dash if absent."""
    return value.strip('"') or "–"


def titles(jobs: Sequence[ComparedJob]) -> list[str]:
    """Return the names of the jobs, or their ids unless all names differ."""
    names = [job.name or job.id for job in jobs]
    return names if len(set(names)) == len(names) else [job.id for job in jobs]


def starts(jobs: Sequence[ComparedJob]) -> list[int]:
    """Return the epoch of the picture after which each job starts: 0, or the epoch of its fork."""
    by_id = {job.id: job for job in jobs}

    def start(job: ComparedJob) -> int:
        parent = by_id.get(job.forked_from.job) if job.forked_from else None
        if job.forked_from is None or parent is None:
            return 0
        return start(parent) + job.forked_from.epoch

    return [start(job) for job in jobs]


def _lines(comparison: Comparison, metric: str) -> list[Line]:
    jobs = comparison.jobs
    return [
        line_of(job.curve, metric, name=title, mark=mark, after=after)
        for job, title, mark, after in zip(
            jobs, titles(jobs), ascii_uppercase, starts(jobs), strict=False
        )
        if metric in job.curve
    ]


def _print_ends(jobs: Sequence[ComparedJob]) -> None:
    print_table(
        ("", "JOB", "STATE", ">EPOCHS", ">LOSS", ">BEST", ">AT", ">ACCURACY", ">TIME"),
        [
            (
                Text(mark, style="bold"),
                title,
                job.state if job.stop_reason in (None, "completed") else str(job.stop_reason),
                f"{job.epochs:,}",
                number(job.latest.train_loss if job.latest else None),
                number(job.best.value if job.best else None),
                f"{job.best.epoch:,}" if job.best else "–",
                percent(accuracy_of(job.latest)),
                "–" if job.seconds is None else duration(job.seconds),
            )
            for mark, title, job in zip(ascii_uppercase, titles(jobs), jobs, strict=False)
        ],
    )
