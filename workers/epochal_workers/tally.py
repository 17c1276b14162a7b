"""Count what this process does, until the counts are added to the database."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from threading import Lock

from epochal_service.jobs.figures import Histogram


class Tally:
    """Counts by name. Thread-safe."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._amounts: dict[str, float] = defaultdict(float)

    def add(self, name: str, amount: float = 1.0) -> None:
        """Add to a counter."""
        self.add_all({name: amount})

    def observe(self, histogram: Histogram, value: float) -> None:
        """Count an observation."""
        self.add_all(histogram.observed(value))

    def add_all(self, amounts: Mapping[str, float]) -> None:
        """Add to several counters at once."""
        with self._lock:
            for name, amount in amounts.items():
                self._amounts[name] += amount

    def take(self) -> dict[str, float]:
        """Return all counts, and begin again at 0."""
        with self._lock:
            amounts, self._amounts = self._amounts, defaultdict(float)
        return dict(amounts)
