"""A fork starts from another job's weights, bit for bit, even if that job is deleted."""

import re
from typing import Any

import numpy as np
import pytest
from tests.workers.in_process import AT_ONCE, DIGITS, XOR, Service, at_call
from tests.workers.record import read, record

from epochal_service.curves.epochs import merge
from epochal_service.errors import InvalidArgument
from epochal_service.methods import jobs, sweeps
from epochal_service.preparation.prepare import prepare
from epochal_service.preparation.prepared import SHIFT
from epochal_service.specs.jobs import ForkedFrom
from epochal_service.specs.sweeps import CreateSweepOptions, SweepSpec
from epochal_service.specs.training import TrainingSpec
from epochal_service.store import Access, checkpoints
from epochal_service.store import jobs as stored_jobs
from epochal_service.store.packing import unpack

# Jobs of other kinds run the same SQL on both databases.

# One step an epoch that remembers nothing: all that it depends on are the weights.
FORGETFUL: dict[str, Any] = {
    **XOR,
    "epochs": 40,
    "optimizer": {"type": "sgd", "learning_rate": 0.5},
    "snapshots": {"weights_every": 10},
}


@pytest.fixture
def parent(service: Service) -> str:
    """A job of 40 epochs that has ended; every tenth has its weights."""
    job_id = service.create(FORGETFUL)
    assert service.run(job_id) == "succeeded"
    return job_id


def fork(service: Service, parent: str, epoch: int, spec: Any = FORGETFUL, **changes: Any) -> str:
    return service.create(spec, initial_weights={"job": parent, "epoch": epoch}, **changes)


def losses(service: Service, job_id: str) -> list[float]:
    _, rows = read(service.database, job_id)
    segment = merge((row.first_epoch, row.body) for row in rows if row.body is not None)
    assert segment is not None
    return list(segment.columns["train_loss"].tolist())


def weights(service: Service, job_id: str, epoch: int) -> dict[str, Any]:
    with service.database.read() as connection:
        actual = checkpoints.find(connection, job_id, epoch)
    assert actual is not None
    return unpack(actual[1])


def refused(service: Service, parent: str, epoch: int, **changes: Any) -> list[tuple[str, str]]:
    with pytest.raises(InvalidArgument) as caught:
        fork(service, parent, epoch, **changes)
    return [(error.field, error.description) for error in caught.value.errors]


def test_a_fork_without_changes_has_the_epochs_of_its_parent(service: Service, parent: str) -> None:
    child = fork(service, parent, 30, epochs=10)
    assert service.run(child) == "succeeded"
    assert losses(service, child) == losses(service, parent)[30:]
    last = weights(service, child, 10)
    for name, array in weights(service, parent, 40).items():
        np.testing.assert_array_equal(last[name], array)


def test_a_fork_names_its_parent(service: Service, parent: str) -> None:
    child = jobs.get_job(service.context, fork(service, parent, 20))
    assert child.forked_from == ForkedFrom(job=parent, epoch=20)
    assert jobs.get_job(service.context, parent).forked_from is None


def test_a_fork_outlives_its_parent(service: Service, parent: str) -> None:
    expected = losses(service, parent)[20:]
    child = fork(service, parent, 20, epochs=20)
    jobs.delete_job(service.context, parent)
    assert service.run(child) == "succeeded"
    assert losses(service, child) == expected
    assert jobs.get_job(service.context, child).forked_from == ForkedFrom(job=parent, epoch=20)


def test_epoch_0_of_a_fork_has_its_initial_weights(service: Service, parent: str) -> None:
    child = fork(service, parent, 10, dataset={"name": "xor", "scaling": "standard"})
    first = weights(service, child, 0)
    for name, array in weights(service, parent, 10).items():
        np.testing.assert_array_equal(first[name], array)
    np.testing.assert_array_equal(first[SHIFT], [0.5, 0.5])  # from the child's data
    grandchild = fork(service, child, 0)
    np.testing.assert_array_equal(
        weights(service, grandchild, 0)["dense_1.weight"], first["dense_1.weight"]
    )


def test_a_fork_resumes_bit_for_bit(service: Service) -> None:
    parent = service.create(DIGITS)
    assert service.run(parent) == "succeeded"
    whole = fork(service, parent, 14, DIGITS, epochs=9)
    assert service.run(whole) == "succeeded"
    broken = fork(service, parent, 14, DIGITS, epochs=9)
    for at in (2, 4):  # the second time within the next attempt
        assert service.run(broken, at_call(at, lambda: True), flush_seconds=AT_ONCE) == "queued"
    assert service.run(broken) == "succeeded"
    assert losses(service, broken) == losses(service, whole)
    left, right = record(service.database, broken), record(service.database, whole)
    assert left.checkpoints == right.checkpoints
    # A fresh optimizer takes other steps than the parent's, which had its memory.
    assert losses(service, whole)[:2] != losses(service, parent)[14:16]


def test_layers_without_weights_may_be_added_and_removed(service: Service, parent: str) -> None:
    first, last = XOR["network"]["layers"]
    layers = [first, {"type": "dropout", "rate": 0.5}, last]
    child = fork(service, parent, 40, network={"input_shape": [2], "layers": layers})
    np.testing.assert_array_equal(
        weights(service, child, 0)["dense_3.weight"], weights(service, parent, 40)["dense_2.weight"]
    )
    assert service.run(child) == "succeeded"


