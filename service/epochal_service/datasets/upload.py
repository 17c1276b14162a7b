"""Convert a CSV file to a data set, or to a list of errors by line.

    bytes -> text -> header and rows -> columns -> inputs and targets

A value that does not fit its column is reported. It is filled, or its row dropped, on request only.
"""

import csv
import math
import re
from codecs import BOM_UTF16_BE, BOM_UTF16_LE
from collections.abc import Callable, Mapping, Sequence
from typing import BinaryIO, Literal, TypeVar

import numpy as np

from epochal_service.datasets.cells import (
    NOT_A_NUMBER,
    number_name,
    number_of,
    shown,
)
from epochal_service.datasets.column_formats import read_numbers
from epochal_service.datasets.columns import (
    MAX_LINES,
    MAX_NAME_LENGTH,
    MIN_IDENTIFIED,
    Cells,
    Choice,
    Column,
    ColumnWarning,
    Report,
    fit,
    group_codes,
    mixed,
)
from epochal_service.datasets.dataset import (
    MAX_CLASSES,
    Dataset,
    DatasetError,
    Floats,
    Labels,
    Problems,
    Task,
)
from epochal_service.datasets.number_formats import PLAIN
from epochal_service.datasets.texts import Texts

__all__ = ["MAX_INFERRED_CLASSES", "encode_rows", "parse_csv", "read_csv"]

Value = TypeVar("Value", str, float)

DELIMITERS = (",", ";", "\t")

# Up to this many distinct whole numbers in a target column are labels, if each stands in two rows
# on average or there are only 0 and 1; other numbers are a regression.
MAX_INFERRED_CLASSES = 20
# Texts of an unknown class in a target of text. `none` and `-` may be classes.
NO_CLASS = {"", "?", "na", "n/a", "null"} | NOT_A_NUMBER
# Rows that are read together.
BLOCK_ROWS = 2_000
# Numbers in the inputs after one-hot encoding: 80 MB.
MAX_VALUES = 10_000_000
# A column with a larger correlation with the target repeats it.
LEAKING_CORRELATION = 0.999


