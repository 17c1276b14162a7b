"""Every request has an id: in the reply, in errors, and in the log."""

from typing import Any

import grpc
import pytest
from google.rpc.error_details_pb2 import ErrorInfo
from grpc_status import rpc_status
from structlog.testing import capture_logs
from tests.contract.conftest import JOB
from tests.contract.wires import Wires
from tests.rpc.serving import serialized

from epochal_service.access import keys
from epochal_service.access.keys import LOCAL_OWNER


def over_http(service: Wires, request_id: str | None, path: str) -> tuple[str, dict[str, Any]]:
    headers = {} if request_id is None else {"X-Request-Id": request_id}
    response = service.http.get(path, headers=headers)
    return response.headers["x-request-id"], response.json()


def over_grpc(service: Wires, request_id: str | None, job_id: str) -> tuple[str, ErrorInfo]:
    metadata = [] if request_id is None else [("x-request-id", request_id)]
    with pytest.raises(grpc.RpcError) as refused:
        service.rpc.raw("GetJob", serialized("GetJob", {"id": job_id}), metadata=metadata)
    error: Any = refused.value
    status = rpc_status.from_call(error)
    assert status is not None
    info = ErrorInfo()
    for detail in status.details:
        detail.Unpack(info)
    return dict(error.initial_metadata())["x-request-id"], info


def test_the_id_of_the_caller_comes_back_in_replies_and_errors(service: Wires) -> None:
    assert over_http(service, "mine-1", "/v1/version")[0] == "mine-1"
    request_id, problem = over_http(service, "mine-2", "/v1/jobs/none")
    assert request_id == problem["request_id"] == "mine-2"
    request_id, info = over_grpc(service, "mine-3", "none")
    assert request_id == info.metadata["request_id"] == "mine-3"


@pytest.mark.parametrize("given", [None, "a b", "x" * 101, "ä", "a\tb"])
def test_without_a_fit_id_each_request_gets_its_own(service: Wires, given: str | None) -> None:
    sent = None if given is None or not given.isascii() or "\t" in given else given
    ids = {over_http(service, sent, "/v1/version")[0] for _ in range(2)}
    ids.add(over_grpc(service, sent, "none")[0])
    assert len(ids) == 3
    assert given not in ids


def test_changes_are_logged_with_method_subject_owner_key_and_request(service: Wires) -> None:
    text = keys.create(
        service.context.database, "audit", owner=LOCAL_OWNER, scope="train", days=None
    )
    caller = service.called_with(text)
    with capture_logs() as logs:
        job_id = caller.over_http("CreateJob", spec=JOB).reply["id"]
        caller.over_grpc("CancelJob", id=job_id)
        caller.over_http("GetJob", id=job_id)
        caller.over_grpc("DeleteJob", id="none")
    lines = [line for line in logs if line["event"] == "audit"]
    assert [(line["method"], line["id"]) for line in lines] == [
        ("CreateJob", job_id),
        ("CancelJob", job_id),
    ]
    for line in lines:
        assert (line["owner"], line["key"]) == (LOCAL_OWNER, text.split("_")[1])
        assert text.split("_")[2] not in str(line)
