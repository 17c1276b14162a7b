"""`epochal experiment`: create an experiment, watch its jobs, print its claims."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from typing import Annotated

import typer
from rich.progress import BarColumn, Progress, TextColumn
from rich.text import Text

from ..client import Client
from ..experiments import Experiment
from ..following import TERMINAL
from ..types import Claim, ClaimRun, ExperimentJob
from .inputs import DetachOption, JsonOption, read_experiment
from .output import (
    Columns,
    accuracy_of,
    duration,
    err,
    number,
    out,
    percent,
    print_json,
    print_rows,
    seconds_between,
)

_STYLES = {
    "met": "green",
    "missed": "red",
    "unknown": "yellow",
    "pending": "",
    "accepted": "green",
    "inexact": "yellow",
    "refused": "red",
}


def experiment(
    client: Client,
    spec: Annotated[
        str,
        typer.Argument(
            metavar="SPEC",
            help="A JSON file, `-` for standard input, a preset such as xor-1969, or the id of an "
            "experiment to watch.",
        ),
    ],
    seeds: Annotated[
        str | None,
        typer.Option(metavar="LIST", help="Seeds of the runs, e.g. 0,1,2. Instead of the spec's."),
    ] = None,
    detach: DetachOption = False,
    as_json: JsonOption = False,
) -> None:
    """Train the jobs of an experiment, and check its claims.

    The exit code is 0 if all jobs have succeeded and all claims are met. Ctrl-C stops watching, not
    the experiment.
    """
    if spec.startswith("exp_"):
        made = client.experiments.get(spec)
    else:
        body = read_experiment(spec, client)
        if seeds is not None:
            body["seeds"] = _seeds(seeds)
        made = client.experiments.create(body)
    if detach:
        print_json(made.data) if as_json else out.print(made.id)
    else:
        follow(made, as_json=as_json)


def _count(items: Sequence[object], noun: str) -> str:
    return f"{len(items)} {noun}" + "s" * (len(items) != 1)


def follow(made: Experiment, *, as_json: bool) -> None:
    """Watch the experiment and print its claims. Exit with code 1 unless all are met, and a proof
    is accepted; with 5 if it is inexact.
    """
    if not as_json:
        err.print(f"{made.id} · {_count(made.jobs, 'job')} · {_count(made.claims, 'claim')}")
    _watch(made, quiet=as_json)
    if as_json:
        print_json(made.data)
    else:
        _print(made)
    if made.state != "succeeded" or any(claim.outcome != "met" for claim in made.claims):
        raise typer.Exit(1)
    if made.proof is not None and made.proof.verdict != "accepted":
        raise typer.Exit(5 if made.proof.verdict == "inexact" else 1)


def _seeds(text: str) -> list[int]:
    try:
        return [int(part) for part in text.split(",")]
    except ValueError:
        raise typer.BadParameter(f"{text!r} must be a list of integers such as 0,1,2") from None


def _watch(made: Experiment, *, quiet: bool) -> None:
    """Show the progress of all jobs together until they have ended."""
    if quiet or not err.is_terminal:
        made.wait()
        return
    columns = TextColumn("{task.description}"), BarColumn(), TextColumn("{task.percentage:>3.0f} %")
    with Progress(*columns, console=err, transient=True) as progress:
        task = progress.add_task("", total=1.0)
        for current in made.watch():
            ended = sum(job.state in TERMINAL for job in current.jobs)
            text = f"{ended} of {len(current.jobs)} jobs have ended"
            progress.update(task, completed=_completed(current.jobs), description=text)


def _completed(jobs: tuple[ExperimentJob, ...]) -> float:
    """Return the share of all epochs that are trained; epochs of ended jobs count as trained."""
    trained = sum(job.epochs if job.state in TERMINAL else job.epoch for job in jobs)
    return trained / max(1, sum(job.epochs for job in jobs))


def _print(made: Experiment) -> None:
    print_rows(made.jobs, _JOB_COLUMNS)
    if made.claims:
        out.print()
        print_rows(made.claims, _CLAIM_COLUMNS)
    if made.proof is not None:
        style = _STYLES[made.proof.verdict]
        out.print(Text.assemble("\n", (made.proof.verdict, style), f": {made.proof.detail}"))
    seconds = seconds_between(made.created_at, made.finished_at)
    took = f" in {duration(seconds)}" if made.finished_at is not None and seconds else ""
    out.print(f"{made.id} {made.state}{took}", soft_wrap=True)
    sys.stdout.flush()


def _state(job: ExperimentJob) -> str:
    reason = "" if job.stop_reason in (None, "completed") else f": {job.stop_reason}"
    return f"{job.state}{reason}".replace("_", " ")


def _value(run: ClaimRun) -> str:
    """Return the value of a run, for a difference with both numbers."""
    if run.value is None:
        return run.detail or run.outcome
    if run.minus_value is None:
        return number(run.value)
    return f"{number(run.value)} ({number(run.job_value)} − {number(run.minus_value)})"


_JOB_COLUMNS: Columns[ExperimentJob] = {
    "<JOB": lambda job: job.job,
    ">SEED": lambda job: str(job.seed),
    "<STATE": _state,
    ">EPOCHS": lambda job: f"{job.epoch:,}",
    ">LOSS": lambda job: number(job.latest.train_loss if job.latest else None),
    ">ACCURACY": lambda job: percent(accuracy_of(job.latest)),
    ">PARAMETERS": lambda job: f"{job.parameters:,}",
    "<ID": lambda job: job.id,
}
_CLAIM_COLUMNS: Columns[Claim] = {
    "<CLAIM": lambda claim: claim.text,
    ">MET": lambda claim: f"{claim.met} of {len(claim.runs)}",
    "<OUTCOME": lambda claim: Text(claim.outcome, _STYLES[claim.outcome]),
    "VALUES": lambda claim: "  ".join(map(_value, claim.runs)),
}
