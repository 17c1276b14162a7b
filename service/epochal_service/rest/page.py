"""The page that people see: files that were built beforehand, sent as they are.

    /                      ┐
    /lab, /jobs, /jobs/…,  │
    /experiments/…,        │
    /class, /service, /docs┘ index.html, requested each time
    /assets/name-hash.js     kept for a year: another content has another name
    /favicon.svg, /theme.js  requested each time
    /client.js               the client for other pages, as an ES module
    /elements.js             figures of a run for other pages, as custom elements
    /embed/jobs/{id}         embed.html: a run in a frame of another page
    /examples/plain.html     a page without a framework, for developers of another page

The page itself chooses the content for its paths, whichever of them is opened first. All other
paths belong to the API, so that an unknown path is a problem document.
"""

from __future__ import annotations

import os
from hashlib import sha256
from pathlib import Path
from typing import ClassVar

from fastapi import FastAPI
from starlette.datastructures import Headers, MutableHeaders
from starlette.requests import Request
from starlette.responses import FileResponse, HTMLResponse, RedirectResponse, Response
from starlette.staticfiles import NotModifiedResponse, StaticFiles
from starlette.types import Scope

from .replies import accepted_encodings

BUILT = Path(__file__).parents[1] / "page"
"""Where the build puts it, in a checkout as in a wheel."""

PATHS = (
    "/",
    "/lab",
    "/jobs",
    "/jobs/{id}",
    "/experiments",
    "/experiments/{id}",
    "/exercises/{id}",
    "/class",
    "/service",
    "/docs",
)
FILES = (
    "favicon.svg",
    "theme.js",
    "client.js",
    "elements.js",
    "embed.js",
    "embed.css",
    "examples/plain.html",
)

_TYPES = {
    ".html": "text/html; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".css": "text/css; charset=utf-8",
    ".svg": "image/svg+xml",
    ".woff2": "font/woff2",
}
_HEADERS = {
    # Nothing comes from or goes to another host. Styles that a script sets on an element are the
    # page's own.
    "content-security-policy": "default-src 'self'; style-src-attr 'unsafe-inline'; "
    "img-src 'self' data: blob:; object-src 'none'; base-uri 'none'; form-action 'self'; "
    "frame-ancestors 'self'",
}
_NOT_BUILT = """<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width">
<title>Epochal</title>
<style>
body { font: 1.1rem/1.6 Georgia, serif; max-width: 34rem; margin: 15vh auto; padding: 0 1rem }
:root { color-scheme: light dark }
</style>
<h1>Epochal is running</h1>
<p>Its page has not been built here. In a checkout <code>make page</code> builds it, and
<code>make run</code> does so by itself; an installed <code>epochal-server</code> brings it
along.</p>
<p>The API needs no page: <a href="/openapi.json">its description</a>.</p>
</html>
"""


def _embed_policy(frame_ancestors: str | None) -> str:
    """Return the policy of an embed for the setting `EPOCHAL_FRAME_ANCESTORS`.

    By default any page may frame it: it has no key but the one in its address, and changes nothing.
    The directive is left out then, as its `*` stands for pages of the network alone.
    """
    policy = _HEADERS["content-security-policy"].replace("; frame-ancestors 'self'", "")
    if frame_ancestors is None:
        return policy
    allowed = "'none'"
    if frame_ancestors != "none":
        allowed = " ".join(["'self'", *map(str.strip, frame_ancestors.split(","))])
    return f"{policy}; frame-ancestors {allowed}"


def install(
    app: FastAPI, folder: Path = BUILT, *, course: bool = True, frame_ancestors: str | None = None
) -> None:
    """Serve the page that was built into `folder`; where there is none, say how to get it.

    Without the course, the start page leads to the lab, and the page hides links to the course.
    `frame_ancestors` are the origins of pages that may frame an embed, separated by commas.
    """
    embed_policy = _embed_policy(frame_ancestors)
    page = _Page(directory=folder, check_dir=False)

    async def shell(request: Request) -> Response:
        if not (folder / "index.html").is_file():
            return HTMLResponse(_NOT_BUILT, 503, {"cache-control": "no-store"})
        if not course:
            html = (folder / "index.html").read_text("utf-8")
            marked = html.replace("<html ", '<html data-course="off" ', 1)
            return HTMLResponse(marked, headers={"cache-control": "no-cache", **_HEADERS})
        return await page.get_response("index.html", request.scope)

    async def file(request: Request) -> Response:
        return await page.get_response(request.url.path.removeprefix("/"), request.scope)

    async def embed(request: Request) -> Response:
        response = await page.get_response("embed.html", request.scope)
        response.headers["content-security-policy"] = embed_policy
        return response

    async def lab(request: Request) -> Response:
        return RedirectResponse("/lab", headers={"cache-control": "no-store"})

    for path in PATHS:
        handler = shell if course or path != "/" else lab
        app.add_route(path, handler, ["GET"], include_in_schema=False)
    app.add_route("/embed/jobs/{id}", embed, ["GET"], include_in_schema=False)
    for path in (*(f"/{name}" for name in FILES), "/assets/{name}"):
        app.add_route(path, file, ["GET"], include_in_schema=False)


class _Page(StaticFiles):
    """Files with the headers that they need, in the smallest form that the browser takes."""

    _ENCODINGS: ClassVar = {"br": ".br", "gzip": ".gz"}

    async def get_response(self, path: str, scope: Scope) -> Response:
        accepted = accepted_encodings(Headers(scope=scope))
        encoding = next(
            (
                name
                for name, end in self._ENCODINGS.items()
                if name in accepted and self._has(path + end)
            ),
            None,
        )
        end = self._ENCODINGS[encoding] if encoding else ""
        response = await super().get_response(path + end, scope)
        headers = MutableHeaders(raw=response.raw_headers)
        if encoding:
            headers["content-encoding"] = encoding
        kind = _TYPES.get(os.path.splitext(path)[1])
        if kind and "content-type" in headers:
            headers["content-type"] = kind
        hashed = path.startswith("assets/")
        headers["cache-control"] = "public, max-age=31536000, immutable" if hashed else "no-cache"
        headers["vary"] = "accept-encoding"
        headers.update(_HEADERS)
        if path.endswith(".js"):
            # Pages of all origins may import modules, which are the same for everybody.
            headers["access-control-allow-origin"] = "*"
        if path.startswith("examples/"):
            # One file that is read from top to bottom: its script stands in it.
            headers["content-security-policy"] = (
                "default-src 'self' 'unsafe-inline'; object-src 'none'; base-uri 'none'; "
                "form-action 'self'; frame-ancestors 'self'"
            )
        return response

    def file_response(
        self,
        full_path: str | os.PathLike[str],
        stat_result: os.stat_result,
        scope: Scope,
        status_code: int = 200,
    ) -> Response:
        # All files of a wheel have one time, and index.html is as long after every build: only the
        # content tells one from the next.
        response = FileResponse(full_path, status_code, stat_result=stat_result)
        tag = f'"{sha256(Path(full_path).read_bytes()).hexdigest()[:32]}"'
        response.headers["etag"] = tag
        del response.headers["last-modified"]
        if tag in Headers(scope=scope).get("if-none-match", ""):
            return NotModifiedResponse(response.headers)
        return response

    def _has(self, path: str) -> bool:
        return bool(self.lookup_path(path)[1])
