"""The command about named models."""

from __future__ import annotations

from typing import Annotated

import typer

from ..client import Client
from .command import Output
from .inputs import find_handle
from .output import out, print_rows

WORDS = ("list", "show", "set", "delete")


def models(
    client: Client,
    what: Annotated[str, typer.Argument(metavar="[list|show|set|delete]")] = "list",
    name: Annotated[str | None, typer.Argument(metavar="NAME", help="The model.")] = None,
    job: Annotated[
        str | None, typer.Option(help="With set: the job that becomes a new version.")
    ] = None,
    epoch: Annotated[int | None, typer.Option(help="Epoch of its weights.")] = None,
    version: Annotated[
        int | None, typer.Option(help="With set: the earlier version to return to.")
    ] = None,
    share: Annotated[float, typer.Option(help="Its share of the predictions.")] = 1.0,
) -> Output:
    """Give trained networks names that stay when they are trained again.

    A new version: epochal models set mood --job last. Back to the first: epochal models set mood
    --version 1.
    """
    if what not in WORDS:
        raise typer.BadParameter(f"must be one of {', '.join(WORDS)}", param_hint="WHAT")
    if what == "list":
        rows = client.models.list()
        yield {"models": rows}
        if not rows:
            out.print("No model yet. Name a run: epochal models set NAME --job last")
            return
        print_rows(
            rows,
            {
                "<NAME": lambda row: row.id,
                "VERSION": lambda row: ", ".join(f"{v.version}" for v in row.versions),
                "SHARE": lambda row: ", ".join(f"{v.share:.0%}" for v in row.versions),
                "<JOB": lambda row: ", ".join(v.job for v in row.versions),
            },
        )
        return
    if name is None:
        raise typer.BadParameter(f"is needed by {what}", param_hint="NAME")
    if what == "delete":
        client.models.delete(name)
        yield {"id": name}
        out.print(f"{name} is deleted; its jobs stay")
        return
    if what == "show":
        model = client.models.get(name)
    else:
        job_id = None if job is None else find_handle(client, job).id
        model = client.models.set(name, job_id, epoch=epoch, version=version, share=share)
    yield model
    print_rows(
        model.versions,
        {
            "VERSION": lambda row: f"{row.version}",
            "SHARE": lambda row: f"{row.share:.0%}",
            "<JOB": lambda row: row.job,
            "EPOCH": lambda row: f"{row.epoch}",
            "<ADDED": lambda row: f"{row.created_at:%Y-%m-%d %H:%M}",
        },
    )
