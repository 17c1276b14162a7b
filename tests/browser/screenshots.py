"""Pictures of the page for people to look at: `make screenshots` puts them into ./screenshots."""

import pytest
from playwright.sync_api import Page
from tests.browser.conftest import PHONE, ROOT, WIDE, Opened, see_everything

FOLDER = ROOT / "screenshots"
SIZES = {"wide": WIDE, "phone": PHONE}


def take(page: Page, name: str) -> None:
    page.wait_for_load_state("networkidle")
    page.screenshot(path=FOLDER / f"{name}.png", full_page=True)


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_the_page_is_pictured(open_page: Opened, size: str, scheme: str) -> None:
    FOLDER.mkdir(exist_ok=True)
    page = open_page(size=SIZES[size], color_scheme=scheme, reduced_motion="reduce")
    page.screenshot(path=FOLDER / f"start-{size}-{scheme}.png")
    see_everything(page)
    # The bar would lie over whatever section is taller than the screen.
    page.evaluate("document.querySelector('header').style.position = 'static'")
    for section in page.locator("section[id]").all():
        name = section.get_attribute("id")
        section.screenshot(path=FOLDER / f"{name}-{size}-{scheme}.png")
    for path in ("lab", "jobs"):
        page.goto(f"/{path}")
        take(page, f"{path}-{size}-{scheme}")
