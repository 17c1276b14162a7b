"""Plain dicts become records by their annotations, and back."""

import math
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import numpy as np
import pytest

from epochal.arrays import Floats
from epochal.errors import InvalidArgument
from epochal.records import plain, read, request
from epochal.types import Epoch


@dataclass(frozen=True, eq=False)
class Record:
    name: str
    count: int
    loss: float
    best: float | None
    at: datetime | None
    values: Floats
    epochs: tuple[Epoch, ...]
    columns: dict[str, Floats]
    spec: dict[str, Any]


def test_words_for_what_is_not_finite_become_floats_where_a_number_belongs() -> None:
    record = read(
        Record,
        {
            "name": "NaN",
            "loss": "NaN",
            "best": "-Infinity",
            "values": [1, "Infinity", "NaN"],
            "columns": {"train_loss": ["Infinity", 2]},
        },
    )
    assert record.name == "NaN"
    assert math.isnan(record.loss)
    assert record.best == -math.inf
    np.testing.assert_array_equal(record.values, [1, math.inf, math.nan])
    np.testing.assert_array_equal(record.columns["train_loss"], [math.inf, 2])


def test_what_is_absent_becomes_its_own_kind_of_nothing() -> None:
    record = read(Record, {})
    assert (record.name, record.count, record.best, record.at) == ("", 0, None, None)
    assert record.epochs == ()
    assert record.columns == record.spec == {}
    assert record.values.shape == (0,)


def test_fields_of_a_newer_service_are_passed_over() -> None:
    assert read(Record, {"count": 3, "flavor": "sweet"}).count == 3


def test_times_are_read_from_rfc_3339_and_from_datetimes() -> None:
    noon = datetime(2026, 1, 31, 12, 0, tzinfo=UTC)
    assert read(Record, {"at": "2026-01-31T12:00:00Z"}).at == noon
    assert read(Record, {"at": noon}).at == noon


def test_a_spec_loses_its_nulls_and_empty_parts_so_that_it_can_be_sent_again() -> None:
    spec = {"target": None, "labels": {}, "clipping": {"norm": None}, "epochs": 0}
    assert read(Record, {"spec": spec}).spec == {"epochs": 0}


def test_a_record_becomes_plain_json() -> None:
    record = read(
        Record,
        {
            "loss": math.nan,
            "best": -math.inf,
            "at": "2026-01-31T13:00:00+01:00",
            "values": [1, math.inf],
            "epochs": [{"epoch": 1, "train_loss": 0.5}],
        },
    )
    document = plain(record)
    assert document["loss"] == "NaN"
    assert document["best"] == "-Infinity"
    assert document["at"] == "2026-01-31T12:00:00Z"
    assert document["values"] == [1, "Infinity"]
    assert document["epochs"][0]["train_loss"] == 0.5


def test_arrays_and_tuples_of_a_request_become_lists() -> None:
    spec = {"inputs": np.eye(2), "shape": (2,), "n": np.int64(3), "rate": np.float32(0.5)}
    assert request(spec) == {"inputs": [[1, 0], [0, 1]], "shape": [2], "n": 3, "rate": 0.5}


@pytest.mark.parametrize("value", [math.nan, math.inf, np.array([1, math.nan]), np.float64("inf")])
def test_a_number_that_is_not_finite_is_refused_before_it_is_sent(value: object) -> None:
    with pytest.raises(InvalidArgument) as refused:
        request({"optimizer": {"rates": [0.1, value]}})
    assert refused.value.errors[0].field.startswith("optimizer.rates[1]")
    assert "finite" in refused.value.errors[0].description


def test_what_json_cannot_hold_is_refused_with_its_place() -> None:
    with pytest.raises(InvalidArgument, match=r"layers\[0\]: must be JSON; set is not a JSON type"):
        request({"layers": [{1, 2}]})
