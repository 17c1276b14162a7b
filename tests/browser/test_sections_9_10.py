"""Sections 9 and 10: the zoo with its explorers, and the timeline with its runs in place."""

import re
from typing import Any

import pytest
from playwright.sync_api import APIResponse, Locator, Page, Route, expect
from tests.browser.conftest import Opened, ask, press
from tests.servers.stack import await_condition


def simulate(url: str, explorer: str, request: dict[str, Any]) -> Any:
    return ask(url, f"/course/v1/simulate/{explorer}", request)


def read(text: str) -> float:
    return float(text.replace("−", "-").replace("%", "").replace(",", "").strip())


def tile(value: float) -> str:
    """As a square has it: `−.57`."""
    return f"{round(value, 2) + 0.0:.2f}".replace("0.", ".").replace("-", "−")


def cell(figure: Locator, name: str) -> Locator:
    """A picture of a field of numbers that goes by arrow keys."""
    return figure.get_by_role("slider", name=name)


# ---------------------------------------------------------------------------------- 9 the zoo


def test_architectures_are_chosen_by_arrow_keys_and_drawn_from_their_graphs(
    open_page: Opened, url: str
) -> None:
    known = ask(url, "/course/v1/architectures")["architectures"]
    page = open_page.section("/#zoo-deeper")
    tabs = page.get_by_role("tablist", name="Architectures").get_by_role("tab")
    expect(tabs).to_have_count(len(known))
    panel = page.get_by_test_id("architecture")
    page.locator("#zoo-tab-cnn").focus()
    for item in known[2:]:
        page.keyboard.press("ArrowRight")
        expect(panel).to_contain_text(item["idea"])
        expect(panel).to_contain_text(f"{item['summary']['parameters']:,} parameters")
        drawing = panel.get_by_role("img", name=item["name"])
        expect(drawing.locator("rect.box")).to_have_count(len(item["graph"]["nodes"]))
        expect(drawing.locator("path.arrow")).to_have_count(len(item["graph"]["edges"]))
    page.wait_for_url("**/?zoo.kind=diffusion#zoo-deeper")


def test_every_one_of_the_zoo_has_a_run_and_a_transformer_sorts_in_place(
    open_page: Opened, url: str
) -> None:
    known = ask(url, "/course/v1/architectures")["architectures"]
    assert {item["id"] for item in known if not item["preset"]} == {"diffusion"}
    page = open_page.section("/?zoo.kind=transformer_encoder#zoo")
    panel = page.get_by_test_id("architecture")
    panel.get_by_role("button", name="Run it here").press("Enter")
    result = panel.get_by_test_id("result-sorting")
    expect(result).to_contain_text("as expected", timeout=240_000)
    job = str(result.get_by_role("link", name="Open this run").get_attribute("href"))
    latest = ask(url, f"/v1{job}")["latest"]
    expect(result).to_contain_text(
        f"{100 * latest['validation_accuracy']:.1f} % validation accuracy"
    )

    query = f"order=random&count=6&split=validation&epoch={latest['epoch']}"
    answer = ask(url, f"/v1{job}/sample-predictions?{query}")
    written = panel.get_by_role("listitem").filter(has_text="target")
    expect(written).to_have_count(6)
    for shown, sample in zip(written.all(), answer["samples"], strict=True):
        lines = [sample["inputs"], sample["target_classes"], sample["predicted_classes"]]
        letters = ["".join(answer["class_names"][int(i)] for i in line) for line in lines]
        expect(shown.locator("dd")).to_have_text(letters)
        wrong = sum(a != b for a, b in zip(lines[1], lines[2], strict=True))
        expect(shown.locator("mark")).to_have_count(wrong)

    # The page of the run shows the same, and the share of entirely correct sequences.
    page = open_page(job)
    matrix = ask(url, f"/v1{job}/confusion-matrix")
    # The samples come first once they are known to be text.
    expect(page.get_by_text("prediction", exact=True).first).to_be_visible()
    page.get_by_role("figure", name="Samples").scroll_into_view_if_needed()
    page.get_by_role("figure", name="Confusion matrix").scroll_into_view_if_needed()
    expect(page.get_by_text("every position is correct")).to_contain_text(
        f"{100 * matrix['exact_match']:.1f} %"
    )


