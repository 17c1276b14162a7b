"""The lab: data, a network, a training, and the run that they make, with the numbers of the API."""

import json
import re
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, quote, urlsplit

import pytest
from playwright.sync_api import Locator, Route, expect
from tests.browser.conftest import (
    Opened,
    ask,
    drop,
    number,
    press,
    rest,
    settings,
    suits_every_screen,
    violations,
)
from tests.servers.stack import await_condition

GOOD = "age,smokes,pulse\n" + "".join(
    f"{20 + i},{'yes' if i % 3 else 'no'},{60 + i % 7}.5\n" for i in range(40)
)
BAD = "age,smokes,pulse\n" + "".join(
    f"{'abc' if i == 1 else 20 + i},no,{60 + i}\n" for i in range(20)
)

_LAYERS = [
    *[{"type": "dense", "units": 8, "activation": "tanh"}] * 2,
    {"type": "dense", "units": 1, "activation": "sigmoid"},
]
_SMALL = {
    "network": {"input_shape": [2], "layers": _LAYERS},
    "dataset": {"name": "two_moons", "samples": 400, "noise": 0.15},
    "loss": "binary_cross_entropy",
    "epochs": 100,
}
SMALL = f"/lab?lab.spec={quote(json.dumps(_SMALL))}"
"""A network with parameters that a reader can count: 24 + 72 + 9."""


def spec_of(lab: Locator) -> Any:
    """The set-up as the page writes it down."""
    summary = lab.get_by_text("Settings as code")
    if not lab.get_by_test_id("code").is_visible():
        summary.click()
    return json.loads(lab.get_by_test_id("code").inner_text())


def cost(lab: Locator) -> int:
    return int(lab.get_by_test_id("cost-parameters").inner_text().replace(",", ""))


def test_a_layer_more_costs_what_the_api_says(open_page: Opened, url: str) -> None:
    page = open_page(SMALL)
    lab = settings(page)
    expect(lab.get_by_test_id("cost-parameters")).to_have_text("105")
    lab.get_by_role("button", name="Dense", exact=True).click()
    # 8 tanh, 8 tanh, 8 relu, 1 sigmoid over two inputs.
    expect(lab.get_by_test_id("cost-parameters")).to_have_text("177")
    spec = spec_of(lab)
    job = ask(url, "/v1/jobs/validate", spec)
    assert cost(lab) == job["parameters"] == 24 + 72 + 72 + 9
    summary = ask(url, "/v1/networks/summarize", {"network": spec["network"]})
    third = lab.get_by_role("listitem").filter(has_text="Layer 3")
    expect(third).to_contain_text(f"{summary['layers'][2]['parameters_formula']} = 72 parameters")


def test_layers_are_moved_and_removed_by_keyboard_and_all_can_be_undone(open_page: Opened) -> None:
    page = open_page(SMALL)
    lab = settings(page)
    expect(lab.get_by_test_id("cost-parameters")).to_have_text("105")
    lab.get_by_label("Units", exact=True).first.fill("3")
    expect(lab.get_by_test_id("cost-parameters")).to_have_text("50")  # 9 + 32 + 9
    lab.get_by_role("button", name=re.compile("^Layer 1, Dense")).press("Alt+ArrowDown")
    expect(lab.get_by_label("Units", exact=True).nth(1)).to_have_value("3")
    expect(lab.get_by_role("button", name=re.compile("^Layer 2, Dense"))).to_be_focused()
    page.keyboard.press("Delete")
    expect(lab.get_by_test_id("cost-parameters")).to_have_text("33")  # 24 + 9
    for _ in range(3):
        page.keyboard.press("Control+z")
    expect(lab.get_by_test_id("cost-parameters")).to_have_text("105")
    page.keyboard.press("Control+Shift+z")
    expect(lab.get_by_test_id("cost-parameters")).to_have_text("50")


