"""A component is a frozen dataclass with fields that describe themselves.

Layers, losses, optimizers, schedules and augmentations are components. Each field is written once:

    rate: Annotated[float, Range(least=0, below=1)] = 0.5
    "Fraction of inputs set to zero. In [0, 1). Default 0.5."

The annotation holds the type and the range, and the string below it the description. The checks
here, the models of the API and its documentation are derived from that.
"""

from __future__ import annotations

import ast
import math
import sys
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, fields
from functools import cache, reduce
from inspect import cleandoc, getsource
from operator import or_
from textwrap import indent
from types import NoneType, UnionType
from typing import Annotated, Any, ClassVar, Literal, NamedTuple, Union, get_args, get_origin
from typing import get_type_hints as resolve_annotations


@dataclass(frozen=True)
class Range:
    """Bounds of a number, or of each number in a tuple. Floats must also be finite."""

    least: float | None = None
    above: float | None = None
    most: float | None = None
    below: float | None = None

    def problem(self, value: float) -> str:
        """The error message for an invalid value; empty for a valid one."""
        if not math.isfinite(value):
            return "must be a finite number"
        if self.least is not None and value < self.least:
            return f"must be at least {self.least:g}"
        if self.above is not None and value <= self.above:
            return f"must be greater than {self.above:g}"
        if self.most is not None and value > self.most:
            return f"must be at most {self.most:g}"
        if self.below is not None and value >= self.below:
            return f"must be less than {self.below:g}"
        return ""


@dataclass(frozen=True)
class ApiRange(Range):
    """Tighter bounds that apply to the API only, not to the engine."""


@dataclass(frozen=True, eq=False)
class OneOf:
    """A string that must be a key of `table`, which may grow."""

    table: Mapping[str, Any]


@dataclass(frozen=True)
class PerAxis:
    """One number for all axes, or a tuple of one per axis, `axes` at most."""

    axes: int


@dataclass(frozen=True)
class Items:
    """The length of a tuple."""

    least: int
    most: int


@dataclass(frozen=True)
class Internal:
    """A field that the API does not offer."""


class FieldDescription(NamedTuple):
    """One field of a component."""

    name: str
    annotation: Any
    """As written, with `Annotated`."""
    default: Any
    """`dataclasses.MISSING` for a required field."""


@dataclass(frozen=True)
class Component:
    """A dataclass that the API knows by its `type`.

    A subclass that sets `type` enters the `table` of its family. Creating an instance raises
    ValueError for a value outside its range.
    """

    type: ClassVar[str]
    """The name in the API."""
    table: ClassVar[dict[str, Any]]
    """All components of the family by type."""

    def __init_subclass__(cls) -> None:
        super().__init_subclass__()
        if "type" in vars(cls):
            if cls.type in cls.table:
                raise ValueError(f"there is already a component named {cls.type!r}")
            cls.table[cls.type] = cls

    def __post_init__(self) -> None:
        component: Any = type(self)
        for name, choices, marks in _restrictions(component):
            value = getattr(self, name)
            if value is not None and (problem := _problem(choices, marks, value)):
                raise ValueError(f"{name} {problem}; got {value!r}")


def describe_fields(component: type[Component]) -> tuple[FieldDescription, ...]:
    """Return all fields of a component, starting with its base classes."""
    key: Any = component
    return _describe_fields(key)


@cache
def _describe_fields(component: Any) -> tuple[FieldDescription, ...]:
    annotations = resolve_annotations(component, include_extras=True)
    return tuple(
        FieldDescription(field.name, annotations[field.name], field.default)
        for field in fields(component)
    )


def split_annotation(annotation: Any) -> tuple[Any, tuple[Any, ...], bool]:
    """Return the bare type of a field, what `Annotated` adds to it, and whether it may be None."""
    is_optional = get_origin(annotation) in (Union, UnionType) and NoneType in get_args(annotation)
    if is_optional:
        annotation = reduce(or_, (arm for arm in get_args(annotation) if arm is not NoneType))
    if get_origin(annotation) is not Annotated:
        return annotation, (), is_optional
    bare, *marks = get_args(annotation)
    return bare, tuple(marks), is_optional


@cache
def _restrictions(component: Any) -> list[tuple[str, tuple[Any, ...], tuple[Any, ...]]]:
    """Return name, choices and marks of each field that has choices or marks."""
    restrictions = []
    for field in describe_fields(component):
        bare, marks, _ = split_annotation(field.annotation)
        choices = get_args(bare) if get_origin(bare) is Literal else ()
        if choices or marks:
            restrictions.append((field.name, choices, marks))
    return restrictions


def _problem(choices: tuple[Any, ...], marks: tuple[Any, ...], value: Any) -> str:
    if choices and value not in choices:
        return f"must be one of {', '.join(map(str, choices))}"
    numbers = value if isinstance(value, tuple) else (value,)
    for mark in marks:
        match mark:
            case ApiRange():
                pass
            case Range():
                problems = [problem for number in numbers if (problem := mark.problem(number))]
                if problems:
                    return problems[0]
            case OneOf(table=table) if value not in table:
                return f"must be one of {', '.join(table)}"
            case PerAxis(axes=axes) if isinstance(value, tuple) and len(value) != axes:
                return f"must be one number, or {axes}"
            case Items(least=least, most=most) if not least <= len(value) <= most:
                return f"must have from {least} to {most} items"
    return ""


def field_docstrings(owner: type) -> dict[str, str]:
    """Return the strings below the fields that a class declares itself, by field."""
    return _field_docstrings(owner.__module__).get(owner.__name__, {})


@cache
def _field_docstrings(module: str) -> dict[str, dict[str, str]]:
    """The strings below the fields of every class in a module, by class and field."""
    try:
        tree = ast.parse(getsource(sys.modules[module]))
    except (KeyError, OSError, TypeError):
        # Without its source, as in an interactive session, a class has no such strings.
        return {}
    texts: dict[str, dict[str, str]] = {}
    for node in ast.walk(tree):
        if isinstance(node, ast.ClassDef):
            texts[node.name] = {
                statement.target.id: cleandoc(text.value.value)
                for statement, text in zip(node.body, node.body[1:], strict=False)
                if isinstance(statement, ast.AnnAssign)
                and isinstance(statement.target, ast.Name)
                and isinstance(text, ast.Expr)
                and isinstance(text.value, ast.Constant)
                and isinstance(text.value.value, str)
            }
    return texts


def source(head: str, body: str) -> str:
    """Return the source of a function, given its body as an expression or as statements."""
    body = cleandoc(body)
    with suppress(SyntaxError):
        ast.parse(body, mode="eval")
        body = f"return {body}"
    return f"def {head}:\n{indent(body, '    ')}\n"
