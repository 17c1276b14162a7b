"""The page of a run looks inside the network: attention, feature maps and filters."""

import re
from typing import Any

import httpx2
import numpy as np
import pytest
from playwright.sync_api import Locator, Page, expect
from tests.browser.conftest import Opened, ask, number, see, suits_every_screen
from tests.browser.test_write import model, train

BLOCK: dict[str, Any] = {"type": "transformer_block", "heads": 2, "hidden": 16, "causal": True}
TEXT = "the cat saw the dog. the dog saw the cat. the cat and the dog ran. " * 8


@pytest.fixture(scope="module")
def sentences(url: str) -> str:
    spec = model(BLOCK, {"name": "sentences", "samples": 200, "length": 16}, 25, epochs=2)
    return train(url, spec)


@pytest.fixture(scope="module")
def byte_pairs(url: str) -> str:
    """A run on a text with parts of words as tokens."""
    answer = httpx2.post(
        f"{url}/v1/datasets?text=windows&length=8&merges=12&name=pairs",
        content=TEXT.encode(),
        headers={"Content-Type": "text/plain"},
        timeout=60,
    )
    dataset = answer.raise_for_status().json()
    count = len(dataset["token_names"])
    spec = model(BLOCK, {"length": 8}, count, classes=count, epochs=2)
    return train(url, spec | {"dataset": {"id": dataset["id"]}})


def attention_of(page: Page) -> Locator:
    figure = page.get_by_role("figure", name="Attention", exact=True)
    see(figure)
    expect(figure.get_by_test_id("attention-tokens")).to_be_visible()
    return figure


def weights_of(url: str, job: str, epoch: int, text: str) -> Any:
    (layer,) = ask(url, f"/v1/jobs/{job}/attention", {"epoch": epoch, "texts": [text]})["layers"]
    return np.array(layer["values"]).reshape(layer["shape"])[0]


def test_a_typed_text_has_the_weights_of_the_api_at_the_epoch_in_the_link(
    open_page: Opened, url: str, sentences: str
) -> None:
    page = open_page(f"/jobs/{sentences}?job.epoch=1")
    figure = attention_of(page)
    figure.get_by_label("Text", exact=True).fill("the dog")
    tokens = figure.get_by_test_id("attention-tokens")
    expect(tokens.locator("span")).to_have_count(8)  # the token that starts a text, and seven
    heads = figure.get_by_role("group", name="Heads of transformer_block_2.attention")
    heads.get_by_role("button", name="head 2").click()
    tokens.focus()
    page.keyboard.press("Home")
    page.keyboard.press("ArrowRight")
    page.keyboard.press("ArrowRight")
    expect(tokens).to_have_attribute("aria-valuetext", re.compile(r"^h \(3\) attends to "))
    weights = weights_of(url, sentences, 1, "the dog")
    figure.get_by_role("button", name="Table").click()
    rows: list[list[str]] = figure.locator("tbody").evaluate(
        "(body) => [...body.rows].map((row) => [...row.cells].map((cell) => cell.innerText))"
    )
    shown = np.array([[number(cell) for cell in row[1:]] for row in rows])
    np.testing.assert_allclose(shown, weights[1, :8, :8], atol=1e-4)
    assert [row[0] for row in rows][1:] == [
        f"{i} {letter}" for i, letter in enumerate("the␣dog", start=2)
    ]
    page.wait_for_url("**heads.head=transformer_block_2.attention:2*")


def test_unknown_characters_are_named(open_page: Opened, sentences: str) -> None:
    page = open_page(f"/jobs/{sentences}")
    figure = attention_of(page)
    figure.get_by_label("Text", exact=True).fill("the 7")
    expect(figure).to_contain_text("The vocabulary does not contain 7.")
    tokens = figure.get_by_test_id("attention-tokens").locator("span")
    expect(tokens).to_have_count(5)  # the token that starts a text, and four that are known
    figure.get_by_label("Text", exact=True).fill("7")
    expect(figure).to_contain_text("The vocabulary does not contain 7.")
    expect(tokens).to_have_count(5)


