"""The media types that a client accepts: https://www.rfc-editor.org/rfc/rfc9110#name-accept."""

from __future__ import annotations

import re
from collections.abc import Collection
from http import HTTPStatus

from starlette.datastructures import Headers
from starlette.exceptions import HTTPException

JSON = "application/json"
_WEIGHT = re.compile(r"\bq\s*=\s*([01](?:\.\d{0,3})?)")


def accepted(headers: Headers) -> str:
    """Return the value of `Accept`; JSON if there is none, or none that names a media type."""
    value = ",".join(headers.getlist("accept"))
    return value if "/" in value or "*" in value else JSON


def weight(media_type: str, accept: str) -> float:
    """Return the weight of the media type in [0, 1], by the most specific range; 0: refused."""
    kind = media_type.partition("/")[0]
    weights: dict[str, float] = {}
    for part in accept.lower().split(","):
        media_range, _, parameters = part.partition(";")
        name = media_range.strip()
        match = _WEIGHT.search(parameters)
        weights[name] = max(weights.get(name, 0.0), float(match[1]) if match else 1.0)
    ranges = (media_type, f"{kind}/*", "*/*", "*")
    return next((weights[name] for name in ranges if name in weights), 0.0)


def prefers(media_type: str, accept: str) -> bool:
    """Return whether the header ranks the media type above JSON."""
    return weight(media_type, accept) > weight(JSON, accept)


def require_acceptable(headers: Headers, offered: Collection[str]) -> None:
    """Raise a 406 if the client accepts none of the media types."""
    accept = accepted(headers)
    if not any(weight(media_type, accept) for media_type in offered):
        detail = f"The method replies with {' or '.join(offered)}: Accept names none of them"
        raise HTTPException(HTTPStatus.NOT_ACCEPTABLE, detail)
