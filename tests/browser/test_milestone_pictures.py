"""Pictures of milestones: gaps and neighbors of words, where a network looks, and first curves."""

import json
import re
from typing import Any

import numpy as np
from playwright.sync_api import Locator, expect
from tests.browser.conftest import Opened, ask
from tests.servers.stack import await_condition

TEXT = "the sea3 of sea17 and sea8 sea30 in it sea21 was sea12"
SENTENCE = TEXT.split()
WORDS = 253


def exhibit(url: str, experiment: str, kind: str) -> list[Any]:
    """The stored replies of a picture."""
    results = ask(url, f"/course/v1/preset-experiments/{experiment}/results")
    picture = next(item for item in results["exhibits"] if item["kind"] == kind)
    return [json.loads(call["reply"]) for call in picture["calls"]]


def milestone(open_page: Opened, name: str, query: str = "") -> Locator:
    card = open_page.section(f"/{query}#timeline-deeper").get_by_test_id(f"milestone-{name}")
    card.scroll_into_view_if_needed()
    return card


def probabilities(reply: dict[str, Any]) -> Any:
    return np.reshape(reply["layers"][0]["values"], (len(SENTENCE), WORDS))


def test_each_word_can_be_hidden_and_only_the_hidden_word_itself_is_correct(
    open_page: Opened, url: str
) -> None:
    replies = exhibit(url, "bert-2018", "gaps")[:3]
    figure = milestone(open_page, "bert-2018").get_by_role("figure", name="Fill the gap")
    sentence = figure.get_by_role("slider", name="Sentence: choose the word to hide")
    verdict = figure.locator("p[aria-live]")
    epochs = figure.get_by_role("group", name="Epoch")
    names = replies[0]["token_names"]
    likeliest = figure.get_by_role("group", name="The likeliest words for the gap")
    seen = set()
    for reply in replies:
        epochs.get_by_text(str(reply["epoch"]), exact=True).click()
        sentence.press("Home")
        for word, row in zip(SENTENCE, probabilities(reply), strict=True):
            expect(verdict).to_contain_text(f"Hidden: {word}.")
            order = np.argsort(-row, kind="stable")
            first = names[order[0]]
            expect(verdict).to_contain_text(f"First guess: {first}")
            is_correct = first == word
            seen.add(is_correct)
            expect(verdict.get_by_text("✓ right")).to_have_count(int(is_correct))
            expect(verdict.get_by_text("not that word")).to_have_count(int(not is_correct))
            if not is_correct:
                rank = order.tolist().index(names.index(word)) + 1
                expect(verdict).to_contain_text(f"rank {rank} of {WORDS}")
            bar = likeliest.get_by_role("img").first
            expect(bar).to_have_accessible_name(re.compile(rf"^{re.escape(first)}( ✓)?: "))
            sentence.press("ArrowRight")
    assert False in seen
    # A click hides a word too; after training, its topic has nearly all of the probability.
    sentence.get_by_text("sea17").click()
    sea = probabilities(replies[-1])[3, :40].sum()
    assert sea > 0.9
    topics = figure.get_by_role("group", name="Probability of all words of each topic")
    expect(topics.get_by_role("img", name=f"sea: {100 * sea:.0f} %")).to_be_visible()
    figure.get_by_role("button", name="Table").click()
    expect(figure.locator("tbody tr")).to_have_count(len(SENTENCE))


def test_the_neighbors_of_a_word_are_words_of_its_topic(open_page: Opened, url: str) -> None:
    names, weights = exhibit(url, "bert-2018", "neighbors")
    matrix = next(a for a in weights["layers"][0]["arrays"] if len(a["shape"]) == 2)
    vectors = np.reshape(matrix["values"], matrix["shape"]).T
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    figure = milestone(open_page, "bert-2018").get_by_role("figure", name="Neighbors of words")
    for word in ("sea3", "weather40"):
        figure.get_by_role("combobox", name="Word").select_option(word)
        similar = vectors @ vectors[names["token_names"].index(word)]
        nearest = [names["token_names"][i] for i in np.argsort(-similar)[1:9]]
        bars = figure.get_by_role("button", name=re.compile(r"^\w+: 0\.\d\d$"))
        expect(bars).to_have_count(8)
        assert [str(bar.get_attribute("aria-label")).split(":")[0] for bar in bars.all()] == nearest
        expect(figure).to_contain_text(f"8 of 8 nearest neighbors of {word}")
    bars.first.press("Enter")
    expect(figure).to_contain_text(f"nearest neighbors of {nearest[0]}")


