"""How fast the engine trains: microseconds a step, with and without gradient snapshots.

One BLAS thread. Every figure is the best of several runs and contains everything that a run does:
the losses, accuracies and norms of every epoch, and, where it says so, a snapshot of all layers'
gradients in every epoch. PyTorch, where it is installed, trains the same network in the usual eager
loop, and measures nothing.
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
from benchmarks._ground import options, print_table

from epochal_engine import Adam, Data, Dense, Network, Run, Sgd, Training


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
        """Random inputs, and targets of the right kind that follow from them."""
        rng = np.random.default_rng(0)
        inputs = rng.normal(size=(self.samples, *self.network.input_shape))
        (outputs,) = self.network.output_shape
        scores = inputs @ rng.normal(size=(inputs.shape[1], outputs))
        if outputs == 1:
            return Data(inputs, (scores > 0.0).astype(float))
        return Data(inputs, np.eye(outputs)[scores.argmax(1)])


def dense(*sizes: int, hidden: str, output: str) -> Network:
    units = [Dense(size, hidden) for size in sizes[1:-1]]
    return Network(sizes[:1], (*units, Dense(sizes[-1], output)))


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
        "64-64-10 relu, Adam, batch 32 of 1,440",
        dense(64, 64, 10, hidden="relu", output="softmax"),
        Training(CLASSES, Adam(0.001), epochs=30, batch_size=32),
        1_440,
    ),
    Case(
        "784-128-10 relu, Adam, batch 32 of 2,000",
        dense(784, 128, 10, hidden="relu", output="softmax"),
        Training(CLASSES, Adam(0.001), epochs=5, batch_size=32),
        2_000,
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


def train_with_pytorch(torch: Any, case: Case, data: Data) -> float:
    """The same, from a tenth as many epochs, since it takes so long."""
    torch.set_num_threads(1)
    nn = torch.nn
    activations = {"tanh": nn.Tanh, "relu": nn.ReLU}
    layers = []
    (features,) = case.network.input_shape
    for layer in case.network.layers:
        assert isinstance(layer, Dense)
        layers.append(nn.Linear(features, layer.units))
        if layer.activation in activations:
            layers.append(activations[layer.activation]())
        features = layer.units
    model = nn.Sequential(*layers)
    loss = nn.BCEWithLogitsLoss() if case.training.loss == BINARY else nn.CrossEntropyLoss()
    kind = torch.optim.Adam if isinstance(case.training.optimizer, Adam) else torch.optim.SGD
    optimizer = kind(model.parameters(), lr=case.training.optimizer.learning_rate)
    inputs = torch.tensor(data.train_inputs, dtype=torch.float32)
    targets = torch.tensor(data.train_targets, dtype=torch.float32)
    batch = case.training.batch_size or case.samples
    epochs = max(case.training.epochs // 10, 1)
    start = process_time()
    for _ in range(epochs):
        order = torch.randperm(case.samples)
        for first in range(0, case.samples, batch):
            rows = order[first : first + batch]
            optimizer.zero_grad()
            loss(model(inputs[rows]), targets[rows]).backward()
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
        row = [case.name, f"{plain:.1f}", f"{1e6 / plain:,.0f}", f"{recorded:.1f}"]
        row.append(f"{(recorded / plain - 1.0) * 100.0:.1f} %")
        if torch is not None:
            row.append(f"{min(train_with_pytorch(torch, case, data) for _ in range(3)):.1f}")
        rows.append(row)
    header = ["network", "µs a step", "steps/s", "with snapshots", "they cost"]
    print_table("Training", [*header, "PyTorch"] if torch is not None else header, rows)


if __name__ == "__main__":
    main()
