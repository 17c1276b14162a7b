"""The columns of a table: what each holds, and how its cells become the inputs of a network.

    kind              features
    number            the number
    boolean           0 or 1
    category          a 1 and zeros: one feature per category
    date              its parts as numbers: year, month, weekday …
    ignore            none
    group, weight     none; they are stored beside the inputs

A `Column` is fitted to the cells of an uploaded file and stored with it. It encodes new cells like
the cells of the file, so that a trained network takes rows by the names of their columns.
"""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from datetime import datetime
from functools import cached_property
from typing import Any, Literal, get_args

import numpy as np

from epochal_service.datasets.cells import (
    MISSING,
    WHY_MISSING,
    Kind,
    date_of,
    day_first_of,
    is_missing,
    looks_like_date,
    name_of,
    number_name,
    number_of,
    part_of,
    shown,
    text_of,
    why_not_a_date,
)
from epochal_service.datasets.dataset import Floats, Labels, Problems
from epochal_service.datasets.number_formats import (
    NO_NUMBER,
    PLAIN,
    NumberFormat,
    affixed,
    is_numeric,
)
from epochal_service.datasets.texts import Texts, numbers_of, texts_at

Missing = Literal["error", "median", "mean", "zero", "most_frequent", "category"]
Unknown = Literal["error", "other"]
DatePart = Literal["year", "month", "day", "weekday", "hour"]
Reason = Literal[
    "text",
    "identifier",
    "constant",
    "leakage",
    "rare",
    "empty",
    "rows",
    "mixed",
    "format",
    "encoding",
    "renamed",
]
Report = Callable[[int, str], None]
"""`report(row, what)` reports what is wrong with a cell."""

# Distinct texts in one column; each becomes a feature. If there are more, rare ones share one
# feature.
MAX_CATEGORIES = 50
# Rows of a text that has its own feature even so; such texts of a column, and their numbers in all
# rows, at most.
FREQUENT_ROWS, MAX_FREQUENT, MAX_NUMBERS = 10, 250, 1_000_000
# Characters in the name of a column, and in a text that becomes part of a name.
MAX_NAME_LENGTH = 100
# A column holds numbers, or dates, if at least this percentage of its values do.
TYPICAL_PERCENT = 90
# From this many rows on, a column of distinct texts identifies its rows.
MIN_IDENTIFIED = 20
# From this many missing values on, in this percentage of the rows, being missing is an input.
MIN_MISSING, MIN_MISSING_PERCENT = 10, 5
# Lines of filled gaps that a column lists.
MAX_LINES = 20
# Texts among numbers that a warning names.
MAX_TEXTS = 3
# The category of a missing value, and the feature of all categories without their own feature.
MISSING_CATEGORY, OTHER = "missing", "other"

BOOLEANS = (("no", "yes"), ("false", "true"), ("n", "y"), ("f", "t"), ("off", "on"))
_IDENTIFIER = re.compile(
    r"(?i:(.*[ _.-])?(id|uuid|guid)|index|key|row ?(names?|no|number|num|nr)|unnamed: ?0|column 1)"
    r"|.*[a-z](ID|Id)"
)
# 207a, beside 207.
_LABEL = re.compile(r"(\d+)[A-Za-z]")


@dataclass(frozen=True)
class Choice:
    """The user's choices for a column; None where the file decides."""

    kind: Kind | None = None
    missing: Missing | None = None
    unknown: Unknown | None = None
    parts: Sequence[DatePart] = ()
    day_first: bool | None = None


@dataclass(frozen=True)
class ColumnWarning:
    """A warning about a column, or about the file if `column` is empty."""

    column: str
    reason: Reason
    description: str


