"""Pages of other origins, in a real browser: those that are allowed, and those that are not."""

from collections.abc import Iterator
from typing import Any

import pytest
from playwright.sync_api import Browser, Page
from tests.client.material import XOR
from tests.servers.replies import html, reply_server
from tests.servers.stack import MakeStack, Stack

import epochal
from epochal_service import stream_tokens
from epochal_service.store import Database

BLANK = html("<!doctype html><title>elsewhere</title>")
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
WATCH = """async ([url, key]) => {
    const headers = { Authorization: `Bearer ${key}` }
    const response = await fetch(`${url}/stream-token`, { method: 'POST', headers })
    const { token } = await response.json()
    const source = new EventSource(`${url}/events?after=0&token=${token}`)
    const epochs = []
    source.addEventListener('epochs', ({ data }) => epochs.push(...JSON.parse(data).epochs))
    const failed = await new Promise(resolve => {
        source.addEventListener('end', () => resolve(false))
        source.onerror = () => resolve(true)
    })
    source.close()
    return { token, epochs, failed }
}"""
FOLLOW = """url => new Promise(resolve => {
    const source = new EventSource(url)
    source.addEventListener('end', () => { source.close(); resolve('end') })
    source.onerror = () => { source.close(); resolve('error') }
})"""


@pytest.fixture(scope="module")
def origins() -> Iterator[tuple[str, str]]:
    """An origin that will be allowed, and one that will not."""
    with reply_server(BLANK) as allowed, reply_server(BLANK) as other:
        yield allowed.url, other.url


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


@pytest.fixture(scope="module")
def locked(module_stack: MakeStack, origins: tuple[str, str]) -> tuple[Stack, str]:
    """A service that needs keys, and a key."""
    stack = module_stack(workers=1, allowed_origins=origins[0])
    key = stack.run("keys", "create", "app").strip()
    stack.stop()
    stack.environment["EPOCHAL_REQUIRE_KEYS"] = "1"
    stack.start()
    return stack, key


def test_an_event_source_of_another_origin_follows_the_job_of_its_token(
    page: Page,
    locked: tuple[Stack, str],
    origins: tuple[str, str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    stack, key = locked
    with epochal.Client(stack.http, api_key=key) as client:
        job, other = (client.jobs.create(XOR).id for _ in range(2))
    page.goto(origins[0])
    watched = page.evaluate(WATCH, [f"{stack.http}/v1/jobs/{job}", key])
    assert watched["epochs"] == list(range(1, XOR["epochs"] + 1))

    def followed(job_id: str, token: str) -> Any:
        return page.evaluate(FOLLOW, f"{stack.http}/v1/jobs/{job_id}/events?token={token}")

    assert followed(job, watched["token"]) == "end"
    assert followed(other, watched["token"]) == "error"
    assert followed(job, "") == "error"
    assert followed(job, expired_token(stack, key, job, monkeypatch)) == "error"

    page.goto(origins[1])
    assert followed(job, watched["token"]) == "error"


def expired_token(stack: Stack, key: str, job_id: str, monkeypatch: pytest.MonkeyPatch) -> str:
    """A token that the service would have issued two minutes ago."""
    monkeypatch.setattr(stream_tokens, "SECONDS", -60.0)
    database = Database(stack.database_url)
    with database.read() as connection:
        token, _ = stream_tokens.issue(connection, key.split("_")[1], job_id)
    database.close()
    return token
