"""The messages of the .proto files, and dicts of each, for tests that go through all of them."""

from datetime import UTC, datetime
from functools import cache
from typing import Any

from google.protobuf.descriptor import Descriptor, EnumDescriptor, FieldDescriptor
from google.protobuf.empty_pb2 import Empty
from google.protobuf.struct_pb2 import Struct, Value
from google.protobuf.timestamp_pb2 import Timestamp
from hypothesis import strategies as st
from pydantic import TypeAdapter

from epochal_service._proto import FILES as ALL_FILES
from epochal_service._proto import message as message_class
from epochal_service.rpc.convert import oneof_of, words

NOUNS = ("networks", "datasets", "jobs", "sweeps", "system")
FILES = [file for file in ALL_FILES if file.name in {f"epochal/v1/{noun}.proto" for noun in NOUNS}]
MESSAGES: list[Descriptor] = [m for file in FILES for m in file.message_types_by_name.values()]
ENUMS: list[EnumDescriptor] = [e for file in FILES for e in file.enum_types_by_name.values()]

INT32 = st.integers(-(2**31), 2**31 - 1)
INT64 = st.integers(-(2**63), 2**63 - 1) | st.sampled_from([0, 1, 2**63 - 1])
TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=8)
# The range of both datetime and Timestamp.
MOMENTS = st.datetimes(datetime(1, 1, 1), datetime(9999, 12, 31), timezones=st.just(UTC))
SCALARS = {
    FieldDescriptor.TYPE_INT32: INT32,
    FieldDescriptor.TYPE_INT64: INT64,
    FieldDescriptor.TYPE_DOUBLE: st.floats(),
    FieldDescriptor.TYPE_STRING: TEXT,
    FieldDescriptor.TYPE_BOOL: st.booleans(),
    FieldDescriptor.TYPE_BYTES: st.binary(max_size=8),
}


@cache
def dicts(message: Descriptor) -> st.SearchStrategy[dict[str, Any]]:
    """Dicts that `to_dict` may give for a message, with any of its fields set."""
    oneof = oneof_of(message)
    kinds = kinds_of(message)
    plain = {f.name: _value(f) for f in message.fields if f.name not in kinds}
    fields = st.fixed_dictionaries({}, optional=plain)
    if oneof is None:
        return fields
    arms = [_deferred(oneof.name, kind) for kind in oneof.fields]
    return st.builds(lambda fields, kind: fields | kind, fields, st.just({}) | st.one_of(arms))


def kinds_of(message: Descriptor) -> dict[str, Any]:
    """The types of a message's `oneof`, by the names of their fields; empty without one."""
    oneof = oneof_of(message)
    return {kind.name: kind.message_type for kind in oneof.fields} if oneof else {}


def _deferred(oneof: str, kind: FieldDescriptor) -> st.SearchStrategy[dict[str, Any]]:
    """Deferred, since a layer may hold layers."""
    return st.deferred(lambda: _kind(oneof, kind))


def _kind(oneof: str, kind: FieldDescriptor) -> st.SearchStrategy[dict[str, Any]]:
    if oneof == "kind":
        return dicts(kind.message_type)
    if kind.message_type is Empty.DESCRIPTOR:
        return st.just({"type": kind.name})
    if oneof == "event":
        return st.fixed_dictionaries({"type": st.just(kind.name), kind.name: _element(kind)})
    return dicts(kind.message_type).map(lambda fields: {"type": kind.name} | fields)


def pydantic_time(moment: datetime) -> str:
    return TypeAdapter(datetime).dump_json(moment).decode().strip('"')


def _value(field: FieldDescriptor) -> st.SearchStrategy[Any]:
    if not field.is_repeated:
        return _element(field)
    if field.message_type and field.message_type.GetOptions().map_entry:
        of_value = _element(field.message_type.fields_by_name["value"])
        return st.dictionaries(TEXT, of_value, min_size=1, max_size=2)
    return st.lists(_element(field), min_size=1, max_size=3)


def _element(field: FieldDescriptor) -> st.SearchStrategy[Any]:
    if field.enum_type:
        return st.sampled_from([w for n, w in words(field.enum_type).items() if n])
    if field.message_type is message_class("Row").DESCRIPTOR:
        return st.lists(st.floats(), max_size=3)
    if field.message_type is Struct.DESCRIPTOR:
        cells = TEXT | st.booleans() | st.floats(allow_nan=False) | st.none()
        return st.dictionaries(TEXT, cells, max_size=3)
    if field.message_type is Value.DESCRIPTOR:
        return TEXT | st.lists(st.floats(allow_nan=False), max_size=3)
    if field.message_type is Timestamp.DESCRIPTOR:
        return MOMENTS.map(pydantic_time)
    if not field.message_type:
        return SCALARS[field.type]
    return dicts(field.message_type)
