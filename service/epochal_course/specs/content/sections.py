"""Sections of the journey: text, explorers and quiz questions."""

from __future__ import annotations

from pydantic import Field

from epochal_service.specs.base import Reply, Spec


class ExplorerReference(Reply):
    """An explorer that belongs to a section, with an example request."""

    rpc: str
    """Name of the gRPC method, e.g. `SimulateNeuron`."""
    path: str
    """HTTP path for POST requests."""
    summary: str
    """Title of the explorer."""
    example: str
    """Title of the example request."""
    request: str
    """Example request, as JSON."""


class Question(Reply):
    """A quiz question. The service computes the correct answer when it checks one."""

    id: str
    """Id of the question, for `POST /course/v1/sections/{id}/answers`."""
    text: str
    """Text of the question."""
    choices: list[str]
    """Choices, in order. Empty if the answer is a number."""
    unit: str
    """Unit of the answer. Empty if it has none."""


class Section(Reply):
    """A section of the journey."""

    id: str
    """Id for `GET /course/v1/sections/{id}`, e.g. `neuron`."""
    number: int
    """Position in the journey, counted from 1."""
    title: str
    """Heading."""
    lead: str
    """Main idea, in a few sentences."""
    paragraphs: list[str]
    """Paragraphs of the text, in order."""
    sources: list[str]
    """Sources: authors, year, title."""
    explorers: list[ExplorerReference]
    """Explorers of the section, in the order of the text."""
    presets: list[str]
    """Names of the presets that belong to the section."""
    questions: list[Question]
    """Quiz questions, for `POST /course/v1/sections/{id}/answers`."""


class Sections(Reply):
    """All sections, in order."""

    sections: list[Section]
    """The eleven sections."""


class CheckAnswerRequest(Spec):
    """An answer to a quiz question."""

    question: str = Field(min_length=1, max_length=64)
    """Id of the question."""
    answer: float
    """The number, or the index of the choice, counted from 0."""


class CheckedAnswer(Reply):
    """Result of checking an answer, with the computation behind it."""

    is_correct: bool
    """True if the answer lies within `tolerance` of `expected`."""
    expected: float
    """The computed number, or the index of the correct choice, counted from 0."""
    tolerance: float
    """Largest difference from `expected` that counts as correct."""
    explanation: str
    """Explanation with the numbers filled in."""
    rpc: str
    """Name of the gRPC method of the explorer that computed the answer."""
    path: str
    """HTTP path of that explorer."""
    request: str
    """Request sent to that explorer, as JSON."""
