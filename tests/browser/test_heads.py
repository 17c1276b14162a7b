"""The picture in each section's head: numbers of the service, finished, and played once."""

import json
import re

from playwright.sync_api import Locator, Page, expect
from tests.browser.conftest import PHONE, WIDE, Opened, ask, barrier_free, fits, rest


def head(page: Page, section: str) -> Locator:
    return page.locator(f"#{section} > header")


def caption(page: Page, section: str) -> Locator:
    return head(page, section).locator(".head-picture .caption")


FINISHED = {
    "network": r"4 hidden units: mean squared error 0\.000\d+",
    "neuron": r"AND, epoch 6: 0 of 4 on the wrong side",
    "activations": r"Input 2\.00",
    "architecture": r"GPT-4, 2023: 1\.8 trillion parameters, an estimate",
    "forward": r"Output: class 0 with 54\.9 %, class 1 with 45\.1 %",
    "loss": r"Prediction 0\.99, target 1: cross-entropy 0\.01, squared error 0\.00",
    "backpropagation": r"Hidden 1: gradient norm 0\.2112",
    "training": r"Epoch 300: loss .* at 0\.01, .* at 0\.32, .* at 10",
    "zoo": r"The digit 3, with 9\d\.\d %",
    "timeline": r"2024–26, Today's models: 1 trillion parameters",
    "language": r"After 4 epochs: [a-z]+\.",
}
"""The caption of the finished picture of each section."""


def opened(open_page: Opened, section: str, size: dict[str, int] = WIDE) -> Page:
    page = open_page(f"/#{section}", size)
    expect(caption(page, section)).to_have_text(re.compile(FINISHED[section]))
    return page


def test_on_a_phone_the_picture_is_below_the_text(open_page: Opened) -> None:
    page = opened(open_page, "zoo", PHONE)
    text = head(page, "zoo").locator(".lead").bounding_box()
    place = head(page, "zoo").locator("[role=img]").bounding_box()
    assert text is not None
    assert place is not None
    assert place["y"] > text["y"] + text["height"]
    fits(page, PHONE)
    barrier_free(page.locator("#zoo > header"))


def test_the_numbers_in_the_head_of_the_timeline_are_those_of_the_service(
    open_page: Opened, url: str
) -> None:
    entries = ask(url, "/course/v1/timeline")["entries"]
    sized = [
        entry for entry in entries if any(fact["unit"] == "parameters" for fact in entry["facts"])
    ]
    known = [entry for entry in sized if entry["has_published_size"]]
    assert [entry["id"] for entry in sized if entry not in known] == ["chatgpt"]
    page = opened(open_page, "timeline")
    expect(head(page, "timeline").locator("circle")).to_have_count(len(known))
    expect(head(page, "timeline").locator("line.open")).to_have_count(1)


def test_the_letters_in_the_head_of_the_last_section_are_those_of_a_stored_run(
    open_page: Opened, url: str
) -> None:
    exhibits = ask(url, "/course/v1/preset-experiments/gpt-2018/results")["exhibits"]
    names = [json.loads(call["reply"])["samples"][6]["text"] for call in exhibits[0]["calls"]]
    page = opened(open_page, "language")
    letters = head(page, "language").locator("text.letter").all_text_contents()
    assert "".join(letters) == "".join(names).replace(".", "")


def test_a_head_plays_once_and_is_finished_when_it_leaves_the_view(open_page: Opened) -> None:
    page = open_page("/#loss", reduced_motion="no-preference")
    expect(caption(page, "loss")).to_have_text(re.compile(r"Prediction 0\.[0-4]"))
    page.evaluate("scrollBy({ top: 2000, behavior: 'instant' })")
    expect(caption(page, "loss")).to_have_text(re.compile(FINISHED["loss"]))
    page.evaluate("scrollBy({ top: -2000, behavior: 'instant' })")
    rest(page)
    assert re.fullmatch(FINISHED["loss"], caption(page, "loss").inner_text())


def test_with_less_motion_a_head_never_moves(open_alone: Opened) -> None:
    page = open_alone("/jobs")
    page.add_init_script(
        """window.captions = new Set()
        new MutationObserver(() => {
            const caption = document.querySelector('#forward > header .head-picture .caption')
            if (caption?.textContent) window.captions.add(caption.textContent)
        }).observe(document, { subtree: true, childList: true, characterData: true })"""
    )
    page.goto("/#forward")
    expect(caption(page, "forward")).to_have_text(re.compile(FINISHED["forward"]))
    rest(page)
    assert len(page.evaluate("[...window.captions]")) == 1


def test_the_line_of_the_timeline_does_not_claim_a_size_for_chatgpt(open_page: Opened) -> None:
    page = open_page("/#timeline")
    figure = page.get_by_role("figure", name="Parameters of the networks")
    expect(figure.locator("svg")).to_contain_text("ChatGPT: not published")
    figure.get_by_role("button", name="Table").press("Enter")
    row = figure.get_by_role("row").filter(has_text="ChatGPT")
    expect(row).to_contain_text("not published")
    expect(row).not_to_contain_text("175")
