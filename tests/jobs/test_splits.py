"""Training, validation and test parts are honest: nothing of one is in another."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest

from epochal_service.answers.inspection import samples_of
from epochal_service.errors import InvalidArgument
from epochal_service.preparation.prepare import prepare
from epochal_service.preparation.prepared import Prepared
from epochal_service.settings import Limits
from epochal_service.specs.training import TrainingSpec
from epochal_service.specs.validation import parse
from epochal_service.store import Access, Database, migrate

IRIS: dict[str, Any] = {
    "network": {
        "input_shape": [4],
        "layers": [{"type": "dense", "units": 3, "activation": "softmax"}],
    },
    "dataset": {"name": "iris", "scaling": "standard"},
    "loss": "cross_entropy",
    "epochs": 2,
    "validation_fraction": 0.2,
}
LINE: dict[str, Any] = {
    "network": {
        "input_shape": [1],
        "layers": [{"type": "dense", "units": 2, "activation": "softmax"}],
    },
    "dataset": {"inputs": [[0], [1], [2], [3]], "targets": [0, 0, 1, 1]},
    "loss": "cross_entropy",
    "epochs": 2,
}


@pytest.fixture(scope="module")
def database(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Database]:
    url = f"sqlite:///{tmp_path_factory.mktemp('store')}/epochal.db"
    migrate.upgrade(url)
    database = Database(url)
    yield database
    database.close()


def prepared(database: Database, spec: dict[str, Any], *, stored: bool = False) -> Prepared:
    return prepare(database, parse(TrainingSpec, spec), Access("me"), Limits(), stored=stored)


def misfit(database: Database, spec: dict[str, Any]) -> tuple[str, str]:
    with pytest.raises(InvalidArgument) as caught:
        prepared(database, spec)
    ((field, text),) = [(e.field, e.description) for e in caught.value.errors]
    return field, text


def test_classes_have_equal_shares_by_default(database: Database) -> None:
    job = prepared(database, IRIS)
    labels = job.dataset.targets
    assert np.bincount(labels[job.rows.validation]).tolist() == [10, 10, 10]
    assert job.spec.split.seed == 0
    plain = prepared(database, {**IRIS, "split": {"stratify": False}})
    assert np.bincount(labels[plain.rows.validation]).tolist() != [10, 10, 10]


def test_a_test_part_is_in_no_other_part(database: Database) -> None:
    job = prepared(database, {**IRIS, "split": {"test_fraction": 0.2}})
    parts = [set(part.tolist()) for part in (job.rows.train, job.rows.validation, job.rows.test)]
    assert [len(part) for part in parts] == [90, 30, 30]
    assert len(set.union(*parts)) == 150
    assert job.cost.samples == len(job.data.train_inputs) == 90
    assert len(samples_of(job, Limits(), "test")) == 30
    # "all" is what training knows, and scaling is computed from the training part alone.
    assert set(samples_of(job, Limits(), "all").indices.tolist()).isdisjoint(parts[2])
    assert abs(job.data.train_inputs.mean(0)).max() < 1e-12


def test_no_validation_picture_of_shifted_digits_is_in_the_training_part(
    database: Database,
) -> None:
    job = prepared(
        database,
        {
            **IRIS,
            "network": {
                "input_shape": [144],
                "layers": [{"type": "dense", "units": 10, "activation": "softmax"}],
            },
            "dataset": {"name": "shifted_digits", "samples": 20_000},
        },
    )
    assert job.spec.split.group_column == "digit"
    assert job.data.validation_inputs is not None
    train = {row.tobytes() for row in job.data.train_inputs}
    shared = sum(row.tobytes() in train for row in job.data.validation_inputs)
    assert shared == 0
    assert len(job.rows.validation) == pytest.approx(4_000, abs=60)
    shares = np.bincount(job.dataset.targets[job.rows.validation]) / 4_000
    assert shares == pytest.approx(np.bincount(job.dataset.targets) / 20_000, abs=0.003)


def test_rows_with_equal_values_of_a_feature_stay_together(database: Database) -> None:
    name = prepared(database, IRIS).dataset.feature_names[3]
    job = prepared(database, {**IRIS, "split": {"group_column": name}})
    widths = job.dataset.inputs[:, 3]
    assert set(widths[job.rows.train]).isdisjoint(widths[job.rows.validation])


def test_a_stored_job_has_the_split_that_it_was_created_with(database: Database) -> None:
    job = prepared(database, {**IRIS, "seed": 5, "split": {"test_fraction": 0.1}})
    again = prepared(database, job.spec.model_dump(mode="json") | {"seed": 6}, stored=True)
    assert again.rows.validation.tolist() == job.rows.validation.tolist()
    other = prepared(database, {**IRIS, "seed": 6, "split": {"test_fraction": 0.1}})
    assert other.rows.validation.tolist() != job.rows.validation.tolist()


def test_a_validation_set_of_its_own(database: Database) -> None:
    other = {"inputs": [[5], [6]], "targets": [1, 1]}
    job = prepared(
        database,
        {
            **LINE,
            "dataset": {**LINE["dataset"], "scaling": "minmax"},
            "validation_dataset": other,
        },
    )
    assert job.cost.samples == 4
    assert job.data.validation_inputs is not None
    assert job.data.validation_inputs.ravel() == pytest.approx([5 / 3, 2.0])
    samples = samples_of(job, Limits(), "validation")
    assert samples.inputs.ravel().tolist() == [5, 6]
    assert samples.targets.tolist() == [[0, 1], [0, 1]]


def test_labels_of_a_validation_set_are_matched_by_name(database: Database) -> None:
    named = {**LINE["dataset"], "class_names": ["cat", "dog"]}
    other = {"inputs": [[1], [2]], "targets": [0, 1], "class_names": ["dog", "cat"]}
    job = prepared(database, {**LINE, "dataset": named, "validation_dataset": other})
    assert job.dataset.targets.tolist() == [0, 0, 1, 1, 1, 0]


@pytest.mark.parametrize(
    ("changes", "field", "text"),
    [
        (
            {"validation_dataset": {"inputs": [[1, 2]], "targets": [0]}},
            "validation_dataset",
            "must have the 1 features of inline, not 2",
        ),
        (
            {"validation_dataset": {"inputs": [[1]], "targets": [2]}},
            "validation_dataset",
            "has classes that inline does not have: 2",
        ),
        (
            {"validation_dataset": {"id": "data_1"}},
            "validation_dataset.id",
            "There is no data set data_1",
        ),
        (
            {"validation_dataset": {"inputs": [[1]], "targets": [0]}, "validation_fraction": 0.1},
            "validation_fraction",
            "must be 0 with a validation_dataset",
        ),
        ({"split": {"group_column": "city"}}, "split.group_column", "its columns: x1"),
        (
            {"validation_fraction": 0.5, "split": {"test_fraction": 0.5}},
            "split.test_fraction",
            "must be less than 1 together with validation_fraction",
        ),
        (
            {"dataset": {"inputs": [[1]], "targets": [0]}, "validation_fraction": 0.5},
            "validation_fraction",
            "at least two samples",
        ),
    ],
)
def test_what_does_not_fit_is_named(
    database: Database, changes: dict[str, Any], field: str, text: str
) -> None:
    named, description = misfit(database, {**LINE, **changes})
    assert (named, text in description) == (field, True)


def test_a_part_that_a_job_does_not_have_is_refused(database: Database) -> None:
    job = prepared(database, LINE)
    with pytest.raises(InvalidArgument, match="must be train: this job has no test"):
        samples_of(job, Limits(), "test")
