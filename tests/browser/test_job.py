"""A run's page: watched live, scrubbed through, compared, forked, diagnosed and taken along."""

import base64
import csv
import io
import json
import re
from collections.abc import Iterator
from typing import Any
from urllib.parse import parse_qs, urlsplit

import httpx2
import pytest
from playwright.sync_api import Page, Route, expect
from tests.browser.conftest import Opened, number, rest, suits_every_screen
from tests.servers.stack import await_condition

Words = dict[str, Any]


def dense(*units: int, activation: str = "linear", output: str = "linear") -> list[Words]:
    """Layers with these numbers of units; the last one is the output layer."""
    words = [activation] * (len(units) - 1) + [output]
    return [
        {"type": "dense", "units": size, "activation": word}
        for size, word in zip(units, words, strict=True)
    ]


MOONS: Words = {
    "name": "Moons of the test",
    "network": {"input_shape": [2], "layers": dense(8, 1, activation="tanh", output="sigmoid")},
    "dataset": {"name": "two_moons", "samples": 200, "noise": 0.2},
    "loss": "binary_cross_entropy",
    "epochs": 40,
    "validation_fraction": 0.2,
    "optimizer": {"type": "adam", "learning_rate": 0.02},
    "snapshots": {"weights_every": 10},
    "seed": 3,
}
# Long enough to be watched, and stopped when it has been.
LONG: Words = {
    **MOONS,
    "name": "A long run",
    "dataset": {"name": "two_moons", "samples": 4000, "noise": 0.2},
    "epochs": 100_000,
    "snapshots": {"weights_every": 200},
}


class Api:
    """The API that the page is compared with."""

    def __init__(self, url: str) -> None:
        self._client = httpx2.Client(base_url=url, trust_env=False, timeout=60)

    def get(self, path: str, **query: Any) -> Any:
        answer = self._client.get(path, params=query)
        answer.raise_for_status()
        return answer.json()

    def post(self, path: str, body: Words | None = None) -> Any:
        answer = self._client.post(path, json=body)
        assert answer.is_success, answer.text
        return answer.json() if answer.content else None

    def status(self, path: str) -> int:
        return self._client.get(path).status_code

    def snapshot(self, job: str) -> str:
        """The first event of the job's stream, as it comes over the wire."""
        lines = []
        with self._client.stream("GET", f"/v1/jobs/{job}/events") as stream:
            for line in stream.iter_lines():
                lines.append(line)
                if line == "" and any(line.startswith("data:") for line in lines):
                    break
        return "\n".join(lines) + "\n"

    def train(self, spec: Words) -> str:
        """A job that has ended."""
        job: str = self.post("/v1/jobs", spec)["id"]
        await_condition(lambda: self.state(job) in ("succeeded", "failed"), 60, "the job has ended")
        return job

    def state(self, job: str) -> str:
        state: str = self.get(f"/v1/jobs/{job}")["state"]
        return state

    def close(self) -> None:
        self._client.close()


@pytest.fixture(scope="module")
def api(url: str) -> Iterator[Api]:
    api = Api(url)
    yield api
    api.close()


@pytest.fixture(scope="module")
def moons(api: Api) -> str:
    return api.train(MOONS)


@pytest.fixture
def long_run(api: Api) -> Iterator[str]:
    job = api.post("/v1/jobs", LONG)["id"]
    await_condition(lambda: api.get(f"/v1/jobs/{job}")["epoch"] > 0, 60, "the first epoch")
    yield job
    if api.state(job) not in ("succeeded", "failed", "cancelled"):
        api.post(f"/v1/jobs/{job}/cancel")


def read(page: Page, name: str) -> float:
    """The number that stands at a place of the page."""
    return number(page.get_by_test_id(name).inner_text())


def written(value: float) -> float:
    """As the page writes it: with four significant digits."""
    return float(f"{value:.4g}")


def table_of(page: Page, figure: str) -> list[list[str]]:
    """A figure's numbers, read off its table."""
    place = page.get_by_role("figure", name=figure, exact=True)
    place.get_by_role("button", name="Table").click()
    rows: list[list[str]] = place.locator("table").evaluate(
        "(table) => [...table.rows].map((row) => [...row.cells].map((cell) => cell.innerText))"
    )
    place.get_by_role("button", name="Table").click()
    return rows


@pytest.mark.journey
def test_a_run_that_is_over_is_shown_with_the_numbers_of_the_api(
    open_page: Opened, api: Api, moons: str
) -> None:
    page = open_page(f"/jobs/{moons}")
    expect(page.get_by_role("heading", name="Moons of the test", level=1)).to_be_visible()
    expect(page.get_by_role("status").filter(has_text="Finished")).to_be_visible()
    latest = api.get(f"/v1/jobs/{moons}")["latest"]
    assert read(page, "epoch") == 40
    assert read(page, "training-loss") == written(latest["train_loss"])
    assert read(page, "validation-accuracy") == round(100 * latest["validation_accuracy"], 1)
    confusion = api.get(f"/v1/jobs/{moons}/confusion-matrix", epoch=40)
    page.get_by_role("figure", name="Confusion matrix").scroll_into_view_if_needed()
    expect(page.get_by_test_id("confusion-accuracy")).to_be_visible()
    assert read(page, "confusion-accuracy") == round(100 * confusion["accuracy"], 1)
    rows = table_of(page, "Loss")
    assert rows[0] == ["epoch", "training", "validation", "best constant", "linear model"]
    baselines = api.get(f"/v1/jobs/{moons}")["baselines"]
    assert number(rows[1][3]) == pytest.approx(baselines["constant"]["validation_loss"], rel=0.01)
    expect(page.get_by_role("figure", name="Loss", exact=True)).to_contain_text("best constant")
    assert [int(row[0]) for row in rows[1:]] == list(range(1, 41))


