"""Large messages are answered as small ones are, and hold nobody up."""

from collections.abc import Iterator
from typing import Any

import grpc
import pytest
from google.protobuf.message_factory import GetMessageClass
from tests.rest.conftest import XOR
from tests.rpc import serving
from tests.rpc.serving import RPCS, Serving, error_details, reply, serialized
from tests.servers.loop_monitor import LoopMonitor, monitor_in_this_process

from epochal_service.large import LARGE_BYTES

pytestmark = pytest.mark.long

LIMIT = 16 * 2**20
PAUSE = 0.05
"""Seconds for which no request may hold up the loop. Before, it stood still for 0.3 s and more."""


@pytest.fixture(scope="module")
def monitor() -> Iterator[LoopMonitor]:
    with monitor_in_this_process() as monitor:
        yield monitor


@pytest.fixture(scope="module")
def server(
    tmp_path_factory: pytest.TempPathFactory, valkey_server: str, monitor: LoopMonitor
) -> Iterator[Serving]:
    chosen = serving.settings(tmp_path_factory.mktemp("large"), broker_url=valkey_server)
    with (
        serving.serving(chosen) as server,
        server.portal.wrap_async_context_manager(monitor(None)),
    ):
        server.client.raw("ValidateJob", with_rows(10_000))  # the second process starts
        yield server


def with_rows(rows: int, **others: Any) -> bytes:
    network = XOR["network"] | {"input_shape": [10]}
    data = {"inputs": [[row / 7] * 10 for row in range(rows)], "targets": [[0], [1]] * (rows // 2)}
    spec = {**XOR, "network": network, "dataset": data, **others}
    return serialized("ValidateJob", {"spec": spec})


def test_a_valid_message_near_the_limit_does_not_hold_up_the_loop(
    server: Serving, monitor: LoopMonitor
) -> None:
    request = with_rows(100_000)
    assert LIMIT / 2 < len(request) < LIMIT
    monitor.restart()
    received = server.client.raw("ValidateJob", request)
    assert monitor.longest < PAUSE
    assert reply("ValidateJob", received)["samples"] == 100_000


@pytest.mark.parametrize("field", [b"\xa2\x06\x00", b"\x0a\x00"])  # an unknown one, and a known one
def test_a_message_of_ever_so_many_fields_does_not_hold_up_the_loop(
    server: Serving, monitor: LoopMonitor, field: bytes
) -> None:
    request = field * (LIMIT // len(field))
    monitor.restart()
    with pytest.raises(grpc.RpcError) as raised:
        server.client.raw("ValidateJob", request)
    assert monitor.longest < PAUSE
    assert error_details(raised.value).code == grpc.StatusCode.INVALID_ARGUMENT


def test_the_errors_of_a_large_message_are_those_of_a_small_one(server: Serving) -> None:
    def errors(**change: Any) -> object:
        spec = XOR | {"epochs": 0} | change
        with pytest.raises(grpc.RpcError) as raised:
            server.client.raw("ValidateJob", serialized("ValidateJob", {"spec": spec}))
        return error_details(raised.value)

    assert errors(loss_options={"gamma": 1.0}) == errors(
        loss_options={"gamma": 1.0}, class_weights=[1.0] * LARGE_BYTES
    )


def test_a_watcher_sends_few_bytes(server: Serving) -> None:
    with pytest.raises(grpc.RpcError) as raised:
        next(server.client.raw("WatchJob", b"\x0a\x00" * LARGE_BYTES))
    assert error_details(raised.value).reason == "too_large"


def test_a_job_with_large_data_does_not_hold_up_the_loop(
    server: Serving, monitor: LoopMonitor
) -> None:
    create = GetMessageClass(RPCS["CreateJob"].input_type)
    request = create.FromString(with_rows(60_000)).SerializeToString()
    monitor.restart()
    created = server.client.raw("CreateJob", request)
    pause = monitor.longest
    name = serialized("GetJob", {"id": reply("CreateJob", created)["id"]})
    monitor.restart()
    fetched = server.client.raw("GetJob", name)
    assert max(pause, monitor.longest) < PAUSE
    assert fetched == created
