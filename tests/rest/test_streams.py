"""Server-sent events: the wire, the cursor, and every way in which a stream comes to its end."""

import asyncio
import http.client
import json
import logging
import socket
import threading
from base64 import b64decode
from collections.abc import Callable
from contextlib import suppress
from itertools import pairwise
from typing import Any, NamedTuple

import httpx2
import numpy as np
import pytest
from fastapi import FastAPI
from starlette.testclient import TestClient
from tests.rest.conftest import XOR, served
from tests.servers.stack import await_condition

from epochal_service.access import keys
from epochal_service.access.keys import LOCAL_OWNER
from epochal_service.metrics import Metrics
from epochal_service.rest import streams
from epochal_service.rest.streams import block_of
from epochal_service.specs.jobs import JobEvent
from epochal_service.streams import follow
from epochal_service.streams.follow import Frame

WAIT = 60  # seconds until a test gives up what should happen at once

Train = Callable[[str], str | None]


class Event(NamedTuple):
    id: int
    type: str
    data: Any


def events_of(text: str) -> list[Event]:
    """The events of a stream; each block of it is `id`, `event`, `data`, or a comment."""
    opening, *blocks = text.split("\n\n")
    assert opening == "retry: 1000"
    assert blocks.pop() == ""
    events = []
    for block in blocks:
        if block == ": heartbeat":
            continue
        (seq, kind, data) = block.split("\n")
        events.append(
            Event(
                int(seq.removeprefix("id: ")),
                kind.removeprefix("event: "),
                json.loads(data.removeprefix("data: ")),
            )
        )
    return events


def created(url: str, job: dict[str, Any] = XOR) -> str:
    job_id: str = httpx2.post(f"{url}/v1/jobs", json=job, timeout=WAIT).json()["id"]
    return job_id


def until_open_streams_are(url: str, count: int) -> None:
    """Returns when `/metrics` says so; a stream's end has nobody else to wait for."""
    metric = f"epochal_http_open_streams {count:.1f}"
    await_condition(
        lambda: metric in httpx2.get(f"{url}/metrics", timeout=WAIT).text, WAIT, f"{count} open"
    )


def test_without_a_cursor_a_stream_opens_with_a_snapshot_and_says_end(
    client: TestClient, trained: str
) -> None:
    answer = client.get(f"/v1/jobs/{trained}/events")
    assert answer.status_code == 200
    assert answer.headers["content-type"] == "text/event-stream; charset=utf-8"
    assert answer.headers["cache-control"] == "no-store"
    assert answer.headers["x-accel-buffering"] == "no"
    snapshot, end = events_of(answer.text)
    assert (snapshot.type, end.type) == ("snapshot", "end")
    assert snapshot.data["job"] == client.get(f"/v1/jobs/{trained}").json()
    assert snapshot.id < end.id
    assert end.data == {"state": "succeeded", "stop_reason": "completed"}


def test_from_the_start_a_stream_replays_the_whole_log_in_order(
    client: TestClient, trained: str
) -> None:
    events = events_of(client.get(f"/v1/jobs/{trained}/events?after=0").text)
    assert [event.id for event in events] == sorted({event.id for event in events})
    assert [e.data["state"] for e in events if e.type == "state"][:2] == ["queued", "running"]
    epochs = [epoch for e in events if e.type == "epochs" for epoch in e.data["epochs"]]
    assert epochs == list(range(1, 21))
    assert events[-1].type == "end"


def test_from_every_cursor_a_stream_tells_the_rest_and_no_more(
    client: TestClient, trained: str
) -> None:
    path = f"/v1/jobs/{trained}/events"
    whole = events_of(client.get(f"{path}?after=0").text)
    for index, event in enumerate(whole[:-1]):
        rest = client.get(path, headers={"Last-Event-ID": str(event.id)})
        assert events_of(rest.text) == whole[index + 1 :]


def test_the_last_event_id_wins_over_the_query(client: TestClient, trained: str) -> None:
    path = f"/v1/jobs/{trained}/events"
    end = events_of(client.get(path).text)[-1].id
    answer = client.get(f"{path}?after=0", headers={"Last-Event-ID": str(end - 1)})
    assert [event.id for event in events_of(answer.text)] == [end]


