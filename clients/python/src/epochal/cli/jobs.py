"""Commands on existing jobs."""

from __future__ import annotations

import csv
import json
import sys
from base64 import b64encode
from collections.abc import Iterator, Sequence
from datetime import datetime
from itertools import islice
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.text import Text

from ..arrays import Floats, Ints
from ..client import Client
from ..curves import DRAWN
from ..errors import NotFound
from ..jobs import Job, Verification
from ..paging import pages
from ..pictures.terminal import picture
from ..records import plain
from ..specs import spec_after
from ..sweeps import Sweep
from ..types import (
    AugmentationDraws,
    BatchJobs,
    CorruptionDraws,
    Delivery,
    ForkedFrom,
    Label,
    MaskDraws,
)
from .command import Output
from .inputs import (
    EpochOption,
    EpochsOption,
    FilterOption,
    JobArgument,
    JobOrFilterArgument,
    JobOrSweepArgument,
    JsonOption,
    OutputOption,
    changed_fields,
    confirm,
    find_handle,
    find_job,
    pairs,
    read_inputs,
)
from .output import (
    Columns,
    accuracy_of,
    ago,
    brief_id,
    canvas,
    err,
    number,
    out,
    outcome_text,
    percent,
    print_json,
    print_pairs,
    print_picture,
    print_rows,
    print_table,
    summary,
)

_ALL_COLUMNS_WIDTH = 80
_NUMBERS_SHOWN = 12
_DIFFERENCES_SHOWN = 20
_IN_PART = 5
"""The exit code of a verification in part."""
_DELIVERY_STYLES = {"delivered": "green", "failed": "red"}


def jobs(
    client: Client,
    states: Annotated[
        list[str] | None, typer.Option("--state", help="Only jobs in this state. Repeatable.")
    ] = None,
    label: Annotated[
        str | None, typer.Option(metavar="KEY[=VALUE]", help="Only jobs with this label.")
    ] = None,
    owner: Annotated[
        str | None, typer.Option(help="Only jobs of this owner, such as a pupil of your class.")
    ] = None,
    query: Annotated[
        str | None, typer.Option(help="Only jobs with this text in name, labels, data set or id.")
    ] = None,
    filter: FilterOption = None,
    order_by: Annotated[
        str | None, typer.Option("--order", metavar="FIELDS", help="E.g. 'best.value, epoch desc'.")
    ] = None,
    columns: Annotated[
        str | None,
        typer.Option(metavar="FIELDS", help="E.g. 'name,spec.optimizer.type,best.value'."),
    ] = None,
    format: Annotated[
        str,
        typer.Option("--format", "-o", metavar="FORMAT", help="table, csv, json or name (ids)."),
    ] = "table",
    limit: Annotated[int, typer.Option(min=1, help="Number of jobs.")] = 20,
    as_json: JsonOption = False,
) -> Output:
    """List jobs, newest first or in another order; with --columns any settings and results."""
    if format not in ("table", "csv", "json", "name"):
        raise typer.BadParameter(
            f"must be table, csv, json or name; got {format}", param_hint="--format"
        )
    fields: dict[str, Any] = {
        "filter": filter,
        "order_by": order_by,
        "states": states or None,
        "label": label,
        "owner": owner,
        "query": query,
    }
    if columns or format in ("csv", "name"):
        chosen = columns.split(",") if columns else _CSV_COLUMNS if format == "csv" else ("id",)
        given = {name: value for name, value in fields.items() if value is not None}
        table = client.jobs.columns(*map(str.strip, chosen), limit=limit, **given)
        names = ["id", *(name for name in table if name != "id")]
        lines = [[*map(_cell, row)] for row in zip(*(table[name] for name in names), strict=True)]
        selected = {"jobs": [dict(zip(names, line, strict=True)) for line in lines]}
        yield selected
        _print_columns(format, names, lines, selected)
        return
    fields["page_size"] = min(limit, 1000)
    # The table shows no baselines. They have arrays, and NumPy takes 0.1 s to import.
    unused = {} if as_json or format == "json" else {"baselines": None}
    rows = [
        Job({**row, **unused}, client._session)
        for row in islice(pages(client._session, "ListJobs", "jobs", fields), limit)
    ]
    document = {"jobs": [job.data for job in rows]}
    yield document
    if format == "json":
        print_json(document)
        return
    if not rows:
        filtered = states or label or owner or query or filter
        out.print("No job matches." if filtered else "No job yet. Start one: epochal train xor")
        return
    several = len({job.owner for job in rows}) > 1
    first: Columns[Job] = {"<OWNER": lambda job: job.owner} if several else {}
    last = _OTHER_COLUMNS if out.width >= _ALL_COLUMNS_WIDTH else {}
    print_rows(rows, {**first, **_FIRST_COLUMNS, **last})


