"""Both wires tell a caller with an API key how many requests are left."""

from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any

import grpc
import pytest
from tests.contract.wires import Wires, wires
from tests.rpc.serving import RPCS, serialized, settings

from epochal_service.access import keys
from epochal_service.access.keys import LOCAL_OWNER
from epochal_service.methods import context
from epochal_service.methods.rates import Rates
from epochal_service.settings import Quotas
from epochal_service.store import migrate

NAMES = ("ratelimit-policy", "ratelimit")


@pytest.fixture
def limited(tmp_path: Path, broker_url: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[Wires]:
    """A service that allows four requests per minute, with a clock that stands still, and its
    caller with a key.
    """
    monkeypatch.setattr(context, "Rates", partial(Rates, clock=lambda: 0.0))
    chosen = settings(tmp_path, broker_url=broker_url).model_copy(
        update={"quotas": Quotas(max_requests_per_minute=4)}
    )
    migrate.upgrade(chosen.database_url)
    with wires(chosen) as service:
        database = service.context.database
        key = keys.create(database, "test", owner=LOCAL_OWNER, scope="train", days=None)
        yield service.called_with(key)


def metadata(wires: Wires, rpc: str, **request: Any) -> tuple[grpc.StatusCode, dict[str, str]]:
    """Return the code of a call and its trailing metadata about requests that are left."""
    method = RPCS[rpc]
    kind = "unary_stream" if method.server_streaming else "unary_unary"
    stub = getattr(wires.rpc.channel, kind)(f"/{method.containing_service.full_name}/{rpc}")
    sent = [("authorization", f"Bearer {wires.key}")] if wires.key else []
    raw = serialized(rpc, request)
    call = stub(raw, metadata=sent) if method.server_streaming else stub.future(raw, metadata=sent)
    code = call.code()
    return code, {key: value for key, value in call.trailing_metadata() if key in NAMES}


def test_a_call_says_how_many_are_left_as_headers_do(limited: Wires) -> None:
    headers = {"Authorization": f"Bearer {limited.key}"}
    over_http = limited.http.get("/v1/version", headers=headers).headers
    answers = [
        metadata(limited, "GetVersion"),
        metadata(limited, "GetJob", id="job_1"),
        metadata(limited, "WatchJob", id="job_1"),
        metadata(limited, "GetVersion"),
    ]
    assert [code.name for code, _ in answers] == [
        "OK",
        "NOT_FOUND",
        "NOT_FOUND",
        "RESOURCE_EXHAUSTED",
    ]
    assert {sent["ratelimit-policy"] for _, sent in answers} == {over_http["RateLimit-Policy"]}
    assert over_http["RateLimit"].startswith('"requests";r=3;t=')
    left = [sent["ratelimit"].partition(";t=")[0] for _, sent in answers]
    assert left == ['"requests";r=2', '"requests";r=1', '"requests";r=0', '"requests";r=0']


def test_a_call_without_a_key_has_no_quota(limited: Wires) -> None:
    assert metadata(limited.called_with(None), "GetVersion") == (grpc.StatusCode.OK, {})


def test_a_reply_that_was_computed_for_others_counts_too(limited: Wires) -> None:
    for _ in range(2):
        assert limited.over_http("ListSections") == limited.over_grpc("ListSections")
    for answer in limited.both("ListSections"):
        assert answer.kind == "RESOURCE_EXHAUSTED"
    assert limited.called_with(None).over_http("ListSections").kind is None
