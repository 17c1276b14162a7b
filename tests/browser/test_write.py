"""A network that predicts the next token generates text, at the epoch in the link."""

import re
from typing import Any

import pytest
from playwright.sync_api import Locator, Page, Route, expect
from tests.browser.conftest import PHONE, Opened, ask, number, suits_every_screen
from tests.servers.stack import await_condition

Words = dict[str, Any]


def model(cell: Words, data: Words, vocabulary: int, **more: Any) -> Words:
    """Return a small network that predicts the next character, trained briefly."""
    return {
        "network": {
            "input_shape": [data["length"]],
            "layers": [
                {"type": "embedding", "vocabulary": vocabulary, "units": 12},
                cell,
                {"type": "dense", "units": more.pop("classes", 24), "activation": "softmax"},
            ],
        },
        "dataset": data,
        "loss": "cross_entropy",
        "epochs": 4,
        "optimizer": {"type": "adam", "learning_rate": 0.02},
        "validation_fraction": 0.2,
        "snapshots": {"weights_every": 1},
        **more,
    }


GRU: Words = {"type": "gru", "units": 24, "return_sequences": True}
SENTENCES: Words = {"name": "sentences", "samples": 400, "length": 16}
SONNETS: Words = {"name": "sonnets", "length": 12}


def train(url: str, spec: Words) -> str:
    """A job that has ended well."""
    job: str = ask(url, "/v1/jobs", spec)["id"]
    await_condition(
        lambda: ask(url, f"/v1/jobs/{job}")["state"] == "succeeded", 120, "the job has ended"
    )
    return job


def names_of(url: str, job: str) -> str:
    return "".join(ask(url, f"/v1/jobs/{job}/sample-predictions?count=1")["class_names"])


def outputs_after(
    url: str, job: str, epoch: int, row: list[int], place: int, names: str
) -> dict[str, float]:
    """The outputs of the network of an epoch for the token after a place."""
    outputs = ask(url, f"/v1/jobs/{job}/predict", {"epoch": epoch, "inputs": [row]})["outputs"][0]
    return dict(zip(names, outputs[place * len(names) :], strict=False))


@pytest.fixture(scope="module")
def sentences(url: str) -> str:
    return train(url, model(GRU, SENTENCES, 25, name="Sentences of the test"))


@pytest.fixture(scope="module")
def sonnets(url: str) -> str:
    spec = model(GRU, SONNETS, 37, classes=37, name="Sonnets of the test", epochs=1)
    return train(url, spec)


def panel(page: Page) -> Locator:
    return page.get_by_role("figure", name="Generate text")


def text_of(page: Page, name: str, length: int) -> str:
    """The text at a place, with its spaces, once it has `length` tokens."""
    page.wait_for_function(
        "([name, n]) => document.querySelector(`[data-testid=${name}]`)?.textContent.length === n",
        arg=[name, length],
    )
    return page.get_by_test_id(name).text_content() or ""


def shares(figure: Locator) -> dict[str, list[float]]:
    """The table: each token's probability by the network, and at the temperature."""
    figure.get_by_role("button", name="Table").click()
    rows: list[list[str]] = figure.locator("tbody").evaluate(
        "(body) => [...body.rows].map((row) => [...row.cells].map((cell) => cell.innerText))"
    )
    figure.get_by_role("button", name="Table").click()
    return {row[0].replace("␣", " "): [number(item) for item in row[1:]] for row in rows}


def test_the_next_token_has_the_probabilities_of_the_api(
    open_page: Opened, url: str, sentences: str
) -> None:
    """A prompt stands after the token that says to start, where rows of the data begin."""
    names = names_of(url, sentences)
    row = [len(names), *map(names.index, "the "), *[0] * 11]
    reply = outputs_after(url, sentences, 2, row, 4, names)
    page = open_page(
        f"/jobs/{sentences}?job.epoch=2&write.prompt=the%20&write.temperature=0.5#write"
    )
    figure = panel(page)
    expect(figure.get_by_role("heading", name="Next token, after the")).to_be_visible()
    table = shares(figure)
    sharp = sum(value**2 for value in reply.values())
    assert list(table) == sorted(names, key=lambda name: -reply[name])[:8]
    for name, shown in table.items():
        share = reply[name]
        assert shown == pytest.approx([share, share**2 / sharp], rel=1e-3, abs=1e-9)


