"""How many requests each owner may make now, counted in this process.

    an allowance of one minute  ──each request takes one──>  empty: refused
               └──refills evenly, in a minute──┘

The process stores one number per owner: the time when its allowance is full again.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from threading import Lock
from time import monotonic

from ..errors import QuotaExceeded

MINUTE = 60.0
MAX_FULL_OWNERS = 1000
"""Owners that are remembered although their allowance may be full."""


@dataclass(frozen=True)
class Rate:
    """The allowance of one owner."""

    limit: int
    """Requests per minute."""
    remaining: int
    """Requests that would be accepted now."""
    full_seconds: int
    """Seconds until the allowance is full, without another request."""

    @property
    def headers(self) -> dict[str, str]:
        """The headers for the caller, as in draft-ietf-httpapi-ratelimit-headers, version 10."""
        return {
            "RateLimit-Policy": f'"requests";q={self.limit};w={MINUTE:.0f}',
            "RateLimit": f'"requests";r={self.remaining};t={self.full_seconds}',
        }


class Rates:
    """The allowances of all owners: `limit` requests per minute each. Thread-safe."""

    def __init__(self, limit: int, clock: Callable[[], float] = monotonic) -> None:
        self._limit = limit
        self._clock = clock
        self._full_at: dict[str, float] = {}
        self._forget_at = MAX_FULL_OWNERS
        self._lock = Lock()

    def take(self, owner: str) -> None:
        """Count a request. Raises `QuotaExceeded`."""
        with self._lock:
            now = self._clock()
            full_at = max(self._full_at.get(owner, now), now) + MINUTE / self._limit
            # A rounding error must not refuse the last request.
            wait = full_at - now - MINUTE - 1e-6
            if wait > 0:
                seconds = math.ceil(wait)
                raise QuotaExceeded(
                    f"The quota max_requests_per_minute is used up, {self._limit} of "
                    f"{self._limit}: wait {seconds} s",
                    retry_after=seconds,
                )
            self._full_at[owner] = full_at
            if len(self._full_at) > self._forget_at:
                self._full_at = {name: at for name, at in self._full_at.items() if at > now}
                self._forget_at = 2 * len(self._full_at) + MAX_FULL_OWNERS

    def rate(self, owner: str) -> Rate:
        """Return the allowance of the owner."""
        now = self._clock()
        seconds = max(self._full_at.get(owner, now) - now, 0.0)
        used = math.ceil(seconds * self._limit / MINUTE - 1e-6)
        return Rate(self._limit, max(self._limit - used, 0), math.ceil(seconds))

    def __len__(self) -> int:
        """The number of owners that are remembered."""
        return len(self._full_at)
