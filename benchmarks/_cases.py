"""The networks of the benchmarks of the engine and of other frameworks."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from epochal_engine import (
    Adam,
    AdamW,
    Conv2d,
    Data,
    Dense,
    Embedding,
    Flatten,
    LayerNorm,
    MaxPool2d,
    Network,
    PositionalEncoding,
    Sgd,
    Training,
    TransformerBlock,
)


@dataclass(frozen=True)
class Case:
    """A network, its training, and enough random samples for it."""

    name: str
    network: Network
    training: Training
    samples: int
    goal: float = 1.0
    """How many times longer PyTorch's eager loop should take, at least."""

    @property
    def steps(self) -> int:
        """Number of steps of one run."""
        batch = self.training.batch_size or self.samples
        return math.ceil(self.samples / batch) * self.training.epochs

    def data(self) -> Data:
        """Return random inputs, and targets that fit the loss."""
        rng = np.random.default_rng(0)
        first = self.network.layers[0]
        shape = (self.samples, *self.network.input_shape)
        if isinstance(first, Embedding):
            inputs = rng.integers(first.vocabulary, size=shape).astype(float)
        else:
            inputs = rng.normal(size=shape)
        *positions, outputs = self.network.output_shape
        if outputs == 1:
            return Data(inputs, rng.integers(2, size=(self.samples, 1)).astype(float))
        return Data(inputs, np.eye(outputs)[rng.integers(outputs, size=(self.samples, *positions))])


def dense(*sizes: int, hidden: str, output: str) -> Network:
    units = [Dense(size, hidden) for size in sizes[1:-1]]
    return Network(sizes[:1], (*units, Dense(sizes[-1], output)))


def lenet_5() -> Network:
    """Return LeNet-5 with relu and max pooling, the usual modern variant."""
    maps = (
        Conv2d(6, 5, padding="same", activation="relu"),
        MaxPool2d(),
        Conv2d(16, 5, activation="relu"),
        MaxPool2d(),
    )
    return Network(
        (28, 28, 1), (*maps, Flatten(), Dense(120, "relu"), Dense(84, "relu"), Dense(10, "softmax"))
    )


def character_transformer() -> Network:
    """Return a transformer of 4 blocks, 128 features and 4 heads, for 64 characters out of 65."""
    blocks = (TransformerBlock(4, 512, causal=True) for _ in range(4))
    start = (Embedding(65, 128), PositionalEncoding("learned"))
    return Network((64,), (*start, *blocks, LayerNorm(), Dense(65, "softmax")))


def small_transformer(features: int) -> Network:
    """Return the shape of microgpt: one block of 4 heads, for 16 characters out of 27."""
    start = (Embedding(27, features), PositionalEncoding("learned"))
    block = TransformerBlock(4, 4 * features, causal=True)
    return Network((16,), (*start, block, LayerNorm(), Dense(27, "softmax")))


BINARY, CLASSES = "binary_cross_entropy", "cross_entropy"
CASES = (
    Case(
        "2-4-1 tanh, SGD, 4 samples at once",
        dense(2, 4, 1, hidden="tanh", output="sigmoid"),
        Training(BINARY, Sgd(0.5), epochs=5_000),
        4,
        goal=150,
    ),
    Case(
        "2-8-8-1 tanh, Adam, batch 10 of 500",
        dense(2, 8, 8, 1, hidden="tanh", output="sigmoid"),
        Training(BINARY, Adam(0.01), epochs=100, batch_size=10),
        500,
        goal=150,
    ),
    Case(
        "64-128-64-10 relu, Adam, batch 32 of 1,440",
        dense(64, 128, 64, 10, hidden="relu", output="softmax"),
        Training(CLASSES, Adam(0.001), epochs=20, batch_size=32),
        1_440,
        goal=11,
    ),
    Case(
        "784-256-128-10 relu, Adam, batch 128 of 2,560",
        dense(784, 256, 128, 10, hidden="relu", output="softmax"),
        Training(CLASSES, Adam(0.001), epochs=10, batch_size=128),
        2_560,
        goal=1.9,
    ),
    Case(
        "LeNet-5, Adam, batch 64 of 640",
        lenet_5(),
        Training(CLASSES, Adam(0.001), epochs=10, batch_size=64),
        640,
        goal=2.5,
    ),
    Case(
        "character transformer, AdamW, batch 16 of 160",
        character_transformer(),
        Training(CLASSES, AdamW(0.001), epochs=2, batch_size=16),
        160,
        goal=1.15,
    ),
)
SMALL_TRANSFORMERS = tuple(
    Case(
        f"one block of {features} features, Adam, batch 16 of 160",
        small_transformer(features),
        Training(CLASSES, Adam(0.003), epochs=100, batch_size=16),
        160,
        goal,
    )
    for features, goal in ((16, 10), (32, 4.9), (64, 2.2))
)
