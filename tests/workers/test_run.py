"""One job and one worker: every kind of end, and the stored results."""

import json
import math
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import closing, contextmanager
from functools import partial
from itertools import count
from threading import Event
from threading import enumerate as enumerate_threads
from typing import Any

import numpy as np
import pytest
import sqlalchemy
from tests.servers.stack import await_condition
from tests.workers.in_process import (
    AT_ONCE,
    DIGITS,
    LONG_EPOCHS,
    NEVER,
    XOR,
    Killed,
    MortalDatabase,
    Service,
    at_call,
)
from tests.workers.record import check_log, read, record, states

import epochal_engine as engine
import epochal_workers.attempt
from epochal_service.answers.inspection import trained
from epochal_service.curves.epochs import merge, unpack_gradients
from epochal_service.jobs import lifecycle
from epochal_service.jobs.lifecycle import Ending, Progress
from epochal_service.methods import datasets, jobs, predictions
from epochal_service.preparation.prepare import prepare
from epochal_service.preparation.prepared import SCALE, SHIFT
from epochal_service.settings import Limits
from epochal_service.specs.datasets import CreateDatasetRequest
from epochal_service.specs.jobs import JobState, Prediction, PredictRequest
from epochal_service.specs.training import TrainingSpec
from epochal_service.store import Connection, Database, checkpoints
from epochal_service.store.packing import unpack
from epochal_workers.heartbeat import Heartbeat


def gradient_epochs(service: Service, job_id: str) -> list[int]:
    _, rows = read(service.database, job_id)
    gradients = unpack_gradients(row.gradients for row in rows if row.gradients is not None)
    return [] if gradients is None else gradients.epochs.tolist()


def losses(service: Service, job_id: str) -> list[float]:
    _, rows = read(service.database, job_id)
    segment = merge((row.first_epoch, row.body) for row in rows if row.body is not None)
    assert segment is not None
    return list(segment.columns["train_loss"].tolist())


def resume_epoch(service: Service, job_id: str) -> int | None:
    with service.database.read() as connection:
        point = checkpoints.resume_point(connection, job_id)
    return None if point is None else point[0]


# ---------------------------------------------------------------------------------- a whole job


@pytest.mark.every_variant
def test_a_small_job_takes_eight_statements(
    service: Service, monkeypatch: pytest.MonkeyPatch
) -> None:
    # However busy this machine is.
    monkeypatch.setattr(epochal_workers.attempt, "FIRST_FLUSH_SECONDS", NEVER)
    monkeypatch.setattr(epochal_workers.attempt, "ASK_SECONDS", NEVER)
    job_id = service.create(XOR, epochs=20)
    statements: list[str] = []

    def note(connection: Connection, cursor: object, statement: str, *_: object) -> None:
        statements.append(" ".join(statement.split()[:3]))

    event = service.database.engine, "before_cursor_execute", note
    sqlalchemy.event.listen(*event)
    try:
        assert service.run(job_id, flush_seconds=NEVER) == "succeeded"
    finally:
        sqlalchemy.event.remove(*event)
    assert [statement for statement in statements if not statement.startswith("BEGIN")] == [
        "UPDATE jobs SET",
        "INSERT INTO log",
        "SELECT jobs.id, jobs.owner,",
        "SELECT (SELECT resume_points.state",
        # The end:
        "UPDATE jobs SET",
        "INSERT INTO log",
        "INSERT INTO checkpoints",
        "UPDATE jobs SET",
    ]


@pytest.mark.every_variant
def test_a_job_stores_every_epoch_once_and_in_order(service: Service) -> None:
    job_id = service.create(XOR, epochs=300, snapshots={"gradients_every": 1, "weights_every": 100})
    assert service.run(job_id, flush_seconds=AT_ONCE) == "succeeded"
    left = record(service.database, job_id)
    assert (left.stop_reason, left.epoch) == ("completed", 300)
    assert list(left.checkpoints) == [0, 100, 200, 300]
    assert gradient_epochs(service, job_id) == list(range(1, 301))
    assert states(service.database, job_id) == ["queued", "running", "succeeded"]
    row, rows = read(service.database, job_id)
    assert len([entry for entry in rows if entry.kind == "epochs"]) == 300
    assert json.loads(row.latest or "{}")["epoch"] == 300
    assert (row.attempt, row.fruitless_attempts, row.lease_expires_at) == (1, 0, None)
    assert row.finished_at is not None


