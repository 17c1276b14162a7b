"""The estimated duration of 30 different jobs, and how long they took.

A fresh service knows nothing but the short runs of its worker: `fresh` is its estimate for every
job before any has run. `estimate` is the one just before the job is created, after the jobs above
it have run. Each job runs twice, and the shorter duration counts: other processes only delay it.
The factor is the larger of estimate and duration divided by the smaller. The bar is 2.
"""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import Any

from benchmarks._report import options, print_table
from tests.servers.stack import Stack

import epochal

BAR = 2.0
PRESETS = (
    *("xor", "moons-tanh", "spiral", "wine", "digits", "iris", "breast-cancer", "sine"),
    *("vanishing", "vanishing-norm", "overfitting", "lenet", "shifted-digits", "adding-rnn"),
    *("adding-lstm", "sonnets", "reversal", "sorting", "sentences", "autoencoder"),
)


def dense(*units: int, end: str = "softmax", activation: str = "relu") -> list[dict[str, Any]]:
    """Return dense layers."""
    hidden = [{"type": "dense", "units": n, "activation": activation} for n in units[:-1]]
    return [*hidden, {"type": "dense", "units": units[-1], "activation": end}]


def digits(layers: list[dict[str, Any]], epochs: int, **fields: Any) -> dict[str, Any]:
    """Return a job on the digits."""
    return {
        "network": {"input_shape": [64], "layers": layers},
        "dataset": {"name": "digits"},
        "loss": "cross_entropy",
        "epochs": epochs,
        **fields,
    }


def points(
    layers: list[dict[str, Any]], samples: int, epochs: int, **fields: Any
) -> dict[str, Any]:
    """Return a job on two moons."""
    return {
        "network": {"input_shape": [2], "layers": layers},
        "dataset": {"name": "two_moons", "samples": samples},
        "loss": "binary_cross_entropy",
        "epochs": epochs,
        **fields,
    }


IMAGE = {"type": "reshape", "shape": [8, 8, 1]}
CONVOLUTION = {"type": "conv2d", "filters": 32, "kernel_size": [3, 3], "padding": "same"}
OTHERS: dict[str, dict[str, Any]] = {
    "wide, batches of 64": digits(dense(256, 256, 10), 20, batch_size=64, validation_fraction=0.2),
    "batches of 1": digits(dense(32, 10), 10, batch_size=1),
    "one batch": digits(dense(64, 10), 300, batch_size=2000),
    "dropout, batch norm": digits(
        [*dense(64, 64)[:1], {"type": "dropout", "rate": 0.3}, {"type": "batch_norm"}, *dense(10)],
        30,
    ),
    "Muon, noise": digits(
        dense(64, 10),
        30,
        optimizer={"type": "muon"},
        augmentation=[{"type": "noise", "standard_deviation": 0.1}],
    ),
    "no snapshots": digits(
        dense(64, 10), 100, snapshots={"gradients_every": 0, "weights_every": 0}
    ),
    "deep convolutions": digits(
        [IMAGE, CONVOLUTION, CONVOLUTION, {"type": "global_average_pool"}, *dense(10)],
        5,
        batch_size=128,
    ),
    "a million parameters": points(dense(1000, 1000, 1, end="sigmoid"), 1000, 10),
    "20,000 samples": points(dense(16, 1, end="sigmoid"), 20_000, 20),
    "20,000 epochs": points(dense(4, 1, end="sigmoid"), 50, 20_000, batch_size=50),
}


def main() -> None:
    """Print the table, and whether a factor is above the bar."""
    arguments = options(__doc__).parse_args()
    rows, worst = [], 0.0
    with tempfile.TemporaryDirectory(prefix="epochal-benchmark-") as folder:
        stack = Stack(Path(folder), f"sqlite:///{folder}/epochal.db", {"workers": 1})
        try:
            with epochal.Client(stack.http) as client:
                specs = {name: dict(client.preset(name)) for name in PRESETS} | OTHERS
                if arguments.quick:
                    specs = dict(list(specs.items())[::4])
                fresh = {name: client.jobs.validate(spec).seconds for name, spec in specs.items()}
                for name, spec in specs.items():
                    row, factor = measure(client, name, spec, fresh[name])
                    rows.append(row)
                    worst = max(worst, factor)
        finally:
            stack.stop()
    header = ("job", "fresh", "estimate", "seconds", "factor", "factor fresh")
    verdict = "reached" if worst <= BAR else "MISSED"
    title = f"{len(rows)} jobs: the worst factor is {worst:.2f}; at most {BAR:g}: {verdict}"
    print_table(title, header, rows)


def measure(
    client: epochal.Client, name: str, spec: dict[str, Any], fresh: float | None
) -> tuple[tuple[str, ...], float]:
    """Run a job twice; return its row of the table, and its factor."""
    estimate = client.jobs.validate(spec).seconds
    assert estimate is not None
    assert fresh is not None
    seconds = float("inf")
    for _ in range(2):
        job = client.jobs.create(spec).wait(600)
        assert job.started_at is not None
        assert job.finished_at is not None
        seconds = min(seconds, (job.finished_at - job.started_at).total_seconds())
    # A job that stopped early is compared with its share of the estimate.
    share = job.epoch / job.total_epochs
    factors = [max(e * share / seconds, seconds / (e * share)) for e in (estimate, fresh)]
    cells = (fresh * share, estimate * share, seconds, *factors)
    return (name, *(f"{cell:.2f}" for cell in cells)), factors[0]


if __name__ == "__main__":
    main()