_CSV_COLUMNS = ("name", "state", "epoch", "latest.train_loss", "best.value", "created_at")


def _cell(value: Any) -> Any:
    """Return a value of a column: None where a job has none, and counts as whole numbers."""
    if isinstance(value, float) and value.is_integer():
        return int(value)
    return plain(value) if value == value and value != "" else None


def _print_columns(
    format: str, names: Sequence[str], lines: Sequence[Sequence[Any]], document: Any
) -> None:
    if format == "json":
        print_json(document)
    elif format == "name":
        sys.stdout.write("".join(f"{line[0]}\n" for line in lines))
    elif format == "csv":
        csv.writer(sys.stdout, lineterminator="\n").writerows([names, *lines])
    else:
        numeric = [
            any(isinstance(line[i], int | float) for line in lines) for i in range(len(names))
        ]
        shown = [
            [number(cell) if n else str(cell or "–") for cell, n in zip(line, numeric, strict=True)]
            for line in lines
        ]
        heads = [f">{name}" if n else name for name, n in zip(names, numeric, strict=True)]
        print_table(["<id", *heads[1:]], shown)


_FIRST_COLUMNS: Columns[Job] = {
    "<JOB": lambda job: brief_id(job.id),
    "STATE": outcome_text,
    ">EPOCH": lambda job: f"{job.epoch:,}/{job.total_epochs:,}",
    ">LOSS": lambda job: number(job.latest.train_loss if job.latest else None),
}
_OTHER_COLUMNS: Columns[Job] = {
    ">ACCURACY": lambda job: percent(accuracy_of(job.latest)),
    "NAME AND LABELS": lambda job: _named(job),
    "CREATED": lambda job: ago(job.created_at),
}


def _named(handle: Job | Sweep) -> str:
    """Return the name and the labels in one line."""
    labels = (f"{key}={value}" for key, value in handle.labels.items())
    return " ".join([*filter(None, [handle.name]), *labels])


def show(client: Client, job: JobArgument) -> Output:
    """Show the spec, state and diagnosis of a job."""
    handle = find_job(client, job)
    checkpoints = handle.checkpoints()
    try:
        diagnosis, unknown = handle.diagnosis(), ""
    except NotFound as error:  # its data set was deleted; the job itself can be shown
        diagnosis, unknown = None, error.detail
    yield {**plain(handle.data), "diagnosis": diagnosis}
    spec = handle.spec
    out.print(summary(handle), soft_wrap=True)
    print_pairs(
        (
            ("name", handle.name or ""),
            ("owner", handle.owner),
            ("forked from", _describe_fork(handle.forked_from)),
            ("network", describe_network(spec["network"])),
            ("data", _describe_dataset(spec["dataset"])),
            ("loss", spec["loss"]),
            ("optimizer", _describe(spec.get("optimizer", {}))),
            ("schedule", _describe(spec.get("schedule", {}))),
            ("epochs", f"{handle.epoch:,} of {handle.total_epochs:,}"),
            ("batch size", f"{spec.get('batch_size', '')}"),
            ("changes", "; ".join(_describe_changes(spec))),
            ("samples", f"{handle.samples:,} to train on"),
            ("parameters", f"{handle.parameters:,}"),
            ("seed", f"{spec.get('seed', '')}"),
            ("labels", " ".join(f"{k}={v}" for k, v in handle.labels.items())),
            ("checkpoints", _describe_checkpoints([stored.epoch for stored in checkpoints])),
            ("learning", unknown or _describe_label(diagnosis.label if diagnosis else None)),
            ("attempts", f"{handle.attempt}" if handle.attempt > 1 else ""),
            ("created", _describe_time(handle.created_at)),
            ("expires", _describe_time(handle.expires_at)),
        )
    )

    for finding in diagnosis.findings if diagnosis else ():
        out.print(Text.assemble((f"\n{finding.kind.replace('_', ' ')}", "bold yellow")))
        text = finding.message
        if finding.suggestion:
            text += f"\n{finding.suggestion}\nTried: {finding.trial}."
        out.print(text, soft_wrap=True, markup=False)
    if diagnosis and diagnosis.trial:
        out.print(f"\nAll these changes together: {diagnosis.trial}.", soft_wrap=True)


