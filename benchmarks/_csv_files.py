"""Ordinary CSV files of a package of public data sets, and the models to compare with."""

from __future__ import annotations

import csv
import io
import json
import os
import subprocess
import tarfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
from numpy.typing import NDArray

Array = NDArray[Any]

MOST_ROWS = 20_000
TEST_FRACTION = 0.2
MISSING = ("NA", "")


@dataclass(frozen=True)
class CsvFile:
    """A file of the package, and the column to predict."""

    path: str
    target: str

    @property
    def name(self) -> str:
        return self.path.partition("/")[2]


FILES = (
    CsvFile("reshape2/tips", "tip"),
    CsvFile("car/Salaries", "salary"),
    CsvFile("car/Prestige", "prestige"),
    CsvFile("datasets/LifeCycleSavings", "sr"),
    CsvFile("datasets/airquality", "Ozone"),
    CsvFile("Ecdat/Housing", "price"),
    CsvFile("vcd/Baseball", "sal87"),
    CsvFile("ggplot2/diamonds", "price"),
    CsvFile("ggplot2/mpg", "hwy"),
    CsvFile("MASS/Boston", "medv"),
    CsvFile("Ecdat/Wages", "lwage"),
    CsvFile("Ecdat/Computers", "price"),
    CsvFile("MASS/quine", "Days"),
    CsvFile("car/Chile", "vote"),
    CsvFile("COUNT/titanic", "survived"),
    CsvFile("datasets/iris", "Species"),
    CsvFile("MASS/Pima.tr2", "type"),
    CsvFile("MASS/crabs", "sp"),
    CsvFile("MASS/biopsy", "class"),
    CsvFile("Ecdat/Hdma", "deny"),
)
"""Regressions and classifications, with texts, gaps and row numbers; 50 to 20,000 rows."""

FURTHER = (
    CsvFile("COUNT/rwm1984", "outwork"),
    CsvFile("Ecdat/Bwages", "wage"),
    CsvFile("Ecdat/Caschool", "testscr"),
    CsvFile("Ecdat/Cigar", "sales"),
    CsvFile("Ecdat/Clothing", "tsales"),
    CsvFile("Ecdat/Diamond", "price"),
    CsvFile("Ecdat/Fatality", "mrall"),
    CsvFile("Ecdat/Fishing", "mode"),
    CsvFile("Ecdat/MedExp", "med"),
    CsvFile("Ecdat/PSID", "married"),
    CsvFile("Ecdat/Participation", "lfp"),
    CsvFile("Ecdat/Tobacco", "occupation"),
    CsvFile("Ecdat/UnempDur", "ui"),
    CsvFile("HSAUR/Forbes2000", "marketvalue"),
    CsvFile("HistData/PearsonLee", "child"),
    CsvFile("MASS/cpus", "perf"),
    CsvFile("MASS/fgl", "type"),
    CsvFile("MASS/nlschools", "lang"),
    CsvFile("MASS/shuttle", "use"),
    CsvFile("Zelig/macro", "unem"),
    CsvFile("Zelig/turnout", "vote"),
    CsvFile("car/SLID", "wages"),
    CsvFile("datasets/quakes", "mag"),
    CsvFile("ggplot2/movies", "rating"),
    CsvFile("plm/EmplUK", "emp"),
    CsvFile("plm/Produc", "gsp"),
    CsvFile("psych/bfi", "gender"),
    CsvFile("robustbase/NOxEmissions", "LNOx"),
    CsvFile("survival/colon", "status"),
    CsvFile("texmex/summer", "O3"),
)
"""Thirty more, in alphabetical order."""
TUNED, UNSEEN = FURTHER[::2], FURTHER[1::2]
"""The rules of the suggestion may be chosen by the first half. Only their result is measured on the
other."""
SETS = {"documented": FILES, "tuned": TUNED, "unseen": UNSEEN}


