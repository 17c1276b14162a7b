"""A job that users change while it trains: its spec, with the changes, repeats every bit."""

import random
from collections.abc import Callable
from functools import partial
from time import perf_counter
from typing import Any

import numpy as np
import pytest
from tests.workers.in_process import (
    AT_ONCE,
    DIGITS,
    NEVER,
    XOR,
    Killed,
    MortalDatabase,
    Service,
    at_call,
)
from tests.workers.record import check_log, columns, read, record

import epochal_engine as engine
from epochal_engine import Dense, Dropout, Network
from epochal_service.answers.inspection import trained
from epochal_service.errors import Conflict, InvalidArgument
from epochal_service.methods import changes, jobs, predictions
from epochal_service.preparation.prepare import scaled
from epochal_service.specs.changes import spec_after
from epochal_service.specs.jobs import ChangeTrainingRequest, PredictRequest, TrainingChange
from epochal_service.specs.training import TrainingSpec
from epochal_service.store import checkpoints
from epochal_service.streams.follow import frames_of, job_events
from epochal_workers import attempt

LONG = pytest.mark.long
SPEC: dict[str, Any] = {**DIGITS, "epochs": 12, "early_stopping": None}


def network(*layers: dict[str, Any], units: int = 16, activation: str = "relu") -> dict[str, Any]:
    """The network of the digits, with other layers after the first."""
    first = {"type": "dense", "units": units, "activation": activation}
    last = {"type": "dense", "units": 10, "activation": "softmax"}
    return {"network": {"input_shape": [64], "layers": [first, *layers, last]}}


CHANGES: dict[str, Any] = {
    "rate": {"optimizer": {"learning_rate": 0.003}},
    "decay rate": {"optimizer": {"beta_1": 0.5}},
    "optimizer": {"optimizer": {"type": "momentum", "learning_rate": 0.02}},
    "batch": {"batch_size": 50},
    "penalty": {"regularization": {"l2": 0.01}},
    "clipping": {"clipping": {"norm": 0.1}},
    "schedule": {"schedule": {"type": "reduce_on_plateau", "patience": 1}},
    "order": {"shuffle": False},
    "epochs": {"epochs": 17},
    "activation": network({"type": "dropout", "rate": 0.2}, activation="tanh"),
    "dropout": network({"type": "dropout", "rate": 0.5}),
    "no dropout": network({"type": "dropout", "rate": 0}),
}


@pytest.fixture(autouse=True)
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    """The worker asks after every epoch, and a request does not wait for the worker of this
    process.
    """
    monkeypatch.setattr(attempt, "ASK_SECONDS", -1)
    monkeypatch.setattr(changes, "WAIT_SECONDS", -1)


def change(service: Service, job_id: str, fields: dict[str, Any]) -> TrainingChange:
    request = ChangeTrainingRequest.model_validate(fields)
    return changes.change_training(service.context, job_id, request)


def changing(service: Service, job_id: str, fields: dict[str, Any]) -> Callable[[], None]:
    def request() -> None:
        change(service, job_id, fields)

    return request


def spec_of(service: Service, job_id: str) -> TrainingSpec:
    return jobs.get_job(service.context, job_id).spec


def replayed(service: Service, job_id: str) -> bool:
    """Return whether a new job of the same spec has the same record."""
    spec = spec_of(service, job_id).model_dump(mode="json")
    again = service.create(spec)
    assert service.run(again) == "succeeded"
    return record(service.database, again) == record(service.database, job_id)


@pytest.mark.parametrize("kind", CHANGES)
def test_a_running_job_changes_after_its_epoch(service: Service, kind: str) -> None:
    job_id = service.create(SPEC)
    request = at_call(5, changing(service, job_id, CHANGES[kind]))
    assert service.run(job_id, request) == "succeeded"
    (made,) = spec_of(service, job_id).changes
    assert (made.epoch, [*made.training.model_dump()]) == (5, [*CHANGES[kind]])
    losses = columns(read(service.database, job_id)[1])["train_loss"]
    assert len(losses) == CHANGES[kind].get("epochs", 12)
    whole = service.create(SPEC)
    service.run(whole)
    others = columns(read(service.database, whole)[1])["train_loss"]
    assert losses[:5].tolist() == others[:5].tolist()
    if kind != "schedule":  # which waits for a plateau
        assert losses[6:12].tolist() != others[6:].tolist()
    assert replayed(service, job_id)