def _describe_time(time: datetime | None) -> str:
    return f"{time:%Y-%m-%d %H:%M:%S} UTC" if time else ""


def export(
    client: Client,
    job: JobArgument,
    format: Annotated[
        str,
        typer.Option(
            help="numpy, pytorch, safetensors or onnx; training_numpy or training_pytorch; "
            "html; proof, for `epochal submit`.",
            metavar="FORMAT",
        ),
    ] = "numpy",
    output: OutputOption = None,
    epoch: EpochOption = None,
    as_json: JsonOption = False,
) -> None:
    """Write the trained network, or its training, as a file that works without the service.

    With --json, print what was written, with the content as base64 unless it went to a file.
    """
    handle = find_job(client, job)
    content = handle.export(format, epoch=epoch)  # type: ignore[arg-type]
    if output is not None:
        output.write_bytes(content)
    if as_json:
        where = {"file": str(output)} if output else {"content": b64encode(content).decode()}
        print_json({"job": handle.id, "format": format, "size_bytes": len(content), **where})
    elif output is None:
        sys.stdout.buffer.write(content)
        sys.stdout.flush()


def verify(
    client: Client,
    job: JobArgument,
    library: Annotated[
        str, typer.Option("--format", help="numpy or pytorch: what repeats the training.")
    ] = "numpy",
    data: Annotated[
        str | None,
        typer.Option(
            help="Compare the data, too: with this CSV or .npz file, or with `generated` ones.",
            metavar="FILE",
        ),
    ] = None,
    as_json: JsonOption = False,
) -> None:
    """Repeat the training of a job on this machine, and compare every epoch.

    Needs nothing of the service but the program that it exports. Exit code 0: every metric,
    gradient and weight in the table agrees within tolerance; 1: something does not; 5: what was
    compared does, but not everything was. With --data, the rows of your file are encoded, split
    by the seed, scaled and compared with the samples of the training.
    """
    if library not in ("numpy", "pytorch"):
        raise typer.BadParameter(f"{library!r} must be numpy or pytorch", param_hint="--format")
    handle = find_job(client, job)
    # Other commands of this module start without it.
    from rich.progress import (
        BarColumn,
        MofNCompleteColumn,
        Progress,
        TextColumn,
        TimeElapsedColumn,
        TimeRemainingColumn,
    )

    time = TimeElapsedColumn(), TextColumn("remaining"), TimeRemainingColumn()
    columns = TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), *time
    hidden = not err.is_terminal
    with Progress(*columns, console=err, transient=True, disable=hidden) as progress:
        task = progress.add_task("epochs repeated", total=handle.epoch)
        result = handle.verify(
            library,  # type: ignore[arg-type]
            data=data if data in (None, "generated") else Path(data),
            on_epoch=lambda epoch: progress.update(task, completed=epoch),
        )
    if as_json:
        print_json({"job": handle.id, "until": result.until, **plain(result)})
    else:
        print_rows(
            result.deviations,
            {
                "": lambda row: Text(row.name, style="" if row.agrees else "red"),
                ">compared": lambda row: f"{row.compared:,} of {row.total:,}",
                ">deviation": lambda row: Text(
                    f"{row.deviation:.1e}", style="" if row.agrees else "red"
                ),
                ">tolerance": lambda row: f"{row.tolerance:.1e}",
                ">at epoch": lambda row: "" if row.epoch is None else f"{row.epoch:,}",
            },
        )
        for name in result.noise:
            out.print(f"{name}: its gradient is made of rounding errors, and so is its tolerance")
        if data is not None:
            out.print(f"{result.data_compared:,} numbers of the data compared with {data}")
        for difference in result.data_differences[:_DIFFERENCES_SHOWN]:
            out.print(Text(difference, style="red"))
        out.print(_text_of(result))
    if result.verdict != "verified":
        raise typer.Exit(1 if result.verdict == "refuted" else _IN_PART)


