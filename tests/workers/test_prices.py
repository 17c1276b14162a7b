"""The price of a job before it runs, compared with its actual cost."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from benchmarks.prices import used_bytes
from tests.workers.in_process import DIGITS, XOR, Service, service_at

from epochal_service.errors import InvalidArgument, QuotaExceeded
from epochal_service.experiments.sweeps import prepare_sweep, price_of_sweep
from epochal_service.methods import jobs, sweeps
from epochal_service.settings import Quotas, Settings
from epochal_service.specs.jobs import CreateJobOptions
from epochal_service.specs.sweeps import SweepSpec
from epochal_service.specs.training import TrainingSpec
from epochal_service.store import Access
from epochal_service.store import jobs as stored_jobs

# Jobs of other kinds run the same SQL on both databases.


@pytest.fixture
def local(valkey_server: str, tmp_path: Path) -> Iterator[Service]:
    """A service on an empty SQLite file."""
    with service_at(f"sqlite:///{tmp_path}/epochal.db", valkey_server, tmp_path) as service:
        yield service


def dense(units: int, activation: str = "relu") -> dict[str, Any]:
    return {"type": "dense", "units": units, "activation": activation}


def classifier(*units: int) -> dict[str, Any]:
    layers = [*map(dense, units), dense(1, "sigmoid")]
    return {**XOR, "network": {"input_shape": [2], "layers": layers}}


def digits(*units: int, **fields: Any) -> dict[str, Any]:
    layers = [*map(dense, units), dense(10, "softmax")]
    plain = {"early_stopping": None, "schedule": {"type": "constant"}}
    return {**DIGITS, "network": {"input_shape": [64], "layers": layers}, **plain, **fields}


# ----------------------------------------------------------------------------------- stored bytes


@pytest.mark.parametrize(
    "spec",
    [
        XOR | {"epochs": 20_000},
        {**XOR, "epochs": 20_000, "snapshots": {"gradients_every": 0}},
        {**XOR, "epochs": 2_000, "snapshots": {"weights_every": 1}},
        {**classifier(*[16] * 12), "epochs": 3_000},
        {**classifier(8), "dtype": "float64", "epochs": 10_000},
        digits(512, epochs=30, snapshots={"weights_every": 1}),
        digits(512, epochs=60, snapshots={"weights_every": 1, "thin_weights_after": 9}),
        digits(128, epochs=40, batch_size=8, snapshots={"weights_every": 1}),
        {"job": XOR | {"epochs": 10_000}, "variants": [{"seed": seed} for seed in range(16)]},
    ],
    ids=[
        "epochs",
        "metrics",
        "checkpoints",
        "layers",
        "float64",
        "weights",
        "thinned",
        "slow",
        "sweep",
    ],
)
def test_a_job_stores_what_was_predicted(
    local: Service, spec: dict[str, Any], tmp_path: Path
) -> None:
    before = used_bytes(tmp_path)
    if "variants" in spec:
        predicted = sweeps.validate_sweep(
            local.context, SweepSpec.model_validate(spec)
        ).stored_bytes
    else:
        predicted = jobs.validate_job(local.context, TrainingSpec.model_validate(spec)).stored_bytes
    job_id = local.create(spec)
    usual = Settings(_env_file=None)
    job = local.run(
        job_id, flush_seconds=usual.flush_seconds, checkpoint_seconds=usual.checkpoint_seconds
    )
    assert job == "succeeded"
    used = used_bytes(tmp_path) - before
    assert 0.75 < predicted / used < 1.4
    assert 0.75 < stored_bytes(local) / used < 1.4


def stored_bytes(service: Service) -> int:
    with service.database.read() as connection:
        return stored_jobs.stored_bytes(connection, service.context.owner)


@pytest.mark.parametrize("end", ["early stop", "cancellation"])
def test_a_job_that_ends_early_counts_what_it_stored(local: Service, end: str) -> None:
    inputs = [[float(row), 1.0] for row in range(40)]
    spec = {
        **XOR,
        "dataset": {"inputs": inputs, "targets": [0, 1] * 20},
        "epochs": 100_000,
        "snapshots": {"weights_every": 1000},
        "target": {"metric": "train_loss", "value": 1e9},
    }
    job_id = local.create(spec)
    predicted = stored_bytes(local)
    if end == "cancellation":
        jobs.cancel_job(local.context, job_id)
    else:
        assert local.run(job_id) == "succeeded"
    assert 1_000 < stored_bytes(local) < predicted / 100


def test_a_job_that_would_fill_the_disk_is_refused(local: Service) -> None:
    spec = TrainingSpec.model_validate(
        {**classifier(2048, 2048), "epochs": 100_000, "snapshots": {"weights_every": 1}}
    )
    with pytest.raises(InvalidArgument) as caught:
        jobs.validate_job(local.context, spec)
    assert caught.value.reason == "limit_exceeded"
    ((field, description),) = caught.value.errors
    assert field == "snapshots.weights_every"
    assert "1.682 TB are 100,001 checkpoints: store them less often, or thin them" in description
    assert "the limit of one job is 2.147 GB" in description
    with pytest.raises(InvalidArgument, match="weights_every"):
        jobs.create_job(local.context, spec, CreateJobOptions())


def test_the_members_of_a_sweep_are_priced_together(local: Service) -> None:
    variants = [{"seed": seed} for seed in range(64)]
    job = {**XOR, "epochs": 30_000, "snapshots": {"gradients_every": 0}}
    alone = jobs.validate_job(local.context, TrainingSpec.model_validate(job)).stored_bytes
    limits = local.settings.limits.model_copy(update={"max_stored_bytes": 20 * alone})
    settings = local.settings.model_copy(update={"limits": limits})
    spec = SweepSpec.model_validate({"job": job, "variants": variants})
    sweeps.validate_sweep(local.context, spec)
    with pytest.raises(InvalidArgument) as caught:
        price_of_sweep(prepare_sweep(local.database, spec, Access("local"), limits), settings)
    assert [error.field for error in caught.value.errors] == ["job.epochs"]


def with_limit(service: Service, stored_bytes: int) -> Service:
    """The service with another limit of the stored bytes of an owner."""
    quotas = Quotas(max_stored_bytes_per_owner=stored_bytes)
    object.__setattr__(
        service.context, "settings", service.settings.model_copy(update={"quotas": quotas})
    )
    return service


def test_an_owner_stores_up_to_the_limit_and_no_more(local: Service) -> None:
    price = jobs.validate_job(local.context, TrainingSpec.model_validate(XOR)).stored_bytes
    service = with_limit(local, 2 * price)
    first, _ = service.create(XOR), service.create(XOR)
    with pytest.raises(QuotaExceeded, match="delete jobs that you do not need"):
        service.create(XOR)
    service.cancel(first)
    with pytest.raises(QuotaExceeded):
        service.create(XOR)
    jobs.delete_job(service.context, first)
    service.create(XOR)


def test_a_repeated_request_returns_its_job_although_the_owner_stores_too_much(
    local: Service,
) -> None:
    spec = TrainingSpec.model_validate(XOR)
    price = jobs.validate_job(local.context, spec).stored_bytes
    service = with_limit(local, price)
    options = CreateJobOptions(request_id="again")
    created = jobs.create_job(service.context, spec, options)
    assert jobs.create_job(service.context, spec, options).id == created.id


def test_the_bytes_of_other_owners_do_not_count(local: Service) -> None:
    price = jobs.validate_job(local.context, TrainingSpec.model_validate(XOR)).stored_bytes
    service = with_limit(local, price)
    job_id = service.create(XOR)
    with service.database.write() as connection:
        row = stored_jobs.find(connection, job_id)
        assert row is not None
        stored_jobs.advance(
            connection, job_id, states=(row.state,), events=0, values={"owner": "another"}
        )
    service.create(XOR)
