"""The API's messages and services, from the descriptor set that the build compiles out of protos/.

There is no generated code: `GetMessageClass` builds a class from its descriptor. The build copies
this module into both distributions.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

from google.protobuf import descriptor_pool, empty_pb2, struct_pb2, timestamp_pb2
from google.protobuf.descriptor import EnumDescriptor, FileDescriptor, ServiceDescriptor
from google.protobuf.descriptor_pb2 import FileDescriptorSet
from google.protobuf.message_factory import GetMessageClass

PACKAGES = ("epochal.v1", "epochal.course.v1")
PATH = Path(__file__).with_name("epochal.binpb")
# The files that ours import: loading them registers them.
IMPORTED = (empty_pb2, struct_pb2, timestamp_pb2)

_pool = descriptor_pool.Default()


def _load() -> tuple[FileDescriptor, ...]:
    if not PATH.exists():
        raise ImportError(
            f"{PATH} is missing: install the package again, or run `make protos` in a checkout"
        )
    files = FileDescriptorSet.FromString(PATH.read_bytes()).file
    for file in files:  # protoc writes a file after its imports
        _pool.Add(file)
    return tuple(_pool.FindFileByName(file.name) for file in files)


FILES = _load()
SERVICES: tuple[ServiceDescriptor, ...] = tuple(
    service for file in FILES for service in file.services_by_name.values()
)


def message(name: str) -> Any:
    """The class of a message such as `TrainingSpec`. Raises `KeyError` if there is none."""
    return GetMessageClass(_find(_pool.FindMessageTypeByName, name))


def enum(name: str) -> EnumDescriptor:
    """The descriptor of an enum such as `Activation`. Raises `KeyError` if there is none."""
    descriptor: EnumDescriptor = _find(_pool.FindEnumTypeByName, name)
    return descriptor


def _find(find: Callable[[str], Any], name: str) -> Any:
    first, second = (f"{package}.{name}" for package in PACKAGES)
    try:
        return find(first)
    except KeyError:
        return find(second)