@pytest.mark.parametrize("cold", ["sentences", "sonnets"])
def test_without_warmth_the_most_likely_token_follows_until_the_window_is_full_and_on(
    open_page: Opened, url: str, request: pytest.FixtureRequest, cold: str
) -> None:
    job: str = request.getfixturevalue(cold)
    names = names_of(url, job)
    room, start = (16, [len(names)]) if cold == "sentences" else (12, [])
    text, out = "the ", 0
    for _ in range(room):  # four more than there is room for
        capacity = room - len(start)
        if len(text) - out > capacity:  # the last half is read again
            least, out = len(text) - capacity, len(text) - capacity // 2
            if start:  # from a sentence on, where there is one
                ends = [end for end in range(least, len(text) + 1) if text[:end].endswith(". ")]
                out = min(ends, default=out)
        read = [*start, *map(names.index, text[out:])]
        reply = outputs_after(url, job, 1, read + [0] * (room - len(read)), len(read) - 1, names)
        text += max(reply, key=lambda item: reply[item])
    page = open_page(
        f"/jobs/{job}?job.epoch=1&write.prompt=the%20&write.temperature=0&write.length={room}#write"
    )
    assert "the " + text_of(page, "written", room) == text


def test_the_page_of_a_language_run_begins_with_a_text_of_its_network(
    open_page: Opened, sentences: str
) -> None:
    page = open_page(f"/jobs/{sentences}")
    assert len(text_of(page, "written", 80)) == 80
    first = page.locator("main figure").first
    expect(first).to_contain_text("Generate text")
    samples = page.get_by_role("figure", name="Samples")
    samples.scroll_into_view_if_needed()
    expect(samples).to_contain_text("its guess at each letter")
    # The panel above is where the network is asked.
    expect(page.get_by_role("figure", name="Predict for your own input")).to_have_count(0)
    # Its curves are in the page, and none of whole texts that are right.
    expect(page.get_by_role("figure", name="Accuracy", exact=True)).to_have_count(1)
    expect(page.get_by_role("figure", name="Exact match")).to_have_count(0)
    expect(page.get_by_test_id("exact-match")).to_have_count(0)


def test_a_run_over_letters_is_asked_with_a_text(open_page: Opened, url: str) -> None:
    spec = ask(url, "/course/v1/presets/sorting")["spec"] | {"epochs": 3}
    job = train(url, spec)
    names = names_of(url, job)
    page = open_page(f"/jobs/{job}")
    figure = page.get_by_role("figure", name="Predict for your own input")
    figure.scroll_into_view_if_needed()
    box = figure.get_by_label("Text of 6 tokens")
    box.fill("cabb")
    expect(figure).to_contain_text("2 more tokens.")
    box.fill("cabbx?")
    expect(figure).to_contain_text("The vocabulary does not contain x ?.")
    box.fill("cabbed")
    row = [*map(names.index, "cabbed")]
    reply = ask(url, f"/v1/jobs/{job}/predict", {"inputs": [row]})
    expect(figure.get_by_test_id("answer")).to_have_text("".join(reply["labels"]))
    page.wait_for_url("**ask.inputs=*")
    expect(page.get_by_role("slider", name="letter 3")).to_have_count(0)


def test_the_answer_of_a_sequence_names_the_class_of_each_step(open_page: Opened, url: str) -> None:
    spec = {
        "network": {
            "input_shape": [3],
            "layers": [
                {"type": "reshape", "shape": [3, 1]},
                {"type": "gru", "units": 4, "return_sequences": True},
                {"type": "dense", "units": 2, "activation": "softmax"},
            ],
        },
        "dataset": {"inputs": [[0.0, 1.0, 0.5], [1, 1, 0]], "targets": [[0, 0, 1], [0, 1, 1]]},
        "loss": "cross_entropy",
        "epochs": 2,
    }
    job = train(url, spec)
    row = [0.0, 1.0, 0.5]
    labels = ask(url, f"/v1/jobs/{job}/predict", {"inputs": [row]})["labels"]
    page = open_page(f"/jobs/{job}?ask.inputs={','.join(map(str, row))}")
    figure = page.get_by_role("figure", name="Predict for your own input")
    figure.scroll_into_view_if_needed()
    expect(figure.get_by_test_id("answer")).to_have_text("".join(labels))


def test_a_link_shows_the_same_text_and_each_epoch_its_own(
    open_page: Opened, sentences: str
) -> None:
    page = open_page(f"/jobs/{sentences}?write.length=8&write.seed=5#write")
    last = text_of(page, "written", 8)
    page.reload()
    assert text_of(page, "written", 8) == last
    first = text_of(page, "draft-1", 8)
    assert text_of(page, "draft-4", 8) == last
    page.get_by_role("button", name="Show epoch 1").click()
    expect(page.get_by_test_id("scrubbed")).to_have_text("1")
    expect(page.get_by_test_id("written")).to_have_text(first)


def test_it_is_stopped_and_goes_on_by_one(open_page: Opened, sentences: str) -> None:
    page = open_page(f"/jobs/{sentences}?write.length=0#write")
    figure = panel(page)
    tokens = figure.locator("[data-at]")
    expect(figure.get_by_role("heading", name="Next token")).to_be_visible()

    def hold(route: Route) -> None:
        """Never reply: the text stays unfinished."""

    page.route("**/generate", hold)
    figure.get_by_role("button", name="Generate", exact=True).click()
    figure.get_by_role("button", name="Stop").click()
    expect(figure.get_by_role("button", name="Generate", exact=True)).to_be_visible()
    page.unroute("**/generate")
    for count in (1, 2):
        figure.get_by_role("button", name="One token").click()
        expect(tokens).to_have_count(count)
    page.wait_for_url("**write.length=2*")
    figure.get_by_role("button", name="Clear").click()
    expect(tokens).to_have_count(0)