def test_the_flush_interval_does_not_change_the_stored_results(service: Service) -> None:
    left = []
    for seconds in (0.001, 0.01, NEVER):
        job_id = service.create(XOR, epochs=1100)
        assert service.run(job_id, flush_seconds=seconds) == "succeeded"
        left.append(record(service.database, job_id))
    assert left[0] == left[1] == left[2]


def test_gradients_are_stored_for_every_requested_epoch(service: Service) -> None:
    chosen = {0: [], 1: [1, 2, 3, 4, 5, 6, 7], 3: [3, 6], 7: [7], 8: []}
    for every, epochs in chosen.items():
        job_id = service.create(XOR, epochs=7, snapshots={"gradients_every": every})
        service.run(job_id)
        assert gradient_epochs(service, job_id) == epochs


def test_weights_are_stored_before_training_for_every_requested_epoch_and_the_last(
    service: Service,
) -> None:
    # Nothing asked for: about 20 over the run, which is every third of 50.
    chosen = {0: [0, 50], 20: [0, 20, 40, 50], 25: [0, 25, 50], None: [*range(0, 50, 3), 50]}
    for every, epochs in chosen.items():
        job_id = service.create(XOR, epochs=50, snapshots={"weights_every": every})
        service.run(job_id)
        assert list(record(service.database, job_id).checkpoints) == epochs


def test_every_checkpoint_has_the_scaling_of_the_inputs(service: Service) -> None:
    network = {"input_shape": [2], "layers": [{"type": "dense", "units": 1}]}
    dataset = {"inputs": [[0, 5], [4, 5]], "targets": [0, 1], "scaling": "standard"}
    job_id = service.create(
        XOR, network=network, dataset=dataset, loss="mse", epochs=2, snapshots={"weights_every": 1}
    )
    assert service.run(job_id) == "succeeded"
    for epoch in (0, 1, 2):
        with service.database.read() as connection:
            actual = checkpoints.find(connection, job_id, epoch)
        assert actual is not None
        weights = unpack(actual[1])
        np.testing.assert_array_equal(weights[SHIFT], [2, 5])
        np.testing.assert_array_equal(weights[SCALE], [2, 1])  # the second never varies
        assert weights["dense_1.weight"].shape == (2, 1)


def test_a_float64_job_computes_and_stores_float64(service: Service) -> None:
    job_id = service.create(XOR, epochs=20, dtype="float64")
    assert service.run(job_id) == "succeeded"
    spec = TrainingSpec(**{**XOR, "epochs": 20, "dtype": "float64"})
    limits = service.context.settings.limits
    prepared = prepare(service.database, spec, service.context.access, limits)
    alone = engine.Run(prepared.network, prepared.training, prepared.data)
    initial = alone.weights()
    for _ in alone:
        pass
    for epoch, expected in ((0, initial), (20, alone.weights())):
        with service.database.read() as connection:
            actual = checkpoints.find(connection, job_id, epoch)
        assert actual is not None
        weights = unpack(actual[1])
        for name, array in expected.items():
            assert weights[name].dtype == np.float64
            np.testing.assert_array_equal(weights[name], array)
    request = PredictRequest(inputs=[[0, 1]], epoch=0)
    outputs = predictions.predict(service.context, job_id, request).outputs
    assert outputs == engine.predict(alone.network, initial, np.array([[0.0, 1.0]])).tolist()


def test_without_shuffling_the_samples_keep_their_order(service: Service) -> None:
    network = {"input_shape": [1], "layers": [{"type": "dense", "units": 1}]}
    dataset = {"inputs": [[1], [2], [3]], "targets": [0, 1, 5]}
    step_by_step = {"batch_size": 1, "epochs": 1, "optimizer": {"type": "sgd"}}
    spec = XOR | step_by_step | {"network": network, "dataset": dataset, "loss": "mse"}
    spec["target_scaling"] = "none"
    job_id = service.create(spec, shuffle=False, dtype="float64")
    assert service.run(job_id) == "succeeded"
    with service.database.read() as connection:
        stored = [checkpoints.find(connection, job_id, epoch) for epoch in (0, 1)]
    first, last = (unpack(weights) for _, weights in filter(None, stored))
    weight, bias = first["dense_1.weight"].item(), 0.0
    for x, y in ((1, 0), (2, 1), (3, 5)):
        error = 2 * (weight * x + bias - y)
        weight, bias = weight - 0.1 * error * x, bias - 0.1 * error
    assert last["dense_1.weight"].item() == pytest.approx(weight, rel=1e-14)
    assert last["dense_1.bias"].item() == pytest.approx(bias, rel=1e-14)