def test_few_presses_of_tab_lead_to_train_and_arrow_keys_to_all_between(
    open_page: Opened,
) -> None:
    page = open_page("/lab")
    lab = settings(page)
    expect(lab.get_by_role("button", name="Train", exact=True)).to_be_enabled()
    expect(lab.get_by_role("button", name="Layer 3, Dense")).to_be_attached()
    rest(page)
    train = lab.get_by_role("button", name="Train", exact=True)
    presses = 0
    while not train.evaluate("button => button === document.activeElement"):
        page.keyboard.press("Tab")
        presses += 1
        assert presses <= 40
    lab.get_by_role("button", name="none", exact=True).focus()
    page.keyboard.press("Tab")
    page.keyboard.press("ArrowDown")
    expect(lab.get_by_role("button", name=re.compile("^Layer 2, Dense"))).to_be_focused()
    page.keyboard.press("Enter")
    row = lab.get_by_role("listitem").filter(has_text="Layer 2")
    for name in ("Layer 2", "Units", "Activation"):
        expect(row.get_by_label(name, exact=True)).to_be_focused()
        page.keyboard.press("Tab")
    for name in ("Freeze", "More settings of", "Remove"):
        expect(row.get_by_role("button", name=f"{name} layer 2")).to_be_focused()
        page.keyboard.press("Tab")
    dense = lab.get_by_role("button", name="Dense", exact=True)
    expect(dense).to_be_focused()
    page.keyboard.press("End")
    expect(lab.get_by_label("Add another layer")).to_be_focused()
    page.keyboard.press("Shift+Tab")
    expect(lab.get_by_role("button", name=re.compile("^Layer 2, Dense"))).to_be_focused()


def test_a_layer_is_frozen_by_keyboard_and_stays_so_where_it_moves(open_page: Opened) -> None:
    page = open_page(SMALL)
    lab = settings(page)
    lock = lab.get_by_role("button", name="Freeze layer 1")
    lock.focus()
    page.keyboard.press("Enter")
    expect(lock).to_have_attribute("aria-pressed", "true")
    expect(lab.get_by_test_id("parameters")).to_contain_text("81 are trained")
    assert spec_of(lab)["freeze"] == ["dense_1"]
    lab.get_by_role("button", name="Layer 1, Dense").focus()
    page.keyboard.press("Alt+ArrowDown")
    expect(lab.get_by_role("button", name="Freeze layer 2")).to_have_attribute(
        "aria-pressed", "true"
    )
    assert spec_of(lab)["freeze"] == ["dense_2"]


def test_a_layer_is_dragged_to_another_place(open_page: Opened) -> None:
    page = open_page(SMALL)
    lab = settings(page)
    lab.get_by_role("button", name="Dropout", exact=True).click()
    x, _ = press(page, lab.get_by_role("button", name=re.compile("^Layer 3, Dropout")))
    target = lab.get_by_role("listitem").filter(has_text="Layer 2").bounding_box()
    assert target is not None
    page.mouse.move(x, target["y"] + 10, steps=6)
    page.mouse.up()
    expect(lab.get_by_role("button", name=re.compile("^Layer 2, Dropout"))).to_be_visible()
    assert [layer["type"] for layer in spec_of(lab)["network"]["layers"]] == [
        "dense",
        "dropout",
        "dense",
        "dense",
    ]


def test_layers_stay_where_they_are_until_a_new_one_is_described(open_page: Opened) -> None:
    page = open_page(SMALL)
    lab = settings(page)
    layers = lab.locator("li:has(.handle)")
    expect(layers.last).to_contain_text("output 1")
    rest(page)
    held: list[Route] = []
    page.route("**/v1/networks/summarize", lambda route: held.append(route))
    with page.expect_request("**/v1/networks/summarize"):
        lab.get_by_role("button", name="Dropout", exact=True).click()
    rest(page)
    added = lab.get_by_role("listitem").filter(has_text="Layer 3")
    expect(added).not_to_contain_text("output")
    before = [row.bounding_box() for row in layers.all()]
    assert len(before) == 4
    held[0].continue_()
    expect(added).to_contain_text("output 8")
    assert [row.bounding_box() for row in layers.all()] == before


