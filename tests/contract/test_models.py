"""A name stands for a trained network: versions, shares and refusals, over both wires."""

from typing import Any

import pytest
from tests.contract.conftest import JOB, World
from tests.contract.wires import Wires
from tests.rpc.training import train

ROW = {"inputs": [[0.5, 0.25]]}


def put(service: Wires, name: str, **request: Any) -> list[tuple[int, float]]:
    """The versions and their shares after a change."""
    answer = service.over_http("SetNamedModel", id=name, **request)
    assert answer.kind is None, answer
    return [(row["version"], row["share"]) for row in answer.reply["versions"]]


def trained(service: Wires, **changes: Any) -> str:
    job: str = service.rpc.call("CreateJob", spec=JOB | changes)["id"]
    assert train(service.context, job) == "succeeded"
    return job


def test_a_retrained_model_changes_no_client(service: Wires, world: World) -> None:
    again = trained(service, seed=9)
    outputs = {}
    for version, job in enumerate((world.ended, again), 1):
        assert put(service, "moons", job=job)[0] == (version, 1.0)
        over_http, over_grpc = service.both("PredictNamedModel", id="moons", **ROW)
        assert over_http == over_grpc
        assert (over_http.reply["version"], over_http.reply["job"]) == (version, job)
        of_job = service.over_http("Predict", id=job, **ROW).reply
        assert over_http.reply == of_job | {"version": version, "job": job}
        outputs[version] = over_http.reply["outputs"]
    assert outputs[1] != outputs[2]
    assert put(service, "moons", version=1) == [(2, 0.0), (1, 1.0)]
    for answer in service.both("PredictNamedModel", id="moons", **ROW):
        assert answer.reply["outputs"] == outputs[1]
    assert put(service, "moons", job=again, epoch=0) == [(3, 1.0), (2, 0.0), (1, 0.0)]
    for answer in service.both("GetNamedModel", id="moons"):
        assert answer.reply["versions"][0]["epoch"] == 0


def test_a_share_of_the_predictions_goes_to_a_version_by_the_inputs(
    service: Wires, world: World
) -> None:
    put(service, "canary", job=world.ended)
    assert put(service, "canary", job=world.ended, share=0.25) == [(2, 0.25), (1, 0.75)]
    versions = [
        service.over_http("PredictNamedModel", id="canary", inputs=[[row / 7, 0.5]]).reply[
            "version"
        ]
        for row in range(200)
    ]
    assert 25 < versions.count(2) < 80  # 50 expected; 4 standard deviations are 25
    same = {
        answer.reply["version"]
        for _ in range(3)
        for answer in service.both("PredictNamedModel", id="canary", **ROW)
    }
    assert len(same) == 1
    for answer in service.both("ListNamedModels"):
        (listed,) = (m for m in answer.reply["models"] if m["id"] == "canary")
        assert [row["version"] for row in listed["versions"]] == [2, 1]
    # A third one takes its share of the version with the largest, and the others make no more.
    assert put(service, "canary", job=world.ended, share=0.5) == [(3, 0.5), (2, 0.0), (1, 0.5)]
    assert put(service, "canary", version=3) == [(3, 1.0), (2, 0.0), (1, 0.0)]


@pytest.mark.parametrize(
    ("name", "request_of", "field"),
    [
        ("Not a name", lambda w: {"job": w.ended}, "id"),
        ("right", lambda w: {}, "job"),
        ("right", lambda w: {"job": w.ended, "version": 1}, "job"),
        ("right", lambda w: {"version": 1, "epoch": 2}, "epoch"),
        ("right", lambda w: {"job": "job_none"}, "job"),
        ("right", lambda w: {"job": w.ended, "epoch": 999}, "epoch"),
        ("right", lambda w: {"job": w.ended, "share": 0.5}, "share"),
        ("right", lambda w: {"job": w.ended, "share": 0}, "share"),
        ("right", lambda w: {"job": w.sweep}, "job"),
    ],
)
def test_a_wrong_version_is_refused_and_stores_nothing(
    service: Wires, world: World, name: str, request_of: Any, field: str
) -> None:
    over_http, over_grpc = service.both("SetNamedModel", id=name, **request_of(world))
    assert over_http == over_grpc
    assert over_http.kind == "INVALID_ARGUMENT"
    assert {path for path, _ in over_http.errors} == {field}
    assert service.over_http("GetNamedModel", id="right").kind == "NOT_FOUND"


def test_a_version_is_of_a_job_that_has_ended_and_exists(service: Wires, world: World) -> None:
    for answer in service.both("SetNamedModel", id="early", job=world.queued):
        assert (answer.kind, answer.reason) == ("FAILED_PRECONDITION", "job_not_ended")
    put(service, "early", job=trained(service))
    for answer in service.both("SetNamedModel", id="early", version=7):
        assert answer.kind == "NOT_FOUND"
    job = service.over_http("GetNamedModel", id="early").reply["versions"][0]["job"]
    service.rpc.call("DeleteJob", id=job)
    for answer in service.both("PredictNamedModel", id="early", **ROW):
        assert (answer.kind, answer.reason) == ("NOT_FOUND", "job_not_found")
    assert service.over_http("DeleteNamedModel", id="early").kind is None
    for answer in service.both("DeleteNamedModel", id="early"):
        assert answer.kind == "NOT_FOUND"
