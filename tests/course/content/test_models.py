"""The well-known models are complete, in order, and have sources and arithmetic."""

import pytest
from starlette.testclient import TestClient
from tests.course.explorers.arithmetic import agree

NUMBERS = {
    "lenet-5": 61_706,
    "alexnet": 62_378_344,
    "bert-base": 109_482_240,
    "gpt-2": 124_439_808,
    "gpt-2-xl": 1_557_611_200,
    "llama-2-70b": 68_976_648_192,
    "gpt-3": 175_000_000_000,
    "llama-3.1-405b": 405_853_388_800,
    "gpt-4-estimate": 1_800_000_000_000,
}


def test_models_have_their_known_parameter_counts(client: TestClient) -> None:
    models = client.get("/course/v1/models").json()["models"]
    assert {model["id"]: model["parameters"] for model in models} == NUMBERS
    assert [m["parameters"] for m in models] == sorted(m["parameters"] for m in models)


def test_a_computed_count_is_the_sum_of_its_parts(client: TestClient) -> None:
    for model in client.get("/course/v1/models").json()["models"]:
        assert model["source"]
        assert model["note"].endswith(".")
        for quantity in model["parameter_counts"]:
            agree(quantity)
        if not model["parameter_counts"]:
            assert model["source_type"] == "estimated"
            continue
        *parts, total = model["parameter_counts"]
        assert sum(part["value"] for part in parts) == total["value"]
        if model["source_type"] == "computed":
            assert total["value"] == model["parameters"]
        else:
            assert total["value"] == pytest.approx(model["parameters"], rel=3e-3)


def test_the_explorer_accepts_the_networks_of_the_models(client: TestClient) -> None:
    models = client.get("/course/v1/models").json()["models"]
    networks = {m["id"]: m["network"] for m in models if m["network"] is not None}
    assert set(networks) == {"lenet-5", "alexnet", "bert-base", "gpt-2"}
    for name, network in networks.items():
        reply = client.post("/course/v1/simulate/architecture", json={"network": network}).json()
        assert reply["parameters"]["value"] == NUMBERS[name]
