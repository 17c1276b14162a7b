"""The metrics of a run: of each class and part, at the epoch that the page shows."""

from typing import Any

import pytest
from playwright.sync_api import Locator, Page, Route, expect
from tests.browser.conftest import PHONE, Opened, ask, barrier_free, fits, number, see, violations
from tests.browser.test_job import LONG
from tests.servers.stack import await_condition

IRIS: dict[str, Any] = {
    "name": "Irises to evaluate",
    "network": {
        "input_shape": [4],
        "layers": [{"type": "dense", "units": 3, "activation": "softmax"}],
    },
    "dataset": {"name": "iris", "scaling": "standard"},
    "loss": "cross_entropy",
    "epochs": 40,
    "optimizer": {"type": "sgd", "learning_rate": 0.01},
    "validation_fraction": 0.2,
    "split": {"test_fraction": 0.2},
    "snapshots": {"weights_every": 10},
}
# From the first epoch on, the validation loss rises.
OVERFITTED: dict[str, Any] = {
    "name": "Memorized noise",
    "network": {
        "input_shape": [2],
        "layers": [
            {"type": "dense", "units": 64, "activation": "relu"},
            {"type": "dense", "units": 1, "activation": "sigmoid"},
        ],
    },
    "dataset": {"name": "two_moons", "samples": 60, "noise": 0.6},
    "loss": "binary_cross_entropy",
    "epochs": 400,
    "optimizer": {"type": "adam", "learning_rate": 0.05},
    "validation_fraction": 0.5,
    "early_stopping": {"patience": 30},
}


def train(url: str, spec: dict[str, Any]) -> str:
    job: str = ask(url, "/v1/jobs", spec)["id"]
    await_condition(
        lambda: ask(url, f"/v1/jobs/{job}")["state"] == "succeeded", 60, "the job has ended"
    )
    return job


@pytest.fixture(scope="module")
def irises(url: str) -> str:
    return train(url, IRIS)


def metrics_of(page: Page) -> Locator:
    figure = page.get_by_role("figure", name="Metrics")
    see(figure)
    return figure


def shown(figure: Locator) -> dict[str, float]:
    """The metrics by name."""
    place = figure.get_by_test_id("metrics")
    names, values = place.get_by_role("term"), place.get_by_role("definition")
    pairs = zip(names.all_inner_texts(), values.all_inner_texts(), strict=True)
    return {name: number(value) for name, value in pairs}


def rows(figure: Locator) -> list[list[str]]:
    cells: list[list[str]] = figure.locator("tbody").evaluate(
        "(body) => [...body.rows].map((row) => [...row.cells].map((cell) => cell.innerText))"
    )
    return cells


def test_each_part_of_the_samples_has_metrics_of_every_class(
    open_page: Opened, url: str, irises: str
) -> None:
    page = open_page(f"/jobs/{irises}")
    figure = metrics_of(page)
    names = {"validation": "validation", "training": "train", "test": "test"}
    expect(figure.get_by_role("radio", checked=True)).to_have_accessible_name("validation")
    figure.get_by_role("radio", name="validation").focus()
    for name, split in names.items():
        expect(figure).to_contain_text(f"{name} samples")
        reply = ask(url, f"/v1/jobs/{irises}/evaluation?split={split}")["classification"]
        values = shown(figure)
        assert values["accuracy"] == pytest.approx(100 * reply["accuracy"], abs=0.06)
        assert values["F1, mean of the classes"] == pytest.approx(reply["f1"], abs=6e-4)
        assert values["ROC AUC"] == pytest.approx(reply["roc_auc"], abs=6e-4)
        expected = [
            [row[field] for field in ("precision", "recall", "f1", "roc_auc", "support")]
            for row in reply["classes"]
        ]
        read = [[float(cell) for cell in cells] for _, *cells in rows(figure)]
        assert read == [pytest.approx(row, rel=1e-3) for row in expected]
        assert [cells[0] for cells in rows(figure)] == [row["name"] for row in reply["classes"]]
        page.keyboard.press("ArrowRight")
    page.keyboard.press("ArrowLeft")
    expect(figure).to_contain_text("Neither training nor early stopping used the test part")
    page.wait_for_url("**metrics.part=test**")
    barrier_free(figure)


