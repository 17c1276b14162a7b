"""Nerve cell and artificial neuron, part by part."""

from starlette.testclient import TestClient


def test_every_part_of_the_cell_has_its_counterpart(client: TestClient) -> None:
    told = client.get("/v1/neuron-parts").json()
    pairs = {part["id"]: part["counterpart"] for part in told["parts"]}
    assert pairs["dendrites"] == "Inputs"
    assert pairs["synapse"] == "Weight"
    assert pairs["cell_body"] == "Weighted sum"
    assert pairs["axon"] == "Output"
    for part in told["parts"]:
        assert all(part[field] for field in part), part["id"]
    assert len({part["id"] for part in told["parts"]}) == len(told["parts"])


def test_the_symbols_are_those_of_the_formula(client: TestClient) -> None:
    told = client.get("/v1/neuron-parts").json()
    assert told["formula"] == "y = f(Σ wᵢ·xᵢ + b)"
    symbols = {part["symbol"] for part in told["parts"]}
    assert {"xᵢ", "wᵢ", "Σ wᵢ·xᵢ", "b", "f", "y"} <= symbols


def test_the_sources_have_their_years(client: TestClient) -> None:
    for source in client.get("/v1/neuron-parts").json()["sources"]:
        assert "(19" in source or "(20" in source


def test_it_is_read_only(client: TestClient) -> None:
    assert client.post("/v1/neuron-parts", json={}).status_code == 405
    assert client.get("/v1/neuron-parts", params={"part": "axon"}).status_code == 400
