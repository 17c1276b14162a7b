"""The gRPC server: all services of `protos/`, health and reflection, in the loop that starts it."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import grpc
import structlog
from google.protobuf.descriptor import ServiceDescriptor
from grpc_health.v1 import health, health_pb2_grpc

from ..apis import apis
from ..methods.context import Context
from ..settings import Address
from . import reflection
from .health import Health
from .services import SERVICES, unary
from .streams import Streams

GRACE_SECONDS = 2.0
MAX_MESSAGE_BYTES = 64 * 2**20

OPTIONS = [
    ("grpc.max_receive_message_length", MAX_MESSAGE_BYTES),
    ("grpc.max_send_message_length", MAX_MESSAGE_BYTES),
    # A peer that is gone without a word is noticed within the minute, also between two frames.
    ("grpc.keepalive_time_ms", 30_000),
    ("grpc.keepalive_timeout_ms", 20_000),
    ("grpc.keepalive_permit_without_calls", 1),
    ("grpc.http2.min_recv_ping_interval_without_data_ms", 10_000),
]

logger = structlog.get_logger(__name__)


@asynccontextmanager
async def serve(context: Context) -> AsyncIterator[Address]:
    """Serve on `context.settings.grpc_address` for as long as the block lasts.

    Yields the address, with the port that was found where 0 was asked for. On leaving, streams are
    ended, and calls under way get two seconds. Raises `OSError` where the address cannot be had.
    """
    # By default a second service could take the same port and half of the calls, without any error.
    shared = int(context.settings.api_processes > 1)
    server = grpc.aio.server(options=[*OPTIONS, ("grpc.so_reuseport", shared)])
    streams = Streams(context)
    packages = [api.package for api in apis(context.settings.course)]
    services = [service for service in SERVICES if service.file.package in packages]
    names = [service.full_name for service in services]
    health_servicer = Health(context, names)
    server.add_generic_rpc_handlers([_handler(context, streams, service) for service in services])
    health_pb2_grpc.add_HealthServicer_to_server(health_servicer, server)
    reflection.enable(server, [*names, health.SERVICE_NAME])
    address = _listen(server, context.settings.grpc_address)
    await server.start()
    logger.info("grpc_listening", address=address)
    try:
        yield address
    finally:
        health_servicer.stop()
        streams.close()
        await server.stop(GRACE_SECONDS)


def _handler(
    context: Context, streams: Streams, service: ServiceDescriptor
) -> grpc.GenericRpcHandler:
    return grpc.method_handlers_generic_handler(
        service.full_name,
        {
            method.name: (
                streams.handler(method) if method.server_streaming else unary(context, method)
            )
            for method in service.methods
        },
    )


def _listen(server: grpc.aio.Server, address: Address) -> Address:
    try:
        port = server.add_insecure_port(address)
    except RuntimeError:
        raise OSError(
            f"gRPC cannot listen on {address}: the port is taken or the address is not of this "
            "machine; set EPOCHAL_GRPC_ADDRESS to another one"
        ) from None
    return Address(f"{str(address).rpartition(':')[0]}:{port}")
