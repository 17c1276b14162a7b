"""The header Accept: a client gets a media type that it accepts, or 406."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from starlette.testclient import TestClient

from epochal_service.apis import methods
from epochal_service.rest.accept import weight

BROWSER = "text/html,application/xhtml+xml,application/xml;q=0.9,image/avif,*/*;q=0.8"
IMAGE = "image/avif,image/webp,image/png,image/svg+xml,image/*;q=0.8,*/*;q=0.5"
JAVA = "text/html, image/gif, image/jpeg, *; q=.2, */*; q=.2"
AXIOS = "application/json, text/plain, */*"


@pytest.mark.parametrize(
    "accept",
    [
        *("", "*/*", "*", "application/*", "application/json", "Application/JSON; charset=utf-8"),
        *(BROWSER, IMAGE, JAVA, AXIOS, "text/html, application/json;q=0.1", "nonsense"),
    ],
)
def test_what_clients_send_gets_json(client: TestClient, accept: str) -> None:
    reply = client.get("/v1/limits", headers={"Accept": accept})
    assert reply.status_code == 200
    assert reply.headers["content-type"] == "application/json"


@pytest.mark.parametrize(
    "accept",
    [
        "text/html",
        "image/*",
        "application/json;q=0",
        "application/xml, */*;q=0",
        "application/json;q=0.0, text/csv",
    ],
)
def test_a_type_that_the_method_does_not_have_is_406(client: TestClient, accept: str) -> None:
    reply = client.get("/v1/limits", headers={"Accept": accept})
    assert reply.status_code == 406
    assert reply.headers["content-type"] == "application/problem+json"
    assert reply.json()["reason"] == "not_acceptable"
    assert (
        reply.json()["detail"]
        == "The method replies with application/json: Accept names none of them"
    )


def test_several_lines_of_the_header_are_one(client: TestClient) -> None:
    lines = [("Accept", "text/html"), ("Accept", "application/json")]
    assert client.get("/v1/limits", headers=lines).status_code == 200


def test_a_refused_client_changes_nothing(client: TestClient) -> None:
    before = client.get("/v1/networks").json()
    body = {"network": {"input_shape": [2], "layers": [{"type": "dense", "units": 1}]}}
    reply = client.post("/v1/networks", json=body, headers={"Accept": "text/html"})
    assert reply.status_code == 406
    assert client.get("/v1/networks").json() == before


@pytest.mark.parametrize(
    ("rpc", "media_type"),
    [
        ("ListEpochs", "text/csv"),
        ("GetEpochColumns", "application/x-npz"),
        ("GetCheckpoint", "application/octet-stream"),
        ("WatchJob", "text/event-stream"),
        ("WatchJobs", "text/event-stream"),
        ("Generate", "text/event-stream"),
    ],
)
def test_the_types_of_a_method_and_json_are_accepted(
    client: TestClient, rpc: str, media_type: str
) -> None:
    """There is no such job, which is noticed after the header."""
    method = methods()[rpc]
    path = method.path.format(id="job_1", epoch=1)
    query = {"jobs": "job_1"} if rpc == "WatchJobs" else {}
    statuses = {}
    for accept in (
        media_type,
        "application/json",
        f"{media_type.partition('/')[0]}/*",
        "font/woff",
    ):
        reply = client.request(method.verb, path, params=query, headers={"Accept": accept})
        statuses[accept] = reply.status_code
    assert statuses.pop("font/woff") == 406
    assert 406 not in statuses.values()


@pytest.mark.parametrize(
    ("file", "media_type"),
    [
        ("epochs.csv", "text/csv"),
        ("curve.csv", "text/*"),
        ("curve.svg", "image/svg+xml"),
        ("curve.png", "image/*"),
        ("map.png", "image/png"),
    ],
)
def test_the_files_of_a_job_accept_their_type(
    client: TestClient, file: str, media_type: str
) -> None:
    path = f"/v1/jobs/job_1/{file}"
    for accept, status in ((media_type, 404), (IMAGE, 404), ("font/woff", 406)):
        assert client.get(path, headers={"Accept": accept}).status_code == status


def test_a_method_without_a_reply_and_the_probes_accept_all(client: TestClient) -> None:
    headers = {"Accept": "text/html"}
    assert client.delete("/v1/networks/net_1", headers=headers).status_code == 404
    assert client.get("/healthz", headers=headers).status_code == 200


RANGES = ["*/*", "application/*", "text/*", "application/json", "text/csv", "image/png"]


@given(st.dictionaries(st.sampled_from(RANGES), st.integers(0, 10), min_size=1))
def test_the_most_specific_range_gives_the_weight(weights: dict[str, int]) -> None:
    accept = ", ".join(f"{name};q={tenths / 10}" for name, tenths in weights.items())
    for media_type in ("application/json", "text/csv"):
        names = (media_type, f"{media_type.partition('/')[0]}/*", "*/*")
        expected = next((weights[name] / 10 for name in names if name in weights), 0.0)
        assert weight(media_type, accept) == expected
