"""Epochs read from the log equal the stored ones."""

import json
from dataclasses import replace

import numpy as np
import pytest

from epochal_engine import BINS, STATISTICS, Block, Gradients
from epochal_service.curves.epochs import (
    METRICS,
    SUMMARY,
    entry_of,
    latest_row,
    merge,
    pack_gradients,
    read_summaries,
    rows,
    unpack_gradients,
)


def block(first: int, losses: list[float], gradients: Gradients | None = None) -> Block:
    columns = {"train_loss": np.array(losses), "learning_rate": np.full(len(losses), 0.1)}
    return Block(first, {**columns, "gradient_norm": np.ones(len(losses))}, gradients)


def snapshots(epochs: list[int], count: int) -> Gradients:
    shape = (len(epochs), 2)
    return Gradients(
        np.array(epochs),
        ("dense_1", "dense_2"),
        np.arange(np.prod(shape) * len(STATISTICS), dtype=np.float32).reshape(*shape, -1),
        np.full((*shape, BINS), count, np.uint32),
    )


def test_rows_are_in_order_and_only_after_the_requested_epoch() -> None:
    entries = [
        entry_of(block(1, [3.0, 2.0]), np.array([0.5, 0.25])),
        entry_of(block(3, [float("nan")]), np.array([0.125])),
    ]
    segment = merge((e.first_epoch, e.body) for e in entries if e is not None and e.body)
    assert segment is not None
    result = list(rows(segment, after=1))
    assert [row.epoch for row in result] == [2, 3]
    assert result[0].train_loss == 2.0
    assert result[0].seconds == 0.25
    assert np.isnan(result[1].train_loss)
    assert result[0].validation_loss is None


def test_epochs_that_are_stored_already_are_skipped() -> None:
    entry = entry_of(block(4, [4.0, 5.0, 6.0]), np.ones(3), after=5)
    assert entry is not None
    assert (entry.first_epoch, entry.last_epoch) == (6, 6)
    assert entry_of(block(4, [4.0, 5.0]), np.ones(2), after=5) is None


def test_a_summary_has_the_extremes_with_their_epochs() -> None:
    entry = entry_of(block(11, [2.0, float("inf"), -1.0, 7.0, -1.0]), np.ones(5))
    assert entry is not None
    assert entry.summary is not None
    table = read_summaries([entry.summary])
    row = dict(zip(SUMMARY, table[0, METRICS.index("train_loss")], strict=True))
    assert row == {
        "present": 1,
        "low": -1,
        "low_epoch": 13,
        "high": 7,
        "high_epoch": 14,
        "first": 2,
        "last": -1,
        "nonfinite_epoch": 12,
        "nonfinite": np.inf,
    }
    assert not table[0, METRICS.index("validation_loss")].any()


def test_summaries_of_earlier_versions_lack_the_newest_metrics() -> None:
    entry = entry_of(block(11, [2.0, 1.0]), np.ones(2))
    assert entry is not None
    assert entry.summary is not None
    shorter = len(entry.summary) * 7 // len(METRICS)
    table = read_summaries([entry.summary[:shorter], entry.summary])
    assert table.shape == (2, len(METRICS), len(SUMMARY))
    assert table[0].tolist() == table[1].tolist()


@pytest.mark.parametrize("count", [0, 200, 70_000, 2**31])
def test_unpacked_gradients_have_every_count(count: int) -> None:
    first, second = snapshots([2, 4], count), snapshots([6], 1)
    blobs = [blob for blob in (pack_gradients(first), pack_gradients(second, after=4)) if blob]
    back = unpack_gradients(blobs)
    assert back is not None
    assert back.epochs.tolist() == [2, 4, 6]
    assert back.layers == first.layers
    np.testing.assert_array_equal(back.statistics[:2], first.statistics)
    assert back.histogram[0, 0, 0] == count
    assert back.histogram[2, 0, 0] == 1
    assert pack_gradients(first, after=4) is None
    assert unpack_gradients([]) is None


def test_statistics_keep_their_type_but_not_more_digits_than_were_stored() -> None:
    exact = snapshots([2], 1)
    exact = replace(exact, statistics=exact.statistics.astype(np.float64) + 1e-12)
    later = replace(exact, epochs=np.array([4]))
    blobs = [pack_gradients(part) or b"" for part in (exact, later)]
    back = unpack_gradients(blobs)
    assert back is not None
    np.testing.assert_array_equal(back.statistics[1:], exact.statistics)
    # An earlier version stored the first part in float32.
    old = pack_gradients(replace(exact, statistics=exact.statistics.astype(np.float32))) or b""
    mixed = unpack_gradients([old, blobs[1]])
    assert mixed is not None
    assert mixed.statistics.dtype == np.float32


def test_the_latest_epoch_is_valid_json_even_if_it_is_not_finite() -> None:
    columns = {"train_loss": np.array([1.0, np.inf]), "learning_rate": np.array([0.1, 0.1])}
    columns |= {"gradient_norm": np.array([1.0, np.nan]), "seconds": np.ones(2)}
    result = json.loads(latest_row(9, columns))
    assert result["epoch"] == 10
    assert result["train_loss"] == "Infinity"
    assert result["gradient_norm"] == "NaN"
