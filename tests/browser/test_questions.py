"""The service answers the questions at the end of a section; Questions.test.ts has the rest."""

from typing import Any

import pytest
from playwright.sync_api import Locator, Page, expect
from tests.browser.conftest import Opened, ask


def check(url: str, section: str, question: str, answer: float) -> dict[str, Any]:
    checked: dict[str, Any] = ask(
        url, f"/course/v1/sections/{section}/answers", {"question": question, "answer": answer}
    )
    return checked


def card(page: Page, question: str) -> Locator:
    card = page.get_by_test_id(f"question-{question}")
    card.scroll_into_view_if_needed()
    return card


@pytest.mark.journey
def test_a_correct_number_typed_by_keyboard_is_explained(open_page: Opened, url: str) -> None:
    page = open_page.section("/#neuron-deeper")
    question = card(page, "weighted-sum")
    box = question.get_by_role("textbox")
    box.focus()
    page.keyboard.type("0,75")  # as half of Europe writes it
    page.keyboard.press("Enter")
    expect(question).to_contain_text("Correct.")
    expected = check(url, "neuron", "weighted-sum", 0.75)
    assert expected["is_correct"]
    shown = question.get_by_test_id("explanation")
    expect(shown).to_contain_text(expected["explanation"].replace("-", "−"))
    expect(shown).to_contain_text(expected["path"])
    expect(page.locator("#neuron").get_by_test_id("score")).to_contain_text("1 of 4")
