"""Metrics of a job, in Python and on the command line, once on each wire."""

import json
from collections.abc import Iterator

import numpy as np
import pytest
from tests.client.material import MOONS
from tests.client.test_cli import Run, run

import epochal

__all__ = ["run"]

IRIS = {
    "network": epochal.network([4], [epochal.dense(3, "softmax")]),
    "dataset": {"name": "iris", "scaling": "standard"},
    "loss": "cross_entropy",
    "epochs": 30,
    "validation_fraction": 0.2,
    "split": {"test_fraction": 0.2},
    "snapshots": {"weights_every": 10},
}
# The second of the two targets is in the thousands.
LINES = {
    "network": epochal.network([1], [epochal.dense(2)]),
    "dataset": {
        "inputs": [[x / 10] for x in range(20)],
        "targets": [[x, 5_000 + 1_000 * x] for x in range(20)],
    },
    "loss": "mse",
    "epochs": 5,
}
ENDLESS = {**MOONS, "epochs": 1_000_000, "batch_size": 1}


@pytest.fixture
def irises(client: epochal.Client) -> epochal.Job:
    return client.jobs.create(IRIS, request_id="irises-to-evaluate").wait(60, check=True)


@pytest.fixture
def lines(client: epochal.Client) -> epochal.Job:
    return client.jobs.create(LINES, request_id="lines-to-evaluate").wait(60, check=True)


@pytest.fixture
def waiting(client: epochal.Client) -> Iterator[epochal.Job]:
    """A job that no worker can claim, because the job whose weights it needs has not ended."""
    second = {**ENDLESS, "initial_weights": {"job": "first"}}
    made = client.experiments.create(jobs={"first": ENDLESS, "second": second}, seeds=[0])
    yield made.job("second")
    made.cancel()


def of_classes(evaluation: epochal.Evaluation) -> epochal.types.ClassificationMetrics:
    assert evaluation.classification is not None
    return evaluation.classification


def of_numbers(evaluation: epochal.Evaluation) -> epochal.types.RegressionMetrics:
    assert evaluation.regression is not None
    return evaluation.regression


def test_an_evaluation_is_that_of_the_confusion_matrix(irises: epochal.Job) -> None:
    evaluation = irises.evaluate()
    assert (evaluation.split, evaluation.samples, evaluation.epoch) == ("validation", 30, 30)
    counts = irises.confusion_matrix(split="validation").counts
    rows = of_classes(evaluation).classes
    assert [row.support for row in rows] == counts.sum(1).tolist()
    np.testing.assert_allclose([row.recall for row in rows], np.diag(counts) / counts.sum(1))
    with np.errstate(invalid="ignore"):
        precision = np.nan_to_num(np.diag(counts) / counts.sum(0))
    np.testing.assert_allclose([row.precision for row in rows], precision)
    assert evaluation.metrics["accuracy"] == pytest.approx(np.trace(counts) / 30)
    assert irises.evaluate(split="test", epoch=14).epoch == 10
    with pytest.raises(epochal.InvalidArgument, match="split"):
        irises.evaluate(split="all")  # type: ignore[arg-type]


def test_an_evaluation_is_printed_as_a_table_of_the_classes(irises: epochal.Job) -> None:
    evaluation = irises.evaluate(split="train")
    text = str(evaluation).splitlines()
    assert text[0] == "Epoch 30, 90 training samples"
    header = next(i for i, line in enumerate(text) if "precision" in line and "support" in line)
    assert text[header].split() == ["precision", "recall", "f1", "roc_auc", "support"]
    for line, row in zip(text[header + 1 :], of_classes(evaluation).classes, strict=True):
        name, precision, *_, support = line.split()
        assert (name, int(support)) == (row.name, row.support)
        assert float(precision) == pytest.approx(row.precision, rel=1e-3)
    assert len({len(line) for line in text[header:]}) == 1


def test_errors_of_a_number_name_the_target_that_has_their_unit(
    client: epochal.Client, run: Run, url: str
) -> None:
    rows = "".join(f"{x},{100_000 + 3_000 * x}\n" for x in range(40))
    dataset = client.datasets.upload(f"size,price\n{rows}".encode(), name="prices")
    spec = client.datasets.suggest(dataset).spec
    job = client.jobs.create({**spec, "epochs": 3}).wait(60, check=True)
    evaluation = job.evaluate()
    assert of_numbers(evaluation).rmse > 1000
    lines = run("evaluate", job.id, url=url).stdout.splitlines()
    assert f"  rmse{f'{of_numbers(evaluation).rmse:,.0f}':>30}  (price)" in lines
    (line,) = [line for line in lines if line.split()[0] == "r2"]
    assert float(line.split()[1]) == pytest.approx(of_numbers(evaluation).r2, rel=1e-3)


def test_several_targets_have_a_row_each(lines: epochal.Job, run: Run, url: str) -> None:
    text = run("evaluate", lines.id, "--epoch", "2", url=url).stdout.splitlines()
    assert text[0] == "Epoch 2, 20 training samples"
    assert text[-3].split() == ["rmse", "mae", "r2"]
    evaluation = lines.evaluate(epoch=2)
    for line, target in zip(text[-2:], of_numbers(evaluation).targets, strict=True):
        name, rmse, _, _ = line.split()
        assert name == target.name
        assert float(rmse.replace(",", "")) == pytest.approx(target.rmse, rel=1e-3)
    assert "(" not in "".join(text)


def test_the_command_line_prints_json(irises: epochal.Job, run: Run, url: str) -> None:
    reply = json.loads(run("evaluate", irises.id, "--split", "test", "--json", url=url).stdout)
    evaluation = irises.evaluate(split="test")
    assert (reply["split"], reply["samples"]) == ("test", 30)
    assert reply["classification"]["f1"] == of_classes(evaluation).f1
    assert [row["name"] for row in reply["classification"]["classes"]] == [
        "setosa",
        "versicolor",
        "virginica",
    ]


def test_a_part_that_a_job_does_not_have_is_refused_by_name(
    lines: epochal.Job, run: Run, url: str
) -> None:
    done = run("evaluate", lines.id, "--split", "test", url=url)
    assert done.returncode == 2
    assert "split" in done.stderr
    done = run("evaluate", lines.id, "--split", "holdout", url=url)
    assert done.returncode == 2
    assert "validation" in done.stderr


def test_a_job_without_stored_weights_says_what_to_do(
    waiting: epochal.Job, run: Run, url: str
) -> None:
    done = run("evaluate", waiting.id, url=url)
    assert done.returncode == 4
    assert "is waiting and has no stored weights: wait for its first epoch." in done.stderr
    waiting.cancel().wait(60)
    done = run("evaluate", waiting.id, url=url)
    assert done.returncode == 4
    assert "Create the job again to train it." in done.stderr
