"""Figures with steps open finished, and play once when they come into view."""

import pytest
from playwright.sync_api import Locator, Page, expect
from tests.browser.conftest import Opened, rest

SECTIONS = {
    "Learning steps": "neuron",
    "Forward pass": "forward",
    "Backward pass": "backpropagation",
    "Training, phase by phase": "training",
    "Time steps": "zoo",
    "Filter position": "zoo",
}
"""The section of each figure, by the name of its steps."""
CHOSEN = 42
"""A convolution is finished at every step: it opens where the filter meets the digit."""


def slider(page: Page, name: str) -> Locator:
    return page.get_by_role("slider", name=f"{name}: step")


def button(page: Page, name: str, action: str) -> Locator:
    return page.get_by_role("group", name=name, exact=True).get_by_role("button", name=action)


def show(page: Page, name: str) -> None:
    """Move the figure to the middle of the window at once."""
    slider(page, name).evaluate(
        "(it) => it.closest('figure').scrollIntoView({block: 'center', behavior: 'instant'})"
    )


def allow_motion(page: Page, name: str) -> None:
    """Go to the start of the page when all that is near the figure is loaded, and allow motion."""
    rest(page)
    page.mouse.wheel(0, 1)  # a reader who scrolls leaves the section that the address names
    show(page, name)
    rest(page)
    page.evaluate("scrollTo({ top: 0, behavior: 'instant' })")
    await_notice(page)  # or the figure, which is still in view as far as it knows, would play now
    page.emulate_media(reduced_motion="no-preference")


def visit(page: Page, name: str) -> None:
    """Move to the figure."""
    show(page, name)
    await_notice(page)


def await_notice(page: Page) -> None:
    """Wait until the page has noticed what is in view."""
    page.evaluate(
        """() => new Promise((notice) =>
            requestAnimationFrame(() => requestAnimationFrame(() => setTimeout(notice))))"""
    )


def finished(name: str, steps: Locator) -> str:
    return str(CHOSEN) if name == "Filter position" else steps.get_attribute("max") or ""


@pytest.mark.parametrize("name", SECTIONS)
def test_a_figure_opens_finished_plays_in_view_and_ends_finished(
    open_page: Opened, name: str
) -> None:
    page = open_page(f"/#{SECTIONS[name]}-deeper")
    steps = slider(page, name)
    expect(steps).not_to_have_attribute("max", "0")
    end = finished(name, steps)
    expect(steps).to_have_value(end)
    allow_motion(page, name)
    visit(page, name)
    expect(button(page, name, "Pause")).to_be_visible()
    assert int(steps.input_value()) < int(end)
    page.evaluate("scrollTo({ top: 0, behavior: 'instant' })")
    expect(button(page, name, "Play")).to_be_visible()
    expect(steps).to_have_value(end)
    # The address of a figure that nobody has touched has no state.
    page.wait_for_url(lambda address: "?" not in address)


def test_a_figure_does_not_play_from_the_step_in_its_address(open_page: Opened) -> None:
    page = open_page("/?backward.step=3#backpropagation")
    allow_motion(page, "Backward pass")
    visit(page, "Backward pass")
    expect(page.get_by_test_id("reading")).to_contain_text("hidden 2, unit 1")
    expect(button(page, "Backward pass", "Play")).to_be_visible()
    expect(slider(page, "Backward pass")).to_have_value("3")


def test_a_step_of_the_reader_ends_the_play(open_page: Opened) -> None:
    page = open_page("/#backpropagation-deeper")
    allow_motion(page, "Backward pass")
    visit(page, "Backward pass")
    expect(button(page, "Backward pass", "Pause")).to_be_visible()
    slider(page, "Backward pass").press("End")
    expect(button(page, "Backward pass", "Play")).to_be_visible()
    slider(page, "Backward pass").press("Home")
    page.evaluate("scrollTo({ top: 0, behavior: 'instant' })")
    visit(page, "Backward pass")
    expect(button(page, "Backward pass", "Play")).to_be_visible()
    expect(slider(page, "Backward pass")).to_have_value("0")


def test_a_figure_that_is_still_in_part_in_view_plays_on_to_its_end_and_plays_once(
    open_page: Opened,
) -> None:
    page = open_page("/#backpropagation-deeper")
    allow_motion(page, "Backward pass")
    visit(page, "Backward pass")
    expect(button(page, "Backward pass", "Pause")).to_be_visible()
    steps = slider(page, "Backward pass")
    steps.evaluate(
        """(it) => {
            const {top, height} = it.closest('figure').getBoundingClientRect()
            scrollBy({ top: top + 0.9 * height, behavior: 'instant' })
        }"""
    )
    seen = int(steps.input_value())
    expect(steps).to_have_value(str(seen + 1))
    expect(button(page, "Backward pass", "Pause")).to_be_visible()
    for _ in range(2):
        button(page, "Backward pass", "Speed").click()
    expect(button(page, "Backward pass", "Play")).to_be_visible()
    end = steps.get_attribute("max") or ""
    expect(steps).to_have_value(end)
    page.evaluate("scrollTo({ top: 0, behavior: 'instant' })")
    visit(page, "Backward pass")
    expect(steps).to_have_value(end)
    expect(button(page, "Backward pass", "Play")).to_be_visible()