# ------------------------------------------------------------------------------ how a job ends


def test_a_job_stops_early_when_its_loss_no_longer_falls(service: Service) -> None:
    # No loss is lower than the first by 10: the patience counts from epoch 2 on.
    job_id = service.create(XOR, early_stopping={"patience": 4, "min_delta": 10})
    assert service.run(job_id) == "succeeded"
    left = record(service.database, job_id)
    assert (left.stop_reason, left.epoch, list(left.checkpoints)) == ("early_stopped", 5, [0, 5])


OVERFITTED: dict[str, Any] = {
    **DIGITS,
    "dataset": {"name": "digits", "scaling": "standard"},
    "optimizer": {"type": "adam", "learning_rate": 0.05},
    "schedule": {"type": "constant"},
    "epochs": 60,
    "early_stopping": {"patience": 8},
    "snapshots": {"gradients_every": 0, "weights_every": 0},
}


def test_early_stopping_restores_the_best_weights(service: Service) -> None:
    job_id = service.create(OVERFITTED)
    assert service.run(job_id) == "succeeded"
    left = record(service.database, job_id)
    job = jobs.get_job(service.context, job_id)
    assert (left.stop_reason, job.stop_reason) == ("early_stopped", "early_stopped")
    assert job.best is not None
    assert job.best.is_restored
    assert job.best.epoch == left.epoch - 8
    assert [*left.checkpoints] == [0, job.best.epoch, left.epoch]
    rows = [[0.5] * 64]
    assert predict(service, job_id, rows).epoch == job.best.epoch
    with service.database.read() as connection:
        assert trained(connection, job_id, service.context.access, None).epoch == job.best.epoch
    # The curve has the same validation loss as the restored weights.
    last = service.create(OVERFITTED, early_stopping={"patience": 8, "restore_best": False})
    assert service.run(last) == "succeeded"
    assert predict(service, last, rows).epoch == left.epoch
    other = jobs.get_job(service.context, last).best
    assert other is not None
    assert (other.epoch, other.value, other.is_restored) == (
        job.best.epoch,
        job.best.value,
        False,
    )


def predict(service: Service, job_id: str, inputs: list[list[float]]) -> Prediction:
    return predictions.predict(service.context, job_id, PredictRequest(inputs=inputs))


@pytest.mark.parametrize("resumable", [True, False])
def test_a_job_cancelled_without_a_worker_has_the_best_weights_of_its_resume_point(
    service: Service, resumable: bool
) -> None:
    job_id = service.create(OVERFITTED)
    leaving = at_call(12, lambda: service.pause(job_id))
    assert service.run(job_id, leaving, flush_seconds=AT_ONCE) == "paused"
    service.resume(job_id)
    # Another worker stores epochs, but no resume point, before it is lost.
    database = MortalDatabase(service.settings.database_url, 4, before_commit=False, die=die)
    with pytest.raises(Killed):
        service.run(job_id, database=database, flush_seconds=AT_ONCE, checkpoint_seconds=NEVER)
    database.close()
    if not resumable:
        with service.database.write() as connection:
            checkpoints.drop_resume_point(connection, job_id)
    before = service.row(job_id).best
    service.lose_worker(job_id)
    service.cancel(job_id)
    record(service.database, job_id)
    job = jobs.get_job(service.context, job_id)
    if not resumable:
        assert job.best is None
        return
    assert before is not None
    assert job.best is not None
    assert predict(service, job_id, [[0.5] * 64]).epoch == job.best.epoch
    whole = service.undisturbed(OVERFITTED, epochs=job.best.epoch)
    assert checkpoint(service, job_id, job.best.epoch) == whole.checkpoints[job.best.epoch]


def checkpoint(service: Service, job_id: str, epoch: int) -> str:
    return record(service.database, job_id).checkpoints[epoch]


def die() -> None:
    raise Killed


