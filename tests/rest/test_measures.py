"""Claims on positions, on sudden improvements and on generated texts, beside what they measure."""

import tracemalloc
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import sqlalchemy as sa
from starlette.testclient import TestClient

from epochal_service.answers.inspection import Trained
from epochal_service.experiments import measures
from epochal_service.preparation.prepare import prepare
from epochal_service.settings import Settings
from epochal_service.specs.training import TrainingSpec
from epochal_service.store import Access, Database
from epochal_service.store.tables import checkpoints, job_specs, log

pytestmark = pytest.mark.long

Train = Callable[[str], str | None]


def network(inputs: int, vocabulary: int) -> dict[str, Any]:
    layers: list[dict[str, Any]] = [
        {"type": "embedding", "vocabulary": vocabulary, "units": 8},
        {"type": "positional_encoding", "kind": "learned"},
        {"type": "transformer_block", "heads": 2, "hidden": 16, "causal": True},
        {"type": "dense", "units": vocabulary, "activation": "softmax"},
    ]
    return {"input_shape": [inputs], "layers": layers}


REPEATS: dict[str, Any] = {
    "network": network(24, 16),
    "dataset": {"name": "repeats", "samples": 200},
    "loss": "cross_entropy",
    "epochs": 4,
    "validation_fraction": 0.2,
    "optimizer": {"type": "adam", "learning_rate": 0.02},
}
NAMES = {**REPEATS, "network": network(16, 27), "dataset": {"name": "names", "samples": 90}}
FUNCTIONS = {
    **REPEATS,
    "network": {
        "input_shape": [20],
        "layers": [
            {"type": "dense", "units": 8, "activation": "tanh"},
            {"type": "dense", "units": 4},
        ],
    },
    "dataset": {"name": "functions", "samples": 200, "length": 4},
    "loss": "mse",
    "target_scaling": "standardize",
}
DIGITS = {
    **REPEATS,
    "network": {
        "input_shape": [64],
        "layers": [{"type": "dense", "units": 10, "activation": "softmax"}],
    },
    "dataset": {"name": "digits"},
}
BOUND = {"at_least": -1e9}


def values(
    client: TestClient, train: Train, job: dict[str, Any], *claims: dict[str, Any]
) -> tuple[str, list[float]]:
    """Train the job; return its id and the values of the claims."""
    given = [{"job": "only", **BOUND, **claim} for claim in claims]
    made = client.post("/v1/experiments", json={"jobs": {"only": job}, "claims": given})
    assert made.status_code == 201, made.text
    (row,) = made.json()["jobs"]
    assert train(row["id"]) == "succeeded"
    evaluated = client.get(f"/v1/experiments/{made.json()['id']}").json()["claims"]
    assert {claim["outcome"] for claim in evaluated} == {"met"}
    return row["id"], [claim["runs"][0]["value"] for claim in evaluated]


def test_the_accuracy_and_the_loss_at_a_position_are_those_of_its_predictions(
    client: TestClient, train: Train
) -> None:
    metrics = ("validation_accuracy", "validation_loss")
    claims = [{"metric": metric, "position": at} for metric in metrics for at in range(6, 24)]
    job, actual = values(client, train, REPEATS, *claims)
    reply = client.get(f"/v1/jobs/{job}/evaluation").json()
    positions = reply["sequence"]["positions"]
    assert [row["position"] for row in positions] == [*range(6, 24)]
    assert actual[:18] == pytest.approx([row["accuracy"] for row in positions])
    sums = [loss * row["predictions"] for loss, row in zip(actual[18:], positions, strict=True)]
    assert sum(sums) / reply["predictions"] == pytest.approx(reply["classification"]["log_loss"])
    assert len({*actual[18:]}) == 18


def test_a_claim_on_a_position_where_nothing_counts_is_not_known(
    client: TestClient, train: Train
) -> None:
    claim = {"job": "only", "metric": "train_loss", "position": 5, **BOUND}
    made = client.post("/v1/experiments", json={"jobs": {"only": REPEATS}, "claims": [claim]})
    (row,) = made.json()["jobs"]
    assert train(row["id"]) == "succeeded"
    (evaluated,) = client.get(f"/v1/experiments/{made.json()['id']}").json()["claims"]
    assert evaluated["outcome"] == "unknown"


