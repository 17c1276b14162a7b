"""The losses that a job is compared with: stored once, and their effect on its state."""

import math
from typing import Any

import numpy as np
import pytest
from tests.workers.in_process import AT_ONCE, DIGITS, XOR, Killed, Service, at_call
from tests.workers.record import record

from epochal_service.methods import datasets, jobs, sweeps
from epochal_service.specs.datasets import CreateDatasetRequest
from epochal_service.specs.jobs import Job
from epochal_service.specs.sweeps import Sweep

# Jobs of other kinds run the same SQL on both databases.

LINE: dict[str, Any] = {
    "network": {"input_shape": [1], "layers": [{"type": "dense", "units": 1}]},
    "dataset": {
        "inputs": [[0], [1], [2], [3]],
        "targets": [21, 23, 25, 27],
    },
    "loss": "mse",
    "target_scaling": "none",
    "epochs": 3,
}
FAR = {"type": "sgd", "learning_rate": 1e-9}
VARIANTS = [{"seed": 1}, {"seed": 2}, {"seed": 1, "learning_rate": 0.5}]


def get(service: Service, job_id: str) -> Job:
    return jobs.get_job(service.context, job_id)


def get_sweep(service: Service, sweep_id: str) -> Sweep:
    return sweeps.get_sweep(service.context, sweep_id)


def test_a_job_has_baselines_with_its_first_epoch(service: Service) -> None:
    job_id = service.create(LINE)
    assert get(service, job_id).baselines is None
    service.run(job_id, at_call(2, lambda: True), flush_seconds=AT_ONCE)
    job = get(service, job_id)
    assert job.epoch >= 1
    assert job.baselines is not None
    assert job.baselines.constant.train_loss == 5.0  # the variance of 21, 23, 25, 27
    assert job.baselines.constant.validation_loss is None
    assert job.baselines.linear is not None
    assert job.baselines.linear.train_loss == pytest.approx(0.0, abs=1e-9)
    assert job.baselines.initial is not None


def test_a_job_has_the_proof_that_no_line_separates_the_classes_of_xor(service: Service) -> None:
    job_id = service.create(XOR, epochs=2)
    service.run(job_id)
    baselines = get(service, job_id).baselines
    assert baselines is not None
    proof = baselines.separability
    assert proof is not None
    assert not proof.separable
    assert proof.point == pytest.approx([0.5, 0.5])
    assert {(*share.inputs, share.class_index) for share in proof.shares} == {
        (0.0, 0.0, 0),
        (1.0, 1.0, 0),
        (0.0, 1.0, 1),
        (1.0, 0.0, 1),
    }
    assert [share.weight for share in proof.shares] == pytest.approx([0.5] * 4)
    assert proof.text.startswith("No line separates the two classes, because the point (0.5, 0.5)")


@pytest.mark.parametrize("outputs", [1, 2])
def test_a_job_has_the_line_that_separates_the_classes_of_and(
    service: Service, outputs: int
) -> None:
    last, loss = {1: ("sigmoid", "binary_cross_entropy"), 2: ("softmax", "cross_entropy")}[outputs]
    network = {
        "input_shape": [2],
        "layers": [{"type": "dense", "units": outputs, "activation": last}],
    }
    job_id = service.create(XOR, network=network, dataset={"name": "and"}, loss=loss, epochs=2)
    service.run(job_id)
    baselines = get(service, job_id).baselines
    assert baselines is not None
    proof = baselines.separability
    assert proof is not None
    assert proof.separable
    assert proof.text.startswith("A line separates the two classes")
    assert proof.offset is not None
    values = [
        proof.normal[0] * a + proof.normal[1] * b + proof.offset for a in (0, 1) for b in (0, 1)
    ]
    assert [value > 0 for value in values] == [False, False, False, True]


def test_a_regression_has_no_separability(service: Service) -> None:
    job_id = service.create(LINE)
    service.run(job_id)
    baselines = get(service, job_id).baselines
    assert baselines is not None
    assert baselines.separability is None


def test_a_language_model_is_compared_with_ngram_models(service: Service) -> None:
    job_id = service.create(
        {
            "network": {
                "input_shape": [8],
                "layers": [
                    {"type": "embedding", "vocabulary": 37, "units": 2},
                    {"type": "dense", "units": 37, "activation": "softmax"},
                ],
            },
            "dataset": {"name": "sonnets", "length": 8},
            "loss": "cross_entropy",
            "validation_fraction": 0.1,
            "epochs": 1,
        }
    )
    service.run(job_id)
    baselines = get(service, job_id).baselines
    assert baselines is not None
    assert [ngram.n for ngram in baselines.ngrams] == [2, 3, 4]
    predictors = [baselines.constant, *baselines.ngrams]
    losses = [losses.validation_loss or math.nan for losses in predictors]
    assert losses == sorted(losses, reverse=True)


