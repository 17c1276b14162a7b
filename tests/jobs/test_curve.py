"""Downsampled curves preserve extremes and non-finite values."""

import json
from collections.abc import Iterator
from dataclasses import replace

import numpy as np
import pytest
import sqlalchemy as sa
from numpy.typing import NDArray

from epochal_engine import BINS, STATISTICS, Block, Gradients
from epochal_service.curves import curve, outlines
from epochal_service.curves.buckets import bucket_width, downsample
from epochal_service.curves.epochs import entry_of
from epochal_service.curves.gradients import downsample_gradients
from epochal_service.specs.jobs import Curve
from epochal_service.store import Database, jobs, log, tables

Floats = NDArray[np.float64]
JOB = "job_0000000000000_0000000000000000"


@pytest.fixture
def database(database_url: str) -> Iterator[Database]:
    database = Database(database_url)
    with database.write() as connection:
        values = {"id": JOB, "owner": "me", "state": "running", "spec": "{}", "parameters": 1}
        values |= {"samples": 1, "flops": 1.0, "epoch": 0, "attempt": 1, "fruitless_attempts": 0}
        jobs.insert(connection, {**values, "fence": 1, "last_seq": 0}, {})
    yield database
    database.close()


def segments(losses: list[Floats]) -> list[log.Entry]:
    """Return the losses as a worker stores them, in one entry each."""
    first, entries = 1, []
    for loss in losses:
        columns = {"train_loss": loss, "gradient_norm": -loss}
        entry = entry_of(Block(first, columns, None), np.full(len(loss), 1e-3))
        assert entry is not None
        entries.append(entry)
        first += len(loss)
    return entries


def pieces(losses: Floats, size: int) -> list[Floats]:
    return [losses[at : at + size] for at in range(0, len(losses), size)]


def store(database: Database, losses: list[Floats], *, with_bodies: bool = True) -> None:
    entries = segments(losses)
    if not with_bodies:
        entries = [replace(entry, body=None) for entry in entries]
    with database.write() as connection:
        log.append(connection, JOB, len(entries), entries)


def flush(database: Database, losses: list[Floats], sizes: list[int]) -> None:
    """Store the losses as a worker does; `sizes` has the number of entries per transaction."""
    entries, seq = segments(losses), 0
    for size in sizes:
        part = entries[seq : seq + size]
        seq += len(part)
        with database.write() as connection:
            log.append(connection, JOB, seq, part)
            outlines.append(connection, JOB, part)
    assert seq == len(entries)


def expected(losses: Floats, points: int, after: int = 0) -> dict[int, float]:
    epochs = np.arange(1, len(losses) + 1)
    chosen = downsample(epochs, losses, bucket_width(len(losses), points))
    return {int(epochs[i]): float(losses[i]) for i in chosen if epochs[i] > after}


