"""Uploaded files: parsed, corrected, persisted and deleted."""

import io
import re
import zipfile
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import pytest
from PIL import Image
from playwright.sync_api import Page, Route, expect
from tests.browser.conftest import (
    PHONE,
    Opened,
    ask,
    call,
    fits,
    settings,
    suits_every_screen,
    violations,
)
from tests.servers.stack import await_condition

PETS = "weight;food;kind\n" + "".join(
    f"{3 + i % 9};{'fish' if i % 3 else 'seeds'};{'cat' if i % 2 else 'bird'}\n" for i in range(40)
)


def give(page: Page, folder: Path, name: str, text: str) -> None:
    """Opens the lab, and chooses a file with this text."""
    file = folder / name
    file.write_text(text, encoding="utf-8")
    page.goto("/lab")
    page.get_by_text("Your file").click()
    page.locator("input[type=file]").set_input_files(file)


def picture(light: int) -> bytes:
    """The bytes of a small gray PNG."""
    stream = io.BytesIO()
    Image.new("L", (8, 8), light).save(stream, "PNG")
    return stream.getvalue()


def use(page: Page) -> None:
    page.get_by_role("button", name="Use this file").click()


def test_semicolons_and_a_byte_order_mark_are_read(open_page: Opened, tmp_path: Path) -> None:
    page = open_page("/jobs")
    give(page, tmp_path, "marked.csv", "\ufeff" + PETS)
    head = page.get_by_role("region", name="First rows of marked.csv")
    expect(head.get_by_role("columnheader")).to_have_text(["line", "weight", "food", "kind"])
    use(page)
    expect(page.get_by_text("classes bird, cat")).to_be_visible()
    # A text of two kinds becomes two inputs, and the network takes three.
    expect(page.get_by_text("3 in, 1 out")).to_be_visible()


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("a,b\n", "at least two rows after its header; this one has 0."),
        ("a,b\n1,x\n", "at least two rows after its header; this one has 1."),
        ("a,b\n1,x\n2,x\n", "Column 'b' has only one class, 'x'"),
    ],
    ids=["no rows", "one row", "one class"],
)
def test_a_file_of_which_nothing_can_be_learned_says_why(
    open_page: Opened, tmp_path: Path, text: str, message: str
) -> None:
    open_page.excuse("400")  # of the API, which the browser reports by itself
    page = open_page("/jobs")
    give(page, tmp_path, "poor.csv", text)
    use(page)
    alert = page.get_by_role("alert").filter(has_text="This file cannot be used yet")
    expect(alert).to_contain_text(message)


def test_an_empty_file_and_a_single_column_are_not_even_sent(
    open_page: Opened, tmp_path: Path
) -> None:
    page = open_page("/jobs")
    give(page, tmp_path, "empty.csv", "\n")
    expect(page.get_by_role("alert")).to_have_text("This file is empty.")
    give(page, tmp_path, "narrow.csv", "a\n1\n2\n")
    expect(page.get_by_role("alert")).to_contain_text("The file needs at least two columns")
    expect(page.get_by_role("button", name="Use this file")).to_have_count(0)


def test_lines_with_a_wrong_value_can_be_left_out(
    open_page: Opened, url: str, tmp_path: Path
) -> None:
    """More of them than the service names at once."""
    rows = [f"{'old' if i % 12 == 0 else i},{'yes' if i % 2 else 'no'}\n" for i in range(300)]
    open_page.excuse("400")  # of the API, which the browser reports by itself
    page = open_page("/jobs")
    give(page, tmp_path, "errors.csv", "age,buys\n" + "".join(rows))
    use(page)
    expect(page.get_by_role("alert")).to_contain_text("20 values are invalid")
    expect(page.get_by_role("alert")).to_contain_text("Line 2, column age")
    page.get_by_role("button", name="Skip these lines").click()
    expect(page.get_by_text("25 lines were skipped.")).to_be_visible()
    uploaded = next(
        dataset for dataset in ask(url, "/v1/datasets")["datasets"] if dataset["name"] == "errors"
    )
    assert uploaded["samples"] == 275


def houses(rows: int = 60) -> str:
    """A table with an identifier, gaps, and columns of every kind."""
    lines = ["id,size,garage,city,built,price"]
    for i in range(rows):
        size = 40 + 7 * i % 160
        price = 2500 * size + 20000 * (i % 2) + 30000 * (i % 3 == 0)
        lines.append(
            f"{i * 3},{'' if i % 10 == 5 else size},{'yes' if i % 2 else 'no'},"
            f"{('Ulm', 'Bonn', 'Kiel')[i % 3]},{1990 + i % 30}-0{1 + i % 9}-15,{price}"
        )
    return "\n".join(lines) + "\n"


