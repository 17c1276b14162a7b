"""gRPC: the descriptors give the methods and the types of their fields."""

from __future__ import annotations

import time
from collections.abc import Callable, Generator, Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC
from functools import cache
from typing import Any, cast
from urllib.parse import urlsplit

import grpc
from google.protobuf import message_factory
from google.protobuf.descriptor import (
    Descriptor,
    EnumDescriptor,
    FieldDescriptor,
    OneofDescriptor,
)
from google.protobuf.json_format import MessageToDict, ParseDict, ParseError
from google.protobuf.message import Message
from google.protobuf.struct_pb2 import Struct, Value
from google.protobuf.timestamp_pb2 import Timestamp
from google.rpc import error_details_pb2
from grpc_status import rpc_status

from .._proto import SERVICES
from .._proto import message as message_class
from ..errors import (
    API_ERRORS,
    ApiError,
    ConnectionFailed,
    EpochalError,
    FieldError,
    InvalidArgument,
    TimedOut,
    api_error,
)
from . import LOOPBACK, PATIENCE, noun_of
from .reuse import ReplyCache, TaggedReply
from .routes import ROUTES

_ROW: Descriptor = message_class("Row").DESCRIPTOR
_LARGEST_MESSAGE = 64 * 2**20
_OPTIONS = [
    ("grpc.max_receive_message_length", _LARGEST_MESSAGE),
    ("grpc.max_send_message_length", _LARGEST_MESSAGE),
    # The library's own 1 to 120 seconds would outlast our retries.
    ("grpc.initial_reconnect_backoff_ms", 100),
    ("grpc.max_reconnect_backoff_ms", 2000),
]
# A stream is reopened after this time, so that a dead connection is noticed.
_LIFETIME_SECONDS = 60.0
_SERVING = b"\x08\x01"  # HealthCheckResponse {status: SERVING} of grpc.health.v1, in bytes

_HTTP_STATUS = {
    grpc.StatusCode.INVALID_ARGUMENT: 400,
    grpc.StatusCode.UNAUTHENTICATED: 401,
    grpc.StatusCode.PERMISSION_DENIED: 403,
    grpc.StatusCode.NOT_FOUND: 404,
    grpc.StatusCode.FAILED_PRECONDITION: 409,
    grpc.StatusCode.ALREADY_EXISTS: 422,
    grpc.StatusCode.RESOURCE_EXHAUSTED: 413,
    grpc.StatusCode.UNAVAILABLE: 503,
    # An older service lacks the method; over HTTP it lacks the path.
    grpc.StatusCode.UNIMPLEMENTED: 404,
}
_STATUS_BY_REASON = {error.reason: error.status for error in API_ERRORS}


