"""Data to train on, and the programs that generate it."""

from .generators import GENERATORS, Generator, Parameter, circles

__all__ = [
    "GENERATORS",
    "Generator",
    "Parameter",
    "circles",
]
