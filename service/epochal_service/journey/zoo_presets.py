"""Ready jobs for the zoo: for each of its networks one that it was made for."""

from __future__ import annotations

from ..specs.journey.presets import Preset
from .preset_parts import Words, dense, expect, network, ready

PATIENT: Words = {
    "validation_fraction": 0.2,
    "schedule": {"type": "cosine"},
    "clipping": {"norm": 1.0},
}


def _adding(cell: str, title: str, description: str, *, error: float, tolerance: float) -> Preset:
    layers: list[Words] = [
        {"type": "reshape", "shape": [50, 2]},
        {"type": cell, "units": 16},
        *dense(1, output="linear"),
    ]
    spec = {
        **PATIENT,
        "network": network(100, layers),
        "dataset": {"name": "adding", "samples": 5_000, "length": 50},
        "loss": "mse",
        "epochs": 12,
        "optimizer": {"type": "adam", "learning_rate": 0.02},
    }
    return ready(
        f"adding-{cell}",
        "zoo",
        title,
        description,
        spec,
        expect("validation_loss", error, tolerance),
        seconds=1.0 if cell == "rnn" else 3.0,
    )


def _shifted(
    name: str, title: str, description: str, layers: list[Words], accuracy: float
) -> Preset:
    spec = {
        "network": network(144, [*layers, *dense(10, output="softmax")]),
        "dataset": {"name": "shifted_digits"},
        "loss": "cross_entropy",
        "epochs": 40,
        "validation_fraction": 0.2,
        "optimizer": {"type": "adam", "learning_rate": 0.003},
        "schedule": {"type": "cosine"},
    }
    return ready(
        name,
        "zoo",
        title,
        description,
        spec,
        expect("validation_accuracy", accuracy, 0.06),
        seconds=2.0,
    )


