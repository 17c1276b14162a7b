"""A method that changes an object does so in the same way over either wire."""

from collections.abc import Callable
from typing import Any

import pytest
from tests.contract.conftest import DIVERGING, EXERCISE, JOB, NETWORK
from tests.contract.wires import Answer, Wires
from tests.rpc.training import train

from epochal_service.access import keys
from epochal_service.jobs import lifecycle

# They tell one thing from the next that came about in the same way. A worker that is slow stores
# the same epochs in more events.
OWN = {"id", "created_at", "started_at", "finished_at", "expires_at", "seconds", "seq"}

TINY = JOB | {"epochs": 2}


def job(service: Wires, spec: dict[str, Any] = TINY) -> str:
    made: str = service.rpc.call("CreateJob", spec=spec)["id"]
    return made


def running(service: Wires) -> str:
    made = job(service)
    claim = lifecycle.claim(
        service.context.database, made, lease_seconds=60, worker="a worker", kernel="a kernel"
    )
    assert claim is not None
    return made


def after(rpc: str, make: Callable[[Wires], str]) -> Callable[[Wires], str]:
    def subject(service: Wires) -> str:
        made = make(service)
        service.rpc.call(rpc, id=made)
        return made

    return subject


def trained(spec: dict[str, Any]) -> Callable[[Wires], str]:
    def subject(service: Wires) -> str:
        made = job(service, spec)
        train(service.context, made)
        return made

    return subject


JOBS: dict[str, Callable[[Wires], str]] = {
    "queued": job,
    "running": running,
    "pausing": after("PauseJob", running),
    "paused": after("PauseJob", job),
    "cancelling": after("CancelJob", running),
    "succeeded": trained(TINY),
    "failed": trained(DIVERGING),
    "cancelled": after("CancelJob", job),
}


def alike(value: Any) -> Any:
    """The same value without the fields that identify an object."""
    if isinstance(value, dict):
        return {key: alike(item) for key, item in value.items() if key not in OWN}
    return [alike(item) for item in value] if isinstance(value, list) else value


def comparable(answer: Answer) -> Answer:
    return Answer(alike(answer.reply), answer.kind, answer.reason, answer.errors)


@pytest.mark.parametrize("rpc", ["CancelJob", "PauseJob", "ResumeJob", "DeleteJob"])
@pytest.mark.parametrize("state", JOBS)
def test_a_job_in_any_state_takes_a_wish_alike(service: Wires, rpc: str, state: str) -> None:
    first, second = JOBS[state](service), JOBS[state](service)
    assert service.rpc.call("GetJob", id=first)["state"] == state
    over_http = service.over_http(rpc, id=first)
    over_grpc = service.over_grpc(rpc, id=second)
    assert comparable(over_http) == comparable(over_grpc)
    assert over_http.kind in (None, "FAILED_PRECONDITION")
    now_first, now_second = (service.over_grpc("GetJob", id=job_id) for job_id in (first, second))
    assert comparable(now_first) == comparable(now_second)


@pytest.mark.parametrize("state", JOBS)
def test_a_job_in_any_state_is_resumed_for_some_epochs_alike(service: Wires, state: str) -> None:
    first, second = JOBS[state](service), JOBS[state](service)
    over_http = service.over_http("ResumeJob", id=first, epochs=2)
    over_grpc = service.over_grpc("ResumeJob", id=second, epochs=2)
    assert comparable(over_http) == comparable(over_grpc)
    assert over_http.reason == (None if state == "paused" else "job_state")
    for epochs in (0, -1):
        over_http, over_grpc = service.both("ResumeJob", id=first, epochs=epochs)
        assert over_http == over_grpc
        assert [field for field, _ in over_http.errors] == ["epochs"]


@pytest.mark.parametrize("state", JOBS)
def test_a_job_in_any_state_is_renamed_and_labelled_alike(service: Wires, state: str) -> None:
    job_id = JOBS[state](service)
    before = service.over_http("GetJob", id=job_id).reply
    change = {"name": "another", "labels": {"level": "1"}, "remove_labels": ["course"]}
    over_http, over_grpc = service.both("UpdateJob", id=job_id, **change)
    assert over_http == over_grpc
    spec = before["spec"] | {"name": "another", "labels": {"level": "1"}}
    assert over_http.reply == before | {"spec": spec}
    assert over_http.reply["state"] == state


