"""A diagnosis that was cut off by its budget is completed by later requests, and then cached."""

import functools
from collections.abc import Callable
from typing import Any

import pytest
from starlette.testclient import TestClient

import epochal_engine as engine
from epochal_service.methods import diagnosis

SLOW = {
    "network": {
        "input_shape": [2],
        "layers": [
            {"type": "dense", "units": 8, "activation": "tanh"},
            {"type": "dense", "units": 1, "activation": "sigmoid"},
        ],
    },
    "dataset": {"name": "two_moons", "samples": 200},
    "loss": "binary_cross_entropy",
    "epochs": 30,
    "optimizer": {"type": "adam", "learning_rate": 1e-5},
    "validation_fraction": 0.2,
}


def test_trials_that_were_skipped_are_made_by_later_requests(
    client: TestClient,
    train: Callable[[str], str | None],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    job = client.post("/v1/jobs", json=SLOW).json()["id"]
    assert train(job) == "succeeded"
    now, built = 0.0, 0
    experiment = diagnosis._experiment

    def slow_experiment(*arguments: Any) -> Any:
        nonlocal now, built
        now, built = now + 0.9, built + 1
        return experiment(*arguments)

    monkeypatch.setattr(diagnosis, "_experiment", slow_experiment)
    slow_diagnose = functools.partial(engine.diagnose, clock=lambda: now)
    monkeypatch.setattr(engine, "diagnose", slow_diagnose)

    def reply() -> dict[str, Any]:
        content: dict[str, Any] = client.get(f"/v1/jobs/{job}/diagnosis").json()
        return content

    replies = [reply()]
    assert replies[0]["skipped_trials"] > 0
    while replies[-1]["skipped_trials"] > 0:
        replies.append(reply())
        assert len(replies) < 30
    assert len(replies) > 2
    [finding] = replies[-1]["findings"]
    assert finding["kind"] == "learning_rate_too_low"
    assert finding["trial"]["with_remedy"] < finding["trial"]["without_remedy"]
    # From then on, the reply is the cached one.
    before = built
    assert reply() == replies[-1]
    assert built == before


def test_a_job_that_needs_much_memory_is_diagnosed_without_trials(
    client: TestClient,
    train: Callable[[str], str | None],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    needed = client.post("/v1/jobs/validate", json=SLOW).json()["memory_bytes"]
    replies = []
    for limit in (needed, needed - 1):
        monkeypatch.setattr(diagnosis, "MOST_TRIAL_BYTES", limit)
        job = client.post("/v1/jobs", json=SLOW).json()["id"]
        assert train(job) == "succeeded"
        replies.append(client.get(f"/v1/jobs/{job}/diagnosis").json())
    with_trials, without = replies
    assert any(finding["trial"] for finding in with_trials["findings"])
    assert not any(finding["trial"] for finding in without["findings"])
    assert without["skipped_trials"] > 0


def test_a_regression_on_a_single_sample_is_diagnosed(
    client: TestClient, train: Callable[[str], str | None]
) -> None:
    """Its standardized target is 0, and so is its loss before the first step."""
    data = {"inputs": [[0.0], [0.0], [0.0]], "targets": [[1.5], [2.5], [4.0]]}
    network = {"input_shape": [1], "layers": [{"type": "dense", "units": 1}]}
    spec = {"network": network, "dataset": data, "loss": "mse", "validation_fraction": 0.5}
    job = client.post("/v1/jobs", json={**spec, "epochs": 5}).json()["id"]
    assert train(job) == "succeeded"
    reply = client.get(f"/v1/jobs/{job}/diagnosis")
    assert reply.status_code == 200, reply.text
