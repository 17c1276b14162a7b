"""Chains of work on large arrays go through the cache block by block.

    call by call      y₁ = f(x)   y₂ = g(y₁)   y₃ = h(y₂)
    block by block    y₁, y₂, y₃ of the first rows; y₁, y₂, y₃ of the next rows; …

An array that does not fit into the cache is fetched from memory by every call that works on it. If
each row of a result depends on the same rows of its inputs alone, a chain of such results may as
well be worked out for a few rows first, which stay in the cache, and then for the next few.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from .trace import Symbol, owner

BLOCK = 65_536
"""Elements of the largest array in a block, about: several fit into a core's own cache."""
LARGE = 2 * BLOCK
"""Elements of the largest array of a chain from which on blocks are worth their calls."""
FEWEST = 4
"""Blocks that a chain can be divided into, at least: whoever would make it fewer begins anew."""

Places = Mapping[Symbol, Sequence[tuple[object, int]]]
"""The memory in which each computed symbol lives and works: what piece, and how much of it."""


@dataclass
class Chain:
    """Symbols that are computed together, each after its inputs."""

    symbols: list[Symbol] = field(default_factory=list)
    rows: int = 0
    """What all first axes can be divided by; 0 for a symbol that has to be computed as a whole."""
    used: dict[object, set[int]] = field(default_factory=dict)
    """The sizes of the arrays in each piece of memory; 0 for one that is not used row by row."""
    written: set[object] = field(default_factory=set)

    @property
    def blocks(self) -> int:
        """How many blocks it is best computed in."""
        largest = max(math.prod(y.shape) for y in self.symbols)
        if len(self.symbols) < 2 or largest < LARGE:
            return 1
        return max(n for n in range(1, -(-largest // BLOCK) + 1) if self.rows % n == 0)

    def takes(self, y: Symbol, places: Places) -> bool:
        """Add y, if its blocks may be worked out between those of the others."""
        assert y.primitive is not None
        by_rows = y.primitive.by_rows(y) if len(y.shape) > 1 else None
        rows = 0 if by_rows is None else math.gcd(self.rows, y.shape[0])
        if by_rows is None or rows < FEWEST:
            return False
        used = {piece: set(sizes) for piece, sizes in self.used.items()}
        for x, is_by_rows in zip(y.inputs, by_rows, strict=True):
            for piece, size in places.get(owner(x), ())[:1]:
                used.setdefault(piece, set()).add(size if is_by_rows and keeps_rows(x) else 0)
        for piece, size in places[y]:
            used.setdefault(piece, set()).add(size)
        written = self.written | {piece for piece, _ in places[y]}
        # What is written to while others still read must be the same block for all of them.
        if any(len(used[piece]) > 1 or 0 in used[piece] for piece in written):
            return False
        self.symbols.append(y)
        self.rows, self.used, self.written = rows, used, written
        return True


def chains(computed: Iterable[Symbol], places: Places) -> list[Chain]:
    """The computed symbols, in their order, cut into chains."""
    found: list[Chain] = []
    open_chain = Chain()
    for y in computed:
        if open_chain.takes(y, places):
            continue
        if open_chain.symbols:
            found.append(open_chain)
        open_chain = Chain()
        if not open_chain.takes(y, places):
            found.append(Chain([y]))
    return [*found, open_chain] if open_chain.symbols else found


def keeps_rows(x: Symbol) -> bool:
    """Whether a block of rows of x is the same share of the memory of its owner."""
    while x.primitive is not None and x.primitive.view is not None:
        (before,) = x.inputs
        match x.primitive.name:
            case "reshape":
                pass
            case "permute" if x.details[0][0] == 0:
                pass
            case "cut" if x.details[0] != 0:
                pass
            case "stretch" if len(x.shape) == len(before.shape) and x.shape[0] == before.shape[0]:
                pass
            case _:
                return False
        x = before
    return True
