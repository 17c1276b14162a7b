"""The list of errors in docs/api/conventions.md."""

from __future__ import annotations

from epochal_service.errors import EpochalError

START, END = "<!-- errors: written by `make protos` -->", "<!-- end of errors -->"


def documented_errors(text: str) -> str:
    """Return the text of the document with the list of errors."""
    before, _, rest = text.partition(START)
    lines = ["| status | gRPC | reason | |", "|---|---|---|---|"]
    for kind in EpochalError.__subclasses__():
        reasons = ", ".join(f"`{reason}`" for reason in (kind.reason, *kind.more_reasons))
        lines.append(f"| {kind.status} | {kind.code} | {reasons} | {kind.sentence()} |")
    return f"{before}{START}\n\n" + "\n".join(lines) + f"\n\n{END}{rest.partition(END)[2]}"
