"""Data sets over HTTP: as JSON, and as the file that a spreadsheet saves."""

from typing import Any

import pytest
from starlette.testclient import TestClient

CSV = "width,height,kind\n1.5,2,cat\n3,4.5,dog\n2,2,cat\n"
TEXT = {"Content-Type": "text/csv"}


def test_a_csv_body_and_the_same_csv_in_json_give_the_same_data_set(client: TestClient) -> None:
    query = {"name": "pets", "target": "kind", "task": "classification"}
    from_file = client.post("/v1/datasets", content=CSV, headers=TEXT, params=query)
    from_json = client.post("/v1/datasets", json={**query, "csv": CSV})
    assert from_file.status_code == from_json.status_code == 201
    assert from_file.headers["location"] == f"/v1/datasets/{from_file.json()['id']}"

    def without_id(answer: Any) -> dict[str, Any]:
        return {k: v for k, v in answer.json().items() if k not in ("id", "created_at")}

    assert without_id(from_file) == without_id(from_json)
    assert without_id(from_file)["class_names"] == ["cat", "dog"]


def test_the_preview_has_the_first_rows(client: TestClient) -> None:
    path = client.post("/v1/datasets", content=CSV, headers=TEXT).headers["location"]
    preview = client.get(f"{path}/preview?rows=2").json()
    assert preview["inputs"] == [[1.5, 2.0], [3.0, 4.5]]
    assert preview["targets"] == [[0.0], [1.0]]


def test_a_generator_becomes_a_data_set(client: TestClient) -> None:
    body = {"name": "moons", "generator": {"name": "two_moons", "samples": 20}}
    assert client.post("/v1/datasets", json=body).json()["samples"] == 20


def test_a_query_beside_a_json_body_is_refused(client: TestClient) -> None:
    answer = client.post("/v1/datasets?target=kind", json={"name": "pets", "csv": CSV})
    assert answer.status_code == 400
    assert answer.json()["errors"] == [
        {"field": "target", "description": "must be in the body, because the body is JSON"}
    ]


def test_a_file_that_is_not_utf_8_is_windows_1252_or_refused(client: TestClient) -> None:
    rows = b"\n1,2\n2,3\n"
    dataset = client.post("/v1/datasets", content=b"caf\xe9,y" + rows, headers=TEXT).json()
    assert dataset["feature_names"] == ["caf\u00e9"]
    assert [(note["column"], note["reason"]) for note in dataset["warnings"]] == [("", "encoding")]
    answer = client.post("/v1/datasets", content=b"caf\x81,y" + rows, headers=TEXT)
    assert answer.status_code == 400
    assert answer.json()["errors"] == [
        {
            "field": "lines[1]",
            "description": "Line 1: byte 0x81 is not UTF-8; save the file as UTF-8.",
        }
    ]


def test_what_is_wrong_in_a_json_body_is_named_without_the_names_of_types(
    client: TestClient,
) -> None:
    answer = client.post("/v1/datasets", json={"name": "", "csv": CSV, "task": "magic"})
    assert [error["field"] for error in answer.json()["errors"]] == ["name", "task"]


def test_a_body_that_is_neither_json_nor_a_file_is_refused(client: TestClient) -> None:
    answer = client.post("/v1/datasets", content=CSV, headers={"Content-Type": "text/html"})
    assert answer.status_code == 415
    assert "application/json or text/csv" in answer.json()["detail"]


def test_the_plays_are_previewed_and_stored_with_merged_tokens(client: TestClient) -> None:
    preview = client.get("/v1/datasets/plays/preview?merges=80&rows=2&length=16").json()
    names = preview["dataset"]["token_names"]
    text = "".join(names[int(token)] for row in preview["inputs"] for token in row)
    assert len(names) == 145
    assert len(text) > 32
    assert "First Citizen:\nBefore we proceed any further, hear me speak.".startswith(text)
    generator = {"name": "plays", "samples": 20, "length": 16, "merges": 80}
    stored = client.post("/v1/datasets", json={"name": "mine", "generator": generator})
    assert stored.status_code == 201, stored.text
    assert stored.json()["token_names"] == names


