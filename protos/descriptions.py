"""What messages, fields, methods and enum words mean, in the words of their models.

A description is written once, in `epochal_service.specs` or in a method's docstring; here it gets
the range and the default of the field, and the names of gRPC.
"""

from __future__ import annotations

import re
import textwrap
from collections.abc import Sequence
from inspect import cleandoc
from typing import Any

from pydantic import BaseModel

from epochal_service.methods.table import METHODS, PATH_DESCRIPTIONS, Method
from epochal_service.specs.enums import ENUMS, UNIONS

from .contract import Contract, Enum, Field, Message

WIDTH = 100


class Descriptions:
    """The comments of the .proto files."""

    def __init__(self, contract: Contract) -> None:
        self._kinds = {
            field.kind: message.models
            for message in contract.messages.values()
            for field in message.fields
            if field.name == "type" and len(message.models) > 1
        }
        """The members of a union, by the enum of their types."""

    def method(self, method: Method) -> str:
        """What a method does."""
        return _grpc(method.description)

    def message(self, message: Message) -> str:
        """What a message is; empty for a request that only its method explains."""
        if not message.models:
            return ROWS if message.name == "Row" else ""
        if len(message.models) == 1:
            return _grpc(cleandoc(message.models[0].__doc__ or ""))
        return _grpc(UNIONS[message.name])

    def field(self, message: Message, field: Field) -> str:
        """What a field is, its range and its default."""
        if message.name == "Row":
            return "The numbers, in order."
        if field.model is None:
            return self._own(message, field)
        if field.name == "type" and field.kind in self._kinds:
            return "The type, which decides which other fields apply."
        if len(message.models) > 1 and message.method is None:
            return _grpc(_by_kind(message.models)[field.name])
        return _grpc(_described(_schema(field.model)["properties"][field.name]))

    def _own(self, message: Message, field: Field) -> str:
        """A field that stands in the path or is the body on HTTP."""
        assert message.method is not None
        if field.name in PATH_DESCRIPTIONS:
            return _grpc(PATH_DESCRIPTIONS[field.name])
        if field.name == "id":
            return _grpc(PATH_DESCRIPTIONS[message.method.path.split("/")[2]])
        assert message.method.body is not None
        return _grpc(cleandoc(message.method.body.__doc__ or "").partition("\n\n")[0])

    def enum(self, enum: Enum) -> str:
        """What the words of an enum are about."""
        return ENUMS[enum.name].description if enum.name in ENUMS else ""

    def word(self, enum: Enum, word: str) -> str:
        """What a word of an enum means; empty where the word says it."""
        for model in self._kinds.get(enum.name, ()):
            if _schema(model)["properties"]["type"].get("const") == word:
                return _grpc(cleandoc(model.__doc__ or "").partition("\n\n")[0])
        return _grpc(ENUMS[enum.name].words.get(word, "")) if enum.name in ENUMS else ""


ROWS = "One row of a table of numbers. In JSON it is a list."


def _schema(model: type[BaseModel]) -> dict[str, Any]:
    schema = model.model_json_schema()
    # A model that contains itself stands among its definitions.
    found: dict[str, Any] = schema.get("$defs", {}).get(model.__name__, schema)
    for name, about in found.get("properties", {}).items():
        # pydantic leaves out a description that is also that of the field's model.
        about.setdefault("description", model.model_fields[name].description or "")
    return found


def _by_kind(models: Sequence[type[BaseModel]]) -> dict[str, str]:
    """What each field of a union means, and which kinds have it."""
    kinds = [_schema(model) for model in models]
    texts_by_field: dict[str, dict[str, dict[str, list[str]]]] = {}
    for kind in kinds:
        fields = dict(kind["properties"])
        name = fields.pop("type", {}).get("const", "")
        for field, about in fields.items():
            texts = texts_by_field.setdefault(field, {}).setdefault(_meaning(about), {})
            texts.setdefault(_default(about), []).append(f"`{name}`" if name else "")
    return {
        field: "\n".join(_of_kinds(text, defaults, len(kinds)) for text, defaults in texts.items())
        for field, texts in texts_by_field.items()
    }


def _of_kinds(text: str, defaults: dict[str, list[str]], count: int) -> str:
    names = [name for some in defaults.values() for name in some]
    if len(defaults) > 1:
        values = (f"{value or 'none'} ({', '.join(some)})" for value, some in defaults.items())
        text += f" If unset: {', '.join(values)}."
    else:
        text += _if_unset(*defaults)
    return text if len(names) == count or not any(names) else f"{', '.join(names)}: {text}"


def _described(about: dict[str, Any]) -> str:
    """What a field means, its range, and its default."""
    return _meaning(about) + _if_unset(_default(about))


def _meaning(about: dict[str, Any]) -> str:
    """What a field means, and the range that its JSON schema has."""
    number = next((arm for arm in about.get("anyOf", ()) if arm.get("type") != "null"), about)
    low, high = number.get("minimum"), number.get("maximum")
    above, below = number.get("exclusiveMinimum"), number.get("exclusiveMaximum")
    facts = []
    if above is not None:
        facts.append(f"more than {_shown(above)}")
    if low is not None and high is not None:
        facts.append(f"from {_shown(low)} to {_shown(high)}")
    elif low or (low == 0 and below == 1):
        facts.append(f"at least {_shown(low)}")
    elif high is not None:
        facts.append(f"at most {_shown(high)}")
    if below is not None and below < 2**53:
        facts.append(f"less than {_shown(below)}")
    range_ = ", ".join(facts)
    text: str = about.get("description") or number.get("description", "")
    return text + (f" {range_[0].upper()}{range_[1:]}." if range_ else "")


def _default(about: dict[str, Any]) -> str:
    """The default of the field; empty where it is 0, empty or false."""
    default = about.get("default")
    return _shown(default) if isinstance(default, bool | int | float | str) and default else ""


def _if_unset(default: str) -> str:
    return f" {default[0].upper()}{default[1:]} if unset." if default else ""


def _shown(value: bool | float | str) -> str:
    match value:
        case bool():
            return str(value).lower()
        case str():
            return f"`{value}`"
        case float() if not 1e-3 <= abs(value) <= 1e6 and value:
            return re.sub(r"e([+-])0*", lambda match: f"e{match[1].strip('+')}", f"{value:g}")
    return f"{value:,.0f}" if value == int(value) else f"{value:g}"


def _grpc(text: str) -> str:
    """The text with methods by their names on gRPC; what is null in JSON is unset there."""
    # A line may end within a method's name.
    text = re.sub(r"`(GET|POST|DELETE)\s+(/v1/[^`]*)`", r"`\1 \2`", text)
    for method in METHODS.values():
        text = text.replace(f"`{method.http}`", method.rpc)
    return re.sub(r"\bnull\b", "unset", re.sub(r"\bNull\b", "Unset", text))


def wrapped(text: str, indent: str) -> list[str]:
    """The text as comment lines that begin with `indent`."""
    lines: list[str] = []
    for paragraph in text.split("\n\n") if text else ():
        for part in paragraph.split("\n") if ".\n`" in paragraph else [paragraph]:
            lines += textwrap.wrap(
                part, WIDTH, initial_indent=f"{indent} ", subsequent_indent=f"{indent} "
            )
        lines.append(indent)
    return lines[:-1]