def test_the_decoder_of_a_reversal_attends_to_what_the_encoder_read(
    open_page: Opened, url: str
) -> None:
    spec = ask(url, "/course/v1/presets/reversal")["spec"] | {"epochs": 2}
    job = train(url, spec)
    page = open_page(f"/jobs/{job}")
    figure = attention_of(page)
    figure.get_by_label("Text of 6 tokens").fill("abcdef")
    reply = ask(url, f"/v1/jobs/{job}/generate", {"prompt": "abcdef", "temperature": 0})
    expect(figure.get_by_test_id("attention-tokens")).to_have_text(reply["samples"][0]["text"])
    expect(figure.get_by_label("Tokens that it reads")).to_have_text("abcdef")


def test_a_vocabulary_of_byte_pairs_is_written_and_read(
    open_page: Opened, url: str, byte_pairs: str
) -> None:
    page = open_page(f"/jobs/{byte_pairs}?write.prompt=the%20cat&write.length=5#write")
    written = page.get_by_role("figure", name="Generate text")
    expect(written.locator("[data-at]")).to_have_count(5)
    body = {"prompt": "the cat", "max_tokens": 5, "seed": 1}
    reply = ask(url, f"/v1/jobs/{byte_pairs}/generate", body)
    expect(page.get_by_test_id("written")).to_have_text(reply["samples"][0]["text"].strip())
    assert len(reply["prompt_tokens"]) < len("the cat")
    expect(written.locator(".text b")).to_have_text(reply["prompt_tokens"])
    figure = attention_of(page)
    figure.get_by_label("Text", exact=True).fill("the cat")
    tokens = figure.get_by_test_id("attention-tokens").locator("span")
    expect(tokens).to_have_text([token.replace(" ", "␣") for token in reply["prompt_tokens"]])


@pytest.fixture(scope="module")
def digits(url: str) -> str:
    spec = ask(url, "/course/v1/presets/shifted-digits")["spec"]
    return train(url, spec | {"epochs": 3, "snapshots": {"weights_every": 1}})


def test_a_drawn_digit_goes_through_filters_and_feature_maps(
    open_page: Opened, url: str, digits: str
) -> None:
    page = open_page(f"/jobs/{digits}?job.epoch=2")
    figure = page.get_by_role("figure", name="Filters and feature maps")
    see(figure)
    reply = ask(url, f"/v1/jobs/{digits}/activations", {"epoch": 2})
    maps = [layer for layer in reply["layers"] if len(layer["shape"]) == 4][1:]  # not the picture
    for layer in maps:
        part = figure.get_by_role("region", name=f"maps of {layer['name']}")
        expect(part.get_by_role("img")).to_have_count(layer["shape"][3])
    expect(figure.get_by_role("region", name=re.compile("filters of "))).to_be_visible()
    figure.get_by_role("button", name="Clear and draw").click()
    pad = figure.get_by_role("application")
    pad.focus()
    page.keyboard.press("Space")
    page.keyboard.press("ArrowDown")
    page.keyboard.press("Space")
    page.wait_for_url("**ask.inputs=*")
    drawn = re.search(r"ask\.inputs=([\d.,]+)", page.url)
    assert drawn is not None
    picture = [float(value) for value in drawn[1].split(",")]
    (label,) = ask(url, f"/v1/jobs/{digits}/predict", {"epoch": 2, "inputs": [picture]})["labels"]
    expect(figure.get_by_test_id("feature-answer")).to_have_text(label)
    # The prediction above is for the same drawing.
    expect(page.get_by_test_id("answer")).to_have_text(label)


def test_both_fit_their_place(open_page: Opened, sentences: str, digits: str) -> None:
    page = open_page(f"/jobs/{sentences}")
    suits_every_screen(attention_of(page))
    page = open_page(f"/jobs/{digits}")
    figure = page.get_by_role("figure", name="Filters and feature maps")
    see(figure)
    expect(figure.get_by_test_id("feature-answer")).to_be_visible()
    suits_every_screen(figure)
