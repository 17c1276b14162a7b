"""Presets: each ends with its expected result, for any seed."""

import json
from typing import Any

import httpx2
import pytest
from starlette.testclient import TestClient
from tests.servers.stack import Stack

from epochal_service.journey.presets import PRESETS
from epochal_service.specs.jobs import TERMINAL

NAMES = [preset.name for preset in PRESETS]
SEEDS = range(5)


def test_every_preset_has_a_unique_name_and_a_section(client: TestClient) -> None:
    presets = client.get("/v1/presets").json()["presets"]
    assert [preset["name"] for preset in presets] == NAMES
    assert len(set(NAMES)) == len(NAMES)
    assert {preset["section"] for preset in presets} == {
        *("neuron", "activations", "architecture", "forward", "loss", "backpropagation"),
        *("training", "zoo"),
    }


@pytest.mark.parametrize("name", NAMES)
def test_every_spec_is_a_valid_job(client: TestClient, name: str) -> None:
    spec = client.get(f"/v1/presets/{name}").json()["spec"]
    reply = client.post("/v1/jobs/validate", json=spec)
    assert reply.is_success, reply.text


def test_no_preset_trains_xor_with_too_few_hidden_units() -> None:
    for preset in PRESETS:
        text = json.dumps(preset.model_dump(mode="json"))
        if '"xor"' in text:
            hidden = preset.spec.network.layers[0]  # type: ignore[union-attr]
            assert hidden.units > 2, preset.name


def test_an_unknown_preset_is_not_found(client: TestClient) -> None:
    problem = client.get("/v1/presets/none")
    assert problem.status_code == 404
    assert "GET /v1/presets" in problem.json()["detail"]


def meets(preset: dict[str, Any], job: dict[str, Any]) -> bool:
    if job["state"] != preset["expected_state"]:
        return False
    return all(
        abs(job["latest"][expected["metric"]] - expected["value"]) <= expected["tolerance"]
        for expected in preset["expected"]
    )


@pytest.mark.parametrize("seeds", [[7], pytest.param(SEEDS, marks=pytest.mark.presets)])
def test_every_preset_ends_as_expected_on_a_running_service(stack: Stack, seeds: range) -> None:
    with httpx2.Client(base_url=stack.http, timeout=30) as client:
        presets = client.get("/v1/presets").json()["presets"]
        jobs = [
            (preset, seed, client.post("/v1/jobs", json={**preset["spec"], "seed": seed}).json())
            for preset in presets
            for seed in seeds
        ]
        for preset, seed, job in jobs:
            with client.stream("GET", f"/v1/jobs/{job['id']}/events") as events:
                for _ in events.iter_lines():
                    pass  # the stream ends with the job
            job = client.get(f"/v1/jobs/{job['id']}").json()
            assert job["state"] in TERMINAL
            assert meets(preset, job), (preset["name"], seed, job["state"], job["latest"])


def test_meets_rejects_unexpected_results() -> None:
    preset: dict[str, Any] = {
        "expected_state": "succeeded",
        "expected": [{"metric": "train_loss", "value": 0.1, "tolerance": 0.05}],
    }
    assert meets(preset, {"state": "succeeded", "latest": {"train_loss": 0.14}})
    assert not meets(preset, {"state": "succeeded", "latest": {"train_loss": 0.16}})
    assert not meets(preset, {"state": "failed", "latest": {"train_loss": 0.1}})
