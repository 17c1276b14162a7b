"""Specs that the client's tests train."""

from typing import Any

from tests import material

XOR = {
    **material.XOR,
    "epochs": 500,
    "optimizer": {"type": "adam", "learning_rate": 0.05},
    "seed": 7,
}
MOONS: dict[str, Any] = {
    "network": {
        "input_shape": [2],
        "layers": [
            {"type": "dense", "units": 16, "activation": "tanh"},
            {"type": "dense", "units": 16, "activation": "tanh"},
            {"type": "dense", "units": 1, "activation": "sigmoid"},
        ],
    },
    "dataset": {"name": "two_moons", "samples": 500, "noise": 0.15},
    "loss": "binary_cross_entropy",
    "epochs": 100,
    "batch_size": 32,
    "validation_fraction": 0.2,
    "optimizer": {"type": "adam", "learning_rate": 0.01},
    "seed": 7,
}
