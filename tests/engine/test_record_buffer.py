"""A buffer of records: the state before the current epochs, and after each of them."""

import numpy as np
import pytest

from epochal_engine.training.record_buffer import Record, RecordBuffer


def test_the_beginning_of_a_record_shares_its_memory() -> None:
    record = Record({"parameters": (2,), "moments": (1, 2), "gradient": (2,)}, "float32")
    state = record.beginning(2)
    record.arrays["moments"][:] = 7.0
    assert list(state.arrays) == ["parameters", "moments"]
    np.testing.assert_array_equal(state.vector, [0.0, 0.0, 7.0, 7.0])


def filled(length: int) -> RecordBuffer:
    """A buffer; slot k has the parameters k, k and the gradient -k."""
    buffer = RecordBuffer(Record({"parameters": (2,), "gradient": (1,)}, "float32"), length)
    for slot, row in enumerate(buffer.slots):
        row[:] = [slot, slot, -slot]
    return buffer


@pytest.mark.parametrize(("length", "slot"), [(1, 0), (1, 1), (3, 0), (3, 1), (3, 3)])
def test_the_record_of_a_slot_becomes_that_of_slot_0(length: int, slot: int) -> None:
    buffer = filled(length)
    buffer.restart(slot)
    assert buffer.arrays["parameters"][0].tolist() == [slot, slot]
    assert buffer.arrays["gradient"][0].tolist() == [-slot]
    # Writing to the other slots does not change it.
    buffer.slots[1:] = 9.0
    assert buffer.arrays["parameters"].tolist() == [[slot, slot], *[[9.0, 9.0]] * length]


def test_two_slots_are_exchanged_without_a_copy() -> None:
    buffer = filled(1)
    before = buffer.slots[1]
    buffer.restart(1)
    assert np.shares_memory(buffer.slots[0], before)
    buffer.restart(1)
    assert buffer.arrays["parameters"].tolist() == [[0, 0], [1, 1]]
