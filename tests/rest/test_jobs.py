"""Jobs over HTTP, from the spec to the weights."""

import csv
import hashlib
import io
import json
import math
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from starlette.testclient import TestClient
from tests.rest.conftest import XOR

from epochal_service.rest.accept import prefers

KEY = {"Idempotency-Key": "lesson-3"}


def test_a_job_is_made_and_found_where_its_location_says(client: TestClient) -> None:
    made = client.post("/v1/jobs", json=XOR)
    assert made.status_code == 201
    job = made.json()
    assert made.headers["location"] == f"/v1/jobs/{job['id']}"
    assert job["state"] == "queued"
    # 2·4 + 4 + 4·1 + 1 = 17 parameters, 4 samples, 20 epochs, 6 operations each.
    assert (job["parameters"], job["samples"], job["flops"]) == (17, 4, 3 * 24 * 4 * 20)
    assert client.get(made.headers["location"]).json() == job


def test_a_job_that_is_only_validated_is_priced_and_not_made(client: TestClient) -> None:
    answer = client.post("/v1/jobs/validate", json=XOR)
    assert answer.status_code == 200
    assert "location" not in answer.headers
    assert answer.json().keys() == {
        *("spec", "forked_from", "parameters", "samples", "flops", "seconds"),
        *("memory_bytes", "stored_bytes"),
    }
    assert answer.json()["parameters"] == 17
    assert client.get("/v1/jobs").json()["jobs"] == []


def test_the_same_key_gives_the_same_job_and_refuses_another_spec(client: TestClient) -> None:
    first = client.post("/v1/jobs", json=XOR, headers=KEY)
    again = client.post("/v1/jobs", json=XOR, headers=KEY)
    assert again.is_success
    assert again.json() == first.json()
    assert again.headers["location"] == first.headers["location"]
    other = client.post("/v1/jobs", json={**XOR, "epochs": 21}, headers=KEY)
    assert (other.status_code, other.json()["reason"]) == (422, "idempotency_mismatch")
    assert len(client.get("/v1/jobs").json()["jobs"]) == 1


@pytest.mark.parametrize("key", ["", "k" * 201])
def test_a_key_that_is_empty_or_too_long_is_refused(client: TestClient, key: str) -> None:
    answer = client.post("/v1/jobs", json=XOR, headers={"Idempotency-Key": key})
    assert answer.status_code == 400
    assert answer.json()["errors"][0]["field"] == "Idempotency-Key"


def test_a_misspelt_parameter_makes_no_job(client: TestClient) -> None:
    answer = client.post("/v1/jobs?validate_olny=true", json=XOR)
    assert answer.status_code == 400
    assert answer.json()["errors"] == [
        {"field": "validate_olny", "description": "is not a field here"}
    ]
    assert client.get("/v1/jobs").json()["jobs"] == []


def test_a_parameter_that_a_method_does_not_have_stops_it(client: TestClient) -> None:
    path = client.post("/v1/jobs", json=XOR).headers["location"]
    answer = client.post(f"{path}/cancel?dry_run=1")
    assert answer.status_code == 400
    assert answer.json()["errors"] == [{"field": "dry_run", "description": "is not a field here"}]
    assert client.get(path).json()["state"] == "queued"


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"epochs": 0}, "epochs"),
        ({"epochs": "5"}, "epochs"),
        ({"loss": "cross"}, "loss"),
        ({"optimizer": {"type": "adam", "learning_rate": -1}}, "optimizer.learning_rate"),
        ({"optimizer": {"type": "magic"}}, "optimizer.type"),
        ({"labels": {"Course": "x"}}, "labels.Course"),
        ({"dataset": {"name": "nowhere"}}, "dataset.name"),
    ],
)
def test_a_wrong_field_is_named(client: TestClient, change: dict[str, Any], field: str) -> None:
    answer = client.post("/v1/jobs", json={**XOR, **change})
    assert (answer.status_code, answer.json()["reason"]) == (400, "invalid_argument")
    assert [error["field"] for error in answer.json()["errors"]] == [field]


@pytest.mark.parametrize(
    ("query", "field"),
    [
        ("page_size=0", "page_size"),
        ("page_size=ten", "page_size"),
        ("page_token=x", "page_token"),
        ("page_token=net_0649f2a51c3d0_9f86d081884c7d65", "page_token"),
        ("states=asleep", "states[0]"),
        ("order=asc", "order"),
    ],
)
def test_a_wrong_parameter_is_named(client: TestClient, query: str, field: str) -> None:
    answer = client.get(f"/v1/jobs?{query}")
    assert answer.status_code == 400
    assert [error["field"] for error in answer.json()["errors"]] == [field]