ZOO: tuple[Preset, ...] = (
    ready(
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
        expect("validation_accuracy", 0.98, 0.02),
        seconds=5.0,
    ),
    _shifted(
        "shifted-digits",
        "Digits that do not stay in place",
        "Each digit lies somewhere on a larger canvas. Windows that share their weights find it "
        "with 1,418 parameters, wherever it is.",
        [
            {"type": "reshape", "shape": [12, 12, 1]},
            {"type": "conv2d", "filters": 8, "kernel_size": [3], "activation": "relu"},
            {"type": "max_pool2d"},
            {"type": "conv2d", "filters": 16, "kernel_size": [3], "activation": "relu"},
            {"type": "global_max_pool"},
        ],
        0.88,
    ),
    _shifted(
        "shifted-digits-mlp",
        "The same digits without windows",
        "Dense layers have 4,970 parameters and must learn each digit anew at each of 25 places: "
        "far more are misread.",
        [{"type": "dense", "units": 32, "activation": "relu"}],
        0.72,
    ),
    _adding(
        "rnn",
        "A plain memory forgets",
        "Two of fifty numbers are marked, and their sum is asked for. Who remembers neither "
        "answers 1 and has an error of 1/6 = .167: what was marked first is mostly lost.",
        error=0.1,
        tolerance=0.075,
    ),
    _adding(
        "lstm",
        "Gates remember",
        "The same fifty numbers. The memory cell keeps the first one until the second is there: "
        "the error falls to about a hundredth of the plain network's.",
        error=0.001,
        tolerance=0.004,
    ),
    _adding(
        "gru",
        "Fewer gates remember as well",
        "The same fifty numbers, with three quarters of the LSTM's parameters.",
        error=0.0005,
        tolerance=0.003,
    ),
    ready(
        "sonnets",
        "zoo",
        "An LSTM reads sonnets",
        "The next character of Shakespeare's sonnets, of 37. The held-out loss is the logarithm of "
        "the perplexity: 3.6 for a blind guess, 2.0 for a choice among about seven.",
        {
            **PATIENT,
            "network": network(
                32,
                [
                    {"type": "embedding", "vocabulary": 37, "units": 32},
                    {"type": "lstm", "units": 64, "return_sequences": True},
                    *dense(37, output="softmax"),
                ],
            ),
            "dataset": {"name": "sonnets", "length": 32},
            "loss": "cross_entropy",
            "epochs": 15,
            "batch_size": 16,
            "optimizer": {"type": "adam", "learning_rate": 0.01},
        },
        expect("validation_loss", 2.0, 0.2),
        seconds=3.0,
    ),
    ready(
        "reversal",
        "zoo",
        "Words written backwards",
        "One network reads a word, another writes it backwards, and at each letter it looks back "
        "at what was read. The attention learns to walk from the end to the beginning.",
        {
            **PATIENT,
            "network": network(
                12,
                [
                    {"type": "embedding", "vocabulary": 9, "units": 16, "name": "letters"},
                    {"type": "slice", "start": 0, "stop": 6, "name": "read"},
                    {"type": "gru", "units": 32, "return_sequences": True, "name": "encoder"},
                    {"type": "slice", "start": 6, "input": ["letters"], "name": "written"},
                    {"type": "gru", "units": 32, "return_sequences": True, "name": "decoder"},
                    {
                        "type": "additive_attention",
                        "units": 32,
                        "input": ["decoder", "encoder"],
                        "name": "attention",
                    },
                    {"type": "concatenate", "input": ["decoder", "attention"]},
                    *dense(8, output="softmax"),
                ],
            ),
            "dataset": {"name": "reversal", "samples": 3_000},
            "loss": "cross_entropy",
            "epochs": 10,
            "optimizer": {"type": "adam", "learning_rate": 0.01},
        },
        expect("validation_accuracy", 1.0, 0.02),
        seconds=2.0,
    ),
    ready(
        "sorting",
        "zoo",
        "A transformer sorts letters",
        "Six letters, to be written in order. Which one comes first hangs on all six, and by "
        "attention each place looks at all of them at once.",
        {
            **PATIENT,
            "network": network(
                6,
                [
                    {"type": "embedding", "vocabulary": 10, "units": 32},
                    {"type": "positional_encoding", "kind": "learned"},
                    {"type": "transformer_block", "heads": 4, "hidden": 64},
                    {"type": "layer_norm"},
                    *dense(10, output="softmax"),
                ],
            ),
            "dataset": {"name": "sorting", "samples": 5_000},
            "loss": "cross_entropy",
            "epochs": 8,
            "optimizer": {"type": "adam", "learning_rate": 0.003},
        },
        expect("validation_accuracy", 1.0, 0.02),
        seconds=2.0,
    ),
    ready(
        "sentences",
        "zoo",
        "A small language model",
        "A decoder foresees each character of simple sentences from those before it. Which word "
        "comes next cannot be known; all else can, and it comes close to that floor, .262.",
        {
            **PATIENT,
            "network": network(
                40,
                [
                    {"type": "embedding", "vocabulary": 25, "units": 32},
                    {"type": "positional_encoding", "kind": "learned"},
                    {"type": "transformer_block", "heads": 4, "hidden": 64, "causal": True},
                    {"type": "layer_norm"},
                    *dense(24, output="softmax"),
                ],
            ),
            "dataset": {"name": "sentences", "samples": 2_000, "length": 40},
            "loss": "cross_entropy",
            "epochs": 10,
            "optimizer": {"type": "adam", "learning_rate": 0.005},
        },
        expect("validation_loss", 0.285, 0.025),
        seconds=4.0,
    ),
    ready(
        "autoencoder",
        "zoo",
        "Digits through eight numbers",
        "64 pixels are summed up in 8 numbers and rebuilt from them. The error is below .024, that "
        "of the best 8 straight directions (principal components).",
        {
            "network": network(
                64,
                [
                    *dense(32, activation="relu", output="relu"),
                    {"type": "dense", "units": 8, "name": "code"},
                    *dense(32, 64, activation="relu", output="sigmoid"),
                ],
            ),
            "dataset": {"name": "digit_images"},
            "loss": "mse",
            "epochs": 80,
            "validation_fraction": 0.2,
            "optimizer": {"type": "adam", "learning_rate": 0.01},
            "schedule": {"type": "cosine"},
        },
        expect("validation_loss", 0.016, 0.004),
        seconds=2.0,
    ),
)
