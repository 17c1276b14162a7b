"""A sweep and its workers: the stored results of its members."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from tests.workers import record
from tests.workers.in_process import AT_ONCE, NEVER, XOR, Killed, Service, at_call
from tests.workers.record import check_log, read

from epochal_service.errors import Conflict, InvalidArgument, NotFound
from epochal_service.experiments import sweeps
from epochal_service.jobs import lifecycle
from epochal_service.methods import jobs as job_methods
from epochal_service.methods import sweeps as sweep_methods
from epochal_service.specs.jobs import CreateJobOptions
from epochal_service.specs.sweeps import CreateSweepOptions, Sweep, SweepSpec

# Jobs of other kinds run the same SQL on both databases.

# A job with all kinds of state: shuffled batches, each member's own dropout, moments, stopping.
JOB: dict[str, Any] = {
    **XOR,
    "dataset": {"name": "two_moons", "samples": 40},
    "network": {
        "input_shape": [2],
        "layers": [
            {"type": "dense", "units": 4, "activation": "tanh"},
            {"type": "dropout", "rate": 0.2},
            {"type": "dense", "units": 1, "activation": "sigmoid"},
        ],
    },
    "batch_size": 8,
    "validation_fraction": 0.25,
    "early_stopping": {"patience": 12},
    "epochs": 30,
}
VARIANTS: list[dict[str, Any]] = [
    {"learning_rate": 0.01},
    {"learning_rate": 0.5, "seed": 3},
    {"learning_rate": 1e-9, "beta_1": 0.5},
]


def create(service: Service, variants: list[dict[str, Any]] = VARIANTS, **changes: Any) -> str:
    spec = SweepSpec.model_validate({"job": {**JOB, **changes}, "variants": variants})
    return sweep_methods.create_sweep(service.context, spec, CreateSweepOptions()).id


def get(service: Service, sweep_id: str) -> Sweep:
    return sweep_methods.get_sweep(service.context, sweep_id)


def columns(service: Service, sweep_id: str) -> dict[str, NDArray[np.float64]]:
    """Every column of every member."""
    check_log(service.database, sweep_id)
    _, rows = read(service.database, sweep_id)
    return record.columns(rows)


def without_time(result: dict[str, NDArray[np.float64]]) -> dict[str, list[float]]:
    return {name: c.tolist() for name, c in result.items() if not name.endswith(".seconds")}


def test_a_sweep_stores_every_epoch_of_every_member_once(service: Service) -> None:
    sweep_id = create(service)
    assert service.run(sweep_id, flush_seconds=AT_ONCE) == "succeeded"
    result = get(service, sweep_id)
    assert (result.state, result.stop_reason) == ("succeeded", "completed")
    chosen = columns(service, sweep_id)
    for member in result.members:
        assert member.latest is not None
        assert member.epoch == member.latest.epoch == len(chosen[f"{member.index}.train_loss"])
        assert member.latest.train_loss == chosen[f"{member.index}.train_loss"][-1]
        assert member.stop_reason in ("completed", "early_stopped")
    # A rate of 1e-9 improves nothing that can be measured.
    assert result.members[2].stop_reason == "early_stopped"
    assert result.members[2].label is not None
    assert result.members[2].label.name == "too_low"
    assert result.epoch == max(member.epoch for member in result.members)


def test_a_member_is_the_job_that_it_would_be_alone(service: Service) -> None:
    sweep_id = create(service)
    service.run(sweep_id)
    spec = sweeps.variant_of(get(service, sweep_id).spec, 1)
    # The validation part is chosen by the job's own seed, which member 1 does not share.
    spec = spec.model_copy(update={"seed": 0})
    other = create(service, [{"learning_rate": 0.5}])
    service.run(other)
    job = job_methods.create_job(service.context, spec, CreateJobOptions())
    service.run(job.id)
    alone = job_methods.get_job(service.context, job.id)
    member = get(service, other).members[0]
    assert alone.latest is not None
    assert member.latest is not None
    assert member.epoch == alone.epoch
    assert member.latest.train_loss == pytest.approx(alone.latest.train_loss, rel=1e-3)
    assert member.latest.validation_loss == pytest.approx(alone.latest.validation_loss, rel=1e-3)


def killed_at(number: int) -> Callable[[], bool]:
    def die() -> None:
        raise Killed

    return at_call(number, die)


@pytest.mark.parametrize("checkpoint_seconds", [AT_ONCE, NEVER])
@pytest.mark.parametrize("epoch", [1, 9, 20])
def test_a_sweep_whose_worker_is_killed_has_bit_identical_results(
    service: Service, epoch: int, checkpoint_seconds: float
) -> None:
    undisturbed = create(service)
    assert service.run(undisturbed) == "succeeded"
    sweep_id = create(service)
    with pytest.raises(Killed):
        service.run(
            sweep_id,
            killed_at(epoch + 1),
            flush_seconds=AT_ONCE,
            checkpoint_seconds=checkpoint_seconds,
        )
    service.lose_worker(sweep_id)
    assert service.run(sweep_id) == "succeeded"
    chosen, whole = columns(service, sweep_id), columns(service, undisturbed)
    assert without_time(chosen) == without_time(whole)
    after, before = get(service, sweep_id).members, get(service, undisturbed).members
    assert [m.stop_reason for m in after] == [m.stop_reason for m in before]
    assert [m.epoch for m in after] == [m.epoch for m in before]


def test_a_stopping_worker_releases_the_sweep_at_the_end_of_an_epoch(service: Service) -> None:
    undisturbed = create(service)
    service.run(undisturbed)
    sweep_id = create(service)
    assert service.run(sweep_id, at_call(6, lambda: True), checkpoint_seconds=NEVER) == "queued"
    assert get(service, sweep_id).epoch == 6
    assert service.run(sweep_id) == "succeeded"
    assert without_time(columns(service, sweep_id)) == without_time(columns(service, undisturbed))


def test_a_running_sweep_is_cancelled_and_keeps_its_epochs(service: Service) -> None:
    sweep_id = create(service, epochs=10_000, early_stopping=None)

    def cancel() -> None:
        sweep_methods.cancel_sweep(service.context, sweep_id)

    assert service.run(sweep_id, at_call(5, cancel), flush_seconds=AT_ONCE) == "cancelled"
    result = get(service, sweep_id)
    assert (result.state, result.stop_reason) == ("cancelled", "user")
    assert [member.epoch for member in result.members] == [5, 5, 5]
    assert all(member.stop_reason is None for member in result.members)


def test_a_member_that_diverges_is_explained_and_the_others_continue(service: Service) -> None:
    network = {"input_shape": [2], "layers": [{"type": "dense", "units": 1}]}
    sweep_id = create(
        service,
        [{"learning_rate": 0.01}, {"learning_rate": 1e6}],
        network=network,
        loss="mse",
        optimizer={"type": "sgd"},
    )
    assert service.run(sweep_id) == "succeeded"
    result = get(service, sweep_id)
    good, bad = result.members
    assert good.stop_reason in ("completed", "early_stopped")
    assert bad.stop_reason == "diverged"
    assert bad.divergence is not None
    assert bad.divergence.epoch == bad.epoch < good.epoch
    assert bad.label is not None
    assert bad.label.name == "diverged"
    assert result.detail == "1 of 2 members diverged"


def test_job_methods_do_not_find_sweeps_and_sweep_methods_do_not_find_jobs(
    service: Service,
) -> None:
    sweep_id, job_id = create(service), service.create(XOR)
    with pytest.raises(NotFound):
        job_methods.get_job(service.context, sweep_id)
    with pytest.raises(NotFound):
        job_methods.cancel_job(service.context, sweep_id)
    with pytest.raises(NotFound):
        job_methods.delete_job(service.context, sweep_id)
    with pytest.raises(NotFound):
        sweep_methods.get_sweep(service.context, job_id)
    with pytest.raises(NotFound):
        sweep_methods.delete_sweep(service.context, job_id)


def test_a_sweep_has_two_million_epochs_of_all_members_at_most(service: Service) -> None:
    with pytest.raises(InvalidArgument) as raised:
        create(service, [{"seed": seed} for seed in range(64)], epochs=31_251)
    assert raised.value.reason == "limit_exceeded"
    assert raised.value.errors[0].field == "variants"


def test_a_sweep_is_deleted_only_when_it_has_ended(service: Service) -> None:
    sweep_id = create(service)
    with pytest.raises(Conflict):
        sweep_methods.delete_sweep(service.context, sweep_id)
    lifecycle.cancel(service.database, sweep_id, service.context.access, "sweep")
    sweep_methods.delete_sweep(service.context, sweep_id)
    with pytest.raises(NotFound):
        get(service, sweep_id)