def _text_of(result: Verification) -> Text:
    first = result.first_difference
    if result.data_differences:
        count = len(result.data_differences)
        text = f"refuted: {count:,} difference{'s' if count > 1 else ''} in the data"
        return Text(text, style="red")
    if first is not None:
        what = f"{first.name} {first.value}".strip()
        return Text(f"refuted: {what} differs, first in epoch {first.epoch:,}", style="red")
    if result.verdict == "verified":
        return Text("verified: all within tolerance", style="green")
    if result.omitted:
        text = f"partly verified: the weights of {result.omitted:,} checkpoints were not compared"
        return Text(text, style="yellow")
    why = result.ends or "rounding errors decide later numbers"
    return Text(f"partly verified, up to epoch {result.until:,}: {why}", style="yellow")


def evaluate(
    client: Client,
    job: JobArgument,
    split: Annotated[
        str | None,
        typer.Option(
            help="train, validation or test. Default: validation if there is one, else train.",
            metavar="PART",
        ),
    ] = None,
    epoch: EpochOption = None,
) -> Output:
    """Print precision, recall, F1 and ROC AUC of the classes, or RMSE, MAE and R² of numbers."""
    evaluation = find_job(client, job).evaluate(split=split, epoch=epoch)  # type: ignore[arg-type]
    yield evaluation
    out.print(Text(str(evaluation)))


def draws(
    client: Client,
    job: JobArgument,
    epoch: Annotated[
        int | None, typer.Option(help="A stored epoch. Default: the latest one.")
    ] = None,
    batch: Annotated[
        int | None,
        typer.Option(help="Position of a batch, from 0, whose masks and changes to print."),
    ] = None,
    layer: Annotated[
        str | None,
        typer.Option(help="A layer with dropout masks, or input for changes of samples."),
    ] = None,
) -> Output:
    """Print the random draws of an epoch: the order of the samples, dropout masks, changes.

    --json prints all numbers.
    """
    drawn = find_job(client, job).random_draws(epoch, batch=batch, layer=layer)
    yield drawn
    out.print(f"epoch {drawn.epoch:,}: {drawn.batches:,} batches of {drawn.batch_size:,}")
    rows = drawn.batch_rows if batch is None else [drawn.batch_rows[batch]]
    print_table(
        (">batch", "rows of the data set"),
        [(f"{number:,}", _start_of(part)) for number, part in enumerate(rows, batch or 0)],
    )
    named: list[tuple[str, MaskDraws | AugmentationDraws | CorruptionDraws]] = [
        (mask.layer, mask) for mask in drawn.masks
    ]
    named += [(change.type, change) for change in drawn.augmentation]
    if drawn.corruption is not None:
        named.append((drawn.corruption.type, drawn.corruption))
    for name, part in named:
        shape = " x ".join(map(str, part.shape))
        out.print(f"{name}, {shape}: {_start_of(part.values)}", soft_wrap=True)


def _start_of(values: Floats | Ints) -> str:
    """Return the first numbers of a list."""
    spelling = "d" if values.dtype.kind == "i" else ".4g"
    shown = " ".join(f"{value:{spelling}}" for value in values[:_NUMBERS_SHOWN])
    return f"{shown} …" if len(values) > _NUMBERS_SHOWN else shown


def _describe_label(label: Label | None) -> str:
    return label.name.replace("_", " ") if label else ""


def describe_network(network: dict[str, Any]) -> str:
    """Return e.g. `2 – dense 4 tanh – dense 1 sigmoid`, or the id of a saved network."""
    if "layers" not in network:
        return str(network.get("id", ""))
    shape = "x".join(str(size) for size in network["input_shape"])
    layers = [
        " ".join(str(layer[key]) for key in ("type", "units", "rate", "activation") if key in layer)
        for layer in network["layers"]
    ]
    return " – ".join([shape, *layers])


