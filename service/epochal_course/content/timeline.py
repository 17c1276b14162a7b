"""The timeline: eleven steps from the perceptron to today's models, with sourced numbers."""

from __future__ import annotations

from functools import cache

from ..loading import Entry, load
from ..specs.content.timeline import Timeline, TimelineEntry


class TimelineFile(Entry):
    """The entries, oldest first, and the year up to which the last one reaches."""

    last_year: int
    entries: list[TimelineEntry]


@cache
def timeline() -> Timeline:
    """Return the eleven entries and the years they span."""
    file = load("timeline", TimelineFile)
    first = file.entries[0].year
    return Timeline(
        entries=file.entries,
        first_year=first,
        last_year=file.last_year,
        span_years=file.last_year - first,
    )
