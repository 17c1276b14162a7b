"""The verification of a job: its training repeated on this machine, without the service."""

from __future__ import annotations

import importlib.util
import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Literal

from ..deferred import dataclass
from ..errors import EpochalError, MissingDependency
from ..files import Source, csv_text, opened
from ..greenlets import in_thread
from .predictions import Predictions

Library = Literal["numpy", "pytorch"]
GENERATED = "generated"
Verdict = Literal["verified", "partly_verified", "refuted"]


@dataclass(frozen=True)
class Deviation:
    """The deviation of one stored quantity from its repetition: the first deviation beyond its
    tolerance, or the one nearest to it.
    """

    name: str
    """The compared quantity, such as `train_loss`, `gradient of dense_1`, `weights of dense_1`."""
    value: str
    """Which part of it, such as `max_abs`, `histogram` or `dense_1.bias`; empty for a metric."""
    deviation: float
    """Relative to the stored number; for weights to the largest weight of the layer. For an
    accuracy, the relative error of the logits that would explain it. 0 if nothing is compared, and
    1 if the service itself does not get the same bits again.
    """
    tolerance: float
    """The largest deviation that agrees: 1e-9 in float64 and 1e-5 in float32, or more if rounding
    errors of this training may have grown by that epoch. 0 if the bits must be the same.
    """
    epoch: int | None
    """The epoch of that deviation; None if nothing is compared."""
    until: int
    """The epoch up to which everything is compared."""
    compared: int
    """How many numbers were compared: all that do not depend on rounding errors."""
    total: int
    """How many numbers are stored."""

    @property
    def agrees(self) -> bool:
        """Whether the deviation is within tolerance."""
        return self.deviation <= self.tolerance


@dataclass(frozen=True)
class Verification:
    """The result of repeating a training: curves, gradients, weights and optimizer moments."""

    verdict: Verdict
    """`verified` if everything in the table is compared and within tolerance, `refuted` if
    something is not within it; `partly_verified` if only what is compared is.
    """
    deviations: Sequence[Deviation]
    noise: Sequence[str]
    """Weights with a gradient of rounding errors alone, for example a bias before a batch norm:
    their tolerance is ten times the effect of these errors.
    """
    omitted: int
    """How many stored checkpoints were too many to be compared."""
    ends: str = ""
    """Why the program does not follow the job after `until`, such as "the data changed then".
    Empty if rounding errors decide the rest."""
    data_compared: int = 0
    """How many numbers of the data were compared with the file, or with the generator."""
    data_differences: Sequence[str] = ()
    """Differences in the data, each with its row and its column."""

    @property
    def agrees(self) -> bool:
        """Whether all deviations are within tolerance, and no data differ."""
        return not self.data_differences and all(row.agrees for row in self.deviations)

    @property
    def until(self) -> int:
        """The epoch up to which everything is compared."""
        return min(deviation.until for deviation in self.deviations)

    @property
    def first_difference(self) -> Deviation | None:
        """The earliest deviation that is beyond its tolerance; None without one."""
        wrong = [deviation for deviation in self.deviations if not deviation.agrees]
        return min(wrong, key=lambda deviation: deviation.epoch or 0, default=None)


class Verifiable(Predictions):
    """Methods of `Job` that repeat its training."""

    def verify(
        self,
        library: Library = "numpy",
        *,
        data: Source | None = None,
        on_epoch: Callable[[int], None] | None = None,
    ) -> Verification:
        """Repeat the training on this machine and compare every stored epoch.

        Runs the program that `export("training_numpy")` or `export("training_pytorch")` returns, in
        a separate process. It computes in plain NumPy, or in PyTorch, and has nothing in common
        with the service, which hands out states of the training: from each the program continues,
        after it has come to the same. Calls `on_epoch(epoch)` after each epoch; `AsyncClient` calls
        it in another thread.

        The data come from the service unless `data` has yours: the table that you uploaded, as
        `datasets.upload` takes it, or arrays `inputs` and `targets`. Your rows are encoded, split
        by the seed and scaled, and compared with the samples of the training. "generated" draws
        a generated data set again, from its seed.

        Raises `NotFound` if no epoch is stored, `InvalidArgument` if the training is too large for
        a program, and `MissingDependency` if PyTorch is not installed.
        """
        if library == "pytorch" and importlib.util.find_spec("torch") is None:
            raise MissingDependency("This needs PyTorch, which is not installed: pip install torch")
        program = self.export("training_numpy" if library == "numpy" else "training_pytorch")
        with TemporaryDirectory() as folder, Path(folder, "result.json").open("w+") as output:
            path = Path(folder, "training.py")
            path.write_bytes(program)
            command = [sys.executable, str(path), "--json"]
            if data is not None:
                command += ["--data", _written(data, Path(folder))]
            # The products are small: threads would wait for each other.
            environment = {**os.environ, "OPENBLAS_NUM_THREADS": "1", "OMP_NUM_THREADS": "1"}
            with subprocess.Popen(
                command, stdout=output, stderr=subprocess.PIPE, text=True, env=environment
            ) as running:
                try:
                    last_line = in_thread(_last_message, running.stderr, on_epoch or int)
                except BaseException:
                    running.kill()
                    raise
            output.seek(0)
            printed = output.read()
        try:
            result = json.loads(printed)
        except json.JSONDecodeError:
            reason = last_line or f"exit code {running.returncode}"
            raise EpochalError(f"The training program of {self.id} failed: {reason}") from None
        rows = [Deviation(**row) for row in result.pop("rows")]
        return Verification(**{**result, "deviations": rows})


def _last_message(lines: Iterable[str], on_epoch: Callable[[int], object]) -> str:
    """Call `on_epoch` for the lines that are numbers, and return the last of the others."""
    message = ""
    for line in map(str.strip, lines):
        if line.isdecimal():
            on_epoch(int(line))
        else:
            message = line or message
    return message


def _written(data: Source, folder: Path) -> str:
    """Write the data where the program reads them, and return its argument."""
    if data == GENERATED:
        return GENERATED
    with opened(data) as (_, source):
        start = source.read(2)
        path = folder / ("data.npz" if start == b"PK" else "data.csv")
        path.write_bytes(start + source.read())
    if path.suffix == ".csv":
        path.write_text(csv_text(path), "utf-8", newline="")
    return str(path)
