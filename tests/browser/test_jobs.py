"""The list of runs: found, watched, compared, deleted."""

import re
from collections.abc import Callable
from typing import Any

import pytest
from playwright.sync_api import Page, expect
from tests.browser.conftest import (
    PHONE,
    Opened,
    ask,
    call,
    fits,
    number,
    suits_every_screen,
    violations,
)
from tests.servers.stack import await_condition

DONE = ("succeeded", "failed", "cancelled")
Train = Callable[..., str]


@pytest.fixture
def train(url: str) -> Train:
    """Trains XOR under a name, with whatever else is asked for; returns when it is over."""

    def begin(name: str, wait: bool = True, **changes: Any) -> str:
        spec = ask(url, "/course/v1/presets/xor")["spec"] | {"name": name, "epochs": 40} | changes
        job: str = ask(url, "/v1/jobs", spec)["id"]
        if wait:
            await_condition(
                lambda: ask(url, f"/v1/jobs/{job}")["state"] in DONE, 60, f"{name} is over"
            )
        return job

    return begin


def row(page: Page, name: str) -> Any:
    return page.get_by_role("list", name="Runs").get_by_role("listitem").filter(has_text=name)


@pytest.mark.journey
def test_runs_are_found_by_text_label_and_state(open_page: Opened, train: Train) -> None:
    train("Finding alpha", labels={"course": "alpha-1"})
    train("Finding beta", labels={"course": "beta-1"}, optimizer={"type": "sgd"})
    page = open_page("/jobs")
    page.get_by_role("searchbox").fill("finding")
    expect(row(page, "Finding")).to_have_count(2)
    page.get_by_role("searchbox").fill("finding a")
    expect(row(page, "Finding")).to_have_count(1)
    page.wait_for_url("**/jobs?jobs.find=finding+a")
    page.get_by_role("searchbox").fill("")
    page.get_by_role("button", name="course=beta-1").click()
    expect(row(page, "Finding alpha")).to_have_count(0)
    expect(row(page, "Finding beta")).to_have_count(1)
    page.get_by_text("Failed", exact=True).click()
    expect(page.get_by_role("heading", name="No run matches")).to_be_visible()
    page.get_by_role("button", name="Show all").click()
    expect(row(page, "Finding alpha")).to_have_count(1)


def test_a_row_has_the_numbers_of_the_run(open_page: Opened, url: str, train: Train) -> None:
    job = ask(url, f"/v1/jobs/{train('Numbers of a row')}")
    page = open_page("/jobs?jobs.find=numbers+of+a+row")
    listed = row(page, "Numbers of a row")
    expect(listed).to_contain_text("XOR, 2 → 8 tanh → 1 sigmoid")
    expect(listed).to_contain_text("Finished")
    loss = listed.locator("dd").nth(1).inner_text()
    assert number(loss) == pytest.approx(job["latest"]["train_loss"], rel=0.01)
    assert listed.locator("svg path").first.get_attribute("d")
    listed.get_by_role("link", name="Numbers of a row").click()
    page.wait_for_url(f"**/jobs/{job['id']}")


def test_a_running_one_goes_on_before_ones_eyes_and_is_stopped(
    open_page: Opened, train: Train
) -> None:
    train(
        "Going on",
        wait=False,
        dataset={"name": "two_moons", "samples": 4000},
        epochs=100_000,
        snapshots={"gradients_every": 0},
    )
    page = open_page("/jobs?jobs.find=going+on")
    job = row(page, "Going on")
    expect(job).to_contain_text("Training")
    epoch = job.locator("dd").first
    expect(epoch).not_to_have_text(re.compile("^0"))
    before = epoch.inner_text()
    expect(epoch).not_to_have_text(before)
    job.get_by_role("button", name="Stop Going on").click()
    expect(job).to_contain_text("Cancelled")
    expect(job.get_by_role("button", name="Delete Going on")).to_be_visible()