def test_a_run_that_is_no_better_than_a_constant_says_so_first_and_is_not_green(
    open_page: Opened, api: Api, moons: str
) -> None:
    spec = {**MOONS, "name": "Hardly moved", "optimizer": {"type": "sgd", "learning_rate": 1e-9}}
    job = api.train({**spec, "seed": 1})
    warning = api.get(f"/v1/jobs/{job}")["warning"]
    assert warning.startswith("Finished, but ")
    page = open_page(f"/jobs/{job}")
    expect(page.get_by_role("status").filter(has_text=warning)).to_be_visible()
    color = "(lamp) => getComputedStyle(lamp).backgroundColor"
    red = page.get_by_test_id("lamp").evaluate(color)
    assert red != open_page(f"/jobs/{moons}").get_by_test_id("lamp").evaluate(color)


# Predictions are about a thousand times as large as the targets, and training hardly changes them.
FAR_OFF: Words = {
    "name": "Far from every target",
    "network": {"input_shape": [3], "layers": dense(1)},
    "dataset": {
        "inputs": [[1000 + i, 2000 - 3 * i, 500 + 7 * i % 11] for i in range(20)],
        "targets": [i / 20 for i in range(20)],
    },
    "loss": "mse",
    "target_scaling": "none",
    "epochs": 3,
    "optimizer": {"type": "sgd", "learning_rate": 1e-12},
}


def test_predictions_far_from_all_targets_are_in_the_picture(open_page: Opened, api: Api) -> None:
    job = api.train(FAR_OFF)
    page = open_page(f"/jobs/{job}")
    warning = "Finished, but worse than predicting the mean"
    expect(page.get_by_role("status").filter(has_text=warning)).to_be_visible()
    picture = page.get_by_role("figure", name="Predictions and targets")
    expect(picture.locator("circle")).to_have_count(20)
    plot = picture.locator("clipPath rect").first
    height, top = (float(plot.get_attribute(name) or "nan") for name in ("height", "y"))
    for dot in picture.locator("circle").all():
        assert top <= float(dot.get_attribute("cy") or "nan") <= top + height
    expect(page.get_by_role("figure", name="Metrics")).to_contain_text("the network is not better")


def test_scrubbing_shows_the_network_as_it_was(open_page: Opened, api: Api, moons: str) -> None:
    def missed(epoch: int) -> str:
        query = {"epoch": epoch, "order": "random", "count": 400}
        samples = api.get(f"/v1/jobs/{moons}/sample-predictions", **query)["samples"]
        wrong = [s for s in samples if s["target_class"] != s["predicted_class"]]
        return f"{len(wrong)} of {len(samples)} misclassified"

    page = open_page(f"/jobs/{moons}")
    expect(page.get_by_test_id("scrubbed")).to_have_text("40")
    expect(page.get_by_test_id("missed")).to_have_text(missed(40))
    tape = page.get_by_role("slider", name="Epoch", exact=True)
    tape.press("Home")
    expect(page.get_by_test_id("scrubbed")).to_have_text("0")
    expect(page.get_by_test_id("missed")).to_have_text(missed(0))
    tape.press("ArrowRight")
    expect(page.get_by_test_id("scrubbed")).to_have_text("10")
    tape.press("ArrowRight")
    # The loss that the curves show at this epoch, and which of the two it is.
    text = re.compile(r"epoch 20 of 40, validation loss 0\.\d+")
    expect(tape).to_have_attribute("aria-valuetext", text)
    page.wait_for_url("**?job.epoch=20")
    again = open_page(page.url)
    expect(again.get_by_test_id("scrubbed")).to_have_text("20")
    expect(again.get_by_test_id("missed")).to_have_text(missed(20))
    again.get_by_role("button", name="Newest").click()
    expect(again.get_by_test_id("scrubbed")).to_have_text("40")


def test_a_run_can_be_played_from_its_initial_weights_to_its_last(
    open_page: Opened, moons: str
) -> None:
    page = open_page(f"/jobs/{moons}?job.epoch=10", reduced_motion="no-preference")
    scrubbed = page.get_by_test_id("scrubbed")
    expect(scrubbed).to_have_text("10")
    page.get_by_role("button", name="Play the run").click()
    expect(scrubbed).to_have_text("40")
    expect(page.get_by_role("button", name="Play the run")).to_be_visible()
    still = open_page(f"/jobs/{moons}")
    expect(still.get_by_test_id("scrubbed")).to_have_text("40")
    expect(still.get_by_role("button", name="Play the run")).to_have_count(0)


