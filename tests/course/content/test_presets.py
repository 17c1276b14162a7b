"""Presets: each ends with its expected result, for any seed of the job and of the data."""

import json
import sys
from statistics import median
from typing import Any

import httpx2
import pytest
from starlette.testclient import TestClient
from tests.servers.stack import Stack, await_condition

from epochal_course.content.presets import preset, presets
from epochal_service.specs.jobs import TERMINAL

NAMES = [preset.name for preset in presets()]
# The check trains `WORLDS` data sets and splits with `MEMBERS` seeds of the weights each.
WORLDS, MEMBERS = 8, 8
MOST_FLOPS = 2e10
"""The presets above take longer than all others together: only `make check-presets` trains them."""

# The texts' claim about two presets: by their metrics, the first is below the second divided by a
# factor, whatever the seeds.
BELOW = (
    ("adding-lstm", "adding-rnn", "validation_loss", 5),
    ("adding-gru", "adding-rnn", "validation_loss", 10),
    ("shifted-digits-mlp", "shifted-digits", "validation_accuracy", 1),
    ("moons-linear", "moons-sigmoid", "train_accuracy", 1),
    ("moons-linear", "moons-tanh", "train_accuracy", 1),
    ("moons-linear", "moons-relu", "train_accuracy", 1),
    ("vanishing-relu", "vanishing", "train_loss", 1.5),
    ("vanishing-residual", "vanishing", "train_loss", 1.5),
    ("vanishing-norm", "vanishing", "train_loss", 1.5),
    ("weight-decay", "overfitting", "validation_loss", 1),
)


def test_every_preset_has_a_unique_name_and_a_section(client: TestClient) -> None:
    presets = client.get("/course/v1/presets").json()["presets"]
    assert [preset["name"] for preset in presets] == NAMES
    assert len(set(NAMES)) == len(NAMES)
    assert {preset["section"] for preset in presets} == {
        *("neuron", "activations", "architecture", "forward", "loss", "backpropagation"),
        *("training", "zoo", "language"),
    }


@pytest.mark.parametrize("name", NAMES)
def test_every_spec_is_a_valid_job(client: TestClient, name: str) -> None:
    spec = client.get(f"/course/v1/presets/{name}").json()["spec"]
    reply = client.post("/v1/jobs/validate", json=spec)
    assert reply.is_success, reply.text


def test_no_preset_trains_xor_with_too_few_hidden_units() -> None:
    for item in presets():
        text = json.dumps(item.model_dump(mode="json"))
        if '"xor"' in text:
            hidden = item.spec.network.layers[0]  # type: ignore[union-attr]
            assert hidden.units > 2, item.name


def test_an_unknown_preset_is_not_found(client: TestClient) -> None:
    problem = client.get("/course/v1/presets/none")
    assert problem.status_code == 404
    assert "GET /course/v1/presets" in problem.json()["detail"]


def bounds(name: str, metric: str) -> tuple[float, float]:
    [expected] = [bounds for bounds in preset(name).expected if bounds.metric == metric]
    low, high = expected.minimum, expected.maximum
    return -float("inf") if low is None else low, float("inf") if high is None else high


@pytest.mark.parametrize(("lower", "upper", "metric", "factor"), BELOW)
def test_expectations_exclude_what_the_texts_deny(
    lower: str, upper: str, metric: str, factor: float
) -> None:
    assert bounds(lower, metric)[1] * factor <= bounds(upper, metric)[0]


def test_every_expectation_has_a_bound() -> None:
    for item in presets():
        assert item.expected or item.expected_state == "failed", item.name
        for expected in item.expected:
            assert (expected.minimum, expected.maximum) != (None, None), item.name


def meets(expected: dict[str, Any], value: float) -> bool:
    low, high = expected.get("minimum"), expected.get("maximum")
    return (low is None or value >= low) and (high is None or value <= high)


def misses(preset: dict[str, Any], state: str, latest: dict[str, Any]) -> list[str]:
    """Return what is not as expected: `state`, or names of metrics."""
    if state != preset["expected_state"]:
        return ["state"]
    return [
        expected["metric"]
        for expected in preset["expected"]
        if not meets(expected, latest[expected["metric"]])
    ]


