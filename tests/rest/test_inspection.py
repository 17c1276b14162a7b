"""An inspection shows what the stored weights compute from the data, sum by sum."""

import io
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from httpx2 import Response
from numpy.typing import NDArray
from starlette.testclient import TestClient

from epochal_service.answers.inspection import rounded_map
from epochal_service.rest.app import create_app
from epochal_service.settings import Limits, Settings

Train = Callable[[str], str | None]

MOONS: dict[str, Any] = {
    "network": {
        "input_shape": [2],
        "layers": [
            {"type": "dense", "units": 3, "activation": "tanh"},
            {"type": "dropout", "rate": 0.1},
            {"type": "dense", "units": 1, "activation": "sigmoid"},
        ],
    },
    "dataset": {"name": "two_moons", "samples": 40, "noise": 0.1, "scaling": "standard"},
    "loss": "binary_cross_entropy",
    "epochs": 20,
    "validation_fraction": 0.25,
    "snapshots": {"weights_every": 5},
}
DIGITS: dict[str, Any] = {
    "network": {
        "input_shape": [64],
        "layers": [
            {"type": "dense", "units": 12, "activation": "relu"},
            {"type": "dense", "units": 10, "activation": "softmax"},
        ],
    },
    "dataset": {"name": "digits"},
    "loss": "cross_entropy",
    "epochs": 2,
}


@pytest.fixture
def moons(client: TestClient, train: Train) -> str:
    return made(client, train, MOONS)


@pytest.fixture
def digits(client: TestClient, train: Train) -> str:
    return made(client, train, DIGITS)


def made(client: TestClient, train: Train, spec: dict[str, Any]) -> str:
    job_id: str = client.post("/v1/jobs", json=spec).json()["id"]
    assert train(job_id) == "succeeded"
    return job_id


def ask(client: TestClient, job_id: str, what: str, fields: dict[str, Any]) -> Response:
    """The answer for fields of a body, which unit maps have, or of a query."""
    path = f"/v1/jobs/{job_id}/{what}"
    return (
        client.post(path, json=fields) if what == "unit-maps" else client.get(path, params=fields)
    )


def look(client: TestClient, job_id: str, what: str, **fields: Any) -> dict[str, Any]:
    answer = ask(client, job_id, what, fields)
    assert answer.status_code == 200, answer.text
    reply: dict[str, Any] = answer.json()
    return reply


def refused(client: TestClient, job_id: str, what: str, **fields: Any) -> dict[str, Any]:
    answer = ask(client, job_id, what, fields)
    assert answer.status_code in (400, 404), answer.text
    reply: dict[str, Any] = answer.json()
    return reply


def weights(client: TestClient, job_id: str, epoch: int) -> dict[str, NDArray[Any]]:
    content = client.get(f"/v1/jobs/{job_id}/checkpoints/{epoch}?format=npz").content
    with np.load(io.BytesIO(content)) as arrays:
        return dict(arrays)


def hidden(arrays: dict[str, NDArray[Any]], inputs: Any) -> NDArray[Any]:
    """The outputs of the three tanh units of the moons' network for inputs `(n, 2)`."""
    scaled = (np.asarray(inputs) - arrays["scaling.shift"]) / arrays["scaling.scale"]
    made: NDArray[Any] = np.tanh(scaled @ arrays["dense_1.weight"] + arrays["dense_1.bias"])
    return made


# ------------------------------------------------------------------------------- at which epoch


@pytest.mark.parametrize(
    ("requested", "answers"), [(None, 20), (20, 20), (14, 10), (10, 10), (4, 0), (99, 20)]
)
def test_the_last_stored_epoch_that_is_not_after_the_one_asked_for_answers(
    client: TestClient, moons: str, requested: int | None, answers: int
) -> None:
    epoch = {} if requested is None else {"epoch": requested}
    for what in ("unit-maps", "hidden-space", "confusion-matrix", "sample-predictions"):
        assert look(client, moons, what, **epoch)["epoch"] == answers
    assert client.get(f"/v1/jobs/{moons}/weights", params=epoch).json()["epoch"] == answers


