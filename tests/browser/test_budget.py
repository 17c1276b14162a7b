"""The limits of the page: bytes before it can be read, errors, work while one drags."""

import sys
from urllib.parse import urlsplit

from playwright.sync_api import Locator, Page, Route, expect
from tests.browser.conftest import (
    BUILT,
    Opened,
    ask,
    press,
    rest,
)

FIRST_BYTES = 150_000
"""Bytes of all scripts and styles that the start page loads before anybody scrolls, gzipped."""
FIRST_FILES = 10
"""Number of these files: each costs the browser and the service more time than its bytes."""
MOST_WORK = 100
"""Milliseconds of the page's own thread for each frame, whatever else the machine has to do; of
frames at 60 in a second, each may take 16."""


def test_the_first_load_takes_few_and_small_files(open_page: Opened) -> None:
    requested = open_page.record_requests()
    page = open_page()
    expect(page.get_by_role("figure", name="A network learns")).to_be_visible()
    rest(page)
    files = {path for url in requested if (path := urlsplit(url).path).endswith((".js", ".css"))}
    size = sum((BUILT.parent / f"{path.removeprefix('/')}.gz").stat().st_size for path in files)
    sys.stdout.write(f"\nfirst load: {size:,} bytes of {len(files)} files, gzipped\n")
    assert 10_000 < size < FIRST_BYTES
    assert len(files) <= FIRST_FILES
    assert sum(path.endswith(".css") for path in files) == 1


def test_the_first_picture_is_not_waited_for(open_page: Opened) -> None:
    """A run that does not answer: what can be read is there, and can be used."""
    held: list[Route] = []
    page = open_page("/jobs")
    page.route("**/course/v1/simulate/training", lambda route: held.append(route))
    page.goto("/")
    expect(page.get_by_role("heading", name="Watch a network learn")).to_be_visible()
    begin = page.get_by_role("link", name="Begin")
    expect(page.get_by_role("status").filter(has_text="Training…")).to_be_visible()
    page.evaluate("document.fonts.ready.then(() => undefined)")
    before = begin.bounding_box()
    page.wait_for_function("performance.getEntriesByName('first-contentful-paint').length === 1")
    while held:
        held.pop().continue_()
    expect(page.get_by_test_id("first-epoch")).not_to_have_text("0")
    after = begin.bounding_box()
    assert before is not None
    assert after is not None
    assert abs(before["y"] - after["y"]) < 1  # nothing jumped when the run came


def test_a_slider_is_dragged_with_little_work_for_each_frame(open_page: Opened) -> None:
    page = open_page("/#neuron", reduced_motion="no-preference")
    weight = page.get_by_label("w₁", exact=True)
    expect(page.get_by_test_id("sum")).to_contain_text("0.750")
    assert _work_while_dragging(page, weight) <= MOST_WORK
    expect(page.get_by_label("w₁, as a number")).not_to_have_value("0.7")


def test_a_run_is_scrubbed_with_little_work_for_each_frame(open_page: Opened, url: str) -> None:
    """Redraw all figures at each of fifty epochs; the figures of hidden layers are in view."""
    spec = ask(url, "/course/v1/presets/circles")["spec"]
    spec |= {"name": "Scrubbed", "epochs": 200, "snapshots": {"weights_every": 4}}
    job = ask(url, "/v1/jobs", spec)["id"]
    page = open_page(f"/jobs/{job}", reduced_motion="no-preference")
    expect(page.get_by_role("status").filter(has_text="Finished")).to_be_visible()
    page.get_by_role("figure", name="Output of each unit").scroll_into_view_if_needed()
    tape = page.get_by_role("slider", name="Epoch", exact=True)
    # The first time over, what is drawn is still being asked for.
    for _ in range(2):
        work = _work_while_dragging(page, tape)
    assert work <= MOST_WORK
    expect(page.get_by_test_id("scrubbed")).not_to_have_text("200")


def _work_while_dragging(page: Page, slider: Locator) -> float:
    """Milliseconds of work for each frame while the slider goes to and fro."""
    devtools = page.context.new_cdp_session(page)
    # The thread's time, not the clock's: a busy machine takes longer for the same work.
    devtools.send("Performance.enable", {"timeDomain": "threadTicks"})

    def worked() -> float:
        metrics = devtools.send("Performance.getMetrics")["metrics"]
        seconds: float = next(
            metric["value"] for metric in metrics if metric["name"] == "TaskDuration"
        )
        return 1000 * seconds

    _, y = press(page, slider, 0.7)
    box = slider.bounding_box()
    assert box is not None
    page.evaluate(
        """() => {
            window.frames_ = 0
            requestAnimationFrame(function frame() {
                window.frames_ += 1
                requestAnimationFrame(frame)
            })
        }"""
    )
    before = worked()
    for target in (0.1, 0.9):
        page.mouse.move(box["x"] + target * box["width"], y, steps=10)
    page.mouse.up()
    work, frames = worked() - before, page.evaluate("window.frames_")
    devtools.detach()
    sys.stdout.write(f"\ndragging: {work / frames:.1f} ms of work for each of {frames} frames\n")
    return float(work / frames)
