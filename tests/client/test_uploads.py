"""Files, frames and arrays of every kind become data sets, also after a broken attempt."""

import io
import os
import signal
import subprocess
import sys
import zipfile
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pandas
import pyarrow as pa
import pytest
from PIL import Image
from pyarrow import parquet

import epochal
from epochal import datasets

TABLE = {"size": [50.5, None, 80.0], "age": [1, 2, 3], "kind": ["cat", "dog", "cat"]}


@pytest.fixture
def stored(client: epochal.Client) -> Iterator[list[epochal.Dataset]]:
    """Data sets that are deleted after the test."""
    rows: list[epochal.Dataset] = []
    yield rows
    for row in rows:
        client.datasets.delete(row.id)


def test_arrays_and_files_of_arrays(
    client: epochal.Client, stored: list[epochal.Dataset], tmp_path: Path
) -> None:
    x, y = np.array([[1.0, 2.0], [3.0, 4.0], [5.0, 7.0]]), np.array([0, 2, 5])
    file = tmp_path / "numbers.npz"
    np.savez(file, x=x, y=y)
    stored += [client.datasets.upload((x, y), name="pair"), client.datasets.upload(file)]
    stored.append(client.datasets.upload({"x": x, "y": y, "feature_names": ["a", "b"]}))
    assert [row.name for row in stored] == ["pair", "numbers", "upload"]
    assert [row.feature_names for row in stored] == [("x1", "x2"), ("x1", "x2"), ("a", "b")]
    for row in stored:
        assert row.class_names == ("0", "2", "5")
        assert client.datasets.preview(row.id).inputs.tolist() == x.tolist()


def test_pictures(client: epochal.Client, stored: list[epochal.Dataset], tmp_path: Path) -> None:
    file = tmp_path / "pets.zip"
    with zipfile.ZipFile(file, "w") as archive:
        for name in ("cat/1", "dog/1"):
            buffer = io.BytesIO()
            Image.new("RGB", (8, 8), "red").save(buffer, "PNG")
            archive.writestr(f"{name}.png", buffer.getvalue())
    stored.append(client.datasets.upload(file, image_size=(2, 3)))
    stored.append(client.datasets.upload(file.read_bytes(), color="grayscale"))
    assert [row.features for row in stored] == [18, 64]
    assert stored[0].class_names == ("cat", "dog")
    with pytest.raises(epochal.InvalidArgument, match="image_size: needs at least 2"):
        client.datasets.upload(file, image_size=(2,))  # type: ignore[arg-type]


def test_texts_and_pairs(
    client: epochal.Client, stored: list[epochal.Dataset], tmp_path: Path
) -> None:
    song, pairs = tmp_path / "song.txt", tmp_path / "sums.jsonl"
    song.write_text("row, row, row your boat\n" * 10)
    pairs.write_text('{"prompt": "1+1", "answer": "2"}\n{"prompt": "2+3", "answer": "5"}\n')
    stored.append(client.datasets.upload(song, length=10))
    stored.append(client.datasets.upload(song, text="lines", merges=20))
    stored.append(client.datasets.upload(pairs))
    assert [(row.samples, row.task) for row in stored] == [
        (23, "sequence"),
        (10, "sequence"),
        (2, "sequence"),
    ]
    assert " row" in stored[1].token_names
    assert client.datasets.preview(stored[2].id).targets[:, :3].tolist() == [[-1] * 3] * 2
    with pytest.raises(epochal.InvalidArgument, match="merges"):
        client.datasets.upload(song, merges=2000)


def test_data_frames_and_parquet_are_the_same_table(
    client: epochal.Client, stored: list[epochal.Dataset], tmp_path: Path
) -> None:
    frame = pandas.DataFrame(TABLE).dropna()
    frame["kind"] = frame["kind"].astype("category")
    frame.to_parquet(tmp_path / "frame.parquet")
    frame.to_csv(tmp_path / "frame.csv", index=False)
    for source in (frame, tmp_path / "frame.parquet", tmp_path / "frame.csv"):
        with pytest.raises(epochal.InvalidArgument, match="only one class, 'cat'"):
            client.datasets.upload(source)
        stored.append(client.datasets.upload(source, target="size"))
    previews = [client.datasets.preview(row.id) for row in stored]
    assert [preview.targets.tolist() for preview in previews] == [[[50.5], [80.0]]] * 3
    assert len({row.feature_names for row in stored}) == 1


