"""The architectures are complete, drawable and trainable."""

from typing import Any

import numpy as np
import pytest
from starlette.testclient import TestClient

from epochal_course.content.history import preset_experiment
from epochal_engine import Adam, Data, Run, Training, check_output
from epochal_service.specs.build import build_network
from epochal_service.specs.networks import NetworkSpec

NAMES = [
    *("mlp", "cnn", "rnn", "lstm", "gru", "seq2seq"),
    *("transformer_encoder", "transformer_decoder", "autoencoder", "diffusion"),
]


@pytest.fixture(scope="module")
def zoo(client: TestClient) -> list[dict[str, Any]]:
    architectures: list[dict[str, Any]] = client.get("/course/v1/architectures").json()[
        "architectures"
    ]
    return architectures


def test_all_are_listed_with_their_sources(zoo: list[dict[str, Any]]) -> None:
    assert [architecture["id"] for architecture in zoo] == NAMES
    for architecture in zoo:
        assert str(architecture["year"]) in architecture["source"]
        assert architecture["strengths"]
        assert architecture["weaknesses"]
        assert architecture["used_in"]
        assert architecture["idea"].endswith(".")


LAYERS = {
    **dict.fromkeys(("mlp", "autoencoder", "diffusion"), "dense"),
    "cnn": "conv2d",
    "rnn": "rnn",
    "lstm": "lstm",
    "gru": "gru",
    "seq2seq": "additive_attention",
    **dict.fromkeys(("transformer_encoder", "transformer_decoder"), "transformer_block"),
}


def test_the_experiment_of_every_architecture_trains_it_beside_another_network(
    zoo: list[dict[str, Any]],
) -> None:
    for architecture in zoo:
        jobs = preset_experiment(architecture["experiment"]).spec.jobs.values()
        assert len(jobs) > 1
        networks = [job.network for job in jobs if isinstance(job.network, NetworkSpec)]
        types = {layer.type for network in networks for layer in network.layers}
        assert LAYERS[architecture["id"]] in types, architecture["id"]


def test_get_returns_the_listed_architecture(client: TestClient, zoo: list[dict[str, Any]]) -> None:
    for architecture in zoo:
        assert client.get(f"/course/v1/architectures/{architecture['id']}").json() == architecture
    missing = client.get("/course/v1/architectures/perceptron")
    assert missing.status_code == 404
    assert "transformer_decoder" in missing.json()["detail"]


def test_every_edge_connects_two_nodes_and_no_two_nodes_overlap(zoo: list[dict[str, Any]]) -> None:
    for architecture in zoo:
        graph = architecture["graph"]
        nodes = {node["id"]: node for node in graph["nodes"]}
        assert len(nodes) == len(graph["nodes"])
        positions = {(node["column"], node["row"]) for node in nodes.values()}
        assert len(positions) == len(nodes), architecture["id"]
        connected = set()
        for edge in graph["edges"]:
            assert edge["source"] in nodes
            assert edge["target"] in nodes
            connected |= {edge["source"], edge["target"]}
            if edge["kind"] == "forward":
                left, right = nodes[edge["source"]], nodes[edge["target"]]
                assert (left["column"], -left["row"]) < (right["column"], -right["row"])
        assert connected == set(nodes), architecture["id"]
        kinds = {node["kind"] for node in nodes.values()}
        assert {"input", "output"} <= kinds


def test_the_summary_matches_the_network(client: TestClient, zoo: list[dict[str, Any]]) -> None:
    for architecture in zoo:
        reply = client.post("/v1/networks/summarize", json={"network": architecture["network"]})
        assert reply.json() == architecture["summary"]


def test_every_network_can_memorize_a_few_random_targets(zoo: list[dict[str, Any]]) -> None:
    rng = np.random.default_rng(0)
    for architecture in zoo:
        spec = architecture["network"]
        network = build_network(NetworkSpec.model_validate(spec))
        losses = {"autoencoder": "binary_cross_entropy", "diffusion": "mse"}
        loss = losses.get(architecture["id"], "cross_entropy")
        check_output(network, loss)
        has_tokens = any(layer["type"] == "embedding" for layer in spec["layers"])
        shape = (8, *network.input_shape)
        inputs = rng.integers(0, 16, shape).astype(float) if has_tokens else rng.random(shape)
        if loss == "cross_entropy":
            classes = network.output_shape[-1]
            rows = rng.integers(0, classes, (8, *network.output_shape[:-1]))
            targets = np.eye(classes)[rows]
        else:
            targets = rng.random((8, *network.output_shape)).round()
        training = Training(loss, Adam(0.02), epochs=30, gradients_every=0)
        run = Run(network, training, Data(inputs, targets))
        for _ in run:
            pass
        values = np.concatenate([block.columns["train_loss"] for block in run.take()])
        assert values[-1] < 0.6 * values[0], architecture["id"]


def test_typical_sizes_match_the_parameter_counts(client: TestClient) -> None:
    """The descriptions give the count for 10 inputs and 20 units."""
    for cell, parameters in (("rnn", 620), ("lstm", 2480), ("gru", 1860)):
        network = {"input_shape": [3, 10], "layers": [{"type": cell, "units": 20}]}
        summary = client.post("/v1/networks/summarize", json={"network": network}).json()
        assert summary["parameters"] == parameters
        assert (
            f"{parameters:,}"
            in client.get(f"/course/v1/architectures/{cell}").json()["typical_size"]
        )
