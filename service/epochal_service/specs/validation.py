"""From anything that came over a wire to a model, or to the list of its errors: the same on both
wires.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, TypeVar

from pydantic import BaseModel, ValidationError

from ..errors import FieldError, InvalidArgument

M = TypeVar("M", bound=BaseModel)
T = TypeVar("T")

# pydantic's own words are for programmers; these are for the author of the request.
SENTENCES = {
    "missing": "is required",
    "extra_forbidden": "is not a field here",
    "finite_number": "must be a finite number",
    "int_type": "must be a whole number",
    "int_parsing": "must be a whole number",
    "int_from_float": "must be a whole number",
    "float_type": "must be a number",
    "float_parsing": "must be a number",
    "bool_type": "must be true or false",
    "bool_parsing": "must be true or false",
    "string_type": "must be a text",
    "list_type": "must be a list",
    "dict_type": "must be an object",
    "model_type": "must be an object",
    "model_attributes_type": "must be an object",
    "greater_than": "must be greater than {gt}",
    "greater_than_equal": "must be at least {ge}",
    "less_than": "must be less than {lt}",
    "less_than_equal": "must be at most {le}",
    "too_short": "needs at least {min_length}; it has {actual_length}",
    "too_long": "may have at most {max_length}",
    "string_too_short": "must not be empty",
    "string_too_long": "may have at most {max_length} characters",
    "literal_error": "must be one of {expected}",
    "union_tag_not_found": "is required",
    "union_tag_invalid": "must be one of {expected_tags}",
    "int_parsing_size": "is too large a number",
    "string_unicode": "must be valid Unicode",
}


def parse(model: type[M], data: object) -> M:
    """`data` (plain dicts, lists and scalars) as a `model`.

    Raises `InvalidArgument`; its fields are paths into `data` such as `network.layers[0].units`.
    """
    return validate(model.model_validate, data)


def validate(validator: Callable[[object], T], data: object) -> T:
    """Return the model that `validator` builds from `data`. Raises `InvalidArgument` like `parse`.

    JSON does not tell 2.0 from 2, and some languages write whole numbers as the former.
    """
    try:
        return validator(data)
    except ValidationError as error:
        details = error.errors(include_url=False)
        if not any(
            detail["type"] == "int_type" and _is_whole(detail["input"]) for detail in details
        ):
            raise InvalidArgument.of(*describe(details, data)) from None
    whole = _with_integers(data)
    try:
        return validator(whole)
    except ValidationError as error:
        raise InvalidArgument.of(*field_errors(error, whole)) from None


def _is_whole(value: object) -> bool:
    return isinstance(value, float) and value.is_integer()


def _with_integers(data: object) -> object:
    match data:
        case dict():
            return {name: _with_integers(value) for name, value in data.items()}
        case list():
            return [_with_integers(value) for value in data]
        case float() if data.is_integer():
            return int(data)
    return data


def field_errors(error: ValidationError, data: object) -> list[FieldError]:
    """The errors, one for each field, in the order of the model."""
    return describe(error.errors(include_url=False, include_input=False), data)


def describe(details: Sequence[Any], data: object) -> list[FieldError]:
    """The same from pydantic's `errors()` list, for callers that have nothing else."""
    return [FieldError(_path(detail["loc"], detail, data), _sentence(detail)) for detail in details]


def _sentence(detail: Mapping[str, Any]) -> str:
    context = dict(detail.get("ctx", {}))
    for key, value in context.items():
        if key in ("expected", "expected_tags"):
            context[key] = str(value).replace("'", "").replace(" or ", ", ")
        elif isinstance(value, float):
            context[key] = f"{value:g}"
    template = SENTENCES.get(detail["type"])
    return template.format(**context) if template else str(detail["msg"])


def _path(location: Sequence[int | str], detail: Mapping[str, Any], data: object) -> str:
    """`network.layers[0].units` for ("network", "layers", "layers", 0, "dense", "units").

    The names of union members, which pydantic puts in between, are left out.
    """
    parts = list(location)
    if detail["type"] in ("union_tag_invalid", "union_tag_not_found"):
        parts.append(str(detail["ctx"].get("discriminator", "")).strip("'"))
    path, here, discriminated = "", data, None
    for index, part in enumerate(parts):
        if isinstance(part, int):
            path += f"[{part}]"
            here = here[part] if isinstance(here, list) and part < len(here) else None
            continue
        if part == "[key]":  # the name of an entry is wrong, and the name is already in the path
            continue
        if part.startswith("@"):  # a member of a union that a function tells apart
            continue
        fields = here if isinstance(here, Mapping) else {}
        inside = index < len(parts) - 1
        if inside and fields.get("type") == part and here is not discriminated:
            # A member of a union; a field in it may have the same name.
            discriminated = here
            continue
        if inside and part not in fields:
            continue
        path += f".{part}" if path else part
        here = fields.get(part)
    return path