def test_before_the_first_checkpoint_there_is_nothing_to_see(client: TestClient) -> None:
    queued = client.post("/v1/jobs", json=MOONS).json()["id"]
    reply = refused(client, queued, "unit-maps")
    assert reply["reason"] == "checkpoint_not_found"
    assert reply["detail"] == (
        "The job is queued and has no stored weights: wait for its first epoch."
    )
    assert refused(client, queued, "unit-maps", epoch=4)["detail"] == reply["detail"]
    assert client.post(f"/v1/jobs/{queued}/cancel").is_success
    assert refused(client, queued, "unit-maps")["detail"] == (
        "The job is cancelled and has no stored weights: it ended before any were stored. "
        "Create the job again to train it."
    )
    assert refused(client, "job_1", "hidden-space")["reason"] == "not_found"


# ------------------------------------------------------------------------------------ unit maps


def test_a_unit_map_is_the_units_formula_at_every_point(client: TestClient, moons: str) -> None:
    bounds = {"x_min": -1, "x_max": 2, "y_min": 0, "y_max": 1}
    reply = look(client, moons, "unit-maps", resolution=4, bounds=bounds, epoch=10)
    assert reply["x"] == [-1, 0, 1, 2]
    np.testing.assert_allclose(reply["y"], [0, 1 / 3, 2 / 3, 1])
    assert [layer["name"] for layer in reply["layers"]] == ["dense_1", "dense_3"]
    points = [[x, y] for y in reply["y"] for x in reply["x"]]
    arrays = weights(client, moons, 10)
    first, last = (np.array(layer["units"]) for layer in reply["layers"])
    np.testing.assert_allclose(first, hidden(arrays, points).T, atol=np.ptp(first) / 1000)
    logits = hidden(arrays, points) @ arrays["dense_3.weight"] + arrays["dense_3.bias"]
    np.testing.assert_allclose(last, (1 / (1 + np.exp(-logits))).T, atol=np.ptp(last) / 1000)


@pytest.mark.parametrize("offset", [0.0, 2021.0, -1e9])
def test_a_map_is_rounded_by_its_range_and_not_by_its_size(offset: float) -> None:
    values = offset + np.array([[0.0, 0.123456], [np.nan, 0.5], [np.inf, 0.98765432]])
    rounded = rounded_map(values)
    np.testing.assert_allclose(rounded, values, rtol=0, atol=1e-3)
    assert f"{rounded[0, 1] - offset:.6f}" == "0.123500"
    assert rounded_map(np.full(3, 1 / 3)).tolist() == [0.333333] * 3
    assert rounded_map(np.full(2, np.nan)).tolist() == pytest.approx([np.nan] * 2, nan_ok=True)


def test_a_map_reaches_a_tenth_beyond_the_data(client: TestClient, train: Train) -> None:
    network = {"input_shape": [2], "layers": [{"type": "dense", "units": 1}]}
    dataset = {"inputs": [[0, 7], [10, 7]], "targets": [0, 1]}
    spec = {"network": network, "dataset": dataset, "loss": "mse", "epochs": 1}
    reply = look(client, made(client, train, spec), "unit-maps", resolution=3)
    assert reply["x"] == [-1, 5, 11]
    assert reply["y"] == [6, 7, 8]  # which never varies


def test_one_layer_can_be_mapped_alone(client: TestClient, moons: str) -> None:
    reply = look(client, moons, "unit-maps", resolution=2, layer="dense_1")
    assert [(layer["name"], len(layer["units"])) for layer in reply["layers"]] == [("dense_1", 3)]
    [error] = refused(client, moons, "unit-maps", layer="dense_2")["errors"]
    assert error == {"field": "layer", "description": "must be one of dense_1, dropout_2, dense_3"}


