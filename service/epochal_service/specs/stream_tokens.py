"""Stream tokens, with which a browser opens an event stream."""

from __future__ import annotations

from datetime import datetime

from .base import Reply


class StreamToken(Reply):
    """A token that opens the events of one job or sweep."""

    token: str
    """The token, for the query: `?token=…`. Empty if the request had no API key, since the events
    need none then.
    """
    expires_at: datetime
    """Time at which no stream can be opened with it any more. A stream that is open continues."""