def test_a_stream_has_the_weights_on_request(client: TestClient, trained: str) -> None:
    path = f"/v1/jobs/{trained}/events?parameters=true"
    snapshot, newest, end = events_of(client.get(path).text)
    assert (snapshot.type, newest.type, end.type) == ("snapshot", "parameters", "end")
    assert newest.id == snapshot.id  # a client that connects again misses nothing
    weights = client.get(f"/v1/jobs/{trained}/weights").json()
    arrays = {
        f"{layer['name']}.{array['name']}": array
        for layer in weights["layers"]
        for array in layer["arrays"]
    }
    shapes = [{"name": name, "shape": array["shape"]} for name, array in arrays.items()]
    assert (newest.data["epoch"], newest.data["arrays"]) == (weights["epoch"], shapes)
    values = [value for array in arrays.values() for value in array["values"]]
    assert np.frombuffer(b64decode(newest.data["data"]), "<f4").tolist() == values

    again = client.get(path, headers={"Last-Event-ID": str(newest.id)})
    assert events_of(again.text) == [newest, end]
    assert client.get(path, headers={"Last-Event-ID": str(end.id)}).status_code == 204


def test_a_network_gives_the_predictions_by_its_weights_and_scalings_in_a_stream(
    client: TestClient, train: Train
) -> None:
    """A linear model of raw inputs, computed by hand from the event."""
    spec = {
        "network": {"input_shape": [2], "layers": [{"type": "dense", "units": 1}]},
        "dataset": {
            "inputs": [[10.0, 1.0], [30.0, 2.0], [20.0, 7.0], [50.0, 3.0]],
            "targets": [[100.0], [300.0], [900.0], [500.0]],
            "scaling": "standard",
        },
        "loss": "mse",
        "target_scaling": "standardize",
        "epochs": 3,
    }
    job_id = client.post("/v1/jobs", json=spec).json()["id"]
    train(job_id)
    newest = events_of(client.get(f"/v1/jobs/{job_id}/events?parameters=true").text)[1].data
    assert [(array["name"], array["shape"]) for array in newest["arrays"]] == [
        ("dense_1.weight", [2, 1]),
        ("dense_1.bias", [1]),
        ("scaling.shift", [2]),
        ("scaling.scale", [2]),
        ("target_scaling.shift", [1]),
        ("target_scaling.scale", [1]),
    ]
    w_1, w_2, bias, *scaling = np.frombuffer(b64decode(newest["data"]), "<f4").tolist()
    x_shift, y_shift, x_scale, y_scale, shift, scale = scaling
    output = w_1 * (25.0 - x_shift) / x_scale + w_2 * (4.0 - y_shift) / y_scale + bias
    body = {"inputs": [[25.0, 4.0]]}
    reply = client.post(f"/v1/jobs/{job_id}/predict", json=body).json()
    assert reply["outputs"][0] == pytest.approx([output * scale + shift], rel=1e-5)


def test_past_the_end_there_is_no_content(client: TestClient, trained: str) -> None:
    path = f"/v1/jobs/{trained}/events"
    end = events_of(client.get(path).text)[-1].id
    answer = client.get(path, headers={"Last-Event-ID": str(end)})
    assert (answer.status_code, answer.content) == (204, b"")


@pytest.mark.parametrize("cursor", ["", "x", "-1", "1.5", "1e3", str(2**63), "9" * 400])
def test_a_cursor_that_is_no_number_is_refused(
    client: TestClient, trained: str, cursor: str
) -> None:
    path = f"/v1/jobs/{trained}/events"
    by_header = client.get(path, headers={"Last-Event-ID": cursor})
    by_query = client.get(path, params={"after": cursor})
    assert (by_header.status_code, by_query.status_code) == (400, 400)
    assert by_header.json()["errors"][0]["field"] == "Last-Event-ID"
    assert by_query.json()["errors"][0]["field"] == "after"


def test_a_cursor_ahead_of_the_log_is_refused(client: TestClient, trained: str) -> None:
    answer = client.get(f"/v1/jobs/{trained}/events?after=1000000")
    assert answer.status_code == 400


def test_a_stream_of_no_job_is_a_problem_and_no_stream(client: TestClient) -> None:
    answer = client.get("/v1/jobs/job_none/events")
    assert answer.status_code == 404
    assert answer.headers["content-type"] == "application/problem+json"


def test_a_frame_is_put_on_the_wire_once_for_all() -> None:
    frame = Frame(3, 4, "end", JobEvent(seq=4, type="end"), b'{"state":"failed"}')
    assert block_of(frame) == b'id: 4\nevent: end\ndata: {"state":"failed"}\n\n'
    assert block_of(frame) is block_of(frame)


