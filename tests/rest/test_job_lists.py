"""Lists of jobs by a filter, in an order, and with parts of each job."""

from base64 import urlsafe_b64encode
from collections.abc import Callable
from typing import Any

import pytest
from starlette.testclient import TestClient
from tests.rest.conftest import XOR

INLINE: dict[str, Any] = {
    **XOR,
    "dataset": {"inputs": [[0.0, 1.0]] * 500, "targets": [[0.0], [1.0]] * 250},
    "validation_dataset": {"inputs": [[0.5, 0.25]], "targets": [[1.0]]},
    "epochs": 1,
}


def create(client: TestClient, **changes: Any) -> str:
    made = client.post("/v1/jobs", json={**XOR, "epochs": 1, **changes})
    assert made.status_code == 201, made.text
    return str(made.json()["id"])


def ids(client: TestClient, filter: str, **query: Any) -> list[str]:
    answer = client.get("/v1/jobs", params={"filter": filter, **query})
    assert answer.status_code == 200, answer.text
    return [job["id"] for job in answer.json()["jobs"]]


def test_jobs_are_listed_by_settings_results_times_and_several_labels(
    client: TestClient, train: Callable[[str], str | None]
) -> None:
    slow = {"type": "sgd", "learning_rate": 0.001}
    first = create(client, optimizer=slow, labels={"course": "a", "week": "3"}, name="one")
    assert train(first) == "succeeded"
    second = create(client, labels={"course": "a"}, early_stopping={"patience": 3})
    best = client.get(f"/v1/jobs/{first}").json()["best"]["value"]

    assert ids(client, "spec.optimizer.learning_rate < 0.005 AND best.value > 0") == [first]
    assert ids(client, f"best.train_loss <= {best}") == [first]
    assert ids(client, "best.validation_loss < 100") == []
    assert ids(client, "labels.course = a AND labels.week = 3") == [first]
    assert ids(client, "labels.course = a -labels:week") == [second]
    assert ids(client, "state = queued OR name = o*") == [second, first]
    assert ids(client, "spec.early_stopping:*") == [second]
    assert ids(client, "created_at > 2026-01-01T00:00:00Z xor") == [second, first]
    assert ids(client, "finished_at:*", states="queued") == []
    assert ids(client, "state = succeeded", label="course=a", query="ONE") == [first]
    assert ids(client, "", order_by="spec.optimizer.learning_rate") == [first, second]
    assert ids(client, "", order_by="best.value, epoch", label="course=a") == [first, second]


def test_fields_of_jobs_are_read_by_column(
    client: TestClient, train: Callable[[str], str | None]
) -> None:
    slow = {"type": "sgd", "learning_rate": 0.001}
    ended = create(client, optimizer=slow, labels={"course": "a"}, name="one", shuffle=False)
    assert train(ended) == "succeeded"
    waiting = create(client)
    job = client.get(f"/v1/jobs/{ended}").json()
    fields = ["spec.optimizer.learning_rate", "best.value", "labels.course", "spec.shuffle"]
    fields += ["finished_at", "state", "seconds", "spec.early_stopping.patience"]
    answer = client.get("/v1/jobs/columns", params={"fields": ",".join(fields)}).json()
    assert answer["ids"] == [waiting, ended]
    assert answer["next_page_token"] is None
    columns = answer["columns"]
    assert [column["field"] for column in columns] == fields
    rate, best, course, shuffle, finished, state, seconds, patience = columns
    assert rate["numbers"] == [
        client.get(f"/v1/jobs/{waiting}").json()["spec"]["optimizer"]["learning_rate"],
        0.001,
    ]
    assert best["numbers"] == ["NaN", job["best"]["value"]]
    assert course["texts"] == ["", "a"]
    assert shuffle["texts"] == ["true", "false"]
    assert finished["texts"][0] == ""
    assert finished["texts"][1] == job["finished_at"]
    assert state["texts"] == ["queued", "succeeded"]
    assert seconds["numbers"][0] == "NaN"
    assert 0 < seconds["numbers"][1] < 60
    assert patience["numbers"] == ["NaN", "NaN"]

    query: dict[str, str | int] = {"fields": "epoch", "order_by": "best.value", "page_size": 1}
    first = client.get("/v1/jobs/columns", params=query).json()
    query["page_token"] = first["next_page_token"]
    second = client.get("/v1/jobs/columns", params=query).json()
    assert [page["ids"] for page in (first, second)] == [[ended], [waiting]]
    assert ids(client, "seconds < 60", order_by="seconds") == [ended]
    none = client.get("/v1/jobs/columns", params={"fields": "name,epoch", "filter": "epoch > 9"})
    assert none.json()["ids"] == []
    assert [column["field"] for column in none.json()["columns"]] == ["name", "epoch"]


