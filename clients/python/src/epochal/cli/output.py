"""Output of commands: results go to standard output, messages to standard error."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, TypeAlias, TypeVar

from rich.console import Console
from rich.table import Table
from rich.text import Text

from ..jobs import Job
from ..records import plain
from ..types import Epoch

T = TypeVar("T")
Columns: TypeAlias = Mapping[str, Callable[[T], str | Text]]
"""The names of the columns of a table, and their cell for a row."""

# A pipe has no width. Identifiers must fit.
_PIPE_WIDTH = 160
# A narrower terminal has no room for complete ids next to the other columns.
_WHOLE_IDS_WIDTH = 120
_STATE_STYLES = {"succeeded": "green", "failed": "red", "cancelled": "yellow", "running": "cyan"}
_WARNING_STYLE = "yellow"


def _console(stderr: bool) -> Console:
    stream = sys.stderr if stderr else sys.stdout
    width = None if stream.isatty() else _PIPE_WIDTH
    return Console(stderr=stderr, highlight=False, emoji=False, width=width)


out = _console(stderr=False)
err = _console(stderr=True)


def print_json(value: Any, *, lines: bool = False) -> None:
    """Print `value` as a JSON document, or with `lines` as one line of JSON."""
    text = json.dumps(plain(value), ensure_ascii=False, indent=None if lines else 2)
    sys.stdout.write(text + "\n")
    if lines:
        sys.stdout.flush()


def print_table(columns: Sequence[str], rows: Iterable[Sequence[str | Text]]) -> None:
    """Print a table without lines. A column with a name that starts with > holds numbers; one that
    starts with < does not wrap.
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


def print_rows(rows: Iterable[T], columns: Columns[T]) -> None:
    """Print a table with a line for each of `rows`; the columns are named as in `print_table`."""
    print_table([*columns], [[cell(row) for cell in columns.values()] for row in rows])


def print_pairs(pairs: Iterable[tuple[str, str | Text]]) -> None:
    """Print names and values in two columns, without the pairs that have no value."""
    table = Table(box=None, pad_edge=False, show_header=False, padding=(0, 2, 0, 0))
    table.add_column(style="bold", no_wrap=True)
    table.add_column(overflow="fold")
    for name, value in pairs:
        if value:
            table.add_row(name, value)
    out.print(table)


def canvas() -> dict[str, Any]:
    """Return the width of pictures, and whether they have colors."""
    width = min(out.width, 100) if out.is_terminal else 80
    return {"width": width, "color": out.is_terminal and not out.no_color}


def print_picture(text: str) -> None:
    """Print lines of a picture as they are."""
    sys.stdout.write(text)
    sys.stdout.flush()


def brief_id(job_id: str) -> str:
    """Return the id, or on a narrow terminal its end, which also identifies a recent job."""
    return job_id if out.width >= _WHOLE_IDS_WIDTH else job_id[-8:]


def outcome_text(job: Job) -> Text:
    """Return the state and stop reason of a job, in color; not green where it has a warning."""
    style = _WARNING_STYLE if job.warning else _STATE_STYLES.get(job.state, "")
    return Text(job.outcome, style=style)


def summary(job: Job) -> Text:
    """Return the state and figures of a job in one line, and its explanation in another."""
    words = Text.assemble(job.id, " ", outcome_text(job))
    seconds = seconds_between(job.started_at, job.finished_at)
    if job.epoch and seconds is not None:
        speed = f" ({job.epoch / seconds:,.0f} epochs/s)" if job.is_over and seconds > 0 else ""
        words.append(f" · {job.epoch:,} epochs in {duration(seconds)}{speed}")
    if job.latest:
        words.append(f" · {figures(job.latest)}")
    if job.explanation:
        words.append(f"\n{job.explanation}")
    return words


def number(value: float | None) -> str:
    """Return four significant digits, or a dash for None."""
    return "–" if value is None else f"{value:.4g}"


def percent(share: float | None) -> str:
    """Return a fraction in percent, or a dash for None."""
    return "–" if share is None else f"{100 * share:.1f} %"


def figures(latest: Epoch | None) -> str:
    """Return the losses and accuracies of an epoch in one line."""
    if latest is None:
        return ""
    parts = [f"loss {number(latest.train_loss)}"]
    if latest.train_accuracy is not None:
        parts.append(f"accuracy {percent(latest.train_accuracy)}")
    if latest.validation_loss is not None:
        validation = f"validation loss {number(latest.validation_loss)}"
        if latest.validation_accuracy is not None:
            validation += f", accuracy {percent(latest.validation_accuracy)}"
        parts.append(validation)
    if (exact := latest.validation_exact_match) is not None:
        parts.append(f"exact match {percent(exact)}")
    if latest.reward is not None and latest.kl is not None:
        parts.append(f"reward {latest.reward:.3g}, KL {latest.kl:.3g}")
    return " · ".join(parts)


def brief_figures(latest: Epoch | None) -> str:
    """Return the figures that fit next to a progress bar."""
    if latest is None:
        return ""
    validation, accuracy = latest.validation_loss, accuracy_of(latest)
    parts = [f"loss {number(latest.train_loss)}"]
    parts += [] if validation is None else [f"validation {number(validation)}"]
    parts += [] if accuracy is None else [percent(accuracy)]
    return " · ".join(parts)


def accuracy_of(latest: Epoch | None) -> float | None:
    """Return the validation accuracy, or the training accuracy without validation samples."""
    if latest is None:
        return None
    validation = latest.validation_accuracy
    return latest.train_accuracy if validation is None else validation


def seconds_between(start: datetime | None, end: datetime | None) -> float | None:
    """Return the seconds from `start` to `end`, by default until now."""
    if start is None:
        return None
    return ((end or datetime.now(UTC)) - start).total_seconds()


def duration(seconds: float) -> str:
    """Return e.g. `1.24 s`, `3 min 20 s` or `2 h 5 min`."""
    if seconds < 60:
        return f"{seconds:.3g} s"
    minutes, rest = divmod(round(seconds), 60)
    if minutes < 60:
        return f"{minutes} min {rest} s"
    return f"{minutes // 60} h {minutes % 60} min"


def in_bytes(count: float) -> str:
    """Return e.g. `184 bytes`, `1.57 kB` or `138 GB`."""
    for unit in ("bytes", "kB", "MB", "GB"):
        if count < 999.5:
            return f"{count:.3g} {unit}"
        count /= 1_000
    return f"{count:.3g} TB"


def ago(moment: datetime | None) -> str:
    """Return how long ago a moment was, in the largest unit."""
    seconds = seconds_between(moment, None)
    if seconds is None:
        return ""
    for size, unit in ((86400, "d"), (3600, "h"), (60, "min")):
        if seconds >= size:
            return f"{int(seconds // size)} {unit} ago"
    return "just now"
