"""Downsampling preserves extremes and non-finite values, in buckets that do not move."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from numpy.typing import NDArray

from epochal_service.curves.buckets import bucket_width, closed_epoch, downsample

VALUES = arrays(
    np.float64,
    st.integers(1, 120),
    elements=st.one_of(st.integers(-5, 5).map(float), st.sampled_from([np.nan, np.inf, -np.inf])),
)


def chosen_epochs(values: NDArray[np.float64], width: int) -> set[int]:
    epochs = np.arange(1, len(values) + 1)
    return set(epochs[downsample(epochs, values, width)].tolist())


@given(values=VALUES, width=st.sampled_from([1, 2, 4, 16, 64, 512]))
@settings(max_examples=150)
def test_each_bucket_keeps_its_extremes_and_its_first_non_finite_value(
    values: NDArray[np.float64], width: int
) -> None:
    expected = {1, len(values)} | (set(range(1, len(values) + 1)) if width == 1 else set())
    for start in range(0, len(values), width):
        bucket = dict(enumerate(values[start : start + width].tolist(), start + 1))
        finite = {epoch: value for epoch, value in bucket.items() if np.isfinite(value)}
        if finite:
            expected |= {min(finite, key=lambda epoch: finite[epoch])}
            expected |= {max(finite, key=lambda epoch: finite[epoch])}
        expected |= {*[epoch for epoch in bucket if epoch not in finite][:1]}
    assert chosen_epochs(values, width) == expected


@given(values=VALUES, width=st.sampled_from([2, 4, 16]), data=st.data())
def test_a_longer_run_has_the_same_points_in_closed_buckets(
    values: NDArray[np.float64], width: int, data: st.DataObject
) -> None:
    shorter = data.draw(st.integers(1, len(values)))
    closed = closed_epoch(shorter, width)
    before = {e for e in chosen_epochs(values[:shorter], width) if e <= closed}
    assert before == {e for e in chosen_epochs(values, width) if e <= closed}


@given(values=VALUES, width=st.sampled_from([2, 4, 16]))
def test_a_downsampled_curve_is_downsampled_further_without_loss(
    values: NDArray[np.float64], width: int
) -> None:
    epochs = np.arange(1, len(values) + 1)
    once = downsample(epochs, values, width)
    twice = once[downsample(epochs[once], values[once], 4 * width)]
    assert twice.tolist() == downsample(epochs, values, 4 * width).tolist()


@given(count=st.integers(0, 10**7), points=st.integers(4, 100_000))
def test_the_width_is_the_smallest_power_of_two_that_gives_few_enough_points(
    count: int, points: int
) -> None:
    def most_points(width: int) -> int:
        return count if width == 1 else 2 * -(-count // width) + 2

    width = bucket_width(count, points)
    assert width.bit_count() == 1
    assert most_points(width) <= points
    assert width <= 2 or most_points(width // 2) > points


@pytest.mark.parametrize(
    ("last", "width", "closed"), [(0, 1, 0), (1, 1, 0), (8, 4, 4), (9, 4, 8), (3, 4, 0)]
)
def test_the_newest_bucket_is_never_closed(last: int, width: int, closed: int) -> None:
    assert closed_epoch(last, width) == closed


def test_a_flat_curve_has_one_point_per_bucket() -> None:
    assert sorted(chosen_epochs(np.zeros(1000), 128)) == [*range(1, 1000, 128), 1000]
