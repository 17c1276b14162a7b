"""The way of a newcomer: from their own file to a run that learns, and a link to it."""

import re

import numpy as np
import pytest
from playwright.sync_api import expect
from tests.browser.conftest import Opened, ask, drop, number, settings


def incomes() -> str:
    """Two columns of very different sizes: a network that is given them raw hardly moves."""
    random = np.random.default_rng(7)
    age, income = random.uniform(20, 70, 160), random.uniform(15_000, 120_000, 160)
    buys = np.where(age / 50 + income / 60_000 > 1.75, "yes", "no")
    lines = [f"{a:.0f},{i:.0f},{b}" for a, i, b in zip(age, income, buys, strict=True)]
    return "age,income,buys\n" + "\n".join(lines) + "\n"


def at_result(url: str, job: str) -> dict[str, float]:
    """The metrics of the epoch that gives a job its result."""
    reply = ask(url, f"/v1/jobs/{job}")
    epoch = reply["best"]["epoch"] if reply["best"]["is_restored"] else reply["epoch"]
    (row,) = ask(url, f"/v1/jobs/{job}/epochs?after_epoch={epoch - 1}&page_size=1")["epochs"]
    metrics: dict[str, float] = row
    return metrics


@pytest.mark.journey
def test_from_a_file_of_ones_own_to_a_run_that_learnt_and_a_link_to_it(
    open_page: Opened, url: str
) -> None:
    page = open_page()
    page.get_by_role("link", name="Go straight to the lab").click()
    drop(page, "incomes.csv", incomes())
    lab = settings(page)
    expect(lab.get_by_label("Column to predict")).to_have_value("buys")
    lab.get_by_role("button", name="Use this file").click()
    expect(lab.get_by_text("classes no, yes")).to_be_visible()
    # Somebody new does not know the fault; the page will say it.
    lab.get_by_label("Scaling of the inputs").select_option("none")
    lab.get_by_role("button", name="Train").click()
    page.get_by_role("link", name="Details").click()
    page.wait_for_url(re.compile("/jobs/job_"))
    first = page.url.split("/jobs/")[1].split("?")[0]
    ask(url, f"/v1/jobs/{first}/changes", {"pace": 0})  # nobody watches each epoch
    # A picture that loads may say the same for a moment, further down.
    finished = page.get_by_role("status").filter(has_text="Finished").first
    expect(finished).to_be_visible()
    finding = page.get_by_role("listitem").filter(has_text="Unscaled inputs")
    expect(finding).to_contain_text("Scale every feature to mean 0 and standard deviation 1.")
    finding.get_by_role("button", name="Apply and rerun").click()
    page.wait_for_url(re.compile(f"job.with={first}"))
    second = page.url.split("/jobs/")[1].split("?")[0]
    expect(finished).to_be_visible()
    expect(page.get_by_role("region", name="Diagnosis")).to_be_visible()
    expect(page.get_by_role("listitem").filter(has_text="Unscaled inputs")).to_have_count(0)
    before, after = (at_result(url, job) for job in (first, second))
    assert before["validation_accuracy"] < 0.8
    assert after["validation_accuracy"] > 0.95
    page.evaluate("navigator.clipboard.writeText = async (text) => { window.copied_ = text }")
    page.get_by_role("button", name="Copy link").click()
    expect(page.get_by_role("button", name="Link copied")).to_be_visible()
    friend = open_page(page.evaluate("copied_"))
    shown = friend.get_by_test_id("training-loss")
    expect(shown).to_be_visible()
    assert number(shown.inner_text()) == pytest.approx(after["train_loss"], rel=1e-3)
    # Both curves, as the sender saw them.
    expect(friend.get_by_role("link", name="another run").first).to_be_visible()
