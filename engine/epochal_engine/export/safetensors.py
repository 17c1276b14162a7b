"""The weights as safetensors: a JSON header of names, types and offsets, then the numbers.

    8 bytes, length of the header | header | data

Source: https://huggingface.co/docs/safetensors, section "Format".
"""

from __future__ import annotations

import json
from collections.abc import Mapping

import numpy as np

from ..network import Network
from ..trace import Array
from .scaling import Scaling

_TYPES = {"float32": "F32", "float64": "F64"}
_ALIGNMENT = 8


def safetensors(
    network: Network, weights: Mapping[str, Array], scaling: Scaling | None = None
) -> bytes:
    """Return the parameters by name, and scaling.shift and scaling.scale if there is a scaling."""
    arrays = {name: np.asarray(weights[name]) for name in network.parameters}
    if scaling is not None:
        arrays |= {"scaling.shift": scaling.shift, "scaling.scale": scaling.scale}
    header: dict[str, object] = {"__metadata__": {"input_shape": json.dumps(network.input_shape)}}
    pieces, end = [], 0
    for name, array in arrays.items():
        little = np.ascontiguousarray(array, array.dtype.newbyteorder("<"))
        start, end = end, end + little.nbytes
        header[name] = {
            "dtype": _TYPES[array.dtype.name],
            "shape": list(array.shape),
            "data_offsets": [start, end],
        }
        pieces.append(little.tobytes())
    text = json.dumps(header, separators=(",", ":")).encode()
    text += b" " * (-len(text) % _ALIGNMENT)
    return b"".join([len(text).to_bytes(8, "little"), text, *pieces])