@pytest.mark.long
def test_presets_end_as_expected_on_a_running_service(stack: Stack) -> None:
    with httpx2.Client(base_url=stack.http, timeout=60) as client:
        presets = client.get("/course/v1/presets").json()["presets"]
        costs = [client.post("/v1/jobs/validate", json=item["spec"]).json() for item in presets]
        small = [
            item for item, cost in zip(presets, costs, strict=True) if cost["flops"] < MOST_FLOPS
        ]
        assert len(small) > 0.8 * len(presets)
        jobs = [(item, client.post("/v1/jobs", json=item["spec"]).json()) for item in small]
        for item, job in jobs:
            with client.stream("GET", f"/v1/jobs/{job['id']}/events") as events:
                for _ in events.iter_lines():
                    pass  # the stream ends with the job
            job = client.get(f"/v1/jobs/{job['id']}").json()
            assert job["state"] in TERMINAL
            assert not misses(item, job["state"], job["latest"]), (item["name"], job["latest"])


def sweep_of(item: dict[str, Any], world: int) -> dict[str, Any]:
    """Return a sweep of the preset: its own data and split, `MEMBERS` seeds of the weights."""
    dataset = {**item["spec"]["dataset"], "seed": world}
    return {
        "job": {**item["spec"], "dataset": dataset, "seed": world},
        "variants": [{"seed": 1000 * world + member} for member in range(MEMBERS)],
    }


def trained(client: httpx2.Client, item: dict[str, Any]) -> list[dict[str, Any]]:
    """Return the members of all sweeps of the preset, once they are over."""
    replies = [client.post("/v1/sweeps", json=sweep_of(item, world)) for world in range(WORLDS)]
    sweeps = [f"/v1/sweeps/{reply.json()['id']}" for reply in replies]
    await_condition(
        lambda: all(client.get(sweep).json()["state"] in TERMINAL for sweep in sweeps),
        1800,
        f"the sweeps of {item['name']} are over",
    )
    return [member for sweep in sweeps for member in client.get(sweep).json()["members"]]


def lines_of(item: dict[str, Any], members: list[dict[str, Any]]) -> tuple[list[str], bool]:
    """Return the lines of the table for a preset, and whether every run was as expected."""
    states = ["failed" if row["stop_reason"] == "diverged" else "succeeded" for row in members]
    wrong = [misses(item, state, row["latest"]) for state, row in zip(states, members, strict=True)]
    rows = [("state", item["expected_state"], ", ".join(sorted(set(states))))]
    for expected in item["expected"]:
        values = [row["latest"][expected["metric"]] for row in members]
        low, high = expected.get("minimum"), expected.get("maximum")
        limits = "" if low is None else f"at least {low:g} "
        limits += "" if high is None else f"at most {high:g}"
        measured = f"{min(values):.3g} … {median(values):.3g} … {max(values):.3g}"
        rows.append((expected["metric"], limits, measured))
    lines = []
    for metric, limits, measured in rows:
        count = sum(metric not in names for names in wrong)
        verdict = f"{count} of {len(members)}{'' if count == len(members) else ' MISSED'}"
        lines.append(f"{item['name']:<20} {metric:<20} {limits:<27} {measured:<28} {verdict}")
    return lines, not any(wrong)


@pytest.mark.presets
@pytest.mark.timeout(7200)
def test_every_preset_ends_as_expected_whatever_the_seeds(
    stack: Stack, capsys: pytest.CaptureFixture[str]
) -> None:
    missed = []
    with httpx2.Client(base_url=stack.http, timeout=60) as client:
        for item in client.get("/course/v1/presets").json()["presets"]:
            lines, as_expected = lines_of(item, trained(client, item))
            with capsys.disabled():
                sys.stdout.write("".join(f"\n{line}" for line in lines))
                sys.stdout.flush()
            if not as_expected:
                missed.append(item["name"])
    assert not missed


def test_unexpected_results_are_misses() -> None:
    item: dict[str, Any] = {
        "expected_state": "succeeded",
        "expected": [{"metric": "train_loss", "minimum": 0.05, "maximum": 0.15}],
    }
    assert not misses(item, "succeeded", {"train_loss": 0.14})
    assert misses(item, "succeeded", {"train_loss": 0.16}) == ["train_loss"]
    assert misses(item, "succeeded", {"train_loss": 0.04}) == ["train_loss"]
    assert misses(item, "succeeded", {"train_loss": float("nan")}) == ["train_loss"]
    assert misses(item, "failed", {"train_loss": 0.1}) == ["state"]
