"""A job that users change while it trains: its spec, with the changes, repeats every bit."""

import os
import random
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext, suppress
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
from epochal_engine.training import epoch as engine_epoch
from epochal_service.answers.inspection import trained
from epochal_service.curves.comparison import differences
from epochal_service.curves.epochs import parse_note
from epochal_service.errors import Conflict, InvalidArgument
from epochal_service.methods import changes, inspection, jobs, predictions
from epochal_service.preparation.prepared import scaled
from epochal_service.specs.changes import spec_after
from epochal_service.specs.datasets import InlineDataset
from epochal_service.specs.inspection import GetSamplePredictionsRequest
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
    "weights": {
        "weights": [
            {"layer": "dense_1", "array": "weight", "index": [20, 3], "value": -1.5},
            {"layer": "dense_3", "array": "bias", "index": [9], "value": 0.25},
        ]
    },
    "freezing": {"freeze": ["dense_1"]},
    "thawing": {"unfreeze": ["dense_1"], "freeze": ["dense_3"]},
    "class weights": {"class_weights": [1, 5, 1, 1, 1, 1, 1, 1, 1, 1]},
    "balanced": {"class_weights": "balanced"},
    "augmentation": {"augmentation": [{"type": "noise", "standard_deviation": 0.3}]},
    "clearing": {"clear": ["augmentation", "class_weights"]},
}
"""Changes of the digits that are possible at any time."""

MOONS: dict[str, Any] = {
    **SPEC,
    "network": {
        "input_shape": [2],
        "layers": [
            {"type": "dense", "units": 6, "activation": "tanh"},
            {"type": "dropout", "rate": 0.1},
            {"type": "dense", "units": 1, "activation": "sigmoid"},
        ],
    },
    "loss": "binary_cross_entropy",
    "batch_size": 16,
}


def rows(seed: int, count: int = 60) -> dict[str, Any]:
    """Points inside and outside of a circle, as an inline data set."""
    inputs = np.random.default_rng(seed).normal(size=(count, 2)).round(3)
    targets = (np.hypot(*inputs.T) > 1).astype(float)[:, None]
    return {
        "inputs": inputs.tolist(),
        "targets": targets.tolist(),
        "class_names": ["in", "out"],
    }


INLINE: dict[str, Any] = {**MOONS, "dataset": {**rows(1), "scaling": "standard"}}
GENERATED: dict[str, Any] = {**MOONS, "dataset": {"name": "two_moons", "samples": 80}}
POINT_CHANGES: dict[str, Any] = {
    "add": {"samples": [{"inputs": [2.5, -1], "targets": [1]}] * 3},
    "move": {"samples": [{"index": 7, "inputs": [0.5, 3], "targets": [1]}]},
    "remove": {"samples": [{"index": 11}, {"index": 11}, {"index": 0}]},
    "all": {
        "samples": [
            {"index": 4},
            {"inputs": [0.1, 0.2], "targets": [0]},
            {"index": 59, "inputs": [0.3, 0.4], "targets": [0]},
            {"index": 58},
        ]
    },
    "rows": {"dataset": rows(2, 45)},
    "rows and more": {"dataset": rows(3, 70), "samples": [{"index": 69}]},
    "noise": {"dataset": {"name": "two_moons", "samples": 80, "noise": 0.4}},
    "generator": {"dataset": {"name": "circles", "samples": 50, "seed": 4}},
}