def parse_csv(
    data: BinaryIO | bytes | str,
    *,
    target: str | None = None,
    task: Literal["auto", "classification", "regression"] = "auto",
    choices: Mapping[str, Choice] | None = None,
    fills: bool = False,
    name: str = "upload",
    max_rows: int = 100_000,
    max_columns: int = 4096,
    max_bytes: int = 10 * 2**20,
) -> Dataset:
    """Parse a table with a header row, separated by commas, semicolons or tabs.

    `target` names the column to predict, by default the last one. With `task="auto"`, a target of
    text holds classes, and so does one of at most 20 distinct whole numbers that stand in two rows
    each on average, or are only 0 and 1; other numbers are a regression.
    Classes are sorted, numbers by value and texts by code point, and counted from 0. The numbers of
    a column have one format (`column_formats`). The other columns become features as `columns.fit`
    describes; `choices` by name take precedence over what their cells look like. A missing value is
    an error. With `fills` it is filled, and a row without a target is dropped. Space around values,
    blank lines, and comments before the header are ignored.
    `max_columns` limits the columns of the file and the resulting features.

    Raises `DatasetError` with at most 20 errors. Their fields are `data` (the whole file),
    `target`, `task`, `columns.age`, `lines[3]` or `lines[3].age`. Lines count from 1.
    """
    problems, choices = Problems(), choices or {}
    warnings = list[ColumnWarning]()
    text = _decode(data, max_bytes, warnings)
    table, delimiter = _columns(text, problems, warnings, max_rows, max_columns, least=2)
    del text
    names = [cells.name for cells in table]
    listed = ", ".join(names[:20]) + (", …" if len(names) > 20 else "")
    target = names[-1] if target is None else target
    if target not in names:
        problems.add("target", f"There is no column {shown(target)}; the columns are {listed}.")
    for unknown in choices.keys() - {*names}:
        problems.add(
            f"columns.{unknown}", f"There is no column {shown(unknown)}; the columns are {listed}."
        )
    if target in choices:
        problems.add(f"columns.{target}", f"Column {target!r} is the target, not an input.")
    problems.raise_any()

    kinds = {name: choice.kind for name, choice in choices.items()}
    table, notes = read_numbers(table, kinds, delimiter, problems)
    warnings += notes
    target_cells = table[names.index(target)]
    if fills:
        table, dropped = _without_gaps(table, target_cells)
        warnings += dropped
        target_cells = table[names.index(target)]
    inputs_cells = [cells for cells in table if cells.name != target]
    others = ("ignore", "group", "weight")
    candidates = [cells for cells in inputs_cells if kinds.get(cells.name) not in others]
    columns = list[Column]()
    for cells in inputs_cells:
        column, about = fit(
            cells,
            choices.get(cells.name, Choice()),
            fills=fills,
            is_alone=len(candidates) == 1,
            problems=problems,
        )
        columns.append(column)
        warnings += about
    target_report = target_cells.report(
        problems,
        auto="" if fills else "drops such rows",
        remedy="choose the task `classification`" if task == "auto" else "",
    )
    targets, class_names = _targets(target_cells, task, target_report, problems)
    if class_names and task == "auto":
        warnings += mixed(target_cells)
    feature_names = tuple(name for column in columns for name in column.features)
    rows = len(target_cells.cells)
    if sum(column.kind == "weight" for column in columns) > 1:
        problems.add("columns", "Only one column can hold weights.")
    _check_features(feature_names, rows, max_columns, warnings, problems)

    inputs = np.zeros((rows, len(feature_names)))
    groups, weights = dict[str, Labels](), None
    first = 0
    for column, cells in zip(columns, inputs_cells, strict=True):
        last = first + len(column.features)
        report = cells.report(
            problems,
            auto="" if fills else "fills gaps",
            remedy="choose the kind `category` for the column",
        )
        column.encode(cells.cells, inputs[:, first:last], report)
        if column.is_input and not problems.errors:
            warnings += _leakage(column, inputs[:, first:last], targets, target)
        elif column.kind == "group":
            groups[column.name] = group_codes(cells.cells)
        elif column.kind == "weight":
            weights = _weights(cells, problems)
        first = last
    problems.raise_any()
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
        columns=tuple(
            column.with_format(cells.number_format)
            for column, cells in zip(columns, inputs_cells, strict=True)
        ),
        warnings=tuple(warnings),
        groups=groups,
        weights=weights,
    )


# The task by the number of classes; all others are multiclass.
_TASKS: dict[int, Task] = {0: "regression", 2: "binary"}


def read_csv(
    data: bytes | str, columns: Sequence[Column], *, max_rows: int, max_columns: int, max_bytes: int
) -> Floats:
    """Return the rows of a CSV as inputs `(rows, features)` of a network with these columns.

    The header names the columns, in any order; other columns are ignored.

    Raises `DatasetError` with at most 20 errors. Their fields are `csv` (the whole file),
    `columns.age`, `lines[3]` or `lines[3].age`.
    """
    problems = Problems()
    try:
        text = _decode(data, max_bytes, [])
        table, _ = _columns(text, problems, [], max_rows, max_columns, least=1)
    except DatasetError as error:
        raise DatasetError(
            *(("csv" if field == "data" else field, text) for field, text in error.errors)
        ) from None
    by_name = {cells.name: cells for cells in table}
    return encode(
        columns,
        {name: cells.cells for name, cells in by_name.items()},
        lambda name: by_name[name].report(problems),
        problems,
    )


def encode_rows(
    rows: Sequence[Mapping[str, str | float | bool | None]], columns: Sequence[Column]
) -> Floats:
    """Return rows by column name as inputs `(rows, features)` of a network with these columns.

    Other columns are ignored. A missing value is None, or an empty text.

    Raises `DatasetError` with at most 20 errors, with fields such as `rows[3].age`.
    """
    problems = Problems()
    needed = [column for column in columns if column.is_input]
    for row, values in enumerate(rows):
        for column in needed:
            if column.name not in values:
                problems.add(
                    f"rows[{row}].{column.name}", "is missing: a row needs a value for each column."
                )
    problems.raise_any()

    def report_of(name: str) -> Report:
        return lambda row, what: problems.add(f"rows[{row}].{name}", f"{what}.")

    cells = {column.name: [column.cell_of(row[column.name]) for row in rows] for column in needed}
    return encode(columns, cells, report_of, problems)