def test_runs_are_a_table_with_chosen_columns_and_groups(open_page: Opened, train: Train) -> None:
    for seed, units in ((1, 3), (2, 5), (3, 5)):
        train(f"Tabled {seed}", seed=seed, batch_size=units, labels={"course": f"tabled-{units}"})
    page = open_page("/jobs?jobs.find=tabled")
    page.get_by_text("Table", exact=True).click()
    rows = page.get_by_role("row").filter(has=page.get_by_role("link", name=re.compile("Tabled")))
    expect(rows).to_have_count(3)
    page.get_by_role("button", name="Columns").click()
    page.get_by_role("dialog", name="Columns").get_by_label("batch size").check()
    page.keyboard.press("Escape")
    page.get_by_role("button", name="Batch size").click()
    expect(page.get_by_role("columnheader", name="Batch size")).to_have_attribute(
        "aria-sort", "ascending"
    )
    expect(rows.get_by_role("rowheader")).to_have_text(["Tabled 1", "Tabled 3", "Tabled 2"])
    expect(rows.get_by_role("cell").last).to_have_text("5")
    page.get_by_role("button", name="Batch size").click()
    expect(rows.get_by_role("rowheader")).to_have_text(["Tabled 3", "Tabled 2", "Tabled 1"])
    page.get_by_label("Group by").select_option("labels.course")
    group = page.get_by_role("row").filter(has_text="course tabled-5")
    expect(group).to_contain_text("2 runs")
    group.get_by_role("checkbox").check()
    expect(page.get_by_role("link", name="Compare 2 runs")).to_be_visible()
    suits_every_screen(page)
    # The next visit has the same table, and so has the address elsewhere.
    page.wait_for_url(re.compile(r"jobs\.group=labels\.course"))
    address = page.url
    page.goto("/jobs?jobs.find=tabled")
    expect(page.get_by_role("columnheader", name="Batch size")).to_be_visible()
    expect(open_page(address).get_by_role("row").filter(has_text="2 runs")).to_be_visible()


def test_a_point_of_the_scatter_opens_its_run(open_page: Opened, train: Train) -> None:
    slow, _ = (
        train(f"Scattered {rate}", optimizer={"type": "adam", "learning_rate": rate})
        for rate in (0.001, 0.1)
    )
    page = open_page("/jobs?jobs.find=scattered&jobs.view=scatter")
    plot = page.get_by_role("group", name="Runs by learning rate and best value")
    points = plot.get_by_role("link")
    expect(points).to_have_count(2)
    # The range of learning rates asks for powers of ten.
    expect(plot.locator("text.anchor-middle")).to_have_text(["10⁻³", "0.01", "0.1"])
    points.first.focus()
    page.keyboard.press("ArrowRight")
    expect(points.last).to_be_focused()
    expect(points.last).to_have_accessible_name(
        re.compile(r"Scattered 0\.1: learning rate 0\.1, best value")
    )
    page.keyboard.press("Space")
    expect(page.get_by_text("1 selected")).to_be_visible()
    suits_every_screen(page)
    points.last.focus()
    page.keyboard.press("ArrowLeft")
    page.keyboard.press("Enter")
    page.wait_for_url(f"**/jobs/{slow}")
    empty = open_page(
        "/jobs?jobs.find=scattered&jobs.view=scatter&jobs.y=spec.early_stopping.patience"
    )
    expect(empty.get_by_role("heading", name="No run has both values")).to_be_visible()


