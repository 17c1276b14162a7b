"""The list of losses is complete, and its formulas come from the engine."""

from dataclasses import fields

from starlette.testclient import TestClient

from epochal_engine import LOSSES


def test_every_loss_of_the_engine_is_described(client: TestClient) -> None:
    losses = client.get("/course/v1/losses").json()["losses"]
    assert {facts["loss"] for facts in losses} == set(LOSSES)
    for facts in losses:
        loss = LOSSES[facts["loss"]]
        assert facts["formula"] == loss.formula
        assert facts["output_activation"] == loss.output_activation
        assert set(facts["options"]) == {field.name for field in fields(loss)} - {"ignore_label"}
        for text in ("used_for", "drawbacks"):
            assert facts[text].endswith(".")
        assert any(character.isdigit() for character in facts["source"])