def encode(
    columns: Sequence[Column],
    cells: Mapping[str, Sequence[str]],
    report_of: Callable[[str], Report],
    problems: Problems,
) -> Floats:
    """Return the inputs `(rows, features)` for the cells of each column. Raises `DatasetError`."""
    needed = [column for column in columns if column.is_input]
    for column in needed:
        if column.name not in cells:
            given = ", ".join(list(cells)[:20]) + (", …" if len(cells) > 20 else "")
            problems.add(
                f"columns.{column.name}", f"There is no column {column.name!r}; there are {given}."
            )
    problems.raise_any()
    rows = len(next(iter(cells.values()), ()))
    inputs = np.zeros((rows, sum(len(column.features) for column in needed)))
    first = 0
    for column in needed:
        last = first + len(column.features)
        report = report_of(column.name)
        texts = column.plain(cells[column.name], report)
        column.encode(texts, inputs[:, first:last], report)
        first = last
    problems.raise_any()
    return inputs


def _without_gaps(table: list[Cells], target: Cells) -> tuple[list[Cells], list[ColumnWarning]]:
    """Return the table without the rows that have no target, and a warning that counts them."""
    if target.holds_numbers:
        gaps = target.gaps("number")
    else:
        gaps = [row for row, cell in target.others if cell.lower() in NO_CLASS]
    if not gaps or len(gaps) > len(target.cells) - 2:
        return table, []
    dropped = {*gaps}
    other_lines = [line for row, line in enumerate(target.lines) if row not in dropped]
    lines = ", ".join(str(target.lines[row]) for row in gaps[:MAX_LINES])
    many = f"{len(gaps)} rows have" if len(gaps) > 1 else "1 row has"
    warning = ColumnWarning(
        target.name,
        "rows",
        f"{many} no value of the target {target.name!r} and {'are' if len(gaps) > 1 else 'is'} "
        f"dropped: line{'s' if len(gaps) > 1 else ''} {lines}"
        f"{', …' if len(gaps) > MAX_LINES else ''}.",
    )
    return [cells.without(dropped, other_lines) for cells in table], [warning]


def _check_features(
    names: Sequence[str],
    rows: int,
    max_columns: int,
    warnings: Sequence[ColumnWarning],
    problems: Problems,
) -> None:
    """Raise `DatasetError` if the columns do not become valid inputs."""
    what = None
    if not names:
        why = " ".join(warning.description for warning in warnings)
        what = f"No column is left as an input. {why}".rstrip()
    elif len(names) > max_columns:
        what = f"The columns become {len(names)} features; the limit is {max_columns}: remove some."
    elif rows * len(names) > MAX_VALUES:
        what = (
            f"{rows} rows of {len(names)} features are more than {MAX_VALUES} numbers: "
            "remove some rows or columns."
        )
    elif len(set(names)) < len(names):
        what = "A column has the same name as the feature of another column: rename it."
    if what is not None:
        problems.add("data", what)
        problems.raise_any()


def _weights(cells: Cells, problems: Problems) -> Floats:
    """Return the weights of the rows `(rows,)`."""
    report = cells.report(problems)
    weights = np.ones(len(cells.cells))
    for row, cell in enumerate(cells.cells):
        number = number_of(cell)
        if number is None or not math.isfinite(number):
            report(row, PLAIN.why_not(cell))
        elif number < 0:
            report(row, "a weight must be at least 0")
        else:
            weights[row] = number
    return weights


