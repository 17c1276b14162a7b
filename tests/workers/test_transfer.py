"""A job may take some layers of another one, and leave layers as they are."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from tests.workers.in_process import AT_ONCE, DIGITS, XOR, Service, at_call
from tests.workers.record import record
from tests.workers.test_experiments import create, ids, run_all
from tests.workers.test_forks import weights

from epochal_engine.export.training import training_numpy, training_pytorch
from epochal_engine.training import new_parameters
from epochal_service.answers.recordings import recording_of
from epochal_service.curves.epochs import unpack_gradients
from epochal_service.errors import InvalidArgument
from epochal_service.methods import jobs, sweeps
from epochal_service.specs.build import build_network
from epochal_service.specs.sweeps import CreateSweepOptions, SweepSpec
from epochal_service.specs.training import TrainingSpec
from epochal_service.store import log as job_log

# Jobs of other kinds run the same SQL on both databases.

HEAD: dict[str, Any] = {"type": "dense", "units": 1, "activation": "sigmoid", "name": "head"}
BODY = XOR["network"]["layers"][0]
TUNED: dict[str, Any] = {
    **XOR,
    "network": {"input_shape": [2], "layers": [BODY, HEAD]},
    "epochs": 20,
    "seed": 7,
    "optimizer": {"type": "adamw", "weight_decay": 0.1},
}


@pytest.fixture
def parent(service: Service) -> str:
    job_id = service.create(XOR)
    assert service.run(job_id) == "succeeded"
    return job_id


def refused(service: Service, **changes: Any) -> list[tuple[str, str]]:
    with pytest.raises(InvalidArgument) as caught:
        service.create({**TUNED, **changes})
    return [(error.field, error.description) for error in caught.value.errors]


def drawn(spec: dict[str, Any]) -> dict[str, Any]:
    parsed = TrainingSpec.model_validate(spec)
    network: Any = parsed.network
    new = new_parameters(build_network(network), parsed.seed)
    return {name: array.astype(parsed.dtype) for name, array in new.items()}


def test_a_job_takes_the_layers_that_it_names_and_draws_the_others(
    service: Service, parent: str
) -> None:
    child = service.create(TUNED, initial_weights={"job": parent, "layers": ["dense_1"]})
    first, new = weights(service, child, 0), drawn(TUNED)
    last = weights(service, parent, XOR["epochs"])
    for part in ("weight", "bias"):
        np.testing.assert_array_equal(first[f"dense_1.{part}"], last[f"dense_1.{part}"])
        np.testing.assert_array_equal(first[f"head.{part}"], new[f"head.{part}"])
    assert not np.array_equal(first["dense_1.weight"], new["dense_1.weight"])
    reply = jobs.get_job(service.context, child)
    assert reply.spec.initial_weights is not None
    assert reply.spec.initial_weights.layers == ["dense_1"]
    assert service.run(child) == "succeeded"
    assert not np.array_equal(
        weights(service, child, 20)["dense_1.weight"], first["dense_1.weight"]
    )


def test_a_frozen_layer_keeps_its_bits_and_has_no_gradients(service: Service, parent: str) -> None:
    start = {"job": parent, "layers": ["dense_1"]}
    child = service.create(TUNED, initial_weights=start, freeze=["dense_1"])
    assert service.run(child) == "succeeded"
    first, last = weights(service, child, 0), weights(service, child, 20)
    for name in first:
        assert (first[name].tobytes() == last[name].tobytes()) == name.startswith("dense_1.")
    with service.database.read() as connection:
        gradients = unpack_gradients(blob for _, _, blob in job_log.gradients(connection, child))
    assert gradients is not None
    assert gradients.layers == ("head",)
    reply = jobs.get_job(service.context, child)
    assert reply.parameters == 5  # of 17
    assert reply.spec.freeze == ["dense_1"]


def test_a_job_with_frozen_layers_resumes_bit_for_bit(service: Service) -> None:
    layers = DIGITS["network"]["layers"]
    frozen = f"{layers[0]['type']}_1"
    whole = service.undisturbed(DIGITS, freeze=[frozen])
    broken = service.create(DIGITS, freeze=[frozen])
    for at in (2, 4):
        assert service.run(broken, at_call(at, lambda: True), flush_seconds=AT_ONCE) == "queued"
    assert service.run(broken) == "succeeded"
    actual = record(service.database, broken)
    assert actual.checkpoints == whole.checkpoints
    assert actual == whole


def test_a_fork_of_a_job_with_frozen_layers_may_train_them_and_the_other_way_round(
    service: Service,
) -> None:
    parent = service.create(XOR, freeze=["dense_1"])
    assert service.run(parent) == "succeeded"
    for freeze in ([], ["dense_1"], ["dense_2"]):
        child = service.create(XOR, freeze=freeze, initial_weights={"job": parent})
        first, last = weights(service, child, 0), weights(service, parent, XOR["epochs"])
        assert {n: a.tobytes() for n, a in first.items()} == {
            n: a.tobytes() for n, a in last.items()
        }
        assert service.run(child) == "succeeded"


def test_a_job_of_an_experiment_takes_layers_of_another(service: Service) -> None:
    tuned = {**TUNED, "initial_weights": {"job": "pretrain", "layers": ["dense_1"]}}
    made = create(
        service,
        {"pretrain": XOR, "tuned": {**tuned, "freeze": ["dense_1"]}},
        claims=[{"job": "tuned", "metric": "parameters", "at_most": 5}],
    )
    reply = run_all(service, made)
    assert reply.state == "succeeded"
    assert reply.claims[0].outcome == "met"
    by_name = ids(made)
    last = weights(service, by_name["pretrain"], XOR["epochs"])
    first = weights(service, by_name["tuned"], 0)
    new = drawn(TUNED)
    for part in ("weight", "bias"):
        assert first[f"dense_1.{part}"].tobytes() == last[f"dense_1.{part}"].tobytes()
        assert first[f"head.{part}"].tobytes() == new[f"head.{part}"].tobytes()


@pytest.mark.parametrize("format_", ["numpy", "pytorch"])
def test_the_training_program_freezes_the_same_layers(
    service: Service, parent: str, tmp_path: Path, format_: str
) -> None:
    start = {"job": parent, "layers": ["dense_1"]}
    child = service.create(TUNED, initial_weights=start, freeze=["dense_1"])
    assert service.run(child) == "succeeded"
    access, limits = service.context.access, service.settings.limits
    recording = recording_of(service.database, child, access, limits)
    assert recording.network.frozen == ("dense_1",)
    text = (training_numpy if format_ == "numpy" else training_pytorch)(recording)
    assert b"# Frozen: dense_1.\nLEARNED = ['head.weight', 'head.bias']\n" in text
    if format_ == "numpy":
        program = tmp_path / "training.py"
        program.write_bytes(text)
        done = subprocess.run(
            [sys.executable, str(program), "--json"], capture_output=True, text=True, check=True
        )
        assert json.loads(done.stdout)["verdict"] == "verified"


def test_members_of_a_sweep_freeze_the_same_layers(service: Service) -> None:
    spec = SweepSpec.model_validate(
        {
            "job": {**TUNED, "freeze": ["dense_1"]},
            "variants": [{"learning_rate": 0.1}, {"learning_rate": 0.01, "seed": 9}],
        }
    )
    sweep = sweeps.create_sweep(service.context, spec, CreateSweepOptions())
    assert sweep.parameters == 5
    assert service.run(sweep.id) == "succeeded"


LAYERS = "initial_weights.layers"


@pytest.mark.parametrize(
    ("layers", "field", "description"),
    [
        (["dense_9"], f"{LAYERS}[0]", "must be a layer of this network: there is no dense_9"),
        (["dense_1", "head"], f"{LAYERS}[1]", "must be a layer of job_"),
        (["dense_2"], f"{LAYERS}[0]", "must be a layer of this network"),
    ],
)
def test_layers_that_a_network_does_not_have_are_named(
    service: Service, parent: str, layers: list[str], field: str, description: str
) -> None:
    [(actual, text)] = refused(service, initial_weights={"job": parent, "layers": layers})
    assert actual == field
    assert text.startswith(description)


def test_layers_of_other_shapes_are_named_with_both_shapes(service: Service, parent: str) -> None:
    network = {"input_shape": [2], "layers": [{**BODY, "units": 5}, HEAD]}
    start = {"job": parent, "layers": ["dense_1"]}
    weight, bias = refused(service, network=network, initial_weights=start)
    assert weight[0] == bias[0] == f"{LAYERS}[0]"
    assert "the weight of dense_1 has [2, 5], and that of job_" in weight[1]
    assert weight[1].endswith("[2, 4]")
    without_bias = {"input_shape": [2], "layers": [{**BODY, "use_bias": False}, HEAD]}
    [(_, text)] = refused(service, network=without_bias, initial_weights=start)
    assert "the bias of dense_1 has none, and that of job_" in text


def test_layers_without_weights_are_not_taken(service: Service) -> None:
    dropout = {"type": "dropout", "rate": 0.5, "name": "drop"}
    network = {"input_shape": [2], "layers": [BODY, dropout, HEAD]}
    parent = service.create(TUNED, network=network)
    assert service.run(parent) == "succeeded"
    start = {"job": parent, "layers": ["drop"]}
    [(field, text)] = refused(service, network=network, initial_weights=start)
    assert (field, text) == (f"{LAYERS}[0]", "must be a layer with weights: drop has none")
    # They may be frozen, which changes nothing.
    service.create(TUNED, network=network, freeze=["drop"])


def test_freezing_needs_layers_of_the_network_and_leaves_some_to_train(service: Service) -> None:
    assert refused(service, freeze=["dense_1", "dense_2"]) == [
        ("freeze[1]", "must be a layer: there is no dense_2, only dense_1, head")
    ]
    assert refused(service, freeze=["head", "dense_1"]) == [
        ("freeze", "must leave a layer with weights to train: dense_1, head is all")
    ]
    with pytest.raises(ValueError, match="at least 1"):
        TrainingSpec.model_validate({**TUNED, "initial_weights": {"job": "job_1", "layers": []}})


def test_a_new_head_of_a_regression_has_a_unit_of_its_own(service: Service) -> None:
    spec: dict[str, Any] = {
        "network": {
            "input_shape": [1],
            "layers": [{"type": "dense", "units": 3}, {"type": "dense", "units": 1}],
        },
        "dataset": {"name": "sine"},
        "loss": "mse",
        "epochs": 2,
    }
    parent = service.create(spec, target_scaling="none")
    assert service.run(parent) == "succeeded"
    for layers, expected in ((["dense_1"], "standardize"), (["dense_1", "dense_2"], "none")):
        start = {"job": parent, "layers": layers}
        child = jobs.get_job(service.context, service.create(spec, initial_weights=start))
        assert child.spec.target_scaling == expected
