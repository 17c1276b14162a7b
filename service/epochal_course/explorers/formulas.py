"""Formulas with their numbers: what is shown always comes to the value that is shown.

    expression("{}·{} + {}", w, x, b)  ──→  quantity("z", z, "w·x + b", …)  ──→  Quantity

A template is written once. It is both the text that people read and the program that checks the
text: `quantity` adds digits until the numbers as shown, put into the formula as shown, round to the
value as shown.
"""

from __future__ import annotations

import math
import re
import statistics
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import pairwise
from typing import Any

from epochal_engine import ACTIVATIONS

from ..specs.explorers.quantity import Quantity

DIGITS, MOST_DIGITS = 4, 17
"""Significant digits of a number; 17 identify a 64-bit float."""
ROUNDED = {"1.0507": 1.0507009873554805, "1.7581": 1.0507009873554805 * 1.6732632423543772}
"""The constants that the formula of SELU rounds (Klambauer et al., 2017)."""
ROUNDING = 1e-15
"""Rounding errors of a sum, relative to its largest number."""


def number(value: float, digits: int = DIGITS) -> str:
    """Return the value with this many significant digits, e.g. `0.35`, `1.2e-05`.

    An `int` keeps all its digits: `61,706`.
    """
    if isinstance(value, int):
        return f"{value:,}"
    text = f"{value:.{digits}g}"
    return "0" if text == "-0" else text


def whole(value: float) -> str:
    """Return a whole number with all its digits, e.g. `61,706`."""
    return f"{value:,.0f}"


# ---------------------------------------------------------------- expressions


@dataclass(frozen=True, slots=True)
class Expression:
    """A template with a `{}` for each number, and the numbers."""

    template: str
    numbers: tuple[float, ...] = ()


def expression(template: str, *terms: float | Expression) -> Expression:
    """Return the template with a number or another expression in the place of each `{}`."""
    if not any(isinstance(term, Expression) for term in terms):
        return Expression(template, terms)  # type: ignore[arg-type]
    start, *pieces = template.split("{}")
    text: list[str] = [start]
    numbers: list[float] = []
    for term, piece in zip(terms, pieces, strict=True):
        if isinstance(term, Expression):
            text += [term.template, piece]
            numbers += term.numbers
        else:
            text += ["{}", piece]
            numbers.append(term)
    return Expression("".join(text), tuple(numbers))


def total(terms: Iterable[float | Expression]) -> Expression:
    """Return `a + b + c`; 0 for no terms."""
    terms = list(terms)
    return expression(" + ".join(["{}"] * len(terms)) or "0", *terms)


def sum_of_products(pairs: Sequence[tuple[float, float]], rest: Sequence[float] = ()) -> Expression:
    """Return `0.1·0.8 + (-0.5)·0.3 + 0.1`: products of pairs, then other terms."""
    template = " + ".join(["{}·{}"] * len(pairs) + ["{}"] * len(rest))
    return Expression(template, (*(x for pair in pairs for x in pair), *rest))


def put_in(formula: str, **numbers: float) -> Expression:
    """Return the formula with numbers in place of symbols: `max(0, x)` becomes `max(0, 0.5)`."""
    values: list[float] = []

    def replace(match: re.Match[str]) -> str:
        values.append(numbers[match[0]])
        return "{}"

    # A symbol is a letter that stands alone: the x of `x³`, not the x of `exp`.
    symbols = "|".join(map(re.escape, numbers))
    template = re.sub(rf"(?<![a-zA-Z])(?:{symbols})(?![a-zA-Z])", replace, formula)
    return Expression(template, tuple(values))


# ---------------------------------------------------------------- quantities


def quantity(
    name: str,
    value: float,
    formula: str,
    *expressions: Expression,
    condition: str = "",
    equals: str = "=",
    subject: str | None = None,
) -> Quantity:
    """Return a value with its formula, in symbols and in numbers: `z = w·x` and `z = 2·3 = 6`.

    Each of the expressions comes to the value. `condition` precedes the numbers
    (`0.5 > 0, so …`). `subject` replaces the name before the numbers; empty: the numbers stand
    alone.
    """
    before = name if subject is None else subject
    return Quantity(
        name=name,
        value=value,
        formula=f"{name} {equals} {formula}",
        substituted=condition
        + (f"{before} {equals} " if before else "")
        + evaluation(value, *expressions),
    )


def evaluation(value: float, *expressions: Expression) -> str:
    """Return `2·3 = 6`, with the fewest digits with which that is true, and at least four.

    Where no digits suffice, because rounding errors exceed the value, the sign is `≈`.
    """
    shown = number(value)
    texts: list[str] = []
    digits, agrees = DIGITS, True
    for expression in expressions:
        text, needed = _shown(expression, value, digits)
        if needed is None:
            agrees = False
        elif needed > digits:
            # All expressions of a line show the same digits.
            digits = needed
            texts = [_shown(other, value, digits)[0] for other in expressions[: len(texts)]]
        texts.append(text)
    steps = list(dict.fromkeys([*texts, shown]))
    if agrees or len(steps) == 1:
        return " = ".join(steps)
    return f"{' = '.join(steps[:-1])} ≈ {shown}"


