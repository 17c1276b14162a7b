"""Data sets and networks: saved, uploaded, generated, and used in jobs."""

from pathlib import Path

import numpy as np
import pandas
import pytest
from tests.client.material import XOR

import epochal


def test_names_and_objects_stand_for_specs(client: epochal.Client) -> None:
    network = client.networks.create(epochal.network([2], [epochal.dense(1, "sigmoid")]))
    uploaded = client.datasets.upload("a,b,kind\n1,2,cat\n3,4,dog\n", name="pets")
    try:
        built_in, by_id, by_object = (
            client.jobs.validate(
                network=network,
                dataset=dataset,
                loss="binary_cross_entropy",
                optimizer="sgd",
                schedule="cosine",
                epochs=1,
            ).spec
            for dataset in ("xor", uploaded.id, uploaded)
        )
        assert built_in["dataset"]["name"] == "xor"
        assert built_in["optimizer"]["type"] == "sgd"
        assert built_in["schedule"]["type"] == "cosine"
        assert by_object == by_id
        assert by_object["dataset"]["id"] == uploaded.id
        builtin_object = client.datasets.get("xor")
        spec = client.jobs.validate(XOR, dataset=builtin_object).spec
        assert spec["dataset"]["name"] == "xor"
    finally:
        client.networks.delete(network.id)
        client.datasets.delete(uploaded.id)


def test_a_data_frame_is_a_data_set(client: epochal.Client) -> None:
    frame = pandas.DataFrame({"a": [1, 2, 3], "kind": ["cat", "dog", "cat"], "b": [0.5, 1.5, 2.5]})
    layers = [epochal.dense(1, "sigmoid")]
    job = client.jobs.create(
        network=epochal.network([2], layers),
        dataset=epochal.table(frame, "kind", scaling="standard"),
        loss="binary_cross_entropy",
        epochs=1,
    )
    data = job.spec["dataset"]
    assert data["inputs"] == [[1, 0.5], [2, 1.5], [3, 2.5]]
    assert data["targets"] == [[0], [1], [0]]
    assert (data["feature_names"], data["class_names"]) == (["a", "b"], ["cat", "dog"])
    assert data["scaling"] == "standard"
    regression = client.jobs.create(
        network=epochal.network([1], [epochal.dense(1)]),
        dataset=frame[["a", "b"]],
        loss="mse",
        epochs=1,
    )
    assert regression.spec["dataset"]["targets"] == [[0.5], [1.5], [2.5]]
    with pytest.raises(epochal.InvalidArgument, match=r"columns\.kind: must hold numbers"):
        client.jobs.create(XOR, dataset=frame)
    with pytest.raises(epochal.InvalidArgument, match="target: must be one of several columns"):
        epochal.table(frame, "c")


def test_a_column_of_a_data_frame_and_classes_have_weights(client: epochal.Client) -> None:
    frame = pandas.DataFrame({"a": [1, 2, 3], "w": [0.5, 1.5, 2], "kind": ["cat", "dog", "cat"]})
    job = client.jobs.create(
        network=epochal.network([1], [epochal.dense(1, "sigmoid")]),
        dataset=epochal.table(frame, weights="w"),
        loss="binary_cross_entropy",
        class_weights=np.array([1.0, 3.0]),
        epochs=1,
    )
    assert job.spec["dataset"]["weights"] == [0.5, 1.5, 2.0]
    assert job.spec["dataset"]["feature_names"] == ["a"]
    assert job.spec["class_weights"] == [1.0, 3.0]
    assert client.jobs.validate(job.spec, class_weights="balanced").spec["class_weights"] == (
        "balanced"
    )
    with pytest.raises(epochal.InvalidArgument, match="weights: must be a column"):
        epochal.table(frame, weights="weight")


def test_networks_are_saved_summarized_and_used(client: epochal.Client) -> None:
    network = epochal.network(
        [3], [epochal.dense(4, "relu"), epochal.dropout(0.1), epochal.dense(4), epochal.dense(2)]
    )
    saved = client.networks.create(network, name="3-4-4-2")
    assert (saved.name, saved.network["layers"][1]) == ("3-4-4-2", {"type": "dropout", "rate": 0.1})
    summary = saved.summary
    assert summary == client.networks.summarize(network)
    assert (summary.parameters, summary.neurons_with_input) == (46, 13)
    assert (summary.layers_with_input, summary.layers_without_input) == (4, 3)
    assert summary.layers[0].output_shape == (4,)
    assert summary.layers[1].parameters == 0
    assert client.networks.get(saved.id) == saved
    assert saved.id in [row.id for row in client.networks.list(page_size=1)]
    job = client.jobs.create(
        network={"id": saved.id},
        dataset={"inputs": [[0, 0, 1]], "targets": [[1, 0]]},
        loss="mse",
        epochs=1,
    )
    assert job.parameters == 46
    client.networks.delete(saved.id)
    with pytest.raises(epochal.NotFound):
        client.networks.get(saved.id)
    with pytest.raises(epochal.InvalidArgument, match=r"layers\[0\]\.rate"):
        client.networks.summarize(epochal.network([3], [epochal.dropout(1)]))


