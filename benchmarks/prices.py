"""The price of a job before it ran, compared with its cost: memory, and stored bytes.

A separate process trains each job and sweep, as a worker does; with resume points often
enough that several are stored. Memory is the peak of the process, stored bytes are the pages of the
SQLite file that are in use at the end; the predicted ones are without the resume point, which is
deleted then.
"""

from __future__ import annotations

import json
import os
import sqlite3
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

os.environ["OPENBLAS_NUM_THREADS"] = "1"

import numpy as np
from benchmarks._ground import XOR
from benchmarks._report import options, print_table

from epochal_service.admission.price import price_of
from epochal_service.admission.storage import storage_of
from epochal_service.experiments.sweeps import prepare_sweep, price_of_sweep
from epochal_service.jobs.queue import Queue
from epochal_service.methods import datasets, jobs, sweeps
from epochal_service.methods.context import Context
from epochal_service.preparation.prepare import prepare
from epochal_service.preparation.prepared import Prepared
from epochal_service.settings import Settings
from epochal_service.specs.datasets import CreateDatasetRequest
from epochal_service.specs.jobs import CreateJobOptions
from epochal_service.specs.sweeps import CreateSweepOptions, SweepSpec
from epochal_service.specs.training import TrainingSpec
from epochal_service.store import Access, Database
from epochal_service.store.migrate import upgrade
from epochal_service.streams.follow import Hub

CHECKPOINT_SECONDS = 0.01
ATTEMPT = Path(__file__).with_name("_attempt.py")
Spec = dict[str, Any]


def dense(units: int, activation: str = "relu") -> Spec:
    return {"type": "dense", "units": units, "activation": activation}


def conv(filters: int) -> Spec:
    kind: Spec = {"type": "conv2d", "filters": filters, "kernel_size": 3, "padding": "same"}
    return {**kind, "activation": "relu"}


def network(shape: Sequence[int], *layers: Spec) -> Spec:
    return {"input_shape": list(shape), "layers": list(layers)}


def moons(*units: int, samples: int = 1_000, **fields: Any) -> Spec:
    layers = [*map(dense, units), dense(1, "sigmoid")]
    dataset = {"name": "two_moons", "samples": samples}
    return {**XOR, "network": network([2], *layers), "dataset": dataset, "epochs": 3, **fields}


def digits(*layers: Spec, **fields: Any) -> Spec:
    return {
        "network": network([64], *layers, dense(10, "softmax")),
        "dataset": {"name": "digits"},
        "loss": "cross_entropy",
        "epochs": 3,
        "batch_size": 64,
        "validation_fraction": 0.2,
        **fields,
    }


def images(*layers: Spec, **fields: Any) -> Spec:
    spec = digits(*layers, **fields)
    return {**spec, "network": network([8, 8, 1], *layers, dense(10, "softmax"))}


def sequences(*layers: Spec, length: int = 50, **fields: Any) -> Spec:
    return {
        "network": network([length, 2], *layers, dense(1, "linear")),
        "dataset": {"name": "adding", "samples": 2_000, "length": length},
        "loss": "mse",
        "epochs": 2,
        "batch_size": 128,
        "validation_fraction": 0.2,
        **fields,
    }


def wide(rows: int, columns: int, **fields: Any) -> Spec:
    """A job on an uploaded table of that size."""
    layers = network([columns], dense(64), dense(1, "linear"))
    table = {"rows": rows, "columns": columns}
    spec: Spec = {"network": layers, "dataset": table, "loss": "mse", "epochs": 3}
    return {**spec, "batch_size": 64, "validation_fraction": 0.2, **fields}


def inline(rows: int, columns: int) -> Spec:
    inputs = np.random.default_rng(0).normal(size=(rows, columns)).tolist()
    targets = [[index % 2] for index in range(rows)]
    layers = network([columns], dense(32), dense(1, "sigmoid"))
    return {
        "network": layers,
        "dataset": {"inputs": inputs, "targets": targets},
        "loss": "binary_cross_entropy",
        "epochs": 50,
    }


