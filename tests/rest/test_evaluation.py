"""Evaluations of stored epochs, against predictions of the same samples."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from starlette.testclient import TestClient

Train = Callable[[str], str | None]

IRIS: dict[str, Any] = {
    "network": {
        "input_shape": [4],
        "layers": [{"type": "dense", "units": 3, "activation": "softmax"}],
    },
    "dataset": {"name": "iris", "scaling": "standard"},
    "loss": "cross_entropy",
    "epochs": 30,
    "validation_fraction": 0.2,
    "split": {"test_fraction": 0.2},
    "snapshots": {"weights_every": 10},
}


def trained(client: TestClient, train: Train, spec: dict[str, Any]) -> str:
    job = client.post("/v1/jobs", json=spec)
    assert job.status_code == 201, job.text
    job_id: str = job.json()["id"]
    assert train(job_id) == "succeeded"
    return job_id


def evaluation(client: TestClient, job_id: str, **query: Any) -> dict[str, Any]:
    reply = client.get(f"/v1/jobs/{job_id}/evaluation", params=query)
    assert reply.status_code == 200, reply.text
    content: dict[str, Any] = reply.json()
    return content


def test_an_evaluation_of_each_part(client: TestClient, train: Train) -> None:
    job_id = trained(client, train, IRIS)
    latest = client.get(f"/v1/jobs/{job_id}").json()["latest"]
    reply = evaluation(client, job_id)
    assert (reply["epoch"], reply["split"], reply["samples"]) == (30, "validation", 30)
    metrics = reply["classification"]
    assert reply["regression"] is None
    assert metrics["accuracy"] == pytest.approx(latest["validation_accuracy"])
    assert metrics["log_loss"] == pytest.approx(latest["validation_loss"], rel=1e-6)
    assert [row["name"] for row in metrics["classes"]] == ["setosa", "versicolor", "virginica"]
    assert [row["support"] for row in metrics["classes"]] == [10, 10, 10]
    assert metrics["balanced_accuracy"] == pytest.approx(metrics["accuracy"])
    assert metrics["f1"] == pytest.approx(np.mean([row["f1"] for row in metrics["classes"]]))
    assert 0.8 < metrics["roc_auc"] <= 1.0
    assert metrics["positive_class"] is None
    for split, samples in (("train", 90), ("test", 30)):
        assert evaluation(client, job_id, split=split)["samples"] == samples
    assert evaluation(client, job_id, epoch=12)["epoch"] == 10


def test_two_classes_have_a_positive_one(client: TestClient, train: Train) -> None:
    dataset = {"inputs": [[-2], [-1], [0.5], [1], [2]], "targets": [0, 0, 1, 0, 1]}
    layers = [{"type": "dense", "units": 1, "activation": "sigmoid"}]
    spec = {
        "network": {"input_shape": [1], "layers": layers},
        "dataset": dataset | {"class_names": ["no", "yes"]},
        "loss": "binary_cross_entropy",
        "epochs": 200,
        "optimizer": {"type": "adam", "learning_rate": 0.1},
    }
    job_id = trained(client, train, spec)
    reply = evaluation(client, job_id)
    assert (reply["split"], reply["predictions"]) == ("train", 5)
    metrics = reply["classification"]
    no, yes = metrics["classes"]
    assert metrics["positive_class"] == yes["name"] == "yes"
    assert (metrics["precision"], metrics["recall"]) == (yes["precision"], yes["recall"])
    # A monotonic function of the input: of six pairs, one is in the wrong order.
    assert metrics["roc_auc"] == no["roc_auc"] == pytest.approx(5 / 6)
    refused = client.get(f"/v1/jobs/{job_id}/evaluation", params={"split": "test"})
    assert refused.status_code == 400
    assert refused.json()["errors"][0]["field"] == "split"


def test_numbers_have_errors_in_their_own_unit(client: TestClient, train: Train) -> None:
    inputs = np.linspace(-1, 1, 20)[:, None]
    targets = np.hstack([3 * inputs + 1, 5_000 * inputs**2])
    spec = {
        "network": {"input_shape": [1], "layers": [{"type": "dense", "units": 2}]},
        "dataset": {"inputs": inputs.tolist(), "targets": targets.tolist()},
        "loss": "mse",
        "epochs": 5,
    }
    job_id = trained(client, train, spec)
    body = {"inputs": inputs.tolist()}
    outputs = np.array(client.post(f"/v1/jobs/{job_id}/predict", json=body).json()["outputs"])
    metrics = evaluation(client, job_id)["regression"]
    assert metrics["rmse"] == pytest.approx(np.sqrt(np.square(outputs - targets).mean()), rel=1e-5)
    second = metrics["targets"][1]
    assert second["name"] == "y2"
    assert second["mae"] == pytest.approx(np.abs(outputs - targets)[:, 1].mean(), rel=1e-5)
    squares = np.square(outputs - targets).sum(0) / np.square(targets - targets.mean(0)).sum(0)
    assert metrics["r2"] == pytest.approx((1 - squares).mean(), rel=1e-4)


def test_positions_that_do_not_count_are_not_evaluated(client: TestClient, train: Train) -> None:
    layers = [
        {"type": "embedding", "vocabulary": 3, "units": 4},
        {"type": "dense", "units": 3, "activation": "softmax"},
    ]
    dataset = {"inputs": [[0, 1, 2], [2, 1, 0]], "targets": [[0, 1, -1], [2, -1, -1]]}
    spec = {
        "network": {"input_shape": [3], "layers": layers},
        "dataset": dataset,
        "loss": "cross_entropy",
        "epochs": 3,
    }
    reply = evaluation(client, trained(client, train, spec))
    assert (reply["samples"], reply["predictions"]) == (2, 3)
    assert [row["support"] for row in reply["classification"]["classes"]] == [1, 1, 1]
    assert [row["predictions"] for row in reply["sequence"]["positions"]] == [2, 1]


def test_an_evaluation_of_sequences_has_the_accuracy_of_each_position(
    client: TestClient, train: Train
) -> None:
    layers = [
        {"type": "embedding", "vocabulary": 4, "units": 16},
        {"type": "dense", "units": 4, "activation": "softmax"},
    ]
    spec = {
        "network": {"input_shape": [6], "layers": layers},
        "dataset": {"name": "sorting", "samples": 300, "classes": 4},
        "loss": "cross_entropy",
        "epochs": 10,
        "validation_fraction": 0.5,
        "optimizer": {"type": "adam", "learning_rate": 0.02},
    }
    job_id = trained(client, train, spec)
    latest = client.get(f"/v1/jobs/{job_id}").json()["latest"]
    reply = evaluation(client, job_id)
    sequence = reply["sequence"]
    body: dict[str, Any] = {"split": "validation"}
    matrix = client.get(f"/v1/jobs/{job_id}/confusion-matrix", params=body).json()
    assert 0 < sequence["exact_match"] == latest["validation_exact_match"] == matrix["exact_match"]
    assert sequence["perplexity"] == pytest.approx(np.exp(latest["validation_loss"]), rel=1e-5)
    bits = latest["validation_loss"] / np.log(2)
    assert sequence["bits_per_prediction"] == pytest.approx(bits, rel=1e-5)
    assert sequence["bits_per_character"] is None  # the target is not a next token
    rows = sequence["positions"]
    assert [(row["position"], row["predictions"]) for row in rows] == [(i, 150) for i in range(6)]
    accuracies = [row["accuracy"] for row in rows]
    assert np.mean(accuracies) == pytest.approx(latest["validation_accuracy"])
    body = {"split": "validation", "count": 150}
    samples = client.get(f"/v1/jobs/{job_id}/sample-predictions", params=body).json()["samples"]
    predicted, expected = (
        np.array([sample[f"{kind}_classes"] for sample in samples])
        for kind in ("predicted", "target")
    )
    assert accuracies == pytest.approx((predicted == expected).mean(0))


def test_each_of_several_binary_outputs_is_evaluated(client: TestClient, train: Train) -> None:
    layers = [{"type": "dense", "units": 2, "activation": "sigmoid"}]
    dataset = {"inputs": [[-1], [0], [1], [2]], "targets": [[0, 1], [0, 1], [1, 0], [1, 1]]}
    spec = {
        "network": {"input_shape": [1], "layers": layers},
        "dataset": dataset,
        "loss": "binary_cross_entropy",
        "epochs": 50,
    }
    metrics = evaluation(client, trained(client, train, spec))["classification"]
    assert [(row["name"], row["support"]) for row in metrics["classes"]] == [("y1", 2), ("y2", 3)]
    assert metrics["classes"][0]["roc_auc"] == 1.0


@pytest.mark.parametrize("merges", [0, 50])
def test_the_loss_of_a_text_is_also_that_of_each_character(
    client: TestClient, train: Train, merges: int
) -> None:
    layers = [
        {"type": "embedding", "vocabulary": 65 + merges, "units": 8},
        {"type": "dense", "units": 65 + merges, "activation": "softmax"},
    ]
    spec = {
        "network": {"input_shape": [16], "layers": layers},
        "dataset": {"name": "plays", "samples": 40, "length": 16, "merges": merges},
        "loss": "cross_entropy",
        "epochs": 1,
    }
    job_id = trained(client, train, spec)
    sequence = evaluation(client, job_id)["sequence"]
    body: dict[str, Any] = {"split": "train", "count": 40}
    reply = client.get(f"/v1/jobs/{job_id}/sample-predictions", params=body).json()
    written = "".join(
        reply["class_names"][token]
        for sample in reply["samples"]
        for token in sample["target_classes"]
    )
    per_token = len(written) / (40 * 16)
    assert per_token == 1 if merges == 0 else per_token > 1.2
    expected = sequence["bits_per_prediction"] / per_token
    assert sequence["bits_per_character"] == pytest.approx(expected)
