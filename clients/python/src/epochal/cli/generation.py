"""The command that prints what a network writes, as it comes, or the samples that it makes."""

from __future__ import annotations

import csv
import sys
from typing import Annotated, cast

import typer

from ..arrays import Floats
from ..client import Client
from ..types import DiffusionStart, Tool
from .inputs import EpochOption, JobArgument, JsonOption, find_job
from .output import print_json


def generate(
    client: Client,
    job: JobArgument,
    prompt: Annotated[
        str, typer.Argument(metavar="[PROMPT]", help="Text to continue, or for an encoder to read.")
    ] = "",
    count: Annotated[int | None, typer.Option(help="Number of samples. Default: 1.")] = None,
    max_tokens: Annotated[
        int | None, typer.Option(help="Maximum number of tokens of each sample. Default: 100.")
    ] = None,
    temperature: Annotated[
        float | None, typer.Option(help="0 takes the most probable token. Default: 1.")
    ] = None,
    top_k: Annotated[
        int | None, typer.Option(help="Sample from this many most probable tokens.")
    ] = None,
    top_p: Annotated[
        float | None, typer.Option(help="Sample from the tokens with this probability together.")
    ] = None,
    stop: Annotated[
        list[str] | None, typer.Option(help="A text that ends a sample. Repeatable.")
    ] = None,
    tool: Annotated[
        list[str] | None,
        typer.Option(help="A tool that the network may call: calculator, for [12*34]. Repeatable."),
    ] = None,
    seed: Annotated[int | None, typer.Option(help="Random seed. Default: 0.")] = None,
    class_name: Annotated[
        str | None, typer.Option("--class", help="Class of the samples of a diffusion network.")
    ] = None,
    epoch: EpochOption = None,
    as_json: JsonOption = False,
) -> None:
    """Print text that a network writes, such as one trained on sonnets or sentences.

    Of a diffusion network, print --count samples as CSV. With --json, print each token with its
    probability and the most probable others, or the samples at each step from noise.
    """
    text = find_job(client, job).generate(
        prompt,
        count=count,
        max_tokens=max_tokens,
        temperature=temperature,
        top_k=top_k,
        top_p=top_p,
        stop=stop or (),
        tools=cast("list[Tool]", tool or []),
        seed=seed,
        epoch=epoch,
        class_name=class_name,
    )
    if as_json:
        print_json(text.to_dict())
    elif text.diffusion is not None:
        _print_samples(text.diffusion, text.array)
    else:
        for piece in text.pieces():
            sys.stdout.write(piece)
            sys.stdout.flush()


def _print_samples(start: DiffusionStart, samples: Floats) -> None:
    """Print samples as CSV, each with its class, if there are classes."""
    has_classes = len(start.classes) > 0
    names = [start.class_names[label] for label in start.classes]
    writer = csv.writer(sys.stdout, lineterminator="\n")
    writer.writerow([*start.feature_names, *(["class"] if has_classes else [])])
    for index, row in enumerate(samples.tolist()):
        writer.writerow([*row, *names[index : index + 1]])
