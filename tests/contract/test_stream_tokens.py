"""A stream token opens the events of one job for a minute, and nothing else."""

import pytest
from tests.contract.conftest import World
from tests.contract.test_keys import key, locked
from tests.contract.wires import Answer, Wires

from epochal_service.access import keys, stream_tokens
from epochal_service.access.keys import LOCAL_OWNER
from epochal_service.apis import methods
from epochal_service.specs.system import Scope
from epochal_service.store import members

__all__ = ["locked"]


def noun_of(subject: str) -> str:
    return {"job": "", "sweep": "Sweep", "exp": "Experiment"}[subject.partition("_")[0]]


def issued(wires: Wires, subject: str) -> str:
    over_http, over_grpc = wires.both(f"Issue{noun_of(subject)}StreamToken", id=subject)
    assert over_http.kind is over_grpc.kind is None
    token: str = over_http.reply["token"]
    return token


def watched(wires: Wires, subject: str, token: str) -> Answer:
    rpc = f"Watch{noun_of(subject) or 'Job'}"
    return wires.called_with(None).over_http(rpc, id=subject, token=token)


@pytest.mark.parametrize("scope", ["read", "train"])
@pytest.mark.parametrize("kind", ["ended", "sweep", "ended_experiment"])
def test_a_token_opens_the_stream_that_the_key_opens(
    locked: Wires, world: World, kind: str, scope: Scope
) -> None:
    subject = getattr(world, kind)
    caller = locked.called_with(key(locked, scope=scope))
    token = issued(caller, subject)
    with_key = caller.over_http(f"Watch{noun_of(subject) or 'Job'}", id=subject)
    assert with_key.kind is None
    assert watched(locked, subject, token) == with_key
    assert watched(locked, subject, token) == with_key  # a browser connects again


def test_a_token_continues_after_a_cursor(locked: Wires, world: World) -> None:
    token = issued(locked.called_with(key(locked)), world.ended)
    url = f"/v1/jobs/{world.ended}/events"
    whole = locked.http.get(url, params={"token": token, "after": 0}).text
    rest = locked.http.get(url, params={"token": token}, headers={"Last-Event-ID": "2"}).text
    assert whole.endswith(rest.removeprefix("retry: 1000\n\n"))
    assert "id: 1\n" in whole
    assert "id: 1\n" not in rest


def test_a_token_expires(locked: Wires, world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(stream_tokens, "SECONDS", -1.0)
    token = issued(locked.called_with(key(locked)), world.ended)
    assert watched(locked, world.ended, token).kind == "UNAUTHENTICATED"


def test_a_token_opens_no_other_job(locked: Wires, world: World) -> None:
    token = issued(locked.called_with(key(locked)), world.ended)
    for other in (world.diverged, world.sweep):
        assert watched(locked, other, token).kind == "UNAUTHENTICATED"


@pytest.mark.parametrize("change", [keys.revoke, keys.rotate])
def test_a_token_becomes_invalid_with_its_key(locked: Wires, world: World, change: object) -> None:
    caller = locked.called_with(key(locked))
    token = issued(caller, world.ended)
    assert caller.key is not None
    assert callable(change)
    change(locked.context.database, caller.key.split("_")[1])
    assert watched(locked, world.ended, token).kind == "UNAUTHENTICATED"


def test_a_token_that_was_altered_is_refused(locked: Wires, world: World) -> None:
    token = issued(locked.called_with(key(locked)), world.ended)
    other = issued(locked.called_with(key(locked)), world.ended)
    key_id, expires, signature = token.split(".")
    altered = [
        f"{key_id}.{int(expires) + 1}.{signature}",
        f"{other.split('.')[0]}.{expires}.{signature}",
        f"{key_id}.{expires}.{signature[:-1]}{'0' if signature[-1] != '0' else '1'}",
        f"{key_id}.{expires}.{signature}0",
        f"{'0' * 12}.{expires}.{signature}",
        "anything",
        "Ü",
    ]
    for text in altered:
        assert watched(locked, world.ended, text).kind == "UNAUTHENTICATED", text


@pytest.mark.long
@pytest.mark.parametrize("rpc", [rpc for rpc in methods() if not methods()[rpc].event])
def test_no_other_method_takes_a_token(locked: Wires, world: World, rpc: str) -> None:
    token = issued(locked.called_with(key(locked)), world.ended)
    path = methods()[rpc].path.format(id=world.ended, epoch=5)
    answer = locked.http.request(methods()[rpc].verb, path, params={"token": token})
    assert answer.status_code == 401
    as_key = {"Authorization": f"Bearer {token}"}
    assert locked.http.request(methods()[rpc].verb, path, headers=as_key).status_code == 401
    assert locked.called_with(token).over_grpc("WatchJob", id=world.ended).kind == "UNAUTHENTICATED"


def test_a_stranger_gets_no_token_and_a_teacher_does(locked: Wires, world: World) -> None:
    stranger = locked.called_with(key(locked, "stranger"))
    for answer in stranger.both("IssueStreamToken", id=world.ended):
        assert answer.kind == "NOT_FOUND"
    with locked.context.database.write() as connection:
        members.insert(connection, "staff", [LOCAL_OWNER])
    token = issued(locked.called_with(key(locked, "staff")), world.ended)
    assert watched(locked, world.ended, token).kind is None


def test_without_a_key_the_token_is_empty_and_the_stream_needs_none(
    service: Wires, world: World
) -> None:
    reply = service.over_http("IssueStreamToken", id=world.ended).reply
    assert reply["token"] == ""
    assert watched(service, world.ended, "").kind is None
