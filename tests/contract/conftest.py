"""One service with something of every kind in its store."""

import socket
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pytest
from tests.contract.wires import Wires, wires
from tests.rpc.serving import settings
from tests.rpc.training import train

from epochal_service.settings import Quotas
from epochal_service.store import migrate

NETWORK: dict[str, Any] = {
    "input_shape": [2],
    "layers": [
        {"type": "dense", "units": 4, "activation": "tanh"},
        {"type": "dropout", "rate": 0.1},
        {"type": "dense", "units": 1, "activation": "sigmoid"},
    ],
}
JOB: dict[str, Any] = {
    "network": NETWORK,
    "dataset": {"name": "two_moons", "samples": 40, "noise": 0.1, "scaling": "standard"},
    "loss": "binary_cross_entropy",
    "epochs": 12,
    "validation_fraction": 0.25,
    "optimizer": {"type": "momentum", "learning_rate": 0.1},
    "schedule": {"type": "cosine", "warmup_epochs": 2},
    "snapshots": {"gradients_every": 2, "weights_every": 5},
    "labels": {"course": "week-3"},
}
DIVERGING: dict[str, Any] = {
    "network": {"input_shape": [2], "layers": [{"type": "dense", "units": 1}]},
    "dataset": {"inputs": [[1.0, 2.0], [3.0, 4.0]], "targets": [[1.0], [2.0]]},
    "loss": "mse",
    "epochs": 5000,
    "optimizer": {"type": "sgd", "learning_rate": 100.0},
}
SEQUENCE: dict[str, Any] = {
    "network": {
        "input_shape": [4],
        "layers": [
            {"type": "embedding", "vocabulary": 4, "units": 3},
            {"type": "gru", "units": 4, "return_sequences": True},
            {"type": "multi_head_attention", "heads": 2, "causal": True},
            {"type": "slice", "start": 2},
            {"type": "dense", "units": 3, "activation": "softmax"},
        ],
    },
    "dataset": {"name": "reversal", "samples": 12, "length": 2, "classes": 3},
    "loss": "cross_entropy",
    "epochs": 3,
}
# Positions of its sequences that do not count, among others that do.
PADDED: dict[str, Any] = SEQUENCE | {
    "dataset": {"inputs": [[0, 1, 3, 1], [2, 2, 3, 2]], "targets": [[1, -1], [2, 0]]}
}
AUGMENTED: dict[str, Any] = JOB | {
    "batch_size": 8,
    "epochs": 3,
    "augmentation": [{"type": "noise", "standard_deviation": 0.1}],
}
DIFFUSED: dict[str, Any] = JOB | {
    "network": {"input_shape": [5], "layers": [{"type": "dense", "units": 2}]},
    "dataset": {"name": "two_moons", "samples": 20, "noise": 0.1, "scaling": "standard"},
    "loss": "mse",
    "epochs": 3,
    "optimizer": {"type": "adam"},
    "corruption": {"type": "diffuse", "steps": 5},
}
MASKED: dict[str, Any] = SEQUENCE | {
    "network": {
        "input_shape": [4],
        "layers": [
            {"type": "embedding", "vocabulary": 5, "units": 3},
            {"type": "dense", "units": 4, "activation": "softmax"},
        ],
    },
    "corruption": {"type": "mask", "token": 4, "share": 0.5},
}
SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
SWEEP: dict[str, Any] = {
    "job": JOB,
    "variants": [{"learning_rate": 0.01}, {"momentum": 0.5, "seed": 3}, {"learning_rate": 1e12}],
}
EXPERIMENT: dict[str, Any] = {
    "name": "Zwölf",
    "seeds": [0, 5],
    "jobs": {"first": JOB, "second": JOB | {"initial_weights": {"job": "first"}}},
    "claims": [
        {"job": "first", "metric": "train_loss", "epoch": "every", "above": 0.0},
        {"job": "second", "minus": "first", "metric": "epochs", "at_least": 1.0, "text": "More"},
    ],
}
EXERCISE: dict[str, Any] = {
    "title": "Zwölf",
    "text": "Train longer.",
    "experiment": EXPERIMENT,
    "open": ["jobs.first.epochs", "jobs.second.epochs", "jobs.first.network.layers"],
}