def _leakage(
    column: Column, inputs: Floats, targets: Floats | Labels, target: str
) -> list[ColumnWarning]:
    """Return a warning if the column repeats the target."""
    if len(inputs) < MIN_IDENTIFIED or column.kind == "date":
        return []
    if targets.ndim == 2:
        with np.errstate(all="ignore"):
            x, y = inputs - inputs.mean(0), targets - targets.mean(0)
            norms = np.sqrt(np.square(x).sum(0) * np.square(y).sum())
            repeats = bool((np.abs(x.T @ y)[:, 0] > LEAKING_CORRELATION * norms).any())
    else:
        # One value for each class, and one class for each value.
        values = inputs.argmax(1)
        if column.kind != "category":
            values = np.unique(inputs[:, 0], return_inverse=True)[1]
        classes = int(targets.max()) + 1
        pairs = len(np.unique(values.astype(np.int64) * classes + targets))
        repeats = pairs == len(np.unique(values)) == len(np.unique(targets))
    if not repeats:
        return []
    text = (
        f"Column {column.name!r} repeats the target {target!r}: if it is not known when you "
        "predict, ignore it."
    )
    return [ColumnWarning(column.name, "leakage", text)]


def _targets(
    column: Cells, task: str, report: Report, problems: Problems
) -> tuple[Floats | Labels, tuple[str, ...]]:
    """Return targets and class names: `(rows, 1)` float64 without names, or `(rows,)` int64."""
    if task == "classification":
        # With explicit classes, a mixture of numbers and texts is valid: all are names.
        numeric = all(number_of(cell) is not None for _, cell in column.others)
    else:
        numeric = column.holds_numbers
    if not numeric and task == "regression":
        problems.add(
            "task",
            f"Column {column.name!r} holds text, but a regression needs numbers: choose "
            "classification, or another target.",
        )
        problems.raise_any()
    if numeric:
        values = column.cells.numbers
        for row, cell in column.others:
            report(row, PLAIN.why_not(cell))
        distinct = np.unique(values[np.isfinite(values)]).tolist()
        if task == "regression" or (task == "auto" and not _are_labels(distinct, len(values))):
            return values[:, np.newaxis], ()
        labels = _indices(values.tolist(), distinct)
        names = [number_name(value) for value in distinct]
    else:
        names = _texts(column, report)
        labels = _indices(column.cells, names)
    if len(names) == 1 and (labels >= 0).all():
        problems.add(
            f"columns.{column.name}",
            f"Column {column.name!r} has only one class, {shown(names[0])}; there must be at "
            "least two.",
        )
    if len(names) > MAX_CLASSES:
        problems.add(
            f"columns.{column.name}",
            f"Column {column.name!r} has {len(names)} classes; the limit is {MAX_CLASSES}: "
            "choose regression or another target, or group its values.",
        )
    return labels, tuple(names)


def _are_labels(distinct: Sequence[float], rows: int) -> bool:
    """Return whether the distinct numbers of a target look like classes."""
    if len(distinct) > MAX_INFERRED_CLASSES or not all(value.is_integer() for value in distinct):
        return False
    return 2 * len(distinct) <= rows or set(distinct) <= {0.0, 1.0}


def _texts(column: Cells, report: Report) -> list[str]:
    """Return the distinct texts, sorted, without the reported ones."""
    distinct = set(column.cells)
    invalid = {text: why for text in distinct if (why := _why_not_a_class(text))}
    for row, cell in enumerate(column.cells):
        if cell in invalid:
            report(row, invalid[cell])
    return sorted(distinct - invalid.keys())


def _why_not_a_class(text: str) -> str | None:
    number = number_of(text)
    if not text or (number is not None and not math.isfinite(number)):
        return PLAIN.why_not(text)
    if len(text) > MAX_NAME_LENGTH:
        return f"{shown(text)} is too long for a class of at most {MAX_NAME_LENGTH} characters"
    return None


def _indices(values: Sequence[Value], distinct: Sequence[Value]) -> Labels:
    """Return the index of each value among the distinct ones, `(rows,)`; -1 for reported values."""
    index_of = {value: index for index, value in enumerate(distinct)}
    return np.array([index_of.get(value, -1) for value in values], dtype=np.int64)


