"""Ready jobs for the sections of the journey: what to send, and what comes of it."""

from __future__ import annotations

from typing import Any

from ..errors import NotFound
from ..specs.journey.presets import Expectation, Metric, Preset
from ..specs.training import TrainingSpec

Words = dict[str, Any]


def _dense(*units: int, activation: str = "tanh", output: str, **fields: Any) -> list[Words]:
    """Hidden layers of so many units, and the output, which is the last of them."""
    *hidden, last = units
    return [
        *({"type": "dense", "units": n, "activation": activation, **fields} for n in hidden),
        {"type": "dense", "units": last, "activation": output},
    ]


def _network(inputs: int, layers: list[Words]) -> Words:
    return {"input_shape": [inputs], "layers": layers}


def _expect(metric: Metric, value: float, tolerance: float) -> Expectation:
    return Expectation(metric=metric, value=value, tolerance=tolerance)


def _preset(
    name: str,
    section: str,
    title: str,
    description: str,
    spec: Words,
    *expected: Expectation,
    seconds: float,
    state: str = "succeeded",
) -> Preset:
    return Preset.model_validate(
        {
            "name": name,
            "section": section,
            "title": title,
            "description": description,
            "spec": TrainingSpec.model_validate({"name": title, "seed": 7, **spec}),
            "expected_state": state,
            "expected": expected,
            "expected_seconds": seconds,
        }
    )


_STEP = {"type": "dense", "units": 1, "activation": "step", "initializer": "zeros"}


def _perceptron(gate: str, title: str, description: str) -> Preset:
    spec = {
        "network": _network(2, [_STEP]),
        "dataset": {"name": gate},
        "loss": "perceptron",
        "optimizer": {"type": "perceptron", "learning_rate": 1.0},
        "epochs": 20,
        "batch_size": 1,
    }
    return _preset(
        f"perceptron-{gate}",
        "neuron",
        title,
        description,
        spec,
        _expect("train_accuracy", 1.0, 0.0),
        seconds=0.2,
    )


MOONS = {"name": "two_moons", "samples": 500, "noise": 0.15}


def _moons(
    activation: str, title: str, description: str, accuracy: float, tolerance: float
) -> Preset:
    spec = {
        "network": _network(2, _dense(8, 8, 1, activation=activation, output="sigmoid")),
        "dataset": MOONS,
        "loss": "binary_cross_entropy",
        "epochs": 60,
        "validation_fraction": 0.2,
        "optimizer": {"type": "adam", "learning_rate": 0.01},
    }
    return _preset(
        f"moons-{activation.replace('_', '-')}",
        "activations",
        title,
        description,
        spec,
        _expect("train_accuracy", accuracy, tolerance),
        seconds=0.3,
    )


CIRCLES_TEN_DEEP: Words = {
    "dataset": {"name": "circles", "samples": 200, "noise": 0.05},
    "loss": "binary_cross_entropy",
    "epochs": 200,
    "optimizer": {"type": "adam", "learning_rate": 0.01},
}


def _deep(
    name: str, title: str, description: str, layers: list[Words], *expected: Expectation
) -> Preset:
    output = {"type": "dense", "units": 1, "activation": "sigmoid"}
    spec = {**CIRCLES_TEN_DEEP, "network": _network(2, [*layers, output])}
    return _preset(name, "backpropagation", title, description, spec, *expected, seconds=0.5)


def _hidden(activation: str) -> Words:
    return {"type": "dense", "units": 16, "activation": activation}


OVERFITTED: Words = {
    "dataset": {"name": "two_moons", "samples": 60, "noise": 0.35},
    "loss": "binary_cross_entropy",
    "epochs": 600,
    "validation_fraction": 0.5,
    "optimizer": {"type": "adam", "learning_rate": 0.01},
}