@pytest.mark.journey
def test_a_run_is_watched_paused_resumed_and_cancelled(
    open_page: Opened, api: Api, long_run: str
) -> None:
    page = open_page(f"/jobs/{long_run}")
    epoch = page.get_by_test_id("epoch")
    expect(page.locator("header").get_by_role("status").filter(has_text="Training")).to_be_visible()
    before = read(page, "epoch")
    page.wait_for_function(
        "(before) => Number(document.querySelector('[data-testid=epoch]').innerText"
        ".replaceAll(',', '')) > before",
        arg=before,
    )
    expect(page.get_by_text("left", exact=False).first).to_be_visible()
    page.get_by_role("button", name="Pause", exact=True).click()
    expect(page.get_by_role("status").filter(has_text="Paused")).to_be_visible()
    assert api.state(long_run) == "paused"
    rest = epoch.inner_text()
    page.get_by_role("button", name="Resume").click()
    expect(page.locator("header").get_by_role("status").filter(has_text="Training")).to_be_visible()
    expect(epoch).not_to_have_text(rest)
    page.get_by_role("button", name="Cancel").click()
    expect(page.get_by_role("status").filter(has_text="Cancelled")).to_be_visible()
    assert api.state(long_run) == "cancelled"


def test_a_run_changes_while_it_trains(open_page: Opened, api: Api, long_run: str) -> None:
    page = open_page(f"/jobs/{long_run}")
    dials = page.get_by_role("region", name="Change it while it trains")
    rate = dials.get_by_label("Learning rate, as a number")
    rate.fill("0.003")
    rate.press("Enter")
    expect(dials.get_by_text("learning rate 0.003")).to_be_visible()
    dials.get_by_label("Optimizer").select_option("sgd")
    expect(dials.get_by_text("SGD, learning rate 0.1")).to_be_visible()
    expect(rate).to_have_value("0.1")
    expect(page.get_by_text("minimized with SGD")).to_be_visible()
    # The curve has a line where each change was.
    expect(page.get_by_role("figure", name="Loss").get_by_text("SGD, learning")).to_be_visible()
    changes = api.get(f"/v1/jobs/{long_run}")["spec"]["changes"]
    assert [[*change["training"]] for change in changes] == [["optimizer"], ["optimizer"]]
    dials.get_by_label("Activation").select_option("sigmoid")
    expect(dials.get_by_text("activation sigmoid")).to_be_visible()
    expect(page.locator("header").get_by_text("sigmoid").first).to_be_visible()
    dials.get_by_label("Speed").select_option("10 epochs/s")
    await_condition(
        lambda: api.get(f"/v1/jobs/{long_run}")["spec"]["pace"] == 10, 30, "a pace of 10"
    )
    # Without its last change, another run repeats this one, which waits beside it.
    dials.get_by_role("button", name="Take it back").click()
    page.wait_for_url(f"**?job.with={long_run}")
    expect(dials.get_by_text("SGD, learning rate 0.1")).to_be_visible()
    assert api.state(long_run) in ("pausing", "paused")
    again = page.url.split("/jobs/")[1].split("?")[0]
    assert api.get(f"/v1/jobs/{again}")["spec"]["changes"] == changes
    page.get_by_role("button", name="Cancel").click()
    expect(dials).to_have_count(0)
    api.post(f"/v1/jobs/{long_run}/cancel")


def test_the_pictures_follow_a_run_until_somebody_scrubs(open_page: Opened, long_run: str) -> None:
    page = open_page(f"/jobs/{long_run}")
    live = page.get_by_role("button", name="Live")
    scrubbed = page.get_by_test_id("scrubbed")
    expect(live).to_have_attribute("aria-pressed", "true")
    expect(scrubbed).to_be_visible()
    first = scrubbed.inner_text()
    expect(scrubbed).not_to_have_text(first)
    page.get_by_role("slider", name="Epoch", exact=True).press("Home")
    expect(scrubbed).to_have_text("0")
    expect(live).to_have_attribute("aria-pressed", "false")
    live.click()
    expect(scrubbed).not_to_have_text("0")


def test_a_stream_that_was_cut_goes_on_where_it_was(
    open_page: Opened, api: Api, long_run: str
) -> None:
    """The first answer ends after its snapshot, as if the network had; then one is refused."""
    snapshot = api.snapshot(long_run)
    cursor = next(line for line in snapshot.splitlines() if line.startswith("id:"))[3:].strip()
    requested: list[str] = []

    def cut(route: Route) -> None:
        requested.append(route.request.url)
        if len(requested) == 1:
            route.fulfill(content_type="text/event-stream", body=snapshot)
        elif len(requested) == 2:
            route.abort()
        else:
            third.append(route)

    open_page.excuse("ERR_FAILED")
    third: list[Route] = []
    page = open_page("/jobs")
    page.route(f"**/{long_run}/events*", cut)
    page.goto(f"/jobs/{long_run}")
    expect(page.get_by_text("reconnecting").first).to_be_visible()
    # Not answered before it has been seen that somebody waits for it.
    await_condition(lambda: page.evaluate("true") and third, 60, "a third attempt")
    third.pop().continue_()
    expect(page.get_by_text("reconnecting")).to_have_count(0)
    assert requested[0].endswith("/events")
    # A network that the page can compute is drawn from the weights of the stream.
    query = f"after={cursor}&parameters=true"
    assert [url.partition("?")[2] for url in requested[1:]] == [query] * 2
    page.get_by_role("button", name="Cancel").click()
    expect(page.get_by_role("status").filter(has_text="Cancelled")).to_be_visible()
    # Nothing twice and nothing missing: the curve ends at the job's last epoch, in order.
    epochs = [int(row[0].replace(",", "")) for row in table_of(page, "Loss")[1:]]
    assert epochs == sorted(set(epochs))
    assert epochs[-1] == api.get(f"/v1/jobs/{long_run}")["epoch"]


