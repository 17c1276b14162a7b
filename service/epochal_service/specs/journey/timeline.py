"""From one artificial neuron to the language models of today."""

from __future__ import annotations

from ..base import Reply


class Fact(Reply):
    """A number with its source."""

    text: str
    """What the number is, as a sentence without it, e.g. `trainable parameters of GPT-3`."""
    value: float
    """The number, in `unit`."""
    unit: str
    """What it counts, e.g. `parameters`, `days` or `times`."""
    source: str
    """Author, year, and where to find it; `computed` for what follows from other numbers here."""


class TimelineEntry(Reply):
    """One step."""

    id: str
    """A short name for programs, e.g. `transformer`."""
    year: int
    """The first year of the entry."""
    years: str
    """As it is printed, e.g. `2024–26`."""
    title: str
    """What to call the step."""
    what_changed: str
    """What was new, in a sentence or two."""
    why_it_mattered: str
    """What followed from it."""
    facts: list[Fact]
    """Numbers that go with it, each with its source."""
    sources: list[str]
    """Where it can be read up: author, year, title."""
    preset: str | None = None
    """A job that shows the step at a small size, where there is one."""


class Timeline(Reply):
    """The eleven steps, oldest first."""

    entries: list[TimelineEntry]
    """From Rosenblatt's perceptron on."""
    first_year: int
    """Of the first entry."""
    last_year: int
    """In which the last entry ends."""
    span_years: int
    """`last_year` less `first_year`."""
