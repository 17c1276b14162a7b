"""Commands on specs, networks, data sets and presets."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer
from rich.progress import Progress

from ..client import Client
from ..types import Dataset
from .command import Output
from .inputs import SpecArgument, pairs, read_spec
from .output import duration, err, in_bytes, out, print_rows


def validate(client: Client, spec: SpecArgument) -> Output:
    """Check a spec and print its cost, without training."""
    estimate = client.jobs.validate(read_spec(spec, client))
    yield estimate
    seconds = f", about {duration(estimate.seconds)}" if estimate.seconds is not None else ""
    out.print(
        f"Valid: {estimate.parameters:,} parameters, {estimate.samples:,} samples, "
        f"about {estimate.flops:.2g} floating-point operations{seconds}, "
        f"{in_bytes(estimate.memory_bytes)} of memory, "
        f"{in_bytes(estimate.stored_bytes)} to store"
    )


def summarize(
    client: Client,
    source: Annotated[
        str,
        typer.Argument(
            metavar="SPEC|NETWORK",
            help="A JSON file with either, `-` for standard input, or a preset.",
        ),
    ],
) -> Output:
    """Print the layers, neurons, parameters and operations of a network."""
    body = read_spec(source, client)
    summary = client.networks.summarize(body.get("network", body))
    yield summary
    print_rows(
        summary.layers,
        {
            "LAYER": lambda layer: layer.name,
            "OUTPUT": lambda layer: " x ".join(map(str, layer.output_shape)),
            "ACTIVATION": lambda layer: layer.activation or "",
            ">PARAMETERS": lambda layer: f"{layer.parameters:,}",
            "ARITHMETIC": lambda layer: layer.parameters_formula,
            ">FLOPS PER SAMPLE": lambda layer: f"{layer.flops:,}",
        },
    )
    out.print(
        f"\n{summary.parameters:,} parameters, {summary.flops:,} operations per sample\n"
        f"{summary.layers_with_input} layers and {summary.neurons_with_input} neurons with the "
        f"input, {summary.layers_without_input} and {summary.neurons_without_input} without it"
    )


def datasets(client: Client) -> Output:
    """List data sets: built-in, then uploaded."""
    rows = list(client.datasets.list())
    yield {"datasets": rows}
    print_rows(
        rows,
        {
            "DATA SET": lambda row: row.id,
            "TASK": lambda row: row.task,
            ">SAMPLES": lambda row: f"{row.samples:,}{'*' if row.generated else ''}",
            ">FEATURES": lambda row: f"{row.features:,}",
            "DESCRIPTION": lambda row: row.description if row.builtin else row.name,
        },
    )
    if any(dataset.generated for dataset in rows):
        out.print("\n* generated: choose the samples, the noise and the seed")


def upload(
    client: Client,
    file: Annotated[
        Path,
        typer.Argument(
            metavar="FILE",
            help="A CSV with a header row, a zip of pictures in one folder per class, an .npz of "
            "NumPy arrays, a text, JSON Lines of prompts and answers, or Parquet.",
        ),
    ],
    target: Annotated[
        str | None,
        typer.Option(metavar="COLUMN", help="Column of a table to predict. Default: the last one."),
    ] = None,
    name: Annotated[
        str | None, typer.Option(help="Name of the data set. Default: the name of the file.")
    ] = None,
    task: Annotated[str, typer.Option(help="auto, classification or regression.")] = "auto",
    kinds: Annotated[
        list[str] | None,
        typer.Option(
            "--column",
            metavar="NAME=KIND",
            help="Kind of a column: number, boolean, category, date, ignore, group or weight. "
            "Repeatable. Default: what its cells look like.",
        ),
    ] = None,
    missing: Annotated[
        str,
        typer.Option(help="error, or auto: fill missing values, drop rows without a target."),
    ] = "error",
    size: Annotated[
        str | None, typer.Option(metavar="HEIGHTxWIDTH", help="Size of pictures, such as 28x28.")
    ] = None,
    color: Annotated[
        str | None, typer.Option(help="Color of pictures: grayscale or rgb. Default: as they are.")
    ] = None,
    text: Annotated[
        str | None,
        typer.Option(
            help="Rows of a text: windows (the default for .txt), lines, pairs or preferences."
        ),
    ] = None,
    length: Annotated[int | None, typer.Option(help="Tokens in a row of a text.")] = None,
    merges: Annotated[
        int, typer.Option(help="Pairs of tokens of a text to merge by byte-pair encoding.")
    ] = 0,
    vocabulary: Annotated[
        str | None,
        typer.Option(metavar="DATASET", help="Data set whose tokens a text has, for its networks."),
    ] = None,
) -> Output:
    """Store a file as a data set. If it breaks off, the same command continues."""
    if not file.is_file():
        raise typer.BadParameter(f"{file} does not exist or is not a file")
    with Progress(console=err, transient=True, disable=not err.is_terminal) as progress:
        bar = progress.add_task(file.name)
        dataset = client.datasets.upload(
            file,
            name=name,
            target=target,
            task=task,  # type: ignore[arg-type]
            columns=pairs(kinds or []),  # type: ignore[arg-type]
            missing=missing,  # type: ignore[arg-type]
            image_size=None if size is None else _size(size),
            color=color,  # type: ignore[arg-type]
            text=text,  # type: ignore[arg-type]
            length=length,
            merges=merges,
            vocabulary=vocabulary,
            on_progress=lambda sent, total: progress.update(bar, completed=sent, total=total),
        )
    yield dataset
    for line in describe(dataset):
        out.print(line)
    out.print(f"Train on it with: epochal train {dataset.id}")


def describe(dataset: Dataset) -> list[str]:
    """Return the size of an uploaded table, what was filled, and its warnings, line by line."""
    classes = f", classes {', '.join(dataset.class_names)}" if dataset.class_names else ""
    if dataset.token_names:
        classes = f" of {len(dataset.token_names):,} different tokens"
    return [
        f"{dataset.id}: {dataset.samples:,} samples of {dataset.features:,} features, "
        f"{dataset.task}{classes}",
        *(
            f"Column {column.name!r}: {column.filled:,} missing, filled with {column.fill_value}"
            for column in dataset.columns
            if column.filled
        ),
        *(warning.description for warning in dataset.warnings),
    ]


def _size(text: str) -> tuple[int, int]:
    height, _, width = text.lower().partition("x")
    if not (height.isdecimal() and width.isdecimal()):
        raise typer.BadParameter(f"{text!r} must have the form HEIGHTxWIDTH, such as 28x28")
    return int(height), int(width)


def presets(client: Client) -> Output:
    """List the presets: jobs that are ready to train."""
    rows = client.course.presets()
    yield {"presets": rows}
    print_rows(
        rows,
        {
            "PRESET": lambda row: row.name,
            "SECTION": lambda row: row.section,
            ">SECONDS": lambda row: f"{row.expected_seconds:.2g}",
            "TITLE": lambda row: row.title,
        },
    )
