"""Convert a CSV file to a data set, or to a list of errors by line.

    bytes -> text -> header and rows -> columns -> inputs and targets

A value that does not fit its column is reported, never dropped.
"""

import csv
import io
import math
import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Literal, TypeVar

import numpy as np

from epochal_service.datasets.dataset import (
    MAX_CLASSES,
    Dataset,
    DatasetError,
    Floats,
    Labels,
    Problems,
    Task,
)

__all__ = ["MAX_CATEGORIES", "MAX_INFERRED_CLASSES", "parse_csv"]

Value = TypeVar("Value", str, float)

DELIMITERS = (",", ";", "\t")

# Distinct texts in one feature column; each becomes a column of zeros and ones.
MAX_CATEGORIES = 50
# Up to this many distinct whole numbers in a target column are labels; more are a regression.
MAX_INFERRED_CLASSES = 20
# Characters in the name of a column, and in a text that becomes part of a name.
MAX_NAME_LENGTH = 100
# Numbers in the inputs after one-hot encoding: 80 MB.
MAX_VALUES = 10_000_000
# A column holds numbers if at least this percentage of its values are numbers.
NUMERIC_PERCENT = 90
# Texts for a missing value in a column of numbers.
MISSING = {"", "-", "?", "na", "n/a", "null", "none"}


def parse_csv(
    data: bytes | str,
    *,
    target: str | None = None,
    task: Literal["auto", "classification", "regression"] = "auto",
    name: str = "upload",
    max_rows: int = 100_000,
    max_columns: int = 4096,
    max_bytes: int = 10 * 2**20,
) -> Dataset:
    """Parse a table with a header row, separated by commas, semicolons or tabs, in UTF-8.

    `target` names the column to predict, by default the last one. With `task="auto"`, a target of
    text or of at most 20 distinct whole numbers holds classes; other numbers are a regression.
    Classes are sorted, numbers by value and texts by code point, and counted from 0. Commas in
    numbers are decimal if no number of the file has a point, and one has a comma that cannot group
    thousands. A feature column of numbers is unchanged; one of text, with at most 50 distinct
    values, becomes a column `color=red` of zeros and ones per value. Space around values and blank
    lines are ignored. `max_columns` limits the columns of the file and the resulting features.

    Raises `DatasetError` with at most 20 errors. Their fields are `data` (the whole file),
    `target`, `task`, `columns.age`, `lines[3]` or `lines[3].age`. Lines count from 1.
    """
    problems = Problems()
    columns = _with_points(_columns(_decode(data, max_bytes), problems, max_rows, max_columns))
    if target is None:
        target = columns[-1].name
    target_column = next((column for column in columns if column.name == target), None)
    if target_column is None:
        names = ", ".join(column.name for column in columns[:20])
        more = ", …" if len(columns) > 20 else ""
        problems.add(
            "target", f"There is no column {_shown(target)}; the columns are {names}{more}."
        )
        raise DatasetError(*problems.errors)

    features = [_feature(column, problems) for column in columns if column is not target_column]
    targets, class_names = _targets(target_column, task, problems)
    feature_names = tuple(name for feature in features for name in feature.names)
    rows = len(target_column.cells)
    if len(feature_names) > max_columns:
        problems.add(
            "data",
            f"The columns become {len(feature_names)} features; the limit is {max_columns}: "
            "remove some.",
        )
    elif rows * len(feature_names) > MAX_VALUES:
        problems.add(
            "data",
            f"{rows} rows of {len(feature_names)} features are more than {MAX_VALUES} numbers: "
            "remove some rows or columns.",
        )
    if len(set(feature_names)) < len(feature_names):
        problems.add(
            "data", "A column has the same name as the feature of a text column: rename it."
        )
    problems.raise_any()

    inputs = np.zeros((rows, len(feature_names)))
    first = 0
    for feature in features:
        inputs[np.arange(rows), first + feature.columns] = feature.values
        first += len(feature.names)
    return Dataset(
        name=name,
        description="",
        task=_TASKS.get(len(class_names), "multiclass"),
        inputs=inputs,
        targets=targets,
        feature_names=feature_names,
        class_names=class_names,
        target_names=(target,),
        source="uploaded",
    )


