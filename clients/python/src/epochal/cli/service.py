"""Commands about the service itself."""

from __future__ import annotations

from ..client import Client
from .inputs import JsonOption, UrlOption
from .output import ago, brief_id, out, print_json, print_table


def workers(url: UrlOption = None, as_json: JsonOption = False) -> None:
    """List the workers of the service and what they train. Needs an API key of an admin."""
    with Client(url) as client:
        rows = client.workers()
    if as_json:
        print_json({"workers": rows})
    elif rows:
        print_table(
            ("<STATE", "<HOST", ">PID", "STARTED", "SEEN", "VERSION", "JOB"),
            [
                (
                    row.state,
                    row.host,
                    f"{row.pid}",
                    ago(row.started_at),
                    ago(row.seen_at),
                    row.version,
                    brief_id(row.job) if row.job else "",
                )
                for row in rows
            ],
        )
    else:
        out.print("No worker. Start one: epochald worker")
