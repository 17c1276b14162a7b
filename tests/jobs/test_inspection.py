"""The plane in which samples differ most, held against numbers that are worked out by hand."""

import numpy as np
import pytest

from epochal_engine import LOSSES, Dense, Network
from epochal_service.datasets import load
from epochal_service.jobs.inspection import (
    classes_of,
    image_shape_of,
    losses_of,
    principal_components,
    rounded,
    threshold_of,
)


def test_the_first_direction_is_the_one_along_which_points_lie() -> None:
    # On the diagonal at -2, 0 and 2, and one half a step to each side of its middle.
    along, across = np.array([1.0, 1.0]) / np.sqrt(2), np.array([1.0, -1.0]) / np.sqrt(2)
    middle = np.array([5, 7])
    values = np.stack([-2 * along, 2 * along, across / 2, -across / 2]) + middle
    places, shares = principal_components(values)
    np.testing.assert_allclose(places[:, 0], [-2, 2, 0, 0], atol=1e-12)
    np.testing.assert_allclose(np.abs(places[:, 1]), [0, 0, 0.5, 0.5], atol=1e-12)
    np.testing.assert_allclose(shares, [8 / 8.5, 0.5 / 8.5])


def test_a_direction_points_where_its_largest_component_is_positive() -> None:
    values = np.array([[0.0, 0.0, 0.0], [0.0, -3.0, 1.0]])
    places, shares = principal_components(values)
    assert places[0, 0] > places[1, 0]  # the second axis grows from the second sample to the first
    again, _ = principal_components(values * 2)
    np.testing.assert_allclose(again, places * 2, atol=1e-12)
    np.testing.assert_allclose(shares, [1, 0], atol=1e-12)


def test_where_nothing_differs_there_is_nothing_to_explain() -> None:
    places, shares = principal_components(np.ones((4, 3)))
    assert not places.any()
    assert not shares.any()


def test_a_single_sample_lies_in_the_middle() -> None:
    places, _ = principal_components(np.array([[1.0, 2.0, 3.0]]))
    assert places.tolist() == [[0.0]]


def test_what_is_not_finite_has_no_place() -> None:
    places, shares = principal_components(np.array([[1.0, np.inf, 0.0], [0.0, 1.0, 2.0]]))
    assert np.isnan(places).all()
    assert not shares.any()


def test_the_largest_output_is_the_class_and_a_single_one_says_yes_or_no() -> None:
    assert classes_of(np.array([[0.1, 0.7, 0.2], [0.5, 0.2, 0.3]])).tolist() == [1, 0]
    assert classes_of(np.array([[0.49], [0.5]])).tolist() == [0, 1]
    scores = np.array([[-0.1], [0.0]])
    assert classes_of(scores, threshold_of(LOSSES["hinge"])).tolist() == [0, 1]
    assert classes_of(scores, threshold_of(LOSSES["binary_cross_entropy"])).tolist() == [0, 0]


def test_the_loss_of_a_sample_is_the_mean_of_its_answers() -> None:
    outputs = np.array([[[1.0], [3.0]], [[0.0], [0.0]]])
    assert losses_of(LOSSES["mse"], outputs, np.zeros((2, 2, 1))).tolist() == [5, 0]


@pytest.mark.parametrize(
    ("name", "shape", "told"),
    [("digits", (64,), [8, 8]), ("digits", (8, 8, 1), [8, 8, 1]), ("iris", (4,), [])],
)
def test_a_picture_is_known_by_its_names_or_by_the_network(
    name: str, shape: tuple[int, ...], told: list[int]
) -> None:
    network = Network(shape, (Dense(2),))
    assert image_shape_of(load(name), network) == told


def test_six_digits_are_kept_of_large_and_of_small_numbers() -> None:
    values = np.array([[123456.78, -0.000123456789], [0.0, np.inf], [1 / 3, -1e-300]])
    told = rounded(values).tolist()
    assert told == [[123457, -0.000123457], [0, np.inf], [0.333333, -1e-300]]
