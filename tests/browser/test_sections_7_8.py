"""Sections 7 and 8: the backward pass and the training loop show the numbers of the API."""

import re

import pytest
from playwright.sync_api import Locator, Page, expect
from tests.browser.conftest import PHONE, Opened, ask, number, rest, written

NETWORK = {
    "input_shape": [3],
    "layers": [
        {"type": "dense", "units": 4, "activation": "relu"},
        {"type": "dense", "units": 4, "activation": "relu"},
        {"type": "dense", "units": 2, "activation": "softmax"},
    ],
}
BACKWARD_PASS = {
    "network": NETWORK,
    "input": [0.8, 0.3, 0.6],
    "weights_from": "pattern",
    "target": [0],
    "loss": "cross_entropy",
    "check": True,
}
SWEEP = {
    "dataset": {"name": "circles", "samples": 100, "noise": 0.05},
    "epochs": 500,
    "lowest": 1e-4,
    "highest": 100,
    "rates": 49,
}


def number_of(place: Locator) -> float:
    return number(place.inner_text())


def four_digits(value: float) -> float:
    return float(f"{value:.4g}")


def visit(open_page: Opened, section: str, query: str = "") -> Page:
    """The section with all of its figures; their numbers may come later."""
    page = open_page.section(f"/{'?' * bool(query)}{query}#{section}-deeper")
    expect(page.locator(f"#{section} figure").first).to_be_visible()
    return page


# ---------------------------------------------------------------- 7


@pytest.mark.journey
def test_stepping_back_passes_the_error_signal_from_unit_to_unit(
    open_page: Opened, url: str
) -> None:
    reply = ask(url, "/course/v1/simulate/backward", BACKWARD_PASS)
    page = visit(open_page, "backpropagation", "backward.step=0")
    reading = page.get_by_test_id("reading")
    expect(reading).to_contain_text(f"= {reply['loss']['value']:.4g}")
    on = page.get_by_role("group", name="Backward pass").get_by_role(
        "button", name="One step forward"
    )
    for layer in reply["layers"]:  # from the output back to the first
        for unit in layer["units"]:
            on.press("Enter")
            expect(reading).to_contain_text(f"{unit['delta']['value']:.4g}".replace("-", "−"))
    on.press("Enter")
    expect(reading).to_contain_text(f"{reply['loss_after']['value']:.4g}")
    expect(on).to_be_disabled()


def test_a_unit_is_reached_by_arrow_keys_and_shows_its_error_signal(
    open_page: Opened,
) -> None:
    page = visit(open_page, "backpropagation")
    page.get_by_role("button", name="output 1:").focus()
    for key in ("ArrowLeft", "ArrowDown", "Enter"):
        page.keyboard.press(key)
    reading = page.get_by_test_id("reading")
    # Its two wires lead to δ = -0.4513 and 0.4513, with the weights 0.3 and -0.5.
    expect(reading.get_by_role("heading")).to_have_text("hidden 2, unit 2")
    expect(reading).to_contain_text("0.3·(−0.45133) + (−0.5)·0.45133 = −0.3611")
    unit = page.get_by_role("button", name="hidden 2 2: output 0.044, error signal −0.3611")
    expect(unit).to_have_attribute("aria-pressed", "true")


def test_a_wire_leads_to_the_slope_of_its_weight(open_page: Opened) -> None:
    page = visit(open_page, "backpropagation")
    # After the 12 wires of the first layer, that from the fourth unit to the second.
    page.locator("#backpropagation path.grip").nth(12 + 3 * 4 + 1).dispatch_event("click")
    reading = page.get_by_test_id("reading")
    expect(reading.get_by_role("heading")).to_have_text("hidden 2, unit 2")
    expect(reading.locator(".chosen")).to_have_text("∂L/∂w4,2 = 0.34·(−0.3611) = −0.1228")


def test_a_step_that_is_too_long_is_called_so(open_page: Opened) -> None:
    query = "forward.activation=linear&forward.inputs=1,1,1&backward.rate=10&backward.step=11"
    page = visit(open_page, "backpropagation", query)
    # From 0.642 to 6.865.
    expect(page.get_by_test_id("reading")).to_contain_text("the loss is not lower")


def test_gradients_are_checked_by_finite_differences_on_demand(open_page: Opened, url: str) -> None:
    reply = ask(url, "/course/v1/simulate/backward", BACKWARD_PASS)["check"]
    page = visit(open_page, "backpropagation")
    page.get_by_role("button", name="Check gradients numerically").click()
    check = page.get_by_test_id("check")
    expect(check).to_contain_text("✓ The gradient check agrees")
    expect(check).to_contain_text(f"{reply['parameters']} parameters")
    expect(check).to_contain_text(reply["parameter"])


