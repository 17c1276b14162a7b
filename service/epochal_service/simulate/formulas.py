"""Numbers as they stand in a formula."""

from __future__ import annotations

import math
import re
from collections.abc import Sequence

DIGITS, MOST_DIGITS = 4, 15


def number(value: float, digits: int = DIGITS) -> str:
    """So many significant digits, e.g. `0.35`, `1.2e-05`."""
    text = f"{value:.{digits}g}"
    return "0" if text == "-0" else text


def factor(value: float, digits: int = DIGITS) -> str:
    """As `number`, in brackets where a sign would meet an operator: `(-0.3)`."""
    text = number(value, digits)
    return f"({text})" if text.startswith("-") else text


def enough(value: float, *terms: float) -> int:
    """The digits with which terms that nearly cancel still come to their sum, the value."""
    largest = max(map(abs, terms), default=0.0)
    if not (0.0 < abs(value) < math.inf and 0.0 < largest < math.inf):
        return DIGITS
    lost = math.log10(largest) - math.log10(abs(value))
    return min(DIGITS + max(int(lost), 0), MOST_DIGITS)


def minus(a: float, b: float) -> str:
    """`a - b`, with the digits in which the two differ: `1.234567 - 1.234511`."""
    digits = enough(a - b, a, b)
    return f"{number(a, digits)} - {factor(b, digits)}"


def probability(p: float) -> str:
    """A probability, with the digits that tell what is left of 1: `0.9999546`."""
    return number(p, enough(1.0 - p, p))


def exponent(x: float) -> str:
    """A number to be raised to, of which each whole counts: `286.3214`."""
    return number(x, enough(1.0, x))


def sum_of_products(
    pairs: Sequence[tuple[float, float]], value: float, rest: Sequence[float] = ()
) -> str:
    """`0.1·0.8 + (-0.5)·0.3 + 0.1`: products and other terms, which come to the value."""
    digits = enough(value, *(a * b for a, b in pairs), *rest)
    products = [f"{factor(a, digits)}·{factor(b, digits)}" for a, b in pairs]
    return " + ".join([*products, *(factor(term, digits) for term in rest)])


def put_in(formula: str, **terms: str) -> str:
    """The formula with a term in place of each symbol: `max(0, x)` becomes `max(0, 0.5)`."""
    for symbol, term in terms.items():
        # Symbols are letters that stand alone: the x of `x³`, not that of `exp`.
        formula = re.sub(rf"(?<![a-zA-Z]){symbol}(?![a-zA-Z])", term, formula)
    # Brackets around a whole argument say nothing: exp((-0.3)).
    return re.sub(r"([(|]|, )\((-[^()]*)\)(?=[)|,])", r"\1\2", formula)


def whole(value: float) -> str:
    """A whole number with all its digits, e.g. `61,706`."""
    return f"{value:,.0f}"


def in_bytes(value: float) -> str:
    """An amount of memory, in powers of 1,000: `184 bytes`, `350 GB`."""
    for unit in ("bytes", "kB", "MB", "GB", "TB"):
        if value < 1_000:
            return f"{value:.4g} {unit}"
        value /= 1_000
    return f"{whole(value)} PB"
