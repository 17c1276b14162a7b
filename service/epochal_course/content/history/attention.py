"""2014: attention reads the whole word, where one state must hold it all."""

from .parts import SEQUENCE_TRAINING, JsonObject, claim, dense, experiment

_GRU: JsonObject = {"type": "gru", "units": 32, "return_sequences": True}


def _positions(name: str) -> JsonObject:
    return {"type": "positional_encoding", "kind": "learned", "name": name}


def _reader(length: int) -> list[JsonObject]:
    """Return the layers that read the word, and then start on the letters written so far."""
    return [
        {"type": "embedding", "vocabulary": 9, "units": 16, "name": "letters"},
        {"type": "slice", "start": 0, "stop": length, "name": "read"},
        _positions("order"),
        {**_GRU, "name": "encoder"},
    ]


def _attention(length: int) -> list[JsonObject]:
    return [
        *_reader(length),
        {"type": "slice", "start": length, "input": "letters", "name": "before"},
        _positions("written"),
        {**_GRU, "name": "decoder"},
        {
            "type": "additive_attention",
            "units": 32,
            "input": ["decoder", "encoder"],
            "name": "attention",
        },
        {"type": "concatenate", "input": ["decoder", "attention"]},
    ]


def _bottleneck(length: int) -> list[JsonObject]:
    """Return a decoder that sees nothing of the word but the last state of the encoder."""
    return [
        *_reader(length),
        {"type": "slice", "start": -1, "name": "state"},
        {"type": "slice", "start": length, "input": "letters", "name": "before"},
        _positions("written"),
        # Attention to a single state passes that state to every position.
        {
            "type": "additive_attention",
            "units": 1,
            "input": ["written", "state"],
            "name": "copies",
        },
        {"type": "concatenate", "input": ["written", "copies"]},
        {**_GRU, "name": "decoder"},
        {"type": "concatenate", "input": ["decoder", "copies"]},
    ]


def _reversal(length: int, layers: list[JsonObject]) -> JsonObject:
    layers = [*layers, *dense(8, output="softmax")]
    return {
        **SEQUENCE_TRAINING,
        "network": {"input_shape": [2 * length], "layers": layers},
        "dataset": {"name": "reversal", "samples": 3_000, "length": length},
        "loss": "cross_entropy",
        "epochs": 10,
        "optimizer": {"type": "adam", "learning_rate": 0.01},
    }


ATTENTION = experiment(
    "attention-2014",
    "Attention reads the whole word",
    "Words of random letters are written backwards, and count if every letter is right. An encoder "
    "and a decoder that share one state of 32 numbers manage 6 letters and fail at 14. A decoder "
    "that attends to all states of the encoder manages both (Bahdanau, Cho and Bengio).",
    {
        "attention-6": _reversal(6, _attention(6)),
        "attention-14": _reversal(14, _attention(14)),
        "one-state-6": _reversal(6, _bottleneck(6)),
        "one-state-14": _reversal(14, _bottleneck(14)),
    },
    [
        claim("One state holds 6 letters", "one-state-6", "validation_exact_match", at_least=0.85),
        claim("But not 14", "one-state-14", "validation_exact_match", at_most=0.1),
        claim(
            "Attention reverses 6 letters", "attention-6", "validation_exact_match", at_least=0.85
        ),
        claim("And 14", "attention-14", "validation_exact_match", at_least=0.99),
    ],
    year=2014,
    seconds=20.0,
)