@pytest.mark.parametrize("seed", [1, 2])
def test_a_curve_from_outlines_is_that_of_all_epochs(
    database: Database, monkeypatch: pytest.MonkeyPatch, seed: int
) -> None:
    monkeypatch.setattr(outlines, "WIDTHS", (1, 4, 16, 64))
    monkeypatch.setattr(outlines, "CHUNK_BUCKETS", 4)
    rng = np.random.default_rng(seed)
    # Training is slow, fast or both: flushes have one row or many, of few epochs or many.
    cuts = np.cumsum(rng.choice([1, 2, 5, 100, 500], 60, p=[0.4, 0.3, 0.2, 0.05, 0.05]))
    losses = rng.integers(0, 50, cuts[-1]).astype(float)
    losses[rng.integers(0, len(losses), 5)] = rng.choice([np.nan, np.inf, -np.inf], 5)
    flush(database, np.split(losses, cuts[:-1]), [1] * 10 + [4] * 5 + [30])

    def check() -> None:
        for points in (4, 60, 300, 10_000):
            for after in (0, 64, 201):
                with database.read() as connection:
                    result = curve.read(connection, JOB, ("train_loss",), points, after)
                np.testing.assert_equal(points_of(result), expected(losses, points, after))

    check()
    with database.write() as connection:
        stored = connection.execute(sa.select(sa.func.count()).select_from(tables.outlines))
        assert stored.scalar_one() > 20
        # Earlier versions stored none.
        ends = rng.integers(1, len(losses) // 16, 20) * 16
        lost = tables.outlines.c.last_epoch.in_(ends.tolist())
        assert connection.execute(sa.delete(tables.outlines).where(lost)).rowcount > 0
    check()


def test_the_curve_of_a_long_run_does_not_read_its_epochs(database: Database) -> None:
    losses = np.random.default_rng(3).lognormal(size=40_000)
    flush(database, pieces(losses, 1000), [10] * 4)
    with database.write() as connection:
        is_old = tables.log.c.last_epoch <= 40_000 // 2048 * 2048
        connection.execute(sa.update(tables.log).where(is_old).values(body=None))
    for points in (200, 1000):
        with database.read() as connection:
            whole = curve.read(connection, JOB, ("train_loss",), points)
            new = curve.read(connection, JOB, ("train_loss",), points, whole.closed_epoch)
        assert points_of(whole) == expected(losses, points)
        assert points_of(new) == expected(losses, points, whole.closed_epoch)


def test_slow_epochs_are_read_together(database: Database) -> None:
    losses = np.random.default_rng(4).lognormal(size=150)
    flush(database, pieces(losses, 3), [1] * 50)
    with database.write() as connection:
        is_old = tables.log.c.last_epoch <= 126
        connection.execute(sa.update(tables.log).where(is_old).values(body=None))
        result = curve.read(connection, JOB, ("train_loss",), 1000)
    assert points_of(result) == dict(enumerate(losses.tolist(), 1))


@pytest.mark.parametrize("size", [1, 7, 128, 1024])
def test_a_stored_curve_agrees_with_its_epochs(database: Database, size: int) -> None:
    rng = np.random.default_rng(size)
    loss = rng.normal(size=5000)
    loss[[17, 3333]] = np.nan, -np.inf
    store(database, pieces(loss, size))
    with database.read() as connection:
        result = curve.read(connection, JOB, ("train_loss", "gradient_norm"), 100)
    assert result.epochs == 5000
    for series, sign in zip(result.series, (1, -1), strict=True):
        epochs, values = np.array(series.epochs), np.array(series.values)
        np.testing.assert_array_equal(values, sign * loss[epochs - 1])
        assert epochs[0] == 1
        assert epochs[-1] == 5000
        finite = np.isfinite(values)
        assert values[finite].max() == (sign * loss[np.isfinite(loss)]).max()
        assert values[finite].min() == (sign * loss[np.isfinite(loss)]).min()
        assert {18, 3334} <= set(series.epochs)
        assert len(epochs) <= 3 * 49 + 2


@pytest.mark.parametrize("points", [24, 1000])
def test_polls_of_a_growing_run_make_the_whole_curve(database: Database, points: int) -> None:
    losses = np.random.default_rng(points).normal(size=1500)
    losses[[200, 700]] = np.inf, np.nan
    shown: dict[int, float] = {}
    width = closed = 0
    for seq, entry in enumerate(segments(pieces(losses, 90)), 1):
        with database.write() as connection:
            log.append(connection, JOB, seq, [entry])
        with database.read() as connection:
            whole = curve.read(connection, JOB, ("train_loss",), points)
            new = curve.read(connection, JOB, ("train_loss",), points, closed)
        if whole.epochs_per_bucket == width:
            stay = {epoch: value for epoch, value in shown.items() if epoch <= closed}
            np.testing.assert_equal({**stay, **points_of(new)}, points_of(whole))
        shown, width, closed = points_of(whole), whole.epochs_per_bucket, whole.closed_epoch
        assert (new.epochs_per_bucket, new.closed_epoch) == (width, closed)
        assert closed % width == 0
        assert entry.last_epoch - width <= closed < entry.last_epoch
    assert width == bucket_width(1500, points)


def test_a_poll_after_the_last_epoch_has_no_points(database: Database) -> None:
    store(database, pieces(np.arange(64.0), 16))
    for epoch in (64, 65, 1000):
        with database.read() as connection:
            new = curve.read(connection, JOB, (), 10, epoch)
        assert new.epochs == 64
        assert [series.epochs for series in new.series] in ([], [[]] * 3)


def points_of(result: Curve) -> dict[int, float]:
    [series] = result.series
    return dict(zip(series.epochs, series.values, strict=True))


def snapshots(norms: Floats, first: int, every: int) -> Gradients:
    """Gradients of a network with one layer: both have the same norm."""
    epochs = np.array([e for e in range(first, first + len(norms)) if e % every == 0], np.int64)
    statistics = np.zeros((len(epochs), 1, len(STATISTICS)))
    statistics[:, 0, 0] = norms[epochs - first]
    return Gradients(epochs, ("dense_1",), statistics, np.zeros((len(epochs), 1, BINS), np.uint32))


@pytest.mark.parametrize("every", [1, 3])
def test_downsampled_gradients_include_the_extremes_among_all_snapshots(
    database: Database, every: int
) -> None:
    norms = np.random.default_rng(7).lognormal(size=3000)
    norms[[299, 2400]] = 1e6, np.inf  # 2401 is not a multiple of 3
    entries = []
    for at in range(0, 3000, 500):
        part = norms[at : at + 500]
        block = Block(at + 1, {"gradient_norm": part}, snapshots(part, at + 1, every))
        entries.append(entry_of(block, np.full(500, 1e-3)))
    with database.write() as connection:
        log.append(connection, JOB, len(entries), [entry for entry in entries if entry])
    with database.read() as connection:
        whole = downsample_gradients(connection, JOB, 0, every, 100)
        newest = downsample_gradients(connection, JOB, whole.closed_epoch, every, 100)
        disabled = downsample_gradients(connection, JOB, 0, 0, 100)
    result = whole.gradients
    assert result is not None
    stored = norms[every - 1 :: every]
    np.testing.assert_array_equal(result.statistics[:, 0, 0], norms[result.epochs - 1])
    assert result.epochs[[0, -1]].tolist() == [every, 3000]
    assert (result.epochs % every == 0).all()
    assert {stored.min(), stored.max()} <= set(norms[result.epochs - 1])
    assert 50 < len(result.epochs) <= 100 + (every == 1)
    assert whole.closed_epoch == 2944  # of buckets of 64 epochs
    assert newest.gradients is not None
    assert newest.gradients.epochs.tolist() == result.epochs[result.epochs > 2944].tolist()
    assert disabled.gradients is None


def test_few_epochs_are_not_downsampled(database: Database) -> None:
    store(database, [np.array([3.0, 2.0]), np.array([np.inf])])
    with database.read() as connection:
        result = curve.read(connection, JOB, (), 10)
    assert [series.metric for series in result.series] == ["train_loss", "gradient_norm", "seconds"]
    assert result.series[0].epochs == [1, 2, 3]
    assert json.loads(result.model_dump_json())["series"][0]["values"] == [3.0, 2.0, "Infinity"]


def test_a_job_without_epochs_has_an_empty_curve(database: Database) -> None:
    with database.read() as connection:
        assert curve.read(connection, JOB, (), 10).series == []


def small(database: Database, points: int) -> dict[int, float]:
    with database.read() as connection:
        result = curve.small(connection, [JOB, "job_1"], points)
    assert list(result) == [JOB]
    return dict(zip(result[JOB].epochs, result[JOB].values, strict=True))


def test_a_small_curve_of_few_segments_has_their_extremes(database: Database) -> None:
    losses = np.linspace(3, 1, 2000)
    losses[[500, 1500]] = 9.0, 0.0
    store(database, [losses[:1000], losses[1000:]])
    result = small(database, 8)
    assert {1, 501, 1501, 2000} <= set(result)
    assert (result[501], result[1501]) == (9.0, 0.0)
    assert len(result) <= 3 * 3 + 2
    assert all(value == losses[epoch - 1] for epoch, value in result.items())


@pytest.mark.parametrize("size", [1, 3])
def test_a_small_curve_of_many_segments_reads_few_of_them_and_no_columns(
    database: Database, size: int
) -> None:
    losses = np.arange(600.0)[::-1]
    store(database, pieces(losses, size), with_bodies=False)
    result = small(database, 10)
    assert {1, 600} <= set(result)
    assert 10 <= len(result) <= 12
    assert all(value == 600 - epoch for epoch, value in result.items())
    # At about equal distances, none of them far from the next.
    assert max(np.diff(sorted(result))) <= 600 / 10 + size
