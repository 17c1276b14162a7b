"""Famous networks: complete, in order, each with a source and its arithmetic."""

import pytest
from starlette.testclient import TestClient
from tests.simulate.arithmetic import agree

NUMBERS = {
    "lenet-5": 61_706,
    "alexnet": 62_378_344,
    "bert-base": 109_482_240,
    "gpt-2": 124_439_808,
    "gpt-2-xl": 1_557_611_200,
    "llama-2-70b": 68_976_648_192,
    "gpt-3": 175_000_000_000,
    "gpt-4-estimate": 1_800_000_000_000,
}


def test_they_have_as_many_parameters_as_is_known(client: TestClient) -> None:
    models = client.get("/v1/models").json()["models"]
    assert {model["id"]: model["parameters"] for model in models} == NUMBERS
    assert [m["parameters"] for m in models] == sorted(m["parameters"] for m in models)


def test_a_computed_number_is_the_sum_of_its_parts(client: TestClient) -> None:
    for model in client.get("/v1/models").json()["models"]:
        assert model["source"]
        assert model["note"].endswith(".")
        for quantity in model["arithmetic"]:
            agree(quantity)
        if not model["arithmetic"]:
            assert model["known"] == "estimated"
            continue
        *parts, total = model["arithmetic"]
        assert sum(part["value"] for part in parts) == total["value"]
        if model["known"] == "computed":
            assert total["value"] == model["parameters"]
        else:
            assert total["value"] == pytest.approx(model["parameters"], rel=3e-3)


def test_the_networks_among_them_may_be_sent_to_the_explorer_as_they_are(
    client: TestClient,
) -> None:
    models = client.get("/v1/models").json()["models"]
    networks = {m["id"]: m["network"] for m in models if m["network"] is not None}
    assert set(networks) == {"lenet-5", "alexnet", "bert-base", "gpt-2"}
    for name, network in networks.items():
        told = client.post("/v1/simulate/architecture", json={"network": network}).json()
        assert told["parameters"]["value"] == NUMBERS[name]
