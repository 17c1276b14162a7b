"""Chapter 11: a language model, stored or the reader's own, from tokens to tools, at any epoch."""

import json
from typing import Any

import numpy as np
import pytest
from playwright.sync_api import Locator, Page, expect
from tests.browser.conftest import Opened, ask, number, see, suits_every_screen
from tests.browser.test_write import text_of
from tests.servers.stack import await_condition

Json = dict[str, Any]


@pytest.fixture(scope="module")
def trained(url: str) -> dict[str, str]:
    """Short runs of the chapter's model: the id of the experiment, and of each job."""
    spec: Json = ask(url, "/course/v1/preset-experiments/first-names")["spec"]
    spec["jobs"]["names"] |= {"epochs": 2, "dataset": {"name": "names", "samples": 600}}
    for further in ("tuned", "preferred"):
        spec["jobs"][further] |= {"epochs": 1}
    made: Json = ask(url, "/v1/experiments", spec | {"seeds": [0], "claims": []})

    def is_over() -> bool:
        state: str = ask(url, f"/v1/experiments/{made['id']}")["state"]
        assert state in ("running", "succeeded")
        return state == "succeeded"

    await_condition(is_over, 120, "the experiment did not succeed")
    return {"experiment": made["id"], **{job["job"]: job["id"] for job in made["jobs"]}}


def address(trained: dict[str, str], query: str = "") -> str:
    """The address of the chapter with these runs."""
    return f"/?milestone.first-names={trained['experiment']}&{query}#language"


def stored(url: str, path: str, **request: Any) -> Any:
    """The stored reply to a request about the model of names."""
    results = ask(url, "/course/v1/preset-experiments/first-names/results")
    (reply,) = (
        json.loads(call["reply"])
        for exhibit in results["exhibits"]
        for call in exhibit["calls"]
        if call["job"] == "names"
        and call["path"].endswith(path)
        and json.loads(call["request"]) == request
    )
    return reply


def figure_of(page: Page, name: str) -> Locator:
    """A figure of the chapter, scrolled into view."""
    section = page.locator("#language")
    figure = section.get_by_role("figure", name=name, exact=True)
    see(figure)
    return figure


def table_of(figure: Locator) -> dict[str, float]:
    """The last column of the table of a figure, by its first one."""
    figure.get_by_role("button", name="Table").click()
    rows: list[list[str]] = figure.locator("tbody").evaluate(
        "(body) => [...body.rows].map((row) => [...row.cells].map((cell) => cell.innerText))"
    )
    figure.get_by_role("button", name="Table").click()
    return {row[0]: number(row[-1]) for row in rows}


@pytest.mark.journey
def test_the_chapter_opens_finished_at_each_stored_epoch(open_page: Opened, url: str) -> None:
    page = open_page("/#language-deeper")
    section = page.locator("#language")
    for name in (
        "Tokens with the most similar embeddings",
        "Similarity of the learned positions",
        "Attention",
        "The residual stream of the last token",
        "Generate text",
        "Loss of counting, and of the network",
        "Fine-tuning on your words",
        "Learning from preferences",
    ):
        expect(figure_of(page, name)).to_be_visible()
    expect(section.get_by_test_id("tuned").get_by_role("listitem")).to_have_count(20)
    slider = page.get_by_role("slider", name="Epoch", exact=True)
    figure = figure_of(page, "Logits")
    slider.press("Home")
    for epoch in (0, 1, 3, 10):
        expect(page.get_by_test_id("scrubbed")).to_have_text(str(epoch))
        reply = stored(url, "/activations", epoch=epoch, texts=["emma"])
        largest = np.sort(np.reshape(reply["logits"]["values"], (16, 27))[4])[::-1][:8]
        stream = figure_of(page, "The residual stream of the last token")
        expect(stream).to_contain_text(f"epoch {epoch}:")
        assert [*table_of(figure).values()] == pytest.approx([*largest], rel=1e-3)
        slider.press("ArrowRight")
    texts = stored(
        url,
        "/generate",
        epoch=10,
        prompt="",
        temperature=1,
        seed=1,
        count=8,
        max_tokens=81,
        alternatives=7,
        tools=[],
    )["samples"]
    figure_of(page, "Generate text")
    assert text_of(page, "written", len(texts[0]["text"])) == texts[0]["text"]
    expect(section.locator(".problem")).to_have_count(0)


