"""Jobs that hide a part of every sample and predict it, from the request to what is inspected."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from starlette.testclient import TestClient
from tests.engine.recordings import training_program

Train = Callable[[str], str | None]

MASK = 253
TOPICS: dict[str, Any] = {
    "network": {
        "input_shape": [9],
        "layers": [
            {"type": "embedding", "vocabulary": 254, "units": 8},
            {"type": "transformer_block", "heads": 2, "hidden": 16},
            {"type": "dense", "units": 253, "activation": "softmax"},
        ],
    },
    "dataset": {"name": "topics", "samples": 120, "length": 9},
    "loss": "cross_entropy",
    "epochs": 3,
    "validation_fraction": 0.2,
    "corruption": {"type": "mask", "token": MASK, "share": 0.2},
}


def created(client: TestClient, train: Train, spec: dict[str, Any]) -> str:
    reply = client.post("/v1/jobs", json=spec)
    assert reply.status_code == 201, reply.text
    job_id: str = reply.json()["id"]
    assert train(job_id) == "succeeded"
    return job_id


def problems(client: TestClient, spec: dict[str, Any]) -> dict[str, str]:
    reply = client.post("/v1/jobs/validate", json=spec)
    assert reply.status_code == 400, reply.text
    return {error["field"]: error["description"] for error in reply.json()["errors"]}


def test_tokens_are_masked_in_training_and_by_one_draw_in_what_is_inspected(
    client: TestClient, train: Train
) -> None:
    job = created(client, train, TOPICS)
    reply = client.get(f"/v1/jobs/{job}").json()
    assert reply["spec"]["corruption"] == TOPICS["corruption"]
    selection = {"count": 200, "split": "validation"}
    seen = client.post(f"/v1/jobs/{job}/sample-predictions", json=selection).json()
    assert len(seen["samples"]) == 24
    assert seen["class_names"] == seen["token_names"]
    rows = client.get("/v1/datasets/topics/preview?rows=100&samples=120&length=9").json()["inputs"]
    for sample in seen["samples"]:
        is_masked = np.array(sample["inputs"]) == MASK
        assert is_masked.sum() == 2  # of nine positions, a fifth
        targets = np.array(sample["target_classes"])
        assert (targets[~is_masked] == -1).all()
        if sample["index"] < 100:
            expected = np.array(rows[sample["index"]])[is_masked]
            np.testing.assert_array_equal(targets[is_masked], expected)
    again = client.post(f"/v1/jobs/{job}/sample-predictions", json=selection).json()
    assert again == seen
    mean = np.mean([sample["loss"] for sample in seen["samples"]])
    assert mean == pytest.approx(reply["latest"]["validation_loss"], rel=1e-5)
    evaluation = client.get(f"/v1/jobs/{job}/evaluation?split=validation").json()
    assert evaluation["predictions"] == 2 * 24
    accuracy = reply["latest"]["validation_accuracy"]
    assert evaluation["classification"]["accuracy"] == pytest.approx(accuracy)
    assert reply["baselines"]["constant"]["validation_loss"] > 3.0


def test_the_draws_of_a_batch_are_those_of_the_training_program(
    client: TestClient, train: Train
) -> None:
    job = created(client, train, TOPICS)
    names = training_program(client.get(f"/v1/jobs/{job}/export?format=training_numpy").content)
    stream = names["new_streams"]()["augmentation"]
    for _ in range(2):
        inputs, _ = names["corrupt"](stream, names["train_inputs"], names["train_targets"])
    query = {"epoch": 2, "batch": 1}
    drawn = client.get(f"/v1/jobs/{job}/random-draws", params=query).json()
    order = names["draw_order"]
    shuffle = names["new_streams"]()["shuffle"]
    rows = [order(shuffle, len(inputs)) for _ in range(2)][1][32:64]
    assert drawn["corruption"]["type"] == "mask"
    numbers = np.reshape(drawn["corruption"]["values"], drawn["corruption"]["shape"])
    lowest = np.argsort(numbers, axis=1)[:, :2]
    expected = np.argwhere(inputs[rows] == MASK)[:, 1].reshape(-1, 2)
    np.testing.assert_array_equal(np.sort(lowest, axis=1), expected)
    table, _ = names["compare"]()
    assert all(row["deviation"] <= row["tolerance"] for row in table), table


def test_rows_that_are_filled_up_are_not_masked_behind_their_end(
    client: TestClient, train: Train
) -> None:
    uploaded = client.post(
        "/v1/datasets",
        params={"name": "words", "text": "lines"},
        content=b"ab\nabcdefgh\nba\nabab\n" * 8,
        headers={"Content-Type": "text/plain"},
    )
    assert uploaded.status_code == 201, uploaded.text
    about = uploaded.json()
    tokens, length = len(about["token_names"]), about["features"]
    layers = [
        {"type": "embedding", "vocabulary": tokens + 1, "units": 4},
        {"type": "dense", "units": tokens, "activation": "softmax"},
    ]
    spec = TOPICS | {
        "network": {"input_shape": [length], "layers": layers},
        "dataset": {"id": about["id"]},
        "corruption": {"type": "mask", "token": tokens, "share": 0.9},
    }
    job = created(client, train, spec)
    seen = client.post(f"/v1/jobs/{job}/sample-predictions", json={"count": 32}).json()
    sizes = {int((np.array(s["inputs"]) == tokens).sum()) for s in seen["samples"]}
    # Rows of 2, 4 and 8 letters, with the line ends around them that are inputs.
    assert sizes == {round(0.9 * n) for n in (4, 6, length)}


def test_members_of_a_sweep_are_masked_by_their_own_seeds(client: TestClient, train: Train) -> None:
    sweep = {"job": TOPICS, "variants": [{"learning_rate": 0.01}, {"seed": 4}]}
    reply = client.post("/v1/sweeps", json=sweep)
    assert reply.status_code == 201, reply.text
    sweep_id = reply.json()["id"]
    assert train(sweep_id) == "succeeded"
    members = client.get(f"/v1/sweeps/{sweep_id}").json()["members"]
    alone = created(client, train, TOPICS | {"seed": 4, "split": {"seed": 0}})
    for name in ("train_loss", "validation_loss"):
        expected = client.get(f"/v1/jobs/{alone}").json()["latest"][name]
        assert members[1]["latest"][name] == pytest.approx(expected, rel=1e-4)
    assert members[0]["latest"]["train_loss"] != members[1]["latest"]["train_loss"]


def test_a_network_trained_on_masked_tokens_does_not_continue_texts(
    client: TestClient, train: Train
) -> None:
    job = created(client, train, TOPICS)
    reply = client.post(f"/v1/jobs/{job}/generate", json={})
    assert reply.status_code == 400
    assert reply.json()["reason"] == "cannot_generate"


LAYERS = TOPICS["network"]["layers"]


@pytest.mark.parametrize(
    ("change", "field", "description"),
    [
        ({"corruption": {"type": "mask", "token": 254}}, "corruption.token", "must be less than"),
        ({"corruption": {"type": "mask", "token": 1, "share": 0}}, "corruption.share", "great"),
        ({"corruption": {"type": "mask", "token": 1, "share": 1}}, "corruption.share", "less"),
        ({"corruption": {"type": "mask"}}, "corruption.token", "equired"),
        ({"corruption": {"type": "hide"}}, "corruption.type", "mask"),
        ({"dataset": {"name": "iris"}}, "corruption.type", "needs rows of tokens"),
        ({"dataset": {"name": "questions"}}, "corruption.type", "needs rows of tokens"),
        ({"loss": "mse"}, "loss", "use cross_entropy"),
        ({"class_weights": "balanced"}, "class_weights", "must be absent"),
        (
            {"dataset": TOPICS["dataset"] | {"scaling": "standard"}},
            "dataset.scaling",
            "must be none",
        ),
        (
            {"network": {"input_shape": [9], "layers": [*LAYERS[:2], LAYERS[2] | {"units": 6}]}},
            "network.layers[2].units",
            "needs the shape [9, 253]",
        ),
        (
            {
                "network": {
                    "input_shape": [9],
                    "layers": [*LAYERS[:2], {"type": "global_average_pool"}, LAYERS[2]],
                }
            },
            "network.layers[3]",
            "needs the shape [9, 253]",
        ),
    ],
)
def test_what_cannot_be_masked_is_refused(
    client: TestClient, change: dict[str, Any], field: str, description: str
) -> None:
    errors = problems(client, TOPICS | change)
    assert description in errors.get(field, ""), errors
