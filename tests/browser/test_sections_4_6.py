"""Sections 4 to 6: a network that is built, a pass that is followed, a loss that is felt."""

import json
from typing import Any
from urllib.parse import quote

import pytest
from playwright.sync_api import Locator, Page, expect
from tests.browser.conftest import PHONE, Opened, ask, barrier_free, fits, press

INPUT = [0.8, 0.3, 0.6]


def simulate(url: str, name: str, question: dict[str, Any]) -> Any:
    return ask(url, f"/course/v1/simulate/{name}", question)


def read(place: Locator) -> float:
    """The number that is written there, with a proper minus and thousands apart."""
    return float(place.inner_text().replace("−", "-").replace(",", ""))


def grip(page: Page, layer: str) -> Locator:
    """The handle under a layer's units."""
    return page.get_by_role("spinbutton", name=layer, exact=True).locator(".grip")


def number(page: Page, name: str) -> Locator:
    """A number that opens its formula; without the formula."""
    return page.get_by_test_id(name).locator(".number")


def drag(page: Page, handle: Locator, right: float, down: float) -> None:
    x, y = press(page, handle)
    page.mouse.move(x + right, y + down, steps=8)
    page.mouse.up()


# ---------------------------------------------------------------------------- 4 architecture


def summarized(url: str, sizes: list[int], **more: Any) -> Any:
    layers = [{"type": "dense", "units": units} for units in sizes[1:]]
    network = {"input_shape": sizes[:1], "layers": layers}
    return simulate(url, "architecture", {"network": network, **more})


@pytest.mark.journey
def test_the_network_of_the_lesson_has_46_parameters_in_4_or_3_layers(open_page: Opened) -> None:
    page = open_page.section("/#architecture-deeper")
    expect(page.locator("#architecture").get_by_test_id("parameters")).to_have_text("46")
    expect(page.get_by_test_id("with_input")).to_contain_text("4 layers, 13 neurons")
    expect(page.get_by_test_id("without_input")).to_contain_text("3 layers, 10 neurons")
    figure = page.get_by_role("figure", name="Your network")
    expect(figure.get_by_role("row").filter(has_text="Hidden 1")).to_contain_text("4·3 + 4")


def test_a_network_is_built_with_the_keyboard_alone(open_page: Opened, url: str) -> None:
    page = open_page.section("/#architecture-deeper")
    total = page.locator("#architecture").get_by_test_id("parameters")
    layer = page.get_by_role("spinbutton", name="Hidden 1", exact=True)
    layer.focus()
    for _ in range(3):
        page.keyboard.press("ArrowUp")
    expect(layer).to_have_attribute("aria-valuenow", "7")
    sizes = [3, 7, 4, 2]
    expect(total).to_have_text(str(int(summarized(url, sizes)["parameters"]["value"])))
    page.keyboard.press("Shift+ArrowRight")
    expect(page.get_by_role("spinbutton", name="Hidden 2", exact=True)).to_be_focused()
    page.keyboard.press("+")
    expect(page.get_by_role("spinbutton", name="Hidden 3", exact=True)).to_be_focused()
    sizes = [3, 4, 7, 7, 2]
    expect(total).to_have_text(str(int(summarized(url, sizes)["parameters"]["value"])))
    page.keyboard.press("Delete")
    expect(page.get_by_role("spinbutton", name="Hidden 2", exact=True)).to_be_focused()
    page.keyboard.press("ArrowLeft")
    page.keyboard.press("Delete")
    expect(page.get_by_role("spinbutton", name="Input", exact=True)).to_be_focused()
    page.keyboard.press("Delete")  # an input stays
    expect(total).to_have_text(str(int(summarized(url, [3, 7, 2])["parameters"]["value"])))
    page.wait_for_url("**/?architecture.sizes=3,7,2#architecture-deeper")
    for _ in range(7):
        page.keyboard.press("Control+z")
    expect(total).to_have_text("46")
    page.keyboard.press("Control+Shift+z")
    expect(page.get_by_role("spinbutton", name="Hidden 1", exact=True)).to_have_attribute(
        "aria-valuenow", "5"
    )


