"""2018: what a network has learned from much text helps where there is little."""

from typing import Any

from .parts import SEQUENCE_TRAINING, JsonObject, claim, dense, experiment, network

_LENGTH = 32
_CHARACTERS = 37
"""The characters of `sonnets`, in which the plays are written as well."""
_TRAINING: JsonObject = {
    **SEQUENCE_TRAINING,
    "network": network(
        _LENGTH,
        [
            {"type": "embedding", "vocabulary": _CHARACTERS, "units": 64},
            {"type": "positional_encoding"},
            {"type": "transformer_block", "heads": 4, "hidden": 256, "causal": True},
            {"type": "layer_norm"},
            *dense(_CHARACTERS, output="softmax"),
        ],
    ),
    "loss": "cross_entropy",
    "batch_size": 16,
}
_PRETRAINING: JsonObject = {
    **_TRAINING,
    "dataset": {"name": "plays", "length": _LENGTH, "vocabulary": "sonnets"},
    "validation_fraction": 0.05,
    "epochs": 3,
    "optimizer": {"type": "adam", "learning_rate": 0.006},
}


def _sonnets(epochs: int, learning_rate: float, **start: JsonObject) -> JsonObject:
    return {
        **_TRAINING,
        "dataset": {"name": "sonnets", "length": _LENGTH},
        "epochs": epochs,
        "optimizer": {"type": "adam", "learning_rate": learning_rate},
        **start,
    }


def _against(text: str, job: str, baseline: str, **bound: Any) -> JsonObject:
    return claim(text, job, "validation_loss", minus_baseline=baseline, **bound)


SONNETS = experiment(
    "sonnets-2018",
    "Pre-train on plays, fine-tune on sonnets",
    "Eighteen sonnets are little text for a transformer: trained on them alone, it predicts the "
    "next character worse than counting which one follows the two before it. Trained on 256,000 "
    "characters of plays first, and then for four epochs on the sonnets, the same network is "
    "better than counting (Radford and others). These models count in the sonnets alone: a 4-gram "
    "model that counts in the plays, too, is about as good as the network.",
    {
        "pretrain": _PRETRAINING,
        "scratch": _sonnets(8, 0.006),
        "tuned": _sonnets(4, 0.002, initial_weights={"job": "pretrain"}),
    },
    [
        _against(
            "Trained on the sonnets alone, it is worse than a trigram model",
            "scratch",
            "trigram",
            at_least=0.1,
        ),
        _against(
            "Pre-trained on plays, it is better than a trigram model",
            "tuned",
            "trigram",
            below=-0.1,
        ),
        _against("It is better than a 4-gram model, too", "tuned", "four_gram", below=-0.05),
        claim(
            "It is far ahead of the same network with new weights",
            "tuned",
            "validation_loss",
            "scratch",
            at_most=-0.3,
        ),
        _against("Fine-tuning on the sonnets lowers its loss", "tuned", "initial", below=0),
    ],
    year=2018,
    seconds=30.0,
)
