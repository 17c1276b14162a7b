"""Commands about the service itself."""

from __future__ import annotations

from ..client import Client
from .command import Output
from .output import ago, brief_id, out, print_rows


def workers(client: Client) -> Output:
    """List the workers of the service and what they train. Needs an API key of an admin."""
    rows = client.workers()
    yield {"workers": rows}
    if not rows:
        out.print("No worker. Start one: epochald worker")
        return
    print_rows(
        rows,
        {
            "<STATE": lambda row: row.state,
            "<HOST": lambda row: row.host,
            ">PID": lambda row: f"{row.pid}",
            "STARTED": lambda row: ago(row.started_at),
            "SEEN": lambda row: ago(row.seen_at),
            "VERSION": lambda row: row.version,
            "JOBS": lambda row: ", ".join(map(brief_id, row.jobs)),
        },
    )