def test_two_runs_are_compared(open_page: Opened, url: str, train: Train) -> None:
    slow, fast = (
        train(f"Compared {name}", batch_size=2, optimizer={"type": "adam", "learning_rate": rate})
        for name, rate in (("slow", 0.001), ("fast", 0.05))
    )
    page = open_page("/jobs?jobs.find=compared")
    page.get_by_role("checkbox", name="Select Compared slow").check()
    expect(page.get_by_role("status").filter(has_text="one more")).to_be_visible()
    page.get_by_role("checkbox", name="Select Compared fast").check()
    page.get_by_role("link", name="Compare 2 runs").click()
    page.wait_for_url(f"**/jobs/compare?job={slow}&job={fast}")
    expect(page.get_by_role("heading", name="Comparison of 2 runs")).to_be_visible()
    difference = page.get_by_role("row").filter(has_text="optimizer, learning rate")
    expect(difference.get_by_role("cell")).to_have_text(["0.001", "0.05"])
    figure = page.get_by_role("figure", name="Training loss")
    figure.get_by_role("button", name="Table").click()
    cells = figure.get_by_role("row").last.inner_text().split("\t")
    comparison = ask(url, f"/v1/comparison?jobs={slow}&jobs={fast}&metrics=train_loss")
    ends = [job["series"][0]["values"][-1] for job in comparison["jobs"]]
    # The baselines follow the two runs.
    assert [number(cell) for cell in cells[1:3]] == pytest.approx(ends, rel=1e-3)
    # 40 epochs of 4 samples in batches of 2.
    end = figure.get_by_role("row").last.locator("th, td").first
    figure.get_by_text("step", exact=True).click()
    expect(end).to_have_text("80")
    figure.get_by_text("time", exact=True).click()
    expect(end).to_have_text(re.compile(r"^\d+\.\d"))
    seconds = ask(url, f"/v1/comparison?jobs={slow},{fast}&metrics=seconds&aligned=true")
    longest = max(sum(job["series"][0]["values"]) for job in seconds["jobs"])
    assert number(end.inner_text()) == pytest.approx(longest, rel=1e-3)
    figure.get_by_role("slider", name="Smoothing").press("End")
    page.wait_for_url(re.compile("compare.smoothing=0.99"))
    again = open_page(page.url)
    expect(again.get_by_role("heading", name="Comparison of 2 runs")).to_be_visible()
    expect(again.get_by_role("slider", name="Smoothing")).to_have_value("0.99")
    assert violations(again) == []


def test_a_comparison_is_in_words_and_fits_a_phone(open_page: Opened, train: Train) -> None:
    small = train("Low rate", optimizer={"type": "adam", "learning_rate": 1e-8})
    wide = train(
        "A name that is long enough to be a sentence of its own, and goes on for a while",
        optimizer={"type": "sgd", "learning_rate": 1e-6},
    )
    page = open_page(f"/jobs/compare?job={small}&job={wide}", size=PHONE)
    table = page.get_by_role("region", name="Numbers")
    cells = table.get_by_role("row").filter(has_text="State").get_by_role("cell")
    # Neither learned: the initial weights are better or worse than a constant.
    expect(cells).to_have_text([re.compile("^Finished")] * 2)
    rate = table.get_by_role("row").filter(has_text="optimizer, learning rate")
    expect(rate.get_by_role("cell")).to_have_text(["10⁻⁸", "10⁻⁶"])
    assert table.evaluate("(region) => region.scrollWidth <= region.clientWidth")
    fits(page, PHONE)
    assert violations(page) == []


def test_the_inside_of_a_network_is_folded_on_a_phone_and_stays_as_it_was_left(
    open_page: Opened, train: Train
) -> None:
    job = train("Folded")
    wide = open_page(f"/jobs/{job}")
    expect(wide.get_by_role("figure", name="Weights")).to_be_visible()
    page = open_page(f"/jobs/{job}", size=PHONE)
    heading = page.get_by_role("heading", name="Inside the network")
    expect(heading).to_be_visible()
    expect(page.get_by_role("figure", name="Weights")).to_have_count(0)
    page.locator("summary").filter(has=heading).press("Enter")
    expect(page.get_by_role("figure", name="Weights")).to_be_visible()
    page.reload()
    expect(page.get_by_role("figure", name="Weights")).to_be_visible()


