"""A data set encodes its targets for a loss, or reports why it cannot."""

import pickle
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from epochal_service.datasets import Dataset, DatasetError, Task
from epochal_service.datasets.dataset import MAX_PROBLEMS, Problems


def table(task: Task, targets: list[Any], class_names: tuple[str, ...]) -> Dataset:
    return Dataset(
        name="three rows",
        description="",
        task=task,
        inputs=np.zeros((3, 2)),
        targets=np.array(targets),
        feature_names=("x", "y"),
        class_names=class_names,
        target_names=("t",),
    )


BINARY = table("binary", [0, 1, 1], ("no", "yes"))
MULTICLASS = table("multiclass", [2, 0, 1], ("red", "green", "blue"))
REGRESSION = table("regression", [[1.5], [-2.0], [0.0]], ())
TWO_NUMBERS = replace(
    REGRESSION, targets=np.array([[1.0, 0.0], [0.0, 1.0], [1.0, 0.5]]), target_names=("y1", "y2")
)
UNCERTAIN = table("binary", [[1.0, 0.0], [0.25, 0.75], [0.5, 0.5]], ("no", "yes"))


@pytest.mark.parametrize(
    ("dataset", "loss", "expected"),
    [
        (BINARY, "binary_cross_entropy", [[0], [1], [1]]),
        (BINARY, "mse", [[0], [1], [1]]),
        (MULTICLASS, "mse", [[0, 0, 1], [1, 0, 0], [0, 1, 0]]),
        (REGRESSION, "mse", [[1.5], [-2.0], [0.0]]),
        (UNCERTAIN, "cross_entropy", [[1, 0], [0.25, 0.75], [0.5, 0.5]]),
        (UNCERTAIN, "binary_cross_entropy", [[0], [0.75], [0.5]]),
    ],
)
def test_targets_are_encoded_as_the_loss_compares_them(
    dataset: Dataset, loss: str, expected: list[list[float]]
) -> None:
    encoded = dataset.encoded_targets(loss)
    assert encoded.dtype == np.float64
    assert encoded.tolist() == expected


@pytest.mark.parametrize("dataset", [BINARY, MULTICLASS])
def test_labels_stay_labels_for_cross_entropy(dataset: Dataset) -> None:
    encoded = dataset.encoded_targets("cross_entropy")
    assert encoded.dtype == np.int64
    assert encoded.tolist() == dataset.targets.tolist()
    assert dataset.output_shape(encoded) == (len(dataset.class_names),)


def characters(positions: int, classes: int) -> Dataset:
    """Return a sequence of two time steps for each sample; the labels are all 0."""
    samples = positions // 2
    return Dataset(
        name="characters",
        description="",
        task="sequence",
        inputs=np.zeros((samples, 2)),
        targets=np.zeros((samples, 2), np.int64),
        feature_names=("x1", "x2"),
        class_names=tuple(map(str, range(classes))),
        target_names=("y1", "y2"),
    )


def test_a_long_text_with_many_characters_fits() -> None:
    text = characters(234_000, 222)
    encoded = text.encoded_targets("cross_entropy")
    assert encoded.nbytes == text.targets.nbytes
    assert text.output_shape(encoded) == (2, 222)
    with pytest.raises(DatasetError, match="300000 targets of 222 classes are more than 64000000"):
        characters(300_000, 222).encoded_targets("cross_entropy")


@pytest.mark.parametrize(
    ("dataset", "loss", "sentence"),
    [
        (REGRESSION, "cross_entropy", "needs classes, but three rows has numbers: use mse."),
        (REGRESSION, "binary_cross_entropy", "two classes, but three rows has numbers: use mse."),
        (TWO_NUMBERS, "focal", "two classes, but three rows has numbers: use mse."),
        (MULTICLASS, "binary_cross_entropy", "three rows has 3 classes: use cross_entropy."),
        (BINARY, "kl", "no loss 'kl': choose one of mse, "),
    ],
)
def test_a_loss_that_does_not_fit_is_refused_with_one_that_does(
    dataset: Dataset, loss: str, sentence: str
) -> None:
    with pytest.raises(DatasetError) as caught:
        dataset.encoded_targets(loss)
    assert caught.value.field == "loss"
    assert sentence in str(caught.value)


def test_a_data_set_counts_its_samples_features_and_outputs() -> None:
    assert (BINARY.samples, BINARY.features) == (3, 2)
    assert [d.outputs for d in (BINARY, MULTICLASS, REGRESSION)] == [1, 3, 1]


def test_the_arrays_of_a_data_set_cannot_be_written_to() -> None:
    with pytest.raises(ValueError, match="read-only"):
        BINARY.inputs[0, 0] = 1.0
    with pytest.raises(ValueError, match="read-only"):
        BINARY.targets[0] = 1


def test_encoded_targets_are_writable_copies() -> None:
    REGRESSION.encoded_targets("mse")[0, 0] = 99.0
    assert REGRESSION.targets[0, 0] == 1.5


@pytest.mark.parametrize(
    ("task", "targets", "class_names"),
    [
        ("binary", [0, 1], ("no", "yes")),
        ("binary", [0, 1, 1], ("no", "yes", "perhaps")),
        ("multiclass", [0, 1, 1], ("no", "yes")),
        ("multiclass", [[1.0, 0.0]] * 3, ("a", "b", "c")),
        ("regression", [1.0, 2.0, 3.0], ()),
        ("regression", [[1.0], [2.0], [3.0]], ("no", "yes")),
    ],
)
def test_shapes_and_names_that_do_not_agree_are_refused(
    task: Task, targets: list[Any], class_names: tuple[str, ...]
) -> None:
    with pytest.raises(ValueError, match="do not agree"):
        table(task, targets, class_names)


def test_an_error_keeps_its_fields_when_it_travels_between_processes() -> None:
    error = DatasetError(("noise", "It is loud."), ("samples", "They are few."))
    copy = pickle.loads(pickle.dumps(error))
    assert copy.errors == [("noise", "It is loud."), ("samples", "They are few.")]
    assert copy.field == "noise"
    assert str(copy) == "It is loud. They are few."


def test_problems_are_raised_together_and_at_once_when_there_are_twenty() -> None:
    problems = Problems()
    problems.raise_any()
    for number in range(MAX_PROBLEMS - 1):
        problems.add("field", f"Problem {number}.")
    with pytest.raises(DatasetError) as caught:
        problems.add("field", "The last straw.")
    assert len(caught.value.errors) == MAX_PROBLEMS == 20
