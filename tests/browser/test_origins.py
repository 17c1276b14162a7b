"""Pages of other origins, in a real browser: those that are allowed, and those that are not."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest
from playwright.sync_api import Browser, Page
from tests.client.material import XOR
from tests.servers.stack import MakeStack, Stack

CALL = """async ([url, method, body]) => {
    try {
        const response = await fetch(url, {
            method,
            headers: body
                ? { 'Content-Type': 'application/json', 'Idempotency-Key': crypto.randomUUID() }
                : {},
            body: body && JSON.stringify(body),
        })
        const headers = Object.fromEntries(response.headers)
        return { status: response.status, body: await response.json(), headers }
    } catch (error) {
        return { refused: String(error) }
    }
}"""
FOLLOW = """url => new Promise(resolve => {
    const source = new EventSource(url)
    source.addEventListener('end', () => { source.close(); resolve('end') })
    source.onerror = () => { source.close(); resolve('error') }
})"""


class Blank(BaseHTTPRequestHandler):
    """An empty page."""

    def do_GET(self) -> None:
        self.send_response(200)
        self.send_header("Content-Type", "text/html")
        self.end_headers()
        self.wfile.write(b"<!doctype html><title>elsewhere</title>")

    def log_message(self, *arguments: Any) -> None:
        pass


@contextmanager
def elsewhere() -> Iterator[str]:
    """The origin of a page on another port."""
    with ThreadingHTTPServer(("127.0.0.1", 0), Blank) as server:
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()
        thread.join()


@pytest.fixture(scope="module")
def origins() -> Iterator[tuple[str, str]]:
    """An origin that will be allowed, and one that will not."""
    with elsewhere() as allowed, elsewhere() as other:
        yield allowed, other


@pytest.fixture(scope="module")
def open_to(module_stack: MakeStack, origins: tuple[str, str]) -> Stack:
    return module_stack(workers=1, allowed_origins=origins[0])


@pytest.fixture
def page(chromium: Browser) -> Iterator[Page]:
    with chromium.new_context() as context:
        yield context.new_page()


def call(page: Page, stack: Stack, method: str, path: str, body: Any = None) -> Any:
    return page.evaluate(CALL, [f"{stack.http}{path}", method, body])


def test_a_page_of_an_allowed_origin_reads_creates_and_follows(
    page: Page, open_to: Stack, origins: tuple[str, str]
) -> None:
    page.goto(origins[0])
    assert call(page, open_to, "GET", "/v1/version")["status"] == 200
    created = call(page, open_to, "POST", "/v1/jobs", XOR)
    assert created["status"] == 201
    assert created["headers"]["location"].endswith(created["body"]["id"])
    path = f"/v1/jobs/{created['body']['id']}"
    assert page.evaluate(FOLLOW, f"{open_to.http}{path}/events") == "end"
    assert call(page, open_to, "GET", path)["body"]["state"] == "succeeded"
    missing = call(page, open_to, "GET", "/v1/jobs/none")
    assert (missing["status"], missing["body"]["reason"]) == (404, "not_found")


def test_a_page_of_another_origin_reads_creates_and_follows_nothing(
    page: Page, open_to: Stack, origins: tuple[str, str]
) -> None:
    page.goto(origins[1])
    assert "refused" in call(page, open_to, "GET", "/v1/version")
    assert "refused" in call(page, open_to, "POST", "/v1/jobs", XOR)
    assert page.evaluate(FOLLOW, f"{open_to.http}/v1/jobs/none/events") == "error"
