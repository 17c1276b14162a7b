"""Weights of samples and classes reach the data of a run; unfit weights are refused."""

from typing import Any

import numpy as np
import pytest
from tests.jobs.test_preparation import Prepare, dense, misfits, prepared, spec, tokens

from epochal_service.errors import InvalidArgument
from epochal_service.specs.training import TrainingSpec

__all__ = ["prepared"]

ROWS: dict[str, Any] = {
    "inputs": [[0, 1], [2, 3], [4, 0], [1, 1], [3, 1], [5, 2]],
    "targets": [0, 0, 0, 0, 1, 1],
}
SOFTMAX = [dense(2, "softmax")]


def inline(weights: Any = (), **fields: Any) -> TrainingSpec:
    return spec({**ROWS, "weights": list(weights)}, **fields)


@pytest.mark.parametrize("fields", [{}, {"loss": "cross_entropy", "layers": SOFTMAX}])
@pytest.mark.parametrize(
    ("weights", "class_weights", "expected"),
    [
        ((), None, None),
        ((1, 2, 3, 4, 5, 0), None, [1, 2, 3, 4, 5, 0]),
        ((), "balanced", [0.75, 0.75, 0.75, 0.75, 1.5, 1.5]),
        ((), [2, 7], [2, 2, 2, 2, 7, 7]),
        ((1, 2, 3, 4, 5, 0), [2, 7], [2, 4, 6, 8, 35, 0]),
    ],
)
def test_the_weight_of_a_sample_is_multiplied_by_that_of_its_class(
    prepared: Prepare, fields: Any, weights: Any, class_weights: Any, expected: Any
) -> None:
    job = prepared(inline(weights, class_weights=class_weights, **fields))
    actual = job.data.train_sample_weights
    if expected is None:
        assert actual is None
        return
    assert actual is not None
    order = np.argsort(job.rows.train)
    np.testing.assert_allclose(actual[order], expected)


def test_classes_are_counted_in_the_training_part_and_weighted_in_both(prepared: Prepare) -> None:
    requested = spec(
        {"name": "wine"},
        [dense(3, "softmax")],
        input_shape=[13],
        loss="cross_entropy",
        validation_fraction=0.3,
        split={"stratify": False},
        class_weights="balanced",
    )
    job = prepared(requested)
    train, validation = job.targets[job.rows.train], job.targets[job.rows.validation]
    by_class = len(train) / (3 * np.bincount(train))
    assert job.data.train_sample_weights is not None
    np.testing.assert_allclose(job.data.train_sample_weights, by_class[train])
    assert job.data.validation_sample_weights is not None
    np.testing.assert_allclose(job.data.validation_sample_weights, by_class[validation])


def test_the_weight_of_a_sequence_is_multiplied_by_that_of_each_class(prepared: Prepare) -> None:
    requested = tokens([[0, 1], [2, 2]], [[1, 0], [2, -1]])
    rows = requested.dataset.model_copy(update={"weights": [10.0, 100.0]})
    changes = {"class_weights": [1.0, 2.0, 3.0], "dataset": rows}
    job = prepared(requested.model_copy(update=changes))
    weights = job.data.train_sample_weights
    assert weights is not None
    np.testing.assert_allclose(weights[np.argsort(job.rows.train)], [[20, 10], [300, 0]])


def test_a_validation_data_set_without_weights_counts_all_its_samples_alike(
    prepared: Prepare,
) -> None:
    other = {"inputs": [[0, 1], [2, 3]], "targets": [0, 1]}
    job = prepared(inline((1, 2, 3, 4, 5, 6), validation_dataset=other))
    assert job.data.validation_sample_weights is not None
    assert job.data.validation_sample_weights.tolist() == [1, 1]


@pytest.mark.parametrize(
    ("fields", "field", "sentence"),
    [
        ({"class_weights": [1, 2, 3]}, "class_weights", "one for each class of inline; it has 3"),
        (
            {"class_weights": "balanced", "loss": "mse"},
            "class_weights",
            "need a loss for classes: mse compares numbers",
        ),
        (
            {"class_weights": "balanced", "targets": [[0, 1]] * 6, "layers": [dense(2, "sigmoid")]},
            "class_weights",
            "need one class for each sample: inline has several binary outputs",
        ),
        ({"weights": [1] * 5}, "dataset.weights", "There must be 6, one per row; there are 5."),
        ({"weights": [0] * 6}, "dataset.weights", "greater than 0 in the training part"),
        (
            {"weights": [1] * 6, "validation_dataset": {**ROWS, "weights": [0] * 6}},
            "validation_dataset.weights",
            "greater than 0 in the validation part",
        ),
    ],
)
def test_weights_that_do_not_fit_are_refused(
    prepared: Prepare, fields: dict[str, Any], field: str, sentence: str
) -> None:
    rows = {name: fields[name] for name in ("weights", "targets") if name in fields}
    others = {name: value for name, value in fields.items() if name not in rows}
    [(name, text)] = misfits(prepared, spec({**ROWS, **rows}, **others))
    assert name == field
    assert sentence in text


@pytest.mark.parametrize(
    ("class_weights", "field", "sentence"),
    [
        ([1, 0], "class_weights[1]", "must be greater than 0"),
        ([1, -2], "class_weights[1]", "must be greater than 0"),
        ([1, 2e6], "class_weights[1]", "must be at most 1e+06"),
        ([1, float("nan")], "class_weights[1]", "must be a finite number"),
        ([1, "2"], "class_weights[1]", "must be a number"),
        ([1], "class_weights", "needs at least 2; it has 1"),
        ("balance", "class_weights", "must be balanced, or a list with a number for each class"),
        ({"0": 1}, "class_weights", "must be balanced, or a list with a number for each class"),
    ],
)
def test_class_weights_must_be_positive_numbers(
    class_weights: Any, field: str, sentence: str
) -> None:
    with pytest.raises(InvalidArgument) as caught:
        inline(class_weights=class_weights)
    [(name, text)] = caught.value.errors
    assert (name, text) == (field, sentence)


def test_a_weight_must_not_be_negative() -> None:
    with pytest.raises(InvalidArgument) as caught:
        inline([1, -1, 1, 1, 1, 1])
    assert list(caught.value.errors) == [("dataset.weights[1]", "must be at least 0")]