def _decode(data: BinaryIO | bytes | str, max_bytes: int, warnings: list[ColumnWarning]) -> str:
    """Return the text of the file: UTF-8, UTF-16 with a byte order mark, or else Windows-1252."""
    if not isinstance(data, bytes | str):
        data = data.read()  # nobody else has it, so that it takes no memory beside the text
    is_file = not isinstance(data, str)
    if isinstance(data, str):
        data = data.encode("utf-8", "surrogatepass")
    if len(data) > max_bytes:
        raise DatasetError(("data", f"The file has {len(data)} bytes; the limit is {max_bytes}."))
    is_utf16 = data.startswith((BOM_UTF16_LE, BOM_UTF16_BE))
    try:
        text = data.decode("utf-16" if is_utf16 else "utf-8-sig")
    except UnicodeDecodeError as error:
        try:
            text = data.decode("cp1252" if is_file and not is_utf16 else "ascii")
        except UnicodeDecodeError:
            line = data.count(b"\n", 0, error.start) + 1
            raise DatasetError(
                (
                    f"lines[{line}]",
                    f"Line {line}: byte 0x{data[error.start]:02x} is not {error.encoding.upper()}; "
                    "save the file as UTF-8.",
                )
            ) from None
        word = re.search(r"\w*[^\x00-\x7f]\w*", text)
        assert word is not None
        description = (
            "The file is not UTF-8 and is read as Windows-1252: save it as UTF-8 if "
            f"{shown(word[0])} is wrong."
        )
        warnings.append(ColumnWarning("", "encoding", description))
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


def _columns(
    text: str,
    problems: Problems,
    warnings: list[ColumnWarning],
    max_rows: int,
    max_columns: int,
    *,
    least: int,
) -> tuple[list[Cells], str]:
    """Parse the header and the rows; there must be at least `least` columns and `least` rows.

    Returns the columns and their separator. Raises `DatasetError` unless they form a table.
    """
    start, skipped, delimiter = _start(text)
    reader = csv.reader(
        (line[0] for line in _LINE.finditer(text, start)), delimiter=delimiter, strict=True
    )
    header: list[str] = []
    lines: list[int] = []
    columns: list[Texts] = []
    block: list[list[str]] = []
    blank = 0
    while True:
        # A quoted value may span lines: a row is identified by its first line.
        line = skipped + reader.line_num + 1
        try:
            row = [cell.strip() for cell in next(reader)]
        except StopIteration:
            break
        except csv.Error as error:
            problems.add(f"lines[{line}]", _why_not_csv(line, error))
            break
        if not any(row):
            blank += 1
            if blank > max_rows:
                problems.add("data", f"There are more than {max_rows} blank lines: remove some.")
                break
            continue
        if not header:
            header = _names(row, warnings)
            _check_header(header, line, problems, max_columns, least)
            columns = [Texts() for _ in header]
        elif len(_without_empty_end(row, len(header))) != len(header):
            problems.add(
                f"lines[{line}]",
                f"Line {line} must have {len(header)} values, one per name in the header; it "
                f"has {len(row)}.{_remedy(row, len(header), delimiter)}",
            )
        elif len(lines) == max_rows:
            problems.add("data", f"There are more than {max_rows} rows: remove some.")
            break
        else:
            lines.append(line)
            block.append(row)
            if len(block) == BLOCK_ROWS:
                _append(columns, block)
    _append(columns, block)
    if not header and not problems.errors:
        problems.add("data", "The file is empty: it needs a header row and at least two rows.")
    elif len(lines) < least and not problems.errors:
        number = "two rows" if least == 2 else "one row"
        problems.add(
            "data", f"A table needs at least {number} after its header; this one has {len(lines)}."
        )
    problems.raise_any()
    cells = [Cells(name, lines, column) for name, column in zip(header, columns, strict=True)]
    return cells, delimiter


