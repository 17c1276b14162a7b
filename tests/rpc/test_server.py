"""The server around the methods: where it listens, how it feels, what it carries, how it ends."""

import hashlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import grpc
import psycopg
import pytest
from google.protobuf.descriptor_database import DescriptorDatabase
from google.protobuf.descriptor_pb2 import FileDescriptorProto
from google.protobuf.descriptor_pool import DescriptorPool
from grpc_health.v1.health_pb2 import HealthCheckRequest, HealthCheckResponse, HealthListRequest
from grpc_health.v1.health_pb2_grpc import HealthStub
from grpc_reflection.v1alpha.reflection_pb2 import (
    ServerReflectionRequest,
    ServerReflectionResponse,
)
from tests.rpc import serving
from tests.rpc.serving import Serving, error_details
from tests.rpc.training import train
from tests.servers.stack import await_condition

from epochal_service._proto import message
from epochal_service.apis import methods
from epochal_service.rpc.server import serve
from epochal_service.rpc.services import SERVICES

NETWORK = {"input_shape": [2], "layers": [{"type": "dense", "units": 1}]}
JOB = {"network": NETWORK, "dataset": {"name": "xor"}, "loss": "mse", "epochs": 1}
NAMES = {service.full_name for service in SERVICES}
SERVING, NOT_SERVING = HealthCheckResponse.SERVING, HealthCheckResponse.NOT_SERVING


@pytest.fixture
def server(tmp_path: Path, broker_url: str) -> Iterator[Serving]:
    with serving.serving(serving.settings(tmp_path, broker_url=broker_url)) as server:
        yield server


def test_a_port_in_use_is_one_sentence(server: Serving, capfd: pytest.CaptureFixture[str]) -> None:
    taken = server.context.settings.model_copy(update={"grpc_address": server.address})
    context = replace(server.context, settings=taken)
    with (
        pytest.raises(OSError, match=f"gRPC cannot listen on {server.address}: the port is taken"),
        server.portal.wrap_async_context_manager(serve(context)),
    ):
        pass


def test_port_0_is_any_free_port_and_the_address_says_which(server: Serving) -> None:
    host, _, port = server.address.rpartition(":")
    assert host == "127.0.0.1"
    assert int(port) > 0


def test_an_explorer_computes_a_reply_once(server: Serving, computed_neurons: list[object]) -> None:
    request = {"inputs": [1.0, 2.0], "weights": [0.5, 0.25]}
    first = server.client.call("SimulateNeuron", **request)
    assert server.client.call("SimulateNeuron", **request) == first
    assert len(computed_neurons) == 1
    assert server.client.call("SimulateNeuron", **request, bias=1.0) != first
    assert len(computed_neurons) == 2


def test_without_the_course_its_services_are_not_there(tmp_path: Path, broker_url: str) -> None:
    alone = serving.settings(tmp_path, broker_url=broker_url, course=False)
    with serving.serving(alone) as server:
        assert server.client.call("ListJobs") == {}
        with pytest.raises(grpc.RpcError) as caught:
            server.client.call("ListPresets")
        assert caught.value.code() is grpc.StatusCode.UNIMPLEMENTED


def test_every_service_is_healthy_where_requests_can_be_served(server: Serving) -> None:
    health = HealthStub(server.client.channel)
    for name in ["", *NAMES]:
        assert health.Check(HealthCheckRequest(service=name)).status == SERVING
    assert set(health.List(HealthListRequest()).statuses) == {"", *NAMES}


def test_the_health_of_an_unknown_service_is_not_found(server: Serving) -> None:
    health = HealthStub(server.client.channel)
    request = HealthCheckRequest(service="epochal.v1.BakingService")
    with pytest.raises(grpc.RpcError) as caught:
        health.Check(request)
    assert caught.value.code() is grpc.StatusCode.NOT_FOUND
    watching = health.Watch(request)
    assert next(watching).status == HealthCheckResponse.SERVICE_UNKNOWN
    watching.cancel()


def test_health_follows_the_database_and_ends_with_the_server(
    tmp_path: Path, postgres_url: str
) -> None:
    with (
        reachable_or_not(postgres_url) as reachable,
        serving.serving(serving.settings(tmp_path, database_url=postgres_url)) as server,
    ):
        watching = HealthStub(server.client.channel).Watch(HealthCheckRequest(), timeout=60)
        assert next(watching).status == SERVING
        reachable(False)
        assert next(watching).status == NOT_SERVING
        reachable(True)
        assert next(watching).status == SERVING
        server.stop()
        assert [last.status for last in watching] == [NOT_SERVING]


@contextmanager
def reachable_or_not(database_url: str) -> Iterator[Callable[[bool], None]]:
    """A switch that lets the database take connections, or cuts all and takes none."""
    url, _, name = database_url.replace("+psycopg", "").rpartition("/")
    with psycopg.connect(f"{url}/postgres", autocommit=True) as administrator:

        def switch(on: bool) -> None:
            administrator.execute(f"ALTER DATABASE {name} ALLOW_CONNECTIONS {on}".encode())
            if not on:
                administrator.execute(
                    "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = %s",
                    [name],
                )

        yield switch


