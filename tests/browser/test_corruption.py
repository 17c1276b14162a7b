"""Diffusion and masked tokens on the page: settings in the lab, samples that emerge from noise."""

import re
from typing import Any

import pytest
from playwright.sync_api import expect
from tests.browser.conftest import Opened, ask, settings, suits_every_screen
from tests.browser.test_lab import spec_of
from tests.browser.test_write import train

MOONS: dict[str, Any] = {
    "name": "Moons from noise",
    "network": {
        "input_shape": [5],
        "layers": [
            *[{"type": "dense", "units": 64, "activation": "silu"}] * 3,
            {"type": "dense", "units": 2},
        ],
    },
    "dataset": {"name": "two_moons", "samples": 2000, "noise": 0.06, "scaling": "standard"},
    "loss": "mse",
    "epochs": 5,
    "batch_size": 128,
    "optimizer": {"type": "adam", "learning_rate": 0.003},
    "schedule": {"type": "cosine"},
    "corruption": {"type": "diffuse", "steps": 50},
    "snapshots": {"gradients_every": 0},
}


@pytest.fixture(scope="module")
def moons(url: str) -> str:
    return train(url, MOONS)


def test_samples_play_where_motion_is_welcome_and_each_step_can_be_seen(
    open_page: Opened, moons: str
) -> None:
    page = open_page(f"/jobs/{moons}", reduced_motion="no-preference")
    figure = page.get_by_role("figure", name="Samples from noise", exact=True)
    plane = figure.get_by_role("group", name=re.compile("50 of 50 steps from noise"))
    expect(plane).to_be_visible()
    step = figure.get_by_role("slider", name="Step")
    expect(step).to_have_value("50")
    page.emulate_media(reduced_motion="reduce")
    step.focus()
    page.keyboard.press("Home")
    expect(figure.get_by_role("group", name=re.compile("0 of 50 steps"))).to_be_visible()
    suits_every_screen(figure)


DIGITS: dict[str, Any] = {
    **MOONS,
    "name": "Digits from noise",
    "network": {
        "input_shape": [75],
        "layers": [
            {"type": "dense", "units": 64, "activation": "silu"},
            {"type": "dense", "units": 64},
        ],
    },
    "dataset": {"name": "digits", "scaling": "minmax"},
    "epochs": 3,
}


def test_images_have_the_class_that_the_reader_chooses(open_page: Opened, url: str) -> None:
    job = train(url, DIGITS)
    page = open_page(f"/jobs/{job}")
    figure = page.get_by_role("figure", name="Samples from noise", exact=True)
    digits = ", ".join(map(str, range(10)))
    expect(figure.get_by_role("img", name=f"of {digits}, 50 of 50 steps")).to_be_visible()
    figure.get_by_label("Class").select_option("3")
    images = figure.get_by_role("img", name="Generated images of 3, 50 of 50 steps from noise")
    expect(images.locator("canvas")).to_have_count(12)
    page.wait_for_url(f"**/jobs/{job}?denoise.class=3")
    suits_every_screen(figure)


def test_the_zoo_shows_each_step_from_noise_to_a_digit(open_page: Opened) -> None:
    page = open_page("/?zoo.kind=diffusion#zoo")
    card = page.get_by_test_id("milestone-diffusion-2020")
    card.scroll_into_view_if_needed()
    figure = card.get_by_role("figure", name="From noise to the digit that was asked for")
    rows = figure.get_by_role("img", name=re.compile("Generated images of 0, 1, 2"))
    expect(rows).to_have_count(6)
    expect(figure.get_by_role("listitem").filter(has_text="50 steps")).to_be_visible()
    figure.get_by_role("radio", name="epoch 20", exact=True).check(force=True)
    table = figure.get_by_role("button", name="Table")
    table.click()
    expect(figure.get_by_role("row")).to_have_count(1 + 6 * 10)
    table.click()
    moons = card.get_by_role("figure", name="Moons emerge from noise")
    expect(moons.get_by_role("group", name=re.compile("50 of 50 steps"))).to_be_visible()
    suits_every_screen(card)


def test_the_lab_makes_a_network_for_what_is_hidden(open_page: Opened, url: str) -> None:
    lab = settings(open_page("/lab"))
    lab.locator("summary", has_text=re.compile("^More")).click()
    hide = lab.get_by_label("Hide and predict")
    hide.select_option("diffuse")
    lab.get_by_label("Steps", exact=True).fill("20")
    expect(lab.get_by_role("button", name="Train")).to_be_enabled()
    spec = spec_of(lab)
    assert spec["corruption"] == {"type": "diffuse", "steps": 20}
    assert ask(url, "/v1/jobs/validate", spec)["spec"]["network"]["input_shape"] == [3]
    lab.get_by_role("switch", name="Generate a chosen class").check()
    spec = spec_of(lab)
    assert ask(url, "/v1/jobs/validate", spec)["spec"]["network"]["input_shape"] == [5]
    hide.select_option("none")
    assert "corruption" not in spec_of(lab)


