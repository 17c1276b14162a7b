"""Where words go: results to standard output, everything about them to standard error."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from typing import Any

from rich.console import Console
from rich.table import Table
from rich.text import Text

from ..jobs import Job
from ..records import plain
from ..types import Epoch

# A pipe has no width; identifiers must not be cut for the lack of one.
_PIPE_WIDTH = 160
# A narrower terminal has no room for whole ids beside what else there is to tell.
_WHOLE_IDS_WIDTH = 120
_STATE_STYLES = {"succeeded": "green", "failed": "red", "cancelled": "yellow", "running": "cyan"}


def _console(stderr: bool) -> Console:
    stream = sys.stderr if stderr else sys.stdout
    return Console(stderr=stderr, highlight=False, width=None if stream.isatty() else _PIPE_WIDTH)


out = _console(stderr=False)
err = _console(stderr=True)


def print_json(value: Any, *, lines: bool = False) -> None:
    """`value` as JSON: one document, or one line where `lines` of it follow each other."""
    text = json.dumps(plain(value), ensure_ascii=False, indent=None if lines else 2)
    sys.stdout.write(text + "\n")
    if lines:
        sys.stdout.flush()


def print_table(columns: Sequence[str], rows: Iterable[Sequence[str | Text]]) -> None:
    """A table without lines; a column whose name starts with > holds numbers, with < words that
    are not broken.
    """
    table = Table(box=None, pad_edge=False, header_style="bold", padding=(0, 2, 0, 0))
    for column in columns:
        name = column.lstrip("<>")
        if name == column:
            table.add_column(name, overflow="fold")
        else:
            table.add_column(name, justify="left" if column[0] == "<" else "right", no_wrap=True)
    for row in rows:
        table.add_row(*row)
    out.print(table)


def print_pairs(pairs: Iterable[tuple[str, str | Text]]) -> None:
    """Names and values below each other; a pair without a value is left out."""
    table = Table(box=None, pad_edge=False, show_header=False, padding=(0, 2, 0, 0))
    table.add_column(style="bold", no_wrap=True)
    table.add_column(overflow="fold")
    for name, value in pairs:
        if value:
            table.add_row(name, value)
    out.print(table)


def brief_id(job_id: str) -> str:
    """The id, or on a narrow terminal its end, which names a recent job as well."""
    return job_id if out.width >= _WHOLE_IDS_WIDTH else job_id[-8:]


def outcome_text(job: Job) -> Text:
    """The job's state and why, in its color."""
    return Text(job.outcome, style=_STATE_STYLES.get(job.state, ""))


def number(value: float | None) -> str:
    """Four significant digits; a dash where there is no value."""
    return "–" if value is None else f"{value:.4g}"


def percent(share: float | None) -> str:
    """A share of one in percent; a dash where there is none."""
    return "–" if share is None else f"{100 * share:.1f} %"


def figures(latest: Epoch | None) -> str:
    """The losses and accuracies of an epoch in one line."""
    if latest is None:
        return ""
    parts = [f"loss {number(latest.train_loss)}"]
    if latest.train_accuracy is not None:
        parts.append(f"accuracy {percent(latest.train_accuracy)}")
    if latest.validation_loss is not None:
        held_out = f"held out: loss {number(latest.validation_loss)}"
        if latest.validation_accuracy is not None:
            held_out += f", accuracy {percent(latest.validation_accuracy)}"
        parts.append(held_out)
    return " · ".join(parts)


def brief_figures(latest: Epoch | None) -> str:
    """What fits beside a progress bar."""
    if latest is None:
        return ""
    held_out, accuracy = latest.validation_loss, held_out_accuracy(latest)
    parts = [f"loss {number(latest.train_loss)}"]
    parts += [] if held_out is None else [f"held out {number(held_out)}"]
    parts += [] if accuracy is None else [percent(accuracy)]
    return " · ".join(parts)


def held_out_accuracy(latest: Epoch) -> float | None:
    """The accuracy on held-out samples, or on those trained on where none are held out."""
    held_out = latest.validation_accuracy
    return latest.train_accuracy if held_out is None else held_out


def seconds_between(start: datetime | None, end: datetime | None) -> float | None:
    """Seconds from `start` to `end`, or until now while it has no end."""
    if start is None:
        return None
    return ((end or datetime.now(UTC)) - start).total_seconds()


def duration(seconds: float) -> str:
    """1.24 s, 3 min 20 s, 2 h 5 min."""
    if seconds < 60:
        return f"{seconds:.3g} s"
    minutes, rest = divmod(round(seconds), 60)
    if minutes < 60:
        return f"{minutes} min {rest} s"
    return f"{minutes // 60} h {minutes % 60} min"


def ago(moment: datetime | None) -> str:
    """How long ago, in the largest unit."""
    seconds = seconds_between(moment, None)
    if seconds is None:
        return ""
    for size, unit in ((86400, "d"), (3600, "h"), (60, "min")):
        if seconds >= size:
            return f"{int(seconds // size)} {unit} ago"
    return "just now"
