"""The recording for a training program: a repetition of the job must match the stored numbers."""

import json
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import sqlalchemy as sa
from tests.engine.recordings import training_program
from tests.selection import one_in
from tests.workers.in_process import AT_ONCE, DIGITS, XOR, Service

from epochal_engine.export.training import Recording, training_numpy
from epochal_service.answers import recordings
from epochal_service.answers.recordings import recording_of
from epochal_service.errors import Conflict
from epochal_service.store import tables
from epochal_service.store.packing import pack, pack_state, unpack, unpack_state

SHORT = {**DIGITS, "epochs": 9, "snapshots": {"weights_every": 4}}


def recorded(service: Service, job_id: str) -> Recording:
    access, limits = service.context.access, service.settings.limits
    return recording_of(service.database, job_id, access, limits)


def ends_with_states(recording: Recording) -> list[int]:
    """The epochs with a state at their end."""
    return [at for at in recording.states if isinstance(at, int)]


def verified(recording: Recording) -> list[tuple[str, str, int]]:
    """The rows of its program's table that are refused."""
    with np.errstate(all="ignore"):  # as its `main` does
        table, _ = training_program(training_numpy(recording))["compare"]()
    assert all(0 < row["compared"] == row["total"] for row in table)
    wrong = [row for row in table if row["deviation"] > row["tolerance"]]
    return [(row["name"], row["value"], row["epoch"]) for row in wrong]


@pytest.fixture(scope="module")
def parent(service: Service) -> str:
    job_id = service.create(SHORT)
    assert service.run(job_id, flush_seconds=AT_ONCE) == "succeeded"
    return job_id


def test_a_job_is_repeated_bit_for_bit(service: Service, parent: str) -> None:
    recording = recorded(service, parent)
    assert recording.contradictions == []
    assert ends_with_states(recording) == list(range(1, 10))
    assert sorted(recording.checkpoints) == [4, 8, 9]
    assert recording.omitted == 0
    assert verified(recording) == []


def diverging(service: Service) -> str:
    return service.create(SHORT, optimizer={"type": "sgd", "learning_rate": 1e12})


def interrupted(service: Service) -> str:
    job_id = service.create(SHORT)
    attempts = iter([False, False, True])
    service.run(job_id, lambda: next(attempts, True), flush_seconds=AT_ONCE)
    return job_id


def changed(service: Service) -> str:
    """A job with changes of each kind: from the start, where weights are stored, and beside."""
    first, *others = SHORT["network"]["layers"]
    trainings: dict[int, dict[str, Any]] = {
        0: {"batch_size": 100},
        3: {"optimizer": {"type": "momentum", "learning_rate": 0.02}, "clipping": {"norm": 0.5}},
        4: {"batch_size": 64, "regularization": {"l2": 0.01}, "shuffle": False},
        5: {"network": {**SHORT["network"], "layers": [{**first, "activation": "tanh"}, *others]}},
        7: {"epochs": 11, "optimizer": {"type": "adam"}, "schedule": {"type": "cosine"}},
    }
    changes = [{"epoch": epoch, "training": fields} for epoch, fields in trainings.items()]
    return service.create(SHORT, changes=changes, early_stopping=None)


ENDS: dict[str, Callable[[Service, str], str]] = {
    "diverged": lambda service, _: diverging(service),
    "interrupted": lambda service, _: interrupted(service),
    "of another job": lambda service, job: service.create(SHORT, initial_weights={"job": job}),
    "float64": lambda service, _: service.create(SHORT, dtype="float64"),
    "changed": lambda service, _: changed(service),
    "stopped early": lambda service, _: service.create(
        SHORT, early_stopping={"patience": 1, "min_delta": 10.0, "restore_best": True}
    ),
    "without gradients": lambda service, _: service.create(
        SHORT, snapshots={"gradients_every": 0, "weights_every": 0}
    ),
}


@pytest.mark.parametrize("end", one_in(2, ENDS))
def test_jobs_of_every_kind_are_repeated(service: Service, parent: str, end: str) -> None:
    job_id = ENDS[end](service, parent)
    assert service.run(job_id) in ("succeeded", "failed")
    recording = recorded(service, job_id)
    assert recording.contradictions == []
    assert bool(recording.states) == (end != "diverged")
    assert verified(recording) == []


