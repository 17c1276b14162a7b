"""Networks of attention, and a task on letters that recur, which several experiments share."""

from .parts import SEQUENCE_TRAINING, JsonObject, dense


def blocks(layers: int, heads: int, width: int) -> list[JsonObject]:
    """Return causal blocks of attention over learned positions."""
    block = {"type": "transformer_block", "heads": heads, "hidden": 2 * width, "causal": True}
    positions: JsonObject = {"type": "positional_encoding", "kind": "learned"}
    return [positions, *([block] * layers), {"type": "layer_norm"}]


def repeats(layers: list[JsonObject]) -> JsonObject:
    """Return a job of these layers on letters that recur, which they read as vectors of 32."""
    return {
        **SEQUENCE_TRAINING,
        "network": {
            "input_shape": [24],
            "layers": [
                {"type": "embedding", "vocabulary": 16, "units": 32},
                *layers,
                *dense(16, output="softmax"),
            ],
        },
        "dataset": {"name": "repeats"},
        "loss": "cross_entropy",
        "epochs": 8,
        "batch_size": 64,
        "validation_fraction": 0.05,
        "optimizer": {"type": "adam", "learning_rate": 0.006},
    }
