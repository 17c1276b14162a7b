"""The bench of the lab: a run on one screen that changes while it trains."""

import json
import re
from typing import Any
from urllib.parse import parse_qs, quote, urlsplit

from playwright.sync_api import Locator, Page, expect
from tests.browser.conftest import (
    Opened,
    ask,
    call,
    number,
    rest,
    suits_every_screen,
    violations,
)
from tests.servers.stack import await_condition

_SPEC = {
    "network": {
        "input_shape": [2],
        "layers": [
            {"type": "dense", "units": 8, "activation": "tanh"},
            {"type": "dense", "units": 4, "activation": "tanh"},
            {"type": "dense", "units": 1, "activation": "sigmoid"},
        ],
    },
    "dataset": {"name": "two_moons", "samples": 200, "noise": 0.15},
    "loss": "binary_cross_entropy",
    "optimizer": {"type": "adam", "learning_rate": 0.01},
    "epochs": 100_000,
    "validation_fraction": 0.2,
}
SMALL = f"/lab?lab.spec={quote(json.dumps(_SPEC))}"


def job_of(page: Page) -> str:
    # The page knows its address before an event of the browser comes to `page.url`.
    address: str = page.evaluate("location.href")
    return parse_qs(urlsplit(address).query).get("lab.job", [""])[0]


def job(url: str, page: Page) -> Any:
    return ask(url, f"/v1/jobs/{job_of(page)}")


def epoch(page: Page) -> int:
    return int(page.get_by_test_id("epoch").inner_text().replace(",", ""))


def button(page: Page, name: str) -> Locator:
    return page.get_by_role("button", name=name, exact=True)


def play(page: Page) -> None:
    button(page, "Train").click()
    expect(button(page, "Pause")).to_be_visible()
    page.wait_for_url(re.compile("lab.job="))
    await_condition(lambda: epoch(page) > 2, 60, "epochs of the run")


def pixels(page: Page) -> str:
    """The pixels of the maps of the units."""
    canvas = page.get_by_role("region", name="Network").locator("canvas").first
    return str(canvas.evaluate("canvas => canvas.toDataURL()"))


def cancel(url: str, page: Page) -> None:
    call(url, f"/v1/jobs/{job_of(page)}/cancel", "POST", {})


def test_the_bench_is_one_screen(open_page: Opened) -> None:
    requests = open_page.record_requests()
    page = open_page(SMALL, {"width": 1280, "height": 800})
    expect(button(page, "Train")).to_be_enabled()
    expect(page.get_by_label("The output for every input")).to_be_visible()
    assert len([path for path in requests if "/v1/" in path]) <= 10
    play(page)
    # Whatever has a place on the bench is on the screen.
    for place in page.locator(".bench .stage > *, .bench .transport, .bench .dials").all():
        box = place.bounding_box()
        assert box is not None
        assert box["y"] >= 0
        assert box["y"] + box["height"] <= 800
        overflow = place.evaluate("element => element.scrollHeight - element.clientHeight")
        assert overflow <= 1


def test_a_run_is_watched_paused_and_opened_again(open_page: Opened, url: str) -> None:
    page = open_page(SMALL)
    before = pixels(page)
    play(page)
    assert job(url, page)["spec"]["pace"] == 30
    await_condition(lambda: pixels(page) != before, 30, "the maps of the units change")
    button(page, "Pause").click()
    expect(button(page, "Go on")).to_be_visible()
    await_condition(lambda: job(url, page)["state"] == "paused", 30, "the job pauses")
    await_condition(lambda: epoch(page) == job(url, page)["epoch"], 30, "the last epoch is shown")
    again = open_page(page.url)
    expect(again.get_by_test_id("epoch")).to_have_text(page.get_by_test_id("epoch").inner_text())
    expect(again.get_by_test_id("training-loss")).to_be_visible()
    await_condition(lambda: pixels(again) != before, 30, "the maps are drawn")
    again.keyboard.press("t")
    expect(button(again, "Pause")).to_be_enabled()  # the run goes on, and the reply has come
    again.keyboard.press("Space")
    expect(button(again, "Go on")).to_be_visible()
    cancel(url, again)


def test_one_epoch_is_trained_at_a_time(open_page: Opened, url: str) -> None:
    page = open_page(SMALL)
    step = button(page, "Train one epoch")
    for expected in (1, 2, 3):
        step.click()
        expect(page.get_by_test_id("epoch")).to_have_text(str(expected))
        expect(step).to_be_enabled()
    assert job(url, page)["epoch"] == 3
    cancel(url, page)