def _shown(expression: Expression, value: float, least: int) -> tuple[str, int | None]:
    """The text with the fewest digits, from `least` on, that rounds to the value, and the digits.

    With four digits, and None, where there are no such digits.
    """
    template = _compiled(expression.template)
    if not math.isfinite(value):
        return template.text([number(x) for x in expression.numbers]), DIGITS
    target, tolerance = _target(value, expression.numbers)
    for digits in range(least, MOST_DIGITS + 1):
        texts = [number(x, digits) for x in expression.numbers]
        numbers = [
            x if isinstance(x, int) else float(text)
            for x, text in zip(expression.numbers, texts, strict=True)
        ]
        try:
            if not abs(template.function(*numbers) - target) > tolerance:
                return template.text(texts), digits
        except (ArithmeticError, ValueError):
            continue
    return template.text([number(x) for x in expression.numbers]), None


def _target(value: float, numbers: Sequence[float]) -> tuple[float, float]:
    """The value as shown, and half a unit of its last digit; for 0 the rounding errors of a sum."""
    if value == 0.0:
        return 0.0, ROUNDING * max(map(abs, numbers), default=0.0)
    if isinstance(value, int):
        return value, 1e-12 * abs(value)
    text = f"{value:.{DIGITS - 1}e}"
    return float(text), 0.500001 * 10.0 ** (int(text[text.index("e") + 1 :]) - DIGITS + 1)


# ---------------------------------------------------------------- templates


@dataclass(frozen=True, slots=True)
class _Template:
    pieces: list[str]
    """The text around the numbers."""
    needs_brackets: list[bool]
    """Whether the sign of each number would meet an operator."""
    function: Callable[..., float]

    def text(self, numbers: Sequence[str]) -> str:
        """The template with these texts, in brackets where a sign would meet an operator."""
        parts = [self.pieces[0]]
        for text, needs_brackets, piece in zip(
            numbers, self.needs_brackets, self.pieces[1:], strict=True
        ):
            parts.append(f"({text})" if needs_brackets and text[0] == "-" else text)
            parts.append(piece)
        return "".join(parts)


@lru_cache(maxsize=4096)
def _compiled(template: str) -> _Template:
    pieces = template.split("{}")
    needs_brackets = [
        # A sign meets no operator if its number is alone, or within its own brackets or bars.
        not (re.search(r"(^|[(|⌈⌊]|, )$", before) and re.match(r"($|[)|⌉⌋]|, | [-+/] )", after))
        for before, after in pairwise(pieces)
    ]
    names = [f"n{i}" for i in range(len(pieces) - 1)]
    source = "".join(piece + name for piece, name in zip(pieces, [*names, ""], strict=True))
    return _Template(pieces, needs_brackets, _function(", ".join(names), source))


def _function(parameters: str, text: str) -> Callable[..., float]:
    """The function that a formula describes. Formulas are texts of this program, not of users."""
    function: Callable[..., float] = eval(f"lambda {parameters}: {_in_python(text)}", FUNCTIONS)
    return function


def activation_function(formula: str) -> Callable[[float], float]:
    """Return the function of x that a formula of the engine's activations describes."""
    for rounded, exact in ROUNDED.items():
        formula = formula.replace(rounded, repr(exact))
    if " with t = " in formula:
        text, _, auxiliary = formula.partition(" with t = ")
        return _function("x", f"(lambda t: {text})({auxiliary})")
    return _function("x", formula.rpartition(" = ")[2])


PYTHON = str.maketrans(
    {
        "²": "**2",
        "³": "**3",
        "^": "**",
        "·": "*",
        "√": "sqrt",
        "≥": ">=",
        "≤": "<=",
        "⌈": "ceil(",
        "⌉": ")",
        "⌊": "floor(",
        "⌋": ")",
    }
)


def _in_python(text: str) -> str:
    text = re.sub(r"\|([^|]*)\|", r"abs(\1)", text)
    text = re.sub(r"√(\w[\w.]*)", r"sqrt(\1)", text)
    text = re.sub(r"(?<=\d),(?=\d{3})", "", text)
    return text.replace("'(", "_derivative(").translate(PYTHON)


def _sigmoid(x: float) -> float:
    return 1.0 / (1.0 + math.exp(-x)) if x >= 0.0 else math.exp(x) / (1.0 + math.exp(x))


def _logarithm(x: float) -> float:
    return math.log(x) if x > 0.0 else -math.inf


FUNCTIONS: dict[str, Any] = {
    "__builtins__": {},
    "π": math.pi,
    "exp": math.exp,
    "log": _logarithm,
    "tanh": math.tanh,
    "σ": _sigmoid,
    "sigmoid": _sigmoid,
    "softplus": lambda x: math.log1p(math.exp(-abs(x))) + max(x, 0.0),
    "Φ": lambda x: 0.5 * math.erfc(-x / math.sqrt(2.0)),
    "φ": lambda x: math.exp(-0.5 * x * x) / math.sqrt(2.0 * math.pi),
    "erf": math.erf,
    "sqrt": math.sqrt,
    "sin": math.sin,
    "cos": math.cos,
    "abs": abs,
    "max": max,
    "min": min,
    "ceil": math.ceil,
    "floor": math.floor,
    "sign": lambda x: (x > 0) - (x < 0),
    "median": lambda *xs: statistics.median(xs),
}
"""Functions for templates, besides each activation `relu(x)` and its derivative `relu'(x)`."""

for _name, _activation in ACTIVATIONS.items():
    if _activation.is_elementwise:
        FUNCTIONS.setdefault(_name, activation_function(_activation.formula))
        FUNCTIONS[f"{_name}_derivative"] = activation_function(_activation.derivative_formula)
