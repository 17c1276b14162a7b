"""The scaling of inputs and targets around a network, and the names of both."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ..symbolic.trace import Array


@dataclass(frozen=True, eq=False)
class Scaling:
    """(inputs - shift) / scale before the network, outputs * target_scale + target_shift after it.

    Each has the shape of one sample; None where there is no scaling.
    """

    shift: Array | None = None
    scale: Array | None = None
    target_shift: Array | None = None
    target_scale: Array | None = None


@dataclass(frozen=True, eq=False)
class Table:
    """The names of inputs, classes and targets, and the columns of an uploaded table.

    A column is plain JSON: name, kind, features (their number), categories, other (the index of the
    feature of all other categories), unknown, parts, day_first, decimal_commas, thousands, unit,
    marks_missing and fill_value.
    """

    feature_names: Sequence[str]
    class_names: Sequence[str] = ()
    target_names: Sequence[str] = ()
    columns: Sequence[Mapping[str, Any]] = ()
    threshold: float = 0.5
    """The decision threshold of a single output, the probability of the second class."""