FLAT: Spec = {"type": "flatten"}
DROPOUT: Spec = {"type": "dropout", "rate": 0.5}
NORM: Spec = {"type": "batch_norm"}
POOL: Spec = {"type": "max_pool2d", "pool_size": 2}
MEAN: Spec = {"type": "global_average_pool"}
BLOCK: Spec = {"type": "transformer_block", "heads": 4, "hidden": 128}
EVERY: Spec = {"snapshots": {"weights_every": 1}}
CASES: dict[str, Spec] = {
    "2-8-1, 20,000 epochs": moons(8, epochs=20_000),
    "2-16×12-1, 3,000 epochs": moons(*[16] * 12, epochs=3_000),
    "2.2 M parameters": digits(dense(2048), dense(1024), epochs=6),
    "4.9 M, Adam": moons(2100, 2100, 256, samples=300, epochs=4),
    "4.9 M, SGD": moons(2100, 2100, 256, samples=300, epochs=4, optimizer={"type": "sgd"}),
    "4.9 M, float64": moons(2100, 2100, 256, samples=200, epochs=4, dtype="float64"),
    "2.2 M, Muon": digits(dense(2048), dense(1024), epochs=2, optimizer={"type": "muon"}),
    "1.1 M, every checkpoint": moons(1024, 1024, samples=64, epochs=60, **EVERY),
    "batch of 20,000": moons(512, 512, samples=20_000, batch_size=20_000),
    "batch of 40,000": moons(1024, 1024, samples=40_000, batch_size=40_000),
    "batch of 1": moons(16, samples=20_000, batch_size=1, epochs=2),
    "100,000 samples": moons(32, 32, samples=100_000, validation_fraction=0.2),
    "class weights": digits(dense(64), class_weights="balanced", epochs=20),
    "dropout, batch of 1,400": digits(dense(1024), DROPOUT, dense(1024), DROPOUT, batch_size=1400),
    "CNN": images(conv(16), conv(32), FLAT, epochs=2),
    "CNN, batch of 1,400": images(conv(32), conv(32), FLAT, batch_size=1400, epochs=2),
    "CNN, normalized, pooled": images(conv(32), NORM, POOL, conv(64), FLAT, batch_size=256),
    "CNN, augmented": images(conv(16), FLAT, augmentation=[{"type": "shift", "max_shift": 1}]),
    "RNN, batch of 1,600": sequences({"type": "rnn", "units": 64}, batch_size=1_600),
    "LSTM": sequences({"type": "lstm", "units": 64}),
    "GRU": sequences({"type": "gru", "units": 64}),
    "transformer": sequences(dense(32, "linear"), BLOCK, BLOCK, MEAN, epochs=1),
    "transformer, batch of 800": sequences(dense(32, "linear"), BLOCK, MEAN, batch_size=800),
    "table of 10,000 × 400": wide(10_000, 400),
    "inline, 10,000 × 40": inline(10_000, 40),
    "sweep of 16": {
        "job": moons(16, 16, epochs=3_000),
        "variants": [{"seed": seed} for seed in range(16)],
    },
    "sweep of 64, digits": {
        "job": digits(dense(64), epochs=20),
        "variants": [{"learning_rate": 10 ** (-k / 16)} for k in range(64)],
    },
    "sweep of 8, CNN": {
        "job": images(conv(16), FLAT, epochs=1),
        "variants": [{"seed": seed} for seed in range(8)],
    },
    "sweep of 8, 0.3 M": {
        "job": digits(dense(512), dense(512), epochs=2),
        "variants": [{"seed": seed} for seed in range(8)],
    },
    "sweep of 32, 0.3 M": {
        "job": digits(dense(512), dense(512), epochs=10),
        "variants": [{"seed": seed} for seed in range(32)],
    },
}


@dataclass(frozen=True)
class Measured:
    """Predicted and actual bytes of one job."""

    state: str
    memory: int
    peak: int
    stored: int
    grown: int


