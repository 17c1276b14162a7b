"""Files as the body of a request, as a field of a form, and in pieces."""

import hashlib
import io
import zipfile
from typing import Any

import numpy as np
import pytest
from fastapi import FastAPI
from PIL import Image
from starlette.testclient import TestClient

from epochal_service.jobs.reaper import delete_abandoned
from epochal_service.settings import Limits, Quotas, Settings

CSV = b"width,height,kind\n1.5,2,cat\n3,4.5,dog\n2,2,cat\n"
PAIRS = b'{"prompt": "1+1", "answer": "2"}\n{"prompt": "2+3", "answer": "5"}\n'
OCTETS = {"Content-Type": "application/octet-stream"}


def pictures(side: int = 4) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for name, gray in (("cat/1.png", 51), ("cat/2.png", 102), ("dog/1.png", 204)):
            png = io.BytesIO()
            Image.new("L", (side, side), gray).save(png, "PNG")
            archive.writestr(name, png.getvalue())
    return buffer.getvalue()


def arrays() -> bytes:
    buffer = io.BytesIO()
    np.savez(buffer, x=[[1.0, 2.0], [3.0, 4.0]], y=[1.5, 2.5])
    return buffer.getvalue()


def send(client: TestClient, content: bytes, media_type: str, **query: Any) -> Any:
    headers = {"Content-Type": media_type}
    return client.post("/v1/datasets", content=content, headers=headers, params=query)


def send_form(client: TestClient, content: bytes, filename: str = "x.csv", **fields: Any) -> Any:
    return client.post("/v1/datasets", files={"file": (filename, content)}, data=fields)


def upload(client: TestClient, content: bytes, piece: int = 2**20, **options: Any) -> str:
    created = client.post("/v1/uploads", json={"size_bytes": len(content), **options})
    assert created.status_code == 201
    upload_id: str = created.json()["id"]
    for offset in range(0, len(content), piece):
        reply = append(client, upload_id, offset, content[offset : offset + piece])
        assert reply.json()["offset"] == min(offset + piece, len(content))
    return upload_id


def append(client: TestClient, upload_id: str, offset: int, content: bytes) -> Any:
    return client.post(
        f"/v1/uploads/{upload_id}/append",
        params={"offset": offset},
        content=content,
        headers=OCTETS,
    )


def errors(reply: Any) -> dict[str, str]:
    return {error["field"]: error["description"] for error in reply.json()["errors"]}


@pytest.mark.parametrize(
    ("media_type", "content", "task"),
    [
        ("text/csv", CSV, "binary"),
        ("application/zip", pictures(), "binary"),
        ("application/x-npz", arrays(), "regression"),
        ("text/csv", PAIRS, "sequence"),
    ],
)
def test_a_body_a_form_and_an_upload_give_the_same_data_set(
    client: TestClient, media_type: str, content: bytes, task: str
) -> None:
    replies = [
        send(client, content, media_type, name="pets"),
        send_form(client, content, name="pets"),
        client.post("/v1/datasets", json={"name": "pets", "upload": upload(client, content, 7)}),
    ]
    assert [reply.status_code for reply in replies] == [201, 201, 201], replies
    rows = [
        {k: v for k, v in reply.json().items() if k not in ("id", "created_at")}
        for reply in replies
    ]
    assert rows[0] == rows[1] == rows[2]
    assert rows[0]["task"] == task


def test_options_of_pictures_are_fields_of_each_form_of_request(client: TestClient) -> None:
    options = {"image_size": "2,3", "color": "rgb"}
    body = send(client, pictures(), "application/zip", **options)
    form = send_form(client, pictures(), "pets.zip", **options)
    spec = {"name": "pets", "upload": upload(client, pictures())}
    json = client.post("/v1/datasets", json={**spec, "image_size": [2, 3], "color": "rgb"})
    assert [reply.json()["features"] for reply in (body, form, json)] == [18, 18, 18]
    assert [reply.json()["name"] for reply in (body, form, json)] == ["upload", "pets", "pets"]


@pytest.mark.parametrize(
    ("content", "options", "field"),
    [
        (CSV, {"color": "rgb"}, "color"),
        (CSV, {"image_size": [2, 2]}, "image_size"),
        (pictures(), {"target": "kind"}, "target"),
        (pictures(), {"task": "regression"}, "task"),
        (arrays(), {"target": "kind"}, "target"),
        (arrays(), {"image_size": [2, 2]}, "image_size"),
        (pictures(), {"image_size": [2]}, "image_size"),
        (pictures(), {"image_size": [0, 2]}, "image_size[0]"),
        (pictures(), {"color": "blue"}, "color"),
        (CSV, {"merges": 5}, "merges"),
        (pictures(), {"text": "lines"}, "text"),
        (PAIRS, {"target": "answer"}, "target"),
        (PAIRS, {"length": 1}, "length"),
        (PAIRS, {"merges": 1001}, "merges"),
    ],
)
def test_an_option_that_does_not_fit_the_file_is_named(
    client: TestClient, content: bytes, options: dict[str, Any], field: str
) -> None:
    replies = [
        send(client, content, "text/csv", **options),
        send_form(client, content, **options),
        client.post(
            "/v1/datasets", json={"name": "x", "upload": upload(client, content), **options}
        ),
    ]
    assert [reply.status_code for reply in replies] == [400, 400, 400]
    assert [list(errors(reply)) for reply in replies] == [[field]] * 3


