"""A real Chromium before a real Epochal that serves the built page.

Without a Chromium these tests are skipped and say so; `EPOCHAL_BROWSER=required` makes that a
failure. Whatever a page writes to its console as an error fails the test that opened it.
"""

import asyncio
import json
import os
import re
import shutil
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx2
import pytest
from playwright.sync_api import (
    Browser,
    CDPSession,
    ConsoleMessage,
    Locator,
    Page,
    Request,
    WebError,
    expect,
    sync_playwright,
)
from tests.servers.stack import MakeStack, Stack

ROOT = Path(__file__).parents[2]
BUILT = ROOT / "service/epochal_service/page/index.html"
AXE = ROOT / "clients/web/node_modules/axe-core/axe.min.js"
# The first has no window to draw around each page, and takes a quarter less time for a test.
NAMES = (
    "chromium-headless-shell",
    "chromium",
    "chromium-browser",
    "google-chrome",
    "google-chrome-stable",
)
FLAGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    # No page lives long enough to earn back what the last optimizing compiler costs.
    "--js-flags=--no-turbofan",
    # One process less to pass each reply on. The first is Playwright's, which this replaces.
    "--enable-features=CDPScreenshotNewSurface,NetworkServiceInProcess2",
    # The page works without the Internet: a request to another host is an error in its console.
    "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1, EXCLUDE localhost",
]
_RAISED = str.maketrans("-0123456789", "⁻⁰¹²³⁴⁵⁶⁷⁸⁹")
_LOWERED = str.maketrans("⁻⁰¹²³⁴⁵⁶⁷⁸⁹", "-0123456789")
WIDE, PHONE = {"width": 1440, "height": 900}, {"width": 390, "height": 844}
PATIENCE = 60_000
"""Milliseconds: a machine that has much to do is slow, not wrong."""
SAVE_DATA = "Object.defineProperty(navigator, 'connection', { value: { saveData: true } })"
SLOWED = float(os.environ.get("EPOCHAL_BROWSER_SLOWED", 0))
"""How many times slower than this one the machine is that the pages are to believe in."""
LATENCY = float(os.environ.get("EPOCHAL_BROWSER_LATENCY", 0))
"""Milliseconds that each reply is late: a page must not be wrong until its data has come."""


def _missing() -> str | None:
    if not any(map(shutil.which, NAMES)):
        return (
            "THE BROWSER TESTS WERE SKIPPED: there is no Chromium. On Debian: apt-get install -y "
            "chromium"
        )
    if not BUILT.is_file() or not AXE.is_file():
        return "THE BROWSER TESTS WERE SKIPPED: the page has not been built: make page"
    return None


@pytest.fixture(scope="session")
def session_chromium() -> Iterator[tuple[Browser, asyncio.AbstractEventLoop]]:
    """The session's browser, and the event loop with which Playwright speaks to it."""
    if reason := _missing():
        if os.environ.get("EPOCHAL_BROWSER") == "required":
            pytest.fail(reason, pytrace=False)
        pytest.skip(reason)
    expect.set_options(timeout=PATIENCE)
    playwright = sync_playwright().start()
    loop = asyncio.get_running_loop()
    path = next(filter(None, map(shutil.which, NAMES)))
    browser = playwright.chromium.launch(executable_path=path, args=FLAGS)
    yield browser, loop
    asyncio._set_running_loop(loop)
    browser.close()
    playwright.stop()


# As long as Playwright is open its event loop counts as running in this thread. Tests of other
# rooms, which the same process may run after the tests of a file, run their own loop.
@pytest.fixture(scope="module")
def chromium(
    session_chromium: tuple[Browser, asyncio.AbstractEventLoop],
) -> Iterator[Browser]:
    browser, loop = session_chromium
    asyncio._set_running_loop(loop)
    yield browser
    asyncio._set_running_loop(None)


@pytest.fixture(scope="module")
def url(chromium: Browser, stack: Stack) -> str:
    """Where the session's Epochal serves its page; `chromium` first, as it may be missing."""
    return stack.http


@dataclass(frozen=True)
class Locked:
    """A service that needs keys."""

    stack: Stack
    keys: dict[str, str]
    """By owner: `laptop`, and two classes, `10b` and `11a`, of two pupils each, as `10b.01`."""


@pytest.fixture(scope="session")
def locked(session_stack: MakeStack) -> Locked:
    classes = [["--class", name, "--count", "2", "--json"] for name in ("10b", "11a")]
    stack = session_stack(keys=[["laptop"], *classes], workers=1)
    laptop, *created = stack.keys
    rows = [row for text in created for row in json.loads(text)["keys"]]
    return Locked(stack, {"laptop": laptop, **{row["owner"]: row["key"] for row in rows}})


