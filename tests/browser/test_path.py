"""The path: the first screen of each chapter, its prediction, and the parts below."""

import re

import pytest
from playwright.sync_api import Page, expect
from tests.browser.conftest import PHONE, WIDE, Opened, barrier_free, rest

from epochal_course.content.sections import TEXTS


def see_first_screens(page: Page) -> None:
    """Load the first screen of each chapter."""
    for section in page.locator("main > section[id]").all():
        section.scroll_into_view_if_needed()
        expect(section.locator("> .body.waiting")).to_have_count(0)
        expect(section.get_by_test_id("finding")).to_be_attached()
    rest(page)


@pytest.mark.parametrize(("size", "screens"), [(WIDE, 25), (PHONE, 40)])
def test_the_journey_opens_with_a_screen_or_two_for_each_chapter(
    open_page: Opened, size: dict[str, int], screens: int
) -> None:
    page = open_page("/", size)
    see_first_screens(page)
    height = page.evaluate("document.documentElement.scrollHeight") / size["height"]
    assert 11 < height <= screens
    expect(page.get_by_role("button", name="Deeper")).to_have_count(len(TEXTS))


@pytest.mark.journey
def test_a_reader_predicts_tries_and_reads_what_it_showed(open_page: Opened) -> None:
    text = TEXTS["neuron"]
    page = open_page("/#neuron")
    section = page.locator("#neuron")
    finding = section.get_by_test_id("finding")
    expect(finding).to_contain_text(text["task"])
    section.get_by_role("button", name="the weights").press("Enter")
    section.get_by_role("button", name="Table").first.press("Enter")
    section.get_by_role("button", name="Table").first.press("Enter")
    expect(finding).not_to_contain_text(text["finding"])
    section.get_by_label("x₁", exact=True).press("ArrowRight")
    expect(finding).to_contain_text(f"Not “the weights”: the bias. {text['finding']}")
    section.get_by_role("button", name="the bias").press("Enter")
    expect(finding).to_contain_text("As you expected.")
    barrier_free(section)


def test_the_answer_is_shown_without_a_try(open_page: Opened) -> None:
    section = open_page("/#loss").locator("#loss")
    section.get_by_role("button", name="13", exact=True).click()
    section.get_by_role("button", name="Show the answer").click()
    expect(section.get_by_test_id("finding")).to_contain_text(TEXTS["loss"]["finding"])


@pytest.mark.journey
def test_the_address_of_a_part_opens_its_chapter_and_less_closes_it(open_page: Opened) -> None:
    page = open_page("/#neuron-gates")
    title = page.get_by_role("heading", name=TEXTS["neuron"]["parts"]["gates"])
    expect(title).to_be_in_viewport()
    section = page.locator("#neuron")
    expect(section.get_by_test_id("questions")).to_be_attached()
    section.get_by_role("button", name="Less").last.click()
    expect(title).to_have_count(0)
    page.wait_for_url("**/#neuron")
    expect(section.get_by_role("button", name="Deeper")).to_be_focused()
    section.get_by_role("link", name=TEXTS["neuron"]["parts"]["gates"]).click()
    expect(title).to_be_in_viewport()


def test_a_chapter_stays_open_over_a_reload_and_its_address_opens_it_elsewhere(
    open_page: Opened, open_alone: Opened
) -> None:
    page = open_page("/#loss")
    page.locator("#loss").get_by_role("button", name="Deeper").click()
    page.wait_for_url("**/#loss-deeper")
    title = page.get_by_role("heading", name=TEXTS["loss"]["parts"]["text"])
    expect(title).to_be_attached()
    page.reload()
    expect(title).to_be_attached()
    elsewhere = open_alone(page.url)
    expect(elsewhere.get_by_role("heading", name=TEXTS["loss"]["parts"]["text"])).to_be_attached()


def test_a_key_finds_a_part_of_any_chapter_and_enter_leads_there(open_page: Opened) -> None:
    page = open_page("/")
    page.keyboard.press("/")
    page.keyboard.type("residual")
    contents = page.get_by_role("navigation", name="Contents")
    expect(contents.get_by_role("link")).to_have_count(1)
    contents.get_by_role("link").press("Enter")
    title = TEXTS["language"]["parts"]["stream"]
    expect(page.get_by_role("heading", name=title)).to_be_in_viewport()
    page.keyboard.press("/")
    page.keyboard.type(" and what else")
    expect(contents).to_contain_text("No title has these words.")


def test_chapters_are_reached_from_every_page(open_page: Opened) -> None:
    page = open_page("/jobs")
    page.get_by_role("button", name="Chapters").click()
    page.get_by_role("navigation", name="menu").get_by_role("link", name="Zoo").click()
    expect(page.get_by_role("heading", name="The architecture zoo")).to_be_in_viewport()
    for name, path in (("Experiments", "/experiments"), ("API", "/docs"), ("Learn", "/")):
        page.get_by_role("banner").get_by_role("link", name=name, exact=True).click()
        page.wait_for_url(re.compile(f"{path}$"))


@pytest.mark.journey
def test_a_word_opens_its_meaning_and_leads_to_where_it_is_computed(open_page: Opened) -> None:
    page = open_page("/#timeline-deeper")
    page.get_by_role("button", name="AI winter").press("Enter")
    note = page.get_by_role("note").filter(has_text="Lighthill report of 1973")
    expect(note).to_be_visible()
    page.keyboard.press("Escape")
    expect(note).to_be_hidden()
    words = page.locator("#glossary")
    words.get_by_text("Words of the course").click()
    entry = words.locator("div", has=page.get_by_text("perplexity", exact=True))
    entry.get_by_role("link").click()
    title = TEXTS["loss"]["parts"]["text"]
    expect(page.get_by_role("heading", name=title)).to_be_in_viewport()
    expect(page.locator("#loss").get_by_role("button", name="perplexity")).to_be_attached()