def test_columns_are_shown_with_what_they_hold_and_can_be_changed(
    open_page: Opened, url: str, tmp_path: Path
) -> None:
    page = open_page("/jobs")
    give(page, tmp_path, "houses.csv", houses())
    use(page)
    columns = page.get_by_role("region", name="Columns of houses")
    expect(columns.get_by_label("Kind of garage")).to_have_value("boolean")
    expect(columns.get_by_label("Kind of city")).to_have_value("category")
    expect(columns.get_by_label("Kind of built")).to_have_value("date")
    expect(columns).to_contain_text("6 missing, filled with")
    expect(columns).to_contain_text("Column 'id' identifies the rows and is ignored.")
    expect(page.get_by_text("8 in, 1 out")).to_be_visible()
    assert violations(columns) == []
    columns.get_by_label("Kind of built").select_option("ignore")
    expect(page.get_by_text("5 in, 1 out")).to_be_visible()
    uploads = page.get_by_role("list", name="Your uploads").get_by_role("listitem")
    expect(uploads.filter(has_text="houses")).to_have_count(1)


def test_a_large_file_is_sent_in_pieces_and_can_be_cancelled(
    open_page: Opened, url: str, tmp_path: Path
) -> None:
    page = open_page("/jobs")
    held: list[Route] = []
    second = "**/append?offset=4194304"
    page.route(second, lambda route: held.append(route))
    # 4.9 MB: the notes are ignored, as no two are the same.
    rows = "".join(f"{i % 7},{i} {'so it was ' * 80},{i % 2}\n" for i in range(6000))
    give(page, tmp_path, "large.csv", f"size,note,kind\n{rows}")
    use(page)
    bar = page.get_by_role("progressbar", name="Sent of large.csv")
    expect(page.get_by_text(re.compile(r"^8\d % of 4\.\d+ MB$"))).to_be_visible()
    assert 0.8 < float(bar.get_attribute("value") or 0) < 0.9
    # The spec has still the data before it, which nobody wants to train on now.
    for button in page.get_by_role("button", name="Reading the file…").all():
        expect(button).to_be_disabled()
    assert violations(settings(page)) == []
    fits(page, PHONE)
    page.get_by_role("button", name="Cancel").click()
    expect(bar).to_have_count(0)
    expect(settings(page).get_by_role("button", name="Train", exact=True)).to_be_enabled()
    expect(page.get_by_role("alert")).to_have_count(0)
    (upload,) = {re.findall(r"/v1/uploads/(\w+)", route.request.url)[0] for route in held}
    assert call(url, f"/v1/uploads/{upload}").status_code == 404
    page.unroute(second)
    use(page)
    expect(page.get_by_text("Uploaded large: 6,000 rows, 1 feature")).to_be_visible()


def test_pictures_are_taken_in_an_archive_and_damaged_ones_are_named(
    open_page: Opened, tmp_path: Path
) -> None:
    open_page.excuse("400")  # of the API, which the browser reports by itself
    page = open_page("/jobs")
    pictures = {
        f"{kind}/{i}.png": picture(light + i)
        for kind, light in (("day", 180), ("night", 20))
        for i in range(20)
    }
    page.goto("/lab")
    page.get_by_text("Your file").click()

    def send(members: dict[str, bytes]) -> None:
        with zipfile.ZipFile(tmp_path / "lights.zip", "w") as archive:
            for name, content in members.items():
                archive.writestr(name, content)
        page.locator("input[type=file]").set_input_files(tmp_path / "lights.zip")
        use(page)

    send(pictures | {"day/3.png": b"no picture"})
    alert = page.get_by_role("alert")
    expect(alert).to_contain_text("One member is invalid")
    expect(alert.get_by_role("listitem")).to_contain_text(re.compile(r"^\s*day/3\.png\s"))
    expect(alert.get_by_role("button")).to_have_count(0)
    assert violations(settings(page)) == []
    send(pictures)
    expect(page.get_by_text("Uploaded lights: 40 rows, 64 features")).to_be_visible()
    expect(page.get_by_role("alert")).to_have_count(0)
    expect(page.get_by_text("64 in, 1 out")).to_be_visible()