def test_a_run_that_waits_says_what_for(open_page: Opened, api: Api) -> None:
    # Each of two processes holds 16 jobs of an owner, and fewer if it takes them slowly.
    *others, last = (api.post("/v1/jobs", LONG | {"pace": 1})["id"] for _ in range(40))
    try:
        page = open_page(f"/jobs/{last}")
        state = page.locator("p[role=status]")
        expect(state.filter(has_text="Waiting for a worker")).to_be_visible()
        expect(page.get_by_text(re.compile(r"\b[1-9]\d* before\s+it"))).to_be_visible()
        expect(page.get_by_role("group", name="The network: 2 input")).to_be_visible()
        expect(page.get_by_role("slider", name="Epoch", exact=True)).to_be_disabled()
        for job in others:
            api.post(f"/v1/jobs/{job}/cancel")
        state = page.locator("header").get_by_role("status")
        expect(state.filter(has_text="Training")).to_be_visible()
        expect(page.get_by_role("figure", name="Loss")).to_be_visible()
    finally:
        for job in (*others, last):
            if api.state(job) not in ("cancelling", "cancelled"):
                api.post(f"/v1/jobs/{job}/cancel")


def test_a_fork_goes_on_from_the_scrubbed_epoch_beside_its_origin(
    open_page: Opened, api: Api, moons: str
) -> None:
    page = open_page(f"/jobs/{moons}?job.epoch=20")
    rate = page.get_by_label("Learning rate, as a number")
    rate.fill("0.002")
    rate.press("Tab")
    page.get_by_label("Epochs", exact=True).fill("15")
    page.get_by_role("button", name="Fork from epoch 20").click()
    page.wait_for_url("**?job.with=*")
    job = page.url.split("/jobs/")[1].split("?")[0]
    expect(page.get_by_role("status").filter(has_text="Finished")).to_be_visible()
    fork = api.get(f"/v1/jobs/{job}")
    assert fork["forked_from"] == {"job": moons, "epoch": 20}
    assert fork["spec"]["optimizer"]["learning_rate"] == 0.002
    differences = page.get_by_role("region", name="Comparison").get_by_role("row")
    expect(differences.filter(has_text="optimizer, learning rate")).to_contain_text("0.002")
    rows = table_of(page, "Loss")
    assert set(rows[0][1:]) == {
        "this run",
        "this run · validation",
        "Moons of the test",
        "Moons of the test · validation",
        "best constant",
        "linear model",
    }
    # One axis: the fork's first epoch stands after the epoch that it was taken from.
    column = rows[0].index("this run")
    epochs = [int(row[0]) for row in rows[1:] if row[column] != "–"]
    assert epochs == list(range(21, 36))
    page.get_by_role("link", name="epoch 20 of another run").click()
    expect(page.get_by_role("heading", name="Moons of the test", level=1)).to_be_visible()
    expect(page.get_by_test_id("scrubbed")).to_have_text("20")


def test_a_fork_whose_optimizer_goes_on_differs_in_the_rate_alone(
    open_page: Opened, api: Api, moons: str
) -> None:
    page = open_page(f"/jobs/{moons}?job.epoch=20")
    page.get_by_role("switch", name="The optimizer goes on").click()
    page.get_by_label("Learning rate, as a number").fill("0.5")
    page.get_by_role("button", name="Fork from epoch 20").click()
    page.wait_for_url("**?job.with=*")
    job = page.url.split("/jobs/")[1].split("?")[0]
    expect(page.get_by_role("status").filter(has_text="Finished")).to_be_visible()
    change = {"epoch": 20, "step": 0, "training": {"optimizer": {"learning_rate": 0.5}}}
    assert api.get(f"/v1/jobs/{job}")["spec"]["changes"] == [change]
    differences = page.get_by_role("region", name="Comparison").get_by_role("row")
    expect(differences.filter(has_text="after epoch").first).to_be_visible()
    rows = table_of(page, "Loss")
    ours, theirs = (rows[0].index(name) for name in ("this run", "Moons of the test, before"))
    assert [row[ours] == row[theirs] for row in rows[1:22]] == [*[True] * 20, False]


def test_another_run_can_be_compared_and_removed(open_page: Opened, api: Api, moons: str) -> None:
    other = api.train({**MOONS, "name": "The slow one", "epochs": 12, "seed": 4})
    page = open_page(f"/jobs/{moons}")
    page.get_by_label("Compare with").select_option(label="The slow one")
    side = page.get_by_role("region", name="Comparison")
    expect(side.get_by_role("row").filter(has_text="epochs").first).to_contain_text("12")
    best = api.get("/v1/comparison", jobs=[moons, other])["jobs"][1]["best"]
    expect(side.get_by_role("row").filter(has_text="best loss")).to_contain_text(
        f"{written(best['value'])}, epoch {best['epoch']}"
    )
    page.wait_for_url(f"**?job.with={other}")
    side.get_by_role("button", name="Remove The slow one").click()
    expect(side).to_have_count(0)
    page.wait_for_url(f"**/jobs/{moons}")


