"""Between proto messages and the plain dicts that `specs` validates and replies dump.

    message                        dict
    unset field, empty list        no key (None and empty values write nothing)
    ACTIVATION_RELU                "relu"
    Row {values: [1, 2]}           [1.0, 2.0]
    Struct {a: 1, b: null}         {"a": 1.0, "b": None}
    Value {string_value: "a"}      "a"
    Timestamp                      "2026-01-31T12:00:00Z"; a datetime is understood too
    oneof type: dense {units: 8}   {"type": "dense", "units": 8}
    oneof kind: saved {id: "a"}    {"id": "a"}
    oneof event: end {…}           {"type": "end", "end": {…}}
    anything else                  itself

How a field converts is read off its descriptor once; there is no code for single messages.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from functools import cache
from typing import Any, TypeVar

from google.protobuf.descriptor import (
    Descriptor,
    EnumDescriptor,
    FieldDescriptor,
    OneofDescriptor,
)
from google.protobuf.empty_pb2 import Empty
from google.protobuf.message import Message
from google.protobuf.struct_pb2 import Struct, Value
from google.protobuf.timestamp_pb2 import Timestamp
from google.protobuf.unknown_fields import UnknownFieldSet

from .._proto import message as message_class

M = TypeVar("M", bound=Message)
Conversion = Callable[[Any], Any]

ROW: Descriptor = message_class("Row").DESCRIPTOR
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def to_dict(message: Message) -> dict[str, Any]:
    """The fields of `message` that are set, by name.

    Unknown fields and values stay visible, so that validation can name the path of each: a field
    stands under its number, an enum value as its number or as "unspecified".
    """
    readers = _readers(message.DESCRIPTOR)
    fields: dict[str, Any] = {
        field.name: read(value) if (read := readers.get(field.name)) else value
        for field, value in message.ListFields()
    }
    unknown = UnknownFieldSet(message)
    fields |= {str(unknown[i].field_number): None for i in range(len(unknown))}
    oneof = oneof_of(message.DESCRIPTOR)
    return _in_json(message, oneof, fields) if oneof else fields


def from_dict(mapping: Mapping[str, Any], message_type: type[M]) -> M:
    """The message with these fields: the reverse of `to_dict`, for replies dumped in Python mode.

    Raises `ValueError` for a name that the message does not have and `KeyError` for a word that its
    enum does not have.
    """
    write = _writer(message_type.DESCRIPTOR)
    return message_type(**(write(mapping) if write else mapping))


@cache
def oneof_of(descriptor: Descriptor) -> OneofDescriptor | None:
    """The `oneof` of a message of several kinds; None for others. Each optional field has a
    synthetic one, whose name begins with an underscore.
    """
    return next((oneof for oneof in descriptor.oneofs if not oneof.name.startswith("_")), None)


def _in_json(message: Message, oneof: OneofDescriptor, fields: dict[str, Any]) -> dict[str, Any]:
    """The fields of a message of several kinds, without the `oneof`."""
    name: str | None = message.WhichOneof(oneof.name)
    if name is None:
        return fields
    inner: Any = fields.pop(name)
    if oneof.name == "event":
        return fields | {"type": name} | ({name: inner} if inner is not None else {})
    return {**fields, **({"type": name} if oneof.name == "type" else {}), **inner}


def _kind_of(oneof: OneofDescriptor, mapping: Mapping[str, Any]) -> dict[str, Any]:
    """The reverse of `_in_json`: the fields of the message, with one of the `oneof`."""
    fields = dict(mapping)
    if oneof.name == "kind":
        kinds = _names_of(oneof)
        return {max(kinds, key=lambda kind: len(kinds[kind] & fields.keys())): fields}
    name = fields.pop("type", None)
    if oneof.name == "event":
        return fields | ({name: fields.get(name) or {}} if name else {})
    return {name: fields} if name else {}


@cache
def _names_of(oneof: OneofDescriptor) -> dict[str, frozenset[str]]:
    """The names of the fields of each kind."""
    kinds = {kind.name: kind.message_type for kind in oneof.fields}
    return {name: frozenset(kind.fields_by_name) for name, kind in kinds.items() if kind}


@cache
def words(enum: EnumDescriptor) -> dict[int, str]:
    """Number -> word, without the prefix that the value 0 has before UNSPECIFIED."""
    prefix = enum.values_by_number[0].name.removesuffix("UNSPECIFIED")
    return {value.number: value.name.removeprefix(prefix).lower() for value in enum.values}


@cache
def _readers(descriptor: Descriptor) -> dict[str, Conversion]:
    """Field name -> conversion, for the fields with a value that does not stand for itself."""
    readers = {
        field.name: _for_elements(field, _element_reader) or _container(field)
        for field in descriptor.fields
    }
    return {name: read for name, read in readers.items() if read}


def _element_reader(field: FieldDescriptor) -> Conversion | None:
    if field.enum_type:
        known = words(field.enum_type)
        return lambda number: known.get(number, str(number))
    if field.message_type is ROW:
        return lambda row: list(row.values)
    if field.message_type is Struct.DESCRIPTOR:
        return _plain
    if field.message_type is Value.DESCRIPTOR:
        return _plain_value
    if field.message_type is Timestamp.DESCRIPTOR:
        return _rfc3339
    if field.message_type is Empty.DESCRIPTOR:
        return lambda _: None
    return to_dict if field.message_type else None


def _plain(struct: Struct) -> dict[str, Any]:
    return {name: _plain_value(value) for name, value in struct.fields.items()}


def _plain_value(value: Any) -> Any:
    match value.WhichOneof("kind"):
        case "struct_value":
            return _plain(value.struct_value)
        case "list_value":
            return [_plain_value(item) for item in value.list_value.values]
        case "null_value" | None:
            return None
        case kind:
            return getattr(value, kind)


def _struct(mapping: Mapping[str, Any]) -> Struct:
    struct = Struct()
    struct.update(mapping)
    return struct


def _value(plain: Any) -> Value:
    value: Value = _struct({"value": plain}).fields["value"]
    return value


def _rfc3339(timestamp: Timestamp) -> str:
    moment = _EPOCH + timedelta(seconds=timestamp.seconds, microseconds=timestamp.nanos // 1000)
    return moment.isoformat().replace("+00:00", "Z")


@cache
def _writer(descriptor: Descriptor) -> Conversion | None:
    """Dict -> arguments of the message's constructor; None where every field stands for itself."""
    conversions = {field.name: _for_elements(field, _element_writer) for field in descriptor.fields}
    writers = {name: write for name, write in conversions.items() if write}
    if not writers:
        return None
    oneof = oneof_of(descriptor)

    def write_fields(mapping: Mapping[str, Any]) -> dict[str, Any]:
        if oneof:
            mapping = _kind_of(oneof, mapping)
        return {
            name: write(value) if value is not None and (write := writers.get(name)) else value
            for name, value in mapping.items()
        }

    return write_fields