def test_the_activation_changes_in_one_click_while_it_trains(open_page: Opened, url: str) -> None:
    page = open_page(SMALL)
    play(page)
    first = job_of(page)
    page.get_by_label("Activation").select_option("relu")
    await_condition(lambda: job(url, page)["spec"]["changes"], 30, "the change is made")
    # The curve goes on, with a mark that says what changed.
    expect(page.get_by_role("region", name="Loss").get_by_text("activation relu")).to_be_visible()
    at = job(url, page)["spec"]["changes"][0]["epoch"]
    await_condition(lambda: epoch(page) > at + 5, 30, "the run goes on")
    assert job_of(page) == first
    rate = page.get_by_label("Learning rate, as a number")
    rate.fill("0.003")
    rate.press("Enter")
    await_condition(lambda: len(job(url, page)["spec"]["changes"]) == 2, 30, "a second change")
    (network, optimizer) = (change["training"] for change in job(url, page)["spec"]["changes"])
    assert [layer["activation"] for layer in network["network"]["layers"]] == [
        "relu",
        "relu",
        "sigmoid",
    ]
    assert optimizer["optimizer"]["learning_rate"] == 0.003
    cancel(url, page)


def test_a_weight_is_set_by_hand_while_it_trains(open_page: Opened, url: str) -> None:
    page = open_page(SMALL)
    play(page)
    unit = page.get_by_role("button", name="dense_1, unit 2", exact=True)
    card = page.get_by_role("group", name="Weights of dense_1, unit 2")
    unit.press("Enter")
    card.get_by_label("Value").fill("3.5")
    card.get_by_label("Value").press("Tab")
    await_condition(lambda: job(url, page)["spec"]["changes"], 30, "the change is made")
    (change,) = job(url, page)["spec"]["changes"]
    (weight,) = change["training"]["weights"]
    assert (weight["layer"], weight["array"], weight["value"]) == ("dense_1", "bias", 3.5)
    assert weight["index"] == [1]
    await_condition(lambda: epoch(page) > change["epoch"] + 3, 30, "the run goes on")
    card.get_by_role("button", name="Close").click()
    expect(card).to_have_count(0)
    cancel(url, page)


def test_points_and_noise_change_while_it_trains(open_page: Opened, url: str) -> None:
    page = open_page(SMALL)
    play(page)
    first = job_of(page)

    def changes(count: int) -> list[Any]:
        def made() -> list[Any]:
            return [change["training"] for change in job(url, page)["spec"]["changes"]]

        await_condition(lambda: len(made()) == count, 30, f"{count} changes")
        return made()

    noise = page.get_by_label("Noise, as a number")
    noise.fill("0.3")
    noise.press("Enter")
    assert changes(1)[0]["dataset"]["noise"] == 0.3
    button(page, "Edit points").click()
    pad = page.get_by_role("application")
    pad.click(position={"x": 20, "y": 20})
    edited = changes(2)[1]
    assert len(edited["dataset"]["inputs"]) == 200
    assert len(edited["samples"]) == 1
    pad.click(position={"x": 200, "y": 20})
    (added,) = changes(3)[2]["samples"]
    assert "index" not in added
    page.get_by_text("erase", exact=True).click()
    pad.click(position={"x": 20, "y": 20})
    assert changes(4)[3]["samples"] == [{"index": 200}]
    # The curve goes on, with a mark that says what changed.
    mark = page.get_by_role("region", name="Loss").get_by_text("samples: 1 removed")
    expect(mark).to_be_visible()
    assert job_of(page) == first
    cancel(url, page)


