"""`epochal train` and `epochal watch`: submit a job, watch it, summarize it."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from select import select
from typing import Annotated, Any

import typer
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    ProgressColumn,
    Task,
    TaskID,
    TextColumn,
)
from rich.table import Column
from rich.text import Text

from ..client import Client
from ..curves import Curve
from ..deferred import np
from ..errors import Conflict
from ..events import SnapshotEvent, StateEvent
from ..following import follow, follow_jobs
from ..jobs import Job
from ..pictures.terminal import picture
from ..specs import repeated, spec_after
from ..types import Gaps
from .inputs import (
    DetachOption,
    EpochsOption,
    JsonOption,
    SeedOption,
    changed_fields,
    find_checkpoint,
    find_epoch,
    find_job,
    names,
    pairs,
    read_spec,
    replace,
    set_field,
)
from .material import describe
from .output import (
    brief_figures,
    canvas,
    err,
    out,
    print_json,
    print_picture,
    summary,
)

LOSSES = ("train_loss", "validation_loss")
# Endings of the names of files to train on.
TABLES = (".csv", ".tsv", ".parquet")
FILES = (*TABLES, ".txt", ".jsonl", ".zip", ".npz")
INTERRUPTED = 130
NOT_SUCCEEDED = 1
CHECK_SECONDS = 0.2  # between two looks for an interrupt


def train(
    client: Client,
    spec: Annotated[
        str | None,
        typer.Argument(
            metavar="SPEC|FILE",
            help="A JSON file, `-` for standard input, a preset, or SWEEP@MEMBER for a member of a "
            "sweep; or a CSV (or .txt, .jsonl, .npz, .zip, .parquet), the name of a built-in data "
            "set or the id of another, to train on with suggested settings. "
            "Default with --from: that job's spec.",
        ),
    ] = None,
    target: Annotated[
        str | None,
        typer.Option(metavar="COLUMN", help="With a CSV: column to predict. Default: the last."),
    ] = None,
    changes: Annotated[
        list[str] | None,
        typer.Option("--set", metavar="PATH=VALUE", help="E.g. optimizer.learning_rate=0.1"),
    ] = None,
    epochs: EpochsOption = None,
    seed: SeedOption = None,
    label: Annotated[
        list[str] | None, typer.Option(metavar="KEY=VALUE", help="A label of the job.")
    ] = None,
    name: Annotated[str | None, typer.Option(help="Display name of the job.")] = None,
    priority: Annotated[
        int | None, typer.Option(help="Of your queued jobs, the highest starts first: -10 to 10.")
    ] = None,
    ttl: Annotated[
        int | None,
        typer.Option(min=0, help="Seconds from the job's end to its deletion; 0: never."),
    ] = None,
    webhook: Annotated[
        list[str] | None,
        typer.Option(
            metavar="URL",
            help="Where to send the outcome, signed with EPOCHAL_WEBHOOK_SECRET. Repeatable.",
        ),
    ] = None,
    begin: Annotated[
        str | None,
        typer.Option(
            "--from",
            metavar="JOB[@EPOCH]",
            help="Start from the weights of a job, by default its latest.",
        ),
    ] = None,
    layers: Annotated[
        str | None,
        typer.Option(
            metavar="LIST",
            help="With --from: take only these layers, e.g. embedding_1,block_1. The others start "
            "from new weights.",
        ),
    ] = None,
    keep_state: Annotated[
        bool,
        typer.Option(
            "--keep-state",
            help="With --from: the optimizer and the random numbers continue, too. The job repeats "
            "the other one up to any epoch, and --set and --epochs take effect after it.",
        ),
    ] = False,
    freeze: Annotated[
        str | None,
        typer.Option(metavar="LIST", help="Layers that training does not change, e.g. embedding_1"),
    ] = None,
    detach: DetachOption = False,
    as_json: JsonOption = False,
) -> None:
    """Train a network and watch it learn.

    Ctrl-C stops watching, not the training: you can detach, cancel the job, or keep watching. A
    second Ctrl-C cancels the job.
    """
    if spec is None and begin is None:
        raise typer.BadParameter("give a SPEC, or --from JOB@EPOCH")
    file = Path(spec) if spec and Path(spec).suffix.lower() in FILES else None
    if layers is not None and begin is None:
        raise typer.BadParameter("--layers needs --from: the job whose layers to take")
    if keep_state and (begin is None or spec or layers is not None or freeze is not None):
        raise typer.BadParameter("--keep-state needs --from JOB@EPOCH, and no other start")
    if target is not None and file is None:
        raise typer.BadParameter("--target needs a CSV file")
    if file is not None or (spec or "").startswith("data_"):
        body = _suggest(client, file or str(spec), target, quiet=as_json or detach)
    else:
        body = {} if spec is None else read_spec(spec, client)
    if begin is not None and keep_state:
        parent, epoch = find_epoch(client, begin)
        change = changed_fields(spec_after(parent.spec, epoch), changes or (), epochs)
        body, changes, epochs = repeated(parent.spec, epoch, change), None, None
    elif begin is not None:
        parent, epoch = find_checkpoint(client, begin)
        body = body or spec_after({**parent.spec, "name": None}, epoch)
        resize = any(assignment.startswith("network.") for assignment in changes or ())
        body["initial_weights"] = {"job": parent.id, "epoch": epoch, "resize": resize}
        if layers is not None:
            del body["initial_weights"]["resize"]
            body["initial_weights"]["layers"] = names(layers, "--layers")
    if freeze is not None:
        body["freeze"] = names(freeze, "--freeze")
    for assignment in changes or ():
        set_field(body, assignment)
    replace(body, epochs=epochs, seed=seed, name=name, priority=priority, ttl_seconds=ttl)
    if label:
        body["labels"] = {**body.get("labels", {}), **pairs(label)}
    if webhook:
        secret = os.environ.get("EPOCHAL_WEBHOOK_SECRET")
        body["webhooks"] = [{"url": receiver, "secret": secret} for receiver in webhook]
    job = client.jobs.create(body)
    if detach:
        print_json(job.data) if as_json else out.print(job.id)
        return
    if not as_json:
        err.print(f"{job.id} · {job.parameters:,} parameters · {job.samples:,} samples")
    _watch(job, quiet=as_json)
    _summarize(job, as_json, file)


def _suggest(
    client: Client, source: Path | str, target: str | None, *, quiet: bool
) -> dict[str, Any]:
    """Return the spec that the service suggests for a file, which is stored, or for a data set.

    Print the data set and the reasons unless `quiet`.
    """
    if isinstance(source, Path) and not source.is_file():
        raise typer.BadParameter(f"{source} does not exist or is not a file")
    if isinstance(source, Path):
        missing: Gaps = "auto" if source.suffix.lower() in TABLES else "error"
        dataset = client.datasets.upload(source, target=target, missing=missing)
    else:
        dataset = client.datasets.get(source)
    suggestion = client.datasets.suggest(dataset)
    if not quiet:
        for line in describe(dataset):
            err.print(line, markup=False, soft_wrap=True)
        for reason in suggestion.reasons:
            err.print(Text.assemble((f"{reason.field} ", "bold"), reason.value or "not set"))
            err.print(Text(f"  {reason.reason}", style="dim"), soft_wrap=True)
    return suggestion.spec


def watch(
    client: Client,
    jobs: Annotated[
        list[str] | None,
        typer.Argument(metavar="JOB", help="Ids, their beginnings or ends, or `last`."),
    ] = None,
    label: Annotated[
        str | None,
        typer.Option(help="Watch the jobs with this label that are not over, and later ones."),
    ] = None,
    after: Annotated[
        int | None,
        typer.Option(min=0, help="With --json and one job: print only events after this seq."),
    ] = None,
    as_json: Annotated[
        bool, typer.Option("--json", help="Print each event as one line of JSON.")
    ] = False,
) -> None:
    """Watch a job, or several over one connection, until they are over."""
    if label is not None or len(jobs or ()) != 1:
        if bool(jobs) == (label is not None) or after is not None:
            raise typer.BadParameter("name jobs or a --label; --after is for one job")
        _watch_several(client, [find_job(client, job) for job in jobs or ()], label, as_json)
        return
    assert jobs is not None
    watched = find_job(client, jobs[0])
    if as_json:
        for frame in follow(client._session, watched.id, after):
            print_json(frame, lines=True)
        watched.refresh()
        raise typer.Exit(0 if watched.state == "succeeded" else NOT_SUCCEEDED)
    _watch(watched, quiet=False)
    _summarize(watched, as_json)


class _Speed(ProgressColumn):
    """Recent epochs per second."""

    def render(self, task: Task) -> Text:
        return Text(f"{task.speed:,.0f} epochs/s" if task.speed else "")


def _progress(*, shown: bool) -> Progress:
    columns = (
        TextColumn("{task.description}", table_column=Column(no_wrap=True)),
        BarColumn(bar_width=16),
        MofNCompleteColumn(table_column=Column(no_wrap=True)),
        _Speed(table_column=Column(no_wrap=True)),
        TextColumn("{task.fields[figures]}", table_column=Column(no_wrap=True)),
    )
    return Progress(*columns, console=err, transient=True, disable=not shown)


def _watch_several(client: Client, jobs: list[Job], label: str | None, as_json: bool) -> None:
    """Watch jobs to their ends, with a progress bar for each; those with a label until an
    interrupt. Exit with status 1 unless all succeeded.
    """
    if as_json:
        for frame in follow_jobs(client._session, [job.id for job in jobs], label):
            print_json(frame, lines=True)
        over = [job.refresh().state for job in jobs]
        raise typer.Exit(0 if {*over} <= {"succeeded"} else NOT_SUCCEEDED)
    tasks: dict[str, TaskID] = {}
    try:
        with _progress(shown=err.is_terminal) as progress:
            for job, event in client.jobs.watch(*jobs, label=label):
                text = f"{job.name or job.id[-12:]} {job.state}"
                if job.id not in tasks:
                    tasks[job.id] = progress.add_task(text, total=job.total_epochs, figures="")
                figures = brief_figures(job.latest)
                progress.update(
                    tasks[job.id], description=text, completed=job.epoch, figures=figures
                )
                if event.type in ("end", "left"):
                    outcome = job.outcome if event.type == "end" else "left: it was deleted"
                    out.print(f"{job.id} {outcome} {figures}", soft_wrap=True, highlight=False)
                    progress.remove_task(tasks.pop(job.id))
    except KeyboardInterrupt:
        err.print("\nDetached. The jobs continue.")
        raise typer.Exit(INTERRUPTED) from None
    if not all(job.state == "succeeded" for job in jobs):
        raise typer.Exit(NOT_SUCCEEDED)


def _watch(job: Job, *, quiet: bool) -> None:
    """Watch a job to its end, with a progress bar on a terminal, else a line for each state."""
    shown = err.is_terminal and not quiet
    while True:
        try:
            with _progress(shown=shown) as progress:
                task = progress.add_task(job.state, total=job.total_epochs, figures="")
                for event in job.watch():
                    progress.update(
                        task,
                        description=job.state,
                        completed=job.epoch,
                        figures=brief_figures(job.latest),
                    )
                    if isinstance(event, StateEvent | SnapshotEvent) and not shown and not quiet:
                        err.print(f"{job.id} {job.state}")
            job.refresh()
            return
        except KeyboardInterrupt:
            if not _keep_watching(job):
                raise typer.Exit(INTERRUPTED) from None


def _keep_watching(job: Job) -> bool:
    """Ask what to do after an interrupt; return whether to keep watching."""
    choice = "d"
    if sys.stdin.isatty() and err.is_terminal:
        try:
            err.print(f"\n{job.id} continues without you.")
            err.print(r"\[d]etach, \[c]ancel it, or \[k]eep watching? (d) ", end="")
            choice = _read_choice().strip().lower() or "d"
        except KeyboardInterrupt:
            choice = "c"
        except EOFError:
            choice = "d"
    if choice.startswith("k"):
        return True
    if choice.startswith("c"):
        try:
            job.cancel()
            err.print(f"\n{job.id} {job.state}")
        except Conflict as over:
            err.print(f"\n{over}")
        return False
    err.print(
        f"\nDetached. The job continues.\n  epochal watch {job.id}\n  epochal cancel {job.id}"
    )
    return False


def _read_choice() -> str:
    """Return a line of standard input, a terminal. Raises KeyboardInterrupt, EOFError.

    An interrupt that arrives just before a blocking read is noticed only when the read returns, so
    the read begins once there is something to read.
    """
    if os.name == "posix":
        while not select([sys.stdin], [], [], CHECK_SECONDS)[0]:
            pass
    return input()


def _summarize(job: Job, as_json: bool, file: Path | None = None) -> None:
    """Print the curve and a summary, and after training on a `file` how to predict.

    Exit with status 1 unless the job succeeded.
    """
    if as_json:
        print_json(job.data)
    else:
        if job.epoch:
            print_picture(picture(job.curve(), LOSSES, height=14, **canvas()) + "\n")
        out.print(summary(job), soft_wrap=True)
        proof = job.baselines.separability if job.baselines else None
        if proof is not None and not proof.separable:
            out.print(f"{proof.text}.", soft_wrap=True, highlight=False)
        if file is not None and job.epoch:
            out.print(_against_baselines(job.curve()), soft_wrap=True)
            if file.suffix.lower() in TABLES:
                out.print(f"Predict: epochal predict {job.id} --csv {file}", soft_wrap=True)
    if job.state != "succeeded":
        raise typer.Exit(NOT_SUCCEEDED)


def _against_baselines(curve: Curve) -> str:
    """Return the lowest loss of a curve and the losses of its baselines in one line."""
    metric = "validation_loss" if "validation_loss" in curve else "train_loss"
    losses = {"this network": float(np.nanmin(curve[metric])), **curve.baselines}
    texts = [f"{name} {loss:.4g}" for name, loss in losses.items()]
    line = f"Lowest {metric.replace('_', ' ')}: {', '.join(texts)}"
    if metric == "train_loss":
        line += ". No samples are left for validation: this says nothing about new samples."
    return line
