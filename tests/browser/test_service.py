"""The page about the service: its components and its workers, for the people who run it."""

from typing import Any

from playwright.sync_api import expect
from tests.browser.conftest import Opened, ask, rest, see, suits_every_screen
from tests.servers.stack import await_condition


def test_components_and_workers_are_listed(open_page: Opened, url: str) -> None:
    await_condition(lambda: len(ask(url, "/v1/workers")["workers"]) >= 2, 60, "two workers")
    page = open_page("/")
    about = page.get_by_role("link", name="About this service")
    see(about)
    rest(page)  # what loads above the link moves it under the pointer
    about.click()
    expect(page.get_by_role("heading", level=1, name="Service")).to_be_visible()
    components = page.get_by_role("list", name="Components").get_by_role("listitem")
    expect(components.filter(has_text="database")).to_contain_text("ok")
    workers = page.get_by_role("list", name="Workers").get_by_role("listitem")
    pids = [worker["pid"] for worker in ask(url, "/v1/workers")["workers"]]
    for pid in pids:
        expect(workers.filter(has_text=f":{pid}")).to_have_count(1)
    suits_every_screen(page)


def test_a_busy_worker_links_to_its_run(open_page: Opened, url: str) -> None:
    spec: dict[str, Any] = ask(url, "/course/v1/presets/xor")["spec"]
    job = ask(url, "/v1/jobs", spec | {"epochs": 1_000_000, "early_stopping": None})["id"]
    page = open_page("/service")
    page.get_by_role("list", name="Workers").get_by_role("link", name=job[-8:]).click()
    page.wait_for_url(f"**/jobs/{job}")
    ask(url, f"/v1/jobs/{job}/cancel", {})