@dataclass(frozen=True)
class Table:
    """The rows of a file, as texts."""

    header: list[str]
    rows: list[list[str]]

    def text(self, rows: Sequence[int]) -> str:
        """Return a CSV of some of the rows."""
        out = io.StringIO()
        writer = csv.writer(out, lineterminator="\n")
        writer.writerow(self.header)
        writer.writerows(self.rows[row] for row in rows)
        return out.getvalue()

    def column(self, name: str, rows: Sequence[int]) -> list[str]:
        """Return the cells of a column in some of the rows."""
        index = self.header.index(name)
        return [self.rows[row][index] for row in rows]

    def split(self, target: str, seed: int) -> tuple[list[int], list[int]]:
        """Return the rows to upload and the test rows, in the order of the file.

        Rows without a target are uploaded: nobody knows whether a prediction of them is right.
        """
        known = [row for row, cell in enumerate(self._cells(target)) if cell not in MISSING]
        order = np.random.default_rng([0x7AB1E5, seed]).permutation(known)
        test = {*order[: int(TEST_FRACTION * len(known))].tolist()}
        rows = range(len(self.rows))
        return [row for row in rows if row not in test], sorted(test)

    def _cells(self, name: str) -> list[str]:
        return self.column(name, range(len(self.rows)))


def read_tables(package: Path, files: Sequence[CsvFile]) -> dict[CsvFile, Table]:
    """Return the table of each file, of at most `MOST_ROWS` rows, from the package's archive."""
    with tarfile.open(package) as outer:
        (member,) = (name for name in outer.getnames() if name.endswith("/resources.tar.gz"))
        resources = outer.extractfile(member)
        assert resources is not None
        with tarfile.open(fileobj=resources) as inner:
            return {file: _read(inner, f"resources/rdata/csv/{file.path}.csv") for file in files}


def _read(archive: tarfile.TarFile, path: str) -> Table:
    member = archive.extractfile(path)
    assert member is not None
    header, *rows = csv.reader(io.TextIOWrapper(member, "utf-8"))
    if len(rows) > MOST_ROWS:
        chosen = np.random.default_rng(0).permutation(len(rows))[:MOST_ROWS]
        rows = [rows[row] for row in np.sort(chosen)]
    return Table(header, rows)


@dataclass(frozen=True)
class Encoded:
    """The arrays that the service reads from a table: inputs `(n, features)`, and targets or labels
    `(n,)`."""

    inputs: Array
    targets: Array
    test: Array
    is_regression: bool


_PEERS = """
import json, sys
import numpy as np
from sklearn.ensemble import HistGradientBoostingClassifier, HistGradientBoostingRegressor
from sklearn.linear_model import LinearRegression, LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
for path in sys.argv[1:]:
    with np.load(path) as data:
        inputs, targets, test = data["inputs"], data["targets"], data["test"]
        regression = bool(data["is_regression"])
    linear = LinearRegression() if regression else LogisticRegression(max_iter=5000)
    boosting = HistGradientBoostingRegressor if regression else HistGradientBoostingClassifier
    for model in make_pipeline(StandardScaler(), linear), boosting(random_state=0):
        model.fit(inputs, targets)
        outputs = model.predict(test) if regression else model.predict_proba(test)
        print(json.dumps(outputs.tolist()))
"""


def peer_predictions(python: Path, tables: Sequence[Encoded]) -> list[tuple[Array, Array]]:
    """Return what scikit-learn's linear model and its histogram gradient boosting predict for the
    test rows of each table.

    They have scikit-learn's defaults, the linear model with standardized inputs. `python` has
    scikit-learn. A result is `(n,)` for a regression, else `(n, classes)`.
    """
    with TemporaryDirectory() as folder:
        paths = [Path(folder) / f"{index}.npz" for index in range(len(tables))]
        for path, table in zip(paths, tables, strict=True):
            np.savez(path, **vars(table))
        command = [str(python), "-c", _PEERS, *map(str, paths)]
        # Threads that wait for each other are slow where other programs run too.
        environment = {**os.environ, "OMP_NUM_THREADS": "1"}
        done = subprocess.run(command, capture_output=True, text=True, check=True, env=environment)
    outputs = [np.array(json.loads(line)) for line in done.stdout.splitlines()]
    return list(zip(outputs[::2], outputs[1::2], strict=True))