def test_an_error_says_what_cannot_be_mapped(client: TestClient, moons: str, digits: str) -> None:
    bounds = {"x_min": 1, "x_max": 1, "y_min": 0, "y_max": 1}
    [error] = refused(client, moons, "unit-maps", bounds=bounds)["errors"]
    assert error["field"] == "bounds.x_max"
    [error] = refused(client, digits, "unit-maps")["errors"]
    assert error["description"].endswith("of this one is [64]")


# --------------------------------------------------------------------------------- hidden space


def test_the_hidden_space_is_the_plane_in_which_samples_differ_most(
    client: TestClient, moons: str
) -> None:
    reply = look(client, moons, "hidden-space", epoch=5)
    assert (reply["layer"], reply["units"], reply["indices"]) == ("dense_1", 3, list(range(40)))
    samples = look(client, moons, "sample-predictions", count=40)["samples"]
    values = hidden(weights(client, moons, 5), [sample["inputs"] for sample in samples])
    centered = values - values.mean(0)
    spread, directions = np.linalg.eigh(centered.T @ centered)
    shares = spread[::-1] / spread.sum()
    np.testing.assert_allclose(reply["explained_variance"], shares[:2], rtol=1e-3)
    # A direction may be its opposite: the coordinates agree up to their signs.
    projected = np.abs(centered @ directions[:, :0:-1])
    np.testing.assert_allclose(np.abs(reply["points"]), projected, rtol=1e-2, atol=1e-4)
    assert reply["classes"] == [sample["target_class"] for sample in samples]
    assert reply["targets"] == [sample["target"] for sample in samples]
    assert reply["class_names"] == ["0", "1"]


def test_a_layer_of_two_units_is_shown_as_it_is(client: TestClient, moons: str) -> None:
    reply = look(client, moons, "hidden-space", layer="input", samples=4)
    assert (reply["units"], reply["explained_variance"]) == (2, [])
    assert reply["indices"] == [0, 10, 20, 30]
    arrays, samples = (
        weights(client, moons, 20),
        look(client, moons, "sample-predictions", count=40),
    )
    inputs = np.array([samples["samples"][index]["inputs"] for index in reply["indices"]])
    scaled = (inputs - arrays["scaling.shift"]) / arrays["scaling.scale"]
    np.testing.assert_allclose(reply["points"], scaled, rtol=1e-6)
    outputs = look(client, moons, "hidden-space", layer="dense_3", samples=4)
    assert [len(point) for point in outputs["points"]] == [1, 1, 1, 1]


def test_a_network_without_a_hidden_layer_shows_its_inputs(
    client: TestClient, train: Train
) -> None:
    layers = [{"type": "dense", "units": 1, "activation": "sigmoid"}]
    spec = {**MOONS, "network": {"input_shape": [2], "layers": layers}}
    assert look(client, made(client, train, spec), "hidden-space")["layer"] == "input"


# ---------------------------------------------------------------- confusions and predictions


def test_a_confusion_matrix_counts_what_was_taken_for_what(client: TestClient, moons: str) -> None:
    for split, size in (("all", 40), ("train", 30), ("validation", 10)):
        reply = look(client, moons, "confusion-matrix", split=split)
        samples = look(client, moons, "sample-predictions", split=split, count=100)["samples"]
        assert len(samples) == reply["predictions"] == size
        counts = np.zeros((2, 2), int)
        for sample in samples:
            assert split in ("all", sample["split"])
            assert sample["predicted_class"] == int(sample["outputs"][0] >= 0.5)
            counts[sample["target_class"], sample["predicted_class"]] += 1
        assert [row["counts"] for row in reply["rows"]] == counts.tolist()
        assert reply["accuracy"] == pytest.approx(np.trace(counts) / size)
    latest = client.get(f"/v1/jobs/{moons}").json()["latest"]
    assert reply["accuracy"] == pytest.approx(latest["validation_accuracy"])


