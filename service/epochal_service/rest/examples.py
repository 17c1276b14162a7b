"""Bodies to try the API with, as `/docs` offers them; each is accepted as it stands."""

from __future__ import annotations

from fastapi.openapi.models import Example

from ..methods.simulations import THREE_FOUR_FOUR_TWO

NETWORKS: dict[str, Example] = {
    "named": {
        "summary": "46 parameters: 16 + 20 + 10",
        "value": {"name": "3-4-4-2", "network": THREE_FOUR_FOUR_TWO},
    }
}

SUMMARIES: dict[str, Example] = {
    "network": {"summary": "46 parameters: 16 + 20 + 10", "value": {"network": THREE_FOUR_FOUR_TWO}}
}

DATASETS: dict[str, Example] = {
    "generator": {
        "summary": "Points from a generator",
        "value": {
            "name": "my moons",
            "generator": {"name": "two_moons", "samples": 500, "noise": 0.1, "seed": 7},
        },
    },
    "csv": {
        "summary": "A table with a header row",
        "value": {
            "name": "pets",
            "csv": "width,height,kind\n1.5,2,cat\n3,4.5,dog\n",
            "target": "kind",
        },
    },
}

JOBS: dict[str, Example] = {
    "smallest": {
        "summary": "The smallest that works: XOR",
        "value": {
            "network": {
                "input_shape": [2],
                "layers": [
                    {"type": "dense", "units": 4, "activation": "tanh"},
                    {"type": "dense", "units": 1, "activation": "sigmoid"},
                ],
            },
            "dataset": {"name": "xor"},
            "loss": "binary_cross_entropy",
            "epochs": 500,
        },
    },
    "usual": {
        "summary": "The usual one: handwritten digits",
        "value": {
            "network": {
                "input_shape": [64],
                "layers": [
                    {
                        "type": "dense",
                        "units": 64,
                        "activation": "relu",
                        "initializer": "he_normal",
                    },
                    {"type": "dropout", "rate": 0.1},
                    {"type": "dense", "units": 10, "activation": "softmax"},
                ],
            },
            "dataset": {"name": "digits"},
            "loss": "cross_entropy",
            "epochs": 50,
            "batch_size": 32,
            "validation_fraction": 0.2,
            "optimizer": {"type": "adam", "learning_rate": 0.001},
            "schedule": {"type": "cosine", "warmup_epochs": 5},
            "seed": 7,
            "early_stopping": {"patience": 10},
            "snapshots": {"gradients_every": 1, "weights_every": 10},
            "labels": {"course": "week-3"},
        },
    },
}

SWEEPS: dict[str, Example] = {
    "learning rates": {
        "summary": "Which learning rate suits two circles",
        "value": {
            "job": {
                "network": {
                    "input_shape": [2],
                    "layers": [
                        {"type": "dense", "units": 8, "activation": "tanh"},
                        {"type": "dense", "units": 8, "activation": "tanh"},
                        {"type": "dense", "units": 1, "activation": "sigmoid"},
                    ],
                },
                "dataset": {"name": "circles"},
                "loss": "binary_cross_entropy",
                "epochs": 100,
                "batch_size": 10,
            },
            "variants": [{"learning_rate": rate} for rate in (0.0001, 0.001, 0.01, 0.1, 1.0, 10.0)],
        },
    },
    "first weights": {
        "summary": "How the weights of ten sigmoid layers should start",
        "value": {
            "job": {
                "network": {
                    "input_shape": [2],
                    "layers": [
                        *[{"type": "dense", "units": 16, "activation": "sigmoid"}] * 9,
                        {"type": "dense", "units": 1, "activation": "sigmoid"},
                    ],
                },
                "dataset": {"name": "two_moons"},
                "loss": "binary_cross_entropy",
                "epochs": 50,
                "batch_size": 10,
            },
            "variants": [
                {},
                {"initializer_gain": 4.0},
                {"initializer": "he_normal"},
                {"initializer": "orthogonal", "initializer_gain": 4.0},
            ],
        },
    },
}

PREDICTIONS: dict[str, Example] = {
    "rows": {"summary": "Rows of inputs", "value": {"inputs": [[0, 0], [0, 1]]}},
    "grid": {
        "summary": "A grid, for a decision boundary",
        "value": {
            "grid": {"x_min": -1, "x_max": 2, "y_min": -1, "y_max": 2, "resolution": 50},
        },
    },
}

UNIT_MAPS: dict[str, Example] = {
    "layer": {
        "summary": "The units of the first layer, coarsely",
        "value": {"layer": "dense_1", "resolution": 20},
    }
}

HIDDEN_SPACES: dict[str, Example] = {
    "last": {"summary": "What the output layer is given", "value": {"split": "all"}},
    "input": {"summary": "What the network is given", "value": {"layer": "input"}},
}

CONFUSION_MATRICES: dict[str, Example] = {
    "trained": {"summary": "Of the samples trained on", "value": {"split": "train"}}
}

SAMPLE_PREDICTIONS: dict[str, Example] = {
    "worst": {"summary": "The three hardest samples", "value": {"order": "worst", "count": 3}}
}
