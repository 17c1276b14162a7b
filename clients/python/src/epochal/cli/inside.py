"""Commands that inspect a trained network: attention weights and activations of samples."""

from __future__ import annotations

from typing import Annotated, Any

import typer

from ..arrays import Floats
from ..client import Client
from ..deferred import np
from ..jobs import Inside
from .command import Output
from .inputs import EpochOption, JobArgument, find_job
from .output import out, print_rows, print_table

_LARGEST_MAP = 24

RowOption = Annotated[int, typer.Option(min=0, help="A row of the data set, from 0.")]
TextOption = Annotated[
    str | None, typer.Option(help="A text instead of a row, for data of tokens.")
]
OnlyMaskedOption = Annotated[
    bool, typer.Option("--only-masked", help="The masked positions only, of a job with a mask.")
]
LayerOption = Annotated[str | None, typer.Option(help="A layer. Default: all.")]


def attention(
    client: Client,
    job: JobArgument,
    row: RowOption = 0,
    text: TextOption = None,
    layer: LayerOption = None,
    epoch: EpochOption = None,
) -> Output:
    """Print the attention weights of a sample, in percent: one map for each layer and head.

    Each line is a position, each column a position that it attends to. --json prints all numbers.
    """
    seen = find_job(client, job).attention(layer, **_sample(row, text), epoch=epoch)
    yield seen
    for name, maps in seen.layers.items():
        for head, weights in enumerate(maps[0]):
            if seen.lengths and weights.shape[0] == weights.shape[1]:
                weights = weights[: seen.lengths[0], : seen.lengths[0]]
            out.print(f"{name}, head {head}", style="bold")
            _print_map(weights, _names_of(seen, weights.shape[1]))


def _sample(row: int, text: str | None) -> dict[str, Any]:
    """Return the sample of a command: a row of the data set, or a text."""
    return {"rows": [row]} if text is None else {"texts": [text]}


def _names_of(seen: Inside, columns: int) -> list[str]:
    """Return what the columns of a map stand for: tokens if the inputs are tokens, else numbers."""
    tokens = seen.inputs[0]
    if not seen.token_names or len(tokens) < columns:
        return [f"{position}" for position in range(columns)]
    return [seen.token_names[int(token)].strip() or "␣" for token in tokens[:columns]]


def _print_map(weights: Floats, names: list[str]) -> None:
    shown = weights[:_LARGEST_MAP, :_LARGEST_MAP]
    columns = [">", *(f">{name}" for name in names[:_LARGEST_MAP])]
    # A map of a sequence to itself has the same names on both sides.
    heads = names if weights.shape[0] == weights.shape[1] else map(str, range(len(shown)))
    rows = [
        (head, *(f"{100 * weight:.0f}" for weight in line))
        for head, line in zip(heads, shown, strict=False)
    ]
    print_table(columns, rows)


def activations(
    client: Client,
    job: JobArgument,
    row: RowOption = 0,
    text: TextOption = None,
    layer: LayerOption = None,
    only_masked: OnlyMaskedOption = False,
    epoch: EpochOption = None,
) -> Output:
    """Print the shape and the range of each layer's outputs for a sample, and the logits.

    --json prints all numbers: embeddings, feature maps, hidden states.
    """
    seen = find_job(client, job).activations(
        layer, **_sample(row, text), only_masked=only_masked, epoch=epoch
    )
    yield seen
    logits = {} if seen.logits is None else {"logits": seen.logits}
    print_rows(
        [*(seen.layers | logits).items()],
        {
            "<LAYER": lambda row: row[0],
            "SHAPE": lambda row: " x ".join(map(str, row[1].shape[1:])),
            ">MINIMUM": lambda row: f"{row[1].min():.4g}",
            ">MEAN": lambda row: f"{row[1].mean():.4g}",
            ">MAXIMUM": lambda row: f"{row[1].max():.4g}",
            ">ZERO": lambda row: f"{100 * np.mean(row[1] == 0):.0f} %",
        },
    )