def test_an_error_is_shown_at_its_field(open_page: Opened) -> None:
    open_page.excuse("400")  # of the API, which the browser reports by itself
    page = open_page(SMALL)
    lab = settings(page)
    lab.get_by_label("Units", exact=True).last.fill("4")
    row = lab.get_by_role("listitem").filter(has_text="Layer 3")
    expect(row).to_contain_text("gives 4 outputs, but two_moons with binary_cross_entropy needs 1")
    expect(lab.get_by_role("button", name="Train")).to_be_disabled()
    lab.get_by_label("Optimizer").focus()
    lab.get_by_role("button", name="network.layers[2].units").click()
    expect(lab.get_by_label("Units", exact=True).last).to_be_focused()
    lab.get_by_label("Units", exact=True).last.fill("1")
    expect(lab.get_by_role("button", name="Train")).to_be_enabled()


def test_other_data_bring_the_settings_that_are_suggested_for_them(
    open_page: Opened, url: str
) -> None:
    page = open_page("/lab")
    lab = settings(page)
    as_suggested = lab.get_by_text("The network and the training are set as suggested")
    expect(as_suggested).to_be_visible()
    lab.get_by_role("button", name="iris").click()
    expect(lab.get_by_label("Loss", exact=True)).to_have_value("cross_entropy")
    expect(as_suggested).to_be_visible()
    spec = spec_of(lab)
    suggested = ask(url, "/v1/datasets/iris/suggest")["spec"]
    assert spec["dataset"] == {"name": "iris", "scaling": "standard"}
    assert spec["network"]["layers"][0]["units"] == suggested["network"]["layers"][0]["units"]
    assert spec["epochs"] == suggested["epochs"]
    lab.get_by_role("button", name="sine").click()
    expect(lab.get_by_label("Loss", exact=True)).to_have_value("mse")
    # They follow the parameters of the data, until the user changes one of them.
    lab.get_by_role("button", name="adding").click()
    length = lab.get_by_label("Length, as a number")
    length.fill("20")
    length.press("Enter")
    first = lab.get_by_label("To", exact=True).first
    expect(first).to_have_value("20×2")
    expect(as_suggested).to_be_visible()
    lab.get_by_label("Epochs", exact=True).fill("3")
    expect(lab.get_by_text("You use other settings than the suggested ones.")).to_be_visible()


def test_a_text_is_written_in_the_characters_of_another(open_page: Opened) -> None:
    page = open_page("/lab")
    lab = settings(page)
    lab.get_by_role("button", name="plays").click()
    expect(lab.get_by_label("Loss", exact=True)).to_have_value("cross_entropy")
    lab.get_by_role("group", name="In the characters of").get_by_text("sonnets").click()
    expect(lab.get_by_role("figure", name="plays")).to_contain_text("first citizen:")
    spec = spec_of(lab)
    assert spec["dataset"] == {"name": "plays", "samples": 3400, "vocabulary": "sonnets"}
    assert spec["network"]["layers"][0]["vocabulary"] == 37
    assert spec["network"]["layers"][-1]["units"] == 37
    expect(lab.get_by_role("alert")).to_have_count(0)


def test_noise_moves_the_points(open_page: Opened, url: str) -> None:
    page = open_page("/lab")
    lab = settings(page)
    picture = lab.get_by_role("figure", name="two moons")
    picture.get_by_role("button", name="Table").click()
    first = picture.get_by_role("row").nth(1)
    box = lab.get_by_label("Noise, as a number")
    box.fill("0.5")
    box.press("Enter")
    preview = ask(url, "/v1/datasets/two_moons/preview?rows=1&samples=400&noise=0.5")

    def moved() -> bool:
        shown = [number(item) for item in first.inner_text().split("\t")[:2]]
        return bool(shown == pytest.approx(preview["inputs"][0], rel=1e-3))

    await_condition(moved, 30, "the points of the new noise are shown")


