"""`client.exercises`: created, attempted, marked, deleted."""

import re
from pathlib import Path

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


def test_a_run_is_submitted_as_a_file_or_its_bytes(client: Client, tmp_path: Path) -> None:
    job = client.preset("xor") | {"epochs": 3, "target": None}
    claim = {"job": "xor", "metric": "epochs", "at_least": 3}
    task = {"jobs": {"xor": job}, "claims": [claim]}
    made = client.exercises.create(task, title="Homework", open=["jobs.xor.optimizer"])
    proof = client.jobs.create(job | {"seed": made.seed}).wait().export("proof")
    path = tmp_path / "proof.json"
    path.write_bytes(re.sub(rb'("train_loss","values":\[)[^,]+', rb"\g<1>9.0", proof, count=1))
    accepted = client.exercises.submit(made.id, proof).wait().proof
    refused = client.exercises.submit(made.id, path).wait().proof
    assert accepted is not None
    assert refused is not None
    assert (accepted.verdict, accepted.epoch) == ("accepted", None)
    assert (refused.verdict, refused.epoch, refused.submitted) == ("refused", 1, 9.0)
    assert [row.proof for row in client.exercises.attempts(made.id)] == [refused, accepted]
    with pytest.raises(InvalidArgument, match="must be JSON"):
        client.exercises.submit(made.id, b"curve")
    with pytest.raises(InvalidArgument):
        client.exercises.submit(made.id, b"[]")