def test_a_text_of_the_readers_own_offers_to_train_the_model(open_page: Opened, url: str) -> None:
    page = open_page.section("/#language-deeper")
    section = page.locator("#language")
    text = figure_of(page, "Attention").get_by_role("textbox", name="Text")
    text.fill("anna")
    offer = section.get_by_role("status").filter(has_text="This needs a model of your own")
    expect(offer).to_be_visible()
    text.fill("emma")
    expect(offer).to_have_count(0)
    text.fill("anna")
    offer.get_by_role("button", name="Train one").click()
    milestone = section.get_by_test_id("milestone-first-names")
    milestone.get_by_role("button", name="Cancel").click()
    link = milestone.get_by_role("link", name="Open experiment")
    made = ask(url, f"/v1{link.get_attribute('href')}")
    assert (made["name"], made["seeds"]) == ("A language model of first names", [0])
    milestone.get_by_role("button", name="Show the stored results").click()
    text.fill("emma")
    expect(figure_of(page, "Attention").get_by_test_id("attention-tokens")).to_be_visible()


def test_a_sentence_is_divided_as_the_api_says(open_page: Opened, url: str) -> None:
    page = open_page.section("/?tokens.merges=500#language")
    figure = figure_of(page, "Your sentence as tokens")
    figure.get_by_role("textbox", name="Sentence").fill("the king of Naples")
    request = {"text": "the king of Naples", "merges": 500}
    reply = ask(url, "/course/v1/simulate/tokenization", request)
    for name, key in (("characters", "characters"), ("byte-pairs", "tokens")):
        shown = [token["text"].replace(" ", "␣") for token in reply[key]]
        expect(figure.get_by_test_id(name).locator("span")).to_have_text(shown)


def test_the_chapter_shows_the_readers_model_at_each_epoch(
    open_page: Opened, url: str, trained: dict[str, str]
) -> None:
    names = trained["names"]
    page = open_page.section(address(trained, "language.text=emma"))
    expect(page.get_by_test_id("scrubbed")).to_have_text("2")
    page.get_by_role("slider", name="Epoch", exact=True).press("ArrowLeft")
    expect(page.get_by_test_id("scrubbed")).to_have_text("1")
    reply = ask(url, f"/v1/jobs/{names}/activations", {"epoch": 1, "texts": ["emma"]})
    shape = reply["logits"]["shape"]
    logits = np.array(reply["logits"]["values"]).reshape(shape)[0, 4]
    order = np.argsort(-logits)[:8]
    largest = {reply["token_names"][i]: logits[i] for i in order}
    figure = figure_of(page, "Logits")
    expect(figure).to_contain_text("27 tokens")
    # The figures keep the last epoch until the network of this one has replied.
    expected = pytest.approx(largest, rel=1e-3)
    await_condition(lambda: table_of(figure) == expected, 60, "the logits of epoch 1")
    powers = np.exp(logits - logits.max())
    shares = table_of(figure_of(page, "Probabilities"))
    assert list(shares.values()) == pytest.approx((powers / powers.sum())[order], rel=1e-3)
    epochs = ask(url, f"/v1/jobs/{names}/epochs")["epochs"]
    counting = table_of(figure_of(page, "Loss of counting, and of the network"))
    assert counting["the network"] == pytest.approx(epochs[0]["validation_loss"], rel=1e-3)
    assert len(counting) == 5


