"""How numbers are written: a decimal mark, a thousands separator, a currency or a percent sign.

    1234.5    1.234,50 €    $1,234.50    1'234.50    1 234,5    12 %

All numbers of a column have one format, so that no text stands for two numbers.
"""

from __future__ import annotations

import math
import re
from dataclasses import dataclass
from functools import cache
from typing import NamedTuple

from epochal_service.datasets.cells import MISSING, WHY_MISSING, number_of, shown

PERCENT = "%"
NO_NUMBER = "is not a number, as the other values of the column are; correct it or delete the row"
DOTTED, COMMAS = (",", "."), (".", ",")
MARKS = ((".", ""), DOTTED, COMMAS, (".", " "), (",", " "), (".", "'"), (",", "'"))
"""Decimal marks with thousands separators, the most plausible first."""

_CURRENCY = (
    r"(?:[A-Z]{0,2}[$€£¥₹₽₩₺₪₫₴฿]|AUD|BRL|CAD|CHF|CNY|CZK|DKK|EUR|GBP|HUF|INR|JPY|KRW|MXN|NOK|PLN"
    r"|SEK|TRY|USD|ZAR)"
)
# Sign and unit may stand in either order before the digits, or the unit behind them.
_AFFIXED = re.compile(
    rf"([+-]?) ?({_CURRENCY}?) ?([+-]?)([\d.,][\d.,' ]*(?:[eE][+-]?\d+)?) ?({_CURRENCY}|{PERCENT})?"
)
# Minus, no-break spaces and apostrophe of typography.
_TYPOGRAPHY = str.maketrans("\u2212\u00a0\u202f\u2009\u2019", "-   '")


class Affixed(NamedTuple):
    """A number without its sign and unit, which may stand in one of several formats."""

    sign: str
    digits: str
    unit: str


def affixed(cell: str) -> Affixed | None:
    """Return the parts of a cell that looks like a number in some format."""
    match = _AFFIXED.fullmatch(cell if cell.isascii() else cell.translate(_TYPOGRAPHY))
    if match is None:
        return None
    sign, before, second_sign, digits, behind = match.groups(default="")
    if (sign and second_sign) or (before and behind):
        return None
    digits = digits.rstrip()
    if _ANY.fullmatch(digits) is None:
        return None
    return Affixed(sign or second_sign, digits, before or behind)


def is_numeric(cell: str) -> bool:
    """Return whether the cell is a number in some format; it may be infinite or NaN."""
    return number_of(cell) is not None or affixed(cell) is not None


def matches(digits: str, decimal: str, thousands: str) -> bool:
    """Return whether digits have this decimal mark and thousands separator, or need neither."""
    return _pattern(decimal, thousands).fullmatch(digits) is not None


@cache
def _pattern(decimal: str, thousands: str) -> re.Pattern[str]:
    mark, separator = re.escape(decimal), re.escape(thousands)
    whole = rf"(?:[1-9]\d{{0,2}}(?:{separator}\d{{3}})+|\d+)" if thousands else r"\d+"
    return re.compile(rf"(?:{whole}(?:{mark}\d*)?|{mark}\d+)(?:[eE][+-]?\d+)?")


_ANY = re.compile("|".join(_pattern(*marks).pattern for marks in MARKS))


@dataclass(frozen=True)
class NumberFormat:
    """The format of the numbers of a column."""

    decimal: str = "."
    thousands: str = ""
    unit: str = ""

    def plain(self, cell: str) -> str | None:
        """Return the number in the cell with a decimal point alone; None if it has none.

        A currency may be absent, a percent sign may not: 0.5 beside 12 % may mean either.
        """
        number = affixed(cell)
        if number is None or not matches(number.digits, self.decimal, self.thousands):
            return None
        if number.unit != self.unit and (number.unit or self.unit == PERCENT):
            return None
        digits = number.digits.replace(self.thousands, "") if self.thousands else number.digits
        return number.sign + digits.replace(self.decimal, ".")

    def written(self, number: str) -> str:
        """Return the cell of a number that has a decimal point alone."""
        text = number.replace(".", self.decimal)
        return f"{text} {PERCENT}" if self.unit == PERCENT else text

    def why_not(self, cell: str) -> str:
        """Return why the cell is not a finite number in this format, and the valid form."""
        if cell.lower() in MISSING:
            return WHY_MISSING
        value, number = number_of(cell), affixed(cell)
        if value is not None and not math.isfinite(value):
            return f"{shown(cell)} is not a finite number; write one or delete the row"
        if number is None:
            return f"{shown(cell)} {NO_NUMBER}"
        if number.unit and number.unit != self.unit:
            remedy = f"convert it to {self.unit}" if self.unit else "write the number alone"
            return f"{shown(cell)} is in {number.unit}, unlike the rest of the column; {remedy}"
        if self.unit == PERCENT and not number.unit:
            return f"{shown(cell)} has no percent sign, as the rest of the column has; add it"
        if self == PLAIN and all(matches(number.digits, *marks) for marks in (DOTTED, COMMAS)):
            return f"{ambiguous(cell)}; write one of them"
        if self.decimal == "." and matches(number.digits, *DOTTED):
            return f"{shown(cell)} has a decimal comma; write a decimal point"
        if self.decimal == "," and matches(number.digits, *COMMAS):
            return f"{shown(cell)} has a decimal point; write a decimal comma"
        return f"{shown(cell)} has a thousands separator; write the digits without it"


PLAIN = NumberFormat()


def ambiguous(cell: str) -> str:
    """Return the two numbers that a cell with a comma may be."""
    as_decimal, as_thousands = cell.replace(",", "."), cell.replace(",", "")
    return f"{shown(cell)} may be {shown(as_decimal)} or {shown(as_thousands)}"