def test_the_keyboard_looks_at_a_token_and_chooses_another(
    open_page: Opened, sentences: str
) -> None:
    page = open_page(f"/jobs/{sentences}?write.prompt=the%20&write.length=6#write")
    text = text_of(page, "written", 6)
    figure = panel(page)
    place = figure.get_by_role("slider", name="Selected token")
    place.focus()
    page.keyboard.press("Home")
    page.keyboard.press("ArrowRight")
    shown = text[1].replace(" ", "␣")
    expect(figure.get_by_role("heading", name=f"Probabilities for “{shown}”")).to_be_visible()
    expect(place).to_have_attribute("aria-valuetext", re.compile(rf"^2: {re.escape(shown)}, "))
    bar = figure.get_by_role("button", name=re.compile("^[a-z]: ")).last
    chosen = (bar.get_attribute("aria-label") or "")[0]
    bar.focus()
    page.keyboard.press("Enter")
    expect(figure.get_by_label("Prompt")).to_have_value(f"the {text[0]}{chosen}")
    expect(figure.locator("[data-at]")).to_have_count(0)


def test_characters_outside_the_vocabulary_are_named(open_page: Opened, sonnets: str) -> None:
    page = open_page(f"/jobs/{sonnets}#write")
    figure = panel(page)
    prompt = figure.get_by_label("Prompt")
    expect(prompt).to_have_value(re.compile(r"^\S+ $"))  # a word of the data, to begin with
    prompt.fill("Thou 2")
    expect(figure).to_contain_text("The vocabulary does not contain 2; the network ignores it.")
    prompt.fill("")
    expect(figure).to_contain_text("The prompt needs at least one token.")
    expect(figure.get_by_role("button", name="Generate", exact=True)).to_be_disabled()


def test_a_network_that_looks_ahead_is_not_let_write(open_page: Opened, url: str) -> None:
    open_page.excuse("400")
    block: Words = {"type": "transformer_block", "heads": 2, "hidden": 16}
    page = open_page(f"/jobs/{train(url, model(block, SENTENCES, 25, epochs=1))}#write")
    expect(panel(page)).to_contain_text("This network cannot generate text")
    expect(panel(page).get_by_role("button", name="Generate", exact=True)).to_have_count(0)


def test_the_journey_leads_to_it(open_page: Opened, sentences: str) -> None:
    """A run of the zoo's decoder stands in the address."""
    page = open_page(f"/?zoo.kind=transformer_decoder&run.sentences={sentences}#zoo")
    page.get_by_test_id("architecture").get_by_role("link", name="Generate text").click()
    expect(page).to_have_url(re.compile(rf"/jobs/{sentences}.*#write$"))
    expect(panel(page)).to_be_in_viewport()
    expect(panel(page).locator("[data-at]").first).to_be_visible()


def test_it_fits_its_place(open_page: Opened, sentences: str) -> None:
    path = f"/jobs/{sentences}?write.length=12#write"
    page = open_page(path)
    text_of(page, "written", 12)
    text_of(page, "draft-4", 12)
    suits_every_screen(panel(page))


def test_texts_are_points_without_a_class(open_page: Opened, url: str, sentences: str) -> None:
    page = open_page(f"/jobs/{sentences}")
    figure = page.locator("figure").filter(has_text="Hidden space of")
    figure.scroll_into_view_if_needed()
    points = figure.locator(".point circle")
    expect(points).to_have_count(
        len(ask(url, f"/v1/jobs/{sentences}/hidden-space?samples=300")["points"])
    )
    expect(points.first).to_have_attribute("fill", "var(--ink-soft)")
    expect(figure.locator(".key")).to_have_count(0)


def test_on_a_phone_the_page_of_a_language_run_begins_with_its_text(
    open_page: Opened, sentences: str
) -> None:
    page = open_page(f"/jobs/{sentences}", size=PHONE)
    text = panel(page).get_by_role("slider", name="Selected token")
    expect(text).to_contain_text(re.compile(r"\w{3}"))
    box, bar = (
        text.bounding_box(),
        page.get_by_role("group", name="Epochs of the run").bounding_box(),
    )
    assert box is not None
    assert bar is not None
    # All of it is in sight before anybody scrolls, and nothing of the figure is above it.
    assert box["y"] + box["height"] <= bar["y"]
    others = panel(page).locator("textarea, svg, button[type=button].primary, input")
    for other in others.all():
        place = other.bounding_box()
        assert place is None or place["y"] > box["y"]
