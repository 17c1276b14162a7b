"""The messages and enums of the API, derived from the table of methods.

method ──> request message: path fields, body (its fields, or one field), query fields
       └─> reply message ──> the messages and enums of its fields, and so on

A union of models is a message with a `oneof`.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from functools import cache
from pathlib import Path
from types import NoneType, UnionType
from typing import Annotated, Any, Literal, Union, get_args, get_origin, get_type_hints

from pydantic import BaseModel, Tag, TypeAdapter

from epochal_service.apis import apis
from epochal_service.methods.method import DATA, Method, Service
from epochal_service.specs.base import Reply

SCALARS = {int: "int32", float: "double", str: "string", bool: "bool", bytes: "bytes"}
LONG = "int64"
"""The type of an integer that may have more than 32 bits, as its schema says."""
EMPTY = "google.protobuf.Empty"
TIMESTAMP = "google.protobuf.Timestamp"
STRUCT = "google.protobuf.Struct"
VALUE = "google.protobuf.Value"
WELL_KNOWN = {
    EMPTY: "google/protobuf/empty.proto",
    TIMESTAMP: "google/protobuf/timestamp.proto",
    STRUCT: "google/protobuf/struct.proto",
    VALUE: "google/protobuf/struct.proto",
}
ROW = "Row"
TYPE, KIND, EVENT = "type", "kind", "event"
"""The names of the `oneof`s. JSON has the fields of the one that is set, of a `type` with the word
of its field in `type`. The JSON of an event has its data in the field, and the word in `type`."""


@dataclass
class Field:
    """A field of a message; one that no model has any more is reserved and has no kind."""

    name: str
    number: int
    label: Literal["one", "list", "map"] = "one"
    kind: str | None = None
    annotation: Any = None
    model: type[BaseModel] | None = None
    """The model that describes it, if it is a part of the message's model."""
    is_kind: bool = False
    """Whether it is one of the fields of the message's `oneof`."""


@dataclass
class Message:
    """A message, with its fields by number."""

    name: str
    models: tuple[type[BaseModel], ...]
    """The model, or the members of a union."""
    fields: list[Field] = field(default_factory=list)
    method: Method | None = None
    """The method that takes it as its request."""
    oneof: str | None = None
    """The name of its `oneof`: `type` or `kind` of a union, `event` of an event."""


@dataclass
class Enum:
    """An enum: all words that it ever had, and the words that models have now."""

    name: str
    numbers: dict[str, int]
    words: list[str] = field(default_factory=list)
    fields: list[str] = field(default_factory=list)
    """The fields that have it, such as `Job.state`."""

    def value(self, word: str) -> str:
        """`JOB_STATE_RUNNING` for "running"."""
        prefix = re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", self.name).upper()
        return f"{prefix}_{word.upper()}"


