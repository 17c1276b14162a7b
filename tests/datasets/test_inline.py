"""The loss determines the meaning of inline rows; wrong rows are reported."""

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from epochal_service.datasets import Dataset, DatasetError, from_rows

CORNERS = [[0, 0], [0, 1], [1, 0], [1, 1]]


def outcome(inputs: Any, targets: Any, loss: str) -> Dataset | DatasetError:
    try:
        return from_rows(inputs, targets, loss=loss)
    except DatasetError as error:
        return error


def errors(inputs: Any, targets: Any, loss: str) -> list[tuple[str, str]]:
    error = outcome(inputs, targets, loss)
    assert isinstance(error, DatasetError)
    return error.errors


@pytest.mark.parametrize("targets", [[0, 1, 1, 0], [[0], [1.0], [1], [False]]])
def test_zeros_and_ones_are_two_classes_for_binary_cross_entropy(targets: Any) -> None:
    dataset = from_rows(CORNERS, targets, loss="binary_cross_entropy")
    assert dataset.task == "binary"
    assert dataset.inputs.tolist() == CORNERS
    assert dataset.targets.tolist() == [0, 1, 1, 0]
    assert dataset.class_names == ("0", "1")
    assert dataset.feature_names == ("x1", "x2")
    assert dataset.encoded_targets("binary_cross_entropy").tolist() == [[0], [1], [1], [0]]


@pytest.mark.parametrize("loss", ["binary_cross_entropy", "focal", "hinge"])
def test_rows_of_zeros_and_ones_are_several_binary_outputs(loss: str) -> None:
    rows = [[0, 0, 1], [1, 1, 1], [0, 0, 0], [0, 1, 0]]
    dataset = from_rows(CORNERS, rows, loss=loss)
    assert (dataset.outputs, dataset.class_names) == (3, ())
    assert dataset.target_names == ("y1", "y2", "y3")
    encoded = dataset.encoded_targets(loss)
    assert encoded.tolist() == rows
    assert dataset.output_shape(encoded) == (3,)


@pytest.mark.parametrize(
    "targets", [[2, 0, 1, 2], [[2], [0], [1], [2]], np.eye(3)[[2, 0, 1, 2]].tolist()]
)
def test_labels_and_one_hot_rows_are_the_same_classes_for_cross_entropy(targets: Any) -> None:
    dataset = from_rows(CORNERS, targets, loss="cross_entropy")
    assert dataset.task == "multiclass"
    assert dataset.targets.tolist() == [2, 0, 1, 2]
    assert dataset.class_names == ("0", "1", "2")


def test_probabilities_are_unchanged_for_cross_entropy() -> None:
    rows = [[0.25, 0.75], [1.0, 0.0]]
    dataset = from_rows([[1], [2]], rows, loss="cross_entropy")
    assert dataset.task == "binary"
    assert dataset.encoded_targets("cross_entropy").tolist() == rows


def test_a_single_label_still_makes_two_classes() -> None:
    dataset = from_rows([[1], [2]], [0, 0], loss="cross_entropy")
    assert dataset.encoded_targets("cross_entropy").tolist() == [0, 0]
    assert dataset.class_names == ("0", "1")


def test_any_numbers_are_a_regression_for_mse() -> None:
    dataset = from_rows([[1], [2]], [3, -4.5], loss="mse")
    assert dataset.task == "regression"
    assert dataset.targets.tolist() == [[3], [-4.5]]
    assert dataset.target_names == ("y1",)
    two = from_rows([[1], [2]], [[3, 0], [1, 2]], loss="mse")
    assert two.targets.tolist() == [[3, 0], [1, 2]]
    assert (two.target_names, two.outputs) == (("y1", "y2"), 2)


def test_arrays_are_accepted_like_lists_and_stay_writable() -> None:
    inputs = np.array(CORNERS, dtype=np.float64)
    dataset = from_rows(inputs, np.array([0, 1, 1, 0]), loss="binary_cross_entropy")
    inputs[0, 0] = 99.0
    assert dataset.inputs[0, 0] == 0.0


