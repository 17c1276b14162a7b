"""A run in a frame of another page: live, with the key in its address alone."""

import re

import pytest
from playwright.sync_api import Browser, expect
from tests.browser.conftest import Locked, barrier_free
from tests.servers.replies import reply_server

import epochal

LESSON = """<!doctype html><html lang="en"><title>A lesson</title>
<main><h1>A lesson</h1><iframe src="{}" title="A training run" height="560"></iframe></main>"""


@pytest.mark.journey
def test_a_page_of_another_origin_shows_a_run_live(locked: Locked, chromium: Browser) -> None:
    with epochal.Client(locked.stack.http, api_key=locked.keys["laptop"]) as client:
        spec = {**client.preset("moons-tanh"), "epochs": 100_000, "pace": 10}
        job = client.jobs.create(spec)
        key = client.keys.create(jobs=[job.id], expires_in_seconds=600).key
        address = f"{locked.stack.http}/embed/jobs/{job.id}"
        html = LESSON.format(f"{address}#key={key}")
        with reply_server((200, {"Content-Type": "text/html"}, html.encode())) as other:
            page = chromium.new_page()
            page.goto(other.url)
        frame = page.frame_locator("iframe")
        expect(frame.get_by_role("link", name=spec["name"])).to_be_visible()
        expect(frame.get_by_role("figure", name="Loss")).to_be_visible()
        boundary = frame.get_by_role("figure", name="Decision boundary")
        expect(boundary.locator("canvas")).to_be_visible()
        epoch = frame.get_by_text(re.compile(r"^epoch [\d,]+ of\s+100,000$"))
        expect(epoch).not_to_have_text(epoch.inner_text())  # it trains on
        barrier_free(page)
        job.cancel()
        expect(frame.get_by_text("Cancelled")).to_be_visible()
        page.close()


def test_a_frame_without_a_key_shows_nothing_of_the_run(locked: Locked, chromium: Browser) -> None:
    with epochal.Client(locked.stack.http, api_key=locked.keys["laptop"]) as client:
        job = client.jobs.create({**client.preset("xor"), "epochs": 20})
    page = chromium.new_page()
    page.goto(f"{locked.stack.http}/theme.js")
    page.evaluate("(key) => localStorage.setItem('epochal.key', key)", locked.keys["laptop"])
    page.goto(f"{locked.stack.http}/embed/jobs/{job.id}")
    expect(page.get_by_role("alert")).to_contain_text("key")
    page.close()