def test_a_link_shows_the_same_set_up(open_page: Opened) -> None:
    page = open_page(SMALL)
    lab = settings(page)
    lab.get_by_label("Learning rate, as a number").fill("0.03")
    lab.get_by_label("Learning rate, as a number").press("Enter")
    lab.get_by_label("Epochs").fill("55")
    page.wait_for_url(lambda at: "55" in urlsplit(at).query)
    again = open_page(page.url)
    expect(again.get_by_label("Epochs").first).to_have_value("55")
    assert spec_of(settings(again)) == spec_of(lab)
    link = json.loads(parse_qs(urlsplit(page.url).query)["lab.spec"][0])
    assert link["optimizer"] == {"type": "adam", "learning_rate": 0.03}


@pytest.mark.journey
def test_a_preset_is_trained_and_its_run_opened(open_page: Opened, url: str) -> None:
    page = open_page("/lab?lab.pace=0")
    lab = settings(page)
    lab.get_by_role("button", name="Start from a preset").click()
    preset = lab.get_by_role("button", name="XOR with a hidden layer")
    expect(preset).to_contain_text("accuracy 100 %")
    preset.click()
    expect(lab.get_by_test_id("cost-parameters")).to_have_text("33")
    lab.get_by_role("button", name="Train").click()
    page.wait_for_url(re.compile("lab.job="))
    job = ask(url, f"/v1/jobs/{parse_qs(urlsplit(page.url).query)['lab.job'][0]}")
    assert job["spec"]["dataset"]["name"] == "xor"
    assert job["spec"]["name"] == "XOR with a hidden layer"
    # Its weights have come, and nothing was asked about validation samples, which it does not have.
    expect(page.get_by_text("Finished")).to_be_visible()
    page.wait_for_function("!document.querySelector('.loading')")
    rest(page)


def test_points_are_drawn_by_hand_and_by_keyboard(open_page: Opened) -> None:
    page = open_page("/lab")
    lab = settings(page)
    lab.get_by_text("Draw", exact=True).click()
    pad = lab.get_by_role("application", name="Plane to draw on")
    x, y = press(page, pad, 0.2, 0.2)
    page.mouse.move(x + 140, y, steps=20)
    page.mouse.up()
    expect(lab.get_by_text("Draw two classes to use your points")).to_be_visible()
    pad.focus()
    page.keyboard.press("2")
    for _ in range(3):
        page.keyboard.press("Shift+ArrowDown")
        page.keyboard.press("Enter")
    expect(lab.get_by_text("Draw two classes to use your points")).to_be_hidden()
    data = spec_of(lab)["dataset"]
    assert data["class_names"] == ["A", "B"]
    assert data["targets"][-3:] == [[1], [1], [1]]
    assert data["inputs"][-3:] == [[0, -0.25], [0, -0.5], [0, -0.75]]
    drawn = len(data["inputs"])
    assert drawn > 8
    pad.focus()
    page.keyboard.press("Delete")
    expect(lab.get_by_text(f"{drawn - 1} points.")).to_be_visible()
    assert len(spec_of(lab)["dataset"]["inputs"]) == drawn - 1
    lab.get_by_role("button", name="Undo").last.click()
    expect(lab.get_by_text(f"{drawn} points.")).to_be_visible()
    assert spec_of(lab)["dataset"] == data
    expect(lab.get_by_role("button", name="Train")).to_be_enabled()


def test_a_file_that_is_dropped_is_trained_on(open_page: Opened, url: str) -> None:
    page = open_page("/lab")
    lab = settings(page)
    drop(page, "pulse.csv", GOOD)
    expect(lab.get_by_label("Column to predict")).to_have_value("pulse")
    lab.get_by_role("button", name="smokes").click()
    lab.get_by_role("button", name="Use this file").click()
    expect(lab.get_by_text("classes no, yes")).to_be_visible()
    expect(lab.get_by_label("Loss", exact=True)).to_have_value("binary_cross_entropy")
    expect(lab.get_by_role("button", name="Train")).to_be_enabled()
    spec = spec_of(lab)
    dataset = ask(url, f"/v1/datasets/{spec['dataset']['id']}")
    assert (dataset["name"], dataset["feature_names"]) == ("pulse", ["age", "pulse"])
    lab.get_by_role("button", name="Train").click()
    page.wait_for_url(re.compile("lab.job="))


