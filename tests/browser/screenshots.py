"""Pictures of the page for people to look at: `make screenshots` puts them into ./screenshots."""

from collections.abc import Iterator
from typing import Any

import httpx2
import pytest
from playwright.sync_api import Page, expect
from tests.browser.conftest import PHONE, ROOT, WIDE, Opened, rest, see_everything, settings
from tests.browser.test_house_prices import walk
from tests.servers.stack import await_condition

FOLDER = ROOT / "screenshots"
SIZES = {"wide": WIDE, "phone": PHONE}
PAGES = [(size, scheme) for size in SIZES for scheme in ("light", "dark")]


def take(page: Page, name: str) -> None:
    """The whole page; for a moment all of it is in sight, so that all of it is drawn."""
    size = page.viewport_size
    assert size is not None
    page.set_viewport_size({"width": size["width"], "height": 8000})
    rest(page)
    page.set_viewport_size(size)
    unstick(page)
    page.screenshot(path=FOLDER / f"{name}.png", full_page=True)


def unstick(page: Page) -> None:
    """Unstick the elements that would lie across a picture longer than the screen."""
    page.evaluate(
        """() => {
            for (const element of document.querySelectorAll('body *'))
                if (['sticky', 'fixed'].includes(getComputedStyle(element).position))
                    element.style.setProperty('position', 'static', 'important')
        }"""
    )


def spec(api: httpx2.Client, preset: str) -> dict[str, Any]:
    preset_spec: dict[str, Any] = api.get(f"/course/v1/presets/{preset}").json()["spec"]
    return preset_spec


def trained(api: httpx2.Client, job_spec: dict[str, Any]) -> str:
    job: str = api.post("/v1/jobs", json=job_spec).json()["id"]
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
    """A run that diverged, two to compare, one of pictures, and one that writes."""
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
    return [
        trained(api, request)
        for request in (hot, slow, circles, spec(api, "digits"), spec(api, "sentences"))
    ]


@pytest.mark.parametrize(("size", "scheme"), PAGES)
def test_the_journey_is_pictured(open_page: Opened, size: str, scheme: str) -> None:
    FOLDER.mkdir(exist_ok=True)
    page = open_page(size=SIZES[size], color_scheme=scheme, reduced_motion="reduce")
    see_everything(page)
    rest(page)
    page.screenshot(path=FOLDER / f"start-{size}-{scheme}.png")
    unstick(page)
    for section in page.locator("section[id]").all():
        name = section.get_attribute("id")
        section.screenshot(path=FOLDER / f"{name}-{size}-{scheme}.png")


@pytest.mark.parametrize(("size", "scheme"), PAGES)
def test_the_lab_and_the_runs_are_pictured(
    open_page: Opened, api: httpx2.Client, runs: list[str], size: str, scheme: str
) -> None:
    FOLDER.mkdir(exist_ok=True)
    hot, slow, circles, digits, sentences = runs
    end = f"{size}-{scheme}"
    page = open_page("/lab", SIZES[size], color_scheme=scheme, reduced_motion="reduce")
    take(page, f"lab-{end}")
    settings(page)
    rest(page)
    page.screenshot(path=FOLDER / f"lab-settings-{end}.png")
    page.get_by_role("button", name="Start from a preset").click()
    rest(page)
    page.screenshot(path=FOLDER / f"lab-presets-{end}.png")
    page.get_by_role("button", name="Three hidden layers on the spiral").click()
    page.get_by_role("button", name="Close").click()
    page.get_by_role("button", name="Train", exact=True).click()
    expect(page.get_by_test_id("accuracy")).to_be_visible()
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
        take(page, f"{name}-{end}")
    page.goto(f"/jobs/{sentences}?write.length=90#write")
    expect(page.get_by_test_id("draft-10")).not_to_be_empty(timeout=120_000)
    take(page, f"run-writes-{end}")
    long = {**spec(api, "circles"), "name": "Going on", "epochs": 100_000}
    job = api.post("/v1/jobs", json=long).json()["id"]
    page.goto(f"/jobs/{job}")
    expect(page.locator("header").get_by_role("status").filter(has_text="Training")).to_be_visible(
        timeout=20_000
    )
    expect(page.get_by_test_id("scrubbed")).to_be_visible(timeout=20_000)
    page.screenshot(path=FOLDER / f"run-live-{end}.png")
    api.post(f"/v1/jobs/{job}/cancel")


@pytest.mark.parametrize(("size", "scheme"), PAGES)
def test_the_path_of_a_file_is_pictured(open_page: Opened, size: str, scheme: str) -> None:
    FOLDER.mkdir(exist_ok=True)
    page = open_page("/jobs", SIZES[size], color_scheme=scheme, reduced_motion="reduce")
    for number, step in enumerate(walk(page), 1):
        take(page, f"file-{number}-{step}-{size}-{scheme}")
