"""The answers of a trained network, and the names of their classes."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from tests.client.test_cli import Run, run  # noqa: F401 (a fixture)

import epochal

IRIS: dict[str, Any] = {
    "network": epochal.network([4], [epochal.dense(8, "tanh"), epochal.dense(3, "softmax")]),
    "dataset": {"name": "iris", "scaling": "standard"},
    "loss": "cross_entropy",
    "epochs": 60,
    "batch_size": 16,
    "optimizer": {"type": "adam", "learning_rate": 0.05},
}
# One of each kind, as they were measured.
FLOWERS = [[5.1, 3.5, 1.4, 0.2], [5.7, 2.8, 4.1, 1.3], [6.5, 3.0, 5.8, 2.2]]
KINDS = ["setosa", "versicolor", "virginica"]

# Reads five letters and writes each of them again.
ECHO: dict[str, Any] = {
    "network": {
        "input_shape": [5],
        "layers": [
            {"type": "embedding", "vocabulary": 3, "units": 4},
            {"type": "dense", "units": 3, "activation": "softmax"},
        ],
    },
    "dataset": {
        "inputs": [[0, 1, 2, 0, 1], [2, 2, 1, 0, 0], [1, 0, 2, 1, 1]],
        "targets": [[0, 1, 2, 0, 1], [2, 2, 1, 0, 0], [1, 0, 2, 1, 1]],
    },
    "loss": "cross_entropy",
    "epochs": 100,
    "optimizer": {"type": "adam", "learning_rate": 0.1},
}


@pytest.fixture
def iris(client: epochal.Client) -> epochal.Job:
    return client.jobs.create(IRIS, request_id="predictions-of-iris").wait(60)


def test_classes_have_the_names_that_the_data_set_gives_them(iris: epochal.Job) -> None:
    assert iris.classify(FLOWERS) == KINDS
    assert iris.classify(FLOWERS[1]) == ["versicolor"]
    assert iris.predict(FLOWERS).shape == (3, 3)
    assert iris.predict(FLOWERS).argmax(1).tolist() == [0, 1, 2]


def test_an_uploaded_table_names_its_classes(client: epochal.Client) -> None:
    rows = "\n".join(f"{x},{'far' if x > 3 else 'near'}" for x in range(8))
    dataset = client.datasets.upload(f"x,distance\n{rows}\n", name="distances")
    job = client.jobs.create(
        {
            "network": epochal.network([1], [epochal.dense(1, "sigmoid")]),
            "dataset": {"id": dataset.id},
            "loss": "binary_cross_entropy",
            "epochs": 200,
            "optimizer": {"type": "adam", "learning_rate": 0.3},
        }
    ).wait(60)
    assert job.classify([[0], [7]]) == ["near", "far"]


@pytest.mark.parametrize("encoding", ["cp1252", "utf-16", "utf-8-sig"])
def test_a_file_for_predictions_is_decoded_as_an_uploaded_one(
    client: epochal.Client, tmp_path: Path, encoding: str
) -> None:
    text = "Ort;Fläche;Miete\nKöln;1.512;2,5\nUlm;9,5;1,25\nKöln;7;3\n"
    path = tmp_path / "new.csv"
    path.write_bytes(text.encode(encoding))
    dataset = client.datasets.upload(path.read_bytes())
    assert dataset.feature_names == ("Ort=Köln", "Ort=Ulm", "Fläche")
    network = epochal.network([3], [epochal.dense(1)])
    spec = {"network": network, "dataset": {"id": dataset.id}, "loss": "mse", "epochs": 1}
    job = client.jobs.create(spec)
    expected = job.wait(60).predict([[1.0, 0.0, 1512.0], [0.0, 1.0, 9.5], [1.0, 0.0, 7.0]])
    np.testing.assert_array_equal(job.predict(path), expected)


def test_numbers_have_no_classes(client: epochal.Client) -> None:
    spec = {
        "network": epochal.network([1], [epochal.dense(1)]),
        "dataset": {"name": "sine"},
        "loss": "mse",
        "epochs": 1,
    }
    assert client.jobs.create(spec).wait(60).classify([[0.5]]) == []


def test_a_network_that_answers_in_a_sequence_says_so_at_each_place(
    client: epochal.Client,
) -> None:
    job = client.jobs.create(ECHO, request_id="predictions-of-echo").wait(60)
    answers = job.predict([[2, 1, 0, 0, 2], [0, 0, 1, 1, 2]])
    assert answers.shape == (2, 5, 3)
    assert answers.argmax(-1).tolist() == [[2, 1, 0, 0, 2], [0, 0, 1, 1, 2]]
    np.testing.assert_allclose(answers.sum(-1), 1.0, rtol=1e-5)
    assert job.predict([2, 1, 0, 0, 2]).shape == (5, 3)


def test_positions_that_do_not_count_have_class_minus_one(client: epochal.Client) -> None:
    data = ECHO["dataset"] | {"targets": [[0, 1, -1, -1, -1], [2, 2, 1, 0, 0], [1, -1, 2, 1, 1]]}
    job = client.jobs.create(ECHO | {"dataset": data}, request_id="padded-echo").wait(60)
    predictions = job.sample_predictions(count=3)
    assert [list(sample.target_classes) for sample in predictions.samples] == data["targets"]
    matrix = job.confusion_matrix()
    assert matrix.counts.sum() == 2 + 5 + 4
    assert matrix.unclassified == 0
    assert matrix.exact_match == 1


def test_an_answer_that_is_not_a_number_has_no_class(
    iris: epochal.Job,
    run: Run,  # noqa: F811
) -> None:
    beyond = [1e39, -1e39, 1e39, 1e39]
    assert iris.classify([beyond, FLOWERS[0]]) == ["", "setosa"]
    assert np.isnan(iris.predict(beyond)).all()
    words = ("predict", iris.id, "--inputs", json.dumps([beyond, FLOWERS[0]]))
    printed = run(*words).stdout.splitlines()
    assert printed[1].endswith("no class")
    assert printed[2].endswith("setosa")


def test_the_command_prints_the_names(
    iris: epochal.Job,
    run: Run,  # noqa: F811
) -> None:
    words = ("predict", iris.id, "--inputs", json.dumps(FLOWERS))
    assert [line.split()[-1] for line in run(*words).stdout.splitlines()] == ["class", *KINDS]
    assert json.loads(run(*words, "--json").stdout)["labels"] == KINDS


def test_a_name_stands_for_the_network_that_it_was_set_to(
    client: epochal.Client,
    iris: epochal.Job,
    run: Run,  # noqa: F811
) -> None:
    name = f"flowers-{iris.id[-16:]}"
    assert "100%" in run("models", "set", name, "--job", iris.id).stdout
    assert np.array_equal(client.models.predict(name, FLOWERS), iris.predict(FLOWERS))
    assert client.models.predict(name, FLOWERS[0]).shape == (3,)
    answer = client.models.prediction(name, FLOWERS)
    assert (answer.version, answer.job, list(answer.labels)) == (1, iris.id, KINDS)
    client.models.set(name, iris.id, epoch=0, share=0.5)
    assert [version.share for version in client.models.get(name).versions] == [0.5, 0.5]
    assert name in {model.id for model in client.models.list()}
    assert name in run("models").stdout
    shown = json.loads(run("models", "set", name, "--version", "1", "--json").stdout)
    assert [row["share"] for row in shown["versions"]] == [0, 1]
    assert "2" in run("models", "show", name).stdout
    assert "is deleted" in run("models", "delete", name).stdout
    assert run("models", "show", name).returncode == 4
    assert run("models", "show").returncode == 2
    with pytest.raises(epochal.NotFound):
        client.models.predict(name, FLOWERS)