def test_the_stream_tells_of_a_change(service: Service) -> None:
    job_id = service.create(SPEC)
    service.run(job_id, at_call(5, changing(service, job_id, CHANGES["rate"])))
    rows = read(service.database, job_id)[1]
    frames = [*frames_of(rows, 0, job_events(jobs.reply))]
    types = [frame.type for frame in frames]
    assert types.count("change") == 1
    after = types.index("change") + 1
    assert frames[after - 1].event.change.model_dump(mode="json") == {
        "epoch": 5,
        "training": CHANGES["rate"],
    }
    first = next(frame.event.epochs for frame in frames[after:] if frame.type == "epochs")
    assert first.first_epoch == 6
    assert first.columns["learning_rate"][0] < 0.003  # of a cosine


def test_changes_after_the_same_epoch_become_one(service: Service) -> None:
    job_id = service.create(SPEC)

    def both() -> None:
        for kind in ("optimizer", "batch"):
            assert change(service, job_id, CHANGES[kind]).epoch is None
        change(service, job_id, {"optimizer": {"momentum": 0.5}})

    assert service.run(job_id, at_call(4, both)) == "succeeded"
    (made,) = spec_of(service, job_id).changes
    options = {"type": "momentum", "learning_rate": 0.02, "momentum": 0.5}
    assert made.model_dump() == {
        "epoch": 4,
        "training": {"batch_size": 50, "optimizer": options},
    }
    assert replayed(service, job_id)


def test_each_epoch_answers_with_the_network_that_it_was_trained_by(service: Service) -> None:
    job_id = service.create(SPEC, snapshots={"weights_every": 1})
    service.run(job_id, at_call(5, lambda: True), flush_seconds=AT_ONCE)
    change(service, job_id, CHANGES["activation"])
    service.run(job_id, at_call(4, changing(service, job_id, CHANGES["no dropout"])))
    inputs = np.random.default_rng(1).normal(size=(5, 64))
    for epoch, activation in ((5, "relu"), (6, "tanh"), (9, "tanh"), (10, "relu"), (12, "relu")):
        layers = (Dense(16, activation), Dense(10, "softmax"))
        request = PredictRequest(inputs=inputs.tolist(), epoch=epoch)
        outputs = predictions.predict(service.context, job_id, request).outputs
        with service.database.read() as connection:
            answering = trained(connection, job_id, service.context.access, epoch)
        np.testing.assert_array_equal(outputs, answering.outputs(inputs))
        weights = {name: array for name, array in answering.weights.items() if "dense" in name}
        former = Network((64,), (layers[0], Dropout(0.2), layers[1]))
        expected = engine.predict(former, weights, scaled(inputs, answering.weights))
        np.testing.assert_array_equal(outputs, expected)


@pytest.mark.parametrize("stored", [0, 4])
def test_a_job_without_a_worker_changes_at_once(service: Service, stored: int) -> None:
    job_id = service.create(SPEC)
    if stored:
        service.run(job_id, at_call(stored, lambda: True), flush_seconds=AT_ONCE)
    made = change(service, job_id, CHANGES["rate"])
    assert made.epoch == service.row(job_id).epoch == stored
    check_log(service.database, job_id)
    assert service.run(job_id) == "succeeded"
    assert spec_of(service, job_id).changes[0].epoch == stored
    assert replayed(service, job_id)


def test_a_request_outlives_the_worker_that_did_not_make_it(service: Service) -> None:
    job_id = service.create(SPEC)

    def request_and_die() -> None:
        change(service, job_id, CHANGES["rate"])
        raise Killed

    with pytest.raises(Killed):
        service.run(job_id, at_call(5, request_and_die), flush_seconds=AT_ONCE)
    service.lose_worker(job_id)
    stored = service.row(job_id).epoch
    assert change(service, job_id, CHANGES["batch"]).epoch == stored
    (made,) = spec_of(service, job_id).changes
    assert made.training.model_dump() == {**CHANGES["rate"], **CHANGES["batch"]}
    assert service.run(job_id) == "succeeded"
    assert replayed(service, job_id)


