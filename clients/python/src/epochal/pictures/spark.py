"""A curve as one line of characters, for tables."""

from __future__ import annotations

from ..arrays import Floats
from ..deferred import np

_BARS = "▁▂▃▄▅▆▇█"
_NOT_FINITE = "×"


def spark(values: Floats, low: float, high: float, width: int = 24) -> str:
    """Return `values` `(points,)` as `width` bars between `low` and `high` on a logarithmic scale.

    Each bar is the mean of its interval on that scale; an interval with a value that is not finite
    is a cross.
    """
    if len(values) == 0:
        return ""
    with np.errstate(all="ignore"):
        floor = max(low, 1e-12)
        span = max(float(np.log(max(high, floor) / floor)), 1e-9)
        heights = np.log(np.clip(values, floor, max(high, floor)) / floor) / span
        finite = np.isfinite(values)
    bars = []
    width = min(width, len(values))
    for part in np.array_split(np.arange(len(values)), width):
        if not finite[part].all():
            bars.append(_NOT_FINITE)
        else:
            bars.append(_BARS[min(int(heights[part].mean() * len(_BARS)), len(_BARS) - 1)])
    return "".join(bars)