def test_a_run_in_place_stands_in_the_link(open_page: Opened, url: str) -> None:
    page = open_page.section("/?zoo.kind=mlp#zoo")
    panel = page.get_by_test_id("architecture")
    preset = next(
        a for a in ask(url, "/course/v1/architectures")["architectures"] if a["id"] == "mlp"
    )
    name = preset["preset"]
    panel.get_by_role("button", name="Run it here").press("Enter")
    result = panel.get_by_test_id(f"result-{name}")
    link = result.get_by_role("link", name="Open this run").get_attribute("href")
    assert link is not None
    job = ask(url, f"/v1{link}")
    assert job["state"] == "succeeded"
    page.wait_for_url(f"**run.{name}={job['id']}*")
    again = open_page(page.url)
    expect(again.get_by_test_id(f"result-{name}")).to_contain_text("as expected")
    again.get_by_test_id("architecture").get_by_role("button", name="again").click()
    again.wait_for_url(lambda address: f"run.{name}=" in address and job["id"] not in address)


def test_a_run_that_was_deleted_says_so_and_can_be_run_again(open_page: Opened, url: str) -> None:
    open_page.excuse("404")  # the browser itself writes into the console that there was none
    preset = next(
        a for a in ask(url, "/course/v1/architectures")["architectures"] if a["id"] == "mlp"
    )
    page = open_page(f"/?zoo.kind=mlp&run.{preset['preset']}=job_0_0#zoo")
    panel = page.get_by_test_id("architecture")
    expect(panel.get_by_role("alert")).to_be_visible()
    expect(panel.get_by_role("button", name="again")).to_be_enabled()


def test_a_digit_meets_the_window_as_the_api_says(open_page: Opened, url: str) -> None:
    preview = ask(url, "/v1/datasets/digits/preview?rows=10")["inputs"]
    image = [preview[7][8 * row : 8 * row + 8] for row in range(8)]
    answer = simulate(
        url,
        "convolution",
        {"image": image, "kernel_name": "vertical_edge", "padding": "same"},
    )
    page = open_page.section("/?convolution.step=20#zoo")
    figure = page.get_by_role("figure", name="Convolution, position by position")
    shown = page.get_by_test_id("window-sum")
    expect(shown).to_be_visible()
    assert read(shown.inner_text()) == pytest.approx(
        answer["windows"][20]["output"]["value"], abs=6e-4
    )
    figure.get_by_role("button", name="One step forward").click()
    expect(figure).to_contain_text("row 3, column 6")
    assert read(shown.inner_text()) == pytest.approx(
        answer["windows"][21]["output"]["value"], abs=6e-4
    )
    # From a place of the answer, the window follows.
    cell(figure, "Feature map: select a position").press("ArrowDown")
    expect(figure).to_contain_text("row 4, column 6")
    assert read(shown.inner_text()) == pytest.approx(
        answer["windows"][29]["output"]["value"], abs=6e-4
    )


