"""The page of a class: the forms of a pupil by keyboard, and the board of the teacher."""

import re
from pathlib import Path

from playwright.sync_api import expect
from tests.browser.conftest import Locked, Opened, suits_every_screen
from tests.browser.test_exercises import enter


def test_a_pupil_answers_both_forms_and_the_teacher_sees_the_class(
    open_locked: Opened, locked: Locked, tmp_path: Path
) -> None:
    pupil = open_locked("/class")
    enter(pupil, locked.keys["10b.01"])
    for heading in ("Four questions before the lesson", "Four questions after the lesson"):
        expect(pupil.get_by_role("heading", level=2)).to_have_text(heading)
        send = pupil.get_by_role("button", name="Send")
        expect(send).to_be_disabled()
        if "before" in heading:
            suits_every_screen(pupil)
        pupil.get_by_role("radio").first.focus()
        for _ in range(4):
            pupil.keyboard.press("Space")
            pupil.keyboard.press("Tab")
        expect(send).to_be_focused()
        pupil.keyboard.press("Enter")
    expect(pupil.get_by_text("You have answered both forms")).to_be_visible()
    pupil.goto(f"{locked.stack.http}/#neuron")
    question = pupil.locator("#neuron").get_by_role("group").filter(has_text="All inputs are 0")
    question.get_by_role("button", name="the bias").click()

    teacher = open_locked("/class")
    enter(teacher, locked.keys["10b"])
    row = teacher.get_by_role("row").filter(has=teacher.get_by_role("rowheader", name="10b.01"))
    expect(row).to_contain_text("The single neuron")
    expect(row).to_contain_text("before, after")
    expect(teacher.get_by_test_id("statement")).to_contain_text("Only one pupil has")
    suits_every_screen(teacher)
    with teacher.expect_download() as saved:
        teacher.get_by_role("button", name="Save as CSV").click()
    saved.value.save_as(tmp_path / "class.csv")
    header, first, _ = (tmp_path / "class.csv").read_text().splitlines()
    assert header.startswith("pupil,chapter,programmed_before,programmed_after,storage_before")
    assert re.match(r"10b\.01,neuron,([01],){8}", first)
    teacher.get_by_role("button", name="Delete the class").click()
    expect(teacher.get_by_role("group", name="Delete the class?")).to_contain_text(
        "This deletes 2 pupils"
    )
    teacher.get_by_role("button", name="Keep it").click()


def test_without_a_class_the_page_says_how_to_make_one(open_locked: Opened, locked: Locked) -> None:
    page = open_locked("/class")
    enter(page, locked.keys["laptop"])
    expect(page.get_by_text("epochald keys create --class")).to_be_visible()
    suits_every_screen(page)
