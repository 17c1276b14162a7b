"""The .proto files and the models of `specs` say the same: names, types and words."""

from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import datetime
from inspect import signature
from types import NoneType, UnionType
from typing import Annotated, Any, Literal, Union, get_args, get_origin, get_type_hints

import pytest
from google.protobuf.descriptor import Descriptor, EnumDescriptor, FieldDescriptor
from google.protobuf.empty_pb2 import Empty
from google.protobuf.struct_pb2 import Struct, Value
from google.protobuf.timestamp_pb2 import Timestamp
from pydantic import BaseModel, TypeAdapter
from tests.documents import openapi_document
from tests.rpc.messages import ENUMS, MESSAGES, kinds_of

import epochal_engine
from epochal_service._proto import FILES as ALL_FILES
from epochal_service._proto import message as message_class
from epochal_service.apis import apis, methods
from epochal_service.methods.method import DATA
from epochal_service.rpc.convert import oneof_of, words
from epochal_service.rpc.services import SERVICES
from epochal_service.specs.exports import FORMATS

SCALARS: dict[Any, set[int]] = {
    int: {FieldDescriptor.TYPE_INT32, FieldDescriptor.TYPE_INT64},
    float: {FieldDescriptor.TYPE_DOUBLE},
    str: {FieldDescriptor.TYPE_STRING},
    bool: {FieldDescriptor.TYPE_BOOL},
    bytes: {FieldDescriptor.TYPE_BYTES},
}
TABLES: dict[str, Mapping[str, Any]] = {
    "Activation": epochal_engine.ACTIVATIONS,
    "Initializer": epochal_engine.INITIALIZERS,
    "Loss": epochal_engine.LOSSES,
    "OptimizerType": epochal_engine.OPTIMIZERS,
    "ExportFormat": FORMATS,
}
UNIONS: dict[str, Mapping[str, Any]] = {
    "LayerSpec": epochal_engine.LAYERS,
    "OptimizerSpec": epochal_engine.OPTIMIZERS,
    "ScheduleSpec": epochal_engine.SCHEDULES,
    "AugmentationSpec": epochal_engine.AUGMENTATIONS,
    "CorruptionSpec": epochal_engine.CORRUPTIONS,
}


def members(annotation: Any) -> list[Any]:
    """The types that a value may have, without None: the members of a union, or the type."""
    origin = get_origin(annotation)
    if origin is Annotated:
        return members(get_args(annotation)[0])
    if origin in (Union, UnionType):
        return [m for arm in get_args(annotation) for m in members(arm) if m is not NoneType]
    return [annotation]


def enum_words(annotation: Any) -> list[str]:
    """The words that a field's JSON schema lists; empty where it is a text of any kind."""
    schema = TypeAdapter(annotation).json_schema()
    arms = [schema, *schema.get("anyOf", [])]
    return [word for arm in arms for word in (arm.get("enum") or [arm.get("const")]) if word]


class Walk:
    """Goes through a message and a model side by side and notes what it has seen."""

    def __init__(self) -> None:
        self.seen: dict[str, set[str]] = {}
        self.words: dict[str, set[str]] = {}

    def message(
        self,
        message: Descriptor,
        models: Sequence[type[BaseModel]],
        path_fields: Mapping[str, Any] = {},
    ) -> None:
        """`models` are the body and the query of a request, or the one model of the message."""
        fields: dict[str, Any] = dict(path_fields)
        for model in models:
            hints = get_type_hints(model, include_extras=True)
            fields |= {name: hints[name] for name in model.model_fields}
        if oneof_of(message):
            self.event(message, enum_words(fields.pop("type")), fields)
        elif get_origin(fields.get("type")) is Literal:
            del fields["type"]  # the oneof around it tells it
        self.seen.setdefault(message.name, set()).update(fields)
        for name, annotation in fields.items():
            field = message.fields_by_name[name]
            assert field.is_repeated or field.has_presence, field.full_name
            self.field(field, annotation)

    def event(self, message: Descriptor, types: list[str], fields: Mapping[str, Any]) -> None:
        kinds = kinds_of(message)
        assert kinds.keys() == set(types), message.full_name
        without_data = kinds.keys() - fields.keys()
        assert {kinds[name] for name in without_data} <= {Empty.DESCRIPTOR}, message.full_name
        self.seen[message.name] = without_data

    def union(self, message: Descriptor, models: Sequence[type[BaseModel]]) -> None:
        kinds = kinds_of(message)
        self.seen[message.name] = set(kinds)
        by_name = {model.__name__: model for model in models}
        assert by_name.keys() == {kind.name for kind in kinds.values()}, message.full_name
        for name, kind in kinds.items():
            if "type" in message.oneofs_by_name:
                words = get_args(by_name[kind.name].model_fields["type"].annotation)
                assert words == (name,), message.full_name
            self.message(kind, [by_name[kind.name]])

    def field(self, field: FieldDescriptor, annotation: Any) -> None:
        types = members(annotation)
        origin = get_origin(types[0])
        if field.message_type and field.message_type.GetOptions().map_entry:
            assert origin is dict, field.full_name
            key, value = get_args(types[0])
            self.field(field.message_type.fields_by_name["key"], key)
            self.field(field.message_type.fields_by_name["value"], value)
        elif field.is_repeated:
            assert origin is list, field.full_name
            self.element(field, get_args(types[0])[0])
        else:
            self.element(field, annotation)

    def element(self, field: FieldDescriptor, annotation: Any) -> None:
        types = members(annotation)
        if field.enum_type:
            assert types == [str] or get_origin(types[0]) is Literal, field.full_name
            words = set(enum_words(annotation))
            self.words.setdefault(field.enum_type.name, set()).update(words)
        elif field.message_type is message_class("Row").DESCRIPTOR:
            self.seen["Row"] = {"values"}
            (row,) = types
            assert get_origin(row) is list, field.full_name
            assert members(get_args(row)[0]) == [float], field.full_name
        elif field.message_type is Timestamp.DESCRIPTOR:
            assert types == [datetime], field.full_name
        elif field.message_type is Struct.DESCRIPTOR:
            (row,) = types
            assert get_origin(row) is dict, field.full_name
        elif field.message_type is Value.DESCRIPTOR:
            assert {get_origin(kind) for kind in types} == {Literal, list}, field.full_name
        elif field.message_type and len(types) > 1:
            if field.message_type.name not in self.seen:  # a layer may hold layers
                self.union(field.message_type, types)
        elif field.message_type:
            self.message(field.message_type, types)
        else:
            assert all(field.type in SCALARS[t] for t in types), field.full_name


