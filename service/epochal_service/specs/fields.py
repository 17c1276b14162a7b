"""The fields of a job that a list can be filtered and sorted by, read from the models."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from types import NoneType, UnionType
from typing import Annotated, Any, Literal, Union, get_args, get_origin

from pydantic import BaseModel

_KINDS: dict[Any, str] = {
    str: "text",
    int: "number",
    float: "number",
    bool: "boolean",
    datetime: "time",
}


@dataclass(frozen=True)
class FieldKind:
    """The kind of a field."""

    kind: str
    """`text`, `number`, `time`, `boolean`, `word` (one of a few), `map` or `message`."""
    words: tuple[str, ...] = ()


def fields_of(model: type[BaseModel], prefix: str = "") -> dict[str, FieldKind]:
    """Return the fields of a model and of the messages in it, by their paths: `best.value`.

    Lists have no path. A field that two messages of a union have in different kinds is a text.
    """
    fields: dict[str, FieldKind] = {}
    for name, field in model.model_fields.items():
        for path, kind in _of(field.annotation, f"{prefix}{name}"):
            same = fields.get(path, kind)
            words = (*same.words, *(word for word in kind.words if word not in same.words))
            fields[path] = FieldKind(same.kind if same.kind == kind.kind else "text", words)
    return fields


def _of(annotation: Any, path: str) -> Iterator[tuple[str, FieldKind]]:
    origin = get_origin(annotation)
    if annotation in _KINDS:
        yield path, FieldKind(_KINDS[annotation])
    elif origin is Literal:
        yield path, FieldKind("word", tuple(map(str, get_args(annotation))))
    elif origin is Annotated:
        yield from _of(get_args(annotation)[0], path)
    elif origin in (Union, UnionType):
        for member in get_args(annotation):
            if member is not NoneType:
                yield from _of(member, path)
    elif origin is dict:
        yield path, FieldKind("map")
    elif isinstance(annotation, type) and issubclass(annotation, BaseModel):
        yield path, FieldKind("message")
        yield from fields_of(annotation, f"{path}.").items()
