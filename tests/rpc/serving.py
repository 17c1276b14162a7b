"""A real gRPC server over a real store, in its own loop beside the test."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import grpc
from anyio.from_thread import BlockingPortal, start_blocking_portal
from google.protobuf.descriptor import MethodDescriptor
from google.protobuf.message import Message
from google.protobuf.message_factory import GetMessageClass
from google.rpc.error_details_pb2 import BadRequest, ErrorInfo
from grpc_status import rpc_status
from tests.servers.tables import create_tables

from epochal_service.methods.context import Context, open_context
from epochal_service.rpc.convert import from_dict, to_dict
from epochal_service.rpc.server import serve
from epochal_service.rpc.services import SERVICES
from epochal_service.settings import Settings

RPCS: dict[str, MethodDescriptor] = {
    method.name: method for service in SERVICES for method in service.methods
}
UNBOUNDED = [("grpc.max_receive_message_length", -1), ("grpc.max_send_message_length", -1)]


@dataclass
class Client:
    """Calls any method by its name, with bytes or with a dict."""

    channel: grpc.Channel

    def raw(self, rpc: str, request: bytes, **options: Any) -> Any:
        """The reply, still as bytes; for a stream, the call itself."""
        method = RPCS[rpc]
        kind = "unary_stream" if method.server_streaming else "unary_unary"
        path = f"/{method.containing_service.full_name}/{rpc}"
        return getattr(self.channel, kind)(path)(request, **options)

    def call(self, rpc: str, **request: Any) -> dict[str, Any]:
        return reply(rpc, self.raw(rpc, serialized(rpc, request)))

    def watch(self, **request: Any) -> Iterator[dict[str, Any]]:
        call = self.raw("WatchJob", serialized("WatchJob", request), timeout=60)
        try:
            for event in call:
                yield reply("WatchJob", event)
        finally:
            call.cancel()


def serialized(rpc: str, request: dict[str, Any]) -> bytes:
    return from_dict(request, GetMessageClass(RPCS[rpc].input_type)).SerializeToString()


def reply(rpc: str, received: bytes) -> dict[str, Any]:
    message: Message = GetMessageClass(RPCS[rpc].output_type).FromString(received)
    return to_dict(message)


@dataclass(frozen=True)
class ErrorDetails:
    """The details of an error for a client."""

    code: grpc.StatusCode
    reason: str
    errors: list[tuple[str, str]]


def error_details(error: grpc.RpcError) -> ErrorDetails:
    """Raises `AssertionError` for an error that does not name its reason."""
    status = rpc_status.from_call(error)
    assert status is not None, f"no details came with {error}"
    info, bad_request = ErrorInfo(), BadRequest()
    for detail in status.details:
        detail.Unpack(info)
        detail.Unpack(bad_request)
    assert info.domain == "epochal"
    violations = [(v.field, v.description) for v in bad_request.field_violations]
    return ErrorDetails(error.code(), info.reason, violations)


@dataclass
class Serving:
    """A running server; `stop` stops it, and leaves its store open."""

    portal: BlockingPortal
    context: Context
    address: str
    client: Client
    stop: Callable[[], None]


def settings(folder: Path, **others: Any) -> Settings:
    """Settings for a store in `folder` alone, on a free port."""
    chosen = {"data_dir": folder, "grpc_address": "127.0.0.1:0", "http_address": "127.0.0.1:0"}
    given: dict[str, Any] = {"_env_file": None, **chosen, **others}
    return Settings(**given)


@contextmanager
def serving(chosen: Settings) -> Iterator[Serving]:
    """The server and a client of it."""
    create_tables(chosen.database_url)
    with (
        start_blocking_portal() as portal,
        portal.wrap_async_context_manager(open_context(chosen)) as context,
        ExitStack() as scope,
    ):
        address = scope.enter_context(portal.wrap_async_context_manager(serve(context)))
        with grpc.insecure_channel(address, options=UNBOUNDED) as channel:
            yield Serving(portal, context, address, Client(channel), scope.close)
