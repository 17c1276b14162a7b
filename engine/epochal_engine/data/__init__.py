"""Data to train on, and the programs that generate it."""

from .generators import CHARACTERS, GENERATORS, IGNORED, Generator, Parameter, circles

__all__ = [
    "CHARACTERS",
    "GENERATORS",
    "IGNORED",
    "Generator",
    "Parameter",
    "circles",
]