def test_jobs_are_listed_by_state_and_label(client: TestClient) -> None:
    client.post("/v1/jobs", json={**XOR, "labels": {"course": "week-3"}})
    client.post("/v1/jobs", json={**XOR, "labels": {"course": "week-4"}})
    assert len(client.get("/v1/jobs?states=queued&label=course").json()["jobs"]) == 2
    [job] = client.get("/v1/jobs", params={"label": "course=week-4"}).json()["jobs"]
    assert job["spec"]["labels"] == {"course": "week-4"}
    assert client.get("/v1/jobs?states=running").json()["jobs"] == []


def matching(client: TestClient, **query: str) -> list[str]:
    return [job["id"] for job in client.get("/v1/jobs", params=query).json()["jobs"]]


def test_a_job_is_found_by_its_new_name_and_labels_only(client: TestClient) -> None:
    spec = {**XOR, "name": "First", "labels": {"course": "week-3", "old": "a\nb"}}
    job = client.post("/v1/jobs", json=spec).json()
    path = f"/v1/jobs/{job['id']}"
    change = {"name": "Zwölf", "labels": {"course": "week-4"}, "remove_labels": ["old", "no"]}
    changed = client.patch(path, json=change)
    assert changed.status_code == 200
    assert changed.json() == client.get(path).json()
    assert changed.json() == job | {
        "spec": job["spec"] | {"name": "Zwölf", "labels": {"course": "week-4"}}
    }
    for text in ("zwölf", "WEEK-4", "xor", job["id"]):
        assert matching(client, query=text) == [job["id"]]
    for text in ("first", "week-3", "old=a"):
        assert matching(client, query=text) == []
    assert matching(client, label="course=week-4") == [job["id"]]
    assert matching(client, label="old") == []


def test_what_an_update_leaves_out_stays(client: TestClient) -> None:
    spec = {**XOR, "name": "xor", "labels": {"course": "week-3"}}
    path = client.post("/v1/jobs", json=spec).headers["location"]
    assert client.patch(path, json={}).json()["spec"]["name"] == "xor"
    added = client.patch(path, json={"labels": {"level": "1"}}).json()["spec"]
    assert (added["name"], added["labels"]) == ("xor", {"course": "week-3", "level": "1"})
    unnamed = client.patch(path, json={"name": ""}).json()["spec"]
    assert (unnamed["name"], unnamed["labels"]) == (None, added["labels"])
    # The data set has the name that the job had.
    assert len(matching(client, query="xor")) == 1


MERGE_PATCH = {"Content-Type": "Application/Merge-Patch+JSON; charset=utf-8"}


@pytest.mark.parametrize("noun", ["jobs", "sweeps"])
def test_null_in_a_merge_patch_removes(client: TestClient, noun: str) -> None:
    job = {**XOR, "name": "first", "labels": {"course": "3", "draft": ""}}
    spec = job if noun == "jobs" else {"job": job, "variants": [{"seed": 1}]}
    path = f"/v1/{noun}/{client.post(f'/v1/{noun}', json=spec).json()['id']}"

    def changed(patch: Any, headers: dict[str, str] = MERGE_PATCH) -> tuple[Any, Any]:
        answer = client.patch(path, content=json.dumps(patch), headers=headers)
        assert answer.status_code == 200, answer.text
        stored = client.get(path).json()["spec"]
        stored = stored.get("job", stored)
        return stored["name"], stored["labels"]

    assert changed({}) == ("first", {"course": "3", "draft": ""})
    json_type = {"Content-Type": "application/json"}
    assert changed({"name": None}, json_type)[0] == "first"
    assert changed({"labels": {"draft": None, "absent": None, "week": "4"}}) == (
        "first",
        {"course": "3", "week": "4"},
    )
    assert changed({"name": None}) == (None, {"course": "3", "week": "4"})
    assert changed({"name": "second", "labels": {"course": "5"}}) == (
        "second",
        {"course": "5", "week": "4"},
    )