# The page reads its address again, and moves to the section, as after the back button.
_ARRIVE = """(path) => {
    const [query, section] = path.split('#')
    history.pushState(null, '', query)
    location.hash = section
}"""


class Profile:
    """A profile of the browser, with its own cache, storage and pages.

    A page that a test has used is emptied for the next one. It keeps its process, in which the
    journey opens with half of the work that it takes in a new one. A page that shows a section may
    stay there for the next test of that section.
    """

    def __init__(self, browser: Browser, base_url: str) -> None:
        self.context = browser.new_context(base_url=base_url)
        self.context.set_default_timeout(PATIENCE)
        self._origin = base_url
        self._idle: list[tuple[Page, CDPSession]] = []
        self._used: list[tuple[Page, CDPSession]] = []
        self._remaining: dict[str, tuple[Page, CDPSession]] = {}

    def take(
        self, size: dict[str, int], prefetch: bool, media: dict[str, Any], section: str = ""
    ) -> Page:
        """A page that shows nothing yet, or the page that remained at the section."""
        if section in self._remaining:
            page, devtools = self._remaining.pop(section)
        elif self._idle:
            page, devtools = self._idle.pop()
        else:
            page = self.context.new_page()
            devtools = self.context.new_cdp_session(page)
            if not prefetch:
                page.add_init_script(SAVE_DATA)
        self._used.append((page, devtools))
        stored = {"origin": self._origin, "storageTypes": "cookies,local_storage"}
        devtools.send("Storage.clearDataForOrigin", stored)
        if SLOWED or LATENCY:
            devtools.send("Emulation.setCPUThrottlingRate", {"rate": max(SLOWED, 1)})
            network = {"offline": False, "latency": LATENCY, "downloadThroughput": -1}
            devtools.send("Network.enable")
            devtools.send("Network.emulateNetworkConditions", {**network, "uploadThroughput": -1})
        page.set_viewport_size({"width": size["width"], "height": size["height"]})
        page.emulate_media(**{"color_scheme": "light", "reduced_motion": "reduce", **media})
        return page

    def empty(self, keep: Mapping[Page, str]) -> None:
        """Leave nothing on the pages of a test that is over, nor a pointer over the next ones.

        A page in `keep` stays at its section, instead of the page that stayed before.
        """
        for page, devtools in self._used:
            if page.is_closed():
                continue
            page.unroute_all(behavior="ignoreErrors")
            page.mouse.up()
            page.mouse.move(-1, -1)
            if page in keep:
                for before in self._remaining.values():
                    self._blank(*before)
                self._remaining = {keep[page]: (page, devtools)}
            else:
                self._blank(page, devtools)
        self._used.clear()

    def _blank(self, page: Page, devtools: CDPSession) -> None:
        page.goto("about:blank")
        self._idle.append((page, devtools))


class Opened:
    """Opens pages of one test in any size and light, and keeps what they complain of.

    They have a profile in common, or one each.
    """

    def __init__(self, browser: Browser, base_url: str, shared: Profile | None = None) -> None:
        self._browser = browser
        self._shared = shared
        self._profiles: list[Profile] = []
        self._excused: list[str] = []
        self.base_url = base_url
        self.complaints: list[str] = []
        self._recorders: list[Callable[[Request], None]] = []
        self._sections: dict[Page, str] = {}
        if shared is not None:
            self._listen(shared)

    def __call__(
        self,
        path: str = "/",
        size: dict[str, int] = WIDE,
        *,
        prefetch: bool = False,
        **media: Any,
    ) -> Page:
        """`color_scheme="dark"`, `reduced_motion="no-preference"` and the like are emulated.

        Other pages are loaded in advance only on request, and not in a shared profile: it takes
        longer than a test.

        Less motion is asked for unless a test is about motion: what moves is elsewhere a moment
        later.
        """
        profile = self._shared
        if profile is None:
            profile = Profile(self._browser, self.base_url)
            self._listen(profile)
        page = profile.take(size, prefetch, media)
        page.goto(path)
        return page

    def section(self, path: str) -> Page:
        """A page at a section, as the back button leads there: `open_page.section("/#neuron")`.

        It may be the page of the test before, with its state in the address. Use `open_page(…)` in
        a test that leaves more than that, such as an open table, or that is about loading.
        """
        assert self._shared is not None
        name = path.partition("#")[2]
        page = self._shared.take(WIDE, False, {}, name)
        if page.url == "about:blank":
            page.goto(path)
        else:
            page.evaluate(_ARRIVE, path)
        self._sections[page] = name
        return page

    def excuse(self, *texts: str) -> None:
        """Complaints with such a text are what a test is about: `excuse("404")`, before it."""
        self._excused += texts

    def record_requests(self) -> list[str]:
        """The URLs that the pages of a shared profile request from now on.

        Only few tests need them: every one costs time in the browser, in Playwright and here.
        """
        assert self._shared is not None
        urls: list[str] = []

        def record(request: Request) -> None:
            urls.append(request.url)

        self._shared.context.on("request", record)
        self._recorders.append(record)
        return urls

    def _listen(self, profile: Profile) -> None:
        self._profiles.append(profile)
        profile.context.on("console", self._logged)
        profile.context.on("weberror", self._failed)

    def _logged(self, message: ConsoleMessage) -> None:
        self._heard(message.type, message.text)

    def _failed(self, error: WebError) -> None:
        self._heard("error", str(error.error))

    def _heard(self, kind: str, text: str) -> None:
        if kind in ("error", "warning") and not any(item in text for item in self._excused):
            self.complaints.append(text)

    def close(self, failed: bool = False) -> None:
        """Close the pages, or keep those at a section for the next test unless this one failed."""
        for profile in self._profiles:
            if profile is not self._shared:
                profile.context.close()
                continue
            profile.context.remove_listener("console", self._logged)
            profile.context.remove_listener("weberror", self._failed)
            for record in self._recorders:
                profile.context.remove_listener("request", record)
            profile.empty({} if failed else self._sections)


