"""The parts of a nerve cell and their counterparts in an artificial neuron."""

from starlette.testclient import TestClient


def test_every_part_has_a_counterpart(client: TestClient) -> None:
    reply = client.get("/course/v1/neuron-parts").json()
    pairs = {part["id"]: part["counterpart"] for part in reply["parts"]}
    assert pairs["dendrites"] == "Inputs"
    assert pairs["synapse"] == "Weight"
    assert pairs["cell_body"] == "Weighted sum"
    assert pairs["axon"] == "Output"
    for part in reply["parts"]:
        assert all(part[field] for field in part), part["id"]
    assert len({part["id"] for part in reply["parts"]}) == len(reply["parts"])


def test_the_symbols_come_from_the_formula(client: TestClient) -> None:
    reply = client.get("/course/v1/neuron-parts").json()
    assert reply["formula"] == "y = f(Σ wᵢ·xᵢ + b)"
    symbols = {part["symbol"] for part in reply["parts"]}
    assert {"xᵢ", "wᵢ", "Σ wᵢ·xᵢ", "b", "f", "y"} <= symbols


def test_every_source_has_a_year(client: TestClient) -> None:
    for source in client.get("/course/v1/neuron-parts").json()["sources"]:
        assert "(19" in source or "(20" in source


def test_it_is_read_only(client: TestClient) -> None:
    assert client.post("/course/v1/neuron-parts", json={}).status_code == 405
    assert client.get("/course/v1/neuron-parts", params={"part": "axon"}).status_code == 400
