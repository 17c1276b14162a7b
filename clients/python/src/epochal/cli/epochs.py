"""The command that prints every epoch of a job, and the formats of such a table."""

from __future__ import annotations

import io
import json
import math
import sys
from typing import Annotated, Any

import typer

from ..client import Client
from ..deferred import np
from ..epoch_table import EpochTable
from .inputs import JobArgument, JsonOption, OutputOption, find_job
from .output import print_json


def epochs(
    client: Client,
    job: JobArgument,
    metric: Annotated[
        list[str] | None, typer.Option(help="E.g. train_loss. Default: all metrics.")
    ] = None,
    after: Annotated[int, typer.Option(help="Only the epochs after this one.", min=0)] = 0,
    format: Annotated[
        str, typer.Option(help="csv or npz (NumPy arrays).", metavar="FORMAT")
    ] = "csv",
    output: OutputOption = None,
    as_json: JsonOption = False,
) -> None:
    """Print every epoch of a job, with all metrics.

    With --json, print a list for each metric, and with --output what was written.
    """
    if format not in _TABLE_FORMATS:
        raise typer.BadParameter(f"must be csv or npz; got {format}", param_hint="--format")
    handle = find_job(client, job)
    table = handle.epoch_table(metric or (), after=after)  # type: ignore[arg-type]
    if as_json and output is None:
        print_json({"job": handle.id, "epochs": table.epochs, "columns": table.columns})
        return
    content = _TABLE_FORMATS[format](table)
    if output is None:
        sys.stdout.buffer.write(content)
        sys.stdout.flush()
        return
    output.write_bytes(content)
    if as_json:
        written = {"file": str(output), "format": format, "size_bytes": len(content)}
        print_json({"job": handle.id, **written})


def _csv(table: EpochTable) -> bytes:
    columns = [[*map(str, table.epochs.tolist())]]
    columns += [[*map(_text, column.tolist())] for column in table.values()]
    lines = [",".join(row) for row in zip(*columns, strict=True)]
    return "".join(f"{line}\n" for line in [",".join(["epoch", *table]), *lines]).encode()


def _text(value: float) -> str:
    """Return the number as the service writes it in CSV."""
    return repr(value) if math.isfinite(value) else json.dumps(value)


def _npz(table: EpochTable) -> bytes:
    buffer = io.BytesIO()
    arrays: dict[str, Any] = {"epoch": table.epochs, **table}
    np.savez(buffer, **arrays)
    return buffer.getvalue()


_TABLE_FORMATS = {"csv": _csv, "npz": _npz}
