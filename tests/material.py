"""Specs that tests of several rooms train."""

from typing import Any

import numpy as np

from epochal_engine import Data

XOR: dict[str, Any] = {
    "network": {
        "input_shape": [2],
        "layers": [
            {"type": "dense", "units": 4, "activation": "tanh"},
            {"type": "dense", "units": 1, "activation": "sigmoid"},
        ],
    },
    "dataset": {"name": "xor"},
    "loss": "binary_cross_entropy",
    "epochs": 20,
}
XOR_DATA = Data(
    np.array([[0.0, 0.0], [0.0, 1.0], [1.0, 0.0], [1.0, 1.0]]),
    np.array([[0.0], [1.0], [1.0], [0.0]]),
)
