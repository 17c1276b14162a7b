"""Sections 1 to 3: what a network is, learning from mistakes and XOR, activations."""

import re
from typing import Any

import pytest
from playwright.sync_api import Locator, Page, expect
from tests.browser.conftest import PHONE, WIDE, Opened, ask, fits, number, press, rest, written


def simulate(url: str, explorer: str, **request: Any) -> dict[str, Any]:
    result: dict[str, Any] = ask(url, f"/course/v1/simulate/{explorer}", request)
    return result


def figure(page: Page, title: str) -> Locator:
    """A figure that has come into sight and stays where it is."""
    figure = page.get_by_role("figure", name=title)
    figure.scroll_into_view_if_needed()
    rest(page)
    return figure


def choose(place: Locator, label: str) -> None:
    place.get_by_label(label, exact=True).press("Space")


# Section 1


def error_text(error: float) -> str:
    """An error, as the first chapter writes it."""
    return "less than 0.0001" if error < 1e-4 else written(error)


def test_the_parts_of_two_neurons_are_walked_through_by_keyboard(
    open_page: Opened, url: str
) -> None:
    parts = ask(url, "/course/v1/neuron-parts")["parts"]
    page = open_page.section("/#network-deeper")
    drawing = figure(page, "Two neurons, part by part")
    drawing.get_by_label(parts[0]["part"], exact=True).focus()
    for part in parts[1:]:
        page.keyboard.press("ArrowRight")
        expect(drawing).to_contain_text(part["role"])
        expect(drawing).to_contain_text(part["difference"])
        expect(drawing.get_by_role("img")).to_have_accessible_name(
            re.compile(f"{part['part']}, and its counterpart, {part['counterpart']}$")
        )
    page.wait_for_url("**network.part=plasticity**")


def test_pointing_at_a_part_shows_its_counterpart_and_choosing_it_keeps_it(
    open_page: Opened,
) -> None:
    page = open_page.section("/#network-deeper")
    drawing = figure(page, "Two neurons, part by part")
    synapses = drawing.locator("[data-part=synapse]")
    expect(synapses).to_have_count(2)
    synapses.nth(1).locator("circle").first.hover()
    for synapse in synapses.all():
        expect(synapse).to_have_class(re.compile(r"\bon\b"))
    expect(drawing).to_contain_text("Dale's principle")
    synapses.nth(1).locator("circle").first.click()
    page.mouse.move(0, 0)
    expect(drawing).to_contain_text("Dale's principle")


def test_a_signal_runs_through_both_neurons_unless_less_motion_is_asked_for(
    open_page: Opened,
) -> None:
    page = open_page("/#network-deeper", reduced_motion="no-preference")
    drawing = figure(page, "Two neurons, part by part")
    drawing.get_by_role("button", name="Send a signal").click()
    # Five synapses and three inputs; axon and output; four terminals and three next neurons.
    for stage, count in (("in", 8), ("out", 2), ("on", 7)):
        expect(drawing.locator(f".signal.{stage}")).to_have_count(count)
    still = open_page("/#network-deeper")
    expect(figure(still, "Two neurons, part by part").get_by_role("img")).to_be_visible()
    expect(still.get_by_role("button", name="Send a signal")).to_have_count(0)


@pytest.mark.journey
def test_a_wider_row_fits_better_by_as_much_as_the_api_says(open_page: Opened, url: str) -> None:
    fits = {
        width["width"]: width
        for width in simulate(url, "approximation", target="bump", widths=[1, 2, 4, 8, 16, 32])[
            "widths"
        ]
    }
    page = open_page.section("/#network-deeper")
    fit = figure(page, "A hidden layer approximates a curve")
    choose(fit, "bump")
    for width in (1, 8):
        choose(fit, str(width))
        expect(fit.get_by_test_id("parameters")).to_have_text(str(3 * width + 1))
    expect(fit.get_by_test_id("fit-error")).to_have_text(error_text(fits[8]["median_error"]))
    assert fits[8]["median_error"] < fits[1]["median_error"] / 10


def test_the_chart_of_errors_chooses_the_width(open_page: Opened) -> None:
    page = open_page.section("/#network-deeper")
    expect(page.locator("#network").get_by_test_id("parameters")).to_have_text("7")
    chart = page.get_by_role("slider", name="Error for each width")
    chart.press("ArrowRight")
    expect(page.locator("#network").get_by_test_id("parameters")).to_have_text("13")
    expect(page.get_by_label("4", exact=True)).to_be_checked()


