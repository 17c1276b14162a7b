"""The page while its service is down: a real one that is stopped and started."""

from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, expect
from tests.browser.conftest import Opened, ask, rest
from tests.servers.stack import MakeStack, Stack

PREFETCHED = """name => performance.getEntriesByType('resource').some(
    entry => new RegExp(`/${name}-[^/]*\\\\.js$`).test(entry.name))"""


@pytest.fixture(scope="module")
def private(module_stack: MakeStack) -> Stack:
    return module_stack(workers=1)


@pytest.fixture
def open_private(chromium: Browser, private: Stack) -> Iterator[Opened]:
    if private.process.poll() is not None:  # a test that failed has left it down
        private.start()
    opened = Opened(chromium, private.http)
    opened.excuse("ERR_CONNECTION_REFUSED", "ERR_INCOMPLETE", "ERR_CONNECTION_RESET", "Failed to")
    yield opened
    opened.close()
    assert opened.complaints == []


def test_a_page_whose_code_cannot_be_loaded_says_so_and_opens_when_the_service_is_back(
    private: Stack, open_private: Opened
) -> None:
    page = open_private(saves_data=True)
    expect(page.get_by_role("figure", name="A network learns")).to_be_visible()
    rest(page)
    private.stop()
    page.locator("header").get_by_role("link", name="Lab").click()
    problem = page.get_by_role("alert").filter(has_text="opens as soon as it does")
    expect(problem).to_contain_text("The service is not answering")
    expect(page.locator("header").get_by_role("status")).to_contain_text("Reconnecting")
    private.start()
    expect(page.get_by_role("heading", level=1)).to_be_visible()
    expect(page.get_by_role("alert")).to_have_count(0)


def test_pages_are_loaded_in_advance_and_open_while_the_service_is_down(
    private: Stack, open_private: Opened
) -> None:
    spec = ask(private.http, "/v1/presets/xor")["spec"]
    job = ask(private.http, "/v1/jobs", spec)["id"]
    page = open_private("/jobs")
    link = page.locator(f"a[href='/jobs/{job}']").first
    expect(link).to_be_visible()
    page.wait_for_function(PREFETCHED, arg="Job")
    rest(page)
    private.stop()
    link.click()
    expect(page.get_by_role("alert")).to_contain_text("The service is not answering")
    expect(page.locator("header").get_by_role("status")).to_contain_text("Reconnecting")
    private.start()
    expect(page.get_by_role("heading", level=1, name="XOR with a hidden layer")).to_be_visible()
    expect(page.get_by_role("alert")).to_have_count(0)


def test_a_section_that_an_address_names_loads_nothing_above_it(open_private: Opened) -> None:
    page = open_private("/#zoo")
    expect(page.locator("#zoo figure").first).to_be_visible()
    rest(page)
    assert page.locator("#training > .body.waiting").count() == 1
    assert not [path for path in open_private.requested if "learning-rates" in path]
    page.get_by_role("heading", name="The architecture zoo").hover()
    page.mouse.wheel(0, -400)
    expect(page.locator("#training > .body.waiting")).to_have_count(0)
