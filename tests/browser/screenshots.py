"""Pictures of the page for people to look at: `make screenshots` puts them into ./screenshots."""

from functools import partial
from typing import Any

import httpx2
import pytest
from playwright.sync_api import Page
from tests.browser.conftest import PHONE, ROOT, WIDE, Opened, see_everything
from tests.servers.stack import await_condition

FOLDER = ROOT / "screenshots"
SIZES = {"wide": WIDE, "phone": PHONE}


# What sticks to an edge of the screen would lie across the middle of a whole page.
LOOSEN = """for (const each of document.querySelectorAll('body *'))
    if (getComputedStyle(each).position === 'sticky') each.style.position = 'static'"""


@pytest.fixture(scope="session")
def runs(url: str) -> list[str]:
    """A few runs that are over, for the list of them and their comparison."""

    made = []
    for preset in ("diverging", "sine", "iris", "moons", "circles", "xor"):
        spec = _ask(f"{url}/v1/presets/{preset}")["spec"]
        job = httpx2.post(f"{url}/v1/jobs", json=spec, trust_env=False).json()["id"]
        await_condition(partial(_ended, f"{url}/v1/jobs/{job}"), 60, preset)
        made.append(job)
    return made


def _ask(url: str) -> Any:
    return httpx2.get(url, trust_env=False).json()


def _ended(url: str) -> bool:
    return _ask(url)["finished_at"] is not None


def take(page: Page, name: str) -> None:
    page.wait_for_load_state("networkidle")
    page.evaluate(LOOSEN)
    page.screenshot(path=FOLDER / f"{name}.png", full_page=True)


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_the_page_is_pictured(open_page: Opened, runs: list[str], size: str, scheme: str) -> None:
    FOLDER.mkdir(exist_ok=True)
    page = open_page(size=SIZES[size], color_scheme=scheme, reduced_motion="reduce")
    page.screenshot(path=FOLDER / f"start-{size}-{scheme}.png")
    see_everything(page)
    page.evaluate(LOOSEN)
    for section in page.locator("section[id]").all():
        name = section.get_attribute("id")
        section.screenshot(path=FOLDER / f"{name}-{size}-{scheme}.png")
    compared = "&".join(f"job={job}" for job in runs[-3:])
    for name, path in (
        ("lab", "/lab"),
        ("jobs", "/jobs"),
        ("compare", f"/jobs/compare?{compared}"),
    ):
        page.goto(path)
        take(page, f"{name}-{size}-{scheme}")
    for name, job in (("job", runs[-3]), ("job-diverged", runs[0])):
        page.goto(f"/jobs/{job}")
        page.get_by_test_id("scrubbed").wait_for()
        # A figure asks for its numbers when it comes near.
        for figure in page.get_by_role("figure").all():
            figure.scroll_into_view_if_needed()
            page.wait_for_load_state("networkidle")
        page.evaluate("scrollTo({ top: 0, behavior: 'instant' })")
        take(page, f"{name}-{size}-{scheme}")
