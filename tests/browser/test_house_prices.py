"""The path of a table: dropped on the lab, trained as suggested, evaluated, asked a new row."""

import re
from collections.abc import Iterator

import numpy as np
import pytest
from playwright.sync_api import Page, expect
from tests.browser.conftest import (
    PHONE,
    WIDE,
    Opened,
    ask,
    barrier_free,
    drop,
    fits,
    number,
    rest,
    settings,
)

CITIES = {"Aachen": 0, "Bonn": 25_000, "Cologne": 60_000, "Dresden": 20_000}


def house_prices(rows: int = 300, seed: int = 1) -> str:
    """Prices that depend on all columns, with gaps in three of them."""
    rng = np.random.default_rng(seed)
    lines = ["size,rooms,age,city,price"]
    for _ in range(rows):
        size, age = int(rng.integers(35, 220)), int(rng.integers(0, 100))
        rooms = max(1, round(size / 28 + rng.normal(0, 0.7)))
        city = str(rng.choice(list(CITIES)))
        price = (2200 * size + 9000 * rooms - 900 * age + CITIES[city]) * rng.normal(1, 0.03)
        cells = [str(size), str(rooms), str(age), city]
        for column in (1, 2, 3):
            if rng.random() < 0.05:
                cells[column] = ""
        lines.append(",".join([*cells, f"{round(price, -2):.0f}"]))
    return "\n".join(lines) + "\n"


def job_of(page: Page) -> str:
    return page.url.split("/jobs/")[1].split("?")[0]


def walk(page: Page) -> Iterator[str]:
    """Go from a dropped file to a prediction for a row of one's own; the name of each step."""
    page.goto("/lab")
    lab = settings(page)
    drop(page, "house-prices.csv", house_prices())
    head = lab.get_by_role("region", name="First rows of house-prices.csv")
    expect(head.get_by_role("columnheader")).to_have_text(
        ["line", "size", "rooms", "age", "city", "price"]
    )
    expect(lab.get_by_label("Column to predict")).to_have_value("price")
    yield "dropped"
    lab.get_by_role("button", name="Use this file").click()
    expect(lab.get_by_text("Uploaded house-prices: 300 rows")).to_be_visible()
    suggested = lab.get_by_role("region", name="Suggested settings")
    expect(suggested).to_contain_text("set as suggested for this data")
    why = suggested.get_by_text("Why these settings")
    if not suggested.get_by_role("term").first.is_visible():
        why.click()
    yield "suggested"
    lab.get_by_role("button", name="Train", exact=True).click()
    page.get_by_role("link", name="Details").click()
    page.wait_for_url(re.compile("/jobs/job_"))
    expect(page.get_by_role("heading", name="house-prices", level=1)).to_be_visible()
    expect(page.get_by_role("link", name="Try something else")).to_be_visible()
    metrics = page.get_by_role("figure", name="Metrics")
    metrics.scroll_into_view_if_needed()
    expect(metrics).to_contain_text("RMSE of price")
    yield "trained"
    panel = page.get_by_role("figure", name="Predict for your own input")
    panel.scroll_into_view_if_needed()
    panel.get_by_label("city").select_option("Cologne")
    for column, value in {"size": 120, "rooms": 4, "age": 30}.items():
        field = panel.get_by_label(f"{column}, as a number")
        field.fill(str(value))
        field.press("Enter")
    expect(panel).to_contain_text("Predicted price")
    rest(page)
    yield "asked"


