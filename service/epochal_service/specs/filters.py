"""Filters of lists in the syntax of AIP-160 (https://google.aip.dev/160), and orders of AIP-132.

    state = succeeded AND (labels.course = "a" OR NOT best.value < 0.1) moons

A parser by recursive descent: `expression` calls `sequence`, `factor` and `term`, as in the grammar
of AIP-160. `OR` binds more tightly than `AND`. The tree is checked against the fields of a job.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from difflib import get_close_matches

from ..errors import FieldError, InvalidArgument
from .fields import FieldKind

MAX_LENGTH = 2000
MAX_RESTRICTIONS = 20
MAX_DEPTH = 20
MAX_ORDERS = 4
MAX_COLUMNS = 20

Value = str | float | int | bool


@dataclass(frozen=True)
class Search:
    """A text on its own: it is searched for."""

    text: str


@dataclass(frozen=True)
class Comparison:
    """A field, an operator and a value."""

    path: tuple[str, ...]
    operator: str
    """One of `=`, `<`, `<=`, `>` and `>=`; `has` asks whether the field has a value."""
    value: Value = ""
    kind: str = "text"
    starts: bool = False
    """Whether the text only needs to start with the value: `name = "moons*"`."""
    ends: bool = False
    """Whether the text only needs to end with the value: `name = "*moons"`."""


@dataclass(frozen=True)
class Not:
    """True where the other is not."""

    part: Tree


@dataclass(frozen=True)
class Every:
    """True where all parts are."""

    parts: tuple[Tree, ...]


@dataclass(frozen=True)
class Some:
    """True where a part is."""

    parts: tuple[Tree, ...]


Tree = Search | Comparison | Not | Every | Some


@dataclass(frozen=True)
class Column:
    """A field with one value for each job."""

    path: tuple[str, ...]
    kind: str


@dataclass(frozen=True)
class Order(Column):
    """A field to sort by."""

    descending: bool = False

    def __str__(self) -> str:
        return ".".join(self.path) + " desc" * self.descending


class _Wrong(Exception):
    """A mistake at a position of the text."""


_TOKEN = re.compile(
    r"""\s*(?:
        (?P<string>"(?:[^"\\]|\\.)*"|'(?:[^'\\]|\\.)*')
      | (?P<operator><=|>=|!=|[=<>:])
      | (?P<mark>[().])
      | (?P<text>[^\s"'()<>=!:.,]+)
    )""",
    re.VERBOSE | re.DOTALL,
)
# The right side of an operator: it has decimal points, signs, and colons of times.
_ARGUMENT = re.compile(r"""\s*([^\s"'()]+)""")
_NUMBER = re.compile(r"[-+]?(\d+\.?\d*|\.\d+)([eE][-+]?\d+)?")


def parse(text: str, fields: Mapping[str, FieldKind]) -> Tree | None:
    """Return the tree of a filter; None for an empty one.

    Raises `InvalidArgument` with the position of the mistake.
    """
    if len(text) > MAX_LENGTH:
        raise _error("filter", f"must have at most {MAX_LENGTH:,} characters")
    parser = _Parser(text, fields)
    try:
        return parser.filter()
    except _Wrong as mistake:
        place = f"at character {parser.start + 1}" if parser.start < len(text) else "at its end"
        raise _error("filter", f"{place}: {mistake}") from None


def parse_order(text: str, fields: Mapping[str, FieldKind]) -> tuple[Order, ...]:
    """Return the fields to sort by, such as `best.value, created_at desc`.

    Raises `InvalidArgument`.
    """
    orders = []
    for part in text.split(",") if text.strip() else ():
        match part.split():
            case [name] | [name, "asc" | "desc"]:
                column = _column("order_by", name, fields)
            case _:
                raise _error("order_by", 'must be fields such as "best.value, created_at desc"')
        orders.append(Order(column.path, column.kind, part.split()[-1] == "desc"))
    if len(orders) > MAX_ORDERS:
        raise _error("order_by", f"must have at most {MAX_ORDERS} fields")
    return tuple(orders)


def parse_columns(names: Sequence[str], fields: Mapping[str, FieldKind]) -> list[Column]:
    """Return the fields with these names. Raises `InvalidArgument`."""
    return [_column(f"fields[{i}]", name, fields) for i, name in enumerate(names)]


def _column(argument: str, name: str, fields: Mapping[str, FieldKind]) -> Column:
    try:
        path, field = _resolved(tuple(name.split(".")), fields)
    except _Wrong as mistake:
        raise _error(argument, str(mistake)) from None
    if field.kind in ("message", "map"):
        raise _error(argument, f"{name} is not a number, a time or a text")
    return Column(path, field.kind)


def _error(field: str, description: str) -> InvalidArgument:
    return InvalidArgument.of(FieldError(field, description))


def _resolved(
    path: tuple[str, ...], fields: Mapping[str, FieldKind]
) -> tuple[tuple[str, ...], FieldKind]:
    """Return the path of a field and its kind. What follows a map is a key of it, with its points:
    the values of a map are texts. Raises `_Wrong`.
    """
    name = ".".join(path)
    if field := fields.get(name):
        return path, field
    for length in range(1, len(path)):
        parent = fields.get(".".join(path[:length]))
        if parent is not None and parent.kind == "map":
            return (*path[:length], ".".join(path[length:])), FieldKind("text")
    similar = [f for f in fields if f.endswith(f".{name}")] or get_close_matches(name, fields, 1)
    hint = f"; did you mean {similar[0]}?" if similar else ", such as state or best.value"
    raise _Wrong(f"{name[:100]} is not a field of a job that can be compared{hint}")


class _Parser:
    def __init__(self, text: str, fields: Mapping[str, FieldKind]) -> None:
        self.text = text
        self.fields = fields
        self.start = self.end = 0
        self.depth = self.restrictions = 0
        # The field and operator in front of parentheses: `state = (queued OR running)`.
        self.left: tuple[tuple[str, ...], str] | None = None

    def filter(self) -> Tree | None:
        if not self.text.strip():
            return None
        tree = self.expression()
        if self.peek() != "":
            raise _Wrong("this must follow AND, OR or the end of an expression")
        return tree

    # ------------------------------------------------------------------------------------ tokens

    def match(self) -> re.Match[str] | None:
        """Return the next token; None at the end. `start` is its position."""
        match = _TOKEN.match(self.text, self.end)
        blank = re.compile(r"\s*").match(self.text, self.end)
        self.start = blank.end() if blank else self.end
        if match is None and self.start < len(self.text):
            unclosed = self.text[self.start] in "\"'"
            raise _Wrong("this text has no closing quote" if unclosed else "this has no meaning")
        return match

    def peek(self) -> str:
        """Return the next token; an empty text at the end."""
        match = self.match()
        return match[0].strip() if match else ""

    def take(self) -> str:
        """Return the next token, and go on after it."""
        match = self.match()
        self.end = match.end() if match else self.end
        return match[0].strip() if match else ""

    def accept(self, word: str) -> bool:
        """Take the next token if it is this one."""
        accepted = self.peek() == word
        if accepted:
            self.take()
        return accepted

    # ----------------------------------------------------------------------------------- grammar

    def expression(self) -> Tree:
        parts = [self.sequence()]
        while self.accept("AND"):
            parts.append(self.sequence())
        return parts[0] if len(parts) == 1 else Every(tuple(parts))

    def sequence(self) -> Tree:
        parts = [self.factor()]
        while self.peek() not in ("", ")", "AND", "OR"):
            parts.append(self.factor())
        return parts[0] if len(parts) == 1 else Every(tuple(parts))

    def factor(self) -> Tree:
        parts = [self.term()]
        while self.accept("OR"):
            parts.append(self.term())
        return parts[0] if len(parts) == 1 else Some(tuple(parts))

    def term(self) -> Tree:
        token = self.peek()
        if token == "NOT":
            self.take()
            return Not(self.simple())
        if token.startswith("-") and self.left is None:
            self.end = self.start + 1
            return Not(self.simple())
        return self.simple()

    def simple(self) -> Tree:
        if not self.accept("("):
            return self.restriction()
        self.depth += 1
        if self.depth > MAX_DEPTH:
            raise _Wrong(f"parentheses may be at most {MAX_DEPTH} deep")
        tree = self.expression()
        if not self.accept(")"):
            raise _Wrong("a closing parenthesis is missing")
        self.depth -= 1
        return tree

    def restriction(self) -> Tree:
        self.restrictions += 1
        if self.restrictions > MAX_RESTRICTIONS:
            raise _Wrong(f"there may be at most {MAX_RESTRICTIONS} comparisons")
        if self.left is not None:
            return self.comparison(*self.left)
        path, start = self.member(), self.start
        operator = self.peek()
        if operator not in ("=", "!=", "<", "<=", ">", ">=", ":"):
            return Search(".".join(path))
        self.start = start
        _resolved(path, self.fields)
        self.take()
        if self.peek() != "(":
            return self.comparison(path, operator)
        self.left = path, operator
        tree = self.simple()
        self.left = None
        return tree

    def member(self) -> tuple[str, ...]:
        path = [self.word()]
        start = self.start
        while self.accept("."):
            path.append(self.word())
        self.start = start
        return tuple(path)

    def word(self) -> str:
        """Take a name or a quoted text."""
        match = self.match()
        if match is None or match["operator"] or match["mark"]:
            raise _Wrong("a field or a text is missing")
        token = self.take()
        if token in ("AND", "OR", "NOT"):
            raise _Wrong(f"a field or a text must stand before {token}")
        return _unquoted(token) if match["string"] else token

    def comparison(self, path: tuple[str, ...], operator: str) -> Tree:
        match = self.match()
        if match is not None and match["string"]:
            raw, value = match["string"][1:-1], _unquoted(self.take())
        else:
            argument = _ARGUMENT.match(self.text, self.end)
            if argument is None:
                raise _Wrong("a value is missing")
            raw = value = argument[1]
            self.end = argument.end()
        path, field = _resolved(path, self.fields)
        if operator == ":":
            if value == "*":
                return Comparison(path, "has")
            if field.kind in ("map", "message"):
                return Comparison(_resolved((*path, value), self.fields)[0], "has")
            operator = "="
        if field.kind in ("map", "message"):
            raise _Wrong(f"{'.'.join(path)} has fields: compare one of them, or write :*")
        if field.kind in ("word", "boolean") and operator not in ("=", "!="):
            raise _Wrong(f"{'.'.join(path)} can be compared with = and != only")
        starts = ends = False
        if field.kind == "text" and operator in ("=", "!="):
            ends = raw.startswith("*")
            starts = raw.endswith("*") and not raw.endswith("\\*") and len(raw) > 1
            value = value[ends : len(value) - starts]
        compared = _converted(value, field)
        if operator == "!=":
            return Not(Comparison(path, "=", compared, field.kind, starts, ends))
        return Comparison(path, operator, compared, field.kind, starts, ends)


def _unquoted(token: str) -> str:
    return re.sub(r"\\(.)", r"\1", token[1:-1], flags=re.DOTALL)


def _converted(value: str, field: FieldKind) -> Value:
    """Return the value in the type of the field. Raises `_Wrong`."""
    match field.kind:
        case "number":
            if not _NUMBER.fullmatch(value) or abs(float(value)) == float("inf"):
                raise _Wrong(f"must be a number, such as 0.01 or 1e-3; got {value[:40]}")
            whole = re.fullmatch(r"[-+]?\d{1,18}", value)
            return int(value) if whole else float(value)
        case "time":
            try:
                time = datetime.fromisoformat(value)
            except ValueError:
                time = None
            if time is None or time.tzinfo is None:
                raise _Wrong(
                    f"must be a time with its zone, such as 2026-01-31T12:00:00Z; got {value[:40]}"
                )
            return time.timestamp()
        case "boolean":
            if value not in ("true", "false"):
                raise _Wrong(f"must be true or false; got {value[:40]}")
            return value == "true"
        case "word" if value not in field.words:
            raise _Wrong(f"must be one of {', '.join(field.words)}; got {value[:40]}")
    return value
