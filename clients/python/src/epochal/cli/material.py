"""Commands on what jobs are made of: specs, networks, data sets, presets."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from ..client import Client
from ..types import NetworkSummary
from .inputs import JsonOption, SpecArgument, UrlOption, read_spec
from .output import out, print_json, print_table


def validate(
    spec: SpecArgument,
    url: UrlOption = None,
    as_json: JsonOption = False,
) -> None:
    """Check a spec and say what it would cost, without training."""
    body = read_spec(spec, url)
    with Client(url) as client:
        estimate = client.jobs.create(body, validate_only=True)
    if as_json:
        print_json(estimate)
    else:
        out.print(
            f"Valid: {estimate.parameters:,} parameters, {estimate.samples:,} samples, "
            f"about {estimate.flops:.2g} floating-point operations"
        )


def summarize(
    source: Annotated[
        str,
        typer.Argument(metavar="SPEC|NETWORK", help="A JSON file of either, `-`, or a preset."),
    ],
    url: UrlOption = None,
    as_json: JsonOption = False,
) -> None:
    """Count a network's layers, neurons, parameters and operations."""
    body = read_spec(source, url)
    with Client(url) as client:
        summary = client.networks.summarize(body.get("network", body))
    print_json(summary) if as_json else _print_summary(summary)


def _print_summary(summary: NetworkSummary) -> None:
    print_table(
        ("LAYER", "OUTPUT", "ACTIVATION", ">PARAMETERS", "COUNTED AS", ">FLOPS A SAMPLE"),
        [
            (
                layer.name,
                " x ".join(map(str, layer.output_shape)),
                layer.activation or "",
                f"{layer.parameters:,}",
                layer.arithmetic,
                f"{layer.flops:,}",
            )
            for layer in summary.layers
        ],
    )
    out.print(
        f"\n{summary.parameters:,} parameters, {summary.flops:,} operations a sample\n"
        f"{summary.layers_with_input} layers and {summary.neurons_with_input} neurons with the "
        f"input, {summary.layers_without_input} and {summary.neurons_without_input} without it"
    )


def datasets(url: UrlOption = None, as_json: JsonOption = False) -> None:
    """List data sets: the built-in ones, then yours."""
    with Client(url) as client:
        found = list(client.datasets.list())
    if as_json:
        print_json({"datasets": found})
        return
    print_table(
        ("DATA SET", "TASK", ">SAMPLES", ">FEATURES", "WHAT IT IS"),
        [
            (
                dataset.id,
                dataset.task,
                f"{dataset.samples:,}{'*' if dataset.generated else ''}",
                f"{dataset.features:,}",
                dataset.description if dataset.builtin else dataset.name,
            )
            for dataset in found
        ],
    )
    if any(dataset.generated for dataset in found):
        out.print("\n* generated: samples, noise and seed are yours to choose")


def upload(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="A CSV with a header row.")],
    target: Annotated[
        str | None, typer.Option(metavar="COLUMN", help="The column to predict; the last if none.")
    ] = None,
    name: Annotated[str | None, typer.Option(help="Its name; the file's if none.")] = None,
    task: Annotated[str, typer.Option(help="auto, classification or regression.")] = "auto",
    url: UrlOption = None,
    as_json: JsonOption = False,
) -> None:
    """Store a CSV file as a data set."""
    if not file.is_file():
        raise typer.BadParameter(f"{file} is not a file")
    with Client(url) as client:
        dataset = client.datasets.upload_csv(file, name=name, target=target, task=task)  # type: ignore[arg-type]
    if as_json:
        print_json(dataset)
        return
    classes = f", classes {', '.join(dataset.class_names)}" if dataset.class_names else ""
    out.print(
        f"{dataset.id}: {dataset.samples:,} samples of {dataset.features:,} features, "
        f"{dataset.task}{classes}\n"
        f'Train on it with: --set \'dataset={{"id": "{dataset.id}"}}\''
    )


def presets(url: UrlOption = None, as_json: JsonOption = False) -> None:
    """List the jobs that are ready to train by name."""
    with Client(url) as client:
        ready = client.journey.presets()
    if as_json:
        print_json({"presets": ready})
        return
    print_table(
        ("PRESET", "SECTION", ">SECONDS", "WHAT IT SHOWS"),
        [(one.name, one.section, f"{one.expected_seconds:.2g}", one.title) for one in ready],
    )
