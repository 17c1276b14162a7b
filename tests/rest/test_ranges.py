"""Ranges of downloads: a part of a file, and the rest of one that was cut off."""

from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st
from starlette.datastructures import Headers
from starlette.testclient import TestClient
from tests.rest.conftest import XOR

from epochal_service.rest.ranges import content_range, requested


@pytest.fixture
def path(client: TestClient, train: Callable[[str], str | None]) -> str:
    """A checkpoint."""
    job = client.post("/v1/jobs", json={**XOR, "epochs": 1}).json()["id"]
    assert train(job) == "succeeded"
    return f"/v1/jobs/{job}/checkpoints/1"


def test_a_download_that_was_cut_off_goes_on(client: TestClient, path: str) -> None:
    whole = client.get(path)
    assert (whole.status_code, whole.headers["accept-ranges"]) == (200, "bytes")
    size, etag = len(whole.content), whole.headers["etag"]
    cut = whole.content[:100]
    rest = client.get(path, headers={"Range": f"bytes={len(cut)}-", "If-Range": etag})
    assert rest.status_code == 206
    assert cut + rest.content == whole.content
    assert rest.headers["content-range"] == f"bytes 100-{size - 1}/{size}"
    assert rest.headers["content-length"] == str(size - 100)
    for name in ("etag", "content-type", "content-disposition"):
        assert rest.headers[name] == whole.headers[name]


def test_the_rest_of_another_file_is_the_whole_file(client: TestClient, path: str) -> None:
    whole = client.get(path)
    for if_range in ('"other"', f"W/{whole.headers['etag']}", "Thu, 03 Dec 2026 07:00:00 GMT"):
        reply = client.get(path, headers={"Range": "bytes=5-", "If-Range": if_range})
        assert (reply.status_code, reply.content) == (200, whole.content)
        assert "content-range" not in reply.headers


@pytest.mark.parametrize("span", ["bytes=10000000-", "bytes=10000000-10000005", "bytes=-0"])
def test_a_range_behind_the_end_is_416(client: TestClient, path: str, span: str) -> None:
    size = len(client.get(path).content)
    reply = client.get(path, headers={"Range": span})
    assert (reply.status_code, reply.json()["reason"]) == (416, "range_not_satisfiable")
    assert reply.headers["content-range"] == f"bytes */{size}"


@pytest.mark.parametrize(
    "span",
    [
        *("bytes=0-1,4-5", "lines=0-1", "bytes=5-2", "bytes=-", "bytes=a-b", "nonsense"),
        f"bytes={'9' * 5000}-",
    ],
)
def test_what_is_no_single_range_of_bytes_is_ignored(
    client: TestClient, path: str, span: str
) -> None:
    whole = client.get(path)
    reply = client.get(path, headers={"Range": span})
    assert (reply.status_code, reply.content) == (200, whole.content)


def test_a_file_that_the_client_has_is_304_and_a_head_has_no_range(
    client: TestClient, path: str
) -> None:
    whole = client.get(path)
    headers = {"Range": "bytes=5-", "If-None-Match": whole.headers["etag"]}
    assert client.get(path, headers=headers).status_code == 304
    head = client.head(path, headers={"Range": "bytes=5-"})
    assert (head.status_code, head.headers["content-length"]) == (200, str(len(whole.content)))


def test_an_export_has_ranges_too(client: TestClient, path: str) -> None:
    export = f"{path.partition('/checkpoints')[0]}/export"
    whole = client.get(export).content
    reply = client.get(export, headers={"Range": "bytes=-7"})
    assert (reply.status_code, reply.content) == (206, whole[-7:])


@given(st.integers(0, 30), st.none() | st.integers(0, 30), st.integers(1, 20))
def test_a_range_is_the_slice_of_the_bytes_it_names(
    first: int, last: int | None, size: int
) -> None:
    content = bytes(range(size))
    headers = Headers({"range": f"bytes={first}-{'' if last is None else last}"})
    part = requested(headers, '"tag"', size)
    if last is not None and last < first:
        assert part is None
        return
    assert part is not None
    assert content[part] == content[first : None if last is None else last + 1]
    if content[part]:
        named = content_range(part, size).removeprefix("bytes ").partition("/")[0]
        assert named == f"{content[part][0]}-{content[part][-1]}"
    else:
        assert content_range(part, size) == f"bytes */{size}"