def test_a_refused_edit_of_the_points_is_taken_back(open_page: Opened, url: str) -> None:
    open_page.excuse("400")  # of the API, which the browser reports by itself
    corners = [[x, y] for x in (0.0, 1.0) for y in (0.0, 1.0)]
    points = {"inputs": corners, "targets": [[0], [1], [1], [0]], "class_names": ["a", "b"]}
    spec = _SPEC | {"dataset": points, "validation_fraction": 0.25}
    page = open_page(f"/lab?lab.spec={quote(json.dumps(spec))}")
    play(page)
    first = job_of(page)
    shown = page.get_by_role("region", name="Output").get_by_role("img", name="Point")
    ring = shown.locator("circle.ring")
    expect(ring).to_have_count(2)
    button(page, "Edit points").click()
    page.get_by_text("erase", exact=True).click()

    def erase() -> None:
        box = ring.first.bounding_box()
        assert box is not None
        page.mouse.click(box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)

    erase()
    expect(ring).to_have_count(1)
    erase()
    refusal = page.get_by_text("must leave a sample in the validation part")
    expect(refusal).to_be_visible()
    expect(shown).to_have_count(3)
    # The run goes on, and takes the next change.
    page.get_by_label("Batch size").select_option("4")
    await_condition(lambda: len(job(url, page)["spec"]["changes"]) == 2, 30, "two changes")
    erased, batch = (change["training"] for change in job(url, page)["spec"]["changes"])
    assert [*erased["samples"][0]] == ["index"]
    assert batch == {"batch_size": 4}
    expect(refusal).to_have_count(0)
    assert job_of(page) == first
    cancel(url, page)


def test_a_change_is_taken_back_by_a_run_without_it(open_page: Opened, url: str) -> None:
    page = open_page(SMALL)
    play(page)
    first = job_of(page)
    page.get_by_label("Batch size").select_option("8")
    await_condition(lambda: job(url, page)["spec"]["changes"], 30, "the change is made")
    at = job(url, page)["spec"]["changes"][0]["epoch"]
    button(page, "Undo").click()
    await_condition(lambda: job_of(page) not in ("", first), 30, "another run starts")
    expect(page.get_by_label("Batch size")).to_have_value("32")
    await_condition(lambda: epoch(page) > at, 30, "the run repeats the epochs before the change")
    assert job(url, page)["spec"]["changes"] == []
    before = ask(url, f"/v1/jobs/{first}")
    assert before["state"] in ("pausing", "paused")
    ghost = page.get_by_role("button", name=re.compile("batch size"))
    ghost.click()
    await_condition(lambda: job_of(page) == first, 30, "the former run is back")
    expect(page.get_by_label("Batch size")).to_have_value("8")
    await_condition(lambda: job(url, page)["state"] == "running", 30, "and trains again")
    cancel(url, page)


def test_a_former_run_is_compared_with_nothing_until_another_one_begins(
    open_page: Opened, url: str
) -> None:
    dense = {"type": "dense", "units": 1, "activation": "sigmoid"}
    spec = {"network": {"input_shape": [2], "layers": [dense]}, "dataset": {"name": "xor"}}
    former = ask(url, "/v1/jobs", spec | {"loss": "binary_cross_entropy", "epochs": 1})["id"]
    requests = open_page.record_requests()
    rest(open_page(f"/lab?lab.with={former}"))
    assert not [address for address in requests if "/v1/comparison" in address]


def losses(url: str, id: str) -> list[float]:
    (line,) = ask(url, f"/v1/jobs/{id}/curve?metrics=train_loss&max_points=1000")["series"]
    return list(line["values"])


def test_more_units_continue_with_the_weights_beside_the_former(
    open_page: Opened, url: str
) -> None:
    page = open_page(SMALL)
    play(page)
    await_condition(lambda: epoch(page) > 40, 30, "a network that has learned")
    first = job_of(page)
    button(page, "Add a unit to dense_1").click()
    await_condition(lambda: job_of(page) not in ("", first), 30, "another run starts")
    second = job_of(page)
    await_condition(lambda: epoch(page) > 2, 30, "and trains")
    spec = job(url, page)["spec"]
    assert spec["network"]["layers"][0]["units"] == 9
    start = spec["initial_weights"]
    assert (start["job"], start["resize"]) == (first, True)
    assert start["epoch"] == ask(url, f"/v1/jobs/{first}")["epoch"]
    before = losses(url, first)
    assert abs(losses(url, second)[0] - before[-1]) < 0.2 * (before[0] - before[-1])
    assert ask(url, f"/v1/jobs/{first}")["state"] in ("pausing", "paused")
    ghost = page.get_by_role("button", name=re.compile(r"units 8-4-1→9-4-1"))
    expect(ghost).to_be_visible()
    button(page, "Undo").click()
    await_condition(lambda: job_of(page) == first, 30, "undo goes back")
    await_condition(lambda: job(url, page)["state"] == "running", 30, "and trains the former")
    expect(page.get_by_role("button", name=re.compile(r"units 9-4-1→8-4-1"))).to_be_visible()
    assert ask(url, f"/v1/jobs/{second}")["state"] in ("pausing", "paused")
    cancel(url, page)