def test_a_layer_is_dragged_larger_and_to_another_place(open_page: Opened, url: str) -> None:
    page = open_page("/?architecture.sizes=3,4,6,2#architecture")
    total = page.locator("#architecture").get_by_test_id("parameters")
    first = page.get_by_role("spinbutton", name="Hidden 1", exact=True)
    expect(total).to_have_text("60")
    drag(page, grip(page, "Hidden 1"), 0, 55)  # four steps of 13 px, and a little
    expect(first).to_have_attribute("aria-valuenow", "8")
    expect(total).to_have_text(str(int(summarized(url, [3, 8, 6, 2])["parameters"]["value"])))
    undo = page.get_by_role("button", name="Undo")
    undo.click()  # the whole drag
    expect(first).to_have_attribute("aria-valuenow", "4")
    expect(undo).to_be_disabled()
    drag(page, grip(page, "Hidden 1"), 300, 0)
    expect(first).to_have_attribute("aria-valuenow", "6")


def test_layers_are_added_typed_and_removed_with_buttons(open_page: Opened) -> None:
    page = open_page("/#architecture-deeper", size=PHONE)
    figure = page.get_by_role("figure", name="Your network")
    page.get_by_role("button", name="Add a layer after Input").click()
    expect(page.get_by_test_id("with_input")).to_contain_text("5 layers, 17 neurons")
    units = page.get_by_role("spinbutton", name="Units of Hidden 1")
    units.fill("784")
    expect(page.get_by_test_id("with_input")).to_contain_text("797 neurons")
    figure.get_by_role("button", name="Remove").click()
    expect(page.locator("#architecture").get_by_test_id("parameters")).to_have_text("46")
    figure.get_by_role("button", name="For digits").click()
    expect(page.locator("#architecture").get_by_test_id("parameters")).to_have_text("101,770")


LENET = {
    "input_shape": [28, 28, 1],
    "layers": [
        {"type": "conv2d", "filters": 6, "kernel_size": [5, 5], "padding": "same"},
        {"type": "average_pool2d", "pool_size": [2]},
        {"type": "conv2d", "filters": 16, "kernel_size": [5, 5]},
        {"type": "average_pool2d", "pool_size": [2]},
        {"type": "flatten"},
        {"type": "dense", "units": 120},
        {"type": "dense", "units": 84},
        {"type": "dense", "units": 10},
    ],
}


def of_any_kind(network: dict[str, Any]) -> str:
    return f"/?architecture.row={quote(json.dumps(network))}#architecture"


def test_layers_of_any_kind_are_counted_with_their_arithmetic(open_page: Opened, url: str) -> None:
    page = open_page.section("/#architecture-deeper")
    figure = page.get_by_role("figure", name="Your network")
    total = page.locator("#architecture").get_by_test_id("parameters")
    figure.get_by_role("button", name="Convolutional LeNet-5").click()
    expect(total).to_have_text("61,706")  # LeNet-5, as the famous one below is counted
    first = figure.get_by_role("listitem").filter(has=page.get_by_label("Layer 1", exact=True))
    expect(first).to_contain_text("6·1·5·5 + 6 = 156 parameters")
    filters = first.get_by_label("Filters")
    filters.fill("12")
    filters.press("Enter")
    changed = json.loads(json.dumps(LENET))
    changed["layers"][0]["filters"] = 12
    answer = simulate(url, "architecture", {"network": changed})
    expect(total).to_have_text(f"{answer['parameters']['value']:,.0f}")
    expect(figure.get_by_role("list", name="The network")).to_contain_text(
        f"+{answer['layers'][2]['parameters']:,}"
    )
    expect(page.get_by_test_id("ratio")).to_contain_text(f"/ {answer['parameters']['value']:,.0f}")
    figure.get_by_role("button", name="Undo").click()
    expect(total).to_have_text("61,706")