@pytest.mark.parametrize(
    ("patch", "media_type", "status"),
    [
        ({"labels": None}, "application/merge-patch+json", 400),
        ({"labels": {"a": None}, "remove_labels": ["b"]}, "application/merge-patch+json", 400),
        ({"epochs": None}, "application/merge-patch+json", 400),
        ([], "application/merge-patch+json", 400),
        (None, "application/merge-patch+json", 400),
        ({"labels": {"a": None}}, "application/json", 400),
        ({}, "application/json-patch+json", 415),
        ({}, "text/plain", 415),
    ],
)
def test_a_patch_that_cannot_be_applied_is_refused(
    client: TestClient, patch: Any, media_type: str, status: int
) -> None:
    path = f"/v1/jobs/{client.post('/v1/jobs', json=XOR).json()['id']}"
    headers = {"Content-Type": media_type}
    answer = client.patch(path, content=json.dumps(patch), headers=headers)
    assert answer.status_code == status
    if status == 415:
        assert "application/merge-patch+json" in answer.json()["detail"]


def test_only_patch_reads_a_merge_patch(client: TestClient) -> None:
    answer = client.post("/v1/jobs", content=json.dumps(XOR), headers=MERGE_PATCH)
    assert answer.status_code == 415


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"name": "x" * 101}, "name"),
        ({"name": "a\nb"}, "name"),
        ({"name": 4}, "name"),
        ({"labels": {"Course": "x"}}, "labels.Course"),
        ({"labels": {"course": "x" * 65}}, "labels.course"),
        ({"labels": {"course": None}}, "labels.course"),
        ({"labels": {f"k{n}": "" for n in range(17)}}, "labels"),
        ({"labels": {f"k{n}": "" for n in range(16)}}, "labels"),
        ({"labels": {"level": "1"}, "remove_labels": ["level"]}, "remove_labels"),
        ({"remove_labels": ["Level"]}, "remove_labels[0]"),
        ({"epochs": 9}, "epochs"),
    ],
)
def test_a_wrong_update_changes_nothing(
    client: TestClient, change: dict[str, Any], field: str
) -> None:
    made = client.post("/v1/jobs", json={**XOR, "labels": {"course": "week-3"}})
    path = made.headers["location"]
    answer = client.patch(path, json=change)
    assert (answer.status_code, answer.json()["reason"]) == (400, "invalid_argument")
    assert [error["field"] for error in answer.json()["errors"]] == [field]
    assert client.get(path).json() == made.json()


def test_a_retry_finds_a_job_that_was_renamed(client: TestClient) -> None:
    path = client.post("/v1/jobs", json=XOR, headers=KEY).headers["location"]
    client.patch(path, json={"name": "another"})
    retried = client.post("/v1/jobs", json=XOR, headers=KEY)
    assert (retried.headers["location"], retried.json()["spec"]["name"]) == (path, "another")


def test_a_job_is_paused_resumed_cancelled_and_deleted(client: TestClient) -> None:
    path = client.post("/v1/jobs", json=XOR).headers["location"]
    assert client.delete(path).status_code == 409
    assert client.post(f"{path}/pause").json()["state"] == "paused"
    assert client.post(f"{path}/resume").json()["state"] == "queued"
    assert client.post(f"{path}/cancel").json()["state"] == "cancelled"
    assert client.post(f"{path}/cancel").json()["state"] == "cancelled"
    assert client.post(f"{path}/pause").status_code == 409
    assert client.delete(path).status_code == 204
    assert client.get(path).status_code == 404


@pytest.mark.parametrize(
    ("verb", "path"),
    [
        ("GET", ""),
        ("DELETE", ""),
        ("PATCH", ""),
        ("POST", "/cancel"),
        ("POST", "/pause"),
        ("POST", "/resume"),
        ("GET", "/epochs"),
        ("GET", "/curve"),
        ("GET", "/gradients"),
        ("GET", "/checkpoints"),
        ("GET", "/checkpoints/1"),
        ("GET", "/events"),
    ],
)
@pytest.mark.parametrize("job_id", ["job_none", "%00", "\u2603", "net_0"])
def test_a_job_that_is_not_there_is_not_found(
    client: TestClient, verb: str, path: str, job_id: str
) -> None:
    body: dict[str, Any] | None = {} if verb == "PATCH" else None
    answer = client.request(verb, f"/v1/jobs/{job_id}{path}", json=body)
    assert (answer.status_code, answer.json()["reason"]) == (404, "not_found")


