"""The reference of the API: a method is found, read and sent, and the page is one link away."""

import json
import re

import pytest
from playwright.sync_api import expect
from tests.browser.conftest import Opened, ask, rest, suits_every_screen


@pytest.mark.journey
def test_a_method_is_found_read_and_sent_and_the_page_is_one_link_away(
    open_page: Opened, url: str
) -> None:
    page = open_page("/docs")
    count = sum(map(len, ask(url, "/openapi.json")["paths"].values()))
    expect(page.get_by_role("status").filter(has_text="methods")).to_have_text(
        f"{count} of {count} methods"
    )
    page.keyboard.press("/")
    page.keyboard.type("summarize layers")
    expect(page.get_by_role("main").get_by_role("button")).to_have_count(1)
    page.get_by_role("button", name="SummarizeNetwork").press("Enter")
    body = page.get_by_role("listitem").filter(has_text="SummarizeNetwork")
    body.locator("summary").get_by_text("NetworkSpec", exact=True).click()
    expect(body.get_by_text("input_shape", exact=True).first).to_be_visible()
    body.get_by_role("button", name="Send").click()
    reply = body.get_by_label("The reply")
    expect(reply).to_contain_text("parameters")
    request = json.loads(body.get_by_label("Body", exact=True).input_value())
    assert json.loads(reply.inner_text()) == ask(url, "/v1/networks/summarize", request)
    # A link to the method opens it; the bar leads back without a reload.
    page = open_page("/docs?docs.method=get_job")
    get_job = page.get_by_role("button", name="GetJob", exact=False).first
    expect(page.get_by_text("Replace {id} in the path.")).to_be_visible()
    expect(get_job).to_be_in_viewport()
    page.get_by_role("link", name="Lab", exact=True).click()
    expect(page).to_have_url(re.compile("/lab"))


def test_the_list_and_a_method_suit_every_screen(open_page: Opened) -> None:
    page = open_page("/docs")
    expect(page.get_by_role("heading", name="Jobs")).to_be_visible()
    rest(page)
    suits_every_screen(page)
    page.get_by_role("button", name="SummarizeNetwork").click()
    expect(page.get_by_role("button", name="Send")).to_be_visible()
    suits_every_screen(page)


def test_the_course_is_an_api_of_its_own(open_page: Opened, url: str) -> None:
    page = open_page("/docs")
    page.get_by_text("Course", exact=True).click()
    count = sum(map(len, ask(url, "/course/openapi.json")["paths"].values()))
    expect(page.get_by_role("status").filter(has_text="methods")).to_have_text(
        f"{count} of {count} methods"
    )
    expect(page.get_by_role("heading", name="Simulations")).to_be_visible()
    expect(page).to_have_url(re.compile("docs.api=course"))