@dataclass(frozen=True)
class Cells:
    """The cells of a column of a file, stripped, and the line of each."""

    name: str
    lines: Sequence[int]
    cells: Texts
    number_format: NumberFormat = PLAIN
    """How the file wrote the numbers, which `cells` has in the plain format."""

    @property
    def others(self) -> list[tuple[int, str]]:
        """The cells that are not finite numbers, with their rows."""
        rows = np.flatnonzero(np.isnan(self.cells.numbers))
        return [*zip(rows.tolist(), self.cells.at(rows), strict=True)]

    @cached_property
    def holds_numbers(self) -> bool:
        """Whether most cells are numbers in some format, and the others do not show that these are
        labels; missing values do not count."""
        counts = Counter(cell for _, cell in self.others)
        texts = [c for c in counts if c.lower() not in MISSING and not is_numeric(c)]
        missing = sum(counts[cell] for cell in counts if cell.lower() in MISSING)
        numeric = len(self.cells) - missing - sum(counts[cell] for cell in texts)
        is_typical = 100 * numeric >= TYPICAL_PERCENT * (len(self.cells) - missing)
        return is_typical and not (texts and self._are_labels(texts))

    def _are_labels(self, texts: Sequence[str]) -> bool:
        """Return whether the texts extend numbers by a letter, as labels do.

        They do so in a column of ids, and in one where no number repeats, beside the number: 207
        and 207a. Elsewhere such a text is a number with a slip or a unit.
        """
        is_named = _IDENTIFIER.fullmatch(self.name) is not None
        numbers = _finite(self).tolist()
        distinct = {*numbers}
        if not is_named and (
            len(distinct) < len(numbers) or not all(n.is_integer() for n in distinct)
        ):
            return False
        matches = map(_LABEL.fullmatch, texts)
        return all(match and (is_named or float(match[1]) in distinct) for match in matches)

    def gaps(self, kind: Kind) -> list[int]:
        """Return the rows of the cells that have no value in a column of that kind."""
        missing = {cell for cell in {cell for _, cell in self.others} if is_missing(cell, kind)}
        return [row for row, cell in self.others if cell in missing]

    def present(self, kind: Kind) -> Sequence[str]:
        """Return the cells that have a value in a column of that kind."""
        gaps = {*self.gaps(kind)}
        if not gaps:
            return self.cells
        return [cell for row, cell in enumerate(self.cells) if row not in gaps]

    def report(self, problems: Problems, *, auto: str = "", remedy: str = "") -> Report:
        """Return the function that reports a cell under its line and the column's name.

        `auto` is what `missing`: `auto` would do about a missing value; `remedy` is what else
        helps if a cell is not a number.
        """

        def add(row: int, what: str) -> None:
            line = self.lines[row]
            if auto and what == WHY_MISSING:
                what = f"{what}, or set `missing` to `auto`, which {auto}"
            if remedy and what.endswith(NO_NUMBER):
                what = f"{what}, or {remedy}"
            problems.add(
                f"lines[{line}].{self.name}", f"Line {line}, column {self.name!r}: {what}."
            )

        return add

    def without(self, rows: set[int], lines: Sequence[int]) -> Cells:
        """Return the cells of the rows at `lines`."""
        return replace(self, lines=lines, cells=self.cells.without(rows))