@pytest.mark.parametrize(
    ("query", "words"),
    [
        ("plays/preview?merges=-1", "must be at least 0"),
        ("plays/preview?merges=1001", "between 0 and 1000"),
        ("plays/preview?merges=many", "merges"),
        ("plays/preview?merges=500&samples=7999", "at most 1,769 for 500 merges"),
        ("names/preview?merges=5", "not a parameter of names"),
    ],
)
def test_merges_that_do_not_fit_are_refused(client: TestClient, query: str, words: str) -> None:
    reply = client.get(f"/v1/datasets/{query}")
    assert reply.status_code == 400
    assert words in reply.text


def test_what_is_built_in_is_listed_previewed_and_never_deleted(client: TestClient) -> None:
    names = [dataset["id"] for dataset in client.get("/v1/datasets").json()["datasets"]]
    assert {"xor", "digits", "two_moons"} <= set(names)
    preview = client.get("/v1/datasets/two_moons/preview?samples=12&rows=1000&seed=3").json()
    assert len(preview["inputs"]) == 12
    refused = client.delete("/v1/datasets/xor")
    assert (refused.status_code, refused.json()["reason"]) == (409, "dataset_builtin")


def test_a_list_has_thumbnails_on_request(client: TestClient) -> None:
    assert client.get("/v1/datasets").json()["thumbnails"] == []
    page = client.get("/v1/datasets?thumbnails=true").json()
    pictured = {row["dataset"]: row for row in page["thumbnails"]}
    for dataset in (row for row in page["datasets"] if row["builtin"]):
        inputs, targets = pictured[dataset["id"]]["inputs"], pictured[dataset["id"]]["targets"]
        assert 4 <= len(inputs) == len(targets) <= 120
        assert {len(row) for row in inputs} == {dataset["features"]}
        assert len(inputs) * (len(inputs[0]) + len(targets[0])) <= 2048
    assert pictured["xor"]["targets"] == [[0], [1], [1], [0]]
    # Rows from the whole of a file that is sorted by class, with three digits of each number.
    assert {target for (target,) in pictured["iris"]["targets"]} == {0, 1, 2}
    rows = client.get("/v1/datasets/two_moons/preview?rows=1000").json()["inputs"]
    rounded = [[float(f"{number:.3g}") for number in row] for row in rows]
    assert all(row in rounded for row in pictured["two_moons"]["inputs"])


def test_a_deleted_data_set_is_gone(client: TestClient) -> None:
    path = client.post("/v1/datasets", content=CSV, headers=TEXT).headers["location"]
    assert client.delete(path).status_code == 204
    assert client.get(path).status_code == 404
    assert client.get(f"{path}/preview").status_code == 404


def test_columns_are_described_and_may_be_chosen(client: TestClient) -> None:
    csv = "id,size,garage,price\n1,120,yes,300.5\n2,,no,210\n3,100,yes,260\n"
    refused = client.post("/v1/datasets", content=csv, headers=TEXT)
    assert [error["field"] for error in refused.json()["errors"]] == ["lines[3].size"]
    dataset = client.post("/v1/datasets?missing=auto", content=csv, headers=TEXT).json()
    columns = {column["name"]: column for column in dataset["columns"]}
    assert columns["size"] == {
        "name": "size",
        "kind": "number",
        "features": ["size"],
        "categories": [],
        "missing": "median",
        "fill_value": "110",
        "unknown": "error",
        "parts": [],
        "day_first": None,
        "decimal_commas": False,
        "thousands": "",
        "unit": "",
        "marks_missing": False,
        "minimum": 100.0,
        "maximum": 120.0,
        "example": "120",
        "filled": 1,
        "filled_lines": [3],
        "scaled": True,
    }
    assert (columns["id"]["kind"], columns["garage"]["kind"]) == ("ignore", "boolean")
    assert dataset["warnings"] == [
        {
            "column": "id",
            "reason": "identifier",
            "description": "Column 'id' identifies the rows and is ignored.",
        }
    ]
    assert client.get(f"/v1/datasets/{dataset['id']}").json() == dataset
    choices = [{"name": "id", "kind": "number"}, {"name": "size", "kind": "ignore"}]
    body = {"name": "houses", "csv": csv, "columns": choices}
    assert client.post("/v1/datasets", json=body).json()["feature_names"] == ["id", "garage"]