@pytest.mark.parametrize("state", JOBS)
def test_a_job_in_any_state_changes_alike(service: Wires, state: str) -> None:
    first, second = JOBS[state](service), JOBS[state](service)
    change = {"optimizer": {"type": "momentum", "momentum": 0.5}, "batch_size": 2}
    over_http = service.over_http("ChangeTraining", id=first, **change)
    over_grpc = service.over_grpc("ChangeTraining", id=second, **change)
    assert comparable(over_http) == comparable(over_grpc)
    now_first, now_second = (service.over_grpc("GetJob", id=job_id) for job_id in (first, second))
    assert comparable(now_first) == comparable(now_second)
    if state in ("queued", "paused"):
        (made,) = now_first.reply["spec"]["changes"]
        assert made["training"] == over_http.reply["training"]
    if state in ("succeeded", "failed", "cancelled"):
        assert over_http.reason == "job_state"


@pytest.mark.parametrize(
    "rpc",
    ["CancelJob", "PauseJob", "ResumeJob", "DeleteJob", "UpdateJob", "ChangeTraining"],
)
def test_a_wish_about_no_job_is_not_found(service: Wires, rpc: str) -> None:
    for unknown in ("job_1", "a/b", "Ü ?#%", "x" * 300):
        over_http, over_grpc = service.both(rpc, id=unknown)
        assert over_http == over_grpc == Answer(None, "NOT_FOUND", "not_found")


def sweep(service: Wires) -> str:
    spec = {"job": TINY, "variants": [{"learning_rate": 0.1}, {"seed": 1}]}
    made: str = service.rpc.call("CreateSweep", spec=spec)["id"]
    return made


def trained_sweep(service: Wires) -> str:
    made = sweep(service)
    assert train(service.context, made) == "succeeded"
    return made


SWEEPS: dict[str, Callable[[Wires], str]] = {
    "queued": sweep,
    "succeeded": trained_sweep,
    "cancelled": after("CancelSweep", sweep),
}


@pytest.mark.parametrize("rpc", ["CancelSweep", "DeleteSweep"])
@pytest.mark.parametrize("state", SWEEPS)
def test_a_sweep_in_any_state_takes_a_wish_alike(service: Wires, rpc: str, state: str) -> None:
    first, second = SWEEPS[state](service), SWEEPS[state](service)
    assert service.rpc.call("GetSweep", id=first)["state"] == state
    over_http, over_grpc = service.over_http(rpc, id=first), service.over_grpc(rpc, id=second)
    assert comparable(over_http) == comparable(over_grpc)
    now_first, now_second = (
        service.over_grpc("GetSweep", id=sweep_id) for sweep_id in (first, second)
    )
    assert comparable(now_first) == comparable(now_second)


@pytest.mark.parametrize("state", SWEEPS)
def test_a_sweep_in_any_state_is_renamed_and_labelled_alike(service: Wires, state: str) -> None:
    sweep_id = SWEEPS[state](service)
    before = service.over_http("GetSweep", id=sweep_id).reply
    change = {"name": "another", "labels": {"level": "1"}}
    over_http, over_grpc = service.both("UpdateSweep", id=sweep_id, **change)
    assert over_http == over_grpc
    job = before["spec"]["job"]
    labels = {**job.get("labels", {}), "level": "1"}
    spec = before["spec"] | {"job": job | {"name": "another", "labels": labels}}
    assert over_http.reply == before | {"spec": spec}
    listed = service.over_http("ListSweeps", label="level=1", page_size=1000).reply["sweeps"]
    assert sweep_id in [row["id"] for row in listed]


@pytest.mark.parametrize(
    "rpc",
    [
        "CancelSweep",
        "DeleteSweep",
        "GetSweep",
        "GetSweepCurves",
        "UpdateSweep",
        "ListSweepDeliveries",
    ],
)
def test_a_job_is_no_sweep_on_either_wire(service: Wires, rpc: str) -> None:
    over_http, over_grpc = service.both(rpc, id=job(service))
    assert over_http == over_grpc == Answer(None, "NOT_FOUND", "not_found")


