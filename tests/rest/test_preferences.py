"""Preferences: pairs of answers, networks that learn to prefer them, and reward models."""

import json
from collections.abc import Callable
from typing import Any

import pytest
from starlette.testclient import TestClient

pytestmark = pytest.mark.long

Train = Callable[[str], str | None]

LENGTH = 24
WRITER: dict[str, Any] = {
    "network": {
        "input_shape": [LENGTH],
        "layers": [
            {"type": "embedding", "vocabulary": 25, "units": 16},
            {"type": "positional_encoding", "kind": "learned"},
            {"type": "transformer_block", "heads": 2, "hidden": 32, "causal": True},
            {"type": "layer_norm"},
            {"type": "dense", "units": 24, "activation": "softmax"},
        ],
    },
    "dataset": {"name": "sentences", "samples": 400, "length": LENGTH},
    "loss": "cross_entropy",
    "optimizer": {"type": "adam", "learning_rate": 0.005},
    "epochs": 4,
}
PAIRS = {"name": "preferences", "samples": 200, "length": LENGTH}
PREFERRED: dict[str, Any] = {
    "network": WRITER["network"],
    "dataset": PAIRS,
    "loss": "preference",
    "loss_options": {"beta": 0.5},
    "validation_fraction": 0.2,
    "optimizer": {"type": "adam", "learning_rate": 0.001},
    "epochs": 4,
}
REWARD_MODEL: dict[str, Any] = {
    **PREFERRED,
    "network": {
        "input_shape": [LENGTH],
        "layers": [
            {"type": "embedding", "vocabulary": 25, "units": 16},
            {"type": "conv1d", "filters": 16, "kernel_size": 4, "activation": "relu"},
            {"type": "global_max_pool"},
            {"type": "dense", "units": 1},
        ],
    },
    "loss_options": {},
    "optimizer": {"type": "adam", "learning_rate": 0.01},
    "epochs": 20,
}


def created(client: TestClient, train: Train, spec: dict[str, Any]) -> str:
    answer = client.post("/v1/jobs", json=spec)
    assert answer.is_success, answer.text
    job_id: str = answer.json()["id"]
    assert train(job_id) == "succeeded"
    return job_id


@pytest.fixture
def writer(client: TestClient, train: Train) -> str:
    return created(client, train, WRITER)


def after(writer: str, **changes: Any) -> dict[str, Any]:
    return {**PREFERRED, "initial_weights": {"job": writer}, **changes}


def epochs(client: TestClient, job: str) -> list[dict[str, Any]]:
    rows: list[dict[str, Any]] = client.get(f"/v1/jobs/{job}/epochs").json()["epochs"]
    return rows


def refused(client: TestClient, spec: dict[str, Any]) -> dict[str, str]:
    answer = client.post("/v1/jobs", json=spec)
    assert answer.status_code == 400, answer.text
    return {error["field"]: error["description"] for error in answer.json()["errors"]}


def uploaded(client: TestClient, entries: list[Any], **options: Any) -> Any:
    return client.post(
        "/v1/datasets",
        params={"name": "judged", "text": "preferences", **options},
        content="\n".join(
            entry if isinstance(entry, str) else json.dumps(entry) for entry in entries
        ),
        headers={"Content-Type": "text/plain"},
    )


def test_a_network_learns_to_prefer_what_a_rule_prefers(
    client: TestClient, train: Train, writer: str
) -> None:
    job = created(client, train, after(writer, epochs=8))
    rows = epochs(client, job)
    assert rows[-1]["train_loss"] < rows[0]["train_loss"] < 0.75
    assert rows[-1]["train_accuracy"] > 0.7
    assert rows[-1]["validation_accuracy"] > 0.5
    reply = client.get(f"/v1/jobs/{job}").json()
    assert reply["baselines"]["constant"]["train_loss"] == pytest.approx(0.6931, abs=1e-4)
    assert reply["baselines"]["initial"]["validation_loss"] == pytest.approx(0.6931, abs=1e-4)
    text = client.post(f"/v1/jobs/{job}/generate", json={"prompt": "the ", "max_tokens": 8})
    assert text.is_success, text.text


def test_the_rows_of_a_pair_stay_in_one_part(client: TestClient, train: Train, writer: str) -> None:
    job = created(client, train, after(writer))
    assert client.get(f"/v1/jobs/{job}").json()["spec"]["split"]["group_column"] == "pair"
    samples = client.get(f"/v1/jobs/{job}/evaluation", params={"split": "validation"}).json()
    assert samples["samples"] == 40