def test_changes_that_were_skipped_are_tried_by_further_requests(
    open_page: Opened, api: Api
) -> None:
    slow = {"type": "sgd", "learning_rate": 1e-9}
    job = api.train({**MOONS, "name": None, "seed": 1, "optimizer": slow})
    page = open_page("/jobs")
    replies: list[int] = []

    def cut(route: Route) -> None:
        """Replies as on a slow machine: the first two requests try nothing."""
        reply = route.fetch().json()
        if len(replies) < 2:
            for finding in reply["findings"]:
                finding.update(suggestion=None, patch=None, trial=None)
            reply |= {"patch": None, "trial": None, "skipped_trials": 5 - len(replies)}
        replies.append(reply["skipped_trials"])
        route.fulfill(json=reply)

    page.route("**/diagnosis", cut)
    page.goto(f"/jobs/{job}")
    card = page.get_by_role("region", name="Diagnosis")
    finding = card.get_by_role("listitem").filter(has_text="Suggestion:").first
    expect(finding).to_contain_text(re.compile(r"as it is, .+ with the change"))
    assert replies == [5, 4, 0]
    expect(card).not_to_contain_text("Trying")
    # An effect of the other findings points to them.
    effect = card.get_by_role("listitem").filter(has_text="Worse than constant")
    expect(effect).to_contain_text("See the change of the other finding")
    page.unroute("**/diagnosis")
    finding.get_by_role("button", name="Apply and rerun").click()
    page.wait_for_url(re.compile(f"job.with={job}"))
    # A run without a name is called as its data; the rerun is called after its remedy too.
    expect(page.get_by_role("heading", level=1)).to_have_text(re.compile("^Two moons, .+"))


def test_a_divergence_is_explained_and_its_remedy_is_one_click_away(
    open_page: Opened, api: Api
) -> None:
    diverged = api.train(
        {
            "name": "Too hot",
            "network": {"input_shape": [2], "layers": dense(1)},
            "dataset": {"name": "plane", "samples": 100},
            "loss": "mse",
            "epochs": 30,
            "optimizer": {"type": "sgd", "learning_rate": 10.0},
        }
    )
    divergence = api.get(f"/v1/jobs/{diverged}")["divergence"]
    page = open_page(f"/jobs/{diverged}")
    alert = page.get_by_role("alert")
    expect(alert).to_contain_text(f"in epoch {divergence['epoch']}")
    expect(alert).to_contain_text(divergence["layer"])
    expect(alert).to_contain_text(divergence["suggestion"])
    findings = api.get(f"/v1/jobs/{diverged}/diagnosis")["findings"]
    kinds = [finding["kind"] for finding in findings]
    finding = findings[kinds.index("learning_rate_too_high")]
    card = page.get_by_role("listitem").filter(has_text=finding["suggestion"])
    expect(card).to_contain_text("learning rate 10")
    expect(card).to_contain_text("Tried in runs of 30 epochs: training loss diverged as it is")
    card.get_by_role("button", name="Apply and rerun").click()
    page.wait_for_url(f"**?job.with={diverged}")
    job = page.url.split("/jobs/")[1].split("?")[0]
    spec = api.get(f"/v1/jobs/{job}")["spec"]
    assert spec["optimizer"]["learning_rate"] == finding["patch"]["optimizer"]["learning_rate"]
    assert spec["labels"] == {"rerun_of": diverged}
    assert spec["name"] == f"Too hot, learning rate {spec['optimizer']['learning_rate']:g}"
    page.get_by_role("link", name="another run").first.click()
    expect(page.get_by_role("alert")).to_contain_text("Diverged in epoch")


def test_another_seed_makes_another_run(open_page: Opened, api: Api, moons: str) -> None:
    page = open_page(f"/jobs/{moons}")
    expect(page.get_by_label("Seed")).to_have_value("4")
    page.get_by_role("button", name="Rerun with seed 4").click()
    page.wait_for_url("**?job.with=*")
    job = page.url.split("/jobs/")[1].split("?")[0]
    assert api.get(f"/v1/jobs/{job}")["spec"]["seed"] == 4


def test_a_run_without_a_program_says_so_and_links_its_reward_model(
    open_page: Opened, api: Api
) -> None:
    embedding = {"type": "embedding", "vocabulary": 25, "units": 4}
    read = [embedding, {"type": "global_average_pool"}, {"type": "dense", "units": 1}]
    write = [embedding, {"type": "dense", "units": 24, "activation": "softmax"}]
    judge = api.train(
        {
            "network": {"input_shape": [16], "layers": read},
            "dataset": {"name": "preferences", "samples": 20, "length": 16},
            "loss": "preference",
            "epochs": 3,
        }
    )
    writer = {
        "network": {"input_shape": [16], "layers": write},
        "dataset": {"name": "sentences", "samples": 20, "length": 16},
        "loss": "cross_entropy",
        "epochs": 2,
    }
    start = {"job": api.train(writer)}
    rollouts = {"reward": {"type": "job", "job": judge}}
    rewarded = api.train({**writer, "initial_weights": start, "rollouts": rollouts})
    for job, lacking in ((judge, "pairs"), (rewarded, "rollouts")):
        page = open_page(f"/jobs/{job}?job.epoch=1")
        take = page.get_by_role("region", name="Export")
        expect(take).to_contain_text(f"none trains with {lacking}")
        expect(take.get_by_role("button", name=re.compile("^NumPy"))).to_be_visible()
        expect(take.get_by_role("button", name=re.compile("^Training"))).to_have_count(0)
    page.get_by_role("link", name="epoch 3 of another run").click()
    page.wait_for_url(f"**/jobs/{judge}**")