@dataclass(frozen=True)
class World:
    """Ids of the stored objects."""

    network: str
    dataset: str
    upload: str
    ended: str
    diverged: str
    sequence: str
    padded: str
    augmented: str
    diffused: str
    masked: str
    queued: str
    hooked: str
    sweep: str
    queued_sweep: str
    experiment: str
    ended_experiment: str
    exercise: str
    attempt: str
    homework: str
    """An exercise of one job."""
    proof: str
    """The proof of a run of it, as JSON."""
    model: str


@pytest.fixture(scope="module")
def service(tmp_path_factory: pytest.TempPathFactory, valkey_server: str) -> Iterator[Wires]:
    chosen = settings(
        tmp_path_factory.mktemp("contract"),
        broker_url=valkey_server,
        webhook_hosts="127.0.0.1",
        webhook_seconds=3600,
    )
    quotas = Quotas(**dict.fromkeys(Quotas.model_fields, 10**12))
    chosen = chosen.model_copy(update={"quotas": quotas})
    migrate.upgrade(chosen.database_url)
    with wires(chosen) as service:
        yield service


@pytest.fixture(scope="module")
def silent_url() -> Iterator[str]:
    """A receiver that accepts connections and never replies."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        yield f"http://127.0.0.1:{listener.getsockname()[1]}/"


@pytest.fixture(scope="module")
def world(service: Wires, silent_url: str) -> World:
    def make(rpc: str, **request: Any) -> str:
        made: str = service.rpc.call(rpc, **request)["id"]
        return made

    csv = "length,width,kind\n1.5,2,cat\n3,4.5,dog\n2,2,cat\n"
    ended, diverged = make("CreateJob", spec=JOB), make("CreateJob", spec=DIVERGING)
    assert train(service.context, ended) == "succeeded"
    assert train(service.context, diverged) == "failed"
    sequence, padded, augmented, diffused, masked = (
        make("CreateJob", spec=spec) for spec in (SEQUENCE, PADDED, AUGMENTED, DIFFUSED, MASKED)
    )
    for job in (sequence, padded, augmented, diffused, masked):
        assert train(service.context, job) == "succeeded"
    sweep = make("CreateSweep", spec=SWEEP)
    assert train(service.context, sweep) == "succeeded"
    ended_experiment = make("CreateExperiment", spec=EXPERIMENT)
    for job in service.rpc.call("GetExperiment", id=ended_experiment)["jobs"]:
        assert train(service.context, job["id"]) == "succeeded"
    exercise = make("CreateExercise", spec=EXERCISE)
    attempt = make("AttemptExercise", id=exercise, spec={"jobs": {}})
    claims = [{"job": "only", "metric": "epochs", "at_least": 2}]
    task = {"jobs": {"only": JOB}, "claims": claims}
    homework = service.rpc.call(
        "CreateExercise", spec={"title": "One", "experiment": task, "open": ["jobs.only.epochs"]}
    )
    run = make("CreateJob", spec=JOB | {"seed": int(homework["seed"])})
    assert train(service.context, run) == "succeeded"
    upload = make("CreateUpload", size_bytes=100)
    service.rpc.call("AppendUpload", id=upload, offset=0, data=b"a,b\n")
    hooks = [{"url": silent_url, "on": ["cancelled"], "secret": SECRET}, {"url": silent_url}]
    hooked = make("CreateJob", spec=JOB | {"webhooks": hooks})
    service.rpc.call("CancelJob", id=hooked)
    return World(
        network=make("CreateNetwork", network=NETWORK, name="small"),
        dataset=make("CreateDataset", name="pets", csv=csv, target="kind"),
        upload=upload,
        ended=ended,
        diverged=diverged,
        sequence=sequence,
        padded=padded,
        augmented=augmented,
        diffused=diffused,
        masked=masked,
        queued=make("CreateJob", spec=JOB),
        hooked=hooked,
        sweep=sweep,
        queued_sweep=make("CreateSweep", spec=SWEEP),
        experiment=make("CreateExperiment", spec=EXPERIMENT),
        ended_experiment=ended_experiment,
        exercise=exercise,
        attempt=attempt,
        homework=homework["id"],
        proof=service.http.get(f"/v1/jobs/{run}/export?format=proof").text,
        model=make("SetNamedModel", id="pets-and-moons", job=ended),
    )
