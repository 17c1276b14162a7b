"""The eleven sections of the journey: text, sources and explorers."""

from __future__ import annotations

import json
from functools import cache
from importlib.resources import files
from typing import TypedDict

from epochal_service.errors import NotFound

from ..loading import Entry, load
from .presets import presets


class Prediction(TypedDict):
    """A question about the figure of a section, for a reader to answer before trying it."""

    question: str
    choices: list[str]
    answer: int
    """Index of the right choice."""


class FirstScreen(TypedDict):
    """The texts of a section that the page shows before a reader opens the rest."""

    title: str
    lead: str
    task: str
    prediction: Prediction
    finding: str
    parts: dict[str, str]
    """Titles of the parts below, by the end of their addresses."""


TEXTS: dict[str, FirstScreen] = json.loads(
    files(__package__).joinpath("titles.json").read_text(encoding="utf-8")
)
"""By section. The page reads the same file when it is built."""


class SectionContent(Entry):
    """The text of a section and the explorers that belong to it."""

    id: str
    paragraphs: list[str]
    sources: list[str]
    explorers: list[str]
    """Names of RPCs."""

    @property
    def number(self) -> int:
        """Position in the journey, counted from 1."""
        return sections().index(self) + 1

    @property
    def title(self) -> str:
        """Heading of the section."""
        return TEXTS[self.id]["title"]

    @property
    def lead(self) -> str:
        """Main idea of the section, in one to three sentences."""
        return TEXTS[self.id]["lead"]

    @property
    def presets(self) -> list[str]:
        """Names of the presets that belong to the section."""
        return [preset.name for preset in presets() if preset.section == self.id]


@cache
def sections() -> list[SectionContent]:
    """Return the sections, in order."""
    return load("sections", list[SectionContent])


def find(id: str) -> SectionContent:
    """Return the section with this id. Raises `NotFound`."""
    for section in sections():
        if section.id == id:
            return section
    raise NotFound(f"There is no section {id}; GET /course/v1/sections lists all of them")