def test_a_run_can_be_taken_along_in_every_form(open_page: Opened, api: Api, moons: str) -> None:
    page = open_page(f"/jobs/{moons}?job.epoch=30")
    take = page.get_by_role("region", name="Export")
    expect(take).to_contain_text("after epoch 30")
    starts = {
        "NumPy": (f"{moons}-epoch-30-numpy.py", b'"""'),
        "PyTorch": (f"{moons}-epoch-30-pytorch.py", b'"""'),
        "npz": (f"{moons}-epoch-30.npz", b"PK"),
        "Training in NumPy": (f"{moons}-epoch-40-training_numpy.py", b'"""'),
        "Training in PyTorch": (f"{moons}-epoch-40-training_pytorch.py", b'"""'),
        "HTML": (f"{moons}-epoch-40-run.html", b"<!doctype"),
        "CSV": (f"{moons}-epochs.csv", b"epoch,"),
    }
    for name, (file, start) in starts.items():
        with page.expect_download() as download:
            take.get_by_role("button", name=re.compile(f"^{name}")).click()
        content = download.value.path().read_bytes()
        assert (download.value.suggested_filename, content[: len(start)]) == (file, start)
    rows = list(csv.DictReader(io.StringIO(content.decode())))
    assert len(rows) == 40
    assert float(rows[-1]["train_loss"]) == api.get(f"/v1/jobs/{moons}")["latest"]["train_loss"]
    with page.expect_download() as download:
        take.get_by_role("button", name="safetensors").click()
    length = int.from_bytes(download.value.path().read_bytes()[:8], "little")
    header = json.loads(download.value.path().read_bytes()[8 : 8 + length])
    assert any(name.startswith("dense_1") for name in header)


def test_a_saved_chart_has_all_the_text_that_the_page_shows(open_page: Opened, moons: str) -> None:
    def saved(figure: str) -> str:
        place = page.get_by_role("figure", name=figure, exact=True)
        place.scroll_into_view_if_needed()
        expect(place.get_by_role("slider")).to_be_visible()
        place.get_by_text("Export", exact=True).click()
        with page.expect_download() as download:
            place.get_by_role("button", name="SVG").click()
        return download.value.path().read_text()

    page = open_page(f"/jobs/{moons}")
    loss = saved("Loss")
    assert ">training</text>" in loss
    assert ">validation</text>" in loss
    confusion = saved("Confusion matrix")
    png = base64.b64decode(confusion.split("data:image/png;base64,")[1].split('"')[0])
    # Two classes are two pixels in each direction, drawn as large as they were seen.
    assert min(int.from_bytes(png[16:20], "big"), int.from_bytes(png[20:24], "big")) > 80


def test_a_run_is_deleted_only_when_somebody_is_sure(open_page: Opened, api: Api) -> None:
    open_page.excuse("404")  # the page may still request a job that was just deleted
    job = api.train({**MOONS, "name": "Not for long", "epochs": 5})
    page = open_page(f"/jobs/{job}")
    page.get_by_role("button", name="Delete", exact=True).click()
    page.get_by_role("button", name="Keep it").click()
    assert api.status(f"/v1/jobs/{job}") == 200
    page.get_by_role("button", name="Delete", exact=True).click()
    page.get_by_role("button", name="Delete permanently").click()
    page.wait_for_url("**/jobs")
    assert api.status(f"/v1/jobs/{job}") == 404


def test_a_run_is_renamed_by_keyboard_and_renamed_back(open_page: Opened, api: Api) -> None:
    job = api.train({**MOONS, "name": "Before", "epochs": 2})
    page = open_page(f"/jobs/{job}")
    heading = page.get_by_role("heading", level=1)
    rename = page.get_by_role("button", name="Rename")
    rename.press("Enter")
    field = page.get_by_label("Name of this run")
    expect(field).to_be_focused()
    page.keyboard.type("Not this")
    page.keyboard.press("Escape")
    expect(heading).to_have_text("Before")
    expect(rename).to_be_focused()
    rename.press("Enter")
    page.keyboard.type("After")
    page.keyboard.press("Enter")
    expect(heading).to_have_text("After")
    expect(rename).to_be_focused()
    assert api.get(f"/v1/jobs/{job}")["spec"]["name"] == "After"
    expect(page.get_by_role("status").filter(has_text="Renamed from “Before”")).to_be_visible()
    suits_every_screen(page.locator("header.masthead"))
    page.get_by_role("button", name="Undo").press("Enter")
    expect(heading).to_have_text("Before")
    expect(page.get_by_role("button", name="Undo")).to_have_count(0)
    rename.click()
    field.fill(" ")
    page.get_by_role("button", name="Save").click()
    expect(heading).to_have_text("Two moons")
    assert api.get(f"/v1/jobs/{job}")["spec"]["name"] is None


def test_a_run_shows_what_its_webhooks_sent(open_page: Opened, api: Api, moons: str) -> None:
    hooks = [{"url": "https://nowhere.invalid/hook"}]
    job = api.train({**MOONS, "name": "Sent", "epochs": 2, "webhooks": hooks})
    page = open_page(f"/jobs/{job}")
    page.get_by_text("One webhook").click()
    delivery = page.get_by_test_id("delivery")
    expect(delivery).to_contain_text(
        "succeeded to https://nowhere.invalid/hook: will be sent again"
    )
    expect(delivery).to_contain_text("the host name cannot be resolved")
    suits_every_screen(page.locator("header.masthead"))
    page.goto(f"/jobs/{moons}")
    expect(page.get_by_role("heading", name="Moons of the test", level=1)).to_be_visible()
    expect(page.get_by_text("webhook")).to_have_count(0)