def test_a_job_stops_when_its_target_is_reached(service: Service) -> None:
    # Every first loss of two classes is about .69.
    job_id = service.create(XOR, target={"metric": "train_loss", "value": 10})
    assert service.run(job_id) == "succeeded"
    left = record(service.database, job_id)
    assert (left.stop_reason, left.epoch, list(left.checkpoints)) == ("target_reached", 1, [0, 1])


def test_a_job_that_diverges_reports_the_layer_and_a_suggestion(service: Service) -> None:
    job_id = service.create(
        XOR, optimizer={"type": "sgd", "learning_rate": 1e6}, snapshots={"weights_every": 1}
    )
    assert service.run(job_id) == "failed"
    left = record(service.database, job_id)
    assert left.stop_reason == "diverged"
    divergence = json.loads(left.divergence or "{}")
    # The first step of that size already drives the loss from about .7 to beyond 1,000.
    assert divergence["epoch"] == left.epoch == 2
    first, last = losses(service, job_id)
    assert first < 1
    assert last > 1000
    assert divergence["layer"] == "dense_2"
    assert divergence["symptom"] == "loss grew 1000 times"
    assert divergence["suggestion"].startswith("Lower the learning rate from 1e+06 to 0.1")
    # The weights of the last good epoch are stored, not the weights of the epoch that blew up.
    assert list(left.checkpoints) == [0, 1]


@pytest.mark.every_variant
def test_a_non_finite_loss_is_stored_unchanged(service: Service) -> None:
    # Five linear layers multiply what one step of that size has made of their weights.
    linear = {"type": "dense", "units": 4}
    network = {"input_shape": [2], "layers": [*[linear] * 4, {"type": "dense", "units": 1}]}
    job_id = service.create(
        XOR, network=network, loss="mse", optimizer={"type": "sgd", "learning_rate": 1e12}
    )
    assert service.run(job_id) == "failed"
    left = record(service.database, job_id)
    assert (left.stop_reason, left.epoch, list(left.checkpoints)) == ("diverged", 2, [0, 1])
    assert not np.isfinite(losses(service, job_id)[-1])
    result = json.loads(service.row(job_id).latest or "{}", parse_constant=pytest.fail)
    assert result["train_loss"] in ("Infinity", "NaN")
    with service.database.read() as connection:
        actual = checkpoints.find(connection, job_id)
    assert actual is not None
    assert all(np.isfinite(array).all() for array in unpack(actual[1]).values())


def test_a_job_ends_at_its_deadline(service: Service) -> None:
    job_id = service.create(XOR, epochs=1_000_000, deadline_seconds=0.001)
    assert service.run(job_id, flush_seconds=AT_ONCE) == "failed"
    left = record(service.database, job_id)
    assert left.stop_reason == "deadline_exceeded"
    assert 1 <= left.epoch < 1_000_000
    assert list(left.checkpoints)[-1] == left.epoch
    assert f"passed at epoch {left.epoch} of 1000000" in str(service.row(job_id).detail)


def test_a_cancelled_job_keeps_its_epochs(service: Service) -> None:
    job_id = service.create(XOR, snapshots={"weights_every": 0})
    leaving = at_call(5, lambda: service.cancel(job_id))
    assert service.run(job_id, leaving, flush_seconds=AT_ONCE) == "cancelled"
    left = record(service.database, job_id)
    assert (left.stop_reason, left.epoch, list(left.checkpoints)) == ("user", 5, [0, 5])
    assert states(service.database, job_id) == ["queued", "running", "cancelling", "cancelled"]


def test_a_cancelled_job_does_not_wait_for_the_end_of_its_epoch(service: Service) -> None:
    job_id = service.create(LONG_EPOCHS)
    leaving = at_call(1, lambda: service.cancel(job_id))
    assert service.run(job_id, leaving, flush_seconds=AT_ONCE) == "cancelled"
    left = record(service.database, job_id)
    assert (left.epoch, list(left.checkpoints)) == (0, [0])  # the weights that it began with


@pytest.mark.every_variant
def test_a_job_that_ends_before_it_reads_a_cancel_request_succeeds(service: Service) -> None:
    job_id = service.create(XOR, epochs=5)
    leaving = at_call(5, lambda: service.cancel(job_id))
    assert service.run(job_id, leaving, flush_seconds=NEVER) == "succeeded"
    assert states(service.database, job_id) == ["queued", "running", "cancelling", "succeeded"]
    check_log(service.database, job_id)