def test_a_watcher_follows_a_job_from_the_queue_to_its_end(app: FastAPI, train: Train) -> None:
    with served(app) as (url, _):
        job_id = created(url)
        with httpx2.stream("GET", f"{url}/v1/jobs/{job_id}/events", timeout=WAIT) as answer:
            received = answer.iter_text()
            text = next(received)
            worker = threading.Thread(target=train, args=(job_id,))
            worker.start()
            text += "".join(received)
            worker.join()
    events = events_of(text)
    assert (events[0].type, events[-1].type) == ("snapshot", "end")
    epochs = [epoch for e in events if e.type == "epochs" for epoch in e.data["epochs"]]
    assert epochs == list(range(1, 21))


def test_a_quiet_stream_has_a_heartbeat(app: FastAPI) -> None:
    with served(app) as (url, _):
        job_id = created(url)
        with httpx2.stream("GET", f"{url}/v1/jobs/{job_id}/events", timeout=WAIT) as answer:
            assert ": heartbeat" in answer.iter_lines()


@pytest.mark.parametrize("with_token", [False, True], ids=["key", "stream token"])
def test_a_stream_ends_when_its_key_is_revoked(
    app: FastAPI, monkeypatch: pytest.MonkeyPatch, with_token: bool
) -> None:
    monkeypatch.setattr(follow, "KEY_SECONDS", 0.05)
    with served(app) as (url, _):
        database, job_id = app.state.context.database, created(url)
        keep, revoke = (
            keys.create(database, "test", owner=LOCAL_OWNER, scope="read", days=None)
            for _ in range(2)
        )
        headers = {"Authorization": f"Bearer {revoke}"}
        path = f"{url}/v1/jobs/{job_id}"
        others = {"Authorization": f"Bearer {keep}"}
        if with_token:
            token = httpx2.post(f"{path}/stream-token", headers=headers, timeout=WAIT).json()
            request: dict[str, Any] = {"params": {"token": token["token"]}}
        else:
            request = {"headers": headers}
        with (
            httpx2.stream("GET", f"{path}/events", headers=others, timeout=WAIT) as other,
            httpx2.stream("GET", f"{path}/events", timeout=WAIT, **request) as answer,
        ):
            lines, other_lines = answer.iter_lines(), other.iter_lines()
            assert ": heartbeat" in lines
            assert ": heartbeat" in other_lines
            keys.revoke(database, revoke.split("_")[1])
            for _ in lines:  # it ends cleanly: a stream that is cut off raises
                pass
            assert ": heartbeat" in other_lines
        again = httpx2.get(f"{path}/events", timeout=WAIT, **request)
        assert (again.status_code, again.json()["reason"]) == (401, "unauthenticated")


def test_a_client_that_goes_away_ends_its_watcher_and_leaves_no_trace(
    app: FastAPI, caplog: pytest.LogCaptureFixture
) -> None:
    with served(app) as (url, _):
        job_id = created(url)
        with httpx2.stream("GET", f"{url}/v1/jobs/{job_id}/events", timeout=WAIT) as answer:
            lines = answer.iter_lines()
            assert next(lines) == "retry: 1000"
            until_open_streams_are(url, 1)
        until_open_streams_are(url, 0)
        await_condition(lambda: app.state.context.hub.watchers == 0, WAIT, "the watcher has left")
    assert [record for record in caplog.records if record.levelno >= logging.ERROR] == []


def test_a_server_that_stops_ends_its_streams_cleanly(
    app: FastAPI, caplog: pytest.LogCaptureFixture
) -> None:
    with served(app) as (url, stop):
        job_id = created(url)
        with httpx2.stream("GET", f"{url}/v1/jobs/{job_id}/events", timeout=WAIT) as answer:
            received = answer.iter_text()
            next(received)
            stopping = threading.Thread(target=stop)
            stopping.start()
            # A stream that is cut off instead of ended raises RemoteProtocolError here.
            for _ in received:
                pass
            stopping.join(WAIT)
            assert not stopping.is_alive()
    assert [record for record in caplog.records if record.levelno >= logging.ERROR] == []