@pytest.mark.parametrize("seed", [*range(3), *(pytest.param(n, marks=LONG) for n in range(3, 25))])
def test_a_steered_job_repeats_whatever_dies(service: Service, seed: int) -> None:
    """Changes at random epochs, pauses, and workers that die around random transactions."""
    rng = random.Random(seed)
    job_id = service.create(SPEC, seed=seed)
    for _ in range(100):
        if service.row(job_id).state in ("succeeded", "failed"):
            break
        database = MortalDatabase(
            service.settings.database_url,
            rng.randrange(2, 9),
            before_commit=rng.random() < 0.5,
            die=die,
        )
        # A job that is the death of three workers in a row fails.
        is_mortal = rng.random() < 0.6 and service.row(job_id).fruitless_attempts < 2
        pause = partial(service.pause, job_id)
        action = rng.choice((pause, changing(service, job_id, random_change(rng))))
        try:
            service.run(
                job_id,
                at_call(rng.randrange(1, 5), action),
                database if is_mortal else None,
                flush_seconds=rng.choice((AT_ONCE, 0.01)),
                checkpoint_seconds=rng.choice((AT_ONCE, NEVER)),
            )
        except Killed:
            if service.row(job_id).state in ("running", "pausing"):
                service.lose_worker(job_id)
        finally:
            database.close()
        check_log(service.database, job_id)
        if service.row(job_id).state == "paused":
            service.resume(job_id)
    assert service.row(job_id).state == "succeeded"
    assert replayed(service, job_id)


def random_change(rng: random.Random) -> dict[str, Any]:
    kinds = [kind for kind in CHANGES if kind != "epochs"]
    return dict(CHANGES[rng.choice(kinds)])


def die() -> None:
    raise Killed


def test_a_pace_changes_no_result(service: Service) -> None:
    whole, paced = service.create(SPEC), service.create(SPEC, pace=50)
    service.run(whole)
    begun_at = perf_counter()
    assert service.run(paced) == "succeeded"
    assert perf_counter() - begun_at > 11 / 50
    theirs, ours = (columns(read(service.database, job)[1]) for job in (whole, paced))
    assert ours["train_loss"].tolist() == theirs["train_loss"].tolist()
    assert np.median(ours["seconds"]) < 1 / 50  # the training alone