@pytest.mark.parametrize("version", ["v1", "v1alpha"])
def test_reflection_describes_every_service_and_method(server: Serving, version: str) -> None:
    """As a client does that knows nothing but the reflection of this version."""
    package = f"grpc.reflection.{version}"
    ask = server.client.channel.stream_stream(
        f"/{package}.ServerReflection/ServerReflectionInfo",
        request_serializer=ServerReflectionRequest.SerializeToString,
        response_deserializer=ServerReflectionResponse.FromString,
    )
    [listed] = ask(iter([ServerReflectionRequest(list_services="")]))
    names = {service.name for service in listed.list_services_response.service}
    assert names == NAMES | {
        "grpc.health.v1.Health",
        "grpc.reflection.v1.ServerReflection",
        "grpc.reflection.v1alpha.ServerReflection",
    }
    files = DescriptorDatabase()
    requests = [ServerReflectionRequest(file_containing_symbol=name) for name in sorted(names)]
    for described in ask(iter(requests)):
        for content in described.file_descriptor_response.file_descriptor_proto:
            files.Add(FileDescriptorProto.FromString(content))
    pool = DescriptorPool(files)
    assert {
        method.name for name in NAMES for method in pool.FindServiceByName(name).methods
    } == set(methods())
    for name in names:
        for method in pool.FindServiceByName(name).methods:
            assert method.input_type.full_name.startswith(name.rpartition(".")[0])
    job = pool.FindMessageTypeByName("epochal.v1.Job")
    assert [field.name for field in job.fields] == [
        field.name for field in message("Job").DESCRIPTOR.fields
    ]


def test_a_request_of_many_megabytes_arrives(server: Serving) -> None:
    csv = "x,y\n" + "1,0\n" * 2_000_000
    with pytest.raises(grpc.RpcError) as caught:
        server.client.call("CreateDataset", name="many", csv=csv)
    assert error_details(caught.value).reason != "too_large"
    assert error_details(caught.value).code is grpc.StatusCode.INVALID_ARGUMENT


def test_a_reply_of_many_megabytes_arrives(server: Serving) -> None:
    layers = [{"type": "dense", "units": 8192}, {"type": "dense", "units": 128}]
    network = {"input_shape": [2], "layers": [*layers, {"type": "dense", "units": 1}]}
    job = server.client.call("CreateJob", spec=JOB | {"network": network})
    assert train(server.context, job["id"]) == "succeeded"
    checkpoint = server.client.call("GetCheckpoint", id=job["id"], epoch=1)
    [_, stored] = server.client.call("ListCheckpoints", id=job["id"])["checkpoints"]
    assert len(checkpoint["content"]) == stored["size_bytes"] > 4 * 2**20
    assert hashlib.sha256(checkpoint["content"]).hexdigest() == stored["sha256"]


def test_a_request_over_the_limit_is_an_error(server: Serving) -> None:
    limit = server.context.settings.limits.max_body_bytes
    with pytest.raises(grpc.RpcError) as caught:
        server.client.raw("CreateDataset", b"x" * (limit + 1))
    assert error_details(caught.value).code is grpc.StatusCode.RESOURCE_EXHAUSTED
    assert error_details(caught.value).reason == "too_large"


def test_bytes_that_are_no_message_are_an_invalid_argument(server: Serving) -> None:
    with pytest.raises(grpc.RpcError) as caught:
        server.client.raw("GetJob", b"\xff")
    assert error_details(caught.value).reason == "invalid_argument"
    assert "epochal.v1.GetJobRequest" in str(caught.value.details())


def test_a_request_without_an_id_names_the_field(server: Serving) -> None:
    with pytest.raises(grpc.RpcError) as caught:
        server.client.call("GetJob")
    assert error_details(caught.value).errors == [("id", "is required")]


def test_fields_that_this_server_does_not_know_are_refused_by_their_number(server: Serving) -> None:
    request = message("GetJobRequest")(id="job_1")
    request.MergeFromString(b"\x98\x06\x01")  # field 99 = 1
    with pytest.raises(grpc.RpcError) as caught:
        server.client.raw("GetJob", request.SerializeToString())
    assert error_details(caught.value).errors == [("99", "is not a field here")]


def test_paths_of_wrong_fields_of_a_job_begin_in_its_spec(server: Serving) -> None:
    dense = {"type": "dense", "units": 0}
    spec = JOB | {"network": {"input_shape": [2], "layers": [dense]}}
    with pytest.raises(grpc.RpcError) as caught:
        server.client.call("CreateJob", spec=spec)
    assert error_details(caught.value).errors == [("network.layers[0].units", "must be at least 1")]


def test_a_watch_of_no_job_is_not_found(server: Serving) -> None:
    with pytest.raises(grpc.RpcError) as caught:
        next(server.client.watch(id="job_1"))
    assert error_details(caught.value).reason == "not_found"


def test_a_client_that_goes_away_ends_its_watcher(server: Serving) -> None:
    job = server.client.call("CreateJob", spec=JOB)
    request = serving.serialized("WatchJob", {"id": job["id"]})
    call = server.client.raw("WatchJob", request)
    next(call)
    assert server.context.hub.watchers == 1
    call.cancel()
    await_condition(lambda: server.context.hub.watchers == 0, 60, "the watcher has left")


def test_an_open_stream_ends_as_unavailable_when_the_server_stops(server: Serving) -> None:
    job = server.client.call("CreateJob", spec=JOB)
    events = server.client.watch(id=job["id"])
    assert next(events)["type"] == "snapshot"
    server.stop()
    with pytest.raises(grpc.RpcError) as caught:
        next(events)
    assert error_details(caught.value).code is grpc.StatusCode.UNAVAILABLE
    # From the stream itself: one that is cut off when the grace is over has no reason.
    assert error_details(caught.value).reason == "unavailable"
