"""2020: diffusion turns noise into samples, and needs a network that is not linear."""

from __future__ import annotations

from ...specs.content.preset_experiments import FirstCurves
from .parts import JsonObject, claim, dense, experiment, network


def _moons(*hidden: int) -> JsonObject:
    """Return a job that learns to remove noise from the points of two moons."""
    return {
        "network": network(3, dense(*hidden, 2, activation="silu", output="linear")),
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


_DIGITS: JsonObject = {
    # 64 pixels, the time and the class, one of ten.
    "network": network(75, dense(256, 256, 64, activation="silu", output="linear")),
    "dataset": {"name": "digits", "scaling": "minmax"},
    "loss": "mse",
    "epochs": 200,
    "batch_size": 64,
    "validation_fraction": 0.2,
    "optimizer": {"type": "adam", "learning_rate": 0.004},
    "schedule": {"type": "cosine"},
    "corruption": {"type": "diffuse", "steps": 50},
    "snapshots": {"gradients_every": 20, "weights_every": 20},
}
_CLASSIFIER: JsonObject = {
    "network": network(64, dense(64, 10, activation="relu", output="softmax")),
    "dataset": {"name": "digits"},
    "loss": "cross_entropy",
    "epochs": 40,
    "validation_fraction": 0.2,
    "optimizer": {"type": "adam", "learning_rate": 0.003},
}

DIFFUSION = experiment(
    "diffusion-2020",
    "Diffusion draws moons and digits from noise",
    "A network learns to predict the noise in points of two moons. Removed step by step from pure "
    "noise, it leaves new moons. A linear network can draw no more than one cloud, whatever the "
    "data. Another network, which also reads the class, draws the digit that it is asked for.",
    {
        "linear": _moons(),
        "network": _moons(64, 64, 64),
        "digits": _DIGITS,
        "classifier": _CLASSIFIER,
    },
    [
        claim(
            "A network that is not linear predicts the noise better",
            "network",
            "validation_loss",
            "linear",
            at_most=-0.1,
        ),
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
        claim(
            "Digits are those that were asked for",
            "digits",
            "class_accuracy",
            classifier="classifier",
            at_least=0.9,
        ),
        claim(
            "The classifier reads digits that it has not seen",
            "classifier",
            "validation_accuracy",
            at_least=0.93,
        ),
    ],
    year=2020,
    # Both predict the noise of moons; the other losses are of other data.
    first_curves=FirstCurves(metrics=["validation_loss"], jobs=["linear", "network"]),
    seconds=30.0,
    section="zoo",
)
