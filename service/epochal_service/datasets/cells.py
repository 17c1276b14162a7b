"""The text of one cell of a table: a missing value, a number, a date, or a name."""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from datetime import date, datetime
from typing import Literal

from epochal_service.datasets.dataset import Problems

Kind = Literal["number", "boolean", "category", "date", "ignore", "group", "weight"]

WHY_MISSING = "the value is missing; fill it in or delete the row"
# Texts for a missing value in a column of numbers, dates or truth values.
MISSING = {"", "-", "--", "?", "na", "n/a", "n.a.", "#n/a", "null", "none"}
# They are missing values only if gaps are filled: as numbers they are not finite.
NOT_A_NUMBER = {"nan", "nat"}


def is_missing(cell: str, kind: Kind) -> bool:
    """Return whether the cell has no value in a column of that kind."""
    text = cell.lower()
    if kind in ("category", "group", "ignore"):
        # NA, ? and none may be categories.
        return not text or text in NOT_A_NUMBER
    return text in MISSING or text in NOT_A_NUMBER


def text_of(value: str | float | bool | None) -> str:
    """Return the cell with this JSON value."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    return value.strip() if isinstance(value, str) else number_name(value)


# -------------------------------------------------------------------------------------- numbers


def number_of(cell: str) -> float | None:
    """Return the cell as a number, which may be infinite or NaN; None if it is none."""
    # float() accepts 1_000, which in a table is more likely a name than a number.
    if "_" in cell:
        return None
    try:
        return float(cell)
    except ValueError:
        return None


def number_name(value: float) -> str:
    """Return the shortest text of a number."""
    # Above 2**53 floats do not represent every integer: do not show digits that may be wrong.
    value = float(value)
    return str(int(value)) if value.is_integer() and abs(value) <= 2**53 else repr(value)


def name_of(cell: str) -> str:
    """Return the text of the number in the cell, so that 1.0 is 1; else the cell."""
    number = number_of(cell)
    return cell if number is None or not math.isfinite(number) else number_name(number)


def shown(text: str) -> str:
    """Return the text in quotes, shortened."""
    return repr(text if len(text) <= 40 else f"{text[:39]}…")


# ---------------------------------------------------------------------------------------- dates

_TIME = r"(?:[T ](\d{1,2}):(\d{2})(?::\d{2}(?:\.\d+)?)?(?: ?Z|[+-]\d{2}:?\d{2})?)?"
# 2021-04-03, 2021/4/3, 03.04.2021, 3/4/2021, 3-4-2021
_DATE = re.compile(
    rf"(?:(\d{{4}})[-/](\d{{1,2}})[-/](\d{{1,2}})|(\d{{1,2}})([./-])(\d{{1,2}})\5(\d{{4}})){_TIME}"
)
_MONTHS = ["jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"]
_MONTH = (
    "january|february|march|april|may|june|july|august|september|october|november|december"
    "|jan|feb|mar|apr|jun|jul|aug|sept|sep|oct|nov|dec"
)
# 3 Apr 2021, 3-Apr-2021; April 3, 2021
_NAMED_DATE = re.compile(
    rf"(?:(\d{{1,2}})[ -]({_MONTH})\.?,?[ -](\d{{4}})|({_MONTH})\.? (\d{{1,2}}),? (\d{{4}}))"
    rf"{_TIME}",
    re.IGNORECASE,
)


def looks_like_date(cell: str) -> bool:
    """Return whether the cell has the form of a date, which may not exist."""
    return bool(_DATE.fullmatch(cell) or _NAMED_DATE.fullmatch(cell))


def date_of(cell: str, day_first: bool | None) -> datetime | None:
    """Return the date and time in the cell; None if it is not a date, or is ambiguous."""
    if match := _DATE.fullmatch(cell):
        year, month, day, first, mark, second, late_year, hour, minute = match.groups()
        if year is None:
            year = late_year
            day, month = first, second
            if mark != ".":
                if day_first is None:
                    return None
                if not day_first:
                    day, month = second, first
    elif match := _NAMED_DATE.fullmatch(cell):
        day, name, year, other_name, other_day, other_year, hour, minute = match.groups()
        day, year = day or other_day, year or other_year
        month = _MONTHS.index((name or other_name)[:3].lower()) + 1
    else:
        return None
    try:
        return datetime(int(year), int(month), int(day), int(hour or 0), int(minute or 0))
    except ValueError:
        return None


def day_first_of(name: str, cells: Sequence[str], problems: Problems) -> bool | None:
    """Return whether dates such as 3/4/2021 begin with the day; None if there are none.

    Reports a column in which no date tells.
    """
    pairs = [
        (cell, int(match[4]), int(match[6]))
        for cell in dict.fromkeys(cells)
        if (match := _DATE.fullmatch(cell)) and match[4] and match[5] != "."
    ]
    if not pairs:
        return None
    day_first = any(first > 12 for _, first, _ in pairs)
    if not day_first and not any(second > 12 for _, _, second in pairs):
        cell, first, second = pairs[0]
        problems.add(
            f"columns.{name}",
            f"Column {name!r}: {shown(cell)} may be day {first} of month {second} or day {second} "
            "of month "
            f"{first}; write dates as {cell[-4:]}-{first:02}-{second:02}, or choose `day_first`.",
        )
    return day_first


def part_of(moment: datetime, part: str) -> int:
    """Return a part of a date as a number; Monday is weekday 0."""
    return moment.weekday() if part == "weekday" else int(getattr(moment, part))


def why_not_a_date(cell: str, day_first: bool | None) -> str:
    """Return why the cell is not a date, and the valid forms."""
    if is_missing(cell, "date"):
        return WHY_MISSING
    return f"{shown(cell)} is not a date; write it as {date(2021, 4, 3).isoformat()}"
