"""`epochal explain`: a section of the journey with its examples, computed by the service."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Annotated, Any

import typer

from ..client import Client
from ..deferred import np
from ..pictures.spark import spark
from ..types import ExplorerReference, Section
from .command import Output
from .inputs import guess
from .output import Columns, number, out, print_rows

_QUANTITY = {"name", "value", "formula", "substituted"}
# Number of steps, units or windows that are printed in full; --json prints all.
_MOST = 3
_MOST_QUANTITIES = 12


def explain(
    client: Client,
    topic: Annotated[
        str | None,
        typer.Argument(metavar="TOPIC", help="A section, its number, or an explorer."),
    ] = None,
    request: Annotated[
        str | None,
        typer.Option(metavar="JSON", help="Request to the explorer, instead of its example."),
    ] = None,
) -> Output:
    """Explain an idea of the journey, with numbers that the service computes.

    Without a topic, list all topics.
    """
    sections = client.course.sections()
    if topic is None:
        yield {"sections": sections}
        print_rows(sections, _COLUMNS)
        return
    explorers = {_word(e): e for section in sections for e in section.explorers}
    explorer = explorers.get(topic)
    # Some explorers have the name of their section; a request goes to the explorer.
    section = None if request is not None and explorer else _section(sections, topic)
    if section is None and explorer is None:
        names = [known.id for known in sections]
        raise typer.BadParameter(
            f"There is no topic {topic!r}{guess(topic, [*names, *explorers])} "
            f"The sections are {', '.join(names)}."
        )
    if request is not None and explorer is None:
        raise typer.BadParameter("--request needs an explorer as TOPIC")
    shown = list(section.explorers) if section is not None else [explorer] if explorer else []
    replies = [
        (
            explorer,
            client.course.simulate.call(explorer.rpc, _document(request or explorer.request)),
        )
        for explorer in shown
    ]
    yield {"section": section, "replies": {e.rpc: reply for e, reply in replies}}
    if section is not None:
        _print_text(section)
    for explorer, reply in replies:
        out.print(f"\n[bold]{explorer.summary}[/]  [dim]POST {explorer.path}[/]")
        if request is None:
            out.print(f"[italic]{explorer.example}[/]", highlight=False)
        for line in _lines(reply, "", most=1 if section else _MOST):
            out.print(line, markup=False, highlight=False, soft_wrap=True)
    if section is not None and section.presets:
        out.print(f"\nTrain it: epochal train {section.presets[0]}")


def _section(sections: Sequence[Section], topic: str) -> Section | None:
    return next((s for s in sections if topic in (s.id, str(s.number))), None)


def _word(explorer: ExplorerReference) -> str:
    return explorer.path.rpartition("/")[2]


_COLUMNS: Columns[Section] = {
    ">": lambda row: str(row.number),
    "SECTION": lambda row: row.id,
    "EXPLORERS": lambda row: " ".join(map(_word, row.explorers)),
    "TITLE": lambda row: row.title,
}


def _document(text: str) -> dict[str, Any]:
    try:
        document = json.loads(text)
    except json.JSONDecodeError as error:
        raise typer.BadParameter(f"--request must be JSON: {error}") from None
    if not isinstance(document, dict):
        raise typer.BadParameter("--request must be a JSON object")
    return document


def _print_text(section: Section) -> None:
    out.print(f"[bold]{section.number}  {section.title}[/]\n[italic]{section.lead}[/]")
    for paragraph in section.paragraphs:
        out.print(f"\n{paragraph}", markup=False)


def _lines(value: Any, name: str, most: int, indent: str = "  ") -> Iterator[str]:
    """Yield a reply in lines: quantities by their formula, series and maps as small pictures.

    `most` limits the entries of a list.
    """
    label = f"{name.replace('_', ' ')}: " if name else ""
    if isinstance(value, Mapping) and value.keys() >= _QUANTITY:
        yield f"{indent}{value['substituted']}"
    elif isinstance(value, Mapping):
        if name:
            yield f"{indent}{label.rstrip()}"
            indent += "  "
        for key, entry in value.items():
            yield from _lines(entry, key, most, indent)
    elif not isinstance(value, list):
        if value not in (None, ""):
            yield f"{indent}{label}{value if name == 'year' else _scalar(value)}"
    elif not value:
        return
    elif isinstance(value[0], Mapping):
        limit = _MOST_QUANTITIES if value[0].keys() >= _QUANTITY else most
        yield f"{indent}{label.rstrip()}"
        for entry in value[:limit]:
            first, *rest = _lines(entry, "", most, f"{indent}    ")
            yield f"{indent}  – {first.strip()}"
            yield from rest
        if len(value) > limit:
            yield f"{indent}  … {len(value) - limit} more (--json prints all)"
    elif isinstance(value[0], list):
        yield f"{indent}{label.rstrip()}"
        rows = _map(value) if len(value) > 8 else ("  ".join(map(_scalar, row)) for row in value)
        yield from (f"{indent}  {row}" for row in rows)
    else:
        yield f"{indent}{label}{_series(value)}"


def _map(rows: Sequence[Sequence[Any]]) -> Iterator[str]:
    """Yield a table of numbers as shades, with the first row at the bottom."""
    table = np.array(rows, dtype=np.float64)
    low, high = float(np.nanmin(table)), float(np.nanmax(table))
    shades = " ░▒▓█"
    steps = np.nan_to_num((table - low) / ((high - low) or 1)) * (len(shades) - 1)
    for row in np.rint(steps).astype(int)[::-1]:
        yield "".join(shades[step] * 2 for step in row)
    yield f"from {number(low)} to {number(high)}"


def _series(values: Sequence[Any]) -> str:
    if len(values) <= 8 or any(isinstance(v, str | bool) for v in values):
        return "  ".join(_scalar(v) for v in values[:32])
    numbers = np.array(values, dtype=np.float64)
    low, high = float(np.nanmin(numbers)), float(np.nanmax(numbers))
    # The scale of the picture is logarithmic; between 1 and 2 it is nearly linear.
    moved = 1 + (numbers - low) / ((high - low) or 1)
    return f"{spark(moved, 1, 2, 48)}  from {number(low)} to {number(high)}"


def _scalar(value: Any) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    return (
        f"{value:,}"
        if isinstance(value, int)
        else number(value)
        if isinstance(value, float)
        else str(value)
    )
