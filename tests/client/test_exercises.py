"""`client.exercises`: created, attempted, marked, deleted."""

import pytest

from epochal import Client, InvalidArgument, NotFound


def test_an_exercise_is_attempted_until_its_claim_is_met(client: Client) -> None:
    job = client.preset("xor") | {"epochs": 2, "target": None}
    claim = {"job": "xor", "metric": "epochs", "at_least": 4}
    made = client.exercises.create(
        {"jobs": {"xor": job}, "claims": [claim]}, title="Longer", open=["jobs.xor.epochs"]
    )
    assert client.exercises.get(made.id) == made
    assert made.claims == ("xor: epochs at least 4",)
    assert made.id in [row.id for row in client.exercises.list(page_size=1)]
    first = client.exercises.attempt(made.id, {"xor": {"epochs": 3}}).wait()
    second = client.exercises.attempt(made.id, {"xor": {"epochs": 4}}).wait()
    assert (first.exercise, first.claims[0].outcome) == (made.id, "missed")
    assert [(row.id, row.solved) for row in client.exercises.attempts(made.id, page_size=1)] == [
        (second.id, True),
        (first.id, False),
    ]
    (result,) = client.exercises.results(made.id).results
    assert result.best is not None
    assert (result.attempts, result.best.id) == (2, second.id)
    with pytest.raises(InvalidArgument) as caught:
        client.exercises.attempt(made.id, {"xor": {"optimizer": "sgd"}})
    assert "jobs.xor.optimizer.type" in [error.field for error in caught.value.errors]
    client.exercises.delete(made.id)
    with pytest.raises(NotFound):
        client.exercises.results(made.id)
