"""A teacher makes an exercise of a preset, a pupil solves it, and the teacher sees the marks."""

import json
from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, Page, expect
from tests.browser.conftest import PHONE, WIDE, Opened, barrier_free, fits
from tests.servers.stack import MakeStack, Stack

TITLE = "A perceptron cannot learn XOR"


@pytest.fixture(scope="module")
def school(chromium: Browser, module_stack: MakeStack) -> tuple[Stack, dict[str, str]]:
    """A service with a class, and the keys by owner."""
    stack = module_stack()
    created = stack.run("keys", "create", "--class", "10b", "--count", "2", "--json")
    return stack, {row["owner"]: row["key"] for row in json.loads(created)["keys"]}


@pytest.fixture
def opened(chromium: Browser, school: tuple[Stack, dict[str, str]]) -> Iterator[Opened]:
    opened = Opened(chromium, school[0].http)
    opened.excuse("401")
    yield opened
    opened.close()
    assert opened.complaints == []


def enter(page: Page, key: str) -> None:
    """Reload the page with an API key."""
    page.evaluate("key => localStorage.setItem('epochal.key', key)", key)
    page.reload()


@pytest.mark.parametrize("size", [WIDE, PHONE], ids=["wide", "phone"])
def test_an_exercise_is_made_missed_solved_and_marked(
    opened: Opened, school: tuple[Stack, dict[str, str]], size: dict[str, int]
) -> None:
    keys = school[1]
    teacher = opened("/experiments", size)
    enter(teacher, keys["10b"])
    teacher.get_by_role("link", name=f"Make an exercise of {TITLE}").click()
    teacher.get_by_label("Title").fill("How long must AND train?")
    teacher.get_by_role("checkbox", name="and: Epochs").check()
    teacher.get_by_label("and: Epochs").last.fill("1")
    fits(teacher, size)
    barrier_free(teacher)
    teacher.get_by_role("button", name="Create the exercise").click()
    teacher.wait_for_url("**/exercises/exr_*")
    link = teacher.url
    expect(teacher.get_by_role("rowheader", name="10b.02")).to_be_visible()

    pupil = opened("/experiments", size)
    enter(pupil, keys["10b.01"])
    pupil.get_by_role("list", name="Exercises").get_by_role("link").first.click()
    pupil.wait_for_url(link)
    expect(pupil.get_by_role("heading", level=1)).to_have_text("How long must AND train?")
    expect(pupil.get_by_role("button", name="Delete the exercise")).to_have_count(0)
    train = pupil.get_by_role("button", name="Train and check")
    train.click()
    expect(pupil.get_by_text("Not yet: change something")).to_be_visible()
    expect(train).to_be_enabled()
    pupil.get_by_label("and: Epochs").fill("20")
    train.click()
    expect(pupil.get_by_role("status").filter(has_text="Solved")).to_be_visible()
    expect(pupil.get_by_role("list", name="Attempts").get_by_role("listitem")).to_have_count(2)
    fits(pupil, size)
    barrier_free(pupil)

    row = teacher.get_by_role("row").filter(has=teacher.get_by_role("rowheader", name="10b.01"))
    expect(row).to_contain_text("Solved")
    expect(row.get_by_role("cell").first).to_have_text("2")
    fits(teacher, size)
    barrier_free(teacher)
    teacher.get_by_role("button", name="Delete the exercise").click()
    teacher.wait_for_url("**/experiments")
