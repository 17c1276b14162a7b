"""Every layer's spelling in the exports, by its type.

A residual has none: it is written as the layers within it, and an `add`.
"""

from __future__ import annotations

from . import dense, sequences, windows
from .spelling import Spelling

SPELLINGS: dict[str, Spelling] = {
    **dense.SPELLINGS,
    **windows.SPELLINGS,
    **sequences.SPELLINGS,
}
