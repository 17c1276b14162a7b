"""Descriptions of the activations; formulas and numbers come from the engine, texts from a file."""

from __future__ import annotations

import math
from functools import cache

import numpy as np

from epochal_engine import ACTIVATIONS, Activation
from epochal_service.specs.base import ActivationName

from ..loading import Entry, load
from ..specs.content.activations import ActivationDescription, Activations


class Note(Entry):
    """The part of a description that does not follow from the formula."""

    idea: str
    history: str
    used_in: str
    drawbacks: str
    year: int | None = None
    source: str | None = None


@cache
def activations() -> Activations:
    """Return a description of each activation of the engine, in the engine's order."""
    notes = load("activations", dict[ActivationName, Note])
    # A test names an activation without a note.
    none = Note(idea="", history="", used_in="", drawbacks="")
    return Activations(
        activations=[_describe(value, notes.get(name, none)) for name, value in ACTIVATIONS.items()]
    )


def _describe(activation: Activation, note: Note) -> ActivationDescription:
    numbers = {}
    if activation.is_elementwise:
        numbers = {
            "gain": _gain(activation),
            "value_at_zero": float(activation.function(0.0)),
            "derivative_at_zero": float(activation.derivative(0.0)),
        }
    return ActivationDescription(
        activation=activation.name,
        formula=activation.formula,
        derivative_formula=activation.derivative_formula,
        range=activation.range,
        is_elementwise=activation.is_elementwise,
        initializer=activation.default_initializer,
        **numbers,
        **note.model_dump(),
    )


def _gain(activation: Activation) -> float:
    """Return 1/√E[f(z)²] for a standard normal z; He et al. (2015) derive √2 for relu.

    Uses the midpoint rule, so that kinks and jumps at 0 fall between two sample points.
    """
    width = 0.001
    z = (np.arange(24_000) + 0.5) * width - 12.0
    density = np.exp(-z * z / 2.0) / math.sqrt(2.0 * math.pi)
    return 1.0 / math.sqrt(float(np.sum(np.square(activation.function(z)) * density) * width))
