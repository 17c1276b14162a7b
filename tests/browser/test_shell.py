"""What surrounds the sections: the bar, the theme, the connection, and what it costs to load."""

from urllib.parse import urlsplit

import pytest
from playwright.sync_api import expect
from tests.browser.conftest import PHONE, WIDE, Opened, see_everything, violations

SECTIONS = [
    "network",
    "neuron",
    "activations",
    "architecture",
    "forward",
    "loss",
    "backpropagation",
    "training",
    "zoo",
    "timeline",
]
FIRST_LOAD_BYTES = 200_000


def test_the_journey_has_its_ten_sections_in_order(open_page: Opened) -> None:
    page = open_page()
    expect(page).to_have_title("Epochal: how neural networks learn")
    assert [each.get_attribute("id") for each in page.locator("section[id]").all()] == SECTIONS


def test_the_bar_leads_to_a_section_and_says_where_one_is(open_page: Opened) -> None:
    page = open_page()
    bar = page.get_by_role("navigation", name="Sections", exact=True)
    bar.get_by_role("link", name="Loss").click()
    expect(page.get_by_role("heading", name="How wrong, in one number")).to_be_in_viewport()
    expect(bar.locator("[aria-current=location]")).to_have_text("Loss")
    assert urlsplit(page.url).fragment == "loss"


def test_on_a_phone_the_sections_are_a_menu(open_page: Opened) -> None:
    page = open_page("/#loss", size=PHONE)
    page.get_by_role("button", name="Sections").click()
    page.get_by_role("navigation", name="menu").get_by_role("link", name="Zoo").click()
    expect(page.get_by_role("heading", name="Shapes for different worlds")).to_be_in_viewport()
    expect(page.get_by_role("navigation", name="menu")).to_be_hidden()


def test_pages_have_paths_and_the_back_button_goes_back(open_page: Opened) -> None:
    page = open_page()
    page.get_by_role("link", name="Runs").click()
    expect(page.get_by_role("heading", name="Runs", level=1)).to_be_visible()
    assert urlsplit(page.url).path == "/jobs"
    page.go_back()
    expect(page.get_by_role("heading", name="Watch a network learn")).to_be_visible()


def test_the_first_stop_of_the_keyboard_skips_to_the_content(open_page: Opened) -> None:
    page = open_page()
    page.keyboard.press("Tab")
    expect(page.get_by_role("link", name="Skip to the content")).to_be_focused()
    page.keyboard.press("Enter")
    expect(page.locator("main")).to_be_focused()


def test_the_theme_follows_the_system_until_somebody_chooses(open_page: Opened) -> None:
    def paper() -> str:
        color: str = page.evaluate("getComputedStyle(document.body).backgroundColor")
        return color

    page = open_page(color_scheme="dark")
    dark = paper()
    switch = page.get_by_role("button", name="Theme")
    switch.click()
    expect(switch).to_have_accessible_name("Theme: light")
    light = paper()
    assert light != dark
    page.reload()
    assert paper() == light
    page.emulate_media(color_scheme="light")
    switch.click()
    expect(switch).to_have_accessible_name("Theme: dark")
    assert paper() == dark


@pytest.mark.parametrize("path", ["/", "/lab", "/jobs", "/jobs/job_unknown", "/lab?a=1"])
def test_every_path_of_the_page_can_be_opened_first(open_page: Opened, path: str) -> None:
    page = open_page(path)
    expect(page.get_by_role("heading", level=1)).to_have_count(1)
    # An unknown run is a 404 of the API, which the browser reports and the page explains.
    open_page.complaints[:] = [c for c in open_page.complaints if "404" not in c]


@pytest.mark.parametrize("size", [WIDE, PHONE], ids=["wide", "phone"])
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_axe_finds_nothing_wrong_with_the_journey(
    open_page: Opened, size: dict[str, int], scheme: str
) -> None:
    page = open_page(size=size, color_scheme=scheme, reduced_motion="reduce")
    see_everything(page)
    assert violations(page) == []


@pytest.mark.parametrize("path", ["/lab", "/jobs"])
def test_axe_finds_nothing_wrong_with_the_other_pages(open_page: Opened, path: str) -> None:
    page = open_page(path, reduced_motion="reduce")
    page.wait_for_load_state("networkidle")
    assert violations(page) == []


def test_nothing_is_wider_than_a_phone(open_page: Opened) -> None:
    page = open_page(size=PHONE)
    see_everything(page)
    assert page.evaluate("document.documentElement.scrollWidth") == PHONE["width"]


def test_the_first_load_is_small_and_comes_from_here(open_page: Opened) -> None:
    page = open_page()
    page.wait_for_load_state("networkidle")
    size = page.evaluate(
        "performance.getEntriesByType('resource')"
        ".filter((entry) => new URL(entry.name).pathname.endsWith('.js'))"
        ".reduce((sum, entry) => sum + entry.encodedBodySize, 0)"
    )
    assert 10_000 < size < FIRST_LOAD_BYTES
    hosts = {urlsplit(url).netloc for url in open_page.requested if not url.startswith("data:")}
    assert hosts == {urlsplit(open_page.base_url).netloc}


def test_a_lost_connection_is_told_and_found_again(open_page: Opened) -> None:
    page = open_page("/#neuron")
    weight = page.get_by_label("w₁", exact=True)
    product = page.get_by_test_id("product-1").locator(".number")
    expect(product).to_have_text("0.700")
    bar = page.locator("header").get_by_role("status")
    expect(bar).to_be_empty()
    page.context.set_offline(True)
    weight.press("ArrowRight")
    expect(bar).to_contain_text("Reconnecting")
    expect(page.get_by_role("alert")).to_contain_text("The service does not answer")
    expect(product).to_have_text("0.700")
    page.context.set_offline(False)
    expect(bar).to_be_empty()
    expect(product).to_have_text("0.710")
    expect(page.get_by_role("alert")).to_have_count(0)
    open_page.complaints[:] = [c for c in open_page.complaints if "ERR_INTERNET" not in c]
