"""A job with weights of samples and classes, from its spec to its diagnosis."""

import math
from typing import Any

import numpy as np
import pytest
from tests.workers.in_process import AT_ONCE, Killed, Service, at_call
from tests.workers.record import record

from epochal_service.methods import datasets, diagnosis, jobs, sweeps
from epochal_service.specs.datasets import CreateDatasetRequest

# Jobs of other kinds run the same SQL on both databases.

RNG = np.random.default_rng(0)
LABELS = (np.arange(200) < 12).astype(int)
# The rare class is in the midst of the other, so the other one is nearly always right.
INPUTS = np.where(LABELS[:, None] == 1, 0.7, 1.0) * RNG.normal(size=(200, 2)) + LABELS[:, None]
RARE: dict[str, Any] = {
    "network": {
        "input_shape": [2],
        "layers": [
            {"type": "dense", "units": 8, "activation": "tanh"},
            {"type": "dense", "units": 1, "activation": "sigmoid"},
        ],
    },
    "dataset": {
        "inputs": INPUTS.tolist(),
        "targets": LABELS.tolist(),
        "class_names": ["usual", "rare"],
    },
    "loss": "binary_cross_entropy",
    "optimizer": {"type": "adam", "learning_rate": 0.01},
    "validation_fraction": 0.25,
    "epochs": 30,
}


@pytest.mark.parametrize("validation_fraction", [0.25, 0.0])
def test_the_remedy_of_a_rare_class_that_is_neglected_is_a_balance(
    service: Service, validation_fraction: float
) -> None:
    spec = {**RARE, "validation_fraction": validation_fraction}
    job_id = service.create(spec)
    service.run(job_id)
    finding = diagnosis.get_diagnosis(service.context, job_id).findings[0]
    assert finding.kind == "class_imbalance"
    assert finding.message.startswith("Class rare is 6.0% of the training samples")
    assert finding.patch == {"class_weights": "balanced"}
    assert finding.trial is not None
    part = "validation" if validation_fraction else "train"
    assert finding.trial.metric == f"balanced_{part}_loss"
    assert finding.trial.without_remedy is not None
    assert finding.trial.with_remedy < finding.trial.without_remedy

    balanced = service.create({**spec, **finding.patch})
    service.run(balanced)
    kinds = [f.kind for f in diagnosis.get_diagnosis(service.context, balanced).findings]
    assert "class_imbalance" not in kinds


def test_the_baselines_of_a_balanced_job_give_all_classes_the_same_share(service: Service) -> None:
    job_id = service.create(RARE, class_weights="balanced", epochs=2)
    service.run(job_id)
    baselines = jobs.get_job(service.context, job_id).baselines
    assert baselines is not None
    assert baselines.constant.train_loss == pytest.approx(math.log(2.0), rel=1e-9)
    assert baselines.constant.validation_loss == pytest.approx(math.log(2.0), rel=0.1)
    assert baselines.initial is not None


def test_the_warning_of_a_balanced_job_does_not_speak_of_class_shares(
    service: Service,
) -> None:
    job_id = service.create(
        RARE, class_weights="balanced", epochs=1, optimizer={"type": "sgd", "learning_rate": 1e-9}
    )
    service.run(job_id)
    warning = jobs.get_job(service.context, job_id).warning
    assert warning is not None
    assert "than predicting a constant: validation loss" in warning


def test_a_kill_changes_no_bit_of_a_job_with_weights(service: Service) -> None:
    def kill() -> bool:
        raise Killed

    rows = {**RARE["dataset"], "weights": RNG.random(200).tolist()}
    spec = {**RARE, "class_weights": [1.0, 5.0], "dataset": rows}
    expected = service.undisturbed(spec)
    job_id = service.create(spec)
    with pytest.raises(Killed):
        service.run(job_id, at_call(6, kill), flush_seconds=AT_ONCE)
    service.lose_worker(job_id)
    assert service.run(job_id) == "succeeded"
    assert record(service.database, job_id) == expected


def test_the_weights_of_an_uploaded_column_count(service: Service) -> None:
    """Rows of weight 0 say the opposite of the others: a line is learned all the same."""
    lines = [f"{x},{1 if x % 2 else 0},{2 * x if x % 2 else -2 * x}" for x in range(40)]
    request = CreateDatasetRequest.model_validate(
        {
            "name": "rows",
            "csv": "\n".join(["x,importance,y", *lines]),
            "columns": [{"name": "importance", "kind": "weight"}],
        }
    )
    dataset = datasets.create_dataset(service.context, request)
    assert dataset.feature_names == ["x"]
    spec = {
        "network": {"input_shape": [1], "layers": [{"type": "dense", "units": 1}]},
        "dataset": {"id": dataset.id, "scaling": "standard"},
        "loss": "mse",
        "optimizer": {"type": "adam", "learning_rate": 0.1},
        "epochs": 200,
        "validation_fraction": 0.2,
    }
    job_id = service.create(spec)
    service.run(job_id)
    job = jobs.get_job(service.context, job_id)
    assert job.latest is not None
    assert job.latest.validation_loss is not None
    assert job.latest.validation_loss < 1e-3
    assert job.baselines is not None
    assert job.baselines.linear is not None
    assert job.baselines.linear.validation_loss == pytest.approx(0.0, abs=1e-6)


def test_all_members_of_a_sweep_have_the_weights_of_its_job(service: Service) -> None:
    spec = {**RARE, "class_weights": "balanced", "epochs": 2}
    variants = [{"learning_rate": 0.01}, {"learning_rate": 0.02}]
    sweep_id = service.create({"job": spec, "variants": variants})
    service.run(sweep_id)
    alone = service.create(spec)
    service.run(alone)
    latest = jobs.get_job(service.context, alone).latest
    member = sweeps.get_sweep(service.context, sweep_id).members[0].latest
    assert latest is not None
    assert member is not None
    assert member.train_loss == pytest.approx(latest.train_loss, rel=1e-4)
