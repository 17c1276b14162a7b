"""Presets for the zoo: for each architecture a task that suits it."""

from __future__ import annotations

from ..specs.content.presets import Expectation, Preset
from .preset_parts import JsonObject, at_least, at_most, between, dense, make_preset, network

SEQUENCE_TRAINING: JsonObject = {
    "validation_fraction": 0.2,
    "schedule": {"type": "cosine"},
    "clipping": {"norm": 1.0},
}


def _adding(cell: str, title: str, description: str, expected: Expectation) -> Preset:
    layers: list[JsonObject] = [
        {"type": "reshape", "shape": [50, 2]},
        {"type": cell, "units": 16},
        *dense(1, output="linear"),
    ]
    spec = {
        **SEQUENCE_TRAINING,
        "network": network(100, layers),
        "dataset": {"name": "adding", "samples": 5_000, "length": 50},
        "loss": "mse",
        # The loss of a guess, 1/6, is in the unit of the targets.
        "target_scaling": "none",
        "epochs": 12,
        "optimizer": {"type": "adam", "learning_rate": 0.02},
    }
    return make_preset(
        f"adding-{cell}",
        "zoo",
        title,
        description,
        spec,
        expected,
        seconds=1.0 if cell == "rnn" else 3.0,
    )


def _shifted(
    name: str, title: str, description: str, layers: list[JsonObject], expected: Expectation
) -> Preset:
    spec = {
        "network": network(144, [*layers, *dense(10, output="softmax")]),
        "dataset": {"name": "shifted_digits"},
        "loss": "cross_entropy",
        "epochs": 40,
        "validation_fraction": 0.2,
        "optimizer": {"type": "adam", "learning_rate": 0.006},
        "schedule": {"type": "cosine"},
    }
    return make_preset(
        name,
        "zoo",
        title,
        description,
        spec,
        expected,
        seconds=2.0,
    )


ZOO: tuple[Preset, ...] = (
    make_preset(
        "lenet",
        "zoo",
        "A small LeNet classifies digits",
        "Convolutional filters slide over the image and share their weights. The validation "
        "accuracy is usually a little higher than with dense layers.",
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
        at_least("validation_accuracy", 0.93),
        seconds=5.0,
    ),
    _shifted(
        "shifted-digits",
        "Shifted digits with convolution",
        "Each digit lies at a random position on a larger canvas. Filters with shared weights "
        "recognize it anywhere, with only 2,986 parameters.",
        [
            {"type": "reshape", "shape": [12, 12, 1]},
            {"type": "conv2d", "filters": 12, "kernel_size": [3], "activation": "relu"},
            {"type": "max_pool2d"},
            {"type": "conv2d", "filters": 24, "kernel_size": [3], "activation": "relu"},
            {"type": "global_max_pool"},
        ],
        at_least("validation_accuracy", 0.89),
    ),
    _shifted(
        "shifted-digits-mlp",
        "Shifted digits with dense layers",
        "Dense layers have 4,970 parameters and must learn each digit separately at each of 25 "
        "positions. The accuracy is much lower.",
        [{"type": "dense", "units": 32, "activation": "relu"}],
        between(0.6, "validation_accuracy", 0.86),
    ),
    _adding(
        "rnn",
        "A plain RNN forgets",
        "The target is the sum of the two marked numbers among fifty. A constant prediction of 1 "
        "has a loss of 1/6 = 0.167. The RNN ends between 0.04 and that: it loses the first number.",
        between(0.02, "validation_loss", 0.2),
    ),
    _adding(
        "lstm",
        "An LSTM remembers",
        "The same task. The cell state keeps the first number until the second arrives, and the "
        "loss falls below a fifth of the RNN's, usually to less than a hundredth.",
        at_most("validation_loss", 0.004),
    ),
    _adding(
        "gru",
        "A GRU remembers with fewer gates",
        "The same task with three quarters of the parameters of the LSTM.",
        at_most("validation_loss", 0.002),
    ),
    make_preset(
        "sonnets",
        "zoo",
        "An LSTM reads sonnets",
        "The network predicts the next of 37 characters in Shakespeare's sonnets. The validation "
        "loss is the logarithm of the perplexity: 3.6 for a uniform guess, 2.0 for a choice among "
        "about seven characters.",
        {
            **SEQUENCE_TRAINING,
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
        between(1.8, "validation_loss", 2.2),
        seconds=3.0,
    ),
    make_preset(
        "reversal",
        "zoo",
        "Reversing words with attention",
        "The encoder reads a word and the decoder writes it backwards. For each letter it attends "
        "to the letters read; the attention learns to move from the last letter to the first.",
        {
            **SEQUENCE_TRAINING,
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
        at_least("validation_accuracy", 0.98),
        seconds=2.0,
    ),
    make_preset(
        "sorting",
        "zoo",
        "A transformer sorts letters",
        "The target is six letters in alphabetical order. Each output depends on all six inputs, "
        "and attention lets every position read all of them at once.",
        {
            **SEQUENCE_TRAINING,
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
        at_least("validation_accuracy", 0.98),
        seconds=2.0,
    ),
    make_preset(
        "sentences",
        "zoo",
        "A small language model",
        "A decoder predicts each character of simple sentences from the characters before it. The "
        "choice of words is random, so the loss cannot fall below 0.262; training ends less than a "
        "third above it.",
        {
            **SEQUENCE_TRAINING,
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
        between(0.262, "validation_loss", 0.34),
        seconds=4.0,
    ),
    make_preset(
        "autoencoder",
        "zoo",
        "Digits compressed to eight numbers",
        "The encoder compresses 64 pixels to 8 numbers and the decoder reconstructs them. The loss "
        "falls below 0.024, the loss of the first 8 principal components.",
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
        at_most("validation_loss", 0.02),
        seconds=2.0,
    ),
)
