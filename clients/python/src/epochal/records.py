"""Conversion between the plain dicts of a transport and the records of `types`.

Annotations alone decide how a value is converted. A field that holds a number also takes "NaN",
"Infinity" and "-Infinity", which is how JSON carries numbers that are not finite. Unknown fields
are ignored, so that an older client can read a newer service.
"""

from __future__ import annotations

import dataclasses
import math
import sys
import types
from base64 import b64decode
from collections.abc import Callable, Hashable, Mapping, Sequence
from datetime import UTC, datetime
from functools import cache
from typing import (
    Any,
    Literal,
    TypeVar,
    Union,
    cast,
    get_args,
    get_origin,
    get_type_hints,
    is_typeddict,
)

from .arrays import Floats, Ints
from .deferred import np
from .errors import InvalidArgument

T = TypeVar("T")

Convert = Callable[[Any], Any]

_DTYPES: dict[Any, str] = {Floats: "float64", Ints: "int64"}


def read(record: type[T], data: Mapping[str, Any], **extra: Any) -> T:
    """Return `data` as a `record`; `extra` has the fields that the transport does not carry."""
    values = {
        name: convert(data.get(name))
        for name, convert in _plan(cast(Hashable, record))
        if name not in extra
    }
    return record(**values, **extra)


@cache
def _plan(record: Any) -> list[tuple[str, Convert]]:
    hints = get_type_hints(record)
    return [
        (field.name, _converter(hints[field.name]))
        for field in dataclasses.fields(record)
        if field.init
    ]


def _converter(hint: Any) -> Convert:
    """Return the conversion to `hint`; an absent value (None) becomes the hint's empty value."""
    if dtype := _DTYPES.get(hint):
        return lambda value: np.array(() if value is None else value, dtype)
    origin, arguments = get_origin(hint), get_args(hint)
    if origin in (Union, types.UnionType):
        (inner,) = (a for a in arguments if a is not type(None))
        convert = _converter(inner)
        return lambda value: None if value is None else convert(value)
    if origin is tuple:
        convert = _converter(arguments[0])
        return lambda value: tuple(convert(item) for item in value or ())
    if origin is dict and arguments[1] is not Any:
        convert = _converter(arguments[1])
        return lambda value: {key: convert(item) for key, item in (value or {}).items()}
    if origin is dict or is_typeddict(hint):
        return lambda value: without_nothing(value or {})
    # Not `is_dataclass`, which would build the record; a reply may lack it.
    if isinstance(hint, type) and "__dataclass_fields__" in vars(hint):
        return lambda value: read(hint, value or {})
    if hint is bytes:  # base64 over HTTP
        return lambda value: b64decode(value) if isinstance(value, str) else value or b""
    if hint is datetime:
        return _time
    if hint is float:
        return lambda value: math.nan if value is None else float(value)
    if origin is Literal:
        return _same
    return {int: lambda value: value or 0, str: lambda value: value or "", bool: bool}.get(
        hint, _same
    )


def _same(value: Any) -> Any:
    return value


def _time(value: datetime | str) -> datetime:
    return value if isinstance(value, datetime) else datetime.fromisoformat(value)


def without_nothing(value: Any) -> Any:
    """Return `value` without nulls and empty containers, which HTTP and gRPC write differently."""
    if isinstance(value, Mapping):
        parts = ((key, without_nothing(item)) for key, item in value.items())
        return {key: item for key, item in parts if item is not None and item not in ({}, [])}
    if isinstance(value, list):
        return [without_nothing(item) for item in value]
    return value


def _is_numpy(value: Any) -> bool:
    # A program that has not imported NumPy has no array.
    return "numpy" in sys.modules and isinstance(value, np.ndarray | np.generic)


def request(value: Any, path: str = "") -> Any:
    """Return `value` as plain dicts, lists and scalars; arrays and tuples become lists.

    Raises `InvalidArgument` for numbers that are not finite and for types that JSON does not have.
    """
    if isinstance(value, Mapping):
        return {
            str(key): request(item, f"{path}.{key}" if path else str(key))
            for key, item in value.items()
        }
    if _is_numpy(value):
        if value.dtype.kind in "biuf" and np.isfinite(value).all():
            return value.tolist()
        value = value.tolist()
    if isinstance(value, Sequence) and not isinstance(value, str | bytes):
        return [request(item, f"{path}[{index}]") for index, item in enumerate(value)]
    if isinstance(value, float) and not math.isfinite(value):
        raise InvalidArgument.of(path, "must be a finite number")
    if value is None or isinstance(value, bool | int | float | str):
        return value
    raise InvalidArgument.of(path, f"must be JSON; {type(value).__name__} is not a JSON type")


def plain(value: Any) -> Any:
    """Return a record as JSON writes it: non-finite floats as strings, times as RFC 3339 in UTC."""
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return {
            field.name: plain(getattr(value, field.name))
            for field in dataclasses.fields(value)
            if not field.name.startswith("_")
        }
    if isinstance(value, Mapping):
        return {str(key): plain(item) for key, item in value.items()}
    if _is_numpy(value):
        return plain(value.tolist())
    if isinstance(value, list | tuple):
        return [plain(item) for item in value]
    if isinstance(value, float) and not math.isfinite(value):
        return "NaN" if math.isnan(value) else "Infinity" if value > 0 else "-Infinity"
    if isinstance(value, datetime):
        return value.astimezone(UTC).isoformat().replace("+00:00", "Z")
    return value