FIT = {
    "network": {"input_shape": [1], "layers": dense(8, 1, activation="tanh")},
    "dataset": {"name": "sine", "samples": 100},
    "loss": "mse",
    "epochs": 10,
}
DIGITS = {
    "network": {"input_shape": [64], "layers": dense(12, 10, activation="relu", output="softmax")},
    "dataset": {"name": "digits"},
    "loss": "cross_entropy",
    "epochs": 4,
}
BLOBS = {
    "network": {"input_shape": [2], "layers": dense(3, output="softmax")},
    "dataset": {"name": "blobs", "samples": 90},
    "loss": "cross_entropy",
    "epochs": 10,
}
MAP, CURVE = "Decision boundary", "Predictions over the input"
CONFUSION, UNITS = "Confusion matrix", "Output of each unit"
FILTERS = "Weights of each unit of the first layer"


@pytest.mark.parametrize(
    ("spec", "shown", "absent"),
    [
        (FIT, {CURVE}, {MAP, CONFUSION, UNITS, FILTERS}),
        (DIGITS, {CONFUSION, FILTERS}, {MAP, CURVE, UNITS}),
        (BLOBS, {MAP, CONFUSION, UNITS}, {CURVE, FILTERS}),
    ],
    ids=["one input", "pictures", "two inputs"],
)
def test_each_kind_of_data_has_the_pictures_that_mean_something_for_it(
    open_page: Opened, api: Api, spec: Words, shown: set[str], absent: set[str]
) -> None:
    page = open_page(f"/jobs/{api.train(spec)}")
    expect(page.get_by_test_id("scrubbed")).to_be_visible()
    page.get_by_role("heading", name="Weights").or_(
        page.get_by_role("heading", name=FILTERS)
    ).first.scroll_into_view_if_needed()
    for name in shown:
        expect(page.get_by_role("figure", name=name)).to_be_visible()
    rest(page)
    for name in absent:
        expect(page.get_by_role("figure", name=name)).to_have_count(0)


def test_the_map_of_several_outputs_shows_the_one_that_is_chosen(
    open_page: Opened, api: Api
) -> None:
    """Two binary outputs: AND and OR of two inputs."""
    gates = {
        "inputs": [[0, 0], [0, 1], [1, 0], [1, 1]],
        "targets": [[0, 0], [0, 1], [0, 1], [1, 1]],
    }
    job = api.train(
        {
            "network": {"input_shape": [2], "layers": dense(2, output="sigmoid")},
            "dataset": gates,
            "loss": "binary_cross_entropy",
            "epochs": 20,
        }
    )
    page = open_page(f"/jobs/{job}?ask.inputs=0,1")
    figure = page.get_by_role("figure", name=MAP)
    first, second = api.post(f"/v1/jobs/{job}/predict", {"inputs": [[0, 1]]})["outputs"][0]
    expect(figure).to_contain_text("The color is output 1 at each point")
    expect(figure.locator("svg")).to_contain_text(f"{written(first):.3g}")
    figure.get_by_label("Output").select_option(label="2 of 2")
    expect(figure).to_contain_text("The color is output 2 at each point")
    expect(figure.locator("svg")).to_contain_text(f"{written(second):.3g}")
    page.wait_for_url("**map.output=2*")


def test_what_a_layer_does_is_read_cell_by_cell(open_page: Opened, api: Api, moons: str) -> None:
    page = open_page(f"/jobs/{moons}")
    figure = page.get_by_role("figure", name="Gradient norm, layer by layer")
    figure.scroll_into_view_if_needed()
    snapshots = api.get(f"/v1/jobs/{moons}/gradients", page_size=100)["snapshots"]
    rows = table_of(page, "Gradient norm, layer by layer")
    assert rows[0] == ["epoch", "dense_1", "dense_2"]
    norm = snapshots[4]["layers"][1]["norm"]
    assert number(rows[5][2]) == written(norm)
    figure.get_by_label("Show").select_option(label="Standard deviation of the activations")
    rows = table_of(page, "Standard deviation of the activations, layer by layer")
    spread = snapshots[39]["layers"][0]["activation_std"]
    assert float(rows[40][1]) == written(spread)
    page.wait_for_url("**flow.of=activation_std*")