def test_an_image_is_drawn_by_keyboard_and_by_pointer_and_kept_in_the_link(
    open_page: Opened, url: str
) -> None:
    page = open_page.section("/?convolution.step=0#zoo")
    figure = page.get_by_role("figure", name="Convolution, position by position")
    figure.get_by_label("Image", exact=True).select_option("empty")
    shown = page.get_by_test_id("window-sum")
    expect(shown).to_have_text("0.000")
    image = cell(figure, "Image: draw on it")
    image.focus()
    page.keyboard.press("Space")  # the first pixel
    page.keyboard.press("ArrowRight")
    page.keyboard.press("Space")  # and the one to its right, which the edge is blind to no more
    drawn = [[0.0] * 8 for _ in range(8)]
    drawn[0][0] = drawn[0][1] = 1.0
    request = {"image": drawn, "kernel_name": "vertical_edge", "padding": "same"}
    expected = simulate(url, "convolution", request)["windows"][0]["output"]["value"]
    assert expected == 2.0  # of -2 0 2, the pixel in the middle meets 0 and the right one 2
    expect(shown).to_have_text("2.000")
    # Ten squares across with the zeros around: the second row of pixels is the third of squares.
    x, y = press(page, image, 0.15, 0.25)
    box = image.bounding_box()
    assert box is not None
    page.mouse.move(x + box["width"] / 10, y, steps=3)
    page.mouse.up()
    expect(shown).to_have_text("3.000")
    page.wait_for_url(lambda address: "convolution.image=gg000000gg000000" in address)
    again = open_page(page.url)
    expect(again.get_by_test_id("window-sum")).to_have_text("3.000")


def test_stride_and_padding_change_the_size_of_the_answer(open_page: Opened) -> None:
    page = open_page.section("/?convolution.padding=valid&convolution.stride=2#zoo")
    figure = page.get_by_role("figure", name="Convolution, position by position")
    expect(figure).to_contain_text("feature map 3×3")
    expect(figure).to_contain_text("⌊(8 − 3) / 2⌋ + 1 = 3")


def test_pooling_keeps_the_largest_of_what_the_window_found(open_page: Opened, url: str) -> None:
    image = [[0.0] * 8 for _ in range(8)]
    image[0][0] = image[0][1] = 1.0
    edges = simulate(
        url,
        "convolution",
        {"image": image, "kernel_name": "blur", "padding": "same"},
    )["output"]
    pooled = simulate(url, "pooling", {"image": edges, "kind": "max", "size": 2})
    page = open_page.section(f"/?convolution.image=gg{'0' * 62}&convolution.kernel=blur#zoo")
    figure = page.get_by_role("figure", name="Pooling the feature map")
    figure.scroll_into_view_if_needed()
    chosen = cell(figure, "Output of the pooling: select a position")
    chosen.press("ArrowLeft")
    first = pooled["windows"][0]["output"]["substituted"].rsplit("= ", 1)[1]
    expect(page.get_by_test_id("pooled")).to_contain_text(f"= {first}")
    figure.get_by_label("mean", exact=True).check(force=True)
    expect(page.get_by_test_id("pooled")).not_to_contain_text("max")


def test_an_open_gate_carries_the_memory_on(open_page: Opened, url: str) -> None:
    page = open_page.section("/?sequence.step=8#zoo")
    figure = page.get_by_role("figure", name="The cell, unrolled")
    figure.scroll_into_view_if_needed()
    keep = figure.get_by_label("Bias of the forget gate, as a number")
    for bias in (-1.0, 6.0):
        keep.fill(str(bias))
        keep.press("Enter")
        answer = simulate(
            url,
            "recurrence",
            {
                "cell": "lstm",
                "inputs": [[1.0], *([[0.0]] * 7)],
                "units": 1,
                "seed": 0,
                "bias": [0.0, bias, 0.0, 0.0],
            },
        )
        memory = answer["steps"][7]["cell"][0]
        shown = figure.get_by_role("button", name="cell state c at step 8")
        expect(shown).to_have_accessible_name(f"cell state c at step 8: {tile(memory['value'])}")
        formula = page.get_by_test_id("gate")
        expect(formula).to_contain_text(memory["substituted"].rsplit("= ", 1)[1].replace("-", "−"))
    assert abs(memory["value"]) > 0.3
    shown = figure.get_by_role("button", name="forget gate at step 3")
    shown.focus()
    page.keyboard.press("Enter")
    expect(page.get_by_test_id("gate")).to_contain_text("= σ(")


