"""A page of another origin trains and follows a job over gRPC-Web, through a real Envoy.

The client comes from the .proto files, as in `docs/api/clients.md`. `make check-clients` installs
Envoy and runs this file.
"""

import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx2
import pytest
from playwright.sync_api import Browser, Page
from tests.browser.conftest import chromium, session_chromium
from tests.client.generated import BROWSER, ROOT, folder, run
from tests.deploy.test_envoy import FILE
from tests.servers.postgres import free_port
from tests.servers.replies import html, reply_server
from tests.servers.stack import MakeStack, Stack, await_condition

__all__ = ["chromium", "folder", "session_chromium"]

ENVOY = ROOT / ".venv-generated" / "bin" / "envoy"
EXAMPLE = "https://app.example"
TRAIN = """async ([url, key]) => {
    try {
        return await epochal.train(url, key)
    } catch (error) {
        return { code: error.code, message: error.rawMessage }
    }
}"""


@contextmanager
def envoy(directory: Path, stack: Stack, origin: str) -> Iterator[str]:
    """The address of an Envoy with the file of this repository, on other addresses."""
    port, text = free_port(), FILE.read_text()
    host, _, grpc_port = stack.grpc.rpartition(":")
    for old, new in {
        "address: 0.0.0.0, port_value: 8080": f"address: 127.0.0.1, port_value: {port}",
        "address: 127.0.0.1, port_value: 50051": f"address: {host}, port_value: {grpc_port}",
        f"exact: {EXAMPLE}": f"exact: {origin}",
    }.items():
        assert text.count(old) == 1
        text = text.replace(old, new)
    config, log = directory / "envoy.yaml", directory / "envoy.log"
    config.write_text(text)
    with log.open("wb") as file:
        process = subprocess.Popen(
            [ENVOY, "--config-path", config, "--use-dynamic-base-id"],
            stdin=subprocess.DEVNULL,
            stdout=file,
            stderr=file,
        )
    url = f"http://127.0.0.1:{port}"

    def ready() -> bool:
        assert process.poll() is None, log.read_text()
        try:
            return httpx2.get(url, trust_env=False).status_code == 404
        except httpx2.TransportError:
            return False

    try:
        await_condition(ready, 60, "Envoy listens")
        yield url
    finally:
        process.terminate()
        process.wait(30)


@pytest.fixture
def page(chromium: Browser) -> Iterator[Page]:
    with chromium.new_context() as context:
        yield context.new_page()


def test_envoy_accepts_the_file() -> None:
    done = subprocess.run(
        [ENVOY, "--mode", "validate", "--config-path", FILE], capture_output=True, text=True
    )
    assert done.returncode == 0, done.stdout + done.stderr


def test_a_page_of_the_allowed_origin_trains_and_follows_a_job(
    page: Page, folder: Path, make_stack: MakeStack, tmp_path: Path
) -> None:
    run(BROWSER, folder)
    script = (folder / "build" / "first_job.js").read_text("utf-8")
    document = html(f"<!doctype html><title>elsewhere</title><script>{script}</script>")
    stack = make_stack(workers=1)
    key = stack.run("keys", "create", "app").strip()
    stack.stop()
    stack.environment["EPOCHAL_REQUIRE_KEYS"] = "1"
    stack.start()
    with (
        reply_server(document) as allowed,
        reply_server(document) as other,
        envoy(tmp_path, stack, allowed.url) as url,
    ):

        def train(origin: str, key: str) -> Any:
            page.goto(origin)
            return page.evaluate(TRAIN, [url, key])

        done = train(allowed.url, key)
        assert done["state"] == "SUCCEEDED", done
        assert done["loss"] < 0.7
        assert (done["events"][0], done["events"][-1]) == ("snapshot", "end")
        # The status of a refusal is in headers that the page may read.
        refused = train(allowed.url, "ep_wrong")
        assert refused["code"] == 16, refused
        assert "API key" in refused["message"]
        # The browser hides every reply from a page of another origin.
        assert train(other.url, key)["message"] == "Failed to fetch"
