"""2020: diffusion turns noise into samples, and needs a network that is not linear."""

from __future__ import annotations

from ..preset_parts import JsonObject
from .parts import claim, experiment


def _diffusion(*hidden: JsonObject) -> JsonObject:
    """Return a job that learns to remove noise from the points of two moons."""
    return {
        "network": {"input_shape": [3], "layers": [*hidden, {"type": "dense", "units": 2}]},
        "dataset": {"name": "two_moons", "samples": 2500, "noise": 0.06, "scaling": "standard"},
        "loss": "mse",
        "epochs": 300,
        "batch_size": 128,
        "validation_fraction": 0.2,
        "optimizer": {"type": "adam", "learning_rate": 0.003},
        "schedule": {"type": "cosine"},
        "corruption": {"type": "diffuse", "steps": 50},
        "snapshots": {"gradients_every": 10},
    }


DIFFUSION = experiment(
    "diffusion-2020",
    "Diffusion draws moons from noise",
    "A network learns to predict the noise in points of two moons. Removed step by step from pure "
    "noise, it leaves new moons. A linear network can draw no more than one cloud, whatever the "
    "data.",
    {
        "linear": _diffusion(),
        "network": _diffusion(*[{"type": "dense", "units": 64, "activation": "silu"}] * 3),
    },
    [
        claim(
            "Samples look like data",
            "network",
            "nearest_neighbor_accuracy",
            at_most=0.62,
        ),
        claim(
            "Those of a linear network do not",
            "linear",
            "nearest_neighbor_accuracy",
            at_least=0.75,
        ),
    ],
    year=2020,
    seconds=10.0,
    section="zoo",
)