def test_a_paused_job_has_a_resume_point_and_continues_when_resumed(service: Service) -> None:
    job_id = service.create(XOR)
    leaving = at_call(5, lambda: service.pause(job_id))
    assert service.run(job_id, leaving, flush_seconds=AT_ONCE, checkpoint_seconds=NEVER) == "paused"
    check_log(service.database, job_id)
    assert (service.row(job_id).epoch, resume_epoch(service, job_id)) == (5, 5)
    assert service.run(job_id) is None
    service.resume(job_id)
    assert service.run(job_id) == "succeeded"
    assert record(service.database, job_id) == service.undisturbed(XOR)
    assert states(service.database, job_id) == [
        *("queued", "running", "pausing", "paused", "queued", "running", "succeeded"),
    ]


def test_a_job_that_is_resumed_for_some_epochs_pauses_after_them(service: Service) -> None:
    job_id = service.create(DIGITS)
    service.pause(job_id)
    for epochs, last in ((1, 1), (1, 2), (20, 22)):
        service.resume(job_id, epochs)
        assert service.run(job_id) == "paused"
        assert (service.row(job_id).epoch, resume_epoch(service, job_id)) == (last, last)
        with service.database.read() as connection:  # the weights to look at
            assert max(checkpoints.stored_epochs(connection, job_id)) == last
    check_log(service.database, job_id)
    service.resume(job_id, 20)  # more than there are
    assert service.run(job_id) == "succeeded"
    assert record(service.database, job_id) == service.undisturbed(DIGITS)


def test_some_epochs_are_as_many_after_a_worker_was_lost(service: Service) -> None:
    def kill() -> bool:
        raise Killed

    job_id = service.create(DIGITS)
    service.pause(job_id)
    service.resume(job_id, 10)
    with pytest.raises(Killed):
        service.run(job_id, at_call(6, kill), flush_seconds=AT_ONCE)
    service.lose_worker(job_id)
    assert service.run(job_id) == "paused"
    assert service.row(job_id).epoch == 10


def test_a_job_that_trains_for_some_epochs_can_be_resumed_to_its_end(service: Service) -> None:
    job_id = service.create(DIGITS)
    service.pause(job_id)
    service.resume(job_id, 10)
    resumes = at_call(5, lambda: service.resume(job_id))
    assert service.run(job_id, resumes, flush_seconds=AT_ONCE) == "queued"
    assert service.row(job_id).epoch == 10
    assert service.run(job_id) == "succeeded"


def test_limits_that_were_lowered_since_do_not_stop_a_job(service: Service) -> None:
    job_id = service.create(XOR, epochs=10)
    assert service.run(job_id, limits=Limits(max_flops=1)) == "succeeded"
    check_log(service.database, job_id)


@pytest.mark.parametrize("epochs", [0, 5])
def test_an_unexpected_exception_fails_the_job_without_revealing_its_text(
    service: Service, epochs: int
) -> None:
    def fail() -> None:
        raise RuntimeError("the password is 1234")

    job_id = service.create(XOR, epochs=10)
    assert service.run(job_id, at_call(1 + epochs, fail), flush_seconds=AT_ONCE) == "failed"
    row = service.row(job_id)
    assert (row.stop_reason, row.epoch) == ("internal", epochs)
    assert row.detail == "RuntimeError: see the worker's log"
    check_log(service.database, job_id)


# ------------------------------------------------------------------------------- owners of a job


@pytest.mark.every_variant
def test_a_job_with_duplicate_messages_is_claimed_once(service: Service) -> None:
    job_id = service.create(XOR, epochs=20)
    second = at_call(3, lambda: service.run(job_id) is not None)
    assert service.run(job_id, second) == "succeeded"
    left = record(service.database, job_id)
    before = read(service.database, job_id)
    assert service.run(job_id) is None
    assert read(service.database, job_id) == before
    assert left == service.undisturbed(XOR, epochs=20)


def test_a_message_for_an_unknown_job_is_ignored(service: Service) -> None:
    assert service.run("job_that_never_was") is None