def test_heads_neighbors_and_names_come_from_the_same_model(
    open_page: Opened, url: str, trained: dict[str, str]
) -> None:
    names = trained["names"]
    page = open_page.section(address(trained, "language.text=emma&write.length=20"))
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
    open_page: Opened, url: str, trained: dict[str, str], name: str, action: str, loss: str
) -> None:
    names = trained["names"]
    page = open_page.section(address(trained))
    figure = figure_of(page, name)
    link = figure.get_by_role("link", name="open this run")
    job = trained["tuned" if loss == "cross_entropy" else "preferred"]
    expect(link).to_have_attribute("href", f"/jobs/{job}")
    figure.get_by_role("button", name=action).click()
    expect(link).not_to_have_attribute("href", f"/jobs/{job}", timeout=60_000)
    job = str(link.get_attribute("href"))
    spec = ask(url, f"/v1{job}")["spec"]
    assert (spec["loss"], spec["initial_weights"]["job"]) == (loss, names)
    body = {"count": 10, "max_tokens": 20, "seed": 1}
    samples = ask(url, f"/v1{job}/generate", body)["samples"]
    after = figure.get_by_role("list").last.get_by_role("listitem")
    expect(after).to_have_text([sample["text"] for sample in samples])


def test_tools_shows_calls_with_the_results_of_the_calculator(open_page: Opened, url: str) -> None:
    page = open_page.section("/#language-deeper")
    figure = figure_of(page, "A call in the text, and an answer without one")
    (exhibit,) = (
        exhibit
        for exhibit in ask(url, "/course/v1/preset-experiments/frontier-2024/results")["exhibits"]
        if exhibit["kind"] == "calls"
    )
    replies = [json.loads(call["reply"]) for call in exhibit["calls"]]
    calls, direct = replies[::2], replies[1::2]
    marked = [
        "".join(token["text"] for token in reply["samples"][0]["tokens"] if token.get("tool"))
        for reply in calls
    ]
    shown = figure.get_by_test_id("calls")
    results = shown.locator(".tool").evaluate_all("(parts) => parts.map((p) => p.innerText)")
    assert "".join(results) == "".join(marked)
    for reply, right, answer in zip(calls, marked, direct, strict=True):
        part = shown.locator("div").filter(has_text=reply["prompt"])
        expect(part.locator("dd").first).to_contain_text(reply["samples"][0]["text"])
        written = answer["samples"][0]["text"].rstrip(".")
        verdict = "right" if written == right else f"wrong: it is {right}"
        expect(part.locator("dd").last).to_contain_text(verdict)


def test_both_vocabularies_are_compared_with_stored_results(open_page: Opened, url: str) -> None:
    results = ask(url, "/course/v1/preset-experiments/vocabularies/results")
    card = open_page.section("/#language-deeper").get_by_test_id("milestone-vocabularies")
    card.scroll_into_view_if_needed()
    claims = card.get_by_role("list", name="Claims of Characters against byte pairs")
    for claim in results["experiment"]["claims"]:
        row = claims.get_by_role("listitem").filter(has_text=claim["text"])
        expect(row).to_contain_text("Met 5 of 5")
    expect(claims).to_contain_text("bits per character of byte-pairs − characters")
    figure = card.get_by_role("figure", name="What each network writes")
    for call in results["exhibits"][0]["calls"]:
        first, *_ = json.loads(call["reply"])["samples"][0]["text"].strip().splitlines()
        expect(figure).to_contain_text(first)


@pytest.mark.parametrize("model", ["stored", "own"])
def test_section_9_shows_the_heads_of_the_model(
    open_page: Opened, trained: dict[str, str], model: str
) -> None:
    query = "" if model == "stored" else f"&milestone.first-names={trained['experiment']}"
    page = open_page.section(f"/?trained.text=emma{query}#zoo")
    section = page.locator("#zoo")
    heading = section.get_by_role("heading", name="Heads that have learned")
    expect(heading).to_be_attached(timeout=60_000)
    heading.scroll_into_view_if_needed()
    link = section.get_by_role("link", name="you trained it")
    if model == "own":
        expect(link).to_have_attribute("href", f"/jobs/{trained['names']}")
    else:
        expect(link).to_have_count(0)
    tokens = section.get_by_test_id("attention-tokens")
    tokens.scroll_into_view_if_needed()
    expect(tokens.locator("span")).to_have_text([*".emma"])


def test_the_chapter_fits_its_place(open_page: Opened) -> None:
    page = open_page("/#language-deeper")
    page.get_by_test_id("milestone-first-names").scroll_into_view_if_needed()
    for name in ("Attention", "Logits", "Loss of counting, and of the network"):
        figure_of(page, name)
    suits_every_screen(page.locator("#language"))
