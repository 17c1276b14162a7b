"""The decoder of the zoo: what it lacks is much text."""

from .parts import JsonObject, claim, dense, experiment, preset_job

_LSTM = preset_job("sonnets")
_DECODER: JsonObject = {
    **_LSTM,
    "network": {
        "input_shape": [32],
        "layers": [
            {"type": "embedding", "vocabulary": 37, "units": 32},
            {"type": "positional_encoding", "kind": "learned"},
            {"type": "dropout", "rate": 0.1},
            {"type": "transformer_block", "heads": 4, "hidden": 64, "causal": True},
            {"type": "dropout", "rate": 0.1},
            {"type": "layer_norm"},
            *dense(37, output="softmax"),
        ],
    },
    "epochs": 30,
    "optimizer": {"type": "adam", "learning_rate": 0.006},
}

DECODER = experiment(
    "decoder-2018",
    "A decoder needs much text",
    "Both networks predict the next character of 18 sonnets. A recurrent network does so better "
    "than counting which character follows the two before it. A decoder does not: it assumes "
    "nothing about the order of characters, and has to learn it from the text. On 30,000 names it "
    "learns that, as gpt-2018 shows, and on plays, as sonnets-2018 shows.",
    {"decoder": _DECODER, "lstm": _LSTM},
    [
        claim(
            "The LSTM is better than a trigram model",
            "lstm",
            "validation_loss",
            minus_baseline="trigram",
            below=0,
        ),
        claim(
            "The decoder is worse than a trigram model",
            "decoder",
            "validation_loss",
            minus_baseline="trigram",
            at_least=0.1,
        ),
        claim(
            "With twice the epochs, it stays behind",
            "decoder",
            "validation_loss",
            "lstm",
            at_least=0.2,
        ),
    ],
    section="zoo",
    year=2018,
    seconds=8.0,
)
