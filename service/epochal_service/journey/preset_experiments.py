"""Preset experiments: what failed before a milestone beside what works since."""

from __future__ import annotations

from typing import Any

from ..errors import NotFound
from ..specs.experiments import ExperimentSpec
from ..specs.journey.preset_experiments import PresetExperiment
from .preset_parts import JsonObject, dense, network
from .presets import PRESETS

SEEDS = [0, 1, 2, 3, 4]


def _job(preset: str, **changes: Any) -> JsonObject:
    """Return the spec of a preset with other fields, with seed 0 and without its target."""
    spec = next(item for item in PRESETS if item.name == preset).spec
    fields = spec.model_dump(exclude_unset=True, exclude={"name", "seed", "target"})
    return {**fields, **changes}


def _claim(text: str, job: str, metric: str, minus: str | None = None, **more: Any) -> JsonObject:
    pair = {} if minus is None else {"minus": minus}
    return {"text": text, "job": job, "metric": metric, **pair, **more}


def _experiment(
    name: str,
    title: str,
    description: str,
    jobs: dict[str, JsonObject],
    claims: list[JsonObject],
    *,
    seconds: float,
) -> PresetExperiment:
    """Return an experiment of five seeds that takes about `seconds`; its name ends in its year."""
    spec = ExperimentSpec.model_validate(
        {"name": title, "seeds": SEEDS, "jobs": jobs, "claims": claims}
    )
    return PresetExperiment(
        name=name,
        title=title,
        description=description,
        section="timeline",
        year=int(name[-4:]),
        spec=spec,
        expected_seconds=seconds,
    )


_RULE_ON_XOR = _job("perceptron-and", dataset={"name": "xor"}, epochs=200)
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
_CONVOLUTIONAL = _job("shifted-digits", validation_fraction=0.5)
_DENSE = _job("shifted-digits-mlp", validation_fraction=0.5)


def _centered(job: JsonObject) -> JsonObject:
    """Return the job on digits that lie in the middle of their canvas."""
    layers = job["network"]["layers"]
    if layers[0]["type"] == "reshape":
        layers = [{"type": "reshape", "shape": [8, 8, 1]}, *layers[1:]]
    return {**job, "network": network(64, layers), "dataset": {"name": "digits"}}


PRESET_EXPERIMENTS: tuple[PresetExperiment, ...] = (
    _experiment(
        "xor-1969",
        "A perceptron cannot learn XOR",
        "Rosenblatt's rule learns AND within a few epochs. On XOR it moves the line for 200 "
        "epochs and never gets all four points right, since no line does (Minsky and Papert).",
        {"and": _job("perceptron-and"), "xor": _RULE_ON_XOR},
        [
            _claim("AND is learned", "and", "train_accuracy", at_least=1.0),
            _claim("XOR never is", "xor", "train_accuracy", epoch="every", below=1.0),
        ],
        seconds=1.0,
    ),
    _experiment(
        "backpropagation-1986",
        "Hidden units find their own features",
        "Where the perceptron's rule fails, backpropagation trains a hidden layer of four units. "
        "An encoder must pass eight classes through three units: it finds a code of its own "
        "(Rumelhart, Hinton and Williams).",
        {"rule": _RULE_ON_XOR, "hidden": _job("xor"), "encoder": _ENCODER},
        [
            _claim("The rule never learns XOR", "rule", "train_accuracy", epoch="every", below=1.0),
            _claim("A hidden layer does", "hidden", "train_accuracy", at_least=1.0),
            _claim("Three units encode 8 classes", "encoder", "train_accuracy", at_least=1.0),
        ],
        seconds=2.0,
    ),
    _experiment(
        "lenet-1998",
        "Convolution recognizes a digit anywhere",
        "On digits at random positions, filters with shared weights beat dense layers, with fewer "
        "parameters. Where every digit is centered, there is little to win (LeCun and others).",
        {
            "cnn-shifted": _CONVOLUTIONAL,
            "mlp-shifted": _DENSE,
            "cnn-centered": _centered(_CONVOLUTIONAL),
            "mlp-centered": _centered(_DENSE),
        },
        [
            _claim(
                "Convolution recognizes shifted digits",
                "cnn-shifted",
                "validation_accuracy",
                at_least=0.86,
            ),
            _claim(
                "It is ahead of dense layers",
                "cnn-shifted",
                "validation_accuracy",
                "mlp-shifted",
                at_least=0.15,
            ),
            _claim("With fewer parameters", "cnn-shifted", "parameters", "mlp-shifted", below=0),
            _claim(
                "On centered digits both do well",
                "cnn-centered",
                "validation_accuracy",
                "mlp-centered",
                at_least=-0.02,
                at_most=0.02,
            ),
        ],
        seconds=10.0,
    ),
)


def preset_experiment(name: str) -> PresetExperiment:
    """Return the preset experiment with this name. Raises `NotFound`."""
    for item in PRESET_EXPERIMENTS:
        if item.name == name:
            return item
    raise NotFound(
        f"There is no preset experiment {name}; GET /v1/preset-experiments lists all of them"
    )
