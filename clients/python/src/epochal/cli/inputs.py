"""Arguments of commands: the service, jobs, specs, rows."""

from __future__ import annotations

import csv
import json
import re
import sys
from collections.abc import Callable, Sequence
from contextlib import suppress
from copy import deepcopy
from difflib import get_close_matches
from pathlib import Path
from typing import Annotated, Any, get_args

import typer

from ..client import DEFAULT_URL, Client
from ..errors import EpochalError, NotFound
from ..files import csv_text
from ..jobs import Job
from ..specs import Spec
from ..sweeps import Sweep
from ..types import DatasetName
from .output import err

UrlOption = Annotated[
    str | None,
    typer.Option(
        "--url", envvar="EPOCHAL_URL", help=f"Address of the service. [default: {DEFAULT_URL}]"
    ),
]
JsonOption = Annotated[bool, typer.Option("--json", help="Print JSON for programs.")]
SpecArgument = Annotated[
    str,
    typer.Argument(
        metavar="SPEC",
        help="A JSON file, `-` for standard input, a preset, a built-in data set (with suggested "
        "settings), or SWEEP@MEMBER",
    ),
]
JobArgument = Annotated[
    str, typer.Argument(metavar="JOB", help="An id, its beginning or its end, or `last`.")
]
_JOB_OR_SWEEP = typer.Argument(
    metavar="JOB", help="An id, its beginning or its end, or `last`; or the id of a sweep."
)
JobOrSweepArgument = Annotated[str, _JOB_OR_SWEEP]
JobOrFilterArgument = Annotated[str | None, _JOB_OR_SWEEP]
FilterOption = Annotated[
    str | None,
    typer.Option(metavar="FILTER", help="E.g. 'labels.course = a AND best.value < 0.1'."),
]
OutputOption = Annotated[
    Path | None,
    typer.Option("--output", "-o", metavar="FILE", help="Output file. Default: standard output."),
]
EpochOption = Annotated[
    int | None,
    typer.Option(help="Epoch of the checkpoint. Default: the restored or the latest one."),
]
EpochsOption = Annotated[int | None, typer.Option(help="Epochs, instead of the spec's.")]
SeedOption = Annotated[int | None, typer.Option(help="Seed, instead of the spec's.")]
DetachOption = Annotated[bool, typer.Option("--detach", help="Submit, print the id, and exit.")]
# One page: a few letters identify a recent job, not any job ever created.
_RECENT_JOBS = 1000
_BOUNDS = {">=": "at_least", ">": "above", "<=": "at_most", "<": "below"}
_CLAIM = re.compile(
    r"(?:(?P<job>[a-z0-9_-]+):)?\s*(?P<metric>[a-z_]+)\s*(?P<bound>>=|>|<=|<)"
    r"\s*(?P<number>-?\d*\.?\d+(?:e-?\d+)?)"
)
NUMBER = re.compile(r"-?(\d+\.?|\d*\.\d+)(e[-+]?\d+)?", re.IGNORECASE)
STEP = re.compile(r"\.?([A-Za-z0-9_-]+)|\[(\d+)\]")


def find_job(client: Client, text: str) -> Job:
    """Return the job with this id, with the beginning or end of a recent id, or the `last` one.

    Raises `NotFound` without a match, and a usage error for several matches.
    """
    if text == "last":
        for job in client.jobs.list(limit=1):
            return job
        raise NotFound("There is no job yet. Start one: epochal train xor")
    if text.startswith(("job_", "sweep_")):
        try:
            return client.jobs.get(text)
        except NotFound:
            if text.startswith("sweep_"):
                raise  # the message says how to train a member as a job
    recent = client.jobs.list(limit=_RECENT_JOBS)
    matches = [job for job in recent if _names(text, job.id)]
    if not matches:
        raise NotFound(f"There is no job {text!r}. List all jobs: epochal jobs")
    if len(matches) > 1:
        several = ", ".join(job.id for job in matches[:5]) + (" …" if len(matches) > 5 else "")
        raise typer.BadParameter(f"{text!r} matches several jobs: {several}")
    return matches[0]


def find_handle(client: Client, text: str) -> Job | Sweep:
    """Return the sweep with this id, or else the job that `find_job` returns."""
    return client.sweeps.get(text) if text.startswith("sweep_") else find_job(client, text)


def find_checkpoint(client: Client, text: str) -> tuple[Job, int]:
    """Return the job and the epoch in `JOB@EPOCH`; the latest checkpoint for `JOB` alone.

    Raises `NotFound` without a checkpoint, and a usage error for an epoch that is not a number.
    """
    name, at, epoch = text.partition("@")
    job = find_job(client, name)
    if at and not epoch.isdecimal():
        raise typer.BadParameter(f"{text!r} must have the form JOB@EPOCH")
    if at:
        return job, int(epoch)
    stored = job.checkpoints()
    if not stored:
        raise NotFound(f"{job.id} has no checkpoint yet")
    return job, stored[-1].epoch