@pytest.fixture(scope="session")
def profiles() -> dict[str, Profile]:
    """The profiles that tests share, by the URL of the service."""
    return {}


@pytest.fixture(scope="module")
def shared_profile(chromium: Browser, url: str, profiles: dict[str, Profile]) -> Profile:
    """The profile of most tests: only the first page that they open loads all scripts."""
    if url not in profiles:
        profiles[url] = Profile(chromium, url)
    return profiles[url]


@pytest.fixture
def open_page(
    request: pytest.FixtureRequest, chromium: Browser, url: str, shared_profile: Profile
) -> Iterator[Opened]:
    """`open_page("/jobs", size=PHONE, color_scheme="dark")`; fails on errors in the console."""
    failures = request.session.testsfailed
    opened = Opened(chromium, url, shared_profile)
    yield opened
    opened.close(failed=request.session.testsfailed > failures)
    assert opened.complaints == []


@pytest.fixture
def open_locked(chromium: Browser, locked: Locked) -> Iterator[Opened]:
    """The same for pages of the service that needs a key, which none of them has yet."""
    opened = Opened(chromium, locked.stack.http)
    opened.excuse("401")
    yield opened
    opened.close()
    assert opened.complaints == []


@pytest.fixture
def open_alone(chromium: Browser, url: str) -> Iterator[Opened]:
    """The same for a test that changes the browser: its clock, permissions or scripts."""
    opened = Opened(chromium, url)
    yield opened
    opened.close()
    assert opened.complaints == []


def call(url: str, path: str, method: str = "GET", body: Any = None) -> httpx2.Response:
    """The API's answer, whatever it is."""
    # Over plain HTTP no certificates are needed; a machine that has much to do may take its time.
    with httpx2.Client(base_url=url, trust_env=False, verify=False, timeout=60) as client:
        return client.request(method, path, json=body)


def ask(url: str, path: str, body: Any = None) -> Any:
    """The answer of the API to GET, or to POST with a body, which it must not refuse."""
    answer = call(url, path, "GET" if body is None else "POST", body)
    assert answer.is_success, answer.text
    return answer.json()


def number(text: str) -> float:
    """The first number in a text of the page: `1,797`, `−0.35`, `3.483×10⁻⁷`, `10⁻⁸`."""
    match = re.search(r"(−?)(\d[\d,]*(?:\.\d+)?)(?:×10)?([⁻⁰¹²³⁴⁵⁶⁷⁸⁹]*)", text)
    assert match is not None, text
    sign, digits, power = match.groups()
    if power and "×" not in match.group():
        digits = "1"
    return float(f"{sign and '-'}{digits.replace(',', '')}e{power.translate(_LOWERED) or 0}")


def written(value: float) -> str:
    """Four significant digits, as the page writes what is small: `3.483×10⁻⁷`."""
    digits, _, power = f"{value:.4g}".replace("-", "−").partition("e")
    raised = str(int(power.replace("−", "-"))).translate(_RAISED) if power else ""
    return (f"{digits}×" if digits != "1" else "") + f"10{raised}" if power else digits


# A frame may show a part that begins to load in the next frame. The page of a run does not ask for
# a part far below before it comes near.
_REST = """async () => {
    const seen = ({ top, bottom }) => top < innerHeight && bottom > 0
    const awaited = (each) =>
        each.closest('.hero, section > .body, .parts') || seen(each.getBoundingClientRect())
    const chapters = '.deeper:has(> *):not(:has([data-testid=questions]))'
    const begun = performance.now()
    for (let quiet = 0; quiet < 3; quiet++) {
        await new Promise(requestAnimationFrame)
        const loading = [...document.querySelectorAll('.loading')].filter(awaited)
        loading.push(...document.querySelectorAll(chapters))
        if (loading.length || document.fonts.status !== 'loaded') quiet = -1
        if (performance.now() - begun > 60000)
            throw new Error(`still on its way: ${loading.map((each) => each.textContent)}`)
    }
}"""