def test_an_input_moved_by_keyboard_moves_all_three_cells(open_page: Opened, url: str) -> None:
    page = open_page.section("/?sequence.cell=rnn#zoo")
    figure = page.get_by_role("figure", name="The cell, unrolled")
    figure.scroll_into_view_if_needed()
    second = figure.get_by_label("Input at step 2")
    second.focus()
    for _ in range(5):
        page.keyboard.press("ArrowUp")
    answer = simulate(
        url,
        "recurrence",
        {
            "cell": "rnn",
            "inputs": [[1.0], [0.5], *([[0.0]] * 6)],
            "units": 1,
            "seed": 0,
            "recurrent": [[0.7]],
        },
    )
    name = f"hidden state h at step 2: {tile(answer['states'][1][0])}"
    expect(figure.get_by_role("button", name=name, exact=True)).to_be_visible()
    page.wait_for_url(lambda address: "sequence.inputs=1,0.5,0,0,0,0,0,0" in address)


def attention_row(page: Page) -> list[float]:
    rows = page.get_by_test_id("attention-row").locator("tbody tr")
    return [read(row.locator("td").last.inner_text()) for row in rows.all()]


@pytest.mark.journey
def test_where_a_word_looks_is_what_the_api_says(open_page: Opened, url: str) -> None:
    page = open_page.section("/#zoo-deeper")
    figure = page.get_by_role("figure", name="Attention weights of one word")
    figure.scroll_into_view_if_needed()
    sentence = figure.get_by_role("textbox")
    sentence.fill("a dog sees a cat")
    words = ["a", "dog", "sees", "a", "cat"]
    figure.get_by_role("button", name="sees").first.click()
    expect(page.get_by_test_id("attention-row")).to_contain_text("“sees” attends to")
    expect(page.get_by_test_id("attention-row").locator("tbody tr")).to_have_count(5)
    shares = simulate(url, "attention", {"tokens": words})["heads"][0]["weights"][2]
    assert attention_row(page) == [round(100 * share, 1) for share in shares]
    # The same word is looked at alike wherever it stands: nothing says yet where that is.
    assert shares[0] == shares[3]
    figure.get_by_label("Causal").focus()
    page.keyboard.press("Space")
    expect(page.get_by_test_id("attention-row").locator("tbody tr")).to_have_count(3)
    masked = simulate(url, "attention", {"tokens": words, "causal": True})["heads"][0]["weights"][2]
    assert attention_row(page) == [round(100 * share, 1) for share in masked[:3]]


def test_a_square_of_the_map_opens_its_numbers(open_page: Opened, url: str) -> None:
    page = open_page.section("/?attention.sentence=one%20two%20three&attention.heads=2#zoo")
    field = page.get_by_role("slider", name="Attention weights: rows")
    field.scroll_into_view_if_needed()
    field.focus()
    # The rows of a sentence of three: the link's choice lies beyond it, so its last word asks.
    page.keyboard.press("ArrowUp")
    page.keyboard.press("Enter")
    expect(page.get_by_test_id("attention-row")).to_contain_text("“two” attends to")
    answer = simulate(url, "attention", {"tokens": ["one", "two", "three"], "heads": 2})
    shares = answer["heads"][0]["weights"][1]
    assert attention_row(page) == [round(100 * share, 1) for share in shares]


def test_a_place_explains_its_encoding(open_page: Opened, url: str) -> None:
    page = open_page.section("/?positions.position=3&positions.unit=2#zoo")
    encoding = page.get_by_test_id("encoding")
    encoding.scroll_into_view_if_needed()
    reply = simulate(url, "positional-encoding", {"positions": 32, "units": 32, "position": 3})
    quantity = reply["encoding"][2]
    expect(encoding).to_contain_text(quantity["substituted"].rsplit("= ", 1)[1])
    field = page.get_by_role("slider", name="Encoding of each position")
    field.focus()
    page.keyboard.press("ArrowDown")
    page.keyboard.press("Enter")
    expect(
        page.get_by_role("figure", name="Similarity of position 4 to the others")
    ).to_be_visible()