@pytest.mark.every_variant
def test_a_worker_that_lost_its_job_writes_nothing_more(service: Service) -> None:
    job_id = service.create(XOR, epochs=20)
    when_lost = []

    def lose() -> None:
        service.lose_worker(job_id)
        when_lost.append(read(service.database, job_id))

    assert service.run(job_id, at_call(7, lose), flush_seconds=AT_ONCE) is None
    row, _ = before = read(service.database, job_id)
    assert [before] == when_lost
    assert (row.state, row.epoch) == ("queued", 6)
    assert service.run(job_id) == "succeeded"
    assert record(service.database, job_id) == service.undisturbed(XOR, epochs=20)


@pytest.mark.every_variant
@pytest.mark.parametrize("calls", [7, 40], ids=["at a flush", "at the end"])
def test_a_stalled_worker_that_continues_while_another_trains_its_job_writes_nothing(
    service: Service, calls: int
) -> None:
    job_id = service.create(XOR, epochs=40)
    trains, may_end = Event(), Event()
    when_lost = []

    def pause_within() -> None:
        trains.set()
        assert may_end.wait(60)

    with ThreadPoolExecutor(1) as pool:

        def lose_to_another() -> None:
            service.lose_worker(job_id)
            other.append(pool.submit(service.run, job_id, at_call(3, pause_within)))
            assert trains.wait(60)
            when_lost.append(read(service.database, job_id))

        other: list[Future[JobState | None]] = []
        flush_seconds = NEVER if calls == 40 else AT_ONCE
        attempt = service.run(job_id, at_call(calls, lose_to_another), flush_seconds=flush_seconds)
        after = read(service.database, job_id)
        may_end.set()
        assert attempt is None
        assert [after] == when_lost
        assert other[0].result() == "succeeded"
    assert record(service.database, job_id) == service.undisturbed(XOR, epochs=40)
    assert service.row(job_id).attempt == 2


class SlowToRead(Database):
    """A database with reads that wait for `may_read`."""

    def __init__(self, url: str) -> None:
        super().__init__(url)
        self.may_read = Event()

    @contextmanager
    def read(self) -> Iterator[Connection]:
        assert self.may_read.wait(60)
        with super().read() as connection:
            yield connection


def test_the_lease_is_renewed_while_the_job_is_being_prepared(service: Service) -> None:
    table = CreateDatasetRequest(name="corners", csv="x,y,kind\n0,0,a\n0,1,b\n1,0,b\n1,1,a\n")
    dataset_id = datasets.create_dataset(service.context, table).id
    job_id = service.create({**XOR, "dataset": {"id": dataset_id}})

    def lease() -> float:
        return service.row(job_id).lease_expires_at or 0.0

    slow = SlowToRead(service.settings.database_url)
    with closing(slow), ThreadPoolExecutor(1) as pool:
        attempt = pool.submit(service.run, job_id, database=slow, lease_seconds=1.0)
        try:
            await_condition(lambda: lease() > 0.0, 60, "the job is claimed")
            first = lease()
            await_condition(lambda: lease() > first + 1.0, 60, "more than a lease has passed")
        finally:
            slow.may_read.set()
        assert attempt.result() == "succeeded"
    assert service.row(job_id).attempt == 1


@pytest.mark.every_variant
def test_a_job_that_ends_soon_is_claimed_and_stored_in_two_transactions(
    service: Service, monkeypatch: pytest.MonkeyPatch
) -> None:
    # However busy this machine is.
    monkeypatch.setattr(epochal_workers.attempt, "FIRST_FLUSH_SECONDS", NEVER)
    job_id = service.create(XOR, epochs=40)
    third = MortalDatabase(
        service.settings.database_url,
        3,
        before_commit=True,
        die=lambda: pytest.fail("there is a third transaction"),
    )
    with closing(third):
        assert service.run(job_id, database=third, flush_seconds=NEVER) == "succeeded"
    assert record(service.database, job_id) == service.undisturbed(XOR, epochs=40)


@pytest.mark.every_variant
def test_the_leases_of_all_jobs_of_a_process_are_renewed(
    service: Service,
) -> None:
    heartbeat = Heartbeat(service.database, lease_seconds=0.5)
    for _ in range(3):
        claims = []
        for job_id in (service.create(XOR), service.create(XOR)):
            claim = lifecycle.claim(
                service.database, job_id, lease_seconds=0.5, worker="test", kernel=""
            )
            assert claim is not None
            claims.append(claim)
        with heartbeat.renewing(claims[0]), heartbeat.renewing(claims[1]):
            for claim in claims:
                first = service.row(claim.id).lease_expires_at or 0.0
                renewed = partial(is_renewed, service, claim.id, first + 0.5)
                await_condition(renewed, 60, "more than a lease passed")
        for claim in claims:
            assert lifecycle.end(service.database, claim, Progress(), Ending("cancelled", "user"))
    await_condition(
        lambda: all(t.name != "heartbeat" for t in enumerate_threads()), 60, "the thread ends"
    )


