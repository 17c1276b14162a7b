"""The meaning of messages, fields, methods and enum words, in the words of their models.

A description is written once, in `epochal_service.specs` or in a method's docstring; here it gets
the range and the default of the field, and the names of gRPC.
"""

from __future__ import annotations

import re
import textwrap
from collections.abc import Sequence
from inspect import cleandoc
from typing import get_args

from pydantic import BaseModel

from epochal_service.apis import apis
from epochal_service.methods.method import DATA, DATA_DESCRIPTION, Method
from epochal_service.specs.describe import field_descriptions
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
        """The description of a method."""
        return _grpc(method.description)

    def message(self, message: Message) -> str:
        """The description of a message."""
        if message.method is not None:
            return f"What {message.method.rpc} takes."
        if not message.models:
            return ROWS
        if len(message.models) == 1:
            return _grpc(cleandoc(message.models[0].__doc__ or ""))
        return _grpc(UNIONS[message.name])

    def field(self, message: Message, field: Field) -> str:
        """The description of a field, its range and its default."""
        if message.name == "Row":
            return "The numbers, in order."
        if field.model is None:
            return self._own_field(message, field)
        if len(message.models) > 1 and message.method is None:
            if field.name == "type" and field.kind in self._kinds:
                return "The type, which decides which other fields apply."
            return _grpc(_by_type(message.models)[field.name])
        return _grpc(field_descriptions(field.model)[field.name])

    def _own_field(self, message: Message, field: Field) -> str:
        """A field that stands in the path or is the body on HTTP."""
        assert message.method is not None
        if field.name in message.method.path_fields:
            return _grpc(message.method.path_description(field.name))
        if field.name == DATA:
            return DATA_DESCRIPTION
        assert message.method.body is not None
        return _grpc(cleandoc(message.method.body.__doc__ or "").partition("\n\n")[0])

    def enum(self, enum: Enum) -> str:
        """The subject of an enum."""
        if enum.name in ENUMS:
            return ENUMS[enum.name].description
        return f"Values of {', '.join(enum.fields)}."

    def word(self, enum: Enum, word: str) -> str:
        """The meaning of a word of an enum, or else its spelling in JSON."""
        for model in self._kinds.get(enum.name, ()):
            if _type_of(model) == word:
                return _grpc(cleandoc(model.__doc__ or "").partition("\n\n")[0])
        known = ENUMS[enum.name].words.get(word, "") if enum.name in ENUMS else ""
        return _grpc(known) or f'In JSON "{word}".'


ROWS = "One row of a table of numbers. In JSON it is a list."


def _type_of(model: type[BaseModel]) -> str:
    """The word of a member of a union in its field `type`; empty where it has none."""
    field = model.model_fields.get("type")
    return str(get_args(field.annotation)[0]) if field is not None else ""


def _by_type(models: Sequence[type[BaseModel]]) -> dict[str, str]:
    """The meaning of each field of a union: each text with the types to which it applies."""
    texts: dict[str, dict[str, list[str]]] = {}
    for model in models:
        for name, text in field_descriptions(model).items():
            if name != "type":
                texts.setdefault(name, {}).setdefault(text, []).append(_type_of(model))
    return {
        name: "\n".join(_for_types(text, types, len(models)) for text, types in by_text.items())
        for name, by_text in texts.items()
    }


def _for_types(text: str, types: list[str], count: int) -> str:
    if len(types) == count or not any(types):
        return text
    return f"{', '.join(f'`{word}`' for word in types)}: {text}"


def _grpc(text: str) -> str:
    """The text with methods by their names on gRPC; what is null in JSON is unset there."""
    # A line may end within a method's name.
    text = re.sub(r"`(GET|POST|DELETE)\s+(/[^`]*)`", r"`\1 \2`", text)
    for api in apis():
        for method in api.methods.values():
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
