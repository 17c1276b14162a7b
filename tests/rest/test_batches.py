"""Several jobs deleted, cancelled and labelled at once, by their ids or by a filter."""

from collections.abc import Callable
from typing import Any

import pytest
from starlette.testclient import TestClient
from tests.rest.conftest import XOR

from epochal_service.access import keys
from epochal_service.settings import Settings
from epochal_service.specs import batches
from epochal_service.store import Database


def create(client: TestClient, **changes: Any) -> str:
    made = client.post("/v1/jobs", json={**XOR, "epochs": 1, **changes})
    return str(made.json()["id"])


def batch(client: TestClient, action: str, **body: Any) -> dict[str, Any]:
    answer = client.post(f"/v1/jobs/batch-{action}", json=body)
    assert answer.status_code == 200, answer.text
    reply: dict[str, Any] = answer.json()
    return reply


def test_ended_jobs_are_deleted_and_the_others_refused(
    client: TestClient, train: Callable[[str], str | None]
) -> None:
    ended, queued, other = create(client), create(client), create(client)
    assert train(ended) == train(other) == "succeeded"
    reply = batch(client, "delete", ids=[ended, queued, "job_1", ended])
    assert (reply["ids"], reply["has_more"]) == ([ended], False)
    assert [(job["id"], job["reason"]) for job in reply["refused"]] == [
        (queued, "job_not_ended"),
        ("job_1", "not_found"),
    ]
    assert reply["refused"][0]["detail"].startswith("The job is queued: cancel it first")
    assert client.get(f"/v1/jobs/{ended}").status_code == 404
    assert batch(client, "delete", filter="state = succeeded")["ids"] == [other]
    assert [job["id"] for job in client.get("/v1/jobs").json()["jobs"]] == [queued]


def test_jobs_are_cancelled_and_labelled_by_a_filter(
    client: TestClient, train: Callable[[str], str | None]
) -> None:
    ended, first, second = (create(client, labels={"course": "a"}) for _ in range(3))
    third = create(client)
    train(ended)
    assert batch(client, "cancel", filter="labels.course = a") == {
        "ids": [second, first],
        "refused": [],
        "has_more": False,
    }
    assert client.get(f"/v1/jobs/{third}").json()["state"] == "queued"
    [refused] = batch(client, "cancel", ids=[ended, third])["refused"]
    assert (refused["id"], refused["reason"]) == (ended, "job_state")

    change = {"labels": {"week": "3"}, "remove_labels": ["course"]}
    reply = batch(client, "update", filter="state = cancelled labels:course", **change)
    assert reply["ids"] == [second, first]
    listed = client.get("/v1/jobs", params={"filter": "labels.week = 3"}).json()["jobs"]
    assert [job["spec"]["labels"] for job in listed] == [{"week": "3"}] * 2


def test_a_filter_changes_as_many_jobs_as_one_request_may(
    client: TestClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = [create(client) for _ in range(5)]
    monkeypatch.setattr("epochal_service.methods.batches.MAX_JOBS", 3)
    first = batch(client, "cancel", filter="xor")
    assert (first["ids"], first["has_more"]) == (made[:1:-1], True)
    second = batch(client, "cancel", filter="xor")
    assert (second["ids"], second["has_more"]) == (made[1::-1], False)


@pytest.mark.parametrize(
    ("action", "body", "field"),
    [
        ("delete", {}, "filter"),
        ("delete", {"filter": " "}, "filter"),
        ("delete", {"filter": "xor", "ids": ["job_1"]}, "filter"),
        ("delete", {"filter": "state = done"}, "filter"),
        ("cancel", {"ids": ["job_1"] * (batches.MAX_JOBS + 1)}, "ids"),
        ("update", {"filter": "xor", "labels": {"A": ""}}, "labels.A"),
        ("update", {"filter": "xor", "labels": {"a": ""}, "remove_labels": ["a"]}, "remove_labels"),
    ],
)
def test_a_request_that_does_not_say_which_jobs_changes_none(
    client: TestClient, action: str, body: dict[str, Any], field: str
) -> None:
    job = create(client)
    answer = client.post(f"/v1/jobs/batch-{action}", json=body)
    assert answer.status_code == 400
    assert [error["field"] for error in answer.json()["errors"]] == [field]
    assert client.get(f"/v1/jobs/{job}").json()["state"] == "queued"


def test_jobs_of_others_are_neither_matched_nor_changed(
    client: TestClient, settings: Settings, train: Callable[[str], str | None]
) -> None:
    mine = create(client)
    database = Database(settings.database_url)
    other = keys.create(database, "test", owner="other", scope="train", days=None)
    reader = keys.create(database, "test", owner="local", scope="read", days=None)
    database.close()
    train(mine)
    client.headers["Authorization"] = f"Bearer {other}"
    nothing = {"ids": [], "refused": [], "has_more": False}
    assert batch(client, "delete", filter="owner:*") == nothing
    [refused] = batch(client, "delete", ids=[mine])["refused"]
    assert (refused["id"], refused["reason"]) == (mine, "not_found")
    client.headers["Authorization"] = f"Bearer {reader}"
    assert client.post("/v1/jobs/batch-delete", json={"ids": [mine]}).status_code == 403
    del client.headers["Authorization"]
    assert client.get(f"/v1/jobs/{mine}").is_success