# ---------------------------------------------------------------------- what is stored is changed


def change_blob(
    service: Service, table: Any, column: str, where: Any, change: Callable[[bytes], bytes]
) -> None:
    with service.database.write() as connection:
        query = sa.select(table.c[column]).where(where, table.c[column].is_not(None)).limit(1)
        blob = connection.execute(query).scalar_one()
        changed = change(blob)
        assert changed != blob
        at = where & (table.c[column] == blob)
        connection.execute(sa.update(table).where(at).values({column: changed}))


def in_weights(blob: bytes) -> bytes:
    arrays = {name: array.copy() for name, array in unpack(blob).items()}
    arrays["dense_1.weight"][3, 4] = np.nextafter(arrays["dense_1.weight"][3, 4], np.float32(9))
    return pack(arrays)


def in_metrics(blob: bytes) -> bytes:
    arrays = {name: array.copy() for name, array in unpack(blob).items()}
    arrays["validation_loss"][-1] *= 1 + 1e-7
    return pack(arrays)


def in_gradients(name: str) -> Callable[[bytes], bytes]:
    def change(blob: bytes) -> bytes:
        arrays, values = unpack_state(blob)
        numbers = arrays[name].copy()
        numbers.reshape(-1)[7] += 1
        return pack_state({**arrays, name: numbers}, values)

    return change


def in_json(name: str) -> Callable[[str], str]:
    def change(text: str) -> str:
        value = json.loads(text)
        return json.dumps({**value, name: 0.5})

    return change


FORGERIES: dict[str, tuple[Any, str, Any, str]] = {
    "initial weights": (tables.checkpoints, "weights", in_weights, "weights of dense_1"),
    "weights": (tables.checkpoints, "weights", in_weights, "weights of dense_1"),
    "metrics": (tables.log, "body", in_metrics, "validation_loss"),
    "statistics": (tables.log, "gradients", in_gradients("statistics"), "gradient of dense_1"),
    "histogram": (tables.log, "gradients", in_gradients("histogram"), "gradient of dense_1"),
    "best": (tables.jobs, "best", in_json("value"), "best"),
    "baselines": (tables.jobs, "baselines", in_json("constant"), "baselines"),
}


@pytest.mark.parametrize("what", one_in(3, FORGERIES))
def test_a_stored_number_that_is_changed_is_found(service: Service, what: str) -> None:
    """The smallest change of numbers that the page, the API and the exports show."""
    job_id = service.create(SHORT)
    assert service.run(job_id) == "succeeded"
    table, column, change, row = FORGERIES[what]
    where = table.c.id == job_id if table is tables.jobs else table.c.job_id == job_id
    if table is tables.checkpoints:
        where &= table.c.epoch == (0 if what == "initial weights" else 8)
    change_blob(service, table, column, where, change)
    recording = recorded(service, job_id)
    assert [name for name, _, _ in recording.contradictions] == [row]
    assert [name for name, _, _ in verified(recording)] == [row]


def test_a_number_after_a_change_that_is_changed_is_found(service: Service) -> None:
    job_id = changed(service)
    assert service.run(job_id) == "succeeded"
    at = (tables.log.c.job_id == job_id) & (tables.log.c.last_epoch == 11)
    change_blob(service, tables.log, "body", at, in_metrics)
    recording = recorded(service, job_id)
    assert sorted(recording.changes) == [3, 4, 5, 7]
    assert recording.contradictions == [("validation_loss", "", 11)]
    assert [row for row, _, _ in verified(recording)] == ["validation_loss"]


NOT_FOLLOWED: dict[str, dict[str, Any]] = {
    "other layers were frozen then": {"freeze": ["dense_1"]},
    "the data changed then": {"dataset": {"name": "digits"}},
}


@pytest.mark.parametrize("text", NOT_FOLLOWED)
def test_a_job_is_verified_up_to_a_change_that_no_program_follows(
    service: Service, text: str
) -> None:
    change = {"epoch": 5, "training": NOT_FOLLOWED[text]}
    job_id = service.create(SHORT, changes=[change], early_stopping=None)
    assert service.run(job_id) == "succeeded"
    recording = recorded(service, job_id)
    assert (recording.ends, recording.contradictions) == (text, [])
    assert verified(recording) == []
    names = training_program(training_numpy(recording))
    assert (names["EPOCHS"], names["ENDS"], ends_with_states(recording)[-1]) == (5, text, 5)


