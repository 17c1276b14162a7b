"""The command about API keys that other keys make."""

from __future__ import annotations

from typing import Annotated, Any

import typer

from ..client import Client
from ..keys import LOOKING
from .command import Output
from .inputs import find_handle, pairs
from .output import out, print_rows

WORDS = ("list", "create", "delete")


def keys(
    client: Client,
    what: Annotated[str, typer.Argument(metavar="[list|create|delete]")] = "list",
    key_id: Annotated[
        str | None, typer.Argument(metavar="ID", help="With delete: the key to revoke.")
    ] = None,
    action: Annotated[
        list[str] | None,
        typer.Option(
            help="read, watch, predict, train, change or delete. Repeatable; the first three by "
            "default."
        ),
    ] = None,
    job: Annotated[
        list[str] | None, typer.Option(help="A job or sweep that the key reaches. Repeatable.")
    ] = None,
    label: Annotated[
        list[str] | None,
        typer.Option(metavar="KEY=VALUE", help="It reaches those with this label. Repeatable."),
    ] = None,
    origin: Annotated[
        list[str] | None,
        typer.Option(help="Web pages that may use it: https://example.com. Repeatable."),
    ] = None,
    jobs_per_hour: Annotated[int | None, typer.Option(help="New jobs in an hour.")] = None,
    days: Annotated[float, typer.Option(help="Days until it expires.")] = 30.0,
    name: Annotated[str, typer.Option(help="What it is for.")] = "",
) -> Output:
    """Make, list and revoke API keys that do less than yours; a key is shown once.

    A link to look at a run: epochal keys create --job last
    """
    if what not in WORDS:
        raise typer.BadParameter(f"must be one of {', '.join(WORDS)}", param_hint="WHAT")
    if (what == "delete") == (key_id is None):
        raise typer.BadParameter("goes with delete, which needs it", param_hint="ID")
    if what == "delete":
        assert key_id is not None
        client.keys.delete(key_id)
        yield {"id": key_id}
        out.print(f"{key_id} is revoked")
    elif what == "create":
        actions: Any = action or LOOKING
        made = client.keys.create(
            actions,
            name=name,
            jobs=[find_handle(client, word).id for word in job or ()],
            labels=pairs(label or []),
            origins=origin or (),
            jobs_per_hour=jobs_per_hour,
            expires_in_seconds=round(days * 86_400),
        )
        yield made
        out.print(made.key, soft_wrap=True)
        if len(made.jobs) == 1 and made.jobs[0].startswith("job_") and {*actions} <= {*LOOKING}:
            out.print(f"{client.base_url}/jobs/{made.jobs[0]}#key={made.key}", soft_wrap=True)
    else:
        rows = client.keys.list()
        yield {"keys": rows}
        print_rows(
            rows,
            {
                "<ID": lambda row: row.id,
                "<MAY": lambda row: ", ".join(row.actions),
                "<REACHES": lambda row: (
                    " ".join([*row.jobs, *(f"{k}={v}" for k, v in row.labels.items())])
                    or "everything"
                ),
                "<UNTIL": lambda row: f"{row.expires_at:%Y-%m-%d %H:%M}",
                "<NAME": lambda row: row.name,
            },
        )
