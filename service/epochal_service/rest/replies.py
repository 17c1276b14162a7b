"""Replies in JSON: unchanged ones are not sent again, and large ones are compressed.

    content ──> ETag ── in If-None-Match? ──> 304
                 └── otherwise ──> gzip, if accepted and large ──> reply

Both take processor time in proportion to the reply: call `json_reply` in a thread. What many
clients read of a job stays in the `ReplyCache` until the job has another event.
"""

from __future__ import annotations

import gzip
import hashlib
from collections import OrderedDict
from collections.abc import Callable, Hashable, Mapping
from functools import cached_property
from threading import Lock

from fastapi import Request, Response
from starlette.datastructures import Headers

from .body import JSON

NO_CACHE = "no-cache"
MIN_COMPRESSED_BYTES = 1024
"""A smaller reply fits into one packet with its headers."""
# Six times as fast as the default level of zlib, for a curve that is 6 % larger.
GZIP_LEVEL = 1


class Content:
    """The bytes of a reply."""

    def __init__(self, plain: bytes) -> None:
        self.plain = plain

    @cached_property
    def tag(self) -> str:
        """The digest in quotes, as in an ETag."""
        return f'"{hashlib.sha256(self.plain).hexdigest()[:32]}"'

    @cached_property
    def compressed(self) -> bytes:
        """The bytes in the format of gzip."""
        return gzip.compress(self.plain, GZIP_LEVEL, mtime=0)


class ReplyCache:
    """Contents of at most `max_bytes`, of which the least recently used ones make room."""

    def __init__(self, max_bytes: int = 32 * 2**20) -> None:
        self._max_bytes = max_bytes
        self._bytes = 0
        self._contents: OrderedDict[Hashable, Content] = OrderedDict()
        self._lock = Lock()

    def read(self, key: Hashable, make: Callable[[], bytes]) -> Content:
        """Return the content of the key; `make` is called if there is none."""
        with self._lock:
            content = self._contents.get(key)
            if content is not None:
                self._contents.move_to_end(key)
                return content
        content = Content(make())
        # A single reply must not push all others out.
        if len(content.plain) <= self._max_bytes // 8:
            self._put(key, content)
        return content

    def _put(self, key: Hashable, content: Content) -> None:
        with self._lock:
            if key in self._contents:  # another thread was faster
                return
            self._contents[key] = content
            self._bytes += len(content.plain)
            while self._bytes > self._max_bytes:
                _, oldest = self._contents.popitem(last=False)
                self._bytes -= len(oldest.plain)


def json_reply(
    request: Request, content: Content, status: int = 200, headers: Mapping[str, str] | None = None
) -> Response:
    """Return the reply; 304 for a GET request if `If-None-Match` has the ETag of the content."""
    all_headers = {"Vary": "Accept, Accept-Encoding", **(headers or {})}
    if request.method == "GET":
        # Weak: the compressed reply has other bytes.
        all_headers |= {"ETag": f"W/{content.tag}", "Cache-Control": NO_CACHE}
        if content.tag in request.headers.get("if-none-match", ""):
            return Response(status_code=304, headers=all_headers)
    is_large = len(content.plain) >= MIN_COMPRESSED_BYTES
    if not is_large or "gzip" not in accepted_encodings(request.headers):
        return Response(content.plain, status, all_headers, JSON)
    all_headers["Content-Encoding"] = "gzip"
    return Response(content.compressed, status, all_headers, JSON)


def accepted_encodings(headers: Headers) -> set[str]:
    """Return the content codings that `Accept-Encoding` names and does not exclude."""
    return {
        coding.partition(";")[0].strip()
        for coding in headers.get("accept-encoding", "").split(",")
        if not coding.replace(" ", "").endswith(";q=0")
    }