def test_a_table_is_trained_on_as_suggested_and_asked_about_another_row(
    open_page: Opened, url: str
) -> None:
    page = open_page("/jobs")
    for step in walk(page):
        for size in (PHONE, WIDE):
            fits(page, size)
        if step == "suggested":
            assert "spec" in page.url
    job = ask(url, f"/v1/jobs/{job_of(page)}")
    assert job["spec"]["name"] == "house-prices"
    suggestion = ask(url, f"/v1/datasets/{job['spec']['dataset']['id']}/suggest")
    # A job also says which seed splits its samples.
    assert job["spec"] | {"split": None} == suggestion["spec"] | {"split": None}
    assert job["warning"] is None
    # The picture of predictions has a dot for each of the samples.
    picture = page.get_by_role("figure", name="Predictions and targets")
    assert picture.locator("circle").count() == 300
    expect(picture).to_contain_text("price")
    expect(page.get_by_role("figure", name="Loss", exact=True)).to_contain_text("linear model")
    evaluation = ask(url, f"/v1/jobs/{job['id']}/evaluation")["regression"]
    metrics = page.get_by_test_id("metrics")
    shown = dict(
        zip(
            metrics.get_by_role("term").all_inner_texts(),
            metrics.get_by_role("definition").all_inner_texts(),
            strict=True,
        )
    )
    assert number(shown["RMSE of price"]) == pytest.approx(evaluation["rmse"], rel=1e-3)
    assert number(shown["MAE of price"]) == pytest.approx(evaluation["mae"], rel=1e-3)
    assert evaluation["r2"] > 0.95
    row = {"size": 120, "rooms": 4, "age": 30, "city": "Cologne"}
    (output,) = ask(url, f"/v1/jobs/{job['id']}/predict", {"rows": [row]})["outputs"]
    answer = page.get_by_test_id("answer")
    assert number(answer.inner_text()) == pytest.approx(output[0], rel=1e-3)
    assert output[0] == pytest.approx(2200 * 120 + 9000 * 4 - 900 * 30 + 60_000, rel=0.1)
    barrier_free(page.locator("main"))


def test_each_suggested_setting_has_its_reason_and_can_be_undone(
    open_page: Opened, url: str
) -> None:
    page = open_page("/lab")
    lab = settings(page)
    lab.get_by_label("Epochs", exact=True).fill("333")
    lab.get_by_label("Epochs", exact=True).press("Enter")
    drop(page, "house-prices.csv", house_prices())
    lab.get_by_role("button", name="Use this file").click()
    suggested = lab.get_by_role("region", name="Suggested settings")
    page.wait_for_url(re.compile("data_"))
    (dataset,) = re.findall(r"data_\w+", page.url)
    suggestion = ask(url, f"/v1/datasets/{dataset}/suggest")
    assert len(suggestion["reasons"]) > 5
    expect(suggested.get_by_role("definition")).to_have_text(
        [reason["reason"] for reason in suggestion["reasons"]]
    )
    epochs = lab.get_by_label("Epochs", exact=True)
    expect(epochs).to_have_value(str(suggestion["spec"]["epochs"]))
    expect(lab.get_by_label("Scaling of the target")).to_have_value("standardize")
    suggested.get_by_role("button", name="Keep my settings").press("Enter")
    expect(suggested).to_contain_text("other settings than the suggested ones")
    expect(epochs).to_have_value("333")
    expect(lab.get_by_label("Layer 2", exact=True)).to_have_value("dense")
    suggested.get_by_role("button", name="Use the suggested settings").press("Enter")
    expect(epochs).to_have_value(str(suggestion["spec"]["epochs"]))
    # A changed setting is marked, and no other.
    epochs.fill("77")
    epochs.press("Enter")
    expect(suggested.get_by_text("(you chose another)")).to_have_count(1)
    page.wait_for_url(re.compile("epochs%22:77"))
    page.reload()
    expect(suggested.get_by_text("(you chose another)")).to_have_count(1)
    expect(lab.get_by_role("region", name="Columns of house-prices")).to_contain_text("filled")
    # The suggestion for the file does not go to other data, which have a suggestion too.
    suggested.get_by_role("button", name="Use the suggested settings").click()
    lab.get_by_text("Built-in").click()
    lab.get_by_role("button", name="circles").click()
    circles = ask(url, "/v1/datasets/circles/suggest?samples=400")["spec"]
    assert circles["epochs"] != suggestion["spec"]["epochs"]
    expect(epochs).to_have_value(str(circles["epochs"]))
    expect(lab.get_by_label("Scaling of the target")).to_have_count(0)
