"""The frame of the sections: the bar, the theme, the connection, and the cost of loading."""

import re
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import Page, expect
from tests.browser.conftest import PHONE, Opened, ask, fits, rest, violations
from tests.servers.stack import await_condition

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
    "language",
]


@pytest.mark.journey
def test_the_journey_has_its_eleven_sections_in_order(open_page: Opened) -> None:
    page = open_page()
    expect(page).to_have_title("Epochal: how neural networks learn")
    assert [item.get_attribute("id") for item in page.locator("section[id]").all()] == SECTIONS


def test_the_bar_leads_to_a_section_and_says_where_one_is(open_page: Opened) -> None:
    page = open_page()
    bar = page.get_by_role("navigation", name="Sections", exact=True)
    bar.get_by_role("link", name="Loss").click()
    expect(page.get_by_role("heading", name="Loss functions")).to_be_in_viewport()
    expect(bar.locator("[aria-current=location]")).to_have_text("Loss")
    assert urlsplit(page.url).fragment == "loss"


def test_on_a_phone_the_sections_are_a_menu(open_page: Opened) -> None:
    page = open_page("/#loss", size=PHONE)
    page.get_by_role("button", name="Chapters").click()
    page.get_by_role("navigation", name="menu").get_by_role("link", name="Zoo").click()
    expect(page.get_by_role("heading", name="The architecture zoo")).to_be_in_viewport()
    expect(page.get_by_role("navigation", name="menu")).to_be_hidden()


@pytest.mark.journey
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
    page = open_page(color_scheme="dark")
    body = page.locator("body")
    dark: str = body.evaluate("body => getComputedStyle(body).backgroundColor")
    switch = page.get_by_role("button", name="Theme")
    switch.click()
    expect(switch).to_have_accessible_name("Theme: light")
    expect(body).not_to_have_css("background-color", dark)
    page.reload()
    expect(switch).to_have_accessible_name("Theme: light")
    expect(body).not_to_have_css("background-color", dark)
    page.emulate_media(color_scheme="light")
    switch.click()
    expect(switch).to_have_accessible_name("Theme: dark")
    expect(body).to_have_css("background-color", dark)


@pytest.mark.parametrize("path", ["/", "/lab", "/jobs", "/jobs/job_unknown", "/lab?a=1"])
def test_every_path_of_the_page_can_be_opened_first(open_page: Opened, path: str) -> None:
    if "unknown" in path:
        open_page.excuse("404")  # of the API, which the browser reports and the page explains
    page = open_page(path)
    expect(page.get_by_role("heading", level=1)).to_have_count(1)
    rest(page)


def test_a_keyboard_alone_reads_and_moves_a_whole_section(open_page: Opened) -> None:
    """Every control of the section in turn, each with a ring around it, and out at its end."""
    page = open_page("/#neuron")
    expect(page.get_by_test_id("sum")).to_contain_text("0.750")
    page.get_by_role("heading", name="The single neuron").scroll_into_view_if_needed()
    section = page.locator("section#neuron")
    expect(section.get_by_role("button", name="Deeper")).to_be_attached()
    first = section.get_by_label("x₁", exact=True)
    first.focus()
    page.keyboard.press("ArrowRight")
    expect(section.get_by_label("x₁, as a number")).to_have_value("1.01")
    stops: list[str] = []
    for _ in range(200):
        page.keyboard.press("Tab")
        stop = page.evaluate(STOP)
        if stop is None:
            break
        name, ring = stop
        assert ring, f"nothing shows that {name} has the focus"
        stops.append(name)
        if name == "Deeper" and stops.count(name) == 1:
            page.keyboard.press("Enter")
            expect(section.get_by_test_id("questions")).to_be_attached()
        elif name.startswith("The line where") and stops.count(name) == 1:
            bias = section.get_by_label("b, as a number").input_value()
            page.keyboard.press("ArrowRight")
            expect(section.get_by_label("b, as a number")).not_to_have_value(bias)
        elif name == "Table" and stops.count("Table") == 1:
            page.keyboard.press("Enter")
            expect(section.get_by_role("region", name="as a table").first).to_be_visible()
            page.keyboard.press("Enter")
            expect(section.get_by_role("region", name="as a table")).to_have_count(0)
            page.keyboard.press("ArrowRight")
            stops.append(page.evaluate(STOP)[0])
    else:
        pytest.fail("the keyboard does not come out of the section")
    for name in ("w₁", "w₂", "w₃", "b", "Table", "Export", "Start over", "Deeper", "Less"):
        assert name in stops, f"{name} cannot be reached by Tab"


