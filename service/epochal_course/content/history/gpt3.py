"""2020: what a network learns from its own input."""

from .parts import SEQUENCE_TRAINING, JsonObject, claim, dense, experiment
from .sequences import blocks, repeats


def _functions(layers: int, width: int) -> JsonObject:
    """Return a job of blocks of this width that infer functions from examples."""
    return {
        **SEQUENCE_TRAINING,
        "network": {
            "input_shape": [50],
            "layers": [
                {"type": "reshape", "shape": [10, 5]},
                *dense(width, output="linear"),
                *blocks(layers, 2, width),
                *dense(1, output="linear"),
                {"type": "flatten"},
            ],
        },
        "dataset": {"name": "functions"},
        "loss": "mse",
        "target_scaling": "none",
        "epochs": 6,
        "batch_size": 64,
        "validation_fraction": 0.1,
        "optimizer": {"type": "adam", "learning_rate": 0.01},
    }


def _repeats(layers: int) -> JsonObject:
    """Return a job of blocks on letters that recur, in short epochs."""
    return {**repeats(blocks(layers, 4, 32)), "dataset": {"name": "repeats", "samples": 4_000}}


GPT_3 = experiment(
    "gpt3-2020",
    "Learning from the prompt",
    "Random letters recur after 6 to 11 positions. One layer cannot look up what followed the "
    "present letter before; two layers of the same width can, and most of the ability comes within "
    "two epochs of 60 steps (Olsson and others). A network of two layers also infers from examples "
    "which function of two numbers it is to compute, another one in each row: its error falls as "
    "it reads more of them, and that of a tiny network stays higher (Garg and others). It is an "
    "ability by depth and width, here at 20,000 parameters; GPT-3 showed many such abilities at "
    "175 billion.",
    {
        "one-layer": _repeats(1),
        "two-layers": _repeats(2),
        "functions-tiny": _functions(1, 8),
        "functions": _functions(2, 32),
    },
    [
        claim("Two layers continue", "two-layers", "validation_accuracy", at_least=0.75),
        claim("One layer does not", "one-layer", "validation_accuracy", at_most=0.45),
        claim(
            "The ability comes within two epochs",
            "two-layers",
            "validation_accuracy",
            within_epochs=2,
            at_least=0.4,
        ),
        claim(
            "After nine examples a function is inferred",
            "functions",
            "validation_loss",
            position=9,
            at_most=0.08,
        ),
        claim(
            "By a tiny network it is not",
            "functions-tiny",
            "validation_loss",
            position=9,
            at_least=0.15,
        ),
    ],
    year=2020,
    seconds=50.0,
)