def _describe_dataset(dataset: dict[str, Any]) -> str:
    if "inputs" in dataset:
        return f"{len(dataset['inputs']):,} rows in the spec"
    keys = ("samples", "noise", "classes", "features", "length", "merges", "vocabulary", "seed")
    choices = {key: dataset[key] for key in keys if dataset.get(key)}
    if dataset.get("scaling", "none") != "none":
        choices["scaling"] = dataset["scaling"]
    words = [f"{key} {value}" for key, value in choices.items()]
    return ", ".join([str(dataset.get("name") or dataset.get("id")), *words])


def _describe_changes(spec: dict[str, Any]) -> Iterator[str]:
    changes = spec.get("changes") or ()
    for index, change in enumerate(changes):
        before = spec_after({**spec, "changes": changes[:index]})
        when = _moment(change["epoch"], change.get("step"))
        yield f"{when} {_describe_change(before, change['training'])}"


def _moment(epoch: int, step: int | None) -> str:
    return f"after step {step:,} of epoch {epoch + 1:,}" if step else f"after epoch {epoch:,}"


def _describe_change(before: dict[str, Any], training: dict[str, Any]) -> str:
    """Return the values that a change sets, without the values that stay."""
    words = []
    for name, value in training.items():
        if name in ("weights", "samples"):
            words.append(f"{name} {json.dumps(value if len(value) < 4 else len(value))}")
        elif name in before:
            words += _differences(before[name], value, name)
        else:
            words.append(f"{name} {json.dumps(value)}")
    return ", ".join(words) or "nothing, as it is so already"


def _differences(before: Any, after: Any, path: str) -> Iterator[str]:
    """Yield path and value of the fields that differ; a list of rows has its length."""
    if isinstance(after, dict):
        former = before if isinstance(before, dict) else {}
        for name, value in after.items():
            yield from _differences(former.get(name), value, f"{path}.{name}")
    elif isinstance(after, list) and after and isinstance(after[0], dict):
        previous = before if isinstance(before, list) else []
        for index, value in enumerate(after):
            same = previous[index] if index < len(previous) else None
            yield from _differences(same, value, f"{path}[{index}]")
    elif after != before:
        is_rows = isinstance(after, list) and after and isinstance(after[0], list)
        yield f"{path} {f'{len(after)} rows' if is_rows else json.dumps(after)}"


def _describe_fork(origin: ForkedFrom | None) -> str:
    return f"{origin.job}, epoch {origin.epoch:,}" if origin else ""


def _describe_checkpoints(epochs: Sequence[int]) -> str:
    if len(epochs) < 4:
        return ", ".join(f"epoch {epoch:,}" for epoch in epochs)
    return f"{len(epochs)}, from epoch {epochs[0]:,} to {epochs[-1]:,}"


def _describe(part: dict[str, Any]) -> str:
    rest = [f"{key} {value:g}" for key, value in part.items() if key != "type"]
    return ", ".join([str(part.get("type", "")), *rest])


def curve(
    client: Client,
    job: JobArgument,
    metric: Annotated[
        list[str] | None, typer.Option(help="E.g. gradient_norm. Default: losses and accuracies.")
    ] = None,
) -> Output:
    """Draw the curve of a job."""
    handle = find_job(client, job)
    drawn = handle.curve(metric or ())  # type: ignore[arg-type]
    series = [
        {"metric": name, "epochs": drawn.epochs[name], "values": values}
        for name, values in drawn.items()
    ]
    yield {"epochs": drawn.total_epochs, "series": series}
    if len(drawn):
        print_picture(picture(drawn, metric or DRAWN, **canvas()))
    else:
        out.print(f"{handle.id} {handle.state}: no epochs yet")


