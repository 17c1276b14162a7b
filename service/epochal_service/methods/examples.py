"""Example bodies of the API's methods, by their subject; each can be sent unchanged."""

from __future__ import annotations

from typing import Any

THREE_FOUR_FOUR_TWO = {
    "input_shape": [3],
    "layers": [
        {"type": "dense", "units": 4, "activation": "relu"},
        {"type": "dense", "units": 4, "activation": "relu"},
        {"type": "dense", "units": 2, "activation": "softmax"},
    ],
}
"""A small network."""

NETWORKS: dict[str, Any] = {
    "46 parameters: 16 + 20 + 10": {"name": "3-4-4-2", "network": THREE_FOUR_FOUR_TWO}
}

SUMMARIES: dict[str, Any] = {"46 parameters: 16 + 20 + 10": {"network": THREE_FOUR_FOUR_TWO}}

DATASETS: dict[str, Any] = {
    "Points from a generator": {
        "name": "my moons",
        "generator": {"name": "two_moons", "samples": 500, "noise": 0.1, "seed": 7},
    },
    "A table with a header row": {
        "name": "pets",
        "csv": "width,height,kind\n1.5,2,cat\n3,4.5,dog\n",
        "target": "kind",
    },
}

UPLOADS: dict[str, Any] = {"A file of 20 bytes": {"size_bytes": 20}}

JOBS: dict[str, Any] = {
    "A minimal job: XOR": {
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
    "A typical job: handwritten digits": {
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
}

UPDATES: dict[str, Any] = {
    "Another name, a label more and one less": {
        "name": "Digits, 64 units",
        "labels": {"course": "week-4"},
        "remove_labels": ["draft"],
    }
}

BATCHES: dict[str, Any] = {
    "By a filter": {"filter": 'labels.course = "week-4" AND best.value > 0.5'},
}

BATCH_UPDATES: dict[str, Any] = {
    "A label more and one less": {
        "filter": 'name = "draft*"',
        "labels": {"course": "week-4"},
        "remove_labels": ["draft"],
    },
}

KEYS: dict[str, Any] = {
    "To look at a course's runs": {"name": "board", "labels": {"course": "week-4"}},
    "To train a few jobs on a page": {
        "actions": ["read", "watch", "train"],
        "labels": {"visitor": "1"},
        "origins": ["https://example.com"],
        "jobs_per_hour": 5,
        "expires_in_seconds": 86400,
    },
}

RESUMPTIONS: dict[str, Any] = {"One epoch": {"epochs": 1}, "To the end": {}}

CHANGES: dict[str, Any] = {
    "A smaller learning rate": {"optimizer": {"learning_rate": 0.003}},
    "Another optimizer and larger batches": {
        "optimizer": {"type": "momentum", "learning_rate": 0.05},
        "batch_size": 64,
    },
    "More epochs": {"epochs": 500},
}

SWEEPS: dict[str, Any] = {
    "Which learning rate suits two circles": {
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
    "Initial weights for ten sigmoid layers": {
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
}

_MOONS: dict[str, Any] = {
    "network": JOBS["A minimal job: XOR"]["network"],
    "dataset": {"name": "two_moons"},
    "loss": "binary_cross_entropy",
}

EXPERIMENTS: dict[str, Any] = {
    "A job that starts from the weights of another": {
        "name": "Fewer epochs after pre-training",
        "seeds": [0, 1],
        "jobs": {
            "pretrain": {**_MOONS, "epochs": 40},
            "scratch": {**_MOONS, "epochs": 5},
            "tuned": {**_MOONS, "epochs": 5, "initial_weights": {"job": "pretrain"}},
        },
        "claims": [
            {"job": "tuned", "metric": "train_loss", "at_most": 0.6},
            {"job": "tuned", "minus": "scratch", "metric": "train_loss", "below": 0},
        ],
    }
}

EXERCISES: dict[str, Any] = {
    "XOR without a hidden layer": {
        "title": "Teach a network XOR",
        "text": "One layer cannot learn XOR. Change the layers until all four points are right.",
        "experiment": {
            "jobs": {
                "xor": {
                    "network": {
                        "input_shape": [2],
                        "layers": [{"type": "dense", "units": 1, "activation": "sigmoid"}],
                    },
                    "dataset": {"name": "xor"},
                    "loss": "binary_cross_entropy",
                    "epochs": 400,
                }
            },
            "claims": [
                {"job": "xor", "metric": "train_accuracy", "at_least": 1},
                {"job": "xor", "metric": "parameters", "at_most": 60},
            ],
        },
        "open": ["jobs.xor.network.layers", "jobs.xor.optimizer"],
    }
}

MODELS: dict[str, Any] = {
    "A trained job": {"job": "job_6612a76ead8fe_5c155054dfa79592"},
    "A job that makes a tenth of the predictions": {
        "job": "job_6612a76ead8fe_5c155054dfa79592",
        "share": 0.1,
    },
    "Back to an earlier version": {"version": 1},
}

PREDICTIONS: dict[str, Any] = {
    "Rows of inputs": {"inputs": [[0, 0], [0, 1]]},
    "A grid, for a decision boundary": {
        "grid": {"x_min": -1, "x_max": 2, "y_min": -1, "y_max": 2, "resolution": 50},
    },
}

GENERATIONS: dict[str, Any] = {
    "Two cautious continuations": {
        "prompt": "the ",
        "count": 2,
        "max_tokens": 40,
        "temperature": 0.7,
        "top_p": 0.9,
    },
    "The most probable sentence": {"temperature": 0, "stop": ["."]},
}

UNIT_MAPS: dict[str, Any] = {
    "The units of the first layer on a coarse grid": {"layer": "dense_1", "resolution": 20}
}

ATTENTION: dict[str, Any] = {"The first two rows of the data, all heads": {"rows": [0, 1]}}

ACTIVATIONS: dict[str, Any] = {
    "All layers, for the first three rows of the data": {"rows": [0, 1, 2]},
    "The first layer, for an input of one's own": {"inputs": [[0, 1]], "layer": "dense_1"},
}

ATTEMPTS: dict[str, Any] = {
    "A hidden layer": {
        "jobs": {
            "xor": {
                "network": {
                    "input_shape": [2],
                    "layers": [
                        {"type": "dense", "units": 4, "activation": "tanh"},
                        {"type": "dense", "units": 1, "activation": "sigmoid"},
                    ],
                },
                "dataset": {"name": "xor"},
                "loss": "binary_cross_entropy",
                "epochs": 400,
            }
        }
    }
}

PROOFS: dict[str, Any] = {
    "A run of XOR, with the seed of its owner": {
        "owner": "local",
        "kernel": "epochal 0.2.0, numpy 2.4.6, scipy-openblas 0.3.31 AVX2",
        "spec": {
            **EXERCISES["XOR without a hidden layer"]["experiment"]["jobs"]["xor"],
            "network": ATTEMPTS["A hidden layer"]["jobs"]["xor"]["network"],
            "seed": 187231478,
            "split": {"seed": 187231478},
            "target_scaling": "none",
        },
        "data_sha256": "c96d2ed87474817b3d1938d0ecf42acd28d5198b032721d8cd9a601265aad72f",
        "curve": [{"metric": "train_loss", "values": [0.7019222267611231, 0.6812]}],
        "weights_sha256": "03dfa7aba4079ac8fdc6906567bb317079421771a245952bce94343389759eac",
    }
}