def test_the_metrics_are_those_of_the_scrubbed_epoch_and_do_not_flicker(
    open_page: Opened, url: str, irises: str
) -> None:
    page = open_page(f"/jobs/{irises}", PHONE)
    figure = metrics_of(page)
    expect(figure.get_by_test_id("metrics-epoch")).to_have_text("40")
    figure.evaluate(
        """(figure) => {
            window.empty = 0
            new MutationObserver(() => {
                if (!figure.querySelector('[data-testid=metrics]')) window.empty += 1
            }).observe(figure, { childList: true, subtree: true })
        }"""
    )
    page.get_by_role("slider", name="Epoch", exact=True).press("Home")
    for epoch in (10, 20):
        page.get_by_role("slider", name="Epoch", exact=True).press("ArrowRight")
        expect(figure.get_by_test_id("metrics-epoch")).to_have_text(str(epoch))
        reply = ask(url, f"/v1/jobs/{irises}/evaluation?epoch={epoch}")["classification"]
        assert shown(figure)["accuracy"] == pytest.approx(100 * reply["accuracy"], abs=0.06)
    assert page.evaluate("window.empty") == 0
    fits(page, PHONE)


def test_a_run_that_was_stopped_early_shows_its_best_epoch(open_page: Opened, url: str) -> None:
    job = train(url, OVERFITTED)
    best = ask(url, f"/v1/jobs/{job}")["best"]
    assert best["is_restored"]
    assert best["epoch"] < ask(url, f"/v1/jobs/{job}")["epoch"]
    page = open_page(f"/jobs/{job}")
    expect(page.get_by_test_id("scrubbed")).to_have_text(str(best["epoch"]))
    expect(
        page.get_by_text(f"The result is the network after epoch {best['epoch']}")
    ).to_be_visible()
    loss = number(page.get_by_test_id("validation-loss").inner_text())
    assert loss == pytest.approx(best["value"], rel=1e-3)
    figure = metrics_of(page)
    expect(figure.get_by_test_id("metrics-epoch")).to_have_text(str(best["epoch"]))
    reply = ask(url, f"/v1/jobs/{job}/evaluation")
    assert reply["epoch"] == best["epoch"]
    accuracy = reply["classification"]["accuracy"]
    assert shown(figure)["accuracy"] == pytest.approx(100 * accuracy, abs=0.06)
    page.get_by_role("slider", name="Epoch", exact=True).press("Home")
    expect(figure.get_by_test_id("metrics-epoch")).to_have_text("0")
    page.get_by_role("button", name="Best").press("Enter")
    expect(figure.get_by_test_id("metrics-epoch")).to_have_text(str(best["epoch"]))


def test_a_run_without_weights_says_why_it_has_no_metrics(open_page: Opened, url: str) -> None:
    # Each of the two workers has a run, so the third run is cancelled before it starts.
    jobs = [ask(url, "/v1/jobs", LONG)["id"] for _ in range(2)]
    await_condition(
        lambda: all(ask(url, f"/v1/jobs/{job}")["epoch"] > 0 for job in jobs), 60, "both workers"
    )
    jobs.append(ask(url, "/v1/jobs", LONG)["id"])
    for job in reversed(jobs):
        ask(url, f"/v1/jobs/{job}/cancel", {})
    page = open_page(f"/jobs/{jobs[-1]}")
    expect(page.get_by_text("The run ended before any weights were stored")).to_be_visible()
    expect(page.get_by_text("Predictions and metrics are computed from weights.")).to_be_visible()
    expect(page.get_by_text("The run ended before its first epoch.")).to_be_visible()
    expect(page.get_by_role("figure", name="Metrics")).to_have_count(0)
    assert violations(page) == []


def test_metrics_that_cannot_be_computed_say_why_and_can_be_requested_again(
    open_page: Opened, irises: str
) -> None:
    open_page.excuse("500")
    page = open_page("/jobs")

    def refuse(route: Route) -> None:
        problem = {"title": "The evaluation broke", "detail": "By the test.", "reason": "internal"}
        route.fulfill(status=500, json=problem, content_type="application/problem+json")

    page.route("**/evaluation?*", refuse)
    page.goto(f"/jobs/{irises}")
    figure = metrics_of(page)
    expect(figure).to_contain_text("By the test.")
    page.unroute("**/evaluation?*")
    figure.get_by_role("button", name="Try again").click()
    expect(figure.get_by_test_id("metrics")).to_contain_text("accuracy")