PRESETS: tuple[Preset, ...] = (
    _perceptron(
        "and",
        "A perceptron learns AND",
        "Rosenblatt's rule of 1958: after each mistake the line moves, and after a few rounds no "
        "mistake is left.",
    ),
    _perceptron(
        "or",
        "A perceptron learns OR",
        "The same rule on another truth table, which one straight line can part as well.",
    ),
    _preset(
        "xor",
        "neuron",
        "XOR by a hidden layer",
        "Four points that no straight line can part, and a small network that parts them.",
        {
            "network": _network(2, _dense(4, 1, output="sigmoid")),
            "dataset": {"name": "xor"},
            "loss": "binary_cross_entropy",
            "epochs": 500,
            "optimizer": {"type": "adam", "learning_rate": 0.05},
        },
        _expect("train_accuracy", 1.0, 0.0),
        _expect("train_loss", 0.0, 0.05),
        seconds=0.3,
    ),
    _moons(
        "linear",
        "No activation",
        "Three layers without an activation are one layer: the border stays a straight line.",
        0.875,
        0.03,
    ),
    _moons(
        "sigmoid",
        "Sigmoid on two moons",
        "The border bends, after a slow start: the slope of a sigmoid is .25 at most.",
        0.9,
        0.06,
    ),
    _moons("tanh", "Tanh on two moons", "The border bends smoothly and soon.", 0.98, 0.02),
    _moons(
        "relu",
        "ReLU on two moons",
        "A border of straight pieces, one for each bent unit.",
        0.985,
        0.015,
    ),
    _preset(
        "spiral",
        "architecture",
        "Three hidden layers on the spiral",
        "Two arms wound around each other: the hardest of the small data sets, and a matter of "
        "depth.",
        {
            "network": _network(2, _dense(8, 8, 8, 1, output="sigmoid")),
            "dataset": {"name": "spiral", "samples": 250},
            "loss": "binary_cross_entropy",
            "epochs": 800,
            "optimizer": {"type": "adam", "learning_rate": 0.02},
            "schedule": {"type": "cosine"},
        },
        _expect("train_loss", 0.0, 0.1),
        seconds=3.0,
    ),
    _preset(
        "wine",
        "architecture",
        "Wine, with inputs brought to one scale",
        "13 measurements of three kinds of wine. One of them is in the hundreds, another below 1: "
        "scaling makes them comparable.",
        {
            "network": _network(13, _dense(16, 3, activation="relu", output="softmax")),
            "dataset": {"name": "wine", "scaling": "standard"},
            "loss": "cross_entropy",
            "epochs": 60,
            "validation_fraction": 0.2,
            "optimizer": {"type": "adam", "learning_rate": 0.01},
        },
        _expect("validation_accuracy", 0.97, 0.06),
        seconds=0.3,
    ),
    _preset(
        "digits",
        "forward",
        "Handwritten digits",
        "1,797 digits of 8 x 8 pixels, told apart by one hidden layer.",
        {
            "network": _network(64, _dense(64, 10, activation="relu", output="softmax")),
            "dataset": {"name": "digits"},
            "loss": "cross_entropy",
            "epochs": 50,
            "validation_fraction": 0.2,
            "optimizer": {"type": "adam", "learning_rate": 0.001},
        },
        _expect("validation_accuracy", 0.97, 0.025),
        seconds=2.0,
    ),
    _preset(
        "iris",
        "loss",
        "Irises by cross-entropy",
        "Three species from four lengths. The first loss is near ln 3 = 1.10, that of a guess.",
        {
            "network": _network(4, _dense(8, 3, output="softmax")),
            "dataset": {"name": "iris", "scaling": "standard"},
            "loss": "cross_entropy",
            "epochs": 100,
            "validation_fraction": 0.2,
            "optimizer": {"type": "adam", "learning_rate": 0.02},
        },
        _expect("train_accuracy", 0.98, 0.03),
        seconds=0.3,
    ),
    _preset(
        "breast-cancer",
        "loss",
        "Tumors by binary cross-entropy",
        "Benign or malignant, from 30 measurements of cell nuclei.",
        {
            "network": _network(30, _dense(16, 1, activation="relu", output="sigmoid")),
            "dataset": {"name": "breast_cancer", "scaling": "standard"},
            "loss": "binary_cross_entropy",
            "epochs": 40,
            "validation_fraction": 0.2,
            "optimizer": {"type": "adam", "learning_rate": 0.003},
        },
        _expect("validation_accuracy", 0.97, 0.04),
        seconds=0.4,
    ),
    _preset(
        "sine",
        "loss",
        "A wave by squared error",
        "A noisy sine wave. The loss cannot go below the noise, whose variance is .01.",
        {
            "network": _network(1, _dense(16, 16, 1, output="linear")),
            "dataset": {"name": "sine", "samples": 300, "noise": 0.1},
            "loss": "mse",
            "epochs": 300,
            "validation_fraction": 0.2,
            "optimizer": {"type": "adam", "learning_rate": 0.01},
            "schedule": {"type": "cosine"},
        },
        _expect("validation_loss", 0.011, 0.006),
        seconds=1.5,
    ),
    _deep(
        "vanishing",
        "A gradient that vanishes",
        "Ten layers of sigmoid: hardly anything of the gradient reaches the first of them, and the "
        "loss stays where a guess has it.",
        [_hidden("sigmoid")] * 10,
        _expect("train_loss", 0.693, 0.02),
    ),
    _deep(
        "vanishing-relu",
        "Remedy: another activation",
        "The same depth with ReLU, whose slope is 1, and the initialization made for it (He).",
        [_hidden("relu")] * 10,
        _expect("train_loss", 0.0, 0.3),
    ),
    _deep(
        "vanishing-residual",
        "Remedy: residual connections",
        "The same sigmoids, each layer added to what came in, so that the gradient has a way past.",
        [
            _hidden("sigmoid"),
            *[{"type": "residual", "layers": [_hidden("sigmoid")]}] * 9,
        ],
        _expect("train_loss", 0.0, 0.3),
    ),
    _deep(
        "vanishing-norm",
        "Remedy: batch normalization",
        "The same sigmoids, every unit's sums brought back to mean 0 and variance 1 over the "
        "batch.",
        [
            layer
            for _ in range(10)
            for layer in (
                {"type": "dense", "units": 16},
                {"type": "batch_norm"},
                {"type": "activation", "activation": "sigmoid"},
            )
        ],
        _expect("train_loss", 0.0, 0.3),
    ),
    _preset(
        "circles",
        "training",
        "Two circles at a good learning rate",
        "Adam at .01: about the middle of the band in which this network learns.",
        {
            "network": _network(2, _dense(8, 8, 1, output="sigmoid")),
            "dataset": {"name": "circles", "samples": 200, "noise": 0.05},
            "loss": "binary_cross_entropy",
            "epochs": 100,
            "batch_size": 10,
            "optimizer": {"type": "adam", "learning_rate": 0.01},
        },
        _expect("train_loss", 0.0, 0.05),
        seconds=0.5,
    ),
    _preset(
        "diverging",
        "training",
        "Far too high a learning rate",
        "A straight line fitted at a rate that overshoots more with every step. The job stops and "
        "says where the numbers ran away.",
        {
            "network": _network(2, [{"type": "dense", "units": 1}]),
            "dataset": {"name": "plane", "samples": 200},
            "loss": "mse",
            "epochs": 100,
            "optimizer": {"type": "sgd", "learning_rate": 10.0},
        },
        seconds=0.2,
        state="failed",
    ),
    _preset(
        "moons",
        "training",
        "Two moons, with a part held out",
        "Two interleaved half-moons. The loss on points that are never trained on falls as well.",
        {
            "network": _network(2, _dense(16, 16, 1, output="sigmoid")),
            "dataset": MOONS,
            "loss": "binary_cross_entropy",
            "epochs": 100,
            "validation_fraction": 0.2,
            "optimizer": {"type": "adam", "learning_rate": 0.01},
        },
        _expect("validation_accuracy", 0.98, 0.04),
        seconds=1.0,
    ),
    _preset(
        "overfitting",
        "training",
        "Learning by heart",
        "30 noisy points and a network with room for all of them: the training loss goes to 0, the "
        "held-out loss rises.",
        {
            **OVERFITTED,
            "network": _network(2, _dense(64, 64, 1, activation="relu", output="sigmoid")),
        },
        _expect("train_loss", 0.0, 0.05),
        seconds=1.0,
    ),
    _preset(
        "weight-decay",
        "training",
        "Remedy: smaller weights",
        "The same network and points with L2: it can no longer bend around each of them.",
        {
            **OVERFITTED,
            "network": _network(2, _dense(64, 64, 1, activation="relu", output="sigmoid")),
            "regularization": {"l2": 0.1},
        },
        _expect("validation_loss", 0.5, 0.2),
        seconds=1.0,
    ),
    _preset(
        "lenet",
        "zoo",
        "A small LeNet reads digits",
        "Windows that slide over the image and share their weights: more of the digits are read "
        "than by dense layers.",
        {
            "network": {
                "input_shape": [64],
                "layers": [
                    {"type": "reshape", "shape": [8, 8, 1]},
                    {
                        "type": "conv2d",
                        "filters": 16,
                        "kernel_size": [3],
                        "padding": "same",
                        "activation": "relu",
                    },
                    {"type": "max_pool2d"},
                    {"type": "conv2d", "filters": 32, "kernel_size": [3], "activation": "relu"},
                    {"type": "flatten"},
                    {"type": "dense", "units": 64, "activation": "relu"},
                    {"type": "dense", "units": 10, "activation": "softmax"},
                ],
            },
            "dataset": {"name": "digits"},
            "loss": "cross_entropy",
            "epochs": 25,
            "validation_fraction": 0.2,
            "optimizer": {"type": "adam", "learning_rate": 0.003},
            "schedule": {"type": "cosine"},
        },
        _expect("validation_accuracy", 0.98, 0.02),
        seconds=5.0,
    ),
)


def preset(name: str) -> Preset:
    """The preset of this name. Raises `NotFound`."""
    for one in PRESETS:
        if one.name == name:
            return one
    raise NotFound(f"There is no preset {name}: GET /v1/presets has all of them")