@dataclass(frozen=True)
class Column:
    """How the cells of a column become features. All fields are plain JSON."""

    name: str
    kind: Kind
    features: list[str] = field(default_factory=list)
    categories: list[str] = field(default_factory=list)
    """The texts of 0 and of 1 in a boolean column."""
    missing: Missing = "error"
    fill_value: str | None = None
    """The text in place of a missing one; None if a missing value is an error."""
    unknown: Unknown = "error"
    parts: list[str] = field(default_factory=list)
    day_first: bool | None = None
    decimal_commas: bool = False
    thousands: str = ""
    unit: str = ""
    marks_missing: bool = False
    """Whether the last feature is 1 where the value is missing, else 0."""
    minimum: float | None = None
    maximum: float | None = None
    example: str = ""
    filled: int = 0
    filled_lines: list[int] = field(default_factory=list)
    scaled: bool = True
    """Whether `scaling` applies to the features. It does not to categories and booleans: a rare one
    would become a large number. Files stored by earlier versions scale them."""

    @classmethod
    def of_number(cls, name: str) -> Column:
        """Return the column of a number, without a file to fit it to."""
        return cls(name, "number", [name])

    @classmethod
    def from_json(cls, values: Mapping[str, Any]) -> Column:
        """Return the column that `to_json` wrote."""
        return cls(**values)

    def to_json(self) -> dict[str, Any]:
        """Return the column as plain JSON."""
        return asdict(self)

    @property
    def is_input(self) -> bool:
        """Whether the column becomes inputs of a network."""
        return bool(self.features)

    @property
    def number_format(self) -> NumberFormat:
        """How the column writes numbers."""
        return NumberFormat("," if self.decimal_commas else ".", self.thousands, self.unit)

    def with_format(self, number_format: NumberFormat) -> Column:
        """Return the column for cells in this format; it was fitted to plain ones."""
        if self.kind != "number" or number_format == PLAIN:
            return self
        return replace(
            self,
            decimal_commas=number_format.decimal == ",",
            thousands=number_format.thousands,
            unit=number_format.unit,
            example=number_format.written(self.example),
        )

    def cell_of(self, value: str | float | bool | None) -> str:
        """Return the cell with this JSON value, as the column writes it."""
        text = text_of(value)
        is_number = isinstance(value, int | float) and not isinstance(value, bool)
        return self.number_format.written(text) if is_number else text

    def plain(self, cells: Sequence[str], report: Report) -> Sequence[str]:
        """Return new cells with their numbers in the plain format, which `encode` takes.

        Reports numbers that the column writes differently.
        """
        number_format = self.number_format
        if number_format == PLAIN:
            return cells
        plain = {cell: number_format.plain(cell) for cell in {*cells}}
        texts = list[str]()
        for row, cell in enumerate(cells):
            text = plain[cell]
            if text is None and affixed(cell) is not None:
                report(row, number_format.why_not(cell))
                text = "0"
            texts.append(cell if text is None else text)
        return texts

    def filled_in(self, cells: Sequence[str]) -> Sequence[str]:
        """Return the cells with the fill value in place of missing ones."""
        if self.fill_value is None:
            return cells
        return [self.fill_value if is_missing(cell, self.kind) else cell for cell in cells]

    def encode(self, cells: Sequence[str], out: Floats, report: Report) -> None:
        """Write the features of the cells into `out` `(rows, features)`, which holds zeros.

        Numbers must be plain. Reports each cell that does not fit the column.
        """
        if self.marks_missing:
            out[:, -1] = [is_missing(cell, self.kind) for cell in cells]
            out = out[:, :-1]
        if self.is_input:
            _ENCODERS[self.kind](self, cells, out, report)


# ------------------------------------------------------------------------------------- encoding


def _encode_numbers(column: Column, cells: Sequence[str], out: Floats, report: Report) -> None:
    out[:, 0] = numbers_of(cells)
    others = np.flatnonzero(np.isnan(out[:, 0]))
    for row, cell in zip(others.tolist(), texts_at(cells, others), strict=True):
        (filled,) = column.filled_in([cell])
        number = number_of(filled)
        if number is None or not math.isfinite(number):
            report(row, PLAIN.why_not(filled))
            number = 0.0
        out[row, 0] = number


def _encode_booleans(column: Column, cells: Sequence[str], out: Floats, report: Report) -> None:
    values = {word: value for pair in BOOLEANS for value, word in enumerate(pair)}
    values |= {"0": 0, "1": 1}
    for row, cell in enumerate(column.filled_in(cells)):
        value = values.get(cell.lower())
        if value is None:
            report(
                row,
                WHY_MISSING
                if is_missing(cell, "boolean")
                else f"{shown(cell)} is neither {column.categories[0]} nor {column.categories[1]}",
            )
        else:
            out[row, 0] = value


def _encode_categories(column: Column, cells: Sequence[str], out: Floats, report: Report) -> None:
    index_of = {text: index for index, text in enumerate(column.categories)}
    # An unknown category counts as the rare ones do, or has no feature.
    features = {name: index for index, name in enumerate(column.features)}
    rest = features.get(f"{column.name}={OTHER}")
    numbers = all(number_of(text) is not None for text in column.categories)
    known: dict[str, int | None] = {}
    for row, cell in enumerate(column.filled_in(cells)):
        if cell not in known:
            known[cell] = index_of.get(name_of(cell) if numbers else cell)
        index = known[cell]
        if index is None:
            if is_missing(cell, "category"):
                report(row, WHY_MISSING)
                continue
            if column.unknown == "error":
                report(row, _why_unknown(cell, column.categories))
            if column.unknown == "error" or rest is None:
                continue
            index = rest
        out[row, index] = 1.0