def measure(spec: Spec) -> Measured:
    """Train the job in a separate process."""
    with tempfile.TemporaryDirectory(prefix="epochal-prices-") as folder:
        settings = _settings(Path(folder))
        upgrade(settings.database_url)
        database, queue = Database(settings.database_url), Queue(None)
        context = Context(settings, database, queue, Hub(database, queue, heartbeat_seconds=15))
        spec = _with_table(context, spec)
        before = used_bytes(Path(folder))
        job_id, memory, stored = _created(context, spec)
        database.close()
        output = subprocess.run(
            [sys.executable, ATTEMPT, folder, job_id, str(CHECKPOINT_SECONDS)],
            capture_output=True,
            check=True,
            text=True,
        ).stdout
        result = json.loads(output.splitlines()[-1])
        grown = used_bytes(Path(folder)) - before
        return Measured(result["state"], memory, result["peak"], stored, grown)


def used_bytes(folder: Path) -> int:
    """Return the bytes of the pages of the SQLite file that are in use."""
    with closing(sqlite3.connect(folder / "epochal.db")) as connection:
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        count, free, size = (
            connection.execute(f"PRAGMA {name}").fetchone()[0]
            for name in ("page_count", "freelist_count", "page_size")
        )
    return int((count - free) * size)


def _settings(folder: Path) -> Settings:
    return Settings(
        _env_file=None,
        data_dir=folder,
        database_url=f"sqlite:///{folder}/epochal.db",
    )


def _with_table(context: Context, spec: Spec) -> Spec:
    """Return the spec with an uploaded table for `{"rows": …, "columns": …}`."""
    size = spec.get("dataset", {})
    if "rows" not in size:
        return spec
    rng = np.random.default_rng(0)
    table = rng.normal(size=(size["rows"], size["columns"] + 1))
    lines = [",".join(f"x{column}" for column in range(size["columns"])) + ",y"]
    lines += [",".join(f"{value:.3f}" for value in row) for row in table]
    request = CreateDatasetRequest(name="table", csv="\n".join(lines))
    return {**spec, "dataset": {"id": datasets.create_dataset(context, request).id}}


def _created(context: Context, spec: Spec) -> tuple[str, int, int]:
    """Return the id of a new job or sweep, its memory, and its stored bytes at the end."""
    settings, database, owner = context.settings, context.database, context.owner
    prepared: Prepared
    if "variants" in spec:
        requested = SweepSpec.model_validate(spec)
        job_id = sweeps.create_sweep(context, requested, CreateSweepOptions()).id
        sweep = prepare_sweep(database, requested, Access(owner), settings.limits)
        prepared, members = sweep.job, len(sweep.trainings)
        price = price_of_sweep(sweep, settings)
    else:
        training = TrainingSpec.model_validate(spec)
        job_id = jobs.create_job(context, training, CreateJobOptions()).id
        prepared, members = prepare(database, training, Access(owner), settings.limits), None
        price = price_of(prepared, settings)
    storage = storage_of(prepared, price.work, settings.flush_seconds, members)
    return job_id, price.memory_bytes, storage.total - storage.resume_point


def rows(names: Sequence[str]) -> Iterator[list[str]]:
    """Yield the row of the table for each job."""
    for name in names:
        print(name, file=sys.stderr, flush=True)
        result = measure(CASES[name])
        yield [
            name,
            result.state,
            f"{result.memory / 1e6:,.0f}",
            f"{result.peak / 1e6:,.0f}",
            f"{result.memory / result.peak:.2f}",
            f"{result.stored / 1e6:,.2f}",
            f"{result.grown / 1e6:,.2f}",
            f"{result.stored / max(result.grown, 1):.2f}",
        ]


def main() -> None:
    parser = options(__doc__)
    parser.add_argument("names", nargs="*", help="parts of the names of jobs; all by default")
    arguments = parser.parse_args()
    names = [n for n in CASES if not arguments.names or any(a in n for a in arguments.names)]
    if arguments.quick:
        names = names[:2]
    header = ["job", "end", "memory, MB", "peak", "ratio", "to store, MB", "stored", "ratio"]
    print_table("Prices, and what the jobs took", header, list(rows(names)))


if __name__ == "__main__":
    main()
