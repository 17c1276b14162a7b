"""Every layer's spelling in the exports, by its type.

A residual has none: it is written as the layers within it, and an `add`.
"""

from __future__ import annotations

from . import _dense, _sequences, _windows
from ._spelling import Spelling

SPELLINGS: dict[str, Spelling] = {
    **_dense.SPELLINGS,
    **_windows.SPELLINGS,
    **_sequences.SPELLINGS,
}