def _why_unknown(cell: str, categories: Sequence[str]) -> str:
    several = ", ".join(map(shown, categories[:10])) + (" …" if len(categories) > 10 else "")
    return f"{shown(cell)} is not one of the categories {several}"


def _encode_dates(column: Column, cells: Sequence[str], out: Floats, report: Report) -> None:
    moments: dict[str, datetime | None] = {}
    for row, cell in enumerate(column.filled_in(cells)):
        if cell not in moments:
            moments[cell] = date_of(cell, column.day_first)
        moment = moments[cell]
        if moment is None:
            report(row, why_not_a_date(cell, column.day_first))
        else:
            out[row] = [part_of(moment, part) for part in column.parts]


_ENCODERS: dict[Kind, Callable[[Column, Sequence[str], Floats, Report], None]] = {
    "number": _encode_numbers,
    "boolean": _encode_booleans,
    "category": _encode_categories,
    "date": _encode_dates,
}


# -------------------------------------------------------------------------------------- fitting


def kind_of(cells: Cells) -> Kind:
    """Return the kind of column that the cells look like."""
    if cells.holds_numbers:
        return "number"
    present = cells.present("number")
    if not present:
        return "number"
    distinct = {cell.lower() for cell in present}
    if any(distinct == set(pair) for pair in BOOLEANS):
        return "boolean"
    counts = Counter(present)
    dates = sum(counts[c] for c in counts if looks_like_date(c))
    return "date" if 100 * dates >= TYPICAL_PERCENT * len(present) else "category"


def mixed(cells: Cells) -> list[ColumnWarning]:
    """Return a warning if most cells are numbers, but too few for a column of numbers."""
    texts = [
        (row, cell)
        for row, cell in cells.others
        if cell.lower() not in MISSING and not is_numeric(cell)
    ]
    present = len(cells.present("number"))
    if not texts or 2 * len(texts) >= present:
        return []
    named = [f"line {cells.lines[row]} has {shown(cell)}" for row, cell in texts[:MAX_TEXTS]]
    rest = len(texts) - len(named)
    several = ", ".join(named) + (f", and {rest:,} more are texts" if rest else "")
    text = (
        f"Column {cells.name!r} is not read as numbers, although {present - len(texts):,} of its "
        f"{present:,} values are numbers: {several}. If it holds numbers, correct these cells or "
        "empty them, and send the file again."
    )
    return [ColumnWarning(cells.name, "mixed", text)]


def fit(
    cells: Cells, choice: Choice, *, fills: bool, is_alone: bool = False, problems: Problems
) -> tuple[Column, list[ColumnWarning]]:
    """Return the column of these cells, and warnings about it.

    The choice takes precedence over what the cells look like. With `fills`, missing values are
    filled unless the choice says otherwise: numbers and dates by the median, others by the most
    frequent value. If many are missing, this becomes a category or a feature, as it may be related
    to the target. `is_alone`: there is no other input.
    """
    name, report = cells.name, cells.report(problems)
    kind, warnings = choice.kind, list[ColumnWarning]()

    def warn(reason: Reason, description: str) -> None:
        warnings.append(ColumnWarning(name, reason, f"Column {name!r} {description}."))

    if kind is None:
        kind = kind_of(cells)
        warnings += mixed(cells) if kind == "category" else []
        ignored = _why_ignored(cells, kind, fills, is_alone)
        if ignored is not None:
            warn(*ignored)
            kind = "ignore"
    present = cells.present(kind)
    column = Column(
        name=name,
        kind=kind,
        missing=_missing_of(cells, kind, choice.missing, fills),
        unknown=choice.unknown or "error",
        day_first=choice.day_first,
        example=present[0] if present else "",
        scaled=kind not in ("category", "boolean"),
    )
    if kind == "category":
        column = _with_categories(column, present, report, cells, warn)
    elif kind == "boolean":
        column = _with_words(column, present, problems)
    elif kind == "number":
        column = replace(column, features=[name])
    elif kind == "date":
        column = _with_parts(column, present, choice.parts, problems)
    if not column.is_input:
        return column, warnings
    column = _with_fill(column, present, cells, problems)
    if choice.missing is None and kind != "category" and _are_many(column.filled, len(cells.cells)):
        features = [*column.features, f"{name} {MISSING_CATEGORY}"]
        column = replace(column, features=features, marks_missing=True)
    if kind == "number" and len(numbers := _finite(cells)):
        column = replace(column, minimum=float(numbers.min()), maximum=float(numbers.max()))
        if choice.kind is None and is_alone and _number_rows(cells):
            warn("identifier", "numbers the rows, but is the only input")
    if len(present) > 1 and not column.filled and all(cell == column.example for cell in present):
        warn("constant", f"always has the value {shown(column.example)}: nothing follows from it")
    return column, warnings