@pytest.mark.parametrize(
    ("fields", "field", "description"),
    [
        ("epoch,learning_rate", "fields[1]", "learning_rate is not a field"),
        ("spec.network", "fields[0]", "spec.network is not a number, a time or a text"),
        ("", "fields[0]", "must not be empty"),
        (",".join(["epoch"] * 21), "fields", "may have at most 20"),
    ],
)
def test_columns_that_cannot_be_read_are_refused(
    client: TestClient, fields: str, field: str, description: str
) -> None:
    answer = client.get("/v1/jobs/columns", params={"fields": fields})
    assert (answer.status_code, answer.json()["reason"]) == (400, "invalid_argument")
    [error] = answer.json()["errors"]
    assert error["field"] == field
    assert error["description"].startswith(description), error


@pytest.mark.parametrize(
    ("query", "field", "description"),
    [
        ({"filter": "status = done"}, "filter", "at character 1: status is not a field"),
        ({"filter": "state = done"}, "filter", "at character 9: must be one of waiting, "),
        ({"filter": "x" * 2001}, "filter", "may have at most 2000 characters"),
        ({"order_by": "-epoch"}, "order_by", "-epoch is not a field"),
        ({"view": "small"}, "view", "must be one of"),
    ],
)
def test_a_filter_or_order_that_cannot_be_read_is_refused(
    client: TestClient, query: dict[str, str], field: str, description: str
) -> None:
    answer = client.get("/v1/jobs", params=query)
    assert (answer.status_code, answer.json()["reason"]) == (400, "invalid_argument")
    [error] = answer.json()["errors"]
    assert error["field"] == field
    assert error["description"].startswith(description), error


def test_a_page_follows_the_page_before_in_its_order_only(client: TestClient) -> None:
    made = [create(client, epochs=1 + number % 2) for number in range(5)]
    order = "spec.epochs desc"
    first = client.get("/v1/jobs", params={"order_by": order, "page_size": 3}).json()
    token = first["next_page_token"]
    second = client.get("/v1/jobs", params={"order_by": order, "page_token": token}).json()
    listed = [job["id"] for page in (first, second) for job in page["jobs"]]
    assert listed == [made[3], made[1], made[4], made[2], made[0]]
    assert second["next_page_token"] is None

    def coded(text: str) -> str:
        return urlsafe_b64encode(text.encode()).decode()

    for wrong in (
        {"page_token": token},
        {"page_token": token, "order_by": "spec.epochs"},
        {"page_token": made[0], "order_by": order},
        {"page_token": coded("7"), "order_by": order},
        {"page_token": coded('["spec.epochs desc", "many", "' + made[0] + '"]'), "order_by": order},
        {"page_token": coded('["spec.epochs desc", 1, "job_1"]'), "order_by": order},
        {"page_token": coded('["spec.epochs desc", 1]'), "order_by": order},
        {"page_token": coded('["spec.epochs desc", ' + "9" * 400 + f', "{made[0]}"]')}
        | {"order_by": order},
        {"page_token": coded('["name", "\\u0000", "' + made[0] + '"]'), "order_by": "name"},
    ):
        answer = client.get("/v1/jobs", params=wrong)
        assert answer.status_code == 400, wrong
        assert [error["field"] for error in answer.json()["errors"]] == ["page_token"]


def test_a_list_has_no_inline_data_unless_it_is_requested(
    client: TestClient, train: Callable[[str], str | None]
) -> None:
    job_id = client.post("/v1/jobs", json=INLINE).json()["id"]
    assert train(job_id) == "succeeded"
    client.patch(f"/v1/jobs/{job_id}", json={"name": "another name"})
    job = client.get(f"/v1/jobs/{job_id}").json()
    assert len(job["spec"]["dataset"]["inputs"]) == 500
    [full] = client.get("/v1/jobs", params={"view": "full"}).json()["jobs"]
    assert full == job
    [basic] = client.get("/v1/jobs").json()["jobs"]
    no_rows: dict[str, Any] = {"inputs": [], "targets": [], "weights": []}
    assert basic == {
        **job,
        "spec": {
            **job["spec"],
            "dataset": {**job["spec"]["dataset"], **no_rows},
            "validation_dataset": {**job["spec"]["validation_dataset"], **no_rows},
        },
        "baselines": {**job["baselines"], "separability": None, "ngrams": []},
    }
    assert job["baselines"]["separability"] is not None
    again = client.post("/v1/jobs", json=basic["spec"])
    assert again.status_code == 400
    assert again.json()["errors"][0]["field"] == "dataset.inputs"