def test_a_long_name_does_not_widen_the_page(open_page: Opened, train: Train) -> None:
    train("A name of a hundred letters, as long as a name may be, " + "and then still longer " * 2)
    job = train("Beside the long one")
    page = open_page(f"/jobs/{job}", size=PHONE)
    choices = page.get_by_label("Compare with")
    expect(choices.locator("option").filter(has_text="A name of a hundred")).to_have_count(1)
    fits(page, PHONE)


def test_a_run_that_blew_up_at_once_shows_its_initial_weights(
    open_page: Opened, url: str, train: Train
) -> None:
    units = [{"type": "dense", "units": 8, "activation": "relu"}, {"type": "dense", "units": 1}]
    job = train(
        "Blown up",
        network={"input_shape": [2], "layers": units},
        loss="mse",
        batch_size=1,
        optimizer={"type": "sgd", "learning_rate": 1e12},
    )
    page = open_page(f"/jobs/{job}")
    expect(page.get_by_role("heading", name="There is no curve")).to_be_visible()
    alert = page.get_by_role("alert")
    expect(alert).to_contain_text("Lower the learning rate from 10¹² to 0.1")
    expect(alert).to_contain_text("The figures below show the last weights that were finite")
    # No number is shown as nan.
    diagnosis = page.get_by_role("region", name="Diagnosis")
    expect(diagnosis).to_contain_text("Lower the learning rate from 10¹² to")
    expect(diagnosis).to_contain_text("diverged as it is")
    expect(diagnosis).not_to_contain_text("nan")
    assert violations(page) == []


def test_a_run_that_was_deleted_while_somebody_looks_says_so(
    open_page: Opened, url: str, train: Train
) -> None:
    open_page.excuse("404")
    job = train("Going away", snapshots={"weights_every": 10})
    page = open_page(f"/jobs/{job}")
    expect(page.get_by_test_id("missed")).to_be_visible()
    assert call(url, f"/v1/jobs/{job}", "DELETE").is_success
    page.get_by_role("slider", name="Epoch", exact=True).press("Home")
    expect(page.get_by_role("heading", name="This run was deleted")).to_be_visible()
    expect(page.get_by_role("figure", name="Loss", exact=True)).to_be_visible()
    expect(page.get_by_role("alert")).to_have_count(0)
    page.reload()
    expect(page.get_by_role("heading", name="This run does not exist")).to_be_visible()


def test_a_rerun_is_described_in_words(open_page: Opened, train: Train) -> None:
    first = train("Made first")
    train("Made again", labels={"rerun_of": first, "course": "week-3"})
    page = open_page("/jobs?jobs.find=made+again")
    job = row(page, "Made again")
    expect(job).to_contain_text("Rerun. XOR")
    expect(job.get_by_role("button", name="course=week-3")).to_be_visible()
    expect(job.get_by_text("rerun_of")).to_have_count(0)


def test_a_run_alone_cannot_be_compared(open_page: Opened) -> None:
    page = open_page("/jobs/compare?job=job_1")
    expect(page.get_by_role("heading", name="Select at least two runs to compare")).to_be_visible()


def test_what_is_deleted_can_be_taken_back_for_a_moment(
    open_alone: Opened, url: str, train: Train
) -> None:
    persisted, deleted = train("Deleted not"), train("Deleted yes")
    page = open_alone("/jobs?jobs.find=deleted")
    expect(row(page, "Deleted")).to_have_count(2)
    page.clock.install()
    page.clock.pause_at(page.evaluate("Date.now()") + 1000)  # the moment lasts
    for name in ("Deleted not", "Deleted yes"):
        page.get_by_role("button", name=f"Delete {name}").click()
    expect(page.get_by_text("“Deleted not” is being deleted.")).to_be_visible()
    line = page.get_by_role("listitem").filter(has_text="Deleted not")
    line.get_by_role("button", name="Undo").click()
    expect(page.get_by_role("link", name="Deleted not")).to_be_visible()
    # A user who opens another page had time to undo.
    page.get_by_role("link", name="Lab").click()
    await_condition(
        lambda: call(url, f"/v1/jobs/{deleted}").status_code == 404,
        60,
        "the run is gone",
    )
    assert ask(url, f"/v1/jobs/{persisted}")["id"] == persisted