def change(
    client: Client,
    job: JobArgument,
    changes: Annotated[
        list[str] | None,
        typer.Option(
            "--set",
            metavar="PATH=VALUE",
            help="E.g. optimizer.learning_rate=0.003, or network.layers[0].activation=tanh",
        ),
    ] = None,
    epochs: EpochsOption = None,
    pace: Annotated[
        float | None,
        typer.Option(help="Epochs a second, for a run to watch; 0: as many as possible."),
    ] = None,
) -> Output:
    """Change the settings of a job while it trains.

    The spec of the job has the change from then on: the same spec repeats every bit.
    """
    if not changes and epochs is None and pace is None:
        raise typer.BadParameter("give at least one --set PATH=VALUE, --epochs or --pace")
    handle = find_job(client, job)
    before = spec_after(handle.spec)
    fields = changed_fields(before, changes or (), epochs)
    made = handle.change(pace=pace, **fields)
    yield made
    when = "as soon as it can" if made.epoch is None else _moment(made.epoch, made.step)
    if pace is not None:
        speed = f"at most {pace:g} epochs a second" if pace else "at full speed"
        out.print(f"{handle.id} trains {speed} {when}")
    if made.training:
        words = _describe_change(before, dict(made.training))
        out.print(f"{handle.id} changes {when}: {words}", soft_wrap=True)


def cancel(client: Client, job: JobOrFilterArgument = None, filter: FilterOption = None) -> Output:
    """Cancel a job or sweep, or the jobs that a filter matches. Their stored epochs stay."""
    if filter is None:
        yield from _state_of(find_handle(client, _required(job)).cancel())
    else:
        _check_absent(job)
        yield from _batch("cancelled", client.jobs.cancel(filter=filter))


def _required(job: str | None) -> str:
    if job is None:
        raise typer.BadParameter("give a job, or --filter")
    return job


def _check_absent(job: str | None) -> None:
    if job is not None:
        raise typer.BadParameter("give a job, or --filter, and not both")


def _batch(participle: str, outcome: BatchJobs) -> Output:
    """Print how many jobs were changed, and which were refused."""
    yield outcome
    count = len(outcome.ids)
    more = ". The filter matches further jobs: repeat the command" if outcome.has_more else ""
    out.print(f"{count:,} job{'' if count == 1 else 's'} {participle}{more}")
    for refused in outcome.refused:
        out.print(Text(f"{refused.id} {refused.detail}", style="yellow"), soft_wrap=True)


def pause(client: Client, job: JobArgument) -> Output:
    """Pause a job at its next epoch."""
    yield from _state_of(find_job(client, job).pause())


def resume(
    client: Client,
    job: JobArgument,
    epochs: Annotated[
        int | None, typer.Option(min=1, help="Pause again after so many epochs.")
    ] = None,
) -> Output:
    """Resume a paused job, bit for bit."""
    yield from _state_of(find_job(client, job).resume(epochs))


def _state_of(handle: Job | Sweep) -> Output:
    yield handle.data
    state = outcome_text(handle) if isinstance(handle, Job) else handle.state
    out.print(Text.assemble(handle.id, " ", state))


def deliveries(client: Client, job: JobOrSweepArgument) -> Output:
    """List what the webhooks of a job or sweep have sent, and the attempts."""
    handle = find_handle(client, job)
    rows = handle.deliveries()
    yield {"deliveries": rows}
    if not rows:
        reason = "It has no webhooks." if not handle.webhooks else "Nothing was sent yet."
        out.print(f"{handle.id} {handle.state}: {reason}")
        return
    print_rows(
        rows,
        {
            "URL": lambda row: row.url,
            "EVENT": lambda row: row.event,
            "STATE": lambda row: Text(row.state, style=_DELIVERY_STYLES.get(row.state, "")),
            ">ATTEMPTS": lambda row: f"{len(row.attempts):,}",
            "LAST REPLY": _last_reply,
            "NEXT ATTEMPT": lambda row: _describe_time(row.next_attempt_at),
        },
    )


def _last_reply(row: Delivery) -> str:
    if not row.attempts:
        return ""
    last = row.attempts[-1]
    return last.error or f"status {last.status}"


def rename(
    client: Client,
    job: JobOrSweepArgument,
    name: Annotated[str, typer.Argument(metavar="NAME", help="An empty text removes the name.")],
) -> Output:
    """Give a job or sweep another name."""
    yield from _name_of(find_handle(client, job).update(name=name))