def test_the_initial_loss_is_that_of_the_first_step_of_a_single_batch(service: Service) -> None:
    job_id = service.create(LINE, epochs=1)
    service.run(job_id)
    job = get(service, job_id)
    assert job.latest is not None
    assert job.baselines is not None
    assert job.baselines.initial is not None
    assert job.baselines.initial.train_loss == pytest.approx(job.latest.train_loss, rel=1e-6)


def test_a_fork_starts_with_the_loss_of_its_parent(service: Service) -> None:
    parent = service.create(DIGITS, epochs=4)
    service.run(parent)
    last = get(service, parent).latest
    assert last is not None
    start = {"job": parent, "epoch": 4}
    child = service.create(DIGITS, epochs=3, initial_weights=start)
    service.run(child)
    baselines = get(service, child).baselines
    assert baselines is not None
    assert baselines.initial is not None
    assert baselines.initial.validation_loss == pytest.approx(last.validation_loss, rel=1e-5)


@pytest.mark.parametrize("killed_at", [1, 2, 6])
def test_a_kill_changes_neither_baselines_nor_the_best_epoch(
    service: Service, killed_at: int
) -> None:
    def kill() -> bool:
        raise Killed

    expected = service.undisturbed(DIGITS)
    job_id = service.create(DIGITS)
    with pytest.raises(Killed):
        service.run(job_id, at_call(killed_at, kill), flush_seconds=AT_ONCE)
    service.lose_worker(job_id)
    assert service.run(job_id) == "succeeded"
    assert record(service.database, job_id) == expected
    assert expected.baselines is not None
    assert expected.best is not None


def test_members_of_a_sweep_share_baselines_and_have_their_own_initial_losses(
    service: Service,
) -> None:
    sweep_id = service.create({"job": {**XOR, "epochs": 5}, "variants": VARIANTS})
    service.run(sweep_id)
    sweep = get_sweep(service, sweep_id)
    assert sweep.baselines is not None
    assert sweep.baselines.constant.train_loss == pytest.approx(math.log(2.0))
    assert sweep.baselines.initial is None
    first, second, third = (member.initial for member in sweep.members)
    assert first == third != second
    alone = service.create(XOR, epochs=1, seed=2)
    service.run(alone)
    baselines = get(service, alone).baselines
    assert baselines is not None
    assert baselines.initial is not None
    assert second is not None
    assert second.train_loss == pytest.approx(baselines.initial.train_loss, rel=1e-6)


def test_the_labels_of_a_sweep_know_baselines_and_the_best_member(service: Service) -> None:
    job = {
        "network": {
            "input_shape": [4],
            "layers": [
                {"type": "dense", "units": 8, "activation": "relu"},
                {"type": "dense", "units": 3, "activation": "softmax"},
            ],
        },
        "dataset": {"name": "iris"},
        "loss": "cross_entropy",
        "epochs": 100,
        "batch_size": 16,
    }
    rates = (1e-5, 0.01, 10.0, 100.0)
    variants = [{"learning_rate": rate} for rate in rates]
    sweep_id = service.create({"job": job, "variants": variants})
    service.run(sweep_id)
    labels = [member.label for member in get_sweep(service, sweep_id).members]
    names = [label.name for label in labels if label is not None]
    assert names[0] in ("too_low", "slow")
    assert names[1] == "good"
    assert names[2] in ("oscillating", "diverged")
    assert names[3] == "diverged"
    best = labels[1]
    assert best is not None
    assert best.missing_decrease_fraction == 0.0
    assert best.constant_loss_ratio < 0.5


def test_a_finished_job_that_no_constant_beats_has_no_warning(service: Service) -> None:
    job_id = service.create(DIGITS)
    assert service.run(job_id) == "succeeded"
    assert get(service, job_id).warning is None


def test_a_job_that_is_worse_than_the_mean_says_so_with_both_numbers(service: Service) -> None:
    job_id = service.create(LINE, optimizer=FAR)
    service.run(job_id)
    job = get(service, job_id)
    assert job.latest is not None
    assert job.warning == (
        f"Finished, but worse than predicting the mean: training loss {job.latest.train_loss:.3g}, "
        "a constant gives 5"
    )


def test_the_lowest_validation_loss_decides(service: Service) -> None:
    # Targets of the training part do not help with the validation part.
    dataset = {"inputs": [[k] for k in range(20)], "targets": [float(k % 2) for k in range(20)]}
    spec = {**LINE, "dataset": dataset, "validation_fraction": 0.5, "optimizer": FAR}
    job_id = service.create(spec)
    service.run(job_id)
    job = get(service, job_id)
    assert job.warning is not None
    assert "validation loss" in job.warning
    assert record(service.database, job_id).best is not None