def test_a_curve_drawn_by_hand_is_fitted(open_page: Opened, url: str) -> None:
    page = open_page.section("/#network-deeper")
    fit = figure(page, "A hidden layer approximates a curve")
    choose(fit, "draw your own")
    first = fit.get_by_role("slider", name="Point 1 of 25")
    expect(first).to_have_attribute("aria-valuenow", "-0.6")
    plot = fit.get_by_role("group", name="Target points")
    box = plot.bounding_box()
    assert box is not None
    _, y = press(page, plot, 20 / box["width"])
    page.mouse.move(box["x"] + box["width"] - 4, y)
    page.mouse.up()
    dots = fit.get_by_role("slider")
    heights = {dot.get_attribute("aria-valuenow") for dot in dots.all()}
    assert len(heights) == 1  # a level stroke leaves no dot out, however fast it was
    first.press("ArrowUp")
    expect(first).not_to_have_attribute("aria-valuenow", next(iter(heights)) or "")
    outputs = [float(dot.get_attribute("aria-valuenow") or "nan") for dot in dots.all()]
    expected = simulate(
        url,
        "approximation",
        inputs=[-3 + i / 4 for i in range(25)],
        outputs=outputs,
        widths=[1, 2, 4, 8, 16, 32],
    )["widths"][1]["median_error"]
    expect(fit.get_by_test_id("fit-error")).to_have_text(error_text(expected))


# Section 2


def test_the_perceptron_rule_is_stepped_through_as_the_api_walks(
    open_page: Opened, url: str
) -> None:
    expected = simulate(url, "perceptron", table="and")
    page = open_page.section("/?perceptron.step=0#neuron")
    rule = figure(page, "The perceptron rule, one sample at a time")
    reading = page.get_by_test_id("perceptron-step")
    expect(reading).to_contain_text("Before the first sample")
    on = rule.get_by_role("button", name="One step forward")
    on.focus()
    for step in expected["steps"][:5]:
        page.keyboard.press("Enter")
        expect(reading).to_contain_text(
            f"Prediction {step['output']}, target {step['target']}: "
            + ("correct" if step["error"] == 0 else "wrong")
        )
    rule.get_by_role("slider", name="Learning steps: step").press("End")
    expect(page.get_by_test_id("perceptron-verdict")).to_have_text(expected["verdict"])
    expect(rule).to_contain_text(f"epoch {len(expected['epochs'])}")


def test_an_answer_changed_in_the_table_makes_xor_and_its_proof(
    open_page: Opened, url: str
) -> None:
    page = open_page.section("/?perceptron.table=or#neuron")
    rule = figure(page, "The perceptron rule, one sample at a time")
    margin = simulate(url, "perceptron", table="or")["separation"]["margin"]
    expect(page.get_by_test_id("margin")).to_have_text(written(margin))
    rule.get_by_role("button", name="Target for 1 and 1: 1. Change it").click()
    expect(rule.get_by_label("Task")).to_have_value("xor")
    proof = figure(page, "Why no line separates the classes")
    expect(proof.locator("polygon.combination")).to_have_count(2)
    expect(proof.get_by_test_id("certificate")).to_have_text(
        simulate(url, "perceptron", table="xor")["certificate"]["statement"]
    )


def test_an_epoch_is_chosen_in_the_chart_of_mistakes(open_page: Opened) -> None:
    page = open_page.section("/?perceptron.table=xor#neuron")
    chart = page.get_by_role("slider", name="Mistakes per epoch")
    chart.scroll_into_view_if_needed()
    chart.press("End")
    verdict = page.get_by_test_id("perceptron-verdict")
    expect(verdict).to_contain_text("14 of the 16")
    chart.press("ArrowLeft")
    expect(verdict).to_have_text("Epoch 19 of 20 makes 4 mistakes.")


def test_points_of_ones_own_are_placed_and_moved(open_page: Opened) -> None:
    page = open_page.section("/#neuron-deeper")
    rule = figure(page, "The perceptron rule, one sample at a time")
    rule.get_by_label("Task").select_option("points")
    points = rule.get_by_role("slider", name="Point: x₁")
    expect(points).to_have_count(8)
    plane = rule.get_by_role("group", name="The points and the line")
    box = plane.bounding_box()
    assert box is not None
    plane.click(position={"x": box["width"] * 0.8, "y": box["height"] * 0.8})
    expect(points).to_have_count(9)
    expect(page.get_by_role("figure", name="Why no line separates the classes")).to_be_visible()
    rule.get_by_role("button", name="Remove the last").click()
    expect(page.get_by_role("figure", name="The line with the widest margin")).to_be_visible()
    first = points.first
    before = first.get_attribute("aria-valuetext")
    first.press("ArrowUp")
    expect(first).not_to_have_attribute("aria-valuetext", before or "")


def test_two_hidden_units_do_xor_until_their_line_is_moved(open_page: Opened, url: str) -> None:
    page = open_page.section("/#neuron-deeper")
    inputs = figure(page, "Two lines over the inputs")
    does = page.get_by_test_id("xor-gate")
    expect(does).to_have_text("XOR")
    rows = page.get_by_test_id("xor-row")
    shown = [[number(t) for t in row.locator(".number").all_inner_texts()] for row in rows.all()]
    assert shown == [
        [item["value"] for item in (*point["hidden"], point["output"])]
        for point in simulate(url, "xor")["points"]
    ]
    choose(inputs, "h₂")
    line = inputs.get_by_role("slider", name="The line where the sum is 0")
    line.focus()
    for _ in range(20):
        line.press("ArrowUp")  # NAND's line leaves the square: now both units do OR, more or less
    expect(does).to_have_text("OR")
    expect(rows.last).to_contain_text("wrong")
    page.get_by_role("figure", name="The same four points").get_by_role(
        "button", name="Back to OR and NAND"
    ).click()
    expect(does).to_have_text("XOR")


