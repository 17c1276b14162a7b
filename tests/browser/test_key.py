"""The page of a service that needs an API key."""

import re

import pytest
from playwright.sync_api import Page, expect
from tests.browser.conftest import Locked, Opened, suits_every_screen

import epochal


@pytest.mark.journey
def test_the_page_asks_for_a_key_and_works_with_it_until_it_is_forgotten(
    locked: Locked, open_locked: Opened
) -> None:
    page = open_locked("/jobs")
    dialog = page.get_by_role("dialog", name="This service needs an API key")
    expect(dialog).to_be_visible()
    page.keyboard.press("Escape")
    expect(dialog).to_be_visible()
    field = dialog.get_by_label("API key")
    field.fill(f"ep_{'0' * 12}_{'0' * 64}")
    dialog.get_by_role("button", name="Continue").click()
    expect(dialog.get_by_role("alert")).to_contain_text("mistyped, expired or revoked")

    field.fill(locked.keys["laptop"])
    field.press("Enter")
    expect(page.get_by_role("heading", level=1)).to_be_visible()
    expect(dialog).to_have_count(0)
    with epochal.Client(locked.stack.http, api_key=locked.keys["laptop"]) as client:
        job = client.jobs.create({**client.preset("xor"), "epochs": 400})
    page.goto(f"/jobs/{job.id}")
    expect(page.get_by_text("Finished").first).to_be_visible()

    page.get_by_role("button", name="Forget the API key").click()
    expect(dialog).to_be_visible()


def test_the_question_for_a_key_suits_every_screen(open_locked: Opened) -> None:
    page = open_locked("/jobs")
    expect(page.get_by_role("dialog", name="This service needs an API key")).to_be_visible()
    suits_every_screen(page)


def open_with_key(open_locked: Opened, path: str, key: str) -> Page:
    """Open a page and enter a key when it asks for one."""
    page = open_locked(path)
    field = page.get_by_role("dialog", name="This service needs an API key").get_by_label("API key")
    field.fill(key)
    field.press("Enter")
    return page


@pytest.fixture(scope="module")
def runs(locked: Locked) -> dict[str, str]:
    """A run of each pupil of a class, by owner."""
    made = {}
    for owner in ("10b.01", "10b.02"):
        with epochal.Client(locked.stack.http, api_key=locked.keys[owner]) as client:
            made[owner] = client.jobs.create({**client.preset("xor"), "epochs": 20}).wait().id
    return made


def test_a_teacher_sees_whose_run_it_is_and_a_pupil_sees_no_owners(
    locked: Locked, runs: dict[str, str], open_locked: Opened
) -> None:
    for owner, count in (("10b", 2), ("10b.01", 1)):
        page = open_with_key(open_locked, "/jobs", locked.keys[owner])
        rows = page.get_by_role("list", name="Runs").get_by_role("listitem")
        expect(rows).to_have_count(count)
        of_pupil = page.get_by_role("button", name="10b.02", exact=True)
        expect(of_pupil).to_have_count(count - 1)
        if owner == "10b":
            suits_every_screen(page)
            of_pupil.click()
            expect(rows).to_have_count(1)
            rows.get_by_role("link").click()
            expect(page.get_by_text("Run of 10b.02.")).to_be_visible()
            page.get_by_role("link", name="10b.02", exact=True).click()
            page.get_by_role("button", name="Runs of 10b.02: remove this filter").click()
            expect(rows).to_have_count(2)


def test_nothing_is_offered_that_the_key_may_not_do(
    locked: Locked, runs: dict[str, str], open_locked: Opened
) -> None:
    job = runs["10b.02"]
    to_read = ("--owner", "10b.02", "--scope", "read")
    viewer = locked.stack.run("keys", "create", "viewer", *to_read).strip()
    # The key; why it may not change the run; whether it may train.
    for key, reason, trains in (
        (locked.keys["10b.02"], None, True),
        (locked.keys["10b"], "Only 10b.02 may change this", True),
        (viewer, "This API key may only read", False),
    ):
        page = open_with_key(open_locked, f"/jobs/{job}", key)
        header = page.locator("header.masthead")
        expect(header.get_by_text("Finished").first).to_be_visible()
        if reason:
            expect(header.get_by_text(reason)).to_be_visible()
        offered = 0 if reason else 1
        for name in ("Rename", "Delete"):
            expect(header.get_by_role("button", name=name, exact=True)).to_have_count(offered)
        fork = page.get_by_role("button", name=re.compile("^Fork from epoch"))
        expect(fork).to_have_count(offered)
        expect(page.get_by_role("button", name=re.compile("^Rerun with"))).to_have_count(
            int(trains)
        )
        if not trains:
            suits_every_screen(header)

        page.goto("/jobs")
        rows = page.get_by_role("list", name="Runs").get_by_role("listitem")
        of_pupil = rows.filter(has=page.locator(f'a[href="/jobs/{job}"]'))
        expect(of_pupil.get_by_role("link")).to_be_visible()
        delete = of_pupil.get_by_role("button", name=re.compile("^Delete"))
        expect(delete).to_have_count(offered)

        page.goto("/lab")
        bar = page.get_by_role("region", name="Run")
        if not trains:
            expect(bar.get_by_text("This API key may only read")).to_be_visible()
        expect(bar.get_by_role("button", name="Train", exact=True)).to_have_count(int(trains))


def test_a_view_link_shows_one_run_without_another_key_until_it_is_revoked(
    locked: Locked, runs: dict[str, str], open_locked: Opened
) -> None:
    page = open_with_key(open_locked, f"/jobs/{runs['10b.01']}", locked.keys["10b.01"])
    page.get_by_role("button", name="Share", exact=True).click()
    share = page.get_by_role("region", name="Share this run")
    share.get_by_role("button", name="Make a view link").click()
    link = share.get_by_role("textbox", name="This page").input_value()
    framed = share.get_by_role("textbox", name="Embed").input_value()
    assert f"/embed/jobs/{runs['10b.01']}#key=ep_" in framed
    suits_every_screen(share)

    viewer = open_locked(link.removeprefix(locked.stack.http))
    expect(viewer.get_by_text("Finished").first).to_be_visible()
    expect(viewer).to_have_url(re.compile(r"/jobs/job_\w+$"))
    for name in ("Share", "Delete", "Rename"):
        expect(viewer.get_by_role("button", name=name, exact=True)).to_have_count(0)

    share.get_by_role("button", name="Revoke").click()
    expect(share.get_by_role("button", name="Revoke")).to_have_count(0)
    open_locked.excuse("401")
    viewer.reload()
    expect(viewer.get_by_role("dialog", name="This service needs an API key")).to_be_visible()


def test_without_the_scope_of_an_admin_the_workers_stay_hidden(
    locked: Locked, open_locked: Opened
) -> None:
    open_locked.excuse("403")
    page = open_with_key(open_locked, "/service", locked.keys["laptop"])
    expect(page.get_by_role("list", name="Components")).to_be_visible()
    expect(page.get_by_role("alert")).to_contain_text(re.compile("the method needs admin"))
    expect(page.get_by_role("list", name="Workers")).to_have_count(0)
