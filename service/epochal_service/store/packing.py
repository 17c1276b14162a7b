"""Arrays as bytes: safetensors. The same arrays make the same bytes, and bytes can run no code."""

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
    """The arrays, by name."""
    return save({name: np.ascontiguousarray(array) for name, array in arrays.items()})


def unpack(blob: bytes) -> dict[str, Array]:
    """What `pack` took."""
    return load(blob)


def unpack_some(blob: bytes, wanted: Callable[[str], bool]) -> dict[str, Array]:
    """Of what `pack` took, the float64 arrays whose name is wanted; the others cost nothing."""
    length = int.from_bytes(blob[:8], "little")
    header = json.loads(blob[8 : 8 + length])
    found = {}
    for name, place in header.items():
        if name != "__metadata__" and wanted(name):
            start, end = place["data_offsets"]
            numbers = np.frombuffer(blob, "<f8", (end - start) // 8, 8 + length + start)
            found[name] = numbers.reshape(place["shape"])
    return found


def pack_state(arrays: Mapping[str, Array], values: Mapping[str, Any]) -> bytes:
    """Arrays, and plain values beside them."""
    return save(
        {name: np.ascontiguousarray(array) for name, array in arrays.items()},
        metadata={"values": json.dumps(values)},
    )


def unpack_state(blob: bytes) -> tuple[dict[str, Array], dict[str, Any]]:
    """What `pack_state` took."""
    length = int.from_bytes(blob[:8], "little")
    header = json.loads(blob[8 : 8 + length])
    return load(blob), json.loads(header["__metadata__"]["values"])


def to_npz(arrays: Mapping[str, Array]) -> bytes:
    """The arrays, sorted by name, as NumPy's own archive, which holds no pickles."""
    buffer = io.BytesIO()
    np.savez(buffer, **dict(sorted(arrays.items())))  # type: ignore[arg-type]
    return buffer.getvalue()
