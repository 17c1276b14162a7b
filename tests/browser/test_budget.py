"""What the page may cost: bytes before it can be read, errors, frames while one drags."""

import sys
from itertools import pairwise
from urllib.parse import urlsplit

import httpx2
import pytest
from playwright.sync_api import Page, Route, expect
from tests.browser.conftest import BUILT, PHONE, WIDE, Opened, see_everything, violations

FIRST_SCRIPTS = 200_000
"""Bytes of all scripts that the start page loads before anybody scrolls, gzipped."""
FEWEST_FRAMES = 10
"""In a second, on a machine with far too much to do; 60 on a quiet one."""


def test_the_scripts_of_the_first_load_are_small(open_page: Opened) -> None:
    page = open_page()
    expect(page.get_by_role("figure", name="A network learns")).to_be_visible()
    page.wait_for_load_state("networkidle")
    scripts = {
        urlsplit(url).path for url in open_page.requested if urlsplit(url).path.endswith(".js")
    }
    size = sum((BUILT.parent / f"{path.removeprefix('/')}.gz").stat().st_size for path in scripts)
    sys.stdout.write(f"\nfirst load: {size:,} bytes of {len(scripts)} scripts, gzipped\n")
    assert 10_000 < size < FIRST_SCRIPTS


def test_the_first_picture_is_not_waited_for(open_page: Opened) -> None:
    """A run that does not answer: what can be read is there, and can be used."""
    held: list[Route] = []
    page = open_page("/jobs")
    page.route("**/v1/simulate/training", lambda route: held.append(route))
    page.goto("/")
    expect(page.get_by_role("heading", name="Watch a network learn")).to_be_visible()
    begin = page.get_by_role("link", name="Begin")
    expect(page.get_by_role("status").filter(has_text="Training…")).to_be_visible()
    page.evaluate("document.fonts.ready.then(() => undefined)")
    before = begin.bounding_box()
    assert page.evaluate("performance.getEntriesByName('first-contentful-paint').length") == 1
    while held:
        held.pop().continue_()
    expect(page.get_by_test_id("first-epoch")).not_to_have_text("0")
    after = begin.bounding_box()
    assert before is not None
    assert after is not None
    assert abs(before["y"] - after["y"]) < 1  # nothing jumped when the run came


def test_nothing_is_asked_of_other_hosts_and_nothing_complains(open_page: Opened) -> None:
    """As on a train: whatever is not this service cannot be reached."""
    page = open_page("/jobs")
    here = urlsplit(open_page.base_url).netloc

    def only_here(route: Route) -> None:
        if urlsplit(route.request.url).netloc == here:
            route.continue_()
        else:
            route.abort()

    page.context.route("http*://**", only_here)
    for path in ("/", "/lab", "/jobs"):
        page.goto(path)
        see_everything(page)
    asked = {urlsplit(url).netloc for url in open_page.requested if url.startswith("http")}
    assert asked == {here}


@pytest.mark.parametrize("size", [WIDE, PHONE], ids=["wide", "phone"])
def test_axe_finds_nothing_wrong_and_nothing_is_too_wide(
    open_page: Opened, size: dict[str, int]
) -> None:
    """All ten sections, loaded, then the lab and the runs; each in both lights."""
    page = open_page(size=size, reduced_motion="reduce")
    for path in ("/", "/lab", "/jobs"):
        if path != "/":
            page.goto(path)
            expect(page.get_by_role("heading", level=1)).to_be_visible()
        see_everything(page)
        assert page.evaluate("document.documentElement.scrollWidth") == size["width"], path
        page.emulate_media(color_scheme="light")
        assert violations(page) == [], path
        page.emulate_media(color_scheme="dark")  # the same page in other colors
        assert violations(page, "color-contrast") == [], path


def test_a_slider_is_dragged_without_dropping_frames(open_page: Opened) -> None:
    page = open_page("/#neuron")
    weight = page.get_by_label("w₁", exact=True)
    expect(page.get_by_test_id("sum")).to_contain_text("0.750")
    weight.scroll_into_view_if_needed()
    page.wait_for_load_state("networkidle")
    assert _median_frames(_frames_while_dragging(page, weight.bounding_box())) >= FEWEST_FRAMES
    expect(page.get_by_label("w₁, as a number")).not_to_have_value("0.7")


def test_a_run_is_scrubbed_without_dropping_frames(open_page: Opened, url: str) -> None:
    """All of its pictures are drawn anew at each of fifty epochs; those of its inside are seen."""
    spec = httpx2.get(f"{url}/v1/presets/circles", trust_env=False).json()["spec"]
    spec |= {"name": "Scrubbed", "epochs": 200, "snapshots": {"weights_every": 4}}
    job = httpx2.post(f"{url}/v1/jobs", json=spec, trust_env=False).json()["id"]
    page = open_page(f"/jobs/{job}")
    expect(page.get_by_role("status").filter(has_text="Finished")).to_be_visible(timeout=30_000)
    page.get_by_role("figure", name="What each unit has learnt to see").scroll_into_view_if_needed()
    page.wait_for_load_state("networkidle")
    tape = page.get_by_role("slider", name="Epoch", exact=True)
    # The first time over, what is drawn is still being asked for.
    for _ in range(2):
        frames = _frames_while_dragging(page, tape.bounding_box())
    assert _median_frames(frames) >= FEWEST_FRAMES
    expect(page.get_by_test_id("scrubbed")).not_to_have_text("200")


def _median_frames(frames: list[float]) -> float:
    """Frames in a second, in the median."""
    frames.sort()
    median, slow = frames[len(frames) // 2], frames[int(0.95 * len(frames))]
    sys.stdout.write(
        f"\ndragging: {1000 / median:.0f} frames/s in the median, {slow:.0f} ms at the 95th "
        f"percentile of {len(frames)}\n"
    )
    return 1000 / median


def _frames_while_dragging(page: Page, box: object) -> list[float]:
    """Milliseconds between frames while the slider goes to and fro."""
    assert isinstance(box, dict)
    y = box["y"] + box["height"] / 2
    left, width = box["x"] + 10, box["width"] - 20
    page.mouse.move(left + 0.7 * width, y)
    page.mouse.down()
    page.evaluate(
        """() => {
            const frames = (window.frames_ = { times: [], on: true })
            requestAnimationFrame(function frame(now) {
                frames.times.push(now)
                if (frames.on) requestAnimationFrame(frame)
            })
        }"""
    )
    for target in (0.1, 0.9, 0.3, 0.8):
        page.mouse.move(left + target * width, y, steps=30)
    page.mouse.up()
    times: list[float] = page.evaluate("(window.frames_.on = false, window.frames_.times)")
    return [later - earlier for earlier, later in pairwise(times)]