def test_the_loss_of_one_of_several_numbers_is_in_the_unit_of_the_loss(
    client: TestClient, train: Train
) -> None:
    losses = [{"metric": "validation_loss", "position": at} for at in range(4)]
    job, actual = values(client, train, FUNCTIONS, *losses, {"metric": "validation_loss"})
    assert sum(actual[:4]) / 4 == pytest.approx(actual[4], rel=1e-5)
    errors = client.get(f"/v1/jobs/{job}/evaluation").json()["regression"]["targets"]
    # All targets are from one distribution, of variance 2.
    ratios = [loss / error["rmse"] ** 2 for loss, error in zip(actual[:4], errors, strict=True)]
    assert all(0.3 < ratio < 0.8 for ratio in ratios)


def test_the_largest_improvement_within_some_epochs_is_that_of_the_stored_epochs(
    client: TestClient, train: Train
) -> None:
    claims = [
        {"metric": metric, "within_epochs": epochs}
        for metric in ("train_loss", "train_accuracy")
        for epochs in (1, 3)
    ]
    job, actual = values(client, train, REPEATS, *claims)
    rows = client.get(f"/v1/jobs/{job}/epochs").json()["epochs"]
    loss, accuracy = ([row[name] for row in rows] for name in ("train_loss", "train_accuracy"))
    assert len(rows) == 4
    assert actual == pytest.approx(
        [
            max(loss[at] - loss[at + 1] for at in range(3)),
            loss[0] - loss[3],
            max(accuracy[at + 1] - accuracy[at] for at in range(3)),
            accuracy[3] - accuracy[0],
        ]
    )
    assert actual[1] > actual[0] > 0


def test_novelty_counts_generated_texts_that_end_and_are_no_rows(
    client: TestClient, train: Train
) -> None:
    job, (actual,) = values(client, train, {**NAMES, "epochs": 30}, {"metric": "novelty"})
    request = {"count": 200, "max_tokens": 16, "seed": 0}
    samples = client.post(f"/v1/jobs/{job}/generate", json=request).json()["samples"]
    seen = client.get(f"/v1/jobs/{job}/sample-predictions", params={"count": 100}).json()
    tokens = seen["token_names"]
    rows = {
        "".join(tokens[label] for label in sample["target_classes"] if label >= 0)
        for sample in seen["samples"]
    }
    assert len(seen["samples"]) == 90
    new = [
        sample["finish_reason"] == "end_token" and sample["text"] not in rows for sample in samples
    ]
    assert actual == sum(new) / 200
    assert 0 < actual < 1


PLAYS = {
    **REPEATS,
    "network": network(8, 70),
    "dataset": {"name": "plays", "samples": 90, "length": 8, "merges": 5},
}
WORDS = {
    **REPEATS,
    "network": network(4, 3),
    "dataset": {
        "inputs": [[0, 1, 2, 0], [1, 2, 0, 1]] * 9,
        "targets": [[1, 2, 0, 1], [2, 0, 1, 2]] * 9,
        "class_names": ["red", "green", "blue"],
    },
}


@pytest.mark.parametrize("validation", [0.2, 0])
def test_bits_per_character_are_those_of_the_evaluation(
    client: TestClient, train: Train, validation: float
) -> None:
    spec = {**PLAYS, "validation_fraction": validation}
    job, (actual,) = values(client, train, spec, {"metric": "bits_per_character"})
    reply = client.get(f"/v1/jobs/{job}/evaluation").json()
    assert reply["split"] == ("validation" if validation else "train")
    assert actual == pytest.approx(reply["sequence"]["bits_per_character"])
    assert 0 < actual < reply["sequence"]["bits_per_prediction"]


def test_bits_per_character_of_a_long_text_take_the_memory_of_a_short_one(
    settings: Settings,
) -> None:
    database = Database(settings.database_url)
    peaks = []
    for samples in (64, 640):
        dataset = {"name": "plays", "samples": samples}
        spec = TrainingSpec.model_validate(
            {**PLAYS, "network": network(64, 65), "dataset": dataset, "validation_fraction": 0}
        )
        prepared = prepare(database, spec, Access("owner"), settings.limits)
        weights = prepared.network.initial_parameters(rng=np.random.default_rng(0))
        untrained = Trained("owner", spec, prepared.network, 0, weights)
        tracemalloc.start()
        assert 5 < measures.bits_per_character(untrained, prepared) < 8  # log2(65) = 6.0
        peaks.append(tracemalloc.get_traced_memory()[1])
        tracemalloc.stop()
    database.close()
    # The probabilities of all windows at once would take nine times as much.
    assert peaks[1] < 4 * peaks[0]