def test_a_row_of_layers_is_built_with_the_keyboard_and_kept_in_the_address(
    open_page: Opened,
) -> None:
    page = open_page("/#architecture-deeper")
    figure = page.get_by_role("figure", name="Your network")
    total = page.locator("#architecture").get_by_test_id("parameters")
    expect(total).to_have_text("46")
    figure.get_by_label("any type").press("Space")
    expect(total).to_have_text("46")  # the same network, as a list
    figure.get_by_role("button", name="Dropout").press("Enter")
    expect(figure.get_by_label("Layer 3", exact=True)).to_have_value("dropout")
    expect(total).to_have_text("46")  # dropout has no weights
    kinds = figure.get_by_label("Add another layer")
    kinds.select_option("batch_norm")
    expect(figure.get_by_label("Layer 4", exact=True)).to_have_value("batch_norm")
    expect(total).to_have_text("54")  # a scale and a shift for each of 4 units
    handle = figure.get_by_role("button", name="Layer 4, Batch norm")
    handle.focus()
    page.keyboard.press("Alt+ArrowUp")
    expect(figure.get_by_role("button", name="Layer 3, Batch norm")).to_be_focused()
    page.keyboard.press("Delete")
    expect(total).to_have_text("46")
    page.wait_for_url(lambda at: "dropout" in at and "batch_norm" not in at)
    page.reload()
    expect(figure.get_by_label("Layer 3", exact=True)).to_have_value("dropout")
    figure.get_by_label("dense", exact=True).press("Space")
    expect(page.get_by_role("spinbutton", name="Hidden 2", exact=True)).to_be_visible()
    expect(total).to_have_text("46")


def test_a_row_of_layers_has_room_on_a_phone_and_can_be_read_by_anyone(open_page: Opened) -> None:
    page = open_page(of_any_kind(LENET), size=PHONE)
    expect(page.locator("#architecture").get_by_test_id("parameters")).to_have_text("61,706")
    fits(page, PHONE)
    barrier_free(page.locator("#architecture"))


def test_layers_that_do_not_fit_show_an_error_at_their_position(open_page: Opened) -> None:
    open_page.excuse("400")  # a browser reports such an answer as an error
    page = open_page(
        of_any_kind(
            {
                "input_shape": [3, 3, 1],
                "layers": [{"type": "conv2d", "filters": 2, "kernel_size": [5, 5]}],
            }
        )
    )
    figure = page.get_by_role("figure", name="Your network")
    expect(figure.get_by_role("listitem").get_by_role("alert").first).to_be_visible()
    expect(page.locator("#architecture").get_by_test_id("parameters")).to_have_text("…")
    window = figure.get_by_label("Kernel size")
    window.fill("3x3")
    window.press("Enter")
    expect(page.locator("#architecture").get_by_test_id("parameters")).to_have_text(
        "20"
    )  # 2·1·3·3 + 2
    expect(figure.get_by_role("alert")).to_have_count(0)


def test_the_optimizer_and_the_batch_take_their_memory(open_page: Opened, url: str) -> None:
    page = open_page.section("/?architecture.sizes=784,128,10#architecture")
    figure = page.get_by_role("figure", name="Memory of one training step")
    figure.get_by_label("Optimizer", exact=True).select_option("momentum")
    box = figure.get_by_label("Batch size, as a number")
    box.fill("256")
    box.press("Enter")
    answer = summarized(url, [784, 128, 10], optimizer="momentum", batch_size=256)
    memory = next(item for item in answer["memory"] if item["precision"] == "float32")
    shown = page.get_by_test_id("training-bytes")
    expect(shown).to_have_text(f"{memory['total']['value'] / 1e6:.2f} MB")
    figure.get_by_role("button", name="activations").click()
    expect(figure).to_contain_text(f"= {memory['activations']['value']:,.0f}")
    figure.get_by_text("16 bits").click()
    expect(shown).to_have_text(f"{memory['total']['value'] / 2e6:.2f} MB")


def test_a_famous_network_is_compared_with_its_source(open_page: Opened) -> None:
    page = open_page.section("/#architecture-deeper")
    expect(page.get_by_test_id("ratio")).to_contain_text("1,800,000,000,000 / 46 = 3.913×10")
    group = page.get_by_role("radiogroup", name="Well-known models by number of parameters")
    group.get_by_role("radio", name="GPT-4").press("Home")
    expect(group.get_by_role("radio", name="LeNet-5")).to_be_focused()
    figure = page.get_by_role("figure", name="Parameters of your network")
    expect(page.get_by_test_id("ratio")).to_contain_text("61,706 / 46 = 1341")
    expect(figure).to_contain_text("LeCun, Bottou, Bengio and Haffner (1998)")
    figure.get_by_text("How its parameters add up").click()
    expect(figure).to_contain_text("= 61,706")


