"""2018: to predict the next character is to learn a language."""

from .parts import SEQUENCE_TRAINING, JsonObject, claim, dense, experiment

LETTERS = 27
_BLOCK: JsonObject = {"type": "transformer_block", "heads": 2, "hidden": 96, "causal": True}
_NAMES: JsonObject = {
    **SEQUENCE_TRAINING,
    "network": {
        "input_shape": [16],
        "layers": [
            {"type": "embedding", "vocabulary": LETTERS, "units": 48},
            {"type": "positional_encoding", "kind": "learned"},
            _BLOCK,
            _BLOCK,
            {"type": "layer_norm"},
            *dense(LETTERS, output="softmax"),
        ],
    },
    "dataset": {"name": "names"},
    "loss": "cross_entropy",
    "epochs": 4,
    "batch_size": 32,
    "validation_fraction": 0.05,
    "optimizer": {"type": "adam", "learning_rate": 0.006},
}


def _below(model: str, baseline: str, most: float) -> JsonObject:
    text = f"It predicts names better than {model}"
    return claim(text, "names", "validation_loss", minus_baseline=baseline, below=most)


GPT = experiment(
    "gpt-2018",
    "Predict the next character",
    "Two blocks of causal attention read 30,000 first names, letter by letter, and learn nothing "
    "but to predict the next one. They do so better than counting which letter follows the three "
    "before it, and invent names (Radford and others). With little text, counting is hard to beat, "
    "as sonnets-2018 shows.",
    {"names": _NAMES},
    [
        _below("a bigram model", "bigram", -0.3),
        _below("a trigram model", "trigram", -0.05),
        _below("a 4-gram model", "four_gram", 0),
        claim("Most names that it writes are new", "names", "novelty", at_least=0.6),
    ],
    year=2018,
    seconds=55.0,
)