# The task by the number of classes; all others are multiclass.
_TASKS: dict[int, Task] = {0: "regression", 2: "binary"}


@dataclass(frozen=True)
class _Column:
    """One column of the file: its stripped cells, and the line of each."""

    name: str
    lines: Sequence[int]
    cells: Sequence[str]

    def holds_numbers(self) -> bool:
        """Return whether the column holds numbers; decimal commas count, missing values do not."""
        present = [cell for cell in self.cells if cell.lower() not in MISSING]
        numeric = sum(_number(_with_point(cell)) is not None for cell in present)
        return 100 * numeric >= NUMERIC_PERCENT * len(present)

    def numbers(self, problems: Problems) -> Floats:
        """Return the cells as numbers `(rows,)`; NaN for those that were reported."""
        numbers = np.empty(len(self.cells))
        for row, cell in enumerate(self.cells):
            number = _number(cell)
            if number is None or not math.isfinite(number):
                self.report(row, _why_not_a_number(cell, number), problems)
                number = math.nan
            numbers[row] = number
        return numbers

    def texts(self, problems: Problems) -> list[str]:
        """Return the distinct texts, sorted, without those that were reported."""
        distinct = set(self.cells)
        invalid = {text: why for text in distinct if (why := _why_not_a_category(text))}
        if invalid:
            for row, cell in enumerate(self.cells):
                if cell in invalid:
                    self.report(row, invalid[cell], problems)
        return sorted(distinct - invalid.keys())

    def report(self, row: int, what: str, problems: Problems) -> None:
        line = self.lines[row]
        problems.add(f"lines[{line}].{self.name}", f"Line {line}, column {self.name!r}: {what}.")


def _why_not_a_number(cell: str, number: float | None) -> str:
    if cell.lower() in MISSING:
        return "the value is missing; fill it in or delete the row"
    if number is not None:
        return f"{_shown(cell)} is not a finite number; write one or delete the row"
    if _GROUPED.fullmatch(cell):
        point = _shown(_with_point(cell))
        return (
            f"{_shown(cell)} may be {point} or {_shown(cell.replace(',', ''))}; write one of them"
        )
    if _number(_with_point(cell)) is not None:
        return f"{_shown(cell)} has a decimal comma; write a decimal point"
    return f"{_shown(cell)} is not a number, as the other values of the column are"


def _why_not_a_category(text: str) -> str | None:
    number = _number(text)
    if not text or (number is not None and not math.isfinite(number)):
        return _why_not_a_number(text, number)
    if len(text) > MAX_NAME_LENGTH:
        return f"{_shown(text)} is too long for a category of at most {MAX_NAME_LENGTH} characters"
    return None


# One comma that may be a decimal comma or a thousands separator.
_GROUPED = re.compile(r"[+-]?[1-9]\d{0,2},\d{3}")


def _with_point(cell: str) -> str:
    return cell.replace(",", ".")


def _with_points(columns: list[_Column]) -> list[_Column]:
    """Return the columns with decimal points if all of them clearly have decimal commas."""
    numeric = [column for column in columns if column.holds_numbers()]
    cells = [cell for column in numeric for cell in column.cells]
    commas = [cell for cell in cells if "," in cell and _number(_with_point(cell)) is not None]
    clear = any(not _GROUPED.fullmatch(cell) for cell in commas)
    if not clear or any("." in cell and _number(cell) is not None for cell in cells):
        return columns
    return [
        replace(column, cells=[_with_point(cell) for cell in column.cells])
        if column in numeric
        else column
        for column in columns
    ]


def _number(cell: str) -> float | None:
    # float() accepts 1_000, which in a table is more likely a name than a number.
    if "_" in cell:
        return None
    try:
        return float(cell)
    except ValueError:
        return None


@dataclass(frozen=True)
class _Feature:
    """The features of a column: row i has `values[i]` in column `columns[i]`, and 0 elsewhere."""

    names: list[str]
    columns: Labels | int
    values: Floats | float