# --------------------------------------------------------------------------------- 5 forward

PATTERN = {
    layer: (
        [[0.1 * ((3 * o + 5 * i + 7 * k) % 11 - 5) for o in range(to)] for i in range(start)],
        [0.1 * ((o + k) % 3 - 1) for o in range(to)],
    )
    for k, (layer, start, to) in enumerate(
        [("dense_1", 3, 4), ("dense_2", 4, 4), ("dense_3", 4, 2)]
    )
}


def traced(url: str, inputs: list[float], activation: str = "relu", **more: Any) -> Any:
    layers = [
        {"type": "dense", "units": 4, "activation": activation},
        {"type": "dense", "units": 4, "activation": activation},
        {"type": "dense", "units": 2, "activation": "softmax"},
    ]
    network = {"input_shape": [3], "layers": layers}
    question = {"network": network, "input": inputs, "weights_from": "pattern", **more}
    return simulate(url, "forward", question)


def unit(page: Page, name: str) -> Locator:
    return page.locator("#forward").get_by_role("button", name=name)


def test_the_pass_opens_finished(open_page: Opened) -> None:
    page = open_page.section("/#forward-deeper")
    expect(page.get_by_test_id("verdict")).to_contain_text("54.9 %")
    expect(page.locator("#forward").get_by_label("not computed yet")).to_have_count(0)


@pytest.mark.journey
def test_each_step_brings_the_number_that_the_api_has(open_page: Opened, url: str) -> None:
    page = open_page.section("/?forward.step=0#forward")
    answer = traced(url, INPUT)
    on = page.locator("#forward").get_by_role("button", name="One step forward")
    expect(unit(page, "Hidden 1, unit 3: not computed yet")).to_be_visible()
    for _ in range(5):
        on.click()
    third = answer["layers"][0]["units"][2]
    expect(unit(page, "Hidden 1, unit 3: sum 0.03")).to_be_visible()
    explained = page.get_by_test_id("explained")
    expect(explained).to_contain_text(third["weighted_sum"]["substituted"][3:].replace("-", "−"))
    on.click()
    expect(unit(page, "Hidden 1, unit 3: 0.03")).to_be_visible()
    expect(explained).to_contain_text("max(0, 0.03) = 0.03")
    expect(unit(page, "Hidden 1, unit 4: not computed yet")).to_be_visible()


def test_played_to_its_end_the_pass_gives_the_answer(open_page: Opened, url: str) -> None:
    page = open_page("/#forward-deeper", reduced_motion="no-preference")
    section = page.locator("#forward")
    section.get_by_text("Layer by layer").click()
    for _ in range(2):
        section.get_by_role("button", name="Speed").click()
    section.get_by_role("button", name="Play").click()
    answer = traced(url, INPUT)
    for i, share in enumerate(answer["output"]):
        expect(unit(page, f"Output, unit {i + 1}: {share:.4g}")).to_be_visible()
    expect(section.get_by_role("button", name="Play")).to_be_visible()
    expect(page.get_by_test_id("verdict")).to_contain_text("54.9 %")


def test_who_wants_less_motion_steps_edge_by_edge(open_page: Opened) -> None:
    page = open_page.section("/?forward.grain=edge&forward.step=0#forward")
    section = page.locator("#forward")
    expect(section.get_by_role("button", name="One step forward")).to_be_visible()
    expect(section.get_by_role("button", name="Play")).to_have_count(0)
    section.get_by_role("button", name="One step forward").click()
    # The first product of the first unit: .8 by a weight of -.5.
    expect(page.get_by_test_id("explained")).to_contain_text("0.80 · −0.50 = −0.400")


