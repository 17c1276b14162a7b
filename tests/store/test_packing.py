"""Packed arrays are restored exactly, and equal arrays give equal bytes."""

import io
import json

import numpy as np
from safetensors.numpy import save

from epochal_service.store.packing import (
    pack,
    pack_state,
    to_npz,
    unpack,
    unpack_some,
    unpack_state,
)


def test_unpacked_arrays_have_their_types_and_shapes() -> None:
    arrays = {
        "a": np.arange(6, dtype=np.float32).reshape(2, 3),
        "b": np.array([np.nan, np.inf, -0.0]),
        "c": np.zeros((0, 4), np.uint8),
        "transposed": np.arange(6.0).reshape(2, 3).T,
    }
    back = unpack(pack(arrays))
    assert back.keys() == arrays.keys()
    for name, array in arrays.items():
        assert back[name].dtype == array.dtype
        np.testing.assert_array_equal(back[name], array)


def test_equal_arrays_give_equal_bytes_in_any_order() -> None:
    first, second = np.arange(3.0), np.arange(4, dtype=np.float32)
    assert pack({"x": first, "y": second}) == pack({"y": second, "x": first})


def test_a_header_that_was_written_before_gives_the_bytes_of_safetensors() -> None:
    for seed in range(3):
        rng = np.random.default_rng(seed)
        arrays = {
            "2.weight": rng.random((3, 2)),
            "1.weight": rng.random((2, 3)).T,
            "1.bias": rng.random(2).astype(np.float32),
            "counts": rng.integers(0, 9, 5).astype(np.uint8),
            "empty": np.zeros((0, 4)),
            "scale": np.array(rng.random()),
            "swapped": rng.random(2).astype(">f8"),
        }
        for names in (arrays, [name for name in arrays if name != "swapped"]):
            some = {name: np.ascontiguousarray(arrays[name]) for name in names}
            assert pack(some) == save(some)
            values = {"layers": ["1", "2"]}
            expected = save(some, {"values": json.dumps(values)})
            assert pack_state(some, values) == pack(some, values) == expected
            assert unpack_state(pack(some, values))[1] == values


def test_plain_values_are_packed_with_the_arrays() -> None:
    values = {"epoch": 3, "stream": {"state": 2**127 + 1, "inc": 5}, "best": None, "loss": 0.1}
    arrays, back = unpack_state(pack_state({"w": np.ones(2)}, values))
    assert back == values
    np.testing.assert_array_equal(arrays["w"], [1, 1])


def test_an_archive_opens_without_pickle() -> None:
    with np.load(io.BytesIO(to_npz({"w": np.ones(2)})), allow_pickle=False) as archive:
        assert archive.files == ["w"]


def test_some_arrays_are_read_without_the_others() -> None:
    arrays = {"0.loss": np.array([1.0, np.nan]), "1.loss": np.arange(3.0), "0.rate": np.ones(2)}
    some = unpack_some(pack(arrays), lambda name: name.endswith(".loss"))
    assert set(some) == {"0.loss", "1.loss"}
    np.testing.assert_array_equal(some["0.loss"], [1.0, np.nan])
    np.testing.assert_array_equal(some["1.loss"], [0.0, 1.0, 2.0])
