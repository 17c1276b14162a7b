"""A reply is computed once, and never reused for a job that has changed or a caller who may not
read it: over both wires, on both databases.
"""

import asyncio
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import grpc
import pytest
from tests.contract.conftest import JOB
from tests.contract.wires import Answer, Wires, wires
from tests.rpc.serving import RPCS, reply, serialized, settings
from tests.rpc.training import train
from tests.servers.tables import create_tables

from epochal_service.access import keys
from epochal_service.apis import methods
from epochal_service.jobs import lifecycle
from epochal_service.methods.replies import CachedReply, Content, ReplyCache
from epochal_service.store import Access, Database, api_keys

OF_JOBS = ("GetJob", "GetCurve", "ListEpochs", "ListGradients", "ListCheckpoints")
Call = Callable[..., Answer]


@pytest.fixture(scope="module")
def service(
    tmp_path_factory: pytest.TempPathFactory, valkey_server: str, module_database_url: str
) -> Iterator[Wires]:
    folder = tmp_path_factory.mktemp("replies")
    chosen = settings(folder, broker_url=valkey_server, database_url=module_database_url)
    with wires(chosen) as service:
        yield service


@pytest.fixture(params=["http", "grpc"])
def wire(request: pytest.FixtureRequest) -> str:
    name: str = request.param
    return name


