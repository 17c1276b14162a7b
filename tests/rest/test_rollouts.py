"""Jobs that write texts in every epoch, and learn from their rewards."""

import re
from collections.abc import Callable
from typing import Any

import pytest
from starlette.testclient import TestClient
from tests.rest.test_preferences import (
    LENGTH,
    REWARD_MODEL,
    WRITER,
    created,
    epochs,
    refused,
    uploaded,
)

pytestmark = pytest.mark.long

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


@pytest.fixture
def judge(client: TestClient, train: Train) -> str:
    return created(client, train, REWARD_MODEL)


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


def test_a_reward_model_gives_the_rewards(
    client: TestClient, train: Train, writer: str, judge: str
) -> None:
    spec = after(writer, rollouts={"reward": {"type": "job", "job": judge}, "beta": 0})
    validated = client.post("/v1/jobs/validate", json=spec).json()["spec"]["rollouts"]["reward"]
    assert validated["epoch"] == 20
    answer = client.post("/v1/jobs", json={**spec, "rollouts": {"reward": validated, "beta": 0}})
    assert answer.is_success, answer.text
    job = answer.json()["id"]
    # The other job may be deleted before this one starts.
    assert client.delete(f"/v1/jobs/{judge}").is_success
    assert train(job) == "succeeded"
    rows = epochs(client, job)
    assert rows[-1]["reward"] > rows[0]["reward"] + 0.3
    assert rows[-1]["valid"] is None
    reward = client.get(f"/v1/jobs/{job}").json()["spec"]["rollouts"]["reward"]
    assert (reward["job"], reward["epoch"]) == (judge, 20)
    assert len(reward["network"]["layers"]) == 4
    assert "There is no job" in refused(client, spec)["rollouts.reward.job"]


def test_the_reward_is_what_the_network_predicts(
    client: TestClient, train: Train, writer: str, judge: str
) -> None:
    """At epoch 5 of the reward model, for texts that the writer can write in one way only."""
    network = {
        "input_shape": [LENGTH],
        "layers": [
            {"type": "embedding", "vocabulary": 25, "units": 8},
            {"type": "gru", "units": 24, "return_sequences": True},
            {"type": "dense", "units": 24, "activation": "softmax"},
        ],
    }
    row = {
        "inputs": [[0] * LENGTH],
        "targets": [[0] * LENGTH],
        "class_names": [*map(chr, range(97, 121))],
    }
    fixed = created(client, train, {**WRITER, "network": network, "dataset": row, "epochs": 400})
    for epoch in (5, 20):
        reward = {"type": "job", "job": judge, "epoch": epoch}
        spec = after(fixed, network=network, dataset=row, epochs=1, rollouts={"reward": reward})
        job = created(client, train, spec)
        body = {"inputs": row["inputs"], "epoch": epoch}
        predicted = client.post(f"/v1/jobs/{judge}/predict", json=body).json()["outputs"][0][0]
        assert epochs(client, job)[0]["reward"] == pytest.approx(predicted, rel=1e-4)


@pytest.mark.parametrize(
    ("changes", "field", "text"),
    [
        ({"network": WRITER["network"]}, "network", "must be absent, or the network of"),
        ({"epoch": 99}, "epoch", "the nearest stored epoch is 20"),
        ({"job": "job_0"}, "job", "There is no job job_0"),
    ],
)
def test_a_reward_model_that_is_not_there_is_refused(
    client: TestClient, writer: str, judge: str, changes: dict[str, Any], field: str, text: str
) -> None:
    reward = {"type": "job", "job": judge, **changes}
    errors = refused(client, after(writer, rollouts={"reward": reward}))
    assert text in errors.get(f"rollouts.reward.{field}", ""), errors


@pytest.mark.parametrize(
    ("changes", "text"),
    [
        (
            WRITER,
            r"one output, the reward of a text; that of job_\w+ has the output shape \[24, 24\]",
        ),
        (
            {
                "network": {**REWARD_MODEL["network"], "input_shape": [16]},
                "dataset": {**REWARD_MODEL["dataset"], "length": 16},
            },
            r"rows of 24 tokens, which sentences has; job_\w+ reads the input shape \[16\]",
        ),
        (
            {
                "network": {"input_shape": [LENGTH], "layers": [{"type": "dense", "units": 1}]},
                "dataset": {**REWARD_MODEL["dataset"], "scaling": "standard"},
            },
            "scales its inputs",
        ),
        (
            {"optimizer": {"type": "sgd", "learning_rate": 1e12}},
            "must have succeeded; .* is failed",
        ),
    ],
)
def test_networks_that_are_no_reward_models_are_refused(
    client: TestClient, train: Train, writer: str, changes: dict[str, Any], text: str
) -> None:
    answer = client.post("/v1/jobs", json={**REWARD_MODEL, "epochs": 1, **changes})
    assert answer.is_success, answer.text
    job = answer.json()["id"]
    train(job)
    reward = {"type": "job", "job": job}
    errors = refused(client, after(writer, rollouts={"reward": reward}))
    assert re.search(text, errors.get("rollouts.reward.job", "")), errors


def test_a_reward_model_of_other_tokens_is_refused(
    client: TestClient, train: Train, writer: str
) -> None:
    entries = [
        {"prompt": "the ", "chosen": "bright moon", "rejected": "gray dog"},
        {"prompt": "the ", "chosen": "small moon", "rejected": "small cat"},
    ]
    data = uploaded(client, entries, length=LENGTH).json()
    layers = [{**REWARD_MODEL["network"]["layers"][0], "vocabulary": len(data["token_names"])}]
    network = {"input_shape": [LENGTH], "layers": layers + REWARD_MODEL["network"]["layers"][1:]}
    spec = {"dataset": {"id": data["id"]}, "network": network, "validation_fraction": 0}
    job = created(client, train, {**REWARD_MODEL, **spec, "epochs": 1})
    errors = refused(client, after(writer, rollouts={"reward": {"type": "job", "job": job}}))
    assert "must read the tokens of sentences" in errors["rollouts.reward.job"]
    assert "was trained on those of judged" in errors["rollouts.reward.job"]


def test_a_reward_model_without_weights_is_refused(client: TestClient, writer: str) -> None:
    job = client.post("/v1/jobs", json=REWARD_MODEL).json()["id"]
    errors = refused(client, after(writer, rollouts={"reward": {"type": "job", "job": job}}))
    assert "must have stored weights" in errors["rollouts.reward.job"]


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