def test_a_table_is_asked_by_its_columns_and_by_its_file(
    open_page: Opened, url: str, tmp_path: Path
) -> None:
    page = open_page("/jobs")
    give(page, tmp_path, "homes.csv", houses())
    use(page)
    expect(page.get_by_text("8 in, 1 out")).to_be_visible()
    settings(page).get_by_role("button", name="Train", exact=True).click()
    page.get_by_role("link", name="Details").click()
    job = page.url.split("/jobs/")[1].split("?")[0]
    await_condition(
        lambda: ask(url, f"/v1/jobs/{job}")["state"] == "succeeded", 60, "the run is over"
    )
    panel = page.get_by_role("figure", name="Predict for your own input")
    panel.scroll_into_view_if_needed()
    answer = panel.get_by_test_id("answer")
    expect(answer).to_have_text(re.compile(r"\d"))
    panel.get_by_label("city").select_option("Bonn")
    before = answer.inner_text()
    size = panel.get_by_label("size, as a number")
    size.fill("155")
    size.press("Enter")
    expect(answer).not_to_have_text(before)
    expect(panel.get_by_role("switch", name="garage")).to_be_visible()
    expect(panel.get_by_label("built")).to_have_attribute("type", "date")
    assert violations(panel) == []
    panel.locator("input[type=file]").set_input_files(tmp_path / "homes.csv")
    table = panel.get_by_role("region", name="Predictions for homes.csv")
    expect(table.get_by_role("columnheader")).to_have_text(
        ["id", "size", "garage", "city", "built", "price", "predicted price"]
    )
    with page.expect_download() as saved:
        panel.get_by_role("button", name="Download homes-predicted.csv").click()
    lines = Path(saved.value.path()).read_text().splitlines()
    assert lines[0] == "id,size,garage,city,built,price,predicted price"
    assert len(lines) == 61


def test_an_upload_is_deleted_when_it_is_known_what_was_trained_on_it(
    open_page: Opened, url: str, tmp_path: Path
) -> None:
    open_page.excuse("404")
    page = open_page("/jobs")
    give(page, tmp_path, "pets of the test.csv", PETS)
    use(page)
    expect(page.get_by_text("3 in, 1 out")).to_be_visible()
    settings(page).get_by_role("button", name="Train").click()
    page.get_by_role("link", name="Details").click()
    # A run without a name is called as its file.
    expect(page.get_by_role("heading", name="pets of the test", level=1)).to_be_visible()
    job = page.url.split("/jobs/")[1].split("?")[0]
    await_condition(
        lambda: ask(url, f"/v1/jobs/{job}")["state"] == "succeeded", 60, "the run is over"
    )
    data = ask(url, f"/v1/jobs/{job}")["spec"]["dataset"]["id"]
    page.go_back()
    page.get_by_text("Your file").click()
    line = page.get_by_role("list", name="Your uploads").get_by_role("listitem")
    line = line.filter(has_text="pets of the test")
    expect(line).to_contain_text(re.compile(r"40 rows, 3 inputs, (just now|\d+ min ago)"))
    line.get_by_role("button", name="Delete pets of the test").click()
    expect(line).to_contain_text("1 run was trained on it.")
    assert violations(line) == []
    line.get_by_role("button", name="Keep it").click()
    assert ask(url, f"/v1/datasets/{data}")["id"] == data
    line.get_by_role("button", name="Delete pets of the test").click()
    line.get_by_role("button", name="Delete permanently").click()
    expect(line).to_have_count(0)
    assert call(url, f"/v1/datasets/{data}").json()["reason"] == "not_found"
    # The settings for it begin with other data.
    expect(page.get_by_role("figure", name="two moons")).to_be_visible()
    expect(settings(page).get_by_role("button", name="Train")).to_be_enabled()
    page.goto(f"/jobs/{job}")
    expect(page.get_by_role("heading", name="The data set of this run was deleted")).to_be_visible()
    expect(page.get_by_role("figure", name="Loss", exact=True)).to_be_visible()
    expect(page.get_by_role("figure", name="Weights")).to_be_visible()
    expect(page.get_by_role("alert")).to_have_count(0)


def test_data_that_are_being_trained_on_are_kept(
    open_page: Opened, url: str, tmp_path: Path
) -> None:
    open_page.excuse("409")
    page = open_page("/jobs")
    head, _, rows = PETS.partition("\n")
    give(page, tmp_path, "busy.csv", f"{head}\n{rows * 50}")  # enough for an hour
    use(page)
    expect(page.get_by_text("Uploaded busy")).to_be_visible()
    settings(page).get_by_label("Epochs").fill("1000000")
    settings(page).get_by_role("button", name="Train").click()
    page.wait_for_url("**lab.job=job_*")
    job = parse_qs(urlsplit(page.url).query)["lab.job"][0]
    page.goto("/lab")
    page.get_by_text("Your file").click()
    page.get_by_role("button", name="Delete busy").click()
    page.get_by_role("button", name="Delete permanently").click()
    expect(page.get_by_role("alert")).to_contain_text(f"{job} trains on it")
    assert call(url, f"/v1/jobs/{job}/cancel", "POST").is_success


def test_ones_files_fit_their_place(open_page: Opened, tmp_path: Path) -> None:
    page = open_page("/jobs")
    give(page, tmp_path, f"{'a long name of a file ' * 4}.csv", PETS)
    use(page)
    expect(page.get_by_text("classes bird, cat")).to_be_visible()
    suits_every_screen(page)
