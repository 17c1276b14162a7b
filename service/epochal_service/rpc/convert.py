"""Between proto messages and the plain dicts that `specs` validates and replies dump.

    message                        dict
    unset field, empty list        no key (None and empty values write nothing)
    ACTIVATION_RELU                "relu"
    Row {values: [1, 2]}           [1.0, 2.0]
    Struct {a: 1, b: null}         {"a": 1.0, "b": None}
    Value {string_value: "a"}      "a"
    Timestamp                      "2026-01-31T12:00:00Z"; a datetime is understood too
    anything else                  itself

How a field converts is read off its descriptor once; there is no code for single messages.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from functools import cache
from typing import Any, TypeVar

from google.protobuf.descriptor import Descriptor, EnumDescriptor, FieldDescriptor
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
    fields = {
        field.name: read(value) if (read := readers.get(field.name)) else value
        for field, value in message.ListFields()
    }
    unknown = UnknownFieldSet(message)
    return fields | {str(unknown[i].field_number): None for i in range(len(unknown))}


def from_dict(mapping: Mapping[str, Any], message_type: type[M]) -> M:
    """The message with these fields: the reverse of `to_dict`, for replies dumped in Python mode.

    Raises `ValueError` for a name that the message does not have and `KeyError` for a word that its
    enum does not have.
    """
    write = _writer(message_type.DESCRIPTOR)
    return message_type(**(write(mapping) if write else mapping))


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
    return lambda mapping: {
        name: write(value) if value is not None and (write := writers.get(name)) else value
        for name, value in mapping.items()
    }


def holds_its_own_kind(field: FieldDescriptor) -> bool:
    """Whether a message stands within one of the same type, as a layer within a residual does."""
    inner, outer = field.message_type, field.containing_type
    return bool(inner and outer and inner.full_name == outer.full_name)


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
    if holds_its_own_kind(field):
        # A message within a message of the same type: its writer is still being made.
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