def test_parquet_of_nested_columns_is_refused(client: epochal.Client, tmp_path: Path) -> None:
    parquet.write_table(pa.table({"a": [[1, 2], [3]], "b": [1, 2]}), tmp_path / "nested.parquet")
    with pytest.raises(epochal.InvalidArgument, match="source: cannot be written as CSV"):
        client.datasets.upload(tmp_path / "nested.parquet")
    (tmp_path / "broken.parquet").write_bytes(b"PAR1 and nothing else")
    with pytest.raises(epochal.InvalidArgument, match="source: cannot be written as CSV"):
        client.datasets.upload(tmp_path / "broken.parquet")


def test_other_sources_are_refused(client: epochal.Client) -> None:
    with pytest.raises(epochal.InvalidArgument, match=r"source: must be a path.*got int"):
        client.datasets.upload(3)  # type: ignore[arg-type]
    with pytest.raises(epochal.InvalidArgument, match="source: must not be empty"):
        client.datasets.upload(b"")


@pytest.mark.parametrize("name", ["pets.zip", "pets.NPZ", "pets.parquet"])
def test_a_file_must_be_what_its_name_says(
    client: epochal.Client, tmp_path: Path, name: str
) -> None:
    (tmp_path / name).write_text("a,b\n1,2\n")
    with pytest.raises(epochal.InvalidArgument, match=rf"source: .*/{name} is not a \."):
        client.datasets.upload(tmp_path / name)


CSV = "a,b,kind\n" + "".join(f"{n},{n * n},{'cat' if n % 3 else 'dog'}\n" for n in range(100))

KILLED = """
import os, signal, sys
import epochal
from epochal import datasets

datasets.PIECE_BYTES = 100
with epochal.Client(sys.argv[1]) as client:
    client.datasets.upload(sys.argv[2], on_progress=lambda sent, total: (
        os.kill(os.getpid(), signal.SIGKILL) if sent >= 300 else None
    ))
"""


def test_an_upload_that_was_killed_continues(
    client: epochal.Client,
    stored: list[epochal.Dataset],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    file = tmp_path / f"pets-{os.getpid()}.csv"
    file.write_text(f"{CSV}{os.getpid()},{client.base_url.count('grpc')},cat\n")
    killed = subprocess.run([sys.executable, "-c", KILLED, client.base_url, str(file)], check=False)
    assert killed.returncode == -signal.SIGKILL
    monkeypatch.setattr(datasets, "PIECE_BYTES", 500)
    progress: list[tuple[int, int]] = []
    stored.append(client.datasets.upload(file, on_progress=lambda *at: progress.append(at)))
    size = file.stat().st_size
    assert progress == [(sent, size) for sent in (*range(800, size, 500), size)]
    assert stored[0].samples == 101


def test_the_same_request_id_makes_one_data_set_of_the_same_file(
    client: epochal.Client, stored: list[epochal.Dataset]
) -> None:
    key = f"once {client.base_url}"
    stored.append(client.datasets.upload(CSV, request_id=key))
    assert client.datasets.upload(CSV, request_id=key) == stored[0]
    with pytest.raises(epochal.IdempotencyMismatch):
        client.datasets.upload(CSV, target="a", request_id=key)


def test_a_damaged_upload_is_sent_again(
    client: epochal.Client, stored: list[epochal.Dataset]
) -> None:
    content = f"{CSV}{os.getpid()},9,cat\n".encode()
    digest = datasets._digest(io.BytesIO(content))
    session = client.datasets._session
    spec = {"size_bytes": len(content), "sha256": digest}
    upload = session.create("CreateUpload", spec, None)["id"]
    piece = {"id": upload, "offset": 0, "data": content[:-1] + b"!"}
    session.call("AppendUpload", piece)
    stored.append(client.datasets.upload(content))
    assert stored[0].samples == 101