@pytest.fixture
def computed(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The methods that were called for replies that the cache had not, in order."""
    rpcs: list[str] = []
    put = ReplyCache.put

    def recording(cache: ReplyCache, key: Any, reply: CachedReply) -> None:
        rpcs.append(reply.method.rpc)
        put(cache, key, reply)

    monkeypatch.setattr(ReplyCache, "put", recording)
    return rpcs


@pytest.fixture(scope="module")
def other_process(service: Wires) -> Iterator[Database]:
    """The database as another process has it."""
    database = Database(service.context.settings.database_url)
    yield database
    database.close()


def call(service: Wires, wire: str) -> Call:
    return service.over_http if wire == "http" else service.over_grpc


def new_key(service: Wires, owner: str) -> str:
    return keys.create(service.context.database, "test", owner=owner, scope="train", days=None)


def new_job(service: Wires) -> str:
    job: str = service.over_http("CreateJob", spec=JOB).reply["id"]
    return job


def test_a_reply_is_computed_once_until_the_job_changes(
    service: Wires, wire: str, computed: list[str], other_process: Database
) -> None:
    job, read = new_job(service), call(service, wire)
    before = [read(rpc, id=job) for rpc in OF_JOBS]
    assert [read(rpc, id=job) for rpc in OF_JOBS] == before
    assert computed == [*OF_JOBS]
    assert train(service.context, job) == "succeeded"
    after = [read(rpc, id=job) for rpc in OF_JOBS]
    assert all(new != old for new, old in zip(after, before, strict=True))
    assert [read(rpc, id=job) for rpc in OF_JOBS] == after
    assert computed == [*OF_JOBS, *OF_JOBS]


def test_a_change_that_another_process_made_is_in_the_next_reply(
    service: Wires, wire: str, other_process: Database
) -> None:
    job, read = new_job(service), call(service, wire)
    for change, state in (
        (lifecycle.pause, "paused"),
        (lifecycle.resume, "queued"),
        (lifecycle.cancel, "cancelled"),
    ):
        assert read("GetJob", id=job).reply["state"] != state
        change(other_process, job, Access(service.context.owner))
        assert read("GetJob", id=job).reply["state"] == state
    lifecycle.delete(other_process, job, Access(service.context.owner))
    assert read("GetJob", id=job).kind == "NOT_FOUND"


def test_a_new_name_is_in_the_next_reply(service: Wires, wire: str) -> None:
    job, read = new_job(service), call(service, wire)
    for name in ("first", "second", "First"):
        service.over_http("UpdateJob", id=job, name=name)
        assert read("GetJob", id=job).reply["spec"]["name"] == name


def test_baselines_are_in_the_next_reply_without_an_event(
    service: Wires, wire: str, other_process: Database
) -> None:
    job, read = new_job(service), call(service, wire)
    claim = lifecycle.claim(other_process, job, lease_seconds=60, worker="test", kernel="")
    assert claim is not None
    assert "baselines" not in read("GetJob", id=job).reply
    progress = lifecycle.Progress(baselines='{"constant": {"train_loss": 0.5}}')
    assert lifecycle.flush(other_process, claim, progress) == "running"
    assert read("GetJob", id=job).reply["baselines"]["constant"] == {"train_loss": 0.5}


def test_only_who_may_read_the_job_gets_the_reply_of_others(service: Wires, wire: str) -> None:
    anna, ben = (service.called_with(new_key(service, owner)) for owner in ("anna", "ben"))
    job = new_job(anna)
    assert call(anna, wire)("GetJob", id=job).reply["owner"] == "anna"
    for stranger in (ben, service):
        assert call(stranger, wire)("GetJob", id=job).kind == "NOT_FOUND"
    assert call(anna, wire)("GetJob", id=job).reply["owner"] == "anna"


def test_a_key_that_was_revoked_gets_no_reply(
    service: Wires, wire: str, other_process: Database
) -> None:
    caller = service.called_with(new_key(service, "anna"))
    job = new_job(caller)
    requests: list[tuple[str, dict[str, str]]] = [("GetJob", {"id": job}), ("ListSections", {})]
    for rpc, fields in requests * 2:
        assert call(caller, wire)(rpc, **fields).reply
    assert caller.key is not None
    with other_process.write() as connection:
        assert api_keys.revoke(connection, caller.key.split("_")[1])
    for rpc, fields in requests:
        assert call(caller, wire)(rpc, **fields).kind == "UNAUTHENTICATED"
    for wrong in ("ep_1", "ep_0123456789ab_" + "a" * 24):
        answer = call(service.called_with(wrong), wire)("ListSections")
        assert answer.kind == "UNAUTHENTICATED"


def test_a_service_that_needs_keys_sends_nothing_without_one(
    tmp_path: Path, broker_url: str, wire: str
) -> None:
    chosen = settings(tmp_path, broker_url=broker_url).model_copy(update={"require_keys": True})
    create_tables(chosen.database_url)
    with wires(chosen) as locked:
        caller = locked.called_with(new_key(locked, "anna"))
        assert call(caller, wire)("ListSections").reply == call(caller, wire)("ListSections").reply
        assert call(locked, wire)("ListSections").kind == "UNAUTHENTICATED"


def test_what_belongs_to_the_release_is_computed_once(
    service: Wires, wire: str, computed: list[str]
) -> None:
    read = call(service, wire)
    assert read("GetPreset", id="xor") == read("GetPreset", id="xor")
    assert read("GetPreset", id="no-preset").kind == "NOT_FOUND"
    assert len(computed) <= 1


def conditional(
    service: Wires, rpc: str, etag: str, **request: Any
) -> tuple[bytes, dict[str, str]]:
    """Return the bytes of a reply on gRPC and its trailing metadata."""
    path = f"/{RPCS[rpc].containing_service.full_name}/{rpc}"
    stub: Any = service.rpc.channel.unary_unary(path)
    metadata = [("if-none-match", etag)] if etag else []
    received, ended = stub.with_call(serialized(rpc, request), metadata=metadata)
    assert ended.code() == grpc.StatusCode.OK
    return received, dict(ended.trailing_metadata())


@pytest.mark.parametrize("rpc", ["GetJob", "GetCurve", "GetEvaluation", "ListDatasets"])
def test_on_grpc_a_reply_that_the_caller_has_is_not_sent_again(service: Wires, rpc: str) -> None:
    job = new_job(service)
    assert train(service.context, job) == "succeeded"
    request = {} if rpc == "ListDatasets" else {"id": job}
    sent, first = conditional(service, rpc, "", **request)
    assert sent
    assert "not-modified" not in first
    nothing, again = conditional(service, rpc, f'"other", {first["etag"]}', **request)
    assert (nothing, again) == (b"", first | {"not-modified": "true"})
    assert conditional(service, rpc, '"other"', **request) == (sent, first)
    if rpc == "GetJob":
        service.over_http("UpdateJob", id=job, name="another")
        changed, second = conditional(service, rpc, first["etag"], **request)
        assert reply(rpc, changed)["spec"]["name"] == "another"
        assert second["etag"] != first["etag"]


def test_of_requests_that_come_together_one_computes_the_new_reply(service: Wires) -> None:
    context, job = service.context, new_job(service)
    method = methods()["GetJob"]

    async def request(cache: ReplyCache, computed: list[bytes]) -> bytes:
        async with cache.turn("key", context, None) as current:
            if current is not None:
                return current[1].content.plain
            version = cache.version(job)
            await asyncio.sleep(0)  # the others come here in the meantime
            computed.append(b"new")
            cache.put("key", CachedReply(method, Content(b"new"), job, version))
            return b"new"

    async def requests() -> list[bytes]:
        cache, computed = ReplyCache(context.database), list[bytes]()
        cache.put("key", CachedReply(method, Content(b"old"), job, cache.version(job)))
        service.over_http("UpdateJob", id=job, name="another")
        replies = await asyncio.gather(*(request(cache, computed) for _ in range(20)))
        assert replies == [b"new"] * 20
        return computed

    assert asyncio.run(requests()) == [b"new"]


def test_who_waits_for_a_reply_that_fails_computes_it(service: Wires) -> None:
    context, job = service.context, new_job(service)

    async def request(cache: ReplyCache, number: int) -> str:
        async with cache.turn("key", context, None) as current:
            await asyncio.sleep(0)
            if current is None and number == 0:
                raise LookupError
            return "computed" if current is None else "reused"

    async def requests() -> list[Any]:
        cache = ReplyCache(context.database)
        old = CachedReply(methods()["GetJob"], Content(b"old"), job, cache.version(job))
        cache.put("key", old)
        service.over_http("UpdateJob", id=job, name="another")
        both = (request(cache, number) for number in range(2))
        return await asyncio.gather(*both, return_exceptions=True)

    failed, second = asyncio.run(requests())
    assert isinstance(failed, LookupError)
    assert second == "computed"


def test_contents_that_nobody_reads_make_room(service: Wires) -> None:
    cache = ReplyCache(service.context.database, max_bytes=800)

    async def is_there(key: int) -> bool:
        async with cache.turn(key, service.context, None) as current:
            return current is not None

    def put(key: int, content: Content) -> None:
        cache.put(key, CachedReply(methods()["ListSections"], content, None, None))

    for key in range(8):
        put(key, Content(bytes(100)))
    put(7, Content(bytes(100)))  # in place of itself
    assert asyncio.run(is_there(0))
    put(8, Content(bytes(100)))  # the reply of 1 leaves, which was read least recently
    assert [asyncio.run(is_there(key)) for key in (0, 1, 2, 8)] == [True, False, True, True]
    put(9, Content(bytes(101)))  # too large to stay
    assert not asyncio.run(is_there(9))
    compressed = Content(bytes(70))
    assert len(compressed.compressed) > 20
    put(10, compressed)  # its compressed bytes count too
    assert [asyncio.run(is_there(key)) for key in (3, 4, 10)] == [False, True, True]
