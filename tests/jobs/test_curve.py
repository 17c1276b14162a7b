"""A curve in few points has lost neither an extreme nor anything that is not finite."""

import json
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from epochal_engine import Block
from epochal_service.jobs import curve
from epochal_service.jobs.epochs import entry_of
from epochal_service.store import Database, jobs, log, migrate

JOB = "job_0000000000000_0000000000000000"


@given(
    values=arrays(
        np.float64,
        st.integers(1, 400),
        elements=st.one_of(
            st.integers(-5, 5).map(float), st.sampled_from([np.nan, np.inf, -np.inf])
        ),
    ),
    points=st.integers(4, 60),
)
@settings(max_examples=300)
def test_reducing_keeps_ends_extremes_and_the_first_odd_value(
    values: np.ndarray[Any, np.dtype[np.float64]], points: int
) -> None:
    kept = curve.downsample(values, points)
    assert (np.diff(kept) > 0).all()
    if len(values) <= points:
        assert len(kept) == len(values)
        return
    assert kept[0] == 0
    assert kept[-1] == len(values) - 1
    finite = values[np.isfinite(values)]
    if finite.size:
        assert values[kept][np.isfinite(values[kept])].min() == finite.min()
        assert values[kept][np.isfinite(values[kept])].max() == finite.max()
    if finite.size < values.size:
        assert int(np.isfinite(values).argmin()) in kept
    # Two extremes and perhaps one odd value of each stretch, and the two ends.
    assert len(kept) <= 3 * max(1, (points - 2) // 2) + 2


def test_a_flat_curve_keeps_one_point_of_each_stretch() -> None:
    kept = curve.downsample(np.zeros(1000), 22)
    assert kept.tolist() == [*range(0, 1000, 100), 999]


@pytest.fixture
def database(database_url: str) -> Iterator[Database]:
    migrate.upgrade(database_url)
    database = Database(database_url)
    with database.write() as connection:
        values = {"id": JOB, "owner": "me", "state": "running", "spec": "{}", "parameters": 1}
        values |= {"samples": 1, "flops": 1.0, "epoch": 0, "attempt": 1, "fruitless_attempts": 0}
        jobs.insert(connection, {**values, "fence": 1, "last_seq": 0}, {})
    yield database
    database.close()


def store(
    database: Database,
    losses: list[np.ndarray[Any, np.dtype[np.float64]]],
    *,
    with_bodies: bool = True,
) -> None:
    first, entries = 1, []
    for loss in losses:
        columns = {"train_loss": loss, "gradient_norm": -loss}
        entry = entry_of(Block(first, columns, None), np.full(len(loss), 1e-3))
        assert entry is not None
        entries.append(entry if with_bodies else replace(entry, body=None))
        first += len(loss)
    with database.write() as connection:
        log.append(connection, JOB, len(entries), entries)


@pytest.mark.parametrize("size", [1, 7, 128, 1024])
def test_a_stored_curve_agrees_with_its_epochs(database: Database, size: int) -> None:
    rng = np.random.default_rng(size)
    loss = rng.normal(size=5000)
    loss[[17, 3333]] = np.nan, -np.inf
    store(database, [loss[at : at + size] for at in range(0, len(loss), size)])
    with database.read() as connection:
        told = curve.read(connection, JOB, ("train_loss", "gradient_norm"), 100)
    assert told.epochs == 5000
    for series, sign in zip(told.series, (1, -1), strict=True):
        epochs, values = np.array(series.epochs), np.array(series.values)
        np.testing.assert_array_equal(values, sign * loss[epochs - 1])
        assert epochs[0] == 1
        assert epochs[-1] == 5000
        finite = np.isfinite(values)
        assert values[finite].max() == (sign * loss[np.isfinite(loss)]).max()
        assert values[finite].min() == (sign * loss[np.isfinite(loss)]).min()
        assert {18, 3334} <= set(series.epochs)
        assert len(epochs) <= 3 * 49 + 2


@pytest.mark.parametrize(("stretches", "points"), [(5, 22), (5, 12), (50, 22)])
def test_a_curve_of_enough_stretches_is_drawn_without_reading_the_columns(
    database: Database, stretches: int, points: int
) -> None:
    store(database, [np.array([1.0, 0.0, 2.0, 9.0, 5.0, 5.0])] * stretches, with_bodies=False)
    with database.read() as connection:
        told = curve.read(connection, JOB, ("train_loss",), points)
    assert {0.0, 9.0} <= set(told.series[0].values)
    assert told.series[0].epochs[0] == 1
    assert told.series[0].epochs[-1] == 6 * stretches
    assert len(told.series[0].epochs) >= points // 2


def test_few_epochs_come_back_whole(database: Database) -> None:
    store(database, [np.array([3.0, 2.0]), np.array([np.inf])])
    with database.read() as connection:
        told = curve.read(connection, JOB, (), 10)
    assert [series.metric for series in told.series] == ["train_loss", "gradient_norm", "seconds"]
    assert told.series[0].epochs == [1, 2, 3]
    assert json.loads(told.model_dump_json())["series"][0]["values"] == [3.0, 2.0, "Infinity"]


def test_a_job_without_epochs_has_an_empty_curve(database: Database) -> None:
    with database.read() as connection:
        assert curve.read(connection, JOB, (), 10).series == []


def small(database: Database, points: int) -> dict[int, float]:
    with database.read() as connection:
        told = curve.small(connection, [JOB, "job_1"], points)
    assert list(told) == [JOB]
    return dict(zip(told[JOB].epochs, told[JOB].values, strict=True))


def test_a_small_curve_of_few_stretches_has_their_extremes(database: Database) -> None:
    losses = np.linspace(3, 1, 2000)
    losses[[500, 1500]] = 9.0, 0.0
    store(database, [losses[:1000], losses[1000:]])
    told = small(database, 8)
    assert {1, 501, 1501, 2000} <= set(told)
    assert (told[501], told[1501]) == (9.0, 0.0)
    assert len(told) <= 3 * 3 + 2
    assert all(value == losses[epoch - 1] for epoch, value in told.items())


@pytest.mark.parametrize("size", [1, 3])
def test_a_small_curve_of_many_stretches_reads_few_of_them_and_no_columns(
    database: Database, size: int
) -> None:
    losses = np.arange(600.0)[::-1]
    store(database, [losses[at : at + size] for at in range(0, 600, size)], with_bodies=False)
    told = small(database, 10)
    assert {1, 600} <= set(told)
    assert 10 <= len(told) <= 12
    assert all(value == 600 - epoch for epoch, value in told.items())
    # At about equal distances, none of them far from the next.
    assert max(np.diff(sorted(told))) <= 600 / 10 + size
