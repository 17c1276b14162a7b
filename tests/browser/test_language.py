"""Chapter 11: a language model that the reader trained, from tokens to sampling, at any epoch."""

from typing import Any

import numpy as np
import pytest
from playwright.sync_api import Locator, Page, expect
from tests.browser.conftest import PHONE, WIDE, Opened, ask, barrier_free, fits, number, rest
from tests.browser.test_write import text_of, train


@pytest.fixture(scope="module")
def names(url: str) -> str:
    """A short run of the model, which the chapter opens with."""
    spec = ask(url, "/v1/presets/first-names")["spec"]
    return train(url, spec | {"epochs": 2, "dataset": {"name": "names", "samples": 600}})


def figure_of(page: Page, name: str) -> Locator:
    """A figure of the chapter, scrolled into view."""
    section = page.locator("#language")
    figure = section.get_by_role("figure", name=name, exact=True)
    # What is above it loads while the page scrolls, and moves it.
    expect(figure).to_be_attached(timeout=60_000)
    figure.scroll_into_view_if_needed()
    return figure


def table_of(figure: Locator) -> dict[str, float]:
    """The last column of the table of a figure, by its first one."""
    figure.get_by_role("button", name="Table").click()
    rows: list[list[str]] = figure.locator("tbody").evaluate(
        "(body) => [...body.rows].map((row) => [...row.cells].map((cell) => cell.innerText))"
    )
    figure.get_by_role("button", name="Table").click()
    return {row[0]: number(row[-1]) for row in rows}


def test_without_a_model_the_chapter_offers_to_train_one(open_page: Opened) -> None:
    page = open_page("/#language")
    section = page.locator("#language")
    expect(section.get_by_role("button", name="Run it here")).to_be_visible()
    expect(figure_of(page, "Your sentence as tokens")).to_be_visible()
    expect(section.get_by_role("figure", name="Attention", exact=True)).to_have_count(0)


def test_a_sentence_is_divided_as_the_api_says(open_page: Opened, url: str) -> None:
    page = open_page("/?tokens.merges=500#language")
    figure = figure_of(page, "Your sentence as tokens")
    figure.get_by_role("textbox", name="Sentence").fill("the king of Naples")
    request = {"text": "the king of Naples", "merges": 500}
    reply = ask(url, "/v1/simulate/tokenization", request)
    for name, key in (("characters", "characters"), ("byte-pairs", "tokens")):
        shown = [token["text"].replace(" ", "␣") for token in reply[key]]
        expect(figure.get_by_test_id(name).locator("span")).to_have_text(shown)


def test_the_chapter_opens_with_the_stored_model_and_shows_it_at_each_epoch(
    open_page: Opened, url: str, names: str
) -> None:
    page = open_page("/?language.text=emma#language")
    result = page.locator("#language").get_by_test_id("result-first-names")
    expect(result.get_by_role("link", name="Open this run")).to_have_attribute(
        "href", f"/jobs/{names}"
    )
    page.get_by_role("slider", name="Epoch", exact=True).press("ArrowLeft")
    expect(page.get_by_test_id("scrubbed")).to_have_text("1")
    reply = ask(url, f"/v1/jobs/{names}/activations", {"epoch": 1, "texts": ["emma"]})
    shape = reply["logits"]["shape"]
    logits = np.array(reply["logits"]["values"]).reshape(shape)[0, 4]
    order = np.argsort(-logits)[:8]
    largest = {reply["token_names"][i]: logits[i] for i in order}
    figure = figure_of(page, "Logits")
    expect(figure).to_contain_text("27 tokens")
    assert table_of(figure) == pytest.approx(largest, rel=1e-3)
    powers = np.exp(logits - logits.max())
    shares = table_of(figure_of(page, "Probabilities"))
    assert list(shares.values()) == pytest.approx((powers / powers.sum())[order], rel=1e-3)
    epochs = ask(url, f"/v1/jobs/{names}/epochs")["epochs"]
    counting = table_of(figure_of(page, "Loss of counting, and of the network"))
    assert counting["the network"] == pytest.approx(epochs[0]["validation_loss"], rel=1e-3)
    assert len(counting) == 5


def test_heads_neighbors_and_names_come_from_the_same_model(
    open_page: Opened, url: str, names: str
) -> None:
    page = open_page("/?language.text=emma&write.length=20#language")
    tokens = figure_of(page, "Attention").get_by_test_id("attention-tokens")
    expect(tokens.locator("span")).to_have_text([*".emma"])
    weights: Any = ask(url, f"/v1/jobs/{names}/weights")["layers"][0]["arrays"][0]
    rows = np.array(weights["values"]).reshape(weights["shape"])
    rows /= np.linalg.norm(rows, axis=1, keepdims=True)
    nearest = table_of(figure_of(page, "Tokens with the most similar embeddings"))
    similar = np.sort(rows @ rows[1])[::-1][1:7]
    assert list(nearest.values()) == pytest.approx(similar, abs=1e-3)
    figure_of(page, "Generate text")
    request = {"max_tokens": 20, "seed": 1, "count": 8}
    (first, *_) = ask(url, f"/v1/jobs/{names}/generate", request)["samples"]
    assert text_of(page, "written", len(first["text"])) == first["text"]


@pytest.mark.parametrize(
    ("name", "action", "loss"),
    [
        ("Fine-tuning on your words", "Fine-tune", "cross_entropy"),
        ("Learning from preferences", "Train on these judgments", "preference"),
    ],
)
def test_the_model_is_trained_further(
    open_page: Opened, url: str, names: str, name: str, action: str, loss: str
) -> None:
    page = open_page("/#language")
    figure = figure_of(page, name)
    figure.get_by_role("button", name=action).click()
    link = figure.get_by_role("link", name="open this run")
    expect(link).to_be_visible(timeout=60_000)
    job = str(link.get_attribute("href"))
    spec = ask(url, f"/v1{job}")["spec"]
    assert (spec["loss"], spec["initial_weights"]["job"]) == (loss, names)
    body = {"count": 10, "max_tokens": 20, "seed": 1}
    samples = ask(url, f"/v1{job}/generate", body)["samples"]
    after = figure.get_by_role("list").last.get_by_role("listitem")
    expect(after).to_have_text([sample["text"] for sample in samples])


def test_section_9_shows_the_heads_of_the_trained_model(open_page: Opened, names: str) -> None:
    page = open_page("/?trained.text=emma#zoo")
    section = page.locator("#zoo")
    heading = section.get_by_role("heading", name="Heads that have learned")
    expect(heading).to_be_attached(timeout=60_000)
    heading.scroll_into_view_if_needed()
    expect(section.get_by_role("link", name="newest model of first names")).to_have_attribute(
        "href", f"/jobs/{names}"
    )
    tokens = section.get_by_test_id("attention-tokens")
    tokens.scroll_into_view_if_needed()
    expect(tokens.locator("span")).to_have_text([*".emma"])


@pytest.mark.parametrize("size", [WIDE, PHONE], ids=["wide", "phone"])
def test_the_chapter_fits_its_place(open_page: Opened, names: str, size: dict[str, int]) -> None:
    page = open_page("/#language", size=size)
    for name in ("Attention", "Logits", "Loss of counting, and of the network"):
        figure_of(page, name)
    rest(page)
    fits(page, size)
    barrier_free(page)
