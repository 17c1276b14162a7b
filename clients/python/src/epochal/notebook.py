"""Records as tables of HTML, for notebooks."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from html import escape
from typing import Any

MOST_ROWS = 20
MOST_CHARACTERS = 200


def table(record: Any) -> str:
    """Return a row for each field of a record; a list of records is a table inside."""
    fields = _of(record)
    rows = [f"<tr><th>{escape(name)}</th><td>{_cell(value)}</td></tr>" for name, value in fields]
    return f"<table>{''.join(rows)}</table>"


def _of(record: Any) -> list[tuple[str, Any]]:
    """Return the fields that have a value."""
    fields = [(f.name, getattr(record, f.name)) for f in dataclasses.fields(record)]
    return [(name, value) for name, value in fields if value is not None and not _is_empty(value)]


def _is_empty(value: Any) -> bool:
    return isinstance(value, tuple | dict | str) and not value


def _cell(value: Any) -> str:
    if dataclasses.is_dataclass(value):
        return table(value)
    if isinstance(value, tuple) and value and dataclasses.is_dataclass(value[0]):
        return _list(value)
    return _text(value)


def _list(records: Sequence[Any]) -> str:
    """Return a table with a column for each field that one of the records has."""
    shown = [dict(_of(record)) for record in records[:MOST_ROWS]]
    names = dict.fromkeys(name for row in shown for name in row)
    head = "".join(f"<th>{escape(name)}</th>" for name in names)
    lines = [
        "".join(["<tr>", *(f"<td>{_text(row.get(name, ''))}</td>" for name in names), "</tr>"])
        for row in shown
    ]
    more = len(records) - len(shown)
    rest = f"<caption>and {more:,} more</caption>" if more else ""
    return f"<table>{rest}<tr>{head}</tr>{''.join(lines)}</table>"


def _text(value: Any) -> str:
    shape = getattr(value, "shape", None)
    if shape:  # an array
        size = " × ".join(map(str, shape))
        text = f"{size} numbers" if value.size > MOST_ROWS else _numbers(value.tolist())
    elif isinstance(value, float):
        text = f"{value:.6g}"
    elif isinstance(value, Mapping):
        text = ", ".join(f"{key}: {item}" for key, item in value.items())
    elif isinstance(value, tuple):
        text = ", ".join(map(str, value))
    elif dataclasses.is_dataclass(value) and hasattr(value, "substituted"):
        text = value.substituted
    else:
        text = str(value)
    text = text if len(text) <= MOST_CHARACTERS else f"{text[:MOST_CHARACTERS]}…"
    return escape(text)


def _numbers(values: Any) -> str:
    if isinstance(values, list):
        return f"[{', '.join(map(_numbers, values))}]"
    return f"{values:.6g}" if isinstance(values, float) else str(values)