def rest(page: Page) -> None:
    """Return when nothing is on its way: all that came into sight is there and has its place."""
    page.evaluate(_REST)


_SEE = """async (place) => {
    const begun = performance.now()
    for (let quiet = 0; quiet < 3; quiet++) {
        place.scrollIntoView({ behavior: 'instant', block: 'center' })
        await new Promise(requestAnimationFrame)
        if (place.querySelector('.waiting, .loading')) quiet = -1
        if (performance.now() - begun > 60000) throw new Error('still on its way')
    }
}"""


def see(place: Locator) -> None:
    """Keep a place in sight, whatever grows above it, until all that it shows has come."""
    place.evaluate(_SEE)


def see_everything(page: Page) -> None:
    """Scroll through the page and open each chapter, so that all loads, and back to its top."""
    for section in page.locator("main > section[id]").all():
        section.scroll_into_view_if_needed()
        section.get_by_role("button", name="Deeper").click()
    for rates in page.locator("#training-optimizers").all():
        rates.scroll_into_view_if_needed()  # its runs are made when they are near
    rest(page)
    page.evaluate("scrollTo({ top: 0, behavior: 'instant' })")


def settings(page: Page) -> Locator:
    """The drawer with all settings of the lab, which is open."""
    drawer = page.get_by_role("dialog", name="All settings")
    if not drawer.is_visible():
        page.get_by_role("button", name="All settings").click()
    return drawer


def drop(page: Page, name: str, text: str) -> None:
    """Drop a file with this text on the settings of the lab, which is open."""
    settings(page).get_by_text("Your file").click()
    expect(page.locator(".drop")).to_be_visible()
    page.evaluate(
        """([name, text]) => {
            const data = new DataTransfer()
            data.items.add(new File([text], name, { type: 'text/csv' }))
            const zone = document.querySelector('.drop')
            zone.dispatchEvent(new DragEvent('drop', { dataTransfer: data, cancelable: true }))
        }""",
        [name, text],
    )


def press(page: Page, place: Locator, x: float = 0.5, y: float = 0.5) -> tuple[float, float]:
    """Hold the pointer down on a place, that far along and down it; returns where that is."""
    rest(page)
    place.hover()  # which brings it into sight, and waits until it stands still
    box = place.bounding_box()
    assert box is not None
    at = box["x"] + x * box["width"], box["y"] + y * box["height"]
    page.mouse.move(*at)
    page.mouse.down()
    return at


def page_of(place: Page | Locator) -> Page:
    return place if isinstance(place, Page) else place.page


def violations(place: Page | Locator, **options: Any) -> list[str]:
    """The faults that axe finds in a page that rests, or with a part of it.

    One line for each rule and element. axe takes `options`.
    """
    page = page_of(place)
    rest(page)
    if page.evaluate("typeof axe === 'undefined'"):
        page.evaluate(AXE.read_text())
    options = {"resultTypes": ["violations"], "preload": False, **options}
    part = page.locator("html") if isinstance(place, Page) else place
    report = part.evaluate("(part, options) => axe.run(part, options)", options)
    return [
        f"{rule['id']}: {rule['help']} at {node['target']} {node.get('failureSummary', '')}"
        for rule in report["violations"]
        for node in rule["nodes"]
    ]


def barrier_free(place: Page | Locator) -> None:
    """Axe finds nothing wrong by day, nor with the same in the colors of the night."""
    page_of(place).emulate_media(color_scheme="light")
    assert violations(place) == []
    page_of(place).emulate_media(color_scheme="dark")
    assert violations(place, runOnly=["color-contrast"]) == []


def fits(page: Page, size: dict[str, int]) -> None:
    """Nothing has to be scrolled to the side, when all that was to come has come."""
    page.set_viewport_size({"width": size["width"], "height": size["height"]})
    rest(page)
    assert page.evaluate("document.documentElement.scrollWidth") == size["width"]


def suits_every_screen(place: Page | Locator) -> None:
    """The page fits a phone and a wide screen, and axe finds nothing wrong with it, or a part.

    Each rule is checked at one width: it judges an element in the same way at the other. Contrast
    is checked by night on the phone, together with all other rules, and by day on a wide screen.
    """
    page = page_of(place)
    page.emulate_media(color_scheme="dark")
    fits(page, PHONE)
    assert violations(place) == []
    page.emulate_media(color_scheme="light")
    fits(page, WIDE)
    assert violations(place, runOnly=["color-contrast"]) == []
