"""The zoo: complete, drawable, and runnable."""

from typing import Any

import numpy as np
import pytest
from starlette.testclient import TestClient

from epochal_engine import Adam, Data, Run, Training, check_output
from epochal_service.specs.build import build_network
from epochal_service.specs.networks import NetworkSpec

NINE = [
    *("mlp", "cnn", "rnn", "lstm", "gru", "seq2seq"),
    *("transformer_encoder", "transformer_decoder", "autoencoder"),
]


@pytest.fixture(scope="module")
def zoo(client: TestClient) -> list[dict[str, Any]]:
    told: list[dict[str, Any]] = client.get("/v1/architectures").json()["architectures"]
    return told


def test_all_nine_are_there_with_their_sources(zoo: list[dict[str, Any]]) -> None:
    assert [one["id"] for one in zoo] == NINE
    for one in zoo:
        assert str(one["year"]) in one["source"]
        assert one["strengths"]
        assert one["weaknesses"]
        assert one["used_in"]
        assert one["idea"].endswith(".")


def test_one_is_the_same_alone(client: TestClient, zoo: list[dict[str, Any]]) -> None:
    for one in zoo:
        assert client.get(f"/v1/architectures/{one['id']}").json() == one
    missing = client.get("/v1/architectures/perceptron")
    assert missing.status_code == 404
    assert "transformer_decoder" in missing.json()["detail"]


def test_every_arrow_joins_two_boxes_and_every_box_has_a_place_of_its_own(
    zoo: list[dict[str, Any]],
) -> None:
    for one in zoo:
        nodes = {node["id"]: node for node in one["graph"]["nodes"]}
        assert len(nodes) == len(one["graph"]["nodes"])
        places = {(node["column"], node["row"]) for node in nodes.values()}
        assert len(places) == len(nodes), one["id"]
        joined = set()
        for edge in one["graph"]["edges"]:
            assert edge["source"] in nodes
            assert edge["target"] in nodes
            joined |= {edge["source"], edge["target"]}
            if edge["kind"] == "forward":
                left, right = nodes[edge["source"]], nodes[edge["target"]]
                assert (left["column"], -left["row"]) < (right["column"], -right["row"])
        assert joined == set(nodes), one["id"]
        kinds = {node["kind"] for node in nodes.values()}
        assert {"input", "output"} <= kinds


def test_the_summary_is_that_of_the_network(client: TestClient, zoo: list[dict[str, Any]]) -> None:
    for one in zoo:
        answer = client.post("/v1/networks/summarize", json={"network": one["network"]})
        assert answer.json() == one["summary"]


def test_every_network_learns_a_few_random_answers_by_heart(zoo: list[dict[str, Any]]) -> None:
    rng = np.random.default_rng(0)
    for one in zoo:
        network = build_network(NetworkSpec.model_validate(one["network"]))
        loss = "binary_cross_entropy" if one["id"] == "autoencoder" else "cross_entropy"
        check_output(network, loss)
        has_tokens = any(layer["type"] == "embedding" for layer in one["network"]["layers"])
        shape = (8, *network.input_shape)
        inputs = rng.integers(0, 16, shape).astype(float) if has_tokens else rng.random(shape)
        if loss == "cross_entropy":
            classes = network.output_shape[-1]
            rows = rng.integers(0, classes, (8, *network.output_shape[:-1]))
            targets = np.eye(classes)[rows]
        else:
            targets = inputs.round()
        training = Training(loss, Adam(0.02), epochs=30, gradients_every=0)
        run = Run(network, training, Data(inputs, targets))
        for _ in run:
            pass
        losses = np.concatenate([block.columns["train_loss"] for block in run.take()])
        assert losses[-1] < 0.6 * losses[0], one["id"]


def test_typical_sizes_are_those_that_are_counted(client: TestClient) -> None:
    """10 inputs and 20 units, as the descriptions say."""
    for cell, parameters in (("rnn", 620), ("lstm", 2480), ("gru", 1860)):
        network = {"input_shape": [3, 10], "layers": [{"type": cell, "units": 20}]}
        counted = client.post("/v1/networks/summarize", json={"network": network}).json()
        assert counted["parameters"] == parameters
        told = client.get(f"/v1/architectures/{cell}").json()["typical_size"]
        assert f"{parameters:,}" in told or str(parameters) in told