@pytest.mark.parametrize(
    "request_", [{}, {"json": {}}, {"json": {"epochs": 3}}, {"json": {"epochs": None}}]
)
def test_a_job_is_resumed_with_and_without_a_body(
    client: TestClient, request_: dict[str, Any]
) -> None:
    job = client.post("/v1/jobs", json=XOR).json()["id"]
    client.post(f"/v1/jobs/{job}/pause")
    answer = client.post(f"/v1/jobs/{job}/resume", **request_)
    assert (answer.status_code, answer.json()["state"]) == (200, "queued")


@pytest.mark.parametrize("body", [{"epochs": 0}, {"epochs": "1"}, {"epochs": 1.5}, {"steps": 1}, 3])
def test_a_wrong_number_of_epochs_resumes_nothing(client: TestClient, body: object) -> None:
    job = client.post("/v1/jobs", json=XOR).json()["id"]
    client.post(f"/v1/jobs/{job}/pause")
    assert client.post(f"/v1/jobs/{job}/resume", json=body).status_code == 400
    assert client.get(f"/v1/jobs/{job}").json()["state"] == "paused"


def test_every_epoch_is_listed_in_pages(client: TestClient, trained: str) -> None:
    page = client.get(f"/v1/jobs/{trained}/epochs?page_size=15").json()
    assert [row["epoch"] for row in page["epochs"]] == list(range(1, 16))
    rest = client.get(f"/v1/jobs/{trained}/epochs?after_epoch={page['next_after_epoch']}").json()
    assert [row["epoch"] for row in rest["epochs"]] == list(range(16, 21))
    assert rest["next_after_epoch"] is None


def test_as_csv_the_epochs_are_one_table(client: TestClient, trained: str) -> None:
    path = f"/v1/jobs/{trained}/epochs"
    answer = client.get(f"{path}?after_epoch=2&page_size=3", headers={"Accept": "text/csv"})
    assert answer.headers["content-type"] == "text/csv; charset=utf-8"
    table = list(csv.DictReader(io.StringIO(answer.text)))
    rows = client.get(f"{path}?after_epoch=2").json()["epochs"]
    assert [row["epoch"] for row in table] == [str(epoch) for epoch in range(3, 21)]
    texts = [{n: "" if v is None else repr(v) for n, v in row.items()} for row in rows]
    assert table == texts
    assert {row["validation_loss"] for row in table} == {""}


def test_a_csv_of_more_than_a_page_has_every_epoch_once(
    client: TestClient, train: Callable[[str], str | None]
) -> None:
    job_id = client.post("/v1/jobs", json={**XOR, "epochs": 2500}).json()["id"]
    train(job_id)
    answer = client.get(f"/v1/jobs/{job_id}/epochs", headers={"Accept": "text/csv"})
    header, *lines = answer.text.splitlines()
    assert header.startswith("epoch,train_loss,")
    assert [int(line.partition(",")[0]) for line in lines] == list(range(1, 2501))


def test_a_job_that_diverged_is_valid_json_and_csv(
    client: TestClient, train: Callable[[str], str | None]
) -> None:
    layers = [{"type": "dense", "units": 4}] * 15 + [{"type": "dense", "units": 1}]
    hot = {
        **XOR,
        "network": {"input_shape": [2], "layers": layers},
        "loss": "mse",
        "optimizer": {"type": "sgd", "learning_rate": 1e12},
    }
    job_id = client.post("/v1/jobs", json=hot).json()["id"]
    assert train(job_id) == "failed"
    job = client.get(f"/v1/jobs/{job_id}").json()
    assert job["stop_reason"] == "diverged"
    last = client.get(f"/v1/jobs/{job_id}/epochs?page_size=1000").json()["epochs"][-1]
    assert last["train_loss"] in ("NaN", "Infinity")
    table = client.get(f"/v1/jobs/{job_id}/epochs", headers={"Accept": "text/csv"}).text
    assert table.splitlines()[-1].split(",")[1] == last["train_loss"]


