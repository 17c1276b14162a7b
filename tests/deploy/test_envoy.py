"""The configuration of Envoy fits the service: its port, its methods, its headers."""

from pathlib import Path
from typing import Any

import yaml  # type: ignore[import-untyped]

from epochal_service._proto import SERVICES
from epochal_service.request_ids import HEADER
from epochal_service.rpc.services import AUTHORIZATION
from epochal_service.settings import Settings

FILE = Path(__file__).parents[2] / "deploy" / "envoy" / "envoy.yaml"


def manager_and_cluster() -> tuple[dict[str, Any], dict[str, Any]]:
    resources = yaml.safe_load(FILE.read_text())["static_resources"]
    [listener], [cluster] = resources["listeners"], resources["clusters"]
    [chain] = listener["filter_chains"]
    [connections] = chain["filters"]
    return connections["typed_config"], cluster


def test_envoy_calls_the_port_of_grpc_over_http_2() -> None:
    _, cluster = manager_and_cluster()
    [locality] = cluster["load_assignment"]["endpoints"]
    [endpoint] = locality["lb_endpoints"]
    address = endpoint["endpoint"]["address"]["socket_address"]
    default = Settings.model_fields["grpc_address"].default
    assert f"{address['address']}:{address['port_value']}" == default
    [options] = cluster["typed_extension_protocol_options"].values()
    assert "http2_protocol_options" in options["explicit_http_config"]


def test_envoy_passes_every_service_and_streams_without_a_limit_of_time() -> None:
    manager, cluster = manager_and_cluster()
    [host] = manager["route_config"]["virtual_hosts"]
    [route] = host["routes"]
    assert all(f"/{service.full_name}".startswith(route["match"]["prefix"]) for service in SERVICES)
    assert route["route"] == {"cluster": cluster["name"], "timeout": "0s"}
    assert manager["stream_idle_timeout"] == "0s"


def test_envoy_lets_pages_send_the_headers_of_the_service() -> None:
    manager, _ = manager_and_cluster()
    [host] = manager["route_config"]["virtual_hosts"]
    [policy] = host["typed_per_filter_config"].values()
    allowed = {name.strip() for name in policy["allow_headers"].split(",")}
    assert {AUTHORIZATION, HEADER.lower(), "content-type", "x-grpc-web"} <= allowed
    exposed = {name.strip() for name in policy["expose_headers"].split(",")}
    # Errors of the service are in the details of the status.
    assert {"grpc-status", "grpc-message", "grpc-status-details-bin", HEADER.lower()} <= exposed
    names = [item["name"].rpartition(".")[2] for item in manager["http_filters"]]
    assert names == ["grpc_web", "cors", "router"]
