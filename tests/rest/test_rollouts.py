"""Jobs that write texts in every epoch, and learn from their rewards."""

from collections.abc import Callable
from typing import Any

import pytest
from starlette.testclient import TestClient
from tests.rest.test_preferences import LENGTH, WRITER, created, epochs, refused

Train = Callable[[str], str | None]

ROLLOUTS = {"reward": {"type": "count", "texts": ["e"]}, "grammar": "sentences"}
REWARDED: dict[str, Any] = {
    "network": WRITER["network"],
    "dataset": {"name": "sentences", "samples": 64, "length": LENGTH},
    "loss": "cross_entropy",
    "rollouts": ROLLOUTS,
    "optimizer": {"type": "adam", "learning_rate": 0.003},
    "clipping": {"norm": 1},
    "batch_size": 64,
    "epochs": 12,
}


@pytest.fixture
def writer(client: TestClient, train: Train) -> str:
    return created(client, train, WRITER)


def after(writer: str, **changes: Any) -> dict[str, Any]:
    return {**REWARDED, "initial_weights": {"job": writer}, **changes}


def test_rewards_divergence_and_validity_are_metrics_of_every_epoch(
    client: TestClient, train: Train, writer: str
) -> None:
    job = created(client, train, after(writer))
    rows = epochs(client, job)
    assert len(rows) == 12
    assert rows[-1]["reward"] > rows[0]["reward"] + 0.2
    assert rows[0]["kl"] == 0
    assert rows[-1]["kl"] > 0.1
    assert all(0 <= row["valid"] <= 1 for row in rows)
    curve = client.get(f"/v1/jobs/{job}/curve", params={"metrics": ["reward", "kl", "valid"]})
    assert {series["metric"] for series in curve.json()["series"]} == {"reward", "kl", "valid"}
    csv = client.get(f"/v1/jobs/{job}/epochs", headers={"Accept": "text/csv"}).text
    assert csv.splitlines()[0].endswith("reward,kl,valid")
    assert client.get(f"/v1/jobs/{job}").json()["latest"]["reward"] == rows[-1]["reward"]
    text = client.post(f"/v1/jobs/{job}/generate", json={"max_tokens": 8})
    assert text.is_success, text.text
    assert client.get(f"/v1/jobs/{job}/diagnosis").json()["findings"] == []
    answer = client.get(f"/v1/jobs/{job}/export", params={"format": "training_numpy"})
    assert "no program trains with rollouts" in answer.text


def test_jobs_without_rollouts_have_none_of_these_metrics(client: TestClient, writer: str) -> None:
    row = epochs(client, writer)[-1]
    assert row["reward"] is row["kl"] is row["valid"] is None


@pytest.mark.parametrize(
    ("changes", "field", "text"),
    [
        ({"initial_weights": None}, "initial_weights", "must name a job"),
        ({"rollouts": {**ROLLOUTS, "beta": -0.1}}, "rollouts.beta", "at least 0"),
        ({"rollouts": {**ROLLOUTS, "beta": 101}}, "rollouts.beta", "at most 100"),
        (
            {"rollouts": {"reward": {"type": "count", "texts": ["Zebra"]}}},
            "rollouts.reward.texts[0]",
            "does not have, 'Z': the reward would be constant",
        ),
        (
            {"rollouts": {"reward": {"type": "count", "texts": ["moon" * 20]}}},
            "rollouts.reward.texts[0]",
            "is longer than any text of sentences: the reward would be constant",
        ),
        (
            {"rollouts": {"reward": {"type": "count", "texts": []}}},
            "rollouts.reward.texts",
            "at least 1",
        ),
        ({"loss_options": {"label_smoothing": 0.1}}, "loss", "without options"),
        ({"class_weights": "balanced"}, "class_weights", "must be absent with rollouts"),
        (
            {"corruption": {"type": "mask", "token": 24}},
            "corruption",
            "must be absent with rollouts",
        ),
    ],
)
def test_what_does_not_fit_is_refused(
    client: TestClient, writer: str, changes: dict[str, Any], field: str, text: str
) -> None:
    errors = refused(client, after(writer, **changes))
    assert text in errors.get(field, ""), errors


def test_a_network_that_reads_ahead_and_other_data_are_refused(
    client: TestClient, train: Train, writer: str
) -> None:
    layers = [dict(layer) for layer in WRITER["network"]["layers"]]
    layers[2]["causal"] = False
    network = {"input_shape": [LENGTH], "layers": layers}
    assert (
        "make attention causal" in refused(client, after(writer, network=network))["network.layers"]
    )
    names = {"name": "repeats", "length": LENGTH, "classes": 24}
    errors = refused(client, after(writer, dataset=names))
    assert "must have the tokens of sentences" in errors["dataset"]


def test_a_sweep_is_refused(client: TestClient) -> None:
    body = {"job": {**REWARDED, "initial_weights": None}, "variants": [{"learning_rate": 0.1}]}
    answer = client.post("/v1/sweeps", json=body)
    assert answer.status_code == 400
    assert answer.json()["errors"][0]["field"] == "job.rollouts"


def test_claims_are_about_metrics_that_the_job_has(client: TestClient) -> None:
    def claimed(metric: str, **rollouts: Any) -> dict[str, Any]:
        job = {**REWARDED, "initial_weights": {"job": "base"}, "rollouts": {**ROLLOUTS, **rollouts}}
        return {
            "jobs": {"base": WRITER, "rewarded": job},
            "claims": [{"job": "rewarded", "metric": metric, "at_least": 0.1}],
        }

    assert client.post("/v1/experiments", json=claimed("valid")).is_success
    answer = client.post("/v1/experiments", json=claimed("valid", grammar=None))
    assert answer.status_code == 400
    assert answer.json()["errors"][0]["field"] == "claims[0].metric"
