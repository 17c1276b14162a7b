"""Figures of a run as elements of a page of another origin, which allows no styles but its own."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from playwright.sync_api import Browser, Locator, Page, Request, expect
from tests.browser.conftest import Locked, barrier_free, rest
from tests.servers.replies import reply_server

import epochal

LESSON = """<!doctype html><html lang="en"><meta name="viewport" content="width=device-width">
<meta name="color-scheme" content="light dark"><title>A lesson</title>
<script type="module" src="{}/elements.js"></script>
<main><h1>A lesson</h1><h2>A run</h2><div id="here"></div></main></html>"""
REFUSALS = """window.refusals = []
document.addEventListener('securitypolicyviolation',
    event => refusals.push(`${event.violatedDirective} ${event.blockedURI}`))"""

PIXEL = "canvas => [...canvas.getContext('2d').getImageData(0, 0, 1, 1).data]"


class Lesson:
    """A page of another origin, with the strictest policy under which the elements work."""

    def __init__(self, chromium: Browser, locked: Locked, origin: str) -> None:
        self.service = locked.stack.http
        self.client = epochal.Client(self.service, api_key=locked.keys["laptop"])
        self.page: Page = chromium.new_page()
        self.errors: list[str] = []
        self.page.on("pageerror", lambda error: self.errors.append(str(error)))
        self.opened, self.open = 0, set[Request]()
        """Streams: how many there were, and the present ones."""
        self.page.on("request", self._begin)
        self.page.on("requestfailed", self._end)
        self.page.on("requestfinished", self._end)
        self.page.add_init_script(REFUSALS)
        self._origin = origin
        self.page.goto(origin)

    def train(self, preset: str, **settings: Any) -> epochal.Job:
        return self.client.jobs.create({**self.client.preset(preset), **settings})

    def link(self, *jobs: epochal.Job) -> epochal.Key:
        ids = [job.id for job in jobs]
        return self.client.keys.create(jobs=ids, origins=[self._origin], expires_in_seconds=600)

    def show(self, name: str, job: str, key: str | None) -> Locator:
        html = f'<epochal-{name} job="{job}" key="{key}"></epochal-{name}>'
        self.page.evaluate("html => here.insertAdjacentHTML('beforeend', html)", html)
        return self.page.locator(f"epochal-{name}").last

    def _begin(self, request: Request) -> None:
        if "/events" in request.url:
            self.opened += 1
            self.open.add(request)

    def _end(self, request: Request) -> None:
        self.open.discard(request)


@pytest.fixture
def lesson(chromium: Browser, locked: Locked) -> Iterator[Lesson]:
    service = locked.stack.http
    policy = f"default-src 'none'; script-src {service}; connect-src {service}; style-src 'none'"
    headers = {"Content-Type": "text/html", "Content-Security-Policy": policy}
    with reply_server((200, headers, LESSON.format(service).encode())) as other:
        lesson = Lesson(chromium, locked, other.url)
        yield lesson
        refusals = lesson.page.evaluate("refusals")
        lesson.page.close()
        lesson.client.close()
    assert [lesson.errors, refusals] == [[], []]


@pytest.mark.journey
def test_a_page_of_a_strict_policy_shows_the_curve_and_the_map_of_a_live_run(
    lesson: Lesson,
) -> None:
    job = lesson.train("moons-tanh", epochs=100_000, pace=10)
    key = lesson.link(job)
    curve = lesson.show("curve", job.id, key.key)
    loss = curve.get_by_role("slider", name="Loss")
    expect(loss).to_be_visible()
    boundary = lesson.show("map", job.id, key.key)
    expect(boundary.locator("canvas")).to_be_visible()
    latest = loss.get_attribute("aria-valuemax") or ""
    expect(loss).not_to_have_attribute("aria-valuemax", latest)  # it trains on
    barrier_free(lesson.page)

    # The epoch that a reader selects with the keyboard in one is the epoch of the other.
    loss.press("Home")
    expect(boundary.get_by_role("figure")).to_contain_text("after epoch 0;")
    assert lesson.page.url.endswith("/"), "the address is that of the page"

    lesson.client.keys.delete(key.id)
    expect(curve.get_by_role("alert")).to_contain_text("key")
    expect(loss).to_be_visible()
    job.cancel()


def test_an_element_shows_another_job_and_a_sentence_where_it_cannot(lesson: Lesson) -> None:
    xor, moons = lesson.train("xor", epochs=20), lesson.train("moons-tanh", epochs=30)
    key = lesson.link(xor, moons)
    curve = lesson.show("curve", xor.id, key.key)
    loss = curve.get_by_role("slider", name="Loss")
    expect(loss).to_have_attribute("aria-valuemax", "20")
    curve.evaluate("(element, id) => element.setAttribute('job', id)", moons.id)
    expect(loss).to_have_attribute("aria-valuemax", "30")
    tools = curve.get_by_role("button", name="Table").first
    expect(tools).to_be_visible()
    lesson.page.emulate_media(media="print")
    expect(tools).to_be_hidden()
    expect(loss).to_be_visible()
    lesson.page.emulate_media(media="screen")

    curve.evaluate("element => element.setAttribute('job', 'job_none')")
    expect(curve.get_by_role("alert")).to_be_visible()
    expect(loss).to_have_count(0)
    curve.evaluate("element => element.removeAttribute('job')")
    expect(curve.get_by_role("alert")).to_contain_text("This element has no run")
    lesson.page.route("**/events*", lambda route: route.abort())
    curve.evaluate("(element, id) => element.setAttribute('job', id)", xor.id)
    expect(curve.get_by_role("alert")).to_contain_text("The service is not answering")
    lesson.page.unroute("**/events*")
    expect(loss).to_have_attribute("aria-valuemax", "20")
    expect(curve.get_by_role("alert")).to_have_count(0)

    attention = lesson.show("attention", xor.id, key.key)
    expect(attention).to_contain_text("This run has no attention weights")
    assert lesson.page.evaluate("localStorage.length + sessionStorage.length") == 0


def test_an_element_has_the_color_scheme_of_its_surroundings(lesson: Lesson) -> None:
    job = lesson.train("moons-tanh", epochs=5)
    job.wait()
    boundary = lesson.show("map", job.id, lesson.link(job).key)
    expect(boundary.locator("canvas")).to_be_visible()

    def colors(scheme: str) -> tuple[str, str]:
        """Colors of the text and of the map's first pixel."""
        boundary.evaluate("(element, scheme) => element.style.colorScheme = scheme", scheme)
        rest(lesson.page)
        ink = boundary.evaluate("element => getComputedStyle(element).color")
        return ink, str(boundary.locator("canvas").evaluate(PIXEL))

    light, dark = colors("light"), colors("dark")
    assert light[0] != dark[0]
    assert light[1] != dark[1]
    assert colors("light") == light


def test_elements_of_a_job_share_its_stream_which_ends_with_the_last(lesson: Lesson) -> None:
    job = lesson.train("xor", epochs=100_000, pace=20)
    key = lesson.link(job).key
    for name in ("curve", "map", "network", "run"):
        lesson.show(name, job.id, key)
    expect(lesson.page.locator("epochal-run canvas")).to_be_visible()
    # The first has the snapshot, the second the weights as well, after it.
    assert (lesson.opened, len(lesson.open)) == (2, 1)

    # An element that moves within the page goes on.
    lesson.page.evaluate("here.prepend(document.querySelector('epochal-run'))")
    expect(lesson.page.locator("epochal-run canvas")).to_be_visible()
    assert (lesson.opened, len(lesson.open)) == (2, 1)

    lesson.page.evaluate("here.lastElementChild.remove()")
    assert len(lesson.open) == 1
    with lesson.page.expect_event("requestfailed", lambda request: "/events" in request.url):
        lesson.page.evaluate("here.replaceChildren()")
    assert not lesson.open
    job.cancel()
