"""Reads a substituted formula as anybody would with a pocket calculator."""

import math
import re
from typing import Any

POWERS = str.maketrans(
    {"²": "**2", "³": "**3", "·": "*", "^": "**", "√": "sqrt", "≥": ">=", "≤": "<="}
)
KNOWN = {
    "π": math.pi,
    "exp": math.exp,
    "log": lambda x: math.log(x) if x > 0 else -math.inf,
    "tanh": math.tanh,
    "erf": math.erf,
    "sqrt": math.sqrt,
    "max": max,
    "min": min,
    "abs": abs,
    "sign": lambda x: (x > 0) - (x < 0),
    "sigmoid": lambda x: 1 / (1 + math.exp(-x)),
    "softplus": lambda x: math.log1p(math.exp(x)),
}


def sides(substituted: str) -> tuple[float, float]:
    """What the last but one part of `z = 2·3 = 6` comes to, and what the last part says."""
    *_, sum_, result = substituted.split(" = ")
    text = re.sub(r"\|([^|]*)\|", r"abs(\1)", sum_)
    text = re.sub(r"(?<=\d),(?=\d{3})", "", text)
    text = re.sub(r"√(\d+)", r"sqrt(\1)", text).translate(POWERS)
    return float(eval(text, {"__builtins__": {}}, KNOWN)), float(result.replace(",", ""))


def agree(quantity: dict[str, Any], tolerance: float = 2e-3) -> None:
    """The formula with the numbers put in comes to the value, as far as its digits go."""
    computed, printed = sides(quantity["substituted"])
    scale = max(abs(quantity["value"]), 0.1)
    assert abs(computed - quantity["value"]) <= tolerance * scale, quantity
    assert abs(printed - quantity["value"]) <= 1e-3 * scale, quantity