def test_the_lab_masks_the_tokens_of_a_data_set(open_page: Opened, url: str) -> None:
    lab = settings(open_page("/lab"))
    lab.get_by_role("button", name="topics").click()
    lab.locator("summary", has_text=re.compile("^More")).click()
    lab.get_by_label("Hide and predict").select_option("mask")
    expect(lab.get_by_label("Mask token")).to_have_value("253")
    expect(lab.get_by_role("button", name="Train")).to_be_enabled()
    spec = spec_of(lab)
    assert spec["corruption"] == {"type": "mask", "token": 253}
    assert ask(url, "/v1/jobs/validate", spec)["spec"]["corruption"]["share"] == 0.15


def test_a_diffusion_run_of_the_lab_draws_digits(open_page: Opened, url: str) -> None:
    lab = settings(open_page("/lab"))
    lab.locator("summary", has_text=re.compile("^More")).click()
    lab.get_by_label("Hide and predict").select_option("diffuse")
    lab.get_by_role("button", name="digits", exact=True).click()
    expect(lab.get_by_role("button", name="Train")).to_be_enabled()
    spec = spec_of(lab)
    assert spec["dataset"]["scaling"] == "minmax"
    # 64 pixels, the time and the class.
    assert spec["network"]["input_shape"] == [75]
    job = train(url, spec)
    reader = train(url, ask(url, "/course/v1/presets/digits")["spec"])
    read = 0
    for digit in "07":
        request = {"count": 20, "steps_per_event": 1000, "class_name": digit}
        made = ask(url, f"/v1/jobs/{job}/generate", request)["denoised"][-1]["samples"]
        read += ask(url, f"/v1/jobs/{reader}/predict", {"inputs": made})["labels"].count(digit)
    assert read >= 30


SENTENCE = "[topic] sea1 of sea2 in the sea3 for sea4 is a sea5 with"
WORDS: dict[str, Any] = {
    "name": "Masked words",
    "network": {
        "input_shape": [13],
        "layers": [
            {"type": "embedding", "vocabulary": 254, "units": 32},
            {"type": "positional_encoding", "kind": "learned"},
            {"type": "transformer_block", "heads": 4, "hidden": 32},
            {"type": "layer_norm"},
            {"type": "dense", "units": 253, "activation": "softmax"},
        ],
    },
    "dataset": {"name": "topics", "samples": 500},
    "loss": "cross_entropy",
    "epochs": 2,
    "optimizer": {"type": "adam", "learning_rate": 0.004},
    "corruption": {"type": "mask", "token": 253, "share": 0.2},
}


@pytest.fixture(scope="module")
def words(url: str) -> str:
    return train(url, WORDS)


def test_a_run_on_masked_words_fills_gaps(open_page: Opened, url: str, words: str) -> None:
    page = open_page(f"/jobs/{words}")
    figure = page.get_by_role("figure", name="Fill the gap")
    sentence = figure.get_by_role("slider", name="Sentence: choose the word to hide")
    verdict = figure.get_by_test_id("verdict-fill-the-gap")
    text = figure.get_by_role("textbox")
    names = ask(url, "/v1/datasets/topics")["token_names"]

    def guesses(gapped: list[str]) -> list[str]:
        row = [names.index(word) if word != "_" else 253 for word in gapped]
        request = {"inputs": [row], "layer": "dense_5", "only_masked": True}
        values = ask(url, f"/v1/jobs/{words}/activations", request)["layers"][0]["values"]
        return [names[i] for i in sorted(range(253), key=lambda i: -values[i])]

    for at in (0, 5):
        row = text.input_value().split()
        sentence.press("Home")
        for _ in range(at):
            sentence.press("ArrowRight")
        best = guesses([*row[:at], "_", *row[at + 1 :]])
        expect(verdict).to_contain_text(f"Hidden: {row[at]}. First guess: {best[0]}")
        if row[at] != best[0]:
            expect(verdict).to_contain_text(f"rank {best.index(row[at]) + 1} of 253")
    figure.get_by_role("button", name="Load another sample").click()
    expect(text).not_to_have_value(" ".join(row))
    typed = SENTENCE.split()
    text.fill(" ".join([*typed[:6], "_", *typed[7:]]))
    best = guesses([*typed[:6], "_", *typed[7:]])
    # The word that was there is not known, so no guess is right.
    expect(verdict).to_contain_text(f"First guess: {best[0]}, with")
    expect(verdict).not_to_contain_text("Hidden")
    bars = figure.get_by_role("group", name="The likeliest words for the gap")
    assert [
        str(bar.get_attribute("aria-label")).split(":")[0] for bar in bars.get_by_role("img").all()
    ] == best[:5]
    expect(page.get_by_role("figure", name="Predict for your own input")).to_have_count(0)
    suits_every_screen(figure)
