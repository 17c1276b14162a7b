"""From one artificial neuron to the language models of today."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Fact:
    """A number with its source."""

    text: str
    value: float
    unit: str
    source: str


@dataclass(frozen=True)
class TimelineEntry:
    """One step of the way."""

    id: str
    year: int
    years: str
    title: str
    what_changed: str
    why_it_mattered: str
    facts: tuple[Fact, ...]
    sources: tuple[str, ...]
    preset: str | None


@dataclass(frozen=True)
class Timeline:
    """The eleven steps, oldest first."""

    entries: tuple[TimelineEntry, ...]
    first_year: int
    last_year: int
    span_years: int
