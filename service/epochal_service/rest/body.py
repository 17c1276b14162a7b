"""A body is read up to the limit and no further, and JSON is parsed as strictly as it is defined.

    query -> content type -> length -> bytes, counted as they come -> document -> model
                                                 └── large: a file ── the second process

Each step refuses what it can before the next one costs anything; the last one is FastAPI's.
"""

from __future__ import annotations

import asyncio
import os
import warnings
from collections.abc import (
    AsyncGenerator,
    Callable,
    Collection,
    Coroutine,
    Iterable,
    Iterator,
    Sequence,
)
from contextlib import AsyncExitStack, contextmanager
from dataclasses import dataclass
from functools import cache
from http import HTTPStatus
from pathlib import Path
from tempfile import NamedTemporaryFile, SpooledTemporaryFile
from typing import Any, BinaryIO, cast

from fastapi import Request, Response
from fastapi.routing import APIRoute
from pydantic.warnings import UnsupportedFieldAttributeWarning
from pydantic_core import from_json
from starlette.exceptions import HTTPException
from starlette.formparsers import MultiPartException, MultiPartParser
from starlette.requests import ClientDisconnect

from ..errors import FieldError, InvalidArgument, TooLarge, UnsupportedMediaType
from ..large import FILE_BYTES, LARGE_BYTES, large_left_out
from ..methods.method import NO_DATA
from ..processes.large_files import prefix
from .accept import JSON, require_acceptable
from .context import authorize, context_of
from .elsewhere import answer_elsewhere

OCTETS = "application/octet-stream"
FORM = "multipart/form-data"
MERGE_PATCH = "application/merge-patch+json"
MEMORY_BYTES = 2**20  # a larger file is on the disk while it is read
STALLED_SECONDS = 60.0  # a client that sends nothing of its body for this long is let go


@dataclass
class FileBody:
    """A file that is the body, or a part of a form."""

    file: BinaryIO
    """Its content, on the disk if it is large."""
    form: dict[str, list[str]] | None = None
    """The other fields of the form; None if the body is the file."""
    filename: str = ""
    """The name of the file in the form."""
    media_type: str = ""
    """The media type of a body that is the file."""


