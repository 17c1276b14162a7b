"""The losses: all of them, with formulas that hold."""

from dataclasses import fields

from starlette.testclient import TestClient

from epochal_engine import LOSSES


def test_every_loss_of_the_engine_is_described(client: TestClient) -> None:
    losses = client.get("/v1/losses").json()["losses"]
    assert {one["name"] for one in losses} == set(LOSSES)
    for one in losses:
        loss = LOSSES[one["name"]]
        assert one["formula"] == loss.formula
        assert one["output_activation"] == loss.output_activation
        assert set(one["options"]) == {field.name for field in fields(loss)} - {"ignore_label"}
        for text in ("used_for", "trouble"):
            assert one[text].endswith(".")
        assert any(character.isdigit() for character in one["source"])
