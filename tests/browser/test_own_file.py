"""Runs and lists tell one file of one's own from another."""

import re
from datetime import datetime
from pathlib import Path

from playwright.sync_api import Route, expect
from tests.browser.conftest import Opened, ask, settings
from tests.browser.test_uploads import PETS, give, use


def test_a_run_is_called_as_its_file_before_the_file_has_been_looked_at(
    open_page: Opened, tmp_path: Path
) -> None:
    page = open_page("/jobs")
    held: list[Route] = []
    page.route("**/preview?*", lambda route: held.append(route))
    give(page, tmp_path, "animals of the zoo.csv", PETS)
    use(page)
    expect(page.get_by_text("3 in, 1 out")).to_be_visible()
    settings(page).get_by_role("button", name="Train", exact=True).click()
    page.get_by_role("link", name="Details").click()
    expect(page.get_by_role("heading", name="animals of the zoo", level=1)).to_be_visible()
    assert held  # and none of them was answered


def test_files_of_the_same_name_show_when_they_were_uploaded(
    open_page: Opened, url: str, tmp_path: Path
) -> None:
    page = open_page("/jobs")
    for rows in (PETS, PETS + "3;fish;cat\n"):
        give(page, tmp_path, "twins.csv", rows)
        use(page)
        expect(page.get_by_text("Uploaded twins")).to_be_visible()
    lines = page.get_by_role("list", name="Your uploads").get_by_role("listitem")
    lines = lines.filter(has_text="twins")
    expect(lines).to_have_count(2)
    twins = [
        dataset for dataset in ask(url, "/v1/datasets")["datasets"] if dataset["name"] == "twins"
    ]
    assert sorted(twin["samples"] for twin in twins) == [40, 41]
    for twin in twins:
        came = datetime.fromisoformat(twin["created_at"]).astimezone()
        line = lines.filter(has_text=f"{twin['samples']} rows")
        expect(line).to_contain_text(f"{came:%H:%M:%S})")
        name = re.compile(rf"^Delete twins of .*{came:%H:%M:%S}$")
        expect(line.get_by_role("button", name=name)).to_be_visible()