STEERED_POINTS: dict[str, Any] = POINT_CHANGES | {
    kind: CHANGES[kind]
    for kind in (
        *("rate", "decay rate", "optimizer", "batch", "penalty", "clipping", "schedule", "order"),
        *("freezing", "thawing", "balanced", "augmentation", "clearing"),
    )
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
    assert (made.epoch, made.training.model_dump().keys()) == (5, CHANGES[kind].keys())
    losses = columns(read(service.database, job_id)[1])["train_loss"]
    assert len(losses) == CHANGES[kind].get("epochs", 12)
    whole = service.create(SPEC)
    service.run(whole)
    others = columns(read(service.database, whole)[1])["train_loss"]
    assert losses[:5].tolist() == others[:5].tolist()
    if kind not in ("schedule", "clearing"):  # which waits for a plateau, or has no effect
        assert losses[6:12].tolist() != others[6:].tolist()
    assert replayed(service, job_id)


@pytest.mark.parametrize("base", [INLINE, GENERATED], ids=["inline", "generated"])
@pytest.mark.parametrize("kind", POINT_CHANGES)
def test_the_data_of_a_running_job_changes(
    service: Service, kind: str, base: dict[str, Any]
) -> None:
    made = POINT_CHANGES[kind]
    job_id = service.create(base)
    if base is GENERATED and "dataset" not in made:
        with pytest.raises(InvalidArgument, match="samples: need an inline data set"):
            change(service, job_id, made)
        return
    request = at_call(5, changing(service, job_id, made))
    assert service.run(job_id, request) == "succeeded"
    losses = columns(read(service.database, job_id)[1])["train_loss"]
    whole = service.create(base)
    service.run(whole)
    others = columns(read(service.database, whole)[1])["train_loss"]
    assert losses[:5].tolist() == others[:5].tolist()
    assert losses[5:].tolist() != others[5:].tolist()
    assert replayed(service, job_id)


@pytest.mark.parametrize("beside", [{}, {"dataset": rows(1)}], ids=["alone", "with rows"])
def test_other_samples_stay_in_their_part(service: Service, beside: dict[str, Any]) -> None:
    job_id = service.create(INLINE)
    rng = np.random.default_rng(5)

    def parts() -> dict[tuple[float, ...], bool]:
        request = GetSamplePredictionsRequest(split="all", count=100)
        answers = inspection.get_sample_predictions(service.context, job_id, request).samples
        dataset = spec_after(spec_of(service, job_id)).dataset
        assert isinstance(dataset, InlineDataset)
        return {tuple(dataset.inputs[a.index]): a.split == "validation" for a in answers}

    def act() -> None:
        samples: list[dict[str, Any]] = [{"index": int(n)} for n in rng.integers(40, size=9)]
        samples += [{"inputs": point, "targets": [1]} for point in ([9, 9], [8, 8], [7, 7])]
        samples += [{"index": 30, "inputs": [6, 6], "targets": [0]}]
        change(service, job_id, {**beside, "samples": samples})

    service.run(job_id, at_call(3, lambda: True), flush_seconds=AT_ONCE)
    before = parts()
    act()
    assert service.run(job_id) == "succeeded"
    after = parts()
    assert len(after) == 60 - 9 + 3
    assert not any(after[new] for new in ((9, 9), (8, 8), (7, 7)))
    assert all(before[point] == part for point, part in after.items() if point in before)
    assert len(after.keys() - before.keys()) == 4
    assert replayed(service, job_id)


def test_frozen_layers_stay_until_they_are_thawed(service: Service) -> None:
    job_id = service.create(SPEC, snapshots={"weights_every": 1})
    change(service, job_id, {"freeze": ["dense_1"]})
    service.run(job_id, at_call(4, changing(service, job_id, CHANGES["thawing"])))
    access = service.context.access
    with service.database.read() as connection:
        weights = [trained(connection, job_id, access, n).weights for n in range(13)]
    for before, after, epoch in zip(weights[:-1], weights[1:], range(1, 13), strict=True):
        changed = {n[:7] for n, array in after.items() if not np.array_equal(array, before[n])}
        assert changed == {"dense_3" if epoch <= 4 else "dense_1"}


def test_changes_of_lists_after_the_same_epoch_become_one(service: Service) -> None:
    job_id = service.create(SPEC)
    for kind in ("freezing", "balanced", "augmentation", "clearing", "thawing", "class weights"):
        change(service, job_id, CHANGES[kind])
    (made,) = spec_of(service, job_id).changes
    assert made.training.model_dump() == {
        "class_weights": CHANGES["class weights"]["class_weights"],
        "clear": ["augmentation"],
        "freeze": ["dense_3"],
        "unfreeze": ["dense_1"],
    }
    joined = service.create(INLINE)
    for kind in ("add", "move", "remove", "rows", "move", "remove"):
        change(service, joined, POINT_CHANGES[kind])
    (made,) = spec_of(service, joined).changes
    later = [*POINT_CHANGES["move"]["samples"], *POINT_CHANGES["remove"]["samples"]]
    assert made.training.dataset is not None
    assert made.training.model_dump()["samples"] == later
    for job in (job_id, joined):
        assert service.run(job) == "succeeded"
        assert replayed(service, job)


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
        "step": 0,
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
        "step": 0,
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


@contextmanager
def long_epochs() -> Iterator[None]:
    """A worker comes up for breath after every step, as if it took long."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(engine_epoch, "PULSE", 0.0)
        yield


@pytest.mark.parametrize("kind", CHANGES)
def test_a_long_epoch_changes_at_its_next_step(service: Service, kind: str) -> None:
    job_id = service.create(SPEC, epochs=4)
    with long_epochs():  # of 12 steps and a validation, after the shuffling
        request = at_call(2 * 14 + 5, changing(service, job_id, CHANGES[kind]))
        assert service.run(job_id, request) == "succeeded"
    (made,) = spec_of(service, job_id).changes
    waits = kind in ("order", "class weights", "balanced", "augmentation", "clearing")
    assert (made.epoch, made.step) == ((3, 0) if waits else (2, 4))
    losses = columns(read(service.database, job_id)[1])["train_loss"]
    whole = service.create(SPEC, epochs=4)
    service.run(whole)
    others = columns(read(service.database, whole)[1])["train_loss"]
    first = made.epoch
    assert losses[:first].tolist() == others[:first].tolist()
    if kind not in ("schedule", "clearing", "epochs"):
        assert losses[first] != others[first]
    assert replayed(service, job_id)


def test_a_change_of_the_data_waits_for_the_end_of_the_epoch(service: Service) -> None:
    job_id = service.create(INLINE, epochs=4)  # 3 steps each
    made: list[TrainingChange] = []

    def both() -> None:
        all_fields = (POINT_CHANGES["add"], CHANGES["rate"], {"pace": 1000})
        made.extend(change(service, job_id, fields) for fields in all_fields)

    with long_epochs():
        assert service.run(job_id, at_call(5 + 3, both)) == "succeeded"
    assert [(m.epoch, m.step) for m in made] == [(None, None)] * 3
    first, second = spec_of(service, job_id).changes
    assert (first.epoch, first.step, first.training.model_dump()) == (1, 2, CHANGES["rate"])
    assert (second.epoch, second.step, second.training.model_dump()) == (2, 0, POINT_CHANGES["add"])
    assert replayed(service, job_id)


def test_changes_within_an_epoch_are_planned(service: Service) -> None:
    """With fewer, larger and no more batches in the rest of the epoch."""
    planned = [
        {"epoch": 0, "step": 7, "training": CHANGES["batch"]},
        {"epoch": 1, "step": 0, "training": CHANGES["activation"]},
        {"epoch": 1, "step": 3, "training": {"batch_size": 1437}},
        {"epoch": 2, "step": 0, "training": {"batch_size": 100}},
        {"epoch": 2, "step": 14, "training": CHANGES["weights"]},
        {"epoch": 2, "step": 14, "training": CHANGES["rate"]},
    ]
    job_id = service.create(SPEC, epochs=4, changes=planned)
    assert service.run(job_id) == "succeeded"
    spec = spec_of(service, job_id)
    made = spec.changes
    different = {d.path for d in differences([spec, spec.model_copy(update={"changes": []})])}
    assert {"after step 7 of epoch 1: batch_size", "after epoch 2: batch_size"} <= different
    assert [(m.epoch, m.step) for m in made] == [(0, 7), (1, 0), (1, 3), (2, 0), (2, 14)]
    with long_epochs():
        assert replayed(service, job_id)


@pytest.mark.parametrize(
    ("changes", "text"),
    [
        ([(1, 12, "rate")], r"changes\[0\].step: must be .* less than the 12 steps of the epoch"),
        ([(1, 5, "batch"), (1, 22, "rate")], r"\[1\].step: .* less than the 21 steps"),
        ([(1, 5, "batch"), (1, 4, "rate")], r"\[1\].step: must be greater than 5"),
        ([(1, 5, "balanced")], r"\[0\].step: must be 0: class_weights changes between two epochs"),
    ],
)
def test_planned_changes_within_an_epoch_fit_its_steps(
    service: Service, changes: list[tuple[int, int, str]], text: str
) -> None:
    planned = [{"epoch": e, "step": s, "training": CHANGES[kind]} for e, s, kind in changes]
    with pytest.raises(InvalidArgument, match=text):
        service.create(SPEC, changes=planned)


def test_a_change_without_a_worker_joins_one_within_the_next_epoch(service: Service) -> None:
    job_id = service.create(INLINE, epochs=4)

    calls = iter(range(100))

    def act() -> bool:
        call = next(calls)
        if call == 5 + 3:
            change(service, job_id, CHANGES["rate"])
        if call == 5 + 4:
            raise Killed
        return False

    with long_epochs(), pytest.raises(Killed):
        service.run(job_id, act, flush_seconds=AT_ONCE)
    service.lose_worker(job_id)
    joined = change(service, job_id, CHANGES["penalty"])
    waiting = change(service, job_id, POINT_CHANGES["add"])
    assert [(m.epoch, m.step) for m in (joined, waiting)] == [(1, 2), (2, 0)]
    assert service.run(job_id) == "succeeded"
    assert [(m.epoch, m.step) for m in spec_of(service, job_id).changes] == [(1, 2), (2, 0)]
    assert replayed(service, job_id)
    planned = [{"epoch": 0, "step": 1, "training": CHANGES["rate"]}]
    last = service.create(INLINE, epochs=1, schedule={"type": "constant"}, changes=planned)
    with pytest.raises(InvalidArgument, match="samples: cannot change within the last epoch"):
        change(service, last, POINT_CHANGES["add"])


RUNS = int(os.environ.get("STEERED_RUNS", "12"))


@pytest.mark.parametrize(
    "seed", [*range(4), *(pytest.param(n, marks=LONG) for n in range(4, RUNS))]
)
def test_a_steered_job_repeats_whatever_dies(service: Service, seed: int) -> None:
    """Changes at random moments, pauses, and workers that die around random transactions."""
    rng = random.Random(seed)
    base, kinds = (INLINE, STEERED_POINTS) if seed % 2 else (SPEC, CHANGES)
    pace = {"pace": 200} if rng.random() < 0.3 else {}
    is_long = rng.random() < 0.4  # each epoch
    job_id = service.create(base, seed=seed, **pace)

    def change_at_random() -> None:
        for _ in range(rng.randrange(1, 4)):
            fields = kinds[rng.choice([kind for kind in kinds if kind != "epochs"])]
            with suppress(InvalidArgument):  # it may not fit the changes before it
                change(service, job_id, dict(fields))

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
        action = rng.choice((pause, change_at_random))
        call = rng.randrange(1, 50 if is_long else 5)
        try:
            with long_epochs() if is_long else nullcontext():
                service.run(
                    job_id,
                    at_call(call, action),
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


def die() -> None:
    """Die, unless a heartbeat made the transaction: it is another thread."""
    if threading.current_thread() is threading.main_thread():
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


def announced(service: Service, job_id: str) -> list[int]:
    """The checkpoints that the log of a job tells, in order."""
    _, rows = read(service.database, job_id)
    notes = [parse_note(row.note)["epochs"] for row in rows if row.kind == "checkpoint"]
    return [epoch for note in notes for epoch in note]


@pytest.mark.parametrize(
    ("pace", "small"), [(10, 0), (10, 4096), (0, 4096)], ids=["large and paced", "paced", "small"]
)
def test_users_who_watch_a_job_see_its_weights(
    service: Service, monkeypatch: pytest.MonkeyPatch, pace: float, small: int
) -> None:
    monkeypatch.setattr(attempt, "WATCHED_PARAMETERS", small)
    for name in ("SHOW_SECONDS", "FRAME_SECONDS"):
        monkeypatch.setattr(attempt, name, 0)
    whole, paced = service.create(SPEC), service.create(SPEC, pace=pace)
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
    # Two announced ones and the newest.
    assert all(len(epochs - {0, 7, 12}) <= 3 for epochs in seen)
    with service.database.read() as connection:
        stored = [checkpoints.stored_epochs(connection, job) for job in (whole, paced)]
    assert stored[0] == stored[1]
    assert stored[0] <= {*announced(service, paced)}
    if not pace:  # thousands of epochs a second would fill the log
        assert announced(service, paced) == sorted(stored[0])


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


def test_the_first_epoch_after_a_change_is_stored_at_once(
    service: Service, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("FRAME_SECONDS", "FIRST_FLUSH_SECONDS"):
        monkeypatch.setattr(attempt, name, NEVER)
    job_id = service.create(SPEC, pace=20)
    seen: set[int] = set()

    def look() -> bool:
        epoch = service.row(job_id).epoch
        if epoch > 0 and max(seen) == 0:
            change(service, job_id, CHANGES["rate"])
        seen.add(epoch)
        return False

    assert service.run(job_id, look, flush_seconds=NEVER) == "succeeded"
    (made,) = spec_of(service, job_id).changes
    # The next one, or, while the run is late, the first for which it waits: no other is stored.
    assert len([epoch for epoch in seen if epoch > made.epoch]) == 1


def test_a_change_of_the_rate_needs_no_data(
    service: Service, monkeypatch: pytest.MonkeyPatch
) -> None:
    job_id = service.create(SPEC)
    monkeypatch.delattr(changes, "prepare")
    for fields in (CHANGES["rate"], CHANGES["decay rate"], {"pace": 5}):
        change(service, job_id, fields)
    for fields in (CHANGES["optimizer"], CHANGES["batch"]):
        with pytest.raises(NameError, match="prepare"):
            change(service, job_id, fields)
    assert spec_after(spec_of(service, job_id)).optimizer.learning_rate == 0.003


def test_a_repeated_run_keeps_its_pace_from_its_last_change_on(service: Service) -> None:
    changes = [{"epoch": 11, "training": CHANGES["rate"]}]
    job_id = service.create(SPEC, pace=1, changes=changes)
    begun_at = perf_counter()
    assert service.run(job_id) == "succeeded"
    assert perf_counter() - begun_at < 10


def test_a_change_while_a_run_waits_is_part_of_one_change(service: Service) -> None:
    """Two optimizers, and no step between them: the moments of the first one stay."""
    job_id = service.create(SPEC, pace=0.001)
    kinds = iter(({"type": "sgd"}, {"type": "adam", "learning_rate": 0.003}, {}))

    def act() -> bool:
        """Change the settings twice after the first epoch, and let another worker go on."""
        if service.row(job_id).epoch == 0:
            return False
        kind = next(kinds, None)
        if kind:
            change(service, job_id, {"optimizer": kind})
        elif kind is not None:
            change(service, job_id, {"pace": 0})
        return kind is None

    assert service.run(job_id, act, flush_seconds=AT_ONCE, checkpoint_seconds=AT_ONCE) == "queued"
    assert service.run(job_id, flush_seconds=AT_ONCE) == "succeeded"
    (made,) = spec_of(service, job_id).changes
    assert made.epoch == 1
    assert replayed(service, job_id)


def test_weights_are_set_once(service: Service) -> None:
    job_id = service.create(SPEC, optimizer={"type": "sgd", "learning_rate": 1e-30})

    def weights(value: float) -> dict[str, Any]:
        place = {"layer": "dense_1", "array": "weight", "index": [20, 3]}
        other = {"layer": "dense_3", "array": "bias", "index": [9]}
        return {"weights": [{**place, "value": value}, {**other, "value": 0.25}]}

    def both() -> None:
        change(service, job_id, weights(-1.5))
        change(service, job_id, {"weights": weights(0.75)["weights"][:1]})

    assert service.run(job_id, at_call(4, both)) == "succeeded"
    (made,) = spec_of(service, job_id).changes
    assert made.training.model_dump() == weights(0.75)
    with service.database.read() as connection:
        access = service.context.access
        before, after = (trained(connection, job_id, access, n).weights for n in (0, 12))
    for name, array in before.items():
        expected = array.copy()
        if name == "dense_1.weight":
            expected[20, 3] = 0.75
        if name == "dense_3.bias":
            expected[9] = 0.25
        np.testing.assert_allclose(after[name], expected, atol=1e-20)


def test_the_weights_that_one_change_sets_are_limited(service: Service) -> None:
    job_id = service.create(SPEC)
    place = {"layer": "dense_1", "array": "weight", "value": 0.5}

    def request(column: int) -> None:
        weights = [{**place, "index": [row, column]} for row in range(60)]
        change(service, job_id, {"weights": weights})

    request(0)
    request(0)
    with pytest.raises(InvalidArgument, match="weights: may set 100 weights after the same epoch"):
        request(1)
    assert service.run(job_id) == "succeeded"


def test_a_planned_change_comes_first(service: Service) -> None:
    job_id = service.create(SPEC, changes=[{"epoch": 8, "training": CHANGES["rate"]}])
    with pytest.raises(InvalidArgument, match="planned change after epoch 8"):
        change(service, job_id, CHANGES["batch"])
    assert service.run(job_id) == "succeeded"
    assert replayed(service, job_id)


@pytest.mark.parametrize(
    ("fields", "text"),
    [
        ({"freeze": ["dense_2"]}, "freeze.* there is no dense_2"),
        ({"freeze": ["dense_1", "dense_3"]}, "freeze: must leave a layer"),
        ({"class_weights": [1, 2]}, "class_weights: must have 10 numbers"),
        ({"clear": ["class_weights"], "class_weights": "balanced"}, r"clear\[0\]: must not be"),
        ({"augmentation": [{"type": "flip"}]}, r"augmentation\[0\]"),
        ({"dataset": {"id": "data_1"}}, "dataset.id: must be built-in or inline"),
        ({"dataset": {"name": "iris"}}, "dataset: must have 64 features and 10 classes as before"),
        ({"dataset": {"name": "unheard"}}, "dataset.name"),
        ({"samples": [{"index": 3}]}, "samples: need an inline data set"),
        ({"optimizer": {"momentum": 0.5}}, "optimizer.momentum: is not a field of adam"),
        ({"epochs": 11}, "epochs: must be at least the present 12"),
        ({"epochs": 10**9}, "epochs: must be at most"),
        ({"schedule": {"type": "cosine", "warmup_epochs": 90}}, "schedule.warmup_epochs"),
        (network(units=17), "network.layers: must have the same parameters .* dense_1"),
        (network({"type": "layer_norm"}), "network.layers: must have the same .* layer_norm_2"),
        (network() | {"network": {**network()["network"], "input_shape": [8, 8]}}, "network"),
        (network(activation="softmax"), "network"),
        *(
            ({"weights": [{"layer": layer, "array": array, "index": index, "value": value}]}, text)
            for layer, array, index, value, text in (
                ("dense_2", "bias", [0], 1, r"weights\[0\].layer: must be a layer: there is no"),
                ("dropout_2", "bias", [0], 1, r"weights\[0\].array: .* it has none"),
                ("dense_1", "scale", [0], 1, r"weights\[0\].array: .* dense_1: weight, bias"),
                ("dense_1", "bias", [16], 1, r"weights\[0\].index: .* shape is \[16\]"),
                ("dense_1", "weight", [3], 1, r"weights\[0\].index: .* shape is \[64, 16\]"),
                ("dense_1", "bias", [0], 1e39, r"weights\[0\].value: must be at most 3.4e\+38"),
            )
        ),
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


@pytest.mark.parametrize(
    ("samples", "text"),
    [
        ([{"index": 60}], r"samples\[0\].index: must be less than 60"),
        ([{"index": 0}] * 30 + [{"index": 30}], r"samples\[30\].index: must be less than 30"),
        ([{"inputs": [1, 2]}], r"samples\[0\].targets: must be present with both"),
        ([{}], r"samples\[0\].index: is needed"),
        ([{"inputs": [1, 2, 3], "targets": [0]}], r"samples.inputs\[60\]"),
        ([{"inputs": [1, 2], "targets": [2]}], "samples.class_names"),
        ([{"inputs": [1e39, 2], "targets": [1]}], "samples: has inputs beyond"),
        ([{"index": 0}] * 60, "samples.inputs: There must be at least one row"),
        ([{"index": 0}] * 59, "samples: must leave a sample in the"),
    ],
)
def test_samples_that_do_not_fit_are_refused(
    service: Service, samples: list[dict[str, Any]], text: str
) -> None:
    job_id = service.create(INLINE)
    with pytest.raises(InvalidArgument, match=text):
        change(service, job_id, {"samples": samples})
    assert spec_of(service, job_id).changes == []
    with pytest.raises(InvalidArgument, match=r"changes\[0\].training." + text):
        service.create(INLINE, changes=[{"epoch": 3, "training": {"samples": samples}}])


def test_a_fork_of_another_shape_starts_with_the_same_outputs(service: Service) -> None:
    """While the other job is paused; the epoch of the weights is its latest."""
    parent = service.create(SPEC, dtype="float64")
    service.run(parent, at_call(4, lambda: True), flush_seconds=AT_ONCE)
    layers = {"type": "dense", "units": 18, "activation": "relu"}
    wider = network(layers, {"type": "dropout", "rate": 0.2}, units=17)["network"]
    with pytest.raises(
        InvalidArgument, match=r"dense_1.* fork the job with initial_weights.resize"
    ):
        change(service, parent, {"network": wider})
    start = {"job": parent, "resize": True}
    spec = {**SPEC, "dtype": "float64", "network": wider, "initial_weights": start}
    fork = service.create(spec)
    source = spec_of(service, fork).initial_weights
    assert source is not None
    access, inputs = service.context.access, np.random.default_rng(1).normal(size=(20, 64))
    with service.database.read() as connection:
        ours = trained(connection, fork, access, 0)
        theirs = trained(connection, parent, access, source.epoch)
    np.testing.assert_allclose(ours.outputs(inputs), theirs.outputs(inputs), atol=1e-12)
    assert service.run(fork) == "succeeded"
    with service.database.read() as connection:
        weights = trained(connection, fork, access, 1).weights
    assert np.all(np.abs(weights["dense_2.weight"][16]).sum() > 0)  # the new unit learns
    with pytest.raises(InvalidArgument, match=r"initial_weights\.layers: must be absent"):
        service.create({**spec, "initial_weights": {**start, "layers": ["dense_1"]}})


def test_planned_changes_after_the_same_epoch_become_one(service: Service) -> None:
    planned = [{"epoch": 3, "training": CHANGES[kind]} for kind in ("rate", "batch")]
    (made,) = spec_of(service, service.create(SPEC, changes=planned)).changes
    assert made.training.model_dump() == {**CHANGES["rate"], **CHANGES["batch"]}


@pytest.mark.parametrize(("epochs", "text"), [((3, 2), "later than 3"), ((1, 12), "less than")])
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