def test_a_job_that_predicts_a_constant_is_no_better(service: Service) -> None:
    # A rate of 0.5 takes the only weight that matters, the bias, to the mean in one step.
    dataset = {"inputs": [[0], [0], [0], [0]], "targets": [1, 3, 5, 7]}
    job_id = service.create(
        LINE, dataset=dataset, epochs=3, optimizer={"type": "sgd", "learning_rate": 0.5}
    )
    service.run(job_id)
    assert get(service, job_id).warning == (
        "Finished, but no better than predicting the mean: training loss 5, a constant gives 5"
    )


def test_the_network_that_is_kept_is_compared_and_not_the_best_one(service: Service) -> None:
    # Steps of Adam at 10 lead away from the weights of the first epochs.
    layers = [
        {"type": "dense", "units": 16, "activation": "tanh"},
        {"type": "dense", "units": 1, "activation": "sigmoid"},
    ]
    spec = {
        "network": {"input_shape": [2], "layers": layers},
        "dataset": {"name": "two_moons"},
        "loss": "binary_cross_entropy",
        "optimizer": {"type": "adam", "learning_rate": 10.0},
        "epochs": 40,
    }
    job_id = service.create(spec)
    service.run(job_id)
    job = get(service, job_id)
    assert job.best is not None
    assert job.latest is not None
    assert job.best.value < 0.6 < 0.7 < job.latest.train_loss
    assert job.warning == (
        f"Finished, but worse than predicting the class shares: training loss "
        f"{job.latest.train_loss:.3g}, a constant gives 0.693, epoch {job.best.epoch} had "
        f"{job.best.value:.3g}"
    )
    restoring = service.create(spec, early_stopping={"patience": 100, "restore_best": True})
    service.run(restoring)
    assert get(service, restoring).warning is None


def test_a_job_that_has_not_succeeded_has_no_warning(service: Service) -> None:
    job_id = service.create(LINE, optimizer=FAR)
    service.run(job_id, at_call(2, lambda: service.cancel(job_id)), flush_seconds=AT_ONCE)
    assert get(service, job_id).state == "cancelled"
    assert get(service, job_id).warning is None


def test_a_job_of_an_older_version_has_no_baselines(service: Service) -> None:
    job_id = service.create(LINE, epochs=300)
    service.run(job_id, at_call(40, lambda: True), flush_seconds=AT_ONCE)
    assert get(service, job_id).state == "queued"
    with service.database.write() as connection:
        connection.exec_driver_sql("UPDATE jobs SET baselines = NULL")
    assert service.run(job_id) == "succeeded"
    job = get(service, job_id)
    assert job.baselines is None
    assert job.warning is None


def board(service: Service) -> str:
    """Upload points of two colors: trees learn their border sooner than a small network."""
    points = np.random.default_rng(0).uniform(0, 4, (400, 2)).round(3)
    rows = [f"{x},{y},{'white' if x > 1 and y > 2 else 'black'}" for x, y in points]
    request = CreateDatasetRequest(name="board", csv="\n".join(["x,y,field", *rows]))
    return datasets.create_dataset(service.context, request).id


def test_a_job_says_that_boosted_trees_are_far_better_on_an_uploaded_table(
    service: Service,
) -> None:
    dataset = {"id": board(service)}
    adam = {"type": "adam", "learning_rate": 0.01}
    job_id = service.create(
        XOR, dataset=dataset, epochs=10, validation_fraction=0.25, optimizer=adam
    )
    assert service.run(job_id) == "succeeded"
    job = get(service, job_id)
    assert job.baselines is not None
    assert job.latest is not None
    trees = job.baselines.boosted
    assert trees is not None
    assert trees.validation_loss is not None
    assert trees.validation_loss < 0.2
    assert job.warning == (
        "Finished, but gradient-boosted trees suit this table better: validation loss "
        f"{job.latest.validation_loss:.3g}, they give {trees.validation_loss:.3g}"
    )


def test_only_uploaded_tables_with_a_validation_part_have_boosted_trees(service: Service) -> None:
    uploaded = {"dataset": {"id": board(service)}, "validation_fraction": 0.0}
    generated = {"dataset": {"name": "spiral"}, "validation_fraction": 0.5}
    for changes in uploaded, generated:
        job_id = service.create(XOR, epochs=2, **changes)
        service.run(job_id)
        baselines = get(service, job_id).baselines
        assert baselines is not None
        assert baselines.boosted is None
