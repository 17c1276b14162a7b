"""An error on gRPC: a `google.rpc.Status` with details that name the reason and the fields.

The model is https://google.aip.dev/193: `ErrorInfo` says what happened in a stable word,
`BadRequest` which fields are wrong, `RetryInfo` when to come back.
"""

from __future__ import annotations

import logging
from typing import Any, NoReturn

import grpc
from google.protobuf.duration_pb2 import Duration
from google.protobuf.message import Message
from google.rpc.code_pb2 import Code
from google.rpc.error_details_pb2 import BadRequest, ErrorInfo, RetryInfo
from google.rpc.status_pb2 import Status
from grpc_status import rpc_status

from ..errors import EpochalError
from ..request_ids import current

DOMAIN = "epochal"

# A client refuses trailers of 8 KiB and more and then loses the whole status; the details travel in
# base64, and the message stands beside them once more in percent-encoding.
MAX_DETAILS_BYTES = 4096
MAX_MESSAGE_BYTES = 400

_log = logging.getLogger(__name__)


def status_of(error: Exception) -> Status:
    """The status of `error`. One that is not an `EpochalError` is a defect: it is logged here, and
    the caller learns only that it happened."""
    if not isinstance(error, EpochalError):
        _log.error("method_failed", exc_info=error)
        error = EpochalError("The server met an error that it did not expect.")
    status = Status(code=Code.Value(error.code), message=_shortened(error.detail))
    info = ErrorInfo(reason=error.reason, domain=DOMAIN)
    if request_id := current():
        info.metadata["request_id"] = request_id
    _add(status, info)
    if error.retry_after is not None:
        _add(status, RetryInfo(retry_delay=Duration(seconds=error.retry_after)))
    bad_request = BadRequest()
    for field, description in error.errors:
        bad_request.field_violations.add(field=field, description=description)
        if bad_request.ByteSize() > MAX_DETAILS_BYTES:
            bad_request.field_violations.pop()
            break
    if bad_request.field_violations:
        _add(status, bad_request)
    return status


async def abort(call: grpc.aio.ServicerContext[Any, Any], error: Exception) -> NoReturn:
    """End the call with the status of `error` and the trailing metadata so far; never returns."""
    status = rpc_status.to_status(status_of(error))
    metadata = (*(call.trailing_metadata() or ()), *status.trailing_metadata)
    await call.abort(status.code, status.details, metadata)


def _add(status: Status, detail: Message) -> None:
    status.details.add().Pack(detail)


def _shortened(text: str) -> str:
    encoded = text.encode()
    if len(encoded) <= MAX_MESSAGE_BYTES:
        return text
    return encoded[: MAX_MESSAGE_BYTES - len("…".encode())].decode(errors="ignore") + "…"
