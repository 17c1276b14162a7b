"""Evaluates a formula with its numbers as a pocket calculator does."""

import math
import re
import statistics
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

from epochal_engine import ACTIVATIONS

PYTHON = str.maketrans(
    {
        "²": "**2",
        "³": "**3",
        "·": "*",
        "^": "**",
        "√": "sqrt",
        "≥": ">=",
        "≤": "<=",
        "⌈": "ceil(",
        "⌉": ")",
        "⌊": "floor(",
        "⌋": ")",
    }
)


def of_the_engine(function: Callable[[Any], Any]) -> Callable[[float], float]:
    return lambda x: float(function(np.float64(x)))


KNOWN: dict[str, Any] = {
    name: of_the_engine(function)
    for activation in ACTIVATIONS.values()
    for name, function in (
        (activation.name, activation.function),
        (f"{activation.name}_derivative", activation.derivative),
    )
} | {
    "π": math.pi,
    "exp": math.exp,
    "log": lambda x: math.log(x) if x > 0 else -math.inf,
    "tanh": math.tanh,
    "σ": lambda x: 1 / (1 + math.exp(-x)),
    "Φ": lambda x: math.erfc(-x / math.sqrt(2)) / 2,
    "φ": lambda x: math.exp(-x * x / 2) / math.sqrt(2 * math.pi),
    "erf": math.erf,
    "sqrt": math.sqrt,
    "sin": math.sin,
    "cos": math.cos,
    "max": max,
    "min": min,
    "abs": abs,
    "ceil": math.ceil,
    "floor": math.floor,
    "sign": lambda x: (x > 0) - (x < 0),
    "median": lambda *xs: statistics.median(xs),
}


def value_of(text: str) -> float:
    """The value of a formula with its numbers: `(1 + 2)² / √4` is 4.5."""
    text = re.sub(r"\|([^|]*)\|", r"abs(\1)", text)
    text = re.sub(r"(?<=\d),(?=\d{3}(?!\d))", "", text)
    text = re.sub(r"√(\d[\d.]*(?:e[-+]\d+)?)", r"sqrt(\1)", text)
    text = text.replace("'(", "_derivative(").translate(PYTHON)
    return float(eval(text, {"__builtins__": {}}, KNOWN))


def steps_of(substituted: str) -> tuple[list[str], str]:
    """The formulas and the result of `z = 2·3 = 6`; no formulas where there are only words."""
    text = re.split(r", so |: |; ", substituted)[-1]
    *steps, result = re.split(r" = | ← | ≈ ", text)
    return [step for step in steps if re.search(r"\d", step) and not is_symbol(step)], result


def is_symbol(text: str) -> bool:
    """Whether this is a name such as `z2,1`, `∂L/∂w1` or `η(60)`, and no formula."""
    return bool(
        re.fullmatch(
            r"[^\W\d]\w*[′']?[\d,]*(\(z[\d,]*\))?|[‖∂∇].*|dL/d.*|η\([^)]*\)|[a-zA-Z ]+\d*", text
        )
    )


def half_a_unit(result: str) -> float:
    """Half a unit of the last digit of four, or of a whole number's last one."""
    value = abs(float(result.replace(",", "")))
    if "," in result or value == 0.0 or not math.isfinite(value):
        return 1e-12 * max(value, 1.0)
    return 0.500001 * 10.0 ** (math.floor(math.log10(value) + 1e-12) - 3)


def disagreement(quantity: dict[str, Any]) -> str | None:
    """The first formula of a quantity that does not come to the shown value; None if all do."""
    substituted = quantity["substituted"]
    value = float(quantity["value"])
    steps, result = steps_of(substituted)
    shown = float(result.replace(",", ""))
    if not math.isfinite(value):
        return None if str(shown) == str(value) else f"{substituted} is not {value}"
    if abs(shown - value) > half_a_unit(result):
        return f"{substituted} is not {value}"
    for step in [] if "≈" in substituted else steps:
        computed = value_of(step)
        if not abs(computed - shown) <= half_a_unit(result):
            return f"{substituted}, where {step} is {computed}"
    return None


def agree(quantity: dict[str, Any]) -> None:
    """Assert that each formula, with the numbers as shown, comes to the value as shown."""
    assert disagreement(quantity) is None


def quantities(document: Any) -> Iterator[dict[str, Any]]:
    """All quantities of a reply."""
    if isinstance(document, dict):
        if "substituted" in document:
            yield document
        for child in document.values():
            yield from quantities(child)
    elif isinstance(document, list):
        for child in document:
            yield from quantities(child)
