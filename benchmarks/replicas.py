"""A sweep against its members trained one after the other: how many times faster it is.

    python benchmarks/replicas.py

Both take the very same steps (`tests/engine/test_sweep.py` holds their numbers side by side), and
both hand out every epoch's losses and accuracies. The promises, for 64 members: 10 times for XOR,
7 times for 2-8-8-1 in batches of 10, 5 times in batches of 32.
"""

from __future__ import annotations

from time import perf_counter

import numpy as np

from epochal_engine import Adam, Data, Dense, Network, Run, Sweep, Training
from epochal_engine.generators import circles

MEMBERS = 64
XOR = Data(
    np.array([[0.0, 0.0], [0.0, 1.0], [1.0, 0.0], [1.0, 1.0]]),
    np.array([[0.0], [1.0], [1.0], [0.0]]),
)
INPUTS, LABELS = circles(samples=500, noise=0.05, rng=np.random.default_rng(0))
CIRCLES = Data(INPUTS, LABELS[:, None].astype(float))


def network(*units: int) -> Network:
    """Hidden layers of so many tanh units, and one sigmoid."""
    hidden = [Dense(n, "tanh") for n in units]
    return Network((2,), (*hidden, Dense(1, "sigmoid")))


def seconds(run: Run | Sweep) -> float:
    """What it takes to train to the end and to take all epochs; to compile is not counted."""
    start = perf_counter()
    for _ in run:
        pass
    run.take()
    return perf_counter() - start


def compare(
    name: str, wanted: float, network: Network, data: Data, batch: int | None, epochs: int
) -> None:
    """Print a line: both times, and their ratio, the best of three."""
    rates = np.geomspace(1e-3, 1e-1, MEMBERS)
    trainings = [
        Training("binary_cross_entropy", Adam(float(r)), epochs, batch, gradients_every=0)
        for r in rates
    ]
    alone = together = float("inf")
    for _ in range(3):
        together = min(together, seconds(Sweep(network, trainings, data)))
        alone = min(alone, sum(seconds(Run(network, t, data)) for t in trainings))
    print(
        f"{name:24} {alone * 1e3:8.0f} ms alone {together * 1e3:8.0f} ms together "
        f"{alone / together:6.1f} times (promised: {wanted:g})"
    )


if __name__ == "__main__":
    compare("XOR, 2-4-1", 10, network(4), XOR, None, 500)
    compare("2-8-8-1, batches of 10", 7, network(8, 8), CIRCLES, 10, 10)
    compare("2-8-8-1, batches of 32", 5, network(8, 8), CIRCLES, 32, 20)
