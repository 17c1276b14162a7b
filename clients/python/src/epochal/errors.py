"""Everything that can go wrong for a caller, as one tree.

EpochalError
├── ApiError                  the service answered, and the answer is no
│   ├── InvalidArgument       400  fields of the request are wrong: `errors` says which
│   ├── NotFound              404  no such thing
│   ├── Conflict              409  its state does not allow that
│   ├── IdempotencyMismatch   422  the same `request_id` came with another request
│   ├── TooLarge              413  the request is larger than the service takes
│   ├── UnsupportedMediaType  415  the body is in no format that the method reads
│   ├── NotInstalled          501  the service was installed without what that needs
│   └── Unavailable           503  the service cannot answer right now
├── ConnectionFailed          nobody answered, or the connection broke
├── TimedOut                  no answer in time
├── JobFailed                 a job that was waited for did not succeed
└── MissingDependency         an optional package is needed; the message says which
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, ClassVar, NamedTuple

if TYPE_CHECKING:
    from .jobs import Job


class FieldError(NamedTuple):
    """One thing that is wrong: its path, such as `network.layers[0].units`, and a sentence."""

    field: str
    description: str


class EpochalError(Exception):
    """The root of every error that this package raises on purpose."""


class ApiError(EpochalError):
    """The service refused: `status` is the HTTP status, `reason` a stable word for programs.

    `detail` is a sentence for people; `errors` lists the fields at fault, where there are any.
    """

    status: int = 500
    reason: str = "internal"

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


class InvalidArgument(ApiError):
    """Fields of the request are wrong; `errors` says which, and what would be right."""

    status = 400
    reason = "invalid_argument"

    @classmethod
    def of(cls, field: str, description: str) -> InvalidArgument:
        """The error for one field, worded as the service words it."""
        return cls(f"{field}: {description}", errors=[FieldError(field, description)])


class NotFound(ApiError):
    """There is no such thing (any more)."""

    status = 404
    reason = "not_found"


class Conflict(ApiError):
    """The thing is in a state that does not allow this."""

    status = 409
    reason = "conflict"


class IdempotencyMismatch(ApiError):
    """The same `request_id` was used for another request before."""

    status = 422
    reason = "idempotency_mismatch"


class TooLarge(ApiError):
    """The request is larger than the service takes."""

    status = 413
    reason = "too_large"


class UnsupportedMediaType(ApiError):
    """The body is in no format that the method reads."""

    status = 415
    reason = "unsupported_media_type"


class NotInstalled(ApiError):
    """The service was installed without an optional package; the message says which."""

    status = 501
    reason = "not_installed"


class Unavailable(ApiError):
    """The service cannot answer right now; `retry_after` is how many seconds it asks to wait."""

    status = 503
    reason = "unavailable"
    retry_after: float = 1.0


class ConnectionFailed(EpochalError, ConnectionError):
    """Nobody answered at `url`, or the connection broke in the middle."""

    HINT: ClassVar[str] = "Is it running? Start it with `make run`."

    def __init__(self, url: str, cause: str) -> None:
        super().__init__(f"Cannot reach Epochal at {url} ({cause}). {self.HINT}")
        self.url = url
        self.cause = cause


class TimedOut(EpochalError, TimeoutError):
    """There was no answer, or no end, in the time that was given."""


class JobFailed(EpochalError):
    """A job that was waited for ended as failed or cancelled; it is in `job`."""

    def __init__(self, job: Job) -> None:
        explanation = f": {job.explanation}" if job.explanation else ""
        super().__init__(f"{job.id} {job.outcome}{explanation}")
        self.job = job


class MissingDependency(EpochalError, ImportError):
    """An optional package is not installed; the message says what to install."""


API_ERRORS: Sequence[type[ApiError]] = (
    InvalidArgument,
    NotFound,
    Conflict,
    IdempotencyMismatch,
    TooLarge,
    UnsupportedMediaType,
    NotInstalled,
    Unavailable,
)
_BY_STATUS = {error.status: error for error in API_ERRORS}


def api_error(
    status: int,
    detail: str,
    *,
    reason: str | None = None,
    errors: Iterable[FieldError] = (),
    retry_after: float | None = None,
) -> ApiError:
    """The error of the tree for an HTTP `status`; one without a class is a plain `ApiError`."""
    kind = _BY_STATUS.get(status, ApiError)
    error = kind(detail, status=status, reason=reason, errors=errors)
    if isinstance(error, Unavailable) and retry_after is not None:
        error.retry_after = retry_after
    return error