STOP = """() => {
    const focused = document.activeElement
    if (!focused.closest('section#neuron')) return null
    const rings = [focused, ...focused.querySelectorAll('*'), ...(focused.labels ?? [])]
    const shown = (element) => {
        const style = getComputedStyle(element)
        const drawn = element.closest('svg') && style.stroke.replaceAll(' ', '') !== 'rgba(0,0,0,0)'
        return style.outlineStyle !== 'none' || style.boxShadow !== 'none' || drawn
    }
    const name = focused.ariaLabel ?? focused.labels?.[0]?.innerText ?? focused.innerText
    return [name.trim(), rings.some(shown)]
}"""


@pytest.mark.parametrize(
    ("path", "figure", "controls"),
    [
        ("/?start.seed=5", "A network learns", ["New random seed"]),
        ("/?neuron.weights=0.2,1.5,0.5#neuron", "The same neuron as a line", []),
        ("/?fit.target=step&fit.width=8#network", "A hidden layer approximates", []),
    ],
    ids=["start", "neuron", "network"],
)
def test_a_link_opened_by_somebody_else_shows_the_same_picture(
    open_page: Opened, path: str, figure: str, controls: list[str]
) -> None:
    """The marks of the picture in another browser profile."""

    def drawn(page: Page) -> list[list[str | None]]:
        marks = page.get_by_role("figure", name=figure).locator(
            ".picture svg :is(path, circle, line, polyline)"
        )
        texts: list[list[str | None]] = marks.evaluate_all(
            "(all) => all.map((each) => ['d', 'cx', 'cy', 'x1', 'y1', 'x2', 'y2']"
            ".map((name) => each.getAttribute(name)))"
        )
        return texts

    def open_at(path: str) -> Page:
        page = open_page(path)
        page.get_by_role("figure", name=figure).scroll_into_view_if_needed()
        rest(page)
        assert len(drawn(page)) > 5
        return page

    mine = open_at(path)
    for name in controls:
        before, picture = mine.url, drawn(mine)
        mine.get_by_role("figure", name=figure).get_by_role("button", name=name).click()
        mine.wait_for_url(lambda url, before=before: url != before)  # type: ignore[misc]
        await_condition(lambda old=picture: drawn(mine) != old, 60, "another picture")  # type: ignore[misc]
    theirs = open_at(mine.url)
    assert drawn(theirs) == drawn(mine)


@pytest.mark.journey
def test_the_first_run_is_the_one_that_the_api_trains(open_page: Opened, url: str) -> None:
    page = open_page("/?start.seed=3")
    expect(page.get_by_test_id("first-epoch")).to_have_text("400")
    layers = [
        {"type": "dense", "units": 12, "activation": "tanh"},
        {"type": "dense", "units": 12, "activation": "tanh"},
        {"type": "dense", "units": 1, "activation": "sigmoid"},
    ]
    request_body = {
        "network": {"input_shape": [2], "layers": layers},
        "dataset": {"name": "spiral", "samples": 200, "noise": 0.05},
        "optimizer": {"type": "adam", "learning_rate": 0.02},
        "epochs": 400,
        "seed": 3,
    }
    answer = ask(url, "/course/v1/simulate/training", request_body)

    def loss() -> float:
        return float(page.get_by_test_id("first-loss").inner_text())

    assert loss() == pytest.approx(answer["train_loss"][-1], rel=5e-3)
    page.get_by_role("slider", name="Loss by epoch").press("Home")
    expect(page.get_by_test_id("first-epoch")).to_have_text("0")
    assert loss() == pytest.approx(answer["train_loss"][0], rel=5e-3)
    figure = page.get_by_role("figure", name="A network learns")
    expect(figure.get_by_role("button", name="Play again")).to_have_count(0)
    page.emulate_media(reduced_motion="no-preference")
    expect(figure.get_by_role("button", name="Play again")).to_be_visible()
    expect(page.get_by_test_id("first-epoch")).to_have_text("400")


