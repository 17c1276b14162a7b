"""Pages of other origins, in a real browser: allowed ones, and others."""

from collections.abc import Iterator
from typing import Any

import pytest
from playwright.sync_api import Browser, Error, Page
from tests.client.material import XOR
from tests.servers.replies import html, reply_server
from tests.servers.stack import MakeStack, Stack

import epochal
from epochal_service.access import stream_tokens
from epochal_service.store import Database

BLANK = html("<!doctype html><title>elsewhere</title>")
CALL = """async ([url, key, method, body]) => {
    try {
        const response = await fetch(url, {
            method,
            headers: {
                Authorization: `Bearer ${key}`,
                ...(body && {
                    'Content-Type': 'application/json',
                    'Idempotency-Key': crypto.randomUUID(),
                }),
            },
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


CLIENT = """async ([url, key]) => {
    const { Client } = await import(`${url}/client.js`)
    const job = await new Client({ key }).train({
        network: { input_shape: [2], layers: [
            { type: 'dense', units: 4, activation: 'tanh' },
            { type: 'dense', units: 1, activation: 'sigmoid' },
        ] },
        dataset: { name: 'xor' },
        loss: 'binary_cross_entropy',
        epochs: 5000,
        pace: 50,
    })
    const epochs = []
    const first = new Promise(resolve => {
        job.watch({ epochs: batch => { epochs.push(...batch.epochs); resolve() } })
    })
    await first
    const change = await job.change({ optimizer: { learning_rate: 0.5 }, pace: 0 })
    await job.wait()
    const refused = await job.change({ pace: 1 }).catch(problem => problem.reason)
    const { outputs } = await job.predict([[0, 1], [1, 1]])
    const { state, spec } = job.data
    return { epochs, change, refused, outputs, state, changes: spec.changes }
}"""


@pytest.fixture(scope="module")
def origins() -> Iterator[tuple[str, str]]:
    """An origin that will be allowed, and one that will not."""
    with reply_server(BLANK) as allowed, reply_server(BLANK) as other:
        yield allowed.url, other.url


@pytest.fixture(scope="module")
def stack(module_stack: MakeStack, origins: tuple[str, str]) -> Stack:
    return module_stack(keys=[["app"]], workers=1, allowed_origins=origins[0])


@pytest.fixture
def page(chromium: Browser) -> Iterator[Page]:
    with chromium.new_context() as context:
        yield context.new_page()


def call(page: Page, stack: Stack, method: str, path: str, body: Any = None) -> Any:
    return page.evaluate(CALL, [f"{stack.http}{path}", stack.keys[0], method, body])


def test_a_page_of_an_allowed_origin_reads_and_creates(
    page: Page, stack: Stack, origins: tuple[str, str]
) -> None:
    page.goto(origins[0])
    assert call(page, stack, "GET", "/v1/version")["status"] == 200
    created = call(page, stack, "POST", "/v1/jobs", XOR)
    assert created["status"] == 201
    assert created["headers"]["location"].endswith(created["body"]["id"])
    job = call(page, stack, "GET", f"/v1/jobs/{created['body']['id']}")
    assert job["body"]["spec"]["seed"] == XOR["seed"]
    missing = call(page, stack, "GET", "/v1/jobs/none")
    assert (missing["status"], missing["body"]["reason"]) == (404, "not_found")


def test_a_page_of_another_origin_reads_and_creates_nothing(
    page: Page, stack: Stack, origins: tuple[str, str]
) -> None:
    page.goto(origins[1])
    assert "refused" in call(page, stack, "GET", "/v1/version")
    assert "refused" in call(page, stack, "POST", "/v1/jobs", XOR)


def test_an_event_source_of_another_origin_follows_the_job_of_its_token(
    page: Page,
    stack: Stack,
    origins: tuple[str, str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    [key] = stack.keys
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


def test_the_client_of_the_service_trains_changes_and_predicts_elsewhere(
    page: Page, stack: Stack, origins: tuple[str, str]
) -> None:
    page.goto(origins[0])
    done = page.evaluate(CLIENT, [stack.http, stack.keys[0]])
    assert done["epochs"] == sorted(set(done["epochs"]))
    assert done["epochs"][-1] == 5000
    assert done["change"]["training"] == {"optimizer": {"learning_rate": 0.5}}
    assert done["changes"] == [done["change"]]
    assert (done["state"], done["refused"]) == ("succeeded", "job_state")
    assert [round(row[0]) for row in done["outputs"]] == [1, 0]
    page.goto(origins[1])
    with pytest.raises(Error, match="ApiProblem: It may have stopped"):
        page.evaluate(CLIENT, [stack.http, stack.keys[0]])
