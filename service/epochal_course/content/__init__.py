"""The content of the journey as data: sections, questions, architectures, timeline, presets.

A part is imported when it is first used. A service that only trains uses none.
"""

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from . import (
        activations,
        architectures,
        forms,
        history,
        losses,
        models,
        neuron_parts,
        presets,
        questions,
        sections,
        stored_results,
        timeline,
    )

__all__ = [
    "activations",
    "architectures",
    "forms",
    "history",
    "losses",
    "models",
    "neuron_parts",
    "presets",
    "questions",
    "sections",
    "stored_results",
    "timeline",
]


def __getattr__(name: str) -> object:
    if name not in __all__:
        raise AttributeError(name)
    return import_module(f".{name}", __name__)