def _why_ignored(
    cells: Cells, kind: Kind, fills: bool, is_alone: bool
) -> tuple[Reason, str] | None:
    """Return why a column is ignored by default; None if it becomes features."""
    present = cells.present(kind)
    if not present:
        return ("empty", "has no values and is ignored") if fills else None
    if kind == "number" and not is_alone and _number_rows(cells):
        return (
            "identifier",
            "numbers the rows and is ignored: choose the kind `number` if their order matters",
        )
    is_named = bool(_IDENTIFIER.fullmatch(cells.name))
    if kind != "category" and not is_named:
        return None
    distinct = set(present)
    all_distinct = len(distinct) == len(cells.cells) > 2
    whole = kind != "number" or all((number_of(cell) or 0.0).is_integer() for cell in distinct)
    if all_distinct and whole and is_named:
        return ("identifier", "identifies the rows and is ignored")
    if kind != "category":
        return None
    longest = max(map(len, distinct))
    if longest > MAX_NAME_LENGTH:
        return ("text", f"holds text of up to {longest} characters and is ignored")
    if all_distinct and len(present) >= MIN_IDENTIFIED:
        return ("identifier", "has another text in every row and is ignored")
    if len(distinct) > MAX_CATEGORIES and 2 * len(distinct) > len(present):
        return ("text", f"has {len(distinct)} distinct texts, most of them once, and is ignored")
    return None


def _missing_of(cells: Cells, kind: Kind, chosen: Missing | None, fills: bool) -> Missing:
    if chosen is not None:
        return chosen
    if not fills:
        return "error"
    if kind == "category" and _are_many(len(cells.gaps(kind)), len(cells.cells)):
        return "category"
    return "median" if kind in ("number", "date") else "most_frequent"


def _are_many(gaps: int, rows: int) -> bool:
    """Return whether enough values are missing that a network can learn what that says."""
    return gaps >= MIN_MISSING and 100 * gaps >= MIN_MISSING_PERCENT * rows


