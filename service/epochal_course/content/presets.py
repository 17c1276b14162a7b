"""Presets for the sections of the journey: jobs with their expected results."""

from __future__ import annotations

from epochal_service.errors import NotFound

from ..specs.content.presets import Expectation, Preset
from .preset_parts import JsonObject, at_least, at_most, between, dense, make_preset, network
from .zoo_presets import SEQUENCE_TRAINING, ZOO

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
    return make_preset(
        f"perceptron-{gate}",
        "neuron",
        title,
        description,
        spec,
        at_least("train_accuracy", 1.0),
        seconds=0.2,
    )


MOONS = {"name": "two_moons", "samples": 500, "noise": 0.15}


def _moons(
    activation: str,
    title: str,
    description: str,
    expected: Expectation,
    *,
    learning_rate: float = 0.01,
    epochs: int = 60,
) -> Preset:
    spec = {
        "network": network(2, dense(16, 16, 1, activation=activation, output="sigmoid")),
        "dataset": MOONS,
        "loss": "binary_cross_entropy",
        "epochs": epochs,
        "validation_fraction": 0.2,
        "optimizer": {"type": "adam", "learning_rate": learning_rate},
    }
    return make_preset(
        f"moons-{activation.replace('_', '-')}",
        "activations",
        title,
        description,
        spec,
        expected,
        seconds=0.3,
    )


CIRCLES_TEN_DEEP: JsonObject = {
    "dataset": {"name": "circles", "samples": 200, "noise": 0.05},
    "loss": "binary_cross_entropy",
    "epochs": 200,
    "optimizer": {"type": "adam", "learning_rate": 0.01},
}


def _deep(
    name: str, title: str, description: str, layers: list[JsonObject], *expected: Expectation
) -> Preset:
    output = {"type": "dense", "units": 1, "activation": "sigmoid"}
    spec = {**CIRCLES_TEN_DEEP, "network": network(2, [*layers, output])}
    return make_preset(name, "backpropagation", title, description, spec, *expected, seconds=0.5)


def _hidden(activation: str) -> JsonObject:
    return {"type": "dense", "units": 16, "activation": activation}


OVERFITTED: JsonObject = {
    "dataset": {"name": "two_moons", "samples": 60, "noise": 0.5},
    "loss": "binary_cross_entropy",
    "epochs": 600,
    "validation_fraction": 0.5,
    "optimizer": {"type": "adam", "learning_rate": 0.01},
}


def _plays(
    tokens: str,
    title: str,
    description: str,
    *,
    length: int,
    merges: int,
    samples: int,
    epochs: int,
    expected: Expectation,
) -> Preset:
    """Return a preset of a decoder that reads windows of the plays."""
    vocabulary = 65 + merges  # the plays have 65 characters
    return make_preset(
        f"plays-{tokens}",
        "language",
        title,
        description,
        {
            **SEQUENCE_TRAINING,
            "network": network(
                length,
                [
                    {"type": "embedding", "vocabulary": vocabulary, "units": 64},
                    {"type": "positional_encoding", "kind": "learned"},
                    {"type": "transformer_block", "heads": 4, "hidden": 128, "causal": True},
                    {"type": "transformer_block", "heads": 4, "hidden": 128, "causal": True},
                    {"type": "layer_norm"},
                    *dense(vocabulary, output="softmax"),
                ],
            ),
            "dataset": {
                "name": "plays",
                "samples": samples,
                "length": length,
                **({"merges": merges} if merges else {}),
            },
            "loss": "cross_entropy",
            "epochs": epochs,
            "batch_size": 16,
            "optimizer": {"type": "adam", "learning_rate": 0.005},
        },
        expected,
        seconds=8.0,
    )


