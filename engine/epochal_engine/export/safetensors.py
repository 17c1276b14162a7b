"""The weights as safetensors: a JSON header of names, types and offsets, then the numbers.

    8 bytes, length of the header | header | data

Source: https://huggingface.co/docs/safetensors, section "Format".
"""

from __future__ import annotations

import json
from collections.abc import Mapping

import numpy as np

from ..model.network import Network
from ..symbolic.trace import Array
from .scaling import Scaling, Table

_TYPES = {"float32": "F32", "float64": "F64"}
_ALIGNMENT = 8


def safetensors(
    network: Network,
    weights: Mapping[str, Array],
    scaling: Scaling | None = None,
    table: Table | None = None,
) -> bytes:
    """Return the parameters by name, and the arrays of the scaling.

    The network takes (inputs - scaling.shift) / scaling.scale. Predictions are its outputs times
    target_scaling.scale plus target_scaling.shift. Without a scaling, its arrays are missing. The
    metadata has the input shape and the names of inputs, classes and targets as JSON.
    """
    scaling = scaling or Scaling()
    arrays = {name: np.asarray(weights[name]) for name in network.parameters}
    extra = {
        "scaling.shift": scaling.shift,
        "scaling.scale": scaling.scale,
        "target_scaling.shift": scaling.target_shift,
        "target_scaling.scale": scaling.target_scale,
    }
    arrays |= {name: array for name, array in extra.items() if array is not None}
    metadata = {"input_shape": json.dumps(network.input_shape)}
    if table is not None:
        for name in ("feature_names", "class_names", "target_names"):
            metadata[name] = json.dumps(list(getattr(table, name)), ensure_ascii=False)
    header: dict[str, object] = {"__metadata__": metadata}
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
