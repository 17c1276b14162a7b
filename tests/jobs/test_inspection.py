"""Principal components, classes and losses, compared with numbers computed by hand."""

import numpy as np
import pytest

from epochal_engine import LOSSES, Dense, Network
from epochal_service.answers.inspection import (
    classes_of,
    image_shape_of,
    losses_of,
    predicted_classes,
    principal_components,
    rounded,
    threshold_of,
)
from epochal_service.datasets import load


def test_the_first_component_has_the_largest_variance() -> None:
    # On the diagonal at -2, 0 and 2, and one half a step to each side of its middle.
    along, across = np.array([1.0, 1.0]) / np.sqrt(2), np.array([1.0, -1.0]) / np.sqrt(2)
    middle = np.array([5, 7])
    values = np.stack([-2 * along, 2 * along, across / 2, -across / 2]) + middle
    positions, shares = principal_components(values)
    np.testing.assert_allclose(positions[:, 0], [-2, 2, 0, 0], atol=1e-12)
    np.testing.assert_allclose(np.abs(positions[:, 1]), [0, 0, 0.5, 0.5], atol=1e-12)
    np.testing.assert_allclose(shares, [8 / 8.5, 0.5 / 8.5])


def test_the_largest_element_of_a_component_is_positive() -> None:
    values = np.array([[0.0, 0.0, 0.0], [0.0, -3.0, 1.0]])
    positions, shares = principal_components(values)
    assert (
        positions[0, 0] > positions[1, 0]
    )  # the second axis grows from the second sample to the first
    again, _ = principal_components(values * 2)
    np.testing.assert_allclose(again, positions * 2, atol=1e-12)
    np.testing.assert_allclose(shares, [1, 0], atol=1e-12)


def test_equal_samples_have_no_explained_variance() -> None:
    positions, shares = principal_components(np.ones((4, 3)))
    assert not positions.any()
    assert not shares.any()


def test_a_single_sample_is_at_the_origin() -> None:
    positions, _ = principal_components(np.array([[1.0, 2.0, 3.0]]))
    assert positions.tolist() == [[0.0]]


def test_non_finite_values_have_no_coordinates() -> None:
    positions, shares = principal_components(np.array([[1.0, np.inf, 0.0], [0.0, 1.0, 2.0]]))
    assert np.isnan(positions).all()
    assert not shares.any()


def test_the_largest_output_is_the_class_and_a_single_output_is_compared_with_the_threshold() -> (
    None
):
    assert classes_of(np.array([[0.1, 0.7, 0.2], [0.5, 0.2, 0.3]])).tolist() == [1, 0]
    assert classes_of(np.array([[0.49], [0.5]])).tolist() == [0, 1]
    scores = np.array([[-0.1], [0.0]])
    assert classes_of(scores, threshold_of(LOSSES["hinge"])).tolist() == [0, 1]
    assert classes_of(scores, threshold_of(LOSSES["binary_cross_entropy"])).tolist() == [0, 0]


def test_each_of_several_binary_outputs_is_a_prediction() -> None:
    outputs = np.array([[0.1, 0.5, 0.9], [0.4, np.nan, -0.2]])
    assert predicted_classes(LOSSES["focal"], outputs).tolist() == [[0, 1, 1], [0, -1, 0]]
    assert predicted_classes(LOSSES["hinge"], outputs).tolist() == [[1, 1, 1], [1, -1, 0]]
    assert predicted_classes(LOSSES["cross_entropy"], outputs).tolist() == [2, -1]


def test_the_loss_of_a_sample_is_the_mean_over_its_time_steps() -> None:
    outputs = np.array([[[1.0], [3.0]], [[0.0], [0.0]]])
    assert losses_of(LOSSES["mse"], outputs, np.zeros((2, 2, 1))).tolist() == [5, 0]


@pytest.mark.parametrize(
    ("name", "shape", "result"),
    [("digits", (64,), [8, 8]), ("digits", (8, 8, 1), [8, 8, 1]), ("iris", (4,), [])],
)
def test_an_image_shape_follows_from_feature_names_or_from_the_network(
    name: str, shape: tuple[int, ...], result: list[int]
) -> None:
    network = Network(shape, (Dense(2),))
    assert image_shape_of(load(name), network) == result


def test_large_and_small_numbers_are_rounded_to_six_significant_digits() -> None:
    values = np.array([[123456.78, -0.000123456789], [0.0, np.inf], [1 / 3, -1e-300]])
    result = rounded(values).tolist()
    assert result == [[123457, -0.000123457], [0, np.inf], [0.333333, -1e-300]]