MEASURED: list[dict[str, Any]] = [
    {"metric": "novelty"},
    {"metric": "validation_loss", "position": 3},
    {"metric": "train_loss", "within_epochs": 2},
]


def experiment(client: TestClient, *claims: dict[str, Any]) -> tuple[str, str]:
    """Create an experiment of one job on names; return its address and the id of the job."""
    given = [{"job": "only", **BOUND, **claim} for claim in claims]
    made = client.post("/v1/experiments", json={"jobs": {"only": NAMES}, "claims": given})
    assert made.status_code == 201, made.text
    (row,) = made.json()["jobs"]
    return f"/v1/experiments/{made.json()['id']}", row["id"]


def test_a_read_of_an_experiment_needs_no_weights_no_data_and_no_epochs(
    client: TestClient, train: Train, settings: Settings
) -> None:
    url, job = experiment(client, *MEASURED)
    assert train(job) == "succeeded"
    database = Database(settings.database_url)
    with database.write() as connection:
        for table in (checkpoints, log, job_specs):
            connection.execute(sa.delete(table))
    database.close()
    assert [claim["outcome"] for claim in client.get(url).json()["claims"]] == ["met"] * 3


def test_a_measure_without_enough_memory_does_not_fail_its_job(
    client: TestClient, train: Train, monkeypatch: pytest.MonkeyPatch
) -> None:
    def exhausted(*_: Any) -> float:
        raise MemoryError

    monkeypatch.setitem(measures.MEASURES, "novelty", exhausted)
    url, job = experiment(client, *MEASURED)
    assert train(job) == "succeeded"
    claims = client.get(url).json()["claims"]
    assert [claim["outcome"] for claim in claims] == ["unknown", "met", "met"]
    assert claims[0]["runs"][0]["detail"] == "The worker of only has not measured novelty"


@pytest.mark.parametrize(
    ("job", "claim", "field"),
    [
        (REPEATS, {"metric": "validation_loss", "position": 24}, "position"),
        (DIGITS, {"metric": "train_loss", "position": 0}, "position"),
        (FUNCTIONS, {"metric": "validation_loss", "position": 4}, "position"),
        (REPEATS, {"metric": "steps", "position": 0}, "position"),
        (REPEATS, {"metric": "train_loss", "position": 11, "epoch": "every"}, "epoch"),
        (
            REPEATS,
            {"metric": "train_loss", "position": 11, "minus_baseline": "bigram"},
            "minus_baseline",
        ),
        (
            REPEATS,
            {"metric": "train_loss", "position": 11, "within_epochs": 1},
            "within_epochs",
        ),
        (REPEATS, {"metric": "train_loss", "within_epochs": 4}, "within_epochs"),
        (REPEATS, {"metric": "gradient_norm", "within_epochs": 1}, "within_epochs"),
        (REPEATS, {"metric": "train_loss", "within_epochs": 1, "epoch": "last"}, "epoch"),
        (REPEATS, {"metric": "novelty"}, "metric"),
        (DIGITS, {"metric": "novelty"}, "metric"),
        (NAMES, {"metric": "novelty", "epoch": "last"}, "epoch"),
        (WORDS, {"metric": "bits_per_character"}, "metric"),
        (DIGITS, {"metric": "bits_per_character"}, "metric"),
        (FUNCTIONS, {"metric": "bits_per_character"}, "metric"),
        (PLAYS, {"metric": "bits_per_character", "epoch": "best"}, "epoch"),
        (PLAYS, {"metric": "bits_per_character", "within_epochs": 2}, "within_epochs"),
        (PLAYS, {"metric": "bits_per_character", "position": 1}, "position"),
        (PLAYS, {"metric": "bits_per_character", "minus_baseline": "bigram"}, "minus_baseline"),
    ],
)
def test_claims_that_do_not_fit_their_job_are_refused(
    client: TestClient, job: dict[str, Any], claim: dict[str, Any], field: str
) -> None:
    spec = {"jobs": {"only": job}, "claims": [{"job": "only", **BOUND, **claim}]}
    reply = client.post("/v1/experiments", json=spec)
    assert reply.status_code == 400, reply.text
    assert [error["field"] for error in reply.json()["errors"]] == [f"claims[0].{field}"]
