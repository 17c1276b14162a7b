"""1969: a perceptron cannot learn XOR."""

from .parts import claim, experiment, preset_job

RULE_ON_XOR = preset_job(
    "perceptron-and", dataset={"name": "xor"}, epochs=200, snapshots={"weights_every": 1}
)
"""Rosenblatt's rule on the four points that no line separates."""

XOR = experiment(
    "xor-1969",
    "A perceptron cannot learn XOR",
    "Rosenblatt's rule learns AND and OR within a few epochs. On XOR it moves the line for 200 "
    "epochs and never gets all four points right, since no line does (Minsky and Papert).",
    {
        "and": preset_job("perceptron-and"),
        "or": preset_job("perceptron-and", dataset={"name": "or"}),
        "xor": RULE_ON_XOR,
    },
    [
        claim("AND is learned", "and", "train_accuracy", at_least=1.0),
        claim("OR is learned", "or", "train_accuracy", at_least=1.0),
        claim("XOR never is", "xor", "train_accuracy", epoch="every", below=1.0),
    ],
    year=1969,
    seconds=1.0,
)
