"""`epochal compare`: curves on one pair of axes, and what was asked for differently."""

from __future__ import annotations

import sys
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
from .inputs import JsonOption, UrlOption, find_job
from .output import duration, number, out, percent, print_json, print_table

HELD_OUT, TRAINED = "validation_loss", "train_loss"


def compare(
    jobs: Annotated[
        list[str],
        typer.Argument(metavar="JOB JOB …", help="Two to ten ids, their ends, or `last`."),
    ],
    metric: Annotated[
        str | None, typer.Option(help="What to draw; the held-out loss where all have one.")
    ] = None,
    url: UrlOption = None,
    as_json: JsonOption = False,
) -> None:
    """Draw jobs in one picture, and list what differs between their specs.

    A fork of another job in the picture begins where it left that one.
    """
    with Client(url) as client:
        found = [find_job(client, job).id for job in jobs]
        metrics = [metric] if metric else [TRAINED, HELD_OUT]
        comparison = client.jobs.compare(*found, metrics=metrics)  # type: ignore[arg-type]
    if as_json:
        print_json(comparison)
        return
    shown = metric or (
        HELD_OUT if all(HELD_OUT in job.curve for job in comparison.jobs) else TRAINED
    )
    lines = _lines(comparison, shown)
    if any(len(line.values) for line in lines):
        width = min(out.width, 100) if out.is_terminal else 80
        color = out.is_terminal and not out.no_color
        last = max(int(line.epochs[-1]) for line in lines if len(line.epochs))
        sys.stdout.write(drawn(panel_of(shown, lines, last), width=width, color=color) + "\n")
        sys.stdout.flush()
    _print_ends(comparison.jobs)
    if comparison.differences:
        out.print()
        names = ascii_uppercase[: len(found)]
        print_table(
            ("DIFFERENCE", *names),
            [(one.path, *map(_told, one.values)) for one in comparison.differences],
        )
    else:
        out.print("\nTheir specs are the same.")


def _told(value: str) -> str:
    """A value of a spec for people: a text without its quotation marks, a dash for nothing."""
    return value.strip('"') or "–"


def titles(jobs: Sequence[ComparedJob]) -> list[str]:
    """What the jobs are called, or their ids where that would not tell them apart."""
    names = [job.name or job.id for job in jobs]
    return names if len(set(names)) == len(names) else [job.id for job in jobs]


def starts(jobs: Sequence[ComparedJob]) -> list[int]:
    """After which epoch of the picture each job begins: a fork of another one where it left it."""
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
    accuracies = [
        None
        if job.latest is None
        else job.latest.train_accuracy
        if job.latest.validation_accuracy is None
        else job.latest.validation_accuracy
        for job in jobs
    ]
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
                percent(accuracy),
                "–" if job.seconds is None else duration(job.seconds),
            )
            for mark, title, job, accuracy in zip(
                ascii_uppercase, titles(jobs), jobs, accuracies, strict=False
            )
        ],
    )