def test_training_finds_xor_and_its_weights_are_taken_in_hand(open_page: Opened, url: str) -> None:
    expected = simulate(url, "xor", train=True, activation="tanh", seed=0)
    solved = sum(run["solved"] for run in expected["runs"])
    page = open_page.section("/#neuron-deeper")
    choose(figure(page, "Two lines over the inputs"), "trained")
    expect(page.get_by_role("heading", name=f"{solved} of 8 seeds solve it")).to_be_visible()
    expect(page.get_by_test_id("xor-verdict")).to_have_text(expected["verdict"])
    page.get_by_role("button", name="Edit these weights by hand").click()
    expect(page.get_by_label("by hand")).to_be_checked()
    expect(page.get_by_test_id("xor-gate")).to_have_text("XOR")
    weight = expected["hidden_units"][0]["weights"][0]
    page.wait_for_url(re.compile(f"xor.hidden={weight:.3f}".rstrip("0")))


# Section 3


def test_a_point_moves_along_curve_and_slope_by_keyboard(open_page: Opened, url: str) -> None:
    page = open_page.section("/#activations-deeper")
    slope = page.get_by_role("slider", name="Derivative")
    slope.scroll_into_view_if_needed()
    for _ in range(5):
        slope.press("ArrowRight")
    # Five hundredths of a range of 12 are 0.6.
    expect(page.get_by_label("x, as a number")).to_have_value("1.1")
    expected = simulate(url, "activation", activations=["sigmoid"], x=1.1)["activations"][0]
    line = page.get_by_test_id("at-sigmoid")
    expect(line).to_contain_text(f"= {written(expected['value']['value'])}")
    expect(line).to_contain_text(f"= {written(expected['derivative']['value'])}")


@pytest.mark.journey
def test_curves_are_chosen_and_each_tells_its_story(open_page: Opened, url: str) -> None:
    known = ask(url, "/course/v1/activations")["activations"]
    gelu = next(item for item in known if item["activation"] == "gelu")
    page = open_page.section("/#activations-deeper")
    curves = page.get_by_role("group", name="Curves, at most 5")
    choose(curves, "GELU")
    expect(page.get_by_test_id("facts")).to_contain_text(gelu["drawbacks"])
    expect(page.get_by_test_id("facts")).to_contain_text("1.129 at 1.41")
    expect(page.get_by_test_id("at-gelu")).to_be_visible()
    choose(curves, "step")
    expect(curves.get_by_label("linear", exact=True)).to_be_disabled()
    choose(curves, "sigmoid")
    expect(page.get_by_test_id("at-sigmoid")).to_have_count(0)
    page.wait_for_url("**activation.shown=tanh,relu,gelu,step**")


@pytest.mark.parametrize(("depth", "label"), [(1, "healthy"), (11, "vanishing")])
def test_a_gradient_fades_with_depth(open_page: Opened, url: str, depth: int, label: str) -> None:
    page = open_page.section("/#activations-deeper")
    box = page.get_by_label("Depth, as a number")
    box.fill(str(depth))
    box.press("Enter")
    expected = simulate(url, "activation-chain", activation="sigmoid", depth=depth)
    assert expected["label"] == label
    arrives = page.locator(".arrives")
    expect(arrives).to_contain_text(label)
    expect(page.get_by_test_id("chain-gradient")).to_have_text(written(expected["gradient"]))


def test_a_heavy_weight_makes_a_relu_chain_explode(open_page: Opened, url: str) -> None:
    page = open_page.section("/?chain.activation=relu&chain.weight=2#activations")
    expect(page.locator(".arrives")).to_contain_text("exploding")
    expect(page.get_by_test_id("chain-gradient")).to_have_text("1024")
    chart = page.get_by_role("slider", name="Absolute gradient before each layer", exact=True)
    chart.press("End")
    expected = simulate(url, "activation-chain", activation="relu", weight=2)["layers"][-1]
    side = page.locator(".side", has=page.get_by_role("heading", name="Layer 10"))
    expect(side).to_contain_text(str(int(expected["weighted_sum"]["value"])))


def test_numbers_of_all_pictures_can_be_read_as_tables(open_page: Opened) -> None:
    page = open_page("/#network-deeper")
    for section in ("network", "neuron", "activations"):
        place = page.locator(f"section#{section}")
        place.scroll_into_view_if_needed()
        expect(place.get_by_role("button", name="Table", exact=True).first).to_be_visible()
        rest(page)
        for item in place.get_by_role("button", name="Table", exact=True).all():
            item.click()
        for table in place.get_by_role("region").all():
            expect(table.get_by_role("row").nth(1)).to_be_visible()
    for size in (PHONE, WIDE):
        fits(page, size)