def test_any_unit_opens_its_formula_by_keyboard_and_its_weights_can_be_moved(
    open_page: Opened, url: str
) -> None:
    page = open_page.section("/?forward.step=0#forward")
    start = unit(page, "x₁: 0.8")
    start.focus()
    for key in ("ArrowRight", "ArrowRight", "ArrowDown", "Enter"):
        page.keyboard.press(key)
    explained = page.get_by_test_id("explained")
    expect(explained).to_contain_text("Hidden 2, unit 2")
    expect(explained).to_contain_text("= 0.044")
    box = explained.get_by_label("w₄, as a number")
    box.fill("0.9")
    box.press("Enter")
    weight, _ = PATTERN["dense_2"]
    changed = [[0.9 if (i, o) == (3, 1) else w for o, w in enumerate(weight[i])] for i in range(4)]
    answer = traced(url, INPUT, weights=[{"layer": "dense_2", "weight": changed}])
    expected = answer["layers"][1]["output"][1]
    expect(unit(page, f"Hidden 2, unit 2: {expected:.4g}")).to_be_visible()
    expect(page.get_by_test_id("verdict")).to_have_text(answer["verdict"])


def test_an_input_is_dragged_and_everything_follows(open_page: Opened, url: str) -> None:
    page = open_page.section("/?forward.step=20&forward.activation=tanh#forward")
    node = unit(page, "x₂: 0.3")
    drag(page, node.locator("circle"), 0, -80)
    expect(page.locator("#forward").get_by_label("x₂, as a number")).to_have_value("1.3")
    share = traced(url, [0.8, 1.3, 0.6], "tanh")["output"][0]
    expect(unit(page, f"Output, unit 1: {share:.4g}")).to_be_visible()


def test_the_claim_of_half_a_second_is_worked_out(open_page: Opened, url: str) -> None:
    page = open_page.section("/?forward.step=0#forward")
    question = {"model": "llama-2-70b", "tokens": 4096, "devices": 8, "claimed_seconds": 0.5}
    answer = simulate(url, "transformer-cost", question)
    expect(page.get_by_test_id("seconds")).to_have_text(
        f"{answer['seconds']['value'] * 1e3:.1f} ms"
    )
    expect(page.get_by_test_id("needed")).to_have_text(
        f"{answer['required_utilization']['value']:.1%}".replace("%", " %")
    )
    expect(page.get_by_test_id("cost-verdict")).to_have_text(answer["verdict"])
    box = page.get_by_label("Cards, as a number")
    box.fill("1")
    box.press("Enter")
    alone = simulate(url, "transformer-cost", question | {"devices": 1})
    assert not alone["fits_in_memory"]
    expect(page.get_by_test_id("seconds")).to_have_text(f"{alone['seconds']['value']:.3f} s")
    figure = page.get_by_role("figure", name="Cost of one forward pass")
    expect(figure).to_contain_text("weights and cache do not fit")
    expect(figure).to_contain_text("the claim cannot be true")
    figure.get_by_label("Model").select_option("gpt-2")
    expect(figure).to_contain_text("124,439,808")


# ------------------------------------------------------------------------------------ 6 loss


def cell(page: Page, loss: str, column: str) -> Locator:
    return page.get_by_test_id(f"loss-{loss}").get_by_test_id(column).locator(".number")


def test_sure_and_wrong_is_steep_for_cross_entropy_alone(open_page: Opened, url: str) -> None:
    page = open_page.section("/#loss-deeper")
    expect(cell(page, "binary_cross_entropy", "value")).to_have_text("0.3567")
    page.get_by_role("button", name="Confident, wrong").click()
    expect(cell(page, "binary_cross_entropy", "derivative")).to_have_text("−100")
    expect(cell(page, "mse", "derivative")).to_have_text("−1.98")
    answer = simulate(url, "loss", {"prediction": 0.01, "target": 1})
    for loss in answer["losses"]:
        assert read(cell(page, loss["loss"], "value")) == pytest.approx(
            loss["value"]["value"], rel=1e-3
        )
        for derivative in loss["logit_derivatives"]:
            assert read(cell(page, loss["loss"], "logit")) == pytest.approx(
                derivative["value"], rel=1e-3
            )
    expect(page.get_by_test_id("loss-verdict")).to_have_text(answer["verdict"])
    expect(page.get_by_test_id("urgency")).to_contain_text("falls 100 times as much")


