"""The one step that every spec builder shares."""

from __future__ import annotations

from typing import Any, TypeVar, cast

T = TypeVar("T")


def build(spec: type[T], **fields: Any) -> T:
    """Return `fields` as a `spec`, a plain dict, without the fields that are None."""
    return cast(T, {name: value for name, value in fields.items() if value is not None})
