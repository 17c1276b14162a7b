"""Server reflection in both versions, which differ in nothing but the name of their package.

grpcio-reflection has `v1alpha` alone; newer clients ask for `v1` first.
"""

from __future__ import annotations

from collections.abc import Sequence

import grpc
from google.protobuf import descriptor_pool
from google.protobuf.descriptor_pb2 import FileDescriptorProto
from grpc_reflection.v1alpha import reflection, reflection_pb2, reflection_pb2_grpc

ALPHA, STABLE = "grpc.reflection.v1alpha", "grpc.reflection.v1"
METHOD = "ServerReflectionInfo"
NAMES = (f"{ALPHA}.ServerReflection", f"{STABLE}.ServerReflection")


def enable(server: grpc.aio.Server, names: Sequence[str]) -> None:
    """Describe the services with these names, and reflection itself."""
    _describe_stable()
    servicer = reflection.aio.ReflectionServicer([*names, *NAMES])
    reflection_pb2_grpc.add_ServerReflectionServicer_to_server(servicer, server)
    # The messages of both versions have the same bytes.
    handler = grpc.stream_stream_rpc_method_handler(
        servicer.ServerReflectionInfo,
        request_deserializer=reflection_pb2.ServerReflectionRequest.FromString,
        response_serializer=reflection_pb2.ServerReflectionResponse.SerializeToString,
    )
    server.add_generic_rpc_handlers(
        [grpc.method_handlers_generic_handler(NAMES[1], {METHOD: handler})]
    )


def _describe_stable() -> None:
    """Derive the description of `v1` from `v1alpha`, and add it to the pool of descriptors."""
    file = FileDescriptorProto()
    reflection_pb2.DESCRIPTOR.CopyToProto(file)
    file.name, file.package = "grpc/reflection/v1/reflection.proto", STABLE
    for message in file.message_type:
        for field in message.field:
            if field.HasField("type_name"):
                field.type_name = _renamed(field.type_name)
    for method in file.service[0].method:
        method.input_type = _renamed(method.input_type)
        method.output_type = _renamed(method.output_type)
    descriptor_pool.Default().AddSerializedFile(file.SerializeToString())


def _renamed(name: str) -> str:
    return name.replace(f".{ALPHA}.", f".{STABLE}.")
