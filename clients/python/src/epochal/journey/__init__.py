"""The content of the journey: what it tells, and from where it knows."""

from __future__ import annotations

from ..records import read
from ..session import Session
from .timeline import Fact, Timeline, TimelineEntry

__all__ = ["Fact", "Journey", "Timeline", "TimelineEntry"]


class Journey:
    """`client.journey`: read only."""

    def __init__(self, session: Session) -> None:
        self._session = session

    def timeline(self) -> Timeline:
        """From one artificial neuron to the language models of today, oldest first."""
        return read(Timeline, self._session.call("GetTimeline", {}))