def _feature(column: _Column, problems: Problems) -> _Feature:
    if column.holds_numbers():
        return _Feature([column.name], 0, column.numbers(problems))
    texts = column.texts(problems)
    if len(texts) > MAX_CATEGORIES:
        problems.add(
            f"columns.{column.name}",
            f"Column {column.name!r} has {len(texts)} distinct texts; the limit is "
            f"{MAX_CATEGORIES}: remove the column or group its values.",
        )
    names = [f"{column.name}={text}" for text in texts]
    return _Feature(names, _indices(column.cells, texts), 1.0)


def _targets(
    column: _Column, task: str, problems: Problems
) -> tuple[Floats | Labels, tuple[str, ...]]:
    """Return targets and class names: `(rows, 1)` float64 without names, or `(rows,)` int64."""
    if task == "classification":
        # With explicit classes, a mixture of numbers and texts is valid: all are names.
        numeric = all(_number(cell) is not None for cell in column.cells)
    else:
        numeric = column.holds_numbers()
    if not numeric and task == "regression":
        problems.add(
            "task",
            f"Column {column.name!r} holds text, but a regression needs numbers: choose "
            "classification, or another target.",
        )
        problems.raise_any()
    if numeric:
        values = column.numbers(problems)
        distinct = sorted({float(value) for value in values if math.isfinite(value)})
        few_whole = len(distinct) <= MAX_INFERRED_CLASSES and all(
            value.is_integer() for value in distinct
        )
        if task == "regression" or (task == "auto" and not few_whole):
            return values[:, np.newaxis], ()
        labels = _indices(values.tolist(), distinct)
        names = [_number_name(value) for value in distinct]
    else:
        names = column.texts(problems)
        labels = _indices(column.cells, names)
    if len(names) == 1 and (labels >= 0).all():
        problems.add(
            f"columns.{column.name}",
            f"Column {column.name!r} has only one class, {_shown(names[0])}; there must be at "
            "least two.",
        )
    if len(names) > MAX_CLASSES:
        problems.add(
            f"columns.{column.name}",
            f"Column {column.name!r} has {len(names)} classes; the limit is {MAX_CLASSES}: "
            "choose regression or another target, or group its values.",
        )
    return labels, tuple(names)


def _number_name(value: float) -> str:
    # Above 2**53 floats do not represent every integer: do not show digits that may be wrong.
    return str(int(value)) if value.is_integer() and abs(value) <= 2**53 else repr(value)


def _indices(values: Sequence[Value], distinct: Sequence[Value]) -> Labels:
    """Return the index of each value among the distinct ones, `(rows,)`; -1 for reported values."""
    index_of = {value: index for index, value in enumerate(distinct)}
    return np.array([index_of.get(value, -1) for value in values], dtype=np.int64)


def _decode(data: bytes | str, max_bytes: int) -> str:
    if isinstance(data, str):
        data = data.encode("utf-8", "surrogatepass")
    if len(data) > max_bytes:
        raise DatasetError(("data", f"The file has {len(data)} bytes; the limit is {max_bytes}."))
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        raise DatasetError(
            (
                f"lines[{line}]",
                f"Line {line}: byte 0x{data[error.start]:02x} is not UTF-8; save the file as "
                "UTF-8.",
            )
        ) from None
    if (at := text.find("\0")) >= 0:
        line = text.count("\n", 0, at) + 1
        raise DatasetError(
            (
                f"lines[{line}]",
                f"Line {line}: a NUL character is not valid in a text file; save the file as CSV "
                "in UTF-8.",
            )
        )
    return text


