"""Jobs that hide a part of every sample and predict it, from the request to the inspection."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from starlette.testclient import TestClient
from tests.engine.recordings import training_program

import epochal_engine as engine
from epochal_engine.data.generators import two_moons

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
    selection: dict[str, Any] = {"count": 200, "split": "validation"}
    seen = client.get(f"/v1/jobs/{job}/sample-predictions", params=selection).json()
    assert len(seen["samples"]) == 24
    assert seen["token_names"] == [*seen["class_names"], "_"]
    rows = client.get("/v1/datasets/topics/preview?rows=100&samples=120&length=9").json()["inputs"]
    for sample in seen["samples"]:
        is_masked = np.array(sample["inputs"]) == MASK
        assert is_masked.sum() == 2  # of nine positions, a fifth
        targets = np.array(sample["target_classes"])
        assert (targets[~is_masked] == -1).all()
        if sample["index"] < 100:
            expected = np.array(rows[sample["index"]])[is_masked]
            np.testing.assert_array_equal(targets[is_masked], expected)
    again = client.get(f"/v1/jobs/{job}/sample-predictions", params=selection).json()
    assert again == seen
    mean = np.mean([sample["loss"] for sample in seen["samples"]])
    assert mean == pytest.approx(reply["latest"]["validation_loss"], rel=1e-5)
    evaluation = client.get(f"/v1/jobs/{job}/evaluation?split=validation").json()
    assert evaluation["predictions"] == 2 * 24
    accuracy = reply["latest"]["validation_accuracy"]
    assert evaluation["classification"]["accuracy"] == pytest.approx(accuracy)
    assert reply["baselines"]["constant"]["validation_loss"] > 3.0


def test_a_text_may_have_masks_by_their_name(client: TestClient, train: Train) -> None:
    job = created(client, train, TOPICS)
    words = client.get("/v1/datasets/topics/preview?rows=1").json()["dataset"]["token_names"]
    request = {"texts": [f"{words[1]} _ {words[2]}"]}
    reply = client.post(f"/v1/jobs/{job}/attention", json=request)
    assert reply.status_code == 200, reply.text
    attention = reply.json()
    assert attention["inputs"][0][: attention["lengths"][0]] == [1, MASK, 2]
    assert attention["token_names"][MASK] == "_"


def test_the_gaps_of_texts_are_filled_with_probabilities(client: TestClient, train: Train) -> None:
    job = created(client, train, TOPICS)
    texts = ["[topic] sea1 _ the _ of a sea4 sea5", "_ sea1 sea2 the a of a sea4 sea5"]

    def activations(job: str, **request: Any) -> Any:
        return client.post(f"/v1/jobs/{job}/activations", json=request)

    whole = activations(job, texts=texts).json()
    gaps = activations(job, texts=texts, only_masked=True).json()
    (every, some) = (
        {part["name"]: part for part in [*reply["layers"], reply["logits"]]}
        for reply in (whole, gaps)
    )
    assert {*every} == {*some}
    assert some["dense_3"]["shape"] == [3, MASK]
    for name, part in every.items():
        values = np.reshape(part["values"], part["shape"])
        expected = [values[0, 2], values[0, 4], values[1, 0]]
        np.testing.assert_array_equal(
            np.reshape(some[name]["values"], some[name]["shape"]), expected
        )

    unmasked = activations(job, texts=["sea1"], only_masked=True)
    assert unmasked.status_code == 400
    assert "the token 253" in unmasked.json()["errors"][0]["description"]
    plain = {key: value for key, value in TOPICS.items() if key != "corruption"}
    plain["network"] = {
        "input_shape": [9],
        "layers": [
            {"type": "embedding", "vocabulary": 254, "units": 2},
            {"type": "global_average_pool"},
            {"type": "dense", "units": 6, "activation": "softmax"},
        ],
    }
    other = activations(created(client, train, plain), only_masked=True)
    assert other.status_code == 400
    assert other.json()["errors"][0]["field"] == "only_masked"


@pytest.mark.parametrize(
    ("text", "beyond", "expected"),
    [
        (b"abcd\nbadc\n", 0, ["_"]),
        (b"ab_d\nba_c\n", 0, ["\u25a1"]),
        (b"abcd\nbadc\n", 2, ["5", "6", "_"]),
    ],
    ids=["new", "underscores in the text", "unused tokens before it"],
)
def test_the_mask_has_a_name_that_no_token_of_the_data_has(
    client: TestClient, train: Train, text: bytes, beyond: int, expected: list[str]
) -> None:
    about = client.post(
        "/v1/datasets",
        params={"name": "lines", "text": "lines"},
        content=text * 16,
        headers={"Content-Type": "text/plain"},
    ).json()
    tokens, length = len(about["token_names"]), about["features"]
    mask = tokens + beyond
    layers = [
        {"type": "embedding", "vocabulary": mask + 1, "units": 4},
        {"type": "dense", "units": tokens, "activation": "softmax"},
    ]
    spec = TOPICS | {
        "network": {"input_shape": [length], "layers": layers},
        "dataset": {"id": about["id"]},
        "corruption": {"type": "mask", "token": mask},
    }
    job = created(client, train, spec)
    seen = client.get(f"/v1/jobs/{job}/sample-predictions", params={"count": 4}).json()
    assert seen["token_names"] == [*about["token_names"], *expected]
    assert seen["class_names"] == about["token_names"]


@pytest.mark.parametrize(
    "split", [{}, {"split": {"seed": 7}}], ids=["the parent's split", "a split of its own"]
)
def test_a_labeled_fork_is_validated_on_rows_that_were_not_seen_before(
    client: TestClient, train: Train, split: dict[str, Any]
) -> None:
    parent = created(client, train, TOPICS | {"split": {"seed": 7}})
    head = [{"type": "global_average_pool"}, {"type": "dense", "units": 6, "activation": "softmax"}]
    spec = {name: value for name, value in TOPICS.items() if name != "corruption"} | {
        "network": {"input_shape": [9], "layers": [*LAYERS[:2], *head]},
        "initial_weights": {"job": parent, "layers": ["embedding_1", "transformer_block_2"]},
        **split,
    }
    fork = created(client, train, spec)
    assert client.get(f"/v1/jobs/{fork}").json()["spec"]["split"]["stratify"] is False
    selection: dict[str, Any] = {"count": 200, "split": "validation"}
    validated = [
        {
            sample["index"]
            for sample in client.get(f"/v1/jobs/{job}/sample-predictions", params=selection).json()[
                "samples"
            ]
        }
        for job in (parent, fork)
    ]
    assert validated[0] == validated[1]
    stratified = created(client, train, spec | {"split": {"seed": 7, "stratify": True}})
    assert client.get(f"/v1/jobs/{stratified}").json()["spec"]["split"]["stratify"] is True


def test_a_mask_that_is_a_token_of_the_data_has_its_name(client: TestClient, train: Train) -> None:
    job = created(client, train, TOPICS | {"corruption": {"type": "mask", "token": 7}})
    seen = client.get(f"/v1/jobs/{job}/sample-predictions", params={"count": 4}).json()
    assert seen["token_names"] == seen["class_names"]


@pytest.mark.long
def test_the_draws_of_a_batch_are_those_of_the_training_program(
    client: TestClient, train: Train
) -> None:
    # Adam, the default, would enlarge what rounding does to gradients that are almost 0.
    spec = TOPICS | {"optimizer": {"type": "sgd", "learning_rate": 0.1}}
    job = created(client, train, spec)
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
    seen = client.get(f"/v1/jobs/{job}/sample-predictions", params={"count": 32}).json()
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


# ------------------------------------------------------------------------------------- diffusion

MOONS: dict[str, Any] = {
    "network": {
        "input_shape": [3],
        "layers": [
            *[{"type": "dense", "units": 64, "activation": "silu"}] * 3,
            {"type": "dense", "units": 2},
        ],
    },
    "dataset": {"name": "two_moons", "samples": 2000, "noise": 0.06, "scaling": "standard"},
    "loss": "mse",
    "epochs": 200,
    "batch_size": 128,
    "optimizer": {"type": "adam", "learning_rate": 0.003},
    "schedule": {"type": "cosine"},
    "corruption": {"type": "diffuse", "steps": 50},
    "snapshots": {"gradients_every": 0},
}
# Four points, one for each class, so that a class is seen.
CORNERS: dict[str, Any] = MOONS | {
    "network": {"input_shape": [7], "layers": MOONS["network"]["layers"]},
    "dataset": {
        "inputs": [[x, y] for x in (-1, 1) for y in (-1, 1)] * 100,
        "targets": [[0], [1], [2], [3]] * 100,
        "class_names": ["a", "b", "c", "d"],
    },
    "loss": "mse",
    "epochs": 60,
}


def nearest_neighbor_accuracy(samples: np.ndarray, others: np.ndarray) -> float:
    """How often a point and its nearest neighbor share a set: a half if the sets are alike."""
    points = np.concatenate([samples, others])
    is_other = np.arange(len(points)) >= len(samples)
    distances = np.square(points[:, None] - points).sum(-1)
    np.fill_diagonal(distances, np.inf)
    return float((is_other[distances.argmin(1)] == is_other).mean())


def fresh_moons(client: TestClient, seed: int) -> np.ndarray:
    query = f"rows=500&samples=500&noise=0.06&seed={seed}"
    return np.array(client.get(f"/v1/datasets/two_moons/preview?{query}").json()["inputs"])


@pytest.mark.long
def test_diffusion_makes_moons_that_are_nearer_to_fresh_ones_than_a_gaussian(
    client: TestClient, train: Train
) -> None:
    job = created(client, train, MOONS)
    request = {"count": 500, "seed": 1}
    reply = client.post(f"/v1/jobs/{job}/generate", json=request).json()
    assert reply["diffusion"]["steps"] == 50
    assert reply["diffusion"]["feature_names"] == ["x", "y"]
    assert [part["step"] for part in reply["denoised"]] == [*range(50, -1, -5)]
    noise, samples = (np.array(reply["denoised"][i]["samples"]) for i in (0, -1))
    fresh = fresh_moons(client, seed=9)
    assert nearest_neighbor_accuracy(samples, fresh) < 0.62
    gaussian = np.random.default_rng(0).multivariate_normal(fresh.mean(0), np.cov(fresh.T), 500)
    assert nearest_neighbor_accuracy(gaussian, fresh) > 0.7
    assert nearest_neighbor_accuracy(noise, fresh) > 0.7
    again = client.post(f"/v1/jobs/{job}/generate", json=request | {"count": 3}).json()
    assert again["denoised"][-1]["samples"] == reply["denoised"][-1]["samples"][:3]
    other = client.post(f"/v1/jobs/{job}/generate", json=request | {"seed": 2}).json()
    assert other["denoised"][-1]["samples"] != reply["denoised"][-1]["samples"]


def test_a_class_can_be_chosen_where_the_network_takes_it(client: TestClient, train: Train) -> None:
    job = created(client, train, CORNERS)
    url = f"/v1/jobs/{job}/generate"
    reply = client.post(url, json={"count": 40}).json()
    assert reply["diffusion"]["class_names"] == ["a", "b", "c", "d"]
    assert reply["diffusion"]["classes"] == [0, 1, 2, 3] * 10
    corners = np.array([[-1, -1], [-1, 1], [1, -1], [1, 1]])
    last = np.array(reply["denoised"][-1]["samples"])
    nearest = np.square(last[:, None] - corners).sum(-1).argmin(1)
    assert (nearest == reply["diffusion"]["classes"]).mean() >= 0.9
    chosen = client.post(url, json={"count": 40, "class_name": "c"}).json()
    last = np.array(chosen["denoised"][-1]["samples"])
    assert (np.square(last - corners[2]).sum(-1) < 0.5).mean() >= 0.9


@pytest.mark.parametrize(
    ("spec", "request_", "field", "description"),
    [
        (MOONS, {"prompt": "a"}, "prompt", "must be absent"),
        (MOONS, {"temperature": 0}, "temperature", "must be absent"),
        (MOONS, {"class_name": "0"}, "class_name", "trained without classes"),
        (MOONS, {"count": 1001}, "count", "1000"),
        (MOONS, {"epoch": 9, "steps_per_event": 0}, "steps_per_event", "at least 1"),
        (CORNERS, {"class_name": "e"}, "class_name", "must be one of a, b, c, d"),
        (TOPICS, {"class_name": "sea"}, "id", "predicts the next token"),
    ],
)
def test_what_cannot_be_generated_is_refused(
    client: TestClient,
    train: Train,
    spec: dict[str, Any],
    request_: dict[str, Any],
    field: str,
    description: str,
) -> None:
    job = created(client, train, spec | {"epochs": 1})
    reply = client.post(f"/v1/jobs/{job}/generate", json=request_)
    assert reply.status_code == 400, reply.text
    errors = {error["field"]: error["description"] for error in reply.json()["errors"]}
    assert description in errors.get(field, ""), errors


@pytest.mark.parametrize(
    ("change", "field", "description"),
    [
        ({"network": TOPICS["network"]}, "network.input_shape", "must be [3]"),
        ({"loss": "binary_cross_entropy"}, "corruption", "needs a loss for numbers"),
        ({"corruption": {"type": "diffuse", "steps": 1}}, "corruption.steps", "at least 2"),
        ({"target_scaling": "standardize"}, "target_scaling", "must be none"),
        (
            {"network": {"input_shape": [3], "layers": [{"type": "dense", "units": 3}]}},
            "network.layers[0].units",
            "needs 2 outputs",
        ),
    ],
)
def test_what_cannot_be_diffused_is_refused(
    client: TestClient, change: dict[str, Any], field: str, description: str
) -> None:
    errors = problems(client, MOONS | change)
    assert description in errors.get(field, ""), errors


def test_what_a_diffusion_network_is_inspected_on_is_the_fixed_draw(
    client: TestClient, train: Train
) -> None:
    job = created(client, train, MOONS | {"epochs": 3, "validation_fraction": 0.25})
    reply = client.get(f"/v1/jobs/{job}").json()
    selection: dict[str, Any] = {"count": 500, "split": "validation"}
    seen = client.get(f"/v1/jobs/{job}/sample-predictions", params=selection).json()
    losses = [sample["loss"] for sample in seen["samples"]]
    assert np.mean(losses) == pytest.approx(reply["latest"]["validation_loss"], rel=1e-4)
    times = {round(50 * sample["inputs"][2], 4) for sample in seen["samples"]}
    assert times <= {float(step) for step in range(1, 51)}
    assert len(times) > 40
    assert reply["baselines"]["constant"]["train_loss"] == pytest.approx(1.0, abs=0.1)


@pytest.mark.long
def test_a_claim_compares_generated_samples_with_those_of_validation(
    client: TestClient, train: Train, monkeypatch: pytest.MonkeyPatch
) -> None:
    job = MOONS | {"validation_fraction": 0.2}
    metric = "nearest_neighbor_accuracy"
    spec = {
        "jobs": {"trained": job, "untrained": job | {"epochs": 1}},
        "claims": [
            {"job": "trained", "metric": metric, "at_most": 0.62},
            {"job": "untrained", "minus": "trained", "metric": metric, "at_least": 0.1},
        ],
    }
    reply = client.post("/v1/experiments", json=spec)
    assert reply.status_code == 201, reply.text
    url = f"/v1/experiments/{reply.json()['id']}"
    jobs = {row["job"]: row["id"] for row in reply.json()["jobs"]}
    assert [train(job_id) for job_id in jobs.values()] == ["succeeded"] * 2
    with monkeypatch.context() as patched:
        # The workers have computed all of it.
        patched.delattr(engine, "predict")
        claims = client.get(url).json()["claims"]
    assert [claim["outcome"] for claim in claims] == ["met", "met"]
    selection: dict[str, Any] = {"split": "validation", "count": 1000, "order": "random"}
    seen = client.get(f"/v1/jobs/{jobs['trained']}/sample-predictions", params=selection).json()
    rows = [sample["index"] for sample in seen["samples"]]
    assert len(rows) == 400
    points, _ = two_moons(samples=2000, noise=0.06, rng=np.random.default_rng(0))
    made = client.post(f"/v1/jobs/{jobs['trained']}/generate", json={"count": 400}).json()
    samples = np.array(made["denoised"][-1]["samples"])
    scale = np.delete(points, rows, axis=0).std(0)
    distance = nearest_neighbor_accuracy(samples / scale, points[rows] / scale)
    assert claims[0]["runs"][0]["value"] == pytest.approx(distance, abs=0.01)


CLASSIFIER: dict[str, Any] = {
    "network": {
        "input_shape": [2],
        "layers": [{"type": "dense", "units": 4, "activation": "softmax"}],
    },
    "dataset": CORNERS["dataset"] | {"scaling": "standard"},
    "loss": "cross_entropy",
    "epochs": 20,
    "optimizer": {"type": "adam", "learning_rate": 0.02},
}


def class_claim(**more: Any) -> dict[str, Any]:
    claim = {"job": "points", "metric": "class_accuracy", "classifier": "classifier", "at_least": 0}
    return {**claim, **more}


def test_a_claim_counts_samples_that_a_classifier_assigns_to_their_class(
    client: TestClient, train: Train
) -> None:
    jobs = {"points": CORNERS | {"epochs": 25}, "early": CORNERS | {"epochs": 1}}
    spec = {
        "jobs": {**jobs, "classifier": CLASSIFIER},
        "claims": [class_claim(), class_claim(minus="early", at_least=0.2)],
    }
    reply = client.post("/v1/experiments", json=spec)
    assert reply.status_code == 201, reply.text
    url = f"/v1/experiments/{reply.json()['id']}"
    ids = {row["job"]: row["id"] for row in reply.json()["jobs"]}
    needs = {row["job"]: row["needs"] for row in reply.json()["jobs"]}
    assert needs == {"classifier": [], "points": ["classifier"], "early": ["classifier"]}
    for name in ("classifier", "points", "early"):
        assert client.get(url).json()["claims"][1]["outcome"] == "pending"
        assert train(ids[name]) == "succeeded"
    alone, difference = client.get(url).json()["claims"]
    assert alone["text"] == "points: class_accuracy by classifier at least 0"
    expected = {}
    for name in jobs:
        made = client.post(f"/v1/jobs/{ids[name]}/generate", json={"count": 200}).json()
        body = {"inputs": made["denoised"][-1]["samples"]}
        predicted = client.post(f"/v1/jobs/{ids['classifier']}/predict", json=body).json()
        classes = np.argmax(predicted["outputs"], axis=1)
        expected[name] = np.mean(classes == made["diffusion"]["classes"])
    assert alone["runs"][0]["value"] == expected["points"] > 0.5
    assert difference["outcome"] == "met"
    assert difference["runs"][0]["minus_value"] == expected["early"] < 0.5


def test_a_network_does_not_train_without_the_classifier_of_its_claim(client: TestClient) -> None:
    spec = {"jobs": {"points": CORNERS, "classifier": CLASSIFIER}, "claims": [class_claim()]}
    made = client.post("/v1/experiments", json=spec).json()
    ids = {row["job"]: row["id"] for row in made["jobs"]}
    assert client.get(f"/v1/jobs/{ids['points']}").json()["state"] == "waiting"
    assert client.post(f"/v1/jobs/{ids['classifier']}/cancel").status_code == 200
    assert client.get(f"/v1/jobs/{ids['points']}").json()["stop_reason"] == "dependency_failed"
    (claim,) = client.get(f"/v1/experiments/{made['id']}").json()["claims"]
    assert claim["outcome"] == "unknown"


def test_a_classifier_that_was_deleted_leaves_the_claim_unknown(
    client: TestClient, train: Train
) -> None:
    jobs = {"points": CORNERS | {"epochs": 1}, "classifier": CLASSIFIER}
    made = client.post("/v1/experiments", json={"jobs": jobs, "claims": [class_claim()]}).json()
    ids = {row["job"]: row["id"] for row in made["jobs"]}
    assert train(ids["classifier"]) == "succeeded"
    assert client.delete(f"/v1/jobs/{ids['classifier']}").status_code == 204
    assert train(ids["points"]) == "succeeded"
    (claim,) = client.get(f"/v1/experiments/{made['id']}").json()["claims"]
    assert claim["outcome"] == "unknown"


def test_classifiers_that_need_each_other_are_refused(client: TestClient) -> None:
    claims = [class_claim(), class_claim(job="classifier", classifier="points")]
    spec = {"jobs": {"points": CORNERS, "classifier": CLASSIFIER}, "claims": claims}
    reply = client.post("/v1/experiments", json=spec)
    assert reply.status_code == 400, reply.text
    fields = [error["field"] for error in reply.json()["errors"]]
    assert fields == ["claims[0].classifier", "claims[1].classifier"]


@pytest.mark.parametrize(
    ("claim", "errors"),
    [
        (class_claim(classifier=None), {"classifier": "must be the name"}),
        (class_claim(classifier="other"), {"classifier": "points"}),
        (class_claim(metric="train_loss"), {"classifier": "must be absent"}),
        (class_claim(classifier="points"), {"classifier": "points needs points"}),
        (class_claim(classifier="early"), {"classifier": "2 features, as a, b, c, d"}),
        (class_claim(classifier="wide"), {"classifier": "2 features, as a, b, c, d"}),
        (class_claim(classifier="letters"), {"classifier": "2 features, as a, b, c, d"}),
        (class_claim(job="moons"), {"metric": "takes the class"}),
        (class_claim(job="letters"), {"metric": "takes the class"}),
        (class_claim(minus="moons"), {"metric": "a metric of moons"}),
        (class_claim(epoch="last"), {"epoch": "must be absent"}),
        (class_claim(within_epochs=2), {"within_epochs": "must be absent"}),
        (class_claim(position=0), {"position": "must be absent"}),
        (class_claim(minus_baseline="constant"), {"minus_baseline": "has losses"}),
    ],
)
def test_claims_on_the_class_need_a_classifier_of_what_is_generated(
    client: TestClient, claim: dict[str, Any], errors: dict[str, str]
) -> None:
    inline = CORNERS["dataset"]
    rows = [[*row, 0] for row in inline["inputs"]]
    wide = CLASSIFIER["network"] | {"input_shape": [3]}
    jobs = {
        "points": CORNERS,
        "early": CORNERS,
        "classifier": CLASSIFIER,
        "moons": MOONS,
        "wide": CLASSIFIER | {"network": wide, "dataset": inline | {"inputs": rows}},
        "letters": CLASSIFIER | {"dataset": inline | {"class_names": ["a", "b", "c", "e"]}},
    }
    reply = client.post("/v1/experiments", json={"jobs": jobs, "claims": [claim]})
    assert reply.status_code == 400, reply.text
    actual = {error["field"]: error["description"] for error in reply.json()["errors"]}
    assert actual.keys() == {f"claims[0].{field}" for field in errors}, actual
    for field, text in errors.items():
        assert text in actual[f"claims[0].{field}"]


@pytest.mark.parametrize(
    ("job", "more", "field"),
    [
        (MOONS, {}, "claims[0].metric"),  # without a validation part
        (TOPICS, {}, "claims[0].metric"),
        (MOONS | {"validation_fraction": 0.2}, {"epoch": "last"}, "claims[0].epoch"),
    ],
)
def test_claims_on_samples_that_there_are_not_are_refused(
    client: TestClient, job: dict[str, Any], more: dict[str, Any], field: str
) -> None:
    claim = {"job": "only", "metric": "nearest_neighbor_accuracy", "at_most": 0.6, **more}
    reply = client.post("/v1/experiments", json={"jobs": {"only": job}, "claims": [claim]})
    assert reply.status_code == 400, reply.text
    assert [error["field"] for error in reply.json()["errors"]] == [field]


@pytest.mark.parametrize(
    "spec",
    [
        TOPICS,
        MOONS | {"epochs": 2},
        MOONS
        | {
            "epochs": 2,
            "network": {"input_shape": [2], "layers": [{"type": "dense", "units": 1}]},
            "dataset": {"name": "sine", "scaling": "standard"},
        },
    ],
    ids=["mask", "diffuse", "one feature"],
)
def test_a_job_that_corrupts_its_samples_is_diagnosed_on_corrupted_ones(
    client: TestClient, train: Train, spec: dict[str, Any]
) -> None:
    job = created(client, train, spec)
    reply = client.get(f"/v1/jobs/{job}/diagnosis")
    assert reply.status_code == 200, reply.text
    kinds = {finding["kind"] for finding in reply.json()["findings"]}
    assert not kinds & {"label_noise", "unscaled_targets", "constant_target"}