def test_an_error_in_a_file_shows_its_line_and_column(open_page: Opened, tmp_path: Path) -> None:
    file = tmp_path / "pulse.csv"
    file.write_text(BAD)
    open_page.excuse("400")  # of the API, which the browser reports by itself
    page = open_page("/lab")
    lab = settings(page)
    lab.get_by_text("Your file").click()
    lab.locator("input[type=file]").set_input_files(file)
    lab.get_by_role("button", name="Use this file").click()
    alert = lab.get_by_role("alert")
    expect(alert).to_contain_text("Line 3, column age")
    expect(alert).to_contain_text("'abc' is not a number")
    expect(alert).to_contain_text("abc,no,61")
    expect(lab.get_by_role("cell", name="abc", exact=True)).to_have_class(re.compile("wrong"))


def test_several_learning_rates_are_tried_at_once(open_page: Opened, url: str) -> None:
    page = open_page("/lab")
    lab = settings(page)
    lab.get_by_role("button", name="Try several learning rates").click()
    lab.get_by_label("Number", exact=True).fill("4")
    lab.get_by_label("From").fill("0.0001")
    lab.get_by_role("button", name="Run").click()
    expect(lab.get_by_text("fell farthest")).to_be_visible()
    page.wait_for_url(re.compile("lab.sweep="))
    sweep = ask(url, f"/v1/sweeps/{parse_qs(urlsplit(page.url).query)['lab.sweep'][0]}")
    rows = lab.get_by_role("table").get_by_role("row")
    expect(rows).to_have_count(1 + 4)
    for row, member in zip(rows.all()[1:], sweep["members"], strict=True):
        expect(row).to_contain_text(member["label"]["name"].replace("_", " "))
    assert violations(page) == []
    lab.get_by_role("button", name="Use the learning rate 0.0046").click()
    expect(lab.get_by_label("Learning rate, as a number")).to_have_value("0.0046")


def test_learning_rates_that_are_no_better_than_a_constant_are_not_praised(
    open_page: Opened,
) -> None:
    page = open_page(SMALL)
    lab = settings(page)
    lab.get_by_role("button", name="Try several learning rates").click()
    lab.get_by_label("Number", exact=True).fill("2")
    lab.get_by_label("From").fill("1e-11")
    lab.get_by_label("To", exact=True).fill("1e-10")
    lab.get_by_role("button", name="Run").click()
    expect(lab.get_by_text("No rate is better than the best constant.")).to_be_visible()
    expect(lab.get_by_text("fell farthest")).to_have_count(0)


def test_a_schedule_is_drawn(open_page: Opened, url: str) -> None:
    page = open_page(SMALL)
    lab = settings(page)
    lab.get_by_label("Learning rate schedule").select_option("cosine")
    figure = lab.get_by_role("figure", name="Learning rate per epoch")
    figure.get_by_role("button", name="Table").click()
    answer = ask(
        url,
        "/course/v1/simulate/schedule",
        {"schedule": {"type": "cosine"}, "learning_rate": 0.01, "epochs": 100},
    )
    last = figure.get_by_role("row").last
    expect(last).to_contain_text("100")
    shown = number(last.inner_text().split("\t")[1])
    assert shown == pytest.approx(answer["points"][-1]["learning_rate"], rel=1e-3)


def test_axe_finds_nothing_wrong_with_the_lab(open_page: Opened) -> None:
    page = open_page(SMALL)
    lab = settings(page)
    expect(lab.get_by_test_id("cost-parameters")).to_be_visible()
    lab.get_by_text("More", exact=True).click()
    lab.get_by_text("Settings as code").click()
    lab.get_by_role("button", name="More settings of layer 1").click()
    lab.get_by_role("button", name="Start from a preset").click()
    expect(lab.get_by_role("button", name="XOR with a hidden layer")).to_be_visible()
    suits_every_screen(page)