class Contract:
    """All messages and enums, each in the file of the first service that uses it."""

    def __init__(self, numbers: dict[str, Any]) -> None:
        self._numbers = numbers
        self.messages: dict[str, Message] = {}
        self.enums: dict[str, Enum] = {}
        self._home: dict[str, Path] = {}
        self._order: list[str] = []
        self._unions: dict[frozenset[type[BaseModel]], str] = {}
        self.files: dict[Path, list[Service]] = {}
        for api in apis():
            for service in api.services:
                self._file = Path(*api.package.split("."), f"{service.tag}.proto")
                self.files.setdefault(self._file, []).append(service)
                for method in service.methods:
                    self._add_method(method)
        for message in self.messages.values():
            self._reserve(message)

    def parts(self, file: Path) -> Iterator[Message | Enum]:
        """The messages and enums of a file, in the order in which its methods need them."""
        for name in self._order:
            if self._home[name] == file:
                yield self.messages[name] if name in self.messages else self.enums[name]

    def imports(self, file: Path) -> list[str]:
        """The paths of the files that a file needs."""
        kinds = {f.kind for p in self.parts(file) if isinstance(p, Message) for f in p.fields}
        methods = [method for service in self.files[file] for method in service.methods]
        kinds |= {self.types_of(method)[1].removeprefix("stream ") for method in methods}
        needed = {str(self._home[kind]) for kind in kinds if kind in self._home}
        return sorted(
            (needed - {str(file)}) | {path for name, path in WELL_KNOWN.items() if name in kinds}
        )

    def name_in(self, file: Path, kind: str) -> str:
        """The name of a message or enum in a file: with its package, if that is another one."""
        home = self._home.get(kind, file)
        return kind if home.parent == file.parent else f"{'.'.join(home.parent.parts)}.{kind}"

    def types_of(self, method: Method) -> tuple[str, str]:
        """The request and the reply of a method, as its rpc declares them."""
        reply = method.reply.__name__ if method.reply else EMPTY
        return f"{method.rpc}Request", f"stream {reply}" if method.event else reply

    def numbers_text(self) -> str:
        """The text of `numbers.json`, with new entries."""
        parts = [
            f' "{part}": {{\n'
            + ",\n".join(
                f'  "{name}": {json.dumps(numbers)}' for name, numbers in sorted(entries.items())
            )
            + "\n }"
            for part, entries in self._numbers.items()
        ]
        return "{\n" + ",\n".join(parts) + "\n}\n"

    def _add_method(self, method: Method) -> None:
        name = f"{method.rpc}Request"
        models = tuple(m for m in (method.body, method.query) if m is not None)
        if method.body_field is not None:
            models = models[1:]
        fields = dict(method.path_fields)
        if method.body_field is not None:
            fields[method.body_field] = method.body
        if method.has_data:
            fields[DATA] = bytes
        message = self._new_message(name, models)
        message.method = method
        for field_name, annotation in fields.items():
            message.fields.append(self._field(message, field_name, annotation))
        self._add_fields(message)
        if method.event:
            self._add_event(method.event)
        elif method.reply:
            self._message_of(method.reply)

    def _new_message(self, name: str, models: Sequence[type[BaseModel]] = ()) -> Message:
        message = self.messages[name] = Message(name, tuple(models))
        self._home[name] = self._file
        self._order.append(name)
        return message

    def _add_fields(self, message: Message) -> None:
        """Add the fields of the models, without a `type` that the `oneof` around it tells."""
        for model in message.models:
            hints = get_type_hints(model, include_extras=True)
            for name in model.model_fields:
                if name != "type" or not (message.oneof or type_of(model)):
                    message.fields.append(self._field(message, name, hints[name], model))
        message.fields.sort(key=lambda field: field.number)

    def _add_event(self, model: type[BaseModel]) -> None:
        """Add an event: its data in a `oneof`, in place of its `type` and a field for each."""
        message = self._new_message(model.__name__, [model])
        message.oneof = EVENT
        self._add_fields(message)
        for word in enum_words(get_type_hints(model)["type"]):
            field = next((field for field in message.fields if field.name == word), None)
            if field is None:
                field = Field(word, self._number(message, word), kind=EMPTY)
                message.fields.append(field)
            field.is_kind = True

    def _number(self, message: Message, name: str) -> int:
        known = self._numbers["messages"].setdefault(message.name, {})
        if name not in known:
            known[name] = 1 + max(map(_number_in, known.values()), default=0)
        return _number_in(known[name])

    def _field(
        self, message: Message, name: str, annotation: Any, model: type[BaseModel] | None = None
    ) -> Field:
        known = self._numbers["messages"].setdefault(message.name, {})
        locked = known[name][1] if isinstance(known.get(name), list) else None
        label: Literal["one", "list", "map"] = "one"
        element, types = annotation, members(annotation)
        # A word or a list: no type of a field is both.
        is_mixed = len({get_origin(kind) for kind in types} & {Literal, list}) == 2
        for kind in [] if is_mixed else types:
            if get_origin(kind) is dict and kind != dict[str, Any]:
                label, element = "map", get_args(kind)[1]
            elif get_origin(kind) is list:
                label, element = "list", get_args(kind)[0]
        words = enum_words(annotation)
        kind, named = (VALUE, False) if is_mixed else self._kind(message, name, element, words)
        if kind == SCALARS[int] and is_long(annotation, model, name):
            kind = LONG
        number = self._number(message, name)
        if named and locked is None:
            known[name] = [number, kind]
        return Field(name, number, label, kind, annotation, model)

    def _kind(
        self, message: Message, name: str, annotation: Any, words: list[str]
    ) -> tuple[str, bool]:
        """The type of a field, and whether its name stands in `numbers.json`."""
        entry = self._numbers["messages"].get(message.name, {}).get(name)
        locked = entry[1] if isinstance(entry, list) else None
        types = members(annotation)
        if words:
            return self._enum_of(message, name, words, locked), True
        if types[0] is datetime:
            return TIMESTAMP, False
        if get_origin(types[0]) is list:
            return self._row(), False
        if get_origin(types[0]) is dict:
            return STRUCT, False
        if isinstance(types[0], type) and issubclass(types[0], BaseModel):
            if len(types) > 1:
                return self._union_of(annotation, locked), True
            return self._message_of(types[0]), False
        if float in types:
            return SCALARS[float], False
        return SCALARS[types[0]], False

    def _message_of(self, model: type[BaseModel]) -> str:
        if model.__name__ not in self.messages:
            self._add_fields(self._new_message(model.__name__, [model]))
        return model.__name__

    def _union_of(self, annotation: Any, locked: str | None) -> str:
        """The message of a union of models: a `oneof` with a field for each."""
        models = {tag or type_of(model): model for tag, model in arms(annotation)}
        key = frozenset(models.values())
        self._unions[key] = name = locked or self._unions[key]
        if name not in self.messages:
            message = self._new_message(name)
            message.oneof = TYPE if all(map(type_of, models.values())) else KIND
            for field_name, model in models.items():
                field = self._field(message, field_name, model)
                field.is_kind = True
                message.fields.append(field)
        return name

    def _row(self) -> str:
        if ROW not in self.messages:
            self._new_message(ROW).fields.append(Field("values", 1, "list", "double"))
        return ROW

    def _enum_of(self, message: Message, name: str, words: list[str], locked: str | None) -> str:
        enums: dict[str, dict[str, int]] = self._numbers["enums"]
        if locked is None:
            same = [enum for enum, known in enums.items() if set(known) == {*words, "unspecified"}]
            new_name = message.name.removesuffix("Request") + "".join(
                part.capitalize() for part in name.split("_")
            )
            locked = same[0] if same else new_name
        known = enums.setdefault(locked, {"unspecified": 0})
        for word in dict.fromkeys(words):
            if word not in known:
                known[word] = 1 + max(known.values())
        if locked not in self.enums:
            numbers = dict(sorted(known.items(), key=lambda item: item[1]))
            numbers.pop("unspecified")
            self.enums[locked] = Enum(locked, numbers)
            self._home[locked] = self._file
            self._order.append(locked)
        enum = self.enums[locked]
        if (place := f"{message.name}.{name}") not in enum.fields:
            enum.fields.append(place)
        enum.words += [word for word in words if word not in enum.words]
        enum.numbers |= {word: known[word] for word in words}
        return locked

    def _reserve(self, message: Message) -> None:
        present = {field.name for field in message.fields}
        for name, entry in self._numbers["messages"].get(message.name, {}).items():
            if name not in present:
                message.fields.append(Field(name, _number_in(entry)))
        message.fields.sort(key=lambda field: field.number)