def experiment(service: Wires) -> str:
    jobs = {"first": TINY, "second": TINY | {"initial_weights": {"job": "first"}}}
    made: str = service.rpc.call("CreateExperiment", spec={"jobs": jobs})["id"]
    return made


def trained_experiment(service: Wires) -> str:
    made = experiment(service)
    for job in service.rpc.call("GetExperiment", id=made)["jobs"]:
        assert train(service.context, job["id"]) == "succeeded"
    return made


EXPERIMENTS: dict[str, Callable[[Wires], str]] = {
    "running": experiment,
    "succeeded": trained_experiment,
    "cancelled": after("CancelExperiment", experiment),
}


@pytest.mark.parametrize("rpc", ["CancelExperiment", "DeleteExperiment"])
@pytest.mark.parametrize("state", EXPERIMENTS)
def test_an_experiment_in_any_state_takes_a_wish_alike(
    service: Wires, rpc: str, state: str
) -> None:
    first, second = EXPERIMENTS[state](service), EXPERIMENTS[state](service)
    assert service.rpc.call("GetExperiment", id=first)["state"] == state
    over_http, over_grpc = service.over_http(rpc, id=first), service.over_grpc(rpc, id=second)
    assert comparable(over_http) == comparable(over_grpc)
    refused = (rpc, state) in {("CancelExperiment", "succeeded"), ("DeleteExperiment", "running")}
    assert over_http.kind == ("FAILED_PRECONDITION" if refused else None)
    now_first, now_second = (
        service.over_grpc("GetExperiment", id=experiment_id) for experiment_id in (first, second)
    )
    assert comparable(now_first) == comparable(now_second)


def test_an_exercise_is_deleted_once_and_by_its_owner_alone(service: Wires) -> None:
    ids = [service.rpc.call("CreateExercise", spec=EXERCISE)["id"] for _ in range(2)]
    key = keys.create(service.context.database, "t", owner="other", scope="train", days=None)
    for answer in service.called_with(key).both("DeleteExercise", id=ids[0]):
        assert (answer.kind, answer.reason) == ("PERMISSION_DENIED", "forbidden")
    assert service.over_http("DeleteExercise", id=ids[0]) == Answer({})
    assert service.over_grpc("DeleteExercise", id=ids[1]) == Answer({})
    for made in ids:
        over_http, over_grpc = service.both("DeleteExercise", id=made)
        assert over_http == over_grpc == Answer(None, "NOT_FOUND", "not_found")


def test_a_network_is_deleted_once(service: Wires) -> None:
    ids = [service.rpc.call("CreateNetwork", network=NETWORK)["id"] for _ in range(2)]
    assert service.over_http("DeleteNetwork", id=ids[0]) == Answer({})
    assert service.over_grpc("DeleteNetwork", id=ids[1]) == Answer({})
    for made in ids:
        over_http, over_grpc = service.both("DeleteNetwork", id=made)
        assert over_http == over_grpc == Answer(None, "NOT_FOUND", "not_found")


def test_a_data_set_is_deleted_once_and_not_while_a_job_needs_it(service: Wires) -> None:
    generator = {"name": "two_moons", "samples": 20}
    ids = [
        service.rpc.call("CreateDataset", name="moons", generator=generator)["id"] for _ in range(2)
    ]
    users = [job(service, TINY | {"dataset": {"id": made}}) for made in ids]
    for made in ids:
        over_http, over_grpc = service.both("DeleteDataset", id=made)
        assert over_http == over_grpc
        assert over_http.reason == "dataset_in_use"
    for user in users:
        service.rpc.call("CancelJob", id=user)
    assert service.over_http("DeleteDataset", id=ids[0]) == Answer({})
    assert service.over_grpc("DeleteDataset", id=ids[1]) == Answer({})
    for made in ids:
        over_http, over_grpc = service.both("DeleteDataset", id=made)
        assert over_http == over_grpc == Answer(None, "NOT_FOUND", "not_found")


def test_a_built_in_data_set_stays(service: Wires) -> None:
    over_http, over_grpc = service.both("DeleteDataset", id="xor")
    assert over_http == over_grpc
    assert over_http.reason == "dataset_builtin"
