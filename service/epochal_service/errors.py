"""All errors of the API as one tree; each has its HTTP status, its gRPC code and its reason.

    EpochalError
    ├── InvalidArgument        400  INVALID_ARGUMENT     a field is wrong; the error names it
    ├── Unauthenticated        401  UNAUTHENTICATED      the API key is missing or not valid
    ├── Forbidden              403  PERMISSION_DENIED    the API key has not the scope
    ├── NotFound               404  NOT_FOUND            the object does not exist
    ├── Conflict               409  FAILED_PRECONDITION  the object's state does not allow this
    ├── IdempotencyMismatch    422  ALREADY_EXISTS       another request used the same key
    ├── TooLarge               413  RESOURCE_EXHAUSTED   the body exceeds the limit
    ├── UnsupportedMediaType   415  INVALID_ARGUMENT     the method does not accept the format
    ├── QuotaExceeded          429  RESOURCE_EXHAUSTED   a quota of the owner is used up
    ├── NotInstalled           501  UNIMPLEMENTED        an optional package is not installed
    └── Unavailable            503  UNAVAILABLE          the database is not available; retry later

Any other exception is a defect, reported as 500 / INTERNAL with the reason `internal`.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar, NamedTuple

MAX_FIELD_ERRORS = 20  # gRPC sends them in a trailer; a large trailer loses the whole status


class FieldError(NamedTuple):
    """One wrong field: its path (`network.layers[0].units`) and a sentence."""

    field: str
    description: str


class EpochalError(Exception):
    """The root: `status` of HTTP, `code` of gRPC by name, and `reason`, a stable word."""

    status: ClassVar[int] = 500
    code: ClassVar[str] = "INTERNAL"
    reason: str = "internal"
    title: ClassVar[str] = "Internal server error"
    retry_after: int | None = None
    """Seconds after which the same request may succeed; None if waiting does not help."""

    def __init__(
        self, detail: str, *, reason: str | None = None, errors: Sequence[FieldError] = ()
    ) -> None:
        super().__init__(detail)
        self.detail = detail
        # Sorted before truncation: both wires report the same ones, whatever the order of fields in
        # the request.
        if len(errors) > MAX_FIELD_ERRORS:
            errors = sorted(errors)[:MAX_FIELD_ERRORS]
        self.errors = tuple(errors)
        if reason is not None:
            self.reason = reason


class InvalidArgument(EpochalError):
    status = 400
    code = "INVALID_ARGUMENT"
    reason = "invalid_argument"
    title = "The request is not valid"

    @classmethod
    def of(cls, *errors: FieldError, reason: str | None = None) -> InvalidArgument:
        """Return the error for these fields. Its detail has the first one and counts the others."""
        first, more = errors[0], len(errors) - 1
        detail = f"{first.field}: {first.description}" if first.field else first.description
        if more:
            detail += f" (and {more} more)"
        return cls(detail, errors=errors, reason=reason)


class Unauthenticated(EpochalError):
    status = 401
    code = "UNAUTHENTICATED"
    reason = "unauthenticated"
    title = "The request needs a valid API key"


class Forbidden(EpochalError):
    status = 403
    code = "PERMISSION_DENIED"
    reason = "forbidden"
    title = "The API key does not allow this"


class NotFound(EpochalError):
    status = 404
    code = "NOT_FOUND"
    reason = "not_found"
    title = "Not found"


class Conflict(EpochalError):
    status = 409
    code = "FAILED_PRECONDITION"
    reason = "conflict"
    title = "The current state does not allow this"


class IdempotencyMismatch(EpochalError):
    status = 422
    code = "ALREADY_EXISTS"
    reason = "idempotency_mismatch"
    title = "This idempotency key was used for another request"


class TooLarge(EpochalError):
    status = 413
    code = "RESOURCE_EXHAUSTED"
    reason = "too_large"
    title = "The request is too large"


class UnsupportedMediaType(EpochalError):
    status = 415
    code = "INVALID_ARGUMENT"
    reason = "unsupported_media_type"
    title = "The method does not accept this format"


class QuotaExceeded(EpochalError):
    status = 429
    code = "RESOURCE_EXHAUSTED"
    reason = "quota_exceeded"
    title = "The quota of this owner is used up"

    def __init__(self, detail: str, *, retry_after: int | None = None) -> None:
        super().__init__(detail)
        self.retry_after = retry_after


class NotInstalled(EpochalError):
    status = 501
    code = "UNIMPLEMENTED"
    reason = "not_installed"
    title = "An optional package is not installed"


class Unavailable(EpochalError):
    status = 503
    code = "UNAVAILABLE"
    reason = "unavailable"
    title = "The service is not available"

    def __init__(
        self, detail: str, *, cause: str = "", retry_after: int = 1, reason: str | None = None
    ) -> None:
        super().__init__(detail, reason=reason)
        self.cause = cause
        self.retry_after = retry_after

    def __str__(self) -> str:
        """The detail and its cause, which may name an address: for logs, never for a reply."""
        return f"{self.detail}: {self.cause}" if self.cause else self.detail