@pytest.mark.journey
def test_several_runs_are_selected_by_a_filter_labelled_and_deleted(
    open_alone: Opened, url: str, train: Train
) -> None:
    made = [train(f"Several {number}", epochs=30 + number) for number in range(4)]
    page = open_alone("/jobs")
    page.get_by_role("searchbox").fill("name = several* AND spec.epochs > 30")
    expect(row(page, "Several")).to_have_count(3)
    page.get_by_role("checkbox", name="Select Several 3").focus()
    page.keyboard.press("Space")
    page.get_by_role("checkbox", name="Select Several 1").click(modifiers=["Shift"])
    actions = page.get_by_role("region", name="Selected runs")
    expect(actions.get_by_role("status")).to_have_text("3 selected")
    expect(actions.get_by_role("link", name="Compare 3 runs")).to_be_visible()
    actions.get_by_role("textbox").fill("course=week-3")
    actions.get_by_role("button", name="Label 3 runs").click()
    expect(page.get_by_role("button", name="course=week-3")).to_have_count(3)
    assert violations(page) == []
    page.clock.install()
    page.clock.pause_at(page.evaluate("Date.now()") + 1000)
    actions.get_by_role("button", name="Delete 3 runs").click()
    expect(page.get_by_text("is being deleted.")).to_have_count(3)
    row(page, "Several 2").get_by_role("button", name="Undo").click()
    page.get_by_role("link", name="Lab").click()
    await_condition(
        lambda: [call(url, f"/v1/jobs/{job}").status_code for job in made] == [200, 404, 200, 404],
        60,
        "two runs are gone",
    )


def test_axe_finds_nothing_wrong_with_the_list(open_page: Opened, train: Train) -> None:
    train("Looked at", labels={"course": "week-3"})
    page = open_page("/jobs")
    expect(row(page, "Looked at").first).to_be_visible()
    page.get_by_role("checkbox").first.check()
    suits_every_screen(page)


def test_the_quotas_are_shown_on_request(open_page: Opened, train: Train) -> None:
    train("Quotas")
    page = open_page("/jobs", PHONE)
    table = page.get_by_role("table", name="Used and allowed of each quota of local")
    expect(table).to_have_count(0)
    page.get_by_text("Quotas", exact=True).last.click()
    rows = table.get_by_role("row")
    expect(rows.nth(1)).to_contain_text("running jobs and sweeps")
    expect(rows.filter(has_text="queued jobs")).to_contain_text("1,000")
    suits_every_screen(page)


def test_hidden_tabs_leave_their_connections_to_a_seventh(
    open_page: Opened, url: str, train: Train
) -> None:
    job = train("Seven tabs", wait=False, epochs=100_000, pace=2)
    tabs = [open_page(f"/jobs/{job}") for _ in range(6)]
    live = re.compile(r"[Ee]poch\s+\d+")
    for tab in tabs:
        expect(tab.get_by_role("main")).to_contain_text(live)
        # A browser without a window shows every tab.
        tab.evaluate(
            "Object.defineProperty(document, 'hidden', { value: true, configurable: true });"
            "document.dispatchEvent(new Event('visibilitychange'))"
        )
    seventh = open_page(f"/jobs/{job}")
    expect(seventh.get_by_role("main")).to_contain_text(live)
    assert call(url, f"/v1/jobs/{job}/cancel", "POST").is_success
    expect(seventh.get_by_role("main")).to_contain_text("Cancelled")
    tabs[0].evaluate(
        "delete document.hidden; document.dispatchEvent(new Event('visibilitychange'))"
    )
    expect(tabs[0].get_by_role("main")).to_contain_text("Cancelled")
