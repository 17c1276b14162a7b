"""Attention weights and activations of samples, inside a trained network."""

from typing import Any

import numpy as np
import pytest
from starlette.testclient import TestClient
from tests.rest.test_generation import CIRCLE, REVERSAL, Train, made

from epochal_service.rest.app import create_app
from epochal_service.settings import Limits, Settings

CNN: dict[str, Any] = {
    "network": {
        "input_shape": [4, 4, 1],
        "layers": [
            {"type": "conv2d", "filters": 3, "kernel_size": [3], "activation": "relu"},
            {"type": "flatten"},
            {"type": "dense", "units": 2, "activation": "softmax"},
        ],
    },
    "dataset": {
        "inputs": np.random.default_rng(0).random((6, 16)).round(3).tolist(),
        "targets": [[0], [1]] * 3,
        "scaling": "standard",
    },
    "loss": "cross_entropy",
    "epochs": 2,
}


def look(client: TestClient, job: str, what: str, **fields: Any) -> dict[str, Any]:
    answer = client.post(f"/v1/jobs/{job}/{what}", json=fields)
    assert answer.is_success, answer.text
    reply: dict[str, Any] = answer.json()
    return reply


def array(part: dict[str, Any]) -> Any:
    return np.array(part["values"]).reshape(part["shape"])


def refusal(client: TestClient, job: str, what: str, **fields: Any) -> tuple[str, dict[str, str]]:
    answer = client.post(f"/v1/jobs/{job}/{what}", json=fields)
    assert answer.status_code == 400
    problem = answer.json()
    return problem["reason"], {e["field"]: e["description"] for e in problem["errors"]}


@pytest.fixture
def circle(client: TestClient, train: Train) -> str:
    return made(client, train, CIRCLE | {"epochs": 3})


@pytest.fixture
def cnn(client: TestClient, train: Train) -> str:
    return made(client, train, CNN)


def test_attention_has_a_map_for_each_layer_head_and_sample(
    client: TestClient, circle: str
) -> None:
    reply = look(client, circle, "attention", rows=[2, 0], epoch=1)
    assert (reply["epoch"], reply["rows"]) == (1, [2, 0])
    assert reply["inputs"][1] == CIRCLE["dataset"]["inputs"][0]
    (layer,) = reply["layers"]
    assert (layer["name"], layer["shape"]) == ("transformer_block_3.attention", [2, 2, 6, 6])
    maps = array(layer)
    np.testing.assert_allclose(maps.sum(-1), 1, rtol=1e-5)
    assert (maps[..., *np.triu_indices(6, 1)] == 0).all()
    later = look(client, circle, "attention", rows=[2, 0])
    assert later["epoch"] == 3
    assert later["layers"] != reply["layers"]


def test_an_additive_attention_has_one_head(client: TestClient, train: Train) -> None:
    job = made(client, train, REVERSAL | {"epochs": 2})
    (layer,) = look(client, job, "attention", inputs=[[0, 1, 2, 3, 2, 1]])["layers"]
    text = look(client, job, "attention", texts=["abccb", "abc"])  # what is read, then written
    assert (text["lengths"], text["inputs"][0]) == ([6, 4], [0, 1, 2, 3, 2, 1])
    np.testing.assert_allclose(array(text["layers"][0])[:1], array(layer))
    words = refusal(client, job, "attention", texts=["ab"])[1]["texts[0]"]
    assert words == "must have 3 to 5 tokens; got 2"
    assert (layer["name"], layer["shape"]) == ("additive_attention_6", [1, 1, 3, 3])
    np.testing.assert_allclose(array(layer).sum(-1), 1, rtol=1e-5)


def test_activations_are_feature_maps_and_logits_in_the_units_of_the_data(
    client: TestClient, cnn: str
) -> None:
    rows = CNN["dataset"]["inputs"]
    reply = look(client, cnn, "activations", inputs=rows[:2])
    assert reply["rows"] == []
    shapes = {layer["name"]: layer["shape"] for layer in reply["layers"]}
    assert shapes == {"conv2d_1": [2, 2, 2, 3], "flatten_2": [2, 12], "dense_3": [2, 2]}
    outputs = client.post(f"/v1/jobs/{cnn}/predict", json={"inputs": rows[:2]}).json()["outputs"]
    probabilities = array(reply["layers"][-1])
    np.testing.assert_allclose(probabilities, outputs, rtol=1e-5)
    powers = np.exp(array(reply["logits"]))
    np.testing.assert_allclose(powers / powers.sum(-1, keepdims=True), probabilities, rtol=1e-4)
    assert look(client, cnn, "activations", rows=[0, 1])["layers"] == reply["layers"]


