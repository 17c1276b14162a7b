"""What the .proto files hold, and dicts of any of it, for tests that go through all there is."""

from datetime import UTC, datetime
from typing import Any

from google.protobuf.descriptor import Descriptor, EnumDescriptor, FieldDescriptor
from google.protobuf.struct_pb2 import Struct, Value
from google.protobuf.timestamp_pb2 import Timestamp
from hypothesis import strategies as st
from pydantic import TypeAdapter

from epochal_service._proto import FILES as ALL_FILES
from epochal_service._proto import message as message_class
from epochal_service.rpc.convert import holds_its_own_kind, words

NOUNS = ("networks", "datasets", "jobs", "sweeps", "system")
FILES = [file for file in ALL_FILES if file.name in {f"epochal/v1/{noun}.proto" for noun in NOUNS}]
MESSAGES: list[Descriptor] = [m for file in FILES for m in file.message_types_by_name.values()]
ENUMS: list[EnumDescriptor] = [e for file in FILES for e in file.enum_types_by_name.values()]

INT32 = st.integers(-(2**31), 2**31 - 1)
INT64 = st.integers(-(2**63), 2**63 - 1) | st.sampled_from([0, 1, 2**63 - 1])
TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=8)
# What both datetime and Timestamp can hold.
MOMENTS = st.datetimes(datetime(1, 1, 1), datetime(9999, 12, 31), timezones=st.just(UTC))
SCALARS = {
    FieldDescriptor.TYPE_INT32: INT32,
    FieldDescriptor.TYPE_INT64: INT64,
    FieldDescriptor.TYPE_DOUBLE: st.floats(),
    FieldDescriptor.TYPE_STRING: TEXT,
    FieldDescriptor.TYPE_BOOL: st.booleans(),
    FieldDescriptor.TYPE_BYTES: st.binary(max_size=8),
}


def dicts(message: Descriptor) -> st.SearchStrategy[dict[str, Any]]:
    """What `to_dict` may give for a message, with any of its fields set."""
    return st.fixed_dictionaries({}, optional={f.name: _value(f) for f in message.fields})


def flat_dicts(message: Descriptor) -> st.SearchStrategy[dict[str, Any]]:
    """The same without messages inside of it: for one that stands inside of its own kind."""
    flat = [f for f in message.fields if not f.message_type]
    return st.fixed_dictionaries({}, optional={f.name: _value(f) for f in flat})


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
    return (flat_dicts if holds_its_own_kind(field) else dicts)(field.message_type)