def find_epoch(client: Client, text: str) -> tuple[Job, int]:
    """Return the job and the epoch in `JOB@EPOCH`, which may be any; the latest for `JOB` alone."""
    if "@" in text:
        return find_checkpoint(client, text)
    job = find_job(client, text)
    return job, job.epoch


def _names(text: str, job_id: str) -> bool:
    return job_id.endswith(text) or job_id.startswith((text, f"job_{text}"))


def read_experiment(source: str, client: Client) -> dict[str, Any]:
    """Return the spec of an experiment in a file, on standard input (`-`), or of that name."""
    return _read(source, lambda: _preset_experiment(source, client))


def read_task(source: str, client: Client) -> dict[str, Any]:
    """Return the spec of an experiment as `read_experiment`, or of one by its id.

    A job, by an id or as `last`, is an experiment of one job that is called `network`.
    """
    if source.startswith("exp_"):
        return client.experiments.get(source).spec()
    if source == "last" or source.startswith("job_"):
        job = find_job(client, source)
        return {"name": job.spec.get("name") or job.id, "jobs": {"network": job.spec}}
    return read_experiment(source, client)


def read_claim(text: str, jobs: Sequence[str]) -> dict[str, Any]:
    """Return the claim in `[JOB:]METRIC>=NUMBER`; the job may be absent if there is one."""
    match = _CLAIM.fullmatch(text)
    if match is None or not (match["job"] or len(jobs) == 1):
        raise typer.BadParameter(
            f"{text!r} must have the form JOB:METRIC>=NUMBER, with >=, >, <= or <, such as "
            f"{jobs[0]}:train_accuracy>=0.9"
        )
    return {
        "job": match["job"] or jobs[0],
        "metric": match["metric"],
        _BOUNDS[match["bound"]]: float(match["number"]),
    }


def read_spec(source: str, client: Client) -> dict[str, Any]:
    """Return the JSON object in a file, on standard input (`-`), or in the preset of that name.

    The name of a built-in data set stands for the job that the service suggests for it.
    `SWEEP@MEMBER` is the spec of a member of a sweep, `SWEEP` the spec of its best one. A file
    takes precedence over a preset, and a preset over a data set.
    """
    if source.startswith("sweep_"):
        return _member(source, client)
    return _read(source, lambda: _preset(source, client))


def _read(source: str, find: Callable[[], dict[str, Any]]) -> dict[str, Any]:
    """Return the JSON object in a file or on standard input, or the result of `find` without a
    file."""
    if source == "-":
        return _object(sys.stdin.read(), "standard input")
    try:
        text = Path(source).read_text("utf-8")
    except FileNotFoundError:
        return find()
    except (OSError, UnicodeDecodeError) as error:
        raise typer.BadParameter(f"{source} cannot be read: {error}") from None
    return _object(text, source)


def _member(text: str, client: Client) -> dict[str, Any]:
    """Return the spec of the member in `SWEEP@MEMBER`, by default the best."""
    sweep_id, at, member = text.partition("@")
    sweep = client.sweeps.get(sweep_id)
    index = int(member) if member.isdecimal() else -1
    if not at and sweep.best is not None:
        index = sweep.best.index
    if index not in range(len(sweep.members)):
        raise typer.BadParameter(
            f"{text!r} must have the form SWEEP@MEMBER, with a member from 0 to "
            f"{len(sweep.members) - 1}"
        )
    return sweep.job_spec(index)


def _preset_experiment(name: str, client: Client) -> dict[str, Any]:
    try:
        return client.course.preset_experiment(name).spec
    except NotFound:
        names = [ready.name for ready in client.course.preset_experiments()]
    raise typer.BadParameter(
        f"{name!r} is neither a file nor a preset experiment{guess(name, names)} "
        f"The experiments are {', '.join(names)}."
    )


def _preset(name: str, client: Client) -> dict[str, Any]:
    with suppress(NotFound):
        return client.preset(name)
    with suppress(NotFound):
        return client.datasets.suggest(name).spec
    presets = [ready.name for ready in client.course.presets()]
    datasets = get_args(DatasetName)
    raise typer.BadParameter(
        f"{name!r} is not a file, a preset or a data set{guess(name, [*presets, *datasets])} "
        f"The presets are {', '.join(presets)}."
    )


def guess(word: str, known: Sequence[str]) -> str:
    """Return the end of a sentence with the most similar known word."""
    near = get_close_matches(word, known, 1)
    return f"; did you mean {near[0]}?" if near else "."


def _object(text: str, source: str) -> dict[str, Any]:
    try:
        value = json.loads(text)
    except json.JSONDecodeError as error:
        raise typer.BadParameter(
            f"{source} is not JSON: {error.msg} in line {error.lineno}, column {error.colno}"
        ) from None
    if not isinstance(value, dict):
        raise typer.BadParameter(f"{source} must hold a JSON object")
    return value


