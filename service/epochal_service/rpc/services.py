"""Every method that answers once: bytes in, `specs` and `methods` between, bytes out.

    bytes -> message -> dict -> models -> the method -> reply -> dict -> message -> bytes

The .proto files list the services; the tables of methods name the function of each method and its
arguments.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from functools import cache
from time import perf_counter
from typing import Any

import grpc
from anyio import to_thread
from google.protobuf.descriptor import Descriptor, MethodDescriptor
from google.protobuf.message import DecodeError
from google.protobuf.message_factory import GetMessageClass
from pydantic import create_model
from structlog.contextvars import bound_contextvars

from .._proto import SERVICES as SERVICES
from ..access.keys import Need
from ..apis import find
from ..errors import EpochalError, InvalidArgument, TooLarge
from ..large import LARGE_BYTES, LargeRequest, large_left_out, limited
from ..methods.context import Context
from ..methods.method import DATA, NO_DATA, Method
from ..methods.replies import Content, call_and_keep, of_body
from ..metrics import Metrics
from ..processes.logs import RequestLog
from ..request_ids import HEADER, VARIABLE, accepted
from ..specs.base import Reply, Request
from ..specs.validation import parse
from ..store.keys import REPLAYED
from .convert import from_dict, to_dict
from .status import abort

AUTHORIZATION = "authorization"
"""The metadata that holds the API key."""

log_request = RequestLog(__name__)

Handle = Callable[[bytes, "Call"], Awaitable[bytes | None]]
Call = grpc.aio.ServicerContext[bytes, bytes]


DESCRIPTORS: dict[str, MethodDescriptor] = {
    descriptor.name: descriptor for service in SERVICES for descriptor in service.methods
}
"""The methods of all services, by name."""


class Nothing(Request):
    """No parameters: any field is refused."""


@cache
def path_model(method: Method) -> type[Request]:
    """The model of the fields that stand in the path on HTTP."""
    fields: dict[str, Any] = {name: (kind, ...) for name, kind in method.path_fields.items()}
    return create_model(f"{method.rpc}Path", __base__=Request, **fields)


def unary(context: Context, descriptor: MethodDescriptor) -> grpc.RpcMethodHandler[bytes, bytes]:
    """The handler of a method that answers once. Its work is done in a thread; for a large request
    or reply in the second process."""
    method = find(descriptor.name)

    def admit_and_answer(raw: bytes, call: Call) -> bytes:
        return answer_here(admit(context, call, method.need), raw, call)

    def answer_here(caller: Context, raw: bytes, call: Call) -> bytes:
        if len(raw) > LARGE_BYTES:
            raise LargeRequest
        with limited(active=True):
            return finish(call, caller, answer(caller, method.rpc, raw))

    async def compute(raw: bytes, call: Call) -> bytes:
        with large_left_out():
            if not method.is_pure:
                return await to_thread.run_sync(admit_and_answer, raw, call)
            caller = await to_thread.run_sync(admit, context, call, method.need)
            async with caller.pure_turn():
                return await to_thread.run_sync(answer_here, caller, raw, call)
        authorization = metadata_of(call, AUTHORIZATION)
        caller = await to_thread.run_sync(context.authorized, authorization, method.need)
        server = caller.for_files() if method.reads_file or method.takes_long else caller
        return finish(call, caller, await server.call_elsewhere(answer, method.rpc, raw))

    async def handle(raw: bytes, call: Call) -> bytes:
        if method.basis is None or context.replies is None:
            return await compute(raw, call)
        key, authorization = of_body(method.rpc, raw), metadata_of(call, AUTHORIZATION)
        async with context.replies.turn(key, context, authorization) as current:
            if current is None:
                return await compute(raw, call)
        caller, reply = current
        return finish(call, caller, reply.content)

    reporting = reporting_errors(context.metrics, method, handle)
    return grpc.unary_unary_rpc_method_handler(reporting)


def answer(context: Context, rpc: str, raw: bytes) -> Content:
    """Return the reply of a method that answers once. Raises what the method raises."""
    method, descriptor = find(rpc), DESCRIPTORS[rpc]
    given = arguments(context, descriptor, raw)

    def message(reply: Reply | None) -> Content:
        reply_type = GetMessageClass(descriptor.output_type)
        filled = from_dict(reply.model_dump() if reply else {}, reply_type)
        content = Content(filled.SerializeToString(deterministic=True))
        if method.verb == "GET":
            _ = content.tag  # computed here, in a thread
        return content

    if method.basis is not None:
        return call_and_keep(method, context, of_body(rpc, raw), given, message)
    reply, is_replay = method.call_once(context, *given)
    method.audit(context, given[0] if method.path_fields else getattr(reply, "id", ""))
    content = message(reply)
    content.is_replay = is_replay
    return content


def finish(call: Call, caller: Context, content: Content) -> bytes:
    """Return the bytes of the reply; none if the caller has it already, by its ETag.

    The trailing metadata have the quota, the ETag of a reply to a read, whether the caller has the
    reply already, and whether an idempotency key created its thing before.
    """
    trailing = _quota(caller)
    if content.is_replay:
        trailing.append((REPLAYED.lower(), "true"))
    if "tag" in vars(content):
        trailing.append(("etag", content.tag))
        if content.tag in (metadata_of(call, "if-none-match") or ""):
            call.set_trailing_metadata((*trailing, ("not-modified", "true")))
            return b""
    call.set_trailing_metadata(tuple(trailing))
    return content.plain


def admit(context: Context, call: Call, need: Need) -> Context:
    """Return the context of the caller, and count the call.

    Its trailing metadata tell how many are left. Raises `Unauthenticated`, `Forbidden`,
    `QuotaExceeded`.
    """
    caller = context.authorized(metadata_of(call, AUTHORIZATION), need)
    try:
        caller.count_request()
    finally:
        call.set_trailing_metadata(tuple(_quota(caller)))
    return caller


def _quota(caller: Context) -> list[tuple[str, str]]:
    """Return the metadata that tell how many calls are left."""
    headers = {} if caller.rate is None else caller.rate.headers
    return [(name.lower(), value) for name, value in headers.items()]


def metadata_of(call: Call, name: str) -> str | None:
    """Return the value of a key of the metadata; None without it."""
    metadata = call.invocation_metadata() or ()
    value = next((value for key, value in metadata if key == name), None)
    return value.decode(errors="replace") if isinstance(value, bytes) else value


def reporting_errors(metrics: Metrics, method: Method, handle: Handle) -> Handle:
    """The same handler, which ends the call with the status of whatever `handle` raises, and counts
    the call."""

    async def reporting(raw: bytes, call: Call) -> bytes | None:
        request_id = accepted(metadata_of(call, HEADER))
        begun, code = perf_counter(), "CANCELLED"
        with bound_contextvars(**{VARIABLE: request_id}):
            await call.send_initial_metadata(((HEADER, request_id),))
            try:
                reply = await handle(raw, call)
                code = "OK"
                return reply
            except Exception as error:
                known = error if isinstance(error, EpochalError) else EpochalError("")
                code = known.code
                metrics.refused.labels("grpc", known.reason).inc()
                return await abort(call, error)
            finally:
                seconds = perf_counter() - begun
                metrics.grpc_requests.labels(method.rpc, code).inc()
                if method.event is None:
                    metrics.grpc_latency.labels(method.rpc).observe(seconds)
                log_request(
                    "grpc_request",
                    method=method.rpc,
                    code=code,
                    seconds=round(seconds, 4),
                    client=call.peer(),
                )

    return reporting


def arguments(context: Context, descriptor: MethodDescriptor, raw: bytes) -> list[Any]:
    """The arguments of the method's function beside the context.

    Raises `InvalidArgument` where the bytes or a field are wrong, `TooLarge` where there are more
    bytes than one request may have.
    """
    check_length(raw, context.settings.limits.max_body_bytes)
    method, fields = find(descriptor.name), _decoded(descriptor.input_type, raw)
    data = [fields.pop(DATA, b"")] if method.has_data else []
    if b"" in data:
        raise InvalidArgument.of(NO_DATA)
    in_path = {name: fields.pop(name) for name in method.path_fields if name in fields}
    models: list[Any] = []
    # HTTP validates the path last; a request with several mistakes gets the same errors here.
    rest = method.body or method.query
    if method.body is not None and method.body_field is not None:
        models.append(parse(method.body, fields.pop(method.body_field, {})))
        rest = method.query
    if rest is not None:
        models.append(parse(rest, fields))
    else:
        parse(Nothing, fields)
    path = parse(path_model(method), in_path)
    return [*(getattr(path, name) for name in method.path_fields), *data, *models]


def check_length(raw: bytes, limit: int) -> None:
    """Raise `TooLarge` for a message of more bytes than the limit."""
    if len(raw) > limit:
        raise TooLarge(f"The request has {len(raw)} bytes; at most {limit} are taken.")


def _decoded(message: Descriptor, raw: bytes) -> dict[str, Any]:
    # Not left to gRPC, which tells bytes that it cannot decode as a failure of the server.
    try:
        return to_dict(GetMessageClass(message).FromString(raw))
    except DecodeError:
        raise InvalidArgument(f"The request is no valid {message.full_name}.") from None
