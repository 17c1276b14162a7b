"""Experiments over HTTP: unchanged ones are not sent again, and their events end with them."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import httpx2
import pytest
from fastapi import FastAPI
from starlette.testclient import TestClient
from tests.rest.conftest import XOR, served
from tests.rest.test_streams import Event, events_of, until_open_streams_are

Train = Callable[[str], str | None]

WAIT = 60
PAIR: dict[str, Any] = {
    "jobs": {"first": XOR, "second": XOR | {"epochs": 3, "initial_weights": {"job": "first"}}},
    "claims": [{"job": "second", "minus": "first", "metric": "epochs", "below": 0}],
}


def created(post: Callable[..., Any], url: str = "") -> dict[str, Any]:
    reply = post(f"{url}/v1/experiments", json=PAIR)
    assert reply.status_code == 201, reply.text
    made: dict[str, Any] = reply.json()
    return made


def train_all(experiment: dict[str, Any], train: Train) -> None:
    ids = {job["job"]: job["id"] for job in experiment["jobs"]}
    assert [train(ids[name]) for name in ("first", "second")] == ["succeeded"] * 2


def test_an_unchanged_experiment_is_not_sent_again(client: TestClient, train: Train) -> None:
    made = created(client.post)
    url = f"/v1/experiments/{made['id']}"
    reply = client.get(url)
    tag = {"If-None-Match": reply.headers["etag"]}
    unchanged = client.get(url, headers=tag)
    assert (unchanged.status_code, unchanged.content) == (304, b"")
    train_all(made, train)
    changed = client.get(url, headers=tag)
    assert (changed.status_code, changed.json()["state"]) == (200, "succeeded")


def test_the_stream_of_an_ended_experiment_is_its_end(client: TestClient, train: Train) -> None:
    made = created(client.post)
    train_all(made, train)
    url = f"/v1/experiments/{made['id']}"
    reply = client.get(f"{url}/events")
    assert reply.headers["content-type"] == "text/event-stream; charset=utf-8"
    (end,) = events_of(reply.text)
    assert (end.type, end.data) == ("end", client.get(url).json())
    assert client.get(f"{url}/events", headers={"Last-Event-ID": str(end.id)}).status_code == 204
    (again,) = events_of(client.get(f"{url}/events", params={"after": end.id - 1}).text)
    assert again == end
    assert client.get("/v1/experiments/exp_1/events").status_code == 404


def blocks(response: httpx2.Response) -> Iterator[Event]:
    """The events of a stream as they arrive."""
    block: list[str] = []
    for line in response.iter_lines():
        if line:
            block.append(line)
            continue
        if block[0].startswith("id: "):
            text = "\n".join(block)
            yield from events_of(f"retry: 1000\n\n{text}\n\n")
        block = []


def test_events_have_the_experiment_after_each_change_until_it_ends(
    app: FastAPI, train: Train
) -> None:
    with served(app) as (url, _):
        made = created(httpx2.post, url)
        path = f"{url}/v1/experiments/{made['id']}"
        with (
            httpx2.stream("GET", f"{path}/events", timeout=WAIT) as response,
            httpx2.stream("GET", f"{path}/events", timeout=WAIT) as other,
        ):
            events, others = blocks(response), blocks(other)
            first = next(events)
            assert (first.type, first.data) == ("snapshot", made)
            assert next(others) == first
            ids = {job["job"]: job["id"] for job in made["jobs"]}
            assert train(ids["first"]) == "succeeded"
            while (event := next(events)).data["states"] != {"succeeded": 1, "queued": 1}:
                assert event.type == "snapshot"
            assert event.data["claims"][0]["outcome"] == "pending"
            assert train(ids["second"]) == "succeeded"
            *later, end = events
            assert {event.type for event in later} <= {"snapshot"}
            assert end.type == "end"
            assert end.data == httpx2.get(path, timeout=WAIT).json()
            assert end.data["claims"][0]["outcome"] == "met"
            assert [*others][-1] == end
        until_open_streams_are(url, 0)


def test_a_stream_continues_after_its_cursor_with_the_next_change(
    app: FastAPI, train: Train
) -> None:
    with served(app) as (url, _):
        made = created(httpx2.post, url)
        path = f"{url}/v1/experiments/{made['id']}"
        with httpx2.stream("GET", f"{path}/events", timeout=WAIT) as response:
            first = next(blocks(response))
        until_open_streams_are(url, 0)
        cursor = {"Last-Event-ID": str(first.id)}
        with httpx2.stream("GET", f"{path}/events", headers=cursor, timeout=WAIT) as response:
            httpx2.post(f"{path}/cancel", timeout=WAIT)
            (*_, end) = blocks(response)
        assert (end.type, end.data["state"]) == ("end", "cancelled")
        assert end.id > first.id


@pytest.mark.parametrize("after", [0, 10**6])
def test_a_stream_from_another_cursor_begins_with_the_experiment(app: FastAPI, after: int) -> None:
    with served(app) as (url, _):
        made = created(httpx2.post, url)
        path = f"{url}/v1/experiments/{made['id']}/events?after={after}"
        with httpx2.stream("GET", path, timeout=WAIT) as response:
            assert next(blocks(response)).data == made
