"""`client.experiments`: created, waited for, read, cancelled, deleted."""

from typing import Any

import numpy as np
import pytest
from tests.rest.test_corruption import CLASSIFIER, CORNERS

from epochal import Client, InvalidArgument, NotFound, TimedOut

CLAIM = {"job": "tuned", "minus": "first", "metric": "epochs", "at_most": -30.0}


def jobs(client: Client) -> dict[str, Any]:
    spec = client.preset("xor") | {"epochs": 40, "target": None}
    return {"first": spec, "tuned": spec | {"epochs": 4, "initial_weights": {"job": "first"}}}


def test_an_experiment_is_waited_for_and_its_jobs_are_jobs(client: Client) -> None:
    made = client.experiments.create(jobs=jobs(client), claims=[CLAIM], seeds=[0, 3], name="pair")
    assert [(job.job, job.seed) for job in made.jobs][1] == ("tuned", 0)
    assert made.wait(60).state == "succeeded"
    assert (made.is_over, made.name, made.seeds.tolist()) == (True, "pair", [0, 3])
    (claim,) = made.claims
    assert (claim.outcome, claim.met) == ("met", 2)
    assert [(r.value, r.job_value, r.minus_value) for r in claim.runs] == [(-36.0, 4.0, 40.0)] * 2
    job = made.job("tuned", 3)
    assert job.experiment is not None
    assert (job.experiment.id, job.experiment.seed) == (made.id, 3)
    assert job.forked_from is not None
    assert job.forked_from.job == made.job("first", 3).id
    assert made.id in [other.id for other in client.experiments.list(page_size=1)]
    with pytest.raises(NotFound, match="has no job other"):
        made.job("other")
    assert "1 of 1 claims met" in repr(made)
    made.delete()
    with pytest.raises(NotFound):
        client.experiments.get(made.id)


def test_a_watched_experiment_is_yielded_until_it_is_over(client: Client) -> None:
    made = client.experiments.create(jobs=jobs(client), claims=[CLAIM])
    seen = [(current.state, current.claims[0].outcome) for current in made.watch(timeout=60)]
    assert seen[-1] == ("succeeded", "met")
    assert set(seen[:-1]) <= {("running", "pending")}
    assert [current.state for current in made.watch()] == ["succeeded"]
    long = {name: spec | {"epochs": 900_000} for name, spec in jobs(client).items()}
    endless = client.experiments.create({"jobs": long})
    with pytest.raises(TimedOut):
        endless.wait(timeout=0.01)
    watching = endless.watch()
    assert next(watching).state == "running"
    endless.cancel()
    assert [*watching][-1].state == "cancelled"


def test_the_spec_of_an_experiment_creates_the_same_jobs(client: Client) -> None:
    made = client.experiments.create(jobs=jobs(client), claims=[CLAIM], seeds=[4, 3], name="pair")
    again = client.experiments.create(made.spec())
    assert (again.name, again.seeds.tolist()) == ("pair", [4, 3])
    assert [claim.claim for claim in again.claims] == [claim.claim for claim in made.claims]
    first, second = (experiment.wait(60) for experiment in (made, again))
    for seed in (4, 3):
        assert second.job("first", seed).spec == first.job("first", seed).spec
        start = {"job": second.job("first", seed).id, "epoch": 40, "resize": False}
        copied = {**first.job("tuned", seed).spec, "initial_weights": start}
        assert without_none(second.job("tuned", seed).spec) == without_none(copied)
    for job in first.jobs:
        client.jobs.get(job.id).delete()
        if job.seed == 3 and job.job == "tuned":
            break
    with pytest.raises(NotFound, match="every run"):
        made.spec()


def without_none(value: Any) -> Any:
    """Return the spec without absent fields."""
    if isinstance(value, dict):
        return {key: without_none(item) for key, item in value.items() if item is not None}
    return value


def test_a_claim_on_classes_is_marked_by_the_classifier_on_both_wires(client: Client) -> None:
    claim = {"job": "points", "metric": "class_accuracy", "classifier": "judge", "at_least": 0}
    points = CORNERS | {"epochs": 3}
    made = client.experiments.create(jobs={"points": points, "judge": CLASSIFIER}, claims=[claim])
    assert {job.job: [*job.needs] for job in made.jobs} == {"judge": [], "points": ["judge"]}
    (evaluated,) = made.wait(60).claims
    assert evaluated.claim["classifier"] == "judge"
    samples = made.job("points").generate(count=200)
    assert samples.diffusion is not None
    names = [samples.diffusion.class_names[label] for label in samples.diffusion.classes]
    classified = made.job("judge").classify(samples.array)
    assert evaluated.runs[0].value == np.mean([*map(str.__eq__, names, classified)])
    with pytest.raises(InvalidArgument, match=r"claims\[0\].classifier: must be the name"):
        client.experiments.create(jobs={"points": points}, claims=[claim | {"classifier": None}])


@pytest.mark.long
def test_a_claim_on_bits_per_character_compares_vocabularies(client: Client) -> None:
    metric = {"metric": "bits_per_character", "at_least": -9}
    claims = [{"job": "pairs", **metric}, {"job": "pairs", "minus": "characters", **metric}]
    networks = {"characters": plays(merges=0), "pairs": plays(merges=20)}
    made = client.experiments.create(jobs=networks, claims=claims).wait(60)
    bits = {}
    for name in networks:
        sequence = made.job(name).evaluate().sequence
        assert sequence is not None
        assert sequence.bits_per_character is not None
        bits[name] = sequence.bits_per_character
    alone, difference = (claim.runs[0].value for claim in made.claims)
    assert alone == pytest.approx(bits["pairs"])
    assert difference == pytest.approx(bits["pairs"] - bits["characters"])
    with pytest.raises(InvalidArgument, match="first, which predicts no text of characters"):
        client.experiments.create(jobs=jobs(client), claims=[{"job": "first", **metric}])


def plays(*, merges: int) -> dict[str, Any]:
    vocabulary = 65 + merges
    layers = [
        {"type": "embedding", "vocabulary": vocabulary, "units": 8},
        {"type": "dense", "units": vocabulary, "activation": "softmax"},
    ]
    return {
        "network": {"input_shape": [16], "layers": layers},
        "dataset": {"name": "plays", "samples": 200, "length": 16, "merges": merges},
        "loss": "cross_entropy",
        "epochs": 2,
        "validation_fraction": 0.2,
    }


def test_an_experiment_is_cancelled_as_a_whole(client: Client) -> None:
    long = {name: spec | {"epochs": 900_000} for name, spec in jobs(client).items()}
    made = client.experiments.create({"jobs": long})
    made.cancel()
    assert made.wait(60).state == "cancelled"
    assert {job.stop_reason for job in made.jobs} == {"user"}


def test_an_invalid_job_is_named(client: Client) -> None:
    wrong = jobs(client) | {"first": jobs(client)["first"] | {"epochs": 0}}
    with pytest.raises(InvalidArgument) as caught:
        client.experiments.create(jobs=wrong)
    assert "jobs.first.epochs" in [error.field for error in caught.value.errors]
