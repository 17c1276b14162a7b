"""The epochs and the curve of a job as files with an address."""

import csv
import io
import xml.etree.ElementTree as ET
from collections.abc import Iterator
from typing import Any

import pytest
from PIL import Image
from starlette.testclient import TestClient
from tests.contract.conftest import DIVERGING, JOB
from tests.rpc.serving import settings
from tests.rpc.training import train

from epochal_service.access import keys
from epochal_service.rest.app import create_app
from epochal_service.store import migrate

IRIS: dict[str, Any] = {
    "dataset": {"name": "iris"},
    "network": {
        "input_shape": [4],
        "layers": [{"type": "dense", "units": 3, "activation": "softmax"}],
    },
    "loss": "cross_entropy",
    "epochs": 2,
}
FILES = ("epochs.csv", "curve.csv", "curve.svg", "curve.png")


@pytest.fixture(scope="module")
def client(tmp_path_factory: pytest.TempPathFactory) -> Iterator[TestClient]:
    """A service that needs keys, and a client with one."""
    chosen = settings(tmp_path_factory.mktemp("files"), require_keys=True)
    migrate.upgrade(chosen.database_url)
    with TestClient(create_app(chosen)) as client:
        database = client.app.state.context.database  # type: ignore[attr-defined]
        key = keys.create(database, "test", owner="me", scope="train", days=None)
        client.headers["Authorization"] = f"Bearer {key}"
        yield client


@pytest.fixture(scope="module")
def job(client: TestClient) -> str:
    return trained(client, JOB | {"name": "Zwölf <b>"})


def trained(client: TestClient, spec: dict[str, Any]) -> str:
    made: str = client.post("/v1/jobs", json=spec).json()["id"]
    train(client.app.state.context, made)  # type: ignore[attr-defined]
    return made


def table(text: str) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(text)))


def test_the_epochs_are_those_of_the_list_without_empty_columns(
    client: TestClient, job: str
) -> None:
    rows = table(client.get(f"/v1/jobs/{job}/epochs.csv").text)
    listed = client.get(f"/v1/jobs/{job}/epochs").json()["epochs"]
    persisted = [{name: str(v) for name, v in row.items() if v is not None} for row in listed]
    assert rows == persisted
    part = client.get(f"/v1/jobs/{job}/epochs.csv", params={"after_epoch": 3, "page_size": 4})
    assert table(part.text) == rows[3:7]
    refused = client.get(f"/v1/jobs/{job}/epochs.csv", params={"page_size": 0})
    assert [error["field"] for error in refused.json()["errors"]] == ["page_size"]


def test_the_curve_has_the_points_of_the_method(client: TestClient, job: str) -> None:
    query: dict[str, Any] = {"metrics": "train_loss,validation_loss", "max_points": 6}
    rows = table(client.get(f"/v1/jobs/{job}/curve.csv", params=query).text)
    curve = client.get(f"/v1/jobs/{job}/curve", params=query).json()
    for series in curve["series"]:
        points = [(int(row["epoch"]), row[series["metric"]]) for row in rows]
        expected = zip(series["epochs"], map(str, series["values"]), strict=True)
        assert [point for point in points if point[1]] == list(expected)


def test_a_picture_has_every_point_and_escapes_the_name(client: TestClient, job: str) -> None:
    response = client.get(f"/v1/jobs/{job}/curve.svg")
    root = ET.fromstring(response.text)
    lines = [
        line.get("points", "").split()
        for line in root.iter("{http://www.w3.org/2000/svg}polyline")
        if line.get("stroke")
    ]
    assert [len(points) for points in lines] == [12, 12]
    heights = [float(point.split(",")[1]) for point in lines[0]]
    losses = [row["train_loss"] for row in client.get(f"/v1/jobs/{job}/epochs").json()["epochs"]]
    from_lowest = [heights[index] for index in sorted(range(12), key=losses.__getitem__)]
    assert from_lowest == sorted(heights, reverse=True)  # y points down
    assert "Zwölf &lt;b&gt; · succeeded · epoch 12 of 12" in response.text
    image = Image.open(io.BytesIO(client.get(f"/v1/jobs/{job}/curve.png").content))
    assert image.size == (1280, 720)
    assert len(image.getcolors(2**20) or []) > 20  # lines and texts


