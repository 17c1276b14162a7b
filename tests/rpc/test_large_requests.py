"""Large messages are answered as small ones are, and hold nobody up."""

from collections.abc import Iterator
from typing import Any

import grpc
import pytest
from google.protobuf.message_factory import GetMessageClass
from tests.rest.conftest import XOR
from tests.rpc import serving
from tests.rpc.serving import RPCS, UNBOUNDED, Client, error_details, reply, serialized
from tests.servers.loop_monitor import LoopMonitor, monitored_server
from tests.servers.postgres import free_port

from epochal_service.large import LARGE_BYTES
from epochal_service.settings import Address
from epochal_service.store.migrate import upgrade

pytestmark = pytest.mark.long

LIMIT = 16 * 2**20
PAUSE = 0.1
"""Seconds for which no request may hold up the loop. Without the second process, it stands still
for 0.08 s and more.
"""


@pytest.fixture(scope="module")
def served(
    tmp_path_factory: pytest.TempPathFactory, valkey_server: str
) -> Iterator[tuple[Client, LoopMonitor]]:
    address = Address(f"127.0.0.1:{free_port()}")
    chosen = serving.settings(
        tmp_path_factory.mktemp("large"),
        broker_url=valkey_server,
        http_address=Address(f"127.0.0.1:{free_port()}"),
        grpc_address=address,
    )
    upgrade(chosen.database_url)
    with (
        monitored_server(chosen) as monitor,
        grpc.insecure_channel(str(address), options=UNBOUNDED) as channel,
    ):
        client = Client(channel)
        client.raw("ValidateJob", with_rows(10_000))  # the second process starts
        yield client, monitor


@pytest.fixture
def client(served: tuple[Client, LoopMonitor]) -> Client:
    client, _ = served
    return client


@pytest.fixture
def monitor(served: tuple[Client, LoopMonitor]) -> LoopMonitor:
    _, monitor = served
    monitor.restart()
    return monitor


def with_rows(rows: int, **others: Any) -> bytes:
    network = XOR["network"] | {"input_shape": [10]}
    data = {"inputs": [[row / 7] * 10 for row in range(rows)], "targets": [[0], [1]] * (rows // 2)}
    spec = {**XOR, "network": network, "dataset": data, **others}
    return serialized("ValidateJob", {"spec": spec})


def test_a_valid_message_of_many_rows_does_not_hold_up_the_loop(
    client: Client, monitor: LoopMonitor
) -> None:
    request = with_rows(100_000)
    assert LIMIT / 2 < len(request) < LIMIT

    def call() -> None:
        assert reply("ValidateJob", client.raw("ValidateJob", request))["samples"] == 100_000

    assert monitor.pause_of(call, PAUSE) < PAUSE


@pytest.mark.parametrize("field", [b"\xa2\x06\x00", b"\x0a\x00"])  # an unknown one, and a known one
def test_a_message_of_ever_so_many_fields_does_not_hold_up_the_loop(
    client: Client, monitor: LoopMonitor, field: bytes
) -> None:
    request = field * (LIMIT // len(field))

    def call() -> None:
        with pytest.raises(grpc.RpcError) as raised:
            client.raw("ValidateJob", request)
        assert error_details(raised.value).code == grpc.StatusCode.INVALID_ARGUMENT

    assert monitor.pause_of(call, PAUSE) < PAUSE


def test_the_errors_of_a_large_message_are_those_of_a_small_one(client: Client) -> None:
    def errors(**change: Any) -> object:
        spec = XOR | {"epochs": 0} | change
        with pytest.raises(grpc.RpcError) as raised:
            client.raw("ValidateJob", serialized("ValidateJob", {"spec": spec}))
        return error_details(raised.value)

    assert errors(loss_options={"gamma": 1.0}) == errors(
        loss_options={"gamma": 1.0}, class_weights=[1.0] * LARGE_BYTES
    )


def test_a_watcher_sends_few_bytes(client: Client) -> None:
    with pytest.raises(grpc.RpcError) as raised:
        next(client.raw("WatchJob", b"\x0a\x00" * LARGE_BYTES))
    assert error_details(raised.value).reason == "too_large"


def test_a_job_with_large_data_does_not_hold_up_the_loop(
    client: Client, monitor: LoopMonitor
) -> None:
    create = GetMessageClass(RPCS["CreateJob"].input_type)
    request = create.FromString(with_rows(60_000)).SerializeToString()
    replies: list[bytes] = []
    pause = monitor.pause_of(lambda: replies.append(client.raw("CreateJob", request)), PAUSE)
    created = replies[-1]
    name = serialized("GetJob", {"id": reply("CreateJob", created)["id"]})

    def fetch() -> None:
        assert client.raw("GetJob", name) == created

    assert max(pause, monitor.pause_of(fetch, PAUSE)) < PAUSE
