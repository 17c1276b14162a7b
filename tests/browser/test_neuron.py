"""Section 2: one neuron, with the numbers of the API."""

import pytest
from playwright.sync_api import Page, Route, expect
from tests.browser.conftest import Opened, ask, press


def simulate(url: str, inputs: list[float], weights: list[float], bias: float) -> dict[str, float]:
    question = {"inputs": inputs, "weights": weights, "bias": bias}
    answer = ask(url, "/course/v1/simulate/neuron", question)
    return {name: answer[name]["value"] for name in ("weighted_sum", "sigmoid", "step")}


def read(page: Page, name: str) -> float:
    text = page.get_by_test_id(name).locator(".number").inner_text()
    return float(text.replace("−", "-"))


def test_the_first_numbers_are_those_of_the_lesson(open_page: Opened) -> None:
    page = open_page.section("/#neuron-deeper")
    expect(page.get_by_test_id("sum")).to_contain_text("0.750")
    expect(page.get_by_test_id("sigmoid")).to_contain_text("0.679")
    expect(page.get_by_test_id("step")).to_contain_text("fires")


@pytest.mark.journey
def test_a_weight_moved_by_keyboard_gives_what_the_api_gives(open_page: Opened, url: str) -> None:
    page = open_page.section("/#neuron-deeper")
    weight = page.get_by_label("w₁", exact=True)
    expect(weight).to_have_value("0.7")
    for _ in range(20):
        weight.press("ArrowLeft")
    expect(page.get_by_test_id("product-1")).to_contain_text("0.500")
    expected = simulate(url, [1, 0.5, 0.8], [0.5, -0.3, 0.5], -0.2)
    assert read(page, "sum") == round(expected["weighted_sum"], 3)
    assert read(page, "sigmoid") == round(expected["sigmoid"], 3)


def test_the_numbers_move_before_the_service_replies(open_page: Opened) -> None:
    page = open_page.section("/#neuron-deeper")
    expect(page.get_by_test_id("sum")).to_contain_text("0.750")
    held: list[Route] = []
    page.route("**/simulate/neuron", lambda route: held.append(route))
    box = page.get_by_label("b, as a number")
    box.fill("-3.5")
    box.press("Enter")
    expect(page.get_by_test_id("sum")).to_contain_text("−2.550")
    expect(page.get_by_test_id("step")).to_contain_text("silent")
    late = page.get_by_text("stays below the threshold")
    expect(late).to_have_count(0)
    held[-1].continue_()
    expect(late).to_be_visible()
    expect(page.get_by_test_id("sum")).to_contain_text("−2.550")
    page.unroute("**/simulate/neuron")


def test_a_number_opens_the_formula_that_it_comes_from(open_page: Opened) -> None:
    page = open_page.section("/#neuron-deeper")
    page.get_by_test_id("sum").get_by_role("button").click()
    note = page.get_by_role("note").filter(visible=True)
    expect(note).to_contain_text("= 0.75")


def test_a_typed_number_may_lie_beyond_the_slider(open_page: Opened) -> None:
    page = open_page.section("/#neuron-deeper")
    box = page.get_by_label("b, as a number")
    box.fill("-3.5")
    box.press("Enter")
    expect(page.get_by_test_id("sum")).to_contain_text("−2.550")
    expect(page.get_by_test_id("step")).to_contain_text("silent")


def test_the_line_is_the_same_neuron(open_page: Opened, url: str) -> None:
    page = open_page.section("/#neuron-deeper")
    plane = page.get_by_role("figure", name="The same neuron as a line")
    line = plane.get_by_role("slider", name="The line where the sum is 0")
    line.scroll_into_view_if_needed()
    line.focus()
    for _ in range(5):
        line.press("ArrowRight")
    # Five steps of 4/50 to the right of a line with w1 = 0.7 take 0.28 from the bias.
    expect(page.get_by_label("b, as a number")).to_have_value("-0.48")
    line.press("Shift+ArrowRight")
    expect(page.get_by_label("w₁, as a number")).not_to_have_value("0.7")
    w1, w2 = (float(page.get_by_label(f"w{i}, as a number").input_value()) for i in "₁₂")
    assert abs((w1**2 + w2**2) - (0.7**2 + 0.3**2)) < 0.002  # it turned, and grew no longer


def test_dragging_the_point_moves_the_inputs(open_page: Opened) -> None:
    page = open_page.section("/#neuron-deeper")
    point = page.get_by_role("slider", name="fires: x₁ 1, x₂ 0.5")
    x, y = press(page, point.locator("circle").last)
    page.mouse.move(x - 196, y, steps=8)
    page.mouse.up()
    expect(page.get_by_test_id("step")).to_contain_text("silent")
    assert float(page.get_by_label("x₁, as a number").input_value()) < 0


def test_a_link_shows_what_was_seen(open_page: Opened) -> None:
    page = open_page.section("/#neuron-deeper")
    weight = page.get_by_label("w₂, as a number")
    weight.fill("1.5")
    weight.press("Enter")
    expect(page.get_by_test_id("sum")).to_contain_text("1.650")
    page.wait_for_url("**/?neuron.weights=0.7,1.5,0.5#neuron-deeper")
    again = open_page(page.url)
    expect(again.get_by_test_id("sum")).to_contain_text("1.650")
    again.get_by_role("button", name="Start over").click()
    expect(again.get_by_test_id("sum")).to_contain_text("0.750")
    again.wait_for_url(lambda url: "weights" not in url)


def test_the_table_has_the_numbers_of_the_picture(open_page: Opened) -> None:
    page = open_page("/#neuron-deeper")
    figure = page.get_by_role("figure", name="One neuron")
    figure.get_by_role("button", name="Table").click()
    row = figure.get_by_role("row").filter(has_text="z = Σ wᵢ·xᵢ + b")
    expect(row).to_contain_text("0.75")


def test_a_picture_can_be_taken_along(open_page: Opened) -> None:
    page = open_page.section("/#neuron-deeper")
    figure = page.get_by_role("figure", name="The same neuron as a line")
    figure.scroll_into_view_if_needed()
    for kind, start in (("SVG", b"<svg"), ("PNG", b"\x89PNG"), ("CSV", b",x")):
        figure.get_by_text("Export", exact=True).click()
        with page.expect_download() as download:
            figure.get_by_role("button", name=kind).click()
        assert download.value.suggested_filename == f"neuron-line.{kind.lower()}"
        assert download.value.path().read_bytes().startswith(start)


def test_three_gates_stand_side_by_side_with_their_verdicts(open_page: Opened) -> None:
    page = open_page.section("/#neuron-deeper")
    page.get_by_role("heading", name="AND, OR and XOR side by side").scroll_into_view_if_needed()
    for gate, wrong in (("AND", 0), ("OR", 0), ("XOR", 2)):
        figure = page.get_by_role("figure", name=f"{gate}: the line at every epoch", exact=True)
        expect(figure).to_contain_text(f"{wrong} of 4 on the wrong side")
