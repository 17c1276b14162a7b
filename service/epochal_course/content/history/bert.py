"""2018: what is learned from masked words helps where labels are few."""

from ...specs.content.preset_experiments import FirstCurves
from .parts import JsonObject, claim, dense, experiment, network

_LENGTH = 13
_WORDS = 253
"""Words of `topics`; the token behind them stands for a masked word."""
_BODY: list[JsonObject] = [
    {"type": "embedding", "vocabulary": _WORDS + 1, "units": 48, "name": "words"},
    {"type": "positional_encoding", "kind": "learned", "name": "positions"},
    {"type": "transformer_block", "heads": 4, "hidden": 64, "name": "block_1"},
    {"type": "transformer_block", "heads": 4, "hidden": 64, "name": "block_2"},
    {"type": "layer_norm", "name": "norm"},
]
_TRAINING: JsonObject = {
    "loss": "cross_entropy",
    "schedule": {"type": "cosine"},
    "clipping": {"norm": 1.0},
}
_PRETRAINING: JsonObject = {
    **_TRAINING,
    "network": network(_LENGTH, [*_BODY, *dense(_WORDS, output="softmax")]),
    "dataset": {"name": "topics", "samples": 5_000},
    "corruption": {"type": "mask", "token": _WORDS, "share": 0.2},
    "validation_fraction": 0.05,
    "epochs": 12,
    "batch_size": 32,
    "optimizer": {"type": "adam", "learning_rate": 0.004},
}
_PRETRAINED: JsonObject = {"job": "pretrain", "layers": [layer["name"] for layer in _BODY]}


def _topic(labels: int, **start: JsonObject) -> JsonObject:
    """Return the job that learns the topic of a sentence from this number of labeled sentences."""
    head = [{"type": "global_average_pool"}, *dense(6, output="softmax")]
    return {
        **_TRAINING,
        "network": network(_LENGTH, [*_BODY, *head]),
        "dataset": {"name": "topics", "samples": labels, "seed": 1_000},
        "validation_dataset": {"name": "topics", "samples": 600, "seed": 2_000},
        "epochs": 30,
        "batch_size": 8,
        "optimizer": {"type": "adam", "learning_rate": 0.003},
        **start,
    }


BERT = experiment(
    "bert-2018",
    "Masked words teach without labels",
    "A transformer fills gaps in 5,000 sentences of a made-up language, without any labels. With a "
    "new head on its layers it then tells six topics apart from 24 labeled sentences, where the "
    "same network with new weights learns little more than these sentences (Devlin and others).",
    {
        "pretrain": _PRETRAINING,
        "scratch-12": _topic(12),
        "scratch-24": _topic(24),
        "tuned-12": _topic(12, initial_weights=_PRETRAINED),
        "tuned-24": _topic(24, initial_weights=_PRETRAINED),
    },
    [
        claim(
            "With 24 labels, the pre-trained network knows the topic of new sentences",
            "tuned-24",
            "validation_accuracy",
            at_least=0.85,
        ),
        claim(
            "It is far ahead of the same network with new weights",
            "tuned-24",
            "validation_accuracy",
            "scratch-24",
            at_least=0.4,
        ),
        claim(
            "With 12 labels, too",
            "tuned-12",
            "validation_accuracy",
            "scratch-12",
            at_least=0.3,
        ),
        claim(
            "Both know the 24 sentences that they were trained on",
            "scratch-24",
            "train_accuracy",
            at_least=0.95,
        ),
    ],
    year=2018,
    # The accuracy of pre-training is about words, not about topics.
    first_curves=FirstCurves(
        metrics=["validation_accuracy"],
        jobs=["scratch-12", "scratch-24", "tuned-12", "tuned-24"],
    ),
    seconds=40.0,
)