def is_renewed(service: Service, job_id: str, beyond: float) -> bool:
    return (service.row(job_id).lease_expires_at or 0.0) > beyond


# --------------------------------------------------------------------- a worker that has to leave


def test_a_stopping_worker_releases_its_job_at_the_next_epoch(service: Service) -> None:
    job_id = service.create(XOR)
    attempt = service.run(job_id, at_call(5, lambda: True), checkpoint_seconds=NEVER)
    assert attempt == "queued"
    row = service.row(job_id)
    assert (row.epoch, resume_epoch(service, job_id), row.lease_expires_at) == (5, 5, None)
    assert row.fruitless_attempts == 0
    assert service.run(job_id) == "succeeded"
    assert record(service.database, job_id) == service.undisturbed(XOR)


def test_a_stopping_worker_does_not_claim_a_job(service: Service) -> None:
    job_id = service.create(XOR)
    assert service.run(job_id, at_call(0, lambda: True)) is None
    assert states(service.database, job_id) == ["queued"]


@pytest.mark.parametrize(
    ("wish", "becomes"), [(Service.pause, "paused"), (Service.cancel, "cancelled")]
)
def test_a_stopping_worker_grants_a_request_that_it_has_not_read(
    service: Service, wish: Callable[[Service, str], None], becomes: str
) -> None:
    job_id = service.create(XOR)

    def wish_and_go() -> bool:
        wish(service, job_id)
        return True

    assert service.run(job_id, at_call(5, wish_and_go), flush_seconds=NEVER) == becomes
    check_log(service.database, job_id)
    assert service.row(job_id).epoch == 5


def test_a_stopping_worker_gives_up_a_long_epoch(
    service: Service, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(epochal_workers.attempt, "EPOCH_GRACE_SECONDS", 0)
    job_id = service.create(LONG_EPOCHS)
    requested = count(1)

    def leaving() -> bool:
        # From the first of several pulses in the first epoch on.
        return next(requested) > 1

    assert service.run(job_id, leaving) == "queued"
    assert next(requested) == 4  # it left at the next pulse, long before the end of the epoch
    assert (service.row(job_id).epoch, resume_epoch(service, job_id)) == (0, None)
    assert service.run(job_id) == "succeeded"
    assert record(service.database, job_id) == service.undisturbed(LONG_EPOCHS)


# ----------------------------------------------------------------------------------------- resumed

STOPS_EARLY = {
    **DIGITS,
    "early_stopping": {"patience": 4, "min_delta": 0.05},
    "optimizer": {"type": "momentum", "learning_rate": 0.05},
}
DIVERGES = {**XOR, "optimizer": {"type": "sgd", "learning_rate": 1e6}, "epochs": 12}


@pytest.mark.parametrize(
    "spec",
    [
        pytest.param(DIGITS, id="digits"),
        pytest.param(STOPS_EARLY, id="stops early"),
        pytest.param({**XOR, "epochs": 40, "optimizer": {"type": "sgd"}}, id="xor"),
        pytest.param(DIVERGES, id="diverges"),
    ],
)
def test_a_job_that_was_interrupted_many_times_has_bit_identical_results(
    service: Service, spec: dict[str, Any]
) -> None:
    undisturbed = service.undisturbed(spec)
    rng = np.random.default_rng(11)
    job_id = service.create(spec)
    interruptions = 0
    while True:
        after = int(rng.integers(1, 5))
        pauses = rng.random() < 0.7
        leaving = at_call(after, (lambda: service.pause(job_id)) if pauses else (lambda: True))
        state = service.run(job_id, leaving, flush_seconds=AT_ONCE, checkpoint_seconds=NEVER)
        if state == "paused":
            service.resume(job_id)
        elif state != "queued":
            break
        interruptions += 1
    assert interruptions >= math.floor((undisturbed.epoch - 1) / 4)
    assert record(service.database, job_id) == undisturbed
