"""All errors of the client, as one tree.

EpochalError
├── ApiError                  the service refused the request
│   ├── InvalidArgument       400  fields of the request are invalid
│   ├── Unauthenticated       401  the API key is missing, mistyped, expired or revoked
│   ├── Forbidden             403  the API key does not allow the request
│   ├── NotFound              404  the resource does not exist, or was deleted
│   ├── Conflict              409  the state of the resource does not allow the request
│   ├── TooLarge              413  the request is larger than the service accepts
│   ├── UnsupportedMediaType  415  the method does not read this content type
│   ├── IdempotencyMismatch   422  the `request_id` was used with another request before
│   ├── QuotaExceeded         429  a quota of the owner is used up
│   ├── NotInstalled          501  the service lacks an optional package
│   └── Unavailable           503  the service cannot answer right now
├── ConnectionFailed          no connection, or a broken one
├── TimedOut                  no answer in time
├── JobFailed                 a job did not succeed (defined in `jobs`)
└── MissingDependency         the client lacks an optional package: the message names it
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import ClassVar, NamedTuple, Self

__all__ = [
    "ApiError",
    "ConnectionFailed",
    "EpochalError",
    "FieldError",
    "MissingDependency",
    "TimedOut",
]


class FieldError(NamedTuple):
    """One invalid field: its path, such as `network.layers[0].units`, and its valid values."""

    field: str
    description: str


class EpochalError(Exception):
    """The base class of all errors of this package."""


class ApiError(EpochalError):
    """The service refused the request: `status` is the HTTP status, `reason` a stable code.

    `detail` is a message for people; `errors` lists the invalid fields, if any. `request_id` finds
    the request in the log of the service.
    """

    status: int = 500
    reason: str = "internal"
    request_id: str | None = None
    retry_after: float | None = None
    """Seconds after which the same request may succeed; None if waiting does not help."""

    def __init__(
        self,
        detail: str,
        *,
        status: int | None = None,
        reason: str | None = None,
        errors: Iterable[FieldError] = (),
    ) -> None:
        super().__init__(detail)
        self.detail = detail
        self.errors = tuple(errors)
        if status is not None:
            self.status = status
        if reason is not None:
            self.reason = reason

    @classmethod
    def of(cls, field: str, description: str) -> Self:
        """Return the error for one field, in the format of the service."""
        return cls(f"{field}: {description}", errors=[FieldError(field, description)])


# The errors of the service: written by `make protos`.
class InvalidArgument(ApiError):
    """Fields of the request are invalid; `errors` lists them and describes valid values."""

    status = 400
    reason = "invalid_argument"


class Unauthenticated(ApiError):
    """The API key is missing, mistyped, expired or revoked."""

    status = 401
    reason = "unauthenticated"


class Forbidden(ApiError):
    """The API key does not allow the request: it lacks the action, or would change something
    that belongs to a member of its class.
    """

    status = 403
    reason = "forbidden"


class NotFound(ApiError):
    """The resource does not exist, or was deleted."""

    status = 404
    reason = "not_found"


class Conflict(ApiError):
    """The state of the resource does not allow the request."""

    status = 409
    reason = "conflict"


class TooLarge(ApiError):
    """The request is larger than the service accepts."""

    status = 413
    reason = "too_large"


class UnsupportedMediaType(ApiError):
    """The method does not read this content type."""

    status = 415
    reason = "unsupported_media_type"


class IdempotencyMismatch(ApiError):
    """The `request_id` was used with another request before."""

    status = 422
    reason = "idempotency_mismatch"


class QuotaExceeded(ApiError):
    """A quota of the owner is used up: see `GET /v1/usage`. `retry_after` is the pause in
    seconds after which the request may succeed; None if something must be deleted first.
    """

    status = 429
    reason = "quota_exceeded"


class NotInstalled(ApiError):
    """The service lacks an optional package; the message names it."""

    status = 501
    reason = "not_installed"


class Unavailable(ApiError):
    """The service cannot answer right now. `retry_after` is the requested pause in seconds."""

    status = 503
    reason = "unavailable"
    retry_after: float = 1.0


API_ERRORS: Sequence[type[ApiError]] = (
    InvalidArgument,
    Unauthenticated,
    Forbidden,
    NotFound,
    Conflict,
    TooLarge,
    UnsupportedMediaType,
    IdempotencyMismatch,
    QuotaExceeded,
    NotInstalled,
    Unavailable,
)
__all__ += [
    "Conflict",
    "Forbidden",
    "IdempotencyMismatch",
    "InvalidArgument",
    "NotFound",
    "NotInstalled",
    "QuotaExceeded",
    "TooLarge",
    "Unauthenticated",
    "Unavailable",
    "UnsupportedMediaType",
]
# End of those errors.


class ConnectionFailed(EpochalError, ConnectionError):
    """No service answers at `url`, or the connection broke."""

    HINT: ClassVar[str] = "Is it running? Start it with `make run`."

    def __init__(self, url: str, cause: str) -> None:
        super().__init__(f"Cannot reach Epochal at {url} ({cause}). {self.HINT}")
        self.url = url
        self.cause = cause


class TimedOut(EpochalError, TimeoutError):
    """There was no answer in time, or a job did not end in time."""


class MissingDependency(EpochalError, ImportError):
    """An optional package is not installed; the message names it."""


_BY_STATUS = {error.status: error for error in API_ERRORS}


def api_error(
    status: int,
    detail: str,
    *,
    reason: str | None = None,
    errors: Iterable[FieldError] = (),
    retry_after: float | None = None,
    request_id: str | None = None,
) -> ApiError:
    """Return the error for an HTTP `status`; a status without a class is a plain `ApiError`."""
    kind = _BY_STATUS.get(status, ApiError)
    error = kind(detail, status=status, reason=reason, errors=errors)
    error.request_id = request_id
    if retry_after is not None:
        error.retry_after = retry_after
    return error