def test_single_rows_are_judged_by_their_next_tokens(
    client: TestClient, train: Train, writer: str
) -> None:
    job = created(client, train, after(writer))
    evaluation = client.get(f"/v1/jobs/{job}/evaluation").json()
    assert evaluation["classification"]["log_loss"] < 2.5
    worst = client.get(f"/v1/jobs/{job}/sample-predictions", params={"order": "worst", "count": 2})
    assert worst.is_success, worst.text
    assert all(0 < sample["loss"] < 5 for sample in worst.json()["samples"])
    diagnosis = client.get(f"/v1/jobs/{job}/diagnosis").json()
    assert (diagnosis["epoch"], diagnosis["findings"]) == (4, [])
    answer = client.get(f"/v1/jobs/{job}/export", params={"format": "training_numpy"})
    assert answer.status_code == 400
    assert "no program trains with preference" in answer.text


def test_a_network_with_one_output_becomes_a_reward_model(client: TestClient, train: Train) -> None:
    job = created(client, train, REWARD_MODEL)
    rows = epochs(client, job)
    assert rows[-1]["train_accuracy"] > 0.9
    assert rows[-1]["validation_accuracy"] > 0.7
    preview = client.get("/v1/datasets/preferences/preview", params={"samples": 200, "rows": 20})
    outputs = client.post(
        f"/v1/jobs/{job}/predict", json={"inputs": preview.json()["inputs"]}
    ).json()
    scores = [row[0] for row in outputs["outputs"]]
    assert sum(a > b for a, b in zip(scores[::2], scores[1::2], strict=True)) >= 8
    assert outputs["classes"] == outputs["labels"] == []
    for path in ("evaluation", "confusion-matrix"):
        answer = client.get(f"/v1/jobs/{job}/{path}")
        if answer.status_code == 405:
            answer = client.post(f"/v1/jobs/{job}/{path}", json={})
        assert answer.status_code == 400, answer.text
        assert "compares two rows" in answer.text
    space = client.get(f"/v1/jobs/{job}/hidden-space", params={"samples": 20}).json()
    assert len(space["points"]) == 20
    assert space["targets"] == space["classes"] == space["class_names"] == []


def test_inline_rows_are_pairs_in_turn(client: TestClient, train: Train) -> None:
    inputs = [[i / 10, 1 - i / 10] for i in range(10)]
    rows = [row for low, high in zip(inputs[:5], inputs[5:], strict=True) for row in (high, low)]
    spec: dict[str, Any] = {
        "network": {"input_shape": [2], "layers": [{"type": "dense", "units": 1}]},
        "dataset": {"inputs": rows, "targets": [1, 0] * 5},
        "loss": "preference",
        "optimizer": {"type": "adam", "learning_rate": 0.1},
        "epochs": 30,
    }
    job = created(client, train, spec)
    assert epochs(client, job)[-1]["train_accuracy"] == 1
    assert refused(client, {**spec, "dataset": {"inputs": rows[:3], "targets": [1, 0, 1]}}) == {
        "dataset.inputs": "There are 3 rows: preference needs pairs, a chosen row and then the "
        "rejected one."
    }
    errors = refused(client, {**spec, "dataset": {"inputs": rows, "targets": [0, 1] * 5}})
    assert errors["dataset.targets[0]"].startswith("must be 1: of each pair")
    same = {"inputs": [*rows[:2], rows[4], rows[4]], "targets": [1, 0, 1, 0]}
    assert "equal" in refused(client, {**spec, "dataset": same})["dataset"]


def test_an_upload_has_the_vocabulary_of_the_data_that_the_network_knows(
    client: TestClient, train: Train, writer: str
) -> None:
    entries = [
        {"prompt": "the ", "chosen": f"{word} moon", "rejected": f"{word} cat"}
        for word in ("young", "gray", "small", "quiet", "bright", "slow")
    ]
    foreign = uploaded(client, entries, length=LENGTH)
    assert foreign.is_success, foreign.text
    reply = uploaded(client, entries, vocabulary="sentences", length=LENGTH)
    assert reply.is_success, reply.text
    dataset = reply.json()
    assert (dataset["samples"], len(dataset["token_names"])) == (12, 25)
    preview = client.get(f"/v1/datasets/{dataset['id']}/preview").json()
    names = dataset["token_names"]
    text = "".join(names[int(token)] for token in preview["inputs"][0])
    assert text.startswith(">the young moo")
    job = created(client, train, after(writer, dataset={"id": dataset["id"]}))
    assert epochs(client, job)[-1]["train_accuracy"] > 0.5
    errors = refused(client, after(writer, dataset={"id": foreign.json()["id"]}))
    assert "upload the text with the option vocabulary" in errors["dataset"]