def _columns(text: str, problems: Problems, max_rows: int, max_columns: int) -> list[_Column]:
    """Parse the header and the rows. Raises `DatasetError` unless they form a table."""
    delimiter = _delimiter(text)
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True)
    header: list[str] = []
    lines: list[int] = []
    rows: list[list[str]] = []
    while True:
        # A quoted value may span lines: a row is identified by its first line.
        line = reader.line_num + 1
        try:
            row = [cell.strip() for cell in next(reader)]
        except StopIteration:
            break
        except csv.Error as error:
            problems.add(f"lines[{line}]", _why_not_csv(line, error))
            break
        if not any(row) and len(row) <= 1:
            continue
        if not header:
            header = row
            _check_header(header, line, problems, max_columns)
        elif len(row) != len(header):
            problems.add(
                f"lines[{line}]",
                f"Line {line} must have {len(header)} values, one per name in the header; it "
                f"has {len(row)}.{_why_too_many(row, len(header), delimiter)}",
            )
        elif len(rows) == max_rows:
            problems.add("data", f"There are more than {max_rows} rows: remove some.")
            break
        else:
            lines.append(line)
            rows.append(row)
    if not header and not problems.errors:
        problems.add("data", "The file is empty: it needs a header row and at least two rows.")
    elif len(rows) < 2 and not problems.errors:
        problems.add(
            "data", f"A table needs at least two rows after its header; this one has {len(rows)}."
        )
    problems.raise_any()
    cells = zip(*rows, strict=True)
    return [_Column(name, lines, column) for name, column in zip(header, cells, strict=True)]


def _check_header(header: list[str], line: int, problems: Problems, max_columns: int) -> None:
    field = f"lines[{line}]"
    if len(header) > max_columns:
        raise DatasetError(
            (field, f"Line {line} names {len(header)} columns; the limit is {max_columns}.")
        )
    if len(header) < 2:
        problems.add(
            field,
            f"Line {line} names one column, {_shown(header[0])}: there must be at least a feature "
            "and a target, separated by a comma, a semicolon or a tab.",
        )
    elif _looks_like_data(header):
        problems.add(
            field,
            f"Line {line} has numbers instead of column names: add a header row.",
        )
    seen: dict[str, int] = {}
    for number, name in enumerate(header, start=1):
        if not name:
            problems.add(field, f"Line {line}: column {number} has no name; add one.")
        elif len(name) > MAX_NAME_LENGTH:
            problems.add(
                field,
                f"Line {line}: the name of column {number}, {_shown(name)}, has more than "
                f"{MAX_NAME_LENGTH} characters; shorten it.",
            )
        elif name in seen:
            problems.add(
                field,
                f"Line {line}: columns {seen[name]} and {number} are both named {name!r}; "
                "rename one.",
            )
        seen.setdefault(name, number)


def _looks_like_data(header: list[str]) -> bool:
    """Return whether the header is missing. Whole numbers may be names; 5.1 is not."""
    numbers = [name for name in header if _number(name) is not None]
    # Numbers with decimal commas may have been split at them.
    parts = [part for name in header for part in re.split("[,;]", name)]
    return all(_number(part) is not None for part in parts) or any("." in n for n in numbers)


def _why_too_many(row: list[str], values: int, delimiter: str) -> str:
    if delimiter != "," or len(row) <= values or not all(cell.isdecimal() for cell in row[1:]):
        return ""
    return " If commas are decimal, separate the values by semicolons."


def _why_not_csv(line: int, error: csv.Error) -> str:
    what = str(error)
    if "field larger than field limit" in what:
        return f"Line {line}: a value is longer than {csv.field_size_limit()} characters."
    if what == "unexpected end of data":
        return f'Line {line}: a quote (") is not closed; close or remove it.'
    return (
        f"Line {line}: {what}; quote a value that contains a quote, a line break or the separator, "
        'and double the quotes in it ("").'
    )


# The first line, with quoted parts; possessive quantifiers keep it linear.
_FIRST_LINE = re.compile(r'\s*+((?:"[^"]*+"|[^"\r\n]++)*+)')


def _delimiter(text: str) -> str:
    """Return the most frequent separator of the header; a comma if it has none."""
    first = _FIRST_LINE.match(text)
    bare = re.sub(r'"[^"]*"', "", first[1] if first else "")
    return max(DELIMITERS, key=bare.count)


def _shown(text: str) -> str:
    return repr(text if len(text) <= 40 else f"{text[:39]}…")
