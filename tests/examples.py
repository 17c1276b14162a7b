"""How many examples of a property that takes long are tried."""

from hypothesis import settings


def examples(most: int = 60) -> int:
    """Return how many examples are tried: `most` in `make fuzz`, else a twentieth.

    Without `make fuzz` they are the same each time, so that many of them find nothing new.
    """
    return most // 20 if settings.default and settings.default.derandomize else most
