"""Numbers as they stand in a formula."""

from __future__ import annotations

import re


def number(value: float) -> str:
    """Four significant digits, e.g. `0.35`, `1.2e-05`."""
    text = f"{value:.4g}"
    return "0" if text == "-0" else text


def factor(value: float) -> str:
    """As `number`, in brackets where a sign would meet an operator: `(-0.3)`."""
    text = number(value)
    return f"({text})" if text.startswith("-") else text


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
