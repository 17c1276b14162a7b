"""The verification of a job: its training repeated on this machine, without the service."""

from __future__ import annotations

import importlib.util
import json
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Literal

from ..deferred import dataclass
from ..errors import EpochalError, MissingDependency
from .predictions import Predictions

Library = Literal["numpy", "pytorch"]


@dataclass(frozen=True)
class Deviation:
    """The largest deviation of one thing that the service stored from its repetition."""

    name: str
    """What is compared, such as `train_loss` or `weights of dense_1`."""
    deviation: float
    """Relative to the stored number; for a curve the divisor is at least a thousandth of its
    largest number, for weights it is the largest weight of the layer. 0 if nothing is compared.
    """
    tolerance: float
    """The largest deviation that agrees: 1e-9 in float64 and 1e-5 in float32, or ten times what
    rounding errors of this training have made of it by that epoch, up to 100 times as much.
    """
    epoch: int | None
    """The epoch of that deviation; None if nothing is compared."""
    compared: int
    """How many numbers were compared: those that rounding errors do not decide."""
    total: int
    """How many numbers are stored."""

    @property
    def agrees(self) -> bool:
        """Whether the deviation is within tolerance."""
        return self.deviation <= self.tolerance


@dataclass(frozen=True)
class Verification:
    """The result of repeating a training: curves, gradient norms and weights."""

    deviations: Sequence[Deviation]
    left_out: Sequence[str]
    """Weights that were not compared, because their gradient is made of rounding errors: for
    example a bias before a batch norm.
    """

    @property
    def agrees(self) -> bool:
        """Whether all deviations are within tolerance."""
        return all(deviation.agrees for deviation in self.deviations)

    @property
    def is_complete(self) -> bool:
        """Whether every stored number was compared, except those of the weights left out.

        The others come after the epoch from which on rounding errors decide the numbers of this
        training: a second repetition with other rounding errors differs in them as well.
        """
        return all(deviation.compared == deviation.total for deviation in self.deviations)


class Verifiable(Predictions):
    """Methods of `Job` that repeat its training."""

    def verify(self, library: Library = "numpy") -> Verification:
        """Repeat the training on this machine and compare every stored epoch.

        Runs the program that `export("training_numpy")` or `export("training_pytorch")` returns, in
        a process of its own. It computes in plain NumPy, or in PyTorch, and has nothing in common
        with the service. Raises `NotFound` if no epoch is stored, `InvalidArgument` if the training
        is too large for a program, and `MissingDependency` if PyTorch is not installed.
        """
        if library == "pytorch" and importlib.util.find_spec("torch") is None:
            raise MissingDependency("This needs PyTorch, which is not installed: pip install torch")
        program = self.export("training_numpy" if library == "numpy" else "training_pytorch")
        with TemporaryDirectory() as folder:
            path = Path(folder, "training.py")
            path.write_bytes(program)
            done = subprocess.run(
                [sys.executable, str(path), "--json"], capture_output=True, text=True, check=False
            )
        try:
            result = json.loads(done.stdout)
        except json.JSONDecodeError:
            reason = done.stderr.strip().rpartition("\n")[2] or f"exit code {done.returncode}"
            raise EpochalError(f"The training program of {self.id} failed: {reason}") from None
        rows = [Deviation(**row) for row in result["rows"]]
        return Verification(rows, result["left_out"])
