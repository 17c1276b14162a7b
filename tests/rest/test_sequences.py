"""A network with an output at every position of a sequence, from the data to its samples."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from starlette.testclient import TestClient

from epochal_service.datasets import dataset

Train = Callable[[str], str | None]


def sorter(classes: int = 10, length: int = 6, units: int = 32) -> list[dict[str, Any]]:
    return [
        {"type": "embedding", "vocabulary": classes, "units": units},
        {"type": "positional_encoding", "kind": "learned"},
        {"type": "transformer_block", "heads": 4, "hidden": 2 * units},
        {"type": "layer_norm"},
        {"type": "dense", "units": classes, "activation": "softmax"},
    ]


SORTING: dict[str, Any] = {
    "network": {"input_shape": [6], "layers": sorter()},
    "dataset": {"name": "sorting", "samples": 10_000},
    "loss": "cross_entropy",
    "epochs": 2,
    "validation_fraction": 0.1,
    "optimizer": {"type": "adam", "learning_rate": 0.003},
    "schedule": {"type": "cosine"},
}
# Two classes at each of three time steps, by nothing but a mean: hardly trained, quick to make.
SHORT: dict[str, Any] = {
    "network": {"input_shape": [3], "layers": sorter(2, 3, 4)},
    "dataset": {"inputs": [[0, 1, 0], [1, 1, 0]], "targets": [[0, 0, 1], [0, 1, 1]]},
    "loss": "cross_entropy",
    "epochs": 1,
}


def made(client: TestClient, train: Train, spec: dict[str, Any]) -> str:
    answer = client.post("/v1/jobs", json=spec)
    assert answer.is_success, answer.text
    job_id: str = answer.json()["id"]
    assert train(job_id) == "succeeded"
    return job_id


def problem(client: TestClient, spec: dict[str, Any]) -> dict[str, str]:
    answer = client.post("/v1/jobs/validate", json=spec)
    assert answer.status_code == 400, answer.text
    return {error["field"]: error["description"] for error in answer.json()["errors"]}


def test_the_letters_and_what_they_are_sorted_to_are_seen_before_anything_is_trained(
    client: TestClient,
) -> None:
    reply = client.get("/v1/datasets/sorting/preview?rows=2&length=4&classes=3&samples=5").json()
    about = reply["dataset"]
    assert (about["task"], about["samples"], about["features"]) == ("sequence", 5, 4)
    assert about["class_names"] == about["token_names"] == ["a", "b", "c"]
    assert about["target_names"] == ["letter_1", "letter_2", "letter_3", "letter_4"]
    assert reply["targets"] == [sorted(row) for row in reply["inputs"]]


def test_a_transformer_of_9450_parameters_sorts_letters_that_it_has_not_seen(
    client: TestClient, train: Train
) -> None:
    job = made(client, train, SORTING)
    reply = client.get(f"/v1/jobs/{job}").json()
    assert reply["parameters"] == 9_450
    assert reply["latest"]["validation_accuracy"] > 0.97
    matrix = client.get(f"/v1/jobs/{job}/confusion-matrix", params={"split": "validation"}).json()
    assert matrix["predictions"] == 6 * 1_000
    assert matrix["accuracy"] == pytest.approx(reply["latest"]["validation_accuracy"])
    assert 0.9 < matrix["exact_match"] <= matrix["accuracy"]

    selection: dict[str, Any] = {"order": "worst", "count": 1_000, "split": "validation"}
    seen = client.get(f"/v1/jobs/{job}/sample-predictions", params=selection).json()
    assert seen["token_names"] == seen["class_names"] == list("abcdefghij")
    samples = seen["samples"]
    assert all(s["target_classes"] == sorted(s["inputs"]) for s in samples)
    assert all(s["target_class"] is None for s in samples)
    right = [s["predicted_classes"] == s["target_classes"] for s in samples]
    assert sum(right) / 1_000 == pytest.approx(matrix["exact_match"])
    # The worst come first.
    assert right[-1]
    assert samples[0]["loss"] > samples[-1]["loss"]

    answer = client.post(f"/v1/jobs/{job}/predict", json={"inputs": [[3, 1, 2, 0, 5, 4]]}).json()
    assert "".join(answer["labels"]) == "abcdef"


def test_rows_of_labels_in_the_request_are_a_sequence_and_may_have_names(
    client: TestClient, train: Train
) -> None:
    named = SHORT | {"dataset": SHORT["dataset"] | {"class_names": ["low", "high"]}}
    job = made(client, train, named)
    seen = client.get(f"/v1/jobs/{job}/sample-predictions", params={}).json()
    assert seen["class_names"] == ["low", "high"]
    assert seen["token_names"] == []
    assert [s["target_classes"] for s in seen["samples"]] == [[0, 0, 1], [0, 1, 1]]


def test_an_error_names_the_field_that_does_not_fit_a_sequence(client: TestClient) -> None:
    rows = SHORT["dataset"]
    for spec, field, words in (
        (SHORT | {"loss": "mse"}, "network.layers[4]", "needs 3 outputs"),
        (
            SHORT | {"dataset": rows | {"targets": [[0, 0, 1], [0, 1, 2]]}},
            "dataset.targets[1]",
            "from 0 to 1 for every time step",
        ),
        (
            SHORT | {"dataset": rows | {"targets": [[0, 1], [0, 1]]}},
            "network.layers[4]",
            "gives the shape [3, 2], but inline with cross_entropy needs the shape [2, 2]",
        ),
        (
            SHORT | {"dataset": rows | {"class_names": ["one"]}},
            "dataset.class_names",
            "There must be 2",
        ),
        (SORTING | {"loss": "mse"}, "loss", "use cross_entropy"),
        (
            SORTING | {"dataset": {"name": "sorting", "length": 5}},
            "network.input_shape",
            "write [5]",
        ),
        (
            SORTING | {"dataset": {"name": "sorting", "classes": 12}},
            "network.layers[4].units",
            "needs the shape [6, 12]",
        ),
        (
            SORTING | {"dataset": {"name": "sorting", "noise": 0.1}},
            "dataset.noise",
            "its parameters: samples and length and classes",
        ),
    ):
        errors = problem(client, spec)
        assert words in errors.get(field, ""), (field, errors)


def test_more_logits_than_the_limit_are_refused(
    client: TestClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(dataset, "MAX_LOGITS", 100 * 6 * 10 - 1)
    errors = problem(client, SORTING | {"dataset": {"name": "sorting", "samples": 100}})
    assert "use fewer samples, or shorter ones" in errors["dataset"]


def test_saved_letters_keep_their_names(client: TestClient) -> None:
    request = {"name": "short", "generator": {"name": "reversal", "length": 2, "classes": 3}}
    made = client.post("/v1/datasets", json=request).json()
    assert made["task"] == "sequence"
    reply = client.get(f"/v1/datasets/{made['id']}/preview?rows=1").json()
    assert reply["dataset"]["token_names"] == ["a", "b", "c", ">"]
    (row,), (target,) = reply["inputs"], reply["targets"]
    assert row == [*target[::-1], 3, target[0]]


# The same network on rows with padding at some time steps.
PADDED: dict[str, Any] = SHORT | {
    "dataset": {
        "inputs": [[0, 1, 0], [1, 1, 0], [1, 0, 1]],
        "targets": [[0, 0, 1], [1, 1, -1], [-1, 0, -1]],
    },
    "epochs": 3,
    "snapshots": {"weights_every": 1},
}


def test_padded_steps_are_left_out_of_all_results(client: TestClient, train: Train) -> None:
    job = made(client, train, PADDED)
    selection: dict[str, Any] = {"count": 3, "epoch": 3}
    seen = client.get(f"/v1/jobs/{job}/sample-predictions", params=selection).json()["samples"]
    assert [s["target_classes"] for s in seen] == PADDED["dataset"]["targets"]
    assert seen[2]["target"] == [0, 0, 1, 0, 0, 0]
    surprises, right = [], []
    for sample in seen:
        answers = np.array(sample["outputs"]).reshape(3, 2)
        steps = [
            (-np.log(answers[place, label]), sample["predicted_classes"][place] == label)
            for place, label in enumerate(sample["target_classes"])
            if label >= 0
        ]
        assert sample["loss"] == pytest.approx(np.mean([surprise for surprise, _ in steps]))
        surprises += [surprise for surprise, _ in steps]
        right.append([is_correct for _, is_correct in steps])
    # Three steps of the first row, two of the second and one of the third.
    assert len(surprises) == 6

    matrix = client.get(f"/v1/jobs/{job}/confusion-matrix", params={"epoch": 3}).json()
    assert (matrix["predictions"], matrix["unclassified"]) == (6, 0)
    assert [sum(row["counts"]) for row in matrix["rows"]] == [3, 3]
    assert matrix["accuracy"] == pytest.approx(sum(map(sum, right)) / 6)
    assert matrix["exact_match"] == pytest.approx(np.mean([all(row) for row in right]))

    # The last epoch's figures belong to the weights before its only step.
    before = client.get(
        f"/v1/jobs/{job}/sample-predictions", params=selection | {"epoch": 2}
    ).json()
    losses = [s["loss"] * n for s, n in zip(before["samples"], (3, 2, 1), strict=True)]
    latest = client.get(f"/v1/jobs/{job}").json()["latest"]
    assert latest["train_loss"] == pytest.approx(sum(losses) / 6, rel=1e-5)


def test_what_stands_where_a_place_does_not_count_teaches_nothing(
    client: TestClient, train: Train
) -> None:
    # Only the first place counts, of a network that sees each place by itself.
    alone = {"input_shape": [3], "layers": [sorter(3, 3, 4)[0], sorter(3, 3, 4)[-1]]}
    spec = SHORT | {"network": alone, "epochs": 5}

    def weights(rows: list[list[int]], label: int) -> Any:
        data = {"inputs": rows, "targets": [[0, label, label], [1, label, label]]}
        job = made(client, train, spec | {"dataset": data})
        return client.get(f"/v1/jobs/{job}/weights").json()["layers"]

    rows, others = [[0, 2, 2], [1, 2, 2]], [[0, 1, 0], [1, 0, 2]]
    assert weights(rows, -1) == weights(others, -1)
    assert weights(rows, 1) != weights(others, 1)


def test_a_sweep_leaves_out_padded_steps_as_a_job_does(client: TestClient, train: Train) -> None:
    job = made(client, train, PADDED)
    spec = {"job": PADDED, "variants": [{"learning_rate": 0.01}, {"seed": 0}]}
    sweep = client.post("/v1/sweeps", json=spec).json()["id"]
    assert train(sweep) == "succeeded"
    member = client.get(f"/v1/sweeps/{sweep}").json()["members"][1]
    latest = client.get(f"/v1/jobs/{job}").json()["latest"]
    assert member["latest"]["train_loss"] == pytest.approx(latest["train_loss"], rel=1e-5)
    assert member["latest"]["train_accuracy"] == latest["train_accuracy"]


def test_labels_that_are_none_are_refused_and_so_is_a_row_that_counts_nowhere(
    client: TestClient,
) -> None:
    rows = PADDED["dataset"]
    for wrong, words in (
        ([0, -2, 1], "must have a whole label from 0 to 1 for every time step, or -1 for steps"),
        ([0, -0.5, 1], "must have a whole label from 0 to 1 for every time step, or -1 for steps"),
        ([-1, -1, -1], "must have a label for at least one time step"),
    ):
        errors = problem(
            client, PADDED | {"dataset": rows | {"targets": [*rows["targets"][:2], wrong]}}
        )
        assert list(errors) == ["dataset.targets[2]"]
        assert words in errors["dataset.targets[2]"]
    # Where a network answers once, -1 is a label like no other.
    flat = {"input_shape": [3], "layers": [{"type": "dense", "units": 2, "activation": "softmax"}]}
    once = {"inputs": rows["inputs"], "targets": [0, 1, -1]}
    errors = problem(client, PADDED | {"network": flat, "dataset": once})
    assert "must be a whole label from 0 to 255" in errors["dataset.targets[2]"]


def test_the_hidden_space_of_sequences_names_the_class_of_each_step(
    client: TestClient, train: Train
) -> None:
    job = made(client, train, SHORT)
    reply = client.get(f"/v1/jobs/{job}/hidden-space", params={}).json()
    assert reply["targets"] == SHORT["dataset"]["targets"]
    assert reply["classes"] == []
