"""Ready jobs for the sections of the journey: what to send, and what comes of it."""

from __future__ import annotations

from ..errors import NotFound
from ..specs.journey.presets import Expectation, Preset
from .preset_parts import Words, dense, expect, network, ready
from .zoo_presets import ZOO

_STEP = {"type": "dense", "units": 1, "activation": "step", "initializer": "zeros"}


def _perceptron(gate: str, title: str, description: str) -> Preset:
    spec = {
        "network": network(2, [_STEP]),
        "dataset": {"name": gate},
        "loss": "perceptron",
        "optimizer": {"type": "perceptron", "learning_rate": 1.0},
        "epochs": 20,
        "batch_size": 1,
    }
    return ready(
        f"perceptron-{gate}",
        "neuron",
        title,
        description,
        spec,
        expect("train_accuracy", 1.0, 0.0),
        seconds=0.2,
    )


MOONS = {"name": "two_moons", "samples": 500, "noise": 0.15}


def _moons(
    activation: str, title: str, description: str, accuracy: float, tolerance: float
) -> Preset:
    spec = {
        "network": network(2, dense(8, 8, 1, activation=activation, output="sigmoid")),
        "dataset": MOONS,
        "loss": "binary_cross_entropy",
        "epochs": 60,
        "validation_fraction": 0.2,
        "optimizer": {"type": "adam", "learning_rate": 0.01},
    }
    return ready(
        f"moons-{activation.replace('_', '-')}",
        "activations",
        title,
        description,
        spec,
        expect("train_accuracy", accuracy, tolerance),
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
    spec = {**CIRCLES_TEN_DEEP, "network": network(2, [*layers, output])}
    return ready(name, "backpropagation", title, description, spec, *expected, seconds=0.5)


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
    ready(
        "xor",
        "neuron",
        "XOR by a hidden layer",
        "Four points that no straight line can part, and a small network that parts them.",
        {
            "network": network(2, dense(4, 1, output="sigmoid")),
            "dataset": {"name": "xor"},
            "loss": "binary_cross_entropy",
            "epochs": 500,
            "optimizer": {"type": "adam", "learning_rate": 0.05},
        },
        expect("train_accuracy", 1.0, 0.0),
        expect("train_loss", 0.0, 0.05),
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
    ready(
        "spiral",
        "architecture",
        "Three hidden layers on the spiral",
        "Two arms wound around each other: the hardest of the small data sets, and a matter of "
        "depth.",
        {
            "network": network(2, dense(8, 8, 8, 1, output="sigmoid")),
            "dataset": {"name": "spiral", "samples": 250},
            "loss": "binary_cross_entropy",
            "epochs": 800,
            "optimizer": {"type": "adam", "learning_rate": 0.02},
            "schedule": {"type": "cosine"},
        },
        expect("train_loss", 0.0, 0.1),
        seconds=3.0,
    ),
    ready(
        "wine",
        "architecture",
        "Wine, with inputs brought to one scale",
        "13 measurements of three kinds of wine. One of them is in the hundreds, another below 1: "
        "scaling makes them comparable.",
        {
            "network": network(13, dense(16, 3, activation="relu", output="softmax")),
            "dataset": {"name": "wine", "scaling": "standard"},
            "loss": "cross_entropy",
            "epochs": 60,
            "validation_fraction": 0.2,
            "optimizer": {"type": "adam", "learning_rate": 0.01},
        },
        expect("validation_accuracy", 0.97, 0.06),
        seconds=0.3,
    ),
    ready(
        "digits",
        "forward",
        "Handwritten digits",
        "1,797 digits of 8 x 8 pixels, told apart by one hidden layer.",
        {
            "network": network(64, dense(64, 10, activation="relu", output="softmax")),
            "dataset": {"name": "digits"},
            "loss": "cross_entropy",
            "epochs": 50,
            "validation_fraction": 0.2,
            "optimizer": {"type": "adam", "learning_rate": 0.001},
        },
        expect("validation_accuracy", 0.97, 0.025),
        seconds=2.0,
    ),
    ready(
        "iris",
        "loss",
        "Irises by cross-entropy",
        "Three species from four lengths. The first loss is near ln 3 = 1.10, that of a guess.",
        {
            "network": network(4, dense(8, 3, output="softmax")),
            "dataset": {"name": "iris", "scaling": "standard"},
            "loss": "cross_entropy",
            "epochs": 100,
            "validation_fraction": 0.2,
            "optimizer": {"type": "adam", "learning_rate": 0.02},
        },
        expect("train_accuracy", 0.98, 0.03),
        seconds=0.3,
    ),
    ready(
        "breast-cancer",
        "loss",
        "Tumors by binary cross-entropy",
        "Benign or malignant, from 30 measurements of cell nuclei.",
        {
            "network": network(30, dense(16, 1, activation="relu", output="sigmoid")),
            "dataset": {"name": "breast_cancer", "scaling": "standard"},
            "loss": "binary_cross_entropy",
            "epochs": 40,
            "validation_fraction": 0.2,
            "optimizer": {"type": "adam", "learning_rate": 0.003},
        },
        expect("validation_accuracy", 0.97, 0.04),
        seconds=0.4,
    ),
    ready(
        "sine",
        "loss",
        "A wave by squared error",
        "A noisy sine wave. The loss cannot go below the noise, whose variance is .01.",
        {
            "network": network(1, dense(16, 16, 1, output="linear")),
            "dataset": {"name": "sine", "samples": 300, "noise": 0.1},
            "loss": "mse",
            "epochs": 300,
            "validation_fraction": 0.2,
            "optimizer": {"type": "adam", "learning_rate": 0.01},
            "schedule": {"type": "cosine"},
        },
        expect("validation_loss", 0.011, 0.006),
        seconds=1.5,
    ),
    _deep(
        "vanishing",
        "A gradient that vanishes",
        "Ten layers of sigmoid: hardly anything of the gradient reaches the first of them, and the "
        "loss stays where a guess has it.",
        [_hidden("sigmoid")] * 10,
        expect("train_loss", 0.693, 0.02),
    ),
    _deep(
        "vanishing-relu",
        "Remedy: another activation",
        "The same depth with ReLU, whose slope is 1, and the initialization made for it (He).",
        [_hidden("relu")] * 10,
        expect("train_loss", 0.0, 0.3),
    ),
    _deep(
        "vanishing-residual",
        "Remedy: residual connections",
        "The same sigmoids, each layer added to what came in, so that the gradient has a way past.",
        [
            _hidden("sigmoid"),
            *[{"type": "residual", "layers": [_hidden("sigmoid")]}] * 9,
        ],
        expect("train_loss", 0.0, 0.3),
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
        expect("train_loss", 0.0, 0.3),
    ),
    ready(
        "circles",
        "training",
        "Two circles at a good learning rate",
        "Adam at .01: about the middle of the band in which this network learns.",
        {
            "network": network(2, dense(8, 8, 1, output="sigmoid")),
            "dataset": {"name": "circles", "samples": 200, "noise": 0.05},
            "loss": "binary_cross_entropy",
            "epochs": 100,
            "batch_size": 10,
            "optimizer": {"type": "adam", "learning_rate": 0.01},
        },
        expect("train_loss", 0.0, 0.05),
        seconds=0.5,
    ),
    ready(
        "diverging",
        "training",
        "Far too high a learning rate",
        "A straight line fitted at a rate that overshoots more with every step. The job stops and "
        "says where the numbers ran away.",
        {
            "network": network(2, [{"type": "dense", "units": 1}]),
            "dataset": {"name": "plane", "samples": 200},
            "loss": "mse",
            "epochs": 100,
            "optimizer": {"type": "sgd", "learning_rate": 10.0},
        },
        seconds=0.2,
        state="failed",
    ),
    ready(
        "moons",
        "training",
        "Two moons, with a part held out",
        "Two interleaved half-moons. The loss on points that are never trained on falls as well.",
        {
            "network": network(2, dense(16, 16, 1, output="sigmoid")),
            "dataset": MOONS,
            "loss": "binary_cross_entropy",
            "epochs": 100,
            "validation_fraction": 0.2,
            "optimizer": {"type": "adam", "learning_rate": 0.01},
        },
        expect("validation_accuracy", 0.98, 0.04),
        seconds=1.0,
    ),
    ready(
        "overfitting",
        "training",
        "Learning by heart",
        "30 noisy points and a network with room for all of them: the training loss goes to 0, the "
        "held-out loss rises.",
        {
            **OVERFITTED,
            "network": network(2, dense(64, 64, 1, activation="relu", output="sigmoid")),
        },
        expect("train_loss", 0.0, 0.05),
        seconds=1.0,
    ),
    ready(
        "weight-decay",
        "training",
        "Remedy: smaller weights",
        "The same network and points with L2: it can no longer bend around each of them.",
        {
            **OVERFITTED,
            "network": network(2, dense(64, 64, 1, activation="relu", output="sigmoid")),
            "regularization": {"l2": 0.1},
        },
        expect("validation_loss", 0.5, 0.2),
        seconds=1.0,
    ),
    *ZOO,
)


def preset(name: str) -> Preset:
    """The preset of this name. Raises `NotFound`."""
    for one in PRESETS:
        if one.name == name:
            return one
    raise NotFound(f"There is no preset {name}: GET /v1/presets has all of them")