def test_data_sets_are_uploaded_from_text_bytes_and_files(
    client: epochal.Client, tmp_path: Path
) -> None:
    text = "height,width,kind\n1,2,cat\n3,4,dog\n5,6,cat\n"
    file = tmp_path / "pets.csv"
    file.write_bytes(b"\xef\xbb\xbf" + text.encode())
    of_text = client.datasets.upload(text, name="pets")
    of_bytes = client.datasets.upload(text.encode(), target="width", task="regression")
    of_file = client.datasets.upload(str(file))
    try:
        assert (of_text.name, of_bytes.name, of_file.name) == ("pets", "upload", "pets")
        assert of_text.class_names == ("cat", "dog")
        assert (of_text.samples, of_text.features, of_text.builtin) == (3, 2, False)
        assert of_bytes.task == "regression"
        assert of_file.feature_names == ("height", "width")
        preview = client.datasets.preview(of_text.id, rows=2)
        np.testing.assert_array_equal(preview.inputs, [[1, 2], [3, 4]])
        np.testing.assert_array_equal(preview.targets, [[0], [1]])
        assert preview.dataset == of_text == client.datasets.get(of_text.id)
        assert of_text.id in [row.id for row in client.datasets.list()]
    finally:
        for dataset in (of_text, of_bytes, of_file):
            client.datasets.delete(dataset.id)
    with pytest.raises(epochal.NotFound):
        client.datasets.get(of_text.id)
    with pytest.raises(epochal.InvalidArgument, match=r"lines\[1\]: Line 1: byte 0x0a"):
        client.datasets.upload(b"\xff\xfe\n")
    with pytest.raises(FileNotFoundError):
        client.datasets.upload(tmp_path / "nope.csv")


def test_generated_points_are_kept_and_the_built_in_ones_listed_first(
    client: epochal.Client,
) -> None:
    stored = client.datasets.create("moons", generator={"name": "two_moons", "samples": 10})
    try:
        assert (stored.samples, stored.features) == (10, 2)
        drawn = {d.id: t for d, t in client.datasets.list(page_size=1, thumbnails=True)}
        assert drawn[stored.id] is None
        spiral = drawn["spiral"]
        assert spiral is not None
        assert len(spiral.inputs) == len(spiral.targets) == 120
    finally:
        client.datasets.delete(stored.id)
    first = next(iter(client.datasets.list()))
    assert first.builtin
    assert client.datasets.get("digits").samples == 1797
    moons = client.datasets.preview("two_moons", rows=3, samples=20, noise=0.0, seed=4)
    assert moons.inputs.shape == (3, 2)


def test_a_generator_reports_its_defaults_and_bounds(client: epochal.Client) -> None:
    blobs = client.datasets.get("blobs")
    assert blobs.generated
    assert {row.name: row.default for row in blobs.parameters} == {
        "samples": 200,
        "noise": 1,
        "classes": 3,
        "features": 2,
    }
    classes = next(row for row in blobs.parameters if row.name == "classes")
    assert (classes.minimum, classes.maximum, classes.integer) == (2, 20, True)
    # The service uses the defaults that it reports.
    moons = {row.name: row.default or 0 for row in client.datasets.get("two_moons").parameters}
    by_default = client.datasets.preview("two_moons", rows=1000)
    explicit = client.datasets.preview(
        "two_moons", rows=1000, samples=int(moons["samples"]), noise=moons["noise"]
    )
    assert by_default.inputs.tolist() == explicit.inputs.tolist()
    assert client.datasets.get("iris").parameters == ()
    plays = {row.name: row.default for row in client.datasets.get("plays").parameters}
    assert plays == {"samples": None, "length": 64, "merges": 0}


def test_gaps_are_filled_and_kinds_are_chosen_on_request(client: epochal.Client) -> None:
    text = "zip,size,sold,price\n1,120,3/4/2021,300.5\n2,,5/6/2021,210\n1,90,1/2/2022,260\n"
    dataset = client.datasets.upload(
        text,
        columns={
            "zip": "category",
            "sold": {"kind": "date", "day_first": True, "parts": ["month"]},
        },
        missing="auto",
    )
    try:
        assert dataset.feature_names == ("zip=1", "zip=2", "size", "sold month")
        size = dataset.columns[1]
        assert (size.kind, size.fill_value, size.filled) == ("number", "105", 1)
        assert size.filled_lines == (3,)
        assert client.datasets.get(dataset.id).warnings == ()
    finally:
        client.datasets.delete(dataset.id)
