"""WatchJob: a cursor over a job's log, for any number of watchers at any speed."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import grpc
import numpy as np
import pytest
from tests.rpc import serving
from tests.rpc.serving import Client, Serving, error_details
from tests.rpc.training import deep, train
from tests.servers.stack import await_condition

from epochal_service.access import keys
from epochal_service.access.keys import LOCAL_OWNER
from epochal_service.rpc import streams
from epochal_service.rpc.streams import encoded
from epochal_service.specs.jobs import JobEvent, NewCheckpoints
from epochal_service.store import Database, members, tables
from epochal_service.streams import follow
from epochal_service.streams.follow import Frame

# A window of 64 KiB that does not grow: a frame of some hundred KiB waits for its reader.
NARROW = [("grpc.http2.bdp_probe", 0), ("grpc.max_receive_message_length", -1)]


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory, valkey_server: str) -> Iterator[Serving]:
    folder: Path = tmp_path_factory.mktemp("streams")
    chosen = serving.settings(folder, broker_url=valkey_server, heartbeat_seconds=0.1)
    with serving.serving(chosen) as server:
        yield server


@pytest.fixture(scope="module")
def ended(server: Serving) -> str:
    """The id of a job with one frame of a few hundred KiB."""
    job: str = server.client.call("CreateJob", spec=deep(layers=60, epochs=400))["id"]
    assert train(server.context, job) == "succeeded"
    return job


@pytest.fixture
def narrow(server: Serving) -> Iterator[Client]:
    """A client on its own connection, which holds next to nothing that it has not read."""
    await_condition(lambda: server.context.hub.watchers == 0, 60, "no other test watches")
    with grpc.insecure_channel(server.address, options=NARROW) as channel:
        yield Client(channel)


def watching(client: Client, **request: Any) -> Any:
    return client.raw("WatchJob", serving.serialized("WatchJob", request), timeout=60)


def types(events: list[dict[str, Any]]) -> list[str]:
    return [event["type"] for event in events]


def test_a_watch_from_the_start_tells_every_epoch_then_the_end(server: Serving, ended: str) -> None:
    events = list(server.client.watch(id=ended, after=0))
    assert types(events)[0] == "state"
    assert types(events)[-1] == "end"
    assert events[-1]["end"] == {"state": "succeeded", "stop_reason": "completed"}
    seqs = [event["seq"] for event in events]
    assert seqs == sorted(set(seqs))
    reported_losses = [
        (epoch, loss)
        for event in events
        if event["type"] == "epochs"
        for epoch, loss in zip(
            event["epochs"]["epochs"], event["epochs"]["columns"]["train_loss"], strict=True
        )
    ]
    stored = server.client.call("ListEpochs", id=ended, page_size=1000)["epochs"]
    assert reported_losses == [(row["epoch"], row["train_loss"]) for row in stored]


def test_a_watch_without_a_cursor_opens_with_a_snapshot(server: Serving, ended: str) -> None:
    first, *others = server.client.watch(id=ended)
    assert first["snapshot"]["job"] == server.client.call("GetJob", id=ended)
    assert types(others) == ["end"]


def test_a_watch_has_the_weights_on_request(server: Serving) -> None:
    job = server.client.call("CreateJob", spec=deep(layers=1, epochs=4))["id"]
    train(server.context, job)
    snapshot, newest, end = server.client.watch(id=job, parameters=True)
    assert types([snapshot, newest, end]) == ["snapshot", "parameters", "end"]
    assert newest["seq"] == snapshot["seq"]
    weights = server.client.call("GetWeights", id=job)
    values = [v for layer in weights["layers"] for a in layer["arrays"] for v in a["values"]]
    assert newest["parameters"]["epoch"] == weights["epoch"] == 4
    assert np.frombuffer(newest["parameters"]["data"], "<f4").tolist() == values


def test_a_watch_goes_on_behind_its_cursor(server: Serving, ended: str) -> None:
    every = list(server.client.watch(id=ended, after=0))
    assert list(server.client.watch(id=ended, after=every[1]["seq"])) == every[2:]


def test_a_watch_behind_the_end_closes_at_once(server: Serving, ended: str) -> None:
    last = server.client.call("GetJob", id=ended)["seq"]
    assert list(server.client.watch(id=ended, after=last)) == []


def test_a_quiet_stream_beats(server: Serving) -> None:
    waiting = server.client.call("CreateJob", spec=deep(layers=1, epochs=1))
    events = server.client.watch(id=waiting["id"])
    assert next(events)["type"] == "snapshot"
    assert next(events) == {"seq": waiting["seq"], "type": "heartbeat"}


def revoke(database: Database, key: str) -> None:
    keys.revoke(database, key.split("_")[1])


def rotate(database: Database, key: str) -> None:
    keys.rotate(database, key.split("_")[1])


def expire(database: Database, key: str) -> None:
    table = tables.api_keys
    with database.write() as connection:
        of_key = table.c.id == key.split("_")[1]
        connection.execute(table.update().where(of_key).values(expires_at=1.0))


def remove_member(database: Database, _: str) -> None:
    with database.write() as connection:
        connection.execute(tables.members.delete())


@pytest.mark.parametrize(
    ("change", "code"),
    [
        (revoke, grpc.StatusCode.UNAUTHENTICATED),
        (rotate, grpc.StatusCode.UNAUTHENTICATED),
        (expire, grpc.StatusCode.UNAUTHENTICATED),
        (remove_member, grpc.StatusCode.NOT_FOUND),
    ],
)
@pytest.mark.parametrize("rpc", ["WatchJob", "WatchSweep", "WatchExperiment"])
def test_a_stream_ends_when_its_key_does_not_open_it_any_more(
    server: Serving,
    monkeypatch: pytest.MonkeyPatch,
    rpc: str,
    change: Callable[[Database, str], None],
    code: grpc.StatusCode,
) -> None:
    monkeypatch.setattr(follow, "KEY_SECONDS", 0.05)
    database, call = server.context.database, server.client.call
    spec = deep(layers=1, epochs=1)
    if rpc == "WatchJob":
        watched = call("CreateJob", spec=spec)["id"]
    elif rpc == "WatchExperiment":
        watched = call("CreateExperiment", spec={"jobs": {"only": spec}})["id"]
    else:
        watched = call("CreateSweep", spec={"job": spec, "variants": [{"seed": 1}]})["id"]
    with database.write() as connection:
        members.insert(connection, "class", [LOCAL_OWNER])
    key, other = (
        keys.create(database, "test", owner=owner, scope="read", days=None)
        for owner in ("class", LOCAL_OWNER)
    )

    def watch(key: str) -> Iterator[bytes]:
        request = serving.serialized(rpc, {"id": watched})
        metadata = [("authorization", f"Bearer {key}")]
        events: Iterator[bytes] = server.client.raw(rpc, request, metadata=metadata, timeout=60)
        assert next(events)
        return events

    refused, continued = watch(key), watch(other)
    change(database, key)
    with pytest.raises(grpc.RpcError) as raised:
        list(refused)
    assert error_details(raised.value).code == code
    assert next(continued)
    continued.cancel()  # type: ignore[attr-defined]
    with database.write() as connection:
        connection.execute(tables.members.delete())


def test_all_watchers_get_what_happens_meanwhile(server: Serving) -> None:
    job = server.client.call("CreateJob", spec=deep(layers=1, epochs=5))["id"]
    watchers = [server.client.watch(id=job) for _ in range(3)]
    for events in watchers:
        assert next(events)["type"] == "snapshot"
    train(server.context, job)
    heard = [[event for event in events if event["type"] != "heartbeat"] for events in watchers]
    assert heard[0] == heard[1] == heard[2]
    assert types(heard[0])[-1] == "end"


def test_a_frame_is_encoded_once() -> None:
    frame = follow.frame(4, 5, "checkpoint", NewCheckpoints(epochs=[10]), JobEvent)
    assert encoded(frame) is encoded(frame)
    assert serving.reply("WatchJob", encoded(frame)) == {
        "seq": 5,
        "type": "checkpoint",
        "checkpoint": {"epochs": [10]},
    }


def test_a_reader_that_stands_still_holds_up_nobody_else(
    server: Serving, ended: str, narrow: Client
) -> None:
    standing = watching(narrow, id=ended, after=0)
    await_condition(lambda: server.context.hub.watchers == 1, 60, "the watcher has come")
    every = list(server.client.watch(id=ended, after=0))
    await_condition(lambda: server.context.hub.watchers == 1, 60, "the other has left alone")
    assert [serving.reply("WatchJob", event) for event in standing] == every


def test_a_reader_that_stands_still_for_too_long_is_let_go(
    server: Serving, ended: str, narrow: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    sent: list[Frame] = []

    def encoded_and_recorded(frame: Frame) -> bytes:
        sent.append(frame)
        return encoded(frame)

    monkeypatch.setattr(streams, "STALLED_SECONDS", 0.2)
    monkeypatch.setattr(streams, "encoded", encoded_and_recorded)
    standing = watching(narrow, id=ended, after=0)
    await_condition(lambda: sent, 60, "the watcher has come")
    await_condition(lambda: server.context.hub.watchers == 0, 60, "the watcher has left")
    read: list[dict[str, Any]] = []
    with pytest.raises(grpc.RpcError) as caught:
        read.extend(serving.reply("WatchJob", event) for event in standing)
    assert error_details(caught.value).reason == "unavailable"
    assert "end" not in types(read)
    monkeypatch.setattr(streams, "STALLED_SECONDS", 60.0)
    cursor = read[-1]["seq"] if read else 0
    assert types(list(server.client.watch(id=ended, after=cursor)))[-1] == "end"


def test_a_reader_that_stands_still_does_not_keep_the_server_from_stopping(
    tmp_path: Path, broker_url: str
) -> None:
    with serving.serving(serving.settings(tmp_path, broker_url=broker_url)) as server:
        job = server.client.call("CreateJob", spec=deep(layers=60, epochs=400))["id"]
        train(server.context, job)
        with grpc.insecure_channel(server.address, options=NARROW) as channel:
            standing = watching(Client(channel), id=job, after=0)
            await_condition(lambda: server.context.hub.watchers == 1, 60, "the watcher has come")
            server.stop()
            assert server.context.hub.watchers == 0
            with pytest.raises(grpc.RpcError):
                list(standing)
