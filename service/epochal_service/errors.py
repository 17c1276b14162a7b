"""All errors of the API: a class is the only place of its status, gRPC code, reasons and texts.

    class ──┬── rest/problems.py         problem documents, examples in OpenAPI
            ├── rpc/status.py            statuses
            ├── clients/python/generate  the classes of the SDK
            └── protos/generate          the list in docs/api/conventions.md

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
    """The root. Each class of the SDK has the docstring of its class below."""

    status: ClassVar[int] = 500
    """The status of HTTP."""
    code: ClassVar[str] = "INTERNAL"
    """The code of gRPC, by name."""
    reason: str = "internal"
    """A stable word."""
    more_reasons: ClassVar[tuple[str, ...]] = ()
    """Reasons of special cases."""
    title: ClassVar[str] = "Internal server error"
    retry_after: int | None = None
    """Seconds after which the same request may succeed; None if waiting does not help."""
    example: ClassVar[str] = ""
    """The detail of an example for the description of the API."""

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

    @classmethod
    def sample(cls) -> EpochalError:
        """Return the example."""
        return cls(cls.example)

    @classmethod
    def sentence(cls) -> str:
        """Return the first sentence of the description."""
        return " ".join((cls.__doc__ or "").split()).partition(". ")[0].removesuffix(".")


class InvalidArgument(EpochalError):
    """Fields of the request are invalid; `errors` lists them and describes valid values."""

    status = 400
    code = "INVALID_ARGUMENT"
    reason = "invalid_argument"
    more_reasons = ("limit_exceeded", "cannot_generate")
    title = "The request is not valid"

    @classmethod
    def sample(cls) -> InvalidArgument:
        return cls.of(FieldError("epochs", "must be at least 1"))

    @classmethod
    def of(cls, *errors: FieldError, reason: str | None = None) -> InvalidArgument:
        """Return the error for these fields. Its detail has the first one and counts the others."""
        first, more = errors[0], len(errors) - 1
        detail = f"{first.field}: {first.description}" if first.field else first.description
        if more:
            detail += f" (and {more} more)"
        return cls(detail, errors=errors, reason=reason)


class Unauthenticated(EpochalError):
    """The API key is missing, mistyped, expired or revoked."""

    status = 401
    code = "UNAUTHENTICATED"
    reason = "unauthenticated"
    title = "The request needs a valid API key"
    example = "The API key is not valid: it is mistyped, expired or revoked"


class Forbidden(EpochalError):
    """The API key does not allow the request: it lacks the action, or would change something that
    belongs to a member of its class.
    """

    status = 403
    code = "PERMISSION_DENIED"
    reason = "forbidden"
    title = "The API key does not allow this"
    example = "This API key may read, watch and predict; the method needs train"


class NotFound(EpochalError):
    """The resource does not exist, or was deleted."""

    status = 404
    code = "NOT_FOUND"
    reason = "not_found"
    more_reasons = ("checkpoint_not_found", "dataset_not_found", "job_not_found")
    title = "Not found"
    example = "There is no job job_6612a76ead8fe_5c155054dfa79592"


class Conflict(EpochalError):
    """The state of the resource does not allow the request."""

    status = 409
    code = "FAILED_PRECONDITION"
    reason = "conflict"
    more_reasons = (
        "job_state",
        "job_not_ended",
        "dataset_in_use",
        "dataset_builtin",
        "wrong_offset",
        "upload_incomplete",
        "experiment_ended",
        "experiment_not_ended",
    )
    title = "The current state does not allow this"

    @classmethod
    def sample(cls) -> Conflict:
        return Conflict("The job is succeeded: there is nothing to pause", reason="job_state")


class TooLarge(EpochalError):
    """The request is larger than the service accepts."""

    status = 413
    code = "RESOURCE_EXHAUSTED"
    reason = "too_large"
    title = "The request is too large"
    example = "The body may have 16777216 bytes: GET /v1/limits has this server's limits"


class UnsupportedMediaType(EpochalError):
    """The method does not read this content type."""

    status = 415
    code = "INVALID_ARGUMENT"
    reason = "unsupported_media_type"
    title = "The method does not accept this format"
    example = "The body must be application/json: say so in the header Content-Type"


class IdempotencyMismatch(EpochalError):
    """The `request_id` was used with another request before."""

    status = 422
    code = "ALREADY_EXISTS"
    reason = "idempotency_mismatch"
    title = "This idempotency key was used for another request"
    example = "This key was used for another request: choose a new key for something new"


class QuotaExceeded(EpochalError):
    """A quota of the owner is used up: see `GET /v1/usage`. `retry_after` is the pause in seconds
    after which the request may succeed; None if something must be deleted first.
    """

    status = 429
    code = "RESOURCE_EXHAUSTED"
    reason = "quota_exceeded"
    title = "The quota of this owner is used up"
    example = (
        "The quota max_queued_jobs is used up, 1000 of 1000: wait until a job starts, or cancel a "
        "queued one"
    )

    def __init__(self, detail: str, *, retry_after: int | None = None) -> None:
        super().__init__(detail)
        self.retry_after = retry_after


class NotInstalled(EpochalError):
    """The service lacks an optional package; the message names it."""

    status = 501
    code = "UNIMPLEMENTED"
    reason = "not_installed"
    title = "An optional package is not installed"
    example = (
        "The format onnx needs the Python package onnx, which is not installed on this server: "
        "pip install 'epochal-server[onnx]'"
    )


class Unavailable(EpochalError):
    """The service cannot answer right now. `retry_after` is the requested pause in seconds."""

    status = 503
    code = "UNAVAILABLE"
    reason = "unavailable"
    more_reasons = ("database_damaged",)
    title = "The service is not available"
    retry_after = 1
    example = "The service is shutting down: connect again in a moment"

    def __init__(
        self,
        detail: str,
        *,
        cause: str = "",
        retry_after: int = 1,
        reason: str | None = None,
    ) -> None:
        super().__init__(detail, reason=reason)
        self.cause = cause
        self.retry_after = retry_after

    def __str__(self) -> str:
        """The detail and its cause, which may name an address: for logs, never for a reply."""
        return f"{self.detail}: {self.cause}" if self.cause else self.detail