PRESETS: tuple[Preset, ...] = (
    _perceptron(
        "and",
        "A perceptron learns AND",
        "Rosenblatt's learning rule of 1958: each mistake moves the line, and after a few epochs "
        "no mistake is left.",
    ),
    _perceptron(
        "or",
        "A perceptron learns OR",
        "The same rule on another truth table that is linearly separable.",
    ),
    make_preset(
        "xor",
        "neuron",
        "XOR with a hidden layer",
        "No straight line separates the four points of XOR. A small network with a hidden layer "
        "does.",
        {
            "network": network(2, dense(8, 1, output="sigmoid")),
            "dataset": {"name": "xor"},
            "loss": "binary_cross_entropy",
            "epochs": 500,
            "optimizer": {"type": "adam", "learning_rate": 0.05},
        },
        at_least("train_accuracy", 1.0),
        at_most("train_loss", 0.05),
        seconds=0.3,
    ),
    _moons(
        "linear",
        "No activation",
        "Three layers without an activation are one linear layer: the decision boundary stays a "
        "straight line.",
        between(0.82, "train_accuracy", 0.92),
    ),
    _moons(
        "sigmoid",
        "Sigmoid on two moons",
        "The decision boundary curves as well, but this takes ten times the learning rate and "
        "three times the epochs of the others: the derivative of a sigmoid is at most 0.25.",
        at_least("train_accuracy", 0.95),
        learning_rate=0.1,
        epochs=200,
    ),
    _moons(
        "tanh",
        "Tanh on two moons",
        "The decision boundary curves smoothly after few epochs.",
        at_least("train_accuracy", 0.95),
    ),
    _moons(
        "relu",
        "ReLU on two moons",
        "The decision boundary consists of straight pieces, because ReLU is piecewise linear.",
        at_least("train_accuracy", 0.95),
    ),
    make_preset(
        "spiral",
        "architecture",
        "Three hidden layers on the spiral",
        "Two arms wind around each other. This is the hardest of the small data sets: a third "
        "hidden layer helps.",
        {
            "network": network(2, dense(8, 8, 8, 1, output="sigmoid")),
            "dataset": {"name": "spiral", "samples": 250},
            "loss": "binary_cross_entropy",
            "epochs": 800,
            "optimizer": {"type": "adam", "learning_rate": 0.02},
            "schedule": {"type": "cosine"},
        },
        at_most("train_loss", 0.1),
        seconds=3.0,
    ),
    make_preset(
        "wine",
        "architecture",
        "Wine with standardized inputs",
        "Three kinds of wine, described by 13 measurements. Some are in the hundreds, others below "
        "1; standardizing gives all of them the same scale.",
        {
            "network": network(13, dense(16, 3, activation="relu", output="softmax")),
            "dataset": {"name": "wine", "scaling": "standard"},
            "loss": "cross_entropy",
            "epochs": 60,
            "validation_fraction": 0.2,
            "optimizer": {"type": "adam", "learning_rate": 0.01},
        },
        at_least("validation_accuracy", 0.88),
        seconds=0.3,
    ),
    make_preset(
        "digits",
        "forward",
        "Handwritten digits",
        "A network with one hidden layer classifies 1,797 digits of 8 x 8 pixels.",
        {
            "network": network(64, dense(64, 10, activation="relu", output="softmax")),
            "dataset": {"name": "digits"},
            "loss": "cross_entropy",
            "epochs": 50,
            "validation_fraction": 0.2,
            "optimizer": {"type": "adam", "learning_rate": 0.001},
        },
        at_least("validation_accuracy", 0.92),
        seconds=2.0,
    ),
    make_preset(
        "iris",
        "loss",
        "Irises with cross-entropy",
        "Three species, four measurements. The first loss is near ln 3 = 1.10, the loss of a "
        "uniform guess.",
        {
            "network": network(4, dense(8, 3, output="softmax")),
            "dataset": {"name": "iris", "scaling": "standard"},
            "loss": "cross_entropy",
            "epochs": 100,
            "validation_fraction": 0.2,
            "optimizer": {"type": "adam", "learning_rate": 0.02},
        },
        at_least("train_accuracy", 0.95),
        seconds=0.3,
    ),
    make_preset(
        "breast-cancer",
        "loss",
        "Tumors with binary cross-entropy",
        "The network classifies tumors as benign or malignant from 30 measurements of cell nuclei.",
        {
            "network": network(30, dense(16, 1, activation="relu", output="sigmoid")),
            "dataset": {"name": "breast_cancer", "scaling": "standard"},
            "loss": "binary_cross_entropy",
            "epochs": 40,
            "validation_fraction": 0.2,
            "optimizer": {"type": "adam", "learning_rate": 0.003},
        },
        at_least("validation_accuracy", 0.92),
        seconds=0.4,
    ),
    make_preset(
        "sine",
        "loss",
        "A sine wave with squared error",
        "Regression on a noisy sine wave. The validation loss ends near 0.01, the variance of the "
        "noise.",
        {
            "network": network(1, dense(16, 16, 1, output="linear")),
            "dataset": {"name": "sine", "samples": 300, "noise": 0.1},
            "loss": "mse",
            # The text compares the loss with the noise, in the unit of the targets.
            "target_scaling": "none",
            "epochs": 300,
            "validation_fraction": 0.2,
            "optimizer": {"type": "adam", "learning_rate": 0.01},
            "schedule": {"type": "cosine"},
        },
        between(0.006, "validation_loss", 0.018),
        seconds=1.5,
    ),
    _deep(
        "vanishing",
        "A gradient that vanishes",
        "Ten sigmoid layers: hardly any gradient reaches the first layer, and the loss stays at "
        "that of a guess, ln 2 = 0.693.",
        [_hidden("sigmoid")] * 10,
        between(0.67, "train_loss", 0.72),
    ),
    _deep(
        "vanishing-relu",
        "Remedy: another activation",
        "The same depth with ReLU, whose derivative is 1 for positive inputs, and He "
        "initialization.",
        [_hidden("relu")] * 10,
        at_most("train_loss", 0.3),
    ),
    _deep(
        "vanishing-residual",
        "Remedy: residual connections",
        "The same sigmoid layers with residual connections: each layer's output is added to its "
        "input, so the gradient can bypass the layer.",
        [
            _hidden("sigmoid"),
            *[{"type": "residual", "layers": [_hidden("sigmoid")]}] * 9,
        ],
        at_most("train_loss", 0.3),
    ),
    _deep(
        "vanishing-norm",
        "Remedy: batch normalization",
        "The same sigmoid layers with batch normalization: each unit's weighted sums are scaled to "
        "mean 0 and variance 1 over the batch.",
        [
            layer
            for _ in range(10)
            for layer in (
                {"type": "dense", "units": 16},
                {"type": "batch_norm"},
                {"type": "activation", "activation": "sigmoid"},
            )
        ],
        at_most("train_loss", 0.4),
    ),
    make_preset(
        "circles",
        "training",
        "Two circles at a good learning rate",
        "Adam with a learning rate of 0.01, about the middle of the range in which this network "
        "learns.",
        {
            "network": network(2, dense(8, 8, 1, output="sigmoid")),
            "dataset": {"name": "circles", "samples": 200, "noise": 0.05},
            "loss": "binary_cross_entropy",
            "epochs": 100,
            "batch_size": 10,
            "optimizer": {"type": "adam", "learning_rate": 0.01},
        },
        at_most("train_loss", 0.05),
        seconds=0.5,
    ),
    make_preset(
        "diverging",
        "training",
        "A learning rate far too high",
        "Linear regression with a learning rate that overshoots more with every step. The job "
        "diverges and reports the first layer that overflowed.",
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
    make_preset(
        "moons",
        "training",
        "Two moons with validation",
        "Two interleaved half-moons. The validation loss, on points that are never trained on, "
        "falls as well.",
        {
            "network": network(2, dense(16, 16, 1, output="sigmoid")),
            "dataset": MOONS,
            "loss": "binary_cross_entropy",
            "epochs": 100,
            "validation_fraction": 0.2,
            "optimizer": {"type": "adam", "learning_rate": 0.01},
        },
        at_least("validation_accuracy", 0.93),
        seconds=1.0,
    ),
    make_preset(
        "overfitting",
        "training",
        "Overfitting",
        "The network has enough parameters to memorize 30 noisy points: the training loss goes to "
        "0, and the validation loss rises above 0.693, the loss of a guess.",
        {
            **OVERFITTED,
            "network": network(2, dense(64, 64, 1, activation="relu", output="sigmoid")),
        },
        at_most("train_loss", 0.05),
        at_least("validation_loss", 0.75),
        seconds=1.0,
    ),
    make_preset(
        "weight-decay",
        "training",
        "Remedy: L2 regularization",
        "The same network and points with an L2 penalty on the weights: the decision boundary "
        "stays smooth.",
        {
            **OVERFITTED,
            "network": network(2, dense(64, 64, 1, activation="relu", output="sigmoid")),
            "regularization": {"l2": 0.1},
        },
        between(0.3, "validation_loss", 0.75),
        seconds=1.0,
    ),
    *ZOO,
    make_preset(
        "first-names",
        "language",
        "A language model of first names",
        "Two transformer blocks predict each letter of a name from those before it. The model ends "
        "below the loss of counting letters four at a time, and invents names.",
        {
            **SEQUENCE_TRAINING,
            "network": network(
                16,
                [
                    {"type": "embedding", "vocabulary": 27, "units": 32},
                    {"type": "positional_encoding", "kind": "learned"},
                    {"type": "transformer_block", "heads": 4, "hidden": 64, "causal": True},
                    {"type": "transformer_block", "heads": 4, "hidden": 64, "causal": True},
                    {"type": "layer_norm"},
                    *dense(27, output="softmax"),
                ],
            ),
            "dataset": {"name": "names", "samples": 12_000},
            "loss": "cross_entropy",
            "epochs": 10,
            "optimizer": {"type": "adam", "learning_rate": 0.005},
            "snapshots": {"weights_every": 1},
        },
        between(2.0, "validation_loss", 2.15),
        seconds=15.0,
    ),
    _plays(
        "characters",
        "Shakespeare by characters",
        "A decoder reads 219,000 characters of the plays and predicts each character from up to 64 "
        "before it.",
        length=64,
        merges=0,
        samples=3_400,
        epochs=4,
        expected=between(1.8, "validation_loss", 2.3),
    ),
    _plays(
        "byte-pairs",
        "Shakespeare by byte pairs",
        "The same layers read the same characters as 115,000 tokens, after 250 merges, and predict "
        "each token from up to 32 before it, which are about as many characters.",
        length=32,
        merges=250,
        samples=3_600,
        epochs=5,
        expected=between(3.0, "validation_loss", 3.5),
    ),
)


def preset(name: str) -> Preset:
    """Return the preset with this name. Raises `NotFound`."""
    for item in PRESETS:
        if item.name == name:
            return item
    raise NotFound(f"There is no preset {name}; GET /course/v1/presets lists all of them")
