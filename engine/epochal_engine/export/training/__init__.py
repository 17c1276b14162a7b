"""Exports of a whole training run: a program that repeats it and compares."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from .program import At, Contradiction, NoProgram, Recording, training_numpy, training_pytorch
from .source import Generated, Source


@dataclass(frozen=True)
class TrainingExport:
    """One format of a training program."""

    name: str
    suffix: str
    """The suffix of a file in this format."""
    write: Callable[[Recording], bytes]
    """`write(recording)` returns the file. Raises `NoProgram`."""


TRAINING_EXPORTS: dict[str, TrainingExport] = {
    export.name: export
    for export in (
        TrainingExport("training_numpy", "py", training_numpy),
        TrainingExport("training_pytorch", "py", training_pytorch),
    )
}
"""All formats of training programs by name."""

__all__ = [
    "TRAINING_EXPORTS",
    "At",
    "Contradiction",
    "Generated",
    "NoProgram",
    "Recording",
    "Source",
    "TrainingExport",
    "training_numpy",
    "training_pytorch",
]
