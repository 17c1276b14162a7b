"""Every error that a caller can meet, as one tree; each knows how both wires say it.

    EpochalError
    ├── InvalidArgument        400  INVALID_ARGUMENT     a field is wrong: which, and what is right
    ├── NotFound               404  NOT_FOUND            no such thing (or it is not yours)
    ├── Conflict               409  FAILED_PRECONDITION  its state does not allow this
    ├── IdempotencyMismatch    422  ALREADY_EXISTS       the same key came with another request
    ├── TooLarge               413  RESOURCE_EXHAUSTED   the body is larger than this server takes
    ├── UnsupportedMediaType   415  INVALID_ARGUMENT     a format that the method does not read
    ├── NotInstalled           501  UNIMPLEMENTED        this server lacks an optional package
    └── Unavailable            503  UNAVAILABLE          the store cannot answer now; try later

Anything else that escapes is a defect and is told as 500 / INTERNAL with the reason `internal`.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar, NamedTuple

MAX_FIELD_ERRORS = 20  # gRPC carries them in a trailer; a large trailer loses the whole status


class FieldError(NamedTuple):
    """What is wrong: the `field` as a path (`network.layers[0].units`), and a sentence."""

    field: str
    description: str


class EpochalError(Exception):
    """The root: `status` is HTTP's, `code` the name of gRPC's, `reason` a stable word."""

    status: ClassVar[int] = 500
    code: ClassVar[str] = "INTERNAL"
    reason: str = "internal"
    title: ClassVar[str] = "The server made a mistake"

    def __init__(
        self, detail: str, *, reason: str | None = None, errors: Sequence[FieldError] = ()
    ) -> None:
        super().__init__(detail)
        self.detail = detail
        # Of too many, the same ones are told however their order came about: by a document's keys
        # on HTTP, by numbers on gRPC.
        told = errors if len(errors) <= MAX_FIELD_ERRORS else sorted(errors)[:MAX_FIELD_ERRORS]
        self.errors = tuple(told)
        if reason is not None:
            self.reason = reason


class InvalidArgument(EpochalError):
    status = 400
    code = "INVALID_ARGUMENT"
    reason = "invalid_argument"
    title = "The request is not valid"

    @classmethod
    def of(cls, *errors: FieldError, reason: str | None = None) -> InvalidArgument:
        """The error for these fields; its detail is the first one, and says how many follow."""
        first, more = errors[0], len(errors) - 1
        detail = f"{first.field}: {first.description}" if first.field else first.description
        if more:
            detail += f" (and {more} more)"
        return cls(detail, errors=errors, reason=reason)


class NotFound(EpochalError):
    status = 404
    code = "NOT_FOUND"
    reason = "not_found"
    title = "There is no such thing here"


class Conflict(EpochalError):
    status = 409
    code = "FAILED_PRECONDITION"
    reason = "conflict"
    title = "Its state does not allow that"


class IdempotencyMismatch(EpochalError):
    status = 422
    code = "ALREADY_EXISTS"
    reason = "idempotency_mismatch"
    title = "This idempotency key was used for another request"


class TooLarge(EpochalError):
    status = 413
    code = "RESOURCE_EXHAUSTED"
    reason = "too_large"
    title = "The request is larger than this server takes"


class UnsupportedMediaType(EpochalError):
    status = 415
    code = "INVALID_ARGUMENT"
    reason = "unsupported_media_type"
    title = "The body's format is not one that this method reads"


class NotInstalled(EpochalError):
    status = 501
    code = "UNIMPLEMENTED"
    reason = "not_installed"
    title = "This server was installed without what that needs"


class Unavailable(EpochalError):
    status = 503
    code = "UNAVAILABLE"
    reason = "unavailable"
    title = "The service cannot answer right now"

    def __init__(self, detail: str, *, retry_after: int = 1, reason: str | None = None) -> None:
        super().__init__(detail, reason=reason)
        self.retry_after = retry_after
