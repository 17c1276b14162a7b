"""A part of a file, for a download that goes on: https://www.rfc-editor.org/rfc/rfc9110#name-range.

A single range of bytes is served. Several ranges, another unit, and a range for another version of
the file get the whole file, as the standard allows.
"""

from __future__ import annotations

import re

from starlette.datastructures import Headers

_NUMBER = "([0-9]{1,18})"
_RANGE = re.compile(rf"bytes=[ \t]*(?:{_NUMBER}-{_NUMBER}?|-{_NUMBER})[ \t]*", re.IGNORECASE)


def requested(headers: Headers, etag: str, size: int) -> slice | None:
    """Return the part of a file of this size that a request is for; None if it is for all of it.

    The part is empty if the range begins behind the end. `etag` is strong.
    """
    match = _RANGE.fullmatch(headers.get("range", ""))
    if match is None or headers.get("if-range", etag) != etag:
        return None
    first, last, suffix = match.groups()
    if suffix is not None:
        return slice(max(size - int(suffix), 0), size)
    if last and int(last) < int(first):
        return None  # not a range
    return slice(min(int(first), size), min(int(last) + 1, size) if last else size)


def content_range(part: slice, size: int) -> str:
    """Return the header `Content-Range` of a reply with the part of a file, also an empty one."""
    span = f"{part.start}-{part.stop - 1}" if part.start < part.stop else "*"
    return f"bytes {span}/{size}"