@contextmanager
def without_warnings() -> Iterator[None]:
    """Let pydantic build the validators of routes without a warning that FastAPI ignores too."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UnsupportedFieldAttributeWarning)
        yield


class StrictRoute(APIRoute):
    """A route that refuses what it does not take, in its query as in its body.

    If its endpoint has a `need`, it authorizes the caller before it reads anything.

    A body is of the media type of its parameter: JSON, for PATCH also a merge patch, or bytes. The
    media types that the route's `openapi_extra` describes are files, which may be larger.

    It refuses a client that accepts neither JSON nor a media type of its replies.
    """

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        handle = super().get_route_handler()

        @cache
        def build_validators() -> None:
            # All routes together take a tenth of the start; one takes at most 10 ms.
            with without_warnings():
                for field in (self.body_field, *self.dependant.query_params):
                    if field is not None:
                        field._type_adapter.rebuild()

        takes_query = self.dependant.query_params
        media_type = getattr(self.body_field and self.body_field.field_info, "media_type", None)
        accepted = [str(media_type)] + [MERGE_PATCH] * ("PATCH" in (self.methods or ()))
        body = self.body_field
        is_optional = body is not None and not body.field_info.is_required()
        files = (self.openapi_extra or {}).get("requestBody", {}).get("content", {})

        need = getattr(self.endpoint, "need", None)
        takes_token = getattr(self.endpoint, "takes_token", False)
        offered = self._offered()
        takes_long = len(files) > 0 or getattr(self.endpoint, "takes_long", False)

        async def read_and_handle(request: Request) -> Response:
            build_validators()
            if not hasattr(request.state, "context"):
                await authorize(request, need, takes_token=takes_token)
            if offered and need is not None:
                require_acceptable(request.headers, offered)
            context = await context_of(request)
            if request.query_params and not takes_query:  # a query's model refuses by itself
                raise InvalidArgument.of(
                    *(FieldError(name, "is not a field here") for name in request.query_params)
                )
            async with AsyncExitStack() as files_open:
                content: bytes | Path | FileBody = b""
                if media_type is not None and not (is_optional and _is_absent(request)):
                    content = await _read(request, accepted, files, files_open)
                if isinstance(content, FileBody):
                    return await handle(_ReadRequest(request, content))
                if isinstance(content, bytes):
                    document = parse_json(content) if content and media_type == JSON else None
                    if _media_type(request) == MERGE_PATCH:
                        document = _without_null(document)
                    with large_left_out():
                        return await handle(_ReadRequest(request, content, document))
                server = context.for_files() if takes_long else context
                return await answer_elsewhere(server, request, content)

        return read_and_handle

    def _offered(self) -> list[str]:
        """Return the media types of its replies; none if they have no content."""
        if self.status_code == HTTPStatus.NO_CONTENT:
            return []
        described = (self.responses.get(200) or {}).get("content", {})
        declared = getattr(self.response_class, "media_type", None) or JSON
        # Clients that accept JSON alone get files and streams too, as errors are JSON.
        return list(dict.fromkeys((JSON, *described, declared)))


class _ReadRequest(Request):
    """A request after its body has been read; `document` is the parsed JSON."""

    def __init__(self, request: Request, content: object, document: object = None) -> None:
        super().__init__(request.scope, request.receive)
        self._content: Any = content
        self._document = document

    async def body(self) -> Any:
        return self._content

    async def json(self) -> object:
        return self._document


def _is_absent(request: Request) -> bool:
    """Return whether the request has no body."""
    headers = request.headers
    return "transfer-encoding" not in headers and headers.get("content-length", "0") == "0"


def _media_type(request: Request) -> str:
    return request.headers.get("content-type", "").partition(";")[0].strip().lower()


def _without_null(patch: object) -> object:
    """Return the body that changes name and labels like this JSON Merge Patch: null removes one.

    https://www.rfc-editor.org/rfc/rfc7396
    """
    if not isinstance(patch, dict):
        return patch
    document = patch | ({"name": ""} if "name" in patch and patch["name"] is None else {})
    labels = patch.get("labels")
    if isinstance(labels, dict) and "remove_labels" not in patch:
        document["labels"] = {key: value for key, value in labels.items() if value is not None}
        document["remove_labels"] = [key for key, value in labels.items() if value is None]
    return document


async def _read(
    request: Request, accepted: Sequence[str], files: Collection[str], files_open: AsyncExitStack
) -> bytes | Path | FileBody:
    media_type = _media_type(request)
    if media_type not in accepted and media_type not in files:
        names = " or ".join((*accepted, *files))
        raise UnsupportedMediaType(f"The body must be {names}: say so in the header Content-Type")
    if request.headers.get("content-encoding", "identity").lower() != "identity":
        raise UnsupportedMediaType("The body must come as it is, without a Content-Encoding")
    context = await context_of(request)
    limits = context.settings.limits
    content: bytes | Path
    if media_type in files:
        chunks = _chunks(request, limits.max_upload_bytes)
        if context.second_process is not None:
            content = await _read_content(chunks, files_open, FILE_BYTES)
            if isinstance(content, Path):
                return content
            chunks = _single(content)
        read = _read_form if media_type == FORM else _read_file
        return await read(request, chunks, files_open)
    chunks = _chunks(request, limits.max_body_bytes)
    if media_type == OCTETS or context.second_process is None:
        content = b"".join([chunk async for chunk in chunks])
    else:
        content = await _read_content(chunks, files_open, LARGE_BYTES)
    if not content and media_type == OCTETS:
        raise InvalidArgument.of(NO_DATA)
    if not content:
        raise _empty((*accepted, *files))
    return content


async def _read_content(
    chunks: AsyncGenerator[bytes], files_open: AsyncExitStack, most: int
) -> bytes | Path:
    """Return the body, or a file with it if it has more than `most` bytes: many at once must not
    fill the memory.
    """
    content = bytearray()
    async for chunk in chunks:
        content += chunk
        if len(content) > most:
            break
    else:
        return bytes(content)
    file = files_open.enter_context(NamedTemporaryFile(prefix=prefix(os.getpid())))  # noqa: SIM115
    file.write(content)
    content.clear()  # the rest may take a minute, or never come
    async for chunk in chunks:
        file.write(chunk)
    file.flush()
    return Path(file.name)


async def _single(chunk: bytes) -> AsyncGenerator[bytes]:
    yield chunk


async def _read_file(
    request: Request, chunks: AsyncGenerator[bytes], files_open: AsyncExitStack
) -> FileBody:
    spooled = files_open.enter_context(SpooledTemporaryFile(MEMORY_BYTES))  # noqa: SIM115
    file = cast(BinaryIO, spooled)
    async for chunk in chunks:
        file.write(chunk)
    if not file.tell():
        raise _empty(("a file",))
    file.seek(0)
    return FileBody(file, media_type=_media_type(request))


async def _read_form(
    request: Request, chunks: AsyncGenerator[bytes], files_open: AsyncExitStack
) -> FileBody:
    parser = MultiPartParser(
        request.headers, chunks, max_files=1, max_fields=20, max_part_size=2**20
    )
    try:
        form = await parser.parse()
    except MultiPartException as error:
        raise InvalidArgument(f"The form is invalid: {error.message}") from None
    files_open.push_async_callback(form.close)
    fields: dict[str, list[str]] = {}
    upload = None
    for name, value in form.multi_items():
        if isinstance(value, str):
            fields.setdefault(name, []).append(value)
        elif name == "file":
            upload = value
        else:
            raise InvalidArgument.of(FieldError(name, "is a file: its field must be named file"))
    if upload is None:
        raise InvalidArgument.of(FieldError("file", "must be a file"))
    if not upload.size:
        raise InvalidArgument.of(FieldError("file", "must not be empty"))
    return FileBody(upload.file, fields, upload.filename or "")


def _empty(accepted: Iterable[str]) -> InvalidArgument:
    return InvalidArgument(f"The request needs a body of {' or '.join(accepted)}")


async def _chunks(request: Request, limit: int) -> AsyncGenerator[bytes]:
    """Yield the body. Raises `TooLarge` as soon as it is known to have more than `limit` bytes, and
    a 408 when it stops coming.
    """
    too_large = TooLarge(
        f"The body may have {limit} bytes: GET /v1/limits has this server's limits"
    )
    length = request.headers.get("content-length", "0")
    if length.isdecimal() and int(length) > limit:
        raise too_large
    received = 0
    chunks = request.stream()
    while True:
        try:
            async with asyncio.timeout(STALLED_SECONDS):
                chunk = await anext(chunks, None)
        except ClientDisconnect:
            raise InvalidArgument("The body ended before its time") from None
        except TimeoutError:
            detail = (
                f"The body has {received} bytes so far, and no more came for {STALLED_SECONDS:g} s"
            )
            raise HTTPException(HTTPStatus.REQUEST_TIMEOUT, detail) from None
        if chunk is None:
            return
        received += len(chunk)
        if received > limit:
            raise too_large
        yield chunk


def parse_json(content: bytes) -> object:
    """The document that the bytes hold. Raises `InvalidArgument` if they are not JSON.

    NaN, Infinity, invalid UTF-8, lone surrogates, integers of more than 4300 digits and more than
    200 levels of nesting are refused by the parser as it meets them. If a key is given twice, the
    last one counts, as it does for a field of a proto message.
    """
    try:
        return from_json(content, allow_inf_nan=False)
    except ValueError as error:
        raise InvalidArgument(f"The body is not valid JSON: {error}") from None
