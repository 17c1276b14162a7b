"""Panels, scales and ticks that all pictures of a curve share."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Protocol

from ..arrays import Floats, Ints
from ..deferred import dataclass, np

# Beyond this ratio of the largest to the smallest value, a linear axis shows only the beginning.
_LOG_RATIO = 50.0
BASELINE_MARKS = {
    "best constant": "-",
    "linear model": "=",
    "boosted trees": "^",
    "bigram": "2",
    "trigram": "3",
    "4-gram": "4",
}
_FAR = 20.0  # a baseline beyond this factor of the curve is not drawn: it would flatten the curve


class Series(Protocol):
    """The part of a curve that a picture needs: metric -> values, and their epochs."""

    @property
    def total_epochs(self) -> int: ...

    @property
    def epochs(self) -> dict[str, Ints]: ...

    @property
    def baselines(self) -> dict[str, float]: ...

    def __getitem__(self, metric: str, /) -> Floats: ...

    def __contains__(self, metric: object, /) -> bool: ...


@dataclass(frozen=True, eq=False)
class Line:
    """One metric: finite `values` `(points,)` at `epochs`, and the epochs of other values."""

    metric: str
    epochs: Ints
    values: Floats
    not_finite: Ints
    mark: str = ""
    """The letter that draws the line in a terminal; empty for the default of its kind."""

    @property
    def is_baseline(self) -> bool:
        """Whether this is the loss of a baseline, a horizontal line."""
        return self.metric in BASELINE_MARKS

    @property
    def dashed(self) -> bool:
        """Whether this is a validation metric, so that it differs from others without color."""
        return self.metric.startswith("validation")


@dataclass(frozen=True, eq=False)
class Panel:
    """Metrics of one kind on the same axes."""

    title: str
    lines: tuple[Line, ...]
    log: bool
    low: float
    high: float
    last_epoch: int

    def scaled(self, values: object) -> Floats:
        """Return `values` in the units of the vertical axis: unchanged, or base-10 logarithms."""
        array = np.asarray(values, dtype=np.float64)
        return np.log10(array) if self.log else array

    @property
    def note(self) -> str:
        """A note on values that cannot be drawn; empty if all can."""
        lost = [int(line.not_finite[0]) for line in self.lines if len(line.not_finite)]
        return f"not finite from epoch {min(lost)}" if lost else ""


_KINDS = ("loss", "accuracy", "exact_match")


def panels(curve: Series, metrics: Sequence[str]) -> list[Panel]:
    """Return one panel for losses, for accuracies, for exact matches, and for each other metric."""
    groups: dict[str, list[Line]] = {}
    for metric in metrics:
        if metric in curve and len(curve[metric]):
            kind = next((k for k in _KINDS if metric.endswith(f"_{k}")), metric)
            groups.setdefault(kind, []).append(line_of(curve, metric))
    if "loss" in groups:
        shown = panel_of("loss", groups["loss"], curve.total_epochs)
        groups["loss"] += [
            _level(name, loss, curve.total_epochs)
            for name, loss in curve.baselines.items()
            if shown.low / _FAR <= loss <= shown.high * _FAR
        ]
    return [panel_of(kind, lines, curve.total_epochs) for kind, lines in groups.items()]


def _level(name: str, loss: float, total_epochs: int) -> Line:
    """Return a horizontal line."""
    ends = np.array([1, max(total_epochs, 2)])
    return Line(name, ends, np.array([loss, loss]), ends[:0], mark=BASELINE_MARKS[name])


def line_of(
    curve: Series, metric: str, *, name: str | None = None, mark: str = "", after: int = 0
) -> Line:
    """Return one metric of a curve as a line, shifted right by `after` epochs."""
    values, epochs = curve[metric], curve.epochs[metric] + after
    finite = np.isfinite(values)
    return Line(name or metric, epochs[finite], values[finite], epochs[~finite], mark)


def panel_of(kind: str, lines: Sequence[Line], total_epochs: int) -> Panel:
    """Return lines on common axes; lines of a fraction reach from 0 to 1."""
    values = np.concatenate([line.values for line in lines])
    low, high = (float(values.min()), float(values.max())) if len(values) else (0.0, 1.0)
    is_fraction = kind.endswith(("accuracy", "exact_match"))
    log = not is_fraction and low > 0 and high / low > _LOG_RATIO
    if is_fraction:
        low, high = min(low, 0.0), max(high, 1.0)
    elif low == high:
        low, high = low - 0.5 * (abs(low) or 1.0), high + 0.5 * (abs(high) or 1.0)
    last = max([total_epochs, *(int(e[-1]) for line in lines if len(e := line.epochs))])
    return Panel(kind.replace("_", " "), tuple(lines), log, low, high, last)


def ticks(low: float, high: float, *, log: bool = False, about: int = 5) -> list[float]:
    """Return round numbers from `low` to `high`.

    Steps are 1, 2 or 5 times a power of ten; with `log`, the numbers are powers of ten.


    >>> ticks(0, 1)
    [0.0, 0.2, 0.4, 0.6, 0.8, 1.0]
    >>> ticks(0.003, 20, log=True)
    [0.01, 0.1, 1.0, 10.0]
    """
    if not low < high:
        return [low]
    if log:
        first, last = math.ceil(math.log10(low)), math.floor(math.log10(high))
        if last - first >= 1:
            steps = (1, 2, 5, 10, 20, 50, 100, 200)
            every = next(step for step in steps if step * (about + 1) >= last - first)
            return [10.0**k for k in range(-(-first // every) * every, last + 1, every)]
    rough = (high - low) / about
    power = 10.0 ** math.floor(math.log10(rough))
    step = power * next(m for m in (1, 2, 5, 10) if m * power >= rough * 0.999)
    multiples = range(math.ceil(low / step - 1e-9), math.floor(high / step + 1e-9) + 1)
    decimals = max(0, -math.floor(math.log10(step)))
    return [round(k * step, decimals) for k in multiples]
