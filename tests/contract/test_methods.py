"""Whatever is asked, both wires give the same answer."""

import copy
from typing import Any

import pytest
from hypothesis import assume, given, settings
from tests.contract.conftest import World
from tests.contract.requests import RIGHT, changed
from tests.contract.wires import Answer, Wires
from tests.documents import openapi_document
from tests.examples import examples
from tests.rpc.serving import RPCS, serialized

from epochal_service.apis import apis, methods

# They change an existing object; test_actions has them.
ACTING = {
    "DeleteNetwork",
    "DeleteDataset",
    "DeleteUpload",
    "DeleteJob",
    "CancelJob",
    "BatchDeleteJobs",
    "BatchCancelJobs",
    "BatchUpdateJobs",
    "PauseJob",
    "ResumeJob",
    "ChangeTraining",
    "DeleteSweep",
    "CancelSweep",
    "DeleteExperiment",
    "CancelExperiment",
    "DeleteExercise",
    "DeleteKey",
    "SetNamedModel",
    "DeleteNamedModel",
}
# The time of the request is in the reply, and a secret.
ISSUING = {"IssueStreamToken", "IssueSweepStreamToken", "IssueExperimentStreamToken", "CreateKey"}
# Each wire creates another object.
MAKING = {
    "CreateNetwork",
    "CreateDataset",
    "CreateUpload",
    "CreateJob",
    "CreateSweep",
    "CreateExperiment",
    "CreateExercise",
    "AttemptExercise",
    "SubmitProof",
}


def test_every_rpc_has_a_route_and_every_route_an_rpc(service: Wires) -> None:
    assert set(methods()) == set(RPCS) == set(RIGHT) | ACTING
    described = {
        f"{verb.upper()} {path}"
        for api in apis()
        for path, operations in openapi_document(api)["paths"].items()
        for verb in operations
        if "/v1/" in path and "." not in path  # files of a job have no RPC
    }
    assert {method.http for method in methods().values()} == described


def without_identity(answer: Answer) -> Answer:
    """The answer without the fields that differ between two objects with the same spec."""
    if not isinstance(answer.reply, dict):
        return answer
    reply: dict[str, Any] = {
        key: value
        for key, value in answer.reply.items()
        if key not in ("id", "key", "seed", "created_at", "expires_at")  # the id decides the seed
    }
    if "states" in reply:  # the jobs of an experiment
        reply["jobs"] = [{**job, "id": ""} for job in reply["jobs"]]
    return Answer(reply, answer.kind, answer.reason, answer.errors)


def agree(service: Wires, rpc: str, request: dict[str, Any]) -> Answer:
    over_http, over_grpc = service.both(rpc, **request)
    if rpc == "ListDeliveries" and over_http != over_grpc:
        # A message was sent between the two; the next try is seconds away.
        over_http, over_grpc = service.both(rpc, **request)
    if rpc in ISSUING or (rpc in MAKING and "request_id" not in request):
        assert without_identity(over_http) == without_identity(over_grpc)
    else:
        assert over_http == over_grpc
    return over_http


@pytest.mark.parametrize("rpc", RIGHT)
def test_a_right_request_has_the_same_answer_on_both_wires(
    service: Wires, world: World, rpc: str
) -> None:
    for request in RIGHT[rpc](world):
        answer = agree(service, rpc, request)
        assert answer.kind in (None, "NOT_FOUND"), answer


@pytest.mark.long
@pytest.mark.parametrize("rpc", RIGHT)
def test_any_request_has_the_same_answer_on_both_wires(
    service: Wires, world: World, rpc: str
) -> None:
    @settings(max_examples=examples())
    @given(changed(RPCS[rpc].input_type, RIGHT[rpc](world)))
    def try_it(request: dict[str, Any]) -> None:
        # All jobs of the caller, or those with a label, are watched without an end.
        assume(rpc != "WatchJobs" or request.get("jobs"))
        answer = agree(service, rpc, request)
        assert answer.kind not in ("INTERNAL", "UNKNOWN"), answer

    try_it()


@pytest.mark.parametrize("rpc", sorted(MAKING))
def test_the_same_key_makes_one_thing_over_both_wires(
    service: Wires, world: World, rpc: str
) -> None:
    requests = RIGHT[rpc](world)
    other, request = requests[0], requests[-1]
    key = {"request_id": f"once for {rpc}"}
    over_http, over_grpc = service.both(rpc, **request | key)
    assert over_http.kind is None
    assert over_http == over_grpc
    if rpc == "CreateJob":
        other = {"spec": request["spec"] | {"epochs": 11}}
    if rpc == "CreateSweep":
        other = {"spec": request["spec"] | {"variants": [{"seed": 5}]}}
    over_http, over_grpc = service.both(rpc, **other | key)
    assert over_http == over_grpc
    assert over_http.reason == "idempotency_mismatch"


@pytest.mark.parametrize("rpc", sorted(MAKING))
def test_a_replay_says_so_on_both_wires(service: Wires, world: World, rpc: str) -> None:
    request = RIGHT[rpc](world)[-1]
    path = f"/{RPCS[rpc].containing_service.full_name}/{rpc}"
    stub: Any = service.rpc.channel.unary_unary(path)

    def over_http(key: dict[str, str]) -> str | None:
        response = service.response(rpc, **copy.deepcopy(request), **key)
        assert response.is_success
        return response.headers.get("Idempotency-Replayed")

    def over_grpc(key: dict[str, str]) -> str | None:
        _, ended = stub.with_call(serialized(rpc, request | key))
        return dict(ended.trailing_metadata()).get("idempotency-replayed")

    for first, second in ((over_http, over_grpc), (over_grpc, over_http)):
        key = {"request_id": f"replay of {rpc} after {first.__name__}"}
        assert [first(key), first(key), second(key)] == [None, "true", "true"]
    assert [over_http({}), over_grpc({})] == [None, None]


@pytest.mark.parametrize("rpc", sorted(MAKING))
@pytest.mark.parametrize("key", ["", "x" * 201])
def test_a_wrong_key_is_named_as_a_field(service: Wires, world: World, rpc: str, key: str) -> None:
    over_http, over_grpc = service.both(rpc, **RIGHT[rpc](world)[-1], request_id=key)
    assert over_http == over_grpc
    assert [field for field, _ in over_http.errors] == ["request_id"]


def test_a_csv_as_a_body_is_the_csv_of_a_message(service: Wires) -> None:
    csv = "a,b\n1,2\n3,4\n5,x\n"
    for query in ({"name": "table", "task": "classification"}, {"name": "table", "target": "c"}):
        over_grpc = service.over_grpc("CreateDataset", csv=csv, **query)
        response = service.http.post(
            "/v1/datasets", params=query, content=csv, headers={"Content-Type": "text/csv"}
        )
        assert response.is_success == (over_grpc.kind is None)
        if over_grpc.kind is None:
            both = service.both("GetDataset", id=response.json()["id"])
            assert without_identity(both[0]) == without_identity(over_grpc)
        else:
            errors = [(e["field"], e["description"]) for e in response.json()["errors"]]
            assert frozenset(errors) == over_grpc.errors