def _append(columns: list[Texts], rows: list[list[str]]) -> None:
    """Move the rows to the columns."""
    for column, cells in zip(columns, zip(*rows, strict=True), strict=False):
        column.append(cells)
    rows.clear()


def _without_empty_end(row: list[str], length: int) -> list[str]:
    """Remove empty cells beyond that length, which spreadsheets write, and return the row."""
    while len(row) > length and not row[-1]:
        row.pop()
    return row


def _names(row: list[str], warnings: list[ColumnWarning]) -> list[str]:
    """Return the names of the columns; a second `x` is `x_2`."""
    header = _without_empty_end(row, 1)
    # Programs that number the rows leave the name of that column empty.
    names = ["column 1" if not header[0] and len(header) > 1 else header[0]]
    for name in header[1:]:
        number, new = 2, name
        while new and (new in names or (new != name and new in header)):
            new, number = f"{name}_{number}", number + 1
        names.append(new)
        if new != name:
            first = names.index(name) + 1
            text = (
                f"Columns {first} and {len(names)} are both named {name!r}; the second is {new!r}."
            )
            warnings.append(ColumnWarning(new, "renamed", text))
    return names


def _check_header(
    header: list[str], line: int, problems: Problems, max_columns: int, least: int
) -> None:
    field = f"lines[{line}]"
    if len(header) > max_columns:
        raise DatasetError(
            (field, f"Line {line} names {len(header)} columns; the limit is {max_columns}.")
        )
    if len(header) < least:
        problems.add(
            field,
            f"Line {line} names one column, {shown(header[0])}: there must be at least a feature "
            "and a target, separated by a comma, a semicolon or a tab.",
        )
    elif _looks_like_data(header):
        problems.add(
            field,
            f"Line {line} has numbers instead of column names: add a header row.",
        )
    for number, name in enumerate(header, start=1):
        if not name:
            problems.add(field, f"Line {line}: column {number} has no name; add one.")
        elif len(name) > MAX_NAME_LENGTH:
            problems.add(
                field,
                f"Line {line}: the name of column {number}, {shown(name)}, has more than "
                f"{MAX_NAME_LENGTH} characters; shorten it.",
            )


def _looks_like_data(header: list[str]) -> bool:
    """Return whether the header is missing. Whole numbers may be names; 5.1 is not."""
    numbers = [name for name in header if number_of(name) is not None]
    # Numbers with decimal commas may have been split at them.
    parts = [part for name in header for part in re.split("[,;]", name)]
    return all(number_of(part) is not None for part in parts) or any("." in n for n in numbers)


def _remedy(row: list[str], values: int, delimiter: str) -> str:
    if len(row) < values:
        return " Add the others; leave those empty that are unknown."
    if delimiter == "," and all(cell.isdecimal() for cell in row[1:]):
        return " If commas are decimal, separate the values by semicolons."
    return " Quote a value that contains the separator."


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


_LINE = re.compile(r"[^\r\n]*(?:\r\n|\r|\n)|[^\r\n]+")
# The first line, with quoted parts; possessive quantifiers keep it linear.
_FIRST_LINE = re.compile(r'\s*+((?:"[^"]*+"|[^"\r\n]++)*+)')


# Lines that spreadsheets and programs write before the header: `sep=;`, and comments.
_PREAMBLE = re.compile(r"(?:\s*+(?:sep=[,;\t]|#[ #][^\r\n]*+)(?:\r\n|\r|\n))*+")


def _start(text: str) -> tuple[int, int, str]:
    """Return where the header begins, the lines before it, and the separator of the columns.

    It is what `sep=;` says, else the most frequent separator of the header; a comma if it has none.
    """
    preamble = _PREAMBLE.match(text)
    before = preamble[0] if preamble else ""
    lines = sum(1 for _ in _LINE.finditer(before))
    if named := re.search(r"^\s*sep=(.)", before):
        return len(before), lines, named[1]
    first = _FIRST_LINE.match(text, len(before))
    bare = re.sub(r'"[^"]*"', "", first[1] if first else "")
    return len(before), lines, max(DELIMITERS, key=bare.count)