def test_the_page_of_a_long_run_makes_few_requests(open_page: Opened, api: Api) -> None:
    job = api.train({**MOONS, "name": "Long enough", "epochs": 1500})
    requested = open_page.record_requests()
    page = open_page(f"/jobs/{job}")
    name = "Gradient norm, layer by layer"
    page.get_by_role("figure", name=name).scroll_into_view_if_needed()
    expect(page.get_by_role("figure", name="Histogram of the gradient")).to_be_visible()
    rest(page)
    paths = [urlsplit(url).path for url in requested if "/v1/" in url]
    assert paths.count(f"/v1/jobs/{job}/gradients") <= 2
    # On a slow machine the diagnosis continues, and the page reads parts of earlier epochs again.
    assert len(set(paths)) <= 15
    assert len(paths) <= 20
    # A column of the picture has two snapshots of 16 epochs.
    snapshots = api.get(f"/v1/jobs/{job}/gradients", max_points=320)["snapshots"]
    rows = table_of(page, name)[1:]
    assert len(rows) == -(-1500 // 16)
    first = [s for s in snapshots if s["epoch"] <= 16]
    assert rows[0][0] == f"{first[0]['epoch']}–{first[-1]['epoch']}"
    norms = [snapshot["layers"][0]["norm"] for snapshot in first]
    assert number(rows[0][1]) == pytest.approx((min(norms) + max(norms)) / 2, rel=1e-3)


def test_statistics_that_are_zero_everywhere_are_not_offered(open_page: Opened, moons: str) -> None:
    page = open_page(f"/jobs/{moons}")
    figure = page.get_by_role("figure", name="Gradient norm, layer by layer")
    options = figure.get_by_label("Show").get_by_role("option")
    expect(options.filter(has_text="Weight norm")).to_have_count(1)
    expect(options.filter(has_text="Dead units")).to_have_count(0)  # no layer has ReLU


def test_a_unit_is_chosen_and_shown_large(open_page: Opened, moons: str) -> None:
    page = open_page(f"/jobs/{moons}")
    figure = page.get_by_role("figure", name=UNITS)
    figure.scroll_into_view_if_needed()
    figure.get_by_role("button", name="dense_1, unit 3").click()
    expect(figure.get_by_role("heading", name="dense_1, unit 3")).to_be_visible()
    page.wait_for_url("**units.chosen=dense_1:2*")


def test_a_place_on_the_map_is_asked_about(open_page: Opened, api: Api, moons: str) -> None:
    def answer(x: float, y: float, epoch: int) -> str:
        reply = api.post(f"/v1/jobs/{moons}/predict", {"inputs": [[x, y]], "epoch": epoch})
        yes, kind = reply["outputs"][0][0], reply["classes"][0]
        return f"{kind}, {round(100 * (yes if kind else 1 - yes), 1):.1f} %"

    page = open_page(f"/jobs/{moons}")
    plane = page.get_by_role("group", name="Predictions for every pair of inputs")
    box = plane.bounding_box()
    assert box is not None
    plane.click(position={"x": 0.7 * box["width"], "y": 0.3 * box["height"]})
    page.wait_for_url("**ask.inputs=*")
    x, y = (float(item) for item in page.url.split("ask.inputs=")[1].split("&")[0].split(","))
    expect(plane.get_by_role("img").last).to_contain_text(answer(x, y, 40))
    page.get_by_role("slider", name="Epoch", exact=True).press("Home")
    expect(plane.get_by_role("img").last).to_contain_text(answer(x, y, 0))
    ask = page.get_by_role("figure", name="Predict for your own input")
    ask.scroll_into_view_if_needed()
    number = ask.get_by_label("x, as a number")
    expect(number).to_have_value(f"{x:g}")
    number.fill("-1.25")
    number.press("Tab")
    expect(page.get_by_test_id("answer")).to_have_text(answer(-1.25, y, 0).split(",")[0])


def test_a_digit_is_drawn_by_keyboard(open_page: Opened, api: Api) -> None:
    job = api.train(DIGITS)
    page = open_page(f"/jobs/{job}")
    ask = page.get_by_role("figure", name="Predict for your own input")
    ask.scroll_into_view_if_needed()
    ask.get_by_role("button", name="Clear").click()
    pad = ask.get_by_role("application", name="Drawing of 8 by 8 pixels")
    pad.focus()
    for _ in range(4):
        pad.press("ArrowUp")
        pad.press("Space")
    # The address is written when the pen rests; until then it has the wiped picture.
    page.wait_for_url(re.compile(r"ask\.inputs=0,0,0,0\.25,1,"))
    inputs = [float(item) for item in page.url.split("ask.inputs=")[1].split("&")[0].split(",")]
    # A stroke of four in the fifth column, up to the edge, and a quarter of the ink beside it.
    assert [inputs[8 * row + 4] for row in range(8)] == [1, 1, 1, 1, 0.25, 0, 0, 0]
    assert inputs[3] == 0.25
    reply = api.post(f"/v1/jobs/{job}/predict", {"inputs": [inputs]})
    expect(page.get_by_test_id("answer")).to_have_text(str(reply["classes"][0]))


def test_a_run_is_taken_back_to_the_lab(open_page: Opened, api: Api, moons: str) -> None:
    page = open_page(f"/jobs/{moons}")
    link = page.get_by_role("link", name="Edit in the lab").get_attribute("href")
    assert link is not None
    spec = json.loads(parse_qs(urlsplit(link).query)["lab.spec"][0])
    again = api.post("/v1/jobs/validate", spec)["spec"]
    assert again == api.get(f"/v1/jobs/{moons}")["spec"]


def test_an_unknown_run_shows_an_error(open_page: Opened) -> None:
    open_page.excuse("404")
    page = open_page("/jobs/job_nowhere")
    expect(page.get_by_role("heading", name="This run does not exist")).to_be_visible()


def test_axe_finds_nothing_wrong_and_nothing_is_too_wide(open_page: Opened, moons: str) -> None:
    page = open_page(f"/jobs/{moons}")
    expect(page.get_by_test_id("missed")).to_be_visible()
    rest(page)
    for figure in page.get_by_role("figure").all():
        figure.scroll_into_view_if_needed()
        rest(page)
    suits_every_screen(page)
