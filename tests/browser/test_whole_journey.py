"""The properties of all sections, on one page that has loaded them."""

import re
from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, Page, expect
from tests.browser.conftest import WIDE, Opened, ask, see_everything, suits_every_screen
from tests.browser.test_heads import FINISHED, caption, head

from epochal_course.content.sections import TEXTS


@pytest.fixture(scope="module")
def journey(chromium: Browser, url: str) -> Iterator[Page]:
    """A page that the tests of this file only read."""
    opened = Opened(chromium, url)
    page = opened()
    see_everything(page)
    yield page
    opened.close()
    assert opened.complaints == []


def test_each_head_has_a_finished_picture_with_a_name_beside_its_text(journey: Page) -> None:
    slugs = journey.locator("section[id]").evaluate_all("(all) => all.map(({ id }) => id)")
    assert slugs == [*FINISHED]
    for section, text_of_caption in FINISHED.items():
        expect(caption(journey, section)).to_have_text(re.compile(text_of_caption))
        picture = head(journey, section).locator(".head-picture > [role=img]")
        assert len(picture.get_attribute("aria-label") or "") > 40
        text = head(journey, section).locator(".lead").bounding_box()
        place = picture.bounding_box()
        drawn = picture.locator("svg, .stages").first.bounding_box()
        assert text is not None
        assert place is not None
        assert drawn is not None
        assert place["x"] > text["x"] + text["width"]
        assert place["x"] + place["width"] > 0.9 * WIDE["width"]
        assert drawn["width"] <= place["width"] + 1


def test_every_section_asks_what_the_api_asks(journey: Page, url: str) -> None:
    for section in ask(url, "/course/v1/sections")["sections"]:
        place = journey.locator(f"#{section['id']}")
        cards = place.get_by_test_id("questions").locator("li")
        # A minus of the page is not a hyphen.
        texts = [
            re.compile(re.escape(re.sub(r"(?<=\s)-(?=\d)", "−", item["text"])))
            for item in ask(url, f"/course/v1/sections/{section['id']}")["questions"]
        ]
        assert texts
        expect(cards).to_have_text(texts)


def test_no_number_of_the_journey_is_written_as_a_machine_would(journey: Page) -> None:
    text = journey.locator("main").inner_text()
    assert "×10" in text or "10⁻" in text
    # 1.2e-05 and -0.3: a person writes a power of ten, and a minus that is not a hyphen.
    assert re.findall(r".*\de[-−+]?\d.*", text) == []
    assert re.findall(r"(?:^|[\s(=])-\.?\d.*", text) == []


def test_it_suits_every_screen(journey: Page) -> None:
    suits_every_screen(journey)


def test_each_chapter_lists_the_parts_that_it_has(journey: Page) -> None:
    parts = journey.locator(".content-block > .text > h3")
    shown = parts.evaluate_all("(all) => all.map(({ id, innerText }) => [id, innerText])")
    listed = [
        [f"{section}-{part}", title]
        for section, text in TEXTS.items()
        for part, title in text["parts"].items()
    ]
    assert shown == listed