def test_a_text_is_called_so_by_its_media_type_its_name_or_an_option(client: TestClient) -> None:
    text = b"the cat sees the dog, and the dog sees the cat.\n" * 4
    spec = {"name": "cats", "upload": upload(client, text), "text": "windows", "length": 16}
    replies = [
        send(client, text, "text/plain", name="cats", length=16),
        send(client, text, "text/csv", name="cats", length=16, text="windows"),
        send_form(client, text, "cats.txt", length=16),
        client.post("/v1/datasets", json=spec),
    ]
    assert [reply.status_code for reply in replies] == [201] * 4, replies
    for reply in replies:
        dataset = reply.json()
        assert (dataset["name"], dataset["task"]) == ("cats", "sequence")
        assert (dataset["samples"], dataset["features"]) == (11, 16)
        assert dataset["token_names"] == dataset["class_names"] == sorted(set(text.decode()))
    lines = send(client, text, "text/plain", text="lines", merges=50).json()
    assert lines["samples"] == 4
    assert " cat" in lines["token_names"]
    refused = send(client, b"abc\xff", "text/plain")
    assert refused.status_code == 400
    assert errors(refused) == {"data": "Byte 3 is not UTF-8: save the text with this encoding."}


def test_a_form_needs_one_file_and_known_fields(client: TestClient) -> None:
    def refused(**request: Any) -> Any:
        reply = client.post("/v1/datasets", **request)
        assert reply.status_code == 400, reply.text
        return reply

    assert errors(refused(files={"file": ("x.csv", b"")})) == {"file": "must not be empty"}
    assert "field must be named file" in errors(refused(files={"csv": ("x", CSV)}))["csv"]
    assert errors(refused(files={"name": (None, "x")})) == {"file": "must be a file"}
    assert errors(refused(files={"file": ("x.csv", CSV)}, data={"colour": "rgb"})) == {
        "colour": "is not a field here"
    }
    two = refused(files=[("file", ("x.csv", CSV)), ("file", ("y.csv", CSV))])
    assert "Too many files" in two.json()["detail"]
    query = refused(files={"file": ("x.csv", CSV)}, params={"task": "auto"})
    assert errors(query) == {"task": "must be in the body, because the body is a form"}
    headers = {"Content-Type": "multipart/form-data"}
    assert "form is invalid" in refused(content=CSV, headers=headers).json()["detail"]


def test_an_archive_by_name_alone_is_refused_as_such(client: TestClient) -> None:
    reply = send_form(client, b"\x94\x00", "pets.ZIP")
    assert reply.status_code == 400
    assert errors(reply) == {
        "file": "is not a .zip file: it is damaged, or its name is wrong",
    }


def test_a_file_named_only_by_a_suffix_has_the_default_name(client: TestClient) -> None:
    assert send_form(client, CSV, "").status_code == 400  # no file without a name
    assert send_form(client, CSV, "a/b.c.csv").json()["name"] == "b.c"


def test_a_key_makes_one_data_set_of_a_file(client: TestClient) -> None:
    def post(content: bytes) -> Any:
        headers = {"Content-Type": "text/csv", "Idempotency-Key": "once"}
        return client.post("/v1/datasets", content=content, headers=headers)

    assert post(CSV).json()["id"] == post(CSV).json()["id"]
    assert post(CSV + b"1,1,dog\n").status_code == 422


def test_a_key_makes_one_data_set_of_an_upload_once_and_of_the_same_file_again(
    client: TestClient,
) -> None:
    upload_id = upload(client, CSV)
    spec = {"name": "pets", "upload": upload_id}
    replies = [
        client.post("/v1/datasets", json=spec, headers={"Idempotency-Key": "once"})
        for _ in range(2)
    ]
    assert replies[0].json() == replies[1].json()
    assert client.get(f"/v1/uploads/{upload_id}").json()["dataset"] == replies[0].json()["id"]
    again = client.post("/v1/datasets", json=spec)
    assert (again.status_code, list(errors(again))) == (400, ["upload"])
    spec["upload"] = upload(client, CSV)
    same = client.post("/v1/datasets", json=spec, headers={"Idempotency-Key": "once"})
    assert same.json() == replies[0].json()


def test_an_upload_survives_a_wrong_option(client: TestClient) -> None:
    spec = {"name": "pets", "upload": upload(client, CSV)}
    assert client.post("/v1/datasets", json={**spec, "target": "age"}).status_code == 400
    assert client.post("/v1/datasets", json={**spec, "target": "kind"}).status_code == 201