def test_named_classes_stand_in_the_matrix_and_may_have_no_sample_yet(
    client: TestClient, train: Train
) -> None:
    layers = [{"type": "dense", "units": 3, "activation": "softmax"}]
    dataset = {
        "inputs": [[0, 0], [1, 1]],
        "targets": [0, 1],
        "class_names": ["orange", "blue", "green"],
    }
    network = {"input_shape": [2], "layers": layers}
    spec = {"network": network, "dataset": dataset, "loss": "cross_entropy", "epochs": 1}
    reply = look(client, made(client, train, spec), "confusion-matrix")
    assert reply["class_names"] == ["orange", "blue", "green"]
    assert reply["rows"][2]["counts"] == [0, 0, 0]


def test_a_regression_has_no_confusions(client: TestClient, train: Train) -> None:
    layers = [{"type": "dense", "units": 1}]
    network = {"input_shape": [2], "layers": layers}
    spec = {"network": network, "dataset": {"name": "plane"}, "loss": "mse", "epochs": 1}
    spec["target_scaling"] = "none"
    job_id = made(client, train, spec)
    assert "classes" in refused(client, job_id, "confusion-matrix")["detail"]
    reply = look(client, job_id, "sample-predictions", count=3)
    assert reply["class_names"] == []
    for sample in reply["samples"]:
        assert sample["target_class"] is sample["predicted_class"] is None
        expected = (sample["outputs"][0] - sample["target"][0]) ** 2
        assert sample["loss"] == pytest.approx(expected)


def test_samples_come_in_the_order_of_their_losses(client: TestClient, digits: str) -> None:
    every = look(client, digits, "sample-predictions", count=1000)["samples"]
    assert [sample["index"] for sample in every] == list(range(1000))
    worst = look(client, digits, "sample-predictions", order="worst", count=30)["samples"]
    losses = [sample["loss"] for sample in worst]
    assert losses == sorted(losses, reverse=True)
    assert losses[0] >= max(sample["loss"] for sample in every)
    for sample in worst:
        probability = sample["outputs"][sample["target_class"]]
        assert sample["loss"] == pytest.approx(-np.log(probability), rel=1e-4)
        assert sum(sample["outputs"]) == pytest.approx(1, abs=1e-5)
    best = look(client, digits, "sample-predictions", order="best", count=5)["samples"]
    assert best[-1]["loss"] <= min(sample["loss"] for sample in every) + best[-1]["loss"]
    assert best[0]["loss"] <= min(sample["loss"] for sample in every)


def test_random_samples_are_decided_by_their_seed(client: TestClient, digits: str) -> None:
    def drawn(seed: int) -> list[int]:
        reply = look(client, digits, "sample-predictions", order="random", seed=seed, count=10)
        return [sample["index"] for sample in reply["samples"]]

    assert drawn(1) == drawn(1) != drawn(2)
    assert len(set(drawn(1))) == 10


def test_a_picture_tells_its_shape_even_to_a_network_that_takes_a_row(
    client: TestClient, digits: str, moons: str
) -> None:
    reply = look(client, digits, "sample-predictions", count=1)
    assert (reply["input_shape"], reply["image_shape"]) == ([64], [8, 8])
    assert reply["feature_names"][9] == "pixel_1_1"
    assert look(client, moons, "sample-predictions", count=1)["image_shape"] == []


def test_a_missing_part_is_an_error(client: TestClient, digits: str) -> None:
    for what in ("hidden-space", "confusion-matrix", "sample-predictions"):
        [error] = refused(client, digits, what, split="validation")["errors"]
        assert error["field"] == "split"
        assert "has no validation samples" in error["description"]


# -------------------------------------------------------------------------------------- weights


def test_weights_are_those_of_the_checkpoint_layer_by_layer(client: TestClient, moons: str) -> None:
    arrays = weights(client, moons, 15)
    reply = client.get(f"/v1/jobs/{moons}/weights?epoch=15").json()
    assert [layer["name"] for layer in reply["layers"]] == ["dense_1", "dense_3"]
    for layer in reply["layers"]:
        assert [array["name"] for array in layer["arrays"]] == ["weight", "bias"]
        for array in layer["arrays"]:
            expected = arrays[f"{layer['name']}.{array['name']}"]
            assert array["shape"] == list(expected.shape)
            np.testing.assert_array_equal(np.float32(array["values"]), expected.ravel())
    single = client.get(f"/v1/jobs/{moons}/weights?epoch=15&layer=dense_3").json()
    assert single["layers"] == reply["layers"][1:]
    wrong = client.get(f"/v1/jobs/{moons}/weights?layer=dense_9")
    assert wrong.json()["errors"][0]["field"] == "layer"