def costs(page: Page) -> dict[str, str]:
    rows = page.get_by_test_id("costs").locator("tbody tr").all()
    return {
        str(row.get_attribute("data-kind")): row.locator("td").inner_text().strip() for row in rows
    }


def test_a_longer_text_costs_attention_the_square(open_page: Opened, url: str) -> None:
    page = open_page.section("/?costs.length=4096#zoo")
    page.get_by_test_id("costs").scroll_into_view_if_needed()
    answer = simulate(url, "sequence-cost", {"lengths": [4096], "width": 64})
    kinds = {kind["kind"]: kind["rows"][0] for kind in answer["kinds"]}
    shown = costs(page)
    assert set(shown) == set(kinds)
    for kind, words in shown.items():
        number, size = words.split()
        factor = {"million": 1e6, "billion": 1e9}[size]
        assert abs(float(number) * factor / kinds[kind]["compute"] - 1) < 0.005, kind
    expect(page.get_by_test_id("crossover")).to_contain_text(
        f"{answer['crossover_length']:.0f} positions"
    )
    page.get_by_label("sequential steps").check(force=True)
    expect(page.get_by_test_id("costs").locator("[data-kind=lstm] td")).to_have_text("4,096")
    expect(page.get_by_test_id("costs").locator("[data-kind=attention] td")).to_have_text("1")


def test_the_cursor_of_the_costs_is_moved_by_keyboard(open_page: Opened) -> None:
    page = open_page.section("/#zoo-deeper")
    chart = page.get_by_role("slider", name="operations by sequence length")
    chart.scroll_into_view_if_needed()
    chart.focus()
    page.keyboard.press("End")
    expect(page.get_by_test_id("costs")).to_contain_text("1 million positions")
    page.wait_for_url("**/?costs.length=1000000#zoo-deeper")


# ---------------------------------------------------------------------------- 10 the timeline


def test_eleven_entries_stand_along_the_axis_with_their_numbers(
    open_page: Opened, url: str
) -> None:
    entries = ask(url, "/course/v1/timeline")["entries"]
    ready = ask(url, "/course/v1/preset-experiments")["experiments"]
    years = [preset["year"] for preset in ready if preset["section"] == "timeline"]
    page = open_page.section("/#timeline-deeper")
    axis = page.get_by_role("toolbar")
    expect(axis.get_by_role("button")).to_have_count(11)
    for entry in entries:
        shown = page.get_by_test_id(f"entry-{entry['id']}")
        expect(shown).to_contain_text(entry["what_changed"], use_inner_text=True)
        expect(shown).to_contain_text(entry["why_it_mattered"], use_inner_text=True)
        for fact in entry["facts"]:
            expect(shown).to_contain_text(fact["text"])
        trained = shown.get_by_role("button", name="Train it here")
        expect(trained).to_have_count(years.count(entry["year"]))
        expect(shown.get_by_role("button", name="Run it here")).to_have_count(
            1 if entry["preset"] and entry["year"] not in years else 0
        )


def test_arrow_keys_walk_the_axis_and_bring_the_entry_into_sight(open_page: Opened) -> None:
    page = open_page.section("/#timeline-deeper")
    axis = page.get_by_role("toolbar")
    axis.get_by_role("button", name="1958").focus()
    page.keyboard.press("ArrowRight")
    page.keyboard.press("ArrowRight")
    chosen = axis.get_by_role("button", name="1986: Backpropagation")
    expect(chosen).to_be_focused()
    expect(chosen).to_have_attribute("aria-current", "step")
    expect(page.get_by_role("heading", name="Backpropagation", exact=True).last).to_be_in_viewport()