def test_one_layer_is_selected(client: TestClient, cnn: str, circle: str) -> None:
    reply = look(client, cnn, "activations", layer="conv2d_1")
    assert [layer["name"] for layer in reply["layers"]] == ["conv2d_1"]
    assert (reply["rows"], reply["logits"]) == ([0], None)
    reply = look(client, cnn, "activations", layer="logits")
    assert (reply["layers"], reply["logits"]["shape"]) == ([], [1, 2])
    (layer,) = look(client, circle, "attention", layer="transformer_block_3")["layers"]
    assert layer["name"] == "transformer_block_3.attention"


def test_wrong_samples_and_layers_are_named(client: TestClient, cnn: str, circle: str) -> None:
    assert "with attention" in refusal(client, cnn, "attention")[1]["id"]
    cases: list[tuple[dict[str, Any], str, str]] = [
        ({"rows": [6]}, "rows[0]", "must be less than 6; got 6"),
        ({"rows": [-1]}, "rows[0]", "must be at least 0"),
        ({"rows": [0] * 101}, "rows", "at most 100"),
        ({"inputs": [[1.0] * 15]}, "inputs[0]", "needs 16 numbers; it has 15"),
        ({"inputs": [[1.0] * 16], "rows": [0]}, "rows", "must be empty"),
        ({"layer": "dense_9"}, "layer", "must be one of conv2d_1, flatten_2, dense_3, logits"),
    ]
    for fields, field, words in cases:
        assert words in refusal(client, cnn, "activations", **fields)[1][field], fields
    names = refusal(client, circle, "attention", layer="gru_4")[1]["layer"]
    assert names == "must be one of transformer_block_3.attention"


def test_the_numbers_of_a_reply_are_limited(settings: Settings, cnn: str) -> None:
    limited = settings.model_copy(update={"limits": Limits(max_inspected_values=28)})
    with TestClient(create_app(limited)) as client:
        look(client, cnn, "activations")  # 12 + 12 + 2 + 2
        reason, errors = refusal(client, cnn, "activations", rows=[0, 1])
        assert reason == "limit_exceeded"
        assert "makes 56 numbers" in errors["rows"]
        look(client, cnn, "activations", rows=[0, 1], layer="conv2d_1")


def test_a_job_without_weights_says_what_to_do(client: TestClient) -> None:
    job = client.post("/v1/jobs", json=CNN).json()["id"]
    for what in ("attention", "activations"):
        answer = client.post(f"/v1/jobs/{job}/{what}", json={})
        assert (answer.status_code, answer.json()["reason"]) == (404, "checkpoint_not_found")


def test_texts_are_rows_of_tokens_after_the_start_token(
    client: TestClient, circle: str, train: Train
) -> None:
    whole, part = look(client, circle, "attention", texts=["abcabc", "Bca"])["inputs"]
    assert (whole, part[:3]) == ([0, 1, 2, 0, 1, 2], [1, 2, 0])
    reply = look(client, circle, "activations", texts=["abcabc", "Bca"], layer="logits")
    assert (reply["lengths"], reply["rows"]) == ([6, 3], [])
    # Padding changes nothing before it: the attention is causal.
    rows = look(client, circle, "activations", inputs=[whole, [1, 2, 0, 2, 2, 2]], layer="logits")
    assert rows["lengths"] == []
    filled, other = array(reply["logits"]), array(rows["logits"])
    np.testing.assert_allclose(filled[1, :3], other[1, :3], rtol=1e-5)
    sentences = {**CIRCLE, "dataset": {"name": "sentences", "samples": 60, "length": 12}}
    sentences["network"] = {
        "input_shape": [12],
        "layers": [
            {"type": "embedding", "vocabulary": 25, "units": 4},
            {"type": "multi_head_attention", "heads": 2, "causal": True},
            {"type": "dense", "units": 24, "activation": "softmax"},
        ],
    }
    job = made(client, train, sentences | {"epochs": 1})
    reply = look(client, job, "attention", texts=["the cat"])
    names = reply["token_names"]
    assert reply["lengths"] == [8]
    assert [names[int(token)] for token in reply["inputs"][0][:8]][1:] == [*"the cat"]
    assert reply["inputs"][0][0] == len(names) - 1  # the start token


def test_texts_that_the_data_do_not_have_are_named(
    client: TestClient, cnn: str, circle: str
) -> None:
    cases: list[tuple[str, dict[str, Any], str, str]] = [
        (circle, {"texts": ["ab", "a?!"]}, "texts[1]", "'?', '!'"),
        (circle, {"texts": ["abcabca"]}, "texts[0]", "must have at most 6 tokens; got 7"),
        (circle, {"texts": [""]}, "texts[0]", "must not be empty"),
        (circle, {"texts": ["a"], "rows": [0]}, "rows", "must be empty where texts are given"),
        (cnn, {"texts": ["a"]}, "texts", "rows of these data are not tokens"),
    ]
    for job, fields, field, words in cases:
        assert words in refusal(client, job, "activations", **fields)[1][field], fields