def test_the_step_lowers_the_loss_as_predicted(open_page: Opened, url: str) -> None:
    reply = ask(url, "/course/v1/simulate/backward", BACKWARD_PASS)
    page = visit(open_page, "backpropagation")
    verdict = page.get_by_test_id("backward-verdict")
    expect(verdict).to_contain_text("the loss falls")
    take = page.get_by_role("button", name="Take the step")
    take.click()
    expect(verdict).to_contain_text("1 step taken")
    expect(verdict.locator("strong")).to_have_text(f"{reply['loss_after']['value']:.4g}")
    page.get_by_role("button", name="Start over").last.click()
    expect(verdict).to_contain_text("the loss falls from 0.6003")


def test_it_is_the_network_of_the_forward_pass(open_page: Opened) -> None:
    page = visit(open_page, "backpropagation", "forward.inputs=0,0.3,0.6&backward.step=10")
    # The weights of an input of 0 have a gradient of 0: the last unit of the first layer.
    expect(page.get_by_test_id("reading")).to_contain_text("∂L/∂w1,4 = 0·")


@pytest.mark.parametrize(
    ("name", "change"),
    [
        ("Another activation", {"activation": "relu"}),
        ("Residual connections", {"residual": True}),
        ("Normalization", {"normalization": "layer_norm"}),
    ],
)
def test_a_remedy_brings_the_gradient_back(
    open_page: Opened, url: str, name: str, change: dict[str, object]
) -> None:
    reply = ask(url, "/course/v1/simulate/gradient-flow", change)
    page = visit(open_page, "backpropagation")
    label, ratio = page.get_by_test_id("flow-label"), page.get_by_test_id("flow-ratio")
    expect(label).to_have_text("vanishing")
    assert number_of(ratio) == 8.79e-7
    page.get_by_role("switch", name=name).press("Space")
    expect(label).to_have_text("healthy")
    assert reply["label"] == "healthy"
    assert number_of(ratio) == float(f"{reply['ratio']['value']:.3g}")


def test_a_remedy_may_be_too_much(open_page: Opened, url: str) -> None:
    request_body = {"activation": "relu", "depth": 32, "normalization": "layer_norm"}
    reply = ask(url, "/course/v1/simulate/gradient-flow", request_body)
    page = visit(open_page, "backpropagation", "deep.activation=relu&deep.depth=32&deep.norm=1")
    expect(page.get_by_test_id("flow-label")).to_have_text("exploding")
    assert reply["label"] == "exploding"
    assert number_of(page.get_by_test_id("flow-ratio")) == float(f"{reply['ratio']['value']:.3g}")
    # A switch cannot turn on a state that is already there.
    expect(page.get_by_role("switch", name="Another activation")).to_be_disabled()


def test_four_bars_come_with_their_recipe(open_page: Opened, url: str) -> None:
    reply = ask(url, "/course/v1/simulate/vanishing-bars", {})
    page = visit(open_page, "backpropagation")
    figure = page.get_by_role("figure", name="1.00, .35, .08, .01")
    for layer, bar in zip(
        ("output", "layer 3", "layer 2", "layer 1"), (1, 0.35, 0.08, 0.01), strict=True
    ):
        expect(figure.get_by_role("button", name=f"{layer}: {bar:.2f}")).to_be_visible()
    expect(figure.get_by_role("list", name="Recipe").locator("li")).to_have_text(reply["recipe"])
    seed = figure.get_by_label("Seed", exact=True)
    seed.fill("1")
    expect(figure.get_by_test_id("bars-verdict")).to_contain_text("Seed 1 gives")
    figure.get_by_role("button", name=str(reply["matching_seeds"][0]), exact=True).click()
    expect(figure.get_by_test_id("bars-verdict")).to_contain_text("the target")


def test_the_race_opens_with_stored_results(open_page: Opened, url: str) -> None:
    stored = ask(url, "/course/v1/preset-experiments/vanishing-gradient-1991/results")
    loss = {
        curve["job"]: line["values"][-1]
        for curve in stored["curves"]
        for line in curve["series"]
        if line["metric"] == "train_loss"
    }
    page = visit(open_page, "backpropagation")
    vanished = page.get_by_test_id("race-0")
    vanished.scroll_into_view_if_needed()
    expect(vanished).to_have_text(f"{loss['vanishing']:.3g}")
    learned = number_of(page.get_by_test_id("race-1"))
    assert learned == float(f"{loss['vanishing-relu']:.3g}")
    expect(
        page.get_by_role("slider", name="Gradient norms of A gradient that vanishes")
    ).to_be_visible()
    expect(page.get_by_role("button", name="Train all 4")).to_be_enabled()