def test_a_page_without_a_framework_trains_xor(open_page: Opened) -> None:
    page = open_page("/examples/plain.html")
    page.get_by_role("button", name="Train").click()
    expect(page.get_by_role("status")).to_contain_text("Epoch 2000")
    answers = page.locator("pre")
    expect(answers).to_contain_text("1,1 → 0.0")
    lines = [line.split(" → ") for line in answers.inner_text().splitlines()]
    assert [(inputs, round(float(answer))) for inputs, answer in lines] == [
        ("0,0", 0),
        ("0,1", 1),
        ("1,0", 1),
        ("1,1", 0),
    ]
    drawn = page.evaluate("document.querySelector('polyline').points.numberOfItems")
    assert 100 < drawn <= 2000
    assert violations(page) == []


def test_a_lost_connection_is_shown_until_it_is_restored(open_alone: Opened) -> None:
    page = open_alone("/#neuron")
    weight = page.get_by_label("w₁", exact=True)
    product = page.get_by_test_id("product-1").locator(".number")
    expect(product).to_have_text("0.700")
    bar = page.locator("header").get_by_role("status")
    expect(bar).to_be_empty()
    rest(page)  # an interrupted download would have to start again
    open_alone.excuse("ERR_INTERNET")
    page.context.set_offline(True)
    weight.press("ArrowRight")
    expect(bar).to_contain_text("Reconnecting")
    alert = page.get_by_role("figure", name="One neuron").get_by_role("alert")
    expect(alert).to_contain_text("The service is not answering")
    expect(product).to_have_text("0.700")
    page.context.set_offline(False)
    expect(bar).to_be_empty()
    expect(product).to_have_text("0.710")
    expect(page.get_by_role("alert")).to_have_count(0)


def test_single_keys_train_find_and_are_listed_and_can_be_turned_off(open_page: Opened) -> None:
    page = open_page("/lab")
    expect(page.get_by_role("button", name="Train", exact=True)).to_be_enabled()
    page.get_by_role("button", name="Keys", exact=True).click()
    keys = page.get_by_role("dialog", name="Keys of this page")
    expect(keys.get_by_role("definition")).to_contain_text(
        ["List these keys", "Find a run", "Move inside a group", "Type the number of a slider"]
    )
    expect(keys.get_by_role("definition")).to_contain_text(
        ["List these keys", "Find a run", "Move inside a group", "Train or pause"]
    )
    assert violations(page) == []
    fits(page, PHONE)
    page.keyboard.press("t")  # in the dialog, it does nothing
    keys.get_by_label("Use single keys").uncheck()
    page.keyboard.press("Escape")
    expect(keys).to_be_hidden()
    page.keyboard.press("/")
    page.keyboard.press("t")
    page.keyboard.press("?")
    expect(keys).to_be_visible()
    keys.get_by_label("Use single keys").check()
    page.keyboard.press("Escape")
    expect(page).to_have_url(re.compile("/lab"))
    page.keyboard.press("t")
    page.wait_for_url("**lab.job=*")
    page.keyboard.press("/")
    field = page.get_by_role("searchbox")
    expect(field).to_be_focused()
    page.keyboard.type("t/?")
    expect(field).to_have_value("t/?")
    expect(keys).to_be_hidden()
