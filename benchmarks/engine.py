"""How fast the engine trains: microseconds a step, with and without gradient snapshots.

One BLAS thread. Every figure is the best of several runs and contains everything that a run does:
the losses, accuracies and norms of every epoch, and, where it says so, a snapshot of all layers'
gradients in every epoch. PyTorch, where it is installed, trains the same network in the usual eager
loop, and measures nothing; the last column is how many times longer it takes.
"""

from __future__ import annotations

import importlib
import math
import os
import sys
from dataclasses import dataclass, replace
from pathlib import Path
from time import process_time
from typing import Any

os.environ["OPENBLAS_NUM_THREADS"] = "1"
sys.path.insert(0, str(Path(__file__).parents[1]))

import numpy as np
from benchmarks._report import options, print_table

from epochal_engine import (
    Adam,
    AdamW,
    Conv2d,
    Data,
    Dense,
    Embedding,
    Flatten,
    Layer,
    LayerNorm,
    MaxPool2d,
    Network,
    PositionalEncoding,
    Run,
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

    @property
    def steps(self) -> int:
        """Of one run."""
        batch = self.training.batch_size or self.samples
        return math.ceil(self.samples / batch) * self.training.epochs

    def data(self) -> Data:
        """Random inputs, and targets of the right kind."""
        rng = np.random.default_rng(0)
        first = self.network.layers[0]
        shape = (self.samples, *self.network.input_shape)
        if isinstance(first, Embedding):
            inputs = rng.integers(first.vocabulary, size=shape).astype(float)
        else:
            inputs = rng.normal(size=shape)
        *places, outputs = self.network.output_shape
        if outputs == 1:
            return Data(inputs, rng.integers(2, size=(self.samples, 1)).astype(float))
        return Data(inputs, np.eye(outputs)[rng.integers(outputs, size=(self.samples, *places))])


def dense(*sizes: int, hidden: str, output: str) -> Network:
    units = [Dense(size, hidden) for size in sizes[1:-1]]
    return Network(sizes[:1], (*units, Dense(sizes[-1], output)))


def lenet_5() -> Network:
    """With relu and the largest of each window, as it is usually built today."""
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
    """Four blocks of 128 features and 4 heads that read 64 of 65 characters."""
    blocks = (TransformerBlock(4, 512, causal=True) for _ in range(4))
    start = (Embedding(65, 128), PositionalEncoding("learned"))
    return Network((64,), (*start, *blocks, LayerNorm(), Dense(65, "softmax")))


BINARY, CLASSES = "binary_cross_entropy", "cross_entropy"
CASES = (
    Case(
        "2-4-1 tanh, SGD, 4 samples at once",
        dense(2, 4, 1, hidden="tanh", output="sigmoid"),
        Training(BINARY, Sgd(0.5), epochs=5_000),
        4,
    ),
    Case(
        "2-8-8-1 tanh, Adam, batch 10 of 500",
        dense(2, 8, 8, 1, hidden="tanh", output="sigmoid"),
        Training(BINARY, Adam(0.01), epochs=100, batch_size=10),
        500,
    ),
    Case(
        "64-128-64-10 relu, Adam, batch 32 of 1,440",
        dense(64, 128, 64, 10, hidden="relu", output="softmax"),
        Training(CLASSES, Adam(0.001), epochs=20, batch_size=32),
        1_440,
    ),
    Case(
        "784-256-128-10 relu, Adam, batch 128 of 2,560",
        dense(784, 256, 128, 10, hidden="relu", output="softmax"),
        Training(CLASSES, Adam(0.001), epochs=10, batch_size=128),
        2_560,
    ),
    Case(
        "LeNet-5, Adam, batch 64 of 640",
        lenet_5(),
        Training(CLASSES, Adam(0.001), epochs=10, batch_size=64),
        640,
    ),
    Case(
        "character transformer, AdamW, batch 16 of 160",
        character_transformer(),
        Training(CLASSES, AdamW(0.001), epochs=2, batch_size=16),
        160,
    ),
)


def train(case: Case, data: Data) -> float:
    """Microseconds of processor time a step; compiling is not counted."""
    run = Run(case.network, case.training, data)
    start = process_time()
    for _ in run:
        pass
    seconds = process_time() - start
    assert run.outcome is not None
    assert run.outcome.stop_reason == "completed"
    return seconds / case.steps * 1e6


def pytorch_module(torch: Any, network: Network) -> Any:
    """The same network in PyTorch, up to its logits."""
    nn = torch.nn
    functional = nn.functional
    activations = {"tanh": nn.Tanh, "relu": nn.ReLU, "gelu": nn.GELU}

    class Block(nn.Module):  # type: ignore[misc, name-defined]
        def __init__(self, layer: TransformerBlock, features: int) -> None:
            super().__init__()
            self.heads = layer.heads
            self.before, self.between = nn.LayerNorm(features), nn.LayerNorm(features)
            self.look = nn.Linear(features, 3 * features)
            self.found = nn.Linear(features, features)
            self.think = nn.Sequential(
                nn.Linear(features, layer.hidden),
                activations[layer.activation](),
                nn.Linear(layer.hidden, features),
            )

        def forward(self, x: Any) -> Any:
            n, places, features = x.shape
            query, key, value = (
                part.view(n, places, self.heads, -1).transpose(1, 2)
                for part in self.look(self.before(x)).split(features, 2)
            )
            seen = functional.scaled_dot_product_attention(query, key, value, is_causal=True)
            x = x + self.found(seen.transpose(1, 2).reshape(n, places, features))
            return x + self.think(self.between(x))

    class Places(nn.Module):  # type: ignore[misc, name-defined]
        def __init__(self, places: int, features: int) -> None:
            super().__init__()
            self.table = nn.Parameter(torch.randn(places, features))

        def forward(self, x: Any) -> Any:
            return x + self.table

    def modules(layer: Layer, shape: tuple[int, ...], is_last: bool) -> list[Any]:
        features = shape[-1]
        match layer:
            case Dense():
                linear = nn.Linear(features, layer.units)
                return [linear] if is_last else [linear, activations[layer.activation]()]
            case Conv2d():
                assert isinstance(layer.kernel_size, int)
                padding = layer.kernel_size // 2 if layer.padding == "same" else 0
                kernel = nn.Conv2d(features, layer.filters, layer.kernel_size, padding=padding)
                return [kernel, activations[layer.activation]()]
            case MaxPool2d():
                return [nn.MaxPool2d(layer.pool_size)]
            case Flatten():
                return [nn.Flatten()]
            case Embedding():
                return [nn.Embedding(layer.vocabulary, layer.units)]
            case PositionalEncoding():
                return [Places(*shape)]
            case LayerNorm():
                return [nn.LayerNorm(features)]
            case TransformerBlock():
                return [Block(layer, features)]
        raise NotImplementedError(layer.type)

    last = len(network.layers) - 1
    pairs = zip(network.layers, network.shapes, strict=False)
    rest = [m for k, (layer, shape) in enumerate(pairs) for m in modules(layer, shape, k == last)]
    return nn.Sequential(*rest)


def train_with_pytorch(torch: Any, case: Case, data: Data) -> float:
    """The same as `train`, from a tenth as many epochs, since it takes so long."""
    torch.set_num_threads(1)
    model = pytorch_module(torch, case.network)
    functional, is_binary = torch.nn.functional, case.training.loss == BINARY
    loss = functional.binary_cross_entropy_with_logits if is_binary else functional.cross_entropy
    kinds = {"sgd": torch.optim.SGD, "adam": torch.optim.Adam, "adamw": torch.optim.AdamW}
    kind = kinds[case.training.optimizer.type]
    optimizer = kind(model.parameters(), lr=case.training.optimizer.learning_rate)
    targets = torch.tensor(data.train_targets, dtype=torch.float32)
    if not is_binary:
        targets = targets.argmax(-1)
    is_read = isinstance(case.network.layers[0], Embedding)
    inputs = torch.tensor(data.train_inputs, dtype=torch.long if is_read else torch.float32)
    if inputs.ndim == 4:
        inputs = inputs.permute(0, 3, 1, 2).contiguous()  # channels first, as is its habit
    batch = case.training.batch_size or case.samples
    epochs = max(case.training.epochs // 10, 1)
    start = process_time()
    for _ in range(epochs):
        order = torch.randperm(case.samples)
        for first in range(0, case.samples, batch):
            rows = order[first : first + batch]
            optimizer.zero_grad()
            logits = model(inputs[rows])
            if is_binary:
                loss(logits, targets[rows]).backward()
            else:
                loss(logits.flatten(0, -2), targets[rows].flatten()).backward()
            optimizer.step()
    return (process_time() - start) / (epochs * math.ceil(case.samples / batch)) * 1e6


def main() -> None:
    repeats = 3 if options(__doc__).parse_args().quick else 15
    try:
        torch = importlib.import_module("torch")
    except ImportError:
        torch = None
    rows = []
    for case in CASES:
        data = case.data()
        without = replace(case, training=replace(case.training, gradients_every=0))
        # Taken in turns, so that a busy machine disturbs both alike.
        pairs = [(train(without, data), train(case, data)) for _ in range(repeats)]
        plain, recorded = (min(pair[i] for pair in pairs) for i in (0, 1))
        row = [case.name, f"{plain:,.1f}", f"{1e6 / plain:,.0f}", f"{recorded:,.1f}"]
        row.append(f"{(recorded / plain - 1.0) * 100.0:.1f} %")
        if torch is not None:
            other = min(train_with_pytorch(torch, case, data) for _ in range(3))
            row += [f"{other:,.1f}", f"{other / plain:.2f}"]
        rows.append(row)
    header = ["network", "µs a step", "steps/s", "with snapshots", "they cost"]
    print_table("Training", [*header, "PyTorch", "ratio"] if torch is not None else header, rows)


if __name__ == "__main__":
    main()
