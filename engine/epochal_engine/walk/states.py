"""The states of random generators after each of many epochs, copied as they lie in memory.

A state as numbers of Python costs more than an epoch of a small network, and nearly all of them are
never read. They are copied as bytes, by the walk in C where it runs the epochs, and become numbers
when they are read.
"""

from __future__ import annotations

import ctypes
from collections.abc import Mapping, Sequence
from functools import cache
from typing import Any

import numpy as np

from ..symbolic.trace import Array

_PARTS = (32, 8)
"""Bytes of NumPy's `pcg64_state`: what its first field points to, and its two other fields."""


class GeneratorStates:
    """The states of generators in slots: 0 is before the current epochs, k after the k-th."""

    def __init__(self, generators: Sequence[np.random.Generator], length: int) -> None:
        self._generators = generators
        self.parts: Array | None = None
        """The addresses of the parts of each state, `(generators, 2)`; None if they are unknown."""
        self.slots: Array = np.zeros((length + 1, len(generators), sum(_PARTS)), np.uint8)
        self._numbers: list[list[Mapping[str, Any]]] = [[]] * (length + 1)
        if layout_is_known():
            self.parts = np.array([_addresses(g) for g in generators], np.intp).reshape(-1, 2)
        self.record(0)

    def record(self, slot: int) -> None:
        """Copy the current states to a slot."""
        if self.parts is None:
            self._numbers[slot] = [g.bit_generator.state for g in self._generators]
            return
        for generator, bytes_ in zip(self._generators, self.slots[slot], strict=True):
            bytes_[:] = _bytes_of(generator)

    def restart(self, slot: int) -> None:
        """Copy the states in a slot to slot 0."""
        self.slots[0] = self.slots[slot]
        self._numbers[0] = self._numbers[slot]

    def at(self, slot: int) -> list[Mapping[str, Any]]:
        """Return the state of each generator in a slot, as `bit_generator.state` does."""
        if self.parts is None:
            return self._numbers[slot]
        return [_numbers_of(bytes_) for bytes_ in self.slots[slot]]


@cache
def layout_is_known() -> bool:
    """Return whether a state that is copied as bytes is the state that NumPy shows."""
    generator = np.random.default_rng(0)
    if type(generator.bit_generator) is not np.random.PCG64:
        return False
    generator.integers(9, size=3, dtype=np.uint32)  # Half of a 64-bit number is left over.
    shown = generator.bit_generator.state
    return shown["has_uint32"] == 1 and _numbers_of(_bytes_of(generator)) == shown


def _addresses(generator: np.random.Generator) -> tuple[int, int]:
    at = generator.bit_generator.ctypes.state_address
    first = ctypes.c_void_p.from_address(at).value or 0
    return first, at + ctypes.sizeof(ctypes.c_void_p)


def _bytes_of(generator: np.random.Generator) -> Array:
    parts = zip(_addresses(generator), _PARTS, strict=True)
    return np.frombuffer(b"".join(ctypes.string_at(*part) for part in parts), np.uint8)


def _numbers_of(bytes_: Array) -> Mapping[str, Any]:
    generator, start = np.random.default_rng(0), 0
    for address, length in zip(_addresses(generator), _PARTS, strict=True):
        ctypes.memmove(address, bytes_[start : start + length].tobytes(), length)
        start += length
    numbers: Mapping[str, Any] = generator.bit_generator.state
    return numbers