def test_by_column_the_epochs_are_those_of_the_rows(client: TestClient, trained: str) -> None:
    path = f"/v1/jobs/{trained}/epochs"
    rows = client.get(path).json()["epochs"]
    table = client.get(f"{path}/columns").json()
    assert table["epochs"] == [row["epoch"] for row in rows]
    assert "validation_loss" not in table["columns"]
    for metric, column in table["columns"].items():
        assert column == [row[metric] for row in rows]
    assert table["next_after_epoch"] is None

    page = client.get(f"{path}/columns?after_epoch=3&page_size=5&metrics=train_loss").json()
    losses = [row["train_loss"] for row in rows]
    expected = {"epochs": [4, 5, 6, 7, 8], "columns": {"train_loss": losses[3:8]}}
    assert page == {**expected, "next_after_epoch": 8}
    last = client.get(f"{path}/columns?after_epoch=8&page_size=12").json()
    assert (last["epochs"], last["next_after_epoch"]) == ([*range(9, 21)], None)
    beyond = client.get(f"{path}/columns?after_epoch=20").json()
    assert beyond == {"epochs": [], "columns": {}, "next_after_epoch": None}


def test_a_file_of_arrays_has_the_epochs_by_column(
    client: TestClient, train: Callable[[str], str | None]
) -> None:
    job_id = client.post("/v1/jobs", json={**XOR, "epochs": 5000}).json()["id"]
    train(job_id)
    path = f"/v1/jobs/{job_id}/epochs/columns"
    answer = client.get(path, headers={"Accept": "application/x-npz"})  # of the second process
    assert answer.headers["content-type"] == "application/x-npz"
    table = client.get(path).json()
    with np.load(io.BytesIO(answer.content), allow_pickle=False) as arrays:
        assert {*arrays} == {"epoch", *table["columns"]}
        assert arrays["epoch"].tolist() == table["epochs"] == [*range(1, 5001)]
        for metric, column in table["columns"].items():
            assert arrays[metric].tolist() == column


@pytest.mark.parametrize(
    ("accept", "csv_wanted"),
    [
        ("", False),
        ("*/*", False),
        ("text/csv", True),
        ("TEXT/CSV;charset=utf-8", True),
        ("application/json, text/csv", False),
        ("application/json;q=0.5, text/csv", True),
        ("text/csv;q=0.1, */*;q=0.2", False),
        ("text/csv;q=0", False),
        ("text/*", True),
        ("application/json;q=0, */*", True),
    ],
)
def test_the_accept_header_ranks_csv_and_json(accept: str, csv_wanted: bool) -> None:
    assert prefers("text/csv", accept) is csv_wanted


def test_a_curve_has_the_metrics_that_were_asked_for(client: TestClient, trained: str) -> None:
    path = f"/v1/jobs/{trained}/curve"

    def metrics(query: str) -> list[str]:
        return [series["metric"] for series in client.get(f"{path}?{query}").json()["series"]]

    pair = ["train_loss", "gradient_norm"]
    assert sorted(metrics("metrics=train_loss,gradient_norm")) == sorted(pair)
    assert sorted(metrics("metrics=train_loss&metrics=gradient_norm")) == sorted(pair)
    assert set(pair) < set(metrics(""))
    wrong = client.get(f"{path}?metrics=train_loss,glory")
    assert wrong.status_code == 400
    assert wrong.json()["errors"][0]["field"] == "metrics[1]"


def test_gradients_come_every_fourth_epoch_as_asked(client: TestClient, trained: str) -> None:
    page = client.get(f"/v1/jobs/{trained}/gradients").json()
    assert [snapshot["epoch"] for snapshot in page["snapshots"]] == [4, 8, 12, 16, 20]


def test_one_page_of_gradients_has_the_extremes_of_the_whole_run(
    client: TestClient, trained: str
) -> None:
    path = f"/v1/jobs/{trained}/gradients"
    snapshots = client.get(path).json()["snapshots"]
    norms = [math.hypot(*(layer["norm"] for layer in item["layers"])) for item in snapshots]
    extremes = {0, norms.index(min(norms)), norms.index(max(norms)), 4}
    page = client.get(f"{path}?max_points=4&page_size=1").json()
    selected = [snapshots[index] for index in sorted(extremes)]
    assert page["snapshots"] == selected
    assert page["next_after_epoch"] is None
    # All 20 epochs are in one bucket, which is open.
    assert (page["epochs_per_bucket"], page["closed_epoch"]) == (32, 0)
    assert client.get(f"{path}?max_points=5").json()["snapshots"] == snapshots
    assert client.get(f"{path}?max_points=4&after_epoch=4").json()["snapshots"] == selected[1:]
    assert client.get(f"{path}?max_points=3").json()["errors"][0]["field"] == "max_points"