def test_users_who_watch_a_job_with_a_pace_see_its_weights(
    service: Service, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("SHOW_SECONDS", "FRAME_SECONDS"):
        monkeypatch.setattr(attempt, name, 0)
    whole, paced = service.create(SPEC), service.create(SPEC, pace=10)
    seen: list[frozenset[int]] = []

    def look() -> bool:
        with service.database.read() as connection:
            seen.append(checkpoints.stored_epochs(connection, paced))
        return False

    def die_when_one_is_seen() -> bool:
        if look() or seen[-1] - {0, 7}:
            raise Killed
        return False

    service.run(whole)
    with pytest.raises(Killed):
        service.run(paced, die_when_one_is_seen, flush_seconds=AT_ONCE)
    service.lose_worker(paced)
    assert service.run(paced, look, flush_seconds=AT_ONCE) == "succeeded"
    assert len(frozenset[int]().union(*seen)) > 5
    assert all(len(epochs - {0, 7, 12}) <= 1 for epochs in seen)
    with service.database.read() as connection:
        stored = [checkpoints.stored_epochs(connection, job) for job in (whole, paced)]
    assert stored[0] == stored[1]


def test_a_pace_is_changed_while_a_run_waits(service: Service) -> None:
    job_id = service.create(SPEC, pace=0.001)
    actions = iter((changing(service, job_id, CHANGES["rate"]), None, None))

    def act() -> bool:
        """After the first epoch, change the rate, and a few looks later the pace."""
        if service.row(job_id).epoch > 0:
            action = next(actions, changing(service, job_id, {"pace": 0}))
            if action is not None:
                action()
        return False

    assert service.run(job_id, act, flush_seconds=AT_ONCE) == "succeeded"
    spec = spec_of(service, job_id)
    assert (spec.pace, [made.epoch for made in spec.changes]) == (0, [1])
    assert replayed(service, job_id)


def test_a_repeated_run_keeps_its_pace_from_its_last_change_on(service: Service) -> None:
    changes = [{"epoch": 11, "training": CHANGES["rate"]}]
    job_id = service.create(SPEC, pace=1, changes=changes)
    begun_at = perf_counter()
    assert service.run(job_id) == "succeeded"
    assert perf_counter() - begun_at < 10


def test_a_planned_change_comes_first(service: Service) -> None:
    job_id = service.create(SPEC, changes=[{"epoch": 8, "training": CHANGES["rate"]}])
    with pytest.raises(InvalidArgument, match="planned change after epoch 8"):
        change(service, job_id, CHANGES["batch"])
    assert service.run(job_id) == "succeeded"
    assert replayed(service, job_id)


@pytest.mark.parametrize(
    ("fields", "text"),
    [
        ({"optimizer": {"momentum": 0.5}}, "optimizer.momentum: is not a field of adam"),
        ({"epochs": 11}, "epochs: must be at least the present 12"),
        ({"epochs": 10**9}, "epochs: must be at most"),
        ({"schedule": {"type": "cosine", "warmup_epochs": 90}}, "schedule.warmup_epochs"),
        (network(units=17), "network.layers: must have the same parameters .* dense_1"),
        (network({"type": "layer_norm"}), "network.layers: must have the same .* layer_norm_2"),
        (network() | {"network": {**network()["network"], "input_shape": [8, 8]}}, "network"),
        (network(activation="softmax"), "network"),
    ],
)
def test_a_change_that_does_not_fit_is_refused(
    service: Service, fields: dict[str, Any], text: str
) -> None:
    job_id = service.create(SPEC)
    with pytest.raises(InvalidArgument, match=text):
        change(service, job_id, fields)
    assert spec_of(service, job_id).changes == []
    with pytest.raises(InvalidArgument, match=r"changes\[0\].training." + text):
        service.create(SPEC, changes=[{"epoch": 3, "training": fields}])


@pytest.mark.parametrize(("epochs", "text"), [((3, 3), "greater than 3"), ((1, 12), "less than")])
def test_planned_changes_are_in_order(service: Service, epochs: tuple[int, int], text: str) -> None:
    planned = [{"epoch": epoch, "training": CHANGES["rate"]} for epoch in epochs]
    with pytest.raises(InvalidArgument, match=rf"changes\[1\].epoch: must be {text}"):
        service.create(SPEC, changes=planned)


def test_a_change_that_needs_much_more_memory_is_refused(service: Service) -> None:
    layers = [
        {"type": "dense", "units": 2_000, "activation": "tanh"},
        {"type": "dense", "units": 1, "activation": "sigmoid"},
    ]
    network = {"input_shape": [2], "layers": layers}
    dataset = {"name": "two_moons", "samples": 50_000}
    job_id = service.create(XOR, network=network, dataset=dataset, batch_size=1)
    with pytest.raises(InvalidArgument, match=r"batch_size: makes the job need .* fork the job"):
        change(service, job_id, {"batch_size": 50_000})


def test_a_job_that_has_ended_does_not_change(service: Service) -> None:
    job_id = service.create(SPEC)
    service.run(job_id)
    with pytest.raises(Conflict, match="Fork it"):
        change(service, job_id, CHANGES["rate"])


def test_a_sweep_does_not_change(service: Service) -> None:
    job = {**SPEC, "changes": [{"epoch": 3, "training": CHANGES["rate"]}]}
    with pytest.raises(InvalidArgument, match=r"job\.changes: must be absent"):
        service.create({"job": job, "variants": [{"seed": 1}]})
    with pytest.raises(InvalidArgument, match=r"job\.pace: must be 0"):
        service.create({"job": {**SPEC, "pace": 3}, "variants": [{"seed": 1}]})


def test_more_epochs_are_priced(service: Service) -> None:
    job_id = service.create(SPEC)
    before = service.row(job_id)
    change(service, job_id, {"epochs": 1200})
    after = service.row(job_id)
    assert after.flops == pytest.approx(100 * before.flops)
    assert after.stored_bytes > before.stored_bytes


def test_a_spec_after_its_changes_has_none(service: Service) -> None:
    job_id = service.create(SPEC, changes=[{"epoch": 8, "training": CHANGES["optimizer"]}])
    spec = spec_of(service, job_id)
    assert spec_after(spec, 7) == spec.model_copy(update={"changes": []})
    after = spec_after(spec, 8)
    assert (after.optimizer.type, after.optimizer.momentum, after.changes) == ("momentum", 0.9, [])
