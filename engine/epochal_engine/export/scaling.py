"""The scaling of the inputs before the network."""

from __future__ import annotations

from dataclasses import dataclass

from ..trace import Array


@dataclass(frozen=True, eq=False)
class Scaling:
    """(inputs - shift) / scale, each of the shape of one sample."""

    shift: Array
    scale: Array