def test_an_epoch_without_weights_is_refused_with_the_nearest_stored_epochs(
    service: Service, parent: str
) -> None:
    [(field, result)] = refused(service, parent, 25)
    assert field == "initial_weights.epoch"
    assert result.endswith("none of epoch 25, the nearest stored epochs are 20 and 30")
    assert refused(service, parent, 3)[0][1].endswith("the nearest stored epochs are 0 and 10")
    assert refused(service, parent, 99)[0][1].endswith("the nearest stored epoch is 40")
    queued = service.create(XOR)
    assert refused(service, queued, 1)[0][1].endswith("nor of any other epoch yet")


def test_weights_of_another_shape_are_refused_by_their_layer_and_both_shapes(
    service: Service, parent: str
) -> None:
    _, last = XOR["network"]["layers"]
    wide = {"type": "dense", "units": 5, "activation": "tanh"}
    result = refused(service, parent, 10, network={"input_shape": [2], "layers": [wide, last]})
    assert {field for field, _ in result} == {"initial_weights.job"}
    assert re.search(
        r"weight of dense_1 has \[2, 5\], .* dense_1 of job_\w+ has \[2, 4\]", result[0][1]
    )
    assert len(result) == 3  # its bias, and the weight that follows
    longer = refused(
        service, parent, 10, network={"input_shape": [2], "layers": [wide, wide, last]}
    )
    assert longer[-1][1].endswith("has none for the bias of dense_3, [1]")
    shorter = refused(service, parent, 10, network={"input_shape": [2], "layers": [last]})
    assert shorter[-1][1].endswith("also has the bias of dense_2, [1]")


def test_an_unknown_parent_is_refused(service: Service) -> None:
    assert refused(service, "job_1", 1) == [
        (
            "initial_weights.job",
            "There is no job job_1: it was deleted, or belongs to another API key's owner",
        )
    ]


def test_validation_without_creation_reports_the_same_errors(service: Service, parent: str) -> None:
    def validated(epoch: int) -> Any:
        begin = {"job": parent, "epoch": epoch}
        spec = TrainingSpec.model_validate({**FORGETFUL, "initial_weights": begin})
        return jobs.validate_job(service.context, spec)

    assert validated(40).forked_from == ForkedFrom(job=parent, epoch=40)
    with pytest.raises(InvalidArgument, match="20 and 30"):
        validated(29)


def test_a_sweep_of_forks_is_refused(service: Service, parent: str) -> None:
    job = {**FORGETFUL, "initial_weights": {"job": parent, "epoch": 10}}
    spec = SweepSpec.model_validate({"job": job, "variants": [{"seed": 1}, {"seed": 2}]})
    with pytest.raises(InvalidArgument) as caught:
        sweeps.create_sweep(service.context, spec, CreateSweepOptions())
    assert [error.field for error in caught.value.errors] == ["job.initial_weights"]


SPLIT: dict[str, Any] = {
    **DIGITS,
    "validation_fraction": 0.25,
    "epochs": 2,
    "schedule": {"type": "constant"},
    "snapshots": {"weights_every": 1},
}


def validation_rows(service: Service, job_id: str) -> list[int]:
    with service.database.read() as connection:
        row = stored_jobs.find(connection, job_id)
    assert row is not None
    spec = TrainingSpec.model_validate_json(row.spec)
    prepared = prepare(
        service.database, spec, Access(row.owner), service.settings.limits, stored=True
    )
    return sorted(prepared.rows.validation.tolist())


def test_a_fork_is_not_validated_on_its_parents_training_rows(service: Service) -> None:
    parent = service.create(SPLIT, seed=1)
    assert service.run(parent) == "succeeded"
    child = fork(service, parent, 2, SPLIT, seed=2)
    assert validation_rows(service, child) == validation_rows(service, parent)
    assert service.run(child) == "succeeded"
    grandchild = fork(service, child, 1, SPLIT, seed=3)
    assert validation_rows(service, grandchild) == validation_rows(service, parent)
    # Less validation is a part of the parent's; other data have nothing in common.
    smaller = fork(service, parent, 2, SPLIT, seed=2, validation_fraction=0.1)
    assert set(validation_rows(service, smaller)) < set(validation_rows(service, parent))
    explicit = fork(service, parent, 2, SPLIT, seed=2, split={"seed": 7})
    assert validation_rows(service, explicit) != validation_rows(service, parent)


@pytest.mark.parametrize("target_scaling", ["none", "standardize"])
def test_a_fork_answers_in_the_unit_of_its_parent(service: Service, target_scaling: str) -> None:
    spec = {
        "network": {"input_shape": [1], "layers": [{"type": "dense", "units": 1}]},
        "dataset": {"name": "sine"},
        "loss": "mse",
        "epochs": 2,
    }
    parent = service.create(spec, target_scaling=target_scaling)
    assert service.run(parent) == "succeeded"
    child = jobs.get_job(service.context, fork(service, parent, 2, spec))
    assert child.spec.target_scaling == target_scaling