def test_the_remedies_are_trained_for_real_and_the_link_shows_them(
    open_page: Opened, url: str
) -> None:
    page = visit(open_page, "backpropagation")
    page.get_by_role("button", name="Train all 4").click()
    again = page.get_by_role("button", name="Train them again")
    expect(again).to_be_enabled(timeout=120_000)
    vanished = page.get_by_test_id("race-0")
    expect(vanished).to_have_text("0.694")  # what a coin toss would have: ln 2 = 0.693
    assert number_of(page.get_by_test_id("race-1")) < 0.01
    job = page.get_by_role("link", name="A gradient that vanishes").get_attribute("href")
    first = ask(url, f"/v1{job}/gradients")["snapshots"][0]
    brightness = page.get_by_role("slider", name="Gradient norms of A gradient that vanishes")
    brightness.focus()
    brightness.press("ArrowRight")
    prefix = f"{first['layers'][0]['name']}, {first['epoch']}: "
    expect(brightness).to_have_attribute(
        "aria-valuetext", prefix + written(first["layers"][0]["norm"])
    )
    page.wait_for_url("**race.jobs=**")
    shared = open_page(page.url)
    expect(shared.get_by_test_id("race-0")).to_have_text("0.694")
    link = shared.get_by_role("link", name="A gradient that vanishes").get_attribute("href")
    job = ask(url, f"/v1{link}")
    assert round(job["latest"]["train_loss"], 3) == 0.694


# ---------------------------------------------------------------- 8


def test_the_training_opens_with_a_finished_run(open_page: Opened, url: str) -> None:
    epochs = ask(url, "/course/v1/presets/circles")["spec"]["epochs"]
    page = visit(open_page, "training")
    expect(page.get_by_role("figure", name="Data", exact=True)).to_contain_text(
        f"A short run after epoch {epochs}"
    )
    expect(page.get_by_role("slider", name="Loss over the epochs", exact=True)).to_have_attribute(
        "aria-valuemax", str(epochs)
    )


@pytest.mark.journey
def test_a_job_is_trained_before_ones_eyes(open_page: Opened, url: str) -> None:
    page = visit(open_page, "training")
    page.get_by_role("button", name="Train", exact=True).click()
    expect(page.get_by_test_id("live-state")).to_have_text("Finished")
    loss = page.get_by_test_id("live-loss")
    link = page.get_by_role("link", name="Inspect this run").get_attribute("href")
    job = ask(url, f"/v1{link}")
    assert number_of(loss) == four_digits(job["latest"]["train_loss"])
    figure = page.get_by_role("figure", name="Decision boundary")
    expect(figure).to_contain_text("0 of 200 misclassified")
    # The initial weights know less.
    page.get_by_role("group", name="Stored epochs").get_by_role(
        "button", name="To the start"
    ).click()
    expect(figure).to_contain_text(re.compile(r"\b[1-9]\d* of 200 misclassified"))
    page.wait_for_url("**live.job=**")
    expect(open_page(page.url).get_by_test_id("live-loss")).to_have_text(loss.inner_text())


def test_a_run_that_flies_apart_says_where(open_page: Opened) -> None:
    page = visit(open_page, "training", "live.preset=diverging")
    page.get_by_role("button", name="Train", exact=True).click()
    expect(page.get_by_test_id("live-state")).to_have_text("Diverged")
    expect(page.get_by_role("figure", name="Live loss")).to_contain_text(
        re.compile(r"After epoch \d+, in dense_1")
    )


def test_four_phases_are_lit_one_after_another(open_page: Opened, url: str) -> None:
    spec = ask(url, "/course/v1/presets/circles")["spec"]
    request_body = {
        name: spec[name]
        for name in ("network", "dataset", "loss", "batch_size", "seed", "optimizer")
    }
    steps = ask(url, "/course/v1/simulate/training", {**request_body, "epochs": 2, "steps": 2})[
        "steps"
    ]
    page = visit(open_page, "training", "loop.at=0")
    on = page.get_by_role("group", name="Training, phase by phase").get_by_role(
        "button", name="One step forward"
    )
    expect(page.get_by_test_id("phase-loss")).to_have_text("–")
    phases = {
        "forward": "mean_output",
        "loss": "loss",
        "backward": "gradient_norm",
        "update": "update",
    }
    for step in steps:
        for phase, field in phases.items():
            shown = page.get_by_test_id(f"phase-{phase}")
            expect(page.locator("button[aria-pressed=true]", has=shown)).to_be_visible()
            assert number_of(shown) == four_digits(step[field]["value"])
            on.press("Enter")