def set_field(spec: dict[str, Any], assignment: str) -> None:
    """Apply `optimizer.learning_rate=0.1` or `network.layers[0].units=8` to a spec.

    The value is parsed as JSON or as a number such as .1, or else taken as text. Missing objects
    are created; list entries must exist.
    """
    path, equals, text = assignment.partition("=")
    steps = [name if name else int(index) for name, index in STEP.findall(path)]
    if not equals or "".join(m.group() for m in STEP.finditer(path)) != path or not steps:
        raise typer.BadParameter(f"{assignment!r} must have the form path.to.field=value")
    try:
        value = json.loads(text)
    except json.JSONDecodeError:
        value = float(text) if NUMBER.fullmatch(text) else text
    target: Any = spec
    try:
        for step in steps[:-1]:
            target = target.setdefault(step, {}) if isinstance(target, dict) else target[int(step)]
        target[steps[-1] if isinstance(target, dict) else int(steps[-1])] = value
    except (IndexError, TypeError, ValueError):
        raise typer.BadParameter(f"{path!r} does not exist in this spec") from None


def changed_fields(spec: Spec, assignments: Sequence[str], epochs: int | None) -> dict[str, Any]:
    """Return the fields of a change of the training by a spec, from `PATH=VALUE`."""
    fields: dict[str, Any] = {}
    if any(assignment.startswith("network.") for assignment in assignments):
        fields["network"] = deepcopy(spec["network"])
    for assignment in assignments:
        set_field(fields, assignment)
    replace(fields, epochs=epochs)
    return fields


def replace(spec: dict[str, Any], **fields: Any) -> None:
    """Replace fields of a spec by the given ones, except None."""
    spec.update({name: value for name, value in fields.items() if value is not None})


def confirm(question: str) -> None:
    """Ask on the terminal. Exit with code 1 unless the answer is yes.

    Raises `EpochalError` if nobody can answer.
    """
    if not sys.stdin.isatty():
        raise EpochalError(f"{question} Add --yes: without a terminal, nobody can answer.")
    # Not typer.confirm, which also prints to standard output.
    err.print(f"{question} [y/N] ", end="", markup=False, soft_wrap=True)
    if sys.stdin.readline().strip().lower() not in ("y", "yes"):
        raise typer.Exit(1)


def names(text: str, option: str) -> list[str]:
    """Return the names in `NAME,NAME…`. Raises a usage error for an empty one."""
    listed = [name.strip() for name in text.split(",")]
    if not all(listed):
        raise typer.BadParameter(f"{option} {text!r} must be a list of names such as a,b")
    return listed


def pairs(labels: list[str]) -> dict[str, str]:
    """Return `["course=week-3"]` as a dict."""
    matches = {}
    for label in labels:
        key, equals, value = label.partition("=")
        if not equals:
            raise typer.BadParameter(f"{label!r} must have the form key=value")
        matches[key] = value
    return matches


def read_inputs(inputs: str | None, file: Path | None) -> dict[str, Any]:
    """Return the rows of a prediction as a field of its request.

    `inputs` is JSON: rows of numbers `[[0, 1], [1, 1]]`, one row `[0, 1]`, or rows by column name
    `[{"size": 120}]`. A CSV file has the names of columns in its first line, or only numbers.
    """
    if (inputs is None) == (file is None):
        raise typer.BadParameter("give the rows as --inputs '[[0, 1]]' or as --csv FILE")
    try:
        if file is not None:
            text = csv_text(file)
            rows = _rows_of_numbers(text)
            return {"csv": text} if rows is None else {"inputs": rows}
        rows = json.loads(inputs or "")
        if not isinstance(rows, list) or (rows and not isinstance(rows[0], list | dict)):
            rows = [rows]
        if not rows:
            raise ValueError("there must be at least one")
        if isinstance(rows[0], dict):
            return {"rows": rows}
        return {"inputs": [[float(value) for value in row] for row in rows]}
    except OSError as error:
        raise typer.BadParameter(f"{file} cannot be read: {error.strerror}") from None
    except (ValueError, TypeError) as error:
        where = file or "--inputs"
        raise typer.BadParameter(f"{where} must hold rows of numbers: {error}") from None


def _rows_of_numbers(text: str) -> list[list[float]] | None:
    """Return the rows of a CSV without a header; None if its first line is not numbers.

    A line is separated by semicolons or tabs, so that its commas are decimal, or else by commas.
    """
    lines = [line for line in text.splitlines() if line.strip()]
    if not lines:
        raise ValueError("there must be at least one")
    delimiter = next((mark for mark in ";\t" if mark in lines[0]), ",")
    rows = [
        [cell.replace(",", ".") for cell in row] for row in csv.reader(lines, delimiter=delimiter)
    ]
    try:
        [float(cell) for cell in rows[0]]
    except ValueError:
        return None
    return [[float(cell) for cell in row] for row in rows]
