"""Pack arrays as safetensors: equal arrays give equal bytes, and loading runs no code."""

from __future__ import annotations

import io
import json
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray
from safetensors.numpy import load, save

Array = NDArray[Any]


def pack(arrays: Mapping[str, Array]) -> bytes:
    """Pack arrays by name."""
    return save({name: np.ascontiguousarray(array) for name, array in arrays.items()})


def unpack(blob: bytes) -> dict[str, Array]:
    """Return the arrays that `pack` received."""
    return load(blob)


def unpack_some(blob: bytes, is_wanted: Callable[[str], bool]) -> dict[str, Array]:
    """Return the float64 arrays with a wanted name; the others are not decoded."""
    length = int.from_bytes(blob[:8], "little")
    header = json.loads(blob[8 : 8 + length])
    arrays = {}
    for name, tensor in header.items():
        if name != "__metadata__" and is_wanted(name):
            start, end = tensor["data_offsets"]
            numbers = np.frombuffer(blob, "<f8", (end - start) // 8, 8 + length + start)
            arrays[name] = numbers.reshape(tensor["shape"])
    return arrays


def pack_state(arrays: Mapping[str, Array], values: Mapping[str, Any]) -> bytes:
    """Pack arrays together with plain values."""
    return save(
        {name: np.ascontiguousarray(array) for name, array in arrays.items()},
        metadata={"values": json.dumps(values)},
    )


def unpack_state(blob: bytes) -> tuple[dict[str, Array], dict[str, Any]]:
    """Return the arrays and values that `pack_state` received."""
    length = int.from_bytes(blob[:8], "little")
    header = json.loads(blob[8 : 8 + length])
    return load(blob), json.loads(header["__metadata__"]["values"])


def to_npz(arrays: Mapping[str, Array]) -> bytes:
    """Return the arrays, sorted by name, as an .npz archive without pickled objects."""
    buffer = io.BytesIO()
    np.savez(buffer, **dict(sorted(arrays.items())))  # type: ignore[arg-type]
    return buffer.getvalue()