@pytest.fixture(scope="module")
def walk() -> Walk:
    walk = Walk()
    for service in SERVICES:
        for descriptor in service.methods:
            method = methods()[descriptor.name]
            path_fields = dict(method.path_fields)
            models = [model for model in (method.body, method.query) if model is not None]
            if method.body_field is not None:
                path_fields[method.body_field] = models.pop(0)
            if method.has_data:
                path_fields[DATA] = bytes
            walk.message(descriptor.input_type, models, path_fields)
            walk.message(descriptor.output_type, [method.reply] if method.reply else [])
    return walk


@pytest.mark.parametrize("message", MESSAGES, ids=lambda message: message.name)
def test_a_message_has_the_fields_of_its_models(walk: Walk, message: Descriptor) -> None:
    assert walk.seen[message.name] == {field.name for field in message.fields}


@pytest.mark.parametrize("enum", ENUMS, ids=lambda enum: enum.name)
def test_an_enum_has_the_words_of_its_models(walk: Walk, enum: EnumDescriptor) -> None:
    assert words(enum)[0] == "unspecified"
    assert walk.words[enum.name] == {word for number, word in words(enum).items() if number}


@pytest.mark.parametrize("enum", [e for e in ENUMS if e.name in TABLES], ids=lambda enum: enum.name)
def test_an_enum_has_the_names_of_the_engines_table(enum: EnumDescriptor) -> None:
    assert {word for number, word in words(enum).items() if number} == set(TABLES[enum.name])


@pytest.mark.parametrize("name", UNIONS)
def test_a_union_has_the_components_of_the_engines_table(name: str) -> None:
    # In a message, a new kind is the last one, as it has the highest number.
    assert set(kinds_of(message_class(name).DESCRIPTOR)) == set(UNIONS[name])


def test_every_method_has_one_entry_that_fits_its_function() -> None:
    names = [method.name for service in SERVICES for method in service.methods]
    assert sorted(names) == sorted(methods())
    for method in methods().values():
        arguments = (not method.is_pure) + len(method.path_fields)
        arguments += (method.body is not None) + method.has_data + (method.query is not None)
        signature(method.function).bind(*range(arguments))


def test_an_integer_has_64_bits_where_its_schema_says_so() -> None:
    """Others have 32: JavaScript reads them as numbers, not as BigInts."""
    checked: Counter[bool] = Counter()
    for api in apis():
        schemas = openapi_document(api)["components"]["schemas"]
        for file in ALL_FILES:
            for message in file.message_types_by_name.values():
                fields = schemas.get(message.name, {}).get("properties", {})
                for name, schema in fields.items():
                    arms = [schema, *schema.get("anyOf", ())]
                    arms += [arm["items"] for arm in arms if "items" in arm]
                    if any(arm.get("type") == "integer" for arm in arms):
                        is_long = any(arm.get("format") == "int64" for arm in arms)
                        kind = message.fields_by_name[name].type
                        assert (kind == FieldDescriptor.TYPE_INT64) == is_long, (message.name, name)
                        checked[is_long] += 1
    assert checked[True] > 50
    assert checked[False] > 200