def test_a_run_goes_on_after_early_stopping(open_page: Opened, url: str) -> None:
    stopping = {"patience": 1, "min_delta": 1.0}
    spec = _SPEC | {"epochs": 300, "early_stopping": stopping}
    page = open_page(f"/lab?lab.pace=0&lab.spec={quote(json.dumps(spec))}")
    button(page, "Train").click()
    page.wait_for_url(re.compile("lab.job="))
    first = job_of(page)
    await_condition(lambda: job(url, page)["state"] == "succeeded", 30, "the early end")
    stopped = job(url, page)["epoch"]
    assert stopped < 300
    # The rings are the samples that it validates with.
    rings = page.get_by_role("region", name="Output").locator("circle.ring")
    expect(rings).to_have_count(40)
    button(page, "Train").click()
    await_condition(lambda: job_of(page) not in ("", first), 30, "another run repeats it")
    await_condition(lambda: job(url, page)["epoch"] > stopped, 30, "and goes on")
    assert losses(url, job_of(page))[:stopped] == losses(url, first)
    cancel(url, page)


def test_a_link_repeats_a_run_with_its_changes(open_page: Opened, url: str) -> None:
    spec = _SPEC | {
        "epochs": 20,
        "changes": [{"epoch": 10, "training": {"optimizer": {"learning_rate": 0.1}}}],
    }
    expected = ask(url, "/v1/jobs", spec)["id"]
    page = open_page(f"/lab?lab.spec={quote(json.dumps(spec))}")
    expect(page.get_by_text("This link repeats a run with its change")).to_be_visible()
    page.get_by_label("Speed").select_option("as fast as possible")
    button(page, "Train").click()
    page.wait_for_url(re.compile("lab.job="))
    both = job_of(page), expected
    await_condition(
        lambda: all(ask(url, f"/v1/jobs/{job}")["state"] == "succeeded" for job in both),
        60,
        "the end",
    )
    (again, before) = (
        {
            line["metric"]: line["values"]
            for line in ask(url, f"/v1/jobs/{job}/curve?max_points=100")["series"]
            if line["metric"] != "seconds"
        }
        for job in both
    )
    assert again == before
    expect(page.get_by_label("Learning rate, as a number")).to_have_value("0.1")


def test_all_settings_are_in_a_drawer(open_page: Opened) -> None:
    page = open_page(SMALL)
    opener = button(page, "All settings")
    opener.click()
    drawer = page.get_by_role("dialog", name="All settings")
    expect(drawer.get_by_test_id("cost-parameters")).to_have_text("65")
    drawer.get_by_label("Units", exact=True).first.fill("3")
    expect(drawer.get_by_test_id("cost-parameters")).to_have_text("30")
    # In a layer, Escape leads back to the list of layers.
    button(page, "Close").focus()
    page.keyboard.press("Escape")
    expect(drawer).to_have_count(0)
    expect(opener).to_be_focused()


def test_the_spiral_works_in_three_clicks(open_page: Opened, url: str) -> None:
    page = open_page("/lab")
    button(page, "spiral").click()
    button(page, "Train").click()
    await_condition(
        lambda: (
            page.get_by_test_id("accuracy").count()
            and number(page.get_by_test_id("accuracy").inner_text().split()[0]) >= 95
        ),
        120,
        "the spiral is separated",
    )
    assert violations(page) == []


def test_the_bench_suits_every_screen(open_page: Opened, url: str) -> None:
    page = open_page(SMALL)
    play(page)
    button(page, "Pause").click()
    expect(button(page, "Go on")).to_be_visible()
    suits_every_screen(page)
    page.set_viewport_size({"width": 390, "height": 844})
    order = [
        page.get_by_role("region", name=name).bounding_box()
        for name in ("Output", "Loss", "Network", "Data")
    ]
    tops = [box["y"] for box in order if box is not None]
    assert len(tops) == 4
    assert tops == sorted(tops)
    bar = page.get_by_role("region", name="Run").bounding_box()
    assert bar is not None
    assert bar["height"] < 120  # two rows
    page.get_by_role("region", name="Data").scroll_into_view_if_needed()
    expect(button(page, "Go on")).to_be_in_viewport()
    cancel(url, page)