def test_axe_finds_nothing_wrong_with_drawing_and_files(open_page: Opened, tmp_path: Path) -> None:
    file = tmp_path / "pulse.csv"
    file.write_text(GOOD)
    page = open_page("/lab")
    lab = settings(page)
    lab.get_by_text("Draw", exact=True).click()
    expect(lab.get_by_role("application", name="Plane to draw on")).to_be_visible()
    assert violations(page) == []
    lab.get_by_text("Your file").click()
    lab.locator("input[type=file]").set_input_files(file)
    expect(lab.get_by_role("button", name="Use this file")).to_be_visible()
    assert violations(page) == []


def test_a_fork_says_where_it_begins(open_page: Opened, url: str) -> None:
    spec = ask(url, "/course/v1/presets/xor")["spec"] | {"epochs": 20}
    job = ask(url, "/v1/jobs", spec)["id"]
    await_condition(
        lambda: ask(url, f"/v1/jobs/{job}")["state"] == "succeeded", 60, "the run is over"
    )
    fork = spec | {"initial_weights": {"job": job, "epoch": 20}}
    page = open_page(f"/lab?lab.spec={quote(json.dumps(fork))}")
    expect(page.get_by_text("Starts from the weights of")).to_contain_text("at epoch 20")
    page.get_by_role("button", name="Without them").click()
    expect(page.get_by_text("Starts from the weights of")).to_be_hidden()
    assert "initial_weights" not in spec_of(settings(page))


def test_pictures_can_begin_with_a_convolution(open_page: Opened, url: str) -> None:
    page = open_page("/lab")
    lab = settings(page)
    lab.get_by_role("button", name="digits", exact=True).click()
    lab.get_by_role("button", name="convolution").click()
    # 8 filters of 3×3 with their biases, then 10 units over 4×4×8 numbers.
    expect(lab.get_by_test_id("cost-parameters")).to_have_text("1,370")
    network = lab.get_by_role("list", name="The network")
    expect(network.get_by_role("listitem")).to_have_text(
        [re.compile(item) for item in ("64$", "8×8×1", "8×8×8", "4×4×8", "128", r"10 \+1,290$")]
    )
    assert ask(url, "/v1/jobs/validate", spec_of(lab))["parameters"] == 1370


def test_own_class_weights_wait_for_the_classes(open_page: Opened) -> None:
    """A user who is quicker than the data cannot ask for a number for each of no classes."""
    held: list[Route] = []
    are_held = True

    def hold(route: Route) -> None:
        if are_held:
            held.append(route)
        else:
            route.continue_()

    page = open_page("/jobs")
    page.route("**/v1/datasets/*/preview*", hold)
    with page.expect_request("**/v1/datasets/*/preview*"):
        page.goto("/lab")
    lab = settings(page)
    choice = lab.get_by_label("Class weights in the loss")
    choice.select_option("balanced")
    numbers = choice.locator("option", has_text="a number for each class")
    expect(numbers).to_have_count(0)
    are_held = False
    while held:
        held.pop().continue_()
    expect(numbers).to_have_count(1)
    choice.select_option("own")
    expect(lab.get_by_label("Weight of each class")).to_have_value("1, 1")


def test_class_weights_are_balanced_or_a_number_for_each_class(open_page: Opened, url: str) -> None:
    open_page.excuse("400")  # of the API, which the browser reports by itself
    page = open_page("/lab")
    lab = settings(page)
    choice = lab.get_by_label("Class weights in the loss")
    choice.select_option("balanced")
    assert spec_of(lab)["class_weights"] == "balanced"
    choice.select_option("own")
    weights = lab.get_by_label("Weight of each class")
    expect(weights).to_have_value("1, 1")
    weights.fill("1, 5")
    weights.press("Tab")
    assert spec_of(lab)["class_weights"] == [1, 5]
    ask(url, "/v1/jobs/validate", spec_of(lab))
    weights.fill("1, 0")
    weights.press("Tab")
    expect(lab.get_by_text("must be greater than 0", exact=True)).to_be_visible()
    # A loss for numbers has no classes.
    lab.get_by_label("Loss", exact=True).select_option("mse")
    expect(choice).to_be_hidden()
    assert "class_weights" not in spec_of(lab)
