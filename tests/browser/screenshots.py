"""Pictures of the page for people to look at: `make screenshots` puts them into ./screenshots."""

from collections.abc import Iterator
from typing import Any

import httpx2
import pytest
from playwright.sync_api import Page, expect
from tests.browser.conftest import PHONE, ROOT, WIDE, Opened, see_everything
from tests.servers.stack import await_condition

FOLDER = ROOT / "screenshots"
SIZES = {"wide": WIDE, "phone": PHONE}
PAGES = [(size, scheme) for size in SIZES for scheme in ("light", "dark")]


def settled(page: Page) -> None:
    """All answers have come, and nothing waits for another."""
    page.wait_for_load_state("networkidle")
    expect(page.locator(".loading")).to_have_count(0)


def take(page: Page, name: str) -> None:
    settled(page)
    page.screenshot(path=FOLDER / f"{name}.png", full_page=True)


def spec(api: httpx2.Client, preset: str) -> dict[str, Any]:
    asked: dict[str, Any] = api.get(f"/v1/presets/{preset}").json()["spec"]
    return asked


def trained(api: httpx2.Client, asked: dict[str, Any]) -> str:
    job: str = api.post("/v1/jobs", json=asked).json()["id"]
    over = ("succeeded", "failed")
    await_condition(
        lambda: api.get(f"/v1/jobs/{job}").json()["state"] in over, 120, "the run has ended"
    )
    return job


@pytest.fixture(scope="module")
def api(url: str) -> Iterator[httpx2.Client]:
    with httpx2.Client(base_url=url, trust_env=False, timeout=20) as client:
        yield client


@pytest.fixture(scope="module")
def runs(api: httpx2.Client) -> list[str]:
    """Two runs to compare, and a third that diverged."""
    circles = spec(api, "circles")
    slow = {**circles, "name": "Circles, slowly", "optimizer": {"type": "sgd"}}
    hot = {
        "name": "Too hot",
        "network": {"input_shape": [2], "layers": [{"type": "dense", "units": 1}]},
        "dataset": {"name": "plane", "samples": 100},
        "loss": "mse",
        "epochs": 30,
        "optimizer": {"type": "sgd", "learning_rate": 10.0},
    }
    return [trained(api, each) for each in (hot, slow, circles, spec(api, "digits"))]


@pytest.mark.parametrize(("size", "scheme"), PAGES)
def test_the_journey_is_pictured(open_page: Opened, size: str, scheme: str) -> None:
    FOLDER.mkdir(exist_ok=True)
    page = open_page(size=SIZES[size], color_scheme=scheme, reduced_motion="reduce")
    see_everything(page)
    settled(page)
    page.screenshot(path=FOLDER / f"start-{size}-{scheme}.png")
    # The bar would lie over whatever section is taller than the screen.
    page.evaluate("document.querySelector('header').style.position = 'static'")
    for section in page.locator("section[id]").all():
        name = section.get_attribute("id")
        section.screenshot(path=FOLDER / f"{name}-{size}-{scheme}.png")


@pytest.mark.parametrize(("size", "scheme"), PAGES)
def test_the_lab_and_the_runs_are_pictured(
    open_page: Opened, api: httpx2.Client, runs: list[str], size: str, scheme: str
) -> None:
    FOLDER.mkdir(exist_ok=True)
    hot, slow, circles, digits = runs
    end = f"{size}-{scheme}"
    page = open_page("/lab", SIZES[size], color_scheme=scheme, reduced_motion="reduce")
    take(page, f"lab-{end}")
    page.get_by_role("button", name="Start from a preset").click()
    settled(page)
    page.screenshot(path=FOLDER / f"lab-presets-{end}.png")
    page.get_by_role("button", name="Three hidden layers on the spiral").click()
    take(page, f"lab-spirals-{end}")
    for name, path in {
        "run": f"/jobs/{circles}",
        "run-digits": f"/jobs/{digits}",
        "run-diverged": f"/jobs/{hot}",
        "jobs": "/jobs",
        "compare": f"/jobs/compare?job={slow}&job={circles}",
        "plain": "/examples/plain.html",
    }.items():
        page.goto(path)
        if name.startswith("run"):
            page.wait_for_load_state("networkidle")
            see_figures(page)
        take(page, f"{name}-{end}")
    long = {**spec(api, "circles"), "name": "Going on", "epochs": 100_000}
    job = api.post("/v1/jobs", json=long).json()["id"]
    page.goto(f"/jobs/{job}")
    expect(page.get_by_role("status").filter(has_text="Training")).to_be_visible(timeout=20_000)
    see_figures(page)
    page.screenshot(path=FOLDER / f"run-live-{end}.png", full_page=True)
    api.post(f"/v1/jobs/{job}/cancel")


def see_figures(page: Page) -> None:
    """Figures that are drawn when they come into sight, and back to the top."""
    for figure in page.get_by_role("figure").all():
        figure.scroll_into_view_if_needed()
    page.evaluate("scrollTo({ top: 0, behavior: 'instant' })")
