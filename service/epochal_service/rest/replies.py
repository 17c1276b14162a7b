"""Replies in JSON: unchanged ones are not sent again, and large ones are compressed.

    content ──> ETag ── in If-None-Match? ──> 304
                 └── otherwise ──> gzip, if accepted and large ──> reply

Both take processor time in proportion to the reply: call `json_reply` in a thread.
"""

from __future__ import annotations

import gzip
import hashlib
from collections.abc import Mapping

from fastapi import Request, Response
from starlette.datastructures import Headers

from .body import JSON

NO_CACHE = "no-cache"
MIN_COMPRESSED_BYTES = 1024
"""A smaller reply fits into one packet with its headers."""
# Six times as fast as the default level of zlib, for a curve that is 6 % larger.
GZIP_LEVEL = 1


def json_reply(
    request: Request, content: bytes, status: int = 200, headers: Mapping[str, str] | None = None
) -> Response:
    """Return the reply; 304 for a GET request if `If-None-Match` has the ETag of the content."""
    all_headers = {"Vary": "Accept, Accept-Encoding", **(headers or {})}
    if request.method == "GET":
        digest = f'"{hashlib.sha256(content).hexdigest()[:32]}"'
        # Weak: the compressed reply has other bytes.
        all_headers |= {"ETag": f"W/{digest}", "Cache-Control": NO_CACHE}
        if digest in request.headers.get("if-none-match", ""):
            return Response(status_code=304, headers=all_headers)
    if len(content) >= MIN_COMPRESSED_BYTES and "gzip" in accepted_encodings(request.headers):
        content = gzip.compress(content, GZIP_LEVEL, mtime=0)
        all_headers["Content-Encoding"] = "gzip"
    return Response(content, status, all_headers, JSON)


def accepted_encodings(headers: Headers) -> set[str]:
    """Return the content codings that `Accept-Encoding` names and does not exclude."""
    return {
        coding.partition(";")[0].strip()
        for coding in headers.get("accept-encoding", "").split(",")
        if not coding.replace(" ", "").endswith(";q=0")
    }
