"""How many examples of a property that is tested over a network are tried."""

from hypothesis import settings


def examples() -> int:
    """Return how many requests of a kind are tried: more in `make fuzz`, where they are new."""
    return 25 if settings.default and settings.default.derandomize else 60
