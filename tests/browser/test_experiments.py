"""An experiment is started from its card, and shows its claims, curves and runs."""

import re

import pytest
from playwright.sync_api import expect
from tests.browser.conftest import Opened, ask, suits_every_screen
from tests.servers.stack import await_condition


@pytest.mark.journey
def test_an_experiment_is_run_from_its_card_and_its_claims_are_met(open_page: Opened) -> None:
    page = open_page("/experiments")
    page.get_by_role("button", name="Run the experiment A perceptron cannot learn XOR").click()
    page.wait_for_url("**/experiments/exp_*")
    expect(page.get_by_role("heading", level=1)).to_have_text("A perceptron cannot learn XOR")
    expect(page.get_by_role("status").filter(has_text="Finished · 15 of 15")).to_be_visible()
    claims = page.get_by_role("list", name="Claims")
    for text in ("AND is learned", "OR is learned", "XOR never is"):
        card = claims.get_by_role("listitem").filter(has=page.get_by_role("heading", name=text))
        expect(card).to_contain_text("Met")
        expect(card).to_contain_text("5 of 5 seeds")
    expect(page.get_by_role("row")).to_have_count(16)
    page.get_by_text("4", exact=True).first.click()
    page.wait_for_url("**experiment.seed=4*")
    expect(page.get_by_role("slider", name="Training accuracy of A perceptron")).to_be_visible()
    page.get_by_text("Training loss", exact=True).last.click()
    page.wait_for_url("**experiment.metric=train_loss*")
    page.get_by_role("button", name="Delete with all runs").click()
    page.wait_for_url("**/experiments")


def test_the_pages_of_experiments_fit_and_are_barrier_free(open_page: Opened, url: str) -> None:
    spec = ask(url, "/course/v1/preset-experiments/xor-1969")["spec"] | {"seeds": [0, 1]}
    made = ask(url, "/v1/experiments", spec)["id"]
    await_condition(
        lambda: ask(url, f"/v1/experiments/{made}")["state"] == "succeeded", 60, "it is over"
    )
    for path in ("/experiments", f"/experiments/{made}"):
        page = open_page(path)
        expect(page.get_by_role("heading", level=1)).to_be_visible()
        expect(page.get_by_text("Loading")).to_have_count(0)
        suits_every_screen(page)


def test_an_experiment_opens_with_the_curves_of_its_preset(open_page: Opened, url: str) -> None:
    preset = ask(url, "/course/v1/preset-experiments/chatgpt-2022")
    jobs = {
        name: {**job, "epochs": 1, "dataset": {**job["dataset"], "samples": 40}}
        for name, job in preset["spec"]["jobs"].items()
    }
    made = ask(url, "/v1/experiments", {"name": preset["title"], "seeds": [0], "jobs": jobs})["id"]
    await_condition(
        lambda: ask(url, f"/v1/experiments/{made}")["state"] == "succeeded", 120, "it is over"
    )
    page = open_page(f"/experiments/{made}")
    for metric in ("Reward", "KL divergence", "Valid"):
        chart = page.get_by_role("slider", name=f"{metric} of {preset['title']}")
        chart.press("End")
        expect(chart).to_have_attribute(
            "aria-valuetext", re.compile("rollouts-free .*rollouts-near ")
        )
        expect(chart).not_to_have_attribute("aria-valuetext", re.compile("learned"))
