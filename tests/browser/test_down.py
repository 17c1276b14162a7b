"""The page while its service is down: a real one that is stopped and started."""

from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, Locator, Page, expect
from tests.browser.conftest import Opened, ask, number, rest
from tests.servers.stack import MakeStack, Stack, await_condition

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
    # The browser rightly reports a service that is not there.
    opened.excuse("ERR_", "502", "503", "504", "Failed to")
    yield opened
    opened.close()
    assert opened.complaints == []


def distance(locator: Locator) -> float:
    """Pixels from the top of the window."""
    top: float = locator.evaluate("element => element.getBoundingClientRect().top")
    return top


def loss_table(page: Page) -> list[list[str]]:
    figure = page.get_by_role("figure", name="Loss", exact=True)
    figure.get_by_role("button", name="Table").click()
    rows: list[list[str]] = figure.locator("table").evaluate(
        "(table) => [...table.rows].map((row) => [...row.cells].map((cell) => cell.innerText))"
    )
    return rows[1:]


def test_a_run_is_watched_to_its_end_although_the_service_is_killed(
    private: Stack, open_private: Opened
) -> None:
    layers = [
        {"type": "dense", "units": 512, "activation": "tanh"},
        {"type": "dense", "units": 1, "activation": "sigmoid"},
    ]
    # A tenth of a second or more for each epoch: the curve of the few that there are has them all.
    spec = {
        "name": "Watched to the end",
        "network": {"input_shape": [2], "layers": layers},
        "dataset": {"name": "two_moons", "samples": 100_000, "noise": 0.2},
        "loss": "binary_cross_entropy",
        "batch_size": 1,
        "epochs": 1_000_000,
        "optimizer": {"type": "adam", "learning_rate": 0.002},
    }
    job = ask(private.http, "/v1/jobs", spec)["id"]
    page = open_private(f"/jobs/{job}")
    expect(page.locator("header").get_by_role("status").filter(has_text="Training")).to_be_visible()
    epoch = page.get_by_test_id("epoch")
    expect(epoch).not_to_have_text("0")
    # The next API may answer before anybody has looked: until then it cannot be reached.
    page.route("**/events*", lambda route: route.abort("connectionrefused"))
    private.kill("api")
    reconnecting = page.locator("main").get_by_text("reconnecting")
    expect(reconnecting).to_be_visible()
    page.unroute("**/events*")
    await_condition(private.ready, 60, "the API answers again")
    expect(reconnecting).to_have_count(0)
    page.get_by_role("button", name="Cancel").click()
    expect(page.get_by_role("status").filter(has_text="Cancelled")).to_be_visible()
    rows = loss_table(page)
    stored = ask(private.http, f"/v1/jobs/{job}/epochs?page_size=1000")["epochs"]
    assert [int(row[0]) for row in rows] == list(range(1, len(stored) + 1))
    assert [number(row[1]) for row in rows] == pytest.approx(
        [item["train_loss"] for item in stored], rel=1e-3
    )


def test_pages_open_when_the_service_is_back(private: Stack, open_private: Opened) -> None:
    """A page with code that cannot be loaded, and a page with code loaded in advance."""
    spec = ask(private.http, "/course/v1/presets/xor")["spec"]
    job = ask(private.http, "/v1/jobs", spec)["id"]
    start = open_private()
    expect(start.get_by_role("figure", name="A network learns")).to_be_visible()
    rest(start)
    runs = open_private("/jobs", prefetch=True)
    link = runs.locator(f"a[href='/jobs/{job}']").first
    expect(link).to_be_visible()
    runs.wait_for_function(PREFETCHED, arg="Job")
    rest(runs)
    private.stop()
    start.locator("header").get_by_role("link", name="Lab").click()
    problem = start.get_by_role("alert").filter(has_text="opens as soon as it does")
    expect(problem).to_contain_text("The service is not answering")
    link.click()
    expect(runs.get_by_role("alert")).to_contain_text("The service is not answering")
    for page in (start, runs):
        expect(page.locator("header").get_by_role("status")).to_contain_text("Reconnecting")
    private.start()
    expect(start.get_by_role("heading", level=1)).to_be_visible()
    expect(runs.get_by_role("heading", level=1, name="XOR with a hidden layer")).to_be_visible()
    for page in (start, runs):
        expect(page.get_by_role("alert")).to_have_count(0)


def test_a_section_that_an_address_names_loads_nothing_above_it(open_page: Opened) -> None:
    requested = open_page.record_requests()
    page = open_page("/#zoo")
    expect(page.locator("#zoo figure").first).to_be_visible()
    rest(page)
    assert page.locator("#training > .body.waiting").count() == 1
    assert not [path for path in requested if "learning-rates" in path]
    page.get_by_role("heading", name="The architecture zoo").hover()
    page.mouse.wheel(0, -400)
    expect(page.locator("#training > .body.waiting")).to_have_count(0)


@pytest.mark.parametrize("address", ["/#architecture", "/"])
def test_a_reload_returns_to_the_section_that_the_reader_was_in(
    open_page: Opened, address: str
) -> None:
    page = open_page(address)
    heading = page.get_by_role("heading", name="Layers and architecture")
    heading.scroll_into_view_if_needed()
    figure = page.get_by_role("figure", name="Your network", exact=True)
    expect(figure).to_be_visible()
    rest(page)
    heading.hover()
    was = distance(heading)
    page.mouse.wheel(0, 300)
    page.wait_for_function(
        "([heading, was]) => heading.getBoundingClientRect().top < was - 100",
        arg=[heading.element_handle(), was],
    )
    rest(page)
    before = distance(heading)
    page.reload()
    expect(figure).to_be_visible()
    rest(page)
    assert distance(heading) == pytest.approx(before, abs=2)
