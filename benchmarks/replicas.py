"""Speed of a sweep compared with its members trained one after the other.

One BLAS thread. Both take the same steps and yield the losses and accuracies of every epoch;
compilation is not counted. The promises for 64 members: 10 times for XOR, 7 times for 2-8-8-1 in
batches of 10, 5 times in batches of 32.
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from time import process_time

os.environ["OPENBLAS_NUM_THREADS"] = "1"

import numpy as np
from benchmarks._report import options, print_table

from epochal_engine import Adam, Data, Dense, Network, Run, Sweep, Training
from epochal_engine.data import circles

MEMBERS = 64
XOR = Data(
    np.array([[0.0, 0.0], [0.0, 1.0], [1.0, 0.0], [1.0, 1.0]]),
    np.array([[0.0], [1.0], [1.0], [0.0]]),
)
INPUTS, LABELS = circles(samples=500, noise=0.05, rng=np.random.default_rng(0))
CIRCLES = Data(INPUTS, LABELS[:, None].astype(float))


@dataclass(frozen=True)
class Case:
    """A network of tanh layers and a sigmoid output, and its training."""

    name: str
    hidden: tuple[int, ...]
    data: Data
    batch_size: int | None
    epochs: int
    promised: float

    @property
    def network(self) -> Network:
        """The network of all members."""
        hidden = [Dense(units, "tanh") for units in self.hidden]
        return Network((2,), (*hidden, Dense(1, "sigmoid")))

    @property
    def trainings(self) -> list[Training]:
        """Return one training per member, with different learning rates."""
        common = {"epochs": self.epochs, "batch_size": self.batch_size, "gradients_every": 0}
        return [
            Training("binary_cross_entropy", Adam(float(rate)), **common)  # type: ignore[arg-type]
            for rate in np.geomspace(1e-3, 1e-1, MEMBERS)
        ]


CASES = (
    Case("XOR, 2-4-1", (4,), XOR, None, 500, 10.0),
    Case("2-8-8-1, batches of 10", (8, 8), CIRCLES, 10, 10, 7.0),
    Case("2-8-8-1, batches of 32", (8, 8), CIRCLES, 32, 20, 5.0),
)


def seconds(run: Run | Sweep) -> float:
    """Return the seconds to train to the end and to read all epochs."""
    start = process_time()
    for _ in run:
        pass
    run.take()
    return process_time() - start


def main() -> None:
    repeats = 2 if options(__doc__).parse_args().quick else 5
    rows = []
    for case in CASES:
        network, trainings, data = case.network, case.trainings, case.data
        # Alternating, so that a busy machine affects both alike.
        pairs = [
            (
                sum(seconds(Run(network, training, data)) for training in trainings),
                seconds(Sweep(network, trainings, data)),
            )
            for _ in range(repeats)
        ]
        alone, together = (min(pair[i] for pair in pairs) for i in (0, 1))
        times = [f"{alone * 1e3:,.0f}", f"{together * 1e3:,.0f}", f"{alone / together:.1f}"]
        rows.append([case.name, *times, f"{case.promised:g}"])
    header = ["network", "alone, ms", "together, ms", "times", "promised"]
    print_table(f"{MEMBERS} members", header, rows)


if __name__ == "__main__":
    main()