def members(annotation: Any) -> list[Any]:
    """The types that a value may have, without None: the members of a union, or the one type."""
    return [kind for _, kind in arms(annotation)]


def arms(annotation: Any, tag: str = "") -> Iterator[tuple[str, Any]]:
    """The same, each with its tag in the union; empty without one."""
    origin = get_origin(annotation)
    if origin is Annotated:
        inner, *marks = get_args(annotation)
        tags = (mark.tag.removeprefix("@") for mark in marks if isinstance(mark, Tag))
        yield from arms(inner, next(tags, tag))
    elif origin in (Union, UnionType):
        for arm in get_args(annotation):
            yield from arms(arm)
    elif annotation is not NoneType:
        yield tag, annotation


def type_of(model: type[BaseModel]) -> str:
    """The word of a member of a union in its field `type`; empty where it has none."""
    field = model.model_fields.get("type")
    words = get_args(field.annotation) if field and get_origin(field.annotation) is Literal else ()
    return str(words[0]) if len(words) == 1 else ""


def _number_in(entry: int | list[Any]) -> int:
    return entry[0] if isinstance(entry, list) else entry


def enum_words(annotation: Any) -> list[str]:
    """The words that a value may have, or an item of a list; empty where it is any text."""
    kinds = members(annotation)
    for kind in kinds:
        if get_origin(kind) is list:
            return enum_words(get_args(kind)[0])
    if any(not (kind is str or get_origin(kind) is Literal) for kind in kinds):
        return []
    schema = TypeAdapter(annotation).json_schema()
    arms = [schema, *schema.get("anyOf", [])]
    return [word for arm in arms for word in (arm.get("enum") or [arm.get("const")]) if word]


def is_long(annotation: Any, model: type[BaseModel] | None, name: str) -> bool:
    """Whether the integers of a field may have more than 32 bits."""
    if model is None:
        return _has_long(TypeAdapter(annotation).json_schema())
    mode: Literal["validation", "serialization"]
    mode = "serialization" if issubclass(model, Reply) else "validation"
    return _has_long(_schema(model, mode)["properties"][name])


@cache
def _schema(model: type[BaseModel], mode: Literal["validation", "serialization"]) -> dict[str, Any]:
    return model.model_json_schema(mode=mode)


def _has_long(schema: Any) -> bool:
    if not isinstance(schema, dict):
        return False
    if schema.get("format") == LONG:
        return True
    parts = [*schema.get("anyOf", []), schema.get("items"), schema.get("additionalProperties")]
    return any(map(_has_long, parts))
