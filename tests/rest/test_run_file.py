"""A run as one HTML file: it has what the API replies, and no text of it is markup."""

import json
from base64 import b64decode, b64encode
from collections.abc import Iterator
from hashlib import sha256
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from starlette.testclient import TestClient
from tests.contract.conftest import DIVERGING
from tests.rest.test_files import client as client
from tests.rest.test_files import trained

from epochal_service.methods import run_file

SPEC: dict[str, Any] = {
    "name": "</script><b>Moons</b> & more <!-- <script>",
    "dataset": {"name": "two_moons", "samples": 60},
    "network": {
        "input_shape": [2],
        "layers": [
            {"type": "dense", "units": 4, "activation": "tanh"},
            {"type": "dense", "units": 1, "activation": "sigmoid"},
        ],
    },
    "loss": "binary_cross_entropy",
    "epochs": 12,
    "snapshots": {"weights_every": 1},
}


@pytest.fixture(scope="module", autouse=True)
def built(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A script and a style to write into the files: tests of this room do not build the page."""
    folder = tmp_path_factory.mktemp("page")
    (folder / "record.js").write_text("const end = '</script><script>'")
    (folder / "record.css").write_text("body{margin:0}")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(run_file, "BUILT", folder)
        yield folder


@pytest.fixture(scope="module")
def job(client: TestClient) -> str:
    return trained(client, SPEC)


class Elements(HTMLParser):
    """The elements of a page, as a browser reads them."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.texts: dict[str, str] = {}
        self.names: list[str] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.now = dict(attrs).get("id") or tag
        self.names.append(self.now)

    def handle_data(self, data: str) -> None:
        if data.strip():
            self.texts[self.now] = self.texts.get(self.now, "") + data


def export(client: TestClient, job: str) -> str:
    answer = client.get(f"/v1/jobs/{job}/export?format=html")
    assert answer.status_code == 200, answer.text
    assert f'filename="{job}-epoch-' in answer.headers["content-disposition"]
    return answer.text


def run_of(text: str) -> Any:
    """Return the JSON of a file, which a browser can read: without NaN and Infinity."""
    return json.loads(Elements(text).texts["run"], parse_constant=pytest.fail)


@pytest.mark.parametrize("spec", [SPEC, DIVERGING])
def test_a_file_has_the_replies_of_the_api(client: TestClient, spec: dict[str, Any]) -> None:
    job = trained(client, spec)
    run = run_of(export(client, job))
    public = client.get(f"/v1/jobs/{job}").json() | {"owner": "local", "webhooks": []}
    assert run["job"] == public
    assert run["curve"] == client.get(f"/v1/jobs/{job}/curve?max_points=500").json()
    path = f"/v1/jobs/{job}/sample-predictions?order=random&count=400"
    seen = client.get(path).json()
    assert run["samples"] == seen | {
        "samples": [sample | {"outputs": []} for sample in seen["samples"]]
    }


def test_a_file_has_each_checkpoint_to_the_bit(client: TestClient, job: str) -> None:
    weights = run_of(export(client, job))["weights"]
    header, data = b64decode(weights["header"]), b64decode(weights["data"])
    stored = client.get(f"/v1/jobs/{job}/checkpoints").json()["checkpoints"]
    assert weights["epochs"] == [row["epoch"] for row in stored]
    assert weights["sha256"] == [row["sha256"] for row in stored]
    assert weights["left_out"] == 0
    size = len(data) // len(stored)
    for i, row in enumerate(stored):
        blob = header + data[i * size : (i + 1) * size]
        assert sha256(blob).hexdigest() == row["sha256"]


def test_epochs_without_room_are_left_out_evenly(
    client: TestClient, job: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    bare = len(export(client, job)) - len(json.dumps(run_of(export(client, job))["weights"]))
    monkeypatch.setattr(run_file, "MOST_BYTES", bare + 4096 + 4200)
    text = export(client, job)
    weights = run_of(text)["weights"]
    assert 2 < len(weights["epochs"]) < 13
    assert (weights["epochs"][0], weights["epochs"][-1]) == (0, 12)
    assert weights["left_out"] == 13 - len(weights["epochs"])
    assert len(text) <= run_file.MOST_BYTES
    monkeypatch.setattr(run_file, "MOST_BYTES", bare)
    assert run_of(export(client, job))["weights"] == {"epochs": [], "left_out": 13}


def test_samples_without_room_are_left_out(
    client: TestClient, job: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = run_of(export(client, job))
    most = len(export(client, job)) - len(json.dumps(run["samples"])) // 2
    monkeypatch.setattr(run_file, "MOST_BYTES", most - len(json.dumps(run["weights"])))
    left = run_of(export(client, job))
    assert left["samples"] is None
    assert left["curve"] == run["curve"]


PARTS = st.sampled_from(
    ["</script>", "<script>", "<!--", "-->", "</title>", "</", "<", "&lt;", "]]>", '"', "'", "\\"]
)


@given(st.lists(PARTS | st.text("aé\u2028💡 ", max_size=3), max_size=6).map("".join))
def test_no_name_is_markup(name: str) -> None:
    run = {"job": {"spec": {"name": name}}}
    elements = Elements(run_file._document(run, "let x", "a{}").decode())
    plain = Elements(run_file._document({"job": {"spec": {}}}, "", "").decode())
    assert elements.names == plain.names
    assert elements.texts["title"].strip() == f"{name or 'A run'} · Epochal".strip()
    assert json.loads(elements.texts["run"]) == run


def test_the_policy_allows_the_script_and_the_style_alone(client: TestClient, job: str) -> None:
    text = export(client, job)
    elements = Elements(text)
    script = elements.texts["script"]
    assert script == r"const end = '<\/script><\script>'"
    for element in (script, elements.texts["style"]):
        digest = sha256(element.encode()).digest()
        assert b64encode(digest).decode() in text
    assert "default-src 'none'" in text
    assert "unsafe" not in text


def test_a_file_refuses_an_epoch_and_needs_weights(client: TestClient, job: str) -> None:
    refused = client.get(f"/v1/jobs/{job}/export?format=html&epoch=3")
    assert refused.status_code == 400
    assert refused.json()["errors"][0]["field"] == "epoch"
    queued = client.post("/v1/jobs", json=SPEC).json()["id"]
    answer = client.get(f"/v1/jobs/{queued}/export?format=html")
    assert (answer.status_code, answer.json()["reason"]) == (404, "checkpoint_not_found")


def test_without_the_page_there_is_no_file(
    client: TestClient, job: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(run_file, "BUILT", tmp_path)
    answer = client.get(f"/v1/jobs/{job}/export?format=html")
    assert (answer.status_code, answer.json()["reason"]) == (501, "not_installed")
    assert "make page" in answer.json()["detail"]
