"""The ten sections of the journey."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class ExplorerReference:
    """An explorer, and a request to begin with, as JSON."""

    rpc: str
    path: str
    summary: str
    example: str
    request: str


@dataclass(frozen=True)
class Question:
    """To check what has been understood; without `choices` a number is asked for."""

    id: str
    text: str
    choices: tuple[str, ...]
    unit: str


@dataclass(frozen=True)
class Section:
    """One step of the journey."""

    id: str
    number: int
    title: str
    lead: str
    paragraphs: tuple[str, ...]
    sources: tuple[str, ...]
    explorers: tuple[ExplorerReference, ...]
    presets: tuple[str, ...]
    questions: tuple[Question, ...]


@dataclass(frozen=True)
class Sections:
    """All ten, in order."""

    sections: tuple[Section, ...]


@dataclass(frozen=True)
class CheckedAnswer:
    """Whether an answer is right, and how the service knows."""

    correct: bool
    expected: float
    tolerance: float
    explanation: str
    rpc: str
    path: str
    request: str

    def __bool__(self) -> bool:
        return self.correct