def _element_writer(field: FieldDescriptor) -> Conversion | None:
    if field.enum_type:
        return {word: number for number, word in words(field.enum_type).items()}.__getitem__
    if field.message_type is ROW:
        return lambda values: {"values": values}
    if field.message_type is Struct.DESCRIPTOR:
        return _struct
    if field.message_type is Value.DESCRIPTOR:
        return _value
    if field.message_type is Timestamp.DESCRIPTOR:
        return lambda moment: datetime.fromisoformat(moment) if isinstance(moment, str) else moment
    if field.containing_oneof is oneof_of(field.containing_type) is not None:
        # A layer may hold layers: their writer is made when it is first used.
        return lambda mapping: (_writer(field.message_type) or dict)(mapping)
    return _writer(field.message_type) if field.message_type else None


def _for_elements(
    field: FieldDescriptor, element: Callable[[FieldDescriptor], Conversion | None]
) -> Conversion | None:
    """The conversion of one element, over all elements of a list or a map."""
    if not field.is_repeated:
        return element(field)
    if entry := _map_entry(field):
        of_value = element(entry.fields_by_name["value"])
        return of_value and (lambda values: {key: of_value(v) for key, v in values.items()})
    of_item = element(field)
    return of_item and (lambda values: [of_item(value) for value in values])


def _container(field: FieldDescriptor) -> Conversion | None:
    if not field.is_repeated:
        return None
    return dict if _map_entry(field) else list


def _map_entry(field: FieldDescriptor) -> Descriptor | None:
    entry = field.message_type
    return entry if entry and entry.GetOptions().map_entry else None
