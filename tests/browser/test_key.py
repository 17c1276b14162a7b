"""The page of a service that needs an API key."""

import json
import re
from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, expect
from tests.browser.conftest import PHONE, WIDE, Opened, violations
from tests.servers.stack import MakeStack, Stack

import epochal


@pytest.fixture(scope="module")
def locked(chromium: Browser, module_stack: MakeStack) -> tuple[Stack, str]:
    """A service that needs keys, and a key."""
    stack = module_stack()
    key = stack.run("keys", "create", "laptop").strip()
    stack.stop()
    stack.environment["EPOCHAL_REQUIRE_KEYS"] = "1"
    stack.start()
    return stack, key


@pytest.fixture
def open_locked(chromium: Browser, locked: tuple[Stack, str]) -> Iterator[Opened]:
    opened = Opened(chromium, locked[0].http)
    opened.excuse("401")
    yield opened
    opened.close()
    assert opened.complaints == []


@pytest.mark.parametrize("size", [WIDE, PHONE], ids=["wide", "phone"])
def test_the_page_asks_for_a_key_and_works_with_it_until_it_is_forgotten(
    locked: tuple[Stack, str], open_locked: Opened, size: dict[str, int]
) -> None:
    page = open_locked("/jobs", size)
    dialog = page.get_by_role("dialog", name="This service needs an API key")
    expect(dialog).to_be_visible()
    assert violations(page) == []
    page.keyboard.press("Escape")
    expect(dialog).to_be_visible()
    field = dialog.get_by_label("API key")
    field.fill(f"ep_{'0' * 12}_{'0' * 64}")
    dialog.get_by_role("button", name="Continue").click()
    expect(dialog.get_by_role("alert")).to_contain_text("mistyped, expired or revoked")

    field.fill(locked[1])
    field.press("Enter")
    expect(page.get_by_role("heading", level=1)).to_be_visible()
    expect(dialog).to_have_count(0)
    with epochal.Client(locked[0].http, api_key=locked[1]) as client:
        job = client.jobs.create({**client.preset("xor"), "epochs": 400})
    page.goto(f"/jobs/{job.id}")
    expect(page.get_by_text("Finished").first).to_be_visible()

    page.get_by_role("button", name="Forget the API key").click()
    expect(dialog).to_be_visible()


@pytest.fixture(scope="module")
def school(chromium: Browser, module_stack: MakeStack) -> tuple[Stack, dict[str, str]]:
    """A service with a class, one run of each pupil, and the keys by owner."""
    stack = module_stack()
    created = stack.run("keys", "create", "--class", "10b", "--count", "2", "--json")
    keys = {row["owner"]: row["key"] for row in json.loads(created)["keys"]}
    for owner in ("10b.01", "10b.02"):
        with epochal.Client(stack.http, api_key=keys[owner]) as client:
            client.jobs.create({**client.preset("xor"), "epochs": 20}).wait()
    stack.stop()
    stack.environment["EPOCHAL_REQUIRE_KEYS"] = "1"
    stack.start()
    return stack, keys


@pytest.mark.parametrize("size", [WIDE, PHONE], ids=["wide", "phone"])
def test_a_teacher_sees_whose_run_it_is_and_a_pupil_sees_no_owners(
    chromium: Browser, school: tuple[Stack, dict[str, str]], size: dict[str, int]
) -> None:
    stack, keys = school
    for owner, runs in (("10b", 2), ("10b.01", 1)):
        opened = Opened(chromium, stack.http)
        opened.excuse("401")
        page = opened("/jobs", size)
        field = page.get_by_role("dialog").get_by_label("API key")
        field.fill(keys[owner])
        field.press("Enter")
        rows = page.get_by_role("list", name="Runs").get_by_role("listitem")
        expect(rows).to_have_count(runs)
        of_pupil = page.get_by_role("button", name="10b.02", exact=True)
        expect(of_pupil).to_have_count(runs - 1)
        if owner == "10b":
            assert violations(page) == []
            of_pupil.click()
            expect(rows).to_have_count(1)
            rows.get_by_role("link").click()
            expect(page.get_by_text("Run of 10b.02.")).to_be_visible()
            page.get_by_role("link", name="10b.02", exact=True).click()
            page.get_by_role("button", name="Runs of 10b.02: remove this filter").click()
            expect(rows).to_have_count(2)
        opened.close()
        assert opened.complaints == []


@pytest.mark.parametrize("size", [WIDE, PHONE], ids=["wide", "phone"])
def test_nothing_is_offered_that_the_key_may_not_do(
    chromium: Browser, school: tuple[Stack, dict[str, str]], size: dict[str, int]
) -> None:
    stack, keys = school
    to_read = ("--owner", "10b.02", "--scope", "read")
    viewer = stack.run("keys", "create", "viewer", *to_read).strip()
    with epochal.Client(stack.http, api_key=keys["10b.02"]) as client:
        [job] = client.jobs.list()
    # The key; why it may not change the run; whether it may train.
    for key, reason, trains in (
        (keys["10b.02"], None, True),
        (keys["10b"], "Only 10b.02 may change this", True),
        (viewer, "This API key may only read", False),
    ):
        opened = Opened(chromium, stack.http)
        opened.excuse("401")
        page = opened(f"/jobs/{job.id}", size)
        field = page.get_by_role("dialog").get_by_label("API key")
        field.fill(key)
        field.press("Enter")
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
        assert violations(page) == []

        page.goto("/jobs")
        rows = page.get_by_role("list", name="Runs").get_by_role("listitem")
        of_pupil = rows.filter(has=page.locator(f'a[href="/jobs/{job.id}"]'))
        expect(of_pupil.get_by_role("link")).to_be_visible()
        delete = of_pupil.get_by_role("button", name=re.compile("^Delete"))
        expect(delete).to_have_count(offered)

        page.goto("/lab")
        bar = page.get_by_role("region", name="Cost and start")
        if not trains:
            expect(bar.get_by_text("This API key may only read")).to_be_visible()
        expect(bar.get_by_role("button", name="Train", exact=True)).to_have_count(int(trains))
        opened.close()
        assert opened.complaints == []
