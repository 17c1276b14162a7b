"""The page about the service: its components and its workers, for the people who run it."""

import re
from collections.abc import Iterator
from typing import Any

import pytest
from playwright.sync_api import Browser, expect
from tests.browser.conftest import PHONE, WIDE, Opened, ask, barrier_free, fits
from tests.servers.stack import MakeStack, Stack, await_condition


@pytest.mark.parametrize("size", [WIDE, PHONE], ids=["wide", "phone"])
def test_components_and_workers_are_listed(
    open_page: Opened, url: str, size: dict[str, int]
) -> None:
    await_condition(lambda: len(ask(url, "/v1/workers")["workers"]) >= 2, 60, "two workers")
    page = open_page("/", size)
    page.get_by_role("link", name="About this service").click()
    expect(page.get_by_role("heading", level=1, name="Service")).to_be_visible()
    components = page.get_by_role("list", name="Components").get_by_role("listitem")
    expect(components.filter(has_text="database")).to_contain_text("ok")
    workers = page.get_by_role("list", name="Workers").get_by_role("listitem")
    pids = [worker["pid"] for worker in ask(url, "/v1/workers")["workers"]]
    for pid in pids:
        expect(workers.filter(has_text=f":{pid}")).to_have_count(1)
    fits(page, size)
    barrier_free(page)


def test_a_busy_worker_links_to_its_run(open_page: Opened, url: str) -> None:
    spec: dict[str, Any] = ask(url, "/v1/presets/xor")["spec"]
    job = ask(url, "/v1/jobs", spec | {"epochs": 1_000_000, "early_stopping": None})["id"]
    page = open_page("/service")
    page.get_by_role("list", name="Workers").get_by_role("link", name=job[-8:]).click()
    page.wait_for_url(f"**/jobs/{job}")
    ask(url, f"/v1/jobs/{job}/cancel", {})


@pytest.fixture(scope="module")
def locked(chromium: Browser, module_stack: MakeStack) -> tuple[Stack, str]:
    """A service that needs keys, and a key that is not one of an admin."""
    stack = module_stack(workers=1)
    key = stack.run("keys", "create", "laptop").strip()
    stack.stop()
    stack.environment["EPOCHAL_REQUIRE_KEYS"] = "1"
    stack.start()
    return stack, key


@pytest.fixture
def open_locked(chromium: Browser, locked: tuple[Stack, str]) -> Iterator[Opened]:
    opened = Opened(chromium, locked[0].http)
    opened.excuse("401", "403")
    yield opened
    opened.close()


def test_without_the_scope_of_an_admin_the_workers_stay_hidden(
    locked: tuple[Stack, str], open_locked: Opened
) -> None:
    page = open_locked("/service")
    dialog = page.get_by_role("dialog", name="This service needs an API key")
    dialog.get_by_label("API key").fill(locked[1])
    dialog.get_by_label("API key").press("Enter")
    expect(dialog).to_have_count(0)
    expect(page.get_by_role("list", name="Components")).to_be_visible()
    expect(page.get_by_role("alert")).to_contain_text(re.compile("the method needs admin"))
    expect(page.get_by_role("list", name="Workers")).to_have_count(0)
