"""2024 to 2026: networks that see, and that call tools."""

from .parts import SEQUENCE_TRAINING, JsonObject, claim, dense, experiment
from .sequences import blocks

PIXELS, LETTERS, TOKENS, LENGTH = 128, 17, 20, 10
_BLOCK: JsonObject = {"type": "transformer_block", "heads": 4, "hidden": 64, "causal": True}
_SEEING_BLOCK: JsonObject = {"type": "transformer_block", "heads": 4, "hidden": 128}
_CONVOLUTION: JsonObject = {
    "type": "conv2d",
    "kernel_size": 3,
    "padding": "same",
    "activation": "relu",
}


def _positions(name: str) -> JsonObject:
    return {"type": "positional_encoding", "kind": "learned", "name": name}


_SEEING: list[JsonObject] = [
    {"type": "slice", "start": 0, "stop": PIXELS, "input": "input"},
    {"type": "reshape", "shape": [8, 16, 1]},
    {**_CONVOLUTION, "filters": 16},
    {"type": "max_pool2d"},
    {**_CONVOLUTION, "filters": 48},
    {"type": "max_pool2d"},
    {"type": "reshape", "shape": [8, 48]},
    {"type": "dense", "units": 32},
    _positions("patches"),
    _SEEING_BLOCK,
    _SEEING_BLOCK,
    {"type": "layer_norm", "name": "image"},
    {"type": "slice", "start": PIXELS, "input": "input"},
    {"type": "embedding", "vocabulary": TOKENS, "units": 32},
    _positions("text"),
    {**_BLOCK, "name": "read"},
    {"type": "multi_head_attention", "heads": 4, "input": ["read", "image"], "name": "seen"},
    {"type": "add", "input": ["read", "seen"]},
    _BLOCK,
    {"type": "layer_norm"},
    *dense(LETTERS, output="softmax"),
]
_QUESTIONS: JsonObject = {
    **SEQUENCE_TRAINING,
    "network": {"input_shape": [PIXELS + LENGTH], "layers": _SEEING},
    "dataset": {"name": "questions", "samples": 7_000},
    "loss": "cross_entropy",
    "epochs": 16,
    "target": {"metric": "validation_exact_match", "value": 0.91},
    "optimizer": {"type": "adam", "learning_rate": 0.005},
}


def _arithmetic(dataset: str) -> JsonObject:
    """Return a job of two layers that continue a question, until 99 of 100 answers are exact."""
    return {
        **SEQUENCE_TRAINING,
        "network": {
            "input_shape": [27],
            "layers": [
                {"type": "embedding", "vocabulary": 33, "units": 32},
                *blocks(2, 4, 32),
                *dense(32, output="softmax"),
            ],
        },
        "dataset": {"name": dataset, "samples": 5_000},
        "loss": "cross_entropy",
        "epochs": 4,
        "target": {"metric": "validation_exact_match", "value": 0.99},
        "validation_fraction": 0.1,
        "optimizer": {"type": "adam", "learning_rate": 0.004},
    }


FRONTIER = experiment(
    "frontier-2024",
    "Seeing, and calling a calculator",
    "One network looks at two handwritten digits and answers a question about them in words, "
    "letter by letter. Another one reads sums in words: it learns to write the call of a "
    "calculator, which the service carries out, and fails to learn the results themselves (Schick "
    "and others). These questions follow a few patterns; those that models are asked today do not.",
    {
        "questions": _QUESTIONS,
        "calls": _arithmetic("arithmetic_calls"),
        "direct": {**_arithmetic("arithmetic"), "epochs": 3},
    },
    [
        claim(
            "It answers questions about images",
            "questions",
            "validation_exact_match",
            at_least=0.9,
        ),
        claim("It calls the calculator", "calls", "validation_exact_match", at_least=0.98),
        claim("It does not calculate itself", "direct", "validation_exact_match", at_most=0.3),
    ],
    year=2024,
    seconds=55.0,
)
