"""The eleven sections of the journey: text, sources and explorers."""

from __future__ import annotations

import json
from functools import cache
from importlib.resources import files

from epochal_service.errors import NotFound

from ..loading import Entry, load
from .presets import presets

_TITLES: dict[str, dict[str, str]] = json.loads(
    files(__package__).joinpath("titles.json").read_text(encoding="utf-8")
)
"""Title and lead of each section. The page reads the same file when it is built."""


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
        return _TITLES[self.id]["title"]

    @property
    def lead(self) -> str:
        """Main idea of the section, in one to three sentences."""
        return _TITLES[self.id]["lead"]

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
