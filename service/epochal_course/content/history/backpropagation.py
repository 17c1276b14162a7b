"""1986: hidden units find their own features."""

from .parts import JsonObject, claim, dense, experiment, network, preset_job
from .xor import RULE_ON_XOR

_ENCODER: JsonObject = {
    "network": network(8, dense(3, 8, activation="sigmoid", output="softmax")),
    "dataset": {
        "inputs": [[float(row == column) for column in range(8)] for row in range(8)],
        "targets": [[float(row)] for row in range(8)],
        "class_names": [str(row) for row in range(8)],
    },
    "loss": "cross_entropy",
    "epochs": 300,
    "batch_size": 8,
    "optimizer": {"type": "adam", "learning_rate": 0.1},
}
BACKPROPAGATION = experiment(
    "backpropagation-1986",
    "Hidden units find their own features",
    "Where the perceptron's rule fails, backpropagation trains a hidden layer of four units. "
    "An encoder must pass eight classes through three units: it finds a code of its own "
    "(Rumelhart, Hinton and Williams).",
    {"rule": RULE_ON_XOR, "hidden": preset_job("xor"), "encoder": _ENCODER},
    [
        claim("The rule never learns XOR", "rule", "train_accuracy", epoch="every", below=1.0),
        claim("A hidden layer does", "hidden", "train_accuracy", at_least=1.0),
        claim("Three units encode 8 classes", "encoder", "train_accuracy", at_least=1.0),
    ],
    year=1986,
    seconds=2.0,
)