def test_a_map_has_the_color_of_the_class_that_is_predicted(client: TestClient, job: str) -> None:
    image = Image.open(io.BytesIO(client.get(f"/v1/jobs/{job}/map.png").content))
    assert image.size == (512, 512)
    maps = client.post(f"/v1/jobs/{job}/unit-maps", json={"resolution": 2}).json()
    x, y = maps["x"], maps["y"]
    corners = [[x[0], y[1]], [x[1], y[1]], [x[0], y[0]], [x[1], y[0]]]
    answer = client.post(f"/v1/jobs/{job}/predict", json={"inputs": corners}).json()
    colors = [image.getpixel(at) for at in ((0, 0), (511, 0), (0, 511), (511, 511))]
    for color, of_class in zip(colors, answer["classes"], strict=True):
        assert isinstance(color, tuple)
        assert (color[0] < color[2]) == (of_class == 1)  # blue, as on the page
    assert len(set(answer["classes"])) == 2
    made = client.post("/v1/jobs", json=JOB | IRIS)
    assert made.status_code == 201, made.text
    other = made.json()["id"]
    train(client.app.state.context, other)  # type: ignore[attr-defined]
    refused = client.get(f"/v1/jobs/{other}/map.png")
    assert refused.status_code == 400
    assert "two inputs" in refused.json()["detail"]


def test_a_run_without_epochs_or_with_endless_ones_has_a_picture(client: TestClient) -> None:
    waiting = client.post("/v1/jobs", json=JOB).json()["id"]
    assert "no epoch yet" in client.get(f"/v1/jobs/{waiting}/curve.svg").text
    assert client.get(f"/v1/jobs/{waiting}/epochs.csv").text == "epoch\n"
    diverged = trained(client, DIVERGING)
    for name in FILES:
        response = client.get(f"/v1/jobs/{diverged}/{name}")
        assert response.status_code == 200
        assert name != "curve.svg" or "nan" not in response.text.partition("</title>")[2]


@pytest.mark.parametrize("name", FILES)
def test_a_file_is_sent_again_only_if_the_run_has_changed(client: TestClient, name: str) -> None:
    job = client.post("/v1/jobs", json=JOB).json()["id"]
    before = client.get(f"/v1/jobs/{job}/{name}")
    again = {"If-None-Match": before.headers["ETag"]}
    assert client.get(f"/v1/jobs/{job}/{name}", headers=again).status_code == 304
    train(client.app.state.context, job)  # type: ignore[attr-defined]
    after = client.get(f"/v1/jobs/{job}/{name}", headers=again)
    assert after.status_code == 200
    assert after.headers["ETag"] != before.headers["ETag"]
    assert after.content != before.content
    assert name != "curve.svg" or after.headers["content-encoding"] == "gzip"
    plain = client.get(f"/v1/jobs/{job}/{name}", headers={"Accept-Encoding": "identity"})
    assert plain.content == after.content
    assert "content-encoding" not in plain.headers


@pytest.mark.parametrize("name", FILES)
def test_a_link_opens_the_files_of_its_job(client: TestClient, job: str, name: str) -> None:
    made = client.post("/v1/keys", json={"jobs": [job]}).json()
    other = client.post("/v1/jobs", json=JOB).json()["id"]
    stranger = TestClient(client.app)
    assert stranger.get(f"/v1/jobs/{job}/{name}").status_code == 401
    link = {"key": made["key"]}
    assert stranger.get(f"/v1/jobs/{job}/{name}", params=link).status_code == 200
    assert stranger.get(f"/v1/jobs/{other}/{name}", params=link).status_code == 404
    only_watches = client.post("/v1/keys", json={"jobs": [job], "actions": ["watch"]}).json()
    refused = stranger.get(f"/v1/jobs/{job}/{name}", params={"key": only_watches["key"]})
    assert (refused.status_code, refused.json()["reason"]) == (403, "forbidden")
    client.delete(f"/v1/keys/{made['id']}")
    assert stranger.get(f"/v1/jobs/{job}/{name}", params=link).status_code == 401


def test_the_picture_of_an_image_tag_has_its_own_styles_and_no_scripts(
    client: TestClient, job: str
) -> None:
    policy = client.get(f"/v1/jobs/{job}/curve.svg").headers["Content-Security-Policy"]
    assert policy.startswith("default-src 'none'; style-src 'unsafe-inline'")