def test_an_entry_stays_in_sight_while_those_above_it_load(open_page: Opened) -> None:
    page = open_page("about:blank")
    held: list[Route] = []
    hold = True
    page.route(
        "**/preset-experiments/*/results*",
        lambda route: held.append(route) if hold else route.continue_(),
    )
    page.goto(f"{open_page.base_url}/#timeline-deeper")
    # Safari has no scroll anchoring.
    page.evaluate("document.documentElement.style.overflowAnchor = 'none'")
    axis = page.get_by_role("toolbar")
    axis.get_by_role("button", name="1958").focus()
    for _ in range(10):
        page.keyboard.press("ArrowRight")
    heading = page.get_by_role("heading", name="Today's models", exact=True).last
    expect(heading).to_be_in_viewport()
    hold = False
    assert held
    for route in held:
        route.continue_()
    expect(page.get_by_role("list", name="Claims of ").first).to_be_visible()
    expect(heading).to_be_in_viewport()


@pytest.mark.journey
def test_a_milestone_opens_with_stored_results(open_page: Opened, url: str) -> None:
    stored = ask(url, "/course/v1/preset-experiments/xor-1969/results")
    addresses = open_page.record_requests()
    page = open_page("/#timeline-deeper")
    card = page.get_by_test_id("milestone-xor-1969")
    claims = card.get_by_role("list", name="Claims of A perceptron cannot learn XOR")
    claims.scroll_into_view_if_needed()
    expect(claims.get_by_role("listitem")).to_have_count(len(stored["experiment"]["claims"]))
    for claim in stored["experiment"]["claims"]:
        expect(claims).to_contain_text(claim["text"])
    expect(claims.get_by_text("5 of 5")).to_have_count(3)
    curve = card.get_by_role("slider", name="Training accuracy of A perceptron cannot learn XOR")
    curve.press("End")
    last = next(job for job in stored["experiment"]["jobs"] if job["job"] == "xor")["latest"][
        "train_accuracy"
    ]
    expect(curve).to_have_attribute("aria-valuetext", re.compile(f"xor {last:g}$"))
    figure = card.get_by_role("figure", name="XOR: the line at every epoch")
    step = figure.get_by_role("slider", name="Epoch", exact=True)
    for key in ("Home", "ArrowRight", "End"):
        step.press(key)
        expect(figure).not_to_contain_text("0 of 4 on the wrong side")
    expect(figure).to_contain_text("Not linearly separable. No line separates the two classes")
    for gate in ("AND", "OR"):
        picture = card.get_by_role("figure", name=f"{gate}: the line at every epoch", exact=True)
        expect(picture).to_contain_text("0 of 4 on the wrong side")
        expect(picture).to_contain_text("Linearly separable. A line separates the two classes")
    requested = [address for address in addresses if "/v1/" in address]
    assert len(requested) < 40
    assert not [address for address in requested if "/v1/experiments" in address]


def test_curves_play_once_on_entering_view_and_end_complete(open_page: Opened) -> None:
    page = open_page("/#timeline-deeper", reduced_motion="no-preference")
    card = page.get_by_test_id("milestone-xor-1969")
    card.scroll_into_view_if_needed()
    curve = card.get_by_role("slider", name="Training accuracy of A perceptron cannot learn XOR")

    xor = curve.locator("path.series").last

    def drawn() -> int:
        return len(str(xor.get_attribute("d")))

    whole: list[int] = []

    def is_still() -> bool:
        """Whether as much is drawn as before a pause in which a playing curve grows."""
        whole.append(drawn())
        page.evaluate("() => new Promise((done) => setTimeout(done, 300))")
        return drawn() == whole[-1] > 500

    expect(xor).to_be_attached()
    await_condition(is_still, 60, "all epochs are drawn")
    card.get_by_role("button", name="Replay").click()
    await_condition(lambda: drawn() < whole[-1], 60, "it begins again")
    await_condition(lambda: drawn() == whole[-1], 60, "it ends complete")