# --------------------------------------------------------------------------------------- budget


def test_every_look_is_bounded(settings: Settings, moons: str, train: Train) -> None:
    limits = Limits(max_inspected_values=30, max_predict_rows=35)
    app = create_app(settings.model_copy(update={"limits": limits}))
    with TestClient(app) as client:
        for what, body, field in (
            ("unit-maps", {"resolution": 3}, "resolution"),  # 4 units · 9 points are 36 numbers
            ("sample-predictions", {"count": 16}, "count"),  # 16 samples · 2 features
            ("sample-predictions", {"count": 15}, "split"),  # the data set has 40 samples
            ("confusion-matrix", {}, "split"),
        ):
            reply = refused(client, moons, what, **body)
            assert (reply["reason"], reply["errors"][0]["field"]) == ("limit_exceeded", field), body
        look(client, moons, "unit-maps", resolution=3, layer="dense_1")  # 27
        look(client, moons, "sample-predictions", count=15, split="train")
        # A wide layer shows fewer samples: 10 samples · 3 units.
        reply = look(client, moons, "hidden-space", split="train")
        assert len(reply["points"]) == 10
        assert client.get(f"/v1/jobs/{moons}/weights?layer=dense_1").status_code == 200  # 9
        assert client.get(f"/v1/jobs/{moons}/weights").status_code == 200  # 13
    tight = settings.model_copy(update={"limits": Limits(max_inspected_values=12)})
    with TestClient(create_app(tight)) as client:
        reply = client.get(f"/v1/jobs/{moons}/weights").json()
        assert (reply["reason"], reply["errors"][0]["field"]) == ("limit_exceeded", "layer")


def test_limits_that_were_lowered_since_hide_nothing_of_a_stored_job(
    settings: Settings, moons: str
) -> None:
    lowered = Limits(
        max_parameters=1, max_units=1, max_layers=1, max_features=1, max_epochs=1, max_flops=1
    )
    with TestClient(create_app(settings.model_copy(update={"limits": lowered}))) as client:
        for what in ("unit-maps", "hidden-space", "confusion-matrix", "sample-predictions"):
            look(client, moons, what)
        assert client.get(f"/v1/jobs/{moons}/diagnosis").status_code == 200
        refused = client.post("/v1/jobs/validate", json=MOONS)
        assert refused.json()["reason"] == "limit_exceeded"


def test_what_needs_the_data_says_that_they_are_gone(client: TestClient, train: Train) -> None:
    body = {"name": "moons", "generator": {"name": "two_moons", "samples": 20}}
    path = client.post("/v1/datasets", json=body).headers["location"]
    job = made(client, train, {**MOONS, "dataset": {"id": path.rpartition("/")[2]}})
    assert client.delete(path).status_code == 204
    methods = ["unit-maps", "hidden-space", "confusion-matrix", "sample-predictions"]
    answers = [ask(client, job, method, {}) for method in methods]
    for answer in (*answers, client.get(f"/v1/jobs/{job}/diagnosis")):
        assert answer.status_code == 404
        assert answer.json()["reason"] == "dataset_not_found"
        assert path.rpartition("/")[2] in answer.json()["detail"]
    bounds = {"x_min": 0, "x_max": 1, "y_min": 0, "y_max": 1}
    assert client.post(f"/v1/jobs/{job}/unit-maps", json={"bounds": bounds}).status_code == 200
    assert client.post(f"/v1/jobs/{job}/predict", json={"inputs": [[0, 1]]}).status_code == 200
