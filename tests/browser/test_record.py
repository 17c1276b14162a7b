"""A run as a file: it opens from the disk without a network, and computes what the API replies."""

from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, expect
from tests.browser.conftest import (
    PHONE,
    WIDE,
    Opened,
    ask,
    barrier_free,
    call,
    fits,
)
from tests.browser.test_metrics import train

TANH = {"type": "dense", "units": 5, "activation": "tanh"}
RUNS: dict[str, dict[str, Any]] = {
    "classes of points": {
        "dataset": {"name": "blobs", "samples": 90, "scaling": "standard"},
        "loss": "cross_entropy",
        "network": [TANH, {"type": "layer_norm"}, {"units": 3, "activation": "softmax"}],
    },
    "a curve": {
        "dataset": {"name": "sine", "samples": 60},
        "loss": "huber",
        "loss_options": {"delta": 0.5},
        "target_scaling": "standardize",
        "network": [TANH, {"units": 1}],
    },
    "columns": {
        "dataset": {"name": "breast_cancer", "scaling": "standard"},
        "loss": "hinge",
        "network": [{"units": 1}],
    },
    "a spiral": {
        "dataset": {"name": "spiral", "samples": 80},
        "loss": "binary_cross_entropy",
        "network": [TANH, TANH, {"units": 1, "activation": "sigmoid"}],
        "changes": 1,
    },
}
INPUTS = {"sine": 1, "breast_cancer": 30}


def spec_of(name: str) -> dict[str, Any]:
    run = RUNS[name]
    layers = [{"type": "dense", **layer} for layer in run["network"]]
    network = {"input_shape": [INPUTS.get(run["dataset"]["name"], 2)], "layers": layers}
    spec = {**run, "name": f"A file of {name}", "network": network, "epochs": 20}
    if "changes" in run:
        other = [{**layers[0], "activation": "relu"}, *layers[1:]]
        spec["changes"] = [{"epoch": 10, "training": {"network": {**network, "layers": other}}}]
    return {**spec, "validation_fraction": 0.2, "snapshots": {"weights_every": 5}}


def save(url: str, job: str, folder: Path) -> str:
    file = folder / "run.html"
    file.write_bytes(call(url, f"/v1/jobs/{job}/export?format=html").content)
    assert file.stat().st_size <= 1_000_000
    return file.as_uri()


ANSWER = "([what, fields]) => epochal.answers.answer(what, fields)"


@pytest.mark.parametrize("name", RUNS)
def test_a_file_computes_what_the_service_replies(
    name: str, url: str, chromium: Browser, tmp_path: Path
) -> None:
    job = train(url, spec_of(name))
    page = chromium.new_page(offline=True)
    page.goto(save(url, job, tmp_path))
    for epoch in (0, 5, 20):
        path = f"/v1/jobs/{job}/sample-predictions?order=random&count=300&epoch={epoch}"
        seen = ask(url, path)
        computed = page.evaluate(ANSWER, ["GET /sample-predictions", {"epoch": epoch}])
        assert len(computed["samples"]) >= min(len(seen["samples"]), 300)
        for mine, theirs in zip(computed["samples"], seen["samples"], strict=False):
            assert mine["outputs"] == pytest.approx(theirs["outputs"], rel=2e-5, abs=2e-6)
            assert mine["loss"] == pytest.approx(theirs["loss"], rel=2e-4, abs=2e-6)
            assert mine["predicted_class"] == theirs.get("predicted_class")
            assert mine["inputs"] == theirs["inputs"]
        request = {"epoch": epoch, "inputs": [row["inputs"] for row in seen["samples"][:3]]}
        answer = ask(url, f"/v1/jobs/{job}/predict", request)
        predicted = page.evaluate(ANSWER, ["POST /predict", request])
        assert predicted["classes"] == answer["classes"]
    page.close()


@pytest.mark.journey
def test_a_file_opens_without_a_network(
    url: str, chromium: Browser, open_page: Opened, tmp_path: Path
) -> None:
    spec = spec_of("a spiral") | {"name": "<b>Spiral</b>"}
    job = train(url, spec)
    address = save(url, job, tmp_path)
    second = ask(url, f"/v1/jobs/{job}/checkpoints")["checkpoints"][1]
    context = chromium.new_context(offline=True, viewport=WIDE)  # type: ignore[arg-type]
    page = context.new_page()
    complaints: list[str] = []
    page.on("console", lambda message: complaints.append(message.text))
    page.on("pageerror", lambda error: complaints.append(str(error)))
    page.on("request", lambda request: complaints.append(request.url))
    page.goto(address)
    expect(page.get_by_role("heading", level=1)).to_have_text("<b>Spiral</b>")
    expect(page.get_by_text("After epoch 10: activation relu.")).to_be_visible()
    expect(page.get_by_text("This file has the same.")).to_be_visible()
    units = page.get_by_role("figure", name="Output of each unit")
    page.pdf()  # draws also what is out of sight
    expect(units.locator("canvas")).not_to_have_count(0)
    slider = page.get_by_role("slider", name="Epoch", exact=True)
    slider.focus()
    page.keyboard.press("Home")
    expect(page.get_by_test_id("scrubbed")).to_have_text("0")
    page.keyboard.press("ArrowRight")
    expect(page.get_by_test_id("scrubbed")).to_have_text(str(second["epoch"]))
    expect(page.get_by_text(second["sha256"])).to_be_visible()
    expect(page.get_by_text("This file has the same.")).to_be_visible()
    barrier_free(page)
    fits(page, PHONE)
    assert complaints == [address]
    context.close()
