"""From one artificial neuron to the language models of today."""

from __future__ import annotations

from ..base import Reply


class Fact(Reply):
    """A number with its source."""

    text: str
    """What the number is, as a sentence without it, e.g. `trainable parameters of GPT-3`."""
    value: float
    unit: str
    source: str
    """Author, year, and where to find it; `computed` for what follows from other numbers here."""


class TimelineEntry(Reply):
    id: str
    year: int
    """The first year of the entry."""
    years: str
    """As it is printed, e.g. `2024–26`."""
    title: str
    what_changed: str
    why_it_mattered: str
    facts: list[Fact]
    sources: list[str]
    preset: str | None = None
    """A job that shows the step at a small size, where there is one."""


class Timeline(Reply):
    """The eleven steps, oldest first."""

    entries: list[TimelineEntry]
    first_year: int
    last_year: int
    span_years: int
