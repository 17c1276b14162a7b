"""The description of a field as every output of the contract has it: its text, range and default.

The range and the default come from the model. A text may state them itself, where it can say more;
a test compares what it states with the model.
"""

from __future__ import annotations

import re
from functools import cache
from typing import Any

from .base import Message, docstrings

RANGE = re.compile(r"\b(In [\[(]|At least \d|At most \d|Greater than|Less than|From \d)")
DEFAULT = re.compile(r"\b[Dd]efaults?\b")
UNBOUNDED = 2**53
"""A bound of this size or more comes from the number format, as do `INT32_BOUNDS`."""
INT32_BOUNDS = (2**31 - 1, 2**31)


def described(schema: dict[str, Any]) -> str:
    """The complete description of a field with this JSON schema."""
    number = next((arm for arm in schema.get("anyOf", ()) if arm.get("type") != "null"), schema)
    text: str = schema.get("description") or number.get("description", "")
    if not RANGE.search(text) and (range_ := _range(number)):
        # The default comes last.
        before, *default = re.split(r"\s+(?=Defaults? )", text, maxsplit=1)
        text = " ".join([before, f"{range_}.", *default])
    if not DEFAULT.search(text) and (value := _default(schema)):
        text += f" Default {value}."
    return text.strip()


@cache
def field_descriptions(model: type[Message]) -> dict[str, str]:
    """The complete descriptions of all fields of a model, by name."""
    schema = model.model_json_schema()
    # A model that contains itself stands among its definitions.
    schema = schema.get("$defs", {}).get(model.__name__, schema)
    texts, below = {}, docstrings(model)
    for name, field in schema.get("properties", {}).items():
        # pydantic leaves out a description that the field's model also has.
        of_field = model.model_fields[name].description or below.get(name)
        texts[name] = described(
            {**field, "description": field.get("description") or of_field or ""}
        )
    return texts


def _is_of_format(bound: float | None) -> bool:
    return bound is not None and (bound >= UNBOUNDED or bound in INT32_BOUNDS)


def _range(schema: dict[str, Any]) -> str:
    low, above = schema.get("minimum"), schema.get("exclusiveMinimum")
    high, below = schema.get("maximum"), schema.get("exclusiveMaximum")
    high, below = (None if _is_of_format(bound) else bound for bound in (high, below))
    start = low if above is None else above
    end = high if below is None else below
    if start is not None and end is not None:
        opening, closing = "[("[above is not None], "])"[below is not None]
        return f"In {opening}{shown(start)}, {shown(end)}{closing}"
    if start is not None:
        return f"{'At least' if above is None else 'Greater than'} {shown(start)}"
    if end is not None:
        return f"{'At most' if below is None else 'Less than'} {shown(end)}"
    return ""


def _default(schema: dict[str, Any]) -> str:
    default = schema.get("default")
    return "" if default in (None, "") or isinstance(default, list | dict) else shown(default)


def shown(value: bool | float | str) -> str:
    """A value as descriptions write it: `true`, `0.5`, `1e-8`, `5000`, "`relu`"."""
    match value:
        case bool():
            return str(value).lower()
        case str():
            return f"`{value}`"
        case float() if value and not 1e-3 <= abs(value) <= 1e6:
            return re.sub(r"e([+-])0*", lambda match: f"e{match[1].strip('+')}", f"{value:g}")
    return f"{value:.0f}" if value == int(value) else f"{value:g}"
