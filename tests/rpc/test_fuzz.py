"""Whatever comes over the wire, the answer is a reply or a documented error, and nothing holds up
the event loop.
"""

from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import grpc
import pytest
from google.protobuf.message_factory import GetMessageClass
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.examples import examples
from tests.rpc import serving
from tests.rpc.messages import TEXT, dicts
from tests.rpc.serving import RPCS, UNBOUNDED, Client, error_details
from tests.servers.loop_monitor import LoopMonitor, monitored_server
from tests.servers.postgres import PostgresServer, free_port

from epochal_service.rpc.convert import from_dict
from epochal_service.settings import Address
from epochal_service.store.migrate import upgrade

pytestmark = pytest.mark.long

NETWORK = {"input_shape": [2], "layers": [{"type": "dense", "units": 1}]}
JOB = {"network": NETWORK, "dataset": {"name": "xor"}, "loss": "mse", "epochs": 1}

DEFECTS = {grpc.StatusCode.INTERNAL, grpc.StatusCode.UNKNOWN}
PAUSE = 0.2
"""Seconds for which no request may hold up the event loop."""


@dataclass(frozen=True)
class Server:
    """A server in another process, as this one computes the requests."""

    client: Client
    monitor: LoopMonitor


@pytest.fixture(scope="module", params=["sqlite", "postgresql"])
def server(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory, valkey_server: str
) -> Iterator[Server]:
    folder: Path = tmp_path_factory.mktemp("fuzz")
    with ExitStack() as scope:
        http, address = (Address(f"127.0.0.1:{free_port()}") for _ in range(2))
        others: dict[str, Any] = {"http_address": http, "grpc_address": address}
        others |= {"broker_url": valkey_server, "heartbeat_seconds": 0.05}
        if request.param == "postgresql":
            postgres: PostgresServer = request.getfixturevalue("postgres_server")
            others["database_url"] = scope.enter_context(postgres.tables())
        chosen = serving.settings(folder, **others)
        upgrade(chosen.database_url)
        monitor = scope.enter_context(monitored_server(chosen))
        channel = scope.enter_context(grpc.insecure_channel(str(address), options=UNBOUNDED))
        yield Server(Client(channel), monitor)


@pytest.fixture(scope="module")
def ids(server: Server) -> list[str]:
    """Ids of things that there are."""
    call = server.client.call
    network = call("CreateNetwork", network=NETWORK)
    jobs = [call("CreateJob", spec=JOB) for _ in range(20)]
    generator = {"name": "two_moons", "samples": 10}
    dataset = call("CreateDataset", name="moons", generator=generator)
    return ["xor", network["id"], dataset["id"], *(job["id"] for job in jobs)]


def code_of(server: Server, rpc: str, request: bytes) -> grpc.StatusCode:
    """How the call ends; of a stream, whether it begins. It must not hold up the event loop."""
    server.monitor.restart()
    code = _code_of(server, rpc, request)
    assert server.monitor.longest < PAUSE
    return code


def _code_of(server: Server, rpc: str, request: bytes) -> grpc.StatusCode:
    try:
        answer = server.client.raw(rpc, request)
        if RPCS[rpc].server_streaming:
            next(answer, None)
            answer.cancel()
    except grpc.RpcError as error:
        return error_details(error).code
    return grpc.StatusCode.OK


# Bytes that are not a message never get to a database.
@pytest.mark.parametrize("server", ["sqlite"], indirect=True)
@pytest.mark.parametrize("rpc", RPCS)
def test_any_bytes_are_a_request_or_are_refused(server: Server, rpc: str) -> None:
    @settings(max_examples=examples())
    @given(st.binary(max_size=64))
    def try_it(request: bytes) -> None:
        assert code_of(server, rpc, request) not in DEFECTS

    try_it()


@pytest.mark.parametrize("rpc", RPCS)
def test_any_fields_are_a_request_or_are_refused(server: Server, ids: list[str], rpc: str) -> None:
    message = RPCS[rpc].input_type
    some_id = st.fixed_dictionaries({"id": st.sampled_from(ids) | TEXT})
    own_ids = some_id if "id" in message.fields_by_name else st.just({})

    @settings(max_examples=examples())
    @given(dicts(message), own_ids)
    def try_it(fields: dict[str, Any], path_fields: dict[str, str]) -> None:
        request = from_dict(fields | path_fields, GetMessageClass(message))
        assert code_of(server, rpc, request.SerializeToString()) not in DEFECTS

    try_it()
