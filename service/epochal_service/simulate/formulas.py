"""Numbers as they stand in a formula."""

from __future__ import annotations


def number(value: float) -> str:
    """Four significant digits, e.g. `0.35`, `1.2e-05`."""
    text = f"{value:.4g}"
    return "0" if text == "-0" else text


def factor(value: float) -> str:
    """As `number`, in brackets where a sign would meet an operator: `(-0.3)`."""
    text = number(value)
    return f"({text})" if text.startswith("-") else text