def test_a_milestone_is_trained_in_place_and_its_link_shows_the_result(
    open_page: Opened, url: str
) -> None:
    page = open_page.section("/#timeline-deeper")
    card = page.get_by_test_id("milestone-xor-1969")
    card.get_by_role("button", name="Train it here").press("Enter")
    expect(card.get_by_text("Your run")).to_be_visible()
    expect(card.get_by_text("Met 5 of 5")).to_have_count(3)
    expect(card.get_by_role("figure", name="AND: the line at every epoch")).to_contain_text(
        "0 of 4 on the wrong side"
    )
    link = str(card.get_by_role("link", name="Open experiment").get_attribute("href"))
    made = ask(url, f"/v1{link}")
    assert [claim["met"] for claim in made["claims"]] == [5, 5, 5]
    page.wait_for_url(f"**/?milestone.xor-1969={made['id']}#timeline-deeper")
    again = open_page(page.url).get_by_test_id("milestone-xor-1969")
    expect(again.get_by_text("Your run")).to_be_visible()
    again.get_by_role("button", name="Show the stored results").click()
    expect(again.get_by_text("Stored results")).to_be_visible()


def test_the_induction_head_is_the_first_one_that_is_shown(open_page: Opened) -> None:
    card = open_page.section("/#timeline-deeper").get_by_test_id("milestone-gpt3-2020")
    card.scroll_into_view_if_needed()
    figure = card.get_by_role("figure", name="The induction head")
    shown = figure.get_by_role("group", name="Heads").get_by_role("button", pressed=True)
    expect(shown).to_have_text(re.compile("layer 2, head [1-4]"))
    expect(figure).to_contain_text("this is the largest part of all heads")
    figure.get_by_role("button", name="layer 1, head 1").click()
    expect(figure).to_contain_text("layer 1, head 1: on average")
    expect(figure).not_to_contain_text("this is the largest part of all heads")


def test_letters_are_typed_in_place_into_the_network_of_the_reader(
    open_page: Opened, url: str
) -> None:
    job = ask(url, "/course/v1/preset-experiments/transformer-2017")["spec"]["jobs"]["sorting"]
    sorting = {"seeds": [0], "jobs": {"sorting": job}}
    made = ask(url, "/v1/experiments", sorting)["id"]
    await_condition(
        lambda: ask(url, f"/v1/experiments/{made}")["state"] == "succeeded", 120, "it is over"
    )
    page = open_page.section("/#timeline-deeper")
    card = page.get_by_test_id("milestone-transformer-2017")
    card.scroll_into_view_if_needed()
    stored = card.get_by_role("figure", name="Type your own letters")
    expect(stored).to_contain_text("Train it here")
    page = open_page.section(f"/?milestone.transformer-2017={made}#timeline")
    card = page.get_by_test_id("milestone-transformer-2017")
    card.scroll_into_view_if_needed()
    figure = card.get_by_role("figure", name="Type your own letters")
    figure.get_by_role("textbox").fill("jihgfe")
    expect(figure).to_contain_text("efghij")


def test_a_milestone_is_cancelled(open_page: Opened) -> None:
    page = open_page("/#timeline-deeper")
    card = page.get_by_test_id("milestone-lenet-1998")
    train = card.get_by_role("button", name="Train it here")
    train.press("Enter")
    # The stream tells the end before the reply to the request to cancel has come.
    held: list[tuple[Route, APIResponse]] = []
    page.route(
        "**/v1/experiments/*/cancel", lambda route: held.append((route, route.fetch(timeout=0)))
    )
    card.get_by_role("button", name="Cancel").click()
    expect(train).to_be_visible()
    [(route, reply)] = held
    route.fulfill(response=reply)
    expect(train).to_be_enabled()
    expect(card.get_by_text("Unknown").first).to_be_visible()


def test_an_experiment_that_was_deleted_says_so_and_can_be_trained_again(
    open_page: Opened,
) -> None:
    open_page.excuse("404")  # the browser itself writes into the console that there was none
    card = open_page("/?milestone.xor-1969=exp_0_0#timeline").get_by_test_id("milestone-xor-1969")
    expect(card.get_by_role("alert")).to_be_visible()
    expect(card.get_by_role("button", name="Train it here")).to_be_enabled()