def label(
    client: Client,
    job: JobOrFilterArgument = None,
    labels: Annotated[
        list[str] | None,
        typer.Argument(metavar="KEY=VALUE", help="Labels to add, or to give another value."),
    ] = None,
    remove: Annotated[
        list[str] | None, typer.Option(metavar="KEY", help="A label to remove. Repeatable.")
    ] = None,
    filter: FilterOption = None,
) -> Output:
    """Add, change or remove labels of a job or sweep, or print its name and labels.

    With --filter, change the labels of the jobs that it matches: all arguments are labels.
    """
    if filter is not None:
        changes = pairs([*([job] if job else []), *(labels or [])])
        outcome = client.jobs.update(filter=filter, labels=changes, remove_labels=remove or ())
        yield from _batch("labelled", outcome)
        return
    changes = pairs(labels or [])
    handle = find_handle(client, _required(job))
    if changes or remove:
        handle.update(labels=changes, remove_labels=remove or ())
    yield from _name_of(handle)


def _name_of(handle: Job | Sweep) -> Output:
    yield handle.data
    out.print(Text(f"{handle.id} {_named(handle)}".strip()))


def delete(
    client: Client,
    job: JobOrFilterArgument = None,
    filter: FilterOption = None,
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Do not ask.")] = False,
) -> Output:
    """Delete a job or sweep that is over, with its stored data, or the jobs that a filter matches.
    Asks first.
    """
    if filter is not None:
        _check_absent(job)
        if not yes:
            confirm(f"Delete the jobs with {filter}, with their epochs and weights?")
        yield from _batch("deleted", client.jobs.delete(filter=filter))
        return
    handle = find_handle(client, _required(job))
    if not yes:
        confirm(_deletion_question(handle))
    handle.delete()
    yield {"deleted": handle.id}
    out.print(f"{handle.id} deleted")


def _deletion_question(handle: Job | Sweep) -> str:
    """Return e.g. `Delete job_… "digits", succeeded, 50 of 50 epochs, with its epochs and …?`."""
    named = f'{handle.id} "{handle.name}"' if handle.name else handle.id
    if isinstance(handle, Sweep):
        return f"Delete {named}, {handle.state}, with the epochs of {len(handle.members)} members?"
    progress = f"{handle.epoch:,} of {handle.total_epochs:,} epochs"
    return f"Delete {named}, {handle.outcome}, {progress}, with its epochs and weights?"


def predict(
    client: Client,
    job: JobArgument,
    inputs: Annotated[str | None, typer.Option(help="Rows as JSON: '[[0, 1], [1, 1]]'.")] = None,
    csv: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE",
            help="Rows as CSV with the names of the data set's columns; numbers need no header.",
        ),
    ] = None,
    epoch: EpochOption = None,
) -> Output:
    """Print the outputs of a trained network."""
    given = read_inputs(inputs, csv)
    handle = find_job(client, job)
    reply = client._session.call("Predict", {"id": handle.id, **given, "epoch": epoch})
    yield reply
    outputs, classes = reply["outputs"], reply.get("classes") or ()
    labels = reply.get("labels") or classes
    named = ["no class" if k < 0 else name for k, name in zip(classes, labels, strict=True)]
    # A network with an output at each time step has several classes for a row.
    steps = len(named) // len(outputs) or 1
    predicted = [
        " ".join(map(str, named[start : start + steps])) for start in range(0, len(named), steps)
    ]
    rows = given.get("inputs", ())
    # A row must fit a line; 64 pixels of input would not.
    shown = len(rows) > 0 and len(rows[0]) <= 4
    targets = reply.get("target_names") or ()
    width = len(outputs[0])
    names: Sequence[str] = [f"output {k}" for k in range(width)] if width > 1 else ["output"]
    if not predicted and len(targets) == width:
        names = targets
    columns = [
        *((f">x{k}" for k in range(len(rows[0]))) if shown else ()),
        *(f">{name}" for name in names),
        *((">class",) if predicted else ()),
    ]
    print_table(
        columns,
        [
            (
                *(map(number, rows[index]) if shown else ()),
                *(number(float(value)) for value in output),
                *((predicted[index],) if predicted else ()),
            )
            for index, output in enumerate(outputs)
        ],
    )