class GrpcTransport:
    """One channel to one service."""

    def __init__(
        self,
        url: str,
        headers: Mapping[str, str],
        channels: Any = grpc,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self.url = url.rstrip("/")
        self.is_closed = False
        self.sleep = sleep
        self._metadata = [(name.lower(), value) for name, value in headers.items()]
        address = urlsplit(url).netloc
        options = [*_OPTIONS, ("grpc.enable_http_proxy", not address.startswith(LOOPBACK))]
        if url.startswith("grpcs"):
            self._channel = channels.secure_channel(
                address, grpc.ssl_channel_credentials(), options
            )
        else:
            self._channel = channels.insecure_channel(address, options)
        self._cache = ReplyCache[Message]()
        self._calls: dict[str, tuple[type[Message], Any]] = {}
        for service in SERVICES:
            for method in service.methods:
                request = message_factory.GetMessageClass(method.input_type)
                reply = message_factory.GetMessageClass(method.output_type)
                connect = (
                    self._channel.unary_stream
                    if method.server_streaming
                    else self._channel.unary_unary
                )
                self._calls[method.name] = (
                    request,
                    connect(
                        f"/{service.full_name}/{method.name}",
                        request_serializer=request.SerializeToString,
                        response_deserializer=reply.FromString,
                    ),
                )

    def close(self) -> None:
        self.is_closed = True
        self._channel.close()

    def call(self, method: str, fields: dict[str, Any], timeout: float) -> dict[str, Any]:
        invoke, message = self._prepared(method, fields)
        timeout *= PATIENCE.get(method, 1.0)
        try:
            if ROUTES[method].verb == "GET":
                return to_dict(self._read(method, invoke, message, timeout))
            return to_dict(invoke(message, timeout=timeout, metadata=self._metadata))
        except grpc.RpcError as error:
            raise self._error(error) from error

    def stream(
        self, method: str, fields: dict[str, Any], timeout: float
    ) -> Generator[dict[str, Any]]:
        # A stream has no time limit, and gRPC none for its start.
        return self._events(*self._prepared(method, fields), timeout=None)

    def _prepared(self, method: str, fields: dict[str, Any]) -> tuple[Any, Message]:
        """Return the call of a method and its request."""
        request, invoke = self._calls[method]
        message = request()
        # The service reports errors in a spec by their path inside the spec, as over HTTP.
        spec = fields.get("spec")
        if spec is not None:
            write(message.spec, spec)  # type: ignore[attr-defined]
            message.spec.SetInParent()  # type: ignore[attr-defined]
        write(message, {name: value for name, value in fields.items() if name != "spec"})
        return invoke, message

    def _events(
        self, invoke: Callable[..., Any], message: Message, *, timeout: float | None
    ) -> Generator[dict[str, Any]]:
        """Yield the events of a stream, which ends when the generator is closed."""
        stream = invoke(message, timeout=timeout, metadata=self._metadata)
        try:
            for event in stream:
                yield to_dict(event)
        except grpc.RpcError as error:
            raise self._error(error) from error
        finally:
            stream.cancel()

    def _read(self, method: str, invoke: Any, request: Message, timeout: float) -> Message:
        """Return the reply; the last one if the service says that it has not changed."""
        key = (method, request.SerializeToString(deterministic=True))
        cached = self._cache.get(key)
        metadata = self._metadata
        if cached is not None:
            metadata = [*metadata, ("if-none-match", cached.etag)]
        reply, call = invoke.with_call(request, timeout=timeout, metadata=metadata)
        trailing = dict(call.trailing_metadata())
        if cached is not None and "not-modified" in trailing:
            return cached.reply
        if "etag" in trailing:
            self._cache.put(key, TaggedReply(trailing["etag"], reply, reply.ByteSize()))
        return cast(Message, reply)

    def health(self, timeout: float) -> dict[str, Any]:
        check: Callable[..., bytes] = self._channel.unary_unary("/grpc.health.v1.Health/Check")
        try:
            serving = check(b"", timeout=timeout) == _SERVING
        except grpc.RpcError as error:
            raise self._error(error) from error
        return {"status": "ok" if serving else "down"}

    def watch(
        self,
        job_id: str,
        after: int | None,
        lifetime: float | None,
        timeout: float,
        *,
        parameters: bool = False,
    ) -> Generator[dict[str, Any]]:
        fields = {"id": job_id, "after": after} | ({"parameters": True} if parameters else {})
        yield from self._watched(f"Watch{noun_of(job_id)}", fields, lifetime)

    def watch_jobs(
        self, fields: dict[str, Any], lifetime: float | None, timeout: float
    ) -> Generator[dict[str, Any]]:
        yield from self._watched("WatchJobs", fields, lifetime)

    def _watched(
        self, method: str, fields: dict[str, Any], lifetime: float | None
    ) -> Generator[dict[str, Any]]:
        seconds = _LIFETIME_SECONDS if lifetime is None else min(lifetime, _LIFETIME_SECONDS)
        yield from self._events(*self._prepared(method, fields), timeout=seconds)

    def _error(self, error: Any) -> EpochalError:
        code, detail = error.code(), error.details() or ""
        if code is grpc.StatusCode.DEADLINE_EXCEEDED:
            return TimedOut(f"No reply from {self.url} in time")
        status = rpc_status.from_call(error)
        if status is None and code in (grpc.StatusCode.UNAVAILABLE, grpc.StatusCode.CANCELLED):
            return ConnectionFailed(self.url, _reason(detail))
        return _api_error(_HTTP_STATUS.get(code, 500), detail, status)


def _api_error(http_status: int, detail: str, status: Any) -> ApiError:
    """Return the error in the details of a gRPC status."""
    info, bad, retry = (
        error_details_pb2.ErrorInfo(),
        error_details_pb2.BadRequest(),
        error_details_pb2.RetryInfo(),
    )
    for any_message in status.details if status else ():
        for kind in (info, bad, retry):
            any_message.Unpack(kind)
    reason = info.reason or None
    return api_error(
        _STATUS_BY_REASON.get(info.reason, http_status),
        detail,
        reason=reason,
        errors=[FieldError(v.field, v.description) for v in bad.field_violations],
        retry_after=retry.retry_delay.ToTimedelta().total_seconds() or None,
        request_id=info.metadata.get("request_id"),
    )


def _reason(detail: str) -> str:
    """Return the cause in the library's long message on all addresses."""
    if "Failed parsing HTTP/2" in detail:
        return "the server does not speak gRPC"
    for known in ("Connection refused", "Socket closed", "Connection reset by peer"):
        if known in detail:
            return known.lower()
    return detail or "the connection broke"


# ------------------------------------------------------------------------------ dict <-> message


@cache
def _words(enum: EnumDescriptor) -> dict[int, str]:
    """Return number -> word: ACTIVATION_RELU is "relu". The prefix ends before UNSPECIFIED."""
    prefix = enum.values_by_number[0].name.removesuffix("UNSPECIFIED")
    return {v.number: v.name.removeprefix(prefix).lower() for v in enum.values if v.number}


@cache
def _numbers(enum: EnumDescriptor) -> dict[str, int]:
    return {word: number for number, word in _words(enum).items()}


@cache
def _oneof_of(descriptor: Descriptor) -> OneofDescriptor | None:
    """Return the `oneof` of a message of several kinds: not one of an optional field."""
    return next((oneof for oneof in descriptor.oneofs if not oneof.name.startswith("_")), None)


def _map_values(field: FieldDescriptor) -> FieldDescriptor | None:
    entry = field.message_type
    return entry.fields_by_name["value"] if entry and entry.GetOptions().map_entry else None


def write(message: Message, fields: object, path: str = "") -> None:
    """Set `fields` of `message`; None leaves a field unset.

    Raises `InvalidArgument` with the path of an unknown field or of a value of another type.
    """
    if not isinstance(fields, Mapping):
        raise InvalidArgument.of(path, "must be an object")
    descriptor = cast(Descriptor, message.DESCRIPTOR)
    if oneof := _oneof_of(descriptor):
        message, fields = _kind_of(message, oneof, fields, path)
        descriptor = cast(Descriptor, message.DESCRIPTOR)
    for name, value in fields.items():
        place = f"{path}.{name}" if path else name
        field = descriptor.fields_by_name.get(name)
        if field is None:
            raise InvalidArgument.of(place, "is not a field here")
        if value is None:
            continue
        if inner := _map_values(field):
            is_message = inner.message_type is not None
            _write_map(getattr(message, name), value, place, of_messages=is_message)
        elif field.is_repeated:
            _write_list(getattr(message, name), field, value, place)
        elif field.message_type is Value.DESCRIPTOR:
            _write_value(getattr(message, name), value, place)
        elif field.message_type:
            part = getattr(message, name)
            part.SetInParent()
            write(part, value, place)
        else:
            with _placed(field, place):
                setattr(message, name, _scalar(field, value, place))


def _kind_of(
    message: Message, oneof: OneofDescriptor, fields: Mapping[str, Any], path: str
) -> tuple[Message, Mapping[str, Any]]:
    """Return the message of a spec's kind, and its fields.

    The `type` of a layer or an optimizer names it; of a data set or a network, it is the first kind
    that has the most of the fields.
    """
    kinds = {kind.name: kind for kind in oneof.fields}
    if oneof.name == "type":
        name = fields.get("type")
        if not isinstance(name, str) or name not in kinds:
            error = "is required" if name is None else f"must be one of {', '.join(kinds)}"
            raise InvalidArgument.of(f"{path}.type", error)
        fields = {key: value for key, value in fields.items() if key != "type"}
    else:
        known: dict[str, Any] = {kind.name: kind.message_type for kind in oneof.fields}
        name = max(known, key=lambda kind: sum(f in known[kind].fields_by_name for f in fields))
    part = getattr(message, name)
    part.SetInParent()
    return part, fields


def _write_value(message: Value, value: Any, place: str) -> None:
    try:
        ParseDict(value, message)
    except (ParseError, ValueError):
        raise InvalidArgument.of(place, "must be a text, or a list of numbers") from None


def _write_map(container: Any, value: object, place: str, *, of_messages: bool) -> None:
    if not isinstance(value, Mapping):
        raise InvalidArgument.of(place, "must be an object")
    for key, item in value.items():
        if of_messages:
            container[key].SetInParent()
            write(container[key], item, f"{place}.{key}")
        elif isinstance(item, str):
            container[key] = item
        else:
            raise InvalidArgument.of(f"{place}.{key}", "must be a text")


def _write_list(container: Any, field: FieldDescriptor, value: object, place: str) -> None:
    if field.name in _SINGLE_ITEM_LISTS and isinstance(value, int | str):
        value = [value]
    if not isinstance(value, list):
        raise InvalidArgument.of(place, "must be a list")
    for index, item in enumerate(value):
        inner = f"{place}[{index}]"
        if field.message_type is _ROW:
            values = container.add().values
            if field.name == "targets" and isinstance(item, int | float):
                item = [item]
            if not isinstance(item, list):
                raise InvalidArgument.of(inner, "must be a list")
            with _placed(_ROW.fields_by_name["values"], inner):
                values.extend(item)
        elif field.message_type is Struct.DESCRIPTOR:
            if not isinstance(item, Mapping):
                raise InvalidArgument.of(inner, "must be an object")
            container.add().update(item)
        elif field.message_type:
            write(container.add(), item, inner)
        else:
            with _placed(field, inner):
                container.append(_scalar(field, item, inner))


# Lists for which JSON also accepts a single item: the size of a square kernel, the only input.
_SINGLE_ITEM_LISTS = frozenset({"kernel_size", "stride", "pool_size", "input"})


def _scalar(field: FieldDescriptor, value: Any, place: str) -> Any:
    if not field.enum_type:
        return value
    numbers = _numbers(field.enum_type)
    if not isinstance(value, str) or value not in numbers:
        raise InvalidArgument.of(place, f"must be one of {', '.join(numbers)}")
    return numbers[value]


@contextmanager
def _placed(field: FieldDescriptor, place: str) -> Iterator[None]:
    """Translate protobuf's error for a value into the format of the service."""
    try:
        yield
    except TypeError:
        raise InvalidArgument.of(place, _EXPECTED[field.type]) from None
    except ValueError:
        expected = _BELOW.get(field.type, _EXPECTED[field.type])
        raise InvalidArgument.of(place, expected) from None


_BELOW = {
    FieldDescriptor.TYPE_INT32: "must be a whole number below 2**31",
    FieldDescriptor.TYPE_INT64: "must be a whole number below 2**63",
}
_EXPECTED = {
    FieldDescriptor.TYPE_DOUBLE: "must be a number",
    FieldDescriptor.TYPE_INT32: "must be a whole number",
    FieldDescriptor.TYPE_INT64: "must be a whole number",
    FieldDescriptor.TYPE_BOOL: "must be true or false",
    FieldDescriptor.TYPE_STRING: "must be a text",
}


def to_dict(message: Message) -> dict[str, Any]:
    """Return the set fields of `message`: enums as words, rows as lists, times as datetimes."""
    fields = {field.name: _value(field, value) for field, value in message.ListFields()}
    oneof = _oneof_of(message.DESCRIPTOR)
    name = message.WhichOneof(oneof.name) if oneof else None
    if oneof is None or name is None:
        return fields
    if oneof.name == "event":
        return fields | {"type": name}
    return {**fields[name], **({"type": name} if oneof.name == "type" else {})}


def _value(field: FieldDescriptor, value: Any) -> Any:
    if inner := _map_values(field):
        return {key: _item(inner, item) for key, item in value.items()}
    if field.is_repeated:
        if field.message_type or field.enum_type:
            return [_item(field, item) for item in value]
        return list(value)
    return _item(field, value)


def _item(field: FieldDescriptor, value: Any) -> Any:
    if field.enum_type:
        # An enum value of a newer service is returned as its number.
        return _words(field.enum_type).get(value, str(value))
    if field.message_type is _ROW:
        return list(value.values)
    if field.message_type is Timestamp.DESCRIPTOR:
        return value.ToDatetime(tzinfo=UTC)
    if field.message_type in (Struct.DESCRIPTOR, Value.DESCRIPTOR):
        return _with_integers(MessageToDict(value))
    return to_dict(value) if field.message_type else value


def _with_integers(value: Any) -> Any:
    """Return a JSON value with its whole numbers as integers, as a message has floats alone."""
    match value:
        case dict():
            return {name: _with_integers(item) for name, item in value.items()}
        case list():
            return [_with_integers(item) for item in value]
        case float() if value.is_integer():
            return int(value)
    return value