@pytest.mark.parametrize(
    ("inputs", "targets", "loss", "field", "sentence"),
    [
        ([], [], "mse", "inputs", "There must be at least one row"),
        ([[1], [2]], [1], "mse", "targets", "There are 2 inputs and 1 targets"),
        (
            [[1, 2], [3]],
            [1, 2],
            "mse",
            "inputs[1]",
            "must have 2 numbers, like inputs[0]; it has 1.",
        ),
        ([[1], 2], [1, 2], "mse", "inputs[1]", "must be a row of at least one number"),
        ([[], []], [1, 2], "mse", "inputs[0]", "must be a row of at least one number"),
        ([[1], ["2"]], [1, 2], "mse", "inputs[1]", "the value at 0 is not one"),
        ([[1], "23"], [1, 2], "mse", "inputs[1]", "must be a row"),
        ([[1], [None]], [1, 2], "mse", "inputs[1]", "the value at 0 is not one"),
        ([[1, 1], [2, float("nan")]], [1, 2], "mse", "inputs[1]", "must have finite numbers alone"),
        ([[1], [10**400]], [1, 2], "mse", "inputs[1]", "the value at 0 is not one"),
        ([[1], [2]], [1, float("inf")], "mse", "targets[1]", "must have finite numbers"),
        ([[1], [2]], [1, [2]], "mse", "targets[0]", "must be a row of at least one number"),
        (
            [[1], [2]],
            [0, 2],
            "binary_cross_entropy",
            "targets[1]",
            "must be 0 or 1 with binary_cross",
        ),
        ([[1], [2]], [0, 0.5], "binary_cross_entropy", "targets[1]", "it is 0.5."),
        ([[1], [2]], [[0, 1], [1, 2]], "focal", "targets[1]", "the value at 1 is 2."),
        ([[1], [2]], [0, 1.5], "cross_entropy", "targets[1]", "a whole label from 0 to 255"),
        ([[1], [2]], [-1, 0], "cross_entropy", "targets[0]", "it is -1."),
        ([[1], [2]], [0, 1e300], "cross_entropy", "targets[1]", "it is 1e+300."),
        ([[1]], [[0.5, 0.6]], "cross_entropy", "targets[0]", "must be probabilities"),
        ([[1]], [[-0.5, 1.5]], "cross_entropy", "targets[0]", "must be probabilities"),
        ([[1]], [[1.0] + [0.0] * 256], "cross_entropy", "targets", "257 classes; the limit is 256"),
        ([[1]], [1], "kl", "loss", "choose one of mse, mae, huber, binary_cross_entropy, "),
    ],
)
def test_a_wrong_row_is_named_with_what_would_be_right(
    inputs: Any, targets: Any, loss: str, field: str, sentence: str
) -> None:
    row = errors(inputs, targets, loss)
    assert [name for name, _ in row if name == field] == [field]
    assert row[0][0] == field
    assert sentence in row[0][1]


def test_up_to_twenty_wrong_rows_are_reported_together() -> None:
    assert [field for field, _ in errors([["a"], [1], ["b"]], [1, 2, 3], "mse")] == [
        "inputs[0]",
        "inputs[2]",
    ]
    assert len(errors([[0]] * 50, [7] * 50, "binary_cross_entropy")) == 20


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=2),
    lambda inner: st.lists(inner, max_size=3),
    max_leaves=8,
)


@given(
    st.lists(json_values, max_size=4),
    st.lists(json_values, max_size=4),
    st.sampled_from(["mse", "binary_cross_entropy", "cross_entropy"]),
)
def test_any_json_gives_a_data_set_or_a_data_set_error(
    inputs: Any, targets: Any, loss: str
) -> None:
    read = outcome(inputs, targets, loss)
    if isinstance(read, DatasetError):
        assert 1 <= len(read.errors) <= 20
    else:
        assert np.isfinite(read.encoded_targets(loss)).all()


def test_named_classes_are_labels_whatever_the_loss() -> None:
    for loss in ("mse", "binary_cross_entropy", "cross_entropy"):
        points = from_rows(
            [[0, 0], [1, 1]],
            [0, 1],
            loss=loss,
            feature_names=["across", "up"],
            class_names=["orange", "blue"],
        )
        assert (points.task, points.class_names) == ("binary", ("orange", "blue"))
        assert points.feature_names == ("across", "up")
    assert points.encoded_targets("mse").tolist() == [[0], [1]]


def test_classes_may_have_no_samples() -> None:
    points = from_rows([[0], [1]], [0, 0], loss="cross_entropy", class_names=["a", "b", "c"])
    assert points.task == "multiclass"
    assert points.output_shape(points.encoded_targets("cross_entropy")) == (3,)


@pytest.mark.parametrize(
    ("targets", "names", "result"),
    [
        ([0, 2], ["a", "b"], "There must be 3, one per class; there are 2."),
        ([0, 1], ["a", "a"], "There must be at least two names, all distinct."),
        ([[1, 0], [0, 1]], ["a", "b", "c"], "There must be 2, one per class; there are 3."),
    ],
)
def test_names_that_do_not_fit_the_classes_are_refused(
    targets: Any, names: list[str], result: str
) -> None:
    with pytest.raises(DatasetError) as caught:
        from_rows([[0], [1]], targets, loss="cross_entropy", class_names=names)
    assert list(caught.value.errors) == [("class_names", result)]


def test_names_that_do_not_fit_the_features_are_refused() -> None:
    with pytest.raises(DatasetError) as caught:
        from_rows([[0, 1]], [0], loss="mse", feature_names=["alone"])
    result = "There must be 2, one per number of a row; there are 1."
    assert list(caught.value.errors) == [("feature_names", result)]
