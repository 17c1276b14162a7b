"""How many examples of a property that is tested over a network are tried."""

from hypothesis import settings


def examples() -> int:
    """Return how many requests of a kind are tried.

    Without `make fuzz` they are the same each time, so that many of them find nothing new.
    """
    return 8 if settings.default and settings.default.derandomize else 60