def test_a_client_that_reads_nothing_is_let_go_and_others_are_not_held_up(
    app: FastAPI, train: Train, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(streams, "LOOK_SECONDS", 0.05)
    deep = {
        "input_shape": [2],
        "layers": [{"type": "dense", "units": 2, "activation": "tanh"}] * 30
        + [{"type": "dense", "units": 1, "activation": "sigmoid"}],
    }
    with served(app, send_buffer=4096) as (url, _):
        job = {**XOR, "network": deep, "epochs": 500}
        job_id = created(url, job)
        train(job_id)
        path = f"/v1/jobs/{job_id}/events?after=0"
        port = int(url.rpartition(":")[2])
        with socket.socket() as stalled:
            stalled.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
            stalled.settimeout(WAIT)
            stalled.connect(("127.0.0.1", port))
            stalled.sendall(f"GET {path} HTTP/1.1\r\nHost: here\r\n\r\n".encode())
            assert stalled.recv(1, socket.MSG_PEEK)  # it has begun, and nothing was taken
            whole = httpx2.get(f"{url}{path}", timeout=WAIT)
            assert events_of(whole.text)[-1].type == "end"
            assert len(whole.content) > 300_000  # more than all buffers on the way can hold
            until_open_streams_are(url, 1)
            monkeypatch.setattr(streams, "STALLED_SECONDS", 0.0)
            until_open_streams_are(url, 0)
            taken = bytearray()
            with suppress(ConnectionResetError):
                while part := stalled.recv(65536):
                    taken += part
            assert b"event: end" not in taken


def test_a_client_that_reads_late_gets_the_whole_log_once(
    app: FastAPI, train: Train, monkeypatch: pytest.MonkeyPatch
) -> None:
    refused = []
    take = follow.Frames.take

    def recorded(frames: follow.Frames, new: Frame) -> bool:
        taken = take(frames, new)
        refused.extend([] if taken else [new.type])
        return taken

    monkeypatch.setattr(follow.Frames, "take", recorded)
    deep = {
        "input_shape": [2],
        "layers": [{"type": "dense", "units": 2, "activation": "tanh"}] * 30
        + [{"type": "dense", "units": 1, "activation": "sigmoid"}],
    }
    with served(app, send_buffer=4096) as (url, _):
        job_id = created(url, {**XOR, "network": deep, "epochs": 500})
        with socket.socket() as late:
            late.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
            late.settimeout(WAIT)
            late.connect(("127.0.0.1", int(url.rpartition(":")[2])))
            path = f"/v1/jobs/{job_id}/events?after=0"
            late.sendall(f"GET {path} HTTP/1.1\r\nHost: here\r\nConnection: close\r\n\r\n".encode())
            until_open_streams_are(url, 1)
            train(job_id)
            answer = http.client.HTTPResponse(late)
            answer.begin()
            events = events_of(answer.read().decode())
    assert [event.id for event in events] == sorted({event.id for event in events})
    ranges = [(e.data["first_epoch"], e.data["last_epoch"]) for e in events if e.type == "epochs"]
    assert ranges[0][0] == 1
    assert ranges[-1][1] == 500
    assert all(first == last + 1 for (_, last), (first, _) in pairwise(ranges))
    assert events[-1].type == "end"
    assert {*refused} - {"end"}  # what the client does not read does not wait in memory


def test_head_of_a_stream_has_no_events(app: FastAPI, train: Train) -> None:
    with served(app) as (url, _):
        job_id = created(url)
        with socket.create_connection(("127.0.0.1", int(url.rpartition(":")[2]))) as connection:
            connection.settimeout(WAIT)
            path = f"/v1/jobs/{job_id}/events"
            connection.sendall(f"HEAD {path} HTTP/1.1\r\nHost: here\r\n\r\n".encode())
            train(job_id)
            connection.sendall(b"GET /healthz HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
            replies = b"".join(iter(lambda: connection.recv(2**16), b""))
    head, body = replies.split(b"\r\n\r\n", 1)
    assert b"text/event-stream" in head
    assert body.startswith(b"HTTP/1.1 200 OK")


def test_while_a_client_takes_nothing_no_frame_is_asked_for() -> None:
    requests = 0

    class Counted:
        ended = False

        async def __aiter__(self) -> Any:
            nonlocal requests
            for seq in range(1000):
                requests += 1
                yield Frame(seq, seq + 1, "end", JobEvent(seq=seq + 1, type="end"), b"{}")

        def close(self) -> None:
            pass

    async def play() -> None:
        sent: list[Any] = []
        full, disconnected = asyncio.Event(), asyncio.Event()

        async def send(message: Any) -> None:
            sent.append(message)
            if len(sent) == 5:  # the head, the retry, and three frames
                full.set()
                await asyncio.Event().wait()

        async def receive() -> Any:
            await disconnected.wait()
            return {"type": "http.disconnect"}

        response = streams.EventStream(Counted(), streams.Streams(Metrics()))  # type: ignore[arg-type]
        stream = asyncio.create_task(response({"type": "http"}, receive, send))
        await full.wait()
        for _ in range(100):  # turns of the loop; each could request a frame
            await asyncio.sleep(0)
        assert requests == 3
        disconnected.set()
        await stream
        assert sent[5:] == [{"type": "http.response.body"}]

    asyncio.run(play())
