"""Rows by column name as inputs: an exported program includes the functions that it calls.

Each `encode_…` returns the features of one cell of a column, as the data set's own rows were
encoded. They need the standard library alone.
"""

# mypy: allow-untyped-defs, allow-untyped-calls

from __future__ import annotations

import csv
import io
import re
from datetime import datetime


def cell_of(column, value):
    """Return the text of a value, empty if it is missing and the column fills gaps."""
    is_text = isinstance(value, str)
    if value is None or value != value:
        value = ""
    if isinstance(value, bool):
        value = "true" if value else "false"
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    cell = str(value).strip()
    gaps = ["", "nan", "nat"]
    if column["kind"] != "category":
        gaps += ["-", "--", "?", "na", "n/a", "n.a.", "#n/a", "null", "none"]
    if cell.lower() in gaps:
        if column["fill_value"] is None:
            raise ValueError(f"column {column['name']!r}: a value is missing")
        return ""
    return plain(column, cell) if is_text and column["kind"] == "number" else cell


def plain(column, cell):
    """Return the number in a cell with a decimal point alone."""
    mark, unit = "," if column["decimal_commas"] else ".", re.escape(column["unit"])
    separator = re.escape(column["thousands"])
    whole = rf"[1-9]\d{{0,2}}(?:{separator}\d{{3}})+|\d+" if separator else r"\d+"
    before, behind = (unit, unit) if column["unit"] != "%" else ("", f"(?:{unit})")
    optional = "" if column["unit"] == "%" else "?"
    number = re.fullmatch(
        rf"([+-]?) ?(?:{before})? ?([+-]?)((?:{whole})(?:[{mark}]\d*)?|[{mark}]\d+)"
        rf"([eE][+-]?\d+)? ?(?:{behind}){optional}",
        cell.translate(str.maketrans("\u2212\u00a0\u202f\u2009\u2019", "-   '")),
    )
    if number is None:
        raise ValueError(f"column {column['name']!r}: {cell!r} is not a number like the others")
    digits = number[3].replace(column["thousands"], "") if separator else number[3]
    return number[1] + number[2] + digits.replace(mark, ".") + (number[4] or "")


def encode_number(column, cell):
    return [float(cell)]


def encode_boolean(column, cell):
    words = ["0", "no", "false", "n", "f", "off"], ["1", "yes", "true", "y", "t", "on"]
    for value in (0, 1):
        if cell.lower() in words[value]:
            return [float(value)]
    raise ValueError(f"column {column['name']!r}: {cell!r} is neither yes nor no")


def encode_category(column, cell):
    categories = column["categories"]
    features = [0.0] * column["features"]
    if cell not in categories and re.fullmatch(r"[-+.\deE]+", cell):
        same = [text for text in categories if re.fullmatch(r"[-+.\deE]+", text)]
        cell = next((text for text in same if float(text) == float(cell)), cell)
    if cell in categories:
        features[categories.index(cell)] = 1.0
    elif column["unknown"] == "error":
        raise ValueError(f"column {column['name']!r}: {cell!r} is not one of {categories}")
    elif column["other"] is not None:
        features[column["other"]] = 1.0
    return features


def encode_date(column, cell):
    day_time, months = re.split(r"[T ](?=\d+:)", cell), "janfebmaraprmayjunjulaugsepoctnovdec"
    words = re.findall(r"\d+|[A-Za-z]+", day_time[0])
    hour = int(day_time[1].split(":")[0]) if len(day_time) > 1 else 0
    named = [k for k in range(3) if words[k].isalpha()]
    if named:
        month = months.index(words[named[0]][:3].lower()) // 3 + 1
        day, year = (int(word) for word in words if word.isdigit())
    elif len(words[0]) == 4:
        year, month, day = map(int, words)
    else:
        day, month, year = map(int, words)
        if "." not in day_time[0] and not column["day_first"]:
            day, month = month, day
    moment = datetime(year, month, day, hour)
    return [
        float(moment.weekday() if part == "weekday" else getattr(moment, part))
        for part in column["parts"]
    ]


def read(text):
    """Return the rows of a CSV with a header, separated by commas, semicolons or tabs."""
    text = text.removeprefix("\ufeff")
    named = re.match(r"\s*sep=([,;\t])", text)
    # Comments before the header, and empty lines.
    text = re.sub(r"^(?:\s*(?:sep=[,;\t]|#[ #][^\r\n]*)[\r\n]+)*", "", text, count=1).lstrip(
        " \r\n"
    )
    head = re.sub('"[^"]*"', "", text).splitlines()[0]
    delimiter = named[1] if named else max([",", ";", "\t"], key=head.count)
    reader = csv.reader(io.StringIO(text), delimiter=delimiter)
    lines = [[cell.strip() for cell in line] for line in reader]
    header, *rows = [line for line in lines if any(line)]
    while not header[-1]:
        header.pop()
    names = [header[0] or "column 1"]
    for name in header[1:]:
        number, new = 2, name
        while new and (new in names or (new != name and new in header)):
            new, number = f"{name}_{number}", number + 1
        names.append(new)
    rows = [row if any(row[len(names) :]) else row[: len(names)] for row in rows]
    return [dict(zip(names, row, strict=True)) for row in rows]