def test_a_checkpoint_is_a_file_with_its_digest(client: TestClient, trained: str) -> None:
    [*_, last] = client.get(f"/v1/jobs/{trained}/checkpoints").json()["checkpoints"]
    answer = client.get(f"/v1/jobs/{trained}/checkpoints/{last['epoch']}")
    assert answer.status_code == 200
    assert answer.headers["content-type"] == "application/octet-stream"
    assert answer.headers["etag"] == f'"{last["sha256"]}"'
    assert hashlib.sha256(answer.content).hexdigest() == last["sha256"]
    assert len(answer.content) == last["size_bytes"]
    assert f'filename="{trained}-epoch-20.safetensors"' in answer.headers["content-disposition"]


def test_a_checkpoint_that_the_caller_has_is_not_sent_again(
    client: TestClient, trained: str
) -> None:
    path = f"/v1/jobs/{trained}/checkpoints/20"
    etag = client.get(path).headers["etag"]
    again = client.get(path, headers={"If-None-Match": etag})
    assert (again.status_code, again.content) == (304, b"")
    assert client.get(f"{path}?format=npz", headers={"If-None-Match": etag}).status_code == 200


def test_an_npz_checkpoint_holds_the_weights_without_pickle(
    client: TestClient, trained: str
) -> None:
    answer = client.get(f"/v1/jobs/{trained}/checkpoints/20?format=npz")
    with np.load(io.BytesIO(answer.content), allow_pickle=False) as arrays:
        assert sum(array.size for array in arrays.values()) == 17


@pytest.mark.parametrize("epoch", ["-1", "last", str(2**63)])
def test_an_epoch_that_is_no_number_is_refused(
    client: TestClient, trained: str, epoch: str
) -> None:
    answer = client.get(f"/v1/jobs/{trained}/checkpoints/{epoch}")
    assert answer.status_code == 400
    assert answer.json()["errors"][0]["field"] == "epoch"


def test_an_epoch_without_a_checkpoint_is_not_matching(client: TestClient, trained: str) -> None:
    answer = client.get(f"/v1/jobs/{trained}/checkpoints/3")
    assert (answer.status_code, answer.json()["reason"]) == (404, "checkpoint_not_found")


@pytest.mark.parametrize("library", ["numpy", "pytorch"])
def test_a_training_is_exported_as_a_program(
    client: TestClient, trained: str, library: str
) -> None:
    path = f"/v1/jobs/{trained}/export?format=training_{library}"
    answer = client.get(path)
    assert answer.status_code == 200
    filename = f'filename="{trained}-epoch-20-training_{library}.py"'
    assert filename in answer.headers["content-disposition"]
    compile(answer.content, "training.py", "exec")
    assert "EPOCHS = 20" in answer.text
    wrong = client.get(f"{path}&epoch=20").json()
    assert [error["field"] for error in wrong["errors"]] == ["epoch"]


def test_a_job_without_an_epoch_has_no_training_to_export(client: TestClient) -> None:
    job_id = client.post("/v1/jobs", json=XOR).json()["id"]
    answer = client.get(f"/v1/jobs/{job_id}/export?format=training_numpy")
    assert answer.status_code == 404
    assert "is queued and has no epoch yet" in answer.json()["detail"]


def test_rows_and_grids_are_predicted(client: TestClient, trained: str) -> None:
    path = f"/v1/jobs/{trained}/predict"
    rows = client.post(path, json={"inputs": [[0, 0], [0, 1]]}).json()
    assert rows["epoch"] == 20
    assert [len(row) for row in rows["outputs"]] == [1, 1]
    square = {"x_min": 0, "x_max": 1, "y_min": 0, "y_max": 1, "resolution": 2}
    grid = client.post(path, json={"grid": square, "epoch": 20}).json()
    assert (grid["x"], grid["y"]) == ([0.0, 1.0], [0.0, 1.0])
    extent = max(grid["outputs"])[0] - min(grid["outputs"])[0]
    for point, row in ((0, 0), (2, 1)):
        (drawn,), (exact,) = grid["outputs"][point], rows["outputs"][row]
        assert drawn == pytest.approx(exact, abs=extent / 1000)
        assert len(str(drawn)) < len(str(exact))
    both = client.post(path, json={"inputs": [[0, 0]], "grid": square})
    assert both.status_code == 400
