"""The questions at the end of every section, which the service answers."""

from typing import Any

import pytest
from playwright.sync_api import Locator, Page, expect
from tests.browser.conftest import Opened, ask


def check(url: str, section: str, question: str, answer: float) -> dict[str, Any]:
    checked: dict[str, Any] = ask(
        url, f"/v1/sections/{section}/answers", {"question": question, "answer": answer}
    )
    return checked


def card(page: Page, question: str) -> Locator:
    card = page.get_by_test_id(f"question-{question}")
    card.scroll_into_view_if_needed()
    return card


def test_an_explanation_writes_its_numbers_as_a_person_would(open_page: Opened, url: str) -> None:
    page = open_page("/#activations")
    question = card(page, "chain-of-ten")
    question.get_by_role("button", name="no").click()
    assert "3.483e-07" in check(url, "activations", "chain-of-ten", 1)["explanation"]
    expect(question.get_by_test_id("explanation")).to_contain_text("3.483×10⁻⁷")


@pytest.mark.journey
def test_a_correct_number_typed_by_keyboard_is_explained(open_page: Opened, url: str) -> None:
    page = open_page("/#neuron")
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


def test_a_wrong_choice_can_be_changed_before_the_explanation(open_page: Opened, url: str) -> None:
    page = open_page("/#neuron")
    question = card(page, "xor-by-one")
    question.get_by_role("button", name="yes", exact=True).press("Enter")
    expect(question).to_contain_text("Not correct.")
    expect(question.get_by_test_id("explanation")).to_have_count(0)
    question.get_by_role("button", name="no", exact=True).press("Enter")
    expect(question).to_contain_text("Correct.")
    reason = check(url, "neuron", "xor-by-one", 1)["explanation"]
    expect(question.get_by_test_id("explanation")).to_contain_text(reason)


def test_giving_up_shows_the_correct_answer(open_page: Opened, url: str) -> None:
    page = open_page("/#architecture")
    question = card(page, "parameters-of-3-4-4-2")
    question.get_by_role("textbox").fill("36")  # the weights without the biases
    question.get_by_role("button", name="Check").click()
    expect(question).to_contain_text("Not correct.")
    question.get_by_role("button", name="Show the explanation").click()
    expected = check(url, "architecture", "parameters-of-3-4-4-2", 36)
    assert expected["is_correct"] is False
    expect(question).to_contain_text(f"The answer is {expected['expected']:.0f} parameters.")
    expect(question.get_by_test_id("explanation")).to_contain_text("16 + 20 + 10 = 46")


def test_what_is_no_number_cannot_be_sent(open_page: Opened) -> None:
    page = open_page("/#neuron")
    question = card(page, "weighted-sum")
    box = question.get_by_role("textbox")
    box.fill("three quarters")
    expect(question.get_by_role("button", name="Check")).to_be_disabled()
    box.fill("3/4")
    expect(question.get_by_role("button", name="Check")).to_be_enabled()
