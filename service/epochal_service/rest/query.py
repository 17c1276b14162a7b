"""Lists in a query or a form, where every value is text: `a,b` means the same as `a` and `b`."""

from __future__ import annotations

from typing import get_args, get_origin

from pydantic import BaseModel


def list_fields(model: type[BaseModel]) -> frozenset[str]:
    """The names of the fields that are lists."""
    return frozenset(
        name
        for name, field in model.model_fields.items()
        if list in [get_origin(part) for part in (field.annotation, *get_args(field.annotation))]
    )


def split_commas(names: frozenset[str], query: dict[str, object]) -> dict[str, object]:
    """The query with its lists split."""
    return {
        name: [word for text in value for word in text.split(",")]
        if name in names and isinstance(value, list)
        else value
        for name, value in query.items()
    }
