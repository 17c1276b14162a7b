"""The ten sections: what they tell, what can be tried, and what has been understood."""

from __future__ import annotations

from pydantic import Field

from ..base import Reply, Spec


class ExplorerReference(Reply):
    """An explorer of the section."""

    rpc: str
    """Its method over gRPC, e.g. `SimulateNeuron`."""
    path: str
    """Its path over HTTP, to POST to."""
    summary: str
    """What it computes, as a title."""
    example: str
    """What the request asks, as a title."""
    request: str
    """A request to begin with, as JSON."""


class Question(Reply):
    """To check what has been understood; the answer is computed when it is checked."""

    id: str
    """By which an answer names it."""
    text: str
    """What is asked, in a sentence."""
    choices: list[str]
    """Empty where a number is asked for."""
    unit: str
    """What the number counts; empty where it has none."""


class Section(Reply):
    """One step of the journey."""

    id: str
    """For `GET /v1/sections/{id}`, e.g. `neuron`."""
    number: int
    """Its place in the journey, counted from 1."""
    title: str
    """Its heading, in a few words."""
    lead: str
    """The idea in a sentence."""
    paragraphs: list[str]
    """The text, in order."""
    sources: list[str]
    """Where it can be read up: author, year, title."""
    explorers: list[ExplorerReference]
    """What can be tried, in the order of the text."""
    presets: list[str]
    """Names of `GET /v1/presets`."""
    questions: list[Question]
    """To check with `POST /v1/sections/{id}/answers`."""


class Sections(Reply):
    """All ten, in order."""

    sections: list[Section]
    """The whole journey."""


class CheckAnswerRequest(Spec):
    """An answer: a number, or which of the choices, counted from 0."""

    question: str = Field(min_length=1, max_length=64)
    """The question's id."""
    answer: float
    """The number, or which of the choices, counted from 0."""


class CheckedAnswer(Reply):
    """Whether the answer is right, and how the service knows."""

    correct: bool
    """Whether the answer lies within `tolerance` of what is expected."""
    expected: float
    """The computed number, or which of the choices, counted from 0."""
    tolerance: float
    """How far from it a number may be."""
    explanation: str
    """The reason, with the numbers put in."""
    rpc: str
    """The explorer that computed it."""
    path: str
    """Where it can be asked over HTTP."""
    request: str
    """What it was asked, as JSON."""
