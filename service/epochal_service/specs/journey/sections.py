"""The ten sections: what they tell, what can be tried, and what has been understood."""

from __future__ import annotations

from pydantic import Field

from ..base import Reply, Spec


class ExplorerReference(Reply):
    """An explorer of the section."""

    rpc: str
    path: str
    summary: str
    example: str
    """What the request asks, as a title."""
    request: str
    """A request to begin with, as JSON."""


class Question(Reply):
    """To check what has been understood; the answer is computed when it is checked."""

    id: str
    text: str
    choices: list[str]
    """Empty where a number is asked for."""
    unit: str
    """What the number counts; empty where it has none."""


class Section(Reply):
    """One step of the journey."""

    id: str
    number: int
    title: str
    lead: str
    """The idea in a sentence."""
    paragraphs: list[str]
    sources: list[str]
    explorers: list[ExplorerReference]
    presets: list[str]
    """Names of `GET /v1/presets`."""
    questions: list[Question]


class Sections(Reply):
    """All ten, in order."""

    sections: list[Section]


class CheckAnswerRequest(Spec):
    """An answer: a number, or which of the choices, counted from 0."""

    question: str = Field(min_length=1, max_length=64)
    """The question's id."""
    answer: float


class CheckedAnswer(Reply):
    """Whether the answer is right, and how the service knows."""

    correct: bool
    expected: float
    """The computed number, or which of the choices, counted from 0."""
    tolerance: float
    """How far from it a number may be."""
    explanation: str
    """The reason, with the numbers put in."""
    rpc: str
    """The explorer that computed it."""
    path: str
    request: str
    """What it was asked, as JSON."""
