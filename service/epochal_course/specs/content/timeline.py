"""The timeline from the perceptron to today's language models."""

from __future__ import annotations

from epochal_service.specs.base import Reply


class Fact(Reply):
    """A number with its source."""

    text: str
    """Description that follows the number, e.g. `parameters of GPT-3`."""
    value: float
    """Value, in `unit`."""
    unit: str
    """Unit, e.g. `parameters`, `days` or `times`."""
    source: str
    """Source: authors, year, title. `computed` if the value follows from other numbers."""


class TimelineEntry(Reply):
    """A step in the history of neural networks."""

    id: str
    """Id of the entry, e.g. `transformer`."""
    year: int
    """First year of the entry."""
    years: str
    """Year or years for display, e.g. `2024–26`."""
    title: str
    """The title of the milestone."""
    what_changed: str
    """The new idea in one or two sentences."""
    why_it_mattered: str
    """Consequences, in one or two sentences."""
    facts: list[Fact]
    """Numbers, each with its source."""
    has_published_size: bool = True
    """Whether the size of the entry's own network was published. If not, `facts` have the sizes of
    related networks."""
    sources: list[str]
    """Sources: authors, year, title."""
    preset: str | None = None
    """Name of a preset that shows the step in miniature. Null if there is none."""


class Timeline(Reply):
    """The timeline, oldest entry first."""

    entries: list[TimelineEntry]
    """The eleven entries, from Rosenblatt's perceptron on."""
    first_year: int
    """Year of the first entry."""
    last_year: int
    """Last year of the last entry."""
    span_years: int
    """Difference of `last_year` and `first_year`."""
