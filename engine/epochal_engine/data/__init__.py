"""Data to train on, and the programs that generate it."""

from .generators import GENERATORS, IGNORED, Generator, Parameter, circles

__all__ = [
    "GENERATORS",
    "IGNORED",
    "Generator",
    "Parameter",
    "circles",
]