@pytest.mark.journey
def test_the_point_goes_along_the_curve_by_keyboard_and_pointer(
    open_page: Opened, url: str
) -> None:
    page = open_page.section("/#loss-deeper")
    chart = page.get_by_role("slider", name="Loss over the prediction")
    chart.focus()
    for _ in range(10):
        page.keyboard.press("ArrowLeft")
    prediction = page.locator("#loss").get_by_label("ŷ, as a number")
    expect(prediction).to_have_value("0.6")

    def rise() -> float:
        """The slope of the tangent, once the page shows the answer for the point's place."""
        request_body = {"prediction": float(prediction.input_value()), "target": 1}
        verdict = simulate(url, "loss", request_body)["verdict"]
        expect(page.get_by_test_id("loss-verdict")).to_have_text(verdict.replace("-", "−"))
        x1, y1, x2, y2 = chart.locator(".tangent").evaluate(
            "line => ['x1', 'y1', 'x2', 'y2'].map((name) => Number(line.getAttribute(name)))"
        )
        return float((y2 - y1) / (x2 - x1))

    gentle = rise()
    _, y = press(page, chart)
    box = chart.bounding_box()
    assert box is not None
    page.mouse.move(box["x"] + 50, y, steps=6)
    page.mouse.up()
    expect(page.get_by_test_id("loss-verdict")).to_contain_text("Wrong")
    assert rise() > 5 * gentle > 0  # on a screen, down is positive


def test_a_number_as_truth_has_the_losses_that_fit(open_page: Opened, url: str) -> None:
    page = open_page.section("/?loss.prediction=2&loss.target=0.5#loss")
    page.get_by_role("group", name="Target").get_by_text("a number").click()
    expect(page.get_by_test_id("loss-binary_cross_entropy")).to_have_count(0)
    fitting = ["mse", "mae", "huber"]
    answer = simulate(url, "loss", {"prediction": 2, "target": 0.5, "losses": fitting})
    for loss in answer["losses"]:
        assert read(cell(page, loss["loss"], "value")) == pytest.approx(loss["value"]["value"])
    page.get_by_test_id("loss-huber").get_by_role("button").first.click()
    figure = page.get_by_role("figure", name="Losses of one prediction")
    expect(figure).to_contain_text("linear far from it")
    page.wait_for_url("**loss.tangent=huber**")


def test_the_surprise_is_that_of_the_token_that_came(open_page: Opened, url: str) -> None:
    page = open_page.section("/#loss-deeper")
    figure = page.get_by_role("figure", name="The cat sat on the")
    scores = [3, 2, 1.5, 0.5, -1, -3]
    figure.get_by_role("radio", name="moon").check()
    answer = simulate(url, "token-loss", {"logits": [scores], "targets": [4]})
    expect(number(page, "nats")).to_have_text(f"{answer['nats']['value']:.4g}")
    expect(number(page, "bits")).to_have_text(f"{answer['bits']['value']:.4g}")
    expect(number(page, "perplexity")).to_have_text(f"{answer['perplexity']['value']:.4g}")
    expect(page.get_by_test_id("token-verdict")).to_have_text(
        f"The next token is “moon”. {answer['verdict']}"
    )
    figure.get_by_role("button", name="Untrained").click()
    expect(number(page, "nats")).to_have_text("1.792")  # ln 6
    expect(page.get_by_test_id("chance-of")).to_have_text("16.7 %")
    score = figure.get_by_label("logit of moon", exact=True)
    score.press("ArrowRight")
    expect(number(page, "nats")).not_to_have_text("1.792")


def test_a_text_costs_the_mean_of_its_surprises(open_page: Opened, url: str) -> None:
    page = open_page.section("/#loss-deeper")
    cat = page.get_by_role("slider", name="Loss of “cat”")
    cat.focus()
    cat.press("PageUp")  # a tenth of its chance: 0.4 % to 0.04 %
    chances = [0.05, 0.0004, 0.03, 0.45, 0.6, 0.12, 0.5]
    question = {"target_probabilities": chances, "vocabulary": 100_000}
    answer = simulate(url, "token-loss", question)
    expect(number(page, "text-nats")).to_have_text(f"{answer['nats']['value']:.4g}")
    figure = page.get_by_role("figure", name="Loss of each token")
    figure.get_by_role("button", name="Untrained").click()
    expect(number(page, "text-nats")).to_have_text("11.51")  # ln 100,000
    expect(number(page, "text-perplexity")).to_have_text("100,000")
