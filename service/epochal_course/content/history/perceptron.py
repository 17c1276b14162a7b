"""1958: a neuron that learns from its mistakes."""

from .parts import JsonObject, claim, experiment, preset_job


def _until_separated(job: JsonObject) -> JsonObject:
    """Return the job, ended by the first epoch without a mistake."""
    return {**job, "target": {"metric": "train_accuracy", "value": 1.0}}


_AND = preset_job("perceptron-and", shuffle=False)
_BLOBS: JsonObject = {
    "dataset": {"name": "blobs", "samples": 200, "classes": 2, "noise": 0.5},
    "epochs": 200,
}

PERCEPTRON = experiment(
    "perceptron-1958",
    "A neuron that learns from its mistakes",
    "After each mistake, Rosenblatt's rule moves the weights a little toward the correct output. "
    "From zero weights it separates AND and OR within six epochs, and two clouds of points soon "
    "after. Where a line separates the classes it always ends (Novikoff); elsewhere it never does.",
    {
        "and": _until_separated(_AND),
        "or": _until_separated({**_AND, "dataset": {"name": "or"}}),
        "clouds": _until_separated({**_AND, **_BLOBS}),
    },
    [
        claim("AND is separated", "and", "train_accuracy", at_least=1.0),
        claim("Within six epochs", "and", "epochs", at_most=6),
        claim("OR is separated", "or", "train_accuracy", at_least=1.0),
        claim("Two clouds are separated", "clouds", "train_accuracy", at_least=1.0),
        claim("By three numbers", "clouds", "parameters", at_most=3),
    ],
    year=1958,
    seconds=1.0,
)