def test_the_learning_rate_answers_at_once_with_a_run_that_was_made(
    open_page: Opened, url: str
) -> None:
    reply = ask(url, "/course/v1/simulate/learning-rates", {**SWEEP, "optimizer": {"type": "adam"}})
    page = visit(open_page, "training")
    page.get_by_role("heading", name="The learning rate", exact=True).scroll_into_view_if_needed()
    label, loss = page.get_by_test_id("rate-label"), page.get_by_test_id("rate-loss")
    figure = page.get_by_role("figure", name="49 learning rates, 49 runs")
    box = figure.get_by_label("Learning rate, as a number")
    expect(label).to_be_visible()
    rest(page)  # the runs of the other optimizers have been made as well
    requested = open_page.record_requests()
    for place in (0, 16, 24, 47):
        result = reply["results"][place]
        box.fill(f"{result['learning_rate']:.6g}")
        box.press("Enter")
        expect(label).to_have_text(result["label"].replace("_", " "))
        assert number_of(loss) == float(f"{result['final_loss']:.3g}")
    assert not [path for path in requested if "learning-rates" in path]


def test_one_rate_is_good_for_adam_and_slow_for_plain_descent(open_page: Opened) -> None:
    page = visit(open_page, "training")
    page.get_by_role("heading", name="The learning rate", exact=True).scroll_into_view_if_needed()
    expect(page.get_by_test_id("at-Adam")).to_have_text("good")
    expect(page.get_by_test_id("at-SGD")).to_have_text("slow")
    page.get_by_role("radio", name="SGD", exact=True).press("Space")
    expect(page.get_by_test_id("rate-label")).to_have_text("slow")


def test_the_claim_about_adam_at_the_best_rate_of_sgd_is_the_label_of_its_run(
    open_page: Opened, url: str
) -> None:
    plain, adam = (
        ask(url, "/course/v1/simulate/learning-rates", {**SWEEP, "optimizer": {"type": name}})
        for name in ("sgd", "adam")
    )
    best = plain["best_learning_rate"]
    run = next(result for result in adam["results"] if result["learning_rate"] == best)
    page = visit(open_page, "training")
    claim = page.locator("#training p").filter(has_text="A good learning rate depends on")
    claim.scroll_into_view_if_needed()
    expect(claim).to_contain_text(f"Adam's run is {run['label'].replace('_', ' ')}.")
    expect(claim).to_contain_text(f"{best:.2g}, Adam's")


def test_the_strips_of_a_phone_have_all_of_their_axis_and_no_word_under_a_dot(
    open_page: Opened,
) -> None:
    page = open_page("/#training-deeper", size=PHONE)
    page.get_by_role("heading", name="The learning rate", exact=True).scroll_into_view_if_needed()
    strips = page.get_by_role("img", name="Bands of learning rates")
    expect(strips).to_be_visible()
    rest(page)
    outside, covered = strips.evaluate(
        """svg => {
            const box = (element) => element.getBoundingClientRect()
            const meet = (a, b) => a.left < b.right && b.left < a.right
                && a.top < b.bottom && b.top < a.bottom
            const frame = box(svg)
            const dots = [...svg.querySelectorAll('.best')].map(box)
            const words = [...svg.querySelectorAll('.word')]
            return [
                [...svg.querySelectorAll('text')].filter((each) => box(each).left < frame.left - 1
                    || box(each).right > frame.right + 1).map((each) => each.textContent),
                words.filter((each) => dots.some((dot) => meet(dot, box(each))))
                    .map((each) => each.textContent),
            ]
        }"""
    )
    assert outside == []
    assert covered == []


def test_the_data_is_there_before_the_run(open_page: Opened, url: str) -> None:
    preset = ask(url, "/course/v1/presets/circles")
    page = visit(open_page, "training")
    plane = page.get_by_role("figure", name="Data")
    samples = preset["spec"]["dataset"]["samples"]
    expect(plane.locator("circle[fill='var(--positive)']")).to_have_count(samples // 2)
    expect(plane.locator("circle[fill='var(--negative)']")).to_have_count(samples - samples // 2)


def test_a_cosine_is_drawn_before_it_is_run(open_page: Opened) -> None:
    page = visit(open_page, "training")
    # From 3e-4 down to a tenth of it: half way lies between, at 1.65e-4.
    expect(page.get_by_test_id("schedule-halfway")).to_have_text("0.000165")
    expect(page.get_by_test_id("schedule-last-epoch")).to_have_text(written(3e-5))
    plan = page.get_by_role("figure", name="Learning rate per epoch")
    plan.get_by_role("radio", name="step", exact=True).press("Space")
    # Halved every 25 of 100 epochs.
    expect(page.get_by_test_id("schedule-halfway")).to_have_text(written(7.5e-5))
