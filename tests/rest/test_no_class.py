"""An output that is not a number has no class, wherever the API names classes."""

from collections.abc import Callable
from typing import Any

from starlette.testclient import TestClient

# A value beyond the largest float32 is infinite in it, and infinity times a weight's sign less
# infinity is not a number.
HUGE = 1e39
SPEC: dict[str, Any] = {
    "network": {
        "input_shape": [2],
        "layers": [{"type": "dense", "units": 3, "activation": "softmax"}],
    },
    "dataset": {
        "inputs": [[0, 1], [1, 0], [1, 1]],
        "targets": [0, 1, 2],
        "class_names": ["red", "green", "blue"],
    },
    "loss": "cross_entropy",
    "epochs": 2,
}
Train = Callable[[str], str | None]


def made(client: TestClient, train: Train, spec: dict[str, Any]) -> str:
    answer = client.post("/v1/jobs", json=spec)
    assert answer.is_success, answer.text
    job_id: str = answer.json()["id"]
    assert train(job_id) == "succeeded"
    return job_id


def test_a_prediction_that_is_not_a_number_has_no_class_and_no_name(
    client: TestClient, train: Train
) -> None:
    job = made(client, train, SPEC)
    reply = client.post(f"/v1/jobs/{job}/predict", json={"inputs": [[HUGE, HUGE], [0, 1]]}).json()
    assert reply["outputs"][0] == ["NaN"] * 3
    assert reply["classes"][0] == -1
    assert reply["labels"][0] == ""
    assert reply["labels"][1] == SPEC["dataset"]["class_names"][reply["classes"][1]]


def test_a_probability_that_is_not_a_number_is_no_no(client: TestClient, train: Train) -> None:
    spec = {
        "network": {
            "input_shape": [2],
            "layers": [
                {"type": "dense", "units": 2},
                {"type": "dense", "units": 1, "activation": "sigmoid"},
            ],
        },
        "dataset": {"name": "xor"},
        "loss": "binary_cross_entropy",
        "epochs": 1,
    }
    reply = client.post(
        f"/v1/jobs/{made(client, train, spec)}/predict", json={"inputs": [[HUGE, -HUGE], [0, 1]]}
    ).json()
    assert reply["outputs"][0] == ["NaN"]
    assert reply["classes"][0] == -1
    assert reply["classes"][1] in (0, 1)


def test_samples_that_blow_a_network_up_are_taken_for_no_class(
    client: TestClient, train: Train
) -> None:
    data = SPEC["dataset"] | {"inputs": [[0, 1], [3e38, -3e38], [3e38, 3e38]]}
    layers = [{"type": "dense", "units": 8}, *SPEC["network"]["layers"]]
    spec = SPEC | {"dataset": data, "network": {"input_shape": [2], "layers": layers}}
    job = client.post("/v1/jobs", json=spec).json()["id"]
    assert train(job) == "failed"
    samples = client.get(f"/v1/jobs/{job}/sample-predictions", params={}).json()["samples"]
    assert [s["target_class"] for s in samples] == [0, 1, 2]
    lost = [s for s in samples if s["predicted_class"] is None]
    assert lost
    assert all(s["outputs"] == ["NaN"] * 3 for s in lost)
    assert all("NaN" not in s["outputs"] for s in samples if s not in lost)

    matrix = client.get(f"/v1/jobs/{job}/confusion-matrix", params={}).json()
    assert (matrix["predictions"], matrix["unclassified"]) == (3, len(lost))
    assert sum(sum(row["counts"]) for row in matrix["rows"]) == 3 - len(lost)
    right = [s for s in samples if s["predicted_class"] == s["target_class"]]
    assert matrix["accuracy"] == len(right) / 3