def test_a_job_whose_data_change_first_has_no_program(service: Service) -> None:
    change = {"epoch": 0, "training": {"freeze": ["dense_1"]}}
    job_id = service.create(SHORT, changes=[change], early_stopping=None)
    assert service.run(job_id) == "succeeded"
    with pytest.raises(Conflict, match="other layers were frozen then"):
        recorded(service, job_id)


def test_baselines_of_a_version_without_boosted_trees_are_repeated(service: Service) -> None:
    job_id = service.create(SHORT)
    assert service.run(job_id) == "succeeded"

    def without(text: Any) -> Any:
        return text.replace('"boosted":null,', "")

    change_blob(service, tables.jobs, "baselines", tables.jobs.c.id == job_id, without)
    assert recorded(service, job_id).contradictions == []


@pytest.fixture
def elsewhere(monkeypatch: pytest.MonkeyPatch) -> None:
    """Other software, or another processor, than every job has."""
    monkeypatch.setattr(recordings, "kernel", lambda: "numpy 9.9.9, on another processor")


def change_weights(service: Service, job_id: str, epoch: int) -> None:
    where = (tables.checkpoints.c.job_id == job_id) & (tables.checkpoints.c.epoch == epoch)
    change_blob(service, tables.checkpoints, "weights", where, in_weights)


@pytest.mark.usefixtures("elsewhere")
def test_the_same_bits_elsewhere_are_the_same_training(service: Service) -> None:
    """An upgrade changes no bits of most trainings."""
    job_id = service.create(SHORT)
    assert service.run(job_id) == "succeeded"
    at = tables.jobs.c.id == job_id
    change: Any = in_json("value")
    change_blob(service, tables.jobs, "best", at, change)
    recording = recorded(service, job_id)
    assert ends_with_states(recording) == list(range(1, 10))
    assert recording.contradictions == []


@pytest.mark.usefixtures("elsewhere")
def test_other_bits_elsewhere_contradict_nothing(service: Service) -> None:
    """The program is free to drift from them, within its tolerance."""
    job_id = service.create(SHORT)
    assert service.run(job_id) == "succeeded"
    change_weights(service, job_id, 8)
    recording = recorded(service, job_id)
    assert ends_with_states(recording) == [1, 2, 3, 4], "up to the last weights that are the same"
    assert recording.contradictions == []
    change_weights(service, job_id, 4)
    assert recorded(service, job_id).states == {}


def test_a_long_training_has_states_of_its_first_epochs(
    service: Service, parent: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    passed = iter(range(100))
    monkeypatch.setattr(recordings, "process_time", lambda: next(passed))
    monkeypatch.setattr(recordings, "REPEAT_SECONDS", 3.0)
    monkeypatch.setattr(recordings, "CLOSENESS", {32: recordings.STATE_BYTES})
    recording = recorded(service, parent)
    assert ends_with_states(recording) == [1, 2, 3]
    assert recording.contradictions == []


def test_an_epoch_that_takes_too_long_is_not_repeated_to_its_end(
    service: Service, monkeypatch: pytest.MonkeyPatch
) -> None:
    hidden = {"type": "dense", "units": 256, "activation": "tanh"}
    network = {"input_shape": [2], "layers": [hidden, hidden, XOR["network"]["layers"][-1]]}
    dataset = {"name": "two_moons", "samples": 10_000}
    job_id = service.create(XOR, network=network, dataset=dataset, batch_size=32, epochs=1)
    assert service.run(job_id) == "succeeded"
    monkeypatch.setattr(recordings, "REPEAT_SECONDS", -1.0)
    recording = recorded(service, job_id)
    assert (recording.states, recording.contradictions) == ({}, [])


def test_many_states_and_checkpoints_are_thinned(
    service: Service, parent: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(recordings, "STATE_BYTES", 50_000)
    monkeypatch.setattr(recordings, "CLOSENESS", {32: 50_000})
    monkeypatch.setattr(recordings, "CHECKPOINT_BYTES", 15_000)
    recording = recorded(service, parent)
    assert sorted(ends_with_states(recording)) == [3, 6, 9] == [*recording.states]
    assert sorted(recording.checkpoints) == [8, 9]
    assert recording.omitted == 1
