"""The id of a request: from the caller or new, in the reply, in errors and in log lines."""

from __future__ import annotations

import re
import secrets

from structlog.contextvars import get_contextvars

HEADER = "x-request-id"
"""The header, and on gRPC the metadata."""
VARIABLE = "request"
"""The name in log lines."""

_VALID = re.compile(r"[A-Za-z0-9._:-]{1,100}")


def accepted(request_id: str | None) -> str:
    """Return the caller's id if it is fit for a log line, else a new one."""
    if request_id is not None and _VALID.fullmatch(request_id):
        return request_id
    return secrets.token_hex(8)


def current() -> str | None:
    """Return the id of the request that is served now; None outside of one."""
    request_id: str | None = get_contextvars().get(VARIABLE)
    return request_id