def test_pieces_arrive_in_order_and_may_be_repeated(client: TestClient) -> None:
    upload_id = upload(client, CSV[:0] + b"12345", 2)
    wrong = append(client, upload_id, 3, b"xx")
    assert (wrong.status_code, wrong.json()["reason"]) == (409, "wrong_offset")
    assert wrong.json()["detail"] == "The next offset is 5; got 3"
    assert append(client, upload_id, 2, b"34").json()["offset"] == 5
    assert append(client, upload_id, 2, b"3x").json()["reason"] == "wrong_offset"
    assert append(client, upload_id, 9, b"x").json()["reason"] == "wrong_offset"
    more = append(client, upload_id, 5, b"6")
    assert errors(more) == {"data": "must have at most 0 bytes, the rest of the file; got 1"}
    assert errors(append(client, upload_id, 5, b"")) == {"data": "must not be empty"}
    assert append(client, "upload_1", 0, b"x").status_code == 404
    assert client.delete(f"/v1/uploads/{upload_id}").status_code == 204
    assert append(client, upload_id, 0, b"12").status_code == 404


def test_an_incomplete_upload_says_what_is_missing(client: TestClient) -> None:
    created = client.post("/v1/uploads", json={"size_bytes": 10}).json()
    append(client, created["id"], 0, b"123")
    reply = client.post("/v1/datasets", json={"name": "x", "upload": created["id"]})
    assert (reply.status_code, reply.json()["reason"]) == (409, "upload_incomplete")
    assert "has 3 of 10 bytes" in reply.json()["detail"]
    assert client.get(f"/v1/uploads/{created['id']}").json()["offset"] == 3


def test_a_digest_is_compared(client: TestClient) -> None:
    right = upload(client, CSV, sha256=hashlib.sha256(CSV).hexdigest())
    wrong = upload(client, CSV, sha256=hashlib.sha256(b"other").hexdigest())
    assert client.post("/v1/datasets", json={"name": "x", "upload": right}).status_code == 201
    reply = client.post("/v1/datasets", json={"name": "x", "upload": wrong})
    assert "has the SHA-256" in errors(reply)["upload"]


def test_an_upload_of_the_same_file_continues_until_it_is_a_data_set(client: TestClient) -> None:
    spec = {"size_bytes": len(CSV), "sha256": hashlib.sha256(CSV).hexdigest()}
    first = client.post("/v1/uploads", json=spec).json()
    append(client, first["id"], 0, CSV[:10])
    again = client.post("/v1/uploads", json=spec).json()
    assert (again["id"], again["offset"]) == (first["id"], 10)
    append(client, first["id"], 10, CSV[10:])
    client.post("/v1/datasets", json={"name": "pets", "upload": first["id"]})
    assert client.post("/v1/uploads", json=spec).json()["id"] != first["id"]


def test_abandoned_uploads_are_deleted(client: TestClient, app: FastAPI) -> None:
    upload_id = upload(client, CSV)
    database = app.state.context.database
    delete_abandoned(database, 60)
    assert client.get(f"/v1/uploads/{upload_id}").status_code == 200
    delete_abandoned(database, -60)  # as if a minute had passed
    assert client.get(f"/v1/uploads/{upload_id}").status_code == 404
    with database.read() as connection:
        assert not connection.exec_driver_sql("SELECT * FROM upload_pieces").all()


class TestLimits:
    @pytest.fixture
    def settings(self, settings: Settings) -> Settings:
        limits = Limits(max_upload_bytes=2**12, max_body_bytes=2**10)
        return settings.model_copy(update={"limits": limits, "quotas": Quotas(max_uploads=2)})

    def test_a_file_at_the_limit_is_read_and_one_byte_more_is_not(self, client: TestClient) -> None:
        assert send(client, CSV.ljust(2**12), "text/csv").status_code == 201
        large = send(client, CSV.ljust(2**12 + 1), "text/csv")
        assert (large.status_code, large.json()["reason"]) == (413, "too_large")
        assert send_form(client, CSV.ljust(2**12)).status_code == 413
        assert send_form(client, CSV.ljust(2**12 - 300)).status_code == 201

    def test_a_large_file_is_announced_and_refused_at_once(self, client: TestClient) -> None:
        reply = client.post("/v1/uploads", json={"size_bytes": 2**12 + 1})
        assert (reply.status_code, reply.json()["reason"]) == (413, "too_large")
        assert client.post("/v1/uploads", json={"size_bytes": 2**12}).status_code == 201

    def test_a_piece_is_a_body_with_the_limit_of_bodies(self, client: TestClient) -> None:
        upload_id = client.post("/v1/uploads", json={"size_bytes": 2**12}).json()["id"]
        assert append(client, upload_id, 0, b"x" * 2**10).status_code == 200
        assert append(client, upload_id, 2**10, b"x" * (2**10 + 1)).status_code == 413

    def test_there_is_a_limit_of_uploads(self, client: TestClient) -> None:
        ids = [upload(client, CSV) for _ in range(2)]
        reply = client.post("/v1/uploads", json={"size_bytes": 1})
        assert (reply.status_code, reply.json()["reason"]) == (429, "quota_exceeded")
        assert "Retry-After" not in reply.headers
        client.delete(f"/v1/uploads/{ids[0]}")
        assert client.post("/v1/uploads", json={"size_bytes": 1}).status_code == 201