def test_the_reader_fills_gaps_with_a_network_of_their_own(open_page: Opened, url: str) -> None:
    job = ask(url, "/course/v1/preset-experiments/bert-2018")["spec"]["jobs"]["pretrain"]
    pretrain = job | {"epochs": 2}
    made = ask(url, "/v1/experiments", {"seeds": [3], "jobs": {"pretrain": pretrain}})
    await_condition(
        lambda: ask(url, f"/v1/experiments/{made['id']}")["state"] == "succeeded", 240, "it is over"
    )
    card = milestone(open_page, "bert-2018", f"?milestone.bert-2018={made['id']}")
    figure = card.get_by_role("figure", name="Fill the gap")
    text = " ".join(["[topic]", *SENTENCE[:5], "_", *SENTENCE[6:]])
    request = {"texts": [text], "layer": "dense_6", "only_masked": True}
    reply = ask(url, f"/v1/jobs/{made['jobs'][0]['id']}/activations", request)
    assert reply["layers"][0]["shape"] == [1, WORDS]
    first = reply["token_names"][int(np.argmax(reply["layers"][0]["values"]))]
    expect(figure).to_contain_text(f"First guess: {first}")


def test_the_first_letter_of_an_answer_looks_at_the_digit_in_question(
    open_page: Opened, url: str
) -> None:
    _, attention, *written = exhibit(url, "frontier-2024", "picture_attention")[:5]
    maps = np.reshape(attention["layers"][0]["values"], attention["layers"][0]["shape"])
    figure = milestone(open_page, "frontier-2024").get_by_role(
        "figure", name="Where it looks while it answers"
    )
    expected = [("the left digit", "seven"), ("the right digit", "three"), ("their sum", "ten")]
    left = []
    for row, (question, answer) in enumerate(expected):
        assert written[row]["samples"][0]["text"] == f"{answer}."
        part = figure.get_by_role("region", name=f"What is {question}?")
        expect(part).to_contain_text(f"✓ {answer}")
        letters = part.get_by_role("slider", name=f"Letter of the answer to: what is {question}?")
        for position, letter in enumerate(answer):
            patches = maps[row, :, position].mean(0)
            share = patches.reshape(2, 4)[:, :2].sum()
            expect(part.get_by_test_id("look")).to_contain_text(
                f"While it writes {letter}: {100 * share:.0f} % left"
            )
            if position == 0:
                left.append(share)
            letters.press("ArrowRight")
        expect(part.get_by_test_id("look")).to_contain_text("While it writes the end")
    assert left[0] > 0.75
    assert left[1] < 0.25
    figure.get_by_role("group", name="Attention head").get_by_text("2", exact=True).click()
    last = maps[0, 1, len("seven")].reshape(2, 4)[:, :2].sum()
    expect(figure.get_by_test_id("look").first).to_contain_text(f"{100 * last:.0f} % left")


def test_a_milestone_opens_with_the_curves_that_it_names(open_page: Opened, url: str) -> None:
    curves = ask(url, "/course/v1/preset-experiments/chatgpt-2022/results")["curves"]
    card = milestone(open_page, "chatgpt-2022")
    title = "What people prefer becomes what is written"
    for metric, name in (("reward", "Reward"), ("kl", "KL divergence"), ("valid", "Valid")):
        chart = card.get_by_role("slider", name=f"{name} of {title}")
        chart.press("End")
        for job in ("rollouts-near", "rollouts-free"):
            series = next(curve for curve in curves if curve["job"] == job)["series"]
            last = next(line for line in series if line["metric"] == metric)["values"][-1]
            expect(chart).to_have_attribute(
                "aria-valuetext", re.compile(rf"{job} {re.escape(f'{last:.4g}'[:3])}")
            )
        expect(chart).not_to_have_attribute("aria-valuetext", re.compile("learned"))
    card.get_by_text("Validation accuracy", exact=True).click()
    expect(card.get_by_role("slider", name=f"Validation accuracy of {title}")).to_be_visible()
    expect(card.get_by_role("slider", name=f"Reward of {title}")).to_have_count(0)
    # The losses of other data, in the same metric, are shown only if the reader asks for them.
    card = milestone(open_page, "bert-2018")
    chart = card.get_by_role("slider", name="Validation accuracy of Masked words")
    chart.press("End")
    expect(chart).to_have_attribute("aria-valuetext", re.compile("tuned-24"))
    expect(chart).not_to_have_attribute("aria-valuetext", re.compile("pretrain"))
    chart.press("Home")
    card.get_by_text("Validation accuracy, all networks", exact=True).click()
    chart.press("Home")
    expect(chart).to_have_attribute("aria-valuetext", re.compile("pretrain"))


def test_lines_after_a_line_break_begin_at_the_top(open_page: Opened, url: str) -> None:
    reply = exhibit(url, "sonnets-2018", "texts")[0]
    assert reply["prompt"] == "\n"
    figure = milestone(open_page, "sonnets-2018").get_by_role("figure", name="Six lines")
    lines = figure.get_by_role("list").first.get_by_role("listitem")
    expect(lines).to_have_count(len(reply["samples"]))
    for line, sample in zip(lines.all(), reply["samples"], strict=True):
        assert line.inner_text().splitlines()[0].startswith(sample["text"].strip()[:3])
