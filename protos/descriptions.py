"""The meaning of messages, fields, methods and enum words, in the words of their models.

A description is written once, in `epochal_service.specs` or in a method's docstring; here it gets
the range and the default of the field, and the names of gRPC.
"""

from __future__ import annotations

import re
import textwrap
from inspect import cleandoc

from epochal_service.apis import apis
from epochal_service.methods.method import DATA, DATA_DESCRIPTION, Method
from epochal_service.specs.describe import field_descriptions
from epochal_service.specs.enums import ENUMS, UNIONS

from .contract import EMPTY, EVENT, KIND, TYPE, Enum, Field, Message

WIDTH = 100


class Descriptions:
    """The comments of the .proto files."""

    def method(self, method: Method) -> str:
        """The description of a method."""
        return _grpc(method.description)

    def message(self, message: Message) -> str:
        """The description of a message."""
        if message.method is not None:
            return f"What {message.method.rpc} takes."
        if message.models:
            return _grpc(cleandoc(message.models[0].__doc__ or ""))
        return _grpc(UNIONS[message.name]) if message.oneof else ROWS

    def field(self, message: Message, field: Field) -> str:
        """The description of a field, its range and its default."""
        if message.name == "Row":
            return "The numbers, in order."
        if field.kind == EMPTY:
            return HEARTBEAT
        if field.model is not None:
            return _grpc(field_descriptions(field.model)[field.name])
        if field.is_kind:
            return _grpc(cleandoc(field.annotation.__doc__).partition("\n\n")[0])
        return self._own_field(message, field)

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
        known = ENUMS[enum.name].words.get(word, "") if enum.name in ENUMS else ""
        return _grpc(known) or f'In JSON "{word}".'


ROWS = "One row of a table of numbers. In JSON it is a list."
HEARTBEAT = "No news; `seq` is the cursor."
ONEOFS = {
    TYPE: "In JSON, the field's name is the `type`, and the fields of its message stand beside it.",
    KIND: "In JSON, the fields of the message that is set.",
    EVENT: "The data of the event. The server-sent event has the name of the field that is set.",
}


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