def _with_categories(
    column: Column,
    present: Sequence[str],
    report: Report,
    cells: Cells,
    warn: Callable[[Reason, str], None],
) -> Column:
    """Return the column with its categories: numbers in order, else texts in order."""
    texts = Counter(present)
    counts = texts
    if all(number_of(text) is not None for text in texts):
        counts = Counter[str]()
        for text, count in texts.items():
            counts[name_of(text)] += count
    wrong = {text: why for text in texts if (why := _why_not_a_category(text))}
    for row, cell in enumerate(cells.cells) if wrong else ():
        if cell in wrong:
            report(row, wrong[cell])
    unknown = column.unknown
    room = MAX_CATEGORIES - (column.missing == "category")
    if len(counts) > room:
        most = min(MAX_FREQUENT, MAX_NUMBERS // len(cells.cells))
        size = max(room - 1, min(most, sum(count >= FREQUENT_ROWS for count in counts.values())))
        frequent = sorted(counts, key=lambda text: (-counts[text], text))[:size]
        rare = sum(counts.values()) - sum(counts[text] for text in frequent)
        unknown = "other"
        if rare:
            warn(
                "rare",
                f"has {len(counts)} distinct texts; all but the {len(frequent)} most frequent "
                f"count as {OTHER!r}, in {rare} rows",
            )
    else:
        frequent = list(counts)
    try:
        categories = sorted(frequent, key=float)
    except ValueError:
        categories = sorted(frequent)
    if column.missing == "category" and MISSING_CATEGORY not in categories:
        categories.append(MISSING_CATEGORY)
    features = [f"{column.name}={text}" for text in categories]
    if len(frequent) < len(counts) and OTHER not in categories:
        features.append(f"{column.name}={OTHER}")
    return replace(column, categories=categories, features=features, unknown=unknown)


def _why_not_a_category(text: str) -> str | None:
    number = number_of(text)
    if len(text) > MAX_NAME_LENGTH:
        return f"{shown(text)} is too long for a category of at most {MAX_NAME_LENGTH} characters"
    return PLAIN.why_not(text) if number is not None and math.isinf(number) else None


def _with_words(column: Column, present: Sequence[str], problems: Problems) -> Column:
    distinct = {cell.lower() for cell in present}
    for pair in (("0", "1"), *BOOLEANS):
        if distinct <= set(pair):
            return replace(column, categories=list(pair), features=[column.name])
    problems.add(
        f"columns.{column.name}",
        f"Column {column.name!r} must hold two words such as yes and no; it has "
        f"{', '.join(map(shown, sorted(distinct)[:5]))}{' …' if len(distinct) > 5 else ''}.",
    )
    return replace(column, categories=["no", "yes"])


def _with_parts(
    column: Column, present: Sequence[str], chosen: Sequence[DatePart], problems: Problems
) -> Column:
    day_first = column.day_first
    if day_first is None:
        day_first = day_first_of(column.name, present, problems)
    moments = [m for cell in set(present) if (m := date_of(cell, day_first)) is not None]
    parts: Iterable[str] = chosen or [
        part
        for part in get_args(DatePart)
        if len({part_of(moment, part) for moment in moments}) > 1
    ]
    parts = list(parts) or ["year"]
    features = [f"{column.name} {part}" for part in parts]
    return replace(column, parts=parts, features=features, day_first=day_first)


def _with_fill(column: Column, present: Sequence[str], cells: Cells, problems: Problems) -> Column:
    """Return the column with its fill value and the gaps that it fills."""
    name, policy, kind = column.name, column.missing, column.kind
    if policy == "error":
        return column
    if policy == "category" and kind != "category":
        problems.add(f"columns.{name}", f"Column {name!r}: only a category can be missing as one.")
        return column
    if policy in ("median", "mean", "zero") and kind not in ("number", "date"):
        problems.add(
            f"columns.{name}",
            f"Column {name!r} holds no numbers: fill its gaps with its most frequent value.",
        )
        return column
    if policy in ("mean", "zero") and kind == "date":
        problems.add(f"columns.{name}", f"Column {name!r}: fill dates with their median.")
        return column
    fill: str | None = MISSING_CATEGORY if policy == "category" else None
    if policy == "zero":
        fill = "0"
    elif present and policy == "most_frequent":
        counts = Counter(present)
        fill = min(counts, key=lambda text: (-counts[text], text))
    elif kind == "number" and len(numbers := _finite(cells)):
        fill = number_name(float(np.median(numbers) if policy == "median" else np.mean(numbers)))
    elif kind == "date":
        moments = sorted(m for cell in present if (m := date_of(cell, column.day_first)))
        if moments:
            middle = moments[len(moments) // 2]
            fill = middle.isoformat().removesuffix("T00:00:00")
    if fill is None:
        problems.add(f"columns.{name}", f"Column {name!r} has no value to fill its gaps with.")
        return column
    gaps = cells.gaps(kind)
    lines = [cells.lines[row] for row in gaps[:MAX_LINES]]
    return replace(column, fill_value=fill, filled=len(gaps), filled_lines=lines)


def _finite(cells: Cells) -> Floats:
    numbers = cells.cells.numbers
    return numbers[~np.isnan(numbers)]


def _number_rows(cells: Cells) -> bool:
    """Return whether the numbers are 0, 1, 2 … or 1, 2, 3 … from the first row of the file on."""
    numbers = cells.cells.numbers
    if len(numbers) < MIN_IDENTIFIED:
        return False
    # The second holds if rows without a target were dropped.
    counts = np.arange(len(numbers)), np.array(cells.lines) - 2
    return any(bool((numbers - count == first).all()) for count in counts for first in (0, 1))


def group_codes(cells: Sequence[str]) -> Labels:
    """Return a whole number for each cell, equal for equal cells: `(rows,)`."""
    index_of = {text: index for index, text in enumerate(sorted(set(cells)))}
    return np.array([index_of[cell] for cell in cells], dtype=np.int64)