@pytest.mark.parametrize(
    ("entries", "options", "field", "text"),
    [
        (
            [{"prompt": "a", "chosen": "b"}],
            {},
            "lines[1]",
            'must be {"prompt": "…", "chosen": "…", "rejected": "…"} with three texts',
        ),
        (
            [{"prompt": "a", "chosen": "bc", "rejected": "bc"}],
            {},
            "lines[1]",
            "prefers a text to itself",
        ),
        (
            [{"prompt": "the ", "chosen": "Cat", "rejected": "dog"}],
            {"vocabulary": "sentences"},
            "lines[1]",
            "has characters that the vocabulary does not have: 'C'",
        ),
        (
            [{"prompt": "the ", "chosen": "cat", "rejected": "dog"}],
            {"vocabulary": "sentences", "merges": 3},
            "merges",
            "must be 0 with a vocabulary",
        ),
        (
            [{"prompt": "the ", "chosen": "cat", "rejected": "dog"}],
            {"vocabulary": "nothing"},
            "vocabulary",
            "There is no data set nothing",
        ),
        (
            [{"prompt": "the ", "chosen": "cat", "rejected": "dog"}],
            {"vocabulary": "iris"},
            "vocabulary",
            "must be a data set of text alone",
        ),
        ([{"prompt": "the ", "chosen": "x" * 600, "rejected": "y"}], {}, "lines[1]", "takes 60"),
    ],
)
def test_bad_entries_are_refused(
    client: TestClient, entries: list[Any], options: dict[str, Any], field: str, text: str
) -> None:
    answer = uploaded(client, entries, **options)
    assert answer.status_code == 400, answer.text
    errors = {error["field"]: error["description"] for error in answer.json()["errors"]}
    assert text in errors[field], errors


@pytest.mark.parametrize(
    ("changes", "field", "text"),
    [
        ({"initial_weights": None}, "initial_weights", "must name a job"),
        ({"dataset": WRITER["dataset"]}, "loss", "needs pairs of rows"),
        ({"loss_options": {"beta": 0}}, "loss_options.beta", "greater than 0"),
        ({"loss_options": {"beta": 101}}, "loss_options.beta", "must be at most 100"),
        ({"loss_options": {"gamma": 1}}, "loss_options", "has no option gamma"),
        (
            {"target": {"metric": "train_exact_match", "value": 1}},
            "target.metric",
            "sequences of classes",
        ),
        ({"class_weights": "balanced"}, "class_weights", "pairs have no classes"),
        ({"split": {"group_column": "character_1"}}, "split.group_column", "must be pair"),
        ({"dataset": {**PAIRS, "samples": 201}}, "dataset.samples", "must be even"),
        (
            {"augmentation": [{"type": "noise", "standard_deviation": 0.1}]},
            "augmentation",
            "must be absent",
        ),
    ],
)
def test_what_does_not_fit_pairs_is_refused(
    client: TestClient, writer: str, changes: dict[str, Any], field: str, text: str
) -> None:
    errors = refused(client, after(writer, **changes))
    assert text in errors[field], errors


def test_a_network_that_does_not_predict_next_tokens_is_refused(
    client: TestClient, writer: str
) -> None:
    layers = [dict(layer) for layer in WRITER["network"]["layers"]]
    layers[2]["causal"] = False
    network = {"input_shape": [LENGTH], "layers": layers}
    errors = refused(client, after(writer, network=network))
    assert "make attention causal" in errors["network.layers"]
    layers[2]["causal"], layers[-1]["activation"] = True, "linear"
    errors = refused(client, after(writer, network=network))
    assert "needs a network that ends in softmax" in errors["network.layers[4].activation"]
    layers[-1] = {"type": "dense", "units": 2}
    assert "gives the shape [24, 2]" in str(refused(client, after(writer, network=network)))


def test_a_sweep_is_refused(client: TestClient) -> None:
    body = {"job": REWARD_MODEL, "variants": [{"learning_rate": 0.1}]}
    answer = client.post("/v1/sweeps", json=body)
    assert answer.status_code == 400
    assert answer.json()["errors"][0]["field"] == "job.loss"
